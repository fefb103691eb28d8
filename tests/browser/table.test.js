/** The table that ships with the product, in a real page: ten thousand rows, what hands and keys do, what it says when there is nothing to show. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, insert, open, settle } from "./support/index.js";
import { serveShipped } from "./support/shipped.js";

/** @import { Page } from "playwright-core" */
/** @typedef {import("./support/host.js").Host} Host */

const CSP = "default-src 'self'; img-src 'self' data:";
const CITIES = ["Zürich", "Osaka", "Lima", "Quito", "Accra", "Oslo", "Cork", "Graz", "Turku", "Bergen"];
const COLUMNS = [{ key: "id", label: "No." }, { key: "city", label: "City" }, { key: "amount", label: "Amount", digits: 2 }];

/** Row i: its number, one of ten cities, and an amount that falls as i grows; every hundredth has none. @param {number} length */
const rowsOf = (length) => Array.from({ length }, (_, i) => [i, CITIES[i % 10], i % 100 === 7 ? null : (length - i) * 1.5]);

/** The same without amounts: which of them a filter finds is known. */
const NAMED = { columns: ["No.", "City"], rows: rowsOf(10_000).map((row) => row.slice(0, 2)) };
/** Those of one city whose number has a text in it. @param {string} city @param {string} text */
const named = (city, text) => NAMED.rows.flatMap(([i, name]) => (name === city && String(i).includes(text) ? [Number(i)] : []));

/** @param {object} [state] */
const serveTable = (state = {}) => serveShipped("table", { columns: COLUMNS, rows: rowsOf(10_000), sort: null, filter: "", selected: [], ...state });

/** Waits until the host has this. @param {Host} host @param {object} expected */
const holds = (host, expected) =>
  eventually(async () => {
    const state = await host.state("table");
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, state[key]])), expected);
  });

/** @param {Page} page */
const grid = (page) => page.getByRole("grid");
/** @param {Page} page */
const filter = (page) => page.getByRole("searchbox", { name: "Filter" });
/** A row by what its first cell says. @param {Page} page @param {string} number */
const row = (page, number) => page.getByRole("row").filter({ has: page.getByRole("gridcell", { name: number, exact: true }).first() });
/** @param {Page} page @param {string} name */
const header = (page, name) => page.getByRole("columnheader", { name });

/** The rows in the document by their place: their number, city and amount. @param {Page} page @returns {Promise<Map<number, string[]>>} */
const present = async (page) =>
  new Map(await grid(page).evaluate((grid) =>
    [...grid.querySelectorAll(".aw-table-row")].map((row) => /** @type {const} */ ([Number(row.getAttribute("aria-rowindex")), [...row.children].map(({ textContent }) => textContent ?? "")]))));

/** Waits until the first rows have these numbers. @param {Page} page @param {string[]} numbers */
const begins = (page, numbers) =>
  eventually(async () => {
    const rows = await present(page);
    assert.deepEqual(numbers.map((_, i) => rows.get(i + 2)?.[0]), numbers);
  });

/** @param {Page} page @param {string | RegExp} text */
const says = (page, text) =>
  eventually(async () => {
    const said = await page.locator("any-widget").getByRole("status").innerText();
    typeof text === "string" ? assert.equal(said, text) : assert.match(said, text);
  });

/** Whether the row at a place is inside what can be seen. @param {Page} page @param {number} place */
const inView = (page, place) =>
  grid(page).evaluate((grid, place) => {
    const row = grid.querySelector(`[aria-rowindex="${place}"].aw-table-row`)?.getBoundingClientRect();
    const body = grid.querySelector(".aw-table-body")?.getBoundingClientRect();
    return Boolean(row && body && row.top >= body.top - 1 && row.bottom <= body.bottom + 1);
  }, place);

/** @param {Host} host @param {string} [path] */
async function openTable(host, path = "/w/table") {
  const page = await open(host, path);
  await grid(page).locator(".aw-table-row").first().waitFor();
  return page;
}

test("what ships shows its rows at once, three of them selected", async () => {
  const host = await serveShipped("table");
  const page = await openTable(host, "/");
  await begins(page, ["1", "2", "3"]);
  await says(page, "118 rows, 3 selected");
  assert.equal(await page.getByRole("row", { selected: true }).count(), 3);
});

