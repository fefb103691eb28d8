/** Section M of the contract: what a widget's model keeps, tells and sends. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, insert, noted, open, serve, settle } from "./support/index.js";
import { flush, probe, rendered } from "./support/probe.js";

/** What the page sent as `set`s, up to now. @param {Parameters<typeof flush>[0]} probed */
const saves = async (probed) => (await flush(probed)).filter(({ type }) => type === "set").map(({ state }) => state);

/** A key of the first view's model. @param {import("playwright-core").Page} page @param {string} key */
const get = (page, key) => page.evaluate((key) => window.views[0].model.get(key), key);

/** Notes `change:key` with the value for each of these keys, and `change`. @param {import("playwright-core").Page} page @param {string[]} keys */
const listen = (page, keys) =>
  page.evaluate((keys) => {
    const { model } = window.views[0];
    for (const key of keys) model.on(`change:${key}`, () => note(key, JSON.stringify(model.get(key))));
    model.on("change", () => note("change"));
  }, keys);

test("M1: get of an unknown key is undefined", async () => {
  const { page } = await probe({ a: null });
  assert.equal(await page.evaluate(() => window.views[0].model.get("b")), undefined);
  assert.equal(await page.evaluate(() => window.views[0].model.get("toString")), undefined);
  assert.equal(await page.evaluate(() => window.views[0].model.get("a")), null);
});

test("M1: get returns the same reference until the value changes", async () => {
  const probed = await probe({ a: [1], b: 0, c: { deep: [1] } });
  const { host, page } = probed;
  const client = await connect(host, "a");
  const same = (key) => page.evaluate((key) => window.views[0].model.get(key) === window.kept[key], key);
  await page.evaluate(() => void (window.kept = { a: window.views[0].model.get("a"), c: window.views[0].model.get("c") }));
  assert.ok(await same("a"));
  await client.set({ b: 1 });
  await eventually(async () => assert.equal(await get(page, "b"), 1));
  assert.ok((await same("a")) && (await same("c")), "another key changed");
  await client.set({ a: [1, 2] });
  await eventually(async () => assert.deepEqual(await get(page, "a"), [1, 2]));
  assert.ok(!(await same("a")), "the value changed");
  assert.ok(await same("c"));
  await page.evaluate(() => {
    const { model } = window.views[0];
    model.set("a", [3]);
    window.kept.a = model.get("a");
    model.save_changes();
  });
  await flush(probed);
  assert.ok(await same("a"), "the value was saved and acknowledged");
});

test("M2: set shows at once in get; change:key fires, then change", async () => {
  const { page } = await probe({ a: 1, b: 1 });
  await listen(page, ["a", "b"]);
  const after = await page.evaluate(() => {
    const { model } = window.views[0];
    model.set("a", 2);
    return { a: model.get("a"), notes: [...window.notes] };
  });
  assert.deepEqual(after, { a: 2, notes: ["a 2", "change"] });
});

test("M3: an equal set fires nothing and dirties nothing", async () => {
  const probed = await probe(null);
  const { page } = probed;
  await page.evaluate(() => {
    const { model } = window.views[0];
    window.make = () => ({
      number: 1, text: "a", nothing: null, nan: NaN, deep: { list: [1, { x: [NaN, "b"] }], map: { a: 1, b: 2 } },
      bytes: new Uint8Array([1, 2, 3]), nested: [{ bytes: new DataView(new Uint8Array([4, 5]).buffer) }],
    });
    model.set(window.make());
    model.save_changes();
  });
  await flush(probed);
  await listen(page, ["number", "text", "nothing", "nan", "deep", "bytes", "nested"]);
  await page.evaluate(() => {
    const { model } = window.views[0];
    for (const [key, value] of Object.entries(window.make())) model.set(key, value);
    model.set("deep", { map: { b: 2, a: 1 }, list: [1, { x: [NaN, "b"] }] });
    model.set("bytes", new DataView(new Uint8Array([0, 1, 2, 3, 0]).buffer, 1, 3));
    model.set("nested", [{ bytes: new Uint8Array([4, 5]) }]);
    model.save_changes();
  });
  assert.equal((await saves(probed)).length, 1, "only the first save was sent");
  await noted(page, []);
  await page.evaluate(() => {
    const { model } = window.views[0];
    model.set("deep", { list: [1, { x: [NaN, "c"] }], map: { a: 1, b: 2 } });
    model.set("bytes", new Uint8Array([1, 2, 4]));
    model.set("nested", [{ bytes: new Uint8Array([4]) }]);
    model.set("nan", null);
    model.save_changes();
  });
  assert.deepEqual(Object.keys((await saves(probed))[1]).sort(), ["bytes", "deep", "nan", "nested"], "what differs is noticed");
});

