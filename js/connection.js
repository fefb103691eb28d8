/**
 * The socket between a replica and the host: opens it, notices when it is dead, opens it again.
 *
 * @import { Environment, Frame, Hooks } from "./types.js"
 * @import { Model } from "./model.js"
 */
import { decode, encode, lane } from "./codec.js";

// All times in ms.

/** Waits between attempts are random below a limit that doubles from one to the other. */
const MIN_BACKOFF = 250;
const MAX_BACKOFF = 15_000;
/** A connection that held so long starts the limit anew. */
const STABLE = 5_000;
/** An attempt that is not open by then has failed. */
const OPENING = 15_000;
/** Sockets of a page that open at once: Chromium makes those beyond a dozen wait for seconds. */
const OPENING_AT_ONCE = 6;
/** The silence at which a host writes, until its hello says otherwise. */
const HEARTBEAT = 25_000;
/** So many times that is a dead socket. */
const DEATH = 2.5;
/** A host that is asked for a sign of life is dead after so much silence. */
const ANSWER = 5_000;
/** An attempt that has hung so long may be older than the network of the moment. */
const HUNG = 2_000;
/** How long the last writes to a model wait for a host that is away. */
const LINGER = 5_000;

/** Between two looks at how far a large frame is. */
const STEP = 50;

/** Frames above so many bytes are large: people may have to wait for them. */
const LARGE = 1 << 16;

/** Closed so, coming back would not help. 1009 is a proxy's word for 4413. */
const FINAL = [1009, 4400, 4403, 4404, 4408, 4409, 4413, 4429];
/** The host says in the reason how long to stay away. */
const SHUTTING_DOWN = 4001;

/** Those whose sockets are opening, and those that wait for their turn. @type {Set<Connection>} */
const opening = new Set();
/** @type {Set<Connection>} */
const queue = new Set();

export class Connection {
  #url;
  #model;
  #hooks;
  #env;
  /** Aborted when nothing is to be opened any more. */
  #done = new AbortController();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {(frame: Frame) => void} */
  #push = () => {};
  /** When the host said hello on this socket; 0 before. */
  #since = 0;
  /** When anything came last. */
  #heard = 0;
  #tries = 0;
  /** @type {any} */
  #retry;
  /** @type {any} */
  #watch;
  /** Set while the host is asked for a sign of life. @type {any} */
  #doubt;
  /** Set when the end is only waited for. @type {any} */
  #linger;
  /** Between `pagehide` and `pageshow`. */
  #away = false;
  /** The largest frame the host takes, in bytes. */
  #limit = Infinity;

