/**
 * The socket between the replica and the host: opens it, notices when it is dead, and opens it again.
 */
import { decode, encode, lane } from "./codec.js";

const SUBPROTOCOL = "anywidget-host.v1";

/** Times in ms. */
const DEFAULTS = {
  /** Waits between attempts are random below a limit that doubles from `backoff` to `maxBackoff`. */
  backoff: 250,
  maxBackoff: 15_000,
  /** A connection that held so long starts the limit anew. */
  stable: 5_000,
  /** An attempt that did not open by then has failed. */
  opening: 15_000,
  /** Silence at which the host writes, until its `hello` says otherwise; 2.5 times that is a dead socket. */
  heartbeat: 25_000,
  /** How long writes of a released model wait for a host that is away. */
  linger: 5_000,
};

/** Closed so, coming back would not help. 1009 is a proxy's word for 4413. */
const FINAL = new Map([
  [1009, "a value was too big to send"],
  [4400, "the host could not read what this page sent"],
  [4403, "this page is not allowed to use the model"],
  [4404, "no such model"],
  [4408, "another connection took over"],
  [4409, "this page and the host speak different versions; reload the page"],
  [4413, "a value was too big for the host"],
  [4429, "this page sent too much at once"],
]);

const SHUTTING_DOWN = 4001;
const BAD_FRAME = 4400;
const SILENT = 4003;
const VERSION = 4409;

/**
 * @typedef {"connecting" | "live" | "offline"} State `connecting` is the first attempt only
 *
 * @typedef {object} Hooks
 * @property {(frame: import("./model.js").Frame) => void} frame
 * @property {(state: State) => void} state
 * @property {(reason: string, code: number) => void} closed for good, by the host
 *
 * @typedef {object} Environment
 * @property {new (url: string, protocol: string) => WebSocket} WebSocket
 * @property {(run: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} now
 * @property {() => number} random
 * @property {EventTarget & { document?: { visibilityState: string } }} page
 */

/** @returns {Environment} */
const browser = () => ({
  WebSocket,
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  now: () => performance.now(),
  random: Math.random,
  page: window,
});

export class Connection {
  #url;
  #model;
  #hooks;
  #env;
  /** Ends what listens to the page. */
  #done = new AbortController();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {(frame: import("./model.js").Frame) => void} */
  #push = () => {};
  /** When the host said hello on this socket; 0 before. */
  #since = 0;
  #tries = 0;
  /** @type {any} */
  #retry;
  /** @type {any} */
  #watch;
  #heard = 0;
  #heartbeat = DEFAULTS.heartbeat;
  /** Between `pagehide` and `pageshow`. */
  #away = false;
  /** Released: ends with the next hello, or when this timer rings. @type {any} */
  #linger;

