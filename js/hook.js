/**
 * One run of a widget's `initialize` or `render`: a signal, what it listens to, what it borrows, one cleanup.
 */

/** A cleanup slower than this (ms) is no longer waited for. */
const PATIENCE = 3_000;

/** @typedef {import("./session.js").Session} Session */

export class Hook {
  #session;
  #abort = new AbortController();
  /** @type {Promise<unknown>} */
  #result = Promise.resolve();
  /** @type {Promise<void> | undefined} */
  #ended;
  /** Ends the loan of each model it uses. @type {(() => void)[]} */
  #borrowed = [];
  /** Writes are let through until the cleanup has settled: it may save a last edit. */
  #writable = true;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  get signal() {
    return this.#abort.signal;
  }

  /**
   * @template Props, Result
   * @param {(props: Props) => Result} run @param {Props} props
   */
  run(run, props) {
    const result = (async () => run(props))();
    this.#result = result;
    return result;
  }

  /** Aborts the signal, then runs the cleanup, once. Settles when that is over or has taken too long. */
  end() {
    return (this.#ended ??= this.#end());
  }

  /** Keeps a model in the page as long as this hook lives. @param {Session} session */
  borrow(session) {
    const release = session.hold();
    if (this.#ended) release();
    else this.#borrowed.push(release);
  }

  /**
   * A model as this hook sees it. Its functions need no `this`, and widgets may keep properties on it.
   *
   * @param {Session} session @param {object} manager what `widget_manager` is
   */
  modelOf({ id, model }, manager) {
    /** @param {string} verb @param {() => void} write */
    const write = (verb, write) => {
      if (this.#writable) write();
      else console.warn(`[anywidget] ${verb} on model "${id}" does nothing: the view it was given to is gone`);
    };
    const facade = {
      model_id: id,
      widget_manager: manager,
      get: (/** @type {string} */ key) => model.get(key),
      set(/** @type {string | Record<string, any>} */ key, /** @type {any} */ value = undefined) {
        write("set", () => model.set(typeof key === "object" ? key : { [key]: value }));
        return facade;
      },
      save_changes: () => write("save_changes", () => model.save()),
      send: (/** @type {unknown} */ content, /** @type {unknown} */ _callbacks, /** @type {Iterable<unknown> | null | undefined} */ buffers) =>
        write("send", () => model.send(content, buffers)),
      on: (/** @type {string} */ names, /** @type {(...args: any[]) => void} */ callback) => model.on(facade, this.signal, names, callback),
      off: (/** @type {string | null | undefined} */ names, /** @type {any} */ callback) => model.off(facade, names, callback),
      /** Of old ipywidgets, for containers. */
      send_sync_message(/** @type {Record<string, any>} */ state) {
        facade.set(state);
        facade.save_changes();
      },
    };
    this.signal.addEventListener("abort", () => model.off(facade), { once: true });
    return facade;
  }

  async #end() {
    this.#abort.abort();
    const over = this.#result
      .then(
        (cleanup) => typeof cleanup === "function" && cleanup(),
        () => {}, // whoever ran it has seen the error
      )
      .catch((error) => this.#session.report("cleanup", error))
      .then(() => {
        this.#writable = false;
      });
    await Promise.race([over, new Promise((done) => setTimeout(done, PATIENCE))]);
    for (const release of this.#borrowed.splice(0)) release();
  }
}
