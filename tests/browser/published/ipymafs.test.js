/** ipymafs 0.1.0, Line: React by a lone `render`, two points that are dragged with pointer events. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, insert, open, refusals, settle, warnings } from "../support/index.js";
import { picture } from "../support/picture.js";
import { blockNetwork, servePublished, STRICT, unmount } from "../support/published.js";
import { valve } from "../support/valve.js";

/**
 * @import { Locator, Page } from "playwright-core"
 * @import { Published } from "../support/published.js"
 */

/** @type {Published} */
const LINE = { name: "ipymafs", version: "0.1.0", esm: "ipymafs/line.js", css: "ipymafs/line.css", state: { my_vector: [1, 1] } };
/** The width of a unit of the plane, in CSS pixels: it shows 3 units in 500 px of height. */
const UNIT = 500 / 3;

/** Drags by this many pixels. @param {Page} page @param {Locator} point @param {number} dx @param {number} dy */
async function drag(page, point, dx, dy) {
  const box = await point.boundingBox();
  assert.ok(box);
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + dx, y + dy, { steps: 5 });
  await page.mouse.up();
}

for (const shadow of [false, true]) {
  test(`D3: ipymafs 0.1.0 Line in ${shadow ? "a shadow root" : "light DOM"}`, async (t) => {
    const host = await servePublished(t, LINE);
    if (!host) return;
    const abroad = await blockNetwork(host);
    const wire = await valve();
    const page = await open(host, await host.view("ipymafs", { shadow }), { trial: STRICT });
    await page.setViewportSize({ width: 860, height: 720 });
    /** The vector's point, and where its view shows it. @param {Page} page @param {number} [nth] view */
    const point = (page, nth = 0) => page.locator("any-widget").nth(nth).locator(".mafs-movable-point").first();
    const shows = (/** @type {Page} */ page, /** @type {number} */ nth, /** @type {[number, number]} */ [x, y]) =>
      eventually(async () => {
        const dot = point(page, nth).locator(".mafs-movable-point-point");
        for (const [name, expected] of /** @type {const} */ ([["cx", x * UNIT], ["cy", -y * UNIT]])) {
          const at = Number(await dot.getAttribute(name));
          assert.ok(Math.abs(at - expected) < 0.01, `${name} is ${at}, not ${expected}`);
        }
      });
    const vector = async () => (await host.state("ipymafs")).my_vector;

    await shows(page, 0, [1, 1]);
    assert.ok(warnings(page).some((text) => /"export function render" is deprecated/.test(text)), "L3: the old form is named");
    const ground = page.locator(".MafsView").evaluate((element) => getComputedStyle(element).backgroundColor);
    assert.equal(await ground, "rgb(0, 0, 0)", "the stylesheet applies where the widget is");

    // The only button adds 1 to both, by one save.
    assert.equal(await page.getByRole("button").count(), 1);
    assert.equal(await page.getByRole("button").innerText(), "Plus 1");
    await page.getByRole("button").click();
    await eventually(async () => assert.deepEqual(await vector(), [2, 2]));
    await shows(page, 0, [2, 2]);
    assert.deepEqual(wire.sent("set").map(({ state }) => state), [{ my_vector: [2, 2] }]);

    // A push brings the point back, a drag by (+40, -50) px leaves it between the integers.
    const client = await connect(host, "ipymafs");
    await client.set({ my_vector: [0.5, 0.5] });
    await shows(page, 0, [0.5, 0.5]);
    await drag(page, point(page), 40, -50);
    const [x, y] = [0.5 + 40 / UNIT, 0.5 + 50 / UNIT];
    await eventually(async () => {
      const [atX, atY] = await vector();
      assert.ok(Math.abs(atX - x) < 0.01 && Math.abs(atY - y) < 0.01, `it is at ${atX}, ${atY}`);
    });
    for (const { state } of wire.sent("set")) assert.deepEqual(Object.keys(state), ["my_vector"]);
    await picture(page, "ipymafs", { of: ".MafsView", margin: 0 });

    // A second view and another page start where it is now, and follow.
    await insert(page, await host.view("ipymafs", { shadow }));
    const other = await open(host, await host.view("ipymafs", { shadow }));
    await shows(page, 1, [x, y]);
    await shows(other, 0, [x, y]);
    await client.set({ my_vector: [0, 0] });
    for (const nth of [0, 1]) await shows(page, nth, [0, 0]);
    await shows(other, 0, [0, 0]);
    for (const view of await page.locator("any-widget").all()) assert.equal(await view.locator(".mafs-movable-point-point").first().getAttribute("cx"), "0");
    await page.bringToFront(); // Chromium takes its time with a mouse in a page behind another
    await page.getByRole("button").nth(1).click();
    for (const nth of [0, 1]) await shows(page, nth, [1, 1]);
    await shows(other, 0, [1, 1]);
    await eventually(async () => assert.deepEqual(await vector(), [1, 1]));

    // React takes away what it has drawn; the second view lives on.
    await unmount(page, ".MafsView");
    await page.waitForFunction(() => window.left() === 0);
    await page.getByRole("button").click();
    await shows(page, 0, [2, 2]);
    await shows(other, 0, [2, 2]);
    await settle(page);
    assert.deepEqual(await refusals(page), [], "it runs under a strict Content-Security-Policy");
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });
}
