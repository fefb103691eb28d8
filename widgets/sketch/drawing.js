/**
 * The drawing that several people share: the strokes in a model's key `strokes`, and what to do when two draw at once.
 *
 * The last save of a key wins, and a save holds the whole drawing as its author knew it. When that lacks a stroke
 * another had just drawn, the other puts it back: so two people who draw at the same time both keep their strokes.
 */
import { join, same, split } from "./strokes.js";

/** Milliseconds in which a stroke that another's save pushed out is put back. */
const HEAL = 5000;

export class Drawing {
	/** Oldest first. @type {Uint8Array[]} */
	strokes = [];
	/** What `clear` took away, for `undo`, while the drawing stays empty. @type {Uint8Array[]} */
	#cleared = [];
	/** The strokes drawn in this view. @type {{ stroke: Uint8Array, at: number }[]} */
	#mine = [];
	#model;

	/** @param {{ get(key: "strokes"): unknown, set(key: "strokes", value: Uint8Array): void, save_changes(): void }} model */
	constructor(model) {
		this.#model = model;
		this.strokes = split(model.get("strokes"));
	}

	get canUndo() {
		return this.strokes.length > 0 || this.#cleared.length > 0;
	}

	get bytes() {
		return this.strokes.reduce((sum, { length }) => sum + length, 0);
	}

	/** @param {Uint8Array} stroke */
	add(stroke) {
		this.#mine.push({ stroke, at: Date.now() });
		this.#save([...this.strokes, stroke]);
	}

	/** Takes back a clear, else this view's newest stroke that is left, else the newest of all. */
	undo() {
		if (!this.strokes.length) return void (this.#cleared.length && this.#save(this.#cleared));
		const at = this.strokes.findLastIndex((stroke) => this.#mine.some((own) => same(own.stroke, stroke)));
		const gone = this.strokes.at(at);
		this.#mine = this.#mine.filter((own) => gone && !same(own.stroke, gone));
		this.#save(this.strokes.toSpliced(at, 1));
	}

	clear() {
		if (!this.strokes.length) return;
		[this.#cleared, this.#mine] = [this.strokes, []];
		this.#save([]);
	}

	/** The state has changed, by whomever. */
	arrive() {
		const before = this.strokes;
		this.strokes = split(this.#model.get("strokes"));
		if (this.strokes.length) this.#cleared = [];
		if (this.strokes.every((stroke, i) => before[i] && same(stroke, before[i]))) return; // an undo or a clear
		const lost = this.#mine.filter(({ stroke, at }) => Date.now() - at < HEAL
			&& before.some((other) => same(stroke, other)) && !this.strokes.some((other) => same(stroke, other)));
		if (!lost.length) return;
		// Later, because this runs inside the handler of the very key.
		queueMicrotask(() => this.#save([...this.strokes, ...lost.map(({ stroke }) => stroke)]));
	}

	/** @param {Uint8Array[]} strokes */
	#save(strokes) {
		this.#model.set("strokes", join(strokes));
		this.#model.save_changes();
	}
}
