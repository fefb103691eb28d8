/** The widget `log`: lines from the state and from messages, followed, searched and filtered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, open, settle, tap, visitor } from "./support/index.js";
import { fitsPhone, has, reads, serveShipped, STRICT, styleOf } from "./support/shipped.js";

/** @import { Locator, Page } from "playwright-core" */

/** Lines "a 1", "a 2" and so on. @param {string} word @param {number} count */
const lines = (word, count, from = 1) => Array.from({ length: count }, (_, i) => `${word} ${from + i}`);

/** @param {object} state @param {string} [path] */
async function show(state, path = "/w/log") {
  const host = await serveShipped("log", { label: "Build", first: 0, lines: [], ...state });
  const wire = await tap();
  const page = await open(host, path);
  await page.getByRole("log").waitFor();
  /** A custom message, as the host sends them. @param {unknown} content */
  const send = (content) => wire.inject("log", { type: "message", content, buffers: [], rev: 0 });
  const append = (/** @type {unknown[]} */ lines, /** @type {number} */ n) => send({ type: "append", n, lines });
  return { host, page, send, append, client: await connect(host, "log") };
}

/** The texts that stand in the list, in order. @param {Page | Locator} where */
const texts = (where) => where.locator(".aw-log-text").allTextContents();
/** @param {Page | Locator} where @param {string[]} expected */
const shows = (where, expected) => eventually(async () => assert.deepEqual(await texts(where), expected));
/** The texts that can be seen, whatever is scrolled. @param {Page} page @param {string[]} expected */
const visible = (page, expected) => eventually(async () => assert.deepEqual(await page.locator(".aw-log-line:visible .aw-log-text").allTextContents(), expected));
/** How far (px) the list is from its end. @param {Page} page */
const toEnd = (page) => page.getByRole("log").evaluate((list) => list.scrollHeight - list.clientHeight - list.scrollTop);
/** @param {Page} page */
const atEnd = (page) => eventually(async () => assert.ok((await toEnd(page)) < 2));
/** How many parts are highlighted. @param {Page} page */
const lit = (page) => page.evaluate(() => /** @type {any} */ (CSS).highlights.get("aw-log-found").size);

test("lines of the state and of messages stand in one order, each once", async () => {
  const { page, append, client } = await show({ lines: lines("a", 2) });
  await shows(page, ["a 1", "a 2"]);
  append(["a 3", "a 4"], 2);
  await shows(page, lines("a", 4));
  append(["a 4", "a 5"], 3); // overlaps
  await shows(page, lines("a", 5));
  await client.set({ first: 2, lines: ["a 3", "a 4", "a 5", "a 6"] }); // the newest four
  await shows(page, lines("a", 6));
  assert.equal(await page.locator("[data-hole]").count(), 0);
});

test("a line has its time, its level and its text", async () => {
  const at = new Date(2026, 0, 1, 9, 5, 7).getTime();
  const { page } = await show({ lines: [{ time: at, level: "WARNING", text: "hot" }, { time: "later", level: "audit", text: "\u001b[31mred\u001b[0m" }, "plain"] });
  await eventually(async () => assert.deepEqual(await page.locator(".aw-log-line").allInnerTexts().then((all) => all.map((one) => one.split(/\s+/).filter(Boolean))), [["09:05:07", "warn", "hot"], ["later", "audit", "red"], ["plain"]]));
  await has(page.locator(".aw-log-line").first(), "title", new Date(at).toISOString());
});

test("a message without a number goes to the end, and one that is not understood does no harm", async () => {
  const { page, send } = await show({ lines: ["a 1"] });
  for (const content of [null, "append", { type: "append" }, { type: "append", lines: "x" }, { type: "other", lines: ["x"] }]) send(content);
  send({ type: "append", n: -1, lines: ["a 2"] });
  send({ type: "append", lines: ["a 3", null, { level: "info" }] });
  await shows(page, ["a 1", "a 2", "a 3", "", ""]);
});

test("a hole in the numbers is named, and closed when its lines come", async () => {
  const { page, append, client } = await show({ first: 1000, lines: ["a 1"] });
  const holes = (/** @type {string[]} */ expected) => eventually(async () => assert.deepEqual(await page.locator("[data-hole]").evaluateAll((all) => all.map((one) => one.dataset.hole)), expected));
  await holes(["1,000 earlier lines"]);
  append(["a 5"], 1004);
  await holes(["1,000 earlier lines", "3 missing lines"]);
  append(["a 3"], 1002);
  await holes(["1,000 earlier lines", "1 missing line", "1 missing line"]);
  await client.set({ first: 1000, lines: lines("a", 5) });
  await shows(page, lines("a", 5));
  await holes(["1,000 earlier lines"]);
});

test("no lines in the state clear the log, which goes on at its number", async () => {
  const { page, append, client } = await show({ lines: lines("a", 3) });
  await shows(page, lines("a", 3));
  await client.set({ first: 3, lines: [] });
  await page.getByText("No lines yet.").waitFor();
  append(["a 3"], 2); // late, of before
  append(["b 1"], 3);
  await shows(page, ["b 1"]);
  assert.equal(await page.locator("[data-hole]").count(), 0);
});

