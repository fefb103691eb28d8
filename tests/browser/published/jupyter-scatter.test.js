/** jupyter-scatter 1.0.1: points on a WebGL canvas, bytes nested in its state both ways. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect, eventually, open, refusals, settle, useWebGL } from "../support/index.js";
import { picture, PICTURES } from "../support/picture.js";
import { blockNetwork, servePublished, STRICT } from "../support/published.js";
import { valve } from "../support/valve.js";

/**
 * @import { Locator, Page } from "playwright-core"
 * @import { Published } from "../support/published.js"
 */

useWebGL();

const ID = "jupyter-scatter";
/** Rows of x, y and two values for colour and size. */
const ROWS = [[-0.5, -0.5, 0, 0], [0, 0, 0, 0], [0.5, 0.5, 0, 0], [0.5, -0.5, 0, 0], [-0.5, 0.5, 0, 0]];

/** For the picture: three arms, each point's value says how far along its arm it is. */
const GALAXY = Array.from({ length: 1500 }, (_, i) => {
  const noise = (/** @type {number} */ n) => ((43758.5453 * Math.abs(Math.sin(i * n))) % 1) - 0.5;
  const along = noise(12.9898) + 0.5;
  const angle = 4.5 * along + ((i % 3) * 2 * Math.PI) / 3;
  const width = 0.3 * (1.1 - along);
  return [0.85 * along * Math.cos(angle) + width * noise(78.233), 0.85 * along * Math.sin(angle) + width * noise(37.719), along, 0];
});
const HUES = Array.from({ length: 64 }, (_, i) => [0.95 - i / 90, 0.35 + i / 250, 0.25 + i / 100, 1]);

/** As the widget keeps an array. @param {"float32" | "uint32"} dtype @param {number[]} shape @param {Iterable<number>} numbers */
const array = (dtype, shape, numbers) => ({ dtype, shape, view: new Uint8Array((dtype === "float32" ? Float32Array : Uint32Array).from(numbers).buffer) });
/** @param {number[][]} rows */
const points = (rows) => array("float32", [rows.length, 4], rows.flat());
/** @param {number[]} which */
const selection = (which) => array("uint32", [which.length], which);
/** For a `widget.json`. @param {{ view: Uint8Array }} array */
const declared = (array) => ({ ...array, view: { $bytes: Buffer.from(array.view).toString("base64") } });

/** @type {Published} */
const SCATTER = {
  name: ID, version: "1.0.1", esm: "jscatter/bundle.js", css: "jscatter/bundle.css",
  state: {
    // What `jscatter.Scatter(data=df, x="x", y="y").widget` has in Python, all of it.
    ...JSON.parse(await readFile(new URL("jupyter-scatter.json", import.meta.url), "utf8")),
    points: declared(points(ROWS)), selection: declared(selection([])),
  },
};
/** Software draws slowly: few pixels, and time (ms). */
const SMALL = { width: 360, height: 640 };
const PATIENT = { timeout: 30_000 };

/** How many separate spots there are on the plot, by colour. @param {Locator} view */
const spots = (view) =>
  view.locator("canvas").evaluateAll((canvases) => {
    const canvas = /** @type {HTMLCanvasElement[]} */ (canvases).filter((canvas) => canvas.height > 100).find((canvas) => canvas.getContext("2d"));
    const image = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height);
    if (!image) throw new Error("there is no plot");
    const { data, width, height } = image;
    const GAP = 4;
    /** Neither clear nor white, and blue when it is selected. @param {number} i */
    const kind = (i) => {
      if (i < 0 || i >= width * height) return null;
      const [red, , blue, alpha] = data.subarray(4 * i, 4 * i + 4);
      return alpha < 100 || red > 200 ? null : blue > red + 60 ? "selected" : "plain";
    };
    const seen = new Set();
    const found = { plain: 0, selected: 0 };
    for (let start = 0; start < width * height; start++) {
      if (!kind(start) || seen.has(start)) continue;
      let blue = false;
      for (const wave = [start]; wave.length; ) {
        const i = /** @type {number} */ (wave.pop());
        blue ||= kind(i) === "selected";
        // A selected point has a ring around it, with a gap between.
        for (let dy = -GAP; dy <= GAP; dy++) {
          for (let j = i + dy * width - GAP; j <= i + dy * width + GAP; j++) {
            if (seen.has(j) || !kind(j)) continue;
            seen.add(j);
            wave.push(j);
          }
        }
      }
      found[blue ? "selected" : "plain"]++;
    }
    return found;
  });

