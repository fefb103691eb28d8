/** Section H of the contract: widgets that use other models and widgets. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, forget, noted, notes, open, serve, settle } from "./support/index.js";

/** @import { Page } from "playwright-core" */

/** A child that notes what happens to it and shows `x`. */
const CHILD = `
  export default {
    initialize({ model }) { note("child initialize", model.model_id); return { name: "exports of " + model.model_id } },
    render({ model, el, signal }) {
      el.className = "child";
      const show = () => { el.textContent = "x is " + model.get("x") };
      model.on("change:x", show);
      show();
      note("child render");
      signal.addEventListener("abort", () => note("child aborted"));
      return () => note("child cleanup");
    },
  }`;

/**
 * Serves a parent whose `render` has this body, and what else is given.
 * @param {string} body @param {Record<string, string | object>} [files]
 */
const serveParent = (body, files = { "b/widget.js": CHILD, "b/widget.json": { state: { x: 1 } } }) =>
  serve({ "a/widget.js": `export default { async render({ model, el, signal, host }) { ${body} } }`, ...files });

/** @param {Page} page */
const childTexts = (page) => page.locator(".child").allInnerTexts();

test("H1: host takes anywidget:<id> and rejects everything else with the reason; get_model takes a bare id", async () => {
  const host = await serveParent(`
    note((await host.getModel("anywidget:b")).get("x"));
    for (const ref of ["IPY_MODEL_b", "b", "", "anywidget:", 5, null, undefined, { id: "b" }]) {
      for (const how of ["getModel", "getWidget"]) {
        try { await host[how](ref); note("resolved", how, JSON.stringify(ref)) }
        catch (error) { note(error instanceof Error && error.message.length > 10 && error.message.includes("anywidget:") ? "rejected" : String(error)) }
      }
    }
    note((await model.widget_manager.get_model("b")).get("x"));
    note("end");
  `);
  const page = await open(host, await host.view("a"));
  await noted(page, ["1", ...Array(16).fill("rejected"), "1", "end"]);
});

test("H2: getWidget waits for an initialize in flight; concurrent calls share it", async () => {
  const host = await serveParent(
    `const [one, two] = await Promise.all([host.getWidget("anywidget:b"), host.getWidget("anywidget:b")]);
    note("got", one.exports.value, one.exports === two.exports);`,
    {
      "b/widget.js": `export default { async initialize() { note("begins"); await new Promise((done) => { window.pass = done }); note("ends"); return { value: 7 } } }`,
    },
  );
  const page = await open(host, await host.view("a"));
  await noted(page, ["begins"]);
  await settle(page);
  await noted(page, ["begins"]);
  await page.evaluate(() => window.pass());
  await noted(page, ["begins", "ends", "got 7 true"]);
});

test("H3: an unknown model is rejected within 10 s, naming the id", async () => {
  const host = await serveParent(`
    const began = performance.now();
    for (const ask of [() => host.getModel("anywidget:nobody-1"), () => host.getWidget("anywidget:nobody-2"), () => model.widget_manager.get_model("nobody-3")]) {
      try { await ask(); note("resolved") }
      catch (error) { note(/nobody-\\d/.exec(error.message)?.[0], performance.now() - began < 10_500) }
    }`);
  const page = await open(host, await host.view("a"));
  await eventually(async () => assert.deepEqual(await notes(page), ["nobody-1 true", "nobody-2 true", "nobody-3 true"]), { timeout: 31_000 });
});

test("H4: a child view ends with the parent's signal by default", async () => {
  const host = await serveParent(`
    const child = await host.getWidget("anywidget:b");
    const place = el.appendChild(document.createElement("div"));
    await child.render({ el: place });
    return () => note("parent cleanup");`);
  const page = await open(host, await host.view("a"));
  await noted(page, ["child initialize b", "child render"]);
  await forget(page);
  await page.evaluate(() => document.querySelector("any-widget")?.remove());
  await eventually(async () => assert.deepEqual((await notes(page)).sort(), ["child aborted", "child cleanup", "parent cleanup"]));
});

