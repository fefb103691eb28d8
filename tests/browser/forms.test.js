/** A view as a control of a form: what is posted, with and without htmx, and what keeps a form from being sent. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { OFFLINE, connect, eventually, open, serve, settle, visitor } from "./support/index.js";
import { receive } from "./support/receiver.js";
import { valve } from "./support/valve.js";

/** @import { Page } from "playwright-core" */

/** Its button would send a form around it, and its field has a name, as those of many widgets. */
const WIDGET = `
  export default {
    render({ model, el }) {
      const more = el.appendChild(document.createElement("button"));
      more.className = "more";
      more.textContent = "more";
      more.onclick = () => {
        note("pressed");
        model.set("count", model.get("count") + 1);
        model.save_changes();
      };
      const field = el.appendChild(document.createElement("input"));
      field.name = "inner";
      field.className = "field";
      const show = () => { field.value = model.get("text") ?? "" };
      model.on("change:text", show);
      field.oninput = () => { model.set("text", field.value); model.save_changes() };
      show();
    },
  }`;

const SCALARS = { text: 'a&b "ü" +', count: 3, ratio: 0.5, yes: true, no: false, nothing: null, none: [], tags: ["x", "y"], mixed: [1, "two", true] };
const TREES = { points: [[1, 2], [3, 4]], some: [1, null], object: { a: { b: [] } }, nan: { $number: "NaN" } };
const BYTES = { bytes: { $bytes: "AP8Q" }, parts: [{ $bytes: "AQ==" }, { $bytes: "" }] };
const STATE = { ...SCALARS, ...TREES, ...BYTES, deep: { inside: [{ $bytes: "AAEC" }, { $number: "-Infinity" }] } };

const serveWidget = (state = /** @type {Record<string, unknown>} */ (STATE)) => serve({ "a/widget.js": WIDGET, "a/widget.json": { state } });

/** A view for each key, named as it is. @param {import("./support/host.js").Host} host @param {string[]} keys */
const fields = async (host, keys) => (await Promise.all(keys.map((key) => host.view("a", { attributes: `name="${key}" key="${key}"` })))).join("");

/** What the first form of the page would post, as the browser puts it together. @param {Page} page @returns {Promise<[string, string][]>} */
const entries = (page) =>
  page.evaluate(() => Array.from(new FormData(document.querySelector("form")), ([key, value]) => [key, typeof value === "string" ? value : `file ${value.size}`]));

/** @param {Page} page @param {[string, string][]} expected */
const posts = (page, expected) => eventually(async () => assert.deepEqual(await entries(page), expected));

/** @param {Page} page @param {boolean} expected whether the first view is valid */
const valid = (page, expected) => eventually(async () => assert.equal(await page.evaluate(() => document.querySelector("any-widget").checkValidity()), expected));

/** Sets keys in the first view's model and saves. @param {Page} page @param {object} state */
const save = (page, state) =>
  page.evaluate(async (state) => {
    const model = await document.querySelector("any-widget").getModel();
    model.set(state);
    model.save_changes();
  }, state);

/**
 * What a plain form posted, once the answer has taken its place: Chromium may never close a page that hears `pagehide` when it is
 * asked to in the middle of a navigation.
 * @param {Page} page @param {Awaited<ReturnType<typeof receive>>} server
 */
async function answered(page, server) {
  await page.waitForURL(`${server.url}/to/form*`);
  assert.equal(server.received.length, 1);
  return server.received[0];
}

// What is posted

/** The fields of a form with a view for each key, sent by its button. @param {string} how attributes of the form @param {string[]} keys */
async function submitted(how, keys) {
  const host = await serveWidget();
  const server = await receive(host);
  const page = await open(server, `<form action="/to/form" ${how}>${await fields(host, keys)}<input name="plain" value="native"><button id="send">send</button></form>`);
  await eventually(async () => assert.ok((await entries(page)).length > keys.length));
  await page.click("#send");
  return answered(page, server);
}

