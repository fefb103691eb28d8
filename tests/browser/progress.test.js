/** The widget `progress`: a bar, steps, and the time that is left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, open, settle, tap, visitor } from "./support/index.js";
import { fitsPhone, has, reads, serveShipped, STRICT, styleOf } from "./support/shipped.js";

/** @import { Page } from "playwright-core" */

/** Nothing but a label. */
const BARE = { label: "Copying", value: 0, total: 100, unit: "", message: "", steps: [], step: 0, status: "running", cancellable: false };

/** @param {object} state */
async function show(state) {
  const host = await serveShipped("progress", { ...BARE, ...state });
  const page = await open(host, "/w/progress");
  await page.getByRole("progressbar").waitFor();
  return { host, page, bar: page.getByRole("progressbar"), client: await connect(host, "progress") };
}

/** How much of the bar is filled. @param {Page} page */
const filled = (page) =>
  page.locator(".aw-progress-fill").evaluate((fill) => fill.getBoundingClientRect().width / /** @type {Element} */ (fill.parentElement).getBoundingClientRect().width);

/** How far it is said to be. @param {Page} page @param {string} expected */
const figure = (page, expected) => reads(page.locator(".aw-progress-figure"), expected);
/** What stands below the bar. @param {Page} page @param {string} expected */
const below = (page, expected) => reads(page.locator(".aw-progress-count"), expected);
/** What was read out. @param {Page} page @param {string} expected */
const said = (page, expected) => reads(page.getByRole("status"), expected);

test("the bar is a progressbar with the name, the range and the value of the job", async () => {
  const { page, client } = await show({ label: "Copying photos", value: 30, total: 120, unit: "photos" });
  const bar = page.getByRole("progressbar", { name: "Copying photos" });
  for (const [name, value] of [["valuemin", "0"], ["valuemax", "120"], ["valuenow", "30"], ["valuetext", "25%, 30 of 120 photos"]]) await has(bar, `aria-${name}`, value);
  await client.set({ value: 90 });
  await has(bar, "aria-valuenow", "90");
  await figure(page, "75%");
  await eventually(async () => assert.ok(Math.abs((await filled(page)) - 0.75) < 0.01));
});

test("99.9% is not 100%, and what is done is whole whatever the value", async () => {
  const { page, client } = await show({ value: 999, total: 1000, unit: "files" });
  await figure(page, "99%");
  await client.set({ status: "done" });
  await figure(page, "Done");
  await below(page, "1,000 of 1,000 files");
  await has(page.getByRole("progressbar"), "aria-valuenow", "1000");
});

test("without a value the progressbar has none, and something moves", async () => {
  const { page, bar, client } = await show({ value: null });
  await has(bar, "aria-valuenow", null);
  await figure(page, "");
  assert.equal(await styleOf(page.locator(".aw-progress-fill"), "animation-name"), "aw-progress-pass");
  await client.set({ value: 50 });
  await has(bar, "aria-valuenow", "50");
  assert.equal(await styleOf(page.locator(".aw-progress-fill"), "animation-name"), "none");
});

test("nothing moves for those who want less motion", async () => {
  const { page } = await show({ value: null });
  await page.emulateMedia({ reducedMotion: "reduce" });
  assert.equal(await styleOf(page.locator(".aw-progress-fill"), "animation-name"), "none");
  assert.ok((await filled(page)) > 0.9, "it is still to be seen that something goes on");
});

test("a value that is out of range, missing or no number is shown as what is possible", async () => {
  const { page, bar, client } = await show({ value: 500, total: 100 });
  await has(bar, "aria-valuenow", "100");
  await client.set({ value: -5 });
  await has(bar, "aria-valuenow", "0");
  await client.set({ value: "x", total: 0 });
  await has(bar, "aria-valuenow", null);
  await has(bar, "aria-valuemax", "100");
  await client.set({ label: "", status: "no such status" });
  await page.getByRole("progressbar", { name: "Progress" }).waitFor();
});

test("steps are a list with the present one marked, and the ones before it done", async () => {
  const { page, client } = await show({ steps: ["Scan", "Copy", "Compare"], step: 1 });
  const items = page.getByRole("listitem");
  const states = (/** @type {string[]} */ expected) => eventually(async () => assert.deepEqual(await items.evaluateAll((all) => all.map((one) => `${one.dataset.state} ${one.ariaCurrent}`)), expected));
  await states(["done null", "now step", "next null"]);
  await items.nth(0).getByRole("img", { name: "done" }).waitFor();
  await client.set({ step: 2 });
  await states(["done null", "done null", "now step"]);
  await said(page, "Copying, step 3 of 3: Compare");
  await client.set({ status: "failed" });
  await states(["done null", "done null", "failed step"]);
  await client.set({ status: "done" });
  await states(["done null", "done null", "done null"]);
});

test("milestones are read out, every small step is not", async () => {
  const { page, bar, client } = await show({ value: 10 });
  await said(page, "");
  await client.set({ value: 24 });
  await has(bar, "aria-valuenow", "24");
  await said(page, "");
  await client.set({ value: 26 });
  await said(page, "Copying, 26%");
  await client.set({ value: 49 });
  await has(bar, "aria-valuenow", "49");
  await said(page, "Copying, 26%");
  await client.set({ status: "failed", message: "The disk is full." });
  await said(page, "Copying, Failed, The disk is full.");
});

