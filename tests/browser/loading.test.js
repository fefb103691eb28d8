/** Section L of the contract: how a widget's code gets into a page. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, errors, eventually, insert, noted, notes, open, serve, settle, warnings } from "./support/index.js";

/** @import { Page } from "playwright-core" */

/** Text of the one message that stands where a view would be. @param {Page} page @param {string} [near] a selector around it */
const alertIn = (page, near = "body") => page.locator(`${near} [role=alert]`).innerText();

/** @param {Page} page @param {string} selector */
const texts = (page, selector) => page.locator(selector).allInnerTexts();

/** Serves a module at an address outside of the host. @param {Page} page @param {string} url @param {string} body */
const serveElsewhere = (page, url, body) =>
  page.route(url, (route) => route.fulfill({ contentType: "text/javascript", headers: { "access-control-allow-origin": "*" }, body }));

test("L1: a default object, a sync factory and an async factory load; a factory runs once per model, its closure shared by the views", async () => {
  const hooks = (name) => `{ render({ el }) { el.className = "${name}"; el.textContent = "view " + ++views } }`;
  const host = await serve({
    "object/widget.js": `let views = 0; export default ${hooks("object")}`,
    "sync/widget.js": `export default () => { note("sync"); let views = 0; return ${hooks("sync")} }`,
    "async/widget.js": `export default async () => { note("async"); let views = 0; await null; return ${hooks("async")} }`,
  });
  const views = await Promise.all(["object", "sync", "async"].map((name) => host.view(name)));
  const page = await open(host, [...views, ...views].join(""));
  for (const name of ["object", "sync", "async"]) {
    await eventually(async () => assert.deepEqual((await texts(page, `.${name}`)).sort(), ["view 1", "view 2"]));
  }
  assert.deepEqual((await notes(page)).sort(), ["async", "sync"]);
});

test("L2: a default object with only initialize, or with neither hook, leaves the element empty", async () => {
  const host = await serve({
    "half/widget.js": `export default { initialize() { note("initialize") } }`,
    "none/widget.js": `export default {}`,
  });
  const fallback = "<i>wait</i>";
  const page = await open(host, (await host.view("half", { fallback })) + (await host.view("none", { fallback })));
  await eventually(async () => assert.equal(await page.locator("any-widget i").count(), 0));
  await settle(page);
  assert.deepEqual(await page.locator("any-widget > div").evaluateAll((els) => els.map((el) => el.innerHTML)), ["", ""]);
  assert.deepEqual(await notes(page), ["initialize"]);
});

test("L3: a named render works with a deprecation warning; a default export beats it", async () => {
  const host = await serve({
    "lone/widget.js": `export function render({ el }) { el.textContent = "lone" }`,
    "both/widget.js": `export function render() { note("named") } export default { render({ el }) { el.textContent = "default" } }`,
  });
  const page = await open(host, (await host.view("lone")) + (await host.view("both")));
  await eventually(async () => assert.deepEqual(await texts(page, "any-widget > div"), ["lone", "default"]));
  const deprecations = warnings(page).filter((text) => text.includes("deprecated"));
  assert.equal(deprecations.length, 1);
  assert.match(deprecations[0], /\/lone\/.*"?render"?/);
  assert.deepEqual(await notes(page), []);
});

for (const [what, source] of Object.entries({
  "no default and no named render": `export const other = 1`,
  "a number": `export default 5`,
  "null": `export default null`,
  "a hook that is not a function": `export default { render: "no" }`,
  "an initialize that is not a function": `export default { initialize: 1, render() {} }`,
  "a factory that returns nothing": `export default () => {}`,
})) {
  test(`L4: ${what} is an error that names the module and both hooks`, async () => {
    const host = await serve({ "wrong/widget.js": source });
    const page = await open(host, await host.view("wrong"), { expect: [/wrong/] });
    const message = await alertIn(page, "any-widget");
    assert.match(message, /\/wrong\/\w+\/widget\.js/);
    assert.match(message, /initialize/);
    assert.match(message, /render/);
  });
}

