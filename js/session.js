/**
 * A page's part in one model: replica, connection and widget, shared by all that use it, let go after the last.
 *
 * @import { Code, ConnectionState, Frame, Seed } from "./types.js"
 * @import { View } from "./widget.js"
 */
import { Connection } from "./connection.js";
import { randomId } from "./host.js";
import { Model } from "./model.js";
import { Widget } from "./widget.js";

/** For the next user of a model (ms): a swap may remove before it adds. */
const GRACE = 1_000;
/** For the stylesheet's text (ms). */
const PATIENCE = 2_000;

const REPORTED = ["load", "initialize", "render", "cleanup", "listener"];

/** @type {Map<string, Session>} */
const sessions = new Map();

/** Hold it at once. @param {string} id @param {Code} [code] @param {Seed | null} [seed] for a model that the page does not have */
export function open(id, code, seed) {
  const session = sessions.get(id) ?? new Session(id, code, seed);
  sessions.set(id, session);
  return session;
}

export class Session {
  open = open;
  model = new Model(randomId());
  widget = new Widget(this);
  /** @type {ConnectionState} */
  state = "connecting";
  /** @type {string | null} */
  css = null;
  /** Settles when `get("_css")` has its answer. @type {Promise<unknown> | undefined} */
  cssKnown;

  #known = Promise.withResolvers();
  /** Settles when state and code are known. */
  known = this.#known.promise;
  #holds = 0;
  /** @type {any} */
  #timer;

  /** @param {string} id @param {Code} [code] @param {Seed | null} [seed] */
  constructor(id, code, seed) {
    this.id = id;
    this.known.catch(() => {});
    this.model.report = (phase, error) => this.report(phase, error);
    this.model.refused = (reasons) => {
      console.warn(`[anywidget] ${this.name}: refused`, reasons);
      this.#emit("anywidget:refused", reasons);
    };
    if (seed) this.model.seed(seed);
    if (code?.esm) this.#use(code);
    if (code?.esm && seed) this.#known.resolve(0);
    const url = new URL(`models/${encodeURIComponent(id)}/ws`, import.meta.url);
    url.protocol = url.protocol.replace("http", "ws");
    this.connection = new Connection(url.href, this.model, {
      frame: (frame) => this.#frame(frame),
      state: (state) => {
        if (state === this.state) return;
        this.state = state;
        for (const view of this.widget.views) view.mark();
        this.#emit("anywidget:connection", { state });
      },
      closed: (reason) => this.#end(reason),
    });
  }

  /** The widget's at the host, else its file's, else the model's. */
  get name() {
    const [, name, file] = /\/widgets\/([^/]+)\/[^/]+\/|([^/]+?)(?:\.\w+)?(?:[?#].*)?$/.exec(this.widget.esm ?? "") ?? [];
    return name ?? file ?? this.id;
  }

  /** Keeps the model in the page until the returned function is called. */
  hold() {
    clearTimeout(this.#timer);
    this.#holds++;
    return () => {
      if (!--this.#holds) this.#timer = setTimeout(() => this.#end(), GRACE);
    };
  }

  /** To the console, the host and the page. @param {string} phase @param {any} error @param {Iterable<View>} [views] */
  report(phase, error, views) {
    const message = String(error?.message ?? error);
    console.error(`[anywidget] ${this.name}: ${phase}:`, error);
    if (REPORTED.includes(phase)) this.model.note({ type: "error", phase, message, stack: String(error?.stack ?? "") });
    this.#emit("anywidget:error", { phase, message, error }, views);
  }

  /** @param {Frame} frame */
  #frame(frame) {
    const { type } = frame;
    this.model.receive(frame);
    if (type === "hello" || type === "code") this.#use(frame.code ?? frame);
    if (type === "hello") this.#known.resolve(0);
    if (type === "event") this.#emit(frame.name, frame.detail);
    if (type === "gap") this.report("message", new Error(`${frame.count} messages missed`));
    if (type === "error") console.warn(`[anywidget] ${this.name}: ${frame.message}`);
    if (type === "end") this.#end(frame.reason);
  }

  /** @param {Code} code */
  #use(code) {
    const css = absolute(code.css);
    if (css !== this.css) {
      this.css = css;
      // One download with the link's, which the browser remembers.
      this.cssKnown = (css ? fetch(css, { signal: AbortSignal.timeout(PATIENCE) }).then((response) => (response.ok ? response.text() : undefined)) : Promise.resolve(undefined)).then(
        (text) => css === this.css && this.model.setCss(text),
        () => {},
      );
      for (const view of this.widget.views) view.dress();
    }
    this.widget.use(absolute(code.esm));
  }

  /** @param {string} name @param {unknown} detail @param {Iterable<View>} [views] */
  #emit(name, detail, views = this.widget.views) {
    for (const view of [...views]) view.emit(name, detail);
  }

  /** Views, `initialize`, socket. @param {string} [reason] of the host */
  async #end(reason) {
    if (sessions.get(this.id) !== this) return;
    sessions.delete(this.id);
    const error = new Error(`model "${this.id}": ${reason ?? "removed"}`);
    this.#known.reject(error);
    if (reason !== undefined) this.#emit("anywidget:end", { reason });
    await this.widget.end(error);
    this.connection.close();
  }
}

/** @param {string | null | undefined} url */
const absolute = (url) => (url ? new URL(url, document.baseURI).href : null);
