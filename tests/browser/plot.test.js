/** The plot that ships with the product, in a real page: what it draws, what hands and keys do, what it says when data is wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, insert, open, settle } from "./support/index.js";
import { serveShipped } from "./support/shipped.js";

/** @import { Locator, Page } from "playwright-core" */
/** @typedef {import("./support/host.js").Host} Host */

const CSP = "default-src 'self'; img-src 'self' data:";

/** f32 bytes of numbers. @param {number[]} values */
const f32 = (values) => new Uint8Array(Float32Array.from(values).buffer);
/** The same in a widget.json. @param {number[]} values */
const json32 = (values) => ({ $bytes: Buffer.from(f32(values)).toString("base64") });
/** 0, 1, 2, …: the value at the crosshair is the place it is at. @param {number} length */
const ramp = (length) => Array.from({ length }, (_, i) => i);

/** Two lines of a thousand values: a ramp, and one that stays at 500. */
const TWO = { series: [{ label: "Ramp", y: json32(ramp(1001)) }, { label: "Flat", y: ramp(1001).map(() => 500) }], x: null, x_title: "", y_title: "" };

/** @param {Page} page */
const canvasOf = (page) => page.getByRole("application");
/** A button of the legend. @param {Page} page @param {string} name */
const line = (page, name) => page.getByRole("group", { name: "Lines" }).getByRole("button", { name });

/** The number beside a name in the legend. @param {Page} page @param {string} name */
const legend = async (page, name) => Number((await line(page, name).locator(".aw-plot-value").innerText()).replace(/,/g, "").replace("−", "-"));

/**
 * The pixels of the canvas, from one part of its width to another: their hash, and how many have the colour of a line.
 * @param {Page} page @param {string} [name]
 */
async function pixels(page, name, from = 0, to = 1) {
  const color = name ? await line(page, name).locator(".aw-plot-swatch").evaluate((swatch) => getComputedStyle(swatch).color) : "red";
  return canvasOf(page).evaluate(async (canvas, [color, from, to]) => {
    if (!(canvas instanceof HTMLCanvasElement)) throw new Error("no canvas");
    const context = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d"); // a copy: reading changes how a canvas is drawn
    const pen = new OffscreenCanvas(1, 1).getContext("2d");
    if (!context || !pen) throw new Error("no context");
    context.drawImage(canvas, 0, 0);
    pen.fillStyle = color;
    pen.fillRect(0, 0, 1, 1);
    const [r, g, b] = pen.getImageData(0, 0, 1, 1).data;
    const left = Math.floor(canvas.width * from);
    const { data } = context.getImageData(left, 0, Math.max(Math.floor(canvas.width * to) - left, 1), canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 100 && Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 30) count++;
    return { count, hash: [...new Uint8Array(await crypto.subtle.digest("SHA-256", data))].join() };
  }, /** @type {const} */ ([color, from, to]));
}

/** How much of the canvas has the colour of a line. @param {Page} page @param {string} name */
const drawn = async (page, name, from = 0, to = 1) => (await pixels(page, name, from, to)).count;

/** The whole picture, to compare. @param {Page} page */
const picture = async (page) => (await pixels(page)).hash;

/** Waits until the host has this. @param {Host} host @param {object} expected */
const holds = (host, expected) =>
  eventually(async () => {
    const state = await host.state("plot");
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, state[key]])), expected);
  });

/** The range that the host has, once it fits. @param {Host} host @param {(from: number, to: number) => boolean} fits @returns {Promise<[number, number]>} */
const ranges = (host, fits) =>
  eventually(async () => {
    const { range } = await host.state("plot");
    assert.ok(range && fits(range[0], range[1]), `the range is ${range}`);
    return range;
  });

/** Where a part of the canvas is on the screen. @param {Page} page @param {number} x @param {number} y */
async function spot(page, x, y) {
  await canvasOf(page).scrollIntoViewIfNeeded();
  const box = await canvasOf(page).boundingBox();
  assert.ok(box, "the canvas is visible");
  return { x: box.x + x * box.width, y: box.y + y * box.height };
}

/** Opens it alone and waits until the first line is drawn. @param {Host} host @param {string} [path] */
async function openPlot(host, path = "/w/plot") {
  const page = await open(host, path);
  await eventually(async () => assert.ok((await drawn(page, "Ramp")) > 100));
  return page;
}

const serveTwo = (state = {}) => serveShipped("plot", { ...TWO, ...state });

