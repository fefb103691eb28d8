/**
 * What one run of a widget's `initialize` or `render` is given, and what ends with it: a signal, models, other
 * widgets, the host's commands.
 *
 * @import { Facade, Host, Invoke, Manager } from "./types.js"
 * @import { Session } from "./session.js"
 */

// All times in ms.

/** A cleanup slower than this is no longer waited for. */
const CLEANUP = 3_000;
/** Another model has to answer by then. */
const OPENING = 10_000;
/** A command has to answer by then, unless the caller brings a signal. */
const COMMAND = 3_000;

const PREFIX = "anywidget:";

/** One run of a widget's `initialize` or `render`, or one use by the page, and all that ends with it. */
export class Hook {
  #session;
  /** Names the view, for who asks whose write it was. @type {object | undefined} */
  #by;
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

  /** @param {Session} session @param {object} [by] of a view */
  constructor(session, by) {
    this.#session = session;
    this.#by = by;
  }

  /** The model for this run; each time another object, with listeners of its own. */
  get model() {
    return this.#modelOf(this.#session);
  }

  /** @param {(props: any) => unknown} run @param {HTMLElement} [el] for `render` */
  run(run, el) {
    const props = { model: this.model, signal: this.#signal, experimental: { invoke: invoker(this.#session) } };
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
    const other = this.#session.open(id);
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
    // What `initialize` writes is of no view, so of each one; but not what it writes to another model.
    const by = this.#by ?? (session === this.#session ? undefined : this);
    /** @param {() => void} write */
    const write = (write) => (this.#writable ? write() : console.warn(`[anywidget] model "${id}": a write after the end of its view does nothing`));
    /** @type {Facade} */
    const facade = {
      model_id: id,
      widget_manager: this.#manager,
      get: (key) => model.get(key),
      set(key, value) {
        write(() => model.set(typeof key === "object" ? key : { [key]: value }, by));
        return facade;
      },
      save_changes: () => write(() => model.save()),
      send: (content, _, buffers) => write(() => model.send(content, buffers)),
      on: (names, callback) => model.on(facade, this.#signal, names, callback),
      off: (names, callback) => model.off(facade, names, callback),
      send_sync_message: (state) => facade.set(state).save_changes(),
      keys: () => model.keys(),
      writable: (key) => session.writable(key),
    };
    this.#signal.addEventListener("abort", () => model.off(facade));
    return facade;
  }
}

/** Not `crypto.randomUUID`, which is missing in pages that did not come by https. */
export const randomId = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

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

/** @param {unknown} ref @returns {string} the model's id */
function idOf(ref) {
  if (typeof ref === "string" && ref.startsWith(PREFIX) && ref !== PREFIX) return ref.slice(PREFIX.length);
  throw new TypeError(`${JSON.stringify(ref)} is no reference to a model; one reads "${PREFIX}<model id>"`);
}