test("M4: set({a, b}) is accepted", async () => {
  const probed = await probe({ a: 1, b: 1, c: 1 });
  const { page } = probed;
  await listen(page, ["a", "b", "c"]);
  await page.evaluate(() => {
    window.views[0].model.set({ a: 2, b: 3 });
    window.views[0].model.save_changes();
  });
  await noted(page, ["a 2", "b 3", "change"]);
  assert.deepEqual(await saves(probed), [{ a: 2, b: 3 }]);
});

test("M5: nothing is sent before save_changes, which sends only dirty keys, latest values, once; a second call sends nothing", async () => {
  const probed = await probe({ a: 0, b: 0, c: 0 });
  const { host, page } = probed;
  await page.evaluate(() => {
    const { model } = window.views[0];
    for (let i = 1; i <= 5; i++) model.set("a", i);
    model.set("b", 7);
  });
  assert.deepEqual(await saves(probed), []);
  assert.deepEqual(await host.state("a"), { a: 0, b: 0, c: 0 });
  await page.evaluate(() => window.views[0].model.save_changes());
  assert.deepEqual(await saves(probed), [{ a: 5, b: 7 }]);
  assert.deepEqual(await host.state("a"), { a: 5, b: 7, c: 0 });
  await page.evaluate(() => {
    window.views[0].model.save_changes();
    window.views[0].model.save_changes();
  });
  assert.equal((await saves(probed)).length, 1);
});

test("M6: what was saved is a snapshot: mutating the value afterwards changes nothing that was sent", async () => {
  const probed = await probe({ now: 0, list: [], bytes: 0 });
  const { host, page } = probed;
  await page.evaluate(() => {
    const { model } = window.views[0];
    model.set("now", 1);
    model.save_changes(); // in flight: what follows waits for its ack
    const list = [{ x: 1 }];
    const bytes = new Uint8Array([1, 2]);
    model.set({ list, bytes });
    model.save_changes();
    list[0].x = 9;
    list.push({ x: 9 });
    bytes[0] = 9;
  });
  await eventually(async () => assert.deepEqual(await host.state("a"), { now: 1, list: [{ x: 1 }], bytes: { $bytes: "AQI=" } }));
  await flush(probed);
  assert.deepEqual(await host.state("a"), { now: 1, list: [{ x: 1 }], bytes: { $bytes: "AQI=" } });
});

test("M7: setting an object that was mutated in place, or an equal copy of it, is noticed, fires and is sent", async () => {
  const probed = await probe({ a: [1], b: { x: [1] } });
  const { host, page } = probed;
  await listen(page, ["a", "b"]);
  await page.evaluate(() => {
    const { model } = window.views[0];
    const a = model.get("a");
    a.push(2);
    model.set("a", a);
    model.save_changes();
    const b = model.get("b");
    b.x.push(2);
    model.set("b", structuredClone(b));
    model.save_changes();
  });
  await noted(page, ["a [1,2]", "change", 'b {"x":[1,2]}', "change"]);
  assert.deepEqual(await saves(probed), [{ a: [1, 2] }, { b: { x: [1, 2] } }]);
  assert.deepEqual(await host.state("a"), { a: [1, 2], b: { x: [1, 2] } });
  await page.evaluate(() => {
    const { model } = window.views[0];
    const mine = [5];
    model.set("a", mine);
    mine.push(6); // what the widget set itself is no reference to compare with, either
    model.set("a", mine);
    model.save_changes();
  });
  assert.deepEqual((await saves(probed)).at(-1), { a: [5, 6] });
});

