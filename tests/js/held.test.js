/** Large values: what a page shows between a frame that tells of one and its arrival. */
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { Held } from "../../js/held.js";
import { Model } from "../../js/model.js";
import { random } from "./random.js";

let model = new Model("s");
/** @type {string[]} */
let told = [];

beforeEach(() => {
  model = new Model("s");
  model.held = new Held();
  told = [];
  model.receive({ type: "hello", version: 1, epoch: "e", rev: 10, full: true, state: { big: "old", small: 0, other: 0 }, seq: null });
  model.on({}, new AbortController().signal, "change", () => told.push(`${model.get("big")} ${model.get("small")}`));
  model.on({}, new AbortController().signal, "msg:custom", (content) => told.push(content));
});

const size = 100_000;
/** @param {number} rev @param {any} state @param {any} [large] */
const set = (rev, state, large) => model.receive({ type: "set", base: rev - 1, rev, state, ...(large && { large }) });
/** @param {number} rev @param {any} [state] */
const setBig = (rev, state = {}) => set(rev, state, { big: { rev, size } });
/** @param {number} rev @param {any} content @param {number} n */
const message = (rev, content, n) => model.receive({ type: "message", content, buffers: [], rev, n });
const missing = () => [...(model.held?.missing ?? [])].map(([key, { rev }]) => `${key}@${rev}`);
const shown = () => `${model.get("big")} ${model.get("small")}`;

test("what was committed with a large value appears with it, at once", () => {
  setBig(11, { small: 1 });
  assert.equal(shown(), "old 0");
  assert.deepEqual(missing(), ["big@11"]);
  model.bring("big", "e", 11, "new");
  assert.deepEqual(told, ["new 1"]);
  assert.deepEqual(missing(), []);
});

test("keys that have nothing to do with it go on", () => {
  setBig(11);
  set(12, { other: 1 });
  assert.equal(model.get("other"), 1);
});

test("a later value of a key that waits does not overtake it", () => {
  setBig(11, { small: 1 });
  set(12, { small: 2 });
  assert.equal(shown(), "old 0");
  model.bring("big", "e", 11, "new");
  assert.equal(shown(), "new 2");
});

test("a message sent after a large value comes after it, and those behind keep their order", () => {
  message(10, "before", 1);
  setBig(11);
  message(11, "after", 2);
  message(11, "last", 3);
  assert.deepEqual(told, ["before"]);
  model.bring("big", "e", 11, "new");
  assert.deepEqual(told, ["before", "new 0", "after", "last"]);
});

test("an answer to invoke does not wait", () => {
  const answers = [];
  model.replies.set("i", (frame) => answers.push(frame.content));
  setBig(11);
  model.receive({ type: "message", content: { id: "i", kind: "anywidget-command-response", response: 1 }, buffers: [], rev: 11 });
  assert.equal(answers.length, 1);
});

test("a faster producer leaves two pictures at most, each whole", () => {
  setBig(11, { small: 1 });
  for (let rev = 12; rev <= 20; rev++) setBig(rev, { small: rev });
  assert.deepEqual(missing(), ["big@11"]);
  model.bring("big", "e", 11, "eleven");
  assert.deepEqual(missing(), ["big@20"]);
  model.bring("big", "e", 20, "twenty");
  assert.deepEqual(told, ["eleven 1", "twenty 20"]);
});

test("a value newer than the page waits for the frame that tells of it, and is not fetched twice", () => {
  setBig(11, { small: 1 });
  model.bring("big", "e", 13, "thirteen");
  assert.deepEqual(missing(), []);
  assert.equal(shown(), "old 0");
  set(12, { small: 2 });
  assert.equal(shown(), "old 0");
  setBig(13, { small: 3 });
  assert.deepEqual(told.at(-1), "thirteen 3");
  assert.deepEqual(missing(), []);
});

test("what a host has gone beyond is shown as it is now, whole", () => {
  setBig(11, { small: 1 });
  setBig(12, { small: 2 });
  model.bring("big", "e", 12, "twelve");
  assert.deepEqual(told, ["twelve 2"]);
});

test("two large values of one commit are shown of one commit", () => {
  set(11, {}, { big: { rev: 11, size }, small: { rev: 11, size } });
  model.bring("big", "e", 11, "eleven");
  set(12, {}, { big: { rev: 12, size }, small: { rev: 12, size } });
  model.bring("small", "e", 12, 12);
  assert.deepEqual(told, []);
  assert.deepEqual(missing(), ["big@12"]);
  model.bring("big", "e", 12, "twelve");
  assert.deepEqual(told, ["twelve 12"]);
});

