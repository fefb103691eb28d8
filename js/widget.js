/**
 * A widget's code at work on one model: loaded, initialized once, rendered in each view, replaced when it is edited.
 */
import { Hook } from "./hook.js";
import { propsFor } from "./host.js";
import { errorCard } from "./notice.js";
import { attach, rootOf } from "./styles.js";

/**
 * @typedef {import("./session.js").Session} Session
 * @typedef {{ initialize?: (props: any) => unknown, render?: (props: any) => unknown }} Definition
 * @typedef {{ phase: string, error: unknown }} Failure
 */

export class Widget {
  /** What `initialize` returned for others to use. @type {unknown} */
  exports;

  /** @type {Set<View>} */
  views = new Set();

  #session;
  /** @type {string | null | undefined} */
  #esm;
  /** Each start makes the ones before it stale, wherever they are: the last edit wins. */
  #turn = 0;
  /** @type {Promise<void> | undefined} */
  #ready;
  /** How the last start ended; null while one is under way. @type {{ definition: Definition, failure?: Failure } | null} */
  #outcome = null;
  /** The run of `initialize`. @type {Hook | undefined} */
  #hook;
  /** Ends of removed views that are not over. @type {Set<Promise<void>>} */
  #ending = new Set();

  /** @param {Session} session */
  constructor(session) {
    this.#session = session;
  }

