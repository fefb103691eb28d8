/**
 * Lines over a common axis, live: it follows data that grows, and pans and zooms through a hundred thousand points.
 *
 * State: `series`, a list of `{label, y, x?}` with `y` as f32 bytes or a list of numbers (null is a gap); `x`, where the
 * values of all series stand: null (0, 1, 2, …), `{start, step}`, f64 bytes or a list; `x_title` and `y_title`;
 * `range`, [from, to] of x, or null to follow the newest; `window`, how much of x a view shows that follows, or null for
 * all; `y_range`, [low, high], or null for what is in view; `hidden`, the indices of series that are switched off.
 *
 * What is shown is state, so all views pan together. Visitors write `range`, `window` and `hidden`.
 *
 * @import { Line } from "./series.js"
 * @typedef {{ series: unknown[], x: unknown, x_title: string, y_title: string, range: [number, number] | null, window: number | null, y_range: [number, number] | null, hidden: number[] }} Plot
 */
import { gestures, ZOOM } from "./gestures.js";
import { Legend } from "./legend.js";
import { boxOf, paint } from "./paint.js";
import { rounded, stepOf, ticks, writer } from "./scale.js";
import { extent, nearest, peaks, read, readings } from "./series.js";
import { pair, View } from "./view.js";

/** Room of a number on the y axis, and of one on the x axis from short to long (CSS px). */
const ROOM_Y = 44;
const ROOMS_X = [56, 88, 128, 192];
/** Readings tell values apart that are this part of an axis from each other. */
const FINE = 1 / 500;
/** A reading is said when the keys have been still for this time (ms), not each of many. */
const QUIET = 500;
/** Shift and an arrow move the crosshair by this part of the view, or to the next value if that is farther. */
const STRIDE = 1 / 50;

