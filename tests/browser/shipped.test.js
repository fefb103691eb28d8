/**
 * The widgets that ship with the binary, in the gallery and alone, by mouse and by keyboard.
 * With PICTURES=1 in the environment the last test writes the pictures of the documentation.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, open, serve, settle } from "./support/index.js";
import { keep } from "./support/picture.js";

/** @import { Locator, Page } from "playwright-core" */

/** Where each widget is: the page, and in it the widget. @type {[string, (name: string) => string, (page: Page, name: string) => Locator][]} */
const PLACES = [
  ["in the gallery", () => "/", (page, name) => page.locator(`#widget-${name} any-widget`)],
  ["alone", (name) => `/w/${name}`, (page) => page.locator("any-widget")],
];

/** Middle of an element, for the mouse. @param {Locator} locator */
async function middle(locator) {
  await locator.scrollIntoViewIfNeeded();
  const box = await locator.boundingBox();
  assert.ok(box, "it is visible");
  return { x: box.x + box.width / 2, y: box.y + box.height / 2, box };
}

/** @param {Page} page @param {{ x: number, y: number }} from @param {{ x: number, y: number }} to */
async function drag(page, from, to) {
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 10 });
  await page.mouse.up();
}

/** Waits until the host has this. @param {import("./support/host.js").Host} host @param {string} id @param {object} expected */
const holds = (host, id, expected) =>
  eventually(async () => {
    const state = await host.state(id);
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, state[key]])), expected);
  });

/** @param {Locator} counter @param {string} expected */
const counts = (counter, expected) => eventually(async () => assert.equal(await counter.locator("output").innerText(), expected));

