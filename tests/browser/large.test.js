/** Large values: fetched beside the socket, shown whole, with progress on the element; frames too large are refused, not fatal. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect, eventually, expectError, noted, open, serve, visitor } from "./support/index.js";

/** @import { Page } from "playwright-core" */

const MEGABYTE = 1 << 20;
/** Large for a page on the host's own machine. */
const LARGE = 1_200_000;

// glibc keeps tens of MB of what was freed, unless it is told where "large" begins: the test is of what the host holds.
process.env.MALLOC_MMAP_THRESHOLD_ = String(128 << 10);

/** Shows how many bytes `big` has, their sum, and `small`; notes each picture it shows. */
const WIDGET = `
const sum = (view) => view ? new Uint8Array(view.buffer).reduce((sum, byte) => (sum + byte) % 65521, 0) : 0;
export default {
  render({ model, el }) {
    const show = () => {
      const big = model.get("big");
      el.textContent = (big?.byteLength ?? "no") + " bytes, " + sum(big) + ", small " + model.get("small") + ", other " + model.get("other");
      note(el.textContent);
    };
    model.on("change", show);
    model.on("msg:custom", (content) => note("message " + content));
    window.model = model;
    show();
  },
};`;

/** @param {number} length @param {number} [seed] */
const bytes = (length, seed = 0) => Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) % 256);
/** @param {Uint8Array} bytes */
const sum = (bytes) => bytes.reduce((sum, byte) => (sum + byte) % 65521, 0);

const serveBig = (big = "") => serve({ "big/widget.js": WIDGET, "big/widget.json": { state: { big: { $bytes: big }, small: 0, other: 0 } } });

/** How the widget shows it. @param {Uint8Array} big @param {number} small @param {number} [other] */
const picture = (big, small, other = 0) => `${big.length} bytes, ${sum(big)}, small ${small}, other ${other}`;
const EMPTY = picture(new Uint8Array(), 0);

/**
 * Requests for values of this visitor wait until they are let go; `gate.next()` gives the oldest.
 */
