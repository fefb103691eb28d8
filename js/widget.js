/**
 * A widget's code at work on one model: loaded, initialized once, rendered in each view, replaced when it is
 * edited.
 *
 * @import { Definition, Failure, Outcome } from "./types.js"
 * @import { Session } from "./session.js"
 */
import { Hook } from "./host.js";
import { load, part } from "./load.js";
import { attach, errorCard, rootOf } from "./styles.js";

/** So long (ms) a failure to load waits for the host's hello. */
const PATIENCE = 2_000;

export class Widget {
  /** What `initialize` returned for others to use. @type {unknown} */
  exports;
  /** @type {Set<View>} */
  views = new Set();
  /** Cleanups of removed views that are not over. @type {Set<unknown>} */
  cleanups = new Set();
  /** @type {string | null | undefined} */
  esm;
  /** How the last start ended; null while one is under way. @type {Outcome | null} */
  outcome = null;

  /** Each start makes those before it stale, wherever they are: the last edit wins over a slower one. */
  #turn = 0;
  /** @type {Promise<void> | undefined} */
  #ready;
  /** The run of `initialize`. @type {Hook | undefined} */
  #hook;

  /** @param {Session} session */
  constructor(session) {
    this.session = session;
  }

  /** Takes code; a widget that runs is started again with it. @param {string | null} esm */
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

  /** @param {HTMLElement} el @param {HTMLElement} target gets events and attributes @param {() => void} empty clears `el` */
  mount(el, target, empty) {
    const view = new View(this, el, target, empty);
    this.views.add(view);
    this.ready().catch(() => {}); // the view shows it
    view.draw();
    return view;
  }

  /** A view in an element of another widget; settles when it is rendered. @param {HTMLElement} el @param {AbortSignal} signal */
  async render(el, signal) {
    if (signal.aborted) return;
    const view = this.mount(el, el, () => view.drawn && el.replaceChildren());
    signal.addEventListener("abort", () => view.remove());
    await view.settled;
  }