test("another text under a known number is another log", async () => {
  const { page, append, client } = await show({ lines: lines("a", 3) });
  await shows(page, lines("a", 3));
  append(["b 1"], 0);
  await shows(page, ["b 1"]);
  await client.set({ lines: ["c 1", "c 2"] });
  await shows(page, ["c 1", "c 2"]);
});

test("a view that opens later in the page has what came by messages before", async () => {
  const host = await serveShipped("log", { first: 0, lines: ["a 1"] });
  const wire = await tap();
  const page = await open(host, await host.view("log"));
  await shows(page, ["a 1"]);
  wire.inject("log", { type: "message", content: { type: "append", n: 1, lines: ["a 2"] }, buffers: [], rev: 0 });
  await shows(page, ["a 1", "a 2"]);
  await page.evaluate(() => document.body.append(/** @type {Element} */ (document.querySelector("any-widget")).cloneNode(true)));
  await shows(page.locator("any-widget").nth(1), ["a 1", "a 2"]);
});

test("the end is followed, until somebody scrolls up and as soon as they come back", async () => {
  const { page, append } = await show({ lines: lines("a", 200) });
  await atEnd(page);
  append(lines("a", 20, 201), 200);
  await page.getByText("a 220").waitFor();
  await atEnd(page);
  const jump = page.getByRole("button", { name: "Jump to newest" });
  assert.equal(await jump.count(), 0);

  const list = page.getByRole("log");
  await list.focus();
  await page.keyboard.press("PageUp");
  await reads(jump, "Jump to newest");
  const read = page.getByText("a 205");
  await eventually(async () => assert.equal((await read.boundingBox())?.y, await settle(page).then(() => read.boundingBox()).then((box) => box?.y))); // keys scroll smoothly
  const before = await read.boundingBox();
  append(lines("a", 12, 221), 220);
  await reads(jump, "Jump to newest · 12 new");
  await settle(page);
  assert.deepEqual(await read.boundingBox(), before, "what is read stays where it is");
  await jump.click();
  await atEnd(page);
  assert.equal(await jump.count(), 0);
  assert.equal(await list.evaluate((list) => list.matches(":focus")), true, "the focus is not lost with the button");

  await page.keyboard.press("PageUp");
  await jump.waitFor();
  await page.keyboard.press("End");
  await jump.waitFor({ state: "hidden" });
  append(["a 233"], 232);
  await page.getByText("a 233").waitFor();
  await atEnd(page);
});

test("a search counts and highlights, Enter goes to the next, Shift+Enter back, Escape ends it", async () => {
  const { page, append } = await show({ lines: ["one Fish", "two fish, red fish", "nothing", "blue fish"] });
  const search = page.getByRole("searchbox", { name: "Search" });
  const count = page.getByRole("status");
  await search.fill("fish");
  await reads(count, "3 found");
  assert.equal(await lit(page), 4);
  const at = (/** @type {string} */ said, /** @type {string} */ text) => Promise.all([reads(count, said), eventually(async () => assert.deepEqual(await texts(page.locator(".aw-log-here")), [text]))]);
  await search.press("Enter");
  await at("1 of 3", "one Fish");
  await search.press("Enter");
  await at("2 of 3", "two fish, red fish");
  await search.press("Enter");
  await search.press("Enter");
  await at("1 of 3", "one Fish");
  await search.press("Shift+Enter");
  await at("3 of 3", "blue fish");
  await page.getByRole("button", { name: "Previous" }).click();
  await at("2 of 3", "two fish, red fish");
  await page.getByRole("button", { name: "Next" }).click();
  await at("3 of 3", "blue fish");
  append(["new fish"], 4);
  await at("3 of 4", "blue fish");
  assert.equal(await lit(page), 5);
  await search.fill("whale");
  await reads(count, "not found");
  await has(page.getByRole("button", { name: "Next" }), "aria-disabled", "true");
  await search.press("Escape");
  await reads(count, "");
  assert.equal(await search.inputValue(), "");
  assert.equal(await lit(page), 0);
});

test("the line a search stands at comes into sight, and the page does not move", async () => {
  const { page } = await show({ lines: lines("a", 3000) });
  await atEnd(page);
  await page.getByRole("searchbox").fill("a 777");
  await page.keyboard.press("Enter");
  await eventually(async () => {
    const [row, list] = [await page.locator(".aw-log-here").boundingBox(), await page.getByRole("log").boundingBox()];
    assert.ok(row && list && row.y >= list.y && row.y + row.height <= list.y + list.height, JSON.stringify([row, list]));
  });
  assert.equal(await page.evaluate(() => scrollY), 0);
});

