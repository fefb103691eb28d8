/** Published widgets, as their authors ship them, driven in a browser: nothing in their files is changed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, open, serve, settle, visitor } from "./support/index.js";
import { valve } from "./support/valve.js";
import { Unreachable, wheel, widgetFiles } from "./support/wheel.js";

/**
 * @import { Page } from "playwright-core"
 * @import { TestContext } from "node:test"
 * @typedef {{ name: string, version: string, esm: string, css: string, state: object }} Published
 */

/**
 * Serves a published widget under its name; the test is skipped, and says why, where pip cannot fetch it.
 * @param {TestContext} t @param {Published} published
 */
async function servePublished(t, { name, version, esm, css, state }) {
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

/** Ends every request that is not for the host, and gives those there were. @param {import("./support/host.js").Host} host */
async function blockNetwork(host) {
  /** @type {string[]} */
  const asked = [];
  await (await visitor()).route((url) => url.origin !== host.url, (route) => (asked.push(route.request().url()), route.abort()));
  return asked;
}

/** Removes an element, for what its cleanup leaves of `selector` in what was its `el`. @param {Page} page @param {string} selector */
const unmount = (page, selector) =>
  page.evaluate((selector) => {
    const element = /** @type {Element} */ (document.querySelector("any-widget"));
    const root = element.shadowRoot ?? element;
    if (!root.querySelector(selector)) throw new Error(`there is no ${selector} to go`);
    element.remove();
    window.left = () => root.querySelectorAll(selector).length;
  }, selector);

/** @type {Published} */
const DRAWDATA = {
  name: "drawdata", version: "0.5.2", esm: "drawdata/static/scatter_widget.js", css: "drawdata/static/scatter_widget.css",
  state: { data: [], brushsize: 40, width: 800, height: 400, n_classes: 4 },
};
const DRAWN = "circle.drawn";
/** Chromium's word for what the widget itself writes into its plot. */
const OWN_ERROR = /<svg> attribute height: Expected length, "auto"/;

/** Drags with 8 moves from (30%,30%) to (50%,60%) of the plot. @param {Page} page @param {number} [nth] view */
async function stroke(page, nth = 0) {
  const box = await page.locator("svg.dd-scatter-svg").nth(nth).boundingBox();
  assert.ok(box);
  const at = (x, y) => /** @type {const} */ ([box.x + x * box.width, box.y + y * box.height]);
  await page.mouse.move(...at(0.3, 0.3));
  await page.mouse.down();
  for (let i = 1; i <= 8; i++) await page.mouse.move(...at(0.3 + (0.2 * i) / 8, 0.3 + (0.3 * i) / 8));
  await page.mouse.up();
}

for (const shadow of [false, true]) {
  test(`D1: drawdata 0.5.2 in ${shadow ? "a shadow root" : "light DOM"}`, async (t) => {
    const host = await servePublished(t, DRAWDATA);
    if (!host) return;
    const abroad = await blockNetwork(host);
    const other = await open(host, await host.view("drawdata", { shadow }), { allow: [OWN_ERROR] });
    const wire = await valve(); // on the sockets of the page that draws
    const page = await open(host, (await host.view("drawdata", { shadow })).repeat(2), { allow: [OWN_ERROR] });
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

    // A second stroke, from the other page: the same list, mutated and set again.
    await other.bringToFront(); // Chromium takes its time with a mouse in a page behind another
    await stroke(other);
    await eventually(async () => assert.equal((await host.state("drawdata")).data.length, 16));
    await eventually(async () => assert.equal(await drawn(page, 1), 16));

    // A push of one point leaves exactly this one.
    const [point] = (await host.state("drawdata")).data;
    await client.set({ data: [point] });
    for (const nth of [0, 1]) await eventually(async () => assert.equal(await drawn(page, nth), 1));
    await eventually(async () => assert.equal(await drawn(other), 1));

    await unmount(page, ".dd-scatter-container");
    await page.waitForFunction(() => window.left() === 0);
    assert.equal(await drawn(page), 1, "the second view stays");
    await settle(page);
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });
}

const BOX = Uint8Array.from({ length: 1024 }, (_, i) => (i % 4 === 3 ? 255 : (7 * i) % 256));

/** @type {Published} */
const IPYMARIO = {
  name: "ipymario", version: "0.1.0", esm: "ipymario/static/widget.js", css: "ipymario/static/widget.css",
  state: { size: 100, gain: 0.1, duration: 1, animate: true, _box: { $bytes: Buffer.from(BOX).toString("base64") } },
};

/** The animation starts within this time (ms) after the message. */
const AT_ONCE = 50;
const ATTEMPTS = 5;

/**
 * Sends the message that makes it bounce, and gives how long that took in the first view (ms, on the page's own clock). The binary
 * sends no messages by itself, so this one is put on the page's socket, as the host would do it.
 * @param {Page} page @param {Awaited<ReturnType<typeof valve>>} wire
 */
async function bounce(page, wire) {
  await page.evaluate(() => {
    const element = document.querySelector("any-widget");
    const canvas = (element?.shadowRoot ?? element)?.querySelector("canvas");
    if (!canvas) throw new Error("no canvas");
    canvas.style.animation = "none";
    window.delay = undefined;
    const observer = new MutationObserver(() => {
      if (!canvas.style.animation.includes("ipymario-bounce")) return;
      window.delay = performance.now() - window.arrived;
      observer.disconnect();
    });
    observer.observe(canvas, { attributeFilter: ["style"] });
  });
  wire.inject("ipymario", { type: "message", content: { type: "click" }, buffers: [], rev: 0 });
  await page.waitForFunction(() => window.delay !== undefined);
  const delay = await page.evaluate(() => window.delay);
  assert.ok(delay >= 0, `${delay} ms: the clock did not see the message`);
  return delay;
}

for (const shadow of [false, true]) {
  test(`D2: ipymario 0.1.0 in ${shadow ? "a shadow root" : "light DOM"}`, async (t) => {
    const host = await servePublished(t, IPYMARIO);
    if (!host) return;
    const abroad = await blockNetwork(host);
    const wire = await valve();
    // When the newest frame came, on the page's own clock.
    await (await visitor()).addInitScript(() => {
      const Plain = window.WebSocket;
      window.WebSocket = class extends Plain {
        constructor(/** @type {[string, string]} */ ...args) {
          super(...args);
          this.addEventListener("message", () => void (window.arrived = performance.now()));
        }
      };
    });
    const page = await open(host, (await host.view("ipymario", { shadow })).repeat(2));
    const canvases = page.locator("canvas");
    await eventually(async () => assert.equal(await canvases.count(), 2));
    const client = await connect(host, "ipymario");

    for (const canvas of await canvases.all()) {
      const { width, height, bytes } = await canvas.evaluate((/** @type {HTMLCanvasElement} */ canvas) => {
        const image = canvas.getContext("2d")?.getImageData(0, 0, 16, 16);
        return { width: canvas.width, height: canvas.height, bytes: [...(image?.data ?? [])] };
      });
      assert.deepEqual([width, height], [16, 16]);
      assert.deepEqual(bytes.slice(0, 4), [0, 7, 14, 255]);
      assert.equal(bytes[1020], 228);
      assert.deepEqual(bytes, [...BOX]);
      assert.equal(await canvas.evaluate((canvas) => canvas.style.width), "100px");
    }

    // Any delay of ours is in each attempt; what a busy machine adds is not.
    /** @type {number[]} */
    const delays = [];
    while (delays.length < ATTEMPTS && !(Math.min(...delays) <= AT_ONCE)) delays.push(await bounce(page, wire));
    assert.ok(Math.min(...delays) <= AT_ONCE, `the animation started ${delays} ms after the message`);
    for (const canvas of await canvases.all()) await eventually(async () => assert.match(await canvas.evaluate((canvas) => canvas.style.animation), /ipymario-bounce/));
    // The keyframes are those of the widget's stylesheet, so it really moves.
    const running = () => canvases.first().evaluate((canvas) => canvas.getAnimations().map((animation) => animation.animationName));
    await page.evaluate(() => {
      for (const element of document.querySelectorAll("any-widget")) {
        const canvas = (element.shadowRoot ?? element).querySelector("canvas");
        if (canvas) canvas.style.animation = "ipymario-bounce 1000s";
      }
    });
    assert.deepEqual(await running(), ["ipymario-bounce"]);

    await client.set({ size: 80 });
    for (const canvas of await canvases.all()) await eventually(async () => assert.equal(await canvas.evaluate((canvas) => canvas.style.width), "30px"));
    assert.equal((await host.state("ipymario")).size, 80);
    assert.equal((await host.state("ipymario"))._box.$bytes, Buffer.from(BOX).toString("base64"));
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });
}
