/** Section B of the contract: custom messages and bytes, from the widget's hands to the wire and back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, expectError, noted, open, settle } from "./support/index.js";
import { flush, probe, rendered } from "./support/probe.js";

/** @import { Page } from "playwright-core" */

/** What the page sent as messages, up to now. @param {Parameters<typeof flush>[0]} probed */
const messages = async (probed) => (await flush(probed)).filter(({ type }) => type === "message");

/** Bytes of any kind as a list. @param {any} bytes */
const list = (bytes) => [...new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)];

/** A frame as the host sends it. @param {unknown} content @param {number[][]} [buffers] */
const message = (content, buffers = []) => ({ type: "message", content, buffers: buffers.map((bytes) => new Uint8Array(bytes)), rev: 0 });

/** Defines `window.describe(value)`: the value with each `DataView` as what it shows and whether it owns its buffer. @param {Page} page */
const describeBytes = (page) =>
  page.evaluate(() => {
    window.describe = (/** @type {any} */ value) => {
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
        const { constructor, buffer, byteOffset, byteLength } = /** @type {DataView} */ (value);
        const bytes = [...new Uint8Array(buffer ?? value)].join();
        return `${constructor.name} ${byteOffset} ${byteLength === (buffer ?? value).byteLength} [${bytes}]`;
      }
      if (Array.isArray(value)) return value.map(window.describe);
      if (typeof value !== "object" || !value) return value;
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, window.describe(inner)]));
    };
  });

/** How `describe` says that a `DataView` owns exactly these bytes. @param {...number} bytes */
const owned = (...bytes) => `DataView 0 true [${bytes.join()}]`;

test("B1: send(content, undefined, [bytes]) reaches the host equal in content and bytes, taken at call time", async () => {
  const probed = await probe({ a: 0 });
  const { page } = probed;
  await page.evaluate(() => {
    const { model } = window.views[0];
    const content = { text: "hé 🌍", list: [1, 2.5, null, true], deep: { x: [{}] } };
    const bytes = new Uint8Array([1, 2, 3]);
    const more = new Uint8Array(300).map((_, i) => i % 256);
    model.send(content, undefined, [bytes, more]);
    content.text = "changed";
    content.list.push(3);
    bytes[0] = 99;
    more.fill(99);
  });
  const [sent] = await messages(probed);
  assert.deepEqual(sent.content, { text: "hé 🌍", list: [1, 2.5, null, true], deep: { x: [{}] } });
  assert.deepEqual(sent.buffers.map(list), [[1, 2, 3], Array.from({ length: 300 }, (_, i) => i % 256)]);
});

test("B1: … also of a message that waits for the host", async () => {
  const probed = await probe({ a: 0 });
  const { page, wire } = probed;
  wire.hold("up");
  await page.evaluate(() => {
    const { model } = window.views[0];
    const content = { x: 1 };
    const bytes = new Float32Array([1.5]);
    model.set("a", 1);
    model.save_changes();
    model.send(content, undefined, [bytes]);
    content.x = 2;
    bytes[0] = 2;
  });
  wire.release("up");
  const [sent] = await messages(probed);
  assert.deepEqual([sent.content, ...sent.buffers.map(list)], [{ x: 1 }, [0, 0, 0xc0, 0x3f]]);
});

test("B2: a message from the host reaches every msg:custom listener as (content, DataView[])", async () => {
  const { page, wire } = await probe({ a: 0 }, { views: 2 });
  await describeBytes(page);
  await page.evaluate(() => {
    const say = (name) => (...args) => note(name, JSON.stringify(window.describe(args)));
    window.starts[0].model.on("msg:custom", say("initialize"));
    window.views[0].model.on("msg:custom", say("one"));
    window.views[0].model.on("msg:custom", say("one again"));
    window.views[1].model.on("msg:custom", say("two"));
  });
  wire.inject("a", message({ x: [1, "é"] }, [[1, 2], [255]]));
  const told = JSON.stringify([{ x: [1, "é"] }, [owned(1, 2), owned(255)]]);
  await noted(page, [`initialize ${told}`, `one ${told}`, `one again ${told}`, `two ${told}`]);
  await page.evaluate(() => void (window.notes.length = 0));
  wire.inject("a", { type: "message", content: "bare", rev: 0 });
  const bare = JSON.stringify(["bare", []]);
  await noted(page, [`initialize ${bare}`, `one ${bare}`, `one again ${bare}`, `two ${bare}`]);
});