test("M7: a set inside its own handler does not recurse", async () => {
  const probed = await probe({ a: 0 });
  const { page } = probed;
  const depths = await page.evaluate(() => {
    const { model } = window.views[0];
    let depth = 0;
    let deepest = 0;
    /** @type {number[]} */
    const seen = [];
    model.on("change:a", () => {
      deepest = Math.max(deepest, ++depth);
      seen.push(model.get("a"));
      model.set("a", Math.min(model.get("a"), 10));
      model.set("a", Math.min(model.get("a"), 10));
      depth--;
    });
    model.set("a", 50);
    model.save_changes();
    return { deepest, last: seen.at(-1), now: model.get("a") };
  });
  assert.deepEqual(depths, { deepest: 1, last: 10, now: 10 });
  assert.deepEqual(await saves(probed), [{ a: 10 }]);
});

for (const [what, make, reason] of /** @type {const} */ ([
  ["a function", "() => () => {}", /function/],
  ["a DOM node", "() => document.body", /DOM node/],
  ["a cycle", "() => { const cycle = { x: [] }; cycle.x.push(cycle); return cycle }", /cycl/],
])) {
  test(`M8: ${what} in state: a clear error, nothing sent`, async () => {
    const probed = await probe({ a: 0, b: 0 });
    const { host, page } = probed;
    for (const source of [make, `() => ({ deep: [(${make})()] })`]) {
      const message = await page.evaluate((source) => {
        const { model } = window.views[0];
        try {
          model.set("a", eval(source)());
          model.save_changes();
        } catch (error) {
          return error.message;
        }
      }, source);
      assert.match(String(message), reason);
      assert.match(String(message), /\ba\b/, "the error names the key");
    }
    assert.deepEqual(await saves(probed), []);
    await page.evaluate(() => {
      window.views[0].model.set("b", 1);
      window.views[0].model.save_changes();
    });
    assert.deepEqual(await saves(probed), [{ b: 1 }], "the model goes on");
    assert.deepEqual(await host.state("a"), { a: 0, b: 1 });
  });
}

test("M9: a change from the host fires only for keys that differ, then one change, and is never dirty", async () => {
  const probed = await probe({ a: 1, b: [1], c: 1, d: 1 });
  const { host, page, wire } = probed;
  await listen(page, ["a", "b", "c", "d"]);
  const client = await connect(host, "a");
  await client.set({ a: 2, d: 2 });
  await noted(page, ["a 2", "d 2", "change"]);
  const { rev } = wire.got("set")[0];
  wire.inject("a", { type: "set", base: rev, rev: rev + 1, state: { a: 2, b: [1], c: 3 } });
  await noted(page, ["a 2", "d 2", "change", "c 3", "change"]);
  await page.evaluate(() => window.views[0].model.save_changes());
  assert.deepEqual(await saves(probed), []);
});

test("M10: local unsaved a, host changes b: a save sends only a", async () => {
  const probed = await probe({ a: 1, b: 1 });
  const { host, page } = probed;
  await page.evaluate(() => window.views[0].model.set("a", 2));
  const client = await connect(host, "a");
  await client.set({ b: 2 });
  await eventually(async () => assert.equal(await get(page, "b"), 2));
  assert.equal(await get(page, "a"), 2);
  await page.evaluate(() => window.views[0].model.save_changes());
  assert.deepEqual(await saves(probed), [{ a: 2 }]);
  assert.deepEqual(await host.state("a"), { a: 2, b: 2 });
});

test("M11: local unsaved a, host changes a: the host's value wins", async () => {
  const probed = await probe({ a: 1, b: 1 });
  const { host, page } = probed;
  await page.evaluate(() => window.views[0].model.set("a", 2));
  await listen(page, ["a"]);
  const client = await connect(host, "a");
  await client.set({ a: 3 });
  await noted(page, ["a 3", "change"]);
  assert.equal(await get(page, "a"), 3);
  await page.evaluate(() => window.views[0].model.save_changes());
  assert.deepEqual(await saves(probed), []);
  assert.equal((await host.state("a")).a, 3);
});

