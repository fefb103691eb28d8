/** What views tell the page around them: who made a change, and that every event reaches the document. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, forget, noted, open, serve, settle } from "./support/index.js";
import { valve } from "./support/valve.js";

/** @import { Page } from "playwright-core" */

/** Keeps what its hooks are given. */
const WIDGET = `
  window.views = [];
  export default {
    initialize({ model }) { window.first = model },
    render({ model, host, el }) { window.views.push({ model, host }); el.textContent = "here" },
  }`;

const FILES = { "a/widget.js": WIDGET, "a/widget.json": { state: { x: 0, y: 0 } } };

/** Notes what changes, as the elements one and two tell it. @param {Page} page */
const listen = (page) =>
  page.evaluate(() => {
    for (const id of ["one", "two"]) {
      document.getElementById(id)?.addEventListener("anywidget:change", ({ type, detail }) => note(id, type, detail.key, JSON.stringify(detail.value), detail.origin));
    }
  });

/** A page with the views one and two of a model. */
async function twoViews() {
  const host = await serve(FILES);
  const wire = await valve();
  const page = await open(host, (await host.view("a", { attributes: 'id="one"' })) + (await host.view("a", { attributes: 'id="two"' })));
  await page.waitForFunction(() => window.views?.length === 2);
  await eventually(() => assert.ok(wire.got("hello").length));
  await listen(page);
  return { host, page, wire };
}

/** Sets and saves in the page. @param {Page} page @param {string} what an expression that gives a model @param {object} state */
const save = (page, what, state) =>
  page.evaluate(async ([what, state]) => {
    const model = await new Function(`return ${what}`)();
    model.set(state);
    model.save_changes();
  }, /** @type {const} */ ([what, state]));

/** @param {string} one @param {string} two @param {string} [what] */
const told = (one, two, what = "x 1") => [`one anywidget:change ${what} ${one}`, `two anywidget:change ${what} ${two}`];

for (const [who, what, one, two] of /** @type {[string, string, string, string][]} */ ([
  ["a view", "window.views[0].model", "view", "other"],
  ["the other view", "window.views[1].model", "other", "view"],
  ["a script of the page, at the model of a view", 'document.getElementById("two").getModel()', "other", "view"],
  ["initialize, which is of no view", "window.first", "view", "view"],
])) {
  test(`origin: ${who}`, async () => {
    const { page } = await twoViews();
    await save(page, what, { x: 1 });
    await noted(page, told(one, two));
  });
}

test("origin: another page is other, the host is host", async () => {
  const { host, page, wire } = await twoViews();
  const client = await connect(host, "a");
  await client.set({ x: 1 });
  await noted(page, told("other", "other"));
  await forget(page);
  wire.inject("a", { type: "set", base: 0, rev: 0, state: { x: 2 } });
  await noted(page, told("host", "host", "x 2"));
});

test("origin: each key of a save has the view that set it, also when the other one saves, and when it waited", async () => {
  const { page, wire } = await twoViews();
  await page.evaluate(() => {
    const [one, two] = window.views.map(({ model }) => model);
    one.set("x", 1);
    two.set("y", 1);
    two.save_changes();
  });
  await noted(page, [...told("view", "other"), ...told("other", "view", "y 1")]);
  await forget(page);
  wire.hold("up");
  await page.evaluate(() => {
    const [one, two] = window.views.map(({ model }) => model);
    one.set("x", 2);
    one.save_changes();
    one.set("y", 2);
    one.save_changes(); // waits for the first
    two.set("x", 3);
    two.save_changes(); // joins what waits
    one.set("x", 4); // and this is not saved at all
  });
  wire.release("up");
  await eventually(() => assert.equal(wire.sent("set").length, 3));
  await noted(page, [...told("view", "other", "x 4"), ...told("view", "other", "y 2"), ...told("other", "view", "x 4")]);
});

test("origin: another widget that writes to the model is other, in a view or in initialize", async () => {
  const host = await serve({
    ...FILES,
    "b/widget.js": `export default { initialize({ model }) { window.manager = model.widget_manager }, render({ host }) { window.reach = host.getModel } }`,
  });
  const page = await open(host, (await host.view("a", { attributes: 'id="one"' })) + (await host.view("a", { attributes: 'id="two"' })) + (await host.view("b")));
  await page.waitForFunction(() => window.views?.length === 2 && window.reach);
  await listen(page);
  await save(page, 'window.reach("anywidget:a")', { x: 1 });
  await noted(page, told("other", "other"));
  await save(page, 'window.manager.get_model("a")', { y: 1 });
  await noted(page, [...told("other", "other"), ...told("other", "other", "y 1")]);
});

