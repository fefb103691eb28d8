/** Nothing lost: what a page and its host say to each other after the page was away, and how it comes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "./support/example.js";
import { connect, errors, eventually, expectError, keepLeftPages, noted, notes, OFFLINE, open, relay, serve, settle, visitor } from "./support/index.js";
import { live, PROBE, probe, rendered } from "./support/probe.js";
import { serveShipped } from "./support/shipped.js";

/** @import { Page } from "playwright-core" */

keepLeftPages();

/** Sets keys in the first view's model and saves. @param {Page} page @param {object} state */
const save = (page, state) =>
  page.evaluate((state) => {
    window.views[0].model.set(state);
    window.views[0].model.save_changes();
  }, state);

/** Keys of the first view's model. @param {Page} page @param {string[]} keys */
const get = (page, keys) => page.evaluate((keys) => Object.fromEntries(keys.map((key) => [key, window.views[0].model.get(key)])), keys);

/** Waits until the host and the pages have this. @param {import("./support/site.js").Site} host @param {Page[]} pages @param {Record<string, unknown>} expected */
const agreed = (host, pages, expected) =>
  eventually(async () => {
    assert.deepEqual(await host.state("a"), expected);
    for (const page of pages) assert.deepEqual(await get(page, Object.keys(expected)), expected);
  }, { timeout: 20_000 });

/** Waits until the element says this of its connection. @param {Page} page @param {string} state */
const says = (page, state) =>
  eventually(async () => assert.equal(await page.locator("any-widget").getAttribute("data-connection"), state), { timeout: 20_000 });

/** Notes what the element tells of its connection. @param {Page} page */
const follow = (page) => page.evaluate(() => document.addEventListener("anywidget:connection", ({ detail }) => note(detail.state)));