const PLAIN = [["text", 'a&b "ü" +'], ["count", "3"], ["ratio", "0.5"], ["yes", "true"], ["no", "false"], ["tags", "x"], ["tags", "y"], ["mixed", "1"], ["mixed", "two"], ["mixed", "true"]];
const JSONS = [["points", "[[1,2],[3,4]]"], ["some", "[1,null]"], ["object", '{"a":{"b":[]}}'], ["nan", "NaN"]];

for (const [method, more] of [["get", ""], ["post", ""], ["post", 'enctype="multipart/form-data"']]) {
  test(`a plain form posts texts, numbers, booleans, lists and trees: ${method} ${more}`, async () => {
    const got = await submitted(`method="${method}" ${more}`, [...Object.keys(SCALARS), ...Object.keys(TREES)]);
    assert.deepEqual(got, { method: method.toUpperCase(), path: "/to/form", fields: [...PLAIN, ...JSONS, ["plain", "native"]] });
  });
}

test("a multipart form posts bytes as files", async () => {
  const { fields } = await submitted('method="post" enctype="multipart/form-data"', ["bytes", "count", "parts"]);
  const type = "application/octet-stream";
  assert.deepEqual(fields, [
    ["bytes", { name: "bytes", type, bytes: [0, 255, 16] }],
    ["count", "3"],
    ["parts", { name: "parts", type, bytes: [1] }],
    ["parts", { name: "parts", type, bytes: [] }],
    ["plain", "native"],
  ]);
});

test("without a key the whole state is posted, as the host's state route has it", async () => {
  const host = await serveWidget();
  const server = await receive(host);
  const page = await open(server, `<form method="post" action="/to/form">${await host.view("a", { attributes: 'name="all"' })}<button id="send">send</button></form>`);
  await eventually(async () => assert.equal((await entries(page)).length, 1));
  await page.click("#send");
  const [[name, text]] = (await answered(page, server))?.fields ?? [];
  assert.equal(name, "all");
  assert.deepEqual(JSON.parse(String(text)), await host.state("a"));
});

test("without a name nothing is posted", async () => {
  const host = await serveWidget();
  const page = await open(host, `<form>${await host.view("a", { attributes: 'key="count"' })}</form>`);
  await page.waitForFunction(() => document.querySelector("any-widget").value === "3");
  assert.deepEqual(await entries(page), []);
  await page.evaluate(() => void (document.querySelector("any-widget").name = "qty"));
  await posts(page, [["qty", "3"]]);
  await page.evaluate(() => document.querySelector("any-widget").setAttribute("key", "text"));
  await posts(page, [["qty", 'a&b "ü" +']]);
});

test("a form outside of the view posts it by the attribute form", async () => {
  const host = await serveWidget();
  const page = await open(host, `<form id="f"></form>${await host.view("a", { attributes: 'name="qty" key="count" form="f"' })}`);
  await posts(page, [["qty", "3"]]);
});

test("what is seen is what is posted: also before it is saved, before the host's answer, and what others write", async () => {
  const host = await serveWidget();
  const wire = await valve();
  const page = await open(host, `<form>${await fields(host, ["count"])}</form>`);
  await posts(page, [["count", "3"]]);
  const client = await connect(host, "a");
  await client.set({ count: 5 });
  await posts(page, [["count", "5"]]);
  wire.hold("up");
  const now = await page.evaluate(async () => {
    const model = await document.querySelector("any-widget").getModel();
    /** @type {unknown[]} */
    const seen = [];
    const look = () => seen.push(new FormData(document.querySelector("form")).get("count"));
    model.on("change:count", look); // the widget's own listeners come first, and another may be earlier still
    model.set("count", 6);
    look();
    model.set("count", 7);
    model.save_changes();
    look();
    return seen;
  });
  assert.deepEqual(now, ["6", "6", "7", "7"]);
  await page.click(".more");
  assert.deepEqual(await entries(page), [["count", "8"]]);
  assert.equal((await host.state("a")).count, 5);
  wire.release("up");
  await eventually(async () => assert.equal((await host.state("a")).count, 8));
  assert.deepEqual(await entries(page), [["count", "8"]]);
});