test("of ten thousand rows those in view are in the document, wherever it is scrolled to", async () => {
  const host = await serveTable();
  const page = await openTable(host);
  await begins(page, ["0", "1", "2"]);
  assert.equal(await grid(page).getAttribute("aria-rowcount"), "10001");
  for (const part of [0.3, 0.9, 1, 0.5, 0]) {
    const top = await grid(page).evaluate((grid, part) => {
      const body = grid.querySelector(".aw-table-body");
      if (!body) throw new Error("no body");
      body.scrollTop = part * (body.scrollHeight - body.clientHeight);
      return body.scrollTop / (body.scrollHeight / 10_000);
    }, part);
    await eventually(async () => {
      const rows = await present(page);
      assert.ok(rows.size < 40, `${rows.size} rows in the document`);
      for (let i = Math.floor(top); i < Math.min(Math.floor(top) + 10, 10_000); i++) assert.deepEqual(rows.get(i + 2)?.slice(0, 2), [i.toLocaleString("en"), CITIES[i % 10]]);
    });
  }
});

test("rows from the host arrive, more of them and fewer, and the scroll ends where they end", async () => {
  const host = await serveTable();
  const page = await openTable(host);
  await grid(page).evaluate((grid) => grid.querySelector(".aw-table-body")?.scrollTo(0, 1e9));
  const client = await connect(host, "table");
  await client.set({ rows: rowsOf(3) });
  await says(page, "3 rows");
  await eventually(async () => assert.equal((await present(page)).size, 3));
  await client.set({ rows: rowsOf(50), columns: ["A", "B", "C", "D"] });
  await says(page, "50 rows");
  assert.deepEqual(await page.getByRole("columnheader").allInnerTexts(), ["A", "B", "C", "D"]);
  await begins(page, ["0", "1", "2"]);
});

test("a header sorts by click, Enter and Space: ascending, descending, as it came; aria-sort says which, in every page", async () => {
  const host = await serveTable();
  const page = await openTable(host);
  const other = await openTable(host);
  await page.bringToFront();
  const sorts = (/** @type {Page} */ page) => page.getByRole("columnheader").evaluateAll((headers) => headers.map((header) => header.getAttribute("aria-sort")));
  await page.getByRole("button", { name: "City" }).click();
  await holds(host, { sort: { column: "city", descending: false } });
  await begins(page, ["4", "14", "24"]);
  await begins(other, ["4", "14", "24"]);
  assert.deepEqual(await sorts(page), ["none", "ascending", "none"]);
  await page.keyboard.press("Enter");
  await holds(host, { sort: { column: "city", descending: true } });
  await eventually(async () => assert.equal((await present(page)).get(2)?.[1], "Zürich"));
  assert.deepEqual(await sorts(page), ["none", "descending", "none"]);
  await page.keyboard.press("Space");
  await holds(host, { sort: null });
  await begins(page, ["0", "1", "2"]);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await holds(host, { sort: { column: "amount", descending: false } });
  await begins(page, ["9,999", "9,998", "9,997"]);
  await begins(other, ["9,999", "9,998", "9,997"]);
});

test("a sort from the host arrives; empty cells are last both ways", async () => {
  const host = await serveTable({ rows: rowsOf(10) });
  const page = await openTable(host);
  const client = await connect(host, "table");
  for (const [descending, first] of /** @type {[boolean, string]} */ ([[false, "9"], [true, "0"]])) {
    await client.set({ sort: { column: "amount", descending } });
    await begins(page, [first]);
    assert.equal((await present(page)).get(11)?.[0], "7");
  }
});

test("the filter finds words in any case and without accents, counts what it found, and is the same in every page", async () => {
  const host = await serveTable(NAMED);
  const page = await openTable(host);
  const other = await openTable(host);
  await page.bringToFront();
  await filter(page).pressSequentially("zurich 99");
  await holds(host, { filter: "zurich 99" });
  await begins(page, ["990"]);
  const found = named("Zürich", "99");
  await says(page, `${found.length} of 10,000 rows`);
  assert.equal(await filter(other).inputValue(), "zurich 99");
  await begins(other, ["990"]);
  assert.equal(await grid(page).getAttribute("aria-rowcount"), String(found.length + 1));
  await connect(host, "table").then((client) => client.set({ filter: "oslo" }));
  await says(page, "1,000 of 10,000 rows");
  assert.equal(await filter(page).inputValue(), "oslo");
});