  /** Takes new code; a running widget is restarted with it. @param {string | null} esm */
  use(esm) {
    if (esm === this.#esm) return;
    this.#esm = esm;
    if (this.#ready) this.#start();
    else if (esm) load(esm).catch(() => {}); // whoever mounts will see the error
  }

  /** Settles with `initialize`. A load that failed is tried again. */
  ready() {
    if (!this.#ready || this.#outcome?.failure?.phase === "load") this.#start();
    return /** @type {Promise<void>} */ (this.#ready);
  }

  /**
   * A view for an element of ours.
   *
   * @param {HTMLElement} el @param {HTMLElement} target gets events and attributes @param {() => void} empty clears `el`
   */
  mount(el, target, empty) {
    const view = new View(this, this.#session, el, target, empty);
    this.views.add(view);
    this.ready().catch(() => {}); // shown in the view
    if (this.#outcome) this.draw(view);
    return view;
  }

  /** A view in an element of another widget, settled when it is rendered. @param {HTMLElement} el @param {AbortSignal} signal */
  async render(el, signal) {
    if (signal.aborted) return;
    const view = this.mount(el, el, () => view.drawn && el.replaceChildren());
    signal.addEventListener("abort", () => this.remove(view), { once: true, signal: view.removed });
    await view.settled;
  }

  /** @param {View} view */
  draw(view) {
    if (this.#outcome) view.draw(this.#outcome.definition, this.#outcome.failure);
  }

  /** @param {View} view */
  remove(view) {
    if (!this.views.delete(view)) return;
    const over = view.remove();
    this.#ending.add(over);
    over.then(() => this.#ending.delete(over));
  }

  /** Puts the current stylesheet in place in every view. */
  dress() {
    for (const view of this.views) view.dress();
  }

  /** Ends for good: views first, then `initialize`. @param {unknown} error shown in views that are left */
  async end(error) {
    this.#turn++;
    this.#outcome = null;
    this.#ready = Promise.reject(error);
    this.#ready.catch(() => {});
    await this.#rest();
    this.#outcome = { definition: {}, failure: { phase: "connection", error } };
    for (const view of this.views) this.draw(view);
  }

  #start() {
    this.#outcome = null;
    this.#ready = this.#run(++this.#turn);
    this.#ready.catch(() => {}); // shown in the views
  }

  /** @param {number} turn @returns {Promise<void>} */
  async #run(turn) {
    const session = this.#session;
    /** @type {Definition} */
    let definition = {};
    /** @type {unknown} */
    let result;
    /** @type {Failure | undefined} */
    let failure;
    let phase = "load";
    try {
      if (this.#esm) load(this.#esm).catch(() => {}); // need not wait for the state
      await session.known;
      const module = this.#esm && (await load(this.#esm));
      await session.cssKnown;
      if (turn !== this.#turn) return this.#ready;
      await this.#rest();
      if (turn !== this.#turn) return this.#ready;
      const hook = new Hook(session);
      this.#hook = hook;
      if (module) definition = await define(module, String(this.#esm));
      if (turn !== this.#turn) return this.#ready;
      phase = "initialize";
      const { host: _, ...props } = propsFor(session, hook);
      if (definition.initialize) result = await hook.run(definition.initialize, props);
    } catch (error) {
      if (turn !== this.#turn) return this.#ready;
      failure = { phase, error };
      session.report(phase, error);
      await this.#rest();
    }
    if (turn !== this.#turn) return this.#ready;
    this.exports = typeof result === "object" && result !== null ? result : undefined;
    this.#outcome = { definition, failure };
    for (const view of this.views) this.draw(view);
    if (failure) throw failure.error;
  }

  /** Ends what runs, views first. */
  async #rest() {
    await Promise.all([...this.#ending, ...[...this.views].map((view) => view.rest())]);
    await this.#hook?.end();
  }
}

/** When the last render into an element is cleaned up. @type {WeakMap<Element, Promise<void>>} */
const resting = new WeakMap();

export class View {
  /** Was anything rendered here, or an error shown? */
  drawn = false;

  /** @type {(value?: unknown) => void} */
  #settle = () => {};
  settled = new Promise((resolve) => (this.#settle = resolve));

  #widget;
  #session;
  #empty;
  #release;
  #removed = new AbortController();
  #busy = true;
  #turn = 0;
  /** The run of `render`. @type {Hook | undefined} */
  #hook;
  /** @type {{ root: Node, url: string, ready: Promise<void>, release: (wait?: number) => void } | undefined} */
  #sheet;

  /** @param {Widget} widget @param {Session} session @param {HTMLElement} el @param {HTMLElement} target @param {() => void} empty */
  constructor(widget, session, el, target, empty) {
    this.#widget = widget;
    this.#session = session;
    this.el = el;
    this.target = target;
    this.#empty = empty;
    this.#release = session.hold();
    this.mark();
    this.dress();
  }

  get removed() {
    return this.#removed.signal;
  }

  /** Renders, after the cleanup of what was rendered before. @param {Definition} definition @param {Failure} [failure] */
  async draw({ render }, failure) {
    const { el } = this;
    const rest = this.rest();
    const turn = this.#turn;
    await rest;
    if (!failure) await this.dress();
    if (turn !== this.#turn) return;
    this.#empty();
    this.drawn = true;
    if (failure) return this.#fail(failure);
    if (render) {
      const hook = new Hook(this.#session);
      this.#hook = hook;
      try {
        await hook.run(render, { ...propsFor(this.#session, hook), el });
      } catch (error) {
        if (turn !== this.#turn) return; // the end of the view was the reason, most likely
        this.#session.report("render", error, [this]);
        await this.rest();
        if (turn + 1 === this.#turn) this.#fail({ phase: "render", error });
        return;
      }
    }
    if (turn === this.#turn) this.#done("anywidget:ready", { model: this.#session.id });
  }

  /** Renders anew what something else than the widget destroyed. */
  redraw() {
    this.#widget.draw(this);
  }

  /** Ends what is rendered, if anything is. */
  rest() {
    this.#turn++;
    if (this.#hook) resting.set(this.el, this.#hook.end());
    this.#hook = undefined;
    return resting.get(this.el) ?? Promise.resolve();
  }

  /** @returns {Promise<void>} settled when the cleanup is over */
  async remove() {
    this.#removed.abort();
    this.#release();
    this.#settle();
    await this.rest();
    this.#sheet?.release();
  }

  /** Puts the stylesheet where the view is now. The old one stays until the new one applies. */
  async dress() {
    const url = this.#session.css;
    const root = rootOf(this.el);
    const before = this.#sheet;
    if (!url) this.#sheet = undefined;
    else if (before?.url !== url || before.root !== root) this.#sheet = { root, url, ...attach(root, url) };
    await this.#sheet?.ready;
    if (before && before !== this.#sheet) before.release(0);
  }

  /** Says on our element how things stand. A morph may have taken the attributes away. */
  mark() {
    const { target } = this;
    if (target === this.el) return;
    const { state } = this.#session;
    if (target.getAttribute("data-connection") !== state) target.setAttribute("data-connection", state);
    if (target.hasAttribute("aria-busy") !== this.#busy) target.toggleAttribute("aria-busy", this.#busy);
    if (this.#busy) target.setAttribute("aria-busy", "true");
  }

  /** @param {string} name @param {unknown} detail */
  emit(name, detail) {
    this.target.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  /** Shows that the connection is closed for good, beside what is rendered. @param {unknown} error */
  notice(error) {
    if (this.target !== this.el) this.el.after(this.#card({ phase: "connection", error }));
  }

  /** @param {Failure} failure */
  #fail(failure) {
    this.el.append(this.#card(failure));
    this.#done();
  }

  /** @param {Failure} failure */
  #card({ phase, error }) {
    return errorCard(this.el, `${this.#session.name}: ${phase} failed`, messageOf(error));
  }

  /** @param {string} [event] @param {unknown} [detail] */
  #done(event, detail) {
    this.#busy = false;
    this.mark();
    this.#settle();
    if (event) this.emit(event, detail);
  }
}

/** @param {unknown} error */
export const messageOf = (error) => (error instanceof Error ? error.message || error.name : String(error));

/** @type {Map<string, Promise<any>>} */
const modules = new Map();
/** @type {Map<string, number>} */
const failures = new Map();

/** Imports a module once. After a failure the next import asks again: browsers remember a failed URL, hence the query. @param {string} url */
function load(url) {
  let module = modules.get(url);
  if (!module) {
    const tries = failures.get(url);
    module = import(tries ? `${url}${url.includes("?") ? "&" : "?"}retry=${tries}` : url).catch(async (error) => {
      modules.delete(url);
      failures.set(url, (tries ?? 0) + 1);
      // The browser does not say why a fetch failed.
      const status = await fetch(url).then(
        ({ ok, status }) => (ok ? "" : `the server answered ${status}`),
        () => "",
      );
      throw new Error(`cannot load ${url}: ${status || messageOf(error)}`, { cause: error });
    });
    modules.set(url, module);
  }
  return module;
}

/** The hooks of a module, for one model. @param {any} module @param {string} url @returns {Promise<Definition>} */
async function define(module, url) {
  let definition = module.default;
  if (definition === undefined && typeof module.render === "function") {
    console.warn(`[anywidget] ${url}: a lone "render" export is deprecated; use "export default { render }"`);
    definition = { render: module.render };
  }
  if (typeof definition === "function") definition = await definition();
  const isHook = (/** @type {string} */ name) => ["function", "undefined"].includes(typeof definition[name]);
  if (typeof definition !== "object" || !definition || !isHook("initialize") || !isHook("render"))
    throw new TypeError(`${url} must export as default an object with the functions "initialize" or "render" or both, or a function that returns one`);
  return definition;
}
