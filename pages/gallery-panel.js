/**
 * The state panel of a card: each key with its value, live from the model, and each value a button that edits it.
 *
 * @import { AnyWidgetElement, Facade } from "../js/types.js"
 */
import { fromJson, summary, toJson } from "./gallery-values.js";

const MOTION = matchMedia("(prefers-reduced-motion: no-preference)");

/** Rows made so far, for the ids of their parts. */
let count = 0;

/** Follows the model of a card's widget; the page goes on without, where there is none. @param {Element} card */
export async function follow(card) {
	const widget = card.querySelector("any-widget");
	const list = card.querySelector(".g-pairs");
	if (!widget || !list) return;
	await customElements.whenDefined("any-widget");
	const model = await widget.getModel();

	/** @type {Map<string, Row>} */
	const rows = new Map();
	for (const pair of list.querySelectorAll(".g-pair")) rows.set(pair.getAttribute("data-key") ?? "", new Row(model, pair));
	/** @param {string} key */
	const rowOf = (key) => {
		const row = rows.get(key) ?? new Row(model, newPair(key));
		if (!rows.has(key)) list.append(row.element);
		rows.set(key, row);
		return row;
	};

	/** Keys whose rows are not current. @type {Set<string>} */
	const stale = new Set(model.keys());
	let seen = true;
	let due = false;
	const soon = () => {
		if (due || !seen) return;
		due = true;
		requestAnimationFrame(() => {
			due = false;
			for (const key of stale) {
				if (model.get(key) !== undefined) rowOf(key).show();
				else if (rows.delete(key)) list.querySelector(`[data-key="${CSS.escape(key)}"]`)?.remove();
			}
			stale.clear();
		});
	};
	soon();
	model.on("change", ({ changed }) => {
		for (const key of Object.keys(changed)) if (key !== "_css") stale.add(key);
		soon();
	});
	// A value out of sight is neither copied nor written down.
	new IntersectionObserver(([entry]) => {
		seen = entry?.isIntersecting ?? true;
		soon();
	}).observe(card);

	// Events of widgets inside this one pass by, too.
	/** @param {string} name @param {(detail: any) => void} then */
	const hear = (name, then) => widget.addEventListener(name, (event) => event.target === widget && then(/** @type {CustomEvent} */ (event).detail));
	hear("anywidget:refused", (reasons) => {
		for (const [key, reason] of Object.entries(reasons)) rowOf(key).say(`Refused: ${reason}`);
	});
	hear("anywidget:change", ({ key, origin }) => origin === "host" || rows.get(key)?.say(""));
	hear("anywidget:connection", () => {
		for (const row of rows.values()) row.allow();
	});
}

/** @param {string} key */
function newPair(key) {
	const pair = make("div", "g-pair");
	pair.dataset.key = key;
	const name = make("dt", "g-key");
	name.textContent = key;
	pair.append(name, make("dd", "g-value"));
	return pair;
}

/** One key. Its value is a button until it is edited, then a field. */
class Row {
	#model;
	#key;
	#name;
	#value;
	#button = make("button", "g-edit");
	/** What is wrong with the last edit, or write. */
	#message = make("p", "g-message");
	/** @type {HTMLFormElement | undefined} */
	#form;
	/** What the button says. */
	#shown;
	/** @type {Animation | undefined} */
	#light;

	/** @param {Facade} model @param {Element} element the row as the server made it */
	constructor(model, element) {
		this.element = element;
		this.#model = model;
		this.#key = element.getAttribute("data-key") ?? "";
		this.#name = /** @type {HTMLElement} */ (element.querySelector(".g-key"));
		this.#value = /** @type {HTMLElement} */ (element.querySelector(".g-value"));
		this.#shown = this.#value.textContent;
		this.#name.id = `key-${++count}`;
		this.#button.id = `value-${count}`;
		this.#button.type = "button";
		this.#button.setAttribute("aria-labelledby", `${this.#name.id} ${this.#button.id}`);
		this.#button.append(...this.#value.childNodes);
		this.#message.setAttribute("role", "alert");
		this.#value.append(this.#button);
		this.#button.onclick = () => this.#press();
		this.#button.onkeydown = (event) => this.#step(event);
		this.allow();
	}

