/** plotly 7.1.0 FigureWidget: a factory, arrays as nested bytes, commands as traits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, open, refusals, settle } from "../support/index.js";
import { picture } from "../support/picture.js";
import { blockNetwork, servePublished, STRICT } from "../support/published.js";
import { valve } from "../support/valve.js";

/**
 * @import { Locator, Page } from "playwright-core"
 * @import { Published } from "../support/published.js"
 */

/** Little-endian floats of 64 bits. @param {number[]} numbers */
const f64 = (numbers) => new Uint8Array(Float64Array.from(numbers).buffer);

/** Commands are traits: one side sets them, the other does what they say. In Python each of them starts like this. */
const COMMANDS = {
  _py2js_addTraces: {}, _py2js_animate: {}, _py2js_deleteTraces: {}, _py2js_moveTraces: {}, _py2js_relayout: null,
  _py2js_removeLayoutProps: {}, _py2js_removeTraceProps: {}, _py2js_restyle: {}, _py2js_update: {}, _js2py_layoutDelta: {},
  _js2py_pointsCallback: {}, _js2py_relayout: {}, _js2py_restyle: {}, _js2py_traceDeltas: {}, _js2py_update: {},
};

/** @type {Published} */
const PLOTLY = {
  name: "plotly", version: "7.1.0", esm: "plotly/package_data/widgetbundle.js",
  state: {
    _config: {}, _last_layout_edit_id: 0, _last_trace_edit_id: 0, _widget_layout: { width: 600, height: 400 }, ...COMMANDS,
    _widget_data: [
      {
        type: "scatter", mode: "lines+markers", uid: "t0",
        x: { dtype: "float64", shape: [3], buffer: { $bytes: Buffer.from(f64([1, 2, 3])).toString("base64") } }, y: [2, 1, 3],
      },
    ],
  },
};

/** The widget sets this key, which its Python class does not have either. */
const UNKNOWN = "_js2py_widget_layoutDelta";
/** A view listens to the model of its factory, so it still hears commands when it has gone, and fails at those for its traces. */
const OWN_ERROR = /^\[anywidget\] plotly: listener: TypeError: Cannot read properties of undefined/;
/** A module of 5 MB has to be fetched and compiled first (ms). */
const PATIENT = { timeout: 30_000 };

/** Where the points of the first trace are, by the axes that are drawn beside them. @param {Locator} view */
const drawn = (view) =>
  view.evaluate((element) => {
    const root = element.shadowRoot ?? element;
    const centre = (/** @type {Element} */ element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return { x: x + width / 2, y: y + height / 2 };
    };
    /** From a place on the screen to a value. @param {"x" | "y"} along */
    const axis = (along) => {
      const ticks = [...root.querySelectorAll(`.${along}tick text`)].map((text) => [centre(text)[along], Number(text.textContent)]);
      const [[from, low], [to, high]] = [ticks[0], ticks[ticks.length - 1]];
      return (/** @type {number} */ at) => Math.round(10 * (low + ((at - from) * (high - low)) / (to - from))) / 10;
    };
    const [x, y] = [axis("x"), axis("y")];
    const points = [...(root.querySelector(".scatterlayer .trace")?.querySelectorAll(".point") ?? [])].map(centre);
    return points.map((point) => [x(point.x), y(point.y)]);
  });

/** How the points are filled. @param {Locator} view */
const fills = (view) => view.locator(".scatterlayer .point").evaluateAll((points) => points.map((point) => getComputedStyle(point).fill));

