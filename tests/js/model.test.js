import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Model } from "../../js/model.js";

/** @type {Model} */
let model;
/** @type {any[]} */
let log;
/** What `on` is registered with, as a hook's model would be. @type {any} */
let owner;
let hook = new AbortController();

beforeEach(() => {
  hook = new AbortController();
  owner = {};
  log = [];
  model = new Model("secret");
  model.report = (phase, error) => log.push([phase, String(/** @type {any} */ (error).message)]);
  hello({ a: 1, b: { list: [1, 2] } });
});

/** @param {any} state @param {object} [more] */
const hello = (state, more) => model.receive({ type: "hello", version: 1, epoch: "e", rev: 10, full: true, state, seq: null, ...more });
/** @param {string} names @param {(...args: any[]) => any} callback @param {any} [by] */
const on = (names, callback, by = owner) => model.on(by, hook.signal, names, callback);
/** @param {any} state @param {object} [more] */
const hostSets = (state, more) => model.receive({ type: "set", base: 10, rev: 11, state, ...more });
/** @param {number} seq @param {object} [more] */
const ack = (seq, more) => model.receive({ type: "ack", seq, rev: 11, ...more });
/** @param {any} state */
const write = (state) => (model.set(state), model.save(), model.drain());
/** Notes the name of every event, and the new value. @param {string} names */
const watch = (names) => on(names, (_, value) => log.push(value === undefined ? names : [names, value]));

test("M1: get of an unknown key is undefined; the reference is stable until the value changes", () => {
  assert.equal(model.get("unknown"), undefined);
  const before = model.get("b");
  hostSets({ b: { list: [1, 2] } });
  assert.equal(model.get("b"), before);
  hostSets({ b: { list: [3] } }, { base: 11, rev: 12 });
  assert.deepEqual(model.get("b"), { list: [3] });
  const mine = { list: [4] };
  model.set({ b: mine });
  assert.equal(model.get("b"), mine);
});

test("M2: set shows at once; change:key fires, then change", () => {
  watch("change:a");
  watch("change");
  model.set({ a: 2 });
  assert.deepEqual(log, [["change:a", 2], "change"]);
  assert.equal(model.get("a"), 2);
});

test("M3: an equal set fires nothing and dirties nothing", () => {
  watch("change");
  model.set({ a: 1, b: { list: [1, 2] } });
  model.save();
  assert.deepEqual([log, model.drain()], [[], []]);
});

test("M4: a set of many keys fires for each and changes once", () => {
  watch("change:a");
  watch("change:c");
  watch("change");
  model.set({ a: 2, c: 3, b: { list: [1, 2] } });
  assert.deepEqual(log, [["change:a", 2], ["change:c", 3], "change"]);
});

test("M5: nothing is sent before save; it sends dirty keys only, latest values, once", () => {
  model.set({ a: 2 });
  model.set({ a: 3 });
  assert.deepEqual(model.drain(), []);
  model.save();
  assert.deepEqual(model.drain(), [{ type: "set", seq: 1, state: { a: 3 } }]);
  model.save();
  assert.deepEqual(model.drain(), []);
});

test("M6: a value mutated after the save was sent as it was", () => {
  const value = { list: [1] };
  model.set({ b: value });
  model.save();
  value.list.push(2);
  assert.deepEqual(model.drain()[0]?.state, { b: { list: [1] } });
});

test("a value mutated between set and save is sent as it is at the save", () => {
  const value = { list: [1] };
  model.set({ b: value });
  value.list.push(2);
  model.save();
  assert.deepEqual(model.drain()[0]?.state, { b: { list: [1, 2] } });
});

test("M7: a value mutated in place and set again is noticed, fires and is sent", () => {
  watch("change:b");
  const value = model.get("b");
  value.list.push(3);
  model.set({ b: value });
  model.save();
  assert.deepEqual(log, [["change:b", { list: [1, 2, 3] }]]);
  assert.deepEqual(model.drain()[0]?.state, { b: { list: [1, 2, 3] } });
});

test("M7: so is an equal copy of a value mutated in place, also for bytes", () => {
  model.set({ bytes: new Uint8Array([1, 2]) });
  model.get("bytes")[0] = 7;
  watch("change:bytes");
  model.set({ bytes: new Uint8Array([7, 2]) });
  assert.equal(log.length, 1);
});