async function gate() {
  /** @type {import("playwright-core").Route[]} */
  const routes = [];
  await (await visitor()).route(/\/models\/[^/]+\/state\//, (route) => void routes.push(route));
  return {
    /** How many there are. */
    get count() {
      return routes.length;
    },
    next: () =>
      eventually(() => {
        const route = routes.shift();
        if (!route) throw new Error("nothing was asked for");
        return route;
      }),
  };
}

/** What the element told of transfers. @param {Page} page */
const listenToProgress = (page) =>
  page.evaluate(() => {
    window.transfers = [];
    document.addEventListener("anywidget:progress", (event) => {
      const element = /** @type {HTMLElement} */ (event.target);
      window.transfers.push({ ...event.detail, attribute: element.dataset.progress ?? null });
    });
  });

test("a large value reaches every view, and no frame on the socket is large", async () => {
  const host = await serveBig();
  /** @type {number[]} */
  const sizes = [];
  await (await visitor()).routeWebSocket(/\/ws$/, (route) => {
    const server = route.connectToServer();
    route.onMessage((data) => server.send(data));
    server.onMessage((data) => (sizes.push(data.length), route.send(data)));
  });
  const page = await open(host, (await host.view("big")).repeat(2));
  await noted(page, [EMPTY, EMPTY]);
  const client = await connect(host, "big");
  const big = bytes(LARGE);
  await client.set({ big, small: 1 });
  await noted(page, [EMPTY, EMPTY, picture(big, 1), picture(big, 1)]);
  assert.ok(Math.max(...sizes) < 2_000, `frames of ${sizes} bytes`);
});

test("a client that does not say that it fetches gets large values in its frames", async () => {
  const host = await serveBig();
  const [one, two] = [await connect(host, "big"), await connect(host, "big")];
  const big = bytes(LARGE);
  await one.set({ big });
  await two.frame("set");
  assert.deepEqual(two.state.big, big);
});

test("while a large value is on its way other keys, and messages sent before it, go on; what came with it waits", async () => {
  const host = await serveBig();
  const requests = await gate();
  const page = await open(host, await host.view("big"));
  await noted(page, [EMPTY]);
  const client = await connect(host, "big");
  const big = bytes(LARGE);
  await client.set({ big, small: 1 });
  const request = await requests.next();
  await client.set({ other: 5 });
  await noted(page, [EMPTY, picture(new Uint8Array(), 0, 5)]);
  await request.continue();
  await noted(page, [EMPTY, picture(new Uint8Array(), 0, 5), picture(big, 1, 5)]);
});

test("the first render waits for large values, so it never sees half a state", async () => {
  const big = bytes(LARGE);
  const host = await serveBig(Buffer.from(big).toString("base64"));
  const requests = await gate();
  const page = await open(host, await host.view("big"));
  const request = await requests.next();
  assert.equal(await page.locator("any-widget").getAttribute("aria-busy"), "true");
  await noted(page, []);
  await request.continue();
  await noted(page, [picture(big, 0)]);
});

test("a transfer that the network breaks is tried again", async () => {
  const host = await serveBig();
  const requests = await gate();
  const page = await open(host, await host.view("big"), { allow: [/Failed to load resource/] });
  await noted(page, [EMPTY]);
  const client = await connect(host, "big");
  const big = bytes(LARGE);
  await client.set({ big, small: 1 });
  await (await requests.next()).abort("connectionreset");
  await (await requests.next()).fulfill({ status: 503 });
  await (await requests.next()).continue();
  await noted(page, [EMPTY, picture(big, 1)]);
});

test("the code for large values is asked for again when it could not be had", async () => {
  const host = await serveBig();
  // As a browser that remembers the URL of a module it could not fetch.
  await (await visitor()).route(/\/transfer\.js/, (route) => (route.request().url().includes("?") ? route.continue() : route.abort()));
  const page = await open(host, await host.view("big"), { expect: [/cannot load .*transfer\.js/], allow: [/Failed to load resource/] });
  await noted(page, [EMPTY]);
  const big = bytes(LARGE);
  await (await connect(host, "big")).set({ big, small: 1 });
  await noted(page, [EMPTY, picture(big, 1)]);
});

test("a producer that is faster than the line leaves whole pictures, the last one in the end", async () => {
  const host = await serveBig();
  const requests = await gate();
  const page = await open(host, await host.view("big"));
  await noted(page, [EMPTY]);
  const client = await connect(host, "big");
  for (let i = 1; i <= 10; i++) await client.set({ big: bytes(LARGE, i), small: i });
  // Asked for at the first, served when the tenth is there.
  await (await requests.next()).continue();
  await noted(page, [EMPTY, picture(bytes(LARGE, 10), 10)]);
  assert.equal(requests.count, 0, "the newest was not fetched again");
});

test("S5: a large value that came while the page was away is there after it", async () => {
  const host = await serveBig();
  const page = await open(host, await host.view("big"), { allow: [/WebSocket/, /Failed to load/] });
  await noted(page, [EMPTY]);
  const client = await connect(host, "big");
  await page.context().setOffline(true);
  await page.evaluate(() => window.dispatchEvent(new Event("pagehide")));
  const big = bytes(LARGE);
  await client.set({ big, small: 1 });
  await page.context().setOffline(false);
  await page.evaluate(() => window.dispatchEvent(new Event("pageshow")));
  await noted(page, [EMPTY, picture(big, 1)]);
});

test("bytes inside lists and maps, and large text, come the same way", async () => {
  const host = await serve({ "big/widget.js": `export default { render({ model, el }) { window.model = model; } }` });
  const page = await open(host, await host.view("big"));
  await page.waitForFunction(() => "model" in window);
  const client = await connect(host, "big");
  await client.set({ nested: [{ x: bytes(LARGE) }, NaN], text: "é".repeat(1_000_000) });
  await page.waitForFunction(() => window.model.get("text"));
  const [kind, offset, owns, last, nan, text] = await page.evaluate(() => {
    const [{ x }, nan] = window.model.get("nested");
    return [x.constructor.name, x.byteOffset, x.buffer.byteLength, x.getUint8(1_199_999), nan, window.model.get("text") === "é".repeat(1_000_000)];
  });
  assert.deepEqual([kind, offset, owns, last, nan, text], ["DataView", 0, LARGE, bytes(LARGE)[LARGE - 1], NaN, true]);
});

test("progress of a download is on the element, from the first bytes to the last", async () => {
  const host = await serveBig();
  const page = await open(host, await host.view("big"));
  await noted(page, [EMPTY]);
  await listenToProgress(page);
  const client = await connect(host, "big");
  const big = bytes(8 * MEGABYTE);
  await client.set({ big });
  await noted(page, [EMPTY, picture(big, 0)]);
  const transfers = await page.evaluate(() => window.transfers);
  assert.ok(transfers.length > 1);
  for (const { key, direction, total } of transfers) assert.deepEqual([key, direction, total], ["big", "down", big.length]);
  const loaded = transfers.map(({ loaded }) => loaded);
  assert.deepEqual(loaded, [...loaded].sort((a, b) => a - b));
  assert.equal(loaded.at(-1), big.length);
  assert.deepEqual(transfers.slice(0, -1).map(({ attribute }) => attribute), loaded.slice(0, -1).map((part) => (part / big.length).toFixed(2)));
  assert.equal(transfers.at(-1).attribute, null, "over");
});

test("a large value of the page reaches the host and the other views, and its progress is on the element", async () => {
  const host = await serveBig();
  const other = await open(host, await host.view("big"));
  const page = await open(host, await host.view("big"));
  await noted(page, [EMPTY]);
  await listenToProgress(page);
  const big = bytes(8 * MEGABYTE);
  await page.evaluate((length) => {
    window.model.set("big", Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7) % 256));
    window.model.save_changes();
  }, big.length);
  await noted(other, [EMPTY, picture(big, 0)]);
  const stored = await fetch(`${host.url}/anywidget/models/big/state/big`);
  assert.deepEqual(new Uint8Array(await stored.arrayBuffer()), big);
  await eventually(async () => {
    const last = (await page.evaluate(() => window.transfers)).at(-1);
    assert.equal(last.direction, "up");
    assert.ok(last.total >= big.length && last.loaded === last.total);
    assert.equal(last.attribute, null);
  });
});