  /** Ends for good. @param {Error} error shown where views are left */
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
    this.#ready.catch(() => {}); // the views show it
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
      // The download need not wait for the state.
      if (this.esm) load(this.esm).catch(() => {});
      await this.session.known;
      const module = this.esm && (await load(this.esm));
      await this.session.cssKnown;
      if (turn !== this.#turn) return this.#ready;
      await this.#rest();
      if (turn !== this.#turn) return this.#ready;
      this.#hook = new Hook(this.session);
      if (module) definition = await define(module, this.esm);
      if (turn !== this.#turn) return this.#ready;
      phase = "initialize";
      if (definition.initialize) result = await this.#hook.run(definition.initialize);
    } catch (error) {
      // A page of before an edit names code that is gone; what the host names instead is on its way.
      if (phase === "load") await Promise.race([this.session.greeted, new Promise((late) => setTimeout(late, PATIENCE))]);
      if (turn !== this.#turn) return this.#ready;
      failure = { phase, error };
      this.session.report(phase, error);
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

  /** Ends what runs: views first, then `initialize`. */
  async #rest() {
    for (const view of this.views) view.keepHeight();
    await Promise.all([...this.cleanups, ...Array.from(this.views, (view) => view.rest())]);
    await this.#hook?.end();
  }
}

/** When the last render into an element is cleaned up; the next one waits for it. @type {WeakMap<Element, Promise<void>>} */
const resting = new WeakMap();

export class View {
  /** Is what is in `el` ours? */
  drawn = false;
  #settled = Promise.withResolvers();
  settled = this.#settled.promise;
  /** Ends what the page does with the model here; renderings come and go meanwhile. */
  #gone = new AbortController();
  /** Names the view to the model, which may keep it for longer than there is a view. */
  by = {};
  /** What has the focus, also if it was just taken out. @type {Element | undefined} */
  #focused;
  /** What was scrolled in it, and how far. @type {Map<Element, number[]>} */
  #scrolled = new Map();
  /** The target's own, while it is kept from shrinking. @type {string | undefined} */
  #minHeight;

  #widget;
  #target;
  #empty;
  #release;
  #busy = true;
  /** Each drawing makes those before it stale. */
  #turn = 0;
  /** The run of `render`. @type {Hook | undefined} */
  #hook;
  /** @type {ReturnType<typeof attach> | undefined} */
  #sheet;

  /** @param {Widget} widget @param {HTMLElement} el @param {HTMLElement} target @param {() => void} empty */
  constructor(widget, el, target, empty) {
    this.#widget = widget;
    this.el = el;
    this.#target = target;
    this.#empty = empty;
    this.#release = widget.session.hold();
    this.mark();
    this.dress();
    this.#watch();
  }

  /** Notes where the user is. */
  #watch() {
    const { el } = this;
    const { signal } = this.#gone;
    el.addEventListener("focusin", (event) => (this.#focused = /** @type {Element} */ (event.composedPath()[0])), { signal });
    // What is taken out loses the focus, too, and that is not the user's will. Which it was is seen a moment later.
    const left = () => this.#focused?.isConnected && !el.contains(rootOf(el).activeElement) && (this.#focused = undefined);
    el.addEventListener("focusout", () => setTimeout(left), { signal });
    /** @param {Event} event */
    const scrolled = (event) => {
      const node = /** @type {Element} */ (event.target);
      for (const other of this.#scrolled.keys()) if (!other.isConnected) this.#scrolled.delete(other);
      this.#scrolled.set(node, [node.scrollLeft, node.scrollTop]);
    };
    el.addEventListener("scroll", scrolled, { signal, capture: true, passive: true });
  }

  /** Where the user is, as a way to go there again. */
  async #place() {
    const focused = this.#focused;
    const scrolled = this.#scrolled;
    if (!focused && !scrolled.size) return;
    this.#focused = undefined;
    this.#scrolled = new Map();
    // Without it, as for one who is offline, the focus is lost, and nothing else.
    /** @type {typeof import("./place.js") | null} */
    const place = await part("./place.js").catch(() => null);
    return place?.remember(this.el, focused, scrolled);
  }

  /** What is in `el` was out of the page for a moment. */
  async back() {
    (await this.#place())?.();
  }

  /** Renders, or shows why not, after the cleanup of what was there. */
  async draw() {
    const { outcome, session } = this.#widget;
    if (!outcome) return;
    let { failure } = outcome;
    this.keepHeight();
    const rest = this.rest();
    const turn = this.#turn;
    await rest;
    if (!failure && turn === this.#turn) await this.dress();
    const goBack = this.drawn && turn === this.#turn ? await this.#place() : undefined;
    if (turn !== this.#turn) return;
    this.#empty();
    this.drawn = true;
    try {
      if (failure) throw failure.error;
      this.#hook = new Hook(session, this.by);
      if (outcome.definition.render) await this.#hook.run(outcome.definition.render, this.el);
      if (turn !== this.#turn) return;
    } catch (error) {
      // The end of the view is what an aborted render complains about.
      if (turn !== this.#turn) return;
      if (!failure) session.report("render", error, [this]);
      failure ??= { phase: "render", error };
      this.rest();
      this.el.replaceChildren(errorCard(this.el, `${session.name}: ${failure.phase} failed\n${messageOf(error)}`));
    }
    this.#busy = false;
    this.mark();
    this.#freeHeight();
    if (!failure) goBack?.();
    this.#settled.resolve(0);
    if (!failure) this.emit("anywidget:ready", { model: session.id });
  }

  /** Ends what is rendered; settles when that is cleaned up. */
  rest() {
    this.#turn++;
    if (this.#hook) resting.set(this.el, this.#hook.end());
    this.#hook = undefined;
    return resting.get(this.el);
  }

  /** Between two renderings a page that got shorter would scroll. */
  keepHeight() {
    const target = this.#target;
    if (!this.drawn || target === this.el || !this.el.hasChildNodes()) return;
    this.#minHeight ??= target.style.minHeight;
    target.style.minHeight = `${target.offsetHeight}px`;
  }

  #freeHeight() {
    if (this.#minHeight !== undefined) this.#target.style.minHeight = this.#minHeight;
    this.#minHeight = undefined;
  }

  async remove() {
    const { cleanups, views } = this.#widget;
    if (!views.delete(this)) return;
    this.#gone.abort(new DOMException("the element left the page, or shows another model", "AbortError"));
    this.#settled.resolve(0);
    this.#release();
    this.#freeHeight();
    const rest = this.rest();
    cleanups.add(rest);
    await rest;
    cleanups.delete(rest);
    this.#sheet?.release();
  }

  /** The model for the page, until the view or the signal ends. @param {AbortSignal} [signal] */
  async model(signal) {
    const { session } = this.#widget;
    const end = AbortSignal.any(signal ? [this.#gone.signal, signal] : [this.#gone.signal]);
    const hook = new Hook(session, this.by);
    end.addEventListener("abort", () => hook.end());
    await Promise.race([aborted(end), session.known]);
    return hook.model;
  }

  /** Puts the stylesheet where the view is now. An old one stays until the new one applies. */
  async dress() {
    const url = this.#widget.session.css;
    const root = rootOf(this.el);
    const before = this.#sheet;
    if (url !== before?.url || root !== before?.root) this.#sheet = url ? attach(root, url) : undefined;
    const sheet = this.#sheet;
    await sheet?.ready;
    if (before !== sheet) before?.release(0);
  }

  /** Says on an element of ours how things stand; a morph may have taken that away. */
  mark() {
    const target = this.#target;
    if (target === this.el) return;
    const { progress, state } = this.#widget.session;
    if (target.dataset.connection !== state) target.dataset.connection = state;
    if (progress === undefined) {
      delete target.dataset.progress;
      target.style.removeProperty("--any-widget-progress");
    } else {
      target.dataset.progress = progress.toFixed(2);
      target.style.setProperty("--any-widget-progress", `${progress}`);
    }
    target.ariaBusy = this.#busy ? "true" : null;
  }

  /** @param {string} name @param {unknown} detail */
  emit(name, detail) {
    this.#target.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

/** Rejects when the signal aborts. @param {AbortSignal} signal @returns {Promise<never>} */
const aborted = (signal) =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });

/** An error in words, with its causes. @param {any} error @returns {string} */
export const messageOf = (error) => String(error?.message || error) + (error?.cause ? `\ncaused by ${messageOf(error.cause)}` : "");

/** The hooks that a module gives to one model. @param {any} module @param {unknown} url @returns {Promise<Definition>} */
async function define(module, url) {
  let definition = module.default;
  if (definition === undefined && typeof module.render === "function") {
    console.warn(`[anywidget] ${url}: "export function render" is deprecated; write "export default { render }"`);
    definition = { render: module.render };
  }
  if (typeof definition === "function") definition = await definition();
  const fits = (/** @type {string} */ hook) => ["undefined", "function"].includes(typeof definition[hook]);
  if (typeof definition !== "object" || !definition || !fits("initialize") || !fits("render"))
    throw new TypeError(`${url} must export as default an object with the functions "initialize" or "render" or both, or a function that returns one`);
  return definition;
}