/** @param {import("@anywidget/types").RenderProps<Plot>} props */
function render({ model, el, signal }) {
	const root = document.createElement("div");
	root.className = "aw-plot";
	root.setAttribute("role", "group");
	root.setAttribute("aria-label", "Plot");
	root.innerHTML = MARKUP;
	el.append(root);
	const [problems, keys, canvas, empty, said, newest, less, more, whole] = [...root.querySelectorAll("[data-part]")].map((part) => /** @type {any} */ (part));
	const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
	const view = new View(model);
	const legend = new Legend(keys, model, signal);

	let lines = /** @type {{ index: number, line: Line, color: string }[]} */ ([]); // what can be drawn; `index` is that of the series
	let pens = { ink: "", muted: "", line: "", font: "", size: 0 };
	let box = { left: 0, top: 0, width: 1, height: 1 };
	let part = /** @type {number | null} */ (null); // where the crosshair is, from 0 at the left to 1
	let sentence = ""; // what is there
	let frame = 0;
	let quiet = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
	const shown = () => lines.filter(({ index, line }) => legend.has(index) && line.values.length);

	function load() {
		const all = read(model.get("series"), model.get("x"));
		const texts = all.flatMap((one) => ("problem" in one ? [`${one.label}: ${one.problem}.`] : []));
		if (texts.join() !== problems.dataset.now) problems.replaceChildren(...texts.map(note)); // or it is said again
		problems.dataset.now = texts.join();
		lines = all.flatMap((line, index) => ("problem" in line ? [] : [{ index, line, color: "" }]));
		legend.list(lines.map(({ index, line: { label } }) => ({ index, label })));
		view.ends = extent(lines.map(({ line }) => line));
		view.count = Math.max(0, ...lines.map(({ line }) => line.values.length));
		canvas.setAttribute("aria-label", `Plot of ${lines.map(({ line }) => line.label).join(", ") || "nothing"}. ${KEYS}`);
		dress();
	}

	/** Takes the colours from the stylesheet: of the lines from the legend, of the rest from the canvas. */
	function dress() {
		const { color, textDecorationColor, borderTopColor, fontSize, fontFamily } = getComputedStyle(canvas);
		pens = { ink: color, muted: textDecorationColor, line: borderTopColor, font: `${fontSize} ${fontFamily}`, size: parseFloat(fontSize) };
		for (const one of lines) one.color = legend.colorOf(one.index);
		draw();
	}

	function fit() {
		canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
		canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
		dress();
	}

	const draw = () => void (frame ||= requestAnimationFrame(drawNow));

	function drawNow() {
		frame = 0;
		const [width, height] = [canvas.width / devicePixelRatio, canvas.height / devicePixelRatio];
		if (!width || signal.aborted) return;
		const now = view.now;
		const span = now.to - now.from;
		const on = shown();
		const strokes = on.map(({ color, line: { pyramid, places: { at, find } } }) => {
			return { color, blocks: pyramid.blocks(at, find(now.from), find(now.to) + 1, span / canvas.width) };
		});
		const fixed = pair(model.get("y_range"));
		const [low, high] = fixed ?? peaks(strokes.map(({ blocks }) => blocks), now.from, now.to) ?? [0, 1];
		const y = rounded(low, high, height / ROOM_Y);
		if (fixed) [y.low, y.high] = fixed;
		const most = [Math.max(Math.abs(now.from), Math.abs(now.to)), Math.max(Math.abs(y.low), Math.abs(y.high))];
		context.font = pens.font; // the width of numbers decides how many of them there are
		const narrow = (/** @type {number} */ step, /** @type {number} */ i) => {
			const write = writer(step, most[0]);
			return ticks(now.from, now.to, step).every((x) => context.measureText(write(x)).width < ROOMS_X[i] - 20);
		};
		const steps = ROOMS_X.map((room) => stepOf(span, width / room));
		const step = steps.find(narrow) ?? steps[steps.length - 1];
		const axes = {
			x: ticks(now.from, now.to, step), writeX: writer(step, most[0]), titleX: String(model.get("x_title") ?? ""),
			y: ticks(y.low, y.high, y.step), writeY: writer(y.step, most[1]), titleY: String(model.get("y_title") ?? ""),
		};
		box = boxOf(context, axes, pens, width, height);
		const place = part === null ? null : now.from + part * span;
		const points = place === null ? [] : readings(on, place, now);
		const at = points.toSorted((a, b) => Math.abs(a.x - Number(place)) - Math.abs(b.x - Number(place)))[0]?.x;
		const cross = points.length ? { part: (at - now.from) / span, text: writer(span * FINE, most[0], true)(at), points } : null;
		tell(on, cross, writer((y.high - y.low) * FINE, most[1]), `${axes.writeX(now.from)} to ${axes.writeX(now.to)}`);
		context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
		context.clearRect(0, 0, width, height);
		if (on.length) paint(context, box, { ...now, ...y }, axes, strokes, cross, pens);
		newest.hidden = view.following;
		whole.ariaDisabled = String(view.whole || !view.ends); // `disabled` loses the focus
		empty.textContent = on.length ? "" : view.ends ? "All lines are switched off" : problems.dataset.now ? "Nothing to draw" : "No data yet";
	}

	/** @param {typeof lines} on @param {{ text: string, points: ReturnType<typeof readings> } | null} cross @param {(value: number) => string} write @param {string} window */
	function tell(on, cross, write, window) {
		for (const { index, line } of on) {
			const value = cross ? cross.points.find((point) => point.index === index)?.y : line.values.at(-1);
			legend.tell(index, value !== undefined && Number.isFinite(value) ? write(value) : "–");
		}
		const values = cross?.points.map(({ label, y }) => `${label} ${Number.isFinite(y) ? write(y) : "no value"}`);
		sentence = values ? `${window}; at ${cross?.text}: ${values.join(", ")}` : window;
	}

	/** @param {number | null} next */
	function point(next) {
		part = next === null ? null : Math.min(Math.max(next, 0), 1);
		draw();
	}

	gestures(canvas, view, {
		box: () => box,
		read: point,
		stride(/** @type {number} */ direction) {
			const { from, to } = view.now;
			const now = from + (part ?? 0.5) * (to - from);
			const line = shown()[0]?.line;
			const next = line ? line.places.at(Math.min(Math.max(nearest(line, now) + direction, 0), line.values.length - 1)) : now;
			const far = Math.max((next - now) * direction, (to - from) * STRIDE);
			point((now + direction * far - from) / (to - from));
		},
		say() {
			clearTimeout(quiet);
			quiet = setTimeout(() => (said.textContent = sentence), QUIET);
		},
	}, signal);
	canvas.addEventListener("focus", () => canvas.matches(":focus-visible") && point(part ?? 0.5), { signal });
	newest.addEventListener("click", () => { view.follow(false); canvas.focus(); }, { signal }); // the button goes away
	less.addEventListener("click", () => view.zoom(ZOOM), { signal });
	more.addEventListener("click", () => view.zoom(1 / ZOOM), { signal });
	whole.addEventListener("click", () => view.follow(true), { signal });
	root.addEventListener("transitionend", (event) => event.propertyName === "color" && dress(), { signal }); // dark or light
	addEventListener("resize", fit, { signal }); // a zoom changes the device's pixels, not the canvas' size
	const observer = new ResizeObserver(fit); // begins with a first call
	observer.observe(canvas);

	model.on("change:series change:x", load);
	model.on("change:range change:window change:y_range change:x_title change:y_title", draw);
	model.on("change:hidden", () => { legend.mark(); draw(); });
	load();
	return () => { observer.disconnect(); cancelAnimationFrame(frame); clearTimeout(quiet); };
}

/** @param {string} text */
function note(text) {
	const element = document.createElement("p");
	element.className = "aw-plot-note";
	element.setAttribute("role", "alert");
	element.textContent = text;
	return element;
}

const KEYS = "Arrows pan, plus and minus zoom, Shift with arrows reads values, End follows, Escape shows all.";

const MARKUP = `
	<div data-part="problems"></div>
	<div class="aw-plot-legend" data-part="keys" role="group" aria-label="Lines"></div>
	<div class="aw-plot-pad">
		<canvas class="aw-plot-canvas" data-part="canvas" tabindex="0" role="application"></canvas>
		<p class="aw-plot-empty" data-part="empty"></p>
	</div>
	<output class="aw-plot-said" data-part="said"></output>
	<div class="aw-plot-tools">
		<p class="aw-plot-hint">Drag to pan, Ctrl and the wheel to zoom.</p>
		<button class="aw-plot-button" type="button" data-part="newest" hidden>Newest</button>
		<button class="aw-plot-button" type="button" data-part="less" aria-label="Zoom out">−</button>
		<button class="aw-plot-button" type="button" data-part="more" aria-label="Zoom in">+</button>
		<button class="aw-plot-button" type="button" data-part="whole">Show all</button>
	</div>`;

export default { render };
