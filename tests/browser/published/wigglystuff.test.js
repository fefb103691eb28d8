/** wigglystuff 0.5.36: a container that floats its child in a window of its own, and a grid to draw on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, insert, noted, open, refusals, settle, warnings } from "../support/index.js";
import { picture } from "../support/picture.js";
import { blockNetwork, servePublished, STRICT, unmount } from "../support/published.js";
import { valve } from "../support/valve.js";

/**
 * @import { Locator, Page } from "playwright-core"
 * @import { Part, Published } from "../support/published.js"
 */

const ID = "wigglystuff";

/** @type {Part} */
const SLIDER = { esm: "wigglystuff/static/2dslider.js", state: { x: 0, y: 0, x_bounds: [-1, 1], y_bounds: [-1, 1], width: 400, height: 400 } };

/** @type {Part} */
const GRID = {
  esm: "wigglystuff/static/griddraw.js", css: "wigglystuff/static/griddraw.css",
  state: { dots: [], lines: [], rows: 8, cols: 8, line_width: 2, dot_radius: 6, theme: null, width: 440, height: 440 },
};

/** The container, with a child of this kind. @param {Part} child @returns {Published} */
const pip = (child) => ({
  name: ID, version: "0.5.36", esm: "wigglystuff/static/pip.js", css: "wigglystuff/static/pip.css",
  state: { child: "anywidget:s", floating: false, width: 400, height: 300 },
  more: { s: child },
});

/** Drags through these points, in parts of an element. @param {Page} page @param {Locator} element @param {[number, number][]} points */
async function drag(page, element, [first, ...others]) {
  const box = await element.boundingBox();
  assert.ok(box);
  const at = (/** @type {[number, number]} */ [x, y]) => /** @type {const} */ ([box.x + x * box.width, box.y + y * box.height]);
  await page.mouse.move(...at(first));
  await page.mouse.down();
  for (const point of others) await page.mouse.move(...at(point));
  await page.mouse.up();
}

/** Opens the child's own window. @param {Page} page @returns {Promise<Page>} that window */
async function float(page) {
  const opened = page.context().waitForEvent("page");
  await page.locator(".pip-stage").first().hover();
  await page.locator(".pip-pop").first().click();
  return opened;
}

/** From now on each `off` of a widget is noted, and whether the listener it names was registered by `on`. @param {Page} page */
const noteOff = (page) =>
  page.evaluate(async () => {
    // @ts-ignore: an address of the page
    const { prototype } = (await import("/anywidget/model.js")).Model;
    const { on, off } = prototype;
    const registered = new Set();
    Object.assign(prototype, {
      on(/** @type {any[]} */ ...args) {
        registered.add(args[3]);
        return on.apply(this, args);
      },
      off(/** @type {any[]} */ ...args) {
        const [{ model_id }, names, callback] = args;
        if (names) window.note("off", model_id, names, registered.has(callback)); // the runtime itself names none
        return off.apply(this, args);
      },
    });
  });

