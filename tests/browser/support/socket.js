/** A WebSocket client for Node versions that have none: just what a test needs, on one connection. */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

export class Socket {
  /** @type {(data: string | Uint8Array) => void} */
  onmessage = () => {};
  /** How the other side closed it. @type {Promise<{ code: number, reason: string }>} */
  closed;

  #stream;
  #buffer = Buffer.alloc(0);
  /** Of a message in several frames. @type {Buffer[]} */
  #parts = [];
  #kind = TEXT;
  /** @type {(how: { code: number, reason: string }) => void} */
  #close = () => {};

  /** @param {import("node:stream").Duplex} stream */
  constructor(stream) {
    this.#stream = stream;
    this.closed = new Promise((resolve) => (this.#close = resolve));
    stream.on("data", (chunk) => this.#read(chunk));
    stream.on("close", () => this.#close({ code: 1006, reason: "" }));
    stream.on("error", () => {}); // "close" follows
  }

  /** @param {string} url `http:` of the socket @param {string} protocol @param {Record<string, string>} [headers] */
  static async open(url, protocol, headers = {}) {
    const key = randomBytes(16).toString("base64");
    const upgrade = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key };
    const asked = request(url, { headers: { ...headers, ...upgrade, "Sec-WebSocket-Protocol": protocol } });
    asked.end();
    const [response, stream, head] = await Promise.race([
      once(asked, "upgrade"),
      once(asked, "response").then(([{ statusCode }]) => Promise.reject(new Error(`no socket at ${url}: status ${statusCode}`))),
    ]);
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    if (response.headers["sec-websocket-accept"] !== accept) throw new Error("the server does not speak WebSocket");
    const socket = new Socket(stream);
    if (head.length) stream.unshift(head);
    return socket;
  }

  /** @param {string | Uint8Array} data */
  send(data) {
    this.#write(typeof data === "string" ? TEXT : BINARY, Buffer.from(/** @type {string} */ (data)));
  }

  /** @param {number} [code] */
  close(code = 1000) {
    this.#write(CLOSE, Buffer.from([code >> 8, code & 255]));
    this.#stream.end();
  }

  /** Without a word, as when the network fails. */
  destroy() {
    this.#stream.destroy();
  }

  /** One masked frame. @param {number} kind @param {Buffer} payload */
  #write(kind, payload) {
    const { length } = payload;
    const head = length < 126 ? Buffer.from([0x80 | kind, 0x80 | length]) : Buffer.alloc(length < 65_536 ? 4 : 10);
    if (length >= 126) {
      head.set([0x80 | kind, 0x80 | (length < 65_536 ? 126 : 127)]);
      if (length < 65_536) head.writeUInt16BE(length, 2);
      else head.writeBigUInt64BE(BigInt(length), 2);
    }
    const mask = randomBytes(4);
    this.#stream.write(Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i & 3])]));
  }

  /** @param {Buffer} chunk */
  #read(chunk) {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    for (let frame = this.#frame(); frame; frame = this.#frame()) {
      const { kind, last, payload } = frame;
      if (kind === PING) this.#write(PONG, payload);
      if (kind === CLOSE) {
        const code = payload.length ? payload.readUInt16BE(0) : 1005;
        this.#close({ code, reason: payload.subarray(2).toString() });
        this.close(code === 1005 ? 1000 : code);
      }
      if (kind >= CLOSE) continue;
      if (kind) this.#kind = kind;
      this.#parts.push(payload);
      if (!last) continue;
      const whole = Buffer.concat(this.#parts.splice(0));
      this.onmessage(this.#kind === TEXT ? whole.toString() : new Uint8Array(whole));
    }
  }

  /** The next whole frame, if it is there. */
  #frame() {
    const buffer = this.#buffer;
    if (buffer.length < 2) return null;
    const short = buffer[1] & 127;
    const start = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (buffer.length < start) return null;
    const length = short < 126 ? short : short === 126 ? buffer.readUInt16BE(2) : Number(buffer.readBigUInt64BE(2));
    if (buffer.length < start + length) return null;
    this.#buffer = buffer.subarray(start + length);
    return { kind: buffer[0] & 15, last: buffer[0] > 127, payload: buffer.subarray(start, start + length) };
  }
}
