/** Section E of the contract: who is called, with what, and until when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, expectError, forget, noted, open, serve, settle } from "./support/index.js";
import { probe } from "./support/probe.js";

/** @import { Page } from "playwright-core" */

/** Sets `a` to a value it does not have yet, and gives what listeners noted. @param {Page} page */
const change = (page) =>
  page.evaluate(() => {
    window.notes.length = 0;
    const { model } = window.views[0];
    model.set("a", (model.get("a") ?? 0) + 1);
    return [...window.notes];
  });

const KINDS = ["change:a", "change", "msg:custom"];

/** Registers two listeners of each kind, x and y, in `initialize` and both views. @param {Page} page */
const listenEverywhere = (page) =>
  page.evaluate((kinds) => {
    const owners = { initialize: window.starts[0].model, one: window.views[0].model, two: window.views[1].model };
    window.callbacks = {};
    for (const [owner, model] of Object.entries(owners)) {
      for (const kind of kinds) {
        for (const name of ["x", "y"]) {
          // x is one function for all kinds and y another, as a widget would have them.
          const callback = (window.callbacks[`${owner} ${name}`] ??= () => note(owner, name));
          model.on(kind, callback);
        }
      }
    }
  }, KINDS);

/** Who is called by each kind of event: "one x" and so on. @param {Awaited<ReturnType<typeof probe>>} probed */
async function called({ page, wire }) {
  /** @type {Record<string, string[]>} */
  const all = {};
  all.both = (await change(page)).sort();
  await forget(page);
  wire.inject("a", { type: "message", content: "hi", buffers: [], rev: 0 });
  await page.waitForFunction(() => window.notes.some((text) => text.startsWith("initialize") || text.startsWith("two")));
  await settle(page);
  all.message = (await page.evaluate(() => [...window.notes])).sort();
  return all;
}

/** Two calls a change (`change:a` and `change`), one a message. @param {Record<string, number>} listeners how often each is called by a change */
const expected = (listeners) => Object.entries(listeners).flatMap(([name, times]) => Array(times).fill(name)).sort();

const OTHERS = { "initialize x": 2, "initialize y": 2, "two x": 2, "two y": 2 };
const OTHER_MESSAGES = { "initialize x": 1, "initialize y": 1, "two x": 1, "two y": 1 };

for (const [call, changes, messages] of /** @type {[string, Record<string, number>, Record<string, number>][]} */ ([
  ['off("change:a", x)', { "one x": 1, "one y": 2 }, { "one x": 1, "one y": 1 }],
  ['off("change:a")', { "one x": 1, "one y": 1 }, { "one x": 1, "one y": 1 }],
  ['off("msg:custom", y)', { "one x": 2, "one y": 2 }, { "one x": 1 }],
  ["off(null, x)", { "one y": 2 }, { "one y": 1 }],
  ["off()", {}, {}],
])) {
  test(`E1: ${call} ends listeners only among those of the calling hook's model`, async () => {
    const probed = await probe({ a: 0 }, { views: 2 });
    const { page } = probed;
    await listenEverywhere(page);
    await page.evaluate((call) => {
      const { model } = window.views[0];
      const [x, y] = [window.callbacks["one x"], window.callbacks["one y"]];
      new Function("model", "x", "y", `model.${call}`)(model, x, y);
      // Functions of the others are not among one's own.
      model.off("change:a", window.callbacks["two x"]);
      model.off(null, window.callbacks["initialize y"]);
    }, call);
    assert.deepEqual(await called(probed), {
      both: expected({ ...OTHERS, ...changes }),
      message: expected({ ...OTHER_MESSAGES, ...messages }),
    });
  });
}