for (const shadow of [false, true]) {
  const where = shadow ? "a shadow root" : "light DOM";

  test(`D7: wigglystuff 0.5.36, pip with a 2D slider, in ${where}`, async (t) => {
    const host = await servePublished(t, pip(SLIDER));
    if (!host) return;
    const abroad = await blockNetwork(host);
    const other = await open(host, await host.view("s", { shadow }));
    const wire = await valve(); // on the sockets of the page with the container
    const page = await open(host, "", { trial: STRICT });
    await noteOff(page);
    await insert(page, (await host.view(ID, { shadow })).repeat(2));
    const client = await connect(host, ID);
    const child = await connect(host, "s");
    const show = (/** @type {string} */ text) =>
      eventually(async () => {
        const views = await page.locator("any-widget").count();
        assert.deepEqual(await page.locator(".pip-stage #sliderValues").allInnerTexts(), Array(views).fill(text));
        assert.equal(await other.locator("#sliderValues").innerText(), text);
      });
    const saves = (/** @type {string} */ of) => wire.frames.filter(({ id, sent, frame }) => id === of && sent && frame.type === "set").map(({ frame }) => frame.state);

    // The container has got its child, for which the page has no element, in both of its views (H8).
    await show("X: 0.00, Y: 0.00");
    assert.equal(await page.locator("any-widget[model=s]").count(), 0);
    assert.equal(wire.open, 2, "one socket for each model");

    // A drag writes to the child's model, and every view of it follows.
    await page.bringToFront(); // Chromium takes its time with a mouse in a page behind another
    const canvas = page.locator(".pip-stage canvas");
    await drag(page, canvas.first(), [[0.5, 0.5], [0.6, 0.4], [0.75, 0.25]]);
    const dragged = async () => {
      const { x, y } = await host.state("s");
      assert.ok(Math.abs(x - 0.56) < 0.01 && Math.abs(y - 0.56) < 0.01, `it is at ${x}, ${y}`);
    };
    await eventually(dragged);
    await show("X: 0.56, Y: 0.56");
    assert.ok(saves("s").length > 0);
    for (const state of saves("s")) assert.deepEqual(Object.keys(state).filter((key) => key !== "x" && key !== "y"), []);
    assert.deepEqual(saves(ID), [], "the container's own model has not changed");
    await child.set({ x: -0.5, y: 0.25 });
    await show("X: -0.50, Y: 0.25");

    // A window of its own needs a hand on the button: one that is pushed the widget takes back.
    await client.set({ floating: true });
    await eventually(async () => assert.equal((await host.state(ID)).floating, false));
    assert.deepEqual(saves(ID), [{ floating: false }]);
    assert.equal(warnings(page).filter((text) => text.includes("[Pip] cannot open")).length, 1);

    // The end of a view takes its listener with it, by the widget's own hand, and the child's view; the second one lives on.
    await noted(page, []);
    await unmount(page, ".pip-stage canvas");
    await noted(page, [`off ${ID} change:floating true`]);
    await drag(page, canvas.last(), [[0.5, 0.5], [0.4, 0.4], [0.25, 0.25]]);
    await show("X: -0.56, Y: 0.56");

    // Now the child goes to a window of its own, where it is as it was and writes as it did. A push calls it back.
    const floating = await float(page);
    await eventually(async () => assert.equal(await floating.locator("#sliderValues").innerText(), "X: -0.56, Y: 0.56"));
    assert.equal(await canvas.count(), 0);
    await eventually(async () => assert.equal((await host.state(ID)).floating, true));
    assert.deepEqual(saves(ID), [{ floating: false }, { floating: true }]);
    await drag(floating, floating.locator("canvas"), [[0.5, 0.5], [0.6, 0.4], [0.75, 0.25]]);
    await eventually(dragged);
    const called = floating.waitForEvent("close");
    await client.set({ floating: false });
    await called;
    await show("X: 0.56, Y: 0.56");

    // With the last view the window goes, and nothing holds the child any more.
    const orphan = await float(page);
    await orphan.locator("canvas").waitFor();
    const closed = orphan.waitForEvent("close");
    await settle(page);
    assert.deepEqual(await refusals(page), ["style-src-attr inline"], "beyond a strict policy it needs its style attributes");
    await page.locator("any-widget").evaluate((element) => element.remove());
    await closed;
    await noted(page, Array(2).fill(`off ${ID} change:floating true`));
    await eventually(() => assert.equal(wire.open, 0));
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });

  test(`D7: wigglystuff 0.5.36, griddraw, in ${where}`, async (t) => {
    const host = await servePublished(t, { name: ID, version: "0.5.36", ...GRID });
    if (!host) return;
    const abroad = await blockNetwork(host);
    const other = await open(host, await host.view(ID, { shadow }));
    const wire = await valve();
    const page = await open(host, (await host.view(ID, { shadow })).repeat(2), { trial: STRICT });
    const client = await connect(host, ID);
    const boards = [page.locator("svg.gd-canvas").nth(0), page.locator("svg.gd-canvas").nth(1), other.locator("svg.gd-canvas")];
    const [board] = boards;
    const holds = async (/** @type {number} */ circles, /** @type {number} */ lines) => {
      for (const each of boards) {
        await eventually(async () => assert.deepEqual({ circles: await each.locator("circle").count(), lines: await each.locator("line").count() }, { circles, lines }));
      }
    };
    const saves = () => wire.sent("set").map(({ state }) => state);

    await holds(81, 18);
    const corner = page.locator(".gd-toolbar").first().evaluate((element) => getComputedStyle(element).borderRadius);
    assert.equal(await corner, "8px", "the stylesheet applies where the widget is");

    // Both keys are listened to by names in one string (E4, E8).
    await client.set({ rows: 4, cols: 4 });
    await holds(25, 10);
    await client.set({ cols: 3 });
    await holds(20, 9);
    await client.set({ cols: 4 });
    await holds(25, 10);

    // The top left corner of the plot is its first dot; its margin is 18 of 440 px.
    await page.bringToFront();
    await board.click({ position: { x: 18, y: 18 } });
    await holds(26, 10);
    assert.deepEqual(saves(), [{ dots: [[0, 0]] }], "only what changed is saved");
    await eventually(async () => assert.deepEqual((await host.state(ID)).dots, [[0, 0]]));

    // A drag in line mode, from the middle of a step to that of the next one: a stair of eight.
    await page.getByRole("button", { name: "Line mode" }).first().click();
    const steps = Array.from({ length: 8 }, (_, i) => /** @type {[number, number]} */ ([Math.ceil(i / 2) + (i % 2 ? 0 : 0.5), i % 2 ? Math.floor(i / 2) + 0.5 : i / 2]));
    const inBoard = (/** @type {number} */ cells) => (18 + (404 / 4) * cells) / 440;
    await drag(page, board, steps.map(([x, y]) => [inBoard(x), inBoard(y)]));
    const stair = [0, 1, 2, 3].flatMap((k) => [{ from: [k, k], to: [k, k + 1], width: 2 }, { from: [k, k + 1], to: [k + 1, k + 1], width: 2 }]);
    await eventually(async () => assert.deepEqual((await host.state(ID)).lines, stair));
    await holds(26, 18);
    for (const state of saves().slice(1)) assert.deepEqual(Object.keys(state), ["lines"]);

    // From the other page, too.
    await other.bringToFront();
    await boards[2].click({ position: { x: 422, y: 422 } });
    await holds(27, 18);
    assert.deepEqual((await host.state(ID)).dots, [[0, 0], [4, 4]]);
    await picture(page, ID, { of: ".griddraw", margin: 0 });

    // Without one of its views the other goes on.
    await page.locator("any-widget").first().evaluate((element) => element.remove());
    boards.shift();
    boards[0] = page.locator("svg.gd-canvas");
    await client.set({ dots: [], lines: [] });
    await holds(25, 10);
    await settle(page);
    assert.deepEqual(await refusals(page), [], "it runs under a strict Content-Security-Policy");
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });
}

test("H5: wigglystuff 0.5.36, pip: a child takes its stylesheet into a window of its own", async (t) => {
  const host = await servePublished(t, pip(GRID));
  if (!host) return;
  // A page of the host as it is: Playwright holds up what such a window asks for once it looks at any request.
  const page = await open(host, `/w/${ID}`);
  await page.locator(".pip-stage .gd-toolbar").waitFor();
  const floating = await float(page);
  const toolbar = floating.locator(".gd-toolbar");
  assert.equal(await toolbar.evaluate((element) => getComputedStyle(element).borderRadius), "8px");
  await floating.locator("svg.gd-canvas").click({ position: { x: 18, y: 18 } });
  await eventually(async () => assert.deepEqual((await host.state("s")).dots, [[0, 0]]));
});
