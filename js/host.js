/**
 * The page's side of its host: a session for each model that the page has, and what one run of a widget's code
 * gets to see of them.
 *
 * @import { Code, ConnectionState, Facade, Frame, Host, Invoke, Manager, Seed } from "./types.js"
 * @import { View } from "./widget.js"
 */
import { Connection } from "./connection.js";
import { Model } from "./model.js";
import { textOf } from "./styles.js";
import { Widget } from "./widget.js";

// All times in ms.

/** A model without users stays so long: a swap may remove views before it adds others. */
const GRACE = 1_000;
/** `initialize` waits so long for the text of the stylesheet. */
const STYLING = 2_000;
/** A cleanup slower than this is no longer waited for. */
const CLEANUP = 3_000;
/** Another model has to answer by then. */
const OPENING = 10_000;
/** A command has to answer by then, unless the caller brings a signal. */
const COMMAND = 3_000;

const PREFIX = "anywidget:";

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

/**
 * A page's part in one model: its replica, its connection and its widget, shared by all views and runs that use
 * the model, and let go a moment after the last of them.
 */
export class Session {
  model = new Model(randomId());
  widget = new Widget(this);
  /** @type {ConnectionState} */
  state = "connecting";
  /** @type {string | null} */
  css = null;
  /** Settles when `get("_css")` has its answer. @type {Promise<unknown> | undefined} */
  cssKnown;

  #known = Promise.withResolvers();
  /** Settles when the state and the code are known. */
  known = this.#known.promise;
  #holds = 0;
  /** @type {any} */
  #timer;

  /** @param {string} id @param {Code} [code] @param {Seed | null} [seed] */
  constructor(id, code, seed) {
    this.id = id;
    this.known.catch(() => {}); // shown by those who wait
    this.model.report = (phase, error) => this.report(phase, error);
    this.model.refused = (reasons) => {
      console.warn(`[anywidget] ${this.name}: the host refused`, reasons);
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

  /** @param {Frame} frame */
  #frame(frame) {
    const { type } = frame;
    this.model.receive(frame);
    const code = type === "code" ? frame : frame.code;
    if (code) this.#use(code);
    if (type === "hello") this.#known.resolve(0);
    if (type === "event") this.#emit(frame.name, frame.detail);
    if (type === "gap") this.report("message", new Error(`${frame.count} messages were missed while the page was away`));
    if (type === "error") console.warn(`[anywidget] ${this.name}: the host says: ${frame.message}`);
    if (type === "end") this.#end(frame.reason);
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

  /** @param {string} name @param {unknown} detail @param {Iterable<View>} [views] */
  #emit(name, detail, views = this.widget.views) {
    for (const view of [...views]) view.emit(name, detail);
  }

  /** Views first, then `initialize`, then the socket. @param {string} [reason] the host's, if it is its will */
  async #end(reason) {
    if (sessions.get(this.id) !== this) return;
    sessions.delete(this.id);
    const error = new Error(`model "${this.id}": ${reason ?? "no longer in the page"}`);
    this.#known.reject(error);
    if (reason !== undefined) this.#emit("anywidget:end", { reason });
    await this.widget.end(error);
    this.connection.close();
  }
}

