import assert from "node:assert/strict";
import { test } from "node:test";
import * as reference from "@msgpack/msgpack";
import { decode, encode, equal, lane, snapshot } from "../../js/codec.js";
import * as msgpack from "../../js/msgpack.js";
import { random } from "./random.js";

/** As the reference takes it: bytes as `Uint8Array`s, no bigints, no key `__proto__`. @param {any} value @returns {any} */
const forReference = (value) => {
  if (value instanceof DataView) return new Uint8Array(value.buffer);
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map(forReference);
  if (typeof value !== "object" || !value) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.replace("__proto__", "proto"), forReference(inner)]));
};

/** @param {Uint8Array} bytes */
const bufferOf = (bytes) => /** @type {ArrayBuffer} */ (bytes.slice().buffer);

/** @param {...number} bytes */
const decodeBytes = (...bytes) => msgpack.decode(Uint8Array.from(bytes).buffer);

/** Pushes through both lanes of a socket and collects what comes out. @param {any[]} frames @returns {Promise<{ wire: any[], frames: any[] }>} */
const through = (frames) =>
  new Promise((resolve, reject) => {
    /** @type {any[]} */
    const wire = [];
    /** @type {any[]} */
    const out = [];
    const pull = lane(decode, (frame) => out.push(frame) === frames.length && resolve({ wire, frames: out }), reject);
    const push = lane(encode, (data) => {
      wire.push(data);
      pull(typeof data === "string" ? data : bufferOf(data));
    }, reject);
    frames.forEach(push);
  });

test("what MessagePack writes, it reads back equal: seeded random values", () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const value = random(seed).value();
    const again = msgpack.decode(bufferOf(msgpack.encode(value)));
    assert.ok(equal(again, value), `seed ${seed}`);
  }
});

test("what we write, @msgpack/msgpack reads, and the other way round", () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const value = forReference(random(seed).value());
    assert.ok(equal(reference.decode(msgpack.encode(value)), snapshot(value, "x")), `written by us, seed ${seed}`);
    assert.ok(equal(msgpack.decode(bufferOf(reference.encode(value))), snapshot(value, "x")), `written by the reference, seed ${seed}`);
  }
  assert.equal(reference.decode(msgpack.encode(2n ** 63n), { useBigInt64: true }), 2n ** 63n);
  assert.equal(msgpack.decode(bufferOf(reference.encode(-(2n ** 63n), { useBigInt64: true }))), -(2n ** 63n));
});

test("every length form of the format is read: fix, 8, 16 and 32 bits", () => {
  assert.equal(decodeBytes(0xd9, 1, 0x61), "a");
  assert.equal(decodeBytes(0xda, 0, 1, 0x61), "a");
  assert.equal(decodeBytes(0xdb, 0, 0, 0, 1, 0x61), "a");
  assert.deepEqual(decodeBytes(0xdc, 0, 1, 7), [7]);
  assert.deepEqual(decodeBytes(0xdd, 0, 0, 0, 1, 7), [7]);
  assert.deepEqual(decodeBytes(0xde, 0, 1, 0xa1, 0x61, 7), { a: 7 });
  assert.deepEqual(decodeBytes(0xdf, 0, 0, 0, 1, 0xa1, 0x61, 7), { a: 7 });
  for (const head of [[0xc4, 2], [0xc5, 0, 2], [0xc6, 0, 0, 0, 2]]) assert.equal(decodeBytes(...head, 1, 2).getUint16(0), 0x102);
  assert.equal(decodeBytes(0xca, 0x3f, 0xc0, 0, 0), 1.5);
});

test("integers are numbers where those are exact, else bigints", () => {
  assert.equal(decodeBytes(0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), Number.MAX_SAFE_INTEGER);
  assert.equal(decodeBytes(0xcf, 0, 0x20, 0, 0, 0, 0, 0, 0), 2n ** 53n);
  assert.equal(decodeBytes(0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 0), -(2n ** 53n));
  assert.equal(decodeBytes(0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe), -2);
});

test("B5: every DataView read owns an ArrayBuffer of exactly its bytes", () => {
  const [a, b] = msgpack.decode(bufferOf(msgpack.encode([new Uint8Array([1, 2, 3]), new Uint8Array()])));
  assert.deepEqual([a.byteOffset, a.buffer.byteLength, b.buffer.byteLength], [0, 3, 0]);
});

test("B5: of a frame that tells of no state large bytes own their buffer, too", () => {
  const large = new Uint8Array(100_000).fill(7);
  const { buffers: [bytes] } = msgpack.decode(bufferOf(msgpack.encode({ type: "message", content: null, buffers: [large] })));
  assert.deepEqual([bytes.byteOffset, bytes.buffer.byteLength, equal(bytes, snapshot(large, "x"))], [0, 100_000, true]);
});

