/** The widget `fields`: a form from a list, saved while it is typed. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { connect, eventually, open, settle } from "./support/index.js";
import { fitsPhone, has, holds, reads, serveShipped, STRICT, styleOf } from "./support/shipped.js";

const FIELDS = [
  { key: "name", label: "Name", required: true, help: "As in the passport.", maxlength: 20 },
  { key: "age", label: "Age", type: "number", min: 18, max: 120 },
  { key: "room", label: "Room", type: "select", options: ["Garden", { value: 7, label: "Seven" }] },
  { key: "news", label: "News", type: "checkbox" },
  { key: "notes", label: "Notes", type: "textarea" },
  { key: "loud", label: "Loud", type: "range", min: 0, max: 10 },
  { key: "day", label: "Day", type: "date" },
  { key: "ink", label: "Ink", type: "color" },
];
const VALUES = { name: "Ines", age: 30, room: 7, news: false, notes: "", loud: 3, day: "2026-06-20", ink: "#d97706" };

/** @param {object} [state] */
async function show(state = {}) {
  const host = await serveShipped("fields", { label: "Guest", fields: FIELDS, values: VALUES, errors: {}, ...state });
  const page = await open(host, "/w/fields");
  await page.getByRole("group").waitFor();
  const field = (/** @type {string} */ name) => page.getByLabel(name, { exact: true });
  return { host, page, field, client: await connect(host, "fields") };
}

/** Waits until a control has this value. @param {import("playwright-core").Locator} control @param {string} expected */
const value = (control, expected) => eventually(async () => assert.equal(await control.inputValue(), expected));

/** Stops the page's timers, so that no pause in the typing ends. @param {import("playwright-core").Page} page */
async function freeze(page) {
  const now = await page.evaluate(() => Date.now());
  await page.clock.install({ time: now });
  await page.clock.pauseAt(now + 60_000);
}

