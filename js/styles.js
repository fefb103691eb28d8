/**
 * Widgets' stylesheets in the roots that show them: one link per root and URL, however many views use it.
 */

/** A stylesheet slower than this (ms) does not hold up the first render. */
const PATIENCE = 2_000;

/** A stylesheet that nobody uses stays so long (ms): the next view of a swap may want it. */
const GRACE = 1_000;

/** @typedef {{ link: HTMLLinkElement, users: number, ready: Promise<void> }} Sheet */

/** @type {WeakMap<Node, Map<string, Sheet>>} */
const roots = new WeakMap();

/** Where a view's stylesheets belong: its shadow root, or the head of its document (which may be a pop-up's). @param {Element} el */
export function rootOf(el) {
  const root = el.getRootNode();
  return root instanceof ShadowRoot ? root : el.ownerDocument.head;
}

/**
 * Puts a stylesheet into a root until `release` is called as often as `attach` was.
 *
 * @param {Node} root @param {string} url
 * @returns {{ ready: Promise<void>, release: (wait?: number) => void }} `ready` when it applies, or has kept us waiting long enough
 */
export function attach(root, url) {
  const sheets = roots.get(root) ?? new Map();
  roots.set(root, sheets);
  /** @type {Sheet} */
  const sheet = sheets.get(url) ?? insert(root, url);
  sheets.set(url, sheet);
  sheet.users++;
  return {
    ready: sheet.ready,
    release(wait = GRACE) {
      sheet.users--;
      setTimeout(() => {
        if (sheet.users || sheets.get(url) !== sheet) return;
        sheet.link.remove();
        sheets.delete(url);
      }, wait);
    },
  };
}

/** The text behind `get("_css")`; one download with the link's, which the browser's cache remembers. @param {string} url */
export const textOf = (url) =>
  Promise.race([
    fetch(url).then((response) => (response.ok ? response.text() : undefined)),
    new Promise((done) => setTimeout(done, PATIENCE)),
  ]).catch(() => undefined);

/** @param {Node} root @param {string} url @returns {Sheet} */
function insert(root, url) {
  const link = /** @type {Document} */ (root.ownerDocument).createElement("link");
  const ready = new Promise((resolve) => {
    /** @param {string} [why] */
    const done = (why) => {
      clearTimeout(timer);
      if (why) console.warn(`[anywidget] stylesheet ${url} ${why}`);
      resolve(undefined);
    };
    const timer = setTimeout(() => done(`is not there after ${PATIENCE} ms; rendering without it`), PATIENCE);
    link.onload = () => done();
    link.onerror = () => done("cannot be loaded");
  });
  link.rel = "stylesheet";
  link.href = url;
  root.appendChild(link);
  return { link, users: 0, ready };
}