test("B3: a callbacks object is accepted and never called", async () => {
  const probed = await probe({ a: 0 });
  const { page, wire } = probed;
  await page.evaluate(() => {
    const { model } = window.views[0];
    const call = () => note("called");
    model.on("msg:custom", (content) => note("message", content));
    model.send("hi", { shell: { reply: call }, iopub: { output: call, status: call, clear_output: call }, input: call });
    model.send("all", Object.assign(call, { then: call }));
  });
  wire.inject("a", message("answer"));
  assert.deepEqual((await messages(probed)).map(({ content }) => content), ["hi", "all"]);
  await noted(page, ["message answer"]);
});

test("B4: messages that arrive before the first listener are delivered in order when it registers", async () => {
  const { page, wire } = await probe({ a: 0 });
  await describeBytes(page);
  for (let i = 0; i < 100; i++) wire.inject("a", message(i, i === 50 ? [[5, 0]] : []));
  await wire.seen(() => true);
  await settle(page);
  await page.evaluate(() => {
    window.views[0].model.on("msg:custom", (content, buffers) => note(content, JSON.stringify(window.describe(buffers))));
  });
  wire.inject("a", message("later"));
  const expected = Array.from({ length: 100 }, (_, i) => `${i} ${JSON.stringify(i === 50 ? [owned(5, 0)] : [])}`);
  await noted(page, [...expected, "later []"]);
});

test("B4: more than 100 waiting is an error that says so", async () => {
  const { page, wire } = await probe({ a: 0 }, { page: { allow: [/\b100\b/] } });
  await page.evaluate(() => document.addEventListener("anywidget:error", ({ detail }) => note(detail.message)));
  for (let i = 0; i < 100; i++) wire.inject("a", message(i));
  await settle(page);
  await noted(page, []);
  expectError(page, /more than 100 messages/);
  wire.inject("a", message(100));
  await page.waitForFunction(() => window.notes.length > 0);
  assert.match(String(await page.evaluate(() => window.notes[0])), /more than 100 messages/);
  await page.evaluate(() => {
    window.notes.length = 0;
    window.views[0].model.on("msg:custom", (content) => note(content));
  });
  await page.waitForFunction(() => window.notes.length >= 100);
  const got = await page.evaluate(() => [...window.notes]);
  assert.deepEqual(got.slice(0, 100), Array.from({ length: 100 }, (_, i) => String(i)));
});

test("B5: a view with an offset travels as exactly its window, in state and in messages", async () => {
  const probed = await probe({ a: 0, nested: 0 });
  const { host, page } = probed;
  await page.evaluate(() => {
    const { model } = window.views[0];
    const { buffer } = new Uint8Array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    model.set("a", new Uint8Array(buffer, 3, 4));
    model.set("nested", [{ view: new DataView(buffer, 5, 2), words: new Uint16Array(buffer, 2, 2) }]);
    model.save_changes();
    model.send("window", null, [new DataView(buffer, 1, 3), new Uint16Array(buffer, 10, 1), buffer.slice(11)]);
  });
  const [sent] = await messages(probed);
  assert.deepEqual(sent.buffers.map(list), [[1, 2, 3], [10, 11], [11]]);
  const raw = await fetch(`${host.url}/anywidget/models/a/state/a`);
  assert.deepEqual([...new Uint8Array(await raw.arrayBuffer())], [3, 4, 5, 6]);
  const client = await connect(host, "a");
  assert.deepEqual(list(client.state.a), [3, 4, 5, 6]);
  assert.deepEqual([list(client.state.nested[0].view), list(client.state.nested[0].words)], [[5, 6], [2, 3, 4, 5]]);
});

