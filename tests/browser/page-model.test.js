/** `element.getModel()`: a page's own scripts at the model of a view, and what ends with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, insert, noted, notes, open, serve, settle, tap, warnings } from "./support/index.js";

/** @import { Page } from "playwright-core" */

const WIDGET = `export default { render({ model, el }) {
  const show = () => { el.textContent = model.get("x") };
  model.on("change:x", show);
  show();
} }`;

/** @param {Record<string, unknown>} [state] */
const serveWidget = (state = { x: 1, y: 0 }) => serve({ "a/widget.js": WIDGET, "a/widget.json": { state }, "b/widget.js": WIDGET, "b/widget.json": { state: { x: 5 } } });

/** Gets the model of the first view as `window.model`, and notes each change of `x`. @param {Page} page */
const listen = (page) =>
  page.evaluate(async () => {
    window.model = await document.querySelector("any-widget").getModel();
    window.model.on("change:x", (_, value) => note("x is", value));
  });

test("a page reads, follows and writes the model of a view", async () => {
  const host = await serveWidget();
  const page = await open(host, await host.view("a"));
  await listen(page);
  assert.deepEqual(await page.evaluate(() => [window.model.get("x"), window.model.keys(), window.model.model_id]), [1, ["x", "y"], "a"]);
  await page.evaluate(() => {
    window.model.set("x", 2);
    window.model.save_changes();
  });
  await eventually(async () => assert.deepEqual(await host.state("a"), { x: 2, y: 0 }));
  await eventually(async () => assert.equal(await page.locator("any-widget").innerText(), "2"));
  const client = await connect(host, "a");
  await client.set({ x: 3 });
  await noted(page, ["x is 2", "x is 3"]);
});

test("it can be asked for in the moment an element is put into the page", async () => {
  const host = await serveWidget();
  const page = await open(host, await host.view("b"));
  const x = await page.evaluate(async (html) => {
    document.body.insertAdjacentHTML("beforeend", html);
    return (await document.body.querySelector("[model=a]").getModel()).get("x");
  }, await host.view("a"));
  assert.equal(x, 1);
});

test("a state that did not come with the page is there when the promise is kept", async () => {
  const host = await serveWidget({ x: 1, data: { $bytes: "AAEC" } });
  const page = await open(host, await host.view("a"));
  await listen(page);
  assert.deepEqual(await page.evaluate(() => [window.model.get("data").byteLength, window.model.keys()]), [3, ["x", "data"]]);
});

test("what is listened to ends with the signal, and no other's does", async () => {
  const host = await serveWidget();
  const page = await open(host, await host.view("a"));
  await listen(page);
  await page.evaluate(async () => {
    window.stop = new AbortController();
    const model = await document.querySelector("any-widget").getModel({ signal: window.stop.signal });
    model.on("change:x", () => note("ends early"));
    window.early = model;
  });
  const change = (/** @type {number} */ x) => page.evaluate((x) => void window.model.set("x", x), x);
  await change(2);
  await noted(page, ["x is 2", "ends early"]);
  await page.evaluate(() => window.stop.abort());
  await change(3);
  await noted(page, ["x is 2", "ends early", "x is 3"]);
  await page.evaluate(() => window.early.set("x", 9));
  assert.ok(warnings(page).some((text) => text.includes("after the end of its view")), warnings(page).join("\n"));
  assert.equal(await page.evaluate(() => window.model.get("x")), 3);
});

test("off() ends one's own listeners, not the widget's and not another script's", async () => {
  const host = await serveWidget();
  const page = await open(host, await host.view("a"));
  await listen(page);
  await page.evaluate(async () => {
    const model = await document.querySelector("any-widget").getModel();
    model.on("change:x", () => note("other"));
    window.model.off();
    model.set("x", 7);
  });
  await noted(page, ["other"]);
  assert.equal(await page.locator("any-widget").innerText(), "7");
});

test("what is listened to ends when the element leaves the page, though another view keeps the model", async () => {
  const host = await serveWidget();
  const page = await open(host, (await host.view("a")).repeat(2));
  await listen(page);
  await page.evaluate(() => document.querySelector("any-widget")?.remove());
  const client = await connect(host, "a");
  await client.set({ x: 2 });
  await eventually(async () => assert.equal(await page.locator("any-widget").innerText(), "2"));
  assert.deepEqual(await notes(page), []);
  assert.equal(await page.evaluate(() => window.model.get("x")), 2, "get always answers");
});

test("what is listened to stays when the element moves, and when the widget's code is edited", async () => {
  const host = await serveWidget();
  const page = await open(host, `<main></main>${await host.view("a")}`);
  await listen(page);
  await page.evaluate(() => document.querySelector("main")?.append(document.querySelector("any-widget") ?? ""));
  await settle(page);
  await host.write("a/widget.js", WIDGET.replace('model.get("x") }', '"new " + model.get("x") }'));
  await eventually(async () => assert.equal(await page.locator("any-widget").innerText(), "new 1"));
  const client = await connect(host, "a");
  await client.set({ x: 2 });
  await noted(page, ["x is 2"]);
});

test("an element that gets another model gives that one", async () => {
  const host = await serveWidget();
  const page = await open(host, await host.view("a"));
  await listen(page);
  const x = await page.evaluate(async () => {
    const element = document.querySelector("any-widget");
    element.setAttribute("model", "b");
    return (await element.getModel()).get("x");
  });
  assert.equal(x, 5);
  const client = await connect(host, "a");
  await client.set({ x: 2 });
  await settle(page);
  assert.deepEqual(await notes(page), []);
});

test("it is refused with the reason: outside the page, without a model, by the signal, and for a model that is not there", async () => {
  const host = await serveWidget();
  const page = await open(host, await host.view("a"), { allow: [/nobody/] });
  const why = (/** @type {string} */ how) =>
    page.evaluate(async (how) => {
      const element = document.createElement("any-widget");
      if (how !== "outside") document.body.append(element);
      if (how === "nobody" || how === "aborted") element.setAttribute("model", how === "nobody" ? "nobody" : "a");
      const signal = how === "aborted" ? AbortSignal.abort(new Error("not wanted")) : undefined;
      const error = await element.getModel({ signal }).then(() => "kept", ({ message }) => message);
      element.remove();
      return error;
    }, how);
  assert.match(await why("outside"), /while it is in the page/);
  assert.match(await why("without"), /model/);
  assert.equal(await why("aborted"), "not wanted");
  assert.match(await why("nobody"), /model "nobody": no such model/);
});

test("it tells which keys the page may write, as the host said hello", async () => {
  const host = await serveWidget();
  const wire = await tap();
  const page = await open(host, await host.view("a"));
  await listen(page);
  const writable = () => page.evaluate(() => ["x", "y"].map((key) => window.model.writable(key)));
  const hello = await eventually(() => {
    const seen = wire.frames.find(({ sent, frame }) => !sent && frame.type === "hello");
    assert.ok(seen);
    return seen.frame;
  });
  assert.deepEqual(await writable(), [true, true]);
  for (const [readonly, expected] of /** @type {const} */ ([[["y"], [true, false]], [true, [false, false]], [[], [true, true]]])) {
    wire.inject("a", { ...hello, readonly });
    await eventually(async () => assert.deepEqual(await writable(), expected));
  }
});

test("a fragment's script brought by a library of fragments gives the same", async () => {
  const host = await serveWidget();
  const page = await open(host, "<main></main>");
  await insert(page, await host.view("a"), "main");
  await page.evaluate(() => customElements.whenDefined("any-widget"));
  await listen(page);
  assert.equal(await page.evaluate(() => window.model.get("x")), 1);
});