test("H4: a child view ends with its own signal if given, which does not touch the parent", async () => {
  const host = await serveParent(`
    const child = await host.getWidget("anywidget:b");
    const place = el.appendChild(document.createElement("div"));
    const own = window.own = new AbortController();
    await child.render({ el: place, signal: own.signal });
    signal.addEventListener("abort", () => note("parent aborted"));
    model.on("change:y", () => note("parent", model.get("y")));
    return () => note("parent cleanup");`);
  const page = await open(host, await host.view("a"));
  await noted(page, ["child initialize b", "child render"]);
  await forget(page);
  await page.evaluate(() => window.own.abort());
  await noted(page, ["child aborted", "child cleanup"]);
  const client = await connect(host, "a");
  await client.set({ y: 1 });
  await noted(page, ["child aborted", "child cleanup", "parent 1"]);
});

for (const shadow of [false, true]) {
  test(`H5: a child's CSS is present in the ${shadow ? "shadow root" : "document"} it renders into`, async () => {
    const host = await serveParent(
      `const child = await host.getWidget("anywidget:b");
      await child.render({ el: el.appendChild(document.createElement("div")) });`,
      { "b/widget.js": CHILD, "b/widget.json": { state: { x: 1 } }, "b/widget.css": ".child { color: rgb(1, 2, 3) }" },
    );
    const page = await open(host, (await host.view("a", { shadow })) + '<p class="child">outside</p>');
    await noted(page, ["child initialize b", "child render"]);
    const color = (/** @type {string} */ selector) => page.locator(selector).evaluate((element) => getComputedStyle(element).color);
    assert.equal(await color("any-widget .child"), "rgb(1, 2, 3)");
    if (shadow) assert.notEqual(await color("p.child"), "rgb(1, 2, 3)", "a shadow root keeps its styles");
  });
}

test("H6: a child renders current state", async () => {
  const host = await serveParent(`
    const child = await host.getWidget("anywidget:b");
    window.draw = () => child.render({ el: el.appendChild(document.createElement("div")) });
    await draw();
    note("drawn");`);
  const client = await connect(host, "b");
  await client.set({ x: 2 });
  const page = await open(host, await host.view("a"));
  await eventually(async () => assert.deepEqual(await childTexts(page), ["x is 2"]));
  await client.set({ x: 3 });
  await eventually(async () => assert.deepEqual(await childTexts(page), ["x is 3"]));
  await page.evaluate(() => window.draw());
  await eventually(async () => assert.deepEqual(await childTexts(page), ["x is 3", "x is 3"]));
  await client.set({ x: 4 });
  await eventually(async () => assert.deepEqual(await childTexts(page), ["x is 4", "x is 4"]));
});

test("H7: references survive in nested state and in later updates", async () => {
  const host = await serveParent(
    `const show = async () => note(model.get("tree").rows[1].ref, (await host.getModel(model.get("tree").rows[1].ref)).get("name"));
    model.on("change:tree", show);
    await show();`,
    {
      "a/widget.json": { state: { tree: { rows: [null, { ref: "anywidget:b" }] } } },
      "b/widget.json": { state: { name: "first" } },
      "c/widget.json": { state: { name: "second" } },
    },
  );
  const page = await open(host, await host.view("a"));
  await noted(page, ["anywidget:b first"]);
  const client = await connect(host, "a");
  await client.set({ tree: { rows: [null, { ref: "anywidget:c" }] } });
  await noted(page, ["anywidget:b first", "anywidget:c second"]);
});

