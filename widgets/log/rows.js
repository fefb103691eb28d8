/**
 * The rows of one view, in the order of their numbers. A hundred share an element that, once it is full, is laid out
 * together or not at all while it is out of sight, so ten thousand cost little more than those that can be seen.
 */

/** Rows in an element. */
const CHUNK = 100;

export class Rows {
	/** @type {Map<number, HTMLElement>} */
	#rows = new Map();
	/** @type {Map<number, HTMLElement>} */
	#chunks = new Map();
	#body;

	/** @param {HTMLElement} body */
	constructor(body) {
		this.#body = body;
	}

	/** @param {number} n */
	get = (n) => this.#rows.get(n);
	numbers = () => [...this.#rows.keys()];

	/** @param {number} n @param {import("./book.js").Line} line */
	add(n, line) {
		const row = make("aw-log-line", n);
		row.dataset.rank = String(line.rank);
		row.title = line.title;
		for (const part of /** @type {const} */ (["time", "level", "text"])) {
			const cell = document.createElement("span");
			cell.className = `aw-log-${part}`;
			cell.textContent = line[part];
			if (line[part] || part === "text") row.append(cell, " "); // copied by hand, the parts stand apart
		}
		const index = Math.floor(n / CHUNK);
		const chunk = this.#chunks.get(index) ?? make("aw-log-chunk", index);
		if (!chunk.parentNode) insert(this.#body, chunk);
		insert(chunk, row);
		chunk.classList.toggle("aw-log-full", chunk.childElementCount === CHUNK);
		this.#chunks.set(index, chunk);
		this.#rows.set(n, row);
	}

	/** @param {number[]} numbers */
	drop(numbers) {
		for (const n of numbers) {
			const chunk = this.#rows.get(n)?.parentElement;
			this.#rows.get(n)?.remove();
			this.#rows.delete(n);
			if (!chunk || chunk.firstElementChild) continue;
			chunk.remove();
			this.#chunks.delete(Number(chunk.dataset.n));
		}
	}

	/** Names the holes before and behind these lines, and what is missing in front of all. @param {number[]} numbers @param {number} floor */
	nameHoles(numbers, floor) {
		const first = /** @type {HTMLElement | undefined} */ (this.#body.firstElementChild?.firstElementChild);
		const around = numbers.map(this.get).flatMap((row) => (row ? [row, beside(row, "next")] : []));
		for (const row of new Set([first, ...around])) {
			if (!row) continue;
			const last = beside(row, "previous");
			const missing = Number(row.dataset.n) - (last ? Number(last.dataset.n) + 1 : floor);
			if (missing > 0) row.dataset.hole = `${missing.toLocaleString()} ${last ? "missing" : "earlier"} ${missing === 1 ? "line" : "lines"}`;
			else delete row.dataset.hole;
		}
	}
}

/** The row before or behind, perhaps in another chunk. @param {HTMLElement} row @param {"previous" | "next"} side @returns {HTMLElement | undefined} */
function beside(row, side) {
	const chunk = row.parentElement?.[`${side}ElementSibling`];
	return /** @type {any} */ (row[`${side}ElementSibling`] ?? (side === "next" ? chunk?.firstElementChild : chunk?.lastElementChild));
}

/** @param {string} className @param {number} n */
function make(className, n) {
	const element = document.createElement("div");
	element.className = className;
	element.dataset.n = String(n);
	return element;
}

/** Puts an element among others that stand in the order of their numbers. @param {Element} parent @param {HTMLElement} child */
function insert(parent, child) {
	let last = /** @type {HTMLElement | null} */ (parent.lastElementChild);
	while (last && Number(last.dataset.n) > Number(child.dataset.n)) last = /** @type {HTMLElement | null} */ (last.previousElementSibling);
	if (last) last.after(child);
	else parent.prepend(child);
}
