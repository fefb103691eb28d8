/**
 * `<any-widget>`: keeps a view of a model where the page has put the element, whatever moves, morphs, clones
 * or swaps it.
 */
import { adopt, errorCard } from "./notice.js";
import { open } from "./session.js";

/** Lies on `el` while we render there. A morph that takes it away has been at the widget's DOM. */
const MARK = "data-any-widget";

/** Asks htmx 4 to leave `el` alone. */
const KEEP = "hx-morph-skip";

export class AnyWidget extends HTMLElement {
  static observedAttributes = ["model"];

  /** The model the element was parsed with; a seed is for no other. @type {string | null} */
  #parsed = null;
  #seedUsed = false;
  #due = false;
  /** @type {HTMLElement | undefined} */
  #el;
  /** @type {{ id: string, session: import("./session.js").Session, view: import("./widget.js").View } | undefined} */
  #mounted;
  #observer = new MutationObserver(() => this.#repair());

  connectedCallback() {
    this.#soon();
  }

  disconnectedCallback() {
    this.#soon();
  }

  /** With this, a `moveBefore` is no disconnection. */
  connectedMoveCallback() {
    this.#soon();
  }

  /** @param {string} _ @param {string | null} before @param {string | null} now */
  attributeChangedCallback(_, before, now) {
    if (before === null) this.#parsed ??= now;
    this.#soon();
  }

  /** A move disconnects and connects in one task, `hx-preserve` the other way round: only what is true in the end counts. */
  #soon() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.#update();
    });
  }

  #update() {
    const id = this.isConnected ? this.getAttribute("model") : null;
    if (this.#mounted && this.#mounted.id === id) return void this.#mounted.view.dress();
    this.#unmount();
    if (!this.isConnected || !whenParsed(this, () => this.#update())) return;
    adopt(this);
    if (id) this.#mount(id);
    else this.#place().replaceChildren(errorCard(this, "any-widget", 'the attribute "model" is missing'));
  }

  /** @param {string} id */
  #mount(id) {
    const seed = this.#seed(id);
    const session = open(id, { esm: this.getAttribute("esm"), css: this.getAttribute("css") }, seed);
    const el = this.#place();
    const view = session.widget.mount(el, this, () => {
      this.shadowRoot?.querySelector("slot")?.remove();
      el.replaceChildren();
    });
    this.#mounted = { id, session, view };
    el.setAttribute(MARK, "");
    el.setAttribute(KEEP, "");
    this.#observer.observe(this, { childList: true, attributeFilter: ["data-connection"] });
    this.#observer.observe(el, { attributeFilter: [MARK] });
  }

  #unmount() {
    this.#observer.disconnect();
    this.#mounted?.session.widget.remove(this.#mounted.view);
    this.#mounted = undefined;
  }

  /** The element that widgets render into, in its place. */
  #place() {
    const shadow = this.hasAttribute("shadow") || this.shadowRoot;
    const root = shadow ? (this.shadowRoot ?? this.attachShadow({ mode: "open" })) : this;
    for (const old of root.querySelectorAll(":scope > .any-widget-error")) old.remove();
    if (!shadow) this.#el ??= this.#div() ?? undefined;
    // What the server rendered shows through the slot until the first render.
    else if (!this.#el) root.append(document.createElement("slot"));
    const el = (this.#el ??= document.createElement("div"));
    if (!el.isConnected) {
      const other = shadow ? null : this.#div();
      if (other) other.replaceWith(el);
      else root.append(el);
    }
    return el;
  }

  /** @returns {HTMLElement | null} */
  #div() {
    return this.querySelector(":scope > div:not(.any-widget-error)");
  }

  /** Light children wiped by a morph come without any callback but the observer's. */
  #repair() {
    const view = this.#mounted?.view;
    const el = this.#el;
    if (!view || !el || !this.isConnected) return;
    view.mark();
    if (!el.isConnected) this.#place();
    if (el.hasAttribute(MARK)) return;
    el.setAttribute(MARK, "");
    el.setAttribute(KEEP, "");
    view.redraw();
  }

  /** The state that came with the element: for the model it was parsed with, once, and only if it is whole. @param {string} id */
  #seed(id) {
    const epoch = this.getAttribute("epoch");
    const rev = this.getAttribute("rev");
    const script = this.querySelector(':scope > script[type="application/json"]');
    if (this.#seedUsed || id !== this.#parsed || epoch === null || rev === null || !script) return null;
    this.#seedUsed = true;
    try {
      return { epoch, rev: Number(rev), state: JSON.parse(script.textContent ?? "") };
    } catch (error) {
      console.warn(`[anywidget] the seed of model "${id}" cannot be read:`, error);
      return null;
    }
  }
}

/**
 * Has the parser passed the element's end tag? If not, its children are still to come: `then` is called when they are there.
 *
 * @param {Element} element @param {() => void} then
 */
function whenParsed(element, then) {
  const { ownerDocument } = element;
  const passed = () => {
    if (ownerDocument.readyState !== "loading") return true;
    for (let node = /** @type {Node | null} */ (element); node; node = node.parentNode) if (node.nextSibling) return true;
    return false;
  };
  if (passed()) return true;
  const observer = new MutationObserver(() => check());
  const check = () => {
    if (!passed()) return;
    observer.disconnect();
    ownerDocument.removeEventListener("readystatechange", check);
    then();
  };
  observer.observe(ownerDocument, { childList: true, subtree: true });
  ownerDocument.addEventListener("readystatechange", check);
  return false;
}
