/** The plot's modules without a browser: what a pan reads, which numbers stand at an axis, what a state means. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Pyramid, solid } from "../../widgets/plot/pyramid.js";
import { rounded, stepOf, ticks, writer } from "../../widgets/plot/scale.js";
import { extent, nearest, peaks, read } from "../../widgets/plot/series.js";
import { pair, View } from "../../widgets/plot/view.js";
import { random } from "./random.js";

/** @import { Line } from "../../widgets/plot/series.js" */

const POINTS = 100_000;
const at = (/** @type {number} */ i) => i;
const { next } = random(7);
const noise = Float32Array.from({ length: POINTS }, (_, i) => Math.sin(i / 900) + next());

/** Counts each number that is read of the pyramid. @param {Pyramid} pyramid */
function counted(pyramid) {
  let reads = 0;
  const watch = (/** @type {any} */ list) =>
    new Proxy(list, {
      get(target, key) {
        if (typeof key === "string" && /^\d+$/.test(key)) reads++;
        return target[key];
      },
    });
  pyramid.levels = pyramid.levels.map(({ lows, highs }) => ({ lows: watch(lows), highs: watch(highs) }));
  return () => reads;
}

/** Blocks as [place, low, high]. @param {number[]} flat */
const blocksOf = (flat) => Array.from({ length: flat.length / 3 }, (_, i) => flat.slice(3 * i, 3 * i + 3));

/** A line of a state that is right. @param {unknown} series @param {unknown} [x] @returns {Line} */
function line(series, x) {
  const [one] = read([series], x);
  assert.ok(one && !("problem" in one), JSON.stringify(one));
  return one;
}

/** What is wrong with a state. @param {unknown} series @param {unknown} [x] */
function problem(series, x) {
  const [one] = read([series], x);
  assert.ok(one && "problem" in one);
  return one.problem;
}

test("a view of 100,000 points reads no more numbers than a few for each pixel, wherever and however wide it is", () => {
  for (const width of [600, 1600]) {
    for (const [first, last] of /** @type {[number, number][]} */ ([[0, POINTS - 1], [20_000, 80_000], [33_333, 66_667], [50_000, 50_000 + width / 3], [99_000, POINTS - 1]])) {
      const pyramid = new Pyramid(noise);
      const reads = counted(pyramid);
      pyramid.blocks(at, first, last, (last - first) / width);
      assert.ok(reads() > 0 && reads() <= 6 * width, `${reads()} reads for ${width} pixels from ${first} to ${last}`);
    }
  }
});

test("also of points that stand in bunches, one half of them within a hundredth of the axis", () => {
  const places = Float64Array.from({ length: POINTS }, (_, i) => (i < POINTS / 2 ? i / POINTS : 0.5 + (99.5 * (i - POINTS / 2)) / (POINTS / 2)));
  const pyramid = new Pyramid(noise);
  const reads = counted(pyramid);
  const blocks = blocksOf(pyramid.blocks((i) => places[i] ?? NaN, 0, POINTS - 1, 0.1));
  assert.ok(reads() <= 6 * 1000, `${reads()} reads for 1000 pixels`);
  for (const [i, [place = NaN]] of blocks.slice(1).entries()) assert.ok(place - (blocks[i]?.[0] ?? NaN) < 0.2, `a hole of more than two pixels at ${place}`);
});

test("blocks hold the lowest and the highest of their values, and leave none out", () => {
  for (const most of [0, 1, 3, 10, 1000, POINTS]) {
    const blocks = blocksOf(new Pyramid(noise).blocks(at, 1234, 43_210, most));
    assert.equal(blocks[0]?.[0], 1234);
    assert.ok((blocks.at(-1)?.[0] ?? NaN) <= 43_210);
    for (const [i, [end = NaN]] of blocks.slice(1).entries()) { // the last may go on to the right of the view
      const [place = NaN, low, high] = blocks[i] ?? [];
      const values = noise.subarray(place, end);
      assert.deepEqual([low, high], [Math.min(...values), Math.max(...values)]);
      assert.ok(end - place - 1 <= most, `${end - place} values within ${most}`);
    }
  }
});

test("a line keeps its shape while it is panned: the blocks of two views are the same where both show them", () => {
  const pyramid = new Pyramid(noise);
  const one = blocksOf(pyramid.blocks(at, 10_000, 40_000, 50));
  const other = new Set(blocksOf(pyramid.blocks(at, 10_017, 40_017, 50)).map(String));
  const common = one.filter(([place = 0]) => place > 10_100 && place < 39_900);
  assert.ok(common.length > 500);
  assert.deepEqual(common.filter((block) => !other.has(String(block))), []);
});

test("gaps: NaN and infinities are no values, and a block of nothing else is not solid", () => {
  const pyramid = new Pyramid(Float32Array.of(1, NaN, Infinity, -Infinity, NaN, NaN, 4, 2));
  const whole = blocksOf(pyramid.blocks(at, 0, 7, 7));
  assert.deepEqual(whole, [[0, 1, 4]]);
  const pairs = blocksOf(pyramid.blocks(at, 0, 7, 1)).map(([place, low = NaN, high = NaN]) => (solid(low, high) ? [place, low, high] : "gap"));
  assert.deepEqual(pairs, [[0, 1, 1], "gap", "gap", [6, 2, 4]]);
  const single = blocksOf(pyramid.blocks(at, 0, 7, 0)).map(([, low = NaN, high = NaN]) => solid(low, high));
  assert.deepEqual(single, [true, false, false, false, false, false, true, true]);
});

