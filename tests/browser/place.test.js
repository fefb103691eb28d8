/** Where the user is in a widget stays: focus, caret and scroll positions, while its code is edited and the page around it morphs or moves. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { eventually, noted, open, serve, settle } from "./support/index.js";

/** @import { Page } from "playwright-core" */

/**
 * A long list beside two fields, of one version. @param {string} version
 * @param {{ when?: string, cleanup?: string, before?: string }} [how] when it puts its DOM into `el`, what its cleanup does, what `initialize` waits for
 */
const widget = (version, { when = "put()", cleanup = "", before = "" } = {}) => `
  export default {
    async initialize() { ${before} },
    render({ el }) {
      const put = () => {
        el.innerHTML = '<p>${version}</p><div><div class="list" style="height: 100px; overflow: auto"><div style="height: 5000px"></div></div>'
          + '<input class="other"><input class="field" value="a long text"></div>';
        note("${version}");
      };
      ${when};
      return () => { ${cleanup} };
    },
  }`;

/** Scrolls the list, and puts the caret into the field. @param {Page} page */
async function enter(page) {
  await page.evaluate(() => {
    document.querySelector(".list").scrollTop = 1234;
    document.querySelector(".field").focus();
    document.querySelector(".field").setSelectionRange(2, 6);
  });
  await settle(page); // a scroll is told with the next frame
}

/** @param {Page} page */
const place = (page) =>
  page.evaluate(() => {
    const active = /** @type {HTMLInputElement} */ (document.activeElement);
    return [document.querySelector(".list").scrollTop, active.className || active.localName, active.selectionStart ?? null, active.selectionEnd ?? null];
  });

/** @param {Page} page */
const stays = (page) => eventually(async () => assert.deepEqual(await place(page), [1234, "field", 2, 6]));

for (const [kind, how] of Object.entries({
  "a widget that leaves its DOM behind": {},
  "a widget whose cleanup takes its DOM away": { cleanup: "el.replaceChildren()" },
  "a widget whose DOM comes later than its render ends": { when: "setTimeout(put, 150)", cleanup: "setTimeout(() => {}, 0); el.replaceChildren()" },
})) {
  test(`an edit of the code: focus, caret and scroll position stay: ${kind}`, async () => {
    const host = await serve({ "a/widget.js": widget("one", how) });
    const page = await open(host, await host.view("a"));
    await noted(page, ["one"]);
    await enter(page);
    await host.write("a/widget.js", widget("two", how));
    await noted(page, ["one", "two"]);
    await stays(page);
    await host.write("a/widget.js", widget("three", how));
    await noted(page, ["one", "two", "three"]);
    await stays(page);
  });
}

test("an edit of the code: whoever has moved on stays where they are", async () => {
  const host = await serve({ "a/widget.js": widget("one") });
  const page = await open(host, `<input id="outside" class="outside"><p id="blank" style="height: 2rem"></p>${await host.view("a")}`);
  await noted(page, ["one"]);
  await enter(page);
  await page.focus("#outside");
  await host.write("a/widget.js", widget("two"));
  await noted(page, ["one", "two"]);
  await eventually(async () => assert.equal((await place(page))[0], 1234));
  assert.equal((await place(page))[1], "outside");

  await enter(page);
  await page.click("#blank");
  await host.write("a/widget.js", widget("three"));
  await noted(page, ["one", "two", "three"]);
  await eventually(async () => assert.equal((await place(page))[0], 1234));
  assert.equal((await place(page))[1], "body");
});

test("an edit of the code: whoever moves on while the DOM is late is not called back", async () => {
  const host = await serve({ "a/widget.js": widget("one") });
  const page = await open(host, await host.view("a"));
  await noted(page, ["one"]);
  await enter(page);
  await host.write("a/widget.js", widget("two", { when: 'window.put = put; note("waits")' }));
  await noted(page, ["one", "waits"]);
  await page.keyboard.press("Shift");
  await page.evaluate(() => window.put());
  // What would come back does so within a second.
  await page.evaluate(() => new Promise((done) => setTimeout(done, 1_100)));
  assert.deepEqual((await place(page)).slice(0, 2), [0, "body"]);
});

