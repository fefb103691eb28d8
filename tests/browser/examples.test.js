/** The examples in a browser, as a reader would try them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, noted, open, settle, warnings } from "./support/index.js";
import { runExample } from "./support/example.js";
import { valve } from "./support/valve.js";

/** @import { Page } from "playwright-core" */

/** What the counters show. @param {Page} page @param {string[]} expected */
const shows = (page, expected) => eventually(async () => assert.deepEqual(await page.locator("any-widget output").allInnerTexts(), expected));

/** @param {Page} page */
const increase = (page) => page.getByRole("button", { name: "Increase" }).first();

/** The state as the host has it. @param {{ url: string }} host @param {string} id */
const stateOf = async (host, id) => (await fetch(`${host.url}/anywidget/models/${id}/state`)).json();

test("counter: one number for all visitors, another for each name", async () => {
  const host = await runExample("counter");
  const page = await open(host, "/");
  const other = await open(host, "/");
  const named = await open(host, "/ada");
  for (const one of [page, other, named]) await shows(one, ["0"]);
  await increase(page).click();
  await increase(page).click();
  await shows(page, ["2"]);
  await shows(other, ["2"]);
  await other.getByRole("button", { name: "Decrease" }).click();
  await shows(page, ["1"]);
  await increase(named).click();
  await shows(named, ["1"]);
  assert.deepEqual([await stateOf(host, "shared"), await stateOf(host, "named-ada")], [{ count: 1 }, { count: 1 }]);
  const late = await open(host, "/");
  await shows(late, ["1"]);
  assert.equal(await late.locator("h1").innerText(), "1", "the page was made from the struct");
});

test("S2: counter: beyond 100 is refused with the reason, and the view shows the true value", async () => {
  const host = await runExample("counter");
  const page = await open(host, "/");
  await shows(page, ["0"]);
  await page.evaluate(() => document.addEventListener("anywidget:refused", ({ detail }) => note(detail.count)));
  const client = await connect(host, "shared");
  const ack = await client.set({ count: 100 });
  assert.equal(ack.refused, undefined);
  await shows(page, ["100"]);
  await increase(page).click();
  await page.waitForFunction(() => window.notes.length === 1);
  assert.equal(await page.evaluate(() => window.notes[0]), "101 is not between 0 and 100");
  await shows(page, ["100"]);
  assert.deepEqual(await stateOf(host, "shared"), { count: 100 });
  assert.ok(warnings(page).some((text) => text.includes("refused")));
  await page.getByRole("button", { name: "Decrease" }).click();
  await shows(page, ["99"]);
  await eventually(async () => assert.deepEqual(await stateOf(host, "shared"), { count: 99 }));
  // What does not fit the struct's type is refused before the rule is asked.
  const wrong = await client.set({ count: "many" });
  assert.match(wrong.refused.count, /\S/);
  assert.equal(client.state.count, 99);
  await settle(page);
  await shows(page, ["99"]);
});

/** @param {Page} page @param {string} name */
const press = (page, name) => page.getByRole("button", { name }).click();

/** @param {Page} page @param {number} count */
const doubles = (page, count) => eventually(async () => assert.equal(await page.locator("#double").innerText(), `Twice ${count} is ${2 * count}.`));

test("htmx: a fragment is swapped in, works, follows Rust and is swapped out", async () => {
  const host = await runExample("htmx");
  const wire = await valve();
  const page = await open(host, "/", { allow: [/favicon/] });
  assert.equal(wire.opened, 0, "no widget, no socket");
  await press(page, "Show the counter");
  await shows(page, ["0"]);
  await increase(page).click();
  await increase(page).click();
  await shows(page, ["2"]);
  await eventually(async () => assert.deepEqual(await stateOf(host, "counter"), { count: 2 }));
  await press(page, "Set it to 0 in Rust");
  await shows(page, ["0"]);
  await press(page, "Take it away");
  await eventually(async () => assert.equal(await page.locator("#place").innerText(), "Nothing here."));
  await eventually(() => assert.equal(wire.open, 0));
  assert.equal(wire.opened, 1);
});