test("an empty line and one of a single value have blocks too", () => {
  assert.deepEqual(new Pyramid(new Float32Array()).blocks(at, 0, 5, 1), []);
  assert.deepEqual(new Pyramid(Float64Array.of(3)).blocks(at, -1, 5, 1), [0, 3, 3]);
});

test("ticks are multiples of 1, 2 or 5 times a power of ten, at most as many as fit", () => {
  for (const [span, count, step] of /** @type {[number, number, number][]} */ ([[10, 10, 1], [10, 9, 2], [10, 4, 5], [10, 1, 10], [0.7, 7, 0.1], [86_400, 6, 20_000], [3e-7, 5, 1e-7]])) assert.equal(stepOf(span, count), step);
  assert.deepEqual(ticks(0.05, 0.72, 0.1), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]);
  assert.deepEqual(ticks(-3, 5, 2), [-2, 0, 2, 4]);
  for (let i = 0; i < 500; i++) {
    const from = (next() - 0.5) * 10 ** (next() * 12 - 6);
    const to = from + 10 ** (next() * 12 - 6);
    const count = 1 + Math.floor(next() * 12);
    assert.ok(ticks(from, to, stepOf(to - from, count)).length <= count + 1);
  }
});

test("the y axis ends at round numbers around the values, even around a single one", () => {
  assert.deepEqual(rounded(0.3, 9.2, 5), { low: 0, high: 10, step: 2 });
  const { low, high } = rounded(5, 5, 5);
  assert.ok(low < 5 && high > 5);
  assert.ok(rounded(0, 0, 5).low < 0);
});

test("numbers a step apart are written differently, large and small ones short", () => {
  for (const [step, start] of /** @type {[number, number][]} */ ([[1, 0], [0.1, -1], [0.002, 12.3], [20_000, 0], [5_000, 12_340_000], [500_000, -1_000_000], [1e-9, 0], [1e20, 3e21], [0.5, 1e7]])) {
    const write = writer(step, Math.abs(start) + 9 * step);
    const texts = Array.from({ length: 10 }, (_, i) => write(start + i * step));
    assert.equal(new Set(texts).size, 10, texts.join(" "));
    for (const text of texts) assert.ok(text.length < 14, text);
  }
  assert.equal(writer(1, 5)(-0), "0");
  assert.equal(writer(0.1, 5)(-0.3), "−0.3");
  assert.deepEqual([writer(0.01, 2100)(1990), writer(0.01, 2100, true)(1990), writer(0.01, 2100, true)(1990.5)], ["1990.00", "1990", "1990.5"]);
});

test("y may be f32 bytes at any offset, a typed array, or a list whose nulls are gaps", () => {
  const bytes = new Uint8Array(13);
  new DataView(bytes.buffer).setFloat32(1, 1.5, true);
  new DataView(bytes.buffer).setFloat32(5, -2, true);
  assert.deepEqual([...line({ y: new DataView(bytes.buffer, 1, 8) }).values], [1.5, -2]);
  assert.deepEqual([...line({ y: Float32Array.of(3, 4) }).values], [3, 4]);
  assert.deepEqual([...line({ y: [1, null, 2] }).values], [1, NaN, 2]);
  assert.equal(line({ y: [] }).label, "Line 1");
});

test("x may be nothing, a start and a step, f64 bytes or a list, for all series or for one", () => {
  const y = [5, 6, 7];
  const whole = (/** @type {Line} */ { places, values }) => [...values].map((_, i) => places.at(i));
  assert.deepEqual(whole(line({ y })), [0, 1, 2]);
  assert.deepEqual(whole(line({ y }, { start: 10, step: 0.5 })), [10, 10.5, 11]);
  assert.deepEqual(whole(line({ y }, [1, 4, 9])), [1, 4, 9]);
  const bytes = new DataView(new ArrayBuffer(24));
  for (const [i, x] of [1.7e12, 1.7e12 + 1, 1.7e12 + 2].entries()) bytes.setFloat64(8 * i, x, true);
  assert.deepEqual(whole(line({ y }, bytes)), [1.7e12, 1.7e12 + 1, 1.7e12 + 2]);
  assert.deepEqual(whole(line({ y, x: [2, 3, 4] }, bytes)), [2, 3, 4]);
});

test("the index left of a place, and the nearest one", () => {
  for (const one of [line({ y: [0, 0, 0, 0] }, { start: 10, step: 2 }), line({ y: [0, 0, 0, 0] }, [10, 12, 14, 16])]) {
    assert.deepEqual([9, 10, 11.9, 12, 15, 16, 99].map(one.places.find), [-1, 0, 0, 1, 2, 3, 3]);
    assert.deepEqual([-5, 10.9, 11.1, 15.5, 99].map((place) => nearest(one, place)), [0, 0, 1, 3, 3]);
  }
});

