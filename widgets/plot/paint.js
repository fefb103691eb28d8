/**
 * Draws a plot on a canvas: grid, axes, lines and the crosshair. It knows no state and no events; what it is given it draws.
 *
 * @typedef {{ color: string, blocks: number[] }} Stroke blocks as the pyramid gives them: place, low, high, …
 * @typedef {{ from: number, to: number, low: number, high: number }} Window
 * @typedef {{ x: number[], y: number[], writeX: (x: number) => string, writeY: (y: number) => string, titleX: string, titleY: string }} Axes
 * @typedef {{ part: number, text: string, points: { color: string, x: number, y: number }[] }} Cross
 * @typedef {{ ink: string, muted: string, line: string, font: string, size: number }} Pens `size` is that of the font (px)
 * @typedef {{ left: number, top: number, width: number, height: number }} Box
 */
import { solid } from "./pyramid.js";

/** All in CSS px. */
const LINE_WIDTH = 1.75;
const MARGIN = 10;
/** Where values are this far apart each of them gets a dot. */
const DOTS_FROM = 14;
const DOT = 3;
/** The left margin grows in such steps, so that a pan does not shake the plot. */
const GUTTER = 8;

/** Where the lines are drawn; the rest of the canvas is for the numbers. @param {CanvasRenderingContext2D} context with the font @param {Axes} axes @param {Pens} pens @param {number} width @param {number} height @returns {Box} */
export function boxOf(context, axes, pens, width, height) {
	const widest = Math.max(0, ...axes.y.map((y) => context.measureText(axes.writeY(y)).width));
	const left = Math.ceil((widest + MARGIN) / GUTTER) * GUTTER;
	const top = axes.titleY ? pens.size * 2.1 : pens.size * 0.8;
	const bottom = pens.size * (axes.titleX ? 3.6 : 2.1);
	return { left, top, width: Math.max(width - left - MARGIN, 1), height: Math.max(height - top - bottom, 1) };
}

/**
 * @param {CanvasRenderingContext2D} context scaled to CSS px @param {Box} box @param {Window} window @param {Axes} axes
 * @param {Stroke[]} strokes @param {Cross | null} cross @param {Pens} pens
 */
export function paint(context, box, window, axes, strokes, cross, pens) {
	const x = (/** @type {number} */ place) => box.left + ((place - window.from) / (window.to - window.from)) * box.width;
	const y = (/** @type {number} */ value) => box.top + ((window.high - value) / (window.high - window.low)) * box.height;
	drawAxes(context, box, axes, pens, x, y);
	context.save();
	context.beginPath();
	context.rect(box.left - DOT, box.top - DOT, box.width + 2 * DOT, box.height + 2 * DOT);
	context.clip();
	for (const stroke of strokes) drawLine(context, stroke, x, y);
	context.restore();
	if (cross) drawCross(context, box, cross, pens, x, y);
}

/** @typedef {(value: number) => number} Scale */

/** @param {CanvasRenderingContext2D} context @param {Box} box @param {Axes} axes @param {Pens} pens @param {Scale} x @param {Scale} y */
function drawAxes(context, { left, top, width, height }, axes, pens, x, y) {
	const bottom = top + height;
	context.lineWidth = 1;
	context.strokeStyle = pens.line;
	context.fillStyle = pens.muted;
	context.textBaseline = "middle";
	context.textAlign = "right";
	for (const value of axes.y) {
		const at = Math.round(y(value)) + 0.5;
		context.globalAlpha = at > bottom - 1 ? 1 : 0.6;
		segment(context, left, at, left + width, at);
		context.globalAlpha = 1;
		context.fillText(axes.writeY(value), left - 8, at);
	}
	context.textBaseline = "alphabetic";
	context.textAlign = "center";
	const room = left + width + MARGIN;
	for (const value of axes.x) {
		const at = Math.round(x(value)) + 0.5;
		segment(context, at, bottom, at, bottom + 4);
		const text = axes.writeX(value);
		const half = context.measureText(text).width / 2;
		context.fillText(text, Math.min(Math.max(at, half), room - half), bottom + pens.size * 1.6);
	}
	if (axes.titleX) context.fillText(axes.titleX, left + width / 2, bottom + pens.size * 3.2, width);
	context.textAlign = "left";
	if (axes.titleY) context.fillText(axes.titleY, left > 2 * MARGIN ? 2 : left, pens.size, left + width);
}

