/**
 * The page's replica of one model: what its widgets see, and which frames keep it in step with the host. It
 * knows no socket, clock or DOM: frames go in by `receive` and come out of `drain`.
 *
 * A key is *dirty* from `set` to `save`, and *pending* from `save` to the ack of the last frame that carries it.
 * What the host says of a pending key is put aside until then.
 *
 * @import { Held } from "./held.js"
 * @import { Callback, Frame, Listener, Origin, Seed, Slot, State } from "./types.js"
 */
import { equal, isBytes, snapshot } from "./codec.js";

/** Messages kept for a widget that does not listen yet, and reports for a host that is away. */
const MAX_EARLY = 100;
/** Messages of ours kept for a host that is away. */
const MAX_QUEUE = 10_000;
/** Rounds of an event whose listeners cause it again. */
const MAX_ROUNDS = 100;

const { hasOwn, keys } = Object;

export class Model {
  /** Told that `drain` may have something to give. */
  wake = () => {};
  /** Told what went wrong: a listener that threw, messages that are lost. @type {(phase: string, error: unknown) => void} */
  report = () => {};
  /** Told which writes the host refused, and why. @type {(reasons: Record<string, string>) => void} */
  refused = () => {};
  /** Told which keys have another value here, before any listener is. @type {(keys: string[]) => void} */
  shown = () => {};
  /**
   * Told which keys have another value at the host: by a write of this page ("view"; `by` is what `set` was given), of
   * another client ("other"), or by itself ("host").
   *
   * @type {(keys: string[], origin: Origin, by?: unknown) => void}
   */
  stored = () => {};
  /** Told that the host raises a DOM event. @type {(name: string, detail: unknown) => void} */
  event = () => {};
  /** Why the host refused the last write of a key, until the key is accepted or changes again. @type {Map<string, string>} */
  refusals = new Map();
  /** Told that what waited for large values may have come, or has more to come. */
  moved = () => {};
  /** Is the host on this machine? Then only very large values take another way than its frames. */
  near = false;
  /** What waits for large values; none before the first. @type {Held | undefined} */
  held;
  /** Who waits for an answer to `invoke`, by its id. @type {Map<string, (frame: Frame) => void>} */
  replies = new Map();

  #session;
  /** @type {string | undefined} */
  #epoch;
  #rev = 0;
  /** Number of the newest message seen in this epoch. @type {number | undefined} */
  #n;
  /** Of the last numbered frame, `set` or `message`. */
  #seq = 0;
  /** The host said hello on the socket of the moment. */
  #live = false;
  /** A commit was missed: no rev may be taken on until a full state came. */
  #gap = false;
  /** @type {Map<string, Slot>} */
  #slots = new Map();
  /** The dirty keys, with what the host was last known to have. @type {Map<string, any>} */
  #dirty = new Map();
  /** Saved values that wait for the `set` in flight, and who set them. @type {Map<string, { value: any, by: unknown }>} */
  #waiting = new Map();
  /** Numbered frames that no socket was given yet. @type {Frame[]} */
  #queue = [];
  /** Numbered frames sent and not acknowledged. @type {Frame[]} */
  #sent = [];
  /** The `set`s among both. @type {Frame[]} */
  #writes = [];
  /** Who set the keys of a `set`. @type {WeakMap<Frame, Map<string, unknown>>} */
  #writers = new WeakMap();
  /** Frames without number, sent once at most. @type {Frame[]} */
  #notes = [];
  /** What the host said of pending keys. @type {Map<string, { value: any, rev: number }>} */
  #aside = new Map();

  /** @type {Listener[]} */
  #listeners = [];
  /** Messages that nobody has listened to. @type {Frame[]} */
  #early = [];
  #overflowed = false;
  /** The events being told, and whether to tell them again. @type {Map<string, boolean>} */
  #telling = new Map();
  /** Of `#announce` in itself, and the keys that changed since the outermost. */
  #depth = 0;
  /** @type {Set<string>} */
  #changed = new Set();

  /** @param {string} session the page's secret */
  constructor(session) {
    this.#session = session;
  }

  /** @param {Seed} seed */
  seed({ epoch, rev, state }) {
    this.#epoch = epoch;
    this.#rev = rev;
    this.#take(state, rev);
  }

  /** @param {string} key */
  get(key) {
    const slot = this.#slots.get(key);
    if (slot && !slot.lent) Object.assign(slot, { live: snapshot(slot.copy, key), lent: true });
    return slot?.live;
  }

