/**
 * Turns what hands do on the canvas into another view of the axis, or into a place to read.
 *
 * The wheel alone scrolls the page; with Ctrl or ⌘ (which is also how a pinch on a trackpad arrives) it zooms, and sideways
 * or with Shift it pans, as long as there is something to pan to. One finger pans sideways, two of them zoom, and up and
 * down a finger scrolls the page.
 *
 * @import { View } from "./view.js"
 * @typedef {object} Reader
 * @property {() => { left: number, width: number }} box where the lines are on the canvas (CSS px)
 * @property {(part: number | null) => void} read puts the crosshair there, or takes it away
 * @property {(direction: number) => void} stride moves it to the next value
 * @property {() => void} say tells those who do not see it what the keys did
 */

/** Of one press of a key or button, and of one unit of the wheel. */
export const ZOOM = 1.5;
const WHEEL_ZOOM = 0.0025;
/** Arrows pan by this part of the view. */
const PAN = 0.1;
/** More views than any is away from the first value. */
const FAR = 1e12;
/** A notch of a wheel that counts in lines (px). */
const LINE = 16;
/** Two fingers nearer to each other than this part of the plot would zoom without end. */
const APART = 0.02;

/** @param {HTMLElement} canvas @param {View} view @param {Reader} reader @param {AbortSignal} signal */
export function gestures(canvas, view, reader, signal) {
	/** The fingers that hold the plot: where they are, and the value that each holds. @type {Map<number, { part: number, value: number }>} */
	const grips = new Map();

	/** @param {MouseEvent} event */
	function partOf({ clientX }) {
		const { left, width } = reader.box();
		return (clientX - canvas.getBoundingClientRect().left - left) / width;
	}

	function regrip() {
		const { from, to } = view.now;
		for (const one of grips.values()) one.value = from + one.part * (to - from);
	}

	canvas.addEventListener("pointerdown", (event) => {
		if (event.button !== 0 || grips.size === 2) return;
		canvas.setPointerCapture(event.pointerId);
		grips.set(event.pointerId, { part: partOf(event), value: 0 });
		regrip();
		canvas.classList.add("aw-plot-dragging");
		reader.read(partOf(event));
	}, { signal });

	canvas.addEventListener("pointermove", (event) => {
		reader.read(partOf(event));
		const grip = grips.get(event.pointerId);
		if (!grip) return;
		grip.part = partOf(event);
		const [one, other] = [...grips.values()]; // each finger stays on its value
		const apart = other && other.part - one.part;
		if (apart && Math.abs(apart) < APART) return;
		const span = apart ? (other.value - one.value) / apart : view.now.to - view.now.from;
		if (span > 0) view.show(one.value - one.part * span, one.value + (1 - one.part) * span);
	}, { signal });

	canvas.addEventListener("lostpointercapture", (event) => { // comes after up and cancel alike
		grips.delete(event.pointerId);
		regrip();
		if (!grips.size) canvas.classList.remove("aw-plot-dragging");
	}, { signal });

	canvas.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && reader.read(null), { signal });
	canvas.addEventListener("blur", () => reader.read(null), { signal });
	canvas.addEventListener("dblclick", () => view.follow(true), { signal });

	canvas.addEventListener("wheel", (event) => {
		const unit = [1, LINE, canvas.clientHeight][event.deltaMode];
		const zooms = event.ctrlKey || event.metaKey;
		const sideways = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
		const pans = !zooms && (event.shiftKey || Math.abs(sideways) > Math.abs(event.deltaY));
		if (zooms) view.zoom(Math.exp(event.deltaY * unit * WHEEL_ZOOM), partOf(event));
		if (zooms || (pans && view.pan((sideways * unit) / reader.box().width))) event.preventDefault(); // the page would zoom or scroll
	}, { signal, passive: false });

	/** @type {Record<string, (shift: boolean) => unknown>} */
	const keys = {
		ArrowLeft: (shift) => (shift ? reader.stride(-1) : view.pan(-PAN)),
		ArrowRight: (shift) => (shift ? reader.stride(1) : view.pan(PAN)),
		PageUp: () => view.pan(-1),
		PageDown: () => view.pan(1),
		Home: () => view.pan(-FAR),
		End: () => view.follow(false),
		"+": () => view.zoom(1 / ZOOM),
		"-": () => view.zoom(ZOOM),
		0: () => view.follow(true),
	};
	Object.assign(keys, { "=": keys["+"], _: keys["-"], Escape: keys[0] });

	canvas.addEventListener("keydown", (event) => {
		if (event.altKey || event.ctrlKey || event.metaKey || !keys[event.key]) return;
		event.preventDefault(); // the page would scroll
		keys[event.key](event.shiftKey);
		reader.say();
	}, { signal });
}