test("M7: setting back what was mutated in place shows it, though nothing has to be sent", () => {
  model.get("b").list.push(3);
  model.set({ b: { list: [1, 2] } });
  model.save();
  assert.deepEqual([model.get("b"), model.drain()], [{ list: [1, 2] }, []]);
});

test("M7: a set inside its own handler is told afterwards and ends", () => {
  on("change:a", (_, value) => {
    log.push(value);
    model.set({ a: Math.min(value + 1, 5) });
  });
  watch("change");
  model.set({ a: 3 });
  assert.deepEqual(log, [3, 4, 5, "change"]);
});

test("M7: handlers that change each other without end are stopped", () => {
  let calls = 0;
  on("change:a", () => model.set({ a: ++calls }));
  model.set({ a: -1 });
  assert.ok(calls > 1 && calls <= 1000, String(calls));
});

test("M8: a value that cannot travel throws from set, names its key, and changes and sends nothing", () => {
  assert.throws(() => model.set({ a: 5, f: { x: () => 1 } }), /f\.x/);
  model.save();
  assert.deepEqual([model.get("a"), model.drain()], [1, []]);
});

test("M9: the host's change fires only for keys that differ, then one change, and is not dirty", () => {
  watch("change:a");
  watch("change:b");
  watch("change");
  hostSets({ a: 2, b: { list: [1, 2] } });
  model.save();
  assert.deepEqual([log, model.drain()], [[["change:a", 2], "change"], []]);
});

test("all keys of the host's commit are there before the first listener is called", () => {
  on("change:a", () => log.push(model.get("c")));
  hostSets({ a: 2, c: 3 });
  assert.deepEqual(log, [3]);
});

test("B5, M7: of bytes within a frame a widget is given its own, and what it does to them is noticed", () => {
  const frame = new Uint8Array([0, 1, 2, 3, 4, 5, 6]);
  hostSets({ c: new DataView(frame.buffer, 3, 2) });
  const bytes = model.get("c");
  assert.deepEqual([bytes.byteOffset, bytes.buffer.byteLength, bytes.getUint16(0)], [0, 2, 0x304]);
  model.set({ c: bytes });
  model.save();
  assert.deepEqual(model.drain(), []);
  bytes.setUint8(0, 9);
  assert.equal(frame[3], 3);
  watch("change:c");
  model.set({ c: bytes });
  model.save();
  assert.equal(log.length, 1);
  assert.equal(model.drain()[0]?.state.c.getUint16(0), 0x904);
});

test("M10: local unsaved a, the host changes b: a save sends only a", () => {
  model.set({ a: 2 });
  hostSets({ b: 0 });
  model.save();
  assert.deepEqual(model.drain()[0]?.state, { a: 2 });
});

test("M11: local unsaved a, the host changes a: the host's value wins", () => {
  model.set({ a: 2 });
  hostSets({ a: 3 });
  model.save();
  assert.deepEqual([model.get("a"), model.drain()], [3, []]);
});

test("M12: local saved but unacknowledged a is kept, also through a full reload, and the ack settles it", () => {
  write({ a: 2 });
  hostSets({ a: 3 });
  assert.equal(model.get("a"), 2);
  hello({ a: 3 }, { rev: 12 });
  assert.equal(model.get("a"), 2);
  ack(1, { rev: 13 });
  assert.equal(model.get("a"), 2);
});

test("M12: an unsaved key survives a full reload, unless the host's value differs from the last one known", () => {
  model.set({ a: 2 });
  hello({ a: 1, b: 0 });
  assert.deepEqual([model.get("a"), model.get("b")], [2, 0]);
  hello({ a: 7 });
  assert.equal(model.get("a"), 7);
});

test("a full state takes keys away that it does not have", () => {
  hello({ a: 1 });
  assert.equal(model.get("b"), undefined);
});

test("M16: the stylesheet's text can be got, and neither it nor the module is ever sent", () => {
  model.setCss("b{}");
  model.set({ _css: "x", _esm: "y" });
  model.save();
  hello({ a: 1 });
  assert.deepEqual([model.get("_css"), model.get("_esm"), model.drain()], ["b{}", undefined, []]);
});

