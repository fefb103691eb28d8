/**
 * A list to put in order, by pointer and by keyboard.
 *
 * State: `items`, each a text or `{id, text, done}`; `label`; `checkable`, `addable`, `removable`, what may be done
 * beyond sorting; `readonly`, nothing may; `placeholder` of the field that adds. An item without `id` is known by its
 * text. More keys of an item are kept as they are.
 *
 * A move is saved when the item is dropped, into the newest list: behind the item that is above it then. So the list
 * may change while an item is in the hand, and only the end of that item itself ends the move.
 *
 * @typedef {string | { id?: string | number, text: string, done?: boolean }} Given
 * @typedef {{ id: string, text: string, done: boolean, given: Given }} Item
 * @typedef {{ items: Given[], label: string, checkable: boolean, addable: boolean, removable: boolean, readonly: boolean, placeholder: string }} List
 * @typedef {{ li: HTMLElement, handle: HTMLButtonElement, tick: HTMLElement, check: HTMLInputElement, text: HTMLElement, remove: HTMLButtonElement }} Row
 */

import { Hand } from "./hand.js";

/** Rows glide to their new places in this time (ms). */
const GLIDE = 160;

let made = 0;

/** @param {import("@anywidget/types").RenderProps<List>} props */
function render({ model, el, signal }) {
	const root = document.createElement("div");
	root.className = "aw-sortable";
	root.role = "group";
	root.innerHTML = MARKUP;
	el.append(root);
	const [label, count, list, note, add, field, hint, live] = /** @type {any[]} */ (PARTS.map((name) => root.querySelector(`.aw-sortable-${name}`)));
	label.id = `aw-sortable-${++made}`;
	hint.id = `${label.id}-hint`;
	for (const element of [root, list]) element.setAttribute("aria-labelledby", label.id);

	/** @type {Map<string, Row>} */
	let rows = new Map();
	/** Ids, as they stand in the page. @type {string[]} */
	let order = [];
	/** Rows are being moved, so a focus that goes comes back. */
	let placing = false;

	const say = (/** @type {string} */ text) => void (live.textContent = text);
	const name = (/** @type {string | null} */ id) => rows.get(String(id))?.text.textContent || "Item";
	const hand = new Hand(list, { order: () => order, place, drop, restore: draw, name, say }, signal);

	/** @returns {Item[]} */
	function items() {
		const given = /** @type {Given[]} */ (Array.isArray(model.get("items")) ? model.get("items") : []);
		const known = new Set();
		return given.map((one) => {
			const { id, text, done } = typeof one === "object" && one ? one : { id: undefined, text: String(one), done: false };
			let key = String(id ?? text);
			while (known.has(key)) key += " again";
			known.add(key);
			return { id: key, text: String(text ?? ""), done: Boolean(done), given: one };
		});
	}

	/** The newest list, with the item in the hand behind the one that is above it in the page. */
	function arranged() {
		const all = items();
		const held = all.find(({ id }) => id === hand.id);
		if (!held) return all;
		const others = all.filter((item) => item !== held);
		const now = order.indexOf(held.id);
		const above = others.findIndex(({ id }) => id === order[now - 1]);
		return others.toSpliced(above < 0 ? Math.min(now, others.length) : above + 1, 0, held);
	}

	/** @param {Item[]} next */
	function save(next) {
		model.set("items", next.map(({ given }) => given));
		model.save_changes();
	}

	function drop() {
		const next = arranged();
		hand.release();
		if (next.some(({ id }, i) => id !== items()[i].id)) save(next);
		draw();
	}

	/** Puts rows into this order, and lets them glide there. @param {string[]} ids */
	function place(ids) {
		const tops = new Map(Array.from(rows.values(), ({ li }) => [li, li.getBoundingClientRect().top]));
		const same = ids.length === order.length && ids.every((id, i) => id === order[i]);
		const kept = rows;
		rows = new Map(ids.map((id) => [id, kept.get(id) ?? makeRow(id)]));
		order = ids;
		if (!same) {
			const focus = /** @type {ShadowRoot} */ (list.getRootNode()).activeElement;
			placing = true;
			list.replaceChildren(...Array.from(rows.values(), ({ li }) => li));
			if (focus instanceof HTMLElement && list.contains(focus)) focus.focus({ preventScroll: true });
			placing = false;
		}
		const still = !tops.size || matchMedia("(prefers-reduced-motion: reduce)").matches;
		for (const [id, { li, handle }] of rows) {
			const held = id === hand.id;
			li.classList.toggle("aw-sortable-held", held);
			handle.ariaPressed = String(held);
			const carried = held && hand.carried;
			li.style.transform = carried ? `translateY(${hand.offset(li.offsetTop)}px)` : "";
			if (carried || still || (same && hand.carried)) continue;
			for (const animation of li.getAnimations()) animation.cancel();
			const by = (tops.get(li) ?? NaN) - li.getBoundingClientRect().top;
			if (by) li.animate({ transform: [`translateY(${by}px)`, "none"] }, { duration: GLIDE, easing: "ease-out" });
			else if (Number.isNaN(by)) li.animate({ opacity: [0, 1] }, GLIDE);
		}
	}

	function draw() {
		const all = arranged();
		const lost = hand.id !== null && all.every(({ id }) => id !== hand.id);
		if (lost) say(`${name(hand.id)} is not there any more`);
		if (lost) hand.release();
		place(all.map(({ id }) => id));
		const [checkable, addable, removable, fixed] = /** @type {const} */ (["checkable", "addable", "removable", "readonly"]).map((key) => Boolean(model.get(key)));
		for (const { id, text, done } of all) {
			const row = /** @type {Row} */ (rows.get(id));
			row.li.classList.toggle("aw-sortable-done", checkable && done);
			row.text.textContent = text;
			[row.check.checked, row.check.disabled] = [done, fixed];
			[row.handle.hidden, row.tick.hidden, row.remove.hidden] = [fixed, !checkable, fixed || !removable];
			row.check.ariaLabel = text || "Item";
			row.handle.ariaLabel = `Move ${text}`;
			row.remove.ariaLabel = `Remove ${text}`;
		}
		const broken = !Array.isArray(model.get("items") ?? []);
		label.textContent = String(model.get("label") || "List");
		count.textContent = checkable && all.length ? `${all.filter(({ done }) => done).length} of ${all.length} done` : "";
		note.textContent = broken ? "Cannot show the list: “items” is not a list." : all.length ? "" : "Nothing here yet.";
		note.classList.toggle("aw-sortable-error", broken);
		[add.hidden, field.placeholder] = [!addable || fixed || broken, String(model.get("placeholder") || "Add an item")];
	}

	/** @param {string} id @returns {Row} */
	function makeRow(id) {
		const li = document.createElement("li");
		li.className = "aw-sortable-item";
		li.dataset.id = id;
		li.innerHTML = ITEM;
		const [handle, tick, check, text, remove] = /** @type {any[]} */ (["handle", "tick", "check", "text", "remove"].map((name) => li.querySelector(`.aw-sortable-${name}`)));
		handle.setAttribute("aria-describedby", hint.id);
		handle.addEventListener("blur", () => !placing && id === hand.id && hand.leave(), { signal });
		check.addEventListener("change", () => {
			save(items().map((item) => (item.id === id ? { ...item, given: { ...parts(item), done: check.checked } } : item)));
		}, { signal });
		remove.addEventListener("click", () => {
			const at = order.indexOf(id);
			say(`${name(id)} removed`);
			save(items().filter((item) => item.id !== id));
			const next = rows.get(order[Math.min(at, order.length - 1)])?.remove;
			(next ?? (add.hidden ? list : field)).focus(); // it had the focus, and is gone
		}, { signal });
		return { li, handle, tick, check, text, remove };
	}

	add.addEventListener("submit", (/** @type {Event} */ event) => {
		event.preventDefault(); // it would leave the page
		const text = field.value.trim();
		if (!text) return field.focus();
		const id = Array.from(crypto.getRandomValues(new Uint8Array(6)), (byte) => byte.toString(36).padStart(2, "0")).join("");
		save([...items(), { id, text, done: false, given: model.get("checkable") ? { id, text, done: false } : { id, text } }]);
		field.value = "";
		field.focus();
		rows.get(id)?.li.scrollIntoView({ block: "nearest" });
		say(`${text} added`);
	}, { signal });
	model.on("change", draw);
	draw();
}