test("what ships draws its two lines at once, with the newest values in the legend", async () => {
  const host = await serveShipped("plot");
  const page = await open(host, "/");
  for (const name of ["Garden", "Hall"]) await eventually(async () => assert.ok((await drawn(page, name)) > 300));
  assert.match(await line(page, "Garden").innerText(), /^Garden\s+\d+\.\d+$/);
});

test("bytes and lists of the same numbers are the same picture", async () => {
  const values = ramp(300).map((i) => Math.round(100 * Math.sin(i / 20)));
  const host = await serveTwo({ series: [{ label: "Ramp", y: json32(values) }] });
  const page = await openPlot(host);
  const before = await picture(page);
  const client = await connect(host, "plot");
  await client.set({ series: [{ label: "Ramp", y: ramp(10) }] });
  await eventually(async () => assert.notEqual(await picture(page), before));
  await client.set({ series: [{ label: "Ramp", y: values }] });
  await eventually(async () => assert.equal(await picture(page), before));
});

test("new titles, y range and x arrive in the picture", async () => {
  const host = await serveTwo();
  const page = await openPlot(host);
  const client = await connect(host, "plot");
  for (const state of [{ x_title: "Seconds" }, { y_title: "Volts" }, { y_range: [-1000, 2000] }, { x: { start: 5, step: 2 } }]) {
    const before = await picture(page);
    await client.set(state);
    await eventually(async () => assert.notEqual(await picture(page), before));
  }
});

test("a drag keeps the value under the hand, saves the range, and other pages pan along", async () => {
  const host = await serveTwo({ range: [400, 600] });
  const page = await openPlot(host);
  const other = await openPlot(host);
  await page.bringToFront();
  const [from, to] = [await spot(page, 0.5, 0.4), await spot(page, 0.75, 0.4)];
  await page.mouse.move(from.x, from.y);
  await eventually(async () => assert.ok(Math.abs((await legend(page, "Ramp")) - 500) < 15));
  const held = await legend(page, "Ramp");
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 8 });
  const [left, right] = await ranges(host, (from) => from < 360);
  assert.ok(Math.abs(right - left - 200) < 1e-6, "as wide as before");
  await eventually(async () => assert.ok(Math.abs((await legend(page, "Ramp")) - held) <= 1, "the value under the hand"));
  await page.mouse.up();
  await page.mouse.move(to.x + 20, to.y);
  await settle(page);
  assert.deepEqual((await host.state("plot")).range, [left, right], "let go");
  await page.mouse.move(0, 0);
  await other.bringToFront();
  await eventually(async () => assert.equal(await picture(other), await picture(page)));
});

test("a drag ends where the data ends", async () => {
  const host = await serveTwo({ range: [10, 200] });
  const page = await openPlot(host);
  const [from, to] = [await spot(page, 0.2, 0.4), await spot(page, 0.9, 0.4)];
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(to.x, to.y, { steps: 5 });
  await page.mouse.up();
  await holds(host, { range: [0, 190] });
});

test("the wheel alone scrolls the page; with Ctrl it zooms around the pointer; sideways it pans", async () => {
  const host = await serveTwo({ range: [400, 600] });
  const page = await open(host, `${await host.view("plot")}<div style="height: 3000px"></div>`);
  await eventually(async () => assert.ok((await drawn(page, "Ramp")) > 100));
  const at = await spot(page, 0.7, 0.4);
  await page.mouse.move(at.x, at.y);
  await eventually(async () => assert.ok((await legend(page, "Ramp")) > 520));
  const held = await legend(page, "Ramp");

  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -300);
  await page.keyboard.up("Control");
  const [from, to] = await ranges(host, (from, to) => to - from < 120);
  assert.ok(from < held && held < to);
  await eventually(async () => assert.ok(Math.abs((await legend(page, "Ramp")) - held) <= 1, "the value under the pointer"));
  assert.equal(await page.evaluate(() => scrollY), 0);

  await page.mouse.wheel(100, 0);
  const [left] = await ranges(host, (left) => left > from + 5);
  await page.keyboard.down("Shift");
  await page.mouse.wheel(0, 50);
  await page.keyboard.up("Shift");
  const panned = await ranges(host, (from) => from > left + 2);

  await page.mouse.wheel(0, 200);
  await page.waitForFunction(() => scrollY > 100);
  assert.deepEqual((await host.state("plot")).range, panned);
});