for (const [where, path, find] of PLACES) {
  test(`counter ${where}: click, keyboard, two tabs in step`, async () => {
    const host = await serve(null);
    const page = await open(host, path("counter"));
    const other = await open(host, "/w/counter");
    await page.bringToFront();
    const counter = find(page, "counter");
    await counts(counter, "0");
    await counter.getByRole("button", { name: "Increase" }).click({ clickCount: 3 });
    await counts(counter, "3");
    await counter.getByRole("button", { name: "Decrease" }).click();
    await counts(counter, "2");
    await holds(host, "counter", { count: 2 });
    await counts(other.locator("any-widget"), "2");
    await counter.getByRole("button", { name: "Decrease" }).focus();
    await page.keyboard.press("ArrowUp");
    await counts(counter, "3");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await counts(counter, "1");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Increase");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Space");
    await counts(counter, "3");
    await counts(other.locator("any-widget"), "3");
    await other.bringToFront();
    await other.getByRole("button", { name: "Increase" }).click();
    await counts(counter, "4");
    await holds(host, "counter", { count: 4 });
  });

  test(`slider ${where}: drag, keyboard, thumbs that do not cross, two tabs in step`, async () => {
    const host = await serve(null);
    const page = await open(host, path("slider"));
    const other = await open(host, "/w/slider");
    const slider = find(page, "slider");
    const [low, high] = [slider.getByRole("slider", { name: "Low" }), slider.getByRole("slider", { name: "High" })];
    const shows = (/** @type {Locator} */ thumb, /** @type {number} */ value) => eventually(async () => assert.equal(await thumb.getAttribute("aria-valuenow"), String(value)));
    await page.bringToFront();
    await shows(low, 20);
    await shows(high, 80);

    // From 20 to 80 is 60 steps, so half the way is 30 of them.
    const [from, to] = [await middle(low), await middle(high)];
    await drag(page, from, { x: (from.x + to.x) / 2, y: from.y });
    await shows(low, 50);
    await holds(host, "slider", { low: 50, high: 80 });
    await shows(other.getByRole("slider", { name: "Low" }), 50);
    await drag(page, await middle(low), { x: to.x + 1_000, y: to.y });
    await holds(host, "slider", { low: 80, high: 80 });
    await shows(low, 80);

    await low.focus();
    for (const [key, value] of /** @type {[string, number][]} */ ([["Home", 0], ["ArrowRight", 1], ["ArrowUp", 2], ["PageUp", 12], ["ArrowLeft", 11], ["ArrowDown", 10], ["PageDown", 0], ["End", 80]])) {
      await page.keyboard.press(key);
      await shows(low, value);
    }
    await page.keyboard.press("ArrowRight");
    await high.focus();
    await page.keyboard.press("End");
    await shows(high, 100);
    await shows(low, 80);
    await page.keyboard.press("Home");
    await shows(high, 80);
    await holds(host, "slider", { low: 80, high: 80 });
    await shows(other.getByRole("slider", { name: "High" }), 80);

    const client = await connect(host, "slider");
    await client.set({ low: 5, high: 6 });
    await shows(low, 5);
    await shows(other.getByRole("slider", { name: "High" }), 6);
  });

  test(`tabs ${where}: click, keyboard, children at work, two tabs in step`, async () => {
    const host = await serve(null);
    const page = await open(host, path("tabs"));
    const other = await open(host, "/w/tabs");
    await page.bringToFront();
    const tabs = find(page, "tabs");
    const selected = (/** @type {Locator} */ tabs, /** @type {string} */ name) =>
      eventually(async () => {
        assert.deepEqual(await tabs.locator("[role=tab][aria-selected=true]").allInnerTexts(), [name]);
        assert.equal(await tabs.locator("[role=tabpanel]:visible").count(), 1);
      });
    await selected(tabs, "Counter");
    const panel = tabs.locator("[role=tabpanel]:visible");
    await counts(panel, "0");
    await panel.getByRole("button", { name: "Increase" }).click();
    await counts(panel, "1");
    await holds(host, "counter", { count: 1 });
    await counts(other.locator("[role=tabpanel]:visible"), "1");

    await tabs.getByRole("tab", { name: "Range" }).click();
    await selected(tabs, "Range");
    await panel.getByRole("slider", { name: "Low" }).focus();
    await page.keyboard.press("ArrowRight");
    await holds(host, "slider", { low: 21 });
    await holds(host, "tabs", { active: 1 });
    await selected(other.locator("any-widget"), "Range");

    await tabs.getByRole("tab", { name: "Range" }).focus();
    await page.keyboard.press("ArrowRight");
    await selected(tabs, "Sketch");
    await panel.getByRole("application").waitFor();
    await page.keyboard.press("ArrowRight");
    await selected(tabs, "Counter");
    await page.keyboard.press("ArrowLeft");
    await selected(tabs, "Sketch");
    await page.keyboard.press("Home");
    await selected(tabs, "Counter");
    await counts(panel, "1");
    await page.keyboard.press("End");
    await selected(tabs, "Sketch");
    await selected(other.locator("any-widget"), "Sketch");
    await holds(host, "tabs", { active: 2 });
    assert.equal(await page.locator("[role=alert]").count(), 0);
  });

  test(`sketch ${where}: a drawn line is bytes on the server and pixels in every view; undo and clear`, async () => {
    const host = await serve(null);
    const page = await open(host, path("sketch"));
    const other = await open(host, "/w/sketch");
    const sketch = find(page, "sketch");
    const far = other.locator("any-widget");
    await page.bringToFront();
    await eventually(async () => assert.equal(await inked(sketch), 0));
    assert.equal((await bytesOf(host)).length, 0);

    const { x, y, box } = await middle(sketch.getByRole("application"));
    await drag(page, { x: x - box.width / 4, y }, { x: x + box.width / 4, y: y + box.height / 4 });
    await eventually(async () => assert.ok((await bytesOf(host)).length > 8));
    const first = await bytesOf(host);
    await eventually(async () => assert.ok((await inked(sketch)) > 50));
    await other.bringToFront();
    await eventually(async () => assert.ok((await inked(far)) > 50));

    await page.bringToFront();
    await drag(page, { x: x - box.width / 4, y: y + 20 }, { x, y: y - box.height / 4 });
    await eventually(async () => assert.ok((await bytesOf(host)).length > first.length));
    assert.deepEqual((await bytesOf(host)).subarray(0, first.length), first, "the first line stays as it is");

    await sketch.getByRole("button", { name: "Undo" }).click();
    await eventually(async () => assert.deepEqual(await bytesOf(host), first));
    await sketch.getByRole("button", { name: "Clear" }).click();
    await eventually(async () => assert.equal((await bytesOf(host)).length, 0));
    await eventually(async () => assert.equal(await inked(sketch), 0));
    await other.bringToFront();
    await eventually(async () => assert.equal(await inked(far), 0));

    // The bytes are the drawing: pushed to the server they are drawn again.
    const client = await connect(host, "sketch");
    await client.set({ strokes: first });
    await eventually(async () => assert.ok((await inked(far)) > 50));
  });
}