test("one set is in flight; later saves merge by key and the latest wins", () => {
  assert.equal(write({ a: 2 }).length, 1);
  assert.deepEqual([...write({ a: 3 }), ...write({ c: 1 }), ...write({ a: 4 })], []);
  ack(1);
  assert.deepEqual(model.drain(), [{ type: "set", seq: 2, state: { a: 4, c: 1 } }]);
});

test("B7: a message first sends the waiting set, then itself, without waiting for acks", () => {
  write({ a: 2 });
  write({ a: 3 });
  model.send("hello", [new Uint8Array([1])]);
  assert.deepEqual(model.drain().map(({ type, seq }) => [type, seq]), [["set", 2], ["message", 3]]);
});

test("B1, B9: content and bytes of a message are taken at the call; what is no bytes is refused", () => {
  const bytes = new Uint8Array([0, 1, 2, 3]);
  const content = { a: [1] };
  model.send(content, [bytes.subarray(1, 3), bytes.buffer, new DataView(bytes.buffer, 3)]);
  content.a.push(2);
  bytes.fill(9);
  const [frame] = model.drain();
  assert.deepEqual(frame?.content, { a: [1] });
  assert.deepEqual(frame?.buffers.map((/** @type {DataView} */ view) => [...new Uint8Array(view.buffer)]), [[1, 2], [0, 1, 2, 3], [3]]);
  assert.throws(() => model.send("x", [[1, 2]]), TypeError);
  assert.deepEqual(model.drain(), []);
});

test("a dragged slider does not jump back: what the host says of a pending key waits for its last ack", () => {
  write({ a: 2 });
  hostSets({ a: 0 });
  write({ a: 3 });
  ack(1, { rev: 12 });
  assert.equal(model.get("a"), 3);
  model.drain();
  ack(2, { rev: 13 });
  assert.equal(model.get("a"), 3);
});

test("a value put aside is applied when its rev is above the acknowledged one", () => {
  write({ a: 2 });
  model.receive({ type: "set", base: 10, rev: 12, state: { a: 9 } });
  ack(1, { rev: 11 });
  assert.equal(model.get("a"), 9);
});

test("S2: a refused write shows the true value and the reason, and fires", () => {
  model.refused = (reasons) => log.push(reasons);
  write({ a: 2 });
  watch("change:a");
  ack(1, { refused: { a: "too big" }, state: { a: 1 } });
  assert.deepEqual(log, [{ a: "too big" }, ["change:a", 1]]);
});

test("a refused key without a true value falls back to what was put aside, else stays", () => {
  write({ a: 2, mine: 1 });
  hostSets({ a: 5 });
  ack(1, { rev: 12, refused: { a: "no", mine: "no such key" } });
  assert.deepEqual([model.get("a"), model.get("mine")], [5, 1]);
});

test("a clamped write shows the true value, unless the key was written again meanwhile, saved or not", () => {
  write({ a: 200 });
  ack(1, { state: { a: 100 } });
  assert.equal(model.get("a"), 100);
  write({ a: 300 });
  write({ a: 50 });
  ack(2, { rev: 12, state: { a: 100 } });
  assert.equal(model.get("a"), 50);
  model.drain();
  ack(3, { rev: 13 });
  write({ a: 400 });
  model.set({ a: 60 });
  ack(4, { rev: 14, state: { a: 100 } });
  assert.equal(model.get("a"), 60);
  model.save();
  assert.deepEqual(model.drain()[0]?.state, { a: 60 });
});

test("an ack may tell of keys that validation changed beside the written ones", () => {
  write({ a: 2 });
  ack(1, { state: { sum: 3 } });
  assert.equal(model.get("sum"), 3);
});

test("an answer given again does not bring back what has changed since, also for keys that validation changed", () => {
  write({ a: 2 });
  model.lost();
  hello({ a: 2, sum: 5 }, { rev: 13, seq: 1 });
  model.drain();
  ack(1, { state: { sum: 3 } });
  assert.equal(model.get("sum"), 5);
  write({ a: 3 });
  ack(2, { rev: 14, state: { sum: 4 } });
  assert.equal(model.get("sum"), 4);
});

