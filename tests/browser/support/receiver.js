/** The server of a page with forms: takes what they post, and is the host for everything else, so that both are of one origin. */
import { once } from "node:events";
import { createServer, request as ask } from "node:http";
import { connect } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterTest } from "./cleanup.js";

/** What is posted to a path that begins so is taken; a page of text answers. */
const TO = "/to/";

/** @typedef {{ method: string, path: string, fields: [string, string | { name: string, type: string, bytes: number[] }][] }} Received */

/** @param {import("./host.js").Host} host @param {{ latency?: number }} [options] how long (ms) an answer takes */
export async function receive(host, { latency = 0 } = {}) {
  /** What came, in order. @type {Received[]} */
  const received = [];
  const server = createServer(async (request, response) => {
    const { method = "", headers } = request;
    const { pathname, searchParams } = new URL(request.url ?? "", "http://page.test");
    if (!pathname.startsWith(TO)) {
      const passed = ask(host.url + request.url, { method, headers }, (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers)));
      passed.on("error", () => response.destroy());
      return void request.pipe(passed);
    }
    const body = await buffer(request);
    const form = body.length ? await new Response(body, { headers: { "content-type": headers["content-type"] ?? "" } }).formData() : searchParams;
    /** @type {Received["fields"]} */
    const fields = [];
    for (const [key, value] of form) {
      if (typeof value === "string") fields.push([key, value]);
      else fields.push([key, { name: value.name, type: value.type, bytes: [...new Uint8Array(await value.arrayBuffer())] }]);
    }
    received.push({ method, path: pathname, fields });
    if (latency) await new Promise((done) => setTimeout(done, latency));
    response.writeHead(200, { "content-type": "text/html" }).end("<p>received</p>");
  });
  server.on("upgrade", (request, near, head) => {
    const far = connect(host.port, "127.0.0.1");
    const lines = request.rawHeaders.flatMap((text, i) => (i % 2 ? [] : [`${text}: ${request.rawHeaders[i + 1]}`]));
    far.write([`${request.method} ${request.url} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
    far.write(head);
    for (const [one, other] of [[near, far], [far, near]]) {
      one.on("error", () => {}); // "close" follows
      one.on("close", () => other.destroy());
      one.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterTest(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    /** In place of the host's, for `open`. */
    url: `http://127.0.0.1:${port}`,
    received,
  };
}
