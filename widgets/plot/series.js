/**
 * Reads the state of a plot: what stands in `series` and `x` becomes lines that can be looked up by place, or a sentence
 * that says what is wrong with it.
 *
 * @import { Numbers } from "./pyramid.js"
 * @typedef {{ at: (index: number) => number, find: (place: number) => number }} Places `find` gives the last index that is
 * not right of a place, -1 if all are
 * @typedef {{ label: string, values: Numbers, places: Places, pyramid: Pyramid }} Line
 */
import { Pyramid, solid } from "./pyramid.js";

/**
 * One entry for each series: its line, or its label and the problem.
 * @param {unknown} series @param {unknown} x
 * @returns {(Line | { label: string, problem: string })[]}
 */
export function read(series, x) {
	if (series == null) return [];
	if (!Array.isArray(series)) return [{ label: "series", problem: "it is not a list" }];
	return series.map((one, i) => {
		const label = String(one?.label ?? `Line ${i + 1}`);
		try {
			const values = numbers(one?.y ?? [], Float32Array, "y");
			return { label, values, places: places(one?.x ?? x, values.length), pyramid: new Pyramid(values) };
		} catch (error) {
			return { label, problem: error instanceof Error ? error.message : String(error) };
		}
	});
}

/** From where to where the lines reach; null if they have no point. @param {Line[]} lines @returns {[number, number] | null} */
export function extent(lines) {
	const some = lines.filter(({ values }) => values.length);
	if (!some.length) return null;
	return [Math.min(...some.map(({ places }) => places.at(0))), Math.max(...some.map(({ places, values }) => places.at(values.length - 1)))];
}

/** The lowest and the highest value of blocks that stand within a window; null if there is none. @param {number[][]} lists @param {number} from @param {number} to @returns {[number, number] | null} */
export function peaks(lists, from, to) {
	let [lowest, highest] = [Infinity, -Infinity];
	for (const blocks of lists) {
		for (let i = 0; i < blocks.length; i += 3) {
			const [place, low, high] = /** @type {[number, number, number]} */ ([blocks[i], blocks[i + 1], blocks[i + 2]]);
			if (place < from || place > to || !solid(low, high)) continue;
			if (low < lowest) lowest = low;
			if (high > highest) highest = high;
		}
	}
	return highest >= lowest ? [lowest, highest] : null;
}

/** The index that stands nearest to a place. @param {Line} line @param {number} place */
export function nearest({ places: { at, find }, values }, place) {
	const left = Math.max(find(place), 0);
	const right = Math.min(left + 1, values.length - 1);
	return Math.abs(at(right) - place) < Math.abs(at(left) - place) ? right : left;
}

/**
 * What each line has next to a place, as far as that is in view.
 * @param {{ index: number, line: Line, color: string }[]} lines @param {number} place @param {{ from: number, to: number }} view
 */
export function readings(lines, place, { from, to }) {
	const all = lines.map(({ index, color, line }) => {
		const i = nearest(line, place);
		return { index, color, label: line.label, x: line.places.at(i), y: /** @type {number} */ (line.values[i]) };
	});
	return all.filter(({ x }) => x >= from && x <= to);
}

/**
 * @param {unknown} value bytes or a list
 * @param {Float32ArrayConstructor | Float64ArrayConstructor} Kind what the bytes are, little-endian as the computers that run browsers
 * @param {string} name
 * @returns {Numbers}
 */
function numbers(value, Kind, name) {
	if (Array.isArray(value)) return Float64Array.from(value, (one) => (one == null ? NaN : Number(one)));
	if (value instanceof Float32Array || value instanceof Float64Array) return value;
	if (!ArrayBuffer.isView(value)) throw new Error(`${name} is neither bytes nor a list of numbers`);
	const size = Kind.BYTES_PER_ELEMENT;
	const { byteOffset, byteLength } = value;
	const buffer = /** @type {ArrayBuffer} */ (value.buffer);
	if (byteLength % size) throw new Error(`${name} has ${byteLength.toLocaleString()} bytes, which is no multiple of ${size}: a number is cut off`);
	return byteOffset % size ? new Kind(buffer.slice(byteOffset, byteOffset + byteLength)) : new Kind(buffer, byteOffset, byteLength / size);
}

/** @param {any} x @param {number} length of the line @returns {Places} */
function places(x, length) {
	if (x == null || (typeof x === "object" && "step" in x)) {
		const { start = 0, step = 1 } = x ?? {};
		if (!Number.isFinite(start) || !(step > 0 && step < Infinity)) throw new Error("x needs a number as start and a positive one as step");
		return { at: (i) => start + i * step, find: (place) => Math.min(Math.max(Math.floor((place - start) / step + 1e-9), -1), length - 1) };
	}
	const list = numbers(x, Float64Array, "x");
	if (list.length !== length) throw new Error(`it has ${length.toLocaleString()} values, and x has ${list.length.toLocaleString()}`);
	const at = (/** @type {number} */ i) => /** @type {number} */ (list[i]);
	for (let i = 0; i < length; i++) if (!Number.isFinite(at(i)) || at(i) < at(i - 1)) throw new Error(`x must grow, and does not at index ${i.toLocaleString()}`);
	return {
		at,
		find(place) {
			let [low, high] = [0, length];
			while (low < high) at((low + high) >> 1) <= place ? (low = ((low + high) >> 1) + 1) : (high = (low + high) >> 1);
			return low - 1;
		},
	};
}
