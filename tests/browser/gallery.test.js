/** The gallery: each widget with its state, live and editable, and its Rust; by mouse, by keyboard, on a phone, without scripts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, expectError, notes, open, serve, settle, visitor, warnings } from "./support/index.js";
import { valve } from "./support/valve.js";

/** @import { Page, Locator } from "playwright-core" */

/** Shows what it has, and lets a test at it. */
const PROBE = `export default { render({ model, el }) {
  (window.models ??= {})[model.model_id] = model;
  const show = () => { el.textContent = "x is " + model.get("x") };
  model.on("change:x", show);
  show();
} }`;

const STATE = {
  x: 1,
  half: 0.25,
  on: false,
  text: "a <b>",
  none: null,
  list: [1, "two", [true]],
  object: { "a b": 1 },
  raw: { $bytes: Buffer.alloc(1250).toString("base64") },
  nan: { $number: "NaN" },
  tiny: 1.5e-7,
  huge: 1e21,
  whole: 2.0,
  long: "é😀".repeat(200),
  many: Array.from({ length: 500 }, (_, i) => ({ i })),
};

/** @param {Record<string, unknown>} [state] @param {string[]} [args] */
const serveProbe = (state = STATE, args = []) => serve({ "a/widget.js": PROBE, "a/widget.json": { state } }, args);

/** A row of the state panel. @param {Page} page @param {string} key @param {string} [card] */
const row = (page, key, card = "a") => page.locator(`[id="widget-${card}"] .g-pair[data-key="${key}"]`);

/** What stands for a value. @param {Page} page @param {string} key */
const button = (page, key) => row(page, key).locator(".g-edit");

/** Waits until a row says this. @param {Locator} row @param {string | RegExp} expected */
const says = (row, expected) =>
  eventually(async () => {
    const text = await row.locator(".g-edit").innerText();
    typeof expected === "string" ? assert.equal(text, expected) : assert.match(text, expected);
  });

/** Waits until the host has this value. @param {import("./support/host.js").Host} host @param {string} key @param {unknown} expected */
const holds = (host, key, expected) => eventually(async () => assert.deepEqual((await host.state("a"))[key], expected));

/** Opens the gallery and waits until its panels are live. @param {import("./support/host.js").Host} host */
async function gallery(host) {
  const page = await open(host, "/");
  await page.locator(".g-edit").first().waitFor();
  return page;
}

/** Types into a field that a click on a value opens, and saves. @param {Page} page @param {string} key @param {string} json */
async function edit(page, key, json) {
  await button(page, key).click();
  await row(page, key).getByRole("textbox").fill(json);
  await page.keyboard.press("Enter");
}

// What it shows

test("the state panels follow the models, whoever changes them", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  await says(row(page, "x"), "1");
  await page.evaluate(() => window.models.a.set("x", 2));
  await says(row(page, "x"), "2");
  const client = await connect(host, "a");
  await client.set({ x: 41, list: [] });
  await says(row(page, "x"), "41");
  await says(row(page, "list"), "[]");
});

test("it asks nothing of the host to stay live", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  await page.waitForLoadState("networkidle");
  /** @type {string[]} */
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const client = await connect(host, "a");
  await client.set({ x: 41 });
  await says(row(page, "x"), "41");
  await settle(page);
  assert.deepEqual(asked, []);
});

test("the script says of each value what the server said", async () => {
  const host = await serveProbe();
  const plain = await (await fetch(`${host.url}/`)).text();
  const page = await gallery(host);
  const said = await page.evaluate((html) => {
    const document = new DOMParser().parseFromString(html, "text/html");
    return [...document.querySelectorAll(".g-pair")].map((pair) => [pair.querySelector("dt")?.innerHTML, pair.querySelector("dd")?.innerHTML]);
  }, plain);
  assert.deepEqual(said.map(([key]) => key), Object.keys(STATE));
  // Each is written anew by the script: it had another value meanwhile.
  await page.evaluate((keys) => {
    window.before = Object.fromEntries(keys.map((key) => [key, window.models.a.get(key)]));
    window.models.a.set(Object.fromEntries(keys.map((key) => [key, "another"])));
  }, Object.keys(STATE));
  await says(row(page, "many"), '"another"');
  await page.evaluate(() => window.models.a.set(window.before));
  await says(row(page, "many"), /more/);
  assert.deepEqual(await page.locator(".g-pair").evaluateAll((pairs) => pairs.map((pair) => [pair.querySelector("dt")?.innerHTML, pair.querySelector(".g-edit")?.innerHTML])), said);
});

