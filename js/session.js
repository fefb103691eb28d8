/**
 * A page's part in one model: the replica, its connection and its widget, shared by all views and hooks that
 * use the model, and let go a moment after the last.
 */
import { Connection } from "./connection.js";
import { randomId } from "./host.js";
import { Model } from "./model.js";
import { Widget, messageOf } from "./widget.js";
import { textOf } from "./styles.js";

/** A model without users stays so long (ms): swaps and moves remove views before they add the next. */
const GRACE = 1_000;

/** The phases the host is told about. */
const REPORTED = new Set(["load", "initialize", "render", "cleanup", "listener"]);

const NO_SUCH_MODEL = 4404;

/** @type {Map<string, Session>} */
const sessions = new Map();

/**
 * The model that the page has, or a new one. Take `hold` of it at once.
 *
 * @param {string} id
 * @param {Code} [code] what the page says of it
 * @param {{ epoch: string, rev: number, state: Record<string, any> } | null} [seed] used for a new one only
 */
export function open(id, code, seed) {
  const session = sessions.get(id) ?? new Session(id, code, seed);
  sessions.set(id, session);
  return session;
}

/** @typedef {{ esm?: string | null, css?: string | null }} Code */

export class Session {
  /** @type {import("./connection.js").State} */
  state = "connecting";

  /** @type {string | null | undefined} */
  esm;
  /** @type {string | null | undefined} */
  css;
  /** Settles when `get("_css")` can be answered. @type {Promise<void>} */
  cssKnown = Promise.resolve();

  /** @type {(value?: unknown) => void} */
  #resolve = () => {};
  /** @type {(error: unknown) => void} */
  #reject = () => {};
  /** Settles when state and code are known. @type {Promise<unknown>} */
  known = new Promise((resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  model = new Model(randomId());
  widget = new Widget(this);

  #isKnown = false;
  #over = false;
  #holds = 0;
  /** @type {any} */
  #timer;

  /** @param {string} id @param {Code} [code] @param {{ epoch: string, rev: number, state: Record<string, any> } | null} [seed] */
  constructor(id, code, seed) {
    this.id = id;
    this.known.catch(() => {}); // shown by those who wait
    const { model } = this;
    model.report = (phase, error) => this.report(phase, error);
    model.refused = (refused) => {
      console.warn(`[anywidget] ${this.name}: the host refused`, refused);
      this.#emit("anywidget:refused", refused);
    };
    if (seed) model.seed(seed.epoch, seed.rev, seed.state);
    if (code?.esm) {
      this.#use(code);
      if (seed) this.#know();
    }
    const url = new URL(`models/${encodeURIComponent(id)}/ws`, import.meta.url);
    url.protocol = url.protocol.replace("http", "ws");
    this.connection = new Connection(url.href, model, {
      frame: (frame) => this.#frame(frame),
      state: (state) => this.#turn(state),
      closed: (reason, code) => this.#close(reason, code),
    });
  }

  /** What people call the widget: its name at the host, else its file, else the model. */
  get name() {
    const path = this.esm ? new URL(this.esm).pathname : "";
    return /\/widgets\/([^/]+)\/[^/]+\//.exec(path)?.[1] ?? /([^/]+?)(\.[^/.]*)?$/.exec(path)?.[1] ?? this.id;
  }

  /** Another model of this page. @param {string} id */
  open(id) {
    return open(id);
  }

  /** Keeps the model in the page until the returned function is called. */
  hold() {
    clearTimeout(this.#timer);
    this.#holds++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (!--this.#holds) this.#timer = setTimeout(() => this.#release(), GRACE);
    };
  }

  /** Tells the console, the host and the page what went wrong. @param {string} phase @param {unknown} error @param {Iterable<import("./widget.js").View>} [views] */
  report(phase, error, views) {
    const message = messageOf(error);
    console.error(`[anywidget] ${this.name}: ${phase}:`, error);
    if (REPORTED.has(phase)) this.model.note({ type: "error", phase, message, stack: (error instanceof Error && error.stack) || "" });
    this.#emit("anywidget:error", { phase, message, error }, views);
  }

  /** @param {import("./model.js").Frame} frame */
  #frame(frame) {
    switch (frame.type) {
      case "event":
        return this.#emit(frame.name, frame.detail);
      case "code":
        return this.#use(/** @type {Code} */ (frame));
      case "gap":
        return this.report("message", new Error(`${frame.count} custom message(s) were missed while the page was away`));
      case "error":
        return console.warn(`[anywidget] ${this.name}: the host says: ${frame.message}`);
      case "end":
        return this.#close(frame.reason, NO_SUCH_MODEL);
    }
    this.model.receive(frame);
    if (frame.type !== "hello") return;
    if (frame.code) this.#use(frame.code);
    this.#know();
  }

  /** @param {Code} code */
  #use(code) {
    const css = absolute(code.css);
    if (css !== (this.css ?? null)) {
      this.css = css;
      this.cssKnown = (css ? textOf(css) : Promise.resolve(undefined)).then((text) => {
        if (css === this.css) this.model.setCss(text);
      });
      this.widget.dress();
    }
    this.esm = absolute(code.esm);
    this.widget.use(this.esm);
  }

  #know() {
    this.#isKnown = true;
    this.#resolve();
  }

  /** @param {import("./connection.js").State} state */
  #turn(state) {
    if (state === this.state) return;
    this.state = state;
    for (const view of this.widget.views) view.mark();
    this.#emit("anywidget:connection", { state });
  }

  /** @param {string} name @param {unknown} detail @param {Iterable<import("./widget.js").View>} [views] */
  #emit(name, detail, views = this.widget.views) {
    for (const view of [...views]) view.emit(name, detail);
  }

  /** The host closed for good. @param {string} reason @param {number} code */
  #close(reason, code) {
    if (this.#over) return;
    const error = new Error(reason);
    this.#forget();
    this.#reject(new Error(`model "${this.id}": ${reason}`));
    this.connection.close();
    if (code === NO_SUCH_MODEL) this.#emit("anywidget:end", { reason });
    else this.report("connection", error);
    if (code === NO_SUCH_MODEL || !this.#isKnown) this.widget.end(error);
    else for (const view of this.widget.views) view.notice(error);
  }

  async #release() {
    if (!this.#over) this.#forget();
    await this.widget.end(new Error(`model "${this.id}" is no longer in the page`));
    this.connection.close();
  }

  #forget() {
    this.#over = true;
    if (sessions.get(this.id) === this) sessions.delete(this.id);
  }
}

/** @param {string | null | undefined} url @returns {string | null} */
const absolute = (url) => (url ? new URL(url, document.baseURI).href : null);