test("B5: every DataView given to a widget owns an ArrayBuffer of exactly its bytes, with byteOffset 0", async () => {
  const bytes = (...values) => ({ $bytes: Buffer.from(values).toString("base64") });
  const { host, page, wire } = await probe({ first: bytes(1, 2), nested: [{ x: bytes(3) }, bytes(4, 5, 6)], later: null });
  await describeBytes(page);
  const described = (key) => page.evaluate((key) => window.describe(window.views[0].model.get(key)), key);
  assert.equal(await described("first"), owned(1, 2), "from hello");
  assert.deepEqual(await described("nested"), [{ x: owned(3) }, owned(4, 5, 6)], "from hello, nested");
  await page.evaluate(() => window.views[0].model.on("change:later", (_, value) => note(JSON.stringify(window.describe(value)))));
  const client = await connect(host, "a");
  await client.set({ later: { x: new Uint8Array([7, 8]), list: [new Uint8Array([9])] } });
  const later = { x: owned(7, 8), list: [owned(9)] };
  await noted(page, [JSON.stringify(later)]);
  assert.deepEqual(await described("later"), later, "from set");
  await page.evaluate(() => {
    window.notes.length = 0;
    window.views[0].model.on("msg:custom", (content, buffers) => note(JSON.stringify(window.describe([content, buffers]))));
  });
  wire.inject("a", { ...message({ inside: new Uint8Array([1]) }, [[1, 2, 3], [4]]) });
  await noted(page, [JSON.stringify([{ inside: owned(1) }, [owned(1, 2, 3), owned(4)]])]);
});

test("B5: … also when they are nearly all of their frame; what a widget does to them stays with it", async () => {
  const probed = await probe({ a: null });
  const { host, page, wire } = probed;
  await page.evaluate(() => {
    const { model } = window.views[0];
    const look = (name) => (view) => note(name, view.constructor.name, view.byteOffset, view.buffer.byteLength, view.getUint8(0), view.getUint8(99_999));
    model.on("change:a", (_, view) => look("state")(view));
    model.on("msg:custom", (_, [view]) => look("message")(view));
  });
  const client = await connect(host, "a");
  const large = new Uint8Array(100_000).fill(7);
  await client.set({ a: large });
  await noted(page, ["state DataView 0 100000 7 7"]);
  wire.inject("a", { type: "message", content: null, buffers: [large], rev: 0 });
  await noted(page, ["state DataView 0 100000 7 7", "message DataView 0 100000 7 7"]);
  await page.evaluate(() => {
    const { model } = window.views[0];
    model.get("a").setUint8(1, 9);
    model.set("a", model.get("a"));
    model.save_changes();
  });
  await flush(probed);
  await eventually(() => assert.deepEqual(list(client.state.a), [7, 9, ...large.subarray(2)]));
});

test("B6: bytes anywhere in nested lists and maps round-trip; the input is not mutated; null stays null; empty buffers are fine", async () => {
  const probed = await probe({ a: 0 });
  const { host, page } = probed;
  await describeBytes(page);
  const untouched = await page.evaluate(() => {
    const { model } = window.views[0];
    const make = () => ({
      list: [new Uint8Array([1, 2]), null, [new DataView(new ArrayBuffer(0)), { deep: new Float64Array([0.5]) }]],
      map: { nothing: null, empty: new Uint8Array(), buffer: new Uint8Array([3]).buffer, text: "x", list: [] },
    });
    const value = make();
    model.set("a", value);
    model.save_changes();
    return JSON.stringify(window.describe(value)) === JSON.stringify(window.describe(make()));
  });
  assert.ok(untouched, "the input is as it was");
  await flush(probed);
  const half = [0, 0, 0, 0, 0, 0, 0xe0, 0x3f];
  const other = await open(host, await host.view("a"));
  await rendered(other, 1);
  await describeBytes(other);
  assert.deepEqual(await other.evaluate(() => window.describe(window.views[0].model.get("a"))), {
    list: [owned(1, 2), null, [owned(), { deep: owned(...half) }]],
    map: { nothing: null, empty: owned(), buffer: owned(3), text: "x", list: [] },
  });
  await other.evaluate(() => {
    const { model } = window.views[0];
    model.set("a", [model.get("a").list[2][1], null, new Uint8Array()]);
    model.save_changes();
  });
  const described = () => page.evaluate(() => window.describe(window.views[0].model.get("a")));
  await eventually(async () => assert.deepEqual(await described(), [{ deep: owned(...half) }, null, owned()]));
});

