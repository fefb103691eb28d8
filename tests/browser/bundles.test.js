/** Widgets that are built: with React and Svelte by their published bridges, with Vue by a bridge of our own, and one with wasm and a worker. */
import assert from "node:assert/strict";
import { cp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { connect, eventually, forget, noted, notes, open, serve, settle } from "./support/index.js";
import { bundleOrSkip, filesOf, serveBundle, SOURCES } from "./support/bundle.js";
import { live } from "./support/probe.js";
import { runTool } from "./support/tool.js";
import { valve } from "./support/valve.js";
import { GCD } from "../bundles/wasm/gcd.js";

/** @import { Page } from "playwright-core" */

/** What each of them is made with, and the colour that its stylesheet gives the card. */
const MADE = {
  react: { with: "@anywidget/react and esbuild", color: "rgb(10, 120, 170)", scoped: false, toldAnyway: [] },
  svelte: { with: "@anywidget/svelte and Vite", color: "rgb(200, 60, 0)", scoped: true, toldAnyway: [] },
  // Its bridge is of `tests/bundles`; there Vue itself tells a component of what it assigned, equal or not.
  vue: { with: "Vue, a bridge of our own and Vite", color: "rgb(60, 150, 90)", scoped: true, toldAnyway: ["box b"] },
};

/** No other place than the host, and no `eval`. */
const STRICT = "default-src 'self'; img-src 'self' data:";

/** @param {Page} page @param {string} selector @param {string} text @param {number} [nth] view */
const shows = (page, selector, text, nth = 0) =>
  eventually(async () => assert.equal(await page.locator("any-widget").nth(nth).locator(selector).innerText(), text));

/** @param {Page} page @param {number} [nth] view */
const tags = (page, nth = 0) => page.locator("any-widget").nth(nth).locator("li").allInnerTexts();

for (const [name, made] of Object.entries(MADE)) {
  for (const [where, { shadow, csp }] of Object.entries({
    "light DOM": { shadow: false, csp: undefined },
    "a shadow root": { shadow: true, csp: undefined },
    "a page with a strict Content-Security-Policy": { shadow: false, csp: STRICT },
  })) {
    test(`${made.with}: the bundle and its stylesheet load in ${where}`, async (t) => {
      const host = await serveBundle(t, name);
      if (!host) return;
      const page = await open(host, `<div class="card">not ours</div>${await host.view(name, { shadow })}`, { csp });
      await shows(page, ".count", "count is 0");
      assert.deepEqual(await tags(page), ["red"]);
      await shows(page, ".corner", "1, 2");
      await eventually(async () => assert.deepEqual((await notes(page)).sort(), ["box a", "mounted"]));
      const colors = page.locator(".card").evaluateAll((cards) => cards.map((card) => getComputedStyle(card).borderLeftColor));
      const [outside, inside] = await colors;
      assert.equal(inside, made.color);
      if (shadow || made.scoped) assert.equal(outside, "rgb(0, 0, 0)", "the style stays in the widget");
      await live(page);
    });
  }

  test(`${made.with}: state goes both ways, between two views, another page and another client`, async (t) => {
    const host = await serveBundle(t, name);
    if (!host) return;
    const page = await open(host, (await host.view(name)).repeat(2));
    const other = await open(host, await host.view(name));
    const client = await connect(host, name);
    for (const [where, nth] of /** @type {[Page, number][]} */ ([[page, 0], [page, 1], [other, 0]])) await shows(where, ".count", "count is 0", nth);

    await client.set({ count: 5 });
    for (const [where, nth] of /** @type {[Page, number][]} */ ([[page, 0], [page, 1], [other, 0]])) await shows(where, ".count", "count is 5", nth);

    await page.bringToFront();
    await page.locator(".count").nth(1).click();
    for (const [where, nth] of /** @type {[Page, number][]} */ ([[page, 0], [page, 1], [other, 0]])) await shows(where, ".count", "count is 6", nth);
    await eventually(async () => assert.equal((await host.state(name)).count, 6));

    // A list that grows in one view, then by another client, then in the other view.
    await page.locator(".tag").first().click();
    await eventually(async () => assert.deepEqual((await host.state(name)).tags, ["red", "tag 1"]));
    for (const nth of [0, 1]) await eventually(async () => assert.deepEqual(await tags(page, nth), ["red", "tag 1"]));
    await eventually(async () => assert.deepEqual(await tags(other), ["red", "tag 1"]));
    await client.set({ tags: ["blue"] });
    for (const nth of [0, 1]) await eventually(async () => assert.deepEqual(await tags(page, nth), ["blue"]));
    await page.locator(".tag").nth(1).click();
    await page.locator(".tag").nth(1).click();
    await eventually(async () => assert.deepEqual((await host.state(name)).tags, ["blue", "tag 1", "tag 2"]));
    for (const nth of [0, 1]) await eventually(async () => assert.deepEqual(await tags(page, nth), ["blue", "tag 1", "tag 2"]));
    await eventually(async () => assert.deepEqual(await tags(other), ["blue", "tag 1", "tag 2"]));
  });

  test(`${made.with}: M1, M3: nested state is another only when its value is, and an equal one is neither told nor sent`, async (t) => {
    const host = await serveBundle(t, name);
    if (!host) return;
    const wire = await valve();
    const page = await open(host, await host.view(name));
    const client = await connect(host, name);
    await shows(page, ".corner", "1, 2");
    await live(page);
    await forget(page);

    // Only what is another is told, whether the other client or the host says the rest again.
    await client.set({ count: 1, box: { name: "a", corner: [1, 2] }, tags: ["red"] });
    await shows(page, ".count", "count is 1");
    wire.inject(name, { type: "set", base: 0, rev: 0, state: { box: { name: "a", corner: [1, 2] }, tags: ["red"] } });
    await client.set({ count: 2, box: { name: "b", corner: [3, 4] } });
    await shows(page, ".corner", "3, 4");
    await noted(page, ["box b"]);

    await page.locator(".same").click();
    await page.locator(".count").click();
    await eventually(async () => assert.equal((await host.state(name)).count, 3));
    await client.set({ box: { name: "c", corner: [5, 6] } });
    await shows(page, ".corner", "5, 6");
    await settle(page);
    assert.deepEqual(await notes(page), ["box b", ...made.toldAnyway, "box c"]);
    // The page said nothing back, and nothing that was equal: what it sent before the count would have come before it.
    assert.deepEqual(wire.sent("set").map(({ state }) => state), [{ count: 3 }]);
  });

  test(`${made.with}: B5, B6: bytes come as a DataView of their own buffer, and go as bytes`, async (t) => {
    const host = await serveBundle(t, name);
    if (!host) return;
    const page = await open(host, (await host.view(name)).repeat(2));
    const other = await open(host, await host.view(name));
    const client = await connect(host, name);
    await shows(page, ".pixels", "DataView 1 2 3 4");
    await shows(other, ".pixels", "DataView 1 2 3 4");
    await client.set({ pixels: Uint8Array.of(5, 6, 7) });
    for (const nth of [0, 1]) await shows(page, ".pixels", "DataView 5 6 7", nth);
    await page.bringToFront();
    await page.locator(".reverse").first().click();
    for (const nth of [0, 1]) await shows(page, ".pixels", "Uint8Array 7 6 5", nth); // M2: what was set
    await shows(other, ".pixels", "DataView 7 6 5");
    await eventually(async () => assert.deepEqual((await host.state(name)).pixels, { $bytes: Buffer.of(7, 6, 5).toString("base64") }));
  });

  test(`${made.with}: F5: views have local state of their own, and one that is removed is unmounted`, async (t) => {
    const host = await serveBundle(t, name);
    if (!host) return;
    const page = await open(host, (await host.view(name)).repeat(2));
    const client = await connect(host, name);
    await shows(page, ".own", "own 0", 1);
    await page.locator(".own").first().click();
    await page.locator(".own").first().click();
    await page.locator(".own").nth(1).click();
    await shows(page, ".own", "own 2", 0);
    await shows(page, ".own", "own 1", 1);

    await forget(page);
    await page.locator("any-widget").first().evaluate((element) => element.remove());
    await noted(page, ["unmounted"]);
    await client.set({ count: 7, box: { name: "b", corner: [0, 0] } });
    await shows(page, ".count", "count is 7");
    await shows(page, ".own", "own 1");
    await noted(page, ["unmounted", "box b"]); // only the view that is left hears of it
    await page.locator("any-widget").evaluate((element) => element.remove());
    await noted(page, ["unmounted", "box b", "unmounted"]);
  });

  test(`${made.with}: R1: a bundle that is built anew is rendered anew, with the state it had`, async (t) => {
    const host = await serveBundle(t, name);
    if (!host) return;
    const page = await open(host, (await host.view(name)).repeat(2));
    await page.locator(".count").first().click();
    await shows(page, ".count", "count is 1", 1);
    await forget(page);
    const file = `${name}/dist/widget.js`;
    const before = await readFile(host.path(file), "utf8");
    assert.equal(before.split("count is ").length, 2, "the bundle holds the text once");
    await host.write(file, before.replace("count is ", "total is "));
    for (const nth of [0, 1]) await shows(page, ".count", "total is 1", nth);
    const ended = (await notes(page)).slice(0, 2);
    assert.deepEqual(ended, ["unmounted", "unmounted"], "what was there ends first");
    await page.locator(".count").nth(1).click();
    await shows(page, ".count", "total is 2", 0);
  });
}

test("@anywidget/react and esbuild: L9: a chunk beside the module loads when it is asked for, and shares React and the model with it", async (t) => {
  const host = await serveBundle(t, "react");
  if (!host) return;
  const page = await open(host, (await host.view("react")).repeat(2), { csp: STRICT });
  await shows(page, ".count", "count is 0");
  const chunks = () => page.evaluate(() => performance.getEntriesByType("resource").filter(({ name }) => /\/details-\w+\.js$/.test(name)).length);
  assert.equal(await chunks(), 0);
  await page.locator(".more").first().click();
  await shows(page, ".leap", "leap from 0");
  assert.equal(await chunks(), 1);
  await page.locator(".step").click();
  await shows(page, ".step", "step is 100"); // a hook in it: a second React would have thrown
  await page.locator(".leap").click();
  await shows(page, ".leap", "leap from 100");
  for (const nth of [0, 1]) await shows(page, ".count", "count is 100", nth);
});

test("@anywidget/svelte and Vite: R1, R5: `vite build --watch` reaches open pages, and a build that fails leaves them as they are", async (t) => {
  const built = await bundleOrSkip(t, "svelte");
  if (!built) return;
  const widget = await readFile(join(built, "widget.json"), "utf8");
  const host = await serve({ "card/widget.json": widget, "card/dist/widget.js": "export default {}", "card/dist/widget.css": "" });
  const page = await open(host, await host.view("card"));
  const project = host.path(".project"); // its sources and node_modules are no part of the widget
  await cp(built, project, { recursive: true, filter: (path) => path !== join(built, "node_modules") });
  await symlink(join(built, "node_modules"), join(project, "node_modules"));
  const words = ["build", "--watch", "--outDir", "../card/dist", "--emptyOutDir"];
  const vite = await runTool(join(project, "node_modules/.bin/vite"), words, project);
  await vite.says(/built in/);
  await page.locator(".count").click();
  await shows(page, ".count", "count is 1");
  await noted(page, ["mounted", "box a"]);

  const source = join(project, "src/Card.svelte");
  const before = await readFile(source, "utf8");
  await writeFile(source, before.replace("count is ", "total is "));
  await vite.says(/built in/);
  await shows(page, ".count", "total is 1");
  await settle(page);
  assert.deepEqual(await notes(page), ["mounted", "box a", "unmounted", "mounted", "box a"]);

  await writeFile(source, before.replace("{#each", "{#eaten"));
  await vite.says(/error/i);
  await page.locator(".count").click();
  await shows(page, ".count", "total is 2");
  const color = () => page.locator(".card").evaluate((card) => getComputedStyle(card).borderLeftColor);
  assert.equal(await color(), MADE.svelte.color);
  await writeFile(source, before.replace("count is ", "sum is ").replace(MADE.svelte.color, "rgb(0, 60, 200)"));
  await shows(page, ".count", "sum is 2");
  await eventually(async () => assert.equal(await color(), "rgb(0, 60, 200)"));
});

/** The widget with wasm and a worker. */
async function serveWasm() {
  const files = await filesOf(`${SOURCES}/wasm`, "wasm/");
  return serve({ ...files, "wasm/gcd.wasm": GCD });
}

for (const [where, csp] of Object.entries({
  "a page": undefined,
  "a page whose Content-Security-Policy allows wasm": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data:",
})) {
  test(`L9: wasm beside the module is compiled while it loads, in ${where} and in a worker`, async () => {
    const host = await serveWasm();
    const page = await open(host, await host.view("wasm"), { csp });
    const client = await connect(host, "wasm");
    for (const output of [".here", ".there"]) await shows(page, output, "12");
    await client.set({ a: 1071, b: 462 });
    for (const output of [".here", ".there"]) await shows(page, output, "21");
    const address = await page.evaluate(() => performance.getEntriesByType("resource").find(({ name }) => name.endsWith("/gcd.wasm"))?.name);
    const { headers } = await fetch(String(address));
    assert.equal(headers.get("content-type"), "application/wasm");
    assert.equal(page.workers().length, 1);
    await page.locator("any-widget").evaluate((element) => element.remove());
    await eventually(() => assert.equal(page.workers().length, 0));
  });
}
