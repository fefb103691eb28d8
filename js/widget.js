/**
 * A widget's code at work on one model: loaded, initialized once, rendered in each view, replaced when it changes.
 *
 * @import { Definition, Failure, Outcome } from "./types.js"
 * @import { Session } from "./session.js"
 */
import { Hook } from "./host.js";
import { attach, errorCard, rootOf } from "./styles.js";

export class Widget {
  /** What `initialize` returned for others. @type {unknown} */
  exports;
  /** @type {Set<View>} */
  views = new Set();
  /** Of removed views. @type {Set<unknown>} */
  cleanups = new Set();
  /** @type {string | null | undefined} */
  esm;
  /** Null while a start is under way. @type {Outcome | null} */
  outcome = null;

  #session;
  /** A start makes older ones stale, wherever they are. */
  #turn = 0;
  /** @type {Promise<void> | undefined} */
  #ready;
  /** @type {Hook | undefined} */
  #hook;

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  /** Restarts a running widget with other code. @param {string | null} esm */
  use(esm) {
    const changed = esm !== this.esm;
    this.esm = esm;
    if (changed && this.#ready) this.#start();
  }

  /** Settles with `initialize`. What did not load is tried again. */
  async ready() {
    if (!this.#ready || this.outcome?.failure?.phase === "load") this.#start();
    await this.#ready;
  }

  /** @param {HTMLElement} el @param {HTMLElement} target of events and attributes @param {() => void} empty clears `el` */
  mount(el, target, empty) {
    const view = new View(this, this.#session, el, target, empty);
    this.views.add(view);
    this.ready().catch(() => {}); // the view shows it
    view.draw();
    return view;
  }

  /** Into an element of another widget. @param {HTMLElement} el @param {AbortSignal} signal */
  async render(el, signal) {
    if (signal.aborted) return;
    const view = this.mount(el, el, () => view.drawn && el.replaceChildren());
    signal.addEventListener("abort", () => view.remove());
    await view.settled;
  }

  /** For good. @param {Error} error for views that are left */
  async end(error) {
    this.#turn++;
    this.outcome = null;
    this.#ready = Promise.reject(error);
    this.#ready.catch(() => {});
    await this.#rest();
    this.#finish({ definition: {}, failure: { phase: "connection", error } });
  }

  #start() {
    this.outcome = null;
    this.#ready = this.#run(++this.#turn);
    this.#ready.catch(() => {});
  }

  /** @param {number} turn @returns {Promise<void>} */
  async #run(turn) {
    /** @type {Definition} */
    let definition = {};
    /** @type {any} */
    let result;
    /** @type {Failure | undefined} */
    let failure;
    let phase = "load";
    try {
      if (this.esm) load(this.esm).catch(() => {}); // need not wait for the state
      await this.#session.known;
      const module = this.esm && (await load(this.esm));
      await this.#session.cssKnown;
      if (turn !== this.#turn) return this.#ready;
      await this.#rest();
      if (turn !== this.#turn) return this.#ready;
      this.#hook = new Hook(this.#session);
      if (module) definition = await define(module, this.esm);
      if (turn !== this.#turn) return this.#ready;
      phase = "initialize";
      if (definition.initialize) result = await this.#hook.run(definition.initialize);
    } catch (error) {
      if (turn !== this.#turn) return this.#ready;
      failure = { phase, error };
      this.#session.report(phase, error);
      await this.#rest();
    }
    if (turn !== this.#turn) return this.#ready;
    this.exports = typeof result === "object" ? (result ?? undefined) : undefined;
    this.#finish({ definition, failure });
    if (failure) throw failure.error;
  }

  /** @param {Outcome} outcome */
  #finish(outcome) {
    this.outcome = outcome;
    for (const view of this.views) view.draw();
  }

  /** Views first, then `initialize`. */
  async #rest() {
    await Promise.all([...this.cleanups, ...Array.from(this.views, (view) => view.rest())]);
    await this.#hook?.end();
  }
}

/** Cleanups of the last render into an element. @type {WeakMap<Element, Promise<void>>} */
const resting = new WeakMap();

export class View {
  /** Has `el` been used? */
  drawn = false;
  #settled = Promise.withResolvers();
  settled = this.#settled.promise;

  #widget;
  #session;
  #el;
  #target;
  #empty;
  #release;
  #busy = true;
  #turn = 0;
  /** @type {Hook | undefined} */
  #hook;
  /** @type {ReturnType<typeof attach> | undefined} */
  #sheet;

  /** @param {Widget} widget @param {Session} session @param {HTMLElement} el @param {HTMLElement} target @param {() => void} empty */
  constructor(widget, session, el, target, empty) {
    this.#widget = widget;
    this.#session = session;
    this.#el = el;
    this.#target = target;
    this.#empty = empty;
    this.#release = session.hold();
    this.mark();
    this.dress();
  }

  /** Renders, after the cleanup of what was there. */
  async draw() {
    const { outcome } = this.#widget;
    if (!outcome) return;
    let { failure } = outcome;
    const rest = this.rest();
    const turn = this.#turn;
    await rest;
    if (!failure) await this.dress();
    if (turn !== this.#turn) return;
    this.#empty();
    this.drawn = true;
    try {
      if (failure) throw failure.error;
      this.#hook = new Hook(this.#session);
      if (outcome.definition.render) await this.#hook.run(outcome.definition.render, this.#el);
      if (turn !== this.#turn) return;
    } catch (error) {
      if (turn !== this.#turn) return; // its end is the reason, most likely
      if (!failure) this.#session.report("render", error, [this]);
      failure ??= { phase: "render", error };
      this.rest();
      this.#el.replaceChildren(errorCard(this.#el, `${this.#session.name}: ${failure.phase} failed\n${messageOf(error)}`));
    }
    this.#busy = false;
    this.mark();
    this.#settled.resolve(0);
    if (!failure) this.emit("anywidget:ready", { model: this.#session.id });
  }

  /** Ends what is rendered. */
  rest() {
    this.#turn++;
    if (this.#hook) resting.set(this.#el, this.#hook.end());
    this.#hook = undefined;
    return resting.get(this.#el);
  }

  async remove() {
    const { cleanups, views } = this.#widget;
    if (!views.delete(this)) return;
    this.#settled.resolve(0);
    this.#release();
    const rest = this.rest();
    cleanups.add(rest);
    await rest;
    cleanups.delete(rest);
    this.#sheet?.release();
  }

  /** Puts the stylesheet where the view is; an old one stays until the new one applies. */
  async dress() {
    const url = this.#session.css;
    const root = rootOf(this.#el);
    const before = this.#sheet;
    if (url !== before?.url || root !== before?.root) this.#sheet = url ? attach(root, url) : undefined;
    const sheet = this.#sheet;
    await sheet?.ready;
    if (before !== sheet) before?.release(0);
  }

  /** Shows on the element how things stand, again if a morph took it away. */
  mark() {
    const target = this.#target;
    if (target === this.#el) return;
    const { state } = this.#session;
    if (target.dataset.connection !== state) target.dataset.connection = state;
    target.ariaBusy = this.#busy ? "true" : null;
  }

  /** @param {string} name @param {unknown} detail */
  emit(name, detail) {
    this.#target.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

/** @param {any} error */
const messageOf = (error) => String(error?.message ?? error);

/** @type {Map<string, Promise<any>>} */
const modules = new Map();
const failed = new Set();

/** Once per page; browsers remember what failed, hence the query. @param {string} url @returns {Promise<any>} */
function load(url) {
  const module =
    modules.get(url) ??
    import(failed.has(url) ? `${url}?retry=${Date.now()}` : url).catch((error) => {
      modules.delete(url);
      failed.add(url);
      throw new Error(`cannot load ${url}: ${messageOf(error)}`, { cause: error });
    });
  modules.set(url, module);
  return module;
}

/** The hooks for one model. @param {any} module @param {unknown} url @returns {Promise<Definition>} */
async function define(module, url) {
  let definition = module.default;
  if (definition === undefined && typeof module.render === "function") {
    console.warn(`[anywidget] ${url}: a lone "render" export is deprecated; use "export default { render }"`);
    definition = { render: module.render };
  }
  if (typeof definition === "function") definition = await definition();
  const fits = (/** @type {string} */ hook) => ["undefined", "function"].includes(typeof definition[hook]);
  if (typeof definition !== "object" || !definition || !fits("initialize") || !fits("render"))
    throw new TypeError(`${url} must export as default an object with "initialize" or "render" functions, or a function that returns one`);
  return definition;
}
