/** Section F of the contract: when hooks run, and what ends with them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, expectError, forget, noted, notes, open, serve, settle, tap, warnings } from "./support/index.js";

/** @import { Page } from "playwright-core" */

/** Notes everything that happens to it. */
const CHATTY = `
  export default {
    initialize({ signal }) {
      note("initialize");
      signal.addEventListener("abort", () => note("initialize aborted"));
      return () => note("initialize cleanup");
    },
    render({ model, el, signal }) {
      note("render");
      el.textContent = "here";
      signal.addEventListener("abort", () => note("render aborted"));
      model.on("change:x", () => note("x", model.get("x")));
      return () => note("render cleanup");
    },
  }`;

/** Serves one widget, called a. @param {string} source @param {object} [state] */
const serveOne = (source, state) => serve({ "a/widget.js": source, ...(state ? { "a/widget.json": { state } } : {}) });

/** Takes elements out of the page. @param {Page} page @param {string} [selector] the first one that fits */
const remove = (page, selector = "any-widget") => page.evaluate((selector) => document.querySelector(selector)?.remove(), selector);

/** Lets widgets go on that wait for `await gate(name)`. @param {Page} page @param {string} name */
const pass = (page, name) => page.waitForFunction((name) => window[`pass_${name}`]?.() ?? !!window[`pass_${name}`], name);

/** For the source of widgets: a promise that `pass` resolves. */
const GATE = `const gate = (name) => new Promise((done) => { window["pass_" + name] = () => (done(), true) });`;

/** @param {Page} page @param {string} [selector] */
const alerts = (page, selector = "any-widget") => page.locator(`${selector} [role=alert]`).allInnerTexts();

test("F1: two views: initialize once, render twice", async () => {
  const host = await serveOne(CHATTY);
  const page = await open(host, (await host.view("a")).repeat(2));
  await noted(page, ["initialize", "render", "render"]);
});

test("F2: an async initialize is awaited", async () => {
  const host = await serveOne(`${GATE}
    export default { async initialize() { note("begins"); await gate("a"); note("ends") }, render() { note("render") } }`);
  const page = await open(host, (await host.view("a")).repeat(2));
  await noted(page, ["begins"]);
  await settle(page);
  await pass(page, "a");
  await noted(page, ["begins", "ends", "render", "render"]);
});

test("F3: signal is an AbortSignal, not aborted at start", async () => {
  const say = (hook) => `${hook}({ signal }) { note("${hook}", signal instanceof AbortSignal, signal.aborted) }`;
  const host = await serveOne(`export default { ${say("initialize")}, ${say("render")} }`);
  const page = await open(host, await host.view("a"));
  await noted(page, ["initialize true false", "render true false"]);
});

test("F4: el is an HTMLElement, in the document, empty; each view has its own", async () => {
  const host = await serveOne(`
    const seen = new Set();
    export default { render({ el }) { note(el instanceof HTMLElement, el.isConnected, el.childNodes.length, seen.has(el)); seen.add(el) } }`);
  const fallback = "<p>rendered by the server</p>";
  const views = [await host.view("a", { fallback }), await host.view("a", { fallback, shadow: true })];
  const page = await open(host, views.join(""));
  await noted(page, ["true true 0 false", "true true 0 false"]);
});

test("F5: removing one view aborts its signal and runs its cleanup once; the other views and the model are untouched", async () => {
  const host = await serveOne(CHATTY, { x: 0 });
  const page = await open(host, (await host.view("a")).repeat(2));
  await noted(page, ["initialize", "render", "render"]);
  await forget(page);
  await remove(page);
  await noted(page, ["render aborted", "render cleanup"]);
  const client = await connect(host, "a");
  await client.set({ x: 1 });
  await noted(page, ["render aborted", "render cleanup", "x 1"]);
  assert.equal(await page.locator("any-widget > div").innerText(), "here");
});

test("F6: when the last view has left for a second, views end first, then initialize", async () => {
  const host = await serveOne(`
    export default {
      initialize({ signal }) {
        window.first = signal;
        signal.addEventListener("abort", () => note("initialize aborted"));
        return () => { window.ended = performance.now(); note("initialize cleanup") };
      },
      render({ signal }) {
        note("render");
        return () => note("render cleanup", signal.aborted, window.first.aborted);
      },
    }`);
  const page = await open(host, (await host.view("a")).repeat(2));
  await noted(page, ["render", "render"]);
  const removed = await page.evaluate(() => {
    document.querySelectorAll("any-widget").forEach((element) => element.remove());
    return performance.now();
  });
  const cleanup = "render cleanup true false";
  await noted(page, ["render", "render", cleanup, cleanup, "initialize aborted", "initialize cleanup"]);
  const grace = (await page.evaluate(() => window.ended)) - removed;
  assert.ok(grace > 900 && grace < 4_000, `initialize ended ${grace} ms after the last view left`);
});

