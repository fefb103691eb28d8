/**
 * A page's part in one model: its replica, its connection and its widget, shared by all views and runs that use
 * the model, and let go a moment after the last of them.
 *
 * @import { Change, Code, ConnectionState, Frame, Origin, Progress, Seed } from "./types.js"
 * @import { Control } from "./form.js"
 * @import { Transfer } from "./transfer.js"
 * @import { View } from "./widget.js"
 */
import { Connection } from "./connection.js";
import { randomId } from "./host.js";
import { part } from "./load.js";
import { Model } from "./model.js";
import { textOf } from "./styles.js";
import { Widget, messageOf } from "./widget.js";

/** A model without users stays so long (ms): a swap may remove views before it adds others. */
const GRACE = 1_000;
/** A page is away so long (ms) before people are told; the sign of `styles.js` comes then, too. */
const CUT = 1_000;
/** `initialize` waits so long (ms) for the text of the stylesheet. */
const STYLING = 2_000;

/** @type {Map<string, Session>} */
const sessions = new Map();

/**
 * The session that the page has, or a new one. Whoever opens it holds it at once.
 *
 * @param {string} id @param {Code} [code] @param {Seed | null} [seed] the last two for a new one only
 */
export function open(id, code, seed) {
  const session = sessions.get(id) ?? new Session(id, code, seed);
  sessions.set(id, session);
  return session;
}

let away = false;
/** @type {any} */
let telling;

/** Says to those who cannot see the sign that the page is away, or here again: once for all models, and nothing of a short cut. */
function tell() {
  clearTimeout(telling);
  telling = setTimeout(() => {
    if (away === [...sessions.values()].some(({ state }) => state === "offline")) return;
    away = !away;
    /** @type {any} */ (document).ariaNotify?.(away ? "offline, reconnecting: changes are kept meanwhile" : "connected again");
  }, CUT);
}

export class Session {
  open = open;
  model = new Model(randomId());
  /** Views that are controls of a form. @type {Set<Control>} */
  controls = new Set();
  widget = new Widget(this);
  /** @type {ConnectionState} */
  state = "connecting";
  /** How far large values are, from 0 to 1; undefined when none is on its way. @type {number | undefined} */
  progress;
  /** @type {string | null} */
  css = null;
  /** Settles when `get("_css")` has its answer. @type {Promise<unknown> | undefined} */
  cssKnown;

  /** What this page may not write: nothing of it, or these keys. @type {true | string[]} */
  readonly = [];

  #greeted = Promise.withResolvers();
  #isGreeted = false;
  /** Settles with the first hello, which may bring newer code than the page did. */
  greeted = this.#greeted.promise;
  #known = Promise.withResolvers();
  /** Settles when the state and the code are known. */
  known = this.#known.promise;
  /** Brings large values; there from the first of them on. @type {Transfer | undefined} */
  #transfer;
  /** Large values on their way, by direction and key. @type {Map<string, Progress>} */
  #transfers = new Map();
  #gone = new AbortController();
  #holds = 0;
  /** @type {any} */
  #timer;

  /** @param {string} id @param {Code} [code] @param {Seed | null} [seed] */
  constructor(id, code, seed) {
    this.id = id;
    this.known.catch(() => {}); // shown by those who wait
    this.model.report = (phase, error) => this.report(phase, error);
    this.model.shown = (keys) => {
      for (const control of this.controls) control.follow(keys);
    };
    this.model.refused = (reasons) => {
      for (const control of this.controls) control.judge();
      console.warn(`[anywidget] ${this.name}: the host refused`, reasons);
      this.#emit("anywidget:refused", reasons);
    };
    this.model.event = (name, detail) => this.#emit(name, detail);
    this.model.moved = () => {
      this.#transfer?.start();
      this.#whole();
    };
    this.model.stored = (keys, origin, by) => {
      for (const control of this.controls) control.judge();
      for (const key of keys) this.#changed(key, origin, by);
    };
    this.model.near = ["localhost", "127.0.0.1", "[::1]"].includes(new URL(import.meta.url).hostname);
    if (seed) this.model.seed(seed);
    if (code?.esm) this.#use(code);
    if (code?.esm && seed) this.#known.resolve(0);
    const url = new URL(`models/${encodeURIComponent(id)}/ws`, import.meta.url);
    url.protocol = url.protocol.replace("http", "ws");
    this.connection = new Connection(url.href, this.model, {
      frame: (frame) => this.#frame(frame),
      sending: (progress) => this.#tell("up", progress),
      state: (state) => {
        if (state === this.state) return;
        if (state === "live") this.#transfer?.start(true);
        this.state = state;
        for (const view of this.widget.views) view.mark();
        this.#emit("anywidget:connection", { state });
        tell();
      },
      closed: (reason) => this.#end(reason),
    });
  }

  /** May this page write the key? As far as it knows. @param {string} key */
  writable(key) {
    return this.readonly !== true && !this.readonly.includes(key);
  }