  /**
   * @param {string} url @param {import("./model.js").Model} model @param {Hooks} hooks
   * @param {Environment} [env]
   */
  constructor(url, model, hooks, env = browser()) {
    this.#url = url;
    this.#model = model;
    this.#hooks = hooks;
    this.#env = env;
    model.wake = () => this.#since && this.#pump();
    const { page } = env;
    const { signal } = this.#done;
    page.addEventListener("online", () => this.#atOnce(), { signal });
    page.addEventListener("visibilitychange", () => page.document?.visibilityState !== "hidden" && this.#atOnce(), { signal });
    page.addEventListener("pagehide", () => this.#leave(), { signal });
    page.addEventListener("pageshow", () => this.#comeBack(), { signal });
    this.#connect();
  }

  /** Sends what waits, then closes. A host that is away gets a moment to return. */
  close() {
    if (this.#since || !this.#model.unsent || this.#away) this.#end();
    else this.#linger ??= this.#env.setTimeout(() => this.#end(), DEFAULTS.linger);
  }

  #connect() {
    this.#env.clearTimeout(this.#retry);
    if (this.#socket || this.#away || this.#done.signal.aborted) return;
    let socket;
    try {
      socket = new this.#env.WebSocket(this.#url, SUBPROTOCOL);
    } catch (error) {
      return this.#finish(String(error), 0);
    }
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    /** @param {unknown} error */
    const broken = (error) => {
      console.error("[anywidget] a frame that cannot be used:", error);
      if (socket === this.#socket) this.#drop(BAD_FRAME, "bad frame");
    };
    const pull = lane(decode, (frame) => socket === this.#socket && this.#receive(frame), broken);
    this.#push = lane(encode, (data) => socket.readyState === 1 && socket.send(/** @type {string} */ (data)), broken);
    socket.onopen = () => {
      this.#listen(this.#heartbeat * 2.5);
      this.#push(this.#model.hello());
    };
    socket.onmessage = ({ data }) => {
      this.#heard = this.#env.now();
      if (data === "") socket.send("");
      else pull(data);
    };
    socket.onclose = ({ code, reason }) => this.#lost(code, reason);
    this.#listen(DEFAULTS.opening);
  }

  /** @param {import("./model.js").Frame} frame */
  #receive(frame) {
    const first = frame.type === "hello" && !this.#since;
    if (first) {
      if (frame.version !== 1) return this.#drop(VERSION, "");
      this.#since = this.#env.now() || 1;
      if (frame.heartbeat > 0) this.#listen((this.#heartbeat = frame.heartbeat) * 2.5);
    }
    this.#hooks.frame(frame);
    if (!first) return;
    this.#hooks.state("live");
    if (this.#linger !== undefined) this.#end();
  }

  #pump(all = false) {
    for (const frame of this.#model.drain(all)) this.#push(frame);
  }

  /** Takes the socket for dead after so much silence. @param {number} limit */
  #listen(limit) {
    const { now, setTimeout, clearTimeout } = this.#env;
    this.#heard = now();
    const watch = () => {
      const left = this.#heard + limit - now();
      if (left <= 0) this.#drop(SILENT, "silent");
      else this.#watch = setTimeout(watch, left);
    };
    clearTimeout(this.#watch);
    this.#watch = setTimeout(watch, limit);
  }

  /** Gives a socket up from this side; its own close event may come much later, or never. @param {number} code @param {string} reason */
  #drop(code, reason) {
    const socket = this.#detach();
    socket?.close(code, reason);
    if (code === VERSION) this.#finish(FINAL.get(code) ?? "", code);
    else this.#lost(0, "");
  }

  #detach() {
    const socket = this.#socket;
    if (socket) socket.onopen = socket.onmessage = socket.onclose = null;
    this.#socket = null;
    this.#push = () => {};
    this.#env.clearTimeout(this.#watch);
    return socket;
  }

  /** @param {number} code @param {string} reason */
  #lost(code, reason) {
    const { now, random, setTimeout } = this.#env;
    this.#detach();
    if (this.#since && now() - this.#since >= DEFAULTS.stable) this.#tries = 0;
    this.#since = 0;
    this.#model.lost();
    const final = FINAL.get(code);
    if (final !== undefined) return this.#finish(reason ? `${final}: ${reason}` : final, code);
    this.#hooks.state("offline");
    const limit = Math.min(DEFAULTS.maxBackoff, DEFAULTS.backoff * 2 ** this.#tries++);
    const wait = code === SHUTTING_DOWN && Number(reason) >= 0 && reason ? Number(reason) : random() * limit;
    if (!this.#done.signal.aborted && !this.#away) this.#retry = setTimeout(() => this.#connect(), wait);
  }

  #atOnce() {
    if (this.#away) return;
    // Timers sleep with the machine: a socket may have died of silence meanwhile.
    if (this.#since && this.#env.now() - this.#heard >= this.#heartbeat * 2.5) this.#drop(SILENT, "silent");
    this.#tries = 0;
    this.#connect();
  }

  /** An open socket would keep the page out of the back/forward cache. */
  #leave() {
    this.#away = true;
    this.#env.clearTimeout(this.#retry);
    if (!this.#socket) return;
    if (this.#socket.readyState === 1) this.#pump(true);
    this.#drop(1000, "page hidden");
  }

  #comeBack() {
    this.#away = false;
    this.#atOnce();
  }

  /** @param {string} reason @param {number} code */
  #finish(reason, code) {
    this.#end();
    this.#hooks.state("offline");
    this.#hooks.closed(reason, code);
  }

  #end() {
    this.#done.abort();
    this.#env.clearTimeout(this.#retry);
    this.#env.clearTimeout(this.#linger);
    if (this.#since) this.#pump(true);
    this.#since = 0;
    this.#detach()?.close(1000);
  }
}
