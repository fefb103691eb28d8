/** Swaps, moves and clones by the page's own scripts: the rows of section 4 of the design. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, forget, settle } from "../support/index.js";
import { outer, SLOW, Stage, swaps } from "../support/swaps.js";

/** @import { Way } from "../support/swaps.js" */

/** Parsed scripts do not run: they are put anew, as libraries do. */
const RUN = `(place) => { for (const inert of place.querySelectorAll("script[type=module]")) {
  const script = document.createElement("script"); script.type = "module"; script.src = inert.getAttribute("src"); inert.replaceWith(script) } }`;

/** @param {string} name @param {string} body has `place` and `html` @param {Partial<Way>} [more] @returns {Way} */
const way = (name, body, more = {}) => ({
  name,
  act: (page, html) => page.evaluate(`(async (html) => { const place = document.querySelector("#place"); ${body}; (${RUN})(document.querySelector("#place")) })(${JSON.stringify(html)})`),
  ...more,
});

swaps("plain DOM", [], [
  way("innerHTML", "place.innerHTML = html"),
  way("outerHTML", "place.outerHTML = html", { answer: outer }),
  way("replaceWith", "place.replaceWith(document.createRange().createContextualFragment(html))", { answer: outer }),
  way("insertAdjacentHTML", "const old = [...place.childNodes]; place.insertAdjacentHTML('beforeend', html); for (const node of old) node.remove()"),
  way("startViewTransition", "await document.startViewTransition(() => { place.innerHTML = html }).finished", { many: SLOW }),
  way("setHTMLUnsafe", "place.setHTMLUnsafe(html)"),
]);

for (const how of ["insertBefore", "appendChild", "moveBefore"]) {
  test(`plain DOM: ${how} move: disconnected, then connected, or neither: keeps the view`, async () => {
    const stage = await Stage.set({});
    const page = await stage.open(await stage.view("a"), '<section id="to"><hr></section>');
    await stage.noted("a initialize", "a render 0 1");
    await stage.remember(".x");
    await page.evaluate((how) => {
      const place = /** @type {any} */ (document.querySelector("#to"));
      place[how](document.querySelector("any-widget"), how === "appendChild" ? undefined : place.firstChild);
    }, how);
    await settle(page);
    await stage.clicks("a", 2);
    assert.ok(await stage.same("#to .x"));
    await stage.noted("a initialize", "a render 0 1");
    assert.equal(stage.wire.opened, 1);
  });
}

test("plain DOM: cloneNode: a new element arrives with stale children: a view of its own, rendered into an empty el", async () => {
  const stage = await Stage.set({});
  const page = await stage.open(await stage.view("a"));
  await stage.shows("1");
  await page.evaluate(() => document.body.append(/** @type {Element} */ (document.querySelector("any-widget")).cloneNode(true)));
  await stage.noted("a initialize", "a render 0 1", "a render 0 1");
  await page.locator(".x").last().click();
  await stage.shows("2", "2");
  await forget(page);
  await page.evaluate(() => document.querySelector("any-widget")?.remove());
  await stage.noted("a cleanup");
  await stage.clicks("a", 3);
  assert.equal(stage.wire.opened, 1);
});

test("plain DOM: light children wiped without any callback: the mount root comes back", async () => {
  const stage = await Stage.set({});
  const page = await stage.open(await stage.view("a"));
  await stage.shows("1");
  await page.evaluate(() => document.querySelector("any-widget")?.replaceChildren());
  await stage.shows("1");
  const client = await connect(stage.host, "a");
  await client.set({ x: 2 });
  await stage.shows("2");
  await stage.clicks("a", 3);
});

test("plain DOM: an incoming duplicate that connects and disconnects in one task is never mounted", async () => {
  const stage = await Stage.set({});
  const page = await stage.open(await stage.view("a"));
  await stage.noted("a initialize", "a render 0 1");
  await page.evaluate((html) => {
    document.body.insertAdjacentHTML("beforeend", html);
    [...document.querySelectorAll("any-widget")].at(-1)?.remove();
  }, await stage.view("b"));
  await settle(page);
  await stage.clicks("a", 2);
  await stage.noted("a initialize", "a render 0 1");
  assert.equal(stage.wire.opened, 1);
});