test("a filter that finds nothing says so, and can be cleared there", async () => {
  const host = await serveTable();
  const page = await openTable(host);
  await filter(page).fill("Atlantis");
  await page.getByText("No row matches “Atlantis”").waitFor();
  await says(page, "0 of 10,000 rows");
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await holds(host, { filter: "" });
  await begins(page, ["0", "1"]);
  assert.equal(await page.getByText("No row matches").isVisible(), false);
  assert.equal(await filter(page).evaluate((input) => input.matches(":focus")), true, "the focus is not lost with the button");
});

test("a click selects one row, Ctrl adds and removes, Shift selects up to there; a sort keeps them", async () => {
  const host = await serveTable();
  const page = await openTable(host);
  const other = await openTable(host);
  await page.bringToFront();
  await row(page, "2").click();
  await holds(host, { selected: [2] });
  await row(page, "5").click({ modifiers: ["Shift"] });
  await holds(host, { selected: [2, 3, 4, 5] });
  await row(page, "3").click({ modifiers: ["Control"] });
  await holds(host, { selected: [2, 4, 5] });
  await row(page, "7").click({ modifiers: ["Control"] });
  await holds(host, { selected: [2, 4, 5, 7] });
  await says(page, "10,000 rows, 4 selected");
  await says(other, "10,000 rows, 4 selected");
  await page.getByRole("button", { name: "No." }).click();
  await page.getByRole("button", { name: "No." }).click();
  await begins(page, ["9,999"]);
  await holds(host, { selected: [2, 4, 5, 7] });
  assert.equal(await page.getByRole("row", { selected: true }).count(), 0);
  await row(page, "9,998").click();
  await holds(host, { selected: [9998] });
  await row(page, "9,996").click({ modifiers: ["Shift"] });
  await holds(host, { selected: [9996, 9997, 9998] });
});

test("a selection from the host arrives; what is no row in it is left out", async () => {
  const host = await serveTable({ rows: rowsOf(10) });
  const page = await openTable(host);
  const client = await connect(host, "table");
  await client.set({ selected: [8, 1, 99, -1] });
  await says(page, "10 rows, 2 selected");
  await eventually(async () => assert.equal(await row(page, "8").getAttribute("aria-selected"), "true"));
  assert.equal(await row(page, "2").getAttribute("aria-selected"), "false");
});

test("a finger adds and removes", async () => {
  const host = await serveTable();
  const page = await openTable(host);
  const touch = await page.context().newCDPSession(page);
  await touch.send("Emulation.setTouchEmulationEnabled", { enabled: true });
  const tap = async (/** @type {string} */ number) => {
    const box = await row(page, number).boundingBox();
    assert.ok(box);
    await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: box.x + 40, y: box.y + box.height / 2 }] });
    await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  };
  await tap("1");
  await holds(host, { selected: [1] });
  await tap("3");
  await holds(host, { selected: [1, 3] });
  await tap("1");
  await holds(host, { selected: [3] });
});

test("keys: arrows, pages and ends move, Space adds and removes, Shift extends, Ctrl+A takes all that show, Escape none", async () => {
  const host = await serveTable(NAMED);
  const page = await openTable(host);
  await filter(page).focus();
  await page.keyboard.press("ArrowDown");
  /** The number in the active row, which the grid names to assistive tools. */
  const active = () => grid(page).evaluate((grid) => {
    const root = /** @type {Document} */ (grid.getRootNode());
    return root.getElementById(grid.getAttribute("aria-activedescendant") ?? "")?.firstElementChild?.textContent;
  });
  const at = (/** @type {string} */ number) => eventually(async () => assert.equal(await active(), number));
  await at("0");
  for (const [key, number] of [["ArrowDown", "1"], ["ArrowDown", "2"], ["ArrowUp", "1"], ["End", "9,999"], ["ArrowDown", "9,999"], ["Home", "0"], ["ArrowUp", "0"]]) {
    await page.keyboard.press(key);
    await at(number);
    assert.ok(await inView(page, Number(number.replace(",", "")) + 2), `${number} is in view after ${key}`);
  }
  await page.keyboard.press("PageDown");
  await eventually(async () => assert.ok(Number(await active()) >= 8));
  await page.keyboard.press("PageUp");
  await at("0");
  assert.deepEqual((await host.state("table")).selected, [], "to move is not to select");

  await page.keyboard.press("Space");
  await holds(host, { selected: [0] });
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Space");
  await holds(host, { selected: [0, 2] });
  await page.keyboard.press("Space");
  await holds(host, { selected: [0] });
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  await holds(host, { selected: [2, 3, 4] });
  await page.keyboard.press("Enter");
  await holds(host, { selected: [4] });
  await connect(host, "table").then((client) => client.set({ filter: "oslo 99" }));
  await says(page, /of 10,000 rows, 1 selected$/);
  await page.keyboard.press("Control+a");
  await holds(host, { selected: named("Oslo", "99") });
  await page.keyboard.press("Escape");
  await holds(host, { selected: [] });
});