test("an edit of the code: the page does not jump while there is nothing to see", async () => {
  // A browser may scroll back when the page is as long as before, so what counts is what people see meanwhile.
  const gap = `
    document.querySelector("any-widget > div").replaceChildren();
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    note("gap", window.position());`;
  const host = await serve({ "a/widget.js": widget("one") });
  const page = await open(host, `<p style="height: 2000px">above</p>${await host.view("a", { attributes: 'style="min-height: 10px"' })}<p id="below">below</p>`);
  await noted(page, ["one"]);
  const before = await page.evaluate(() => {
    scrollTo(0, 1e6);
    window.position = () => `${scrollY} ${document.querySelector("#below").getBoundingClientRect().top}`;
    return window.position();
  });
  assert.ok(parseInt(before) > 1000);
  await host.write("a/widget.js", widget("two", { before: gap }));
  await noted(page, ["one", `gap ${before}`, "two"]);
  await settle(page);
  assert.equal(await page.evaluate(() => window.position()), before);
  assert.equal(await page.evaluate(() => document.querySelector("any-widget").style.minHeight), "10px");
});

test("a morph that takes the children out: all is as it was", async () => {
  const host = await serve({ "a/widget.js": widget("one") });
  const page = await open(host, await host.view("a"));
  await noted(page, ["one"]);
  await enter(page);
  await page.evaluate(() => document.querySelector("any-widget").replaceChildren());
  await stays(page);
  await noted(page, ["one"]);
});

test("a morph that empties the widget: it is rendered again, and the user is where they were", async () => {
  const host = await serve({ "a/widget.js": widget("one") });
  const page = await open(host, await host.view("a"));
  await noted(page, ["one"]);
  await enter(page);
  await page.evaluate(() => {
    const el = document.querySelector("any-widget > div");
    for (const { name } of [...el.attributes]) el.removeAttribute(name);
    while (el.firstChild) el.firstChild.remove();
  });
  await noted(page, ["one", "one"]);
  await stays(page);
});

for (const how of ["appendChild", "insertBefore", "moveBefore"]) {
  test(`a move by ${how}: the user moves with it`, async () => {
    const host = await serve({ "a/widget.js": widget("one") });
    const page = await open(host, `${await host.view("a")}<main><hr></main>`);
    await noted(page, ["one"]);
    await enter(page);
    await page.evaluate((how) => {
      const main = /** @type {any} */ (document.querySelector("main"));
      main[how](document.querySelector("any-widget"), how === "appendChild" ? undefined : main.firstChild);
    }, how);
    await stays(page);
    await noted(page, ["one"]);
  });
}

for (const swap of ["innerMorph", "outerMorph"]) {
  test(`htmx 4, ${swap}: the user stays where they are`, async () => {
    const htmx = readFileSync(new URL("../../node_modules/htmx4/dist/htmx.js", import.meta.url), "utf8");
    const host = await serve({ "a/widget.js": widget("one") });
    const fragment = await host.view("a", { attributes: 'id="w"' });
    const content = (/** @type {string} */ text) => `<p id="text">${text}</p>${fragment}`;
    const place = (/** @type {string} */ inner) => `<div id="place">${inner}</div>`;
    const swapper = `<button id="swap" hx-get="/next" hx-target="#place" hx-swap="${swap}" hx-trigger="swap">swap</button>`;
    const next = content("<b>new</b> and longer");
    const page = await open(host, `<script src="/htmx.js"></script>${swapper}${place(content("old"))}`, {
      files: { "/htmx.js": htmx, "/next": swap === "innerMorph" ? next : place(next) },
    });
    await noted(page, ["one"]);
    await enter(page);
    await page.evaluate(() => document.querySelector("#swap").dispatchEvent(new Event("swap")));
    await eventually(async () => assert.match(await page.locator("#text").innerText(), /new/));
    await settle(page);
    await stays(page);
  });
}

test("inside of open shadow roots, of the view and of the widget's own elements", async () => {
  const source = (/** @type {string} */ version) => `
    export default {
      render({ el }) {
        const inner = el.appendChild(document.createElement("section"));
        inner.attachShadow({ mode: "open" }).innerHTML = '<p><input class="field" id="f"></p>';
        note("${version}");
      },
    }`;
  const host = await serve({ "a/widget.js": source("one") });
  const page = await open(host, await host.view("a", { shadow: true }));
  await noted(page, ["one"]);
  const focused = () => page.evaluate(() => document.querySelector("any-widget").shadowRoot?.activeElement?.shadowRoot?.activeElement?.className);
  await page.locator(".field").focus();
  assert.equal(await focused(), "field");
  await host.write("a/widget.js", source("two"));
  await noted(page, ["one", "two"]);
  await eventually(async () => assert.equal(await focused(), "field"));
});