test("htmx: a part of the page follows the widget by anywidget:change", async () => {
  const host = await runExample("htmx");
  const page = await open(host, "/", { allow: [/favicon/] });
  await doubles(page, 0);
  await press(page, "Show the counter");
  await shows(page, ["0"]);
  await increase(page).click();
  await doubles(page, 1);
  await increase(page).click();
  await doubles(page, 2);
  await press(page, "Set it to 0 in Rust");
  await doubles(page, 0);
});

test("htmx: shown again at once, the counter keeps its socket; after a moment away, it opens another and shows what is true", async () => {
  const host = await runExample("htmx");
  const wire = await valve();
  const page = await open(host, "/", { allow: [/favicon/] });
  await press(page, "Show the counter");
  await shows(page, ["0"]);
  await increase(page).click();
  await shows(page, ["1"]);
  await press(page, "Show the counter"); // the same fragment in its own place
  await shows(page, ["1"]);
  await page.evaluate(() => {
    // Both clicks within the second that a model waits for its next view.
    const [show, away] = ["/counter", "/nothing"].map((path) => /** @type {HTMLElement} */ (document.querySelector(`[hx-get="${path}"]`)));
    const swapped = () => {
      if (document.querySelector("any-widget")) return; // it was another swap, of what follows the counter
      document.removeEventListener("htmx:afterSettle", swapped);
      note("away");
      show.click();
    };
    document.addEventListener("htmx:afterSettle", swapped);
    away.click();
  });
  await noted(page, ["away"]);
  await shows(page, ["1"]);
  assert.equal(wire.opened, 1, "the socket was kept");
  assert.equal(wire.open, 1);
  await press(page, "Take it away");
  await eventually(() => assert.equal(wire.open, 0));
  await press(page, "Set it to 0 in Rust");
  await eventually(async () => assert.deepEqual(await stateOf(host, "counter"), { count: 0 }));
  await press(page, "Show the counter");
  await shows(page, ["0"]);
  await increase(page).click();
  await shows(page, ["1"]);
  await eventually(async () => assert.deepEqual(await stateOf(host, "counter"), { count: 1 }));
  assert.equal(wire.opened, 2);
  assert.equal(wire.open, 1);
});

test("relay: what one page sends, every page gets unchanged, bytes included", async () => {
  const host = await runExample("relay", ["widgets/counter"]);
  const [one, two] = [await connect(host, "counter"), await connect(host, "counter")];
  const content = ["any", { json: null }, 1.5];
  const bytes = Uint8Array.of(0, 127, 255);
  await one.message(content, [bytes, new Uint8Array(0)]);
  await one.message("a bare string");
  for (const client of [one, two]) {
    await client.frame("message", ({ content }) => content === "a bare string");
    const [first, ...rest] = client.frames.filter(({ type }) => type === "message");
    assert.deepEqual([first.content, first.buffers.map((/** @type {Uint8Array} */ buffer) => [...buffer])], [content, [[...bytes], []]]);
    assert.equal(rest.length, 1);
  }
  assert.deepEqual(await host.state("counter"), { count: 0 }, "the folder has its state");
});

test("relay: without a folder, visitors see each other's cursors", async () => {
  const host = await runExample("relay");
  const page = await open(host, "/");
  const other = await open(host, "/");
  const dots = (/** @type {Page} */ page) => page.locator("any-widget i").evaluateAll((dots) => dots.map((dot) => /** @type {HTMLElement} */ (dot).style.left));
  for (const [n, one] of [page, other].entries()) {
    await one.bringToFront();
    const box = await one.locator("any-widget > div").boundingBox();
    assert.ok(box);
    await one.mouse.move(box.x + box.width * (0.25 + n / 2), box.y + box.height / 2);
    for (const seen of [page, other]) await eventually(async () => assert.equal((await dots(seen)).length, n + 1));
  }
  assert.deepEqual(await dots(page), ["25%", "75%"]);
  assert.deepEqual(await dots(other), ["25%", "75%"]);
});
