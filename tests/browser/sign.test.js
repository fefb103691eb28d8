/** What people are told while the host is away: a sign on the element, after a moment, that moves nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, forget, noted, OFFLINE, open, relay, serve, settle } from "./support/index.js";
import { picture } from "./support/picture.js";
import { live } from "./support/probe.js";
import { serveShipped } from "./support/shipped.js";
import { valve } from "./support/valve.js";

/** @import { Page } from "playwright-core" */

/** Renders its `html`, so that a test says what stands below the sign. */
const ANY = `export default { render({ model, el }) { el.innerHTML = model.get("html") } }`;

/** What a float could push aside, or be pushed by. */
const CONTENTS = {
  text: "some text that is long enough for two lines in a narrow column, and then some",
  block: "<h2>title</h2><p>text</p>",
  root: "<div style='overflow: hidden'>a context of its own</div>",
  flex: "<div style='display: flex'><button>one</button><button>two</button></div>",
  wide: "<canvas width=200 height=50 style='width: 100%'></canvas>",
  cleared: "<div style='clear: both'>below</div>",
};

/** Views of all models in the page. @param {import("./support/site.js").Site} host @param {string[]} ids */
const views = async (host, ids) =>
  (await Promise.all(ids.flatMap((id) => [host.view(id), host.view(id, { shadow: true })]))).map((view) => `<section style="width: 240px">${view}</section>`).join("");

/** The sign on each element: its text, how far it can be seen at a moment (ms) after the cut, and what brings it in. @param {Page} page @param {number} at */
const signs = (page, at) =>
  page.evaluate((at) => {
    const moving = document.getAnimations().filter(({ effect }) => /** @type {KeyframeEffect} */ (effect).pseudoElement === "::before");
    for (const animation of moving) animation.currentTime = at;
    return [...document.querySelectorAll("any-widget")].map((element) => {
      const { content, opacity } = getComputedStyle(element, "::before");
      return content === "none" ? null : `${content.split('"')[1]} ${opacity}`;
    });
  }, at);

/** Where everything is, down to the lines of text. @param {Page} page */
const places = (page) =>
  page.evaluate(() => {
    const range = new Range();
    const boxes = [...document.querySelectorAll("any-widget")].flatMap((element) => {
      range.selectNodeContents(element.shadowRoot ?? element);
      return [element.getBoundingClientRect(), ...range.getClientRects()].map(({ x, y, width, height }) => `${x} ${y} ${width} ${height}`);
    });
    return [...boxes, `${document.documentElement.scrollWidth} ${document.documentElement.scrollHeight}`];
  });

test("a host that is away: the sign comes after a second, moves nothing, and is gone with the return", async () => {
  const ids = Object.keys(CONTENTS);
  const files = Object.entries(CONTENTS).flatMap(([id, html]) => [[`${id}/widget.js`, ANY], [`${id}/widget.json`, { state: { html } }]]);
  const host = await serve(Object.fromEntries(files));
  const line = await relay(host);
  const page = await open(line, await views(host, ids), { allow: [OFFLINE] });
  await live(page);
  const count = 2 * ids.length;
  await eventually(async () => assert.equal(await page.locator("any-widget:not([aria-busy])").count(), count));
  const before = await places(page);
  assert.ok(before.length > 2 * count, "the widgets are there");
  assert.deepEqual(await signs(page, 5_000), Array(count).fill(null));

  line.break();
  await eventually(async () => assert.equal(await page.locator("[data-connection=offline]").count(), count));
  assert.deepEqual(await signs(page, 999), Array(count).fill("reconnecting… 0"));
  assert.deepEqual(await signs(page, 1_300), Array(count).fill("reconnecting… 1"));
  assert.deepEqual(await places(page), before);
  line.mend();
  await live(page);
  assert.deepEqual(await signs(page, 5_000), Array(count).fill(null));
});

test("a host that does not answer a new page: the sign comes after two seconds", async () => {
  const host = await serveShipped("counter");
  const wire = await valve();
  wire.hold("up");
  const page = await open(host, await views(host, ["counter"]));
  await eventually(async () => assert.equal(await page.locator("[data-connection=connecting]").count(), 2));
  assert.deepEqual(await signs(page, 1_999), ["connecting… 0", "connecting… 0"]);
  assert.deepEqual(await signs(page, 2_300), ["connecting… 1", "connecting… 1"]);
  wire.release("up");
  await live(page);
  assert.deepEqual(await signs(page, 5_000), [null, null]);
});

test("a page that will not come back has the reason in the widget's place, and no sign", async () => {
  const host = await serveShipped("counter");
  const wire = await valve();
  const page = await open(host, await views(host, ["counter"]));
  await live(page);
  await connect(host, "counter", { session: wire.sent("hello")[0].session });
  await eventually(async () => assert.equal(await page.getByRole("alert").count(), 2));
  assert.equal(await page.locator("[data-connection=offline]").count(), 2);
  assert.deepEqual(await signs(page, 5_000), [null, null]);
});

test("the sign has words for screen readers, which are told once for all models; it does not move where motion is unwanted, and a page can style it", async () => {
  const host = await serve({ "a/widget.js": ANY, "b/widget.js": ANY });
  const line = await relay(host);
  const page = await open(line, await views(host, ["a", "b"]), { allow: [OFFLINE] });
  await page.evaluate(() => Object.assign(document, { ariaNotify: note }));
  await live(page);
  line.break();
  const words = "offline, reconnecting: changes are kept meanwhile";
  await noted(page, [words]);
  const devtools = await page.context().newCDPSession(page);
  const { nodes } = await devtools.send("Accessibility.getFullAXTree");
  assert.ok(nodes.some(({ name }) => name?.value === words), "it is in the tree");

  const before = (/** @type {string} */ property) => page.evaluate((property) => getComputedStyle(/** @type {Element} */ (document.querySelector("any-widget")), "::before").getPropertyValue(property), property);
  await page.emulateMedia({ reducedMotion: "no-preference" });
  assert.equal(await before("animation-duration"), "0.3s");
  await page.emulateMedia({ reducedMotion: "reduce" });
  assert.equal(await before("animation-duration"), "0.001s");
  assert.equal(await before("animation-delay"), "1s");
  await page.addStyleTag({ content: "any-widget::before { background: rgb(1, 2, 3) }" });
  assert.equal(await before("background-color"), "rgb(1, 2, 3)");

  await forget(page);
  line.mend();
  await noted(page, ["connected again"]);
  await settle(page);
  await noted(page, ["connected again"]);
});

test("the sign in light and in dark", async () => {
  const host = await serveShipped("slider", { low: 32, high: 68 });
  const line = await relay(host);
  const view = await host.view("slider");
  const cell = (/** @type {string} */ scheme) => `<div style="color-scheme: ${scheme}; color: CanvasText; background: Canvas; padding: 16px; flex: 1">${view}</div>`;
  const page = await open(line, `<main style="display: flex; width: 760px">${cell("light")}${cell("dark")}</main>`, { allow: [OFFLINE] });
  await live(page);
  line.break();
  await eventually(async () => assert.equal(await page.locator("[data-connection=offline]").count(), 2));
  assert.deepEqual(await signs(page, 1_300), ["reconnecting… 1", "reconnecting… 1"]);
  await picture(page, "offline", { of: "main", margin: 0 });
});
