/** The widget `sortable`: a list that is put in order by pointer and by keyboard, while others change it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, open, settle, visitor } from "./support/index.js";
import { fitsPhone, has, holds, reads, serveShipped, STRICT, styleOf } from "./support/shipped.js";

/** @import { Locator, Page } from "playwright-core" */

/** @param {string} id */
const item = (id, done = false) => ({ id, text: `Item ${id}`, done });
const ITEMS = [..."abcde"].map((id) => item(id));

/** @param {object} [state] @param {boolean} [glide] whether moves are animated */
async function show(state = {}, glide = false) {
  const host = await serveShipped("sortable", { label: "Things", items: ITEMS, ...state });
  const page = await open(host, "/w/sortable");
  if (!glide) await page.emulateMedia({ reducedMotion: "reduce" });
  await page.getByRole("group").waitFor();
  return { host, page, client: await connect(host, "sortable") };
}

/** Waits until the items stand in this order, by their ids. @param {Page | Locator} where @param {string} expected */
const stands = (where, expected) => eventually(async () => assert.equal((await where.locator(".aw-sortable-item").evaluateAll((all) => all.map((one) => one.dataset.id))).join(""), expected));
/** @param {import("./support/host.js").Host} host */
const stored = async (host) => (await host.state("sortable")).items.map((/** @type {any} */ one) => one.id ?? one).join("");
/** Waits until the host has this order. @param {import("./support/host.js").Host} host @param {string} expected */
const keeps = (host, expected) => eventually(async () => assert.equal(await stored(host), expected));
/** @param {Page} page @param {string} id */
const handle = (page, id) => page.getByRole("button", { name: `Move Item ${id}`, exact: true });
/** @param {Page} page @param {string} expected */
const said = (page, expected) => reads(page.getByRole("status"), expected);
/** @param {Locator} locator */
const focused = (locator) => eventually(async () => assert.equal(await locator.evaluate((element) => element.matches(":focus")), true));

/** Middle of an element. @param {Locator} locator */
async function middle(locator) {
  const box = await locator.boundingBox();
  assert.ok(box, "it is visible");
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Takes an item by its handle and carries it to the middle of another, without letting go. @param {Page} page @param {string} id @param {string} to */
async function carry(page, id, to) {
  const [from, there] = [await middle(handle(page, id)), await middle(handle(page, to))];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x, there.y + (there.y > from.y ? 4 : -4), { steps: 10 });
}

test("an item is dragged by its handle, and saved when it is dropped", async () => {
  const { host, page } = await show();
  const other = await open(host, "/w/sortable");
  await page.bringToFront();
  await carry(page, "b", "d");
  await stands(page, "acdbe");
  await settle(page);
  assert.equal(await stored(host), "abcde", "nothing is saved while it is in the hand");
  await page.mouse.up();
  await keeps(host, "acdbe");
  await stands(other, "acdbe");
  await carry(page, "e", "a");
  await page.mouse.up();
  await keeps(host, "eacdb");
  await said(page, "Item e dropped, position 1 of 5");
});

test("a carried item is under the pointer, and lies in its place when it is dropped", async () => {
  const { page } = await show();
  await carry(page, "b", "d");
  const y = (await middle(handle(page, "d"))).y;
  await page.mouse.move(200, y + 100);
  await eventually(async () => assert.ok(Math.abs((await middle(handle(page, "b"))).y - (y + 100)) < 2));
  await page.mouse.up();
  await stands(page, "acdeb");
  await eventually(async () => assert.equal(await page.locator("[data-id=b]").evaluate((row) => row.style.transform), ""));
});

test("a mouse takes an item anywhere, but not by its box, and a click moves nothing", async () => {
  const { host, page } = await show({ checkable: true });
  const text = page.getByText("Item a");
  const [from, to] = [await middle(text), await middle(handle(page, "c"))];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x, to.y + 4, { steps: 10 });
  await page.mouse.up();
  await keeps(host, "bcade");
  await page.getByRole("checkbox", { name: "Item b" }).click();
  await handle(page, "c").click();
  await eventually(async () => assert.equal((await host.state("sortable")).items[0].done, true));
  await stands(page, "bcade");
  assert.equal(await page.locator(".aw-sortable-held").count(), 0);
});

test("a finger drags by the handle; elsewhere it scrolls the page", async () => {
  const { host, page } = await show();
  const session = await (await visitor()).newCDPSession(page);
  const touch = (/** @type {string} */ type, /** @type {{ x: number, y: number }[]} */ touchPoints) => session.send("Input.dispatchTouchEvent", { type: /** @type {any} */ (type), touchPoints });
  const drag = async (/** @type {{ x: number, y: number }} */ from, /** @type {{ x: number, y: number }} */ to) => {
    await touch("touchStart", [from]);
    for (let i = 1; i <= 10; i++) await touch("touchMove", [{ x: from.x, y: from.y + ((to.y - from.y) * i) / 10 }]);
    await touch("touchEnd", []);
  };
  const to = await middle(handle(page, "c"));
  await drag(await middle(page.getByText("Item a")), { ...to, y: to.y + 4 });
  await settle(page);
  assert.equal(await stored(host), "abcde");
  await drag(await middle(handle(page, "a")), { ...to, y: to.y + 4 });
  await keeps(host, "bcade");
  assert.equal(await styleOf(handle(page, "a"), "touch-action"), "none");
  assert.equal(await styleOf(page.locator("[data-id=a]"), "touch-action"), "auto");
});

