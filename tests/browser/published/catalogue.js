/** What is tried on each published widget: something that another client sets, and something that a visitor does. */

/**
 * @import { Attempt, Stage } from "../support/trial.js"
 * @typedef {Record<string, Attempt>} Attempts by widget
 */

/** @param {string} selector @param {object} [options] */
const click = (selector, options = {}) => (/** @type {Stage} */ { view }) => view.locator(selector).first().click(options);

/** Presses, moves in steps and lets go; in fractions of the box. @param {string} selector @param {[number, number]} from @param {[number, number]} to */
const drag = (selector, from = [0.3, 0.3], to = [0.6, 0.6]) => async (/** @type {Stage} */ { page, view }) => {
  const element = view.locator(selector).first();
  await element.scrollIntoViewIfNeeded();
  const box = await element.boundingBox();
  if (!box) throw new Error(`${selector} has no box`);
  const at = (/** @type {number} */ share) => [0, 1].map((axis) => (from[axis] ?? 0) + ((to[axis] ?? 0) - (from[axis] ?? 0)) * share);
  const move = ([x = 0, y = 0]) => page.mouse.move(box.x + x * box.width, box.y + y * box.height);
  await move(at(0));
  await page.mouse.down();
  for (let step = 1; step <= 8; step++) await move(at(step / 8));
  await page.mouse.up();
};

/** @param {string} selector @param {string} value */
const fill = (selector, value) => (/** @type {Stage} */ { view }) => view.locator(selector).first().fill(value);

/** @param {string} selector */
const hover = (selector) => (/** @type {Stage} */ { view }) => view.locator(selector).first().hover();

const MARKED = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='60' height='60'%3E%3Ccircle cx='30' cy='30' r='20' fill='green'/%3E%3C/svg%3E";
const POINT = { data: [{ x: 200, y: 100, color: "#1f77b4", label: "a", batch: 1 }] };
/** Chromium's word for what some widgets write into their plots. */
const SVG_AUTO = /<svg> attribute height: Expected length, "auto"/;
/** They click a button of theirs before they are ready for it. */
const TOO_EARLY = /Cannot access '\w' before initialization/;
const CDN = "most of its code comes from a CDN.";

/** More to say of a package. @type {Record<string, string>} */
export const REMARKS = {
  cev: "Its larger parts are put together from ipywidgets, which come with Jupyter's pages and have no module of their own.",
  lonboard: "Its module fetches a WebAssembly file from a CDN; it was tried with that file as npm has it.",
  wigglystuff: "`FloatingPanel`, `Hint` and `WidgetDAG` are missing: they are helpers for the pages of marimo, and no widgets. `WebcamCapture` was tried with the camera that Chromium pretends to have.",
};

