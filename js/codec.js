/**
 * What travels between a page and its host: values, in frames that are text while JSON can say them and
 * MessagePack where it cannot.
 *
 * @import { Bytes, Frame, State } from "./types.js"
 */
import { part } from "./load.js";

/** Containers in containers. Frames add a few, and the host's decoder stops at 128. */
export const MAX_DEPTH = 120;

/** @param {any} value @returns {value is Bytes} */
export const isBytes = (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

/** Exactly the window that a view shows, not the buffer behind it. @param {any} value */
export const bytesOf = (value) => new Uint8Array(value.buffer ?? value, value.byteOffset, value.byteLength);

/** The keys that travel: like JSON, without those that are undefined. @param {State} object */
export const keysOf = (object) => Object.keys(object).filter((key) => object[key] !== undefined);

/**
 * A deep copy that nobody else holds, with bytes of any kind as `DataView`s that own exactly their buffer.
 *
 * @param {any} value @param {string} name what errors call it
 * @returns {any}
 * @throws {TypeError} at what cannot travel, saying where it is
 */
export function snapshot(value, name) {
  /** @type {unknown[]} */
  const above = [];
  /** The steps to the value at hand; those beyond its depth are stale. @type {unknown[]} */
  const path = [name];

  /** @param {any} value @param {number} depth @returns {any} */
  const copy = (value, depth) => {
    if (typeof value === "number" || typeof value === "boolean") return value;
    if (value === undefined || value === null) return null;
    // Half a surrogate pair is no Unicode: the host would refuse the frame.
    if (typeof value === "string") return value.toWellFormed?.() ?? value;
    if (typeof value === "object") return isBytes(value) ? new DataView(bytesOf(value).slice().buffer) : copyContainer(value, depth);
    if (typeof value !== "bigint") return refuse(`a ${typeof value}`, depth);
    return value >= -(2n ** 63n) && value < 2n ** 64n ? value : refuse("beyond 64 bits", depth);
  };

  /** @param {any} value @param {number} depth */
  const copyContainer = (value, depth) => {
    if (isNode(value)) refuse("a DOM node", depth);
    const at = above.indexOf(value);
    if (at >= 0 && at < depth) refuse("a cycle", depth);
    if (depth === MAX_DEPTH) refuse("nested too deep", depth);
    above[depth] = value;
    /** @param {unknown} step @param {unknown} inner */
    const inside = (step, inner) => {
      path[depth + 1] = step;
      return copy(inner, depth + 1);
    };
    if (value.toJSON) return inside("toJSON()", value.toJSON());
    if (Array.isArray(value)) {
      const copied = [];
      for (let i = 0; i < value.length; i++) copied.push(inside(i, value[i]));
      return copied;
    }
    // Not by assignment: that would take a key `__proto__` for the prototype.
    return Object.fromEntries(keysOf(value).map((key) => [key, inside(key, value[key])]));
  };

  /** @param {string} what @param {number} depth @returns {never} */
  const refuse = (what, depth) => {
    throw new TypeError(`cannot send ${path.slice(0, depth + 1).join(".")}: it is ${what}`);
  };

  return copy(value, 0);
}

/**
 * Would a snapshot of `value` be the same as the snapshot `copy`? NaN equals NaN, and bytes equal bytes in
 * whatever view. One pass, which ends at the first difference.
 *
 * @param {any} value @param {any} copy
 * @returns {boolean}
 */
export function equal(value, copy) {
  if (value === copy || Object.is(value, copy)) return true;
  if (value === undefined) return copy === null;
  if (typeof value !== "object" || !value || isNode(value)) return false;
  if (isBytes(value)) return isBytes(copy) && equalBytes(bytesOf(value), bytesOf(copy));
  if (value.toJSON) return equal(value.toJSON(), copy);
  if (typeof copy !== "object" || !copy || isBytes(copy) || Array.isArray(value) !== Array.isArray(copy)) return false;
  if (Array.isArray(value)) return value.length === copy.length && !copy.some((/** @type {any} */ item, /** @type {number} */ i) => !equal(value[i], item));
  const keys = keysOf(value);
  return keys.length === Object.keys(copy).length && keys.every((key) => Object.hasOwn(copy, key) && equal(value[key], copy[key]));
}

/** Word by word, wherever they begin: values may be tens of MB. @param {Uint8Array} a @param {Uint8Array} b */
function equalBytes(a, b) {
  if (a.length !== b.length) return false;
  const [x, y] = [new DataView(a.buffer, a.byteOffset), new DataView(b.buffer, b.byteOffset)];
  let i = 0;
  for (; i + 4 <= a.length; i += 4) if (x.getUint32(i) !== y.getUint32(i)) return false;
  for (; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A node inherits its `nodeType`; a record with such a key owns it. @param {object} value */
const isNode = (value) => "nodeType" in value && !Object.hasOwn(value, "nodeType");

/** Would JSON keep all of it? @param {any} value @returns {boolean} */
function isJSON(value) {
  if (typeof value === "number") return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (typeof value !== "object" || !value) return typeof value !== "bigint";
  return !isBytes(value) && Object.values(value).every(isJSON);
}

/** @type {typeof import("./msgpack.js") | undefined} */
let msgpack;

/** Undefined when it takes MessagePack and that is not loaded. @param {Frame} frame */
export const encode = (frame) => (isJSON(frame) ? JSON.stringify(frame) : msgpack?.encode(frame));

/** Undefined when it takes MessagePack and that is not loaded. @param {string | ArrayBuffer} data @returns {Frame | undefined} */
export const decode = (data) => (typeof data === "string" ? JSON.parse(data) : msgpack?.decode(data));

const load = async () => void (msgpack ??= await part("./msgpack.js"));

/** What came by another way than the socket. @param {string | ArrayBuffer} data @returns {Promise<any>} */
export async function read(data) {
  if (typeof data !== "string") await load();
  return decode(data);
}

/**
 * One direction of one socket. What is pushed is converted and delivered in its order, and at once unless
 * MessagePack has to be loaded first.
 *
 * @param {(item: any) => any} convert `encode` or `decode`
 * @param {(converted: any) => unknown} deliver what is behind waits for the promise that it may return
 * @param {(error: unknown) => void} fail called once; nothing is delivered after it
 */
export function lane(convert, deliver, fail) {
  /** @type {unknown[]} */
  const queue = [];
  const run = async () => {
    try {
      for (const item of queue) {
        let converted = convert(item);
        if (converted === undefined) {
          await load();
          converted = convert(item);
        }
        const wait = deliver(converted);
        if (wait) await wait;
      }
      queue.length = 0;
    } catch (error) {
      fail(error);
    }
  };
  return (/** @type {unknown} */ item) => {
    if (queue.push(item) === 1) run();
  };
}