test("H8: a child the page has not seen is opened on demand, and closed when nobody uses it", async () => {
  const host = await serveParent(`
    window.draw = async () => {
      const child = await host.getWidget("anywidget:b");
      await child.render({ el: el.appendChild(document.createElement("div")) });
    };
    note("ready");`);
  const page = await open(host, "");
  /** @type {import("playwright-core").WebSocket[]} */
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket));
  await page.route(`${host.url}/test`, async (route) => route.fulfill({ contentType: "text/html", body: await host.view("a") }));
  await page.reload();
  await noted(page, ["ready"]);
  const toChild = () => sockets.filter((socket) => socket.url().includes("/models/b/"));
  assert.equal(toChild().length, 0, "nobody asked for it yet");
  await page.evaluate(() => window.draw());
  await eventually(async () => assert.deepEqual(await childTexts(page), ["x is 1"]));
  assert.equal(await page.locator("any-widget[model=b]").count(), 0);
  assert.equal(toChild().length, 1);
  await page.evaluate(() => document.querySelector("any-widget")?.remove());
  await eventually(() => assert.ok(toChild()[0].isClosed()));
});

test("H9: a model without code can be got and listened to; nothing is loaded for it", async () => {
  const host = await serveParent(
    `const data = await host.getModel("anywidget:data");
    note(data.model_id, data.get("x"));
    data.on("change:x", () => note("x", data.get("x")));
    window.write = () => { data.set("x", 9); data.save_changes() };`,
    { "data/widget.json": { state: { x: 1 } }, "data/unused.txt": "no code" },
  );
  /** @type {string[]} */
  const requests = [];
  const page = await open(host, "");
  page.on("request", (request) => requests.push(new URL(request.url()).pathname));
  await page.route(`${host.url}/test`, async (route) => route.fulfill({ contentType: "text/html", body: await host.view("a") }));
  await page.reload();
  await noted(page, ["data 1"]);
  const client = await connect(host, "data");
  await client.set({ x: 2 });
  await noted(page, ["data 1", "x 2"]);
  await page.evaluate(() => window.write());
  await eventually(() => assert.equal(client.state.x, 9));
  assert.deepEqual(requests.filter((path) => path.includes("/widgets/data/")), []);
  assert.ok(requests.some((path) => path.includes("/widgets/a/")), "the requests were seen");
});

test("H10: create_view gives an element and remove()", async () => {
  const host = await serveParent(`
    const child = await model.widget_manager.get_model("b");
    const view = window.view = await model.widget_manager.create_view(child);
    el.append(view.el);
    note(view.el instanceof HTMLElement);`);
  const page = await open(host, await host.view("a"));
  await eventually(async () => assert.deepEqual((await notes(page)).sort(), ["child initialize b", "child render", "true"]));
  assert.deepEqual(await page.locator("any-widget").allInnerTexts(), ["x is 1"]);
  await forget(page);
  await page.evaluate(() => window.view.remove());
  await noted(page, ["child aborted", "child cleanup"]);
  assert.deepEqual(await page.locator("any-widget").allInnerTexts(), [""]);
});

test("H10: send_sync_message on a model from get_model sets and saves", async () => {
  const host = await serveParent(`
    const child = await model.widget_manager.get_model("b");
    child.on("change:x", () => note("x", child.get("x")));
    child.send_sync_message({ x: 5 });`);
  const page = await open(host, await host.view("a"));
  await noted(page, ["x 5"]);
  await eventually(async () => assert.equal((await host.state("b")).x, 5));
});

test("E5: listeners on a model from host.getModel end with the caller's signal", async () => {
  const host = await serveParent(`
    const other = await host.getModel("anywidget:b");
    const name = "view" + (window.views = (window.views ?? 0) + 1);
    other.on("change:x", () => note(name, other.get("x")));
    note(name);`);
  const page = await open(host, (await host.view("a")).repeat(2));
  await eventually(async () => assert.deepEqual((await notes(page)).sort(), ["view1", "view2"]));
  await page.evaluate(() => document.querySelector("any-widget")?.remove());
  await settle(page);
  await forget(page);
  const client = await connect(host, "b");
  await client.set({ x: 2 });
  await eventually(async () => assert.equal((await notes(page)).length, 1));
});