/** Takes the network from one page, or gives it back, as the browser's own tools do. @param {Page} page */
async function network(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  return (/** @type {boolean} */ there) =>
    devtools.send("Network.emulateNetworkConditions", { offline: !there, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
}

/** The page says so, runs as it ran, and has told each step. @param {Page} page @param {string[]} steps */
async function returned(page, steps) {
  await says(page, "live");
  await noted(page, steps);
  assert.deepEqual(await page.evaluate(() => [window.starts.length, window.views.length]), [1, 1], "neither started nor rendered again");
}

const STATE = { a: 0, b: 0, c: 0 };

test("S6: the browser goes offline, which no socket is told: the page finds out, and nothing of either side is lost", { timeout: 60_000 }, async () => {
  const { host, page } = await probe(STATE, { page: { allow: [OFFLINE] } });
  const other = await open(host, await host.view("a"));
  await rendered(other, 1);
  const client = await connect(host, "a");
  await follow(page);
  const hasNetwork = await network(page);

  await hasNetwork(false);
  await save(page, { a: 1 });
  await client.set({ c: 7 });
  await says(page, "offline");
  await save(page, { b: 2 });
  await client.set({ c: 8 });
  assert.deepEqual([await get(page, ["a", "b", "c"]), await host.state("a")], [{ a: 1, b: 2, c: 0 }, { a: 0, b: 0, c: 8 }]);
  await hasNetwork(true);
  await returned(page, ["offline", "live"]);
  await agreed(host, [page, other], { a: 1, b: 2, c: 8 });
});

/** The probe behind a wire. @param {Parameters<typeof relay>[1]} [options] */
async function wired(options) {
  const host = await serve({ "a/widget.js": PROBE, "a/widget.json": { state: STATE } });
  const line = await relay(host, options);
  const page = await open(line, await host.view("a"), { allow: [OFFLINE] });
  await rendered(page, 1);
  await live(page);
  await follow(page);
  return { host, line, page };
}

/** Who tells a page that its socket is dead. @type {[string, (page: Page) => Promise<unknown>][]} */
const SIGNS = [
  ["the browser says it is online", (page) => page.evaluate(() => dispatchEvent(new Event("online")))],
  ["the tab is shown", (page) => page.evaluate(() => document.dispatchEvent(new Event("visibilitychange", { bubbles: true })))],
  ["the host was silent too long", async (page) => page.clock.fastForward(63_000)],
];

for (const [sign, give] of SIGNS) {
  test(`S6: a line that swallows everything, until ${sign}: the page finds out, and nothing of either side is lost`, { timeout: 60_000 }, async () => {
    await (await visitor()).clock.install();
    const { host, line, page } = await wired();
    const other = await open(host, await host.view("a"));
    await rendered(other, 1);
    const client = await connect(host, "a");
    line.hang();
    await save(page, { a: 1 });
    await client.set({ c: 7 });
    await save(page, { b: 2 });
    await settle(other);
    assert.deepEqual([await get(page, ["a", "b", "c"]), await host.state("a")], [{ a: 1, b: 2, c: 0 }, { a: 0, b: 0, c: 7 }]);
    line.mend();
    await give(page);
    await returned(page, ["offline", "live"]);
    await agreed(host, [page, other], { a: 1, b: 2, c: 7 });
  });
}

for (const [sign, give] of SIGNS.slice(0, 2)) {
  test(`S5: a page whose next attempt is far is back at once when ${sign}`, { timeout: 60_000 }, async () => {
    const context = await visitor();
    await context.addInitScript(() => {
      Math.random = () => 0.999; // each wait between attempts is the longest
      Object.assign(window, { ends: 0, WebSocket: class extends WebSocket {
        constructor(/** @type {[string, string]} */ ...args) {
          super(...args);
          this.addEventListener("close", () => window.ends++);
        }
      } });
    });
    await context.clock.install();
    const { line, page } = await wired();
    await page.clock.pauseAt(Date.now() + 60_000); // from now on a wait ends when the test says so
    line.break();
    const before = line.tried;
    for (let attempts = 0; attempts <= 8; attempts++) {
      await eventually(async () => assert.deepEqual([line.tried - before, await page.evaluate(() => window.ends)], [attempts, attempts + 1]));
      if (attempts < 8) await page.clock.runFor(15_000);
    }
    line.mend();
    await save(page, { a: 1 });
    await says(page, "offline");
    await give(page);
    await returned(page, ["offline", "live"]);
  });
}

/** Where a counter is left, and for which page. @type {[string, () => Promise<import("./support/site.js").Site>, string, string, string][]} */
const PLACES = [
  ["of an application", () => runExample("counter"), "shared", "/", "/ada"],
  ["of the binary", () => serveShipped("counter"), "counter", "/w/counter", "/"],
];

for (const [whose, start, id, path, elsewhere] of PLACES) {
  test(`S5: a page ${whose} that is left and returned to goes on where it was: what was done last arrived, nothing starts again`, { timeout: 60_000 }, async () => {
    const host = await start();
    const page = await open(host, path);
    const counts = (/** @type {number} */ count) => eventually(async () => assert.equal(await page.locator("output").innerText(), String(count)));
    await live(page);
    await counts(0);
    await page.evaluate(() => {
      const output = document.querySelector("output");
      addEventListener("pageshow", ({ persisted }) => note(persisted ? "kept" : "loaded", output === document.querySelector("output")));
    });
    await follow(page);

    await page.evaluate((elsewhere) => {
      const increase = document.querySelectorAll("button")[1];
      for (let i = 0; i < 3; i++) increase.click();
      location.href = elsewhere;
    }, elsewhere);
    await page.waitForURL(host.url + elsewhere);
    await eventually(async () => assert.deepEqual(await host.state(id), { count: 3 }));
    await (await connect(host, id)).set({ count: 10 });
    await page.goBack({ waitUntil: "commit" }); // a kept page is not loaded
    await counts(10);
    await noted(page, ["offline", "kept true", "live"]);
    await page.getByRole("button", { name: "Increase" }).click();
    await eventually(async () => assert.deepEqual(await host.state(id), { count: 11 }));
  });
}

/** The probe as model "probe", on a host that passes messages on to all; its page is behind a wire. */
async function messenger() {
  const folder = await serve({ "probe/widget.js": PROBE });
  await folder.stop(); // only its files are wanted
  const host = await runExample("relay", [folder.path("probe")]);
  const line = await relay(host);
  const page = await open(line, "/", { allow: [OFFLINE] });
  await rendered(page, 1);
  await live(page);
  await page.evaluate(() => {
    document.addEventListener("anywidget:error", ({ detail }) => note(detail.phase, detail.message));
    window.views[0].model.on("msg:custom", (/** @type {unknown} */ content) => note("got", content));
  });
  return { host, line, page, client: await connect(host, "probe") };
}

test("B7: messages that were sent while the page was away come in their order, each once", async () => {
  const { line, page, client } = await messenger();
  await client.message("a");
  await noted(page, ["got a"]);
  line.break();
  await says(page, "offline");
  const missed = Array.from({ length: 50 }, (_, i) => String(i));
  for (const content of missed) await client.message(content);
  line.mend();
  await noted(page, ["a", ...missed].map((content) => `got ${content}`));
  await client.message("z");
  await noted(page, ["a", ...missed, "z"].map((content) => `got ${content}`));
});

/** What the log of a model holds. */
const LOG = 4_096;

test("B7: more messages than the log holds: the page hears how many are gone, and gets the others in their order", { timeout: 60_000 }, async () => {
  const { line, page, client } = await messenger();
  await client.message("before");
  await noted(page, ["got before"]);
  line.break();
  await says(page, "offline");
  const gone = 104;
  const all = Array.from({ length: gone + LOG }, (_, i) => i);
  for (const content of all) client.send({ type: "message", seq: 2 + content, content, buffers: [] });
  await client.frame("ack", ({ seq }) => seq === 1 + all.length);
  expectError(page, /104 messages were missed/);
  line.mend();
  const kept = all.slice(gone).map((content) => `got ${content}`);
  await eventually(async () => assert.equal((await notes(page)).at(-1), kept.at(-1)), { timeout: 20_000 });
  assert.deepEqual(await notes(page), ["got before", `message ${gone} messages were missed while the page was away`, ...kept]);
});

test("a session that goes on elsewhere: the page says so where the widget was, what to do, and stays away", async () => {
  const { host, wire, page } = await probe(STATE);
  await page.evaluate(() => document.addEventListener("anywidget:end", ({ detail }) => note("end", detail.reason)));
  await follow(page);
  const other = await connect(host, "a", { session: wire.sent("hello")[0].session });
  const reason = "another connection goes on with this session; reload the page to go on here";
  await noted(page, ["offline", `end ${reason}`]);
  await eventually(async () => assert.equal(await page.getByRole("alert").innerText(), `a: connection failed\nmodel "a": ${reason}`));
  for (const [, give] of SIGNS.slice(0, 2)) await give(page);
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  await settle(page);
  assert.equal(wire.opened, 1, "it would take the session from the other again, and the other from it");
  await other.set({ a: 5 });
  assert.deepEqual(await host.state("a"), { ...STATE, a: 5 });
  await page.reload();
  await rendered(page, 1);
  await agreed(host, [page], { ...STATE, a: 5 });
});