/** @param {Item} item */
const parts = ({ id, text, given }) => (typeof given === "object" && given ? given : { id, text });

const icon = (/** @type {string} */ path) => `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${path}"/></svg>`;
const PARTS = ["label", "count", "list", "note", "add", "field", "hint", "live"];
const ITEM = `
	<button class="aw-sortable-handle" type="button">${icon("M6 4h0M6 8h0M6 12h0M10 4h0M10 8h0M10 12h0")}</button>
	<label class="aw-sortable-tick"><input class="aw-sortable-check" type="checkbox"></label><span class="aw-sortable-text"></span>
	<button class="aw-sortable-remove" type="button">${icon("M4.5 4.5l7 7M11.5 4.5l-7 7")}</button>`;
const MARKUP = `
	<div class="aw-sortable-head"><span class="aw-sortable-label"></span><span class="aw-sortable-count"></span></div>
	<ul class="aw-sortable-list" role="list" tabindex="-1"></ul><p class="aw-sortable-note"></p>
	<form class="aw-sortable-add"><input class="aw-sortable-field" aria-label="New item" autocomplete="off" enterkeyhint="done">
	<button class="aw-sortable-button" type="submit">Add</button></form>
	<p class="aw-sortable-hint" hidden>Space lifts, the arrows move, Space drops, Escape puts back.</p><span class="aw-sortable-live" role="status"></span>`;

export default { render };
