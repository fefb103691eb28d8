/** A wire between pages and the host that a test can cut: for the page it is the host, under another port. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { afterTest } from "./cleanup.js";

/** @param {import("./host.js").Host} host */
export async function relay(host) {
  /** @type {Set<import("node:net").Socket>} */
  const streams = new Set();
  /** @type {string[]} */
  const requests = [];
  let bytes = 0;
  let whole = true;
  const server = createServer((near) => {
    if (!whole) return void near.destroy();
    const far = connect(host.port, "127.0.0.1");
    near.on("data", (chunk) => {
      const path = /^[A-Z]+ (\S+) HTTP\/1\.1\r\n/.exec(chunk.toString("latin1"))?.[1];
      if (path) requests.push(path);
    });
    far.on("data", (chunk) => (bytes += chunk.length));
    for (const [one, other] of [[near, far], [far, near]]) {
      streams.add(one);
      one.on("error", () => {}); // "close" follows
      one.on("close", () => (streams.delete(one), other.destroy()));
      one.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => streams.forEach((stream) => stream.destroy());
  afterTest(() => (cut(), server.close()));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    /** In place of the host's, for `open`. */
    url: `http://127.0.0.1:${port}`,
    /** Paths that were asked for, in order. */
    requests,
    /** What came from the host, with all headers. */
    get bytes() {
      return bytes;
    },
    /** Ends all connections that are open now. */
    cut,
    /** Ends all connections and refuses new ones until `mend`. */
    break() {
      whole = false;
      cut();
    },
    mend() {
      whole = true;
    },
  };
}
