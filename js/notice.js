/**
 * What the runtime itself shows: an error where a view would be, and a hint that the host is away.
 *
 * The styles are constructed, so that a strict Content-Security-Policy lets them pass.
 */

const CSS = `
:where(any-widget:not([hidden])) { display: block }
any-widget[data-connection="offline"]::before {
  content: "offline"; position: absolute; z-index: 1; margin: 4px; padding: 0 8px; border-radius: 8px;
  font: 11px/16px system-ui, sans-serif; color: #fff; background: #555d; pointer-events: none;
  animation: any-widget-away .3s 1s both;
}
@keyframes any-widget-away { from { opacity: 0 } }
.any-widget-error {
  box-sizing: border-box; margin: 0; padding: 10px 14px; max-width: 60em; max-height: 20em; overflow: auto;
  border: 1px solid; border-left-width: 4px; border-radius: 6px; font: 13px/1.5 system-ui, sans-serif; text-align: start;
  color: #58201c; background: #fdf5f4; border-color: #d9958f; user-select: text;
  color: light-dark(#58201c, #f4cfcb); background: light-dark(#fdf5f4, #2b1c1b); border-color: light-dark(#d9958f, #8c4741);
}
.any-widget-error > b { display: block; font-weight: 600 }
.any-widget-error > pre {
  margin: 2px 0 0; font: 12px/1.5 ui-monospace, monospace; color: inherit; background: none; white-space: pre-wrap; overflow-wrap: anywhere;
}`;

/** A sheet serves only the document it was made for. @type {WeakMap<Document, CSSStyleSheet>} */
const sheets = new WeakMap();

/** Makes the runtime's styles apply around a node. @param {Node} node */
export function adopt(node) {
  const root = /** @type {Document | ShadowRoot} */ (node.getRootNode());
  const view = node.ownerDocument?.defaultView;
  if (!view || !root.adoptedStyleSheets) return;
  let sheet = sheets.get(view.document);
  if (!sheet) {
    sheet = /** @type {CSSStyleSheet} */ (new view.CSSStyleSheet());
    sheet.replaceSync(CSS);
    sheets.set(view.document, sheet);
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
}

/** @param {Element} near an element that the card will be shown in @param {string} title @param {string} message */
export function errorCard(near, title, message) {
  adopt(near);
  const { ownerDocument } = near;
  const card = ownerDocument.createElement("div");
  card.className = "any-widget-error";
  card.setAttribute("role", "alert");
  const heading = ownerDocument.createElement("b");
  const text = ownerDocument.createElement("pre");
  heading.textContent = title;
  text.textContent = message;
  card.append(heading, text);
  return card;
}
