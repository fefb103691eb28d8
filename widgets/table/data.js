/**
 * The rows of a table and the questions asked of them: what a cell says, in which order the rows stand, which of them hold
 * some words. An order and the text to search are made once for rows that do not change, so that a key press in the filter
 * looks through ready text, and a second sort by the same column costs nothing.
 *
 * @typedef {{ key: string, label: string, number: boolean, write: (value: unknown) => string }} Column
 */

/** Numbers within texts count as numbers: Room 9 comes before Room 10. */
const collator = new Intl.Collator(undefined, { numeric: true });
/** Decimals of a number whose column does not say how many: all that are not the noise of binary fractions. */
const DECIMALS = 12;

export class Data {
	/** @type {Column[]} */
	columns;
	/** By the index that `selected` means. @type {unknown[][]} */
	rows;
	/** What is wrong with the state. @type {string[]} */
	problems = [];
	/** Ascending, by column. @type {Map<number, number[]>} */
	#orders = new Map();
	/** The text of each row, as `fold` gives it. @type {string[] | undefined} */
	#texts;

	/** @param {unknown} columns @param {unknown} rows */
	constructor(columns, rows) {
		if (rows != null && !Array.isArray(rows)) this.problems.push("“rows” is not a list of lists.");
		if (columns != null && !Array.isArray(columns)) this.problems.push("“columns” is not a list.");
		const list = Array.isArray(rows) ? rows : [];
		const bad = list.flatMap((row, i) => (Array.isArray(row) ? [] : [i]));
		if (bad.length) this.problems.push(`${count(bad.length, "row")} ${bad.length === 1 ? "is not a list and is" : "are not lists and are"} shown empty; the first has the index ${bad[0]}.`);
		this.rows = bad.length ? list.map((row) => (Array.isArray(row) ? row : [])) : list;
		this.columns = (Array.isArray(columns) ? columns : []).map((column, i) => this.#column(column, i));
	}

	/** @param {any} given a name, or `{key, label, type, digits}` @param {number} at @returns {Column} */
	#column(given, at) {
		const { key, label, type, digits } = typeof given === "object" && given ? given : { key: given, label: given, type: undefined, digits: undefined };
		const number = type ? type === "number" : this.rows.some((row) => typeof row[at] === "number") && this.rows.every((row) => row[at] == null || typeof row[at] === "number");
		const places = Number.isInteger(digits) ? Math.min(Math.max(digits, 0), DECIMALS) : undefined;
		const format = new Intl.NumberFormat(undefined, { minimumFractionDigits: places ?? 0, maximumFractionDigits: places ?? DECIMALS });
		const write = (/** @type {unknown} */ value) => (number && typeof value === "number" ? (Number.isNaN(value) ? "" : format.format(value)) : plain(value));
		return { key: String(key ?? at), label: String(label ?? key ?? `Column ${at + 1}`), number, write };
	}

	/** @param {number} row @param {number} column */
	text(row, column) {
		return this.columns[column]?.write(this.rows[row]?.[column]) ?? "";
	}

	/**
	 * The indices of the rows that hold every word of the filter, sorted by a column, empty cells last.
	 * @param {{ column?: unknown, descending?: unknown } | null | undefined} sort @param {unknown} filter
	 */
	order(sort, filter) {
		const column = sort ? this.columns.findIndex(({ key }) => key === String(sort.column)) : -1;
		const sorted = column < 0 ? this.rows.map((_, i) => i) : this.#sorted(column, Boolean(sort?.descending));
		const words = fold(String(filter ?? "")).split(/\s+/).filter(Boolean);
		if (!words.length) return sorted;
		this.#texts ??= this.rows.map((row) => fold(this.columns.map((column, i) => searchable(row[i], column)).join("\n")));
		const texts = this.#texts;
		return sorted.filter((row) => words.every((word) => texts[row]?.includes(word)));
	}

	/** @param {number} column @param {boolean} descending */
	#sorted(column, descending) {
		const values = this.rows.map((row) => row[column]);
		const empty = (/** @type {number} */ row) => values[row] == null || values[row] === "" || Number.isNaN(values[row]);
		let ascending = this.#orders.get(column);
		if (!ascending) {
			const filled = values.flatMap((_, row) => (empty(row) ? [] : [row]));
			const numbers = /** @type {any[]} */ (values);
			const texts = this.columns[column]?.number ? [] : values.map(plain);
			const compare = texts.length ? (/** @type {number} */ a, /** @type {number} */ b) => collator.compare(texts[a] ?? "", texts[b] ?? "")
				: (/** @type {number} */ a, /** @type {number} */ b) => numbers[a] - numbers[b];
			ascending = [...filled.sort((a, b) => compare(a, b) || a - b), ...values.flatMap((_, row) => (empty(row) ? [row] : []))];
			this.#orders.set(column, ascending);
		}
		if (!descending) return [...ascending];
		const filled = ascending.findIndex(empty);
		const end = filled < 0 ? ascending.length : filled;
		return [...ascending.slice(0, end).reverse(), ...ascending.slice(end)];
	}
}

/** "1 row", "10,000 rows". @param {number} number @param {string} noun */
export const count = (number, noun) => `${number.toLocaleString()} ${noun}${number === 1 ? "" : "s"}`;

/** What differs in case or accents alone is the same. @param {string} text */
const fold = (text) => (/[^\0-\x7f]/.test(text) ? text.normalize("NFD").replace(/\p{M}/gu, "") : text).toLowerCase();

/** @param {unknown} value */
const plain = (value) => (value == null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

/** Numbers are found as they are shown, 1,234, and as they are written, 1234. @param {unknown} value @param {Column} column */
const searchable = (value, { number, write }) => (number && typeof value === "number" && Math.abs(value) >= 1000 ? `${value} ${write(value)}` : plain(value));
