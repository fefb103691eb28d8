/**
 * Stylesheets around views: the widgets' own, one per root and URL however many views use it, and the runtime's.
 */

/** A stylesheet slower than this does not hold up the first render (ms). */
const PATIENCE = 2_000;
/** One that nobody uses stays so long (ms): the next view of a swap may want it. */
const GRACE = 1_000;

/** The runtime's, constructed, so that a strict Content-Security-Policy lets it pass. */
const own = new CSSStyleSheet();
own.replaceSync(`:where(any-widget:not([hidden])) { display: block }
:where(any-widget:disabled) { opacity: .6 }
:where(any-widget[aria-invalid=true]) { outline: 2px solid light-dark(#c4372c, #ff8a80); outline-offset: 2px; border-radius: 4px }
/* Gone before anybody reads it, a short cut is none; a page's own styles come first. */
:where(any-widget:is([data-connection=offline], [data-connection=connecting]):not(:has(.any-widget-error)))::before {
  content: "reconnecting…"; content: "reconnecting…" / "offline, reconnecting: changes are kept meanwhile";
  float: inline-end; position: relative; z-index: 1; margin: 2px 2px -20px; padding: 0 8px; border: 1px solid transparent; border-radius: 9px;
  box-sizing: border-box; max-width: calc(100% - 4px); overflow: hidden; white-space: nowrap; text-overflow: ellipsis;
  font: 11px/16px system-ui; color: #fff; background: #555d; pointer-events: none; animation: any-widget .3s 1s both;
}
:where(any-widget[data-connection=connecting]:not(:has(.any-widget-error)))::before { content: "connecting…"; animation-delay: 2s }
:host(any-widget):has(.any-widget-error)::before { content: none !important }
any-widget[data-progress]::after {
  content: ""; display: block; position: sticky; bottom: 0; height: 3px; margin-top: -3px; border-radius: 2px;
  width: calc(var(--any-widget-progress) * 100%); background: light-dark(#3b6fd8, #7fa6ff); transition: width .1s; animation: any-widget .3s .3s both;
}
@keyframes any-widget { from { opacity: 0 } }
@media (prefers-reduced-motion) { any-widget::before, any-widget::after { animation-duration: 1ms !important; transition: none !important } }
.any-widget-error {
  margin: 0; padding: 10px 14px; border: 1px solid #d88b; border-left-width: 4px; border-radius: 6px; font: 13px/1.6 system-ui;
  white-space: pre-wrap; overflow-wrap: anywhere; user-select: text;
  color: light-dark(#58201c, #f4cfcb); background: light-dark(#fdf5f4, #2b1c1b);
}
.any-widget-error::first-line { font-weight: 600 }`);

/** @typedef {Document | ShadowRoot} Root */
/** @typedef {{ root: Root, url: string, users: number, remove(): void, ready: Promise<unknown> }} Sheet */
/** @typedef {{ text: string, sheet: CSSStyleSheet | undefined }} Fetched */

/** @type {Set<Sheet>} */
const sheets = new Set();
/** @type {Map<string, Promise<Fetched>>} */
const fetched = new Map();

/** The root whose styles apply to an element; a pop-up has a document of its own. @param {Element} el @returns {Root} */
export function rootOf(el) {
  const root = el.getRootNode();
  return root instanceof ShadowRoot ? root : el.ownerDocument;
}

/** A stylesheet's text, downloaded once. @param {string} url */
export const textOf = async (url) => (await download(url)).text;

/** Puts a stylesheet into a root, until it is released as often as it was attached. @param {Root} root @param {string} url */
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
        sheets.delete(sheet);
        sheet.remove();
      }, wait),
  };
}

/** @param {Root} root @param {string} url @returns {Sheet} */
function insert(root, url) {
  /** @type {Sheet} */
  const sheet = { root, url, users: 0, remove() {}, ready: Promise.resolve() };
  sheets.add(sheet);
  const applied = download(url).then(
    ({ sheet: made }) => (made && (root === document || root.ownerDocument === document) ? adoptInto(sheet, made) : link(sheet)),
    () => link(sheet), // another site's, perhaps, which only a link may load
  );
  const late = new Promise((_, reject) => setTimeout(reject, PATIENCE, "is slow; rendering without it"));
  sheet.ready = Promise.race([applied, late]).catch((why) => console.warn(`[anywidget] stylesheet ${url} ${why}`));
  return sheet;
}

/** @param {Sheet} sheet @param {CSSStyleSheet} made */
function adoptInto(sheet, made) {
  if (!sheets.has(sheet)) return;
  sheet.root.adoptedStyleSheets.push(made);
  sheet.remove = () => {
    const { root } = sheet;
    root.adoptedStyleSheets = root.adoptedStyleSheets.filter((one) => one !== made);
  };
}

/** @param {Sheet} sheet @returns {Promise<unknown>} */
function link(sheet) {
  const { root, url } = sheet;
  if (!sheets.has(sheet)) return Promise.resolve();
  const link = document.createElement("link");
  sheet.remove = () => link.remove();
  return new Promise((resolve, reject) => {
    link.onload = resolve;
    link.onerror = () => reject("cannot be loaded");
    link.rel = "stylesheet";
    link.href = url;
    ("head" in root ? root.head : root).append(link);
  });
}

/** One download is the text and the sheet. A sheet that imports others takes a link. @param {string} url */
function download(url) {
  const known = fetched.get(url);
  if (known) return known;
  const download = fetch(url).then(async (response) => {
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const text = await response.text();
    const sheet = /@import/i.test(text) ? undefined : new CSSStyleSheet({ baseURL: url });
    return { text, sheet: await sheet?.replace(text) };
  });
  fetched.set(url, download);
  // Kept while it is in use; the browser has it a while longer.
  download.catch(() => {}).finally(() => setTimeout(() => fetched.delete(url), 2 * GRACE));
  return download;
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