test("origin: the true value after a refusal is the host's", async () => {
  const { page, wire } = await twoViews();
  wire.intercept = ({ type, seq }, id) => type === "set" && (wire.inject(id, { type: "ack", seq, rev: 0, refused: { x: "no" }, state: { x: 0 } }), true);
  await save(page, "window.views[0].model", { x: 1 });
  await noted(page, told("host", "host", "x 0"));
});

const EVENTS = ["anywidget:ready", "anywidget:change", "anywidget:change:x", "anywidget:refused", "anywidget:error", "anywidget:connection", "anywidget:end", "told-by-rust"];

for (const [where, wrap] of /** @type {[string, (html: string) => string][]} */ ([
  ["the page", (html) => html],
  ["a shadow root of the page", (html) => `<div><template shadowrootmode="open">${html}</template></div>`],
])) {
  test(`every event of a view in ${where} reaches the document`, async () => {
    const host = await serve(FILES);
    const wire = await valve();
    const page = await open(host, `<script src="/listen.js"></script>${wrap(await host.view("a"))}`, {
      allow: [/broken on purpose/, /was deleted/],
      files: { "/listen.js": `for (const name of ${JSON.stringify(EVENTS)}) document.addEventListener(name, ({ bubbles, composed, detail }) => note(name, bubbles, composed, Object.keys(detail).sort()))` },
    });
    const all = ["anywidget:ready true true model", "anywidget:connection true true state"];
    const hears = () => eventually(async () => assert.deepEqual((await page.evaluate(() => [...window.notes])).sort(), [...all].sort()));
    await hears();
    await page.evaluate(() => {
      const { model } = window.views[0];
      model.set({ x: 1, unknown: 1 });
      model.save_changes();
    });
    all.push("anywidget:change true true key,origin,value", "anywidget:change:x true true key,origin,value", "anywidget:refused true true unknown");
    await hears();
    await page.evaluate(() => {
      const { model } = window.views[0];
      model.on("change:y", () => {
        throw new Error("broken on purpose");
      });
      model.set("y", 1);
    });
    wire.inject("a", { type: "event", name: "told-by-rust", detail: { a: 1 } });
    all.push("anywidget:error true true error,message,phase", "told-by-rust true true a");
    await hears();
    wire.inject("a", { type: "end", reason: "it was deleted" });
    all.push("anywidget:end true true reason", "anywidget:connection true true state");
    await hears();
    await settle(page);
    await hears();
  });
}

test("a view is busy until it is rendered, or has failed", async () => {
  const host = await serve({
    "a/widget.js": `export default { async render({ el }) { el.textContent = "begun"; await new Promise((done) => { window.pass = done }); note("over") } }`,
    "b/widget.js": `export default { render() { throw new Error("broken on purpose") } }`,
    "c/widget.js": `throw new Error("broken on purpose")`,
  });
  const views = await Promise.all(["a", "b", "c"].map((id) => host.view(id, { attributes: `id="${id}"` })));
  const page = await open(host, views.join(""), { allow: [/broken on purpose/, /nobody/] });
  const busy = () => page.evaluate(() => Array.from(document.querySelectorAll("any-widget"), (element) => element.getAttribute("aria-busy")));
  await page.waitForFunction(() => window.pass && document.querySelectorAll("any-widget [role=alert]").length === 2);
  assert.deepEqual(await busy(), ["true", null, null]);
  await page.evaluate(() => window.pass());
  await noted(page, ["over"]);
  await eventually(async () => assert.deepEqual(await busy(), [null, null, null]));
  await page.evaluate(() => {
    document.getElementById("a")?.setAttribute("model", "nobody");
    document.getElementById("b")?.removeAttribute("model");
  });
  await eventually(async () => assert.equal(await page.locator("any-widget [role=alert]").count(), 3));
  assert.deepEqual(await busy(), [null, null, null]);
});
