/**
 * The socket between a replica and the host: opened, watched, opened again.
 *
 * @import { Environment, Frame, Hooks } from "./types.js"
 * @import { Model } from "./model.js"
 */
import { decode, encode, lane } from "./codec.js";

/** Waits are random below a limit that doubles (all times in ms). */
const MIN_BACKOFF = 250;
const MAX_BACKOFF = 15_000;
/** Held so long, a connection starts the limit anew. */
const STABLE = 5_000;
/** For an attempt to open. */
const OPENING = 15_000;
/** The host's pulse, until its hello tells. */
const HEARTBEAT = 25_000;
/** So many pulses missed are death. */
const DEATH = 2.5;

/** Coming back would not help; 1009 is a proxy's 4413. */
const FINAL = [1009, 4400, 4403, 4404, 4408, 4409, 4413, 4429];
const SHUTTING_DOWN = 4001;

export class Connection {
  #url;
  #model;
  #hooks;
  #env;
  #done = new AbortController();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {(frame: Frame) => void} */
  #push = () => {};
  /** When the host said hello on this socket, else 0. */
  #since = 0;
  #heard = 0;
  #silence = 0;
  #tries = 0;
  /** @type {any} */
  #retry;
  /** @type {any} */
  #watch;
  /** Between `pagehide` and `pageshow`. */
  #away = false;

  /** @param {string} url @param {Model} model @param {Hooks} hooks @param {Environment} env */
  constructor(url, model, hooks, env = window) {
    this.#url = url;
    this.#model = model;
    this.#hooks = hooks;
    this.#env = env;
    model.wake = () => this.#since && this.#pump();
    /** @param {string} event @param {() => void} then */
    const on = (event, then) => env.addEventListener(event, then, { signal: this.#done.signal });
    on("online", () => this.#atOnce());
    on("visibilitychange", () => env.document?.visibilityState !== "hidden" && this.#atOnce());
    on("pageshow", () => {
      this.#away = false;
      this.#atOnce();
    });
    // An open socket keeps a page out of the back/forward cache.
    on("pagehide", () => {
      this.#away = true;
      if (this.#socket?.readyState === 1) this.#pump(true);
      this.#lost();
    });
    this.#connect();
  }

  /** Sends what waits, and ends. */
  close() {
    if (this.#since) this.#pump(true);
    this.#done.abort();
    this.#lost();
  }

  #connect() {
    const env = this.#env;
    env.clearTimeout(this.#retry);
    if (this.#socket || this.#away) return;
    const socket = new env.WebSocket(this.#url, "anywidget-host.v1");
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    /** @param {unknown} error */
    const broken = (error) => {
      console.error("[anywidget] unusable frame:", error);
      if (socket === this.#socket) this.#lost();
    };
    const pull = lane(decode, (frame) => socket === this.#socket && this.#receive(frame), broken);
    this.#push = lane(encode, (data) => socket.send(/** @type {any} */ (data)), broken);
    socket.onopen = () => {
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

  /** @param {Frame} frame */
  #receive(frame) {
    const first = frame.type === "hello" && !this.#since;
    if (first) {
      if (frame.version !== 1) return this.#lost(4409, "the host speaks another version; reload the page");
      this.#since = this.#heard || 1;
      this.#listen((frame.heartbeat || HEARTBEAT) * DEATH);
    }
    this.#hooks.frame(frame);
    if (first) this.#hooks.state("live");
  }

  #pump(all = false) {
    for (const frame of this.#model.drain(all)) this.#push(frame);
  }

  /** Waits for the end of so much silence. @param {number} silence */
  #listen(silence) {
    const env = this.#env;
    this.#heard = env.performance.now();
    this.#silence = silence;
    const check = () => {
      const left = this.#heard + silence - env.performance.now();
      if (left > 0) this.#watch = env.setTimeout(check, left);
      else this.#lost();
    };
    env.clearTimeout(this.#watch);
    check();
  }

  /** Gives the socket up, whose own close event may never come, and comes back unless that would not help. */
  #lost(code = 0, reason = "") {
    const env = this.#env;
    const socket = this.#socket;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    socket?.close(1000);
    this.#socket = null;
    env.clearTimeout(this.#watch);
    env.clearTimeout(this.#retry);
    if (this.#since && env.performance.now() - this.#since > STABLE) this.#tries = 0;
    this.#since = 0;
    this.#model.lost();
    if (this.#done.signal.aborted) return;
    this.#hooks.state("offline");
    if (FINAL.includes(code)) {
      this.#done.abort();
      return this.#hooks.closed(reason || `closed with code ${code}`, code);
    }
    const limit = Math.min(MAX_BACKOFF, MIN_BACKOFF * 2 ** this.#tries++);
    const wait = (code === SHUTTING_DOWN && Number(reason)) || env.Math.random() * limit;
    if (!this.#away) this.#retry = env.setTimeout(() => this.#connect(), wait);
  }

  #atOnce() {
    // Timers sleep with the machine: a dead socket may not be known yet.
    if (this.#socket && this.#env.performance.now() - this.#heard > this.#silence) this.#lost();
    this.#tries = 0;
    this.#connect();
  }
}
