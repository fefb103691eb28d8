/** Section R of the contract: edits of a widget reach open pages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, forget, noted, notes, open, serve, settle, tap } from "./support/index.js";

/** @import { Page } from "playwright-core" */

/** A widget of one version, which notes what happens to it. @param {string} name @param {string} [inRender] */
const version = (name, inRender = "") => `
  export default {
    initialize({ model }) { note("${name} initialize"); return () => note("${name} initialize cleanup") },
    render({ model, el }) {
      note("${name} render", el.childNodes.length, model.get("x"));
      const text = el.appendChild(document.createElement("p"));
      text.className = "text";
      text.textContent = "${name}";
      model.on("change:x", () => note("${name} x", model.get("x")));
      ${inRender}
      return () => note("${name} cleanup");
    },
  }`;

/** @param {Page} page */
const texts = (page) => page.locator(".text").allInnerTexts();

/** @param {Page} page @param {string} name waits until every view shows this version */
const shows = (page, name) =>
  eventually(async () => {
    const all = await texts(page);
    assert.ok(all.length && all.every((text) => text === name), `the page shows ${JSON.stringify(all)}, not ${name}`);
  });

test("R1: editing the ESM: old view cleanups, then the new initialize, then render into the emptied el; state survives, no navigation", async () => {
  const host = await serve({ "a/widget.js": version("one"), "a/widget.json": { state: { x: 1 } } });
  const page = await open(host, (await host.view("a")).repeat(2));
  await noted(page, ["one initialize", "one render 0 1", "one render 0 1"]);
  await page.evaluate(() => void (window.stays = true));
  const client = await connect(host, "a");
  await client.set({ x: 5 });
  await noted(page, ["one initialize", "one render 0 1", "one render 0 1", "one x 5", "one x 5"]);
  await forget(page);
  await host.write("a/widget.js", version("two"));
  const ends = ["one cleanup", "one cleanup", "one initialize cleanup"];
  const begins = ["two initialize", "two render 0 5", "two render 0 5"];
  await noted(page, [...ends, ...begins]);
  assert.deepEqual(await texts(page), ["two", "two"]);
  await client.set({ x: 6 }); // only the new code hears of it
  await noted(page, [...ends, ...begins, "two x 6", "two x 6"]);
  assert.equal(await page.evaluate(() => window.stays), true);
});

test("R1: editing a module that the widget imports reloads it, too", async () => {
  const host = await serve({
    "a/widget.js": `import { name } from "./lib/name.js"; export default { render({ el }) { el.innerHTML = '<p class="text">' + name } }`,
    "a/lib/name.js": `export const name = "one"`,
  });
  const page = await open(host, await host.view("a"));
  await shows(page, "one");
  await host.write("a/lib/name.js", `export const name = "two"`);
  await shows(page, "two");
});

test("R1: editing a bare NAME.js", async () => {
  const host = await serve({ "a.js": version("one") });
  const page = await open(host, await host.view("a"));
  await shows(page, "one");
  await host.write("a.js", version("two"));
  await shows(page, "two");
});

for (const shadow of [false, true]) {
  test(`R2: editing CSS changes style without a render${shadow ? ", in a shadow root" : ""}`, async () => {
    const css = (/** @type {number} */ n) => `.text { color: rgb(${n}, ${n}, ${n}) }`;
    const host = await serve({ "a/widget.js": version("one"), "a/widget.css": css(1) });
    const page = await open(host, await host.view("a", { shadow }));
    const color = () => page.locator(".text").evaluate((element) => getComputedStyle(element).color);
    await shows(page, "one");
    assert.equal(await color(), "rgb(1, 1, 1)", "it is in place before the first render");
    const before = await notes(page);
    await host.write("a/widget.css", css(2));
    await eventually(async () => assert.equal(await color(), "rgb(2, 2, 2)"));
    await host.write("a/widget.css", css(3));
    await eventually(async () => assert.equal(await color(), "rgb(3, 3, 3)"));
    assert.deepEqual(await notes(page), before);
  });
}

test("R3: the same content: nothing happens", async () => {
  const files = { "a/widget.js": version("one"), "a/widget.css": ".text { margin: 0 }", "a/part.js": "" };
  const host = await serve({ ...files, "b/widget.js": version("other one") });
  const { frames } = await tap();
  const page = await open(host, (await host.view("a")) + (await host.view("b")));
  await eventually(async () => assert.deepEqual(await texts(page), ["one", "other one"]));
  for (const [path, text] of Object.entries(files)) await host.write(path, text);
  // Edits reach pages in order: when these two have come, what the others cause would have come, too.
  for (const name of ["other two", "other three"]) {
    await host.write("b/widget.js", version(name));
    await eventually(async () => assert.deepEqual((await texts(page)).at(-1), name));
  }
  assert.deepEqual((await notes(page)).filter((note) => note.startsWith("one")), ["one initialize", "one render 0 "]);
  assert.deepEqual(frames.filter(({ id, frame }) => id === "a" && frame.type === "code"), []);
});

