/** drawdata 0.5.2: D3 and SVG, a list that is mutated in place. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, open, refusals, settle } from "../support/index.js";
import { picture } from "../support/picture.js";
import { blockNetwork, servePublished, STRICT, unmount } from "../support/published.js";
import { valve } from "../support/valve.js";

/**
 * @import { Page } from "playwright-core"
 * @import { Published } from "../support/published.js"
 */

/** @type {Published} */
const DRAWDATA = {
  name: "drawdata", version: "0.5.2", esm: "drawdata/static/scatter_widget.js", css: "drawdata/static/scatter_widget.css",
  state: { data: [], brushsize: 40, width: 800, height: 400, n_classes: 4 },
};
const DRAWN = "circle.drawn";
/** Chromium's word for what the widget itself writes into its plot. */
const OWN_ERROR = /<svg> attribute height: Expected length, "auto"/;

/** Drags with 8 moves from (30%,30%) to (50%,60%) of the plot. @param {Page} page @param {number} [right] begins so much further, in parts of the width */
async function stroke(page, right = 0) {
  const box = await page.locator("svg.dd-scatter-svg").first().boundingBox();
  assert.ok(box);
  const at = (x, y) => /** @type {const} */ ([box.x + x * box.width, box.y + y * box.height]);
  await page.mouse.move(...at(0.3 + right, 0.3));
  await page.mouse.down();
  for (let i = 1; i <= 8; i++) await page.mouse.move(...at(0.3 + right + (0.2 * i) / 8, 0.3 + (0.3 * i) / 8));
  await page.mouse.up();
}

for (const shadow of [false, true]) {
  test(`D1: drawdata 0.5.2 in ${shadow ? "a shadow root" : "light DOM"}`, async (t) => {
    const host = await servePublished(t, DRAWDATA);
    if (!host) return;
    const abroad = await blockNetwork(host);
    const other = await open(host, await host.view("drawdata", { shadow }), { allow: [OWN_ERROR] });
    await other.setViewportSize({ width: 820, height: 600 });
    const wire = await valve(); // on the sockets of the page that draws
    const page = await open(host, (await host.view("drawdata", { shadow })).repeat(2), { allow: [OWN_ERROR], trial: STRICT });
    await other.locator("svg.dd-scatter-svg").waitFor();
    await page.locator("svg.dd-scatter-svg").nth(1).waitFor();
    const client = await connect(host, "drawdata");
    const drawn = (/** @type {Page} */ page, nth = 0) => page.locator("any-widget").nth(nth).locator(DRAWN).count();

    const lineHeight = page.locator(".dd-scatter-container").first().evaluate((element) => getComputedStyle(element).lineHeight);
    assert.equal(await lineHeight, "20px", "the stylesheet applies where the widget is");

    // The first stroke reaches the server, the second view and another page.
    await stroke(page);
    await eventually(async () => assert.equal((await host.state("drawdata")).data.length, 8));
    await eventually(async () => assert.equal(await drawn(page), 8));
    await eventually(async () => assert.equal(await drawn(page, 1), 8));
    await eventually(async () => assert.equal(await drawn(other), 8));
    const saves = wire.sent("set").filter(({ state }) => "data" in state);
    assert.equal(saves.length, 1, "one save");
    assert.equal(saves[0].state.data.length, 8);
    for (const point of (await host.state("drawdata")).data) {
      assert.deepEqual(Object.keys(point).sort(), ["batch", "color", "label", "x", "y"]);
      assert.equal(typeof point.x, "number");
      assert.equal(typeof point.y, "number");
    }

    // A second stroke, from the other page and of another class: the same list, mutated and set again.
    await other.bringToFront(); // Chromium takes its time with a mouse in a page behind another
    await other.getByRole("button", { name: "Select class b" }).click();
    await stroke(other, 0.3);
    await eventually(async () => assert.equal((await host.state("drawdata")).data.length, 16));
    await eventually(async () => assert.equal(await drawn(page, 1), 16));
    assert.deepEqual((await host.state("drawdata")).data.map(({ label }) => label), [..."aaaaaaaabbbbbbbb"]);

    await picture(other, "drawdata", { of: ".dd-scatter-container", margin: 0 });

    // A push of one point leaves exactly this one.
    const [point] = (await host.state("drawdata")).data;
    await client.set({ data: [point] });
    for (const nth of [0, 1]) await eventually(async () => assert.equal(await drawn(page, nth), 1));
    await eventually(async () => assert.equal(await drawn(other), 1));

    await unmount(page, ".dd-scatter-container");
    await page.waitForFunction(() => window.left() === 0);
    assert.equal(await drawn(page), 1, "the second view stays");
    await settle(page);
    assert.deepEqual(await refusals(page), [], "it runs under a strict Content-Security-Policy");
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });
}
