/**
 * Fetches values too large for the socket, each by a request of its own, so that the socket stays free; says how far
 * they are, and tries again what the network broke.
 *
 * @import { Progress } from "./types.js"
 * @import { Model } from "./model.js"
 */
import { read } from "./codec.js";
import { Held } from "./held.js";

// All times in ms.

/** Waits between attempts are random below a limit that doubles from one to the other. */
const MIN_BACKOFF = 250;
const MAX_BACKOFF = 15_000;
/** A transfer from which nothing comes for so long is dead. */
const SILENCE = 30_000;
/** Between two reports of one transfer. */
const STEP = 50;

const ACCEPT = "application/vnd.msgpack, application/json, application/octet-stream";

/** An answer that another attempt would not change. */
class Refused extends Error {}

export class Transfer {
  #url;
  #model;
  #progress;
  /** Aborted when the model leaves the page. */
  #signal;
  /** @type {Set<string>} */
  #underway = new Set();
  /** Wakes those that wait for another attempt. @type {Set<() => void>} */
  #waiting = new Set();

  /**
   * @param {string} url of the state, for keys to be put behind it @param {Model} model @param {AbortSignal} signal
   * @param {(progress: Progress) => void} progress
   */
  constructor(url, model, signal, progress) {
    this.#url = url;
    this.#model = model;
    this.#signal = signal;
    this.#progress = progress;
    model.held = new Held();
  }

  /** Starts what is missing and not under way. `again`: the host is back, so no attempt waits any longer. */
  start(again = false) {
    if (again) for (const wake of this.#waiting) wake();
    for (const [key, { size }] of this.#missing) if (!this.#underway.has(key)) this.#bring(key, size);
  }

  get #missing() {
    return new Map(this.#model.held?.missing);
  }

  /** Until it is here, or nobody waits for it any more. @param {string} key @param {number} size */
  async #bring(key, size) {
    const over = () => {
      this.#underway.delete(key);
      this.#progress({ key, loaded: size, total: size, done: true });
    };
    this.#underway.add(key);
    for (let limit = MIN_BACKOFF; this.#missing.has(key) && !this.#signal.aborted; limit = Math.min(2 * limit, MAX_BACKOFF)) {
      try {
        const { epoch, rev, value } = await this.#fetch(key, size);
        over(); // before it is shown: more of it may be asked for then
        if (this.#model.bring(key, epoch, rev, value)) return;
        this.#underway.add(key);
      } catch (error) {
        if (error instanceof Refused) {
          over();
          return this.#model.miss(key, error);
        }
      }
      await this.#pause(Math.random() * limit);
    }
    over();
  }

  /** @param {number} ms at most */
  #pause(ms) {
    return new Promise((done) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        done(0);
      };
      const timer = setTimeout(wake, ms);
      this.#waiting.add(wake);
    });
  }

  /** @param {string} key @param {number} size about how many bytes will come */
  async #fetch(key, size) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE);
    try {
      const signal = AbortSignal.any([silence.signal, this.#signal]);
      const response = await fetch(this.#url + encodeURIComponent(key), { headers: { accept: ACCEPT }, cache: "no-store", signal });
      if (!response.ok || !response.body) {
        const what = `the value of "${key}" cannot be fetched: the server answered ${response.status}`;
        throw response.status >= 500 ? new Error(what) : new Refused(what);
      }
      const type = response.headers.get("content-type") ?? "";
      const [, epoch = "", rev = ""] = /^(?:W\/)?"(.*)\.(\d+)"$/.exec(response.headers.get("etag") ?? "") ?? [];
      const plain = !response.headers.has("content-encoding");
      const total = (plain && Number(response.headers.get("content-length"))) || size;
      let bytes = new Uint8Array(total);
      let loaded = 0;
      let told = -STEP;
      for await (const chunk of chunks(response.body)) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE);
        if (loaded + chunk.length > bytes.length) bytes = grown(bytes, loaded + chunk.length);
        bytes.set(chunk, loaded);
        loaded += chunk.length;
        if (performance.now() - told < STEP) continue;
        told = performance.now();
        this.#progress({ key, loaded, total: Math.max(total, loaded), done: false });
      }
      const { buffer } = loaded === bytes.length ? bytes : bytes.slice(0, loaded);
      if (type.startsWith("application/octet-stream")) return { epoch, rev: Number(rev), value: new DataView(buffer) };
      const value = await read(type.startsWith("application/json") ? new TextDecoder().decode(buffer) : buffer);
      return { epoch, rev: Number(rev), value };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What comes, as it comes; Safari cannot iterate over a stream. @param {ReadableStream<Uint8Array>} stream */
async function* chunks(stream) {
  const reader = stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
}

/** @param {Uint8Array} bytes @param {number} size at least */
function grown(bytes, size) {
  const more = new Uint8Array(Math.max(size, 2 * bytes.length));
  more.set(bytes);
  return more;
}
