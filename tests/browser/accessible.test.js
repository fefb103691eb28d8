/** What axe-core finds in the pages of the product and of its examples, light and dark: nothing serious. */
import axe from "axe-core";
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { afterTest, eventually, open, serve } from "./support/index.js";
import { runExample } from "./support/example.js";

/**
 * @import { Page } from "playwright-core"
 * @import { AxeResults } from "axe-core"
 */

const WIDGETS = await readdir(new URL("../../widgets/", import.meta.url));
const SERIOUS = ["serious", "critical"];
/** What axe cannot know. */
const KNOWN = [
  // The grid around it has the focus, and its keys scroll: see table.test.js. The rule looks for a stop of the Tab key inside, which
  // would be one more for nothing; and were the grid what scrolls, rows would shine through the header above them.
  "scrollable-region-focusable: .aw-table-body",
];

/** Each finding that would keep somebody out: its rule, its element, and what to do. @param {Page} page */
async function findings(page) {
  await page.evaluate(() => {
    // Where a page paints nothing, the browser paints its scheme's canvas, but axe takes it for white.
    const bare = [document.documentElement, document.body].every((element) => getComputedStyle(element).backgroundColor === "rgba(0, 0, 0, 0)");
    if (bare) document.documentElement.style.backgroundColor = "Canvas";
  });
  await page.evaluate(axe.source); // not by a script element, which the page's policy refuses
  /** @type {AxeResults} */
  const { violations, passes } = await page.evaluate(() => /** @type {any} */ (window).axe.run(document, { resultTypes: ["violations"] }));
  assert.ok(passes.length > 5, "it has looked");
  const serious = violations.filter(({ impact }) => SERIOUS.includes(impact ?? ""));
  const told = serious.flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target}: ${failureSummary}`));
  return told.filter((text) => !KNOWN.some((known) => text.startsWith(`${known}:`)));
}

/** Waits until each widget has rendered, and what htmx loads is there. @param {Page} page */
const rendered = (page) =>
  eventually(async () => {
    const missing = await page.locator("any-widget").evaluateAll((all) => all.filter((one) => !one.querySelector(":scope > div > *")).map((one) => one.getAttribute("model")));
    assert.deepEqual(missing, []);
    assert.ok(!(await page.locator("[hx-get]").allInnerTexts()).includes("…"));
  });

/** Nothing is found in what `show` has made of the page, in either scheme. @param {Page} page @param {(page: Page) => Promise<void>} [show] */
async function isAccessible(page, show = async () => {}) {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await rendered(page);
  await show(page);
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    await page.emulateMedia({ colorScheme });
    assert.deepEqual(await findings(page), [], colorScheme);
  }
}

test("the check finds what is wrong", async () => {
  const host = await serve(null);
  const page = await open(host, `<main><h1>Wrong</h1><p style="color: #ccc; background: #fff">Pale.</p><input><img src="data:,"></main>`);
  const rules = (await findings(page)).map((text) => text.split(":")[0]);
  assert.deepEqual([...new Set(rules)].sort(), ["color-contrast", "image-alt", "label"]);
});

test("the gallery", async () => {
  const host = await serve(null);
  await isAccessible(await open(host, "/"));
});

for (const name of WIDGETS) {
  test(`the widget ${name}`, async () => {
    const host = await serve(null);
    await isAccessible(await open(host, `/w/${name}`));
  });
}

/** What brings an example into a state with everything to see. @type {Record<string, (page: Page) => Promise<void>>} */
const SHOWN = {
  counter: async () => {},
  dashboard: async () => {},
  range: async () => {},
  async htmx(page) {
    await page.getByRole("button", { name: "Show the counter" }).click();
    await page.getByRole("button", { name: "Increase" }).waitFor();
  },
  async progress(page) {
    await page.getByLabel("Files", { exact: true }).fill("5");
    await page.getByRole("button", { name: "Start" }).click();
    await page.getByText("Done", { exact: true }).waitFor();
    await page.getByText("read file 5").waitFor();
  },
  async chat(page) {
    await page.getByLabel("Your question").fill("Why?");
    await page.getByRole("button", { name: "Ask" }).click();
    await page.getByText(/repeats: Why\?$/).waitFor();
  },
  async todo(page) {
    for (const text of ["One", "Two"]) {
      await page.getByLabel("New item").fill(text);
      await page.getByRole("button", { name: "Add" }).click();
    }
    await page.getByRole("checkbox", { name: "One" }).check();
    await eventually(async () => assert.deepEqual(await page.locator("main td").allInnerTexts(), ["Two"]));
  },
  async form(page) {
    await page.getByRole("button", { name: "Order" }).click();
    await page.getByText("Tell us your name.").waitFor();
    await rendered(page);
  },
};

for (const [name, show] of Object.entries(SHOWN)) {
  test(`the example ${name}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), "anywidget-host-"));
    afterTest(() => rm(folder, { recursive: true }));
    const host = await runExample(name, [], { STORE: join(folder, "store.db"), OLLAMA_HOST: "127.0.0.1:1" });
    await isAccessible(await open(host, "/", { allow: [/favicon/] }), show);
  });
}
