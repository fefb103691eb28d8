/** What htmx 2 and htmx 4 have in common: the rows of section 4 of the design that need attributes of theirs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, forget, settle } from "./index.js";
import { Stage } from "./swaps.js";

/** @import { Way } from "./swaps.js" */

/** A way of htmx to answer a request, by what stands in `hx-swap`. @param {string} swap @param {Partial<Way>} [more] @returns {Way} */
export const way = (swap, more = {}) => ({
  name: swap,
  act: (page) =>
    page.evaluate(async (swap) => {
      // A transition that cuts another short is an error in the console.
      await document.activeViewTransition?.finished;
      await htmx.ajax("GET", "/next", { source: "#place", target: "#place", swap });
    }, swap),
  ...more,
});

/** @param {string} library @param {string[]} scripts */
export function rows(library, scripts) {
  const set = () => Stage.set({ scripts });

  test(`${library}: hx-preserve: the incoming duplicate connects and disconnects in one task: the same view stays`, async () => {
    const stage = await set();
    const fragment = await stage.view("a", 'id="kept" hx-preserve="true"');
    const around = '<button id="go" hx-get="/next" hx-target="#place">go</button>';
    const page = await stage.open(fragment, around);
    await stage.noted("a initialize", "a render 0 1");
    await stage.remember(".x");
    for (const turn of [1, 2]) {
      stage.pages.set("/next", `<p class="mark">${turn}</p><section>${fragment}</section>`);
      await page.click("#go");
      await eventually(async () => assert.equal(await page.locator(".mark").innerText(), `${turn}`));
      await settle(page);
      await stage.clicks("a", turn + 1);
    }
    assert.ok(await stage.same("#place section .x"));
    await stage.noted("a initialize", "a render 0 1");
    assert.equal(stage.wire.opened, 1);
  });

  test(`${library}: out-of-band swap of two widgets in one response: both go on, the target too`, async () => {
    const stage = await set();
    const [a, b] = [await stage.view("a"), await stage.view("b")];
    const page = await stage.open("", `<button id="go" hx-get="/next" hx-target="#place">go</button><div id="one">${a}</div><div id="two">${b}</div>`);
    await stage.noted("a initialize", "a render 0 1", "b initialize", "b render 0 1");
    await stage.clicks("b", 2);
    await forget(page);
    stage.pages.set("/next", `<p class="mark">1</p><div id="one" hx-swap-oob="true">${a}</div><div id="two" hx-swap-oob="innerHTML">${b}</div>`);
    await page.click("#go");
    await stage.noted("a cleanup", "a render 0 1", "b cleanup", "b render 0 2");
    assert.equal(await page.locator("#place .mark").innerText(), "1");
    await stage.clicks("a", 2);
    await stage.clicks("b", 3);
    assert.deepEqual([stage.wire.opened, stage.wire.open, stage.loads], [2, 2, 1]);
  });

  test(`${library}: out-of-band swap of the widget's own element: one cleanup, one render`, async () => {
    const stage = await set();
    const page = await stage.open(await stage.view("a", 'id="w"'), '<button id="go" hx-get="/next" hx-swap="none">go</button>');
    await stage.noted("a initialize", "a render 0 1");
    stage.pages.set("/next", await stage.view("a", 'id="w" hx-swap-oob="true"'));
    await page.click("#go");
    await stage.noted("a initialize", "a render 0 1", "a cleanup", "a render 0 1");
    await stage.clicks("a", 2);
    assert.equal(stage.wire.opened, 1);
  });

  test(`${library}: removing an element without hx-attributes (hx-swap=delete): one cleanup, then the end`, async () => {
    const stage = await set();
    const page = await stage.open(await stage.view("a"), '<button id="go" hx-get="/next" hx-target="any-widget" hx-swap="delete">go</button>');
    await stage.noted("a initialize", "a render 0 1");
    stage.pages.set("/next", "<p>gone</p>");
    await page.click("#go");
    await stage.noted("a initialize", "a render 0 1", "a cleanup", "a end");
    await stage.closes();
  });

  test(`${library}: a slow response that was made before an edit does not rewind it`, async () => {
    const stage = await set();
    const page = await stage.open(await stage.view("a"), '<button id="go" hx-get="/slow" hx-target="#place">go</button>');
    await stage.shows("1");
    const old = await stage.view("a");
    /** @type {(value?: unknown) => void} */
    let answer = () => {};
    const asked = new Promise((resolve) => {
      page.route("**/slow", async (route) => {
        const answered = new Promise((done) => (answer = done));
        resolve(0);
        await answered;
        await route.fulfill({ contentType: "text/html", body: `<p class="late">late</p>${old}` });
      });
    });
    await page.click("#go");
    await asked;
    await stage.clicks("a", 2);
    answer();
    await page.waitForSelector(".late");
    await stage.noted("a initialize", "a render 0 1", "a cleanup", "a render 0 2");
    await stage.shows("2");
    await stage.clicks("a", 3);
  });

  test(`${library}: hx-boost to another page with the same widget, and back: the socket is kept`, async () => {
    const stage = await set();
    const around = '<nav hx-boost="true" hx-boost:inherited="true"><a id="go" href="/two">two</a></nav>';
    const page = await stage.open(await stage.view("a"), around);
    await page.evaluate(() => void (window.stays = true));
    await stage.goesThereAndBack();
    await settle(page);
    assert.ok(await page.evaluate(() => window.stays), "the document was not left");
    assert.equal(await stage.count("a initialize"), 1);
    assert.equal(await stage.count("a render"), await stage.count("a render 0"));
    assert.equal((await stage.count("a render")) - (await stage.count("a cleanup")), 1);
    assert.deepEqual([stage.wire.opened, stage.loads], [1, 1]);
  });
}

/**
 * Back and forward in the history, between a page with the widget and one without.
 * @param {string} name @param {string[]} scripts @param {{ head?: string, reloads?: boolean }} [options]
 */
export function history(name, scripts, { head, reloads = false } = {}) {
  test(`${name}: the widget comes back alive, is not rewound, and ends once when it goes`, async () => {
    const stage = await Stage.set({ scripts, way: { name, act: async () => {}, head } });
    const page = await stage.open(await stage.view("a"), '<a id="go" href="/next" hx-get="/next" hx-target="#place" hx-push-url="true">go</a>');
    await stage.shows("1");
    await stage.clicks("a", 2);
    await page.evaluate(() => void (window.stays = true));
    stage.pages.set("/next", '<p id="next">next</p>');
    await page.click("#go");
    await page.waitForSelector("#next");
    await stage.closes();
    await stage.noted("a initialize", "a render 0 1", "a cleanup", "a end");
    // While nobody looks, the model moves on: what the history brings is old.
    await (await connect(stage.host, "a")).set({ x: 7 });
    await page.goBack();
    await page.waitForSelector("any-widget[data-connection=live]");
    await stage.shows("7");
    await stage.clicks("a", 8);
    assert.equal(await page.evaluate(() => !window.stays), reloads);
    assert.equal(await stage.count("a render"), await stage.count("a render 0"));
    assert.equal((await stage.count("a render")) - (await stage.count("a cleanup")), 1);
    if (!reloads) assert.equal(await stage.count("a initialize"), 2);
    assert.equal(stage.wire.open, 1);
  });
}