  /** @param {string} url @param {Model} model @param {Hooks} hooks @param {Environment} env */
  constructor(url, model, hooks, env = window) {
    this.#url = url;
    this.#model = model;
    this.#hooks = hooks;
    this.#env = env;
    model.wake = () => this.#since && this.#pump();
    /** @param {string} event @param {() => void} then */
    const on = (event, then) => env.addEventListener(event, then, { signal: this.#done.signal });
    on("online", () => this.#awake());
    on("visibilitychange", () => env.document.visibilityState === "visible" && this.#awake());
    on("offline", () => this.#ask());
    on("pageshow", () => {
      if (this.#away) hooks.state("offline"); // not before: what nobody has seen is no cut
      this.#away = false;
      this.#atOnce();
    });
    // An open socket would keep the page out of the back/forward cache.
    on("pagehide", () => {
      this.#away = true;
      if (this.#socket?.readyState === 1) this.#pump(true);
      this.#lost();
    });
    this.#connect();
  }

  /** Ends with what waits sent, for which a host that is away gets a moment to return. */
  close() {
    if (this.#since || this.#away || !this.#model.unsent) this.#end();
    else this.#linger ??= this.#env.setTimeout(() => this.#end(), LINGER);
  }

  #end() {
    if (this.#since) this.#pump(true);
    this.#done.abort();
    this.#lost();
  }

  #connect() {
    const env = this.#env;
    env.clearTimeout(this.#retry);
    if (this.#socket || this.#away) return;
    if (opening.size >= OPENING_AT_ONCE) return void queue.add(this);
    opening.add(this);
    const socket = new env.WebSocket(this.#url, "anywidget-host.v1");
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    /** @param {unknown} error */
    const broken = (error) => {
      console.error("[anywidget] a frame that cannot be used:", error);
      if (socket === this.#socket) this.#lost();
    };
    const pull = lane(decode, (frame) => (socket === this.#socket ? this.#receive(frame, socket) : undefined), broken);
    this.#push = lane(packed, (one) => this.#send(socket, one), broken);
    socket.onopen = () => {
      this.#opened();
      this.#listen(HEARTBEAT * DEATH);
      this.#push(this.#model.hello());
    };
    socket.onmessage = ({ data }) => {
      this.#heard = env.performance.now();
      if (data === "") socket.send("");
      else pull(data);
    };
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    this.#listen(OPENING);
  }

  /** Our socket opens no longer, or need not open; others may. */
  #opened() {
    opening.delete(this);
    queue.delete(this);
    for (const next of queue) {
      if (opening.size >= OPENING_AT_ONCE) return;
      queue.delete(next);
      next.#connect();
    }
  }

  /** @param {WebSocket} socket @param {{ frame: Frame, data: string | Uint8Array<ArrayBuffer> }} packed */
  #send(socket, { frame, data }) {
    // A character of text takes up to three bytes; what may be too much is counted.
    const size = typeof data === "string" && data.length * 3 > this.#limit ? new Blob([data]).size : data.length;
    if (size > this.#limit) return this.#model.reject(frame, `${size} bytes are more than the ${this.#limit} that the host takes at once`);
    socket.send(data);
    if (size > LARGE) this.#follow(socket, size);
  }

  /** Tells how far a large frame is, as far as the browser knows. @param {WebSocket} socket @param {number} total bytes */
  #follow(socket, total) {
    const left = Math.min(socket.bufferedAmount, total);
    const done = !left || socket !== this.#socket;
    this.#hooks.sending({ loaded: total - left, total, done });
    if (!done) this.#env.setTimeout(() => this.#follow(socket, total), STEP);
  }

  /** @param {Frame} frame @param {WebSocket} socket that brought it */
  #receive(frame, socket) {
    const first = frame.type === "hello" && !this.#since;
    if (first) {
      if (frame.version !== 1) return this.#lost(4409, "the host speaks another version; reload the page");
      this.#since = this.#heard || 1;
      this.#listen((frame.heartbeat || HEARTBEAT) * DEATH);
      this.#limit = frame.frame_bytes ?? Infinity;
    }
    const wait = this.#hooks.frame(frame);
    if (!first) return wait;
    const live = () => {
      if (socket !== this.#socket) return;
      this.#hooks.state("live");
      if (this.#linger) this.#end();
    };
    return wait ? wait.then(live) : live();
  }

  #pump(all = false) {
    for (const frame of this.#model.drain(all)) this.#push(frame);
  }

  /** Takes the socket for dead after so much silence. @param {number} silence */
  #listen(silence) {
    const env = this.#env;
    this.#heard = env.performance.now();
    const check = () => {
      const left = this.#heard + silence - env.performance.now();
      if (left > 0) this.#watch = env.setTimeout(check, left);
      else this.#lost();
    };
    env.clearTimeout(this.#watch);
    check();
  }

  /** Gives the socket up, without waiting for its close event, and comes back unless that would not help. */
  #lost(code = 0, reason = "") {
    const env = this.#env;
    const socket = this.#socket;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    // Closed while it opens, a socket would leave an error in the console.
    if (socket?.readyState || this.#away) socket?.close(1000);
    else if (socket) socket.onopen = () => socket.close(1000);
    this.#socket = null;
    this.#opened();
    for (const timer of [this.#watch, this.#retry, this.#doubt]) env.clearTimeout(timer);
    this.#doubt = undefined;
    if (this.#since && env.performance.now() - this.#since > STABLE) this.#tries = 0;
    this.#since = 0;
    this.#model.lost();
    if (!this.#away) this.#hooks.state("offline");
    if (this.#done.signal.aborted) return env.clearTimeout(this.#linger);
    if (FINAL.includes(code)) {
      this.#done.abort();
      return this.#hooks.closed(reason || `closed with code ${code}`);
    }
    const limit = Math.min(MAX_BACKOFF, MIN_BACKOFF * 2 ** this.#tries++);
    const wait = (code === SHUTTING_DOWN && Number(reason)) || env.Math.random() * limit;
    if (!this.#away) this.#retry = env.setTimeout(() => this.#connect(), wait);
  }

  #atOnce() {
    this.#tries = 0;
    this.#connect();
  }

  /** The network is here again, or a machine that slept: nothing from before is trusted. */
  #awake() {
    if (this.#since) this.#ask();
    else if (this.#socket && this.#env.performance.now() - this.#heard > HUNG) this.#lost();
    this.#atOnce();
  }

  /** A network that goes tells its sockets nothing: one that brings no answer is dead, unless a large frame goes out before. */
  #ask() {
    const socket = this.#socket;
    if (!socket || !this.#since || this.#doubt !== undefined) return;
    const heard = this.#heard;
    const left = socket.bufferedAmount;
    this.#model.ask();
    this.#doubt = this.#env.setTimeout(() => {
      this.#doubt = undefined;
      const moves = left > LARGE && socket.bufferedAmount < left;
      if (this.#heard === heard && !moves) this.#lost();
    }, ANSWER);
  }
}

/** Undefined when what encodes it has to be loaded first. @param {Frame} frame */
function packed(frame) {
  const data = encode(frame);
  return data && { frame, data };
}