for (const shadow of [false, true]) {
  test(`D6: jupyter-scatter 1.0.1 in ${shadow ? "a shadow root" : "light DOM"}`, async (t) => {
    const host = await servePublished(t, SCATTER);
    if (!host) return;
    const abroad = await blockNetwork(host);
    const wire = await valve();
    const view = await host.view(ID, { shadow });
    const page = await open(host, view + view, { trial: STRICT });
    await page.setViewportSize(SMALL);
    const client = await connect(host, ID);
    const views = await page.locator("any-widget").all();
    const [first] = views;
    for (const view of views) await eventually(async () => assert.equal(await view.locator("canvas").count(), 6), PATIENT);
    for (const view of views) await eventually(async () => assert.deepEqual(await spots(view), { plain: 5, selected: 0 }), PATIENT);
    /** The numbers of the selected points, as the host has them. */
    const selected = async () => {
      const { dtype, shape, view } = (await host.state(ID)).selection;
      const bytes = Buffer.from(view.$bytes, "base64");
      assert.deepEqual([dtype, shape, bytes.length], ["uint32", [bytes.length / 4], 4 * shape[0]]);
      return Array.from({ length: shape[0] }, (_, i) => bytes.readUInt32LE(4 * i)).sort();
    };

    await first.locator('button[title="Activate lasso selection"]').click();
    await eventually(async () => assert.equal((await host.state(ID)).mouse_mode, "lasso"), PATIENT);

    /** Draws around a rectangle of the plot. @param {number} left @param {number} top @param {number} right @param {number} bottom */
    async function lasso(left, top, right, bottom) {
      const box = await first.locator("canvas").first().boundingBox();
      assert.ok(box);
      const corners = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]].map(([x, y]) => [box.x + x * box.width, box.y + y * box.height]);
      await page.mouse.move(corners[0][0], corners[0][1]);
      await page.mouse.down();
      for (const [x, y] of corners.slice(1)) await page.mouse.move(x, y, { steps: 3 });
      await page.mouse.up();
    }
    await lasso(0.05, 0.05, 0.95, 0.95);
    await eventually(async () => assert.deepEqual(await selected(), [0, 1, 2, 3, 4]), PATIENT);
    const saved = (await client.frame("set", ({ state }) => state.selection?.shape[0] === 5)).state.selection;
    assert.deepEqual([saved.dtype, saved.view.length], ["uint32", 20]);
    for (const view of views) await eventually(async () => assert.deepEqual(await spots(view), { plain: 0, selected: 5 }), PATIENT);

    await lasso(0.55, 0.05, 0.95, 0.95);
    await eventually(async () => assert.deepEqual(await selected(), [2, 3]), PATIENT);
    for (const view of views) await eventually(async () => assert.deepEqual(await spots(view), { plain: 3, selected: 2 }), PATIENT);

    // Bytes the other way: another client selects, and then there are other points.
    await client.set({ selection: selection([1]) });
    for (const view of views) await eventually(async () => assert.deepEqual(await spots(view), { plain: 4, selected: 1 }), PATIENT);
    await client.set({ selection: selection([]), points: points(ROWS.slice(0, 3)) });
    for (const view of views) await eventually(async () => assert.deepEqual(await spots(view), { plain: 3, selected: 0 }), PATIENT);

    if (PICTURES && !shadow) {
      await page.setViewportSize({ width: 640, height: 640 });
      const look = { color_domain: [0, 1], color_histogram: Array(20).fill(1), color: HUES, color_by: "valueA", opacity_by: null, opacity: 0.8, size: 3, reticle: false };
      await client.set({ ...look, points: points(GALAXY) });
      await eventually(async () => assert.ok((await spots(first)).selected > 0, "blue ones, too"), PATIENT);
      await picture(page, ID, { of: first.locator("canvas").first().locator("xpath=ancestor::*[.//button][1]"), margin: 0 });
    }

    const { zoom_level: before } = await host.state(ID);
    const box = await first.locator("canvas").first().boundingBox();
    assert.ok(box);
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.wheel(0, -200);
    await eventually(async () => assert.notEqual((await host.state(ID)).zoom_level, before), PATIENT);

    await settle(page);
    assert.deepEqual(wire.got("ack").filter(({ refused }) => refused), []);
    assert.deepEqual(await refusals(page), ["script-src eval"], "beyond a strict policy it needs unsafe-eval");
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });
}
