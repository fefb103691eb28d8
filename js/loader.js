/**
 * The one script of a page with widgets: `<any-widget>`, which keeps a view of a model where the page has the
 * element, whatever moves, morphs, clones or swaps it. Every fragment may bring the script, a page runs it once.
 *
 * @import { Facade } from "./types.js"
 * @import { View } from "./widget.js"
 */
import { open } from "./session.js";
import { adopt, errorCard } from "./styles.js";

/**
 * On `el` while we render there. htmx 4 does not morph what has it; a morph that takes it away does not know it,
 * and has been at the widget's DOM. That it is there says nothing: clones and snapshots have it too.
 */
const MARK = "hx-morph-skip";

class AnyWidget extends HTMLElement {
  static observedAttributes = ["model"];

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
  #observer = new MutationObserver(() => this.#repair());

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

  /** @param {string} _ @param {string | null} before @param {string | null} now */
  attributeChangedCallback(_, before, now) {
    if (before === null && !this.#el) this.#parsedFor = now;
    else this.#seeded = true;
    this.#soon();
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
    if (this.#view && id === this.#id) return void this.#view.dress();
    this.#observer.disconnect();
    this.#view?.remove();
    this.#view = undefined;
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
    this.#view = session.widget.mount(el, this, () => {
      this.shadowRoot?.querySelector("slot")?.remove();
      el.replaceChildren();
    });
    el.setAttribute(MARK, "");
    this.#observer.observe(this, { childList: true, attributeFilter: ["data-connection"] });
    this.#observer.observe(el, { attributeFilter: [MARK] });
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
    if (!el.isConnected) this.#place();
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

/** Has the parser passed the end tag? Then something follows it, or the document is complete. @param {Node | null} node */
function isClosed(node) {
  if (document.readyState !== "loading") return true;
  while (node && !node.nextSibling) node = node.parentNode;
  return node;
}

customElements.get("any-widget") ?? customElements.define("any-widget", AnyWidget);