for (const shadow of [false, true]) {
  test(`D5: plotly 7.1.0 FigureWidget in ${shadow ? "a shadow root" : "light DOM"}`, async (t) => {
    const host = await servePublished(t, PLOTLY);
    if (!host) return;
    const abroad = await blockNetwork(host);
    const wire = await valve();
    const page = await open(host, (await host.view("plotly", { shadow })).repeat(2), { trial: STRICT, allow: [OWN_ERROR] });
    const client = await connect(host, "plotly");
    const views = await page.locator("any-widget").all();
    const [first, second] = views;
    for (const view of views) await eventually(async () => assert.equal(await view.locator(".scatterlayer .point").count(), 3), PATIENT);
    // The x of the points came as bytes.
    for (const view of views) await eventually(async () => assert.deepEqual(await drawn(view), [[1, 2], [2, 1], [3, 3]]));

    // A drag zooms, and says so to the host.
    const box = await first.locator(".nsewdrag").first().boundingBox();
    assert.ok(box);
    const at = (/** @type {number} */ part) => /** @type {const} */ ([box.x + part * box.width, box.y + part * box.height]);
    await page.mouse.move(...at(0.3));
    await page.mouse.down();
    for (let i = 1; i <= 8; i++) await page.mouse.move(...at(0.3 + (0.4 * i) / 8));
    await page.mouse.up();
    const zoomed = await eventually(async () => {
      const { relayout_data: data } = (await host.state("plotly"))._js2py_relayout;
      assert.ok(data);
      return data;
    });
    assert.ok(Math.abs(zoomed["xaxis.range[0]"] - 1.55) < 0.02, `from ${zoomed["xaxis.range[0]"]}`);
    assert.ok(Math.abs(zoomed["xaxis.range[1]"] - 2.45) < 0.02, `to ${zoomed["xaxis.range[1]"]}`);
    await client.frame("set", ({ state }) => state._js2py_relayout?.relayout_data["xaxis.range[0]"] === zoomed["xaxis.range[0]"]);
    assert.equal(wire.sent("set").filter(({ state }) => "_js2py_relayout" in state).length, 1, "once");

    // What another client pushes changes both views, the one that is zoomed and the other; each tells what it made of it.
    /** @param {object} restyle_data @param {number} trace_edit_id */
    const restyle = (restyle_data, trace_edit_id) =>
      client.set({ _py2js_restyle: { restyle_data, restyle_traces: [0], trace_edit_id, source_view_id: null } });
    for (const view of views) assert.deepEqual(await fills(view), Array(3).fill("rgb(31, 119, 180)"));
    await restyle({ "marker.color": "red" }, 1);
    for (const view of views) await eventually(async () => assert.deepEqual(await fills(view), Array(3).fill("rgb(255, 0, 0)")));
    await eventually(async () => {
      const { trace_deltas: [delta], trace_edit_id } = (await host.state("plotly"))._js2py_traceDeltas;
      assert.deepEqual([delta.uid, trace_edit_id], ["t0", 1]);
    });

    // So do numbers that come as bytes.
    await restyle({ y: [{ dtype: "float64", shape: [3], value: f64([5, 1, 9]) }] }, 2);
    for (const view of views) await eventually(async () => assert.deepEqual(await drawn(view), [[1, 5], [2, 1], [3, 9]]));
    await client.set({ _py2js_addTraces: { trace_data: [{ type: "bar", uid: "t1", x: [1, 2, 3], y: { dtype: "float64", shape: [3], value: f64([3, 4, 2]) } }], trace_edit_id: 3, layout_edit_id: 1 } });
    for (const view of views) await eventually(async () => assert.equal(await view.locator(".barlayer .point").count(), 3));
    await client.set({ _py2js_relayout: { relayout_data: { "title.text": "Numbers as bytes" }, layout_edit_id: 2, source_view_id: null } });
    for (const view of views) await eventually(async () => assert.equal(await view.locator(".gtitle").textContent(), "Numbers as bytes"));
    if (!shadow) await picture(page, "plotly", { of: second.locator(".main-svg").first() });

    // The view that stays goes on without the other.
    await first.evaluate((element) => element.remove());
    await client.set({ _py2js_deleteTraces: { delete_inds: [1], trace_edit_id: 4, layout_edit_id: 3 } });
    const left = page.locator("any-widget");
    await eventually(async () => assert.equal(await left.locator(".barlayer .point").count(), 0));
    await eventually(async () => assert.deepEqual(await drawn(left), [[1, 5], [2, 1], [3, 9]]));

    await settle(page);
    const refused = wire.got("ack").flatMap(({ refused }) => Object.keys(refused ?? {}));
    assert.deepEqual([...new Set(refused)], [UNKNOWN]);
    assert.deepEqual(await refusals(page), ["style-src-elem inline"], "beyond a strict policy it needs the style element that it makes");
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });
}