test("Escape puts a dragged item back", async () => {
  const { host, page } = await show();
  await carry(page, "b", "e");
  await stands(page, "acdeb");
  await page.keyboard.press("Escape");
  await stands(page, "abcde");
  await said(page, "Item b put back, position 2 of 5");
  await page.mouse.move(100, 10);
  await page.mouse.up();
  await settle(page);
  await stands(page, "abcde");
  assert.equal(await stored(host), "abcde");
});

test("by keyboard: Space lifts, arrows, Home and End move, Space drops, and each is read out", async () => {
  const { host, page } = await show();
  const grip = handle(page, "b");
  await grip.focus();
  await page.keyboard.press("Space");
  await said(page, "Item b lifted, position 2 of 5");
  await has(grip, "aria-pressed", "true");
  for (const [key, order, place] of /** @type {[string, string, number][]} */ ([["ArrowDown", "acbde", 3], ["End", "acdeb", 5], ["ArrowDown", "acdeb", 5], ["ArrowUp", "acdbe", 4], ["Home", "bacde", 1]])) {
    await page.keyboard.press(key);
    await stands(page, order);
    await said(page, `Item b moved, position ${place} of 5`);
    await focused(grip);
  }
  assert.equal(await stored(host), "abcde");
  await page.keyboard.press("Space");
  await said(page, "Item b dropped, position 1 of 5");
  await keeps(host, "bacde");
  await has(grip, "aria-pressed", "false");
  await page.keyboard.press("ArrowDown");
  await focused(handle(page, "a"));
  await stands(page, "bacde");
});

test("by keyboard: Escape puts back, and to go away is to drop", async () => {
  const { host, page } = await show();
  await handle(page, "a").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await stands(page, "bacde");
  await page.keyboard.press("Escape");
  await said(page, "Item a put back, position 1 of 5");
  await stands(page, "abcde");
  await focused(handle(page, "a"));
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  await keeps(host, "bacde");
  assert.equal(await page.locator(".aw-sortable-held").count(), 0);
});

test("the list changes during a drag: the item stays in the hand and is dropped into the newest list", async () => {
  const { host, page, client } = await show();
  await carry(page, "b", "d");
  await stands(page, "acdbe");
  await client.set({ items: [item("x"), ...ITEMS.slice(0, 4), item("y"), item("e", true)] });
  await stands(page, "xacdbye"); // still behind d
  await has(page.locator("[data-id=b]"), "class", "aw-sortable-item aw-sortable-held");
  const y = await middle(handle(page, "y"));
  await page.mouse.move(y.x, y.y + 4, { steps: 5 });
  await page.mouse.up();
  await keeps(host, "xacdybe");
  assert.equal((await host.state("sortable")).items[6].done, true, "what others did is kept");
});

test("an item that is removed elsewhere leaves the hand, and the pointer does no more", async () => {
  const { host, page, client } = await show();
  await carry(page, "b", "d");
  await client.set({ items: ITEMS.filter(({ id }) => id !== "b") });
  await stands(page, "acde");
  await said(page, "Item b is not there any more");
  await page.mouse.move(100, 10);
  await page.mouse.up();
  await settle(page);
  await stands(page, "acde");
  assert.equal(await stored(host), "acde");
});

test("two people move two items at once: both moves are kept", async () => {
  const { host, page } = await show();
  const other = await open(host, "/w/sortable");
  await handle(page, "a").focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await handle(other, "e").focus();
  await other.keyboard.press("Space");
  await other.keyboard.press("ArrowUp");
  await other.keyboard.press("Space");
  await keeps(host, "abced");
  await stands(page, "baced");
  await page.keyboard.press("Space");
  await keeps(host, "baced");
  await stands(other, "baced");
});