test("an answer behind a newer commit does not undo it", () => {
  write({ a: 2 });
  hostSets({ sum: 9 }, { rev: 12 });
  ack(1, { state: { sum: 3 } });
  assert.equal(model.get("sum"), 9);
});

test("revs of an old epoch do not make answers of the new one old", () => {
  write({ a: 2 });
  model.lost();
  hello({ a: 1, sum: 0 }, { epoch: "new", rev: 1 });
  model.drain();
  ack(1, { rev: 2, state: { a: 1.5, sum: 1 } });
  assert.deepEqual([model.get("a"), model.get("sum")], [1.5, 1]);
});

test("hello tells the session, and epoch, rev and message number only when they are known", () => {
  assert.deepEqual(new Model("s").hello(), { type: "hello", version: 1, session: "s", fetches: true });
  assert.deepEqual(model.hello(), { type: "hello", version: 1, session: "secret", fetches: true, epoch: "e", rev: 10 });
  model.receive({ type: "message", content: 1, buffers: [], rev: 14, n: 3 });
  assert.deepEqual(model.hello(), { type: "hello", version: 1, session: "secret", fetches: true, epoch: "e", rev: 14, messages: 3 });
  hello({}, { epoch: "other", rev: 2 });
  assert.deepEqual(model.hello(), { type: "hello", version: 1, session: "secret", fetches: true, epoch: "other", rev: 2 });
});

test("a seed is the state at its rev, and clean", () => {
  model = new Model("s");
  model.seed({ epoch: "e", rev: 4, state: { a: 1 } });
  model.save();
  assert.deepEqual([model.get("a"), model.hello().rev, model.drain(true)], [1, 4, []]);
});

test("nothing is sent before the host's hello, but everything at the last moment", () => {
  model.lost();
  assert.deepEqual(write({ a: 2 }), []);
  model.send("x");
  assert.deepEqual(write({ a: 3 }), []);
  assert.deepEqual(model.drain(true).map(({ seq }) => seq), [1, 2, 3]);
});

test("at the last moment before the host's hello, what it may not have goes first: it takes numbers only in order", () => {
  write({ a: 2 });
  model.lost();
  write({ a: 3 });
  assert.deepEqual(model.drain(true).map(({ seq, state }) => [seq, state]), [[1, { a: 2 }], [2, { a: 3 }]]);
});

test("but no message goes that it may have, and nothing that is behind one", () => {
  write({ a: 2 });
  model.send("x");
  model.drain();
  model.lost();
  write({ a: 3 });
  assert.deepEqual(model.drain(true).map(({ seq }) => seq), [1]);
  hello({}, { full: false, seq: 1 });
  assert.deepEqual(model.drain().map(({ type, seq }) => [type, seq]), [["set", 1], ["message", 2]]);
  ack(1);
  assert.deepEqual(model.drain().map(({ type, state }) => [type, state]), [["set", { a: 3 }]]);
});

test("S5: after a resume the unacknowledged frames go again, with their numbers, before new ones", () => {
  write({ a: 2 });
  model.send("x");
  model.drain();
  model.lost();
  write({ a: 3 });
  hello({}, { full: false, seq: 1 });
  assert.deepEqual(model.drain().map(({ type, seq }) => [type, seq]), [["set", 1], ["message", 2]]);
  ack(1);
  assert.deepEqual(model.drain().map(({ type, seq }) => [type, seq]), [["set", 3]]);
});

test("a page that has seen no message asks later for those behind the one the host named", () => {
  hello({}, { epoch: "other", messages: 7 });
  assert.equal(model.hello().messages, 7);
  model.receive({ type: "message", content: 1, buffers: [], rev: 10, n: 8 });
  hello({}, { epoch: "other", messages: 9 }); // the newest one may be on its way
  assert.equal(model.hello().messages, 8);
});

test("a page takes the messages of another host that has not sent as many", () => {
  on("msg:custom", (content) => log.push(content));
  model.receive({ type: "message", content: "here", buffers: [], rev: 10, n: 8 });
  hello({}, { messages: 3 });
  model.receive({ type: "message", content: "there", buffers: [], rev: 10, n: 4 });
  assert.deepEqual(log, ["here", "there"]);
});