test("B7: a save and a send keep their order", async () => {
  const probed = await probe({ a: 0, b: 0 });
  const { host, page } = probed;
  await page.evaluate(() => {
    const { model } = window.views[0];
    const save = (state) => {
      model.set(state);
      model.save_changes();
    };
    model.send("first");
    save({ a: 1 });
    model.send("second", null, [new Uint8Array([1])]); // takes another encoding than its neighbours
    save({ a: 2, b: new Uint8Array([2]) });
    save({ a: 3 });
    model.send("third");
    model.send("fourth");
    save({ a: 4 });
  });
  await eventually(async () => assert.equal((await host.state("a")).a, 4));
  const writes = (await flush(probed)).map(({ content, state }) => content ?? state.a);
  assert.deepEqual(writes, ["first", 1, "second", 3, "third", "fourth", 4]);
});

/** Invokes in the first view and notes what becomes of it; every message that listeners get is noted, too. @param {Page} page @param {string} options */
const invoke = (page, options = "") =>
  page.evaluate((options) => {
    const { model, experimental } = window.views[0];
    model.on("msg:custom", (content) => note("message", JSON.stringify(content)));
    window.starts[0].model.on("msg:custom", (content) => note("message", JSON.stringify(content)));
    const began = performance.now();
    const patience = new Promise((_, reject) => setTimeout(reject, 10_000, new Error("invoke does not settle")));
    return Promise.race([experimental.invoke("double", { x: 4 }, new Function(`return { ${options} }`)()), patience]).then(
      ([response, buffers]) => ({ response, buffers: window.describe(buffers), ms: performance.now() - began }),
      (error) => ({ rejected: `${error.name}: ${error.message}`, ms: performance.now() - began }),
    );
  }, options);

test("B8: replies to invoke never reach msg:custom listeners", async () => {
  const { page, wire } = await probe({ a: 0 });
  await describeBytes(page);
  // The binary has no command to call, so the test answers in its place.
  wire.intercept = ({ type, content, buffers }) => {
    if (type !== "message" || content?.kind !== "anywidget-command") return false;
    assert.deepEqual([content.name, content.msg, buffers.map(list)], ["double", { x: 4 }, [[1]]]);
    const reply = { id: content.id, kind: "anywidget-command-response", response: { x: 8 } };
    setTimeout(() => wire.inject("a", { type: "message", content: reply, buffers: [new Uint8Array([7, 7])], rev: 0 }));
    return true;
  };
  const { response, buffers } = await invoke(page, "buffers: [new Uint8Array([1])]");
  assert.deepEqual([response, buffers], [{ x: 8 }, [owned(7, 7)]]);
  wire.inject("a", { type: "message", content: { id: "nobody asked", kind: "anywidget-command-response", response: 1 }, buffers: [], rev: 0 });
  wire.inject("a", message("for listeners"));
  await noted(page, ['message "for listeners"', 'message "for listeners"']);
});

test("B8: the host's refusal of a command it does not have rejects at once, and is no message either", async () => {
  const { page, wire } = await probe({ a: 0 });
  const { rejected, ms } = await invoke(page);
  assert.match(rejected, /double/);
  assert.doesNotMatch(rejected, /^TimeoutError/);
  assert.ok(ms < 2_000, `it took ${ms} ms; without an answer it is 3 s`);
  await wire.seen(({ sent, frame }) => !sent && frame.content?.error);
  await settle(page);
  await noted(page, []);
});

test("B8: an error in the reply rejects with its type and message", async () => {
  const { page, wire } = await probe({ a: 0 });
  wire.intercept = ({ type, content }) => {
    if (type !== "message" || content?.kind !== "anywidget-command") return false;
    const reply = { id: content.id, kind: "anywidget-command-response", error: { type: "ValueError", message: "four is too many" } };
    setTimeout(() => wire.inject("a", message(reply)));
    return true;
  };
  assert.equal((await invoke(page)).rejected, "ValueError: four is too many");
});