test("what is wrong with a series is said in a sentence, and the others are not touched", () => {
  assert.match(problem({ y: new DataView(new ArrayBuffer(403)) }), /^y has 403 bytes, which is no multiple of 4/);
  assert.match(problem({ y: [1] }, new DataView(new ArrayBuffer(12))), /^x has 12 bytes, which is no multiple of 8/);
  assert.match(problem({ y: "text" }), /y is neither bytes nor a list/);
  assert.match(problem({ y: [1, 2] }, [1, 2, 3]), /has 2 values, and x has 3/);
  assert.match(problem({ y: [1, 2, 3] }, [1, 3, 2]), /x must grow, and does not at index 2/);
  assert.match(problem({ y: [1] }, [NaN]), /x must grow/);
  assert.match(problem({ y: [1] }, { start: 0, step: 0 }), /positive/);
  assert.deepEqual(read([{ y: 5 }, { y: [1] }], null).map((one) => "problem" in one), [true, false]);
  assert.deepEqual(read("text", null).map((one) => "problem" in one), [true]);
  assert.deepEqual(read(undefined, undefined), []);
});

test("the extent of lines, and the peaks within a window", () => {
  const lines = [line({ y: [1, 2, 3] }, [5, 6, 7]), line({ y: [9] }, [2]), line({ y: [] })];
  assert.deepEqual(extent(lines), [2, 7]);
  assert.equal(extent([line({ y: [] })]), null);
  assert.deepEqual(peaks([[0, 1, 1, 1, 5, 7, 2, NaN, NaN, 9, 99, 99]], 0, 3), [1, 7]);
  assert.equal(peaks([[0, 1, 1]], 2, 3), null);
});

/** A view of 0 … 100 with this state. @param {object} [state] */
function viewOf(state = {}) {
  /** @type {Record<string, any>} */
  const now = { range: null, window: null, ...state };
  let saves = 0;
  const view = new View({ get: (key) => now[key], set: (key, value) => void (now[key] = value), save_changes: () => void saves++ });
  view.ends = [0, 100];
  view.count = 1001;
  return { view, now, saves: () => saves };
}

test("a view that follows shows everything, or a window at the newest end, and moves as data grows", () => {
  const { view } = viewOf();
  assert.deepEqual([view.now, view.whole], [{ from: 0, to: 100 }, true]);
  view.ends = [0, 150];
  assert.deepEqual(view.now, { from: 0, to: 150 });
  const narrow = viewOf({ window: 20 });
  assert.deepEqual([narrow.view.now, narrow.view.whole], [{ from: 80, to: 100 }, false]);
  narrow.view.ends = [0, 150];
  assert.deepEqual(narrow.view.now, { from: 130, to: 150 });
});

test("a range stays where it is while data grows; one that reaches the end follows again, as wide as it was", () => {
  const { view, now } = viewOf();
  view.zoom(0.5, 0.5);
  assert.deepEqual(now, { range: [25, 75], window: null });
  view.ends = [0, 200];
  assert.deepEqual(view.now, { from: 25, to: 75 });
  view.pan(100);
  assert.deepEqual(now, { range: null, window: 50 });
  view.ends = [0, 300];
  assert.deepEqual(view.now, { from: 250, to: 300 });
  view.follow(true);
  assert.deepEqual(now, { range: null, window: null });
});

test("a pan and a zoom end where the data ends, and a wish for nothing else saves nothing", () => {
  const { view, now, saves } = viewOf({ range: [10, 30] });
  assert.equal(view.pan(-5), true);
  assert.deepEqual(now.range, [0, 20]);
  assert.equal(view.pan(-5), false);
  assert.equal(saves(), 1);
  view.zoom(1e9, 0.5);
  assert.deepEqual(now, { range: null, window: null });
  assert.equal(view.zoom(2, 0.5), false);
  for (let i = 0; i < 100; i++) view.zoom(0.5, 0.5);
  assert.ok(view.now.to - view.now.from >= 0.2, "two values stay in view");
});

test("while it follows, a zoom without a place keeps the newest value in view", () => {
  const { view, now } = viewOf();
  view.zoom(0.5);
  assert.deepEqual(now, { range: null, window: 50 });
});

test("a range that is none is as if there were none", () => {
  for (const range of [undefined, "text", [1], [2, 1], [1, 1], [0, Infinity], ["a", "b"]]) {
    assert.equal(pair(range), null);
    assert.deepEqual(viewOf({ range }).view.now, { from: 0, to: 100 });
  }
  assert.deepEqual(pair([1, 2]), [1, 2]);
});

test("without data, or with a single point, there is a view and nothing to pan to", () => {
  const { view, saves } = viewOf();
  view.ends = null;
  assert.ok(view.now.to > view.now.from);
  view.follow(false);
  view.ends = [5, 5];
  assert.deepEqual(view.now, { from: 4.5, to: 5.5 });
  assert.equal(view.zoom(0.5), false);
  assert.equal(saves(), 0);
});