const START = Date.UTC(2026, 0, 1);

/**
 * A job at 0 in a page whose time stands still; `run` lets ms pass there. A test stays below the 50 s without a word
 * from the host after which a page takes its connection for dead.
 * @param {object} [state]
 */
async function frozen(state = {}) {
  const { clock } = await visitor();
  await clock.install({ time: START });
  const shown = await show({ value: 5, ...state });
  await clock.pauseAt(START + 5_000);
  await shown.client.set({ value: 0 }); // a value that falls begins anew, now
  await has(shown.bar, "aria-valuenow", "0");
  await below(shown.page, "");
  return { ...shown, run: (/** @type {number} */ ms) => clock.runFor(ms) };
}

test("the time left follows the pace, counts down, and grows when nothing comes", async () => {
  const { page, client, run } = await frozen();
  await run(10_000);
  await client.set({ value: 10 });
  await below(page, "2 min left"); // 10 in 10 s, 90 to go
  await run(15_000);
  await below(page, "1 min left"); // 75 s
  // After twice the time that the last 10 took, the time without work counts: 10 in 30 s are 270 s for 90, less
  // the 20 s that were counted down.
  await run(25_000);
  await below(page, "4 min left");
});

test("a pause does not slow the pace down", async () => {
  const { page, client, run } = await frozen();
  await run(10_000);
  await client.set({ value: 10 });
  await below(page, "2 min left");
  await client.set({ status: "paused" });
  await figure(page, "Paused");
  await below(page, "");
  await run(30_000);
  await client.set({ status: "running" });
  await below(page, "2 min left");
});

test("a view that opens late takes the pace from when the job began", async () => {
  await (await visitor()).clock.install({ time: START });
  const { page } = await show({ value: 10, started: START - 60_000 });
  await below(page, "9 min left");
});

test("a view that opens late and knows no beginning says nothing before it has seen a pace", async () => {
  const { clock } = await visitor();
  await clock.install({ time: START });
  const { page, bar, client } = await show({ value: 50 });
  await clock.pauseAt(START + 5_000);
  await clock.runFor(10_000);
  await has(bar, "aria-valuetext", "50%");
  await client.set({ value: 60 });
  await eventually(async () => assert.match(String(await bar.getAttribute("aria-valuetext")), /^60%, .* left$/));
});

test("an eta of the server is believed, and a job that has ended says how long it took", async () => {
  const { page, client } = await frozen();
  await client.set({ eta: START + 45_000 });
  await below(page, "40 s left");
  await client.set({ status: "done", started: START, ended: START + 90 * 60_000 });
  await below(page, "took 1 h 30 min");
});

test("cancel asks the server once, says so, and is gone when the job is over", async () => {
  const { frames } = await tap();
  const { page, client } = await show({ cancellable: true, value: 10 });
  const asked = () => frames.filter(({ sent, frame }) => sent && frame.type === "message").map(({ frame }) => frame.content);
  const button = page.getByRole("button");
  await page.keyboard.press("Tab");
  assert.equal(await button.evaluate((element) => element.matches(":focus-visible")), true);
  await page.keyboard.press("Enter");
  await reads(button, "Cancelling …");
  await page.keyboard.press("Enter");
  await eventually(() => assert.deepEqual(asked(), [{ type: "cancel" }]));
  await settle(page);
  assert.deepEqual(asked(), [{ type: "cancel" }]);
  await client.set({ status: "cancelled", message: "Stopped by you." });
  await button.waitFor({ state: "hidden" });
  await figure(page, "Cancelled");
  await client.set({ status: "running" });
  await reads(button, "Cancel");
});

test("a failure shows its message in the colour of errors", async () => {
  const { page } = await show({ status: "failed", message: "The disk is full.", value: 40 });
  await figure(page, "Failed");
  const message = page.locator(".aw-progress-message");
  await reads(message, "The disk is full.");
  assert.equal(await styleOf(message, "color"), "rgb(179, 38, 30)");
});

test("in light DOM and in a shadow root, under a strict policy, two views of a page are in step", async () => {
  const host = await serveShipped("progress", { ...BARE, value: 20 });
  const page = await open(host, (await host.view("progress")) + (await host.view("progress", { shadow: true })), { csp: STRICT });
  await eventually(async () => assert.equal(await page.getByRole("progressbar").count(), 2));
  const client = await connect(host, "progress");
  await client.set({ value: 60, steps: ["One", "Two"] });
  for (const bar of await page.getByRole("progressbar").all()) {
    await has(bar, "aria-valuenow", "60");
    assert.equal(await styleOf(bar, "height"), "8px");
  }
  assert.equal(await page.getByRole("progressbar", { name: "Copying" }).count(), 2);
});

test("dark pages get the lighter colours, and 320 px are enough", async () => {
  const { page } = await show({ value: 60, cancellable: true, unit: "photographs", message: "a/very/long/path/without/a/single/space/in/it.jpg", steps: ["Scan", "Copy", "Compare", "Tidy up"], step: 1 });
  const fill = page.locator(".aw-progress-fill");
  assert.equal(await styleOf(fill, "background-color"), "rgb(42, 98, 214)");
  await page.emulateMedia({ colorScheme: "dark" });
  await eventually(async () => assert.equal(await styleOf(fill, "background-color"), "rgb(134, 171, 255)"));
  await fitsPhone(page);
});
