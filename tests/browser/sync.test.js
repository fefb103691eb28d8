/** Nothing jumps: what a hand on a slider sees while the line is slow, is cut, or the host goes away under it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runExample } from "./support/example.js";
import { onward, seize, sights, watch } from "./support/hand.js";
import { connect, eventually, OFFLINE, open, relay, settle } from "./support/index.js";
import { live } from "./support/probe.js";
import { serveShipped } from "./support/shipped.js";

/** @import { Page } from "playwright-core" */

/** How long everything is under way in each direction (ms). */
const DELAY = 80;
/** The rail is so many pixels long, so that a pixel is a step. */
const RAIL = 528;

/** What a page's replica has. @param {Page} page @returns {Promise<Record<string, unknown>>} */
const replica = (page) =>
  page.evaluate(async () => {
    const model = await document.querySelector("any-widget")?.getModel();
    return Object.fromEntries(model?.keys().map((key) => [key, model.get(key)]) ?? []);
  });

/** What a thumb shows. @param {Page} page @param {string} name */
const shown = async (page, name) => Number(await page.getByRole("slider", { name }).getAttribute("aria-valuenow"));

/** Waits until the host has this, the pages have what the host has, and show it. @param {import("./support/site.js").Site} host @param {string} id @param {Page[]} pages @param {Record<string, unknown>} expected */
const agreed = (host, id, pages, expected) =>
  eventually(async () => {
    const state = await host.state(id);
    assert.deepEqual({ ...state, ...expected }, state);
    for (const page of pages) {
      assert.deepEqual(await replica(page), state);
      assert.deepEqual([await shown(page, "Low"), await shown(page, "High")], [state.low, state.high]);
    }
  }, { timeout: 20_000 });

/** Whether the host is there for the page. @param {Page} page */
const isLive = async (page) => (await page.locator("any-widget").getAttribute("data-connection")) === "live";

/** The slider on a slow line, watched there and in another page that is near the host. */
async function slow() {
  const host = await serveShipped("slider", { low: 0, high: RAIL, max: RAIL });
  const line = await relay(host, { delay: DELAY });
  const page = await open(line, await host.view("slider"), { allow: [OFFLINE] });
  const other = await open(host, await host.view("slider"), { allow: [OFFLINE] });
  for (const one of [page, other]) {
    await live(one);
    await watch(one, "Low");
  }
  return { host, line, page, other };
}

/** Drags on until the page is back. @param {Page} page @param {{ goes(moves: number): Promise<void> }} hand */
async function dragsUntilLive(page, hand) {
  do {
    await hand.goes(6);
  } while (!(await isLive(page)));
}

for (const company of [false, true]) {
  test(`S5: a drag on a slow line that is cut in the middle${company ? ", while another client writes other keys" : ""}: no step back, and all are equal`, { timeout: 120_000 }, async () => {
    const { host, line, page, other } = await slow();
    const client = company ? await connect(host, "slider") : null;
    let rounds = 0;
    let dragging = true;
    const writing = (async () => {
      for (; client && dragging; rounds++) {
        await client.set({ ticks: rounds % 20, high: RAIL - (rounds % 10) });
        await new Promise((done) => setTimeout(done, 40));
      }
    })();
    await page.evaluate(() => document.addEventListener("anywidget:connection", ({ detail }) => note(detail.state)));

    const hand = await seize(page, "Low");
    await hand.goes(70);
    line.still(); // so that the host has a write whose answer is lost, and tells it as news afterwards
    await hand.goes(10);
    line.break();
    await hand.goes(20); // about 300 ms
    line.mend();
    await dragsUntilLive(page, hand);
    await hand.goes(80);
    const last = await shown(page, "Low");
    await hand.letsGo();
    dragging = false;
    await writing;

    await agreed(host, "slider", [page, other], { low: last });
    assert.ok(last >= 180, `a pixel was a step, ${last} of them`);
    if (client) assert.ok(rounds > 10, "the other client was at work");
    assert.deepEqual(await page.evaluate(() => window.notes), ["offline", "live"]);
    onward(await sights(page));
    onward(await sights(other), ["attribute", "model"]);
  });
}

test("S2: a drag beyond what the host allows: the hand is followed, and the true value shows when it rests", { timeout: 120_000 }, async () => {
  const host = await runExample("range");
  const line = await relay(host, { delay: DELAY });
  const page = await open(line, "/");
  const other = await open(host, "/");
  for (const one of [page, other]) {
    await live(one);
    await watch(one, "High");
  }
  const hand = await seize(page, "High");
  await hand.goes(120);
  for (let i = 0; i < 5; i++) {
    line.still(); // however slowly this machine moves the mouse, an answer comes when there are later moves
    await hand.goes(16);
    line.mend();
  }
  line.still();
  await hand.goes(1);
  const beyond = await shown(page, "High");
  onward(await sights(page));
  assert.ok(beyond > 70, `the hand went beyond what is allowed, to ${beyond}`);
  await hand.letsGo();
  await settle(page);
  assert.equal(await shown(page, "High"), beyond);
  line.mend();
  await agreed(host, "range", [page, other], { high: 70 });
  onward(await sights(other), ["attribute", "model"]);
});

for (const signal of /** @type {const} */ (["SIGKILL", "SIGTERM"])) {
  test(`S5: the host starts anew during a drag (${signal}): no step back, and nothing stays on the page that the host lacks`, { timeout: 120_000 }, async () => {
    const { host, page, other } = await slow();
    const client = await connect(host, "slider");
    await client.set({ ticks: 9 });
    await agreed(host, "slider", [page, other], { ticks: 9 });
    const epoch = client.frames[0].epoch;

    const hand = await seize(page, "Low");
    await hand.goes(60);
    const restarted = host.stop(signal).then(() => host.start());
    await hand.goes(20);
    await restarted;
    await dragsUntilLive(page, hand);
    await hand.goes(60);
    const last = await shown(page, "Low");
    await hand.letsGo();

    await live(other);
    await agreed(host, "slider", [page, other], { low: last, ticks: 5 });
    assert.notEqual((await connect(host, "slider")).frames[0].epoch, epoch);
    onward(await sights(page));
  });
}