test("levels below the chosen one are hidden, are not found, and can be had back", async () => {
  const { page, append } = await show({ lines: [{ level: "debug", text: "a debug" }, "a plain", { level: "warn", text: "a warn" }, { level: "fatal", text: "a fatal" }] });
  const level = page.getByRole("combobox", { name: "Level" });
  await page.getByRole("searchbox").fill("a ");
  await level.selectOption("Info and up");
  await visible(page, ["a plain", "a warn", "a fatal"]);
  await reads(page.getByRole("status"), "3 found");
  await level.selectOption("Warnings and up");
  await visible(page, ["a warn", "a fatal"]);
  append([{ level: "info", text: "a info" }, { level: "error", text: "a error" }], 4);
  await visible(page, ["a warn", "a fatal", "a error"]);
  await level.selectOption("Errors");
  await visible(page, ["a fatal", "a error"]);
  await reads(page.getByRole("status"), "2 found");
  await level.selectOption("All levels");
  await visible(page, ["a debug", "a plain", "a warn", "a fatal", "a info", "a error"]);
});

test("when no line is of the chosen level, it says so and offers all", async () => {
  const { page } = await show({ lines: ["a 1"] });
  await page.getByRole("combobox").selectOption("Errors");
  await page.getByText("No line is of this level.").waitFor();
  await page.getByRole("button", { name: "Show all levels" }).click();
  await visible(page, ["a 1"]);
  assert.equal(await page.getByRole("combobox").evaluate((element) => element.matches(":focus")), true);
});

test("copy takes the lines that show", async () => {
  const { page } = await show({ lines: [{ time: "09:00", level: "info", text: "in" }, { time: "09:01", level: "error", text: "out" }] });
  await (await visitor()).grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("combobox").selectOption("Errors");
  const copy = page.getByRole("button", { name: "Copy" });
  await copy.click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "09:01 error out\n");
});

test("of 12,000 lines the newest 10,000 stay, laid out a hundred at a time", async () => {
  const { page, append } = await show({ lines: lines("a", 1000) });
  for (let n = 1000; n < 12_000; n += 1000) append(lines("a", 1000, n + 1), n);
  await eventually(async () => assert.equal((await texts(page)).at(-1), "a 12000"));
  const [first, ...rest] = await texts(page);
  assert.ok(rest.length + 1 >= 10_000 && rest.length + 1 <= 10_500, `${rest.length + 1} lines`);
  assert.equal(first, `a ${12_000 - rest.length}`);
  await eventually(async () => assert.match(String(await page.locator("[data-hole]").getAttribute("data-hole")), /^[12],\d\d\d earlier lines$/));
  await atEnd(page);
  const skipped = await page.locator(".aw-log-chunk").evaluateAll((all) => all.filter((one) => !one.firstElementChild?.checkVisibility({ contentVisibilityAuto: true })).length);
  assert.ok(skipped > 90, `${skipped} parts are not laid out`);
});

test("few new lines are read out, many are not, and a log that is not followed is silent", async () => {
  const { page, append } = await show({ label: "Nightly build", lines: lines("a", 100) });
  const log = page.getByRole("log", { name: "Nightly build" });
  append(["a 101"], 100);
  await has(log, "aria-live", "polite");
  append(lines("a", 50, 102), 101);
  await has(log, "aria-live", "off");
  append(["a 152"], 151);
  await has(log, "aria-live", "polite");
  await log.focus();
  await page.keyboard.press("PageUp");
  await page.getByRole("button", { name: "Jump to newest" }).waitFor();
  append(["a 153"], 152);
  await has(log, "aria-live", "off");
});

test("a view that ends takes its highlights with it", async () => {
  const { page } = await show({ lines: ["fish", "fish"] });
  await page.getByRole("searchbox").fill("fish");
  await eventually(async () => assert.equal(await lit(page), 2));
  await page.evaluate(() => document.querySelector("any-widget")?.remove());
  await eventually(async () => assert.equal(await lit(page), 0));
});

test("in light DOM and in a shadow root, under a strict policy, both have all lines and highlights", async () => {
  const host = await serveShipped("log", { first: 0, lines: [{ level: "error", text: "a 1" }] });
  const wire = await tap();
  const page = await open(host, (await host.view("log")) + (await host.view("log", { shadow: true })), { csp: STRICT });
  await eventually(async () => assert.equal(await page.getByRole("log").count(), 2));
  wire.inject("log", { type: "message", content: { type: "append", n: 1, lines: ["a 2"] }, buffers: [], rev: 0 });
  for (const view of await page.locator("any-widget").all()) {
    await shows(view, ["a 1", "a 2"]);
    assert.equal(await styleOf(view.locator(".aw-log-text").first(), "color"), "rgb(179, 38, 30)");
    await view.getByRole("searchbox").fill("a");
    await reads(view.getByRole("status"), "2 found");
  }
  assert.equal(await lit(page), 4);
});

test("dark pages get the lighter colours, and 320 px are enough", async () => {
  const { page } = await show({ lines: [{ time: "09:00:00", level: "error", text: "x".repeat(200) }, { time: "09:00:00", level: "warn", text: "a b" }] });
  const text = page.locator(".aw-log-text").first();
  await eventually(async () => assert.equal(await styleOf(text, "color"), "rgb(179, 38, 30)"));
  await page.emulateMedia({ colorScheme: "dark" });
  await eventually(async () => assert.equal(await styleOf(text, "color"), "rgb(255, 157, 148)"));
  await page.getByRole("searchbox").fill("x");
  await fitsPhone(page);
  await settle(page);
});
