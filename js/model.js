/**
 * The page's replica of one model: what the widgets of this page see of it, and which frames keep it in step
 * with the host. It knows no socket, clock or DOM: frames go in by `receive` and come out by `drain`.
 *
 * A write is *dirty* from `set` until `save`, and *pending* from `save` until the ack of the last frame that
 * carries its key. What the host says about a pending key is put aside until then.
 */
import { equal, isBytes, snapshot } from "./value.js";

/** Messages kept for a widget that does not listen yet. */
const MAX_EARLY = 100;

/** Frames and reports kept for a host that cannot be reached. */
const MAX_WAITING = 10_000;

/** A listener that changes what it listens to is called again, so many times. */
const MAX_ROUNDS = 100;

/** Known to widgets, never part of the state that travels. */
const RESERVED = new Set(["_esm", "_css"]);

const { hasOwn } = Object;

/**
 * @typedef {{ type: string, [field: string]: any }} Frame
 * @typedef {Record<string, any>} State
 * @typedef {(...args: any[]) => unknown} Callback
 *
 * @typedef {object} Slot
 * @property {any} copy the value as it travels; never given away, so never mutated
 * @property {any} live the reference that widgets hold, once one was `lent`
 * @property {boolean} lent
 * @property {boolean} own set here, and never heard of from the host
 *
 * @typedef {object} Listener
 * @property {object & { changed?: State }} owner the model-like object it was registered on
 * @property {AbortSignal} signal
 * @property {string} name
 * @property {Callback} callback
 * @property {boolean} gone
 */

export class Model {
  /** Told that `drain` may have something to give. */
  wake = () => {};

  /** @type {(phase: string, error: unknown) => void} Told what went wrong: a listener that threw, a message that is lost. */
  report = () => {};

  /** Told which writes the host refused. @type {(refused: Record<string, string>) => void} */
  refused = () => {};

  /** Answers to `invoke` by id: they never reach listeners. @type {Map<string, (frame: Frame) => void>} */
  replies = new Map();

  #session;
  /** @type {string | undefined} */
  #epoch;
  #rev = 0;
  /** Number of the newest message seen in this epoch. @type {number | undefined} */
  #n;
  #seq = 0;
  /** The host answered `hello` on the socket of the moment. */
  #live = false;
  /** Something between our rev and the host's is missing, so no rev may be taken on until a full state came. */
  #gap = false;

  /** @type {Map<string, Slot>} */
  #slots = new Map();
  /** Unsaved keys, with the value the host was last known to have. @type {Map<string, any>} */
  #dirty = new Map();
  /** Saved values that wait for the set in flight. @type {Map<string, any>} */
  #waiting = new Map();
  /** Numbered frames not yet given to a socket. @type {Frame[]} */
  #queue = [];
  /** Numbered frames given to a socket, kept until their ack. @type {Frame[]} */
  #sent = [];
  /** The `set`s among both. @type {Frame[]} */
  #writes = [];
  /** Frames without number: lost with their socket. @type {Frame[]} */
  #notes = [];
  /** What the host said about pending keys. @type {Map<string, { value: any, rev: number }>} */
  #aside = new Map();

  /** @type {Listener[]} */
  #listeners = [];
  /** @type {Frame[]} */
  #early = [];
  #overflowed = false;
  /** Events being told, and whether to tell them again. @type {Map<string, boolean>} */
  #telling = new Map();
  #depth = 0;
  /** @type {State} */
  #changed = {};

  /** @param {string} session the page's secret for this model */
  constructor(session) {
    this.#session = session;
  }

  /** Starts from a state that came with the page. @param {string} epoch @param {number} rev @param {State} state */
  seed(epoch, rev, state) {
    this.#epoch = epoch;
    this.#rev = rev;
    for (const key of Object.keys(state)) this.#assign(key, state[key]);
  }

  // What widgets do.

  /** @param {string} key @returns {any} */
  get(key) {
    const slot = this.#slots.get(key);
    if (slot && !slot.lent) {
      slot.live = snapshot(slot.copy, key);
      slot.lent = true;
    }
    return slot?.live;
  }

