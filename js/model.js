/**
 * The page's replica of one model. Frames go in by `receive` and come out of `drain`; it knows no socket, clock
 * or DOM. A key is *dirty* from `set` to `save`, and *pending* from `save` to the ack of the last frame with it;
 * what the host says of a pending key is put aside until then.
 *
 * @import { Callback, Frame, Listener, Seed, Slot, State } from "./types.js"
 */
import { equal, isBytes, snapshot } from "./codec.js";

/** Messages kept for a widget that does not listen yet. */
const MAX_EARLY = 100;
/** Messages kept for a host that is away. */
const MAX_QUEUE = 10_000;
/** Repetitions of an event whose listeners cause it. */
const MAX_ROUNDS = 100;

const { hasOwn, keys } = Object;

export class Model {
  /** `drain` may have something. */
  wake = () => {};
  /** @type {(phase: string, error: unknown) => void} */
  report = () => {};
  /** @type {(reasons: Record<string, string>) => void} */
  refused = () => {};
  /** Who waits for an answer to `invoke`. @type {Map<string, (frame: Frame) => void>} */
  replies = new Map();

  #session;
  /** @type {string | undefined} */
  #epoch;
  #rev = 0;
  /** Number of the newest message. @type {number | undefined} */
  #n;
  #seq = 0;
  /** The host said hello on this socket. */
  #live = false;
  /** A commit is missing: `rev` must not rise before a full state. */
  #gap = false;
  /** @type {Map<string, Slot>} */
  #slots = new Map();
  /** Dirty keys, and what the host has. */
  #dirty = new Map();
  /** Saved, behind the `set` in flight. */
  #waiting = new Map();
  /** Numbered, not sent. @type {Frame[]} */
  #queue = [];
  /** Sent, not acknowledged. @type {Frame[]} */
  #sent = [];
  /** The `set`s of both. @type {Frame[]} */
  #writes = [];
  /** Without number: lost with a socket. @type {Frame[]} */
  #notes = [];
  /** @type {Map<string, { value: any, rev: number }>} */
  #aside = new Map();
  /** @type {Listener[]} */
  #listeners = [];
  /** @type {Frame[]} */
  #early = [];
  #full = false;
  /** Events under way, and whether to repeat them. @type {Map<string, boolean>} */
  #telling = new Map();
  #depth = 0;
  /** @type {State} */
  #changed = {};

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