/** @param {CanvasRenderingContext2D} context @param {Stroke} stroke @param {Scale} x @param {Scale} y */
function drawLine(context, { color, blocks }, x, y) {
	context.strokeStyle = context.fillStyle = color;
	context.lineWidth = LINE_WIDTH;
	context.lineJoin = context.lineCap = "round";
	/** Over the gaps, from the last point before to the first after. @type {number[][]} */
	const bridges = [];
	let [lastX, lastY, drawing] = [NaN, NaN, false];
	context.beginPath();
	for (let i = 0; i < blocks.length; i += 3) {
		const [low, high] = [blocks[i + 1], blocks[i + 2]];
		if (!solid(low, high)) {
			drawing = false;
			continue;
		}
		const at = x(blocks[i]);
		// The nearer end first: where a line only rises or only falls, none of it is drawn twice.
		const [one, other] = [y(low), y(high)];
		const [near, far] = Math.abs(one - lastY) <= Math.abs(other - lastY) ? [one, other] : [other, one];
		if (drawing) context.lineTo(at, near);
		else {
			if (!Number.isNaN(lastX)) bridges.push([lastX, lastY, at, near]);
			context.moveTo(at, near);
			context.lineTo(at + 0.1, near); // a dot, should it stand alone
			drawing = true;
		}
		if (far !== near) context.lineTo(at, far);
		[lastX, lastY] = [at, far];
	}
	context.stroke();
	const apart = (x(blocks.at(-3) ?? 0) - x(blocks[0])) / (blocks.length / 3 - 1);
	if (apart >= DOTS_FROM) for (let i = 0; i < blocks.length; i += 3) if (solid(blocks[i + 1], blocks[i + 2])) dot(context, x(blocks[i]), y(blocks[i + 1]), DOT);
	if (!bridges.length) return;
	context.setLineDash([1, 5]);
	context.globalAlpha = 0.7;
	for (const [fromX, fromY, toX, toY] of bridges) segment(context, fromX, fromY, toX, toY);
	context.setLineDash([]);
	context.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} context @param {Box} box @param {Cross} cross @param {Pens} pens @param {Scale} x @param {Scale} y */
function drawCross(context, { left, top, width, height }, { part, text, points }, pens, x, y) {
	const at = Math.round(left + part * width) + 0.5;
	context.strokeStyle = pens.muted;
	context.lineWidth = 1;
	segment(context, at, top, at, top + height);
	// The ground is the page's and not known here, so rims and the text in the pill are holes that let it show.
	for (const point of points) {
		context.globalCompositeOperation = "destination-out";
		dot(context, x(point.x), y(point.y), 5.5);
		context.globalCompositeOperation = "source-over";
		context.fillStyle = point.color;
		dot(context, x(point.x), y(point.y), 4);
	}
	const half = context.measureText(text).width / 2 + 8;
	const middle = Math.min(Math.max(at, half), left + width + MARGIN - half);
	context.fillStyle = pens.ink;
	context.beginPath();
	context.roundRect(middle - half, top + height + pens.size * 0.45, 2 * half, pens.size * 1.65, 6);
	context.globalCompositeOperation = "destination-out";
	context.fill(); // what was written there
	context.globalCompositeOperation = "source-over";
	context.fill();
	context.globalCompositeOperation = "destination-out";
	context.textAlign = "center";
	context.fillText(text, middle, top + height + pens.size * 1.6);
	context.globalCompositeOperation = "source-over";
}

/** @param {CanvasRenderingContext2D} context @param {number} fromX @param {number} fromY @param {number} toX @param {number} toY */
function segment(context, fromX, fromY, toX, toY) {
	context.beginPath();
	context.moveTo(fromX, fromY);
	context.lineTo(toX, toY);
	context.stroke();
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} radius */
function dot(context, x, y, radius) {
	context.beginPath();
	context.arc(x, y, radius, 0, 2 * Math.PI);
	context.fill();
}
