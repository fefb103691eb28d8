/**
 * Which part of the x axis is shown. It is state, `range` and `window`, and so the same in all views of a model: a view
 * with a range shows that; without one it follows the newest data, `window` wide, or shows everything.
 *
 * @typedef {{ get: (key: any) => any, set: (key: any, value: any) => void, save_changes: () => void }} Model
 */

/** A view is never narrower than this part of the data, where floats begin to tell. */
const LEAST = 1e-9;

export class View {
	/** From where to where there is data; null while there is none. @type {[number, number] | null} */
	ends = null;
	/** How many values the longest line has. */
	count = 0;
	#model;

	/** @param {Model} model */
	constructor(model) {
		this.#model = model;
	}

	get following() {
		return !pair(this.#model.get("range"));
	}

	/** Everything is in view. */
	get whole() {
		return this.following && this.now.from === this.ends?.[0];
	}

	/** What is shown. */
	get now() {
		const [first, last] = this.ends ?? [0, 1];
		const width = Number(this.#model.get("window"));
		const start = width > 0 ? last - width : first; // a window wider than the data leaves room at its left
		const [from, to] = pair(this.#model.get("range")) ?? [start, last];
		return to > from ? { from, to } : { from: from - 0.5, to: to + 0.5 };
	}

	/**
	 * Shows another part, as far as there is data. One that ends with the data follows it.
	 * @param {number} from @param {number} to @returns {boolean} whether that is another part than before
	 */
	show(from, to) {
		if (!this.ends || this.ends[0] === this.ends[1]) return false;
		const [first, last] = this.ends;
		const all = last - first;
		const before = this.now;
		const tiny = all * LEAST;
		const span = Math.min(Math.max(to - from, (2 * all) / Math.max(this.count - 1, 2), tiny), Math.max(all, before.to - before.from));
		from = Math.min(Math.max(from, Math.min(first, last - span)), last - span);
		const atEnd = from + span >= last - tiny;
		if (Math.abs(from - before.from) <= tiny && Math.abs(from + span - before.to) <= tiny && atEnd === this.following) return false;
		if (atEnd) this.#model.set("window", span >= all - tiny ? null : span);
		this.#model.set("range", atEnd ? null : [from, from + span]);
		this.#model.save_changes();
		return true;
	}

	/** Goes to the newest data, or shows everything. @param {boolean} whole */
	follow(whole) {
		const { from, to } = this.now;
		const [first, last] = this.ends ?? [0, 0];
		return whole ? this.show(first, last) : this.show(last - (to - from), last);
	}

	/**
	 * @param {number} factor above 1 shows more
	 * @param {number} [around] the part of the view that stays where it is, from 0 to 1; else the newest value while it is
	 * followed, or the middle
	 */
	zoom(factor, around = this.following ? 1 : 0.5) {
		const { from, to } = this.now;
		const fixed = from + around * (to - from);
		const span = (to - from) * factor;
		return this.show(fixed - around * span, fixed + (1 - around) * span);
	}

	/** @param {number} parts of the view, to the right */
	pan(parts) {
		const { from, to } = this.now;
		return this.show(from + parts * (to - from), to + parts * (to - from));
	}
}

/** Two numbers that ascend, or null. @param {unknown} value @returns {[number, number] | null} */
export function pair(value) {
	if (!Array.isArray(value)) return null;
	const [low, high] = [Number(value[0]), Number(value[1])];
	return high > low && Number.isFinite(high - low) ? [low, high] : null;
}
