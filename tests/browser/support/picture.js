/** Pictures for the documentation, taken by the tests that bring a page into a state worth showing, when PICTURES=1 is in the environment. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

/** @import { Locator, Page } from "playwright-core" */

/** Whether pictures are wanted. Pages then have two device pixels for one of CSS, from their start, so that canvases are sharp. */
export const PICTURES = process.env.PICTURES === "1";

const FOLDER = fileURLToPath(new URL("../../../docs/pictures/", import.meta.url));
/** Of one picture, in bytes: a reader loads them all. */
const LIMIT = 320_000;

/**
 * Writes `docs/pictures/NAME.png`: what is on the page in the rectangle of an element and a margin around it.
 * @param {Page} page @param {string} name
 * @param {{ of?: string | Locator, margin?: number }} [options] `of` is the first view unless given (a selector finds the first
 * match, in shadow roots too); `margin` in CSS pixels
 */
export async function picture(page, name, { of = "any-widget", margin = 8 } = {}) {
  if (!PICTURES) return;
  const element = typeof of === "string" ? page.locator(of).first() : of;
  await page.bringToFront();
  await element.scrollIntoViewIfNeeded();
  const box = await element.boundingBox();
  assert.ok(box, `${name}: the element is not visible`);
  const { x: left, y: top } = await page.evaluate(() => ({ x: scrollX, y: scrollY }));
  const [x, y] = [Math.max(0, box.x + left - margin), Math.max(0, box.y + top - margin)];
  const clip = { x, y, width: box.x + left + box.width + margin - x, height: box.y + top + box.height + margin - y };
  await keep(name, await page.screenshot({ fullPage: true, clip, animations: "disabled" }));
}

/** Writes a picture that a test has taken for its own purposes, if pictures are wanted. @param {string} name @param {Buffer} png */
export async function keep(name, png) {
  if (!PICTURES) return;
  assert.ok(png.length < LIMIT, `${name}.png has ${png.length} bytes`);
  await mkdir(FOLDER, { recursive: true });
  await writeFile(`${FOLDER}${name}.png`, png);
}