test("L5: a throwing factory shows its message, with cause", async () => {
  const host = await serve({
    "sync/widget.js": `export default () => { throw new Error("boom one", { cause: new Error("no disk") }) }`,
    "async/widget.js": `export default async () => { throw "boom two" }`,
  });
  const page = await open(host, (await host.view("sync")) + (await host.view("async")), { expect: [/boom one/, /boom two/] });
  const shown = await alertIn(page, "any-widget[model=sync]");
  assert.match(shown, /boom one/);
  await eventually(() => assert.match([shown, ...errors(page), ...host.stderr].join("\n"), /no disk/));
  assert.match(await alertIn(page, "any-widget[model=async]"), /boom two/);
});

test("L6: models with the same code share one module; factory and initialize run per model", async () => {
  const url = "https://widgets.example/shared.js";
  const host = await serve({ "a/widget.json": { esm: url, state: {} }, "b/widget.json": { esm: url, state: {} } });
  const page = await open(host, "");
  await serveElsewhere(
    page,
    url,
    `note("module");
    export default () => { note("factory"); return { initialize({ model }) { note("initialize", model.model_id) }, render({ el }) { el.textContent = "here" } } }`,
  );
  await insert(page, await host.view("a"));
  await insert(page, await host.view("b"));
  await eventually(async () => assert.deepEqual(await texts(page, "any-widget > div"), ["here", "here"]));
  assert.deepEqual((await notes(page)).sort(), ["factory", "factory", "initialize a", "initialize b", "module"]);
});

test("L7: concurrent first mounts import once", async () => {
  const host = await serve({ "a/widget.js": `note("module"); export default { render({ el }) { el.textContent = "here" } }` });
  const page = await open(host, "");
  /** @type {string[]} */
  const requests = [];
  page.on("request", (request) => request.url().includes("/widgets/a/") && requests.push(request.url()));
  await insert(page, (await host.view("a")).repeat(3));
  await eventually(async () => assert.deepEqual(await texts(page, "any-widget > div"), ["here", "here", "here"]));
  assert.deepEqual(await notes(page), ["module"]);
  assert.equal(requests.length, 1, requests.join());
});

test("L8: a failed import shows `cannot load <url>: reason`; the next mount loads fresh, from the same address too", async () => {
  const host = await serve({ "a/widget.js": `export default { render({ el }) { el.textContent = "here" } }` });
  const page = await open(host, "", { expect: [/cannot load/], allow: [/^Failed to load resource/] });
  const fragment = await host.view("a");
  await page.route("**/widgets/a/**", (route) => route.abort());
  await insert(page, fragment);
  assert.match(await alertIn(page, "any-widget"), /cannot load http:\S+\/widgets\/a\/\w+\/widget\.js: \S/);
  await page.unroute("**/widgets/a/**");
  await insert(page, fragment);
  await eventually(async () => assert.equal((await texts(page, "any-widget > div")).at(-1), "here"));
});

test("L8: after the file is fixed the next mount loads fresh", async () => {
  const host = await serve({ "a/widget.js": `export default {` });
  const page = await open(host, await host.view("a"), { expect: [/cannot load/] });
  assert.match(await alertIn(page, "any-widget"), /cannot load http:\S+\/widgets\/a\/\w+\/widget\.js: .*Unexpected/);
  await page.locator("any-widget").evaluate((element) => element.remove());
  const before = await host.view("a");
  await host.write("a/widget.js", `export default { render({ el }) { el.textContent = "here" } }`);
  const fragment = await eventually(async () => {
    const now = await host.view("a");
    assert.notEqual(now, before);
    return now;
  });
  await insert(page, fragment);
  await eventually(async () => assert.deepEqual(await texts(page, "any-widget > div"), ["here"]));
});

