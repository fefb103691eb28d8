/**
 * The bytes of a drawing, and how they look: strokes, one after the other, little-endian. A stroke is
 *
 *     u8 ink, u8 width, u16 number of points, then u16 x and u16 y for each point
 *
 * with the width in units of the pad and coordinates in sixteenths of one. In memory a stroke stays what it is
 * in the state, a `Uint8Array`: equal strokes are equal bytes, and a drawing is saved by laying them end to end.
 *
 * @typedef {[x: number, y: number]} Point
 */

/** The most points one stroke can hold. */
export const MOST_POINTS = 0xffff;
/** The largest coordinate, in units. */
export const MOST_UNITS = 0xffff / 16;

const HEAD = 4;
const POINT = 4;

/** @param {number} ink @param {number} width @param {Point[]} points */
export function encode(ink, width, points) {
	const view = new DataView(new ArrayBuffer(HEAD + points.length * POINT));
	view.setUint8(0, ink);
	view.setUint8(1, width);
	view.setUint16(2, points.length, true);
	points.forEach(([x, y], i) => {
		view.setUint16(HEAD + i * POINT, Math.round(x * 16), true);
		view.setUint16(HEAD + i * POINT + 2, Math.round(y * 16), true);
	});
	return new Uint8Array(view.buffer);
}

/** @param {Uint8Array} stroke */
export function decode(stroke) {
	const view = new DataView(stroke.buffer, stroke.byteOffset, stroke.byteLength);
	const points = Array.from({ length: view.getUint16(2, true) }, (_, i) => /** @type {Point} */ ([
		view.getUint16(HEAD + i * POINT, true) / 16,
		view.getUint16(HEAD + i * POINT + 2, true) / 16,
	]));
	return { ink: view.getUint8(0), width: view.getUint8(1), points };
}

/** The strokes of a drawing; a tail that is not a whole stroke is left out. @param {unknown} state */
export function split(state) {
	const bytes = ArrayBuffer.isView(state)
		? new Uint8Array(state.buffer, state.byteOffset, state.byteLength)
		: new Uint8Array(state instanceof ArrayBuffer ? state : []);
	/** @type {Uint8Array[]} */
	const strokes = [];
	for (let at = 0; at + HEAD <= bytes.length;) {
		const end = at + HEAD + (bytes[at + 2] | (bytes[at + 3] << 8)) * POINT;
		if (end > bytes.length) break;
		strokes.push(bytes.subarray(at, end));
		at = end;
	}
	return strokes;
}

/** @param {Uint8Array[]} strokes */
export function join(strokes) {
	const bytes = new Uint8Array(strokes.reduce((sum, { length }) => sum + length, 0));
	let at = 0;
	for (const stroke of strokes) {
		bytes.set(stroke, at);
		at += stroke.length;
	}
	return bytes;
}

/** @param {Uint8Array} a @param {Uint8Array} b */
export const same = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

/**
 * Paints strokes on a cleared canvas, each as one smooth line: a curve from the middle of each segment to the next.
 * Leaves the context in units of the pad.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {Uint8Array[]} strokes
 * @param {string[]} colors what each ink looks like
 * @param {number} units the pad's width
 */
export function paint(canvas, strokes, colors, units) {
	const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
	const scale = canvas.width / units;
	context.setTransform(1, 0, 0, 1, 0, 0);
	context.clearRect(0, 0, canvas.width, canvas.height);
	context.setTransform(scale, 0, 0, scale, 0, 0);
	context.lineCap = context.lineJoin = "round";
	for (const { ink, width, points } of strokes.map(decode)) {
		if (!points.length) continue;
		const [[x, y], ...rest] = points;
		context.strokeStyle = colors[ink] ?? colors[0];
		context.lineWidth = width;
		context.beginPath();
		context.moveTo(x, y);
		rest.forEach(([px, py], i) => {
			const [nx, ny] = rest[i + 1] ?? [px, py];
			context.quadraticCurveTo(px, py, (px + nx) / 2, (py + ny) / 2);
		});
		if (!rest.length) context.lineTo(x, y); // a dot, by its round caps
		context.stroke();
	}
	return context;
}