test("bytes and what is long are summarised", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  await says(row(page, "raw"), "bytes · 1.3 kB");
  await says(row(page, "long"), /^"(é😀)+é?" … 600 characters$/);
  await says(row(page, "many"), /^\[\{"i": 0\}, .* … \d+ more\]$/);
  for (const key of ["long", "many"]) assert.ok((await button(page, key).innerText()).length < 400);
});

test("a changed line lights up, and no other; none does for those who want less motion", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  const lit = () => page.locator(".g-pair").evaluateAll((rows) => rows.filter((row) => row.getAnimations().length).map((row) => row.getAttribute("data-key")));
  await settle(page);
  assert.deepEqual(await lit(), []);
  await page.evaluate(() => window.models.a.set("x", 2));
  await eventually(async () => assert.deepEqual(await lit(), ["x"]));
  await eventually(async () => assert.deepEqual(await lit(), []));
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.evaluate(() => window.models.a.set("x", 3));
  await says(row(page, "x"), "3");
  assert.deepEqual(await lit(), []);
});

test("keys come with the writes that make them, also those made between the page and its script", async () => {
  const host = await serve({ "a/widget.js": PROBE });
  const wire = await valve();
  wire.hold("up");
  const page = await open(host, "/");
  const client = await connect(host, "a");
  await client.set({ early: 1 });
  wire.release("up");
  await says(row(page, "early"), "1");
  await client.set({ late: [2] });
  await says(row(page, "late"), "[2]");
  await page.evaluate(() => window.models.a.set({ own: true }));
  await says(row(page, "own"), "true");
});

test("a widget inside another one changes its own panel only", async () => {
  const host = await serve(null);
  const page = await open(host, "/");
  await page.locator("#widget-tabs").getByRole("button", { name: "Increase" }).click();
  await row(page, "count", "counter").scrollIntoViewIfNeeded();
  await says(row(page, "count", "counter"), "1");
  await settle(page);
  assert.deepEqual(await page.locator("#widget-tabs .g-pair dt").allInnerTexts(), Object.keys(await host.state("tabs")));
});

test("every widget that ships is drawn, and one click in it reaches the host", async () => {
  const host = await serve(null);
  const page = await gallery(host);
  const count = await page.locator(".g-link").count();
  assert.ok(count >= 4);
  await eventually(async () => {
    assert.equal(await page.locator("any-widget").count(), count);
    assert.equal(await page.locator("any-widget > div:not(:empty)").count(), count);
    assert.equal(await page.locator("any-widget [role=alert]").count(), 0);
  });
  await page.getByRole("button", { name: "Increase" }).first().click();
  await eventually(async () => assert.equal((await host.state("counter")).count, 1));
});

// The first widget

/** Holds what this address answers until it is let go. Call it before the page is opened. @param {RegExp} url */
async function hold(url) {
  let release = () => {};
  const released = new Promise((resolve) => (release = () => resolve(0)));
  await (await visitor()).route(url, async (route) => {
    await released;
    await route.continue();
  });
  return release;
}

/** No script of the page tires of waiting: what it says that it waits for has to come. */
const patient = async () =>
  (await visitor()).addInitScript(() => {
    const { setTimeout } = window;
    Object.assign(window, { setTimeout: (/** @type {() => void} */ run, ms = 0) => (ms < 1000 ? setTimeout(run, ms) : 0) });
  });

/** Five of them, each longer than a window. */
const TALL = Object.fromEntries(["a", "b", "c", "d", "e"].map((name) => [`${name}/widget.js`, `export default { render({ el }) { el.innerHTML = "<div style='height: 900px'>${name} is drawn</div>" } }`]));

/** The cards whose widgets are there. @param {Page} page */
const drawn = (page) => page.locator(".g-card:has(any-widget > div:not(:empty))").evaluateAll((cards) => cards.map(({ id }) => id.replace("widget-", "")));

test("the first widget starts alone, and the others when it is there", async () => {
  const host = await serve(TALL);
  await patient();
  const release = await hold(/\/a\/\w+\/widget\.js$/);
  const page = await open(host, "/", { allow: [/Failed to load/] });
  await page.locator("any-widget[data-connection=live]").waitFor({ state: "attached" });
  await settle(page);
  assert.equal(await page.locator("any-widget").count(), 1);
  assert.equal(await page.locator("#widget-b .g-title").isVisible(), true);
  release();
  await eventually(async () => assert.deepEqual(await drawn(page), ["a", "b", "c", "d", "e"]));
});

