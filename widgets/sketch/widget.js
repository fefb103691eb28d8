/**
 * A drawing pad for several people at once.
 *
 * State: `strokes`, the drawing as bytes; `size`, the pad's [width, height] in units; `color`, an index of INKS, and
 * `width`, in units: the pen a view starts with. What a visitor picks afterwards is their own pen and is not saved.
 *
 * The bytes are strokes, oldest first. Each is `u8 ink, u8 width, u16 number of points`, then `u16 x, u16 y` for each
 * point, little-endian, coordinates in sixteenths of a unit. In memory a stroke is the same list as 16-bit words,
 * [ink + 256 * width, number of points, x, y, x, y, …], for a computer that runs browsers is little-endian too.
 *
 * A stroke is added to the newest drawing when it ends, so people can draw together. The last save wins: when two
 * pages save in the same instant, one of the two strokes can be lost. Undo takes the newest stroke, whoever drew it.
 *
 * @typedef {{ strokes: DataView | Uint8Array, color: number, width: number, size: [number, number] }} Pad
 * @typedef {number[] | Uint16Array} Stroke
 */

const INKS = ["Ink", "Red", "Orange", "Green", "Blue", "Violet"]; // their colours are in the stylesheet
const UNIT = 16; // lengths are in sixteenths of a unit, as in the format
const STEP = 10 * UNIT; // how far an arrow key moves the pen
const MOST = 0xffff; // what 16 bits hold: the points of a stroke, the sixteenths of a side
/** @type {Record<string, number[]>} */
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP], " ": [0, 0] };

/** @param {import("@anywidget/types").RenderProps<Pad>} props */
function render({ model, el, signal }) {
	const root = document.createElement("form"); // a form, so that its radio buttons are a group of their own
	root.className = "aw-sketch";
	root.innerHTML = MARKUP;
	el.append(root);
	const { ink, nib, dot, undo, clear } = /** @type {Record<string, any>} */ (root.elements);
	const [paper, pad] = root.getElementsByTagName("canvas"); // the saved drawing; above it what is in hand

	let strokes = /** @type {Stroke[]} */ ([]); // the saved drawing
	let colors = /** @type {string[]} */ ([]); // what the inks look like now
	let line = /** @type {number[] | null} */ (null); // the stroke in progress: nothing that arrives can touch it
	let pointer = /** @type {number | null} */ (null); // the mouse, finger or stylus that draws it
	let pen = /** @type {number[] | null} */ (null); // where the keyboard holds the pen, while it does
	let frame = 0;
	const size = () => [640, 400].map((usual, i) => clamp(UNIT * (Number(model.get("size")?.[i]) || usual), MOST));

	/** @param {Stroke[]} next */
	function save(next) {
		model.set("strokes", new Uint8Array(Uint16Array.from(next.flatMap((stroke) => [...stroke])).buffer));
		model.save_changes();
	}

	function load() {
		colors = [...root.querySelectorAll("[data-ink]")].map((label) => getComputedStyle(label).color);
		strokes = split(model.get("strokes") ?? new Uint8Array());
		paint(paper, strokes);
		for (const button of [undo, clear]) button.ariaDisabled = String(!strokes.length); // `disabled` loses the focus
		show();
	}

	/** Puts the pen down, or moves it on. @param {number[]} point */
	function draw([x, y]) {
		line ??= [Number(ink.value) + 256 * nib.valueAsNumber, 0];
		const [lastX, lastY] = line[1] ? line.slice(-2) : [Infinity, 0];
		if (Math.hypot(x - lastX, y - lastY) < UNIT || line[1] === MOST) return; // bytes, but no shape; or no room
		line.push(x, y);
		line[1]++;
		show();
	}

	function lift(keep = true) {
		const done = line;
		line = pointer = null;
		if (done && keep) save([...strokes, done]);
		show();
	}

	const takeBack = () => (line ? lift(false) : save(strokes.slice(0, -1)));

	/** @param {HTMLCanvasElement} canvas @param {Stroke[]} strokes */
	function paint(canvas, strokes) {
		const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
		context.reset();
		context.scale(canvas.width / size()[0], canvas.width / size()[0]);
		for (const stroke of strokes) trace(context, stroke, colors);
		return context;
	}

	function show() {
		frame ||= requestAnimationFrame(() => {
			frame = 0;
			dot.style.background = colors[ink.value];
			dot.style.width = dot.style.height = `${nib.value}px`;
			const context = paint(pad, line ? [line] : []);
			context.globalAlpha = line ? 0.6 : 0.25; // darker while it is down
			if (pen) trace(context, [256 * (nib.valueAsNumber + 12), 1, ...pen], colors);
		});
	}

	function fit() {
		const [width, height] = size();
		root.style.maxWidth = `max(${width / UNIT}px, 18rem)`;
		pad.style.aspectRatio = `${width} / ${height}`;
		pad.width = paper.width = Math.round(pad.clientWidth * devicePixelRatio);
		pad.height = paper.height = Math.round(pad.clientHeight * devicePixelRatio);
		load();
	}

	function takePen() {
		ink.value = String(model.get("color") ?? 0);
		nib.value = String(model.get("width") ?? 3);
		show();
	}

	/** @param {PointerEvent} event */
	function follow({ clientX, clientY }) {
		const { left, top, width, height } = pad.getBoundingClientRect();
		const parts = [(clientX - left) / width, (clientY - top) / height];
		draw(size().map((side, i) => clamp(parts[i] * side, side)));
	}

	pad.addEventListener("pointerdown", (event) => {
		if (pointer !== null || event.button !== 0) return; // a second finger draws nothing
		lift(); // what the keyboard had begun
		pad.setPointerCapture(event.pointerId);
		[pointer, pen] = [event.pointerId, null];
		follow(event);
	}, { signal });
	pad.addEventListener("pointermove", (event) => event.pointerId === pointer && follow(event), { signal });
	pad.addEventListener("lostpointercapture", (event) => event.pointerId === pointer && lift(), { signal });
	pad.addEventListener("blur", () => { pen = null; lift(); }, { signal });
	pad.addEventListener("keydown", (event) => {
		const move = MOVES[event.key];
		if (!move || event.altKey || event.ctrlKey || event.metaKey) return;
		event.preventDefault(); // the page would scroll
		pen = size().map((side, i) => clamp((pen?.[i] ?? side / 2) + move[i], side));
		if (event.key !== " ") line && draw(pen);
		else if (!event.repeat) line ? lift() : draw(pen);
		show();
	}, { signal });
	root.addEventListener("keydown", (event) => {
		if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return;
		event.preventDefault();
		takeBack();
	}, { signal });
	undo.addEventListener("click", takeBack, { signal });
	clear.addEventListener("click", () => save([]), { signal });
	root.addEventListener("input", show, { signal });
	root.addEventListener("submit", (event) => event.preventDefault(), { signal }); // Enter would leave the page
	root.addEventListener("transitionend", (event) => event.propertyName === "color" && load(), { signal }); // of inks
	addEventListener("resize", fit, { signal }); // a zoom changes the device's pixels, not the pad's size
	new ResizeObserver(fit).observe(pad); // begins with a first call

	model.on("change:strokes", load);
	model.on("change:size", fit);
	model.on("change:color change:width", takePen);
	takePen();
	return () => lift(); // a stroke in progress is kept when its view goes
}