  /** @param {State} state */
  set(state) {
    /** @type {Map<string, Slot>} */
    const changed = new Map();
    for (const key of keys(state)) {
      const live = state[key];
      const slot = this.#slots.get(key);
      if (key === "_css" || key === "_esm" || (!slot && live === undefined)) continue;
      if (!slot || !equal(live, slot.copy)) changed.set(key, { copy: snapshot(live, key), live, lent: true });
      // Nothing new, unless the reference that widgets hold was mutated meanwhile.
      else if (!slot.lent || (live !== slot.live && !equal(slot.live, slot.copy))) Object.assign(slot, { live, lent: true });
    }
    for (const [key, slot] of changed) {
      if (!this.#dirty.has(key)) this.#dirty.set(key, this.#slots.get(key)?.copy);
      this.#slots.set(key, slot);
    }
    this.#announce([...changed.keys()]);
  }

  save() {
    for (const key of this.#dirty.keys()) {
      const slot = /** @type {Slot} */ (this.#slots.get(key));
      if (!equal(slot.live, slot.copy)) slot.copy = snapshot(slot.live, key);
    }
    for (const key of this.#dirty.keys()) this.#waiting.set(key, this.#slots.get(key)?.copy);
    this.#dirty.clear();
    this.wake();
  }

  /** @param {unknown} content @param {Iterable<unknown> | null} [buffers] */
  send(content, buffers) {
    if (this.#queue.length >= MAX_QUEUE) throw new Error("too many messages wait for the host");
    content = snapshot(content, "content");
    const copies = Array.from(buffers ?? [], (buffer) => {
      if (isBytes(buffer)) return snapshot(buffer, "buffers");
      throw new TypeError("buffers must be ArrayBuffers, DataViews or typed arrays");
    });
    this.#promote();
    this.#queue.push({ type: "message", seq: ++this.#seq, content, buffers: copies });
    this.wake();
  }

  /** @param {Listener["owner"]} owner @param {AbortSignal} signal @param {string} names @param {Callback} callback */
  on(owner, signal, names, callback) {
    for (const name of split(names)) this.#listeners.push({ owner, signal, name, callback });
    // Later: the caller may still be setting up what its callback needs.
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

  /** Not state: it never travels. @param {string | undefined} text */
  setCss(text) {
    this.#slots.set("_css", { copy: text, live: text, lent: true });
    this.#announce(["_css"]);
  }

  /** Opens a socket. @returns {Frame} */
  hello() {
    const frame = { type: "hello", version: 1, session: this.#session };
    if (this.#epoch !== undefined) Object.assign(frame, { epoch: this.#epoch, rev: this.#rev });
    if (this.#n !== undefined) Object.assign(frame, { messages: this.#n });
    return frame;
  }

  /** What to send now: one `set` in flight, nothing before the host's hello, unless it is the last moment for `all`. */
  drain(all = false) {
    if (!this.#live && !all) return [];
    if (all || !this.#writes.length) this.#promote();
    const frames = this.#queue.splice(0);
    this.#sent.push(...frames);
    return [...frames, ...this.#notes.splice(0)];
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
  }

  /** @param {Frame} frame */
  #hello({ epoch, rev, full, state, seq, messages }) {
    let known = seq != null;
    if (epoch !== this.#epoch) {
      this.#epoch = epoch;
      this.#n = undefined;
      this.#aside.clear();
      known = false;
    }
    this.#n ??= messages ?? undefined;
    if (!this.#live) {
      const again = this.#sent.filter(({ type }) => known || type === "set");
      if (again.length < this.#sent.length) this.report("message", new Error("the host started anew and may have missed messages"));
      this.#queue.unshift(...again);
      this.#sent = [];
    }
    this.#live = true;
    const changed = this.#take(state, rev);
    if (full) {
      this.#rev = rev;
      this.#gap = false;
      for (const key of this.#slots.keys()) {
        if (hasOwn(state, key) || key === "_css" || this.#dirty.has(key) || this.#pending(key)) continue;
        this.#slots.delete(key);
        changed.push(key);
      }
    }
    this.#raise(rev);
    this.#announce(changed);
    this.wake();
  }

  /** @param {Frame} frame */
  #set({ base, rev, state }) {
    if (base > this.#rev) {
      if (!this.#gap) this.note({ type: "get" });
      this.#gap = true;
      return;
    }
    this.#raise(rev);
    this.#announce(this.#take(state, rev));
  }

  /** @param {Frame} frame */
  #ack({ seq, rev, refused, state }) {
    this.#raise(rev);
    const frame = this.#sent.find((one) => one.seq === seq);
    if (!frame) return;
    this.#sent = this.#sent.filter((one) => one !== frame);
    this.#writes = this.#writes.filter((one) => one !== frame);
    const wrote = frame.state ?? {};
    const truth = state ?? {};
    const news = [];
    for (const key of keys({ ...wrote, ...truth })) {
      const told = hasOwn(truth, key);
      let aside = this.#aside.get(key);
      // Unless it was refused, our write is newer than what was put aside before it.
      if (aside && aside.rev <= rev && (told || !hasOwn(refused ?? {}, key))) aside = undefined;
      if (!aside && told) aside = { value: truth[key], rev };
      this.#aside.delete(key);
      if (!aside) continue;
      if (this.#pending(key)) this.#aside.set(key, aside);
      // Written again, though not saved: a hand on a slider is not pulled back.
      else if (aside.rev === rev && hasOwn(wrote, key) && this.#dirty.has(key)) this.#dirty.set(key, aside.value);
      else news.push(...this.#take({ [key]: aside.value }, aside.rev));
    }
    if (refused) this.refused(refused);
    this.#announce(news);
    this.wake();
  }

  /** @param {Frame} frame */
  #message(frame) {
    const { content, n, rev } = frame;
    if (n != null) {
      if (n <= (this.#n ?? -1)) return;
      this.#n = n;
    }
    this.#raise(rev);
    if (content?.kind === "anywidget-command-response") this.replies.get(content.id)?.(frame);
    else if (!this.#early.length && this.#to("msg:custom").length) this.#tell(frame);
    else if (this.#early.length < MAX_EARLY) this.#early.push(frame);
    else if (!this.#full) {
      this.#full = true;
      this.report("message", new Error(`more than ${MAX_EARLY} messages wait for a "msg:custom" listener; later ones are dropped`));
    }
  }

  /** Takes what the host says. @param {State} state @param {number} rev @returns {string[]} what changed */
  #take(state, rev) {
    return keys(state).filter((key) => {
      const copy = state[key];
      const slot = this.#slots.get(key);
      if (this.#pending(key)) return void this.#aside.set(key, { value: copy, rev });
      if (this.#dirty.has(key)) {
        if (equal(copy, this.#dirty.get(key))) return; // no news
        this.#dirty.delete(key);
      }
      if (slot && equal(copy, slot.copy)) return;
      return this.#slots.set(key, { copy, lent: false });
    });
  }

  /** @param {string} key */
  #pending(key) {
    return this.#waiting.has(key) || this.#writes.some(({ state }) => hasOwn(state, key));
  }

  /** Makes a frame of what waits. */
  #promote() {
    if (!this.#waiting.size) return;
    const frame = { type: "set", seq: ++this.#seq, state: Object.fromEntries(this.#waiting) };
    this.#waiting.clear();
    this.#writes.push(frame);
    this.#queue.push(frame);
  }

  /** @param {number} rev */
  #raise(rev) {
    if (!this.#gap && rev > this.#rev) this.#rev = rev;
  }

  /** `change:key` for each, then one `change`, after all that listeners changed in turn. @param {string[]} names */
  #announce(names) {
    if (!names.length) return;
    this.#depth++;
    for (const key of names) {
      this.#fire(`change:${key}`, () => ({ [key]: this.get(key) }), key);
      this.#changed = { ...this.#changed, [key]: this.get(key) };
    }
    if (--this.#depth) return;
    const changed = this.#changed;
    this.#changed = {};
    this.#fire("change", () => changed);
  }

  /** An event that a listener causes again is repeated afterwards, not inside. @param {string} name @param {() => State} changed @param {string} [key] */
  #fire(name, changed, key) {
    if (this.#telling.has(name)) return void this.#telling.set(name, true);
    for (let rounds = 0, again = true; again; again = !!this.#telling.get(name)) {
      if (rounds++ === MAX_ROUNDS) {
        this.report("listener", new Error(`listeners of "${name}" cause it without end`));
        break;
      }
      this.#telling.set(name, false);
      this.#call(name, ({ owner, callback }) => {
        owner.changed = changed();
        return key === undefined ? callback(owner) : callback(owner, owner.changed[key]);
      });
    }
    this.#telling.delete(name);
  }

  /** @param {Frame} frame */
  #tell({ content, buffers }) {
    this.#call("msg:custom", ({ callback }) => callback(content, buffers ?? []));
  }

  /** @param {string} name @param {(listener: Listener) => unknown} call */
  #call(name, call) {
    for (const listener of this.#to(name)) {
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