test("E2: a listener that removes itself or others during dispatch skips nobody else", async () => {
  const { page } = await probe({ a: 0 }, { views: 2 });
  await page.evaluate(() => {
    const { model } = window.views[0];
    const make = (name, then = () => {}) => (window[name] = () => (note(name), then()));
    model.on("change:a", make("first"));
    model.on("change:a", make("once", () => model.off("change:a", window.once)));
    model.on("change:a", make("second"));
    model.on("change:a", make("remover", () => (model.off("change:a", window.first), model.off("change:a", window.later))));
    model.on("change:a", make("later"));
    model.on("change:a", make("third"));
    window.views[1].model.on("change:a", make("elsewhere"));
  });
  const first = await change(page);
  assert.deepEqual(first.filter((name) => name !== "later"), ["first", "once", "second", "remover", "third", "elsewhere"]);
  assert.deepEqual(await change(page), ["second", "remover", "third", "elsewhere"]);
});

test("E2: a listener that is added during dispatch is not called for that event", async () => {
  const { page } = await probe({ a: 0 });
  await page.evaluate(() => {
    const { model } = window.views[0];
    const adder = () => {
      note("adder");
      model.off("change:a", adder);
      model.on("change:a", () => note("added"));
    };
    model.on("change:a", adder);
    model.on("change:a", () => note("last"));
  });
  assert.deepEqual(await change(page), ["adder", "last"]);
  assert.deepEqual(await change(page), ["last", "added"]);
});

test("E3: a throwing listener is logged, later ones run", async () => {
  const { host, page, wire } = await probe({ a: 0 }, { views: 2 });
  expectError(page, /broken by change/);
  expectError(page, /broken by message/);
  await page.evaluate(() => {
    const [one, two] = window.views.map(({ model }) => model);
    for (const [name, word] of [["change:a", "change"], ["msg:custom", "message"]]) {
      one.on(name, () => {
        throw new Error(`broken by ${word}`);
      });
      one.on(name, () => note("same view"));
      two.on(name, () => note("other view"));
    }
    one.on("change", () => note("change"));
  });
  assert.deepEqual(await change(page), ["same view", "other view", "change"]);
  await forget(page);
  wire.inject("a", { type: "message", content: 1, buffers: [], rev: 0 });
  await noted(page, ["same view", "other view"]);
  for (const word of ["change", "message"]) {
    await eventually(() => assert.ok(host.stderr.some((line) => line.includes(`broken by ${word}`)), host.stderr.join("\n")));
  }
});

test("E4: on(\"change:a change:b\", cb) listens to both; off of one keeps the other", async () => {
  const { page } = await probe({ a: 0, b: 0 });
  const seen = await page.evaluate(() => {
    const { model } = window.views[0];
    const callback = (_, value) => note(value);
    model.on("change:a change:b", callback);
    model.set("a", "a1");
    model.set("b", "b1");
    model.off("change:a", callback);
    model.set("a", "a2");
    model.set("b", "b2");
    model.on("change:a", callback);
    model.off("change:a change:b", callback);
    model.set({ a: "a3", b: "b3" });
    return [...window.notes];
  });
  assert.deepEqual(seen, ["a1", "b1", "b2"]);
});

test("E5: listeners end with the hook they were made in, those on models from host.getModel too", async () => {
  const { host, page, wire } = await probe({ a: 0 }, { views: 2, files: { "other/widget.json": { state: { a: 0 } } } });
  await page.evaluate(async () => {
    window.starts[0].model.on("change:a", () => note("initialize"));
    for (const [i, { model, host }] of window.views.entries()) {
      model.on("change:a", () => note("view", i));
      model.on("msg:custom", () => note("message", i));
      const other = await host.getModel("anywidget:other");
      other.on("change:a change", () => note("other", i));
    }
  });
  const client = await connect(host, "other");
  await client.set({ a: 1 });
  await noted(page, ["other 0", "other 1", "other 0", "other 1"]);
  await page.evaluate(() => document.querySelector("any-widget")?.remove());
  await page.waitForFunction(() => window.views[0].signal.aborted);
  await forget(page);
  await page.evaluate(() => window.views[1].model.set("a", 1));
  await noted(page, ["initialize", "view 1"]);
  await forget(page);
  wire.inject("a", { type: "message", content: 1, buffers: [], rev: 0 });
  await noted(page, ["message 1"]);
  await forget(page);
  await client.set({ a: 2 });
  await noted(page, ["other 1", "other 1"]);
  await settle(page);
  await noted(page, ["other 1", "other 1"]);
});

