/**
 * Frames to what a socket carries and back: text while JSON can say it, MessagePack when it cannot.
 *
 * @import { Frame } from "./types.js"
 */
import { isBytes } from "./value.js";

/** @type {typeof import("./msgpack.js") | undefined} */
let msgpack;
let tries = 0;

/** Undefined while MessagePack is not there yet. @param {Frame} frame */
export const encode = (frame) => (isJSON(frame) ? JSON.stringify(frame) : msgpack?.encode(frame));

/** Undefined while MessagePack is not there yet. @param {string | ArrayBuffer} data @returns {Frame | undefined} */
export const decode = (data) => (typeof data === "string" ? JSON.parse(data) : msgpack?.decode(data));

/**
 * One direction of a socket: delivers in the order of the pushes, at once unless MessagePack must be loaded.
 *
 * @template From, To
 * @param {(item: From) => To | undefined} convert `encode` or `decode`
 * @param {(converted: To) => void} deliver @param {(error: unknown) => void} fail
 * @returns {(item: From) => void} push
 */
export function lane(convert, deliver, fail) {
  /** @type {From[]} */
  const queue = [];
  const run = async () => {
    try {
      for (; queue.length; queue.shift()) {
        let converted = convert(/** @type {From} */ (queue[0]));
        if (converted === undefined) {
          // Browsers remember a module that did not load, hence the query.
          msgpack = await import(tries++ ? `./msgpack.js?${tries}` : "./msgpack.js");
          converted = convert(/** @type {From} */ (queue[0]));
        }
        deliver(/** @type {To} */ (converted));
      }
    } catch (error) {
      fail(error);
    }
  };
  return (item) => {
    if (queue.push(item) === 1) run();
  };
}

/** @param {any} value @returns {boolean} */
function isJSON(value) {
  if (typeof value === "number") return Number.isInteger(value) ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (typeof value !== "object" || !value) return typeof value !== "bigint";
  return !isBytes(value) && Object.values(value).every(isJSON);
}