test("a wheel that has nothing to pan to is the page's", async () => {
  const host = await serveTwo();
  const page = await open(host, `${await host.view("plot")}<div style="width: 5000px; height: 1px"></div>`);
  await eventually(async () => assert.ok((await drawn(page, "Ramp")) > 100));
  const at = await spot(page, 0.1, 0.4);
  await page.mouse.move(at.x, at.y);
  await page.mouse.wheel(200, 0);
  await page.waitForFunction(() => scrollX > 100);
});

test("two fingers zoom, one pans", async () => {
  const host = await serveTwo({ range: [400, 600] });
  const page = await openPlot(host);
  const touch = await page.context().newCDPSession(page);
  const fingers = async (/** @type {string} */ type, /** @type {number[]} */ ...parts) =>
    touch.send("Input.dispatchTouchEvent", { type: /** @type {any} */ (type), touchPoints: await Promise.all(parts.map(async (part, id) => ({ ...(await spot(page, part, 0.4)), id }))) });
  await fingers("touchStart", 0.4, 0.6);
  for (const spread of [0.12, 0.15, 0.2, 0.25]) await fingers("touchMove", 0.5 - spread, 0.5 + spread);
  await fingers("touchEnd");
  const [from, to] = await ranges(host, (from, to) => Math.abs(to - from - 80) < 3); // of the 200, once both fingers are where they end: 89 with only one there
  assert.ok(Math.abs((from + to) / 2 - 500) < 10, `around the middle: ${from} to ${to}`);

  await fingers("touchStart", 0.3);
  for (const part of [0.4, 0.5, 0.6]) await fingers("touchMove", part);
  await fingers("touchEnd");
  const [left, right] = await ranges(host, (left) => left < from - 15);
  assert.ok(Math.abs(right - left - (to - from)) < 1e-6);
});

test("keys: arrows and pages pan, plus and minus zoom, Home and End go to the ends, 0 and Escape show all", async () => {
  const host = await serveTwo({ range: [400, 600] });
  const page = await openPlot(host);
  await canvasOf(page).focus();
  for (const [key, state] of /** @type {[string, object][]} */ ([
    ["ArrowRight", { range: [420, 620] }], ["ArrowLeft", { range: [400, 600] }],
    ["PageDown", { range: [600, 800] }], ["PageUp", { range: [400, 600] }],
    ["-", { range: [350, 650] }], ["+", { range: [400, 600] }],
    ["Home", { range: [0, 200] }], ["End", { range: null, window: 200 }],
    ["0", { range: null, window: null }], ["+", { range: null, window: 1000 / 1.5 }],
    ["ArrowLeft", { window: 1000 / 1.5 }], ["Escape", { range: null, window: null }],
  ])) {
    await page.keyboard.press(key);
    await holds(host, state);
  }
});