test("large bytes of a state are not copied out of their frame, unless they would keep a larger one", () => {
  const values = { large: new Uint8Array(100_000).fill(7), half: new Uint8Array(90_000).fill(8), small: new Uint8Array(10).fill(9) };
  /** @param {Partial<typeof values>} state */
  const shares = (state) => {
    const frame = bufferOf(msgpack.encode({ type: "set", base: 1, rev: 2, state }));
    const read = msgpack.decode(frame).state;
    assert.ok(equal(read, snapshot(state, "x")));
    return Object.keys(read).filter((key) => read[key].buffer === frame);
  };
  const { large, half, small } = values;
  assert.deepEqual([shares({ small, large }), shares({ large, half }), shares({ half, small }), shares({ small })], [["large"], ["large"], ["half"], []]);
});

test("malformed MessagePack is an error at once, whatever length it claims", () => {
  const malformed = [
    [], [0xc1], [0xc7, 1, 1, 1], [0xd4, 1, 1], [0x81], [0x81, 1, 1], [0xa5, 0x61], [0xa1, 0xff], [0xc0, 0xc0],
    [0xdd, 0xff, 0xff, 0xff, 0xff], [0xdf, 0xff, 0xff, 0xff, 0xff], [0xc6, 0xff, 0xff, 0xff, 0xff], [0xdb, 0xff, 0xff, 0xff, 0xff],
    [0xcb, 0, 0], new Array(5000).fill(0x91),
  ];
  for (const bytes of malformed) assert.throws(() => decodeBytes(...bytes), Error, String(bytes.slice(0, 6)));
});

test("random bytes are a value or an error, and never more than that", () => {
  const { int } = random(7);
  for (let i = 0; i < 20_000; i++) {
    const bytes = Uint8Array.from({ length: int(24) }, () => int(256));
    try {
      msgpack.decode(bytes.buffer);
    } catch (error) {
      assert.ok(error instanceof Error);
    }
  }
});

test("a key named __proto__ stays a key", async () => {
  const value = JSON.parse('{"__proto__": {"polluted": 1}, "a": {"__proto__": null}}');
  for (const copy of [snapshot(value, "x"), msgpack.decode(bufferOf(msgpack.encode(value))), (await through([{ type: "x", value }])).frames[0].value]) {
    assert.equal(Object.getPrototypeOf(copy), Object.prototype);
    assert.deepEqual(Object.keys(copy), ["__proto__", "a"]);
    assert.equal(/** @type {any} */ ({}).polluted, undefined);
    assert.ok(equal(copy, value));
  }
});

test("frames are text while JSON can say it, else MessagePack, and keep their order while that loads", async () => {
  const awkward = [new Uint8Array([1]), NaN, Infinity, 2n ** 60n, 2 ** 53, { deep: [new ArrayBuffer(2)] }];
  const frames = [{ type: "a", value: 1.5 }, ...awkward.map((value) => ({ type: "b", value })), { type: "c", value: [1e300 / 1e10, "é", null] }];
  const { wire, frames: out } = await through(frames);
  assert.deepEqual(wire.map((data) => typeof data), ["string", ...awkward.map(() => "object"), "object"]);
  assert.ok(equal(out, snapshot(frames, "frames")));
});

test("a frame that cannot be read stops its lane", async () => {
  /** @type {unknown[]} */
  const log = [];
  const pull = lane(decode, (frame) => log.push(frame), () => log.push("failed"));
  ['{"type":"a"}', "{", '{"type":"b"}'].forEach(pull);
  await null;
  assert.deepEqual(log, [{ type: "a" }, "failed"]);
});

test("M6: a snapshot shares nothing with the value, and takes exactly the window of a view (B5)", () => {
  const bytes = new Uint8Array([0, 1, 2, 3, 4]);
  const value = { list: [{ a: 1 }], window: bytes.subarray(1, 3), odd: new DataView(bytes.buffer, 3, 1), buffer: bytes.buffer };
  const copy = snapshot(value, "value");
  value.list.push({ a: 2 });
  bytes.fill(9);
  assert.deepEqual(copy.list, [{ a: 1 }]);
  assert.deepEqual([...new Uint8Array(copy.window.buffer)], [1, 2]);
  assert.deepEqual([...new Uint8Array(copy.odd.buffer)], [3]);
  assert.deepEqual([...new Uint8Array(copy.buffer.buffer)], [0, 1, 2, 3, 4]);
});