test("R4: rapid edits: the last wins", async () => {
  const host = await serve({ "a/widget.js": version("v0"), "a/widget.json": { state: { x: 1 } } });
  // A version may be gone before the page asks for it.
  const page = await open(host, await host.view("a"), { allow: [/404 .*\/widget\.js/, /cannot load .*\/widget\.js: the server answered 404/] });
  await shows(page, "v0");
  for (let i = 1; i <= 20; i++) await host.write("a/widget.js", version(`v${i}`));
  await shows(page, "v20");
  await settle(page);
  const said = await notes(page);
  assert.equal(said.at(-1), "v20 render 0 1");
  const begun = said.filter((note) => note.endsWith("initialize")).length;
  const ended = said.filter((note) => note.endsWith("initialize cleanup")).length;
  assert.equal(begun - ended, 1, "every version that began has ended, but the last");
});

test("R4: the last edit wins over a slower earlier load", async () => {
  const host = await serve({ "a/widget.js": version("one") });
  const page = await open(host, await host.view("a"));
  await shows(page, "one");
  await forget(page);
  /** @type {import("playwright-core").Route | undefined} */
  let held;
  await page.route("**/widgets/a/**/widget.js*", (route) => (held ? route.continue() : void (held = route)));
  await host.write("a/widget.js", version("two"));
  const slow = await eventually(() => (assert.ok(held, "the page loads the second version"), held));
  await host.write("a/widget.js", version("three"));
  await shows(page, "three");
  const answered = page.waitForResponse(slow.request().url());
  await slow.fulfill({ contentType: "text/javascript", body: `note("two loaded"); ${version("two")}` });
  await answered;
  await eventually(async () => assert.ok((await notes(page)).includes("two loaded")));
  await settle(page);
  assert.deepEqual(await texts(page), ["three"]);
  assert.deepEqual((await notes(page)).filter((note) => note.startsWith("two")), ["two loaded"]);
});

for (const [what, source] of Object.entries({
  "an old cleanup": `export default { render({ el }) { el.innerHTML = '<p class="text">one'; return () => new Promise(() => {}) } }`,
  "an old render": `export default { render({ el }) { el.innerHTML = '<p class="text">one'; return new Promise(() => {}) } }`,
  "an old initialize": `export default { initialize() { document.body.insertAdjacentHTML("beforeend", '<p class="text">one'); return new Promise(() => {}) } }`,
})) {
  test(`R4: ${what} that hangs blocks nothing`, async () => {
    const host = await serve({ "a/widget.js": source });
    const page = await open(host, await host.view("a"));
    await shows(page, "one");
    await host.write("a/widget.js", version("two"));
    await eventually(async () => assert.ok((await texts(page)).includes("two")));
  });
}

test("R5: a broken edit shows the error; the next good edit recovers", async () => {
  const host = await serve({ "a/widget.js": version("one"), "a/widget.json": { state: { x: 1 } } });
  const page = await open(host, await host.view("a"), { expect: [/cannot load/, /boom/] });
  await shows(page, "one");
  const message = page.locator("any-widget [role=alert]");
  await host.write("a/widget.js", "export default {");
  await eventually(async () => assert.match(await message.innerText(), /cannot load/));
  assert.deepEqual(await texts(page), []);
  await host.write("a/widget.js", version("two"));
  await shows(page, "two");
  assert.equal(await message.count(), 0);
  await host.write("a/widget.js", version("three", `throw new Error("boom");`));
  await eventually(async () => assert.match(await message.innerText(), /boom/));
  await host.write("a/widget.js", version("four"));
  await shows(page, "four");
  assert.equal(await message.count(), 0);
});

test("R5: a module that is emptied and stays so is an error; the next good edit recovers", async () => {
  const host = await serve({ "a/widget.js": version("one") });
  const page = await open(host, await host.view("a"), { expect: [/must export as default/] });
  await shows(page, "one");
  await host.write("a/widget.js", "");
  await eventually(async () => assert.match(await page.locator("any-widget [role=alert]").innerText(), /must export as default/));
  await host.write("a/widget.js", version("two"));
  await shows(page, "two");
});

test("R5: a broken widget.json keeps the widget as it was and says so in the log", async () => {
  const host = await serve({ "a/widget.js": version("one"), "a/widget.json": { state: { x: 1 } } });
  const page = await open(host, await host.view("a"));
  await shows(page, "one");
  await host.write("a/widget.json", "{");
  await eventually(() => assert.match(host.stderr.join("\n"), /ERROR.*widget\.json/));
  assert.deepEqual(await texts(page), ["one"]);
  await host.write("a/widget.json", { state: { x: 1 } });
  await host.write("a/widget.js", version("two"));
  await shows(page, "two");
});

test("S8: watching survives delete, rename and re-creation", async () => {
  const host = await serve({ "a/widget.js": version("one") });
  const page = await open(host, await host.view("a"));
  await shows(page, "one");
  await host.remove("a/widget.js");
  await host.write("a/widget.js", version("two"));
  await shows(page, "two");
  // As editors save: written elsewhere, then renamed into place.
  await host.write("a/.widget.js.swp", version("three"));
  await host.rename("a/.widget.js.swp", "a/widget.js");
  await shows(page, "three");
  await host.rename("a", ".away");
  await eventually(() => assert.match(host.stderr.join("\n"), /ERROR/));
  await host.rename(".away", "a");
  await host.write("a/widget.js", version("four"));
  await shows(page, "four");
  await host.remove("a");
  await host.write("a/widget.js", version("five"));
  await shows(page, "five");
});