test("sketch by keyboard: arrows move the pen, Space puts it down and lifts it", async () => {
  const host = await serve(null);
  const page = await open(host, "/w/sketch");
  await page.getByRole("application").focus();
  await page.keyboard.press("ArrowRight");
  assert.equal((await bytesOf(host)).length, 0);
  await page.keyboard.press("Space");
  for (let i = 0; i < 5; i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await eventually(async () => assert.ok((await bytesOf(host)).length > 8));
  await eventually(async () => assert.ok((await inked(page.locator("any-widget"))) > 20));
});

/** The drawing on the server. @param {import("./support/host.js").Host} host */
const bytesOf = async (host) => Buffer.from((await host.state("sketch")).strokes.$bytes, "base64");

/** How many pixels of a pad are drawn on, whatever canvases it is made of. @param {Locator} widget */
const inked = (widget) =>
  widget.locator("canvas").evaluateAll((canvases) => {
    if (!canvases.length) throw new Error("there is no canvas");
    let count = 0;
    for (const canvas of /** @type {HTMLCanvasElement[]} */ (canvases)) {
      const { data } = /** @type {ImageData} */ (canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height));
      for (let i = 3; i < data.length; i += 4) if (data[i] > 128) count++;
    }
    return count;
  });

/** How many colours a picture has, and how much of it is in the most frequent one. @param {Page} page @param {Buffer} picture */
const coloursOf = (page, picture) =>
  page.evaluate(async (base64) => {
    const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${base64}`)).blob());
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
    if (!context) throw new Error("no canvas");
    context.drawImage(bitmap, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
    /** @type {Map<number, number>} */
    const counts = new Map();
    for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
    const [[first, most]] = [...counts].sort(([, a], [, b]) => b - a);
    const brightness = ((first & 255) + ((first >> 8) & 255) + ((first >> 16) & 255)) / 3 / 255;
    return { width: bitmap.width, colours: counts.size, most: most / pixels.length, brightness };
  }, picture.toString("base64"));

/** A sun over waves: circles and lines in parts of the pad. @type {[number, number][][]} */
const DRAWING = [
  Array.from({ length: 33 }, (_, i) => [0.72 + 0.09 * Math.cos((i * Math.PI) / 16), 0.32 + 0.15 * Math.sin((i * Math.PI) / 16)]),
  ...[0, 1, 2].map((row) => Array.from({ length: 41 }, (_, i) => /** @type {[number, number]} */ ([0.1 + 0.02 * i, 0.65 + 0.1 * row + 0.035 * Math.sin(i / 2.2 + row)]))),
];

test("the gallery is lively, in light and in dark", async () => {
  const host = await serve(null);
  const client = await connect(host, "counter");
  await client.set({ count: 7 });
  const slider = await connect(host, "slider");
  await slider.set({ low: 32, high: 68 });
  const page = await open(host, "/");
  await page.setViewportSize({ width: 1280, height: 900 });
  await counts(page.locator("#widget-counter any-widget"), "7");

  const sketch = page.locator("#widget-sketch any-widget");
  for (const [i, line] of DRAWING.entries()) {
    await sketch.getByRole("radio").nth(i === 0 ? 2 : 4).check({ force: true });
    const { box } = await middle(sketch.getByRole("application"));
    const at = (/** @type {[number, number]} */ [x, y]) => /** @type {const} */ ([box.x + x * box.width, box.y + y * box.height]);
    await page.mouse.move(...at(line[0]));
    await page.mouse.down();
    for (const point of line.slice(1)) await page.mouse.move(...at(point));
    await page.mouse.up();
  }
  await eventually(async () => assert.ok((await bytesOf(host)).length > 100));
  await eventually(async () => assert.match(await page.locator('#widget-sketch [data-key="strokes"]').innerText(), /bytes · [^0]/));
  await page.mouse.move(0, 0);
  await page.evaluate(() => {
    /** @type {HTMLElement | null} */ (document.activeElement)?.blur();
    scrollTo(0, 0);
  });

  for (const [scheme, name] of /** @type {const} */ ([["light", "gallery"], ["dark", "gallery-dark"]])) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await settle(page);
    const end = await page.locator("#widget-sketch").evaluate((card) => card.getBoundingClientRect().bottom + scrollY);
    const clip = { x: 0, y: 0, width: 1280, height: Math.ceil(end) + 24 };
    const picture = await page.screenshot({ fullPage: true, clip, animations: "disabled", scale: "css" });
    const { width, colours, most, brightness } = await coloursOf(page, picture);
    assert.equal(width, 1280);
    assert.ok(colours > 50, `${colours} colours`);
    assert.ok(most < 0.98, `${most} of it is one colour`);
    assert.ok(scheme === "light" ? brightness > 0.8 : brightness < 0.3, `the ground has the brightness ${brightness}`);
    await keep(name, picture);
  }
});