test("keys with Ctrl or Alt are the browser's", async () => {
  const host = await serveTwo({ range: [400, 600] });
  const page = await openPlot(host);
  await canvasOf(page).focus();
  const prevented = await canvasOf(page).evaluate((canvas) =>
    ["ctrlKey", "altKey", "metaKey"].map((modifier) => !canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", [modifier]: true, cancelable: true }))));
  assert.deepEqual(prevented, [false, false, false]);
});

test("buttons zoom and show all; Show all is off while all is shown", async () => {
  const host = await serveTwo();
  const page = await openPlot(host);
  const button = (/** @type {string} */ name) => page.getByRole("button", { name, exact: true });
  await eventually(async () => assert.equal(await button("Show all").getAttribute("aria-disabled"), "true"));
  assert.equal(await button("Newest").isVisible(), false);
  await button("Zoom in").click();
  await holds(host, { range: null, window: 1000 / 1.5 });
  await eventually(async () => assert.equal(await button("Show all").getAttribute("aria-disabled"), "false"));
  await button("Zoom out").click();
  await holds(host, { range: null, window: null });
});

test("data that grows is followed; a view with a range stays, and Newest brings it back", async () => {
  const host = await serveTwo({ window: 100 });
  const page = await openPlot(host);
  const at = await spot(page, 0.5, 0.4);
  await page.mouse.move(at.x, at.y);
  await eventually(async () => assert.ok(Math.abs((await legend(page, "Ramp")) - 950) < 10));
  const client = await connect(host, "plot");
  await client.set({ series: [{ label: "Ramp", y: f32(ramp(2001)) }] });
  await eventually(async () => assert.ok(Math.abs((await legend(page, "Ramp")) - 1950) < 10));

  await client.set({ range: [300, 400] });
  await eventually(async () => assert.ok(Math.abs((await legend(page, "Ramp")) - 350) < 10));
  await page.mouse.move(0, 0);
  await eventually(async () => assert.equal(await legend(page, "Ramp"), 2000, "without a pointer the newest"));
  const still = await picture(page);
  await client.set({ series: [{ label: "Ramp", y: f32(ramp(3001)) }] });
  await eventually(async () => assert.equal(await legend(page, "Ramp"), 3000));
  await settle(page);
  assert.equal(await picture(page), still);
  await page.getByRole("button", { name: "Newest" }).click();
  await holds(host, { range: null, window: 100 });
  assert.equal(await canvasOf(page).evaluate((canvas) => canvas.matches(":focus")), true, "the focus is not lost with the button");
  await page.mouse.move(at.x, at.y);
  await eventually(async () => assert.ok(Math.abs((await legend(page, "Ramp")) - 2950) < 10));
});

test("hovering reads the values under the pointer; without it the legend has the newest", async () => {
  const host = await serveTwo();
  const page = await openPlot(host);
  assert.equal(await legend(page, "Ramp"), 1000);
  const bare = await picture(page);
  const at = await spot(page, 0.4, 0.4);
  await page.mouse.move(at.x, at.y);
  await eventually(async () => assert.ok(Math.abs((await legend(page, "Ramp")) - 370) < 40));
  assert.equal(await legend(page, "Flat"), 500);
  await page.mouse.move(0, 0);
  await eventually(async () => assert.equal(await legend(page, "Ramp"), 1000));
  await eventually(async () => assert.equal(await picture(page), bare));
});

test("Shift and arrows read value by value, and what is read is said once the keys are still", async () => {
  const host = await serveTwo({ range: [500, 510], series: [{ label: "Ramp", y: ramp(1001) }, { label: "Flat", y: ramp(1001).map((i) => (i === 507 ? null : 500)) }] });
  const page = await openPlot(host);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await eventually(async () => assert.equal(await legend(page, "Ramp"), 505));
  await page.keyboard.press("Shift+ArrowRight");
  await eventually(async () => assert.equal(await legend(page, "Ramp"), 506));
  await page.keyboard.press("Shift+ArrowRight");
  await eventually(async () => assert.equal(await page.getByRole("status").innerText(), "500 to 510; at 507: Ramp 507.00, Flat no value"));
  assert.equal(await line(page, "Flat").locator(".aw-plot-value").innerText(), "–");
  await page.keyboard.press("Shift+ArrowLeft");
  await eventually(async () => assert.equal(await page.getByRole("status").innerText(), "500 to 510; at 506: Ramp 506.00, Flat 500.00"));
});

test("the legend switches a line off and on, in every page", async () => {
  const host = await serveTwo();
  const page = await openPlot(host);
  const other = await openPlot(host);
  await page.bringToFront();
  await line(page, "Flat").click();
  await holds(host, { hidden: [1] });
  for (const one of [page, other]) {
    await one.bringToFront();
    await eventually(async () => assert.equal(await drawn(one, "Flat"), 0));
    assert.equal(await line(one, "Flat").getAttribute("aria-pressed"), "false");
    assert.equal(await line(one, "Ramp").getAttribute("aria-pressed"), "true");
    assert.ok((await drawn(one, "Ramp")) > 100);
  }
  await line(other, "Ramp").focus();
  await other.keyboard.press("Enter");
  await holds(host, { hidden: [0, 1] });
  await other.getByText("All lines are switched off").waitFor();
  await other.keyboard.press("Space");
  await holds(host, { hidden: [1] });
  await line(other, "Flat").click();
  await holds(host, { hidden: [] });
  await page.bringToFront();
  await eventually(async () => assert.ok((await drawn(page, "Flat")) > 100));
});

test("a gap breaks the line", async () => {
  const y = ramp(101).map((i) => (i > 40 && i < 60 ? NaN : 50));
  const host = await serveTwo({ series: [{ label: "Ramp", y: json32(y) }] });
  const page = await openPlot(host);
  const [solid, gap] = [await drawn(page, "Ramp", 0.2, 0.3), await drawn(page, "Ramp", 0.48, 0.54)];
  assert.ok(solid > 50);
  assert.ok(gap < solid / 3, `${gap} in the gap, ${solid} beside it`);
});

test("a single value between two gaps is a dot", async () => {
  const host = await serveTwo({ series: [{ label: "Ramp", y: ramp(101).map((i) => (i < 30 ? 1 : i === 60 ? 1 : null)) }] });
  const page = await openPlot(host);
  assert.equal(await drawn(page, "Ramp", 0.8, 1), 0);
  assert.ok((await drawn(page, "Ramp", 0.55, 0.68)) > 0);
});

test("a line whose bytes are cut off is left out with a sentence that says so, and comes with the next value that is right", async () => {
  const host = await serveTwo();
  const page = await openPlot(host);
  const client = await connect(host, "plot");
  await client.set({ series: [{ label: "Ramp", y: f32(ramp(100)) }, { label: "Broken", y: new Uint8Array(403) }] });
  const alert = page.getByRole("alert");
  await eventually(async () => assert.deepEqual(await alert.allInnerTexts(), ["Broken: y has 403 bytes, which is no multiple of 4: a number is cut off."]));
  assert.ok((await drawn(page, "Ramp")) > 100);
  assert.equal(await page.getByRole("button", { name: "Broken" }).count(), 0);
  await client.set({ series: [{ label: "Broken", y: new Uint8Array(3) }] });
  await page.getByText("Nothing to draw").waitFor();
  await client.set({ series: [{ label: "Broken", y: f32(ramp(100)) }] });
  await eventually(async () => assert.ok((await drawn(page, "Broken")) > 100));
  assert.equal(await alert.count(), 0);
});

test("without data it says so, and draws what comes first", async () => {
  for (const series of [[], [{ label: "Ramp", y: [] }], null]) {
    const host = await serveTwo({ series });
    const page = await open(host, "/w/plot");
    await page.getByText("No data yet").waitFor();
    await canvasOf(page).focus();
    for (const key of ["+", "ArrowLeft", "End", "Escape", "Shift+ArrowRight"]) await page.keyboard.press(key);
    const client = await connect(host, "plot");
    await client.set({ series: [{ label: "Ramp", y: f32(ramp(50)) }] });
    await eventually(async () => assert.ok((await drawn(page, "Ramp")) > 100));
    assert.equal(await page.getByText("No data yet").count(), 0);
    await page.close();
  }
});

test("a hundred thousand points: a frame of a pan draws as many strokes as there are pixels, not points", async () => {
  const host = await serveTwo({ series: [{ label: "Ramp", y: json32(ramp(100_000).map((i) => Math.sin(i / 50))) }], range: [10_000, 90_000] });
  const page = await openPlot(host);
  await page.evaluate(() => {
    const { prototype } = CanvasRenderingContext2D;
    const { lineTo, clearRect } = prototype;
    prototype.lineTo = function (...args) {
      frames[frames.length - 1]++;
      return lineTo.apply(this, args);
    };
    prototype.clearRect = function (...args) {
      frames.push(0);
      return clearRect.apply(this, args);
    };
    /** @type {number[]} */
    const frames = [];
    Object.assign(window, { frames });
  });
  await canvasOf(page).focus();
  for (const key of ["ArrowLeft", "ArrowRight", "+", "ArrowLeft"]) await page.keyboard.press(key);
  await ranges(host, (from, to) => to - from < 70_000);
  await settle(page);
  const frames = await page.evaluate(() => /** @type {any} */ (window).frames);
  const width = await canvasOf(page).evaluate((canvas) => canvas.clientWidth);
  assert.ok(frames.length >= 1);
  for (const count of frames) assert.ok(count > width / 2 && count < 5 * width, `${count} strokes for ${width} pixels`);
});

test("the canvas has the pixels of the device, also after a zoom of the page", async () => {
  const host = await serveTwo();
  const page = await openPlot(host);
  const device = await page.context().newCDPSession(page);
  for (const [deviceScaleFactor, width] of [[2, 800], [3, 500], [1, 700]]) {
    await device.send("Emulation.setDeviceMetricsOverride", { deviceScaleFactor, width, height: 700, mobile: false });
    await eventually(async () => {
      const [real, css] = await canvasOf(page).evaluate((canvas) => [canvas instanceof HTMLCanvasElement ? canvas.width : 0, canvas.clientWidth]);
      assert.equal(real, css * deviceScaleFactor);
    });
    await eventually(async () => assert.ok((await drawn(page, "Ramp")) > 100));
  }
});

test("dark and light: the picture changes with the reader's colour scheme, without a new load", async () => {
  const host = await serveTwo();
  const page = await openPlot(host);
  const light = await picture(page);
  const color = () => line(page, "Ramp").locator(".aw-plot-swatch").evaluate((swatch) => getComputedStyle(swatch).color);
  const before = await color();
  await page.emulateMedia({ colorScheme: "dark" });
  await eventually(async () => assert.notEqual(await picture(page), light));
  assert.notEqual(await color(), before);
  await eventually(async () => assert.ok((await drawn(page, "Ramp")) > 100));
  await page.emulateMedia({ colorScheme: "light" });
  await eventually(async () => assert.equal(await picture(page), light));
});

test("at 320 px everything fits, and is large enough for a finger", async () => {
  const host = await serveTwo({ x_title: "A title that is rather long for a phone, and goes on", range: [100, 300] });
  const page = await openPlot(host);
  await page.setViewportSize({ width: 320, height: 640 });
  await settle(page);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 320);
  for (const button of await page.getByRole("button").all()) {
    if (!(await button.isVisible())) continue;
    const box = await button.boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 320 && box.width >= 44 && box.height >= 44, JSON.stringify(box));
  }
});

