/**
 * A search in the rows of one view: which lines hold the query, and where, highlighted without touching the rows.
 */

/** One for all views: the stylesheet names it. Older browsers have none, and show only the line the search is at. */
const lit = globalThis.CSS?.highlights && new Highlight();
if (lit) CSS.highlights.set("aw-log-found", lit);

export class Find {
	query = "";
	/** The line it stands at, -1 for none yet. */
	at = -1;
	/** The parts to highlight, by line. @type {Map<number, StaticRange[]>} */
	#found = new Map();

	/** Looks in one line. @param {number} n @param {Node | null | undefined} text */
	look(n, text) {
		if (!this.query || !text) return;
		const where = String(text.nodeValue).toLowerCase();
		const { length } = this.query;
		const ranges = [];
		for (let i = where.indexOf(this.query); i >= 0; i = where.indexOf(this.query, i + length)) {
			ranges.push(new StaticRange({ startContainer: text, startOffset: i, endContainer: text, endOffset: i + length }));
		}
		if (ranges.length) this.#found.set(n, ranges);
		for (const range of ranges) lit?.add(range);
	}

	/** Forgets lines; without numbers all, and where it stood. @param {Iterable<number>} [lines] */
	forget(lines) {
		if (!lines) this.at = -1;
		for (const n of [...(lines ?? this.#found.keys())]) {
			for (const range of this.#found.get(n) ?? []) lit?.delete(range);
			this.#found.delete(n);
		}
	}

	/** The numbers of the lines that were found, in order. */
	get lines() {
		return [...this.#found.keys()].sort((a, b) => a - b);
	}

	/** Goes to the next line, or the one before, and round at the ends. @param {number} by */
	step(by) {
		const all = this.lines;
		this.at = (by > 0 ? all.find((n) => n > this.at) ?? all[0] : all.findLast((n) => n < this.at) ?? all.at(-1)) ?? -1;
	}

	/** "3 of 17", in words. */
	toString() {
		const all = this.lines;
		const place = all.indexOf(this.at) + 1;
		return !this.query ? "" : place ? `${place} of ${all.length}` : all.length ? `${all.length} found` : "not found";
	}
}
