/**
 * A range with two thumbs that cannot cross.
 *
 * State: `low` and `high`, the chosen values; `min`, `max` and `step`, the grid they move on; `ticks`, how many
 * marks stand below the track, both ends included (0 for none). Values set from elsewhere may lie between two
 * steps and are shown as they are; what is chosen here lies on a step.
 *
 * @typedef {{ low: number, high: number, min: number, max: number, step: number, ticks: number }} Range
 * @typedef {"low" | "high"} End
 */

/** More marks than this are a grey bar. */
const MOST_TICKS = 101;
/** More numbers than this (plus one) do not fit side by side on a phone. */
const MOST_LABELS = 5;
/** Page Up and Page Down move by this part of the whole range. */
const PAGE = 1 / 10;

/** @param {import("@anywidget/types").RenderProps<Range>} props */
function render({ model, el, signal }) {
	const root = make("div", "aw-slider", { role: "group", "aria-label": "Range" });
	const values = make("div", "aw-slider-values", { "aria-hidden": "true" }); // the thumbs say it
	const rail = make("div", "aw-slider-rail");
	const fill = make("div", "aw-slider-fill");
	const ticks = make("div", "aw-slider-ticks", { "aria-hidden": "true" });
	const thumbs = {
		low: make("div", "aw-slider-thumb", { role: "slider", tabindex: "0", "aria-label": "Low" }),
		high: make("div", "aw-slider-thumb", { role: "slider", tabindex: "0", "aria-label": "High" }),
	};
	rail.append(fill, thumbs.low, thumbs.high);
	root.append(values, rail, ticks);
	el.append(root);

	/** The state, made consistent. Any key may be missing or out of range. */
	function read() {
		const min = finite(model.get("min"), 0);
		const max = Math.max(finite(model.get("max"), 100), min);
		const step = Math.abs(finite(model.get("step"), 1)) || 1;
		const low = clamp(finite(model.get("low"), min), min, max);
		const high = clamp(finite(model.get("high"), max), low, max);
		return { min, max, step, low, high };
	}

	/**
	 * Moves one end to the step nearest to `value`, as far as the other end allows.
	 * @param {End} end @param {number} value
	 */
	function move(end, value) {
		const { min, max, step, low, high } = read();
		const last = Math.floor((max - min) / step + 1e-9);
		const snapped = tidy(min + clamp(Math.round((value - min) / step), 0, last) * step);
		const next = end === "low" ? Math.min(snapped, high) : Math.max(snapped, low);
		if (next === (end === "low" ? low : high)) return;
		model.set(end, next);
		model.save_changes();
	}

	const rightToLeft = () => getComputedStyle(rail).direction === "rtl";

	for (const end of /** @type {End[]} */ (["low", "high"])) {
		thumbs[end].addEventListener("keydown", (event) => {
			if (event.altKey || event.ctrlKey || event.metaKey) return;
			const { min, max, step, ...now } = read();
			const page = Math.max(step, Math.round(((max - min) * PAGE) / step) * step);
			const forward = rightToLeft() ? -step : step;
			/** @type {Record<string, number>} */
			const targets = {
				ArrowUp: now[end] + step, ArrowRight: now[end] + forward, PageUp: now[end] + page,
				ArrowDown: now[end] - step, ArrowLeft: now[end] - forward, PageDown: now[end] - page,
				Home: min, End: max,
			};
			if (!(event.key in targets)) return;
			event.preventDefault(); // the page would scroll
			move(end, targets[event.key]);
		}, { signal });
	}

	// One drag at a time, whichever finger began it. The end that moves is open (null) while both thumbs
	// lie under the pointer: the first movement decides. `grip` keeps a thumb from jumping when it is seized.
	/** @type {{ id: number, end: End | null, grip: number } | null} */
	let drag = null;

	/** @param {PointerEvent} event */
	function valueAt(event) {
		const { left, width } = rail.getBoundingClientRect();
		const { min, max } = read();
		const part = width ? (event.clientX - left) / width : 0;
		return min + (rightToLeft() ? 1 - part : part) * (max - min);
	}

	rail.addEventListener("pointerdown", (event) => {
		if (drag || event.button !== 0) return;
		event.preventDefault(); // no text selection; the thumb takes the focus below
		const { low, high } = read();
		const value = valueAt(event);
		const onThumb = event.target === thumbs.low || event.target === thumbs.high;
		const nearLow = Math.abs(value - low) <= Math.abs(value - high);
		const open = low === high && (onThumb || value === low);
		const end = open ? null : low === high ? (value < low ? "low" : "high") : nearLow ? "low" : "high";
		drag = { id: event.pointerId, end, grip: onThumb ? value - (nearLow ? low : high) : 0 };
		rail.setPointerCapture(event.pointerId);
		rail.classList.add("aw-slider-dragging");
		follow(event);
	}, { signal });

	/** @param {PointerEvent} event */
	function follow(event) {
		if (!drag || event.pointerId !== drag.id) return;
		const value = valueAt(event) - drag.grip;
		const { low, step } = read();
		if (drag.end === null && Math.abs(value - low) >= step / 2) drag.end = value < low ? "low" : "high";
		if (drag.end === null) return;
		thumbs[drag.end].focus({ preventScroll: true });
		move(drag.end, value);
	}

	/** @param {PointerEvent} event */
	function release(event) {
		if (!drag || event.pointerId !== drag.id) return;
		drag = null;
		rail.classList.remove("aw-slider-dragging");
	}

	rail.addEventListener("pointermove", follow, { signal });
	rail.addEventListener("lostpointercapture", release, { signal }); // comes after up and cancel alike

	function draw() {
		const { min, max, low, high } = read();
		const span = max - min || 1;
		const from = ((low - min) / span) * 100;
		const to = ((high - min) / span) * 100;
		values.textContent = `${tidy(low)} – ${tidy(high)}`;
		fill.style.insetInlineStart = `${from}%`;
		fill.style.width = `${to - from}%`;
		place(thumbs.low, from, low, min, high);
		place(thumbs.high, to, high, low, max);
	}

	function drawTicks() {
		const { min, max } = read();
		const count = clamp(Math.floor(finite(model.get("ticks"), 0)), 0, MOST_TICKS);
		const gaps = Math.max(count - 1, 1);
		let every = 1; // the smallest stride that puts a number at both ends and not too many between
		while (gaps / every > MOST_LABELS || gaps % every) every++;
		ticks.replaceChildren(...Array.from({ length: count < 2 ? 0 : count }, (_, i) => {
			const tick = make("span", "aw-slider-tick");
			tick.style.insetInlineStart = `${(i / gaps) * 100}%`;
			if (i % every === 0) {
				const label = make("span", "aw-slider-label");
				label.textContent = String(tidy(min + ((max - min) * i) / gaps));
				tick.append(label);
			}
			return tick;
		}));
	}

	for (const key of ["low", "high", "min", "max"]) model.on(`change:${key}`, draw);
	for (const key of ["ticks", "min", "max"]) model.on(`change:${key}`, drawTicks);
	draw();
	drawTicks();
}

/** @param {HTMLElement} thumb @param {number} percent @param {number} now @param {number} min @param {number} max */
function place(thumb, percent, now, min, max) {
	thumb.style.insetInlineStart = `${percent}%`;
	thumb.setAttribute("aria-valuenow", String(tidy(now)));
	thumb.setAttribute("aria-valuemin", String(tidy(min)));
	thumb.setAttribute("aria-valuemax", String(tidy(max)));
}

/** @param {string} tag @param {string} className @param {Record<string, string>} [attributes] */
function make(tag, className, attributes = {}) {
	const element = document.createElement(tag);
	element.className = className;
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	return element;
}

/** @param {unknown} value @param {number} otherwise */
const finite = (value, otherwise) => (value != null && Number.isFinite(Number(value)) ? Number(value) : otherwise);

/** @param {number} value @param {number} low @param {number} high */
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** 0.30000000000000004 is 0.3. @param {number} value */
const tidy = (value) => Number(value.toPrecision(12));

export default { render };
