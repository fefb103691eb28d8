/**
 * Stylesheets around views: the widgets' own, one link per root and URL however many views use it, and the
 * runtime's.
 */

/** A stylesheet slower than this does not hold up the first render (ms). */
const PATIENCE = 2_000;
/** One that nobody uses stays so long (ms): the next view of a swap may want it. */
const GRACE = 1_000;

/** The runtime's, constructed, so that a strict Content-Security-Policy lets it pass. */
const own = new CSSStyleSheet();
own.replaceSync(`:where(any-widget:not([hidden])) { display: block }
any-widget[data-connection=offline]:not(:has(.any-widget-error))::before {
  content: "offline"; position: absolute; z-index: 1; margin: -9px 4px; padding: 0 8px; border-radius: 8px;
  font: 11px/16px system-ui; color: #fff; background: #555d; pointer-events: none; animation: any-widget .3s 1s both;
}
@keyframes any-widget { from { opacity: 0 } }
.any-widget-error {
  margin: 0; padding: 10px 14px; border: 1px solid #d88b; border-left-width: 4px; border-radius: 6px; font: 13px/1.6 system-ui;
  white-space: pre-wrap; overflow-wrap: anywhere; user-select: text;
  color: light-dark(#58201c, #f4cfcb); background: light-dark(#fdf5f4, #2b1c1b);
}
.any-widget-error::first-line { font-weight: 600 }`);

/** @type {Set<{ root: Node, url: string, link: HTMLLinkElement, users: number, ready: Promise<unknown> }>} */
const sheets = new Set();

/** Where the styles of an element belong: its shadow root, or the head of its document, which may be a pop-up's. @param {Element} el */
export function rootOf(el) {
  const root = el.getRootNode();
  return root instanceof ShadowRoot ? root : el.ownerDocument.head;
}

/** Puts a stylesheet into a root, until it is released as often as it was attached. @param {Node} root @param {string} url */
export function attach(root, url) {
  const sheet = [...sheets].find((one) => one.root === root && one.url === url) ?? insert(root, url);
  sheet.users++;
  return {
    root,
    url,
    /** It applies, or has kept us waiting long enough. */
    ready: sheet.ready,
    release: (wait = GRACE) =>
      setTimeout(() => {
        if (--sheet.users) return;
        sheet.link.remove();
        sheets.delete(sheet);
      }, wait),
  };
}

/** @param {Node} root @param {string} url */
function insert(root, url) {
  const link = document.createElement("link");
  const ready = new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => reject("cannot be loaded");
    setTimeout(reject, PATIENCE, "is slow; rendering without it");
  }).catch((why) => console.warn(`[anywidget] stylesheet ${url} ${why}`));
  link.rel = "stylesheet";
  link.href = url;
  root.appendChild(link);
  const sheet = { root, url, link, users: 0, ready };
  sheets.add(sheet);
  return sheet;
}

/** What stands where a view would be; its first line is a title. @param {Element} near @param {string} text */
export function errorCard(near, text) {
  adopt(near);
  return Object.assign(document.createElement("pre"), { className: "any-widget-error", role: "alert", textContent: text });
}

/** Makes the runtime's styles apply around an element. A constructed sheet serves its own document only. @param {Element} near */
export function adopt(near) {
  const { adoptedStyleSheets: adopted } = /** @type {Document} */ (near.getRootNode());
  if (near.ownerDocument === document && !adopted?.includes(own)) adopted?.push(own);
}