test("what the host has is told once it has it, with who wrote it", () => {
  model.stored = (keys, origin) => keys.forEach((key) => log.push([key, model.get(key), origin]));
  model.set({ a: 5, b: 6 });
  model.save();
  model.drain();
  assert.deepEqual(log, [], "not before the ack");
  ack(1, { refused: { b: "no" }, state: { b: 1 } });
  assert.deepEqual(log, [["a", 5, "view"], ["b", 1, "host"]]);
  log = [];
  model.receive({ type: "set", base: 11, rev: 12, state: { a: 7 } });
  model.receive({ type: "set", base: 12, rev: 13, state: { a: 8 }, origin: { client: 2, seq: 1 } });
  assert.deepEqual(log, [["a", 7, "host"], ["a", 8, "other"]]);
});

test("in a new epoch, or for an unknown session, sets go again and sent messages are dropped with an error", () => {
  for (const more of [{ epoch: "new", rev: 1, seq: 2 }, { seq: null }]) {
    model = new Model("secret");
    model.report = (phase) => log.push(phase);
    hello({ a: 1 });
    write({ a: 2 });
    model.send("sent");
    model.drain();
    model.lost();
    model.send("not sent yet");
    hello({ a: 0 }, more);
    assert.deepEqual(model.drain().map(({ seq }) => seq), [1, 3]);
    assert.deepEqual(log.splice(0), ["message"]);
    assert.equal(model.get("a"), 2);
  }
});

test("what was put aside in an old epoch is forgotten", () => {
  write({ a: 2 });
  model.receive({ type: "set", base: 10, rev: 500, state: { a: 9 } });
  model.lost();
  hello({}, { epoch: "new", rev: 3 });
  model.drain();
  ack(1, { rev: 4 });
  assert.equal(model.get("a"), 2);
});

test("a hello on a live socket, the answer to get, sends nothing again", () => {
  write({ a: 2 });
  hello({ a: 1 }, { seq: 0 });
  assert.deepEqual(model.drain(), []);
});

test("a base above the own rev asks for everything, once, and no rev is taken on before it came", () => {
  hostSets({ a: 5 }, { base: 12, rev: 13 });
  hostSets({ a: 6 }, { base: 13, rev: 14 });
  assert.deepEqual([model.drain(), model.hello().rev, model.get("a")], [[{ type: "get" }], 10, 1]);
  hello({ a: 6 }, { rev: 14 });
  assert.deepEqual([model.hello().rev, model.get("a")], [14, 6]);
});

test("the rev of an ack is taken on: the next commit fits", () => {
  write({ a: 2 });
  ack(1, { rev: 20 });
  hostSets({ b: 5 }, { base: 20, rev: 21 });
  assert.deepEqual([model.get("b"), model.drain()], [5, []]);
});

test("a gap is told once, also to a page that loses its socket before the next message", () => {
  hello({}, { messages: 2 });
  model.receive({ type: "gap", count: 3 });
  assert.equal(model.hello().messages, 5);
  model.receive({ type: "message", content: 1, buffers: [], rev: 10, n: 6 });
  assert.equal(model.hello().messages, 6);
});

test("a message that came already is not told again", () => {
  on("msg:custom", (content) => log.push(content));
  for (const n of [4, 5, 4, 5, 6]) model.receive({ type: "message", content: n, buffers: [], rev: 10, n });
  model.receive({ type: "message", content: "for this view", buffers: [], rev: 10, n: null });
  assert.deepEqual(log, [4, 5, 6, "for this view"]);
});

test("B2: every listener of every hook gets content and buffers", () => {
  const buffers = [new DataView(new ArrayBuffer(1))];
  on("msg:custom", (...args) => log.push(args));
  on("msg:custom", (...args) => log.push(args), {});
  model.receive({ type: "message", content: "x", buffers, rev: 10 });
  assert.deepEqual(log, [["x", buffers], ["x", buffers]]);
});