test("F6: a view that comes within the grace finds the model as it was", async () => {
  const host = await serveOne(CHATTY, { x: 0 });
  const fragment = await host.view("a");
  const page = await open(host, fragment);
  await noted(page, ["initialize", "render"]);
  await forget(page);
  await remove(page);
  await noted(page, ["render aborted", "render cleanup"]);
  await page.evaluate((html) => document.body.insertAdjacentHTML("beforeend", html), fragment);
  await noted(page, ["render aborted", "render cleanup", "render"]);
  // Two seconds on, the grace is over: nothing else may have ended.
  await page.evaluate(() => new Promise((done) => setTimeout(done, 2_000)));
  const client = await connect(host, "a");
  await client.set({ x: 1 });
  await noted(page, ["render aborted", "render cleanup", "render", "x 1"]);
});

test("F7: an async cleanup is awaited before the next render into that element", async () => {
  const host = await serve({
    "a/widget.js": `${GATE} export default { render({ el }) { note("render a"); return async () => { note("cleanup begins"); await gate("a"); note("cleanup ends", el.isConnected) } } }`,
    "b/widget.js": `export default { render({ el }) { note("render b", el.childNodes.length) } }`,
  });
  const { frames } = await tap();
  const page = await open(host, await host.view("a"));
  await noted(page, ["render a"]);
  await page.evaluate(() => document.querySelector("any-widget")?.setAttribute("model", "b"));
  await eventually(() => assert.ok(frames.some(({ id, sent, frame }) => id === "b" && !sent && frame.type === "hello")));
  await settle(page);
  await noted(page, ["render a", "cleanup begins"]);
  await pass(page, "a");
  await noted(page, ["render a", "cleanup begins", "cleanup ends true", "render b 0"]);
});

test("F8: a throwing cleanup is logged and the rest continue", async () => {
  const host = await serveOne(`
    export default {
      initialize() { return () => note("initialize cleanup") },
      render() { note("render"); return () => { note("render cleanup"); throw new Error("boom") } },
    }`);
  const page = await open(host, (await host.view("a")).repeat(2), { expect: [/boom/] });
  await noted(page, ["render", "render"]);
  await page.evaluate(() => document.querySelectorAll("any-widget").forEach((element) => element.remove()));
  await noted(page, ["render", "render", "render cleanup", "render cleanup", "initialize cleanup"]);
  await eventually(() => assert.match(host.stderr.join("\n"), /ERROR.*\n?.*cleanup.*boom/));
});

test("F8: a cleanup that never settles blocks nothing for more than 3 s", async () => {
  const host = await serve({
    "a/widget.js": `export default { render({ el }) { note("render a"); return () => { window.began = performance.now(); return new Promise(() => {}) } } }`,
    "b/widget.js": `export default { render() { window.waited = performance.now() - window.began; note("render b") } }`,
  });
  const page = await open(host, await host.view("a"));
  await noted(page, ["render a"]);
  await page.evaluate(() => document.querySelector("any-widget")?.setAttribute("model", "b"));
  await noted(page, ["render a", "render b"]);
  const waited = await page.evaluate(() => window.waited);
  assert.ok(waited < 3_500, `the next render waited ${waited} ms`);
});

test("F9: a render that resolves after its view is gone still has its cleanup run, exactly once", async () => {
  const host = await serveOne(`${GATE}
    export default { async render({ signal }) { note("render"); signal.addEventListener("abort", () => note("aborted")); await gate("a"); return () => note("cleanup") } }`);
  const page = await open(host, await host.view("a"));
  await noted(page, ["render"]);
  await remove(page);
  await noted(page, ["render", "aborted"]);
  await pass(page, "a");
  await noted(page, ["render", "aborted", "cleanup"]);
  await settle(page);
  await noted(page, ["render", "aborted", "cleanup"]);
});