test("a seed is posted before there is a socket", async () => {
  const host = await serveWidget({ count: 3 });
  await (await visitor()).routeWebSocket(/\/ws$/, () => {}); // opens, and says nothing
  const page = await open(host, `<form>${await host.view("a", { attributes: 'name="qty" key="count"' })}</form>`);
  await posts(page, [["qty", "3"]]);
});

test("a view that leaves, comes again or shows another model posts what it shows", async () => {
  const host = await serve({ "a/widget.js": WIDGET, "a/widget.json": { state: { count: 3 } }, "b/widget.js": WIDGET, "b/widget.json": { state: { count: 40 } } });
  const page = await open(host, `<form>${await host.view("a", { attributes: 'name="qty" key="count"' })}</form>`);
  await posts(page, [["qty", "3"]]);
  await page.evaluate(() => document.querySelector("any-widget").setAttribute("model", "b"));
  await posts(page, [["qty", "40"]]);
  await page.evaluate(() => {
    window.kept = document.querySelector("any-widget");
    window.kept.remove();
  });
  assert.deepEqual(await entries(page), []);
  await settle(page);
  const client = await connect(host, "b");
  await client.set({ count: 41 });
  await page.evaluate(() => document.querySelector("form").append(window.kept));
  await posts(page, [["qty", "41"]]);
});

test("a model that is gone posts nothing", async () => {
  const host = await serveWidget();
  const wire = await valve();
  const page = await open(host, `<form>${await fields(host, ["count"])}</form>`);
  await posts(page, [["count", "3"]]);
  await eventually(() => assert.equal(wire.got("hello").length, 1));
  wire.inject("a", { type: "end", reason: "it was deleted" });
  await posts(page, []);
});

test("disabled, by itself or by its fieldset: not posted, not validated, not to be used", async () => {
  const host = await serveWidget({ count: 3, text: "" });
  const [count, text] = [await host.view("a", { attributes: 'name="qty" key="count"' }), await host.view("a", { attributes: 'name="text" key="text" required' })];
  const page = await open(host, `<form><fieldset>${count}${text}</fieldset></form>`);
  await posts(page, [["qty", "3"], ["text", ""]]);
  await valid(page, true);
  assert.equal(await page.evaluate(() => document.forms[0]?.checkValidity()), false);
  await page.evaluate(() => void (document.querySelector("fieldset").disabled = true));
  await posts(page, []);
  assert.equal(await page.evaluate(() => document.forms[0]?.checkValidity()), true);
  assert.equal(await page.evaluate(() => [...document.querySelectorAll("any-widget")].some((element) => element.willValidate)), false);
  await page.locator(".more").first().click({ force: true, noWaitAfter: true });
  assert.equal((await host.state("a")).count, 3);
  await page.evaluate(() => {
    document.querySelector("fieldset").disabled = false;
    document.querySelector("any-widget").disabled = true;
  });
  await posts(page, [["text", ""]]);
  await page.evaluate(() => void (document.querySelector("any-widget").disabled = false));
  await page.locator(".more").first().click();
  await posts(page, [["qty", "4"], ["text", ""]]);
});

test("reset puts the key back to what it was when the view came, here and at the host", async () => {
  const host = await serveWidget();
  const all = await host.view("a", { attributes: 'name="all"' });
  const page = await open(host, `<form>${await fields(host, ["count", "tags"])}${all}<button type="reset" id="reset">reset</button></form>`);
  await eventually(async () => assert.deepEqual((await entries(page)).slice(0, 3), [["count", "3"], ["tags", "x"], ["tags", "y"]]));
  await save(page, { count: 9, tags: ["z"], text: "stays" });
  await eventually(async () => assert.deepEqual((await host.state("a")).tags, ["z"]));
  await page.click("#reset");
  assert.deepEqual((await entries(page)).slice(0, 3), [["count", "3"], ["tags", "x"], ["tags", "y"]]);
  await eventually(async () => {
    const { count, tags, text } = await host.state("a");
    assert.deepEqual({ count, tags, text }, { count: 3, tags: ["x", "y"], text: "stays" });
  });
});

