/** Swaps of Turbo 8: visits, frames, streams and morphs: the rows of section 4 of the design. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, forget, settle } from "../support/index.js";
import { documentOf, outer, Stage, swaps } from "../support/swaps.js";

/** @import { Way } from "../support/swaps.js" */

const TURBO = ["@hotwired/turbo/dist/turbo.es2017-umd.js"];
const SCRIPT = `<script src="/${TURBO[0]}"></script>`;
const MORPH = '<meta name="turbo-refresh-method" content="morph">';

/** @param {string} content */
const frame = (content) => documentOf("", `<turbo-frame id="place">${content}</turbo-frame>`);

/** @param {string} action @param {string} more attributes of the stream @param {Partial<Way>} [way] @returns {Way} */
const stream = (action, more, way) => ({
  name: `stream ${action} ${more}`.trim(),
  act: (page, html) =>
    page.evaluate((html) => Turbo.renderStreamMessage(html), `<turbo-stream action="${action}" target="place" ${more}><template>${html}</template></turbo-stream>`),
  ...(action === "replace" && { answer: outer }),
  ...way,
});

let visits = 0;

swaps("Turbo", TURBO, [
  {
    name: "Drive",
    answer: (content) => documentOf(SCRIPT, outer(content)),
    act: (page) => page.evaluate((url) => Turbo.visit(url), `/next?${++visits}`),
  },
  {
    name: "refresh by morph",
    head: MORPH,
    path: "/stage",
    answer: (content) => documentOf(MORPH + SCRIPT, outer(content)),
    act: (page) => page.evaluate(() => Turbo.visit(location.href, { action: "replace" })),
    keeps: "element",
  },
  {
    name: "frame",
    tag: "turbo-frame",
    answer: frame,
    act: (page) => page.evaluate((url) => document.querySelector("turbo-frame")?.setAttribute("src", url), `/next?${++visits}`),
  },
  {
    name: "frame reloaded by morph",
    tag: 'turbo-frame complete src="/next" refresh="morph"',
    answer: frame,
    act: (page) => page.evaluate(() => document.querySelector("turbo-frame").reload()),
    keeps: "element",
  },
  stream("update", ""),
  stream("replace", ""),
  stream("update", "method=morph", { keeps: "element" }),
  stream("replace", "method=morph", { keeps: "element" }),
]);

test("Turbo: data-turbo-permanent, as hx-preserve: the same view stays over a visit", async () => {
  const stage = await Stage.set({ scripts: TURBO });
  const fragment = await stage.view("a", 'id="kept" data-turbo-permanent');
  const page = await stage.open(fragment, '<a id="go" href="/two">two</a>');
  await stage.noted("a initialize", "a render 0 1");
  await stage.clicks("a", 2);
  await stage.remember(".x");
  stage.pages.set("/two", documentOf(SCRIPT, `<h1>two</h1><section>${fragment}</section>`));
  await page.click("#go");
  await page.waitForSelector("h1");
  await settle(page);
  await stage.clicks("a", 3);
  assert.ok(await stage.same("section .x"));
  await stage.noted("a initialize", "a render 0 1");
  assert.equal(stage.wire.opened, 1);
});

test("Turbo: streams: two widgets in one response: both go on", async () => {
  const stage = await Stage.set({ scripts: TURBO });
  const [a, b] = [await stage.view("a"), await stage.view("b")];
  const page = await stage.open("", `<div id="one">${a}</div><div id="two">${b}</div>`);
  await stage.noted("a initialize", "a render 0 1", "b initialize", "b render 0 1");
  await stage.clicks("b", 2);
  await forget(page);
  const streams = [["one", a], ["two", b]].map(([id, html]) => `<turbo-stream action="update" target="${id}"><template>${html}</template></turbo-stream>`);
  await page.evaluate((html) => Turbo.renderStreamMessage(html), streams.join(""));
  await stage.noted("a cleanup", "a render 0 1", "b cleanup", "b render 0 2");
  await stage.clicks("a", 2);
  await stage.clicks("b", 3);
  assert.deepEqual([stage.wire.opened, stage.wire.open, stage.loads], [2, 2, 1]);
});

test("Turbo: a visit to another page with the same widget, back and forward: the socket is kept", async () => {
  const stage = await Stage.set({ scripts: TURBO });
  await stage.open(await stage.view("a"), '<a id="go" href="/two">two</a>');
  await stage.goesThereAndBack();
  assert.equal(await stage.count("a initialize"), 1);
  assert.equal(await stage.count("a render"), await stage.count("a render 0"));
  await eventually(async () => assert.equal((await stage.count("a render")) - (await stage.count("a cleanup")), 1));
  assert.deepEqual([stage.wire.opened, stage.loads], [1, 1]);
});

test("Turbo: cached page on going back: an old snapshot with stale children gets a new view, and is brought up to date", async () => {
  const stage = await Stage.set({ scripts: TURBO });
  const page = await stage.open(await stage.view("a"), '<a id="go" href="/two">two</a>');
  await stage.clicks("a", 2);
  stage.pages.set("/two", documentOf(SCRIPT, "<h1>two</h1>"));
  await page.click("#go");
  await page.waitForSelector("h1");
  await stage.noted("a initialize", "a render 0 1", "a cleanup", "a end");
  await stage.closes();
  await (await connect(stage.host, "a")).set({ x: 7 });
  await page.goBack();
  await page.waitForSelector("any-widget[data-connection=live]");
  await stage.shows("7");
  await stage.clicks("a", 8);
  assert.equal(await stage.count("a render"), await stage.count("a render 0"));
  assert.equal((await stage.count("a render")) - (await stage.count("a cleanup")), 1);
  assert.equal(stage.wire.open, 1);
});

test("Turbo: cache preview before the answer: the preview is alive, and the answer takes over with the same socket", async () => {
  const stage = await Stage.set({ scripts: TURBO });
  const page = await stage.open(await stage.view("a"), '<a id="go" href="/two">two</a>');
  await stage.clicks("a", 2);
  stage.pages.set("/two", documentOf(SCRIPT, '<h1>two</h1><a id="home" href="/stage">home</a>'));
  await page.click("#go");
  await page.waitForSelector("#home");
  await stage.noted("a initialize", "a render 0 1", "a cleanup", "a end");
  stage.pages.set("/stage", documentOf(SCRIPT, `<h2>fresh</h2>${await stage.view("a")}`));
  /** @type {(value?: unknown) => void} */
  let answer = () => {};
  const answered = new Promise((done) => (answer = done));
  await page.route("**/stage", async (route) => {
    await answered;
    await route.fallback();
  });
  await page.click("#home");
  await page.waitForSelector("html[data-turbo-preview] any-widget[data-connection=live]");
  await stage.clicks("a", 3);
  answer();
  await page.waitForSelector("h2");
  await stage.shows("3");
  await stage.clicks("a", 4);
  assert.equal(await stage.count("a initialize"), 2);
  assert.equal(await stage.count("a render"), await stage.count("a render 0"));
  await eventually(async () => assert.equal((await stage.count("a render")) - (await stage.count("a cleanup")), 1));
  assert.deepEqual([stage.wire.opened, stage.wire.open], [2, 1]);
});