test("F9: an initialize that resolves after its model is gone still has its cleanup run, exactly once", async () => {
  const host = await serveOne(`${GATE}
    export default { async initialize({ signal }) { note("initialize"); signal.addEventListener("abort", () => note("aborted")); await gate("a"); return () => note("cleanup") }, render() { note("render") } }`);
  const page = await open(host, await host.view("a"));
  await noted(page, ["initialize"]);
  await remove(page);
  await noted(page, ["initialize", "aborted"]);
  await pass(page, "a");
  await noted(page, ["initialize", "aborted", "cleanup"]);
  await settle(page);
  await noted(page, ["initialize", "aborted", "cleanup"]);
});

for (const [kind, hook] of Object.entries({ throws: "initialize", rejects: "async initialize" })) {
  test(`F10: initialize ${kind}: signal aborted, the error is shown where the view would be, render is not called`, async () => {
    const host = await serveOne(`
      export default {
        ${hook}({ signal }) { signal.addEventListener("abort", () => note("aborted")); throw new Error("boom") },
        render() { note("render") },
      }`);
    const page = await open(host, (await host.view("a")).repeat(2), { expect: [/boom/] });
    await eventually(async () => assert.equal((await alerts(page)).length, 2));
    for (const text of await alerts(page)) assert.match(text, /boom/);
    await noted(page, ["aborted"]);
  });
}

for (const [kind, hook] of Object.entries({ throws: "render", rejects: "async render" })) {
  test(`F11: render ${kind}: its signal is aborted and that view shows the error; its siblings live`, async () => {
    const host = await serveOne(
      `let views = 0;
      export default {
        ${hook}({ model, el, signal }) {
          el.textContent = "half done";
          signal.addEventListener("abort", () => note("aborted"));
          model.on("change:x", () => note("x", model.get("x")));
          if (!views++) throw new Error("boom");
        },
      }`,
      { x: 0 },
    );
    const page = await open(host, (await host.view("a")).repeat(2), { expect: [/boom/] });
    await eventually(async () => assert.equal((await alerts(page)).length, 1));
    assert.match((await alerts(page))[0], /boom/);
    await noted(page, ["aborted"]);
    const client = await connect(host, "a");
    await client.set({ x: 1 });
    await noted(page, ["aborted", "x 1"]);
    assert.equal(await page.getByText("half done").count(), 1, "what the failed render left is gone");
  });
}

test("F12: a value change never remounts", async () => {
  const host = await serveOne(CHATTY, { x: 0 });
  const page = await open(host, await host.view("a"));
  await noted(page, ["initialize", "render"]);
  const client = await connect(host, "a");
  for (const x of [1, 2, 3]) {
    await client.set({ x });
    await eventually(async () => assert.equal((await notes(page)).at(-1), `x ${x}`));
  }
  assert.deepEqual(await notes(page), ["initialize", "render", "x 1", "x 2", "x 3"]);
});

test("F13: an element whose model attribute changes unmounts and mounts", async () => {
  const source = (name) => `
    export default { render({ model, el }) { note("render", model.model_id, model.get("name")); el.textContent = "${name}"; return () => note("cleanup", model.model_id) } }`;
  const host = await serve({
    "a/widget.js": source("a"),
    "a/widget.json": { state: { name: "one" } },
    "b/widget.js": source("b"),
    "b/widget.json": { state: { name: "two" } },
  });
  const page = await open(host, await host.view("a"));
  await noted(page, ["render a one"]);
  await page.evaluate(() => document.querySelector("any-widget")?.setAttribute("model", "b"));
  await noted(page, ["render a one", "cleanup a", "render b two"]);
  assert.equal(await page.locator("any-widget").innerText(), "b");
});

test("F14: after abort no listener of that hook fires, and get always answers", async () => {
  const host = await serveOne(
    `let views = 0;
    export default { render({ model, signal }) {
      const name = "view" + ++views;
      window[name] = model;
      model.on("change:x", () => note(name, model.get("x")));
      model.on("change", () => note(name, "change"));
      model.on("msg:custom", () => note(name, "message"));
      note(name);
    } }`,
    { x: 0 },
  );
  const page = await open(host, (await host.view("a")).repeat(2));
  await noted(page, ["view1", "view2"]);
  await remove(page);
  await settle(page);
  await forget(page);
  const client = await connect(host, "a");
  await client.set({ x: 1 });
  await noted(page, ["view2 1", "view2 change"]);
  assert.equal(await page.evaluate(() => window.view1.get("x")), 1);
});