test("B4: messages before the first listener are delivered in order when it registers", async () => {
  for (const content of [1, 2, 3]) model.receive({ type: "message", content, rev: 10 });
  on("msg:custom", (content) => log.push(content));
  model.receive({ type: "message", content: 4, rev: 10 });
  assert.deepEqual(log, []);
  await null;
  assert.deepEqual(log, [1, 2, 3, 4]);
});

test("B4: more than a hundred waiting messages are an error that says so, once", () => {
  for (let i = 0; i < 300; i++) model.receive({ type: "message", content: i, rev: 10 });
  assert.equal(log.length, 1);
  assert.match(log[0][1], /100/);
});

test("B8: answers to invoke reach who waits for them, and no listener", () => {
  on("msg:custom", () => log.push("listener"));
  model.replies.set("id", (frame) => log.push(frame.content.response));
  for (const id of ["id", "late"]) model.receive({ type: "message", content: { id, kind: "anywidget-command-response", response: 5 }, rev: 10 });
  assert.deepEqual(log, [5]);
});

test("E1: off(name, cb), off(name), off(null, cb), off(), each only among the listeners of its owner", () => {
  const other = {};
  const a = () => log.push("a");
  const b = () => log.push("b");
  const register = () => (on("change:a", a), on("change:a", b), on("change", a), on("change:a", () => log.push("other"), other));
  const told = () => (log.splice(0), model.set({ a: model.get("a") + 1 }), log.splice(0).join(" "));
  for (const [off, rest] of /** @type {[() => void, string][]} */ ([
    [() => model.off(owner, "change:a", a), "b other a"],
    [() => model.off(owner, "change:a"), "other a"],
    [() => model.off(owner, null, a), "b other"],
    [() => model.off(owner), "other"],
    [() => model.off(owner, undefined, b), "a other a"],
  ])) {
    register();
    off();
    assert.equal(told(), rest);
    model.off(owner);
    model.off(other);
  }
});

test("E2: a listener that removes itself or others skips nobody else; one added meanwhile is not called", () => {
  const first = () => {
    log.push("first");
    model.off(owner, "change:a", first);
    model.off(owner, "change:a", third);
    on("change:a", () => log.push("added"));
  };
  const third = () => log.push("third");
  on("change:a", first);
  on("change:a", () => log.push("second"));
  on("change:a", third);
  on("change:a", () => log.push("fourth"));
  model.set({ a: 2 });
  assert.deepEqual(log, ["first", "second", "fourth"]);
});

test("E3: a throwing listener is reported, later ones run", () => {
  on("change:a", () => {
    throw new Error("boom");
  });
  on("change:a", () => log.push("later"));
  model.set({ a: 2 });
  assert.deepEqual(log, [["listener", "boom"], "later"]);
});

test("E4, E8: names are split on white space, and off of one keeps the other", () => {
  const callback = () => log.push("called");
  on(" change:a\tchange:b ", callback);
  model.set({ a: 2, b: 2 });
  model.off(owner, "change:a", callback);
  model.set({ a: 3, b: 3 });
  assert.equal(log.length, 3);
});

test("E7: change:key is called with a model that has changed, and the value; change with the model", () => {
  on("change:a", (...args) => log.push([args.length, args[0] === owner, { ...args[0].changed }, args[1]]));
  on("change", (...args) => log.push([args.length, args[0] === owner, { ...args[0].changed }]));
  model.set({ a: 2, c: 3 });
  assert.deepEqual(log, [[2, true, { a: 2 }, 2], [1, true, { a: 2, c: 3 }]]);
});

test("F14: after its signal's abort no listener of a hook fires, even amid an event", () => {
  on("change:a", () => hook.abort());
  watch("change:a");
  model.set({ a: 2 });
  model.set({ a: 3 });
  assert.deepEqual(log, []);
});

test("change fires once, after what listeners set in turn", () => {
  on("change:a", () => model.set({ c: 1 }));
  watch("change:c");
  watch("change");
  hostSets({ a: 2 });
  assert.deepEqual(log, [["change:c", 1], "change"]);
});

test("a report waits for a host, and no more than a hundred do", () => {
  model.lost();
  for (let i = 0; i < 200; i++) model.note({ type: "error", phase: "render", message: String(i) });
  assert.deepEqual(model.drain(), []);
  hello({});
  assert.equal(model.drain().length, 100);
});