test("what is selected is copied as lines with tabs", async () => {
  const host = await serveTable({ selected: [1, 3] });
  const page = await openTable(host);
  await page.getByRole("button", { name: "No." }).click();
  await page.getByRole("button", { name: "No." }).click();
  const copied = await grid(page).evaluate((grid) => {
    const event = new ClipboardEvent("copy", { clipboardData: new DataTransfer(), cancelable: true, bubbles: true });
    grid.dispatchEvent(event);
    return event.clipboardData?.getData("text/plain");
  });
  assert.equal(copied, "3\tQuito\t14,995.50\n1\tOsaka\t14,998.50");
});

test("numbers stand at the right with figures of one width, texts at the left; a header stands above its cells", async () => {
  const host = await serveTable();
  const page = await openTable(host);
  const styles = await row(page, "1").getByRole("gridcell").evaluateAll((cells) => cells.map((cell) => [getComputedStyle(cell).textAlign, getComputedStyle(cell).fontVariantNumeric]));
  assert.deepEqual(styles, [["end", "tabular-nums"], ["start", "normal"], ["end", "tabular-nums"]]);
  for (const width of [1000, 320]) {
    await page.setViewportSize({ width, height: 700 });
    await settle(page);
    const edges = (/** @type {string} */ role) => page.getByRole(/** @type {any} */ (role)).evaluateAll((all) => all.slice(0, 3).map((one) => Math.round(one.getBoundingClientRect().left)));
    assert.deepEqual(await edges("columnheader"), await edges("gridcell"));
  }
});

test("at 320 px the table scrolls sideways, header and rows together, and the page does not", async () => {
  const host = await serveShipped("table");
  const page = await openTable(host);
  await page.setViewportSize({ width: 320, height: 700 });
  await settle(page);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
  const moved = await grid(page).evaluate((grid) => {
    const lefts = () => [...grid.querySelectorAll(".aw-table-header:last-child, .aw-table-row:first-child .aw-table-cell:last-child")].map((cell) => cell.getBoundingClientRect().left);
    const before = lefts();
    grid.scrollLeft = 100;
    return lefts().map((left, i) => before[i] - left);
  });
  assert.deepEqual(moved, [100, 100]);
});

test("the header stays when rows scroll, and nothing shows through it", async () => {
  const host = await serveTable();
  const page = await openTable(host);
  const top = () => header(page, "City").evaluate((header) => header.getBoundingClientRect().top);
  const before = await top();
  const box = await grid(page).boundingBox();
  assert.ok(box);
  await page.mouse.move(box.x + 50, box.y + 150);
  await page.mouse.wheel(0, 500);
  await eventually(async () => assert.ok(((await present(page)).get(2)?.[0] ?? "gone") === "gone"));
  assert.equal(await top(), before);
  const under = await header(page, "City").evaluate((header) => {
    const { left, top } = header.getBoundingClientRect();
    return document.elementsFromPoint(left + 20, top + 10).some((element) => element.matches(".aw-table-row"));
  });
  assert.equal(under, false);
});

test("no rows, no columns, and rows that are none: each is said", async () => {
  const host = await serveTable({ rows: [] });
  const page = await open(host, "/w/table");
  await page.getByText("No rows yet").waitFor();
  await says(page, "0 rows");
  await grid(page).focus();
  for (const key of ["ArrowDown", "Space", "Enter", "End", "Control+a", "Escape"]) await page.keyboard.press(key);
  const client = await connect(host, "table");
  await client.set({ rows: [["x", "y", 1], { city: "Oslo" }, ["z", "y", 2]] });
  await eventually(async () => assert.deepEqual(await page.getByRole("alert").allInnerTexts(), ["1 row is not a list and is shown empty; the first has the index 1."]));
  assert.equal((await present(page)).get(4)?.[0], "z");
  await client.set({ rows: "text" });
  await eventually(async () => assert.deepEqual(await page.getByRole("alert").allInnerTexts(), ["“rows” is not a list of lists."]));
  await client.set({ rows: null, columns: null });
  await page.getByText("No columns yet").waitFor();
  await client.set({ rows: [[1]], columns: ["a"] });
  await begins(page, ["1"]);
  assert.equal(await page.getByRole("alert").count(), 0);
});

