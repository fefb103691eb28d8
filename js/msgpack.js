/**
 * MessagePack, for frames that JSON cannot carry: bytes, NaN and infinities, integers beyond 2^53. Loaded when
 * the first of them comes or goes.
 */
import { MAX_DEPTH, bytesOf, isBytes, keysOf } from "./codec.js";

/** A frame around the deepest value. */
const DEPTH = MAX_DEPTH + 8;

/** Frames whose values the replica keeps and gives out as copies. */
const STATE = ["hello", "set", "ack"];
/** Bytes above so many are not copied out of such a frame. */
const LARGE = 1 << 16;

/** Readers of integers, by the binary logarithm of their size. */
const UINT = ["getUint8", "getUint16", "getUint32", "getBigUint64"];
const INT = ["getInt8", "getInt16", "getInt32", "getBigInt64"];

const toUtf8 = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param {any} frame made of snapshots */
export function encode(frame) {
  let bytes = new Uint8Array(1024);
  /** @type {any} */
  let view = new DataView(bytes.buffer);
  let at = 0;

  /** @param {number} more */
  const room = (more) => {
    if (at + more <= bytes.length) return;
    const before = bytes;
    bytes = new Uint8Array(2 * at + more);
    bytes.set(before);
    view = new DataView(bytes.buffer);
  };
  /** A byte, and a number behind it. @param {number} code @param {string} [set] @param {number | bigint} [value] @param {number} [size] */
  const head = (code, set, value, size = 0) => {
    room(9);
    bytes[at++] = code;
    if (set) view[set](at, value);
    at += size;
  };
  /** A length. @param {number} length @param {number} most that the one-byte form holds @param {number} short @param {number} long */
  const count = (length, most, short, long) => (length > most ? head(long, "setUint32", length, 4) : head(short + length));
  /** @param {Uint8Array} data */
  const raw = (data) => {
    room(data.length);
    bytes.set(data, at);
    at += data.length;
  };
  /** @param {any} value */
  const write = (value) => {
    if (value === null || value === undefined) head(0xc0);
    else if (typeof value === "boolean") head(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) head(0xcb, "setFloat64", value, 8);
      else if (value >= -32 && value < 128) head(value & 255);
      else if (value === (value | 0)) head(0xd2, "setInt32", value, 4);
      else head(0xd3, "setBigInt64", BigInt(value), 8);
    } else if (typeof value === "bigint") {
      if (value < 2n ** 63n) head(0xd3, "setBigInt64", value, 8);
      else head(0xcf, "setBigUint64", value, 8);
    } else if (typeof value === "string") {
      const text = toUtf8.encode(value);
      count(text.length, 31, 0xa0, 0xdb);
      raw(text);
    } else if (isBytes(value)) {
      count(value.byteLength, -1, 0, 0xc6);
      raw(bytesOf(value));
    } else if (Array.isArray(value)) {
      count(value.length, 15, 0x90, 0xdd);
      value.forEach(write);
    } else {
      const keys = keysOf(value);
      count(keys.length, 15, 0x80, 0xdf);
      for (const key of keys) {
        write(key);
        write(value[key]);
      }
    }
  };

  write(frame);
  return bytes.subarray(0, at);
}

/**
 * Bytes come as `DataView`s that own exactly theirs (widgets read `.buffer` whole), but for those of a state that are
 * nearly all of their frame: fresh memory for a megabyte takes longer than all else. Integers come as numbers where
 * those are exact, else as bigints.
 *
 * @param {ArrayBuffer} buffer one value, neither less nor more, or it is an error
 * @returns {any}
 */
export function decode(buffer) {
  /** @type {any} */
  const view = new DataView(buffer);
  let at = 0;
  /** The frame's, once it is read. @type {any} */
  let type;

  /** @param {unknown} wrong @param {string} what */
  const check = (wrong, what) => {
    if (wrong) throw new Error(`MessagePack: ${what} at byte ${at}`);
  };
  /** Every item takes a byte at least: a length beyond what is left is a lie. @param {number} size */
  const left = (size) => check(size > buffer.byteLength - at, "cut off");
  /** @param {number} size @returns where it begins */
  const take = (size) => {
    left(size);
    return (at += size) - size;
  };
  /** @param {string[]} get @param {number} log */
  const int = (get, log) => {
    const value = view[get[log] ?? ""](take(1 << log));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };
  /** @param {number} size */
  const text = (size) => utf8.decode(new Uint8Array(buffer, take(size), size));
  /** @param {number} length @param {number} depth */
  const array = (length, depth) => {
    const items = [];
    for (left(length); length--; ) items.push(read(depth));
    return items;
  };
  /** @param {number} length @param {number} depth */
  const map = (length, depth) => {
    const pairs = [];
    for (left(length); length--; ) {
      const key = read(depth);
      check(typeof key !== "string", "a key that is no string");
      const value = read(depth);
      if (depth === 1 && key === "type") type = value;
      pairs.push([key, value]);
    }
    return Object.fromEntries(pairs);
  };
  /** @returns {any} */
  const read = (depth = 0) => {
    check(depth++ > DEPTH, "nested too deep");
    const code = int(UINT, 0);
    if (code < 0x80) return code;
    if (code < 0x90) return map(code & 15, depth);
    if (code < 0xa0) return array(code & 15, depth);
    if (code < 0xc0) return text(code & 31);
    if (code === 0xc0) return null;
    if (code === 0xc2 || code === 0xc3) return code === 0xc3;
    if (code >= 0xc4 && code < 0xc7) {
      const size = int(UINT, code - 0xc4);
      const begin = take(size);
      const isMost = size > LARGE && size * 2 > buffer.byteLength;
      return isMost && STATE.includes(type) ? new DataView(buffer, begin, size) : new DataView(buffer.slice(begin, at));
    }
    if (code === 0xca) return view.getFloat32(take(4));
    if (code === 0xcb) return view.getFloat64(take(8));
    if (code >= 0xcc && code < 0xd0) return int(UINT, code - 0xcc);
    if (code >= 0xd0 && code < 0xd4) return int(INT, code - 0xd0);
    check(code < 0xd9, `the unknown code ${code}`);
    if (code < 0xdc) return text(int(UINT, code - 0xd9));
    if (code < 0xde) return array(int(UINT, code - 0xdb), depth);
    return code < 0xe0 ? map(int(UINT, code - 0xdd), depth) : code - 256;
  };

  const value = read();
  check(at < buffer.byteLength, "more than one value");
  return value;
}