test("L9: import.meta.url is a real URL: relative imports, images, wasm, workers and fetches beside the module work", async () => {
  const wasm = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 6, 1, 4, 0, 65, 42, 11);
  const host = await serve({
    "a/widget.js": `
      import { part } from "./lib/part.js";
      const beside = (path) => new URL(path, import.meta.url);
      export default { async render() {
        note("import", part);
        const image = new Image();
        image.src = beside("./images/dot.svg");
        await image.decode();
        note("image", image.naturalWidth);
        const { instance } = await WebAssembly.instantiateStreaming(fetch(beside("./answer.wasm")));
        note("wasm", instance.exports.f());
        const worker = new Worker(beside("./worker.js"), { type: "module" });
        note("worker", await new Promise((done) => { worker.onmessage = ({ data }) => done(data) }));
        worker.terminate();
        note("fetch", (await (await fetch(beside("data.json"))).json()).value);
        note("chunk", (await import("./lib/late chunk.js")).late);
      } }`,
    "a/lib/part.js": `export const part = "part"`,
    "a/lib/late chunk.js": `export const late = "late"`,
    "a/images/dot.svg": `<svg xmlns="http://www.w3.org/2000/svg" width="7" height="7"/>`,
    "a/answer.wasm": wasm,
    "a/worker.js": `import { part } from "./lib/part.js"; postMessage("from " + part)`,
    "a/data.json": { value: "data" },
  });
  const page = await open(host, await host.view("a"));
  await noted(page, ["import part", "image 7", "wasm 42", "worker from part", "fetch data", "chunk late"]);
});

test("L10: code comes from the host's registry only", async () => {
  const host = await serve({
    "a/widget.js": `export default { render({ model, el }) {
      el.textContent = "registered";
      model.on("change:x", () => { model.set("_esm", "export default { render() { note('evil') } }"); model.set("_css", "body { color: red }"); model.set("y", 1); model.save_changes() });
    } }`,
  });
  const page = await open(host, await host.view("a"));
  await eventually(async () => assert.deepEqual(await texts(page, "any-widget > div"), ["registered"]));
  const client = await connect(host, "a");
  const evil = "export default { render() { note('evil') } }";
  const { refused } = await client.set({ _esm: evil, _css: "body { color: red }" });
  assert.deepEqual(Object.keys(refused).sort(), ["_css", "_esm"]);
  await client.set({ x: 1 }); // the widget now tries it, too
  await eventually(async () => assert.equal((await host.state("a")).y, 1));
  assert.deepEqual(await host.state("a"), { x: 1, y: 1 });
  await page.reload();
  await eventually(async () => assert.deepEqual(await texts(page, "any-widget > div"), ["registered"]));
  assert.deepEqual(await notes(page), []);
});

test("L11: extra exports, extra keys and a render that returns neither function nor nothing are ignored", async () => {
  const results = ["42", '"text"', "{ answer: 42 }", "[() => note('called')]", "Promise.resolve(7)"];
  const files = results.map((result, i) => [
    `w${i}/widget.js`,
    `export const extra = 1; export class Other {}
    export default { name: "extra", destroy() { note("destroy") }, render({ el }) { el.textContent = "here"; return ${result} } }`,
  ]);
  const host = await serve(Object.fromEntries(files));
  const page = await open(host, (await Promise.all(results.map((_, i) => host.view(`w${i}`)))).join(""));
  await eventually(async () => assert.deepEqual(await texts(page, "any-widget > div"), results.map(() => "here")));
  await page.evaluate(() => document.querySelectorAll("any-widget").forEach((element) => element.remove()));
  await settle(page);
  assert.deepEqual(await notes(page), []);
});

test("L12: esm may be an https URL", async () => {
  const url = "https://widgets.example/dist/widget.js";
  const host = await serve({ "a/widget.json": { esm: url, state: { name: "far" } } });
  const page = await open(host, "");
  await serveElsewhere(page, url, `export default { render({ model, el }) { el.textContent = model.get("name") + " " + import.meta.url } }`);
  await insert(page, await host.view("a"));
  await eventually(async () => assert.deepEqual(await texts(page, "any-widget > div"), [`far ${url}`]));
});

test("L13: a module of 20 MB and a stylesheet of 2 MB load", async () => {
  const host = await serve({
    "a/widget.js": `/*${"x".repeat(20e6)}*/ export default { render({ el }) { el.className = "big"; el.textContent = "here" } }`,
    "a/widget.css": `/*${"x".repeat(2e6)}*/ .big { color: rgb(1, 2, 3) }`,
  });
  const page = await open(host, await host.view("a"));
  const color = () => page.locator(".big").evaluate((element) => getComputedStyle(element).color);
  await eventually(async () => assert.equal(await color(), "rgb(1, 2, 3)"), { timeout: 20_000 });
});
