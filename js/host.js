/**
 * What one run of `initialize` or `render` is given, and what ends with it.
 *
 * @import { Facade, Host, Invoke, Manager } from "./types.js"
 * @import { Session } from "./session.js"
 */

/** For a cleanup (ms). */
const PATIENCE = 3_000;
/** For another model (ms). */
const OPENING = 10_000;
/** For a command, unless the caller brings a signal (ms). */
const COMMAND = 3_000;

const PREFIX = "anywidget:";

/** @type {WeakMap<object, Session>} */
const sessionOf = new WeakMap();

export class Hook {
  #session;
  #abort = new AbortController();
  #signal = this.#abort.signal;
  /** @type {Promise<unknown>} */
  #result = Promise.resolve();
  /** @type {Promise<void> | undefined} */
  #ended;
  /** Gives back a model. @type {(() => void)[]} */
  #borrowed = [];
  /** Until the cleanup has settled: it may save a last edit. */
  #writable = true;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  /** @template T @param {(props: any) => T} run @param {HTMLElement} [el] for `render` */
  run(run, el) {
    const session = this.#session;
    const props = { model: this.#modelOf(session), signal: this.#signal, experimental: { invoke: invoker(session) } };
    const result = (async () => run(el ? { ...props, el, host: this.#host } : props))();
    this.#result = result;
    return result;
  }

  /** Aborts, then cleans up, once; settled when that is over or takes too long. */
  end() {
    return (this.#ended ??= this.#end());
  }

  async #end() {
    this.#abort.abort();
    const over = this.#result
      .then(
        (cleanup) => typeof cleanup === "function" && cleanup(),
        () => {},
      )
      .catch((error) => this.#session.report("cleanup", error))
      .then(() => (this.#writable = false));
    await Promise.race([over, new Promise((late) => setTimeout(late, PATIENCE))]);
    for (const release of this.#borrowed) release();
  }

  /** @type {Manager} */
  #manager = {
    get_model: (id) => this.#reach(id, (other) => other.known.then(() => this.#modelOf(other))),
    create_view: async (model) => {
      const widget = sessionOf.get(model)?.widget;
      if (!widget) throw new TypeError("create_view takes what get_model gives");
      await widget.ready();
      const el = document.createElement("div");
      const gone = new AbortController();
      // Once the caller has put it into the page: widgets measure it.
      setTimeout(() => widget.render(el, AbortSignal.any([gone.signal, this.#signal])));
      return { el, remove: () => (gone.abort(), el.remove()) };
    },
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

  /** @template T @param {string} id @param {(other: Session) => Promise<T>} use @returns {Promise<T>} */
  async #reach(id, use) {
    this.#signal.throwIfAborted();
    const other = this.#session.open(id);
    this.#borrowed.push(other.hold());
    return new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`model "${id}" does not answer`)), OPENING);
      use(other).then(resolve, reject);
    });
  }

  /** Its functions need no `this`, and widgets keep properties on it. @param {Session} session */
  #modelOf(session) {
    const { id, model } = session;
    /** @param {() => void} write */
    const write = (write) => (this.#writable ? write() : console.warn(`[anywidget] model "${id}": a write after the end is ignored`));
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
    sessionOf.set(facade, session);
    this.#signal.addEventListener("abort", () => model.off(facade));
    return facade;
  }
}

/** Not `crypto.randomUUID`, which only secure contexts have. */
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

/** @param {unknown} ref */
function idOf(ref) {
  if (typeof ref === "string" && ref.startsWith(PREFIX) && ref !== PREFIX) return ref.slice(PREFIX.length);
  throw new TypeError(`${JSON.stringify(ref)} is not "${PREFIX}<model id>"`);
}
