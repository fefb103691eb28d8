/**
 * Mouse, finger and keys on the rows of a table. A click selects a row alone, with Ctrl or ⌘, or by a finger, it adds or
 * removes one, and with Shift it selects up to there. Keys move the active row; Space adds or removes it.
 *
 * @import { Rows } from "./rows.js"
 * @import { Selection } from "./selection.js"
 * @typedef {object} Table
 * @property {Rows} rows
 * @property {Selection} selection
 * @property {() => number[]} order indices of the rows that show
 * @property {() => void} mark shows what became of the selection
 * @property {(row: number) => string} line a row as text, its cells apart by tabs
 */

/** @param {HTMLElement} grid @param {HTMLElement} body of the grid @param {Table} table @param {AbortSignal} signal */
export function hands(grid, body, { rows, selection, order, mark, line }, signal) {
	/** Makes the row at a position active, or the one nearest to it. @param {number} position @param {boolean} extend */
	function go(position, extend) {
		const list = order();
		const at = Math.min(Math.max(position, 0), list.length - 1);
		if (at < 0) return;
		extend ? selection.extend(list[at], list) : selection.move(list[at]);
		rows.reveal(at);
	}

	/** Its full text where a cell is cut off. */
	body.addEventListener("mouseover", ({ target }) => {
		if (target instanceof HTMLElement && target.role === "gridcell") target.title = target.scrollWidth > target.clientWidth ? target.textContent : "";
	}, { signal });

	body.addEventListener("mousedown", (event) => {
		if (event.target === body || event.button !== 0) return; // its scrollbar
		event.preventDefault(); // the focus goes to the grid, not to what scrolls
		grid.focus({ preventScroll: true });
	}, { signal });

	body.addEventListener("click", (event) => {
		const element = event.target instanceof Element && event.target.closest("[aria-rowindex]");
		if (!element) return;
		const row = order()[Number(element.getAttribute("aria-rowindex")) - 2];
		const finger = event instanceof PointerEvent && event.pointerType === "touch";
		if (event.shiftKey) selection.extend(row, order());
		else if (event.ctrlKey || event.metaKey || finger) selection.toggle(row);
		else selection.only(row);
		mark();
	}, { signal });

	grid.addEventListener("focus", () => {
		if (selection.active >= 0 || !grid.matches(":focus-visible")) return;
		go(0, false);
		mark();
	}, { signal });

	grid.addEventListener("keydown", (event) => {
		if (event.target !== grid || event.altKey) return; // not those of the headers
		const list = order();
		const now = list.indexOf(selection.active);
		/** @type {Record<string, number>} */
		const targets = { ArrowDown: now + 1, ArrowUp: now - 1, PageDown: now + rows.page, PageUp: now - rows.page, Home: 0, End: list.length - 1 };
		const control = event.ctrlKey || event.metaKey;
		if (control && event.key.toLowerCase() === "a") selection.all(list);
		else if (control && !["Home", "End", " "].includes(event.key)) return;
		else if (event.key in targets) go(targets[event.key], event.shiftKey);
		else if (event.key === " " && now >= 0) event.shiftKey ? selection.extend(selection.active, list) : selection.toggle(selection.active);
		else if (event.key === "Enter" && now >= 0) selection.only(selection.active);
		else if (event.key === "Escape") selection.clear();
		else return;
		event.preventDefault(); // the page would scroll, or all of it be selected
		mark();
	}, { signal });

	grid.addEventListener("copy", (event) => {
		const picked = order().filter((row) => selection.rows.has(row));
		if (event.target !== grid || !picked.length) return;
		event.clipboardData?.setData("text/plain", picked.map(line).join("\n"));
		event.preventDefault();
	}, { signal });
}