test("a first widget that was there before the gallery's script holds up nothing", async () => {
  const host = await serve(TALL);
  await patient();
  const release = await hold(/\/gallery\.js$/);
  const page = await (await visitor()).newPage();
  await page.goto(`${host.url}/`, { waitUntil: "commit" });
  await eventually(async () => assert.deepEqual(await drawn(page), ["a"]));
  release();
  await eventually(async () => assert.deepEqual(await drawn(page), ["a", "b", "c", "d", "e"]));
});

test("a first widget whose manifest is broken gives way to the next, and one that fails holds up nothing", async () => {
  const host = await serve({ ...TALL, "b/widget.js": `export default { render() { throw new Error("broken on purpose") } }` });
  await host.write("a/widget.json", "{\n  nonsense\n}");
  await eventually(() => assert.ok(host.stderr.some((line) => line.includes("widget.json:2:3"))));
  const html = await (await fetch(`${host.url}/`)).text();
  assert.deepEqual([...html.matchAll(/(<template>.*)?<any-widget model="(\w)"/g)].map(([, waits, name]) => (waits ? name : `${name} first`)), ["b first", "c", "d", "e"]);
  await patient();
  const page = await open(host, "/", { allow: [/broken on purpose/] });
  expectError(page, /broken on purpose/);
  await eventually(async () => assert.deepEqual(await drawn(page), ["b", "c", "d", "e"]));
});

for (const [how, path] of [["the address names it", "/#widget-d"], ["a link leads to it while the others wait", "/"]]) {
  test(`a card stays where the reader was led when ${how}`, async () => {
    const host = await serve(TALL);
    const release = await hold(/\/a\/\w+\/widget\.js$/);
    const page = await open(host, path ?? "");
    if (path === "/") await page.getByRole("navigation", { name: "Widgets" }).getByRole("link", { name: "d" }).click();
    const top = () => page.locator("#widget-d").evaluate((card) => card.getBoundingClientRect().top);
    await eventually(async () => assert.ok((await top()) >= 0 && (await top()) < 100, String(await top())));
    release();
    await eventually(async () => assert.deepEqual(await drawn(page), ["a", "b", "c", "d", "e"]));
    await settle(page);
    assert.ok((await top()) >= 0 && (await top()) < 100, String(await top()));
  });
}

for (const name of ["plot", "table", "log"]) {
  test(`a link to ${name} leads there, though what stands above it comes later`, async () => {
    const host = await serve(null);
    const page = await open(host, "/w/counter");
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.goto(`${host.url}/#widget-${name}`);
    await eventually(async () => assert.equal(await page.locator("template, any-widget[aria-busy], any-widget:not([data-connection])").count(), 0));
    await settle(page);
    const top = await page.locator(`#widget-${name}`).evaluate((card) => card.getBoundingClientRect().top);
    assert.ok(top >= 0 && top < 100, String(top));
  });
}

test("a reader who moves on is not brought back to where a link led", async () => {
  const host = await serve(TALL);
  const release = await hold(/\/a\/\w+\/widget\.js$/);
  const page = await open(host, "/#widget-d");
  await page.mouse.move(200, 200);
  await page.mouse.wheel(0, -1e6);
  await eventually(async () => assert.equal(await page.evaluate(() => scrollY), 0));
  release();
  await eventually(async () => assert.deepEqual(await drawn(page), ["a", "b", "c", "d", "e"]));
  await settle(page);
  assert.equal(await page.evaluate(() => scrollY), 0);
});

// Editing

for (const [what, key, json, stored, shown] of /** @type {[string, string, string, unknown, string | RegExp][]} */ ([
  ["a number", "x", "42", 42, "42"],
  ["a float", "half", "-1.5", -1.5, "-1.5"],
  ["text", "text", '"b \\"c\\""', 'b "c"', '"b \\"c\\""'],
  ["null", "text", "null", null, "null"],
  ["a list", "list", "[3, {\"a\": null}]", [3, { a: null }], '[3, {"a": null}]'],
  ["an object", "object", '{"z": [1]}', { z: [1] }, '{"z": [1]}'],
  ["bytes", "raw", '{"$bytes": "AAEC"}', { $bytes: "AAEC" }, "bytes · 3 B"],
  ["bytes inside", "list", '[{"$bytes": "/w=="}]', [{ $bytes: "/w==" }], "[bytes · 1 B]"],
  ["a number that JSON lacks", "x", '{"$number": "-Infinity"}', { $number: "-Infinity" }, "-Infinity"],
])) {
  test(`${what} can be edited in place as JSON`, async () => {
    const host = await serveProbe();
    const page = await gallery(host);
    await edit(page, key, json);
    await holds(host, key, stored);
    await says(row(page, key), shown);
    assert.equal(await row(page, key).getByRole("textbox").count(), 0);
  });
}

