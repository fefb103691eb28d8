/**
 * The one script of a page with widgets: `<any-widget>`, which keeps a view of a model where the page has the
 * element, whatever moves, morphs, clones or swaps it. Every fragment may bring the script, a page runs it once.
 *
 * @import { Control } from "./form.js"
 * @import { Session } from "./session.js"
 * @import { Facade, Posted } from "./types.js"
 * @import { View } from "./widget.js"
 */
import { part } from "./load.js";
import { open } from "./session.js";
import { adopt, errorCard } from "./styles.js";

/**
 * On `el` while we render there. htmx 4 does not morph what has it; a morph that takes it away does not know it,
 * and has been at the widget's DOM. That it is there says nothing: clones and snapshots have it too.
 */
const MARK = "hx-morph-skip";

class AnyWidget extends HTMLElement {
  static formAssociated = true;
  static observedAttributes = ["model", "name", "key", "required"];

  #internals = this.attachInternals();
  /** What makes it a field of a form. @type {Control | undefined} */
  #control;
  /** The model it was parsed with: what came with it is for no other. @type {string | null} */
  #parsedFor = null;
  /** The seed is for one use. */
  #seeded = false;
  /** The look at how things stand that is under way. @type {Promise<void> | undefined} */
  #due;
  /** What widgets render into. @type {HTMLElement | undefined} */
  #el;
  /** The model of the view. @type {string | null} */
  #id = null;
  /** @type {View | undefined} */
  #view;
  /** @type {Session | undefined} */
  #session;
  #observer = new MutationObserver(() => this.#repair());

  constructor() {
    super();
    // A click on its label comes here; what a widget does with its own is its business.
    this.addEventListener("click", (event) => event.composedPath()[0] === this && this.focus());
  }

  connectedCallback() {
    this.#soon();
  }

  disconnectedCallback() {
    // Turbo puts back what is permanent some microtasks later, in the same task.
    const stays = this.closest("[data-turbo-permanent]");
    this.#soon(stays ? new Promise((done) => setTimeout(done)) : undefined);
  }

  /** Browsers that see it do not take a `moveBefore` for a disconnection. */
  connectedMoveCallback() {
    this.#soon();
  }