test("it works in a shadow root and in the light DOM, under a strict Content-Security-Policy", async () => {
  for (const shadow of [true, false]) {
    const host = await serveTwo({ range: [100, 300] });
    const page = await open(host, await host.view("plot", { shadow }), { csp: CSP });
    await eventually(async () => assert.ok((await drawn(page, "Ramp")) > 100));
    assert.equal(await line(page, "Ramp").evaluate((button) => getComputedStyle(button).minHeight), "44px", "its stylesheet is there");
    await canvasOf(page).focus();
    await page.keyboard.press("Home");
    await holds(host, { range: [0, 200] });
    await line(page, "Flat").click();
    await holds(host, { hidden: [1] });
    await page.close();
  }
});

test("roles and names: a group with lines to switch, a canvas that says what its keys do, buttons with names", async () => {
  const host = await serveTwo();
  const page = await openPlot(host);
  await page.getByRole("group", { name: "Plot", exact: true }).waitFor();
  assert.match(String(await canvasOf(page).getAttribute("aria-label")), /^Plot of Ramp, Flat\. Arrows pan/);
  assert.deepEqual(await page.getByRole("button", { name: /^(Zoom in|Zoom out|Show all)$/ }).count(), 3);
  assert.deepEqual(await page.getByRole("button", { pressed: true }).count(), 2);
  await page.keyboard.press("Tab");
  assert.equal(await line(page, "Ramp").evaluate((button) => button.matches(":focus-visible") && getComputedStyle(button).outlineStyle), "solid");
});