test("the widget sees an edit, and so does another page", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  const other = await gallery(host);
  await page.bringToFront();
  await edit(page, "x", "7");
  await page.getByText("x is 7").waitFor();
  await other.bringToFront();
  await says(row(other, "x"), "7");
});

test("what the field begins with says every value as it can be written", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  for (const key of ["x", "half", "text", "none", "list", "object", "raw", "nan", "tiny", "huge", "whole", "long"]) {
    await button(page, key).click();
    const field = row(page, key).getByRole("textbox");
    assert.deepEqual(JSON.parse(await field.inputValue()), STATE[/** @type {keyof STATE} */ (key)], key);
    await page.keyboard.press("Escape");
  }
});

test("a truth value is a switch", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  const on = page.getByRole("switch", { name: "on" });
  assert.equal(await on.getAttribute("aria-checked"), "false");
  await on.click();
  await holds(host, "on", true);
  assert.equal(await on.getAttribute("aria-checked"), "true");
  await page.keyboard.press("Space");
  await holds(host, "on", false);
  await edit(page, "x", "true");
  await says(row(page, "x"), "true");
  assert.equal(await button(page, "x").getAttribute("role"), "switch");
});

test("by keyboard: Tab goes along the values, Enter edits and saves, Escape cancels, and focus stays where one was", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  const focused = () => page.evaluate(() => document.activeElement?.closest(".g-pair")?.getAttribute("data-key") + " " + document.activeElement?.className);
  await button(page, "x").focus();
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "half g-edit");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "half g-field");
  await page.keyboard.type("[1,");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("2]");
  await page.keyboard.press("Enter");
  await holds(host, "half", [1, 2]);
  assert.equal(await focused(), "half g-edit");
  await page.keyboard.press("Enter");
  await page.keyboard.type("9");
  await page.keyboard.press("Escape");
  assert.equal(await focused(), "half g-edit");
  await says(row(page, "half"), "[1, 2]");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.type("3");
  await page.keyboard.press("Tab"); // Save
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter"); // Cancel
  assert.equal(await focused(), "x g-edit");
  assert.equal((await host.state("a")).x, 1);
});

test("arrow keys step numbers by their last digit, with Shift by ten of it", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  await button(page, "x").focus();
  for (const key of ["ArrowUp", "ArrowUp", "ArrowDown", "Shift+ArrowUp"]) await page.keyboard.press(key);
  await holds(host, "x", 12);
  await button(page, "half").focus();
  await page.keyboard.press("ArrowDown");
  await holds(host, "half", 0.24);
  await page.keyboard.press("Shift+ArrowUp");
  await holds(host, "half", 0.34);
  await button(page, "text").focus();
  await page.keyboard.press("ArrowUp");
  await settle(page);
  assert.equal((await host.state("a")).text, STATE.text);
});

test("what is no JSON is not sent, and the reason stands beside the key until it is mended", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  const wire = await connect(host, "a");
  for (const [text, reason] of /** @type {[string, RegExp][]} */ ([
    ["hello there", /quotes: "hello there"/],
    ["[1,", /^Not JSON: .*JSON/],
    ["", /null is/],
    ['{"$bytes": "%"}', /base64/],
  ])) {
    await edit(page, "x", text);
    await eventually(async () => assert.match(await row(page, "x").getByRole("alert").innerText(), reason));
    const field = row(page, "x").getByRole("textbox", { name: "x, as JSON" });
    assert.equal(await field.getAttribute("aria-invalid"), "true");
    assert.ok(await field.evaluate((field) => field === document.activeElement));
    await page.keyboard.press("Escape");
    assert.equal(await row(page, "x").getByRole("alert").count(), 0);
  }
  await edit(page, "x", "hello");
  await row(page, "x").getByRole("textbox").fill('"hello"');
  assert.equal(await row(page, "x").getByRole("alert").count(), 0);
  await page.keyboard.press("Enter");
  await holds(host, "x", "hello");
  await eventually(() => assert.equal(wire.state.x, "hello"));
  assert.equal(wire.frames.filter(({ type }) => type === "set").length, 1);
});