  /** The value as it travels, for those who only read it. @param {string} key */
  peek(key) {
    return this.#slots.get(key)?.copy;
  }

  keys() {
    return [...this.#slots.keys()].filter((key) => key !== "_css");
  }

  /** @param {State} state @param {unknown} [by] who sets it */
  set(state, by) {
    /** @type {Map<string, Slot>} */
    const changed = new Map();
    for (const key of keys(state)) {
      const live = state[key];
      const slot = this.#slots.get(key);
      if (key === "_css" || key === "_esm" || (!slot && live === undefined)) continue;
      if (!slot || !equal(live, slot.copy)) changed.set(key, { copy: snapshot(live, key), live, lent: true, rev: slot?.rev, by });
      // No change, but the reference that widgets hold may have been mutated.
      else if (!slot.lent || (live !== slot.live && !equal(slot.live, slot.copy))) Object.assign(slot, { live, lent: true });
    }
    for (const [key, slot] of changed) {
      if (!this.#dirty.has(key)) this.#dirty.set(key, this.#slots.get(key)?.copy);
      this.#slots.set(key, slot);
    }
    this.#announce([...changed.keys()]);
  }

  save() {
    const mutated = [];
    // A value may have been mutated since it was set. All are looked at before one counts as saved.
    for (const key of this.#dirty.keys()) {
      const slot = /** @type {Slot} */ (this.#slots.get(key));
      if (equal(slot.live, slot.copy)) continue;
      slot.copy = snapshot(slot.live, key);
      mutated.push(key);
    }
    for (const key of this.#dirty.keys()) {
      const { copy, by } = /** @type {Slot} */ (this.#slots.get(key));
      this.#waiting.set(key, { value: copy, by });
    }
    this.#dirty.clear();
    if (mutated.length) this.shown(mutated);
    this.wake();
  }

  /** @param {unknown} content @param {Iterable<unknown> | null} [buffers] */
  send(content, buffers) {
    if (this.#queue.length >= MAX_QUEUE) throw new Error(`${MAX_QUEUE} messages wait for the host; this one is not sent`);
    content = snapshot(content, "content");
    const copies = Array.from(buffers ?? [], (buffer, i) => {
      if (isBytes(buffer)) return snapshot(buffer, "buffers");
      throw new TypeError(`buffers[${i}] is not an ArrayBuffer, a DataView or a typed array`);
    });
    this.#promote();
    this.#queue.push({ type: "message", seq: ++this.#seq, content, buffers: copies });
    this.wake();
  }

  /** @param {Listener["owner"]} owner @param {AbortSignal} signal @param {string} names by white space @param {Callback} callback */
  on(owner, signal, names, callback) {
    for (const name of split(names)) this.#listeners.push({ owner, signal, name, callback });
    // Not at once: the caller may still be setting up what its callback needs.
    queueMicrotask(() => {
      while (this.#early[0] && this.#to("msg:custom").length) this.#tell(/** @type {Frame} */ (this.#early.shift()));
    });
  }

  /** @param {Listener["owner"]} owner @param {string | null} [names] @param {Callback | null} [callback] */
  off(owner, names, callback) {
    this.#listeners = this.#listeners.filter((one) => {
      one.gone ||= one.owner === owner && (names == null || split(names).includes(one.name)) && (!callback || callback === one.callback);
      return !one.gone;
    });
  }

  /** Makes the stylesheet known, which is no state and never travels. @param {string | undefined} text */
  setCss(text) {
    this.#slots.set("_css", { copy: text, live: text, lent: true });
    this.#announce(["_css"]);
  }

  /** Makes the host answer: to what is under way, or to a write of nothing. */
  ask() {
    if (this.#sent.length) return;
    this.#queue.push({ type: "set", seq: ++this.#seq, state: {} });
    this.wake();
  }

  /** The frame that opens a socket. @returns {Frame} */
  hello() {
    const frame = { type: "hello", version: 1, session: this.#session, fetches: true };
    if (this.near) Object.assign(frame, { near: true });
    if (this.#epoch !== undefined) Object.assign(frame, { epoch: this.#epoch, rev: this.#rev });
    if (this.#n !== undefined) Object.assign(frame, { messages: this.#n });
    return frame;
  }

  /** Is there anything of ours that no socket was given yet? */
  get unsent() {
    return this.#waiting.size + this.#queue.length > 0;
  }

  /**
   * The frames to send now, in order: one `set` at a time, nothing before the host's hello. In the last moment
   * of a socket `all` goes.
   */
  drain(all = false) {
    if (!this.#live && !all) return [];
    // Before its hello nobody knows what the host has of these. It takes numbers only in order, so they go first; not
    // a message, which it may have, nor anything behind one.
    const again = this.#live ? [] : [...this.#sent];
    const end = again.findIndex(({ type }) => type === "message");
    if (end >= 0) return again.slice(0, end);
    if (all || !this.#writes.length) this.#promote();
    const frames = this.#queue.splice(0);
    this.#sent.push(...frames);
    return [...again, ...frames, ...this.#notes.splice(0)];
  }

  /** The socket is gone. */
  lost() {
    this.#live = this.#gap = false;
  }

  /** Sends what needs no ack. @param {Frame} frame */
  note(frame) {
    if (this.#notes.length < MAX_EARLY) this.#notes.push(frame);
    this.wake();
  }

  /** @param {Frame} frame */
  receive(frame) {
    if (frame.type === "hello") this.#hello(frame);
    else if (frame.type === "set") this.#set(frame);
    else if (frame.type === "ack") this.#ack(frame);
    else if (frame.type === "message") this.#message(frame);
    else if (frame.type === "event" && this.#isNew(frame)) this.event(frame.name, frame.detail);
    // What is gone is told once, also when the socket is lost before the message behind it.
    else if (frame.type === "gap" && this.#n !== undefined) this.#n += frame.count;
  }

  /** @param {Frame} frame */
  #hello({ epoch, rev, full, state, large = {}, seq, messages }) {
    let known = seq != null;
    const first = this.#epoch === undefined;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#n = undefined;
      this.#aside.clear();
      this.held?.clear();
      known = false;
    }
    // Another host of the same model counts its own messages, and may have come less far.
    if (messages != null) this.#n = Math.min(this.#n ?? messages, messages);
    // On a live socket it answers `get`, and what was sent on it is still under way.
    const asked = this.#live;
    if (!asked) this.#resend(known);
    this.#live = true;
    if (full) for (const slot of this.#slots.values()) slot.rev = 0;
    const changed = this.#take(this.held?.put(rev, state, large, "host") ?? state, rev);
    if (full) {
      this.#rev = rev;
      this.#gap = false;
      for (const key of this.#slots.keys()) {
        if (hasOwn(state, key) || hasOwn(large, key) || key === "_css" || this.#dirty.has(key) || this.#pending(key)) continue;
        this.#slots.delete(key);
        changed.push(key);
      }
    }
    this.#raise(rev);
    this.#announce(changed, asked ? changed : []);
    if (!first) this.stored(changed, "host");
    this.#arrive();
    this.wake();
  }

  /**
   * A large value came.
   * @param {string} key @param {string} epoch @param {number} rev that wrote it @param {any} value
   * @returns {boolean} whether it is of the history that we know
   */
  bring(key, epoch, rev, value) {
    if (epoch !== this.#epoch) return false;
    this.held?.bring(key, rev, value);
    this.#arrive();
    return true;
  }

  /** A large value will not come. @param {string} key @param {unknown} error */
  miss(key, error) {
    this.held?.drop(key);
    this.report("message", error);
    this.#arrive();
  }

  /** Shows what is whole now, and lets through what waited behind it. */
  #arrive() {
    const { held } = this;
    if (!held) return;
    for (let batch = held.next(this.#rev); batch; batch = held.next(this.#rev)) {
      const changed = [...batch.values].flatMap(([key, { value, rev }]) => this.#take({ [key]: value }, rev));
      this.#announce(changed);
      this.stored(changed, batch.origin);
    }
    for (let frame = held.nextMessage(); frame; frame = held.nextMessage()) this.#deliver(frame);
    this.moved();
  }

  /** The host cannot take a frame of ours, so it is as if it had refused it. @param {Frame} frame @param {string} reason */
  reject(frame, reason) {
    this.#settled(frame);
    if (frame.type === "set") {
      const reasons = Object.fromEntries(keys(frame.state).map((key) => [key, reason]));
      this.#judge(frame, reasons);
      this.refused(reasons);
      this.note({ type: "get" }); // for the true values
    } else {
      this.#fail(frame, "TooLarge", reason);
      this.report("message", new Error(`a message is not sent: ${reason}`));
    }
  }

  /**
   * Puts what is unacknowledged in front again. A host that does not know our numbers may get a `set` twice,
   * which does no harm; a message might do.
   *
   * @param {boolean} known
   */
  #resend(known) {
    const again = this.#sent.filter(({ type }) => known || type === "set");
    const lost = this.#sent.filter((frame) => !again.includes(frame));
    this.#queue.unshift(...again);
    this.#sent = [];
    if (!lost.length) return;
    const message = `${lost.length} messages may be lost: the host has started anew`;
    for (const frame of lost) this.#fail(frame, "Lost", message);
    this.report("message", new Error(message));
  }

  /** Nothing more comes of this frame. @param {Frame} frame */
  #settled(frame) {
    this.#sent = this.#sent.filter((one) => one !== frame);
    this.#writes = this.#writes.filter((one) => one !== frame);
  }

  /** Tells who waits for an answer to a message of ours that none will come. @param {Frame} frame @param {string} type @param {string} message */
  #fail({ content }, type, message) {
    this.replies.get(content?.id)?.({ type: "message", content: { error: { type, message } } });
  }

  /** @param {Frame} frame */
  #set({ base, rev, state, large = {}, origin }) {
    if (base > this.#rev) {
      if (!this.#gap) this.note({ type: "get" });
      this.#gap = true;
      return;
    }
    this.#raise(rev);
    const from = origin ? "other" : "host";
    const changed = this.#take(this.held?.put(rev, state, large, from) ?? state, rev);
    this.#announce(changed);
    this.stored(changed, from);
    this.#arrive();
  }

  /** @param {Frame} frame */
  #ack({ seq, rev, refused, state, large = {} }) {
    this.#raise(rev);
    const frame = this.#sent.find((one) => one.seq === seq);
    if (!frame) return;
    this.#settled(frame);
    this.#judge(frame, refused);
    const wrote = frame.state ?? {};
    const truth = state ?? {};
    const changed = [];
    for (const key of keys({ ...wrote, ...truth })) {
      // An answer that is given again, or comes behind a newer commit, may be older than what is shown.
      const told = hasOwn(truth, key) && (this.#slots.get(key)?.rev ?? 0) <= rev;
      let aside = this.#aside.get(key);
      // An accepted write is newer than what was put aside before it, and so is the truth about a refused one.
      if (aside && aside.rev <= rev && (told || !hasOwn(refused ?? {}, key))) aside = undefined;
      if (!aside && told) aside = { value: truth[key], rev };
      this.#aside.delete(key);
      if (!aside) continue;
      if (this.#pending(key)) this.#aside.set(key, aside);
      // Written again meanwhile, though not saved: a hand on a slider is not pulled back.
      else if (aside.rev === rev && hasOwn(wrote, key) && this.#dirty.has(key)) this.#dirty.set(key, aside.value);
      else changed.push(...this.#take({ [key]: aside.value }, aside.rev));
    }
    if (refused) this.refused(refused);
    this.#announce(changed, keys(refused ?? {}));
    const accepted = keys(wrote).filter((key) => !hasOwn(refused ?? {}, key));
    for (const key of accepted) this.stored([key], "view", this.#writers.get(frame)?.get(key));
    this.stored(changed.filter((key) => !accepted.includes(key)), "host");
    // What was written before our own value, and is still on its way, comes too late.
    for (const key of accepted) this.held?.drop(key, rev);
    this.held?.put(rev, {}, large, "host");
    this.#arrive();
    this.wake();
  }

  /** Notes what the host says of a `set`, except of keys that were written again since. @param {Frame} frame @param {Record<string, string>} [refused] */
  #judge({ state }, refused) {
    for (const key of keys(state ?? {})) {
      if (this.#dirty.has(key) || this.#pending(key)) continue;
      if (refused && hasOwn(refused, key)) this.refusals.set(key, refused[key] || "refused");
      else this.refusals.delete(key);
    }
  }

  /** @param {Frame} frame */
  #message(frame) {
    if (!this.#isNew(frame)) return;
    const { content } = frame;
    if (content?.kind === "anywidget-command-response") this.replies.get(content.id)?.(frame);
    else if (!this.held?.keeps(frame)) this.#deliver(frame);
  }

  /** What is numbered comes once. @param {Frame} frame */
  #isNew({ n, rev }) {
    if (n != null && n <= (this.#n ?? -1)) return false;
    this.#n = n ?? this.#n;
    this.#raise(rev);
    return true;
  }

  /** @param {Frame} frame */
  #deliver(frame) {
    if (!this.#early.length && this.#to("msg:custom").length) this.#tell(frame);
    else if (this.#early.length < MAX_EARLY) this.#early.push(frame);
    else if (!this.#overflowed) {
      this.#overflowed = true;
      this.report("message", new Error(`more than ${MAX_EARLY} messages wait for a "msg:custom" listener; later ones are dropped`));
    }
  }

  /** Takes over what the host has. @param {State} state @param {number} rev @returns {string[]} the keys that changed here */
  #take(state, rev) {
    return keys(state).filter((key) => {
      const copy = state[key];
      const slot = this.#slots.get(key);
      if (this.#pending(key)) return void this.#aside.set(key, { value: copy, rev });
      if (slot) slot.rev = rev;
      if (this.#dirty.has(key)) {
        // Told again what is known already, as after a reload: no reason to drop an edit.
        if (equal(copy, this.#dirty.get(key))) return;
        this.#dirty.delete(key);
      }
      if (slot && equal(copy, slot.copy)) return;
      return this.#slots.set(key, { copy, lent: false, rev });
    });
  }

  /** @param {string} key */
  #pending(key) {
    return this.#waiting.has(key) || this.#writes.some(({ state }) => hasOwn(state, key));
  }

  /** Makes a numbered frame of the values that wait. */
  #promote() {
    if (!this.#waiting.size) return;
    const of = (/** @type {"value" | "by"} */ what) => Array.from(this.#waiting, ([key, one]) => /** @type {const} */ ([key, one[what]]));
    const frame = { type: "set", seq: ++this.#seq, state: Object.fromEntries(of("value")) };
    this.#writers.set(frame, new Map(of("by")));
    this.#waiting.clear();
    this.#writes.push(frame);
    this.#queue.push(frame);
  }

  /** @param {number} rev */
  #raise(rev) {
    if (!this.#gap && rev > this.#rev) this.#rev = rev;
  }

  /**
   * Tells `change:key` for each, then one `change`, when all that listeners set in turn is told. The refusal of a key
   * ends with its change, unless that only puts the true value `back`.
   *
   * @param {string[]} names @param {string[]} [back]
   */
  #announce(names, back = []) {
    if (!names.length) return;
    for (const key of names) if (!back.includes(key)) this.refusals.delete(key);
    this.shown(names);
    this.#depth++;
    for (const key of names) {
      this.#fire(`change:${key}`, () => ({ [key]: this.get(key) }));
      this.#changed.add(key);
    }
    if (--this.#depth) return;
    const changed = [...this.#changed];
    this.#changed.clear();
    // Asked for only when somebody listens: it may take a copy of megabytes.
    this.#fire("change", () => Object.fromEntries(changed.map((key) => [key, this.get(key)])));
  }

  /** An event that comes up while it is told is told again afterwards, not inside. @param {string} name @param {() => State} changed */
  #fire(name, changed) {
    const nested = this.#telling.has(name);
    this.#telling.set(name, true);
    if (nested) return;
    for (let round = 0; round < MAX_ROUNDS && this.#telling.get(name); round++) {
      this.#telling.set(name, false);
      this.#call(name, ({ owner, callback }) => {
        owner.changed = changed();
        return callback(owner, ...(name === "change" ? [] : Object.values(owner.changed)));
      });
    }
    if (this.#telling.get(name)) this.report("listener", new Error(`listeners of "${name}" keep changing what they listen to`));
    this.#telling.delete(name);
  }

  /** @param {Frame} frame */
  #tell({ content, buffers }) {
    this.#call("msg:custom", ({ callback }) => callback(content, buffers ?? []));
  }

  /** @param {string} name @param {(listener: Listener) => unknown} call */
  #call(name, call) {
    for (const listener of this.#to(name)) {
      // Removed by one before it.
      if (listener.gone || listener.signal.aborted) continue;
      try {
        const result = call(listener);
        if (result instanceof Promise) result.catch((error) => this.report("listener", error));
      } catch (error) {
        this.report("listener", error);
      }
    }
  }

  /** @param {string} name */
  #to(name) {
    return this.#listeners.filter((one) => one.name === name && !one.signal.aborted);
  }
}

/** @param {unknown} names */
const split = (names) => String(names).split(/\s+/);