test("invoke without an answer rejects after 3 s, or with the caller's signal", async () => {
  const { page, wire } = await probe({ a: 0 });
  wire.intercept = ({ type }) => type === "message";
  const { rejected, ms } = await invoke(page);
  assert.match(rejected, /^TimeoutError/);
  assert.ok(ms > 2_900 && ms < 5_000, `it took ${ms} ms`);
  const aborted = await invoke(page, 'signal: AbortSignal.abort(new RangeError("enough"))');
  assert.equal(aborted.rejected, "RangeError: enough");
});

test("B9: content may be any JSON value; callbacks may be null; buffers may be ArrayBuffer, DataView or typed arrays", async () => {
  const probed = await probe({ a: 0 });
  const { page } = probed;
  const contents = ["a bare string", "", 0, -1.5, true, false, null, [], {}, [1, [2, { x: null }]], { "": "empty key" }];
  await page.evaluate((contents) => {
    for (const content of contents) window.views[0].model.send(content, null);
    window.views[0].model.send("bytes", null, [
      new Uint8Array([1]).buffer, new DataView(new Uint8Array([2]).buffer), new Uint8Array([3]), new Uint8ClampedArray([4]),
      new Int16Array([-1]), new Float64Array([0.5]), new BigInt64Array([1n]),
    ]);
  }, contents);
  const all = await messages(probed);
  assert.deepEqual(all.slice(0, -1).map(({ content }) => content), contents);
  assert.deepEqual(all.at(-1)?.buffers.map(list), [[1], [2], [3], [4], [255, 255], [0, 0, 0, 0, 0, 0, 0xe0, 0x3f], [1, 0, 0, 0, 0, 0, 0, 0]]);
});

test("B9: a bare string and other plain values reach listeners, too", async () => {
  const { page, wire } = await probe({ a: 0 });
  await page.evaluate(() => window.views[0].model.on("msg:custom", (content) => note(JSON.stringify(content))));
  for (const content of ["text", 0, null, false, [1]]) wire.inject("a", message(content));
  await noted(page, ['"text"', "0", "null", "false", "[1]"]);
});

test("B10: NaN and infinities survive; they never become null", async () => {
  const probed = await probe({ a: 0, nested: 0 });
  const { host, page } = probed;
  await page.evaluate(() => {
    const { model } = window.views[0];
    model.set({ a: NaN, nested: [{ up: Infinity, down: -Infinity, nan: NaN, nothing: null }] });
    model.save_changes();
    model.send([NaN, Infinity, -Infinity, null]);
  });
  const [sent] = await messages(probed);
  assert.deepEqual(sent.content, [NaN, Infinity, -Infinity, null]);
  const nested = [{ up: Infinity, down: -Infinity, nan: NaN, nothing: null }];
  assert.deepEqual(await host.state("a"), {
    a: { $number: "NaN" },
    nested: [{ up: { $number: "Infinity" }, down: { $number: "-Infinity" }, nan: { $number: "NaN" }, nothing: null }],
  });
  const client = await connect(host, "a");
  assert.deepEqual(client.state, { a: NaN, nested });
  const other = await open(host, await host.view("a"));
  await rendered(other, 1);
  const text = () => [window.views[0].model.get("a"), ...Object.values(window.views[0].model.get("nested")[0])].map(String);
  assert.deepEqual(await other.evaluate(text), ["NaN", "Infinity", "-Infinity", "NaN", "null"]);
  client.send({ type: "set", seq: 1, state: { a: -Infinity, nested: NaN } }, { binary: true });
  await eventually(async () => assert.deepEqual(await other.evaluate(() => [String(window.views[0].model.get("a")), String(window.views[0].model.get("nested"))]), ["-Infinity", "NaN"]));
  await other.evaluate(() => window.views[0].model.on("msg:custom", (content) => note(content.map(String).join())));
  probed.wire.inject("a", message([NaN, Infinity, null], [[1]])); // to the newest socket, with bytes so that it goes as MessagePack
  await noted(other, ["NaN,Infinity,null"]);
});