test("reset: a key that was null is null again, and each key has a first value of its own", async () => {
  const host = await serveWidget({ text: null, count: 3 });
  const page = await open(host, `<form>${await fields(host, ["text"])}</form>`);
  await page.waitForFunction(() => document.querySelector("any-widget button")?.form === null); // it is separate, so the view is a control
  await save(page, { text: "new" });
  await posts(page, [["text", "new"]]);
  await page.evaluate(() => document.forms[0]?.reset());
  assert.deepEqual(await entries(page), []);
  await eventually(async () => assert.equal((await host.state("a")).text, null));
  await page.evaluate(() => document.querySelector("any-widget").setAttribute("key", "count"));
  await posts(page, [["text", "3"]]);
  await save(page, { count: 4, text: "stays" });
  await page.evaluate(() => document.forms[0]?.reset());
  await eventually(async () => assert.deepEqual(await host.state("a"), { text: "stays", count: 3 }));
});

test("a field that the server rendered is posted until the view is there for it", async () => {
  const host = await serveWidget();
  /** @type {(() => void)[]} */
  const waiting = [];
  await (await visitor()).routeWebSocket(/\/ws$/, (socket) => {
    /** @type {(string | Buffer)[]} */
    const early = [];
    socket.onMessage((data) => early.push(data));
    waiting.push(() => {
      const server = socket.connectToServer();
      for (const data of early) server.send(data);
    });
  });
  const fallback = '<input name="qty" value="2">';
  const page = await open(host, `<form>${await host.view("a", { fallback, attributes: 'name="qty" key="count"' })}</form>`);
  await eventually(() => assert.equal(waiting.length, 1));
  await settle(page);
  assert.deepEqual(await entries(page), [["qty", "2"]], "the state has bytes, so it comes by the socket");
  waiting[0]?.();
  await posts(page, [["qty", "3"]]);
});

// What keeps a form from being sent

for (const [what, value, later] of /** @type {[string, unknown, unknown][]} */ ([
  ["null", null, "x"],
  ["an empty text", "", "x"],
  ["an empty list", [], [0]],
  ["a list of empty texts", ["", ""], ["", "x"]],
  ["empty bytes", { $bytes: "" }, 0],
])) {
  test(`required: ${what} is missing, another value is not`, async () => {
    const host = await serveWidget({ value });
    const page = await open(host, `<form>${await host.view("a", { attributes: 'name="v" key="value" required' })}</form>`);
    const judged = () => page.evaluate(() => {
      const element = document.querySelector("any-widget");
      const { valueMissing, customError, valid } = element.validity;
      return { valueMissing, customError, valid, message: element.validationMessage, invalid: element.matches(":invalid"), form: document.forms[0]?.checkValidity() };
    });
    const native = await page.evaluate(() => Object.assign(document.createElement("input"), { required: true }).validationMessage);
    await eventually(async () => assert.deepEqual(await judged(), { valueMissing: true, customError: false, valid: false, message: native, invalid: true, form: false }));
    await save(page, { value: later });
    await eventually(async () => assert.deepEqual(await judged(), { valueMissing: false, customError: false, valid: true, message: "", invalid: false, form: true }));
    await page.evaluate(() => document.querySelector("any-widget").setAttribute("key", "unknown"));
    await valid(page, false);
    await page.evaluate(() => void (document.querySelector("any-widget").required = false));
    await valid(page, true);
  });
}

test("required: zero, false and a whole state are values", async () => {
  const host = await serveWidget({ zero: 0, no: false });
  const views = ['key="zero"', 'key="no"', ""].map((key) => host.view("a", { attributes: `name="v" ${key} required` }));
  const page = await open(host, `<form>${(await Promise.all(views)).join("")}</form>`);
  await posts(page, [["v", "0"], ["v", "false"], ["v", JSON.stringify(await host.state("a"))]]);
  assert.equal(await page.evaluate(() => document.forms[0]?.checkValidity()), true);
});

