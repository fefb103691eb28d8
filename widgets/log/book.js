/**
 * The lines of one log, by number, for all its views in a page: where the state and the messages become one.
 *
 * A line is known by its number, so it is there once and in its place whichever way it came.
 *
 * @typedef {string | { time?: string | number, level?: string, text: string }} Given
 * @typedef {{ time: string, title: string, level: string, rank: number, text: string }} Line
 */

/** So many lines are kept in a page; the oldest go. */
const KEEP = 10_000;
/** So many more may be there for a while, so that not every line sends another away. */
const SLACK = 500;
/** From the least to the worst. A line without a level, or with a level of its own, counts as info. */
const LEVELS = ["trace", "debug", "info", "warn", "error"];
/** @type {Record<string, string>} */
const ALIASES = { warning: "warn", err: "error", fatal: "error", critical: "error" };
/** The colours of a terminal. */
const CODES = /\x1b\[[\d;]*[A-Za-z]/g;

export class Book {
	/** @type {Map<number, Line>} */
	lines = new Map();
	/** What is below it was cleared away. */
	floor = 0;
	/** The number of the next line. */
	end = 0;
	/** Told the numbers of new lines and of those that went; without numbers all went. @type {Set<(fresh?: number[], gone?: number[]) => void>} */
	views = new Set();

	/** @param {number} floor the number of the next line */
	clear(floor) {
		this.lines.clear();
		this.floor = this.end = floor;
		this.views.forEach((view) => view());
	}

	/** @param {Given[]} given @param {unknown} n the number of the first; without it they go to the end */
	take(given, n) {
		const lines = given.map(read);
		const first = number(n, this.end);
		const other = lines.some(({ text }, i) => (this.lines.get(first + i)?.text ?? text) !== text);
		if (other) this.clear(0); // of a server that has started anew, or a log that was replaced
		this.end = Math.max(this.end, first + lines.length);
		const least = Math.max(this.floor, this.end - KEEP);
		const fresh = lines.map((_, i) => first + i).filter((at) => at >= least && !this.lines.has(at));
		for (const at of fresh) this.lines.set(at, lines[at - first]);
		const gone = this.lines.size > KEEP + SLACK ? [...this.lines.keys()].filter((at) => at < least) : [];
		for (const at of gone) this.lines.delete(at);
		this.views.forEach((view) => view(fresh, gone));
	}
}

/** A whole number that counts lines, or `otherwise`. @param {unknown} value @param {number} otherwise */
export const number = (value, otherwise) => (Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : otherwise);

/** @param {Given} given @returns {Line} */
function read(given) {
	const { time, level, text } = typeof given === "object" && given ? given : { time: "", level: "", text: given };
	const date = typeof time === "number" && Math.abs(time) < 8.64e15 ? new Date(time) : null;
	const said = String(level ?? "").toLowerCase();
	const name = ALIASES[said] ?? said;
	return {
		time: date ? date.toTimeString().slice(0, 8) : String(time ?? ""),
		title: date ? date.toISOString() : "",
		level: name,
		rank: LEVELS.includes(name) ? LEVELS.indexOf(name) : LEVELS.indexOf("info"),
		text: String(text ?? "").replace(CODES, ""),
	};
}