test("every field has its kind, its name, its help and its value", async () => {
  const { page } = await show();
  await page.getByRole("group", { name: "Guest" }).waitFor();
  const name = page.getByRole("textbox", { name: "Name" });
  await value(name, "Ines");
  assert.equal(await name.evaluate((input) => /** @type {any} */ (input).required), true);
  assert.match(await name.evaluate((input) => (input.getAttribute("aria-describedby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent).join("|")), /^As in the passport\.\|$/);
  await value(page.getByRole("spinbutton", { name: "Age" }), "30");
  assert.deepEqual(await page.getByRole("combobox", { name: "Room" }).locator("option:checked").allTextContents(), ["Seven"]);
  assert.equal(await page.getByRole("checkbox", { name: "News" }).isChecked(), false);
  await value(page.getByRole("textbox", { name: "Notes" }), "");
  await value(page.getByRole("slider", { name: "Loud" }), "3");
  await value(page.getByLabel("Day"), "2026-06-20");
  await value(page.getByLabel("Ink"), "#d97706");
});

test("what is changed is saved as its own type, and other values stay", async () => {
  const { host, page, field } = await show({ values: { ...VALUES, hidden: [1] } });
  await field("Name").fill("Ada");
  await field("Age").fill("41");
  await field("Room").selectOption("Garden");
  await field("News").check();
  await field("Notes").fill("two\nlines");
  await field("Loud").press("ArrowRight");
  await field("Day").fill("2026-07-01");
  await field("Ink").fill("#102030");
  await holds(host, "fields", { values: { name: "Ada", age: 41, room: "Garden", news: true, notes: "two\nlines", loud: 4, day: "2026-07-01", ink: "#102030", hidden: [1] } });
  await reads(page.locator("[data-type=range] output"), "4");
  await field("Age").fill("");
  await field("Room").selectOption("Seven");
  await holds(host, "fields", { values: { name: "Ada", age: null, room: 7, news: true, notes: "two\nlines", loud: 4, day: "2026-07-01", ink: "#102030", hidden: [1] } });
});

test("what is typed reaches the server without leaving the field, and at once when it is left", async () => {
  const { host, page, field } = await show();
  await field("Notes").pressSequentially("abc");
  await holds(host, "fields", { values: { ...VALUES, notes: "abc" } });
  assert.equal(await field("Notes").evaluate((input) => input.matches(":focus")), true);
  await field("Name").focus();
  await freeze(page);
  await page.keyboard.type("!");
  await page.keyboard.press("Tab");
  await holds(host, "fields", { values: { ...VALUES, notes: "abc", name: "Ines!" } });
});

test("what was typed last is saved when the view ends, as for an edit of its code", async () => {
  const { host, page, field } = await show();
  await field("Notes").focus();
  await freeze(page);
  await page.keyboard.type("bye");
  await field("Notes").evaluate((input) => (window.before = input));
  await host.write("fields/widget.js", `${await readFile(host.path("fields/widget.js"), "utf8")}\n// edited`);
  await eventually(async () => assert.equal(await field("Notes").evaluate((input) => window.before === input), false));
  await holds(host, "fields", { values: { ...VALUES, notes: "bye" } });
  await value(field("Notes"), "bye");
});

test("two pages are in step", async () => {
  const { host, page, field } = await show();
  const other = await open(host, "/w/fields");
  await other.getByRole("group").waitFor();
  await field("News").check();
  await eventually(async () => assert.equal(await other.getByLabel("News").isChecked(), true));
  await other.getByLabel("News").uncheck();
  await eventually(async () => assert.equal(await field("News").isChecked(), false));
  await other.getByLabel("Age").fill("50");
  await value(field("Age"), "50");
  await page.bringToFront();
});

test("what somebody types stays, with its cursor, while the server changes this field and others", async () => {
  const { host, page, field, client } = await show();
  await field("Name").fill("Adalovelace");
  await holds(host, "fields", { values: { ...VALUES, name: "Adalovelace" } });
  for (let i = 0; i < 8; i++) await page.keyboard.press("ArrowLeft");
  await client.set({ values: { ...VALUES, name: "SERVER", age: 77 }, errors: { age: "Too old." } });
  await value(field("Age"), "77");
  await value(field("Name"), "Adalovelace");
  await page.keyboard.type(" ");
  await holds(host, "fields", { values: { ...VALUES, name: "Ada lovelace", age: 77 } });
});

test("a field that is left shows what the server has", async () => {
  const { host, page, field, client } = await show();
  await field("Name").fill("  ada ");
  await holds(host, "fields", { values: { ...VALUES, name: "  ada " } });
  await client.set({ values: { ...VALUES, name: "Ada" } });
  await settle(page);
  await value(field("Name"), "  ada ");
  await page.keyboard.press("Tab");
  await value(field("Name"), "Ada");
  await holds(host, "fields", { values: { ...VALUES, name: "Ada" } });
});

test("what a field's own rules refuse is not saved, and it says why when it is left", async () => {
  const { host, page, field, client } = await show();
  const age = field("Age");
  await age.fill("7");
  await has(age, "aria-invalid", null);
  await page.keyboard.press("Tab");
  await has(age, "aria-invalid", "true");
  const error = page.locator("[data-type=number] .aw-fields-error");
  await eventually(async () => assert.match(String(await error.textContent()), /18/));
  assert.equal(await age.evaluate((input, id) => (input.getAttribute("aria-describedby") ?? "").split(" ").includes(id), await error.getAttribute("id")), true);
  await client.set({ values: { ...VALUES, age: 55, notes: "seen" } });
  await value(field("Notes"), "seen");
  await value(age, "7");
  assert.equal((await host.state("fields")).values.age, 55);
  await age.fill("70");
  await holds(host, "fields", { values: { ...VALUES, age: 70, notes: "seen" } });
  await has(age, "aria-invalid", null);
  await reads(error, "");
});

test("a field that is only passed through does not complain", async () => {
  const { page, field } = await show({ values: {} });
  await field("Name").focus();
  await page.keyboard.press("Tab");
  await settle(page);
  await has(field("Name"), "aria-invalid", null);
});

test("errors of the server stand beside their fields, and that of the form above them", async () => {
  const { page, field, client } = await show({ errors: { "": "We are closed.", age: "Too young for this." } });
  await has(field("Age"), "aria-invalid", "true");
  await page.getByText("Too young for this.").waitFor();
  const whole = page.getByText("We are closed.");
  assert.equal(await styleOf(whole, "color"), "rgb(179, 38, 30)");
  assert.equal(await styleOf(field("Age"), "border-top-color"), "rgb(179, 38, 30)");
  await client.set({ errors: {} });
  await has(field("Age"), "aria-invalid", null);
  await whole.waitFor({ state: "detached" });
});

test("disabled and read-only, the whole form or one field", async () => {
  const { page, field, client } = await show({ fields: [{ key: "a", disabled: true }, { key: "b", readonly: true }, { key: "c", type: "checkbox" }], values: {} });
  const can = () => Promise.all(["a", "b", "c"].map((name) => field(name).isEditable().catch(() => field(name).isEnabled())));
  const are = (/** @type {boolean[]} */ expected) => eventually(async () => assert.deepEqual(await can(), expected));
  await are([false, false, true]);
  assert.equal(await field("b").isEnabled(), true, "what is read-only can be copied from");
  await client.set({ readonly: true });
  await are([false, false, false]);
  await client.set({ readonly: false, disabled: true });
  await eventually(async () => assert.equal(await page.getByRole("group").evaluate((set) => /** @type {any} */ (set).disabled), true));
  await are([false, false, false]);
});

test("a list of fields that changes keeps the control somebody is at", async () => {
  const { page, field, client } = await show();
  await field("Notes").fill("ab");
  await field("Notes").evaluate((input) => (window.before = input));
  await client.set({ fields: [{ key: "new", label: "New" }, FIELDS[0], { ...FIELDS[4], label: "Remarks", maxlength: 5 }, FIELDS[1]] });
  await field("New").waitFor();
  assert.deepEqual(await page.locator(".aw-fields-name").allTextContents(), ["New", "Name", "Remarks", "Age"]);
  assert.equal(await field("Remarks").evaluate((input) => window.before === input && input.matches(":focus")), true);
  await page.keyboard.type("cdef");
  await value(field("Remarks"), "abcde");
});

test("no fields, a field without key, two with one key: it says so", async () => {
  const { page, client } = await show({ fields: [] });
  await page.getByText("There are no fields yet.").waitFor();
  await client.set({ fields: [{ key: "a", label: "A" }, {}, null, { key: "a" }, { key: "t", label: "T", type: "hologram" }] });
  await page.getByText("Field 2 has no key. Field 3 has no key. Two fields have the key “a”.").waitFor();
  assert.equal(await page.getByRole("textbox").count(), 2);
  await client.set({ fields: "x", values: null, errors: 3 });
  await page.getByText("There are no fields yet.").waitFor();
});

test("Enter saves and does not leave the page", async () => {
  const { host, page, field } = await show({ fields: [FIELDS[0]] });
  await field("Name").focus();
  await freeze(page);
  await page.keyboard.type("!");
  await page.keyboard.press("Enter");
  await holds(host, "fields", { values: { ...VALUES, name: "Ines!" } });
  assert.equal(new URL(page.url()).search, "");
  assert.equal(await field("Name").evaluate((input) => input.matches(":focus")), true);
});

test("by keyboard alone every field is reached in order, with a ring around it", async () => {
  const { page, field } = await show();
  for (const { label } of FIELDS) {
    await page.keyboard.press("Tab");
    if (label === "Ink") for (let i = 0; i < 3; i++) if (!(await field(label).evaluate((input) => input.matches(":focus")))) await page.keyboard.press("Tab"); // a day has parts
    assert.equal(await field(label).evaluate((input) => input.matches(":focus-visible")), true, label);
    assert.equal(await styleOf(field(label), "outline-style"), "solid", label);
  }
});

test("in light DOM and in a shadow root, under a strict policy, labels find their fields", async () => {
  const host = await serveShipped("fields", { fields: FIELDS, values: VALUES });
  const page = await open(host, (await host.view("fields")) + (await host.view("fields", { shadow: true })), { csp: STRICT });
  await eventually(async () => assert.equal(await page.getByLabel("Name").count(), 2));
  const [light, shadow] = await page.locator("any-widget").all();
  await shadow.getByLabel("Name").fill("Ada");
  await value(light.getByLabel("Name"), "Ada");
  for (const view of [light, shadow]) assert.equal(await styleOf(view.getByLabel("Name"), "min-height"), "44px");
});

test("dark pages get lighter errors, and 320 px are enough", async () => {
  const { page, field } = await show({ errors: { name: "x".repeat(100) }, fields: [...FIELDS, { key: "long", label: "y".repeat(100) }] });
  await has(field("Name"), "aria-invalid", "true");
  const color = () => styleOf(page.locator(".aw-fields-error:not(:empty)"), "color");
  assert.equal(await color(), "rgb(179, 38, 30)");
  await page.emulateMedia({ colorScheme: "dark" });
  await eventually(async () => assert.equal(await color(), "rgb(255, 157, 148)"));
  await fitsPhone(page);
});