test("M12: local saved but unacknowledged a is kept when the host got it last", async () => {
  const probed = await probe({ a: 0 });
  const { host, page, wire } = probed;
  const client = await connect(host, "a");
  await listen(page, ["a"]);
  wire.hold("up");
  await page.evaluate(() => {
    window.views[0].model.set("a", 5);
    window.views[0].model.save_changes();
  });
  await client.set({ a: 7 });
  await wire.seen(({ sent, frame }) => !sent && frame.type === "set" && frame.state.a === 7);
  await settle(page);
  assert.equal(await get(page, "a"), 5, "another's value arrived meanwhile");
  wire.release("up");
  await eventually(() => assert.equal(client.state.a, 5));
  await flush(probed);
  assert.equal(await get(page, "a"), 5);
  assert.equal((await host.state("a")).a, 5);
  await noted(page, ["a 5", "change"]);
});

test("M12: local saved but unacknowledged a gives way when the host got another value after it", async () => {
  const probed = await probe({ a: 0 });
  const { host, page, wire } = probed;
  const client = await connect(host, "a");
  await listen(page, ["a"]);
  wire.hold("down");
  await page.evaluate(() => {
    window.views[0].model.set("a", 5);
    window.views[0].model.save_changes();
  });
  await eventually(() => assert.equal(client.state.a, 5));
  await client.set({ a: 7 });
  await eventually(() => assert.ok(wire.waiting("down") >= 1));
  assert.equal(await get(page, "a"), 5);
  wire.release("down");
  await noted(page, ["a 5", "change", "a 7", "change"]);
  await flush(probed);
  assert.equal((await host.state("a")).a, 7);
});

test("M12: a saved value that was set again meanwhile is kept until its last frame is acknowledged", async () => {
  const probed = await probe({ a: 0 });
  const { host, page, wire } = probed;
  const client = await connect(host, "a");
  await listen(page, ["a"]);
  wire.hold("down");
  await page.evaluate(() => {
    const { model } = window.views[0];
    for (const value of [1, 2, 3]) {
      model.set("a", value);
      model.save_changes();
    }
  });
  await eventually(() => assert.equal(client.state.a, 1)); // the others wait for its ack
  await client.set({ a: 50 });
  wire.release("down");
  await eventually(() => assert.equal(client.state.a, 3));
  await flush(probed);
  await noted(page, ["a 1", "change", "a 2", "change", "a 3", "change"]);
  assert.equal((await host.state("a")).a, 3);
  assert.deepEqual(wire.sent("set").map(({ state }) => state), [{ a: 1 }, { a: 3 }]);
});

test("M12: what arrived for a saved key is applied when its rev is above the acknowledged one, else dropped", async () => {
  for (const [acknowledged, expected] of [[9, 7], [11, 5]]) {
    const { page, wire } = await probe({ a: 0 });
    wire.intercept = ({ type }) => type === "set"; // the test answers
    await page.evaluate(() => {
      window.views[0].model.set("a", 5);
      window.views[0].model.save_changes();
    });
    const { seq } = await wire.seen(({ sent, frame }) => sent && frame.type === "set");
    wire.inject("a", { type: "set", base: 0, rev: 10, state: { a: 7 } });
    await settle(page);
    assert.equal(await get(page, "a"), 5, "nothing is acknowledged yet");
    wire.inject("a", { type: "ack", seq, rev: acknowledged });
    await settle(page);
    await eventually(async () => assert.equal(await get(page, "a"), expected));
    await page.close();
  }
});

/** Makes the page ask for the whole state, as after a gap. @param {Awaited<ReturnType<typeof probe>>} probed */
async function reload({ page, wire }) {
  const before = wire.got("hello").length;
  wire.inject("a", { type: "set", base: 1_000_000, rev: 1_000_001, state: {} });
  await eventually(() => assert.equal(wire.got("hello").length, before + 1));
  assert.equal(wire.got("hello").at(-1)?.full, true);
  await settle(page);
}

test("M12: a local unsaved key survives a full reload of the state", async () => {
  const probed = await probe({ a: 0, b: 0 });
  const { host, page } = probed;
  const client = await connect(host, "a");
  await page.evaluate(() => window.views[0].model.set("a", 5));
  await client.set({ b: 1 });
  await reload(probed);
  assert.equal(await get(page, "a"), 5);
  assert.equal(await get(page, "b"), 1);
  await page.evaluate(() => window.views[0].model.save_changes());
  assert.deepEqual(await saves(probed), [{ a: 5 }]);
});

