/**
 * How far a job is: a bar, the steps it has, and the time that is left.
 *
 * State: `label`; `value` of `total`, null while nobody knows; `unit`, what is counted; `status`, one of STATUS;
 * `message`, what it is at, or what went wrong; `steps`, names, and `step`, the index of the present one; `started`,
 * `ended` and `eta`, Unix times in ms, each null if not known; `cancellable`. Only the server writes. The button
 * sends `{type: "cancel"}`, and what becomes of that is told by `status`.
 *
 * @typedef {{ label: string, value: number | null, total: number, unit: string, status: string, message: string,
 *   steps: string[], step: number, started: number | null, ended: number | null, eta: number | null, cancellable: boolean }} Job
 * @typedef {import("@anywidget/types").AnyModel<Job>} Model
 */

/** What a status is called. A status that is not here counts as running. @type {Record<string, string>} */
const STATUS = { waiting: "Waiting", running: "Running", paused: "Paused", done: "Done", failed: "Failed", cancelled: "Cancelled" };
/** Work this old (ms) counts a third of what was done just now. */
const MEMORY = 20_000;
/** Less than this (ms) is too short to tell a pace from. */
const SHORTEST = 2_000;
/** More than this (ms) is no estimate but a division by almost nothing. */
const LONGEST = 100 * 86_400_000;
/** So long (ms) the button waits for the server before it can be pressed again. */
const PATIENCE = 10_000;

/** The pace of the recent past: work and the time it took fade alike, and their quotient is the pace. */
class Pace {
	#work = 0;
	#time = 0;
	/** How many values came in that time, faded like it. */
	#count = 0;
	#value = 0;
	#at = 0;

