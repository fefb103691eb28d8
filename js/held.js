/**
 * State that waits for values too large for the socket: what was committed together is shown together, when all of
 * it is here. Pure, like the replica it belongs to.
 *
 * There are two batches at most: one whose values are being fetched, and one of all that came meanwhile. So a
 * producer that is faster than the line costs no memory, and the page still sees one picture after the other. A host
 * has only the newest value, so a batch may get one that is newer than it; it then grows up to the newer frames.
 *
 * @import { Frame, Large, Origin, State } from "./types.js"
 */

/**
 * @typedef {object} Batch
 * @property {number} since the first rev in it
 * @property {number} until the last one
 * @property {Origin} origin of the last change
 * @property {Map<string, { value: any, rev: number }>} values
 * @property {Map<string, Large>} missing
 */

const { entries, keys } = Object;

/** A batch grows so often before it is shown with a value that is newer than the rest: a producer may be too fast for more. */
const PATIENCE = 3;

export class Held {
  /** @type {Batch[]} */
  #batches = [];
  /** How often the first one may grow. */
  #patience = PATIENCE;
  /** Values that are newer than the rev the page has; the frame that says so is on its way. @type {Map<string, { value: any, rev: number }>} */
  #ahead = new Map();
  /** Custom messages sent after something that waits. @type {Frame[]} */
  #messages = [];

  /** Is anything waiting? */
  get waits() {
    return this.#batches.length > 0;
  }

  /** What has to be fetched now: key, rev, about how many bytes. @returns {Iterable<[string, Large]>} */
  get missing() {
    return [...(this.#batches[0]?.missing ?? [])].filter(([key, { rev }]) => (this.#ahead.get(key)?.rev ?? -1) < rev);
  }

  /**
   * Takes what has to wait of a frame: all of it, when a value of it is large or a key of it is waiting already.
   *
   * @param {number} rev @param {State} state @param {Record<string, Large>} large @param {Origin} origin
   * @returns {State} what need not wait
   */
  put(rev, state, large, origin) {
    const isLarge = keys(large).length > 0;
    const waits = (/** @type {string} */ key) => this.#batches.some(({ values, missing }) => values.has(key) || missing.has(key));
    if (!isLarge && !keys(state).some(waits)) return state;
    if (this.#batches.length < 2) this.#batches.push({ since: rev, until: rev, origin, values: new Map(), missing: new Map() });
    const batch = /** @type {Batch} */ (this.#batches.at(-1));
    batch.origin = origin;
    batch.until = rev;
    for (const [key, value] of entries(state)) {
      batch.missing.delete(key);
      batch.values.set(key, { value, rev });
    }
    for (const [key, notice] of entries(large)) {
      batch.values.delete(key);
      batch.missing.set(key, notice);
    }
    return {};
  }

  /** A value came. @param {string} key @param {number} rev that wrote it @param {any} value */
  bring(key, rev, value) {
    this.#ahead.set(key, { value, rev });
  }

  /** What this key waits for will not come, or is older than what the page wrote itself. @param {string} key @param {number} [rev] */
  drop(key, rev = Infinity) {
    for (const { values, missing } of this.#batches) {
      for (const waiting of [values, missing]) if ((waiting.get(key)?.rev ?? 0) <= rev) waiting.delete(key);
    }
  }

  /** Keeps a message that was sent after something that waits. @param {Frame} frame */
  keeps(frame) {
    const since = this.#batches[0]?.since ?? Infinity;
    if (!this.#messages.length && frame.rev < since) return false;
    this.#messages.push(frame);
    return true;
  }

  /** The next batch that is whole, if the page has come to `rev`. @param {number} rev @returns {Batch | undefined} */
  next(rev) {
    for (const [key, come] of this.#ahead) {
      if (come.rev > rev) continue;
      this.#ahead.delete(key);
      if (come.rev > (this.#batches[0]?.until ?? Infinity) && this.#patience-- > 0) this.#grow();
      for (const { values, missing } of this.#batches) {
        if ((missing.get(key)?.rev ?? Infinity) > come.rev) continue;
        missing.delete(key);
        values.set(key, come);
      }
    }
    if (this.#batches[0]?.missing.size !== 0) return;
    this.#patience = PATIENCE;
    return this.#batches.shift();
  }

  /** Makes one batch of both. */
  #grow() {
    const [first, second] = this.#batches;
    if (!first || !second) return;
    const values = new Map([...first.values, ...second.values]);
    const missing = new Map([...first.missing, ...second.missing]);
    for (const key of second.values.keys()) missing.delete(key);
    for (const key of second.missing.keys()) values.delete(key);
    this.#batches = [{ ...second, since: first.since, values, missing }];
  }

  /** The next message that need not wait any more. */
  nextMessage() {
    const since = this.#batches[0]?.since ?? Infinity;
    return (this.#messages[0]?.rev ?? Infinity) < since ? this.#messages.shift() : undefined;
  }

  /** Another history began. */
  clear() {
    this.#batches = [];
    this.#patience = PATIENCE;
    this.#ahead.clear();
  }
}
