/** A wire between pages and the host that a test can cut, still or lengthen: for the page it is the host, under another port. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { Transform } from "node:stream";
import { afterTest } from "./cleanup.js";

/** @typedef {{ hangs: boolean }} Line one connection */

/**
 * @param {{ port: number }} host
 * @param {{ delay?: number }} [options] how long everything is under way, in each direction (ms)
 */
export async function relay(host, { delay = 0 } = {}) {
  /** @type {Set<import("node:net").Socket>} */
  const streams = new Set();
  /** @type {Set<Line>} */
  const lines = new Set();
  /** @type {string[]} */
  const requests = [];
  let bytes = 0;
  let tried = 0;
  /** What becomes of new connections. @type {"pass" | "refuse" | "hang"} */
  let mode = "pass";
  /** What waits to get to the page; null when nothing has to. @type {(() => void)[] | null} */
  let waiting = null;
  const server = createServer((near) => {
    tried++;
    if (mode === "refuse") return void near.destroy();
    const line = { hangs: mode === "hang" };
    lines.add(line);
    const far = connect(host.port, "127.0.0.1");
    near.on("data", (chunk) => {
      const path = /^[A-Z]+ (\S+) HTTP\/1\.1\r\n/.exec(chunk.toString("latin1"))?.[1];
      if (path) requests.push(path);
    });
    far.on("data", (chunk) => (bytes += chunk.length));
    /** @param {() => void} arrive */
    const down = (arrive) => void (waiting ? waiting.push(arrive) : arrive());
    for (const [one, other, gate] of /** @type {const} */ ([[near, far, run], [far, near, down]])) {
      streams.add(one);
      one.on("error", () => {}); // "close" follows
      one.on("close", () => (streams.delete(one), lines.delete(line), line.hangs || other.destroy()));
      one.pipe(under(line, delay, gate)).pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => streams.forEach((stream) => stream.destroy());
  afterTest(() => (cut(), server.close()));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    /** In place of the host's, for `open` and `connect`. */
    url: `http://127.0.0.1:${port}`,
    /** Paths that were asked for, in order. */
    requests,
    /** What came from the host, with all headers. */
    get bytes() {
      return bytes;
    },
    /** How many connections pages have tried, also in vain. */
    get tried() {
      return tried;
    },
    /** Ends all connections that are open now. */
    cut,
    /** Ends all connections and refuses new ones until `mend`. */
    break() {
      mode = "refuse";
      cut();
    },
    /** Swallows everything and says nothing: what is open stays so at both ends and is dead, and new ones have no answer until `mend`. */
    hang() {
      mode = "hang";
      for (const line of lines) line.hangs = true;
    },
    /** From now on what the host says waits, until `mend`. */
    still() {
      waiting ??= [];
    },
    mend() {
      mode = "pass";
      waiting?.forEach(run);
      waiting = null;
    },
  };
}

/** @param {() => void} arrive */
const run = (arrive) => arrive();

/** What is under way in one direction of a line. @param {Line} line @param {number} delay @param {(arrive: () => void) => void} gate at its end */
const under = (line, delay, gate) =>
  new Transform({
    transform(chunk, _, next) {
      const arrive = () => void (line.hangs || this.destroyed || this.push(chunk));
      if (delay) setTimeout(gate, delay, arrive);
      else gate(arrive);
      next();
    },
    flush: (done) => void setTimeout(done, delay),
  });