test("required: outside of a form and without a name, too, as long as it is there", async () => {
  const host = await serveWidget({ text: "" });
  const page = await open(host, await host.view("a", { attributes: 'key="text" required' }));
  await valid(page, false);
  await page.waitForFunction(() => document.querySelector("any-widget").validationMessage !== "It is still loading.");
  await page.evaluate(() => void (document.querySelector("any-widget").required = false));
  await valid(page, true);
});

test("required: a view that has not loaded is missing", async () => {
  const host = await serveWidget();
  await (await visitor()).routeWebSocket(/\/ws$/, () => {});
  const page = await open(host, `<form><any-widget model="a" name="v" key="count" required></any-widget></form><script type="module" src="/anywidget/loader.js"></script>`);
  await page.waitForFunction(() => customElements.get("any-widget"));
  await valid(page, false);
});

test("a form whose views cannot become its fields is not sent without them, and they become so with the connection", async () => {
  const host = await serveWidget();
  let isMissing = true;
  await (await visitor()).route(/\/form\.js/, (route) => (isMissing ? route.abort() : route.continue()));
  const view = await host.view("a", { attributes: 'name="qty" key="count"' });
  const page = await open(host, `<form>${view}<button id="send">send</button></form><form>${await host.view("a")}</form>`, { expect: [/a view is no field of its form/], allow: [OFFLINE] });
  await page.waitForFunction(() => document.querySelector("any-widget").validationMessage === "It could not be loaded: is the connection there?");
  assert.deepEqual(await page.evaluate(() => [...document.forms].map((form) => form.checkValidity())), [false, true], "the other view would post nothing");
  await page.click("#send");
  assert.equal(await page.evaluate(() => document.activeElement?.closest("any-widget")?.getAttribute("name")), "qty", "the browser says why beside the widget");
  isMissing = false;
  await page.evaluate(() => ["pagehide", "pageshow"].forEach((type) => window.dispatchEvent(new Event(type))));
  await posts(page, [["qty", "3"]]);
  await valid(page, true);
});

test("a form with a missing value is not sent, and the focus goes into the widget", async () => {
  const host = await serveWidget({ text: "", count: 0 });
  const server = await receive(host);
  const view = await host.view("a", { attributes: 'name="text" key="text" required' });
  const page = await open(server, `<form method="post" action="/to/form">${view}<button id="send">send</button></form>`);
  await posts(page, [["text", ""]]);
  const element = page.locator("any-widget");
  assert.equal(await element.getAttribute("aria-invalid"), null, "nobody is told before they have tried");
  await page.click("#send");
  assert.equal(await page.evaluate(() => document.activeElement?.className), "more");
  assert.equal(await element.getAttribute("aria-invalid"), "true");
  await page.locator(".field").fill("now");
  await posts(page, [["text", "now"]]);
  assert.equal(await element.getAttribute("aria-invalid"), null);
  await page.click("#send");
  assert.deepEqual((await answered(page, server))?.fields, [["text", "now"]]);
});

test("a widget without anything to focus is focused itself when its value is missing", async () => {
  const host = await serve({ "a/widget.js": `export default { render({ el }) { el.textContent = "a picture" } }`, "a/widget.json": { state: { text: "" } } });
  const page = await open(host, `<form>${await host.view("a", { attributes: 'name="text" key="text" required' })}</form>`);
  await posts(page, [["text", ""]]);
  assert.equal(await page.evaluate(() => document.forms[0]?.reportValidity()), false);
  assert.equal(await page.evaluate(() => document.activeElement === document.querySelector("any-widget > div")), true);
});

