/** ipymario 0.1.0: pixels as bytes, a custom message from the host, keyframes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, open, refusals, visitor } from "../support/index.js";
import { picture } from "../support/picture.js";
import { blockNetwork, STRICT } from "../support/published.js";
import { relayPublished } from "../support/relayed.js";

/**
 * @import { Page } from "playwright-core"
 * @import { Client } from "../support/client.js"
 * @import { Published } from "../support/published.js"
 */

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
 * Sends the message that makes it bounce, and gives how long that took in the first view (ms, on the page's own clock): the relay
 * has the host send it to every view.
 * @param {Page} page @param {Client} client
 */
async function bounce(page, client) {
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
  await client.message({ type: "click" });
  await page.waitForFunction(() => window.delay !== undefined);
  const delay = await page.evaluate(() => window.delay);
  assert.ok(delay >= 0, `${delay} ms: the clock did not see the message`);
  return delay;
}

for (const shadow of [false, true]) {
  test(`D2: ipymario 0.1.0 in ${shadow ? "a shadow root" : "light DOM"}`, async (t) => {
    const host = await relayPublished(t, IPYMARIO);
    if (!host) return;
    const abroad = await blockNetwork(host);
    // When the newest custom message came, on the page's own clock.
    await (await visitor()).addInitScript(() => {
      const Plain = window.WebSocket;
      window.WebSocket = class extends Plain {
        constructor(/** @type {[string, string]} */ ...args) {
          super(...args);
          this.addEventListener("message", ({ data }) => void (/"click"/.test(data) && (window.arrived = performance.now())));
        }
      };
    });
    const page = await open(host, (await host.view("ipymario", { shadow })).repeat(2), { trial: STRICT });
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

    await picture(page, "ipymario", { of: "canvas" });

    // Any delay of ours is in each attempt; what a busy machine adds is not.
    /** @type {number[]} */
    const delays = [];
    while (delays.length < ATTEMPTS && !(Math.min(...delays) <= AT_ONCE)) delays.push(await bounce(page, client));
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
    assert.deepEqual(await refusals(page), [], "it runs under a strict Content-Security-Policy");
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });
}