test("M8: what cannot travel is a TypeError that names the key and the place", () => {
  /** @type {any} */
  const cycle = { a: [{}] };
  cycle.a[0].back = cycle;
  class Node {
    get nodeType() {
      return 1;
    }
  }
  let deep = {};
  for (let i = 0; i < 200; i++) deep = { deep };
  for (const [value, place] of /** @type {[any, RegExp][]} */ ([
    [() => 1, /view/],
    [{ a: [0, { f() {} }] }, /view\.a\.1\.f.*function/],
    [[Symbol("s")], /view\.0.*symbol/],
    [{ el: new Node() }, /view\.el.*DOM node/],
    [cycle, /view\.a\.0\.back.*cycle/],
    [deep, /nested too deep/],
    [[2n ** 64n], /view\.0.*64 bits/],
  ]))
    assert.throws(() => snapshot(value, "view"), (error) => error instanceof TypeError && place.test(error.message), String(place));
});

test("the same object twice is no cycle, and a record may have a nodeType", () => {
  const shared = { x: 1 };
  assert.deepEqual(snapshot([shared, [shared], { nodeType: 3 }], "x"), [{ x: 1 }, [{ x: 1 }], { nodeType: 3 }]);
});

test("undefined is null, left out of records, null in lists; dates and the like go by toJSON", () => {
  assert.equal(snapshot(undefined, "x"), null);
  assert.deepEqual(snapshot({ a: undefined, b: [undefined], d: new Date(0) }, "x"), { b: [null], d: "1970-01-01T00:00:00.000Z" });
});

test("holes in a list are null", () => {
  const holes = [1, , 3];
  assert.deepEqual(snapshot(holes, "x"), [1, null, 3]);
  assert.ok(equal(holes, [1, null, 3]));
  assert.ok(!equal(holes, [1, 2, 3]));
});

test("half a surrogate pair becomes a replacement character: hosts refuse it", () => {
  assert.equal(snapshot("a\ud800b", "x"), "a\ufffdb");
});

test("M3: equal is deep, NaN-safe and looks at bytes, not at the kind of view", () => {
  const date = new Date(5);
  for (const [value, same] of /** @type {[any, any][]} */ ([
    [NaN, NaN], [[1, { a: [NaN] }], [1, { a: [NaN] }]], [new Float32Array([1, 2]), new Float32Array([1, 2])],
    [new Uint8Array([9, 1, 2]).subarray(1), new DataView(new Uint8Array([1, 2]).buffer)], [undefined, null],
    [{ a: undefined, b: 1 }, { b: 1 }], [{ d: date }, { d: date.toJSON() }], [{ b: 1, a: 2 }, { a: 2, b: 1 }], [2n ** 60n, 2n ** 60n],
  ]))
    assert.ok(equal(value, snapshot(same, "x")), String(value));
  for (const [value, other] of /** @type {[any, any][]} */ ([
    [1, "1"], [0, null], [[1], [1, 2]], [{ a: 1 }, { b: 1 }], [{}, []], [[], {}], [new Uint8Array([1]), new Uint8Array([2])],
    [new Uint8Array([1]), [1]], [{ a: null }, {}], [null, {}], [{}, null], ["a", ["a"]], [() => 1, {}], [new Uint8Array(1), new Uint8Array(2)],
  ]))
    assert.ok(!equal(value, snapshot(other, "x")), `${String(value)} is not ${String(other)}`);
});

test("M3: bytes are compared to the last one, wherever they begin", () => {
  for (const size of [0, 1, 3, 4, 5, 1023]) {
    for (const begin of [0, 1, 2, 3]) {
      const bytes = new Uint8Array(size + begin + 5).map((_, i) => i % 251).subarray(begin, begin + size);
      const copy = snapshot(bytes, "x");
      assert.ok(equal(bytes, copy), `${size} bytes from ${begin}`);
      for (const at of new Set([0, size >> 1, size - 1])) {
        if (at < 0 || at >= size) continue;
        bytes[at] = Number(bytes[at]) ^ 1;
        assert.ok(!equal(bytes, copy), `byte ${at} of ${size} from ${begin}`);
        bytes[at] = Number(bytes[at]) ^ 1;
      }
    }
  }
});

test("a value is equal to its own snapshot, and to no changed one: seeded random values", () => {
  for (let seed = 1; seed <= 1000; seed++) {
    const value = random(seed).value();
    assert.ok(equal(value, snapshot(value, "x")), `seed ${seed}`);
    assert.ok(!equal([value, 1], snapshot([value, 2], "x")));
  }
});
