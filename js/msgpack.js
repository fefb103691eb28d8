/**
 * MessagePack, for frames that JSON cannot carry; loaded when the first one comes or goes.
 */
import { MAX_DEPTH, bytesOf, isBytes, put } from "./value.js";

/** By the binary logarithm of their size. */
const UINT = ["getUint8", "getUint16", "getUint32", "getBigUint64"];
const INT = ["getInt8", "getInt16", "getInt32", "getBigInt64"];

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
    bytes = new Uint8Array(Math.max(2 * at, at + more + 64));
    bytes.set(before);
    view = new DataView(bytes.buffer);
  };
  /** @param {number} code @param {string} [set] @param {number | bigint} [value] @param {number} [size] */
  const head = (code, set, value, size = 0) => {
    room(9);
    bytes[at++] = code;
    if (set) view[set](at, value);
    at += size;
  };
  /** @param {number} length @param {number} most of the short form @param {number} short @param {number} long */
  const count = (length, most, short, long) => (length > most ? head(long, "setUint32", length, 4) : head(short + length));
  /** @param {Uint8Array} data */
  const raw = (data) => {
    room(data.length);
    bytes.set(data, at);
    at += data.length;
  };
  /** @param {any} value */
  const write = (value) => {
    if (value == null) head(0xc0);
    else if (typeof value === "boolean") head(0xc2 + +value);
    else if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) head(0xcb, "setFloat64", value, 8);
      else if (value >= -32 && value < 128) head(value & 255);
      else if (value === (value | 0)) head(0xd2, "setInt32", value, 4);
      else head(0xd3, "setBigInt64", BigInt(value), 8);
    } else if (typeof value === "bigint") {
      if (value >> 63n > 0) head(0xcf, "setBigUint64", value, 8);
      else head(0xd3, "setBigInt64", value, 8);
    } else if (typeof value === "string") {
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
      const keys = Object.keys(value).filter((key) => value[key] !== undefined);
      count(keys.length, 15, 0x80, 0xdf);
      for (const key of keys) [key, value[key]].forEach(write);
    }
  };

  write(frame);
  return bytes.subarray(0, at);
}

/** Integers become numbers where those are exact, else bigints. @param {ArrayBuffer} buffer @returns {any} */
export function decode(buffer) {
  /** @type {any} */
  const view = new DataView(buffer);
  const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  let at = 0;

  /** @param {string} what @returns {never} */
  const fail = (what) => {
    throw new Error(`MessagePack: ${what} at byte ${at}`);
  };
  /** @param {number} size */
  const left = (size) => size > buffer.byteLength - at && fail("cut off");
  /** @param {number} size */
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
    left(length);
    const items = [];
    while (length--) items.push(read(depth + 1));
    return items;
  };
  /** @param {number} length @param {number} depth */
  const map = (length, depth) => {
    left(length);
    const object = {};
    while (length--) {
      const key = read(depth + 1);
      if (typeof key !== "string") fail("a key that is no string");
      put(object, key, read(depth + 1));
    }
    return object;
  };
  /** @param {number} depth @returns {any} */
  const read = (depth) => {
    if (depth > MAX_DEPTH + 8) fail("nested too deep");
    const code = int(UINT, 0);
    if (code < 0x80) return code;
    if (code < 0x90) return map(code & 15, depth);
    if (code < 0xa0) return array(code & 15, depth);
    if (code < 0xc0) return text(code & 31);
    if (code === 0xc0) return null;
    if (code === 0xc2 || code === 0xc3) return code === 0xc3;
    if (code >= 0xc4 && code < 0xc7) {
      const size = int(UINT, code - 0xc4);
      const from = take(size);
      return new DataView(buffer.slice(from, from + size));
    }
    if (code === 0xca) return view.getFloat32(take(4));
    if (code === 0xcb) return view.getFloat64(take(8));
    if (code >= 0xcc && code < 0xd0) return int(UINT, code - 0xcc);
    if (code >= 0xd0 && code < 0xd4) return int(INT, code - 0xd0);
    if (code >= 0xe0) return code - 256;
    if (code >= 0xde) return map(int(UINT, code - 0xdd), depth);
    if (code >= 0xdc) return array(int(UINT, code - 0xdb), depth);
    if (code >= 0xd9) return text(int(UINT, code - 0xd9));
    return fail(`unknown code ${code}`);
  };

  const value = read(0);
  if (at < buffer.byteLength) fail("more than one value");
  return value;
}