  /** @param {string} name @param {string | null} before @param {string | null} now */
  attributeChangedCallback(name, before, now) {
    if (name !== "model") return void this.#join();
    if (before === null && !this.#el) this.#parsedFor = now;
    else this.#seeded = true;
    this.#soon();
  }

  formAssociatedCallback() {
    this.#join();
  }

  formDisabledCallback() {
    this.#el?.toggleAttribute("inert", this.matches(":disabled"));
  }

  formResetCallback() {
    this.#control?.reset();
  }

  // What form controls have, as pages and libraries look for it.

  get name() {
    return this.getAttribute("name") ?? "";
  }
  set name(name) {
    this.setAttribute("name", name);
  }
  get disabled() {
    return this.hasAttribute("disabled");
  }
  set disabled(disabled) {
    this.toggleAttribute("disabled", disabled);
  }
  get required() {
    return this.hasAttribute("required");
  }
  set required(required) {
    this.toggleAttribute("required", required);
  }
  get type() {
    return this.localName;
  }
  /** What is posted: a text or a file, or a list of several or none. @returns {Posted | Posted[]} */
  get value() {
    const values = this.#control?.values ?? [];
    return values.length === 1 && values[0] !== undefined ? values[0] : values;
  }
  get form() {
    return this.#internals.form;
  }
  get labels() {
    return this.#internals.labels;
  }
  get validity() {
    return this.#internals.validity;
  }
  get validationMessage() {
    return this.#internals.validationMessage;
  }
  get willValidate() {
    return this.#internals.willValidate;
  }
  checkValidity() {
    return this.#internals.checkValidity();
  }
  reportValidity() {
    return this.#internals.reportValidity();
  }

  /** Into the widget: to the first element of it that takes the focus. @override @param {FocusOptions} [options] */
  focus(options) {
    const first = this.#first();
    if (first) first.focus(options);
    else super.focus(options);
  }

  #first() {
    return [...inside(this.#el)].find((element) => (element.tabIndex >= 0 || element.isContentEditable) && !element.matches(":disabled") && element.checkVisibility());
  }

  /** Makes it a field of a form, if it is one. */
  async #join() {
    if (!this.#control) {
      const isField = this.form || this.required || this.name;
      // Until it is known what it would post.
      if (!isField || !this.validity.customError) this.#internals.setValidity({ valueMissing: this.required }, "It is still loading.");
      if (!isField) return;
    }
    /** @type {typeof import("./form.js") | null} */
    const form = await part("./form.js").catch((error) => console.error("[anywidget] a view is no field of its form:", error));
    // Better not sent than sent without it.
    if (!form) return this.#internals.setValidity({ customError: Boolean(this.name || this.required) }, "It could not be loaded: is the connection there?", this.#anchor());
    if (!this.#view) return;
    this.#control ??= new form.Control(this, this.#internals, () => this.#anchor());
    this.#control.use(this.#session, this.#view);
  }

  /** What the browser points at when the form cannot be sent. */
  #anchor() {
    const first = this.#first();
    const el = this.#el?.isConnected ? this.#el : undefined;
    if (!first && el) el.tabIndex = -1;
    return first ?? el;
  }

  /**
   * The model of this view for the page's own scripts, as widgets are given it, once its state is known. What is
   * listened to on it ends with the view, or with the signal.
   *
   * @param {{ signal?: AbortSignal }} [options] @returns {Promise<Facade>}
   */
  async getModel({ signal } = {}) {
    await this.#due;
    if (!this.#view) throw new Error("any-widget: an element has a model while it is in the page");
    return this.#view.model(signal);
  }

  #soon(wait = Promise.resolve()) {
    return (this.#due ??= this.#look(wait));
  }

  /** A move disconnects and connects in one task, `hx-preserve` the other way round: what holds in the end counts. @param {Promise<void>} wait @returns {Promise<void>} */
  async #look(wait) {
    await wait;
    this.#due = undefined;
    const id = this.isConnected ? this.getAttribute("model") : null;
    if (this.#view && id === this.#id) {
      this.#view.dress();
      this.#view.back();
      return;
    }
    this.#observer.disconnect();
    this.#control?.use();
    this.#view?.remove();
    this.#view = undefined;
    this.ariaBusy = null;
    if (!this.isConnected) return;
    // The parser is still inside, and brings the seed and what the server rendered.
    if (!isClosed(this)) return this.#soon(new Promise((done) => setTimeout(done, 20)));
    this.#id = id;
    adopt(this);
    if (id) this.#mount(id);
    else this.#place().replaceChildren(errorCard(this, 'any-widget: the attribute "model" is missing'));
  }

  /** @param {string} id */
  #mount(id) {
    const own = id === this.#parsedFor;
    const code = own ? { esm: this.getAttribute("esm"), css: this.getAttribute("css") } : {};
    const session = open(id, code, own ? this.#seed() : null);
    const el = this.#place();
    this.#session = session;
    this.formDisabledCallback();
    this.#view = session.widget.mount(el, this, () => {
      this.shadowRoot?.querySelector("slot")?.remove();
      el.replaceChildren();
    });
    el.setAttribute(MARK, "");
    this.#observer.observe(this, { childList: true, attributeFilter: ["data-connection"] });
    this.#observer.observe(el, { attributeFilter: [MARK] });
    this.#join();
  }

  /** Puts `el` where it belongs. */
  #place() {
    const shadow = this.hasAttribute("shadow") ? (this.shadowRoot ?? this.attachShadow({ mode: "open" })) : null;
    /** @type {HTMLElement | null} */
    const given = shadow ? null : this.querySelector(":scope > div");
    // What the server rendered shows through the slot until the first render.
    if (shadow && !this.#el) shadow.append(document.createElement("slot"));
    const el = (this.#el ??= given ?? document.createElement("div"));
    if (el.isConnected) return el;
    if (given) given.replaceWith(el);
    else (shadow ?? this).append(el);
    return el;
  }

  /** A morph wipes children and attributes without any callback but the observer's. */
  #repair() {
    const el = this.#el;
    if (!this.#view || !el || !this.isConnected) return;
    this.#view.mark();
    if (this.#control) this.#control.judge();
    else this.#join(); // what was missing may be there with the connection
    this.formDisabledCallback();
    if (!el.isConnected) {
      this.#place();
      this.#view.back();
    }
    if (el.hasAttribute(MARK)) return;
    el.setAttribute(MARK, "");
    this.#view.draw();
  }

  /** The state that came with the element, if it is whole. */
  #seed() {
    const epoch = this.getAttribute("epoch");
    const rev = this.getAttribute("rev");
    const text = this.querySelector(":scope > script[type='application/json']")?.textContent;
    if (this.#seeded || epoch === null || rev === null || !text) return null;
    this.#seeded = true;
    return { epoch, rev: Number(rev), state: JSON.parse(text) };
  }
}

/** What is inside an element, also in shadow roots, in order. @param {ParentNode | undefined} node @returns {Generator<HTMLElement>} */
function* inside(node) {
  for (const child of node?.children ?? []) {
    yield /** @type {HTMLElement} */ (child);
    if (child.shadowRoot) yield* inside(child.shadowRoot);
    yield* inside(child);
  }
}

/** Has the parser passed the end tag? Then something follows it, or the document is complete. @param {Node | null} node */
function isClosed(node) {
  if (document.readyState !== "loading") return true;
  while (node && !node.nextSibling) node = node.parentNode;
  return node;
}

customElements.get("any-widget") ?? customElements.define("any-widget", AnyWidget);
