/** Serves published widgets as their authors ship them: nothing in their files is changed. */
import { serve, visitor } from "./index.js";
import { Unreachable, wheel, widgetFiles } from "./wheel.js";

/**
 * @import { Page } from "playwright-core"
 * @import { TestContext } from "node:test"
 * @typedef {{ name: string, version: string, esm: string, css: string, state: object }} Published
 */

/**
 * Serves a published widget under its name; the test is skipped, and says why, where pip cannot fetch it.
 * @param {TestContext} t @param {Published} published
 */
export async function servePublished(t, { name, version, esm, css, state }) {
  let folder;
  try {
    folder = await wheel(name, version);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    console.error(`SKIPPED ${t.name}: ${error.message}`);
    t.skip(error.message);
    return null;
  }
  const files = await widgetFiles(folder, esm, css);
  const named = Object.entries(files).map(([file, content]) => [`${name}/${file}`, content]);
  return serve({ ...Object.fromEntries(named), [`${name}/widget.json`]: { state } });
}

/** Ends every request that is not for the host, and gives those there were. @param {import("./host.js").Host} host */
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