test("text is text, whatever it looks like", async () => {
  const host = await serveTable({ columns: ["<b>a</b>"], rows: [["<img src=x onerror=note('run')>"], [null], [true], [{ a: 1 }]], filter: "" });
  const page = await openTable(host);
  assert.equal(await header(page, "<b>a</b>").innerText(), "<b>a</b>");
  const rows = await present(page);
  assert.deepEqual([2, 3, 4, 5].map((i) => rows.get(i)), [["<img src=x onerror=note('run')>"], [""], ["true"], ['{"a":1}']]);
  await filter(page).fill("<i>nothing</i>");
  await page.getByText("No row matches “<i>nothing</i>”").waitFor();
  assert.deepEqual(await page.evaluate(() => window.notes), []);
});

test("a cell that is cut off has its whole text as a title", async () => {
  const long = "A name that goes on and on, far beyond what a column of any table has room for";
  const host = await serveTable({ rows: [[1, long, 2], [2, "short", 3]] });
  const page = await openTable(host);
  await page.setViewportSize({ width: 400, height: 600 });
  await page.getByRole("gridcell", { name: long }).hover();
  await eventually(async () => assert.equal(await page.getByRole("gridcell", { name: long }).getAttribute("title"), long));
  await page.getByRole("gridcell", { name: "short" }).hover();
  await settle(page);
  assert.ok(!(await page.getByRole("gridcell", { name: "short" }).getAttribute("title")));
});

test("it works in a shadow root and in the light DOM, under a strict Content-Security-Policy", async () => {
  for (const shadow of [true, false]) {
    const host = await serveTable();
    const page = await open(host, await host.view("table", { shadow }), { csp: CSP });
    await grid(page).locator(".aw-table-row").first().waitFor();
    assert.equal(await row(page, "1").evaluate((row) => getComputedStyle(row).position), "absolute", "its stylesheet is there");
    await row(page, "1").click();
    await page.keyboard.press("Shift+ArrowDown");
    await holds(host, { selected: [1, 2] });
    await filter(page).fill("oslo");
    await says(page, "1,000 of 10,000 rows, 2 selected");
    await page.close();
  }
});

test("dark and light follow the reader's colour scheme, and focus is seen", async () => {
  const host = await serveTable({ selected: [1] });
  const page = await openTable(host);
  const look = () => row(page, "1").evaluate((row) => [getComputedStyle(row).color, getComputedStyle(row).backgroundColor]);
  const light = await look();
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await look();
  assert.ok(light.every((color, i) => color !== dark[i]), `${light} and ${dark}`);
  await filter(page).focus();
  await page.keyboard.press("ArrowDown");
  await eventually(async () => assert.equal(await row(page, "0").evaluate((row) => getComputedStyle(row).outlineStyle), "solid"));
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  assert.equal(await page.getByRole("button", { name: "City" }).evaluate((button) => getComputedStyle(button).transitionDuration), "0s");
});

test("roles and names: a grid of rows that takes several, with numbered rows, one tab stop and its headers", async () => {
  const host = await serveTable();
  const page = await openTable(host);
  assert.equal(await grid(page).getAttribute("aria-multiselectable"), "true");
  assert.equal(await grid(page).getAttribute("aria-label"), "Table");
  assert.equal(await page.getByRole("columnheader").count(), 3);
  assert.deepEqual(await grid(page).evaluate((grid) => [...grid.querySelectorAll("[role=row]")].filter((row) => !row.hasAttribute("aria-rowindex")).length), 0);
  /** @type {(string | null | undefined)[]} */
  const stops = [];
  for (let i = 0; i < 5; i++) {
    await page.keyboard.press("Tab");
    stops.push(await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent));
  }
  assert.deepEqual(stops, ["Filter", "Table", "No.", "City", "Amount"]);
});

test("two tables in a page have their own active rows, and ids that differ", async () => {
  const host = await serveTable();
  const page = await openTable(host);
  await insert(page, await host.view("table"));
  await eventually(async () => assert.ok((await page.locator(".aw-table-row").count()) > 20 && (await grid(page).count()) === 2));
  const ids = await page.locator(".aw-table-row").evaluateAll((rows) => rows.map(({ id }) => id));
  assert.equal(new Set(ids).size, ids.length);
  await page.locator("any-widget").nth(1).evaluate((element) => element.remove());
  const client = await connect(host, "table");
  await client.set({ filter: "oslo" });
  await says(page, "1,000 of 10,000 rows");
});
