/** Serves published widgets as their authors ship them: nothing in their files is changed. */
import { serve, visitor } from "./index.js";
import { Unreachable, wheel, widgetFiles } from "./wheel.js";

/**
 * @import { Page } from "playwright-core"
 * @import { TestContext } from "node:test"
 * @typedef {{ esm?: string, css?: string, files?: Record<string, string>, state: object }} Part
 *   a widget of a wheel: paths in the wheel (`files` are more of them, by the name beside the module), and its state
 * @typedef {Part & { name: string, version: string, more?: Record<string, Part> }} Published
 *   a wheel and the widget that is served under its name; `more` are served with it, by model id
 */

/**
 * Serves a published widget under its name; the test is skipped, and says why, where pip cannot fetch it.
 * @param {TestContext} t @param {Published} published
 */
export async function servePublished(t, { name, version, more, ...main }) {
  let folder;
  try {
    folder = await wheel(name, version);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    console.error(`SKIPPED ${t.name}: ${error.message}`);
    t.skip(error.message);
    return null;
  }
  /** @type {Record<string, any>} */
  const served = {};
  for (const [id, { state, ...paths }] of Object.entries({ [name]: main, ...more })) {
    served[`${id}/widget.json`] = { state };
    for (const [file, content] of Object.entries(await widgetFiles(folder, paths))) served[`${id}/${file}`] = content;
  }
  return serve(served);
}

/** What `--csp` sends with a page: tried on a published widget it tells what that one needs beyond (see `refusals`). */
export const STRICT = "default-src 'self'; img-src 'self' data:";

/** Ends every request that is not for the host, and gives those there were. @param {import("./site.js").Site} host */
export async function blockNetwork(host) {
  /** @type {string[]} */
  const asked = [];
  await (await visitor()).route((url) => url.origin !== host.url, (route) => (asked.push(route.request().url()), route.abort()));
  return asked;
}

/** Removes an element, for what its cleanup leaves of `selector` in what was its `el`. @param {Page} page @param {string} selector */
export const unmount = (page, selector) =>
  page.evaluate((selector) => {
    const element = /** @type {Element} */ (document.querySelector("any-widget"));
    const root = element.shadowRoot ?? element;
    if (!root.querySelector(selector)) throw new Error(`there is no ${selector} to go`);
    element.remove();
    window.left = () => root.querySelectorAll(selector).length;
  }, selector);