test("a refusal of the host makes the view of that key invalid, with the reason, until the key changes again", async () => {
  const host = await serveWidget({ count: 3, text: "" });
  const wire = await valve();
  /** @type {any} */
  let refuse = null;
  wire.intercept = (frame, id) => {
    if (!refuse || frame.type !== "set") return false;
    wire.inject(id, { type: "ack", seq: frame.seq, rev: 0, refused: refuse, state: { count: 3 } });
    return true;
  };
  const view = (/** @type {string} */ attributes) => host.view("a", { attributes });
  const page = await open(host, `<form>${await view('name="qty" key="count"')}${await view('name="text" key="text"')}${await view('name="all"')}</form>`);
  const judged = () => page.evaluate(() => Array.from(document.querySelectorAll("any-widget"), (element) => element.validationMessage));
  const refusedOnce = async () => {
    refuse = { count: "at most 100" };
    await save(page, { count: 500 });
    await eventually(async () => assert.deepEqual(await judged(), ["at most 100", "", "count: at most 100"]));
    refuse = null;
  };
  await eventually(async () => assert.equal((await entries(page)).length, 3));
  await refusedOnce();
  assert.deepEqual(await page.evaluate(() => {
    const element = document.querySelector("any-widget");
    return [element.validity.customError, element.validity.valueMissing, element.ariaInvalid, element.matches(":invalid")];
  }), [true, false, "true", true]);
  assert.equal((await entries(page))[0]?.[1], "3", "the true value is seen, and posted");
  await save(page, { text: "of another key" });
  await eventually(async () => assert.equal((await host.state("a")).text, "of another key"));
  await settle(page);
  assert.deepEqual(await judged(), ["at most 100", "", "count: at most 100"]);
  await save(page, { count: 50 });
  assert.deepEqual(await judged(), ["", "", ""]);
  assert.equal(await page.locator("any-widget").first().getAttribute("aria-invalid"), null);
  await eventually(async () => assert.equal((await host.state("a")).count, 50));
  assert.deepEqual(await judged(), ["", "", ""]);

  await refusedOnce();
  const client = await connect(host, "a");
  await client.set({ count: 51 });
  await eventually(async () => assert.deepEqual(await judged(), ["", "", ""]));
});

test("a key that the state does not have is refused by the host, and the view says why", async () => {
  const host = await serveWidget({ count: 3 });
  const page = await open(host, `<form>${await host.view("a", { attributes: 'name="v" key="other"' })}</form>`);
  await valid(page, true);
  await save(page, { other: 1 });
  await valid(page, false);
  assert.match(await page.evaluate(() => document.querySelector("any-widget").validationMessage), /other|key/);
});

test("a reset ends a refusal", async () => {
  const host = await serveWidget({ count: 3 });
  const page = await open(host, `<form>${await host.view("a", { attributes: 'name="v" key="other"' })}${await fields(host, ["count"])}</form>`);
  await posts(page, [["count", "3"]]);
  await save(page, { other: 1, count: 4 });
  await valid(page, false);
  await page.evaluate(() => document.forms[0]?.reset());
  await eventually(async () => assert.equal((await host.state("a")).count, 3));
});

// The page around it

test("what stands inside a widget is not part of the form around it", async () => {
  const host = await serveWidget({ count: 0, text: "inner text" });
  const server = await receive(host);
  const view = await host.view("a", { attributes: 'name="qty" key="count"' });
  const page = await open(server, `<form method="post" action="/to/form">${view}<input id="native" name="native"><button id="send">send</button></form>`);
  await posts(page, [["qty", "0"], ["native", ""]]);
  await page.click(".more");
  await posts(page, [["qty", "1"], ["native", ""]]);
  await page.focus(".field");
  await page.keyboard.press("Enter");
  await settle(page);
  assert.deepEqual(server.received, []);
  await page.fill("#native", "typed");
  await page.keyboard.press("Enter");
  assert.deepEqual((await answered(page, server))?.fields, [["qty", "1"], ["native", "typed"]]);
});

for (const shadow of [false, true]) {
  test(`a label names the view, and a click on it goes to the first element of the widget that takes the focus${shadow ? ", in a shadow root" : ""}`, async () => {
    const host = await serveWidget();
    const view = await host.view("a", { shadow, attributes: 'id="w" name="qty" key="count"' });
    const page = await open(host, `<label for="w" id="label">Quantity</label><form>${view}</form>`);
    await posts(page, [["qty", "3"]]);
    assert.equal(await page.evaluate(() => document.querySelector("any-widget").labels[0]?.textContent), "Quantity");
    await page.click("#label");
    const focused = () => page.evaluate(() => (document.querySelector("any-widget").shadowRoot ?? document).activeElement?.className);
    assert.equal(await focused(), "more");
    await page.evaluate(() => (/** @type {HTMLElement} */ (document.activeElement).blur(), document.querySelector("any-widget").focus()));
    assert.equal(await focused(), "more");
    const session = await page.context().newCDPSession(page);
    const { nodes } = /** @type {any} */ (await session.send("Accessibility.getFullAXTree"));
    assert.ok(nodes.some((/** @type {any} */ { role, name }) => role?.value === "group" && name?.value === "Quantity"));
  });
}

