/**
 * What a hook is given besides its `el`: its model, `host` to reach other models, `experimental.invoke`.
 */

/**
 * @typedef {import("./session.js").Session} Session
 * @typedef {import("./hook.js").Hook} Hook
 */

const PREFIX = "anywidget:";

/** Another model has to answer by then (ms). */
const OPENING = 10_000;

/** A command has to answer by then (ms), unless the caller brings a signal. */
const COMMAND = 3_000;

/** Which session a model-like object stands for. @type {WeakMap<object, Session>} */
const sessions = new WeakMap();

/** @param {Session} session @param {Hook} hook */
export function propsFor(session, hook) {
  /** @param {Session} session */
  const modelOf = (session) => {
    const model = hook.modelOf(session, manager);
    sessions.set(model, session);
    return model;
  };

  /** Opens a model that the page may not have yet. @template T @param {string} id @param {(other: Session) => Promise<T>} use */
  const reach = async (id, use) => {
    hook.signal.throwIfAborted();
    const other = session.open(id);
    hook.borrow(other);
    return orTimeout(use(other), () => new Error(`no model "${id}": it did not answer in ${OPENING / 1000} s`));
  };

  const manager = {
    /** Takes a bare id, as in Jupyter. @param {string} id */
    get_model: (id) => reach(String(id), async (other) => (await other.known, modelOf(other))),
    /** @param {object} model one of `get_model` */
    async create_view(model) {
      const other = sessions.get(model);
      if (!other) throw new TypeError("create_view takes a model that get_model gave");
      await other.widget.ready();
      const el = document.createElement("div");
      const view = new AbortController();
      // Not before the caller could put `el` into the page: widgets measure it, and styles go to where it is.
      setTimeout(() => other.widget.render(el, AbortSignal.any([view.signal, hook.signal])));
      return {
        el,
        remove() {
          view.abort();
          el.remove();
        },
      };
    },
  };

  const host = {
    /** @param {unknown} ref */
    getModel: async (ref) => manager.get_model(parse(ref)),
    /** @param {unknown} ref */
    getWidget: async (ref) =>
      reach(parse(ref), async ({ widget }) => {
        await widget.ready();
        return {
          get exports() {
            return widget.exports;
          },
          /** @param {{ el: HTMLElement, signal?: AbortSignal }} options */
          render: ({ el, signal = hook.signal }) => widget.render(el, signal),
        };
      }),
  };

  return { model: modelOf(session), signal: hook.signal, host, experimental: { invoke: invoke.bind(null, session) } };
}

/**
 * Asks the host's code and waits for its answer.
 *
 * @param {Session} session @param {string} name @param {unknown} [msg]
 * @param {{ buffers?: Iterable<unknown>, signal?: AbortSignal }} [options]
 * @returns {Promise<[any, DataView[]]>}
 */
function invoke({ model }, name, msg, { buffers, signal = AbortSignal.timeout(COMMAND) } = {}) {
  const id = randomId();
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const over = new AbortController();
    over.signal.addEventListener("abort", () => model.replies.delete(id));
    signal.addEventListener("abort", () => (over.abort(), reject(signal.reason)), { signal: over.signal });
    model.send({ id, kind: "anywidget-command", name, msg }, buffers);
    model.replies.set(id, ({ content: { response, error }, buffers }) => {
      over.abort();
      if (error) reject(Object.assign(new Error(error.message), { name: error.type }));
      else resolve([response, buffers ?? []]);
    });
  });
}

/** `crypto.randomUUID` is missing in pages that are no secure context. */
export const randomId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {unknown} ref @returns {string} the model's id */
function parse(ref) {
  if (typeof ref === "string" && ref.startsWith(PREFIX) && ref.length > PREFIX.length) return ref.slice(PREFIX.length);
  const shown = typeof ref === "string" ? `"${ref}"` : `a ${ref === null ? "null" : typeof ref}`;
  throw new TypeError(`${shown} is no reference to a widget; one reads "${PREFIX}<model id>"`);
}

/** @template T @param {Promise<T>} promise @param {() => Error} error @returns {Promise<T>} */
function orTimeout(promise, error) {
  /** @type {any} */
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(error()), OPENING)));
  return /** @type {Promise<T>} */ (Promise.race([promise, late])).finally(() => clearTimeout(timer));
}