test("M12: … unless the host's value differs from the last one known", async () => {
  const probed = await probe({ a: 0 });
  const { host, page, wire } = probed;
  const client = await connect(host, "a");
  await page.evaluate(() => window.views[0].model.set("a", 5));
  wire.hold("down");
  await client.set({ a: 9 });
  await eventually(() => assert.equal(wire.waiting("down"), 1));
  const known = wire.got("hello")[0];
  wire.inject("a", { ...known, rev: known.rev + 1, full: true, state: { a: 9 } });
  await eventually(async () => assert.equal(await get(page, "a"), 9));
  wire.release("down");
  await page.evaluate(() => window.views[0].model.save_changes());
  assert.deepEqual(await saves(probed), []);
  assert.equal(await get(page, "a"), 9);
});

test("M13: two views of a model in one page see each other's set at once", async () => {
  const { page } = await probe({ a: 0 }, { views: 2 });
  const seen = await page.evaluate(() => {
    const [one, two] = window.views.map(({ model }) => model);
    two.on("change:a", () => note("two", two.get("a")));
    one.on("change:a", () => note("one", one.get("a")));
    one.set("a", 1);
    const first = two.get("a");
    two.set("a", 2);
    return [first, one.get("a"), [...window.notes].sort()];
  });
  assert.deepEqual(seen, [1, 2, ["one 1", "one 2", "two 1", "two 2"]]);
});

test("M14: a late joiner gets the current state", async () => {
  const probed = await probe({ a: 0, b: 0 });
  const { host, page } = probed;
  const old = await host.view("a");
  await page.evaluate(() => {
    window.views[0].model.set("a", 1);
    window.views[0].model.save_changes();
  });
  await flush(probed);
  const client = await connect(host, "a");
  assert.deepEqual(client.state, { a: 1, b: 0 });
  const other = await open(host, await host.view("a"));
  await rendered(other, 1);
  assert.equal(await get(other, "a"), 1);
  const late = await open(host, old); // with a seed of long ago
  await eventually(async () => assert.equal(await get(late, "a"), 1));
  await page.evaluate(() => window.views[0].model.set("b", 2));
  await insert(page, await host.view("a"));
  await rendered(page, 2);
  assert.deepEqual(await page.evaluate(() => [window.views[1].model.get("a"), window.views[1].model.get("b")]), [1, 2]);
});

test("M15: the model object is extensible, carries model_id, and still answers get after its view is gone", async () => {
  const { page, wire } = await probe({ a: 4 });
  const seen = await page.evaluate(() => {
    const { model } = window.views[0];
    model.mine = { kept: true };
    return [model.mine.kept, Object.isExtensible(model), model.model_id, window.starts[0].model.model_id];
  });
  assert.deepEqual(seen, [true, true, "a", "a"]);
  await page.evaluate(() => document.querySelector("any-widget")?.remove());
  assert.equal(await get(page, "a"), 4, "the view is gone");
  await eventually(() => assert.equal(wire.open, 0));
  assert.equal(await get(page, "a"), 4, "the model has left the page");
  assert.equal(await page.evaluate(() => window.views[0].model.mine.kept), true);
});

test('M16: get("_css") gives the stylesheet\'s text when the widget has one', async () => {
  const css = ".a { color: rgb(1, 2, 3) }\n/* größer */";
  const say = (hook) => `${hook}({ model }) { note("${hook}", JSON.stringify(model.get("_css"))) }`;
  const source = `export default { ${say("initialize")}, ${say("render")} }`;
  const host = await serve({ "a/widget.js": source, "a/widget.css": css, "b/widget.js": source });
  const page = await open(host, await host.view("a"));
  await noted(page, [`initialize ${JSON.stringify(css)}`, `render ${JSON.stringify(css)}`]);
  const plain = await open(host, await host.view("b"));
  await noted(plain, ["initialize ", "render "]);
});

test('M16: "_css" is not sent with a save', async () => {
  const probed = await probe({ a: 0 }, { files: { "a/widget.css": "p { margin: 0 }" } });
  const { host, page } = probed;
  await page.evaluate(() => {
    window.views[0].model.set("a", 1);
    window.views[0].model.save_changes();
  });
  assert.deepEqual(await saves(probed), [{ a: 1 }]);
  assert.deepEqual(await host.state("a"), { a: 1 });
});