  /** @param {State} changes */
  set(changes) {
    /** @type {[string, any, any][]} */
    const differ = [];
    for (const key of Object.keys(changes)) {
      const value = changes[key];
      const slot = this.#slots.get(key);
      if (RESERVED.has(key) || (!slot && value === undefined)) continue;
      if (!slot || !equal(value, slot.copy)) differ.push([key, value, snapshot(value, key)]);
      // Equal to what counts, but the reference that widgets hold may have been mutated since.
      else if (!slot.lent || (value !== slot.live && !equal(slot.live, slot.copy))) Object.assign(slot, { live: value, lent: true });
    }
    for (const [key, live, copy] of differ) {
      const slot = this.#slots.get(key);
      if (!this.#dirty.has(key)) this.#dirty.set(key, slot?.copy);
      this.#slots.set(key, { copy, live, lent: true, own: slot?.own ?? true });
    }
    this.#announce(differ.map(([key]) => key));
  }

  save() {
    for (const key of this.#dirty.keys()) {
      const slot = /** @type {Slot} */ (this.#slots.get(key));
      if (slot.lent && !equal(slot.live, slot.copy)) slot.copy = snapshot(slot.live, key);
    }
    for (const key of this.#dirty.keys()) this.#waiting.set(key, this.#slots.get(key)?.copy);
    this.#dirty.clear();
    this.wake();
  }

  /** @param {unknown} content @param {Iterable<unknown> | null} [buffers] */
  send(content, buffers) {
    const frame = { type: "message", seq: 0, content: snapshot(content, "content"), buffers: copyBuffers(buffers) };
    if (this.#queue.length >= MAX_WAITING) throw new Error(`${MAX_WAITING} messages wait for the host; this one is not sent`);
    this.#promote();
    frame.seq = ++this.#seq;
    this.#queue.push(frame);
    this.wake();
  }

  /**
   * @param {Listener["owner"]} owner @param {AbortSignal} signal
   * @param {string} names separated by white space @param {Callback} callback
   */
  on(owner, signal, names, callback) {
    if (signal.aborted || typeof callback !== "function") return;
    for (const name of split(names)) this.#listeners.push({ owner, signal, name, callback, gone: false });
    // Not at once: the caller may still be setting up what its callback needs.
    if (this.#early.length) queueMicrotask(() => this.#deliverEarly());
  }

  /** @param {Listener["owner"]} owner @param {string | null} [names] @param {Callback | null} [callback] */
  off(owner, names, callback) {
    const named = names == null ? null : split(names);
    this.#listeners = this.#listeners.filter((listener) => {
      const goes =
        listener.owner === owner &&
        (!named || named.includes(listener.name)) &&
        (!callback || listener.callback === callback);
      listener.gone ||= goes;
      return !goes;
    });
  }

  /** Makes `_css` known, which is no state. @param {string | undefined} text */
  setCss(text) {
    if (text === undefined ? this.#slots.delete("_css") : this.#assign("_css", text)) this.#announce(["_css"]);
  }

  // What the connection does.

  /** The frame that opens a socket. @returns {Frame} */
  hello() {
    return {
      type: "hello",
      version: 1,
      session: this.#session,
      ...(this.#epoch !== undefined && { epoch: this.#epoch, rev: this.#rev }),
      ...(this.#n !== undefined && { messages: this.#n }),
    };
  }

  /** Are there writes or messages that no socket was given yet? */
  get unsent() {
    return this.#waiting.size + this.#queue.length > 0;
  }

  /**
   * The frames to send now, in order. By default one `set` is in flight and nothing goes before the host's
   * `hello`; `all` is for the last moment of a socket.
   *
   * @returns {Frame[]}
   */
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
    this.#notes = this.#notes.filter((frame) => frame.type !== "get");
  }

  /** Sends a frame that needs no ack. @param {Frame} frame */
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
  #hello(frame) {
    const renewed = frame.epoch !== this.#epoch;
    if (renewed) {
      this.#epoch = frame.epoch;
      this.#rev = 0;
      this.#n = undefined;
      this.#aside.clear();
    }
    this.#n ??= frame.messages ?? undefined;
    if (!this.#live) this.#resend(!renewed && frame.seq != null);
    this.#live = true;
    if (frame.full) {
      this.#gap = false;
      this.#rev = frame.rev;
    }
    this.#raise(frame.rev);
    const state = frame.state ?? {};
    const changed = Object.keys(state).filter((key) => this.#incoming(key, state[key], frame.rev));
    if (frame.full) {
      for (const [key, slot] of this.#slots) {
        if (slot.own || hasOwn(state, key) || RESERVED.has(key) || this.#dirty.has(key) || this.#pending(key)) continue;
        this.#slots.delete(key);
        changed.push(key);
      }
    }
    this.#announce(changed);
    this.wake();
  }

  /** Puts what is unacknowledged in front again. @param {boolean} known does the host remember our numbers? */
  #resend(known) {
    const again = this.#sent.filter((frame) => known || frame.type === "set");
    const lost = this.#sent.filter((frame) => !known && frame.type === "message");
    this.#sent = [];
    this.#queue.unshift(...again);
    if (!lost.length) return;
    const message = `${lost.length} custom message(s) may not have reached the host, which has started anew`;
    for (const { content } of lost) this.replies.get(content?.id)?.({ type: "message", content: { error: { type: "Lost", message } } });
    this.report("message", new Error(message));
  }

  /** @param {Frame} frame */
  #set({ base, rev, state }) {
    if (base > this.#rev) {
      if (!this.#gap) this.note({ type: "get" });
      this.#gap = true;
      return;
    }
    const changed = Object.keys(state).filter((key) => this.#incoming(key, state[key], rev));
    this.#raise(rev);
    this.#announce(changed);
  }

  /** @param {Frame} frame */
  #ack({ seq, rev, refused, state }) {
    this.#raise(rev);
    const at = this.#sent.findIndex((frame) => frame.seq === seq);
    if (at < 0) return;
    const wrote = /** @type {State} */ (this.#sent.splice(at, 1)[0]?.state ?? {});
    this.#writes = this.#writes.filter((frame) => frame.seq !== seq);
    const no = refused ?? {};
    const truth = state ?? {};
    const changed = [];
    for (const key of new Set([...Object.keys(wrote), ...Object.keys(truth)])) {
      const mine = hasOwn(wrote, key);
      const slot = this.#slots.get(key);
      if (slot && mine && !hasOwn(no, key)) slot.own = false;
      let aside = this.#aside.get(key);
      if (aside && aside.rev <= rev && (hasOwn(truth, key) || (mine && !hasOwn(no, key)))) {
        this.#aside.delete(key);
        aside = undefined;
      }
      if (this.#pending(key)) {
        if (!aside && hasOwn(truth, key)) this.#aside.set(key, { value: truth[key], rev });
        continue;
      }
      this.#aside.delete(key);
      if (aside) {
        if (this.#incoming(key, aside.value, aside.rev)) changed.push(key);
      } else if (hasOwn(truth, key)) {
        // Written again meanwhile, though not saved: a hand on a slider is not pulled back.
        if (mine && this.#dirty.has(key)) this.#dirty.set(key, truth[key]);
        else if (this.#incoming(key, truth[key], rev)) changed.push(key);
      }
    }
    if (Object.keys(no).length) this.refused(no);
    this.#announce(changed);
    this.wake();
  }

  /** @param {Frame} frame */
  #message(frame) {
    if (frame.n != null) {
      if (this.#n !== undefined && frame.n <= this.#n) return;
      this.#n = frame.n;
    }
    this.#raise(frame.rev);
    const { content } = frame;
    if (content?.kind === "anywidget-command-response") return this.replies.get(content.id)?.(frame);
    if (!this.#early.length && this.#listenersTo("msg:custom").length) return this.#tellMessage(frame);
    if (this.#early.length < MAX_EARLY) this.#early.push(frame);
    else if (!this.#overflowed) {
      this.#overflowed = true;
      this.report("message", new Error(`more than ${MAX_EARLY} messages came before a "msg:custom" listener; later ones are dropped`));
    }
  }

  /** Takes a value from the host. @param {string} key @param {any} value @param {number} rev @returns {boolean} did it change? */
  #incoming(key, value, rev) {
    const slot = this.#slots.get(key);
    if (slot) slot.own = false;
    if (this.#pending(key)) {
      this.#aside.set(key, { value, rev });
      return false;
    }
    if (this.#dirty.has(key)) {
      const base = this.#dirty.get(key);
      if (base !== undefined && equal(value, base)) return false; // no news
      this.#dirty.delete(key);
    }
    return this.#assign(key, value);
  }

  /** @param {string} key @param {any} copy @returns {boolean} did it change? */
  #assign(key, copy) {
    const slot = this.#slots.get(key);
    if (slot && equal(copy, slot.copy)) return false;
    this.#slots.set(key, { copy, live: undefined, lent: false, own: false });
    return true;
  }

  /** @param {string} key */
  #pending(key) {
    return this.#waiting.has(key) || this.#writes.some((frame) => hasOwn(frame.state, key));
  }

  /** Makes a numbered frame of what waits. */
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

  /** Tells `change:key` for each key, then `change` once, after all that listeners changed in turn. @param {string[]} keys */
  #announce(keys) {
    if (!keys.length) return;
    this.#depth++;
    for (const key of keys) {
      this.#tell(`change:${key}`, (listener) => {
        const value = this.get(key);
        listener.owner.changed = { [key]: value };
        return listener.callback(listener.owner, value);
      });
      this.#changed = { ...this.#changed, [key]: this.get(key) };
    }
    if (--this.#depth) return;
    const changed = this.#changed;
    this.#changed = {};
    this.#tell("change", (listener) => {
      listener.owner.changed = changed;
      return listener.callback(listener.owner);
    });
  }

  /** An event that comes up while it is being told is told again afterwards, not inside. @param {string} name @param {(listener: Listener) => unknown} call */
  #tell(name, call) {
    if (this.#telling.has(name)) {
      this.#telling.set(name, true);
      return;
    }
    let rounds = 0;
    do {
      this.#telling.set(name, false);
      for (const listener of this.#listenersTo(name)) this.#call(listener, call);
    } while (this.#telling.get(name) && ++rounds < MAX_ROUNDS);
    this.#telling.delete(name);
    if (rounds === MAX_ROUNDS) this.report("listener", new Error(`listeners of "${name}" keep changing what they listen to`));
  }

  /** @param {Listener} listener @param {(listener: Listener) => unknown} call */
  #call(listener, call) {
    if (listener.gone || listener.signal.aborted) return;
    try {
      const result = call(listener);
      if (result instanceof Promise) result.catch((error) => this.report("listener", error));
    } catch (error) {
      this.report("listener", error);
    }
  }

  /** @param {string} name */
  #listenersTo(name) {
    return this.#listeners.filter((listener) => listener.name === name && !listener.signal.aborted);
  }

  /** @param {Frame} frame */
  #tellMessage({ content, buffers }) {
    for (const listener of this.#listenersTo("msg:custom")) this.#call(listener, ({ callback }) => callback(content, buffers ?? []));
  }

  #deliverEarly() {
    while (this.#early.length && this.#listenersTo("msg:custom").length) this.#tellMessage(/** @type {Frame} */ (this.#early.shift()));
  }
}

/** @param {unknown} names */
const split = (names) => String(names).split(/\s+/).filter(Boolean);

/** @param {Iterable<unknown> | null} [buffers] @returns {DataView[]} */
function copyBuffers(buffers) {
  return Array.from(buffers ?? [], (buffer, i) => {
    if (!isBytes(buffer)) throw new TypeError(`buffers[${i}] is not an ArrayBuffer, a DataView or a typed array`);
    return snapshot(buffer, `buffers[${i}]`);
  });
}