const HTMX = { "htmx 2": "htmx.org", "htmx 4": "htmx4" };

for (const [name, folder] of Object.entries(HTMX)) {
  const htmx = readFileSync(new URL(`../../node_modules/${folder}/dist/htmx.js`, import.meta.url), "utf8");
  const options = { files: { "/htmx.js": htmx } };
  const script = '<script src="/htmx.js"></script>';

  /** A page with htmx and what the server of the test got of it. @param {(view: (attributes: string, key?: string) => Promise<string>) => Promise<string>} body @param {object} [state] @param {number} [latency] of answers (ms) */
  const start = async (body, state = STATE, latency = 0) => {
    const host = await serveWidget(/** @type {Record<string, unknown>} */ (state));
    const server = await receive(host, { latency });
    const html = await body((attributes, key = "count") => host.view("a", { attributes: `name="qty" key="${key}" ${attributes}` }));
    const page = await open(server, script + html, options);
    await page.waitForFunction(() => [...document.querySelectorAll("any-widget")].every((element) => element.form || element.value.length !== 0));
    return { host, page, received: server.received };
  };

  /** @param {{ received: import("./support/receiver.js").Received[] }} started @param {[string, unknown][]} fields */
  const got = async ({ received }, fields) => {
    await eventually(() => assert.equal(received.length, 1));
    assert.deepEqual(received[0]?.fields, fields);
  };

  test(`${name}: hx-post of a form has the view in it`, async () => {
    const started = await start(async (view) => `<form hx-post="/to/htmx" hx-swap="none">${await view("", "tags")}<input name="plain" value="1"><button id="send">send</button></form>`);
    await posts(started.page, [["qty", "x"], ["qty", "y"], ["plain", "1"]]);
    await started.page.click("#send");
    await got(started, [["qty", "x"], ["qty", "y"], ["plain", "1"]]);
  });

  test(`${name}: a form with an invalid view is not sent`, async () => {
    const started = await start(async (view) => `<form hx-post="/to/htmx" hx-swap="none">${await view("required", "text")}<button id="send">send</button></form>`, { text: "", count: 0 });
    const { page } = started;
    await posts(page, [["qty", ""]]);
    await page.click("#send");
    await settle(page);
    assert.deepEqual(started.received, []);
    await page.locator(".field").fill("now");
    await page.click("#send");
    await got(started, [["qty", "now"]]);
  });

  for (const [key, fields] of /** @type {[string, [string, unknown][]][]} */ ([
    ["count", [["qty", "3"]]],
    ["no", [["qty", "false"]]],
    ["nothing", []],
    ["tags", [["qty", "x"], ["qty", "y"]]],
    ["points", [["qty", "[[1,2],[3,4]]"]]],
  ])) {
    test(`${name}: hx-include takes the view of ${key} outside of a form`, async () => {
      const started = await start(async (view) => `<section>${await view('id="w" shadow')}</section><button id="send" hx-post="/to/htmx" hx-include="#w" hx-swap="none">send</button>`);
      await started.page.evaluate((key) => document.querySelector("any-widget").setAttribute("key", key), key);
      await settle(started.page);
      await started.page.click("#send");
      await got(started, fields);
    });
  }

  test(`${name}: hx-include takes bytes as a file`, async () => {
    const started = await start(async (view) => `${await view('id="w" shadow', "bytes")}<button id="send" hx-post="/to/htmx" hx-include="#w" hx-encoding="multipart/form-data" hx-swap="none">send</button>`);
    await started.page.waitForFunction(() => document.querySelector("any-widget").value.size === 3);
    await started.page.click("#send");
    await got(started, [["qty", { name: "bytes", type: "application/octet-stream", bytes: [0, 255, 16] }]]);
  });

  test(`${name}: hx-include leaves a disabled view out`, async () => {
    const started = await start(async (view) => `${await view('id="w" shadow disabled')}<button id="send" hx-post="/to/htmx" hx-include="#w" hx-swap="none">send</button>`);
    await started.page.click("#send");
    await got(started, []);
  });

  test(`${name}: hx-vals reads the view's value`, async () => {
    const started = await start(async (view) => `${await view('id="w"')}<button id="send" hx-post="/to/htmx" hx-vals='js:{amount: document.querySelector("#w").value}' hx-swap="none">send</button>`);
    await started.page.click("#send");
    await got(started, [["amount", "3"]]);
  });

  test(`${name}: a view that makes the request itself sends its value, and in a form the form's others`, async () => {
    const itself = 'hx-post="/to/htmx" hx-trigger="anywidget:change:count" hx-swap="none"';
    const alone = await start((view) => view(itself));
    await alone.page.click(".more");
    await got(alone, [["qty", "4"]]);
    const within = await start(async (view) => `<form>${await view(itself)}<input name="plain" value="1"></form>`);
    await posts(within.page, [["qty", "3"], ["plain", "1"]]);
    await within.page.click(".more");
    await got(within, [["qty", "4"], ["plain", "1"]]);
  });

  test(`${name}: hx-trigger with a filter hears only of what was done in this view`, async () => {
    const filter = "anywidget:change:count[detail.origin=='view']";
    const started = await start((view) => view(`hx-post="/to/htmx" hx-trigger="${filter}" hx-swap="none"`));
    const client = await connect(started.host, "a");
    await client.set({ count: 30 });
    await eventually(async () => assert.equal(await started.page.evaluate(() => document.querySelector("any-widget").value), "30"));
    await started.page.click(".more");
    await got(started, [["qty", "31"]]);
  });

  /** Sets `count` to 1, 2 and so on, each saved, 10 ms apart. @param {Page} page @param {number} to @returns {Promise<number>} how long it took */
  const drag = (page, to) =>
    page.evaluate(async (to) => {
      const model = await document.querySelector("any-widget").getModel();
      const began = performance.now();
      for (let i = 1; i <= to; i++) {
        model.set("count", i);
        model.save_changes();
        await new Promise((done) => setTimeout(done, 10));
      }
      return performance.now() - began;
    }, to);

  // The throttle of htmx 2 drops what comes last within it; docs/forms.md says what to take instead.
  const last = name === "htmx 2" ? ["delay:200ms", ""] : ["throttle:200ms", "delay:200ms", ""];
  for (const modifier of last) {
    test(`${name}: hx-trigger "anywidget:change:count ${modifier}": the last value arrives, also at a slow server`, async () => {
      const trigger = `hx-trigger="anywidget:change:count ${modifier}" hx-sync="this:queue last"`;
      const { page, received } = await start((view) => view(`hx-post="/to/htmx" ${trigger} hx-swap="none"`), { count: 0, text: "" }, 300);
      await drag(page, 60);
      await eventually(() => assert.deepEqual(received.at(-1)?.fields, [["qty", "60"]]));
    });
  }

  test(`${name}: hx-trigger "anywidget:change:count throttle:200ms": one request in 200 ms, and values that go up`, async () => {
    const { page, received } = await start((view) => view('hx-post="/to/htmx" hx-trigger="anywidget:change:count throttle:200ms" hx-swap="none"'), { count: 0, text: "" });
    const took = await drag(page, 80);
    const values = received.map(({ fields }) => Number(fields[0]?.[1]));
    assert.ok(values.length > 1, "it goes on while the value changes");
    assert.ok(values.length <= took / 200 + 2, `${values.length} requests in ${took} ms`);
    assert.deepEqual(values, [...new Set(values)].sort((a, b) => a - b));
  });
}