test("what is more than the host takes is refused with the reason, and the connection lives", async () => {
  const host = await serveBig(Buffer.from(bytes(10)).toString("base64"));
  const page = await open(host, await host.view("big"));
  await noted(page, [picture(bytes(10), 0)]);
  await page.evaluate(() => {
    document.addEventListener("anywidget:refused", ({ detail }) => window.note(detail.big));
    window.model.set({ big: new Uint8Array(17 << 20), small: 1 });
    window.model.save_changes();
  });
  const large = new Uint8Array(17 << 20);
  await eventually(async () => {
    const notes = await page.evaluate(() => window.notes);
    assert.equal(notes[1], picture(large, 1));
    assert.match(notes[2], /^178258\d\d bytes are more than the 16777216 that the host takes at once$/);
    assert.equal(notes.at(-1), picture(bytes(10), 0), "the true values are back");
  });
  await page.evaluate(() => {
    window.model.set({ small: 2 });
    window.model.save_changes();
  });
  await eventually(async () => assert.equal((await host.state("big")).small, 2));
  expectError(page, /is not sent/);
  await page.evaluate(() => window.model.send("x", null, [new Uint8Array(17 << 20)]));
  await eventually(async () => assert.equal(await page.locator("any-widget").getAttribute("data-connection"), "live"));
});

test("memory of the host and of the page returns after large values", async () => {
  const host = await serveBig();
  const page = await open(host, await host.view("big"));
  await noted(page, [EMPTY]);
  const client = await connect(host, "big");
  const cdp = await page.context().newCDPSession(page);
  const heap = async () => {
    await cdp.send("HeapProfiler.collectGarbage");
    const { usedSize, backingStorageSize = 0 } = /** @type {any} */ (await cdp.send("Runtime.getHeapUsage"));
    return usedSize + backingStorageSize;
  };
  const resident = async () => Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${host.pid}/status`, "utf8"))?.[1]) * 1024;
  const [heapBefore, residentBefore] = [await heap(), await resident()];
  for (let i = 1; i <= 10; i++) {
    await client.set({ big: bytes(8 * MEGABYTE, i), small: i });
    await page.waitForFunction((i) => window.notes.at(-1).endsWith(`small ${i}, other 0`), i);
    await page.evaluate((length) => {
      window.model.set("big", new Uint8Array(length));
      window.model.save_changes();
    }, 8 * MEGABYTE - i);
    await eventually(() => assert.equal(client.state.big.length, 8 * MEGABYTE - i));
    client.frames.length = 0;
  }
  await client.set({ big: new Uint8Array(1), small: 11 });
  await page.waitForFunction(() => window.notes.at(-1).startsWith("1 bytes"));
  await eventually(async () => {
    const [more, resides] = [(await heap()) - heapBefore, (await resident()) - residentBefore];
    assert.ok(more < 2 * MEGABYTE, `the page keeps ${more} bytes of 160 MiB`);
    assert.ok(resides < 4 * MEGABYTE, `the host keeps ${resides} bytes of 160 MiB`);
  });
});
