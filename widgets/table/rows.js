/**
 * Keeps in the document only the rows that can be seen, and a few around them. Elements are used again: the row at position
 * p always has the element p modulo their number, so a scroll fills only those that come into view.
 */

/** Rows kept above and below those that are seen. */
const SPARE = 6;

export class Rows {
	#body;
	#sizer;
	#make;
	#fill;
	#count = 0;
	/** Of a row, in CSS px. */
	height = 40;
	/** @type {{ element: HTMLElement, position: number }[]} */
	#pool = [];

	/**
	 * @param {HTMLElement} body what scrolls @param {HTMLElement} sizer the element in it that is as high as all rows
	 * @param {() => HTMLElement} make @param {(element: HTMLElement, position: number, fresh: boolean) => void} fill
	 * `fresh` when the element showed another row before, or the rows are others
	 */
	constructor(body, sizer, make, fill) {
		this.#body = body;
		this.#sizer = sizer;
		this.#make = make;
		this.#fill = fill;
	}

	/** How many rows fit whole. */
	get page() {
		return Math.max(1, Math.floor(this.#body.clientHeight / this.height));
	}

	/**
	 * The rows are others, or in another order.
	 * @param {number} count @param {boolean} [anew] their cells are others too
	 */
	reset(count, anew = false) {
		this.#count = count;
		this.#sizer.style.height = `${count * this.height}px`;
		if (anew) for (const { element } of this.#pool.splice(0)) element.remove();
		for (const one of this.#pool) one.position = -1;
		this.draw();
	}

	/** Shows what is in view now. */
	draw() {
		const { scrollTop, clientHeight } = this.#body;
		const size = Math.min(Math.ceil(clientHeight / this.height) + 1 + 2 * SPARE, this.#count);
		if (this.#pool.length !== size) for (const one of this.#pool) one.position = -1; // their places change with the number
		while (this.#pool.length > size) this.#pool.pop()?.element.remove();
		while (this.#pool.length < size) this.#pool.push({ element: this.#sizer.appendChild(this.#make()), position: -1 });
		const first = Math.min(Math.max(Math.floor(scrollTop / this.height) - SPARE, 0), this.#count - size);
		for (let position = first; position < first + size; position++) {
			const one = this.#pool[position % size];
			const fresh = one.position !== position;
			one.position = position;
			if (fresh) one.element.style.transform = `translateY(${position * this.height}px)`;
			this.#fill(one.element, position, fresh);
		}
	}

	/** Scrolls as little as brings a row into view. @param {number} position */
	reveal(position) {
		const { scrollTop, clientHeight } = this.#body;
		const top = position * this.height;
		if (top < scrollTop) this.#body.scrollTop = top;
		else if (top + this.height > scrollTop + clientHeight) this.#body.scrollTop = top + this.height - clientHeight;
	}
}