/** The strokes in the bytes, without a tail that is not a whole one. @param {DataView | Uint8Array} bytes */
function split({ buffer, byteOffset, byteLength }) {
	const words = new Uint16Array(buffer.slice(byteOffset, byteOffset + byteLength - (byteLength % 2)));
	const strokes = [];
	for (let at = 0; at + 1 < words.length; at += 2 + 2 * words[at + 1]) {
		strokes.push(words.subarray(at, at + 2 + 2 * words[at + 1]));
	}
	return strokes.filter((stroke) => stroke.length === 2 + 2 * stroke[1]);
}

/** @param {CanvasRenderingContext2D} context @param {Stroke} stroke @param {string[]} colors */
function trace(context, [pen, , x, y, ...rest], colors) {
	context.strokeStyle = colors[pen & 255] ?? colors[0];
	context.lineWidth = (pen >> 8) * UNIT;
	context.lineCap = context.lineJoin = "round";
	context.beginPath();
	context.moveTo(x, y);
	context.lineTo(x + 1, y); // a dot, should no more follow: a line without length has no round ends
	for (let i = 0; i < rest.length; i += 2) { // smooth: curves from the middle of a segment to that of the next
		const [px, py, nextX = px, nextY = py] = rest.slice(i, i + 4);
		context.quadraticCurveTo(px, py, (px + nextX) / 2, (py + nextY) / 2);
	}
	context.stroke();
}

/** @param {number} value @param {number} most */
const clamp = (value, most) => Math.round(Math.min(Math.max(value, 0), most));

const MARKUP = `
	<div class="aw-sketch-tools">
		<div class="aw-sketch-inks" role="radiogroup" aria-label="Ink">${INKS.map((name, i) => `
			<label class="aw-sketch-choice" data-ink="${i}" title="${name}">
				<input type="radio" name="ink" value="${i}" aria-label="${name}"><span class="aw-sketch-ink"></span>
			</label>`).join("")}
		</div>
		<input class="aw-sketch-nib" type="range" name="nib" min="1" max="24" title="Width" aria-label="Width">
		<span class="aw-sketch-room"><output class="aw-sketch-dot" name="dot" aria-hidden="true"></output></span>
		<button class="aw-sketch-button" type="button" name="undo">Undo</button>
		<button class="aw-sketch-button" type="button" name="clear">Clear</button>
	</div>
	<div class="aw-sketch-pad"><canvas></canvas>
		<canvas tabindex="0" role="application" aria-label="Drawing pad: arrows move a pen, Space draws"></canvas></div>
	<p class="aw-sketch-hint">With keys: arrows move the pen, Space puts it down and lifts it.</p>`;

export default { render };