/** By package, in the order of the document. @type {Record<string, Attempts>} */
export const CATALOGUE = {
  drawdata: {
    ScatterWidget: { push: POINT, act: drag("svg.dd-scatter-svg"), sets: "data", allow: [SVG_AUTO] },
  },
  ipymario: { Widget: { push: { size: 80 } } },
  ipymafs: {
    Bezier: { push: { my_x_coord: 3 }, act: drag(".mafs-movable-point", [0.5, 0.5], [3, 3]), sets: "my_x_coord" },
    Ellipse: {},
    Line: { push: { my_vector: [0, 0] }, act: click("button"), sets: "my_vector" },
  },
  "graphviz-anywidget": { GraphvizAnyWidget: { push: { dot_source: "digraph { x -> y; y -> z; z -> w }" } } },
  plotly: {
    FigureWidget: {
      push: { _py2js_restyle: { restyle_data: { "marker.color": "red" }, restyle_traces: [0], trace_edit_id: 1, source_view_id: null } },
      act: drag(".nsewdrag", [0.3, 0.3], [0.7, 0.7]), sets: "_js2py_relayout",
    },
  },
  "jupyter-scatter": {
    JupyterScatter: { push: { color: [1, 0, 0, 1] }, act: click('button[title="Activate lasso selection"]'), sets: "mouse_mode" },
  },
  moutils: {
    CookieManager: { push: { cookies: { tea: { value: "green" } } }, unseen: true, look: ({ page }) => page.evaluate(() => document.cookie) },
    CopyToClipboard: { act: click("button"), sets: "success" },
    DOMQuery: { push: { selector: "head" }, unseen: true, look: async ({ client }) => client.state.result },
    ShellWidget: { push: { command: "ls" } },
    Slot: { push: { children: "<i>goodbye</i>" }, act: hover("i, b"), sets: "last_event" },
    StorageItem: { push: { data: "blue" }, unseen: true, look: ({ page }) => page.evaluate(() => localStorage.getItem("colour")) },
    URLHash: { push: { hash: "#there" }, act: ({ page }) => page.evaluate(() => void (location.hash = "#here")), sets: "hash", unseen: true, look: async ({ page }) => page.url() },
    URLInfo: { push: { search: "?there" }, act: ({ page }) => page.evaluate(() => void (location.hash = "#here")), sets: "hash", unseen: true, look: async ({ page }) => page.url() },
    URLPath: { push: { path: "/there" }, act: ({ page }) => page.goBack(), sets: "path", unseen: true, look: async ({ page }) => page.url() },
  },
  "widget-periodictable": { PTableWidget: { push: { selected_elements: { O: 0 } }, act: click(".pt-elem-1"), sets: "selected_elements" } },
  cev: {
    MarkerSelectionIndicator: { push: { active: [false, true, true] }, act: click("button:text('CD3')"), sets: "active" },
    WidthOptimizer: { unseen: ({ view }) => view.evaluate((element) => element.style.getPropertyValue("--jp-widgets-inline-label-width") === "auto") },
  },
  pyobsplot: { ObsplotWidget: { push: { spec: { data: [], code: { marks: [{ "pyobsplot-type": "function", module: "Plot", method: "ruleY", args: [[0, 1]] }] }, debug: false, theme: "light" } } } },
  "anymap-ts": {
    LeafletMap: { push: { zoom: 6 }, act: drag(".leaflet-container"), sets: "current_center" },
    MapLibreMap: { push: { zoom: 6 }, act: drag("canvas"), sets: "current_center", allow: [/^BasemapControl: Failed to fetch/, /^uncaught Failed to fetch$/] },
    OpenLayersMap: { push: { zoom: 6 }, act: drag(".ol-viewport"), sets: "current_center" },
  },
  anyplotlib: { Figure: { push: { display_stats: true }, act: drag("canvas"), sets: "event_json" } },
  "qsharp-widgets": {
    BlochSphere: {},
    Circuit: { push: { circuit_json: JSON.stringify({ qubits: [{ id: 0, numResults: 0 }], componentGrid: [{ components: [{ kind: "unitary", gate: "X", targets: [{ qubit: 0 }] }] }] }) } },
    Entanglement: { push: { labels: ["a", "b", "c"] } },
    Histogram: { push: { buckets: { "00": 0.1, "11": 0.9 } } },
    MoleculeViewer: { push: { molecule_data: "2\nhydrogen\nH 0 0 0\nH 0 0 0.74\n" } },
  },
  mopaint: { Paint: { act: drag("canvas"), sets: "base64" } },
  "weas-widget": { BaseWidget: { push: { modelStyle: 1 }, act: click("canvas"), sets: "selectedAtomsIndices" } },
  lonboard: {
    Map: {
      push: { height: "300px" }, act: drag("canvas"), sets: "view_state",
      mirror: { "https://cdn.jsdelivr.net/npm/parquet-wasm@0.7.1/esm/parquet_wasm_bg.wasm": ["parquet-wasm", "0.7.1", "esm/parquet_wasm_bg.wasm"] },
    },
  },
  wigglystuff: {
    AltairWidget: { push: { width: 500 }, shows: ".marks", note: CDN },
    AnnotationWidget: { push: { note: "good" }, act: click("button"), sets: "action" },
    ApiDoc: { push: { width: 300 } },
    AsyncFlow: { push: { now_ms: 400 } },
    BezierCurve: { push: { show_axes: true }, act: drag("svg circle", [0.5, 0.5], [4, -4]), sets: "points", allow: [SVG_AUTO] },
    CellTour: { act: click("button"), sets: "active" },
    ChartMultiSelect: { push: { selections: [{ type: "box", x_min: 1, x_max: 2, y_min: 1, y_max: 2, class_id: 0 }] }, act: drag("canvas"), sets: "selections" },
    ChartPuck: { push: { x: [1], y: [3] }, act: drag("canvas", [0.5, 0.5], [0.7, 0.7]), sets: "x" },
    ChartSelect: { push: { mode: "lasso" }, act: drag("canvas"), sets: "selection" },
    CircularRangeSlider: { push: { value: [40, 50] }, act: drag("svg", [0.9, 0.9], [0.1, 0.9]), sets: "value" },
    CircularSlider: { push: { value: 80 }, act: click("svg", { position: { x: 200, y: 110 } }), sets: "value" },
    ColorPicker: { push: { color: "#00ff00" }, act: fill("input[type=color]", "#0000ff"), sets: "color" },
    CopyToClipboard: {
      push: { text_to_copy: "Goodbye" },
      look: async ({ page, view }) => (await view.locator("button").click(), page.evaluate(() => navigator.clipboard.readText())),
    },
    CubeWidget: { push: { x_axis: { name: "Tilt", values: [0, 45, 90] } }, act: click(".axis-label"), sets: "locked_order" },
    CurveEditor: { push: { selected_index: 2 }, act: drag("svg circle >> nth=1", [0.5, 0.5], [1, 5]), sets: "points", allow: [SVG_AUTO] },
    DriverTour: { act: click("button"), sets: "active" },
    EdgeDraw: {
      push: { links: [{ source: "A", target: "B" }] }, look: ({ view }) => view.locator("svg > g *").count(),
      act: ({ view }) => view.locator("circle").evaluateAll((nodes) => nodes.slice(2, 4).forEach((node) => node.dispatchEvent(new MouseEvent("click", { bubbles: true })))), sets: "links",
    },
    EnvConfig: { push: { variables: [{ name: "SOME_KEY", has_validator: false, status: "valid", error: null }] }, act: async (stage) => (await fill("input", "value")(stage), stage.page.keyboard.press("Enter")), sets: "_pending_value" },
    EsmWidget: { push: { data: { n: 2 } } },
    Excalidraw: { push: { theme: "dark" }, shows: "canvas", note: CDN },
    Fader: { push: { value: 60 }, act: drag("svg", [0.5, 0.9], [0.5, 0.3]), sets: "value" },
    FormulaAnimation: { push: { step: 1 }, shows: ".katex", note: CDN },
    FramePlayer: { push: { value: 2 } },
    GamepadWidget: { push: { axes: [1, 0, 0, 0] } },
    GraphWidget: { push: { nodes: [{ id: "Gamma", name: "Gamma" }], edges: [] }, act: click("circle"), sets: "selected_nodes" },
    GridDraw: { push: { rows: 4, cols: 4 }, act: click(".gd-canvas", { position: { x: 30, y: 30 } }), sets: "dots" },
    HTMLRefreshWidget: { push: { html: "<p>two</p>" } },
    HeatmapSelect: { push: { image_base64: MARKED }, act: click("canvas, svg, img"), sets: "pinned_cell" },
    HoverSlider: { push: { color: "red" }, act: click(".hover-slider-track"), sets: "value" },
    HoverZoom: { push: { image: MARKED }, act: hover("img"), sets: "_crop" },
    ImageRefreshWidget: { push: { src: MARKED } },
    KeystrokeWidget: { push: { last_key: { key: "q", code: "KeyQ" } }, act: async ({ page, view }) => (await view.locator("[role=button]").click(), page.keyboard.press("k")), sets: "last_key" },
    Knob: { push: { value: 9 }, act: drag("svg", [0.5, 0.5], [0.5, 0.1]), sets: "value" },
    LiveEdit: { push: { trace: {} } },
    ManimWeb: { push: { code: "container.textContent = 'another'" }, shows: "canvas", note: CDN },
    Matrix: { act: drag(".matrix-element", [0.5, 0.5], [1.5, 0.5]), sets: "matrix" },
    MidiButton: { push: { label: "Hold" }, act: click("button"), sets: "press_timestamp" },
    ModuleTreeWidget: { push: { tree: { name: "", type: "ReLU", params: [], buffers: [], children: [] } } },
    Neo4jWidget: { push: { nodes: [{ id: "1", element_id: "1", labels: ["Person"], properties: { name: "Ada" } }] }, act: async (stage) => (await fill("textarea, input", "MATCH (n) RETURN n")(stage), click("button")(stage)), sets: "_query_request" },
    NestedTable: { push: { show_percent: [] }, act: click("tbody tr:nth-child(2) td"), sets: "selected_path" },
    ObservablePlot: { push: { width: 300 }, shows: "svg", note: CDN },
    Paint: { act: drag("canvas"), sets: "base64" },
    ParallelCoordinates: { push: { color_by: "label" }, act: drag(".overlay", [0.5, 0.3], [0.5, 0.6]), sets: "brush_extents" },
    Pip: { of: "Pip-1", push: { x: 0.8 }, act: drag("canvas", [0.5, 0.5], [0.8, 0.2]), sets: "x" },
    PlaySlider: { push: { value: 30 }, act: click("button"), sets: "playing" },
    ProgressBar: { push: { value: 70 } },
    RidgelineChart: { push: { overlap: 0.9 }, act: ({ view }) => view.locator(".ridgeline-area").last().click({ position: { x: 60, y: 20 }, force: true }), sets: "selected_index" },
    ScatterLog: { push: { width: 300 }, shows: ".marks", note: CDN },
    ScatterWidget: { push: POINT, act: drag("svg.dd-scatter-svg"), sets: "data", allow: [SVG_AUTO, TOO_EARLY] },
    Slider2D: { push: { x: 0.8 }, act: drag("canvas", [0.5, 0.5], [0.8, 0.2]), sets: "x" },
    SortableList: { push: { value: ["cherry", "apple"] }, act: click(".remove-button"), sets: "value" },
    SplineDraw: { push: POINT, act: drag("svg.dd-scatter-svg"), sets: "data", allow: [SVG_AUTO, TOO_EARLY] },
    StateViewer: { push: { step: 2 }, act: click("button"), sets: "step" },
    TangleChoice: { push: { choice: "large" }, act: click("span"), sets: "choice" },
    TangleDistribution: { push: { params: { loc: 3, scale: 2 } }, act: drag("span", [0.5, 0.5], [2.5, 0.5]), sets: "params" },
    TangleFunction: { push: { values: { rate: 0.5, epochs: 20, shuffle: false } }, act: click(".tangle-fn__val--choice"), sets: "values" },
    TangleLatex: { push: { values: { a: 4 } }, shows: ".katex", note: CDN },
    TangleSelect: { push: { choice: "blue" }, act: ({ view }) => view.locator("select").selectOption("green"), sets: "choice" },
    TangleSlider: { act: drag("span", [0.5, 0.5], [1.5, 0.5]), sets: "amount" },
    TextCompare: { push: { text_a: "Another text." }, act: click("mark, span[data-match], [class*=match]"), sets: "selected_match" },
    ThreeWidget: { push: { dark_mode: true } },
    TraceView: { push: { cursor_ms: 5 }, act: click("text=search"), sets: "selected_span_id" },
    Treemap: { push: { max_depth: 1 }, act: click("canvas", { position: { x: 60, y: 60 } }), sets: "clicked_path" },
    WebcamCapture: { push: { error: "No camera" }, look: ({ view }) => view.innerText(), act: click("button"), sets: "image_base64" },
    WebkitSpeechToTextWidget: { push: { transcript: "hello" } },
  },
};