  /** Has it left the page, or the host? */
  get over() {
    return sessions.get(this.id) !== this;
  }

  /** The widget's name at its host, else its file's, else the model's. */
  get name() {
    const { esm } = this.widget;
    return /\/widgets\/([^/]+)\//.exec(esm ?? "")?.[1] ?? esm?.split("/").pop() ?? this.id;
  }

  /** Keeps the model in the page until the function it returns is called. */
  hold() {
    clearTimeout(this.#timer);
    this.#holds++;
    return () => {
      if (!--this.#holds) this.#timer = setTimeout(() => this.#end(), GRACE);
    };
  }

  /** Tells the console, the host's log and the page. @param {string} phase @param {any} error @param {Iterable<View>} [views] */
  report(phase, error, views) {
    const message = messageOf(error);
    console.error(`[anywidget] ${this.name}: ${phase}:`, error);
    if (phase !== "message") this.model.note({ type: "error", phase, message, stack: String(error?.stack ?? "") });
    this.#emit("anywidget:error", { phase, message, error }, views);
  }

  /** @param {Frame} frame @returns {Promise<void> | void} */
  #frame(frame) {
    const { type } = frame;
    if (frame.large && !this.#transfer) return this.#expect().then(() => this.#frame(frame));
    this.model.receive(frame);
    const code = type === "code" ? frame : frame.code;
    if (code) this.#use(code);
    if (type === "hello") {
      this.readonly = frame.readonly ?? [];
      this.#greeted.resolve(0);
      this.#isGreeted = true;
      this.#whole();
    }
    if (type === "gap") this.report("message", new Error(`${frame.count} messages were missed while the page was away`));
    if (type === "error") console.warn(`[anywidget] ${this.name}: the host says: ${frame.message}`);
    if (type === "end") this.#end(frame.reason);
  }

  /** Most pages never see a large value, so what brings them is loaded with the first. */
  async #expect() {
    /** @type {typeof import("./transfer.js")} */
    const { Transfer } = await part("./transfer.js");
    const url = new URL(`models/${encodeURIComponent(this.id)}/state/`, import.meta.url);
    this.#transfer ??= new Transfer(url.href, this.model, this.#gone.signal, (progress) => this.#tell("down", progress));
  }

  /** The first render waits for the whole state. */
  #whole() {
    if (this.#isGreeted && !this.model.held?.waits) this.#known.resolve(0);
  }

  /** Shows on the elements how far large values are. @param {string} direction @param {Progress} progress */
  #tell(direction, progress) {
    const { key, loaded, total, done } = progress;
    if (done) this.#transfers.delete(`${direction} ${key}`);
    else this.#transfers.set(`${direction} ${key}`, progress);
    const all = [...this.#transfers.values()];
    const sum = (/** @type {"loaded" | "total"} */ what) => all.reduce((sum, one) => sum + one[what], 0);
    this.progress = all.length ? sum("loaded") / sum("total") : undefined;
    for (const view of this.widget.views) view.mark();
    this.#emit("anywidget:progress", { key, direction, loaded, total });
  }

  /** @param {Code} code */
  #use(code) {
    const css = absolute(code.css);
    if (css !== this.css) {
      this.css = css;
      const known = Promise.resolve(css ? textOf(css) : undefined).then(
        (text) => css === this.css && this.model.setCss(text),
        () => {}, // the view warns
      );
      this.cssKnown = Promise.race([known, new Promise((late) => setTimeout(late, STYLING))]);
      for (const view of this.widget.views) view.dress();
    }
    this.widget.use(absolute(code.esm));
  }

  /** Tells the page when the host has a value, so that what asks the host then gets it. @param {string} key @param {Origin} origin @param {unknown} by */
  #changed(key, origin, by) {
    const { model } = this;
    for (const view of [...this.widget.views]) {
      /** @type {Change} */
      const detail = {
        key,
        get value() {
          return model.get(key); // a copy, made only for those who look
        },
        origin: by && by !== view.by ? "other" : origin,
      };
      view.emit("anywidget:change", detail);
      view.emit(`anywidget:change:${key}`, detail);
    }
  }

  /** @param {string} name @param {unknown} detail @param {Iterable<View>} [views] */
  #emit(name, detail, views = this.widget.views) {
    for (const view of [...views]) view.emit(name, detail);
  }

  /** Views first, then `initialize`, then the socket. @param {string} [reason] the host's, if it is its will */
  async #end(reason) {
    if (this.over) return;
    sessions.delete(this.id);
    for (const control of this.controls) control.follow();
    const error = new Error(`model "${this.id}": ${reason ?? "no longer in the page"}`);
    this.#greeted.resolve(0);
    this.#known.reject(error);
    this.#gone.abort();
    if (reason !== undefined) this.#emit("anywidget:end", { reason });
    await this.widget.end(error);
    this.connection.close();
  }
}

/** @param {string | null | undefined} url */
const absolute = (url) => (url ? new URL(url, document.baseURI).href : null);
