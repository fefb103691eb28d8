/**
 * The legend: one button for each line, which switches it on and off in all views, with the value at the crosshair or the
 * newest one. The colours of the lines are those of its swatches, so that the stylesheet alone decides them.
 *
 * @typedef {{ key: HTMLButtonElement, swatch: HTMLElement, value: HTMLElement, label: string, index: number }} Entry
 * @import { Model } from "./view.js"
 */

/** That the stylesheet has. */
const COLORS = 8;

export class Legend {
	#root;
	#model;
	#signal;
	/** By index of the series. @type {Map<number, Entry>} */
	#entries = new Map();

	/** @param {HTMLElement} root @param {Model} model @param {AbortSignal} signal */
	constructor(root, model, signal) {
		this.#root = root;
		this.#model = model;
		this.#signal = signal;
	}

	/** @returns {number[]} */
	get #hidden() {
		const list = this.#model.get("hidden");
		return Array.isArray(list) ? list : [];
	}

	/** Whether a line is switched on. @param {number} index */
	has(index) {
		return !this.#hidden.includes(index);
	}

	/** @param {number} index */
	colorOf(index) {
		const entry = this.#entries.get(index);
		return entry ? getComputedStyle(entry.swatch).color : "";
	}

	/** Has a button for each of these lines; one that was there stays, and keeps the focus. @param {{ index: number, label: string }[]} lines */
	list(lines) {
		const before = this.#entries;
		this.#entries = new Map(lines.map(({ index, label }) => {
			const known = before.get(index);
			return [index, known?.label === label ? known : this.#entry(index, label)];
		}));
		const keys = [...this.#entries.values()].map(({ key }) => key);
		if (keys.length !== this.#root.children.length || keys.some((key, i) => key !== this.#root.children[i])) this.#root.replaceChildren(...keys);
		this.mark();
	}

	/** Shows which lines are switched on. */
	mark() {
		for (const { key, index } of this.#entries.values()) key.setAttribute("aria-pressed", String(this.has(index)));
	}

	/** @param {number} index @param {string} text */
	tell(index, text) {
		const value = this.#entries.get(index)?.value;
		if (!value || value.textContent === text) return;
		value.textContent = text;
		const room = Math.max(text.length, parseFloat(value.style.minWidth) || 0);
		value.style.minWidth = `${room}ch`; // once wide it stays so, or the buttons would dance under the crosshair
	}

	/** @param {number} index @param {string} label @returns {Entry} */
	#entry(index, label) {
		const key = document.createElement("button");
		key.type = "button";
		key.className = "aw-plot-key";
		key.dataset.line = String(index % COLORS);
		const [swatch, name, value] = ["swatch", "label", "value"].map((part) => {
			const span = document.createElement("span");
			span.className = `aw-plot-${part}`;
			key.append(span);
			return span;
		});
		name.textContent = label;
		value.setAttribute("aria-hidden", "true"); // changes too often to be part of a name
		key.addEventListener("click", () => {
			const others = this.#hidden.filter((one) => one !== index);
			this.#model.set("hidden", this.has(index) ? [...others, index].sort((a, b) => a - b) : others);
			this.#model.save_changes();
		}, { signal: this.#signal });
		return { key, swatch, value, label, index };
	}
}
