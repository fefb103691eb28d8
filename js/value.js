/**
 * Values that can travel: null, booleans, numbers, bigints, strings, arrays, plain objects, and bytes, which a
 * copy holds as `DataView`s that own exactly their `ArrayBuffer`.
 *
 * @import { Bytes, State } from "./types.js"
 */

/** Frames add a few levels, and the host's decoder stops at 128. */
export const MAX_DEPTH = 120;

/** @param {any} value @returns {value is Bytes} */
export const isBytes = (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

/** The window that a view shows, not the buffer behind it. @param {any} value */
export const bytesOf = (value) => new Uint8Array(value.buffer ?? value, value.byteOffset, value.byteLength);

/** A deep copy. Throws at what cannot travel, and says where it is. @param {any} value @param {string} name @returns {any} */
export function snapshot(value, name) {
  /** @type {unknown[]} */
  const above = [];
  /** @type {unknown[]} */
  const path = [name];

  /** @param {any} value @param {number} depth @returns {any} */
  const copy = (value, depth) => {
    /** @param {string} what */
    const refuse = (what) => {
      throw new TypeError(`cannot send "${name}": ${path.slice(0, depth + 1).join(".")} is ${what}`);
    };
    switch (typeof value) {
      case "string":
        return value.toWellFormed?.() ?? value;
      case "bigint":
        if (value >> 64n || value < -(2n ** 63n)) refuse("beyond 64 bits");
      case "number":
      case "boolean":
        return value;
      case "function":
      case "symbol":
        refuse(`a ${typeof value}`);
    }
    if (value == null) return null;
    if (isBytes(value)) return new DataView(bytesOf(value).slice().buffer);
    if (isNode(value)) refuse("a DOM node");
    const at = above.indexOf(value);
    if (at >= 0 && at < depth) refuse("a cycle");
    if (depth === MAX_DEPTH) refuse("nested too deep");
    above[depth] = value;
    /** @param {unknown} step @param {unknown} inner */
    const inside = (step, inner) => {
      path[depth + 1] = step;
      return copy(inner, depth + 1);
    };
    if (value.toJSON) return inside("toJSON()", value.toJSON());
    if (Array.isArray(value)) return value.map((item, i) => inside(i, item));
    /** @type {State} */
    const copied = {};
    for (const key of Object.keys(value)) if (value[key] !== undefined) put(copied, key, inside(key, value[key]));
    return copied;
  };

  return copy(value, 0);
}

/** Is `copy` what a snapshot of `value` would be? NaN equals NaN, bytes equal bytes in any view. @param {any} value @param {any} copy @returns {boolean} */
export function equal(value, copy) {
  if (Object.is(value, copy) || value === copy) return true;
  if (value === undefined) return copy === null;
  if (typeof value !== "object" || typeof copy !== "object" || !value || !copy) return false;
  if (isBytes(value)) return isBytes(copy) && same(bytesOf(value), bytesOf(copy));
  if (isBytes(copy) || isNode(value)) return false;
  if (value.toJSON) return equal(value.toJSON(), copy);
  if (Array.isArray(value)) return Array.isArray(copy) && same(value, copy);
  if (Array.isArray(copy)) return false;
  let count = 0;
  for (const key of Object.keys(value)) {
    if (value[key] === undefined) continue;
    if (!Object.hasOwn(copy, key) || !equal(value[key], copy[key])) return false;
    count++;
  }
  return count === Object.keys(copy).length;
}

/** Assigns, also to `__proto__`. @param {State} object @param {string} key @param {unknown} value */
export function put(object, key, value) {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}

/** @param {ArrayLike<any>} a @param {ArrayLike<any>} b */
function same(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && !equal(a[i], b[i])) return false;
  return true;
}

/** A node inherits its `nodeType`; a record that has such a key owns it. @param {object} value */
const isNode = (value) => "nodeType" in value && !Object.hasOwn(value, "nodeType");