test("S2: a refused edit: the reason stands beside the key, the true value comes back, and the next one that is accepted takes it away", async () => {
  const host = await serveProbe();
  const wire = await valve();
  const page = await gallery(host);
  wire.intercept = (frame, id) => {
    if (frame.type !== "set" || frame.state.x !== 101) return false;
    wire.inject(id, { type: "ack", seq: frame.seq, rev: wire.got("hello")[0]?.rev, refused: { x: "101 is above 100" }, state: { x: 1 } });
    return true;
  };
  await edit(page, "x", "101");
  const message = row(page, "x").getByRole("alert");
  await eventually(async () => assert.equal(await message.innerText(), "Refused: 101 is above 100"));
  await says(row(page, "x"), "1");
  await edit(page, "x", "100");
  await holds(host, "x", 100);
  await eventually(async () => assert.equal(await row(page, "x").getByRole("alert").count(), 0));
});

test("a key that a widget sets though the state does not have it is told of with the reason", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  await page.evaluate(() => {
    window.models.a.set("ghost", 1);
    window.models.a.save_changes();
  });
  await eventually(async () => assert.match(await row(page, "ghost").getByRole("alert").innerText(), /^Refused: \S/));
  assert.ok(warnings(page).some((text) => text.includes("refused")));
});

test("keys that only the server writes say so, and open no field", async () => {
  const host = await serveProbe();
  const wire = await valve();
  const page = await gallery(host);
  const hello = await wire.seen(({ sent, frame }) => !sent && frame.type === "hello");
  wire.inject("a", { ...hello, readonly: ["x", "on"] });
  // Said at the next hello that opens a connection.
  await page.evaluate(() => document.querySelector("any-widget")?.dispatchEvent(new CustomEvent("anywidget:connection", { detail: { state: "live" } })));
  await eventually(async () => assert.equal(await button(page, "x").getAttribute("aria-disabled"), "true"));
  assert.equal(await button(page, "half").getAttribute("aria-disabled"), null);
  await button(page, "x").click({ force: true });
  await eventually(async () => assert.match(await row(page, "x").getByRole("alert").innerText(), /read-only/i));
  assert.equal(await page.getByRole("textbox").count(), 0);
  await button(page, "on").click({ force: true });
  await settle(page);
  assert.equal((await host.state("a")).on, false);
});

test("what is too long for a field says so", async () => {
  const host = await serveProbe({ x: 1, data: { $bytes: Buffer.alloc(100_000).toString("base64") }, rows: Array(20_000).fill(7) });
  const page = await gallery(host);
  for (const key of ["data", "rows"]) {
    await says(row(page, key), key === "data" ? "bytes · 100 kB" : /more\]$/);
    await button(page, key).click();
    await eventually(async () => assert.match(await row(page, key).getByRole("alert").innerText(), /too long/));
  }
  assert.equal(await page.getByRole("textbox").count(), 0);
});

test("a change that comes while a value is edited leaves the field alone, and an untouched field writes nothing", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  await button(page, "x").click();
  const client = await connect(host, "a");
  await client.set({ x: 5 });
  await page.getByText("x is 5").waitFor();
  await settle(page);
  assert.equal(await row(page, "x").getByRole("textbox").inputValue(), "1");
  await page.keyboard.press("Enter");
  await says(row(page, "x"), "5");
  await settle(page);
  assert.equal((await host.state("a")).x, 5);
});

test("a value has the name of its key for a screen reader", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  assert.equal(await page.getByRole("button", { name: "half 0.25" }).count(), 1);
  assert.equal(await page.getByRole("region", { name: "State of a" }).count(), 1);
  await button(page, "half").click();
  assert.equal(await page.getByRole("textbox", { name: "half, as JSON" }).count(), 1);
});

// Rust

test("Copy gives the Rust as it stands there", async () => {
  const host = await serveProbe({ x: 1 });
  await (await visitor()).grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await gallery(host);
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^use anywidget_host::\{Host, Widget\};\n\n#\[derive\(Clone, Default, Widget\)\]\n#\[widget\(path = "widgets\/a"\)\]\nstruct A \{\n    x: i64,\n\}\n\nlet host = /);
  assert.match(copied, /\nlet html = a\.view\(\);\n$/);
});

