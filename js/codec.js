/**
 * What travels: values, and frames of them as text while JSON can say it, else as MessagePack.
 *
 * @import { Bytes, Frame, State } from "./types.js"
 */

/** Frames add a few levels; the host stops at 128. */
export const MAX_DEPTH = 120;

/** @param {any} value @returns {value is Bytes} */
export const isBytes = (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

/** The window that a view shows, not the buffer behind it. @param {any} value */
export const bytesOf = (value) => new Uint8Array(value.buffer ?? value, value.byteOffset, value.byteLength);

/** A deep copy, with bytes as `DataView`s that own theirs. Throws at what cannot travel. @param {any} value @param {string} name @returns {any} */
export function snapshot(value, name) {
  /** @type {unknown[]} */
  const above = [];
  const path = [name];
  /** @param {any} value @param {number} depth @returns {any} */
  const copy = (value, depth) => {
    /** @param {string} what */
    const refuse = (what) => {
      throw new TypeError(`cannot send ${path.slice(0, depth + 1).join(".")}: it is ${what}`);
    };
    /** @param {any} step @param {unknown} inner */
    const inside = (step, inner) => {
      path[depth + 1] = step;
      return copy(inner, depth + 1);
    };
    if (value == null) return null;
    if (typeof value === "string") return value.toWellFormed?.() ?? value;
    if (typeof value === "bigint" && (value < -(2n ** 63n) || value >= 2n ** 64n)) refuse("beyond 64 bits");
    if (typeof value === "function" || typeof value === "symbol") refuse(`a ${typeof value}`);
    if (typeof value !== "object") return value;
    if (isBytes(value)) return new DataView(bytesOf(value).slice().buffer);
    if (isNode(value)) refuse("a DOM node");
    const at = above.indexOf(value);
    if (at >= 0 && at < depth) refuse("a cycle");
    if (depth === MAX_DEPTH) refuse("nested too deep");
    above[depth] = value;
    if (value.toJSON) return inside("toJSON", value.toJSON());
    if (Array.isArray(value)) return value.map((item, i) => inside(i, item));
    const copied = {};
    for (const key of Object.keys(value)) if (value[key] !== undefined) put(copied, key, inside(key, value[key]));
    return copied;
  };
  return copy(value, 0);
}

/** Would a snapshot of `value` be the same as `copy`? @param {any} value @param {any} copy @returns {boolean} */
export function equal(value, copy) {
  if (value === copy || Object.is(value, copy)) return true;
  if (value === undefined) return copy === null;
  if (typeof value !== "object" || typeof copy !== "object" || !value || !copy) return false;
  if (isBytes(value)) return isBytes(copy) && same(bytesOf(value), bytesOf(copy));
  if (isBytes(copy) || isNode(value)) return false;
  if (value.toJSON) return equal(value.toJSON(), copy);
  if (Array.isArray(value)) return Array.isArray(copy) && same(value, copy);
  const keys = Object.keys(value).filter((key) => value[key] !== undefined);
  return !Array.isArray(copy) && keys.length === Object.keys(copy).length && keys.every((key) => Object.hasOwn(copy, key) && equal(value[key], copy[key]));
}

/** @param {ArrayLike<any>} a @param {ArrayLike<any>} b */
function same(a, b) {
  let i = a.length === b.length ? a.length : -1;
  while (i > 0 && (a[i - 1] === b[i - 1] || equal(a[i - 1], b[i - 1]))) i--;
  return !i;
}

/** A node inherits its `nodeType`; a record owns it. @param {object} value */
const isNode = (value) => "nodeType" in value && !Object.hasOwn(value, "nodeType");

/** Assigns, `__proto__` too. @param {State} object @param {string} key @param {unknown} value */
export function put(object, key, value) {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** @param {any} value @returns {boolean} */
function isJSON(value) {
  if (typeof value === "number") return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (typeof value !== "object" || !value) return typeof value !== "bigint";
  return !isBytes(value) && Object.values(value).every(isJSON);
}

/** @type {typeof import("./msgpack.js") | undefined} */
let msgpack;
let failures = 0;

/** Undefined before MessagePack is loaded. @param {Frame} frame */
export const encode = (frame) => (isJSON(frame) ? JSON.stringify(frame) : msgpack?.encode(frame));

/** Undefined before MessagePack is loaded. @param {string | ArrayBuffer} data @returns {Frame | undefined} */
export const decode = (data) => (typeof data === "string" ? JSON.parse(data) : msgpack?.decode(data));

/**
 * One direction of a socket: keeps the order of what is pushed, also while MessagePack loads.
 *
 * @template From, To
 * @param {(item: From) => To | undefined} convert @param {(converted: To) => void} deliver @param {(error: unknown) => void} fail
 * @returns {(item: From) => void} push
 */
export function lane(convert, deliver, fail) {
  /** @type {From[]} */
  const queue = [];
  const run = async () => {
    try {
      for (const item of queue) {
        let converted = convert(item);
        if (converted === undefined) {
          // Browsers remember a module that failed, hence the query.
          msgpack = await import(`./msgpack.js${failures ? `?${failures}` : ""}`);
          converted = convert(item);
        }
        deliver(/** @type {To} */ (converted));
      }
      queue.length = 0;
    } catch (error) {
      failures++;
      fail(error);
    }
  };
  return (item) => {
    if (queue.push(item) === 1) run();
  };
}
