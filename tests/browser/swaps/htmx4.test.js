/** Swaps of htmx 4, its own morphs among them: the rows of section 4 of the design. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { history, rows, way } from "../support/htmx.js";
import { forget } from "../support/index.js";
import { outer, SLOW, Stage, swaps } from "../support/swaps.js";

const HTMX = ["htmx4/dist/htmx.js"];

swaps("htmx 4", HTMX, [
  way("innerHTML"),
  way("outerHTML", { answer: outer }),
  way("outerSync", { answer: outer }),
  way("innerHTML transition:true", { many: SLOW }),
  way("innerMorph", { keeps: "view" }),
  way("outerMorph", { answer: outer, keeps: "view" }),
  way("innerMorph", { name: "innerMorph, by id", attributes: 'id="w"', keeps: "view" }),
]);

rows("htmx 4", HTMX);

test("htmx 4: partials: two widgets in one response: both go on", async () => {
  const stage = await Stage.set({ scripts: HTMX });
  const [a, b] = [await stage.view("a"), await stage.view("b")];
  const page = await stage.open("", `<button id="go" hx-get="/next" hx-target="#place">go</button><div id="one">${a}</div><div id="two">${b}</div>`);
  await stage.noted("a initialize", "a render 0 1", "b initialize", "b render 0 1");
  await stage.clicks("b", 2);
  await forget(page);
  await stage.remember("#two .x");
  stage.pages.set("/next", `<hx-partial hx-target="#one" hx-swap="innerHTML">${a}</hx-partial><hx-partial hx-target="#two" hx-swap="innerMorph">${b}</hx-partial>`);
  await page.click("#go");
  await stage.noted("a cleanup", "a render 0 1");
  assert.ok(await stage.same("#two .x"), "a morph keeps the view");
  await stage.clicks("a", 2);
  await stage.clicks("b", 3);
  assert.deepEqual([stage.wire.opened, stage.wire.open, stage.loads], [2, 2, 1]);
});

const config = (/** @type {string} */ options) => `<meta name="htmx-config" content='${options}'>`;
history("htmx 4: history from the server", HTMX);
history("htmx 4: history snapshot (hx-history-cache)", [...HTMX, "htmx4/dist/ext/hx-history-cache.js"]);
history("htmx 4: history by a full reload", HTMX, { head: config('history:"reload"'), reloads: true });
