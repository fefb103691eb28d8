/** The page's sockets, each frame seen and, where a test wants it, held, answered or made up on the way. */
import { decode, encode } from "@msgpack/msgpack";
import assert from "node:assert/strict";
import { hasBytes } from "./client.js";
import { eventually } from "./eventually.js";
import { visitor } from "./page.js";

/**
 * @import { WebSocketRoute } from "playwright-core"
 * @typedef {{ type: string, [field: string]: any }} Frame
 * @typedef {"up" | "down"} Direction to the host, or from it
 * @typedef {{ id: string, sent: boolean, frame: Frame }} Seen
 */

/** @param {string | Buffer} data @returns {any} */
const parse = (data) => (data === "" ? { type: "" } : typeof data === "string" ? JSON.parse(data) : decode(data));

/** Call it before `open`. */
export async function valve() {
  /** Frames that the page sent or got, in order; a heartbeat has the type "". @type {Seen[]} */
  const frames = [];
  /** The newest socket of each model. @type {Map<string, WebSocketRoute>} */
  const routes = new Map();
  /** What waits, by direction; null when frames pass. @type {Record<Direction, (() => void)[] | null>} */
  const held = { up: null, down: null };
  let opened = 0;
  let open = 0;
  let closed = 0;
  const self = {
    frames,
    /** How many sockets the page has opened. */
    get opened() {
      return opened;
    },
    /** How many of them are open. */
    get open() {
      return open;
    },
    /** How many have been closed. The page may open another at once, so a cut is not seen by `open`. */
    get closed() {
      return closed;
    },
    /** Sees each frame on its way to the host, which does not get it if this returns true. @type {(frame: Frame, id: string) => unknown} */
    intercept: () => false,
    /** From now on frames of this direction wait. @param {Direction} direction */
    hold(direction) {
      held[direction] ??= [];
    },
    /** @param {Direction} direction */
    release(direction) {
      const waiting = held[direction] ?? [];
      held[direction] = null;
      for (const pass of waiting) pass();
    },
    /** How many frames wait. @param {Direction} direction */
    waiting: (direction) => held[direction]?.length ?? 0,
    /** Makes a frame come from the host. @param {string} id of the model @param {Frame} frame */
    inject(id, frame) {
      const route = routes.get(id);
      assert.ok(route, `the page has no socket for ${id}`);
      route.send(hasBytes(frame) ? Buffer.from(encode(frame)) : JSON.stringify(frame));
    },
    /** The first frame that fits, now or later. @param {(seen: Seen) => unknown} fits */
    seen: (fits) =>
      eventually(() => {
        const found = frames.find(fits);
        assert.ok(found, `no such frame; there are ${JSON.stringify(frames)}`);
        return found.frame;
      }),
    /** What the page sent of this type. @param {string} type */
    sent: (type) => frames.filter(({ sent, frame }) => sent && frame.type === type).map(({ frame }) => frame),
    /** What the page got of this type. @param {string} type */
    got: (type) => frames.filter(({ sent, frame }) => !sent && frame.type === type).map(({ frame }) => frame),
  };

  await (await visitor()).routeWebSocket(/\/models\/[^/]+\/ws$/, (route) => {
    const id = decodeURIComponent(/\/models\/([^/]+)\/ws$/.exec(route.url())?.[1] ?? "");
    const host = route.connectToServer();
    let here = true;
    opened++;
    open++;
    routes.set(id, route);
    /** @param {Direction} direction @param {string | Buffer} data */
    const pass = (direction, data) => {
      if (!here) return;
      const frame = parse(data);
      frames.push({ id, sent: direction === "up", frame });
      if (direction === "down") route.send(data);
      else if (!self.intercept(frame, id)) host.send(data);
    };
    for (const [direction, from] of /** @type {[Direction, WebSocketRoute][]} */ ([["up", route], ["down", host]])) {
      from.onMessage((data) => {
        const waiting = held[direction];
        if (waiting) waiting.push(() => pass(direction, data));
        else pass(direction, data);
      });
    }
    for (const [one, other] of [[route, host], [host, route]]) {
      one.onClose((code, reason) => {
        if (here) {
          open--;
          closed++;
        }
        here = false;
        other.close({ code, reason });
      });
    }
  });
  return self;
}