test("F14: set, save_changes and send work until the hook's cleanup has settled, then warn and do nothing", async () => {
  const host = await serveOne(
    `${GATE}
    let first = true;
    export default { render({ model }) {
      note("render");
      if (!first) return;
      first = false;
      window.late = model;
      return async () => {
        model.set("x", 1);
        model.save_changes();
        await gate("a");
        model.set("x", 2);
        model.save_changes();
        note("cleaned");
      };
    } }`,
    { x: 0, y: 0 },
  );
  const page = await open(host, (await host.view("a")).repeat(2));
  await noted(page, ["render", "render"]);
  await remove(page);
  await eventually(async () => assert.equal((await host.state("a")).x, 1));
  await pass(page, "a");
  await eventually(async () => assert.equal((await host.state("a")).x, 2));
  await settle(page);
  const before = warnings(page).length;
  await page.evaluate(() => {
    window.late.set("x", 3);
    window.late.save_changes();
    window.late.send("late");
  });
  assert.equal(await page.evaluate(() => window.late.get("x")), 2);
  await eventually(() => assert.ok(warnings(page).length > before, "it warns"));
  // Another view's write comes after it on the same connection.
  const client = await connect(host, "a");
  await client.set({ y: 1 });
  assert.deepEqual(await host.state("a"), { x: 2, y: 1 });
});

test("F15: errors are shown with role=alert, name the widget and the phase, and are reported to the host's log", async () => {
  const host = await serve({
    "loading/widget.js": `export default () => { throw new Error("boom 1") }`,
    "starting/widget.js": `export default { initialize() { throw new Error("boom 2") } }`,
    "drawing/widget.js": `export default { render() { throw new Error("boom 3") } }`,
    "listening/widget.js": `export default { render({ model }) { model.on("change:x", () => { throw new Error("boom 4") }); note("listens") } }`,
    "listening/widget.json": { state: { x: 0 } },
  });
  const names = ["loading", "starting", "drawing", "listening"];
  const page = await open(host, (await Promise.all(names.map((name) => host.view(name)))).join(""), {
    expect: [/boom 1/, /boom 2/, /boom 3/],
  });
  for (const [name, phase, message] of [
    ["loading", "load", "boom 1"],
    ["starting", "initialize", "boom 2"],
    ["drawing", "render", "boom 3"],
  ]) {
    const near = `any-widget[model=${name}]`;
    await eventually(async () => assert.equal((await alerts(page, near)).length, 1));
    assert.match((await alerts(page, near))[0], new RegExp(`${name}[^]*${phase}[^]*${message}`));
    await eventually(() => assert.ok(logged(host, name, phase, message), host.stderr.join("\n")));
  }
  await noted(page, ["listens"]);
  expectError(page, /boom 4/);
  const client = await connect(host, "listening");
  await client.set({ x: 1 });
  await eventually(() => assert.ok(logged(host, "listening", "listener", "boom 4"), host.stderr.join("\n")));
});

/** Whether an entry of the log, which may have several lines, is an error with all these words. @param {{ stderr: string[] }} host @param {string[]} words */
function logged(host, ...words) {
  const entries = host.stderr.join("\n").split(/\n(?=\s*(?:ERROR|WARN|INFO) )/);
  return entries.some((entry) => entry.includes("ERROR") && words.every((word) => entry.includes(word)));
}

test("F16: moving an element in the page keeps its view", async () => {
  const host = await serveOne(CHATTY, { x: 0 });
  const page = await open(host, `<section id="left">${await host.view("a")}</section><section id="right"></section>`);
  await noted(page, ["initialize", "render"]);
  await page.evaluate(() => {
    const element = /** @type {Element} */ (document.querySelector("any-widget"));
    window.content = element.querySelector("div")?.firstChild;
    document.querySelector("#right")?.append(element);
  });
  await settle(page);
  await page.evaluate(() => {
    const left = /** @type {Element} */ (document.querySelector("#left"));
    left.insertBefore(/** @type {Element} */ (document.querySelector("any-widget")), left.firstChild);
  });
  await settle(page);
  const client = await connect(host, "a");
  await client.set({ x: 1 });
  await noted(page, ["initialize", "render", "x 1"]);
  assert.ok(await page.evaluate(() => window.content === document.querySelector("#left any-widget > div")?.firstChild));
});
