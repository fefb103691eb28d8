/**
 * Where the user is inside a view: what has the focus, what was scrolled. Kept when the view's DOM is made anew. Loaded
 * when that happens.
 *
 * @typedef {{ tag: string, id: string, index: number, inShadow: boolean }} Step
 */

/** A widget whose DOM comes later than its `render` ends has so long (ms). */
const PATIENCE = 1_000;
/** Between two looks (ms). */
const STEP = 50;
/** By these a user moves on. */
const MOVES = ["keydown", "pointerdown", "wheel", "touchstart"];

/**
 * Notes where things are, and gives the function that goes there in what is in `el` by then.
 *
 * @param {HTMLElement} el @param {Element | undefined} focused @param {Map<Element, number[]>} scrolled how far to the left and down
 */
export function remember(el, focused, scrolled) {
  const focus = focused && pathOf(el, focused);
  const { selectionStart, selectionEnd } = /** @type {Partial<HTMLInputElement>} */ (focused ?? {});
  const places = Array.from(scrolled, ([node, offsets]) => ({ path: pathOf(el, node), offsets }));

  /** @param {Element | undefined} node */
  const enter = (node) => {
    if (!(node instanceof HTMLElement)) return false;
    node.focus({ preventScroll: true });
    const field = /** @type {HTMLInputElement} */ (node);
    // Other kinds of fields have none, and complain.
    if (typeof selectionStart === "number" && typeof field.selectionStart === "number") field.setSelectionRange(selectionStart, selectionEnd ?? null);
    return true;
  };
  /** @param {Element | undefined} node @param {number[]} offsets */
  const scroll = (node, [left = 0, top = 0]) => {
    node?.scrollTo({ left, top, behavior: "instant" });
    return node && Math.abs(node.scrollTop - top) < 2 && Math.abs(node.scrollLeft - left) < 2;
  };

  return async () => {
    const moved = new AbortController();
    const { signal } = moved;
    const { body } = el.ownerDocument;
    for (const type of MOVES) el.ownerDocument.addEventListener(type, () => moved.abort(), { signal, capture: true, passive: true });
    let left = places;
    let entered = !focus;
    for (let wait = 0; wait < PATIENCE && !signal.aborted; wait += STEP) {
      entered ||= (el.ownerDocument.activeElement ?? body) !== body || enter(find(el, focus ?? []));
      left = left.filter(({ path, offsets }) => !scroll(find(el, path), offsets));
      if (entered && !left.length) break;
      await new Promise((done) => setTimeout(done, STEP));
    }
    moved.abort();
  };
}

/** The way down to a node; the first step has no index when the node was taken out already. @param {Element} el @param {Element} node */
function pathOf(el, node) {
  /** @type {Step[]} */
  const path = [];
  /** @type {Node | null} */
  let at = node;
  while (at instanceof Element && at !== el) {
    /** @type {ParentNode & Node | null} */
    const parent = at.parentNode;
    /** @type {Element | undefined} */
    const host = parent instanceof ShadowRoot ? parent.host : undefined;
    path.unshift({ tag: at.localName, id: at.id, index: parent ? [...parent.children].indexOf(at) : -1, inShadow: !!host });
    at = host ?? parent;
  }
  return path;
}

/** @param {Element} el @param {Step[]} path @returns {Element | undefined} */
function find(el, path) {
  /** @type {Element | undefined} */
  let at = el;
  for (const { tag, id, index, inShadow } of path) {
    /** @type {ParentNode | null | undefined} */
    const parent = inShadow ? at?.shadowRoot : at;
    /** @type {Element[]} */
    const children = [...(parent?.children ?? [])];
    const fits = (/** @type {Element | undefined} */ child) => child?.localName === tag && child.id === id;
    at = fits(children[index]) ? children[index] : id || index < 0 ? children.find(fits) : undefined;
  }
  return at;
}
