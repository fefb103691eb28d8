/**
 * A drawing pad for several people at once.
 *
 * State: `strokes`, the drawing as bytes (strokes.js says how); `size`, the pad's [width, height] in units; `color`
 * and `width`, the pen a view starts with. What a visitor picks afterwards is their own pen and is not saved.
 *
 * @typedef {import("./strokes.js").Point} Point
 * @typedef {{ strokes: DataView | Uint8Array, color: number, width: number, size: [number, number] }} Pad
 */
import { Drawing } from "./drawing.js";
import { encode, MOST_POINTS, MOST_UNITS, paint } from "./strokes.js";

/** Their colours are in the stylesheet, so that they can differ between light and dark. */
const INKS = ["Ink", "Red", "Orange", "Green", "Blue", "Violet"];
/** Units. A point closer than this to the last one adds bytes and no shape. */
const NEAR = 1;
/** Units an arrow key moves the pen by; with Shift one. */
const KEY_STEP = 10;

/** Radio buttons of different views must not share a name. */
let made = 0;

/** @param {import("@anywidget/types").RenderProps<Pad>} props */
function render({ model, el, signal }) {
	const root = document.createElement("div");
	root.className = "aw-sketch";
	root.innerHTML = markup(`aw-sketch-${++made}`);
	el.append(root);
	/** @param {string} name */
	const part = (name) => /** @type {HTMLElement} */ (root.querySelector(`.aw-sketch-${name}`));
	const [pad, undo, clear, dot, status] = ["pad", "undo", "clear", "dot", "status"].map(part);
	const [paper, glass] = root.querySelectorAll("canvas"); // what is saved; above it the stroke in progress
	const nib = /** @type {HTMLInputElement} */ (part("nib"));
	const inks = [...root.querySelectorAll("input")].filter((input) => input !== nib);

	const drawing = new Drawing(model);
	/** The stroke in progress: not in the state yet, so nothing that arrives can touch it. @type {Point[] | null} */
	let line = null;
	/** Where the keyboard holds the pen, while it does. @type {Point | null} */
	let pen = null;
	let frame = 0;

	const size = () => [640, 400].map((usual, i) => Math.min(Math.max(Number(model.get("size")?.[i]) || usual, 1), MOST_UNITS));
	const ink = () => Math.max(inks.findIndex((input) => input.checked), 0);
	const stroke = () => (line ? [encode(ink(), nib.valueAsNumber, line)] : []);
	const colors = () => inks.map((input) => getComputedStyle(/** @type {Element} */ (input.nextElementSibling)).color);

	/** @param {Point[] | null} next */
	function begin(next) {
		line = next;
		drawGlass();
	}

	/** @param {Point} to */
	function extend([x, y]) {
		const last = line?.at(-1);
		if (!line || !last || line.length === MOST_POINTS || Math.hypot(x - last[0], y - last[1]) < NEAR) return;
		line.push([x, y]);
		drawGlass();
	}

	function finish() {
		const done = stroke();
		begin(null);
		for (const each of done) drawing.add(each);
	}

	function takeBack() {
		if (line) begin(null);
		else drawing.undo();
	}

	function drawPaper() {
		const { strokes, bytes, canUndo } = drawing;
		paint(paper, strokes, colors(), size()[0]);
		status.textContent = `${strokes.length} ${strokes.length === 1 ? "stroke" : "strokes"}, ${bytes} bytes`;
		undo.setAttribute("aria-disabled", String(!canUndo)); // the attribute `disabled` would drop the focus
		clear.setAttribute("aria-disabled", String(!strokes.length));
	}

	function drawGlass() {
		frame ||= requestAnimationFrame(() => {
			frame = 0;
			const context = paint(glass, stroke(), colors(), size()[0]);
			if (!pen) return;
			context.strokeStyle = colors()[0];
			context.lineWidth = 1.5;
			context.setLineDash(line ? [] : [2, 4]); // dashed while it hovers
			context.beginPath();
			context.arc(...pen, nib.valueAsNumber / 2 + 4, 0, 2 * Math.PI);
			context.stroke();
			context.setLineDash([]);
		});
	}

	function fit() {
		const [width, height] = size();
		root.style.maxWidth = `max(${width}px, 18rem)`;
		pad.style.aspectRatio = `${width} / ${height}`;
		for (const canvas of [paper, glass]) {
			canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
			canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
		}
		drawPaper();
		drawGlass();
	}

	function showPen() {
		dot.dataset.ink = String(ink());
		dot.style.width = dot.style.height = `${nib.value}px`;
		drawGlass();
	}

	function takePen() {
		(inks[Number(model.get("color"))] ?? inks[0]).checked = true;
		nib.value = String(model.get("width") ?? 3);
		showPen();
	}

	/** @param {number} x @param {number} y @returns {Point} */
	const inside = (x, y) => [Math.min(Math.max(x, 0), size()[0]), Math.min(Math.max(y, 0), size()[1])];

	/** @param {PointerEvent} event */
	function pointOf({ clientX, clientY }) {
		const box = glass.getBoundingClientRect();
		return inside(((clientX - box.left) / box.width) * size()[0], ((clientY - box.top) / box.height) * size()[1]);
	}

	/** @type {AddEventListenerOptions} */
	const until = { signal };
	pad.addEventListener("pointerdown", (event) => {
		if (line || event.button !== 0) return;
		pad.setPointerCapture(event.pointerId); // a second finger is captured by the canvas and draws nothing
		pen = null;
		begin([pointOf(event)]);
	}, until);
	pad.addEventListener("pointermove", (event) => {
		if (!pad.hasPointerCapture(event.pointerId)) return;
		const all = event.getCoalescedEvents?.() ?? [];
		for (const each of all.length ? all : [event]) extend(pointOf(each));
	}, until);
	pad.addEventListener("lostpointercapture", ({ target }) => target === pad && finish(), until);

	pad.addEventListener("keydown", (event) => {
		if (event.altKey || event.ctrlKey || event.metaKey) return;
		const step = event.shiftKey ? 1 : KEY_STEP;
		const [x, y] = pen ?? size().map((side) => side / 2);
		if (event.key === "ArrowLeft") pen = inside(x - step, y);
		else if (event.key === "ArrowRight") pen = inside(x + step, y);
		else if (event.key === "ArrowUp") pen = inside(x, y - step);
		else if (event.key === "ArrowDown") pen = inside(x, y + step);
		else if (event.key === " " && !event.repeat) line ? finish() : begin([(pen = inside(x, y))]);
		else if (event.key === "Escape" && line) begin(null);
		else if (event.key !== " ") return;
		event.preventDefault(); // the page would scroll
		if (pen) extend(pen);
		drawGlass();
	}, until);
	pad.addEventListener("blur", () => { pen = null; finish(); }, until);
	root.addEventListener("keydown", (event) => {
		if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
		event.preventDefault();
		takeBack();
	}, until);

	undo.addEventListener("click", takeBack, until);
	clear.addEventListener("click", () => drawing.clear(), until);
	root.addEventListener("input", showPen, until);
	// The inks have a short transition on `color` for this alone: it tells when the page goes dark or light.
	root.addEventListener("transitionend", ({ propertyName }) => propertyName === "color" && fit(), until);
	addEventListener("resize", fit, until); // a zoom changes the device's pixels, not the pad's size
	const resizes = new ResizeObserver(fit);
	resizes.observe(pad);

	model.on("change:strokes", () => { drawing.arrive(); drawPaper(); });
	model.on("change:size", fit);
	model.on("change:color", takePen);
	model.on("change:width", takePen);
	takePen();
	fit();

	return () => {
		resizes.disconnect();
		finish(); // a stroke in progress is kept when its view goes
	};
}

/** @param {string} name of the group of radio buttons */
const markup = (name) => `
	<div class="aw-sketch-tools">
		<div class="aw-sketch-inks" role="radiogroup" aria-label="Ink">${INKS.map((ink, i) => `
			<label class="aw-sketch-choice" title="${ink}"><input type="radio" name="${name}" aria-label="${ink}"><span class="aw-sketch-ink" data-ink="${i}"></span></label>`).join("")}
		</div>
		<label class="aw-sketch-size" title="Width of the pen"><input class="aw-sketch-nib" type="range" min="1" max="24" aria-label="Width of the pen"><span class="aw-sketch-room"><span class="aw-sketch-dot"></span></span></label>
		<div class="aw-sketch-actions"><button type="button" class="aw-sketch-undo">Undo</button><button type="button" class="aw-sketch-clear">Clear</button></div>
	</div>
	<div class="aw-sketch-pad" tabindex="0" role="application" aria-label="Drawing pad. Arrow keys move the pen, Space puts it down and lifts it."><canvas></canvas><canvas></canvas></div>
	<p class="aw-sketch-foot"><span class="aw-sketch-hint">With keys: arrows move the pen, Space puts it down and lifts it.</span><output class="aw-sketch-status"></output></p>`;

export default { render };