test("a producer that is always ahead does not keep the page waiting for ever", () => {
  let rev = 11;
  setBig(rev, { small: rev });
  for (let i = 0; i < 10 && !told.length; i++) {
    const served = ++rev;
    setBig(rev, { small: rev });
    setBig(++rev, { small: rev });
    model.bring("big", "e", served, `v${served}`);
  }
  assert.equal(told.length, 1);
});

test("what is on its way does not undo a newer write of the page itself", () => {
  setBig(11, { small: 1 });
  model.set({ big: "mine" });
  model.save();
  const [frame] = model.drain();
  model.receive({ type: "ack", seq: frame?.seq, rev: 12 });
  assert.deepEqual(missing(), []);
  assert.equal(shown(), "mine 1");
});

test("a refused large write shows the true value when that came", () => {
  model.set({ big: "mine" });
  model.save();
  const [frame] = model.drain();
  model.receive({ type: "ack", seq: frame?.seq, rev: 10, refused: { big: "no" }, large: { big: { rev: 7, size } } });
  assert.deepEqual(missing(), ["big@7"]);
  model.bring("big", "e", 7, "true");
  assert.equal(model.get("big"), "true");
});

test("a value of another epoch is not taken, and another epoch forgets what waits", () => {
  setBig(11);
  assert.equal(model.bring("big", "f", 99, "foreign"), false);
  model.receive({ type: "hello", version: 1, epoch: "f", rev: 3, full: true, state: { small: 5, other: 5 }, large: { big: { rev: 2, size } }, seq: null });
  assert.deepEqual(missing(), ["big@2"]);
  assert.equal(shown(), "old 0");
  model.bring("big", "f", 2, "found");
  assert.equal(shown(), "found 5");
});

test("what a resumed page was waiting for, it goes on waiting for", () => {
  setBig(11, { small: 1 });
  model.lost();
  model.receive({ type: "hello", version: 1, epoch: "e", rev: 12, full: false, state: { other: 9 }, seq: 0 });
  assert.deepEqual(missing(), ["big@11"]);
  model.bring("big", "e", 11, "new");
  assert.equal(shown(), "new 1");
});

test("a value that will not come holds nothing up", () => {
  /** @type {unknown[]} */
  const errors = [];
  model.report = (_, error) => errors.push(error);
  setBig(11, { small: 1 });
  model.miss("big", "gone");
  assert.equal(shown(), "old 1");
  assert.deepEqual(errors, ["gone"]);
});

test("in any order of frames and arrivals a page that is left alone ends where the host is", () => {
  for (let seed = 0; seed < 300; seed++) {
    const { int: below } = random(seed);
    const page = new Model("s");
    page.held = new Held();
    const host = { rev: 0, state: /** @type {any} */ ({ a: 0, b: 0, c: 0 }), revs: /** @type {any} */ ({ a: 0, b: 0, c: 0 }) };
    page.receive({ type: "hello", version: 1, epoch: "e", rev: 0, full: true, state: { ...host.state }, seq: null });
    /** Frames on their way, in order. @type {any[]} */
    const frames = [];
    let newest = -1;
    const look = () => {
      // Values are revs, so what a page shows of a key never gets older.
      for (const key of ["a", "b", "c"]) assert.ok(page.get(key) >= (seen[key] ?? 0), `seed ${seed}: ${key} went back`);
      for (const key of ["a", "b", "c"]) seen[key] = page.get(key);
    };
    /** @type {any} */
    const seen = {};
    for (let step = 0; step < 60; step++) {
      const what = below(3);
      if (what === 0) {
        host.rev++;
        const frame = { type: "set", base: host.rev - 1, rev: host.rev, state: /** @type {any} */ ({}), large: /** @type {any} */ ({}) };
        for (const key of ["a", "b", "c"]) {
          if (below(2)) continue;
          host.state[key] = host.revs[key] = host.rev;
          if (below(2)) frame.large[key] = { rev: host.rev, size };
          else frame.state[key] = host.rev;
        }
        frames.push(frame);
      } else if (what === 1 && frames.length) page.receive(frames.shift());
      else for (const [key] of [...page.held.missing].slice(0, 1)) page.bring(key, "e", host.revs[key], host.state[key]);
      newest = Math.max(newest, host.rev);
      look();
    }
    for (const frame of frames) page.receive(frame);
    for (let round = 0; round < 10; round++) for (const [key] of page.held.missing) page.bring(key, "e", host.revs[key], host.state[key]);
    for (const key of ["a", "b", "c"]) assert.equal(page.get(key), host.state[key], `seed ${seed}: ${key}`);
    assert.equal(page.held.waits, false);
  }
});
