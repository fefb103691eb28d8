/**
 * MessagePack, loaded with the first frame that JSON cannot carry.
 */
import { MAX_DEPTH, bytesOf, isBytes, put } from "./codec.js";

/** By the binary logarithm of the size. */
const UINT = ["getUint8", "getUint16", "getUint32", "getBigUint64"];
const INT = ["getInt8", "getInt16", "getInt32", "getBigInt64"];

/** @type {any} */
const scratch = new DataView(new ArrayBuffer(9));

/** @param {any} frame of snapshots */
export function encode(frame) {
  let bytes = new Uint8Array(256);
  let at = 0;
  /** @param {Uint8Array} data */
  const raw = (data) => {
    if (at + data.length > bytes.length) {
      const before = bytes;
      bytes = new Uint8Array(2 * at + data.length);
      bytes.set(before);
    }
    bytes.set(data, at);
    at += data.length;
  };
  /** @param {number} code @param {string} set @param {number | bigint} value @param {number} size */
  const head = (code, set = "setInt8", value = 0, size = 0) => {
    scratch.setUint8(0, code);
    scratch[set](1, value);
    raw(new Uint8Array(scratch.buffer, 0, size + 1));
  };
  /** @param {number} length @param {number} most of the short form @param {number} short @param {number} long */
  const count = (length, most, short, long) => (length > most ? head(long, "setUint32", length, 4) : head(short + length));
  /** @param {any} value */
  const write = (value) => {
    if (value == null) head(0xc0);
    else if (typeof value === "boolean") head(0xc2 + +value);
    else if (typeof value === "number" && !Number.isSafeInteger(value)) head(0xcb, "setFloat64", value, 8);
    else if (value >= -32 && value < 128 && typeof value === "number") head(value & 255);
    else if (typeof value === "number" || typeof value === "bigint")
      value >= 2n ** 63n ? head(0xcf, "setBigUint64", value, 8) : head(0xd3, "setBigInt64", BigInt(value), 8);
    else if (typeof value === "string") {
      const text = new TextEncoder().encode(value);
      count(text.length, 31, 0xa0, 0xdb);
      raw(text);
    } else if (isBytes(value)) {
      count(value.byteLength, -1, 0, 0xc6);
      raw(bytesOf(value));
    } else if (Array.isArray(value)) {
      count(value.length, 15, 0x90, 0xdd);
      value.forEach(write);
    } else {
      const pairs = Object.entries(value).filter((pair) => pair[1] !== undefined);
      count(pairs.length, 15, 0x80, 0xdf);
      pairs.flat().forEach(write);
    }
  };
  write(frame);
  return bytes.subarray(0, at);
}

/** Integers come as numbers where those are exact, else as bigints. @param {ArrayBuffer} buffer @returns {any} */
export function decode(buffer) {
  /** @type {any} */
  const view = new DataView(buffer);
  let at = 0;
  /** @param {unknown} wrong @param {string} what */
  const check = (wrong, what) => {
    if (wrong) throw new Error(`MessagePack: ${what} at byte ${at}`);
  };
  /** Nothing is shorter than a byte, so a longer length is a lie. @param {number} size */
  const take = (size, step = size) => {
    check(size > buffer.byteLength - at, "cut off");
    return (at += step) - step;
  };
  /** @param {string[]} get @param {number} log */
  const int = (get, log) => {
    const value = view[get[log] ?? ""](take(1 << log));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };
  /** @param {number} size */
  const text = (size) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(buffer, take(size), size));
  /** @param {number} length @param {number} depth */
  const array = (length, depth) => {
    const items = [];
    for (take(length, 0); length--; ) items.push(read(depth));
    return items;
  };
  /** @param {number} length @param {number} depth */
  const map = (length, depth) => {
    const object = {};
    for (take(length, 0); length--; ) {
      const key = read(depth);
      check(typeof key !== "string", "a key that is no string");
      put(object, key, read(depth));
    }
    return object;
  };
  /** @returns {any} */
  const read = (depth = 0) => {
    check(depth++ > MAX_DEPTH + 8, "nested too deep");
    const code = int(UINT, 0);
    if (code < 0x80) return code;
    if (code < 0x90) return map(code & 15, depth);
    if (code < 0xa0) return array(code & 15, depth);
    if (code < 0xc0) return text(code & 31);
    if (code === 0xc0) return null;
    if (code === 0xc2 || code === 0xc3) return code === 0xc3;
    if (code >= 0xc4 && code < 0xc7) {
      const size = int(UINT, code - 0xc4);
      return new DataView(buffer.slice(take(size), at));
    }
    if (code === 0xca) return view.getFloat32(take(4));
    if (code === 0xcb) return view.getFloat64(take(8));
    if (code >= 0xcc && code < 0xd0) return int(UINT, code - 0xcc);
    if (code >= 0xd0 && code < 0xd4) return int(INT, code - 0xd0);
    check(code < 0xd9, `code ${code}`);
    if (code < 0xdc) return text(int(UINT, code - 0xd9));
    if (code < 0xde) return array(int(UINT, code - 0xdb), depth);
    return code < 0xe0 ? map(int(UINT, code - 0xdd), depth) : code - 256;
  };
  const value = read();
  check(at < buffer.byteLength, "something after the end");
  return value;
}
