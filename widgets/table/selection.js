/**
 * Which rows are selected. The selection is state, `selected`, as indices into `rows`, so it stays with its rows when they
 * are sorted or filtered; the active row, which the keys move, and the anchor, where a range begins, are a view's own.
 *
 * @typedef {{ get: (key: any) => any, set: (key: any, value: any) => void, save_changes: () => void }} Model
 */

export class Selection {
	/** Index of the active row; -1 for none. */
	active = -1;
	/** @type {Set<number>} */
	rows = new Set();
	#anchor = -1;
	#model;

	/** @param {Model} model */
	constructor(model) {
		this.#model = model;
	}

	/** Takes what the state says. @param {number} count of rows there are */
	read(count) {
		const list = this.#model.get("selected");
		this.rows = new Set((Array.isArray(list) ? list : []).filter((row) => Number.isInteger(row) && row >= 0 && row < count));
		if (this.active >= count) this.active = this.#anchor = -1;
	}

	/** Makes a row active, and alone selected. @param {number} row */
	only(row) {
		this.move(row);
		this.#write([row]);
	}

	/** Makes a row active, and selected if it was not. @param {number} row */
	toggle(row) {
		this.move(row);
		this.#write(this.rows.has(row) ? [...this.rows].filter((one) => one !== row) : [...this.rows, row]);
	}

	/** Makes a row active and selects all from the anchor to it. @param {number} row @param {number[]} order of the rows that show */
	extend(row, order) {
		const anchor = order.indexOf(this.#anchor);
		const end = order.indexOf(row);
		const start = anchor < 0 ? end : anchor;
		this.active = row;
		if (anchor < 0) this.#anchor = row;
		this.#write(order.slice(Math.min(start, end), Math.max(start, end) + 1));
	}

	/** Makes a row active; ranges begin there. @param {number} row */
	move(row) {
		this.active = this.#anchor = row;
	}

	/** @param {number[]} order of the rows that show */
	all(order) {
		this.#write(order);
	}

	clear() {
		if (this.rows.size) this.#write([]);
	}

	/** @param {number[]} rows */
	#write(rows) {
		this.rows = new Set(rows);
		this.#model.set("selected", [...this.rows].sort((a, b) => a - b));
		this.#model.save_changes();
	}
}