test("items are ticked, counted, added and removed, if the state allows", async () => {
  const { host, page, client } = await show({ items: [{ ...item("a"), color: "red" }, item("b", true)] });
  await page.getByText("1 of 2 done").waitFor();
  await page.getByRole("checkbox", { name: "Item a" }).press("Space");
  await page.getByText("2 of 2 done").waitFor();
  await holds(host, "sortable", { items: [{ ...item("a", true), color: "red" }, item("b", true)] });

  const field = page.getByRole("textbox", { name: "New item" });
  await field.fill("  Item c ");
  await field.press("Enter");
  await eventually(async () => assert.deepEqual((await host.state("sortable")).items.map((/** @type {any} */ one) => [one.text, one.done]), [["Item a", true], ["Item b", true], ["Item c", false]]));
  await said(page, "Item c added");
  await focused(field);
  assert.equal(await field.inputValue(), "");
  await field.press("Enter");
  await settle(page);
  assert.equal((await host.state("sortable")).items.length, 3, "nothing is no item");

  await page.getByRole("button", { name: "Remove Item b" }).click();
  await said(page, "Item b removed");
  await focused(page.getByRole("button", { name: "Remove Item c" }));
  await page.keyboard.press("Enter");
  await focused(page.getByRole("button", { name: "Remove Item a" }));
  await page.keyboard.press("Enter");
  await focused(field);
  await holds(host, "sortable", { items: [] });
  await page.getByText("Nothing here yet.").waitFor();

  await client.set({ items: ITEMS, checkable: false, removable: false, addable: false });
  for (const role of /** @type {const} */ (["checkbox", "textbox"])) await eventually(async () => assert.equal(await page.getByRole(role).count(), 0));
  assert.equal(await page.getByRole("button").count(), 5, "the handles");
  await client.set({ readonly: true, checkable: true });
  await eventually(async () => assert.equal(await page.getByRole("button").count(), 0));
  assert.equal(await page.getByRole("checkbox").first().isDisabled(), true);
});

test("items may be plain texts, also the same one twice", async () => {
  const { host, page } = await show({ items: ["one", "two", "two"], checkable: false });
  await page.getByRole("button", { name: "Move one", exact: true }).focus();
  for (const key of ["Space", "End", "Space"]) await page.keyboard.press(key);
  await holds(host, "sortable", { items: ["two", "two", "one"] });
});

test("no items and what is no list: it says so", async () => {
  const { page, client } = await show({ items: [] });
  await page.getByText("Nothing here yet.").waitFor();
  await client.set({ items: "milk" });
  const note = page.getByText("Cannot show the list: “items” is not a list.");
  await note.waitFor();
  assert.equal(await styleOf(note, "color"), "rgb(179, 38, 30)");
  assert.equal(await page.getByRole("textbox").count(), 0);
});

test("rows glide to their places, unless less motion is wanted", async () => {
  const { page, client } = await show({}, true);
  const glides = () =>
    page.evaluate(() => {
      window.glides = 0;
      const { animate } = Element.prototype;
      Element.prototype.animate = function (...words) {
        window.glides++;
        return animate.apply(this, words);
      };
    });
  await glides();
  await client.set({ items: [...ITEMS].reverse() });
  await stands(page, "edcba");
  assert.equal(await page.evaluate(() => window.glides), 4, "all but the one in the middle");
  await page.emulateMedia({ reducedMotion: "reduce" });
  await client.set({ items: ITEMS });
  await stands(page, "abcde");
  assert.equal(await page.evaluate(() => window.glides), 4);
});

test("the list, its name, its items and how to move them are there for a screen reader", async () => {
  const { page } = await show();
  assert.equal(await page.getByRole("list", { name: "Things" }).getByRole("listitem").count(), 5);
  const hint = await handle(page, "a").getAttribute("aria-describedby");
  assert.equal(await page.locator(`[id="${hint}"]`).textContent(), "Space lifts, the arrows move, Space drops, Escape puts back.");
  await page.keyboard.press("Tab");
  await focused(handle(page, "a"));
  assert.equal(await styleOf(handle(page, "a"), "outline-style"), "solid");
});

test("in light DOM and in a shadow root, under a strict policy, both are in step and can be dragged", async () => {
  const host = await serveShipped("sortable", { items: ITEMS });
  const page = await open(host, (await host.view("sortable")) + (await host.view("sortable", { shadow: true })), { csp: STRICT });
  await page.emulateMedia({ reducedMotion: "reduce" });
  await eventually(async () => assert.equal(await page.getByRole("list").count(), 2));
  const [light, shadow] = await page.locator("any-widget").all();
  const [from, to] = [await middle(shadow.getByRole("button", { name: "Move Item a", exact: true })), await middle(shadow.getByRole("button", { name: "Move Item b", exact: true }))];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y + 4, { steps: 5 });
  await stands(shadow, "bacde");
  await page.mouse.up();
  await stands(light, "bacde");
  await focused(shadow.getByRole("button", { name: "Move Item a", exact: true }));
  await page.keyboard.press("Space");
  await page.keyboard.press("ArrowDown");
  await stands(shadow, "bcade");
  await focused(shadow.getByRole("button", { name: "Move Item a", exact: true }));
  for (const view of [light, shadow]) assert.equal(await styleOf(view.locator(".aw-sortable-item").first(), "display"), "flex");
});

test("dark pages get a darker card in the hand, and 320 px are enough", async () => {
  const { page } = await show({ items: [...ITEMS, { id: "long", text: "x".repeat(120) }], label: "y".repeat(60) });
  await handle(page, "a").focus();
  await page.keyboard.press("Space");
  const held = page.locator(".aw-sortable-held");
  await eventually(async () => assert.equal(await styleOf(held, "background-color"), "rgb(255, 255, 255)"));
  await page.emulateMedia({ colorScheme: "dark" });
  await eventually(async () => assert.equal(await styleOf(held, "background-color"), "rgb(36, 39, 43)"));
  await fitsPhone(page);
});