test("the type in the Rust fits what the state has had", async () => {
  const host = await serveProbe({ x: 1, text: "a", none: null });
  const client = await connect(host, "a");
  await client.set({ x: 1.5, none: "some" });
  const page = await gallery(host);
  const rust = await page.locator(".g-code").innerText();
  for (const field of ["x: f64,", "text: String,", "none: Option<String>,"]) assert.ok(rust.includes(field), rust);
});

// The page

test("the index goes to each card, says where one is, and follows the arrow keys", async () => {
  const host = await serve(Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`w ${i}/widget.js`, PROBE])));
  const page = await open(host, "/");
  const nav = page.getByRole("navigation", { name: "Widgets" });
  assert.deepEqual((await nav.getByRole("link").allInnerTexts()).length, 12);
  const here = () => nav.locator("[aria-current]").allInnerTexts();
  await eventually(async () => assert.deepEqual(await here(), ["w 0"]));
  await nav.getByRole("link", { name: "w 7" }).click();
  await eventually(async () => assert.deepEqual(await here(), ["w 7"]));
  assert.ok(await page.locator('[id="widget-w 7"]').evaluate((card) => Math.abs(card.getBoundingClientRect().top) < 100));
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.closest("article")?.id), "widget-w 7", "Tab goes on from there");
  await nav.getByRole("link", { name: "w 7" }).focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await eventually(async () => assert.deepEqual(await here(), ["w 8"]));
  await nav.getByRole("link", { name: "w 7" }).focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowUp");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "w 9", "the last in the order of the names");
});

test("the first thing by keyboard leads past the index to the widgets", async () => {
  const host = await serve({ "a/widget.js": PROBE, "b/widget.js": PROBE });
  const page = await open(host, "/");
  await page.keyboard.press("Tab");
  assert.ok(await page.getByRole("link", { name: "Skip to the widgets" }).isVisible());
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.closest("article")?.id), "widget-a");
});

for (const width of [320, 390]) {
  for (const [what, widgets] of /** @type {const} */ ([["the shipped widgets", null], ["odd ones", {
    "a/widget.js": `export default { render({ el }) { el.innerHTML = "<div style='width: 900px; height: 20px'>wide</div>" } }`,
    "a/widget.json": { title: "W".repeat(80), description: "d".repeat(200), state: { [`k${"e".repeat(60)}y`]: "v".repeat(150), x: 1 } },
    "b/widget.js": PROBE,
  }]])) {
    test(`${what} at ${width} px: nothing goes beyond the side, and values can be edited`, async () => {
      const host = await serve(widgets);
      const page = await open(host, "/");
      await page.setViewportSize({ width, height: 700 });
      await page.locator(".g-edit").first().waitFor();
      for (const details of await page.locator(".g-rust:not([open]) > summary").all()) await details.click();
      await page.locator(".g-edit").first().click();
      await page.getByRole("textbox", { name: /as JSON/ }).fill("nonsense");
      await page.keyboard.press("Enter");
      await page.getByRole("alert").first().waitFor();
      await settle(page);
      const { beyond, whole } = await page.evaluate(() => {
        const edges = [...document.querySelectorAll(".g-card, .g-state, .g-pair, .g-edit, .g-editor, .g-header, .g-claim, .g-title, .g-open, .g-stage")];
        const beyond = edges.filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5).map(({ className }) => className);
        return { beyond, whole: document.documentElement.scrollWidth };
      });
      assert.deepEqual(beyond, []);
      assert.equal(whole, width);
    });
  }
}

test("on a phone the Rust is a tap away", async () => {
  const host = await serveProbe();
  const page = await open(host, "/");
  await page.setViewportSize({ width: 360, height: 700 });
  await page.reload();
  await page.locator(".g-edit").first().waitFor();
  const code = page.locator(".g-code");
  assert.equal(await code.isVisible(), false);
  await page.locator("summary").click();
  assert.equal(await code.isVisible(), true);
});

