/**
 * The item in the hand: taken by a pointer or by the keyboard, moved among the others, then dropped or put back.
 * It knows the order in the page and nothing of the state.
 *
 * @typedef {object} Owner
 * @property {() => string[]} order ids, as they stand in the page
 * @property {(ids: string[]) => void} place puts them in another order
 * @property {() => void} drop the held item stays where it is; the hand is empty afterwards
 * @property {() => void} restore all go where the state has them
 * @property {(id: string) => string} name
 * @property {(text: string) => void} say for those who do not see it
 */

/** A pointer that moves less (px) is a click. */
const SLOP = 4;

export class Hand {
	/** The item that is held. @type {string | null} */
	id = null;
	/** The pointer that is down, perhaps on its way to hold something: where it is, and where in the item. @type {{ id: string, pointer: number, y: number, grip: number } | null} */
	#touch = null;
	#list;
	#owner;

	/** @param {HTMLElement} list @param {Owner} owner @param {AbortSignal} signal */
	constructor(list, owner, signal) {
		this.#list = list;
		this.#owner = owner;
		list.addEventListener("keydown", (event) => this.#key(event), { signal });
		list.addEventListener("pointerdown", (event) => this.#down(event), { signal });
		list.addEventListener("pointermove", (event) => this.#follow(event), { signal });
		list.addEventListener("pointerup", (event) => this.#up(event), { signal });
		list.addEventListener("lostpointercapture", (event) => this.#up(event, true), { signal });
	}

	/** Whether a pointer carries it, rather than the keyboard. */
	get carried() {
		return this.id !== null && this.#touch !== null;
	}

	/** How far (px) a carried item is from its place, which is `top` below the top of the list. @param {number} top */
	offset(top) {
		const { y, grip } = this.#touch ?? { y: 0, grip: 0 };
		return y - grip - this.#list.getBoundingClientRect().top - top;
	}

	/** The focus is gone from what the keyboard holds. */
	leave() {
		if (this.id !== null && !this.carried) this.drop();
	}

	drop() {
		const { id } = this;
		if (id === null) return;
		this.#owner.drop();
		this.#say(id, "dropped");
	}

	cancel() {
		const { id } = this;
		if (id === null) return;
		this.release();
		this.#owner.restore();
		this.#say(id, "put back");
	}

	/** Forgets what it holds. */
	release() {
		this.id = this.#touch = null;
	}

	/** @param {string} id @param {string} what */
	#say(id, what) {
		const order = this.#owner.order();
		this.#owner.say(`${this.#owner.name(id)} ${what}, position ${order.indexOf(id) + 1} of ${order.length}`);
	}

	/** @param {string} id */
	#take(id) {
		this.id = id;
		this.#owner.place(this.#owner.order());
		this.#say(id, "lifted");
	}

	/** @param {number} to */
	#move(to) {
		const { id } = this;
		const order = this.#owner.order();
		const target = Math.min(Math.max(to, 0), order.length - 1);
		if (id === null || order.indexOf(id) === target) return;
		this.#owner.place(order.filter((one) => one !== id).toSpliced(target, 0, id));
		this.#list.children[target]?.scrollIntoView({ block: "nearest" });
		this.#say(id, "moved");
	}

	/** @param {KeyboardEvent} event */
	#key(event) {
		if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
		if (event.key === "Escape" && this.id !== null) {
			event.preventDefault();
			return this.cancel();
		}
		const id = handleOf(event.target) && rowOf(event.target)?.dataset.id;
		if (id == null || this.carried) return;
		const order = this.#owner.order();
		const at = order.indexOf(id);
		/** @type {Record<string, number>} */
		const targets = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: order.length - 1 };
		const press = event.key === " " || event.key === "Enter";
		if (!press && !(event.key in targets)) return;
		event.preventDefault(); // the page would scroll
		if (press && !event.repeat) return this.id === null ? this.#take(id) : this.drop();
		if (this.id !== null) return this.#move(targets[event.key]);
		/** @type {HTMLElement | null | undefined} */ (this.#list.children[targets[event.key]]?.querySelector(".aw-sortable-handle"))?.focus();
	}

	/** A finger takes an item by its handle, for it scrolls the page elsewhere; a mouse takes it anywhere. @param {PointerEvent} event */
	#down(event) {
		const row = rowOf(event.target);
		if (this.#touch || event.button !== 0 || !row || row.querySelector(".aw-sortable-handle[hidden]")) return;
		const free = event.pointerType === "mouse" && !(event.target instanceof Element && event.target.closest("button, label"));
		if (!free && !handleOf(event.target)) return;
		this.drop(); // what the keyboard held
		event.preventDefault(); // no text selection
		/** @type {HTMLElement} */ (row.querySelector(".aw-sortable-handle")).focus({ preventScroll: true });
		this.#touch = { id: String(row.dataset.id), pointer: event.pointerId, y: event.clientY, grip: event.clientY - row.getBoundingClientRect().top };
		this.#list.setPointerCapture(event.pointerId); // a row that is moved would lose it
	}

	/** @param {PointerEvent} event */
	#follow(event) {
		const touch = this.#touch;
		if (touch?.pointer !== event.pointerId) return;
		if (this.id === null && Math.abs(event.clientY - touch.y) < SLOP) return;
		touch.y = event.clientY;
		if (this.id === null) this.#take(touch.id);
		const all = /** @type {HTMLElement[]} */ ([...this.#list.children]);
		const held = all.find((row) => row.dataset.id === touch.id);
		if (!held) return;
		const middle = this.offset(0) + held.offsetHeight / 2;
		const passes = (/** @type {HTMLElement} */ row) => row.offsetTop + row.offsetHeight / 2 < middle;
		const others = all.filter((row) => row !== held);
		const at = all.indexOf(held);
		const to = others.filter(passes).length;
		if (to === at) this.#owner.place(this.#owner.order());
		else this.#move(to);
	}

	/** @param {PointerEvent} event @param {boolean} [lost] */
	#up(event, lost = false) {
		if (this.#touch?.pointer !== event.pointerId) return;
		if (lost) this.cancel();
		else this.drop();
		this.#touch = null;
	}
}

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
const rowOf = (target) => (target instanceof Element ? target.closest(".aw-sortable-item") : null);

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
const handleOf = (target) => (target instanceof Element ? target.closest(".aw-sortable-handle") : null);