/** One run of a widget's `initialize` or `render`, and all that ends with it. */
export class Hook {
  #session;
  #abort = new AbortController();
  #signal = this.#abort.signal;
  /** What the function returned: its cleanup, perhaps. @type {Promise<unknown>} */
  #result = Promise.resolve();
  /** @type {Promise<void> | undefined} */
  #ended;
  /** Give back the other models that it uses. @type {(() => void)[]} */
  #borrowed = [];
  /** Until the cleanup has settled: it may save a last edit. */
  #writable = true;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  /** @param {(props: any) => unknown} run @param {HTMLElement} [el] for `render` */
  run(run, el) {
    const session = this.#session;
    const props = { model: this.#modelOf(session), signal: this.#signal, experimental: { invoke: invoker(session) } };
    return (this.#result = (async () => run(el ? { ...props, el, host: this.#host } : props))());
  }

  /** Aborts the signal, then runs the cleanup, once. Settles when that is over, or has taken too long. */
  end() {
    return (this.#ended ??= this.#end());
  }

  async #end() {
    this.#abort.abort();
    // However late the function returns.
    const over = this.#result
      .then(
        (cleanup) => typeof cleanup === "function" && cleanup(),
        () => {}, // seen by whoever ran it
      )
      .catch((error) => this.#session.report("cleanup", error))
      .then(() => (this.#writable = false));
    await Promise.race([over, new Promise((late) => setTimeout(late, CLEANUP))]);
    for (const release of this.#borrowed) release();
  }

  /** @type {Manager} */
  #manager = {
    get_model: (id) => this.#reach(id, (other) => other.known.then(() => this.#modelOf(other))),
    create_view: ({ model_id }) =>
      this.#reach(model_id, async ({ widget }) => {
        await widget.ready();
        const el = document.createElement("div");
        const gone = new AbortController();
        // When the caller has put it into the page: widgets measure it, and styles go to where it is.
        setTimeout(() => widget.render(el, AbortSignal.any([gone.signal, this.#signal])));
        return { el, remove: () => (gone.abort(), el.remove()) };
      }),
  };

  /** @type {Host} */
  #host = {
    getModel: async (ref) => this.#manager.get_model(idOf(ref)),
    getWidget: async (ref) =>
      this.#reach(idOf(ref), async ({ widget }) => {
        await widget.ready();
        return {
          get exports() {
            return widget.exports;
          },
          render: ({ el, signal = this.#signal }) => widget.render(el, signal),
        };
      }),
  };

  /** Opens a model that the page may not have yet. @template T @param {string} id @param {(other: Session) => Promise<T>} use @returns {Promise<T>} */
  async #reach(id, use) {
    this.#signal.throwIfAborted();
    const other = open(id);
    this.#borrowed.push(other.hold());
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`model "${id}" did not answer in ${OPENING / 1000} s`)), OPENING);
      use(other)
        .then(resolve, reject)
        .finally(() => clearTimeout(late));
    });
  }

  /** A model as this run sees it. Its functions need no `this`, and widgets keep properties on it. @param {Session} session */
  #modelOf(session) {
    const { id, model } = session;
    /** @param {() => void} write */
    const write = (write) => (this.#writable ? write() : console.warn(`[anywidget] model "${id}": a write after the end of its view does nothing`));
    /** @type {Facade} */
    const facade = {
      model_id: id,
      widget_manager: this.#manager,
      get: (key) => model.get(key),
      set(key, value) {
        write(() => model.set(typeof key === "object" ? key : { [key]: value }));
        return facade;
      },
      save_changes: () => write(() => model.save()),
      send: (content, _, buffers) => write(() => model.send(content, buffers)),
      on: (names, callback) => model.on(facade, this.#signal, names, callback),
      off: (names, callback) => model.off(facade, names, callback),
      send_sync_message: (state) => facade.set(state).save_changes(),
    };
    this.#signal.addEventListener("abort", () => model.off(facade));
    return facade;
  }
}

/** Not `crypto.randomUUID`, which is missing in pages that did not come by https. */
const randomId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/** @param {Session} session @returns {Invoke} */
const invoker = ({ model }) => (name, msg, { buffers, signal = AbortSignal.timeout(COMMAND) } = {}) =>
  new Promise((resolve, reject) => {
    const id = randomId();
    const abort = () => {
      model.replies.delete(id);
      reject(signal.reason);
    };
    signal.throwIfAborted();
    model.send({ id, kind: "anywidget-command", name, msg }, buffers);
    signal.addEventListener("abort", abort);
    model.replies.set(id, ({ content: { response, error }, buffers }) => {
      signal.removeEventListener("abort", abort);
      model.replies.delete(id);
      if (error) reject(Object.assign(new Error(error.message), { name: error.type }));
      else resolve([response, buffers ?? []]);
    });
  });

/** @param {any} error @returns {string} */
export const messageOf = (error) => String(error?.message || error) + (error?.cause ? `\ncaused by ${messageOf(error.cause)}` : "");

/** @param {unknown} ref @returns {string} the model's id */
function idOf(ref) {
  if (typeof ref === "string" && ref.startsWith(PREFIX) && ref !== PREFIX) return ref.slice(PREFIX.length);
  throw new TypeError(`${JSON.stringify(ref)} is no reference to a model; one reads "${PREFIX}<model id>"`);
}

/** @param {string | null | undefined} url */
const absolute = (url) => (url ? new URL(url, document.baseURI).href : null);