	/** Shows the value of the moment; it lights up if it is another. */
	show() {
		const value = this.#model.get(this.#key);
		this.#button.replaceChildren(...summary(value));
		if (typeof value === "boolean") {
			this.#button.setAttribute("role", "switch");
			this.#button.ariaChecked = String(value);
		} else {
			this.#button.removeAttribute("role");
			this.#button.ariaChecked = null;
		}
		if (this.#button.textContent === this.#shown) return;
		this.#shown = this.#button.textContent;
		this.#light?.cancel();
		if (MOTION.matches) this.#light = this.element.animate({ backgroundColor: ["var(--g-light)", "transparent"] }, { duration: 1200, easing: "ease-out" });
	}

	/** As far as the host lets this page write. */
	allow() {
		const writable = this.#model.writable(this.#key);
		this.element.classList.toggle("g-readonly", !writable);
		this.#button.ariaDisabled = writable ? null : "true";
		this.#button.title = writable ? "" : "Only the server writes it";
	}

	/** @param {string} words beside the key; none if all is well */
	say(words) {
		this.#message.textContent = words;
		if (!words) this.#message.remove();
		else if (!this.#message.isConnected) this.#value.append(this.#message);
	}

	#press() {
		const value = this.#model.get(this.#key);
		if (!this.#model.writable(this.#key)) this.say("Read-only: only the server writes it.");
		else if (typeof value === "boolean") this.#save(!value);
		else this.#edit(value);
	}

	/** Numbers follow the arrow keys, in steps of their last digit. @param {KeyboardEvent} event */
	#step(event) {
		const steps = { ArrowUp: 1, ArrowDown: -1 }[event.key];
		const value = this.#model.get(this.#key);
		if (!steps || typeof value !== "number" || !Number.isFinite(value) || event.altKey || event.ctrlKey || event.metaKey) return;
		event.preventDefault();
		const digits = /\.(\d+)$/.exec(String(value))?.[1]?.length ?? 0;
		if (this.#model.writable(this.#key)) this.#save(Number((value + (steps * (event.shiftKey ? 10 : 1)) / 10 ** digits).toFixed(digits)));
	}

	/** @param {unknown} value */
	#edit(value) {
		let json;
		try {
			json = toJson(value);
		} catch (error) {
			return this.say(/** @type {Error} */ (error).message);
		}
		this.say("");
		const form = (this.#form = make("form", "g-editor"));
		const field = make("textarea", "g-field");
		field.value = json;
		field.rows = json.split("\n").length;
		field.spellcheck = false;
		field.autocapitalize = "off";
		field.setAttribute("aria-label", `${this.#key}, as JSON`);
		field.enterKeyHint = "done";
		const save = make("button", "g-button g-button-main");
		save.textContent = "Save";
		const cancel = make("button", "g-button");
		cancel.type = "button";
		cancel.textContent = "Cancel";
		form.append(field, save, cancel);
		field.oninput = () => {
			field.rows = field.value.split("\n").length;
			field.ariaInvalid = null;
			this.say("");
		};
		form.onkeydown = (event) => {
			if (event.isComposing || (event.key !== "Escape" && (event.key !== "Enter" || event.shiftKey || event.target !== field))) return;
			event.preventDefault();
			if (event.key === "Escape") this.#close();
			else form.requestSubmit();
		};
		cancel.onclick = () => this.#close();
		form.onsubmit = (event) => {
			event.preventDefault();
			try {
				// What was not touched is not written: meanwhile it may have become another.
				if (field.value !== json) this.#save(fromJson(field.value));
				this.#close();
			} catch (error) {
				field.ariaInvalid = "true";
				this.say(/** @type {Error} */ (error).message);
				field.focus();
			}
		};
		this.#button.replaceWith(form);
		field.focus();
		field.select();
	}

	#close() {
		this.#form?.replaceWith(this.#button);
		this.#form = undefined;
		if (!this.#message.textContent?.startsWith("Refused")) this.say("");
		this.#button.focus();
	}

	/** @param {unknown} value */
	#save(value) {
		this.say("");
		this.#model.set(this.#key, value);
		this.#model.save_changes();
	}
}

/** @template {keyof HTMLElementTagNameMap} T @param {T} name @param {string} className */
const make = (name, className) => Object.assign(document.createElement(name), { className });
