/** Another client of a model: speaks the wire protocol frame by frame, so that a test sees and says exactly what it wants. */
import { decode, encode } from "@msgpack/msgpack";
import { randomUUID } from "node:crypto";
import { afterTest } from "./cleanup.js";
import { eventually } from "./eventually.js";
import { Socket } from "./socket.js";

/** @typedef {{ type: string, [field: string]: any }} Frame */

/**
 * Connects and exchanges `hello`. @param {import("./host.js").Host} host @param {string} id of the model
 * @param {object} [hello] more of its fields, like `session`, `epoch` and `rev`
 */
export async function connect(host, id, hello = {}) {
  const url = `${host.url}/anywidget/models/${encodeURIComponent(id)}/ws`;
  const client = new Client(await Socket.open(url, "anywidget-host.v1"));
  afterTest(() => client.socket.destroy());
  client.send({ type: "hello", version: 1, session: client.session, ...hello });
  await client.frame("hello");
  return client;
}

export class Client {
  session = randomUUID();
  /** Every frame that came, in order. @type {Frame[]} */
  frames = [];
  /** What the host's frames made of the state. @type {Record<string, any>} */
  state = {};
  #seq = 0;

  /** @param {Socket} socket */
  constructor(socket) {
    this.socket = socket;
    socket.onmessage = (data) => {
      if (data === "") return socket.send("");
      const frame = /** @type {Frame} */ (typeof data === "string" ? JSON.parse(data) : decode(data, { useBigInt64: false }));
      this.frames.push(frame);
      if (frame.type === "hello" && frame.full) this.state = {};
      Object.assign(this.state, frame.state);
    };
  }

  /** As MessagePack if it holds bytes or `binary` says so. @param {Frame} frame @param {{ binary?: boolean }} [options] */
  send(frame, { binary = hasBytes(frame) } = {}) {
    this.socket.send(binary ? encode(frame) : JSON.stringify(frame));
  }

  /** Writes keys and waits for the answer. @param {Record<string, any>} state */
  async set(state) {
    const seq = ++this.#seq;
    this.send({ type: "set", seq, state });
    const ack = await this.frame("ack", (frame) => frame.seq === seq);
    for (const key of Object.keys(state)) if (!ack.refused?.[key]) this.state[key] = state[key];
    Object.assign(this.state, ack.state);
    return ack;
  }

  /** Sends a custom message and waits for the answer. @param {unknown} content @param {Uint8Array[]} [buffers] */
  async message(content, buffers = []) {
    const seq = ++this.#seq;
    this.send({ type: "message", seq, content, buffers });
    return this.frame("ack", (frame) => frame.seq === seq);
  }

  /** The first frame of a type that fits, now or later. @param {string} type @param {(frame: Frame) => boolean} [fits] */
  frame(type, fits = () => true) {
    return eventually(() => {
      const frame = this.frames.find((frame) => frame.type === type && fits(frame));
      if (!frame) throw new Error(`no such "${type}" frame came; there are ${JSON.stringify(this.frames)}`);
      return frame;
    });
  }

  close() {
    this.socket.close();
  }
}

/** Whether a frame needs MessagePack. @param {unknown} value @returns {boolean} */
export function hasBytes(value) {
  if (typeof value !== "object" || value === null) return false;
  return ArrayBuffer.isView(value) || Object.values(value).some(hasBytes);
}