test("a widget that is wider than its place gets all of the card", async () => {
  const host = await serve({
    "a/widget.js": `export default { render({ el }) { el.innerHTML = "<div style='width: 800px'>wide</div>" } }`,
    "b/widget.js": PROBE,
  });
  const page = await open(host, "/");
  await page.setViewportSize({ width: 1280, height: 700 });
  await page.reload();
  await eventually(async () => assert.deepEqual(await page.locator(".g-card-wide").evaluateAll((cards) => cards.map(({ id }) => id)), ["widget-a"]));
  assert.ok(await page.locator("#widget-a .g-stage").evaluate((stage) => stage.scrollWidth <= stage.clientWidth));
});

test("it is dark where the reader wants it dark", async () => {
  const host = await serveProbe();
  const page = await gallery(host);
  const lightness = () =>
    page.evaluate(() => {
      /** @param {string} color */
      const light = (color) => (color.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0) / 765;
      const { backgroundColor, color } = getComputedStyle(document.body);
      return { ground: light(backgroundColor), ink: light(color), card: light(getComputedStyle(/** @type {Element} */ (document.querySelector(".g-card"))).backgroundColor) };
    });
  await page.emulateMedia({ colorScheme: "light" });
  const day = await lightness();
  assert.ok(day.ground > 0.9 && day.card > 0.9 && day.ink < 0.2, JSON.stringify(day));
  await page.emulateMedia({ colorScheme: "dark" });
  const night = await lightness();
  assert.ok(night.ground < 0.1 && night.card < 0.2 && night.ink > 0.8, JSON.stringify(night));
});

test("--csp: the gallery works without a violation, editing too", async () => {
  const host = await serve(null, ["--csp"]);
  await (await visitor()).addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => window.note("violation", event.violatedDirective, event.blockedURI));
  });
  const page = await gallery(host);
  await row(page, "count", "counter").locator(".g-edit").click();
  await page.keyboard.type("12");
  await page.keyboard.press("Enter");
  await eventually(async () => assert.equal((await host.state("counter")).count, 12));
  await settle(page);
  assert.deepEqual(await notes(page), []);
});

test("without scripts the page says each state as the server has it, and shows the Rust", async () => {
  const host = await serveProbe({ x: 1, text: "a" });
  const client = await connect(host, "a");
  await client.set({ x: 2 });
  const context = await /** @type {import("playwright-core").Browser} */ ((await visitor()).browser()).newContext({ javaScriptEnabled: false });
  try {
    const page = await context.newPage();
    await page.goto(`${host.url}/`);
    assert.deepEqual(await page.locator("dd").allInnerTexts(), ["2", '"a"']);
    assert.equal(await page.getByRole("button").count(), 0);
    assert.ok(await page.getByText("struct A").isVisible());
    assert.ok(await page.locator("noscript p").isVisible());
  } finally {
    await context.close();
  }
});

test("a widget whose manifest is broken stands there with what is wrong, and the others live", async () => {
  const host = await serve({ "a/widget.js": PROBE, "b/widget.js": PROBE, "b/widget.json": { state: { x: 3 } } });
  await host.write("a/widget.json", "{\n  nonsense\n}");
  await eventually(() => assert.ok(host.stderr.some((line) => line.includes("widget.json:2:3"))));
  const page = await gallery(host);
  const card = page.getByRole("article", { name: "a" });
  assert.match(await card.innerText(), /widget\.json:2:3/);
  assert.equal(await card.locator("any-widget").count(), 0);
  await says(row(page, "x", "b"), "3");
});

test("a widget that throws still has its state beside it", async () => {
  const host = await serve({ "a/widget.js": `export default { render() { throw new Error("broken on purpose") } }`, "a/widget.json": { state: { x: 1 } } });
  const page = await open(host, "/", { allow: [/broken on purpose/] });
  expectError(page, /broken on purpose/);
  await page.getByRole("alert").filter({ hasText: "broken on purpose" }).waitFor();
  await edit(page, "x", "2");
  await holds(host, "x", 2);
});

test("a hundred widgets: each is drawn and has its live state", async () => {
  const host = await serve(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`w${i}.js`, PROBE]).concat(Array.from({ length: 100 }, (_, i) => [`w${i}.json`, { state: { x: i } }]))));
  const page = await gallery(host);
  await eventually(async () => assert.equal(await page.getByText(/^x is \d+$/).count(), 100), { timeout: 30_000 });
  const last = page.locator("#widget-w99");
  await last.scrollIntoViewIfNeeded();
  await last.locator(".g-edit").click();
  await page.keyboard.type("1000");
  await page.keyboard.press("Enter");
  await eventually(async () => assert.equal((await host.state("w99")).x, 1000));
});
