/**
 * The lowest and highest values of ever larger blocks of a list: a line of any length is drawn from about as many
 * blocks as there are pixels, and nothing else of it is read.
 *
 * @typedef {Float32Array | Float64Array} Numbers
 * @typedef {{ lows: Numbers, highs: Numbers }} Level
 */

export class Pyramid {
	/**
	 * Level k has the blocks of 2^k values. Blocks begin at multiples of their size whatever is in view, so that a line
	 * keeps its shape while it is panned. A block without a finite value has a low above its high.
	 * @type {Level[]}
	 */
	levels = [];

	/** @param {Numbers} values numbers that are not finite are gaps */
	constructor(values) {
		let level = { lows: values, highs: values };
		this.levels.push(level);
		while (level.lows.length > 1) this.levels.push((level = halved(level)));
	}

	/**
	 * Blocks that cover the values from `first` to `last`, as [place, low, high, place, low, high, …]. Each is the largest
	 * that is not wider than `most`, and a single value where even two are wider; `place` is that of its first value.
	 * @param {(index: number) => number} at where a value stands; grows with the index
	 * @param {number} first @param {number} last @param {number} most
	 */
	blocks(at, first, last, most) {
		const { levels } = this;
		const end = (levels[0]?.lows.length ?? 0) - 1;
		/** @type {number[]} */
		const blocks = [];
		let k = 0;
		for (let i = Math.max(first, 0); i <= Math.min(last, end); i += 1 << k) {
			const place = at(i);
			const fits = (/** @type {number} */ k) => i % (1 << k) === 0 && at(Math.min(i + (1 << k) - 1, end)) - place <= most;
			while (k > 0 && !fits(k)) k--;
			while (k + 1 < levels.length && fits(k + 1)) k++;
			const { lows, highs } = /** @type {Level} */ (levels[k]);
			blocks.push(place, /** @type {number} */ (lows[i >> k]), /** @type {number} */ (highs[i >> k]));
		}
		return blocks;
	}
}

/** Whether a block has a value: false where one of both is NaN or infinite. @param {number} low @param {number} high */
export const solid = (low, high) => high - low >= 0;

/** @param {Level} level */
function halved({ lows, highs }) {
	const length = Math.ceil(lows.length / 2);
	const Kind = lows instanceof Float32Array ? Float32Array : Float64Array;
	const half = { lows: new Kind(length).fill(Infinity), highs: new Kind(length).fill(-Infinity) };
	for (let i = 0; i < lows.length; i++) {
		const low = /** @type {number} */ (lows[i]);
		const high = /** @type {number} */ (highs[i]);
		if (!solid(low, high)) continue;
		if (low < /** @type {number} */ (half.lows[i >> 1])) half.lows[i >> 1] = low;
		if (high > /** @type {number} */ (half.highs[i >> 1])) half.highs[i >> 1] = high;
	}
	return half;
}