test("without motion nothing moves by itself, and with forced colours the canvas uses them", async () => {
  const host = await serveTwo();
  const page = await openPlot(host);
  await page.emulateMedia({ reducedMotion: "reduce", forcedColors: "active" });
  assert.equal(await line(page, "Ramp").evaluate((button) => getComputedStyle(button).transitionDuration), "0s");
  const [ink, system] = await canvasOf(page).evaluate((canvas) => {
    const probe = canvas.parentElement?.appendChild(document.createElement("i"));
    if (!probe) throw new Error("no parent");
    probe.style.color = "CanvasText";
    const { color } = getComputedStyle(probe);
    probe.remove();
    return [getComputedStyle(canvas).color, color];
  });
  assert.equal(ink, system);
});

test("a view that is gone draws no more, and the others go on", async () => {
  const host = await serveTwo();
  const page = await openPlot(host);
  await insert(page, await host.view("plot"));
  await eventually(async () => assert.equal(await page.getByRole("application").count(), 2));
  await page.evaluate(() => {
    const gone = document.querySelectorAll("canvas")[1];
    const { prototype } = CanvasRenderingContext2D;
    const { clearRect } = prototype;
    prototype.clearRect = function (...args) {
      note(this.canvas === gone ? "gone" : "here");
      return clearRect.apply(this, args);
    };
    document.querySelectorAll("any-widget")[1].remove();
  });
  await settle(page);
  await page.evaluate(() => void (window.notes.length = 0));
  const client = await connect(host, "plot");
  await client.set({ series: [{ label: "Ramp", y: ramp(20) }] });
  await page.evaluate(() => dispatchEvent(new Event("resize")));
  await eventually(async () => assert.equal(await legend(page, "Ramp"), 19));
  await settle(page);
  assert.deepEqual([...new Set(await page.evaluate(() => window.notes))], ["here"]);
});
