/**
 * How wide the columns are: as their longest texts need, within limits, and where there is more room, all in proportion. Rows
 * are apart from each other in the document, so this is worked out once and not left to their layout.
 *
 * @import { Data } from "./data.js"
 */

/** Of a column, in px at a text size of 16. */
const NARROWEST = 64;
const WIDEST = 320;
/** Beside the text: the padding of a cell; in a header also the arrow. */
const PADDING = 26;
const ARROW = 20;
/** Rows that are looked at, evenly spread: one that is missed has its text cut off, with an ellipsis. */
const SAMPLE = 2000;
/** The longest texts of a column by letters, which are measured: letters differ in width. */
const MEASURED = 4;

/** As `grid-template-columns`. @param {Data} data @param {HTMLElement} cells whose font is that of the cells */
export function widths(data, cells) {
	const { fontSize, fontFamily } = getComputedStyle(cells);
	const context = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
	const em = parseFloat(fontSize) / 16;
	const every = Math.ceil(data.rows.length / SAMPLE) || 1;
	/** @param {string} weight @param {string} text */
	const width = (weight, text) => {
		context.font = `${weight} ${fontSize} ${fontFamily}`;
		return context.measureText(text).width;
	};
	return data.columns.map(({ label }, column) => {
		/** @type {string[]} */
		const longest = [];
		for (let row = 0; row < data.rows.length; row += every) {
			const text = data.text(row, column);
			if (longest.length === MEASURED && text.length <= longest[MEASURED - 1].length) continue;
			longest.push(text);
			longest.sort((a, b) => b.length - a.length).splice(MEASURED);
		}
		const needed = Math.max(width("600", label) + ARROW, ...longest.map((text) => width("400", text))) + PADDING;
		const px = Math.ceil(Math.min(Math.max(needed, NARROWEST * em), WIDEST * em));
		return `minmax(${px}px, ${px}fr)`;
	}).join(" ");
}