test("E6: hot reload leaves no listener of the old code", async () => {
  const source = (version) => `
    export default {
      initialize({ model }) { model.on("change:a change msg:custom", () => note("initialize ${version}")) },
      async render({ model, host }) {
        model.on("change:a change msg:custom", () => note("render ${version}"));
        (await host.getModel("anywidget:other")).on("change:a", () => note("other ${version}"));
        window.ready = "${version}";
      },
    }`;
  const host = await serve({ "a/widget.js": source("old"), "a/widget.json": { state: { a: 0 } }, "other/widget.json": { state: { a: 0 } } });
  const page = await open(host, await host.view("a"));
  await page.waitForFunction(() => window.ready === "old");
  const client = await connect(host, "a");
  const other = await connect(host, "other");
  await client.set({ a: 1 });
  await noted(page, ["initialize old", "render old", "initialize old", "render old"]);
  await host.write("a/widget.js", source("new"));
  await page.waitForFunction(() => window.ready === "new");
  await forget(page);
  await client.set({ a: 2 });
  await noted(page, ["initialize new", "render new", "initialize new", "render new"]);
  await forget(page);
  await other.set({ a: 2 });
  await noted(page, ["other new"]);
  await settle(page);
  await noted(page, ["other new"]);
});

test("E7: change:key is called as (model, value), that model with changed = {key: value}; change as (model)", async () => {
  const probed = await probe({ a: 0, b: { x: 0 } });
  const { host, page } = probed;
  await page.evaluate(() => {
    const { model } = window.views[0];
    window.calls = [];
    const say = (name) => (...args) => {
      const [first] = args;
      window.calls.push([name, args.length, first.get("a"), typeof first.set, typeof first.save_changes, structuredClone(first.changed), ...args.slice(1)]);
    };
    model.on("change:a", say("a"));
    model.on("change:b", say("b"));
    model.on("change", (...args) => window.calls.push(["change", args.length, args[0].get("a"), structuredClone(args[0].changed)]));
  });
  const calls = () => page.evaluate(() => window.calls.splice(0));
  await page.evaluate(() => window.views[0].model.set("a", 1));
  assert.deepEqual(await calls(), [
    ["a", 2, 1, "function", "function", { a: 1 }, 1],
    ["change", 1, 1, { a: 1 }],
  ]);
  const client = await connect(host, "a");
  await client.set({ a: 2, b: { x: 1 } });
  await eventually(async () => assert.equal(await page.evaluate(() => window.calls.length), 3));
  assert.deepEqual(await calls(), [
    ["a", 2, 2, "function", "function", { a: 2 }, 2],
    ["b", 2, 2, "function", "function", { b: { x: 1 } }, { x: 1 }],
    ["change", 1, 2, { a: 2, b: { x: 1 } }],
  ]);
});

test("E8: names are split on white space; a third argument to on is ignored", async () => {
  const { page, wire } = await probe({ a: 0, b: 0, c: 0 });
  await page.evaluate(() => {
    const { model } = window.views[0];
    const names = " change:a\tchange:b \n change:c  msg:custom ";
    window.callback = function (first, value) {
      note(typeof first === "object" ? value : first);
    };
    model.on(names, window.callback, { anything: true });
    model.on("change:a", () => note("with a string"), "string");
    model.set({ a: 1, b: 2, c: 3 });
  });
  await noted(page, ["1", "with a string", "2", "3"]);
  await forget(page);
  wire.inject("a", { type: "message", content: "message", buffers: [], rev: 0 });
  await noted(page, ["message"]);
  await forget(page);
  await page.evaluate(() => {
    const { model } = window.views[0];
    model.off("change:a \n change:b", window.callback);
    model.set({ a: 2, b: 3, c: 4 });
  });
  await noted(page, ["with a string", "4"]);
});

