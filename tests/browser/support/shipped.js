/** One of the widgets that ship with the binary, served from its folder, with what a test wants in its state. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.js";
import { serve } from "./host.js";

export { STRICT } from "./published.js";

/** @import { Locator, Page } from "playwright-core" */

const WIDGETS = fileURLToPath(new URL("../../../widgets/", import.meta.url));

/** @param {string} name @param {object} [state] in place of keys of the example state @param {string[]} [args] of the binary */
export async function serveShipped(name, state = {}, args = []) {
  /** @type {Record<string, string | object>} */
  const files = {};
  for (const file of await readdir(WIDGETS + name)) files[`${name}/${file}`] = await readFile(`${WIDGETS}${name}/${file}`, "utf8");
  const shipped = JSON.parse(String(files[`${name}/widget.json`]));
  files[`${name}/widget.json`] = { ...shipped, state: { ...shipped.state, ...state } };
  return serve(files, args);
}

/** Waits until the host has this. @param {import("./host.js").Host} host @param {string} id @param {object} expected */
export const holds = (host, id, expected) =>
  eventually(async () => {
    const state = await host.state(id);
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, state[key]])), expected);
  });

/** Waits until an element has this text. @param {Locator} locator @param {string} expected */
export const reads = (locator, expected) => eventually(async () => assert.equal(await locator.textContent(), expected));

/** Waits until an element has this attribute; null when it has none. @param {Locator} locator @param {string} name @param {string | null} expected */
export const has = (locator, name, expected) => eventually(async () => assert.equal(await locator.getAttribute(name), expected));

/** A computed style. @param {Locator} locator @param {string} property */
export const styleOf = (locator, property) => locator.evaluate((element, property) => getComputedStyle(element).getPropertyValue(property), property);

/** A phone's width: nothing is cut off at the side, and the page does not scroll there. @param {Page} page */
export async function fitsPhone(page) {
  await page.setViewportSize({ width: 320, height: 640 });
  await eventually(async () => {
    const wide = await page.evaluate(() => {
      const all = [...document.querySelectorAll("any-widget, any-widget *")];
      return [document.documentElement, ...all].filter((element) => element.scrollWidth > 320 || element.getBoundingClientRect().right > 320).map((element) => element.className);
    });
    assert.deepEqual(wide, []);
  });
}