	/** The mean pace until now of a job that was there before the page; none if it is not known when it began. @param {number} value @param {number} spent ms */
	begin(value, spent) {
		[this.#work, this.#time, this.#count, this.#value, this.#at] = [spent && value, spent, Number(spent > 0), value, Date.now()];
	}

	/** @param {number} value @param {boolean} idle whether the time since the last call is not to count */
	note(value, idle) {
		const now = Date.now();
		if (value < this.#value) return this.begin(value, 0); // another job, or another step of it
		const [spent, done] = idle ? [0, 0] : [now - this.#at, value - this.#value];
		const fade = Math.exp(-spent / MEMORY);
		this.#work = this.#work * fade + done;
		this.#time = this.#time * fade + spent;
		this.#count = this.#count * fade + Number(done > 0);
		[this.#value, this.#at] = [value, now];
	}

	/** Time left (ms), or NaN. It counts down between two values; when the next is overdue, it grows. @param {number} total */
	left(total) {
		const since = Date.now() - this.#at;
		const overdue = Math.max(since - (2 * this.#time) / Math.max(this.#count, 1), 0);
		if (this.#time + overdue < SHORTEST || !this.#work) return NaN;
		const left = ((total - this.#value) * (this.#time + overdue)) / this.#work - (since - overdue);
		return left < LONGEST ? Math.max(left, 0) : NaN;
	}
}

/** The state, made consistent. Any key may be missing or out of range. @param {Model} model */
function read(model) {
	const total = finite(model.get("total")) > 0 ? finite(model.get("total")) : 100;
	const status = Object.hasOwn(STATUS, model.get("status")) ? model.get("status") : "running";
	const value = status === "done" ? total : Math.min(Math.max(finite(model.get("value")), 0), total); // NaN while nobody knows
	const steps = (Array.isArray(model.get("steps")) ? model.get("steps") : []).map(String);
	const step = status === "done" ? steps.length : Math.min(finite(model.get("step"), -1), steps.length - 1);
	const [label, unit, message] = /** @type {const} */ (["label", "unit", "message"]).map((key) => String(model.get(key) ?? ""));
	return { total, value, status, steps, step, label: label || "Progress", unit, message, part: value / total };
}

/** The factory runs once per model and page, so all views reckon with the same pace. */
export default function () {
	const pace = new Pace();
	let running = false;
	return {
		/** @param {import("@anywidget/types").InitializeProps<Job>} props */
		initialize({ model }) {
			const now = read(model);
			const spent = Date.now() - finite(model.get("started"));
			running = now.status === "running";
			pace.begin(now.value || 0, running && spent > 0 ? spent : 0);
			model.on("change:value change:status", () => {
				const { value, status } = read(model);
				pace.note(value || 0, !running);
				running = status === "running";
			});
		},
		/** @param {import("@anywidget/types").RenderProps<Job>} props */
		render: ({ model, el, signal }) => render(model, el, signal, pace),
	};
}

let made = 0;

/** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal @param {Pace} pace */
function render(model, el, signal, pace) {
	const root = make("div", "aw-progress");
	root.innerHTML = MARKUP;
	el.append(root);
	const [label, figure, bar, fill, note, count, cancel, steps, live] = /** @type {HTMLElement[]} */ (
		PARTS.map((name) => root.querySelector(`.aw-progress-${name}`)));
	label.id = `aw-progress-${++made}`;
	bar.setAttribute("aria-labelledby", label.id);
	/** Set while the server has not said what becomes of a wish to cancel. */
	let asked = 0;

	function drawTime() {
		const { status, value, total, unit, part } = read(model);
		const eta = finite(model.get("eta")) - Date.now();
		const left = eta >= 0 ? eta : pace.left(total);
		const took = finite(model.get("ended")) - finite(model.get("started"));
		const words = [];
		if (unit && part >= 0) words.push(`${value.toLocaleString()} of ${total.toLocaleString()} ${unit}`);
		if (status === "running" && part >= 0 && part < 1 && left >= 0) words.push(`${inWords(left)} left`);
		if (status !== "running" && took >= 0) words.push(`took ${inWords(took)}`);
		count.textContent = words.join(" · ");
		bar.setAttribute("aria-valuetext", [figure.textContent, ...words].filter(Boolean).join(", "));
	}

	function draw() {
		const { status, value, total, label: name, message, steps: names, step, part } = read(model);
		const unknown = Number.isNaN(part);
		root.dataset.status = status;
		root.classList.toggle("aw-progress-unknown", unknown);
		label.textContent = name;
		figure.textContent = status !== "running" ? STATUS[status] : unknown ? "" : percent(part);
		bar.setAttribute("aria-valuemax", String(total));
		if (unknown) bar.removeAttribute("aria-valuenow");
		else bar.setAttribute("aria-valuenow", String(value));
		fill.style.inlineSize = unknown ? "" : `${part * 100}%`;
		note.textContent = message;
		cancel.hidden = !model.get("cancellable") || !["waiting", "running", "paused"].includes(status);
		cancel.textContent = asked ? "Cancelling …" : "Cancel";
		cancel.ariaDisabled = String(asked > 0); // `disabled` loses the focus
		steps.replaceChildren(...names.map((text, i) => {
			const state = i < step ? "done" : i > step ? "next" : status === "failed" ? "failed" : "now";
			const item = make("li", "aw-progress-step");
			item.dataset.state = state;
			item.innerHTML = `<span class="aw-progress-mark">${MARKS[state] ?? i + 1}</span><span class="aw-progress-name"></span>`;
			/** @type {Element} */ (item.lastChild).textContent = text;
			if (i === step) item.setAttribute("aria-current", "step");
			return item;
		}));
		drawTime();
	}

	let last = read(model);
	model.on("change", () => {
		const now = read(model);
		if (now.status !== last.status) asked = 0;
		draw();
		const { status, message, step, steps: names, part } = now;
		const words = [];
		if (status !== last.status) words.push(STATUS[status], message);
		if (status === "running" && step !== last.step && names[step]) words.push(`step ${step + 1} of ${names.length}: ${names[step]}`);
		if (status === "running" && part > last.part && Math.floor(part * 4) > Math.floor(last.part * 4)) words.push(percent(part));
		if (words.length) live.textContent = [now.label, ...words.filter(Boolean)].join(", ");
		last = now;
	});
	cancel.addEventListener("click", () => {
		if (asked) return;
		model.send({ type: "cancel" });
		asked = setTimeout(() => { asked = 0; draw(); }, PATIENCE);
		draw();
	}, { signal });
	const clock = setInterval(drawTime, 1_000);
	signal.addEventListener("abort", () => { clearInterval(clock); clearTimeout(asked); });
	draw();
}

/** Never 100% before the end. @param {number} part */
const percent = (part) => `${Math.floor(part * 100 + 1e-9)}%`;

/** Coarse, for it is a guess and should not twitch. @param {number} ms */
function inWords(ms) {
	const [seconds, minutes] = [Math.ceil(ms / 5_000) * 5, Math.max(Math.round(ms / 60_000), 1)];
	if (seconds <= 5) return "a few seconds";
	if (seconds < 60) return `${seconds} s`;
	if (minutes < 60) return `${minutes} min`;
	return minutes < 2_880 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${Math.round(minutes / 1_440)} days`;
}

/** @param {string} tag @param {string} className */
const make = (tag, className) => Object.assign(document.createElement(tag), { className });

/** @param {unknown} value */
const finite = (value, otherwise = NaN) => (value != null && Number.isFinite(Number(value)) ? Number(value) : otherwise);

const icon = (/** @type {string} */ path, /** @type {string} */ name) => `<svg viewBox="0 0 16 16" role="img" aria-label="${name}"><path d="${path}"/></svg>`;
/** @type {Record<string, string>} */
const MARKS = { done: icon("M4 8.5 7 11.5 12.2 5", "done"), failed: icon("M5 5l6 6M11 5l-6 6", "failed") };
const PARTS = ["label", "figure", "bar", "fill", "message", "count", "cancel", "steps", "live"];
const MARKUP = `
	<div class="aw-progress-head"><span class="aw-progress-label"></span><span class="aw-progress-figure" aria-hidden="true"></span></div>
	<div class="aw-progress-bar" role="progressbar" aria-valuemin="0"><div class="aw-progress-fill"></div></div>
	<div class="aw-progress-foot"><div class="aw-progress-text"><p class="aw-progress-message"></p><p class="aw-progress-count"></p></div>
		<button class="aw-progress-cancel" type="button">Cancel</button>
	</div>
	<ol class="aw-progress-steps" role="list"></ol><span class="aw-progress-live" role="status"></span>`;
