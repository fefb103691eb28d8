/** What a page sees of the runtime: fragments and their seeds, the binary's own pages, lost connections. */
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { test } from "node:test";
import { connect, eventually, insert, noted, notes, OFFLINE, open, refusals, relay, serve, settle, tap, visitor, warnings } from "./support/index.js";

/** @import { Page } from "playwright-core" */

/** Shows `x`, sets it on a click, and notes what happens to it. */
const COUNTER = `
  export default {
    initialize() { note("initialize"); return () => note("end") },
    render({ model, el }) {
      note("render", el.childNodes.length, model.get("x"));
      const button = el.appendChild(document.createElement("button"));
      button.className = "x";
      const show = () => { button.textContent = model.get("x") };
      model.on("change:x", show);
      button.onclick = () => { model.set("x", model.get("x") + 1); model.save_changes() };
      show();
      return () => note("cleanup");
    },
  }`;

/** @param {object} [more] */
const serveCounter = (more = {}) => serve({ "a/widget.js": COUNTER, "a/widget.json": { state: { x: 1, y: 0 } }, ...more });

/** What the counters show. @param {Page} page @param {string[]} expected */
const shows = (page, expected) => eventually(async () => assert.deepEqual(await page.locator(".x").allInnerTexts(), expected));

/** Cuts the page off from every socket: they open and stay silent until `release`. */
async function silence() {
  /** @type {(() => void)[]} */
  const held = [];
  await (await visitor()).routeWebSocket(/\/ws$/, (socket) => {
    /** @type {(string | Buffer)[]} */
    const early = [];
    socket.onMessage((data) => early.push(data));
    held.push(() => {
      const host = socket.connectToServer();
      for (const data of early) host.send(data);
      socket.onMessage((data) => host.send(data));
    });
  });
  return { release: () => held.forEach((connect) => connect()), opened: () => held.length };
}

// Fragments and seeds

test("the first paint needs no socket", async () => {
  const host = await serveCounter();
  await silence();
  const page = await open(host, await host.view("a"));
  await shows(page, ["1"]);
  await noted(page, ["initialize", "render 0 1"]);
});

test("a state with bytes is no seed: what the server rendered stands until hello, then the view renders whole state", async () => {
  for (const shadow of [false, true]) {
    const host = await serve({
      "a/widget.js": `export default { render({ model, el }) { note(model.get("x"), model.get("data").byteLength); el.textContent = "widget" } }`,
      "a/widget.json": { state: { x: 1, data: { $bytes: "AAEC" } } },
    });
    const sockets = await silence();
    const fragment = await host.view("a", { shadow, fallback: "<p>from the server</p>" });
    assert.doesNotMatch(fragment, /epoch=|rev=/);
    const page = await open(host, fragment);
    await eventually(() => assert.equal(sockets.opened(), 1));
    await settle(page);
    assert.ok(await page.getByText("from the server").isVisible());
    assert.deepEqual(await notes(page), []);
    sockets.release();
    await noted(page, ["1 3"]);
    assert.equal(await page.getByText("from the server").isVisible(), false);
    await page.close();
  }
});

test("a seed cannot leave its script", async () => {
  const text = "</script><!--<script>'\"&amp;";
  const host = await serve({
    "a/widget.js": `export default { render({ model, el }) { el.textContent = model.get("text"); note("render") } }`,
    "a/widget.json": { state: { text } },
  });
  await silence();
  const page = await open(host, await host.view("a"));
  await noted(page, ["render"]);
  assert.equal(await page.locator("any-widget > div").textContent(), text);
});

test("an old fragment does not rewind a live model", async () => {
  const host = await serveCounter();
  const old = await host.view("a");
  const page = await open(host, old);
  const client = await connect(host, "a");
  await client.set({ x: 5 });
  await shows(page, ["5"]);
  await insert(page, old);
  await shows(page, ["5", "5"]);
  assert.deepEqual(await notes(page), ["initialize", "render 0 1", "render 0 5"]);
  assert.equal((await host.state("a")).x, 5);
});

test("an old fragment in a new page is brought up to date", async () => {
  const host = await serveCounter();
  const old = await host.view("a");
  const client = await connect(host, "a");
  await client.set({ x: 5 });
  const page = await open(host, old);
  await shows(page, ["5"]);
});

test("a seed serves only the id it was parsed with", async () => {
  const host = await serveCounter({ "b/widget.js": COUNTER, "b/widget.json": { state: { x: 7 } } });
  const page = await open(host, "");
  const html = await host.view("a");
  await page.evaluate((html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    const fragment = document.importNode(template.content, true);
    fragment.querySelector("any-widget")?.setAttribute("model", "b");
    document.body.append(fragment.querySelector("any-widget") ?? "");
  }, html);
  await insert(page, '<script type="module" src="/anywidget/loader.js"></script>');
  await shows(page, ["7"]);
  await page.evaluate(() => document.querySelector("any-widget")?.setAttribute("model", "a"));
  await shows(page, ["1"]);
  assert.equal((await host.state("a")).x, 1);
  assert.equal((await host.state("b")).x, 7);
});

test("a fragment made before an edit of the widget shows the code after it", async () => {
  const host = await serve({ "a/widget.js": `export default { render({ el }) { el.textContent = "old" } }` });
  const old = await host.view("a");
  const page = await open(host, old);
  await eventually(async () => assert.equal(await page.locator("any-widget").innerText(), "old"));
  await host.write("a/widget.js", `export default { render({ el }) { el.textContent = "new" } }`);
  await eventually(async () => assert.equal(await page.locator("any-widget").innerText(), "new"));
  const late = await open(host, old, { allow: [/404/, /cannot load/] }); // its seed may be quicker than the host's hello
  await eventually(async () => assert.equal(await late.locator("any-widget").innerText(), "new"));
});

for (const shadow of [false, true]) {
  test(`the stylesheet is in place before the first render${shadow ? ", in a shadow root" : ""}`, async () => {
    const host = await serve({
      "a/widget.js": `export default { render({ el }) { el.className = "a"; note(getComputedStyle(el).color) } }`,
      "a/widget.css": ".a { color: rgb(1, 2, 3) }",
    });
    const page = await open(host, (await host.view("a", { shadow })).repeat(2));
    await noted(page, ["rgb(1, 2, 3)", "rgb(1, 2, 3)"]);
  });
}

test("a stylesheet that does not come holds up the first render for 2 s, then there is a warning", async () => {
  const host = await serve({ "a/widget.js": `export default { render() { note("render") } }`, "a/widget.css": ".a { color: red }" });
  const page = await open(host, "");
  await page.route("**/widget.css", () => {}); // never answered
  const began = performance.now();
  await insert(page, await host.view("a"));
  await noted(page, ["render"]);
  const waited = performance.now() - began;
  assert.ok(waited > 1_900 && waited < 4_000, `it waited ${waited} ms`);
  assert.ok(warnings(page).some((text) => text.includes("widget.css")));
});

test("views of one model in a page share one socket", async () => {
  const host = await serveCounter();
  const { frames } = await tap();
  const page = await open(host, (await host.view("a")).repeat(3));
  await shows(page, ["1", "1", "1"]);
  await page.locator(".x").first().click();
  await eventually(async () => assert.equal((await host.state("a")).x, 2));
  await shows(page, ["2", "2", "2"]);
  assert.equal(frames.filter(({ sent, frame }) => sent && frame.type === "hello").length, 1);
});

test("a page under default-src 'self' works", async () => {
  const host = await serveCounter({ "a/widget.css": ".x { color: rgb(1, 2, 3) }" });
  const views = [await host.view("a"), await host.view("a", { shadow: true })];
  const page = await open(host, views.join(""), { csp: "default-src 'self'; img-src 'self' data:" });
  await shows(page, ["1", "1"]);
  for (const button of await page.locator(".x").all()) {
    assert.equal(await button.evaluate((element) => getComputedStyle(element).color), "rgb(1, 2, 3)");
  }
  const client = await connect(host, "a");
  await client.set({ x: 2 });
  await shows(page, ["2", "2"]);
});

// The binary's pages

/** Waits until every widget of the page has drawn something, and not an error. @param {Page} page @param {number} [count] */
const allDrawn = (page, count = 1) =>
  eventually(async () => {
    assert.equal(await page.locator("any-widget").count(), count);
    assert.equal(await page.locator("any-widget [role=alert]").count(), 0);
    for (const widget of await page.locator("any-widget > div").all()) assert.ok(await widget.locator("> *").count(), "it is empty");
  });

for (const path of ["/w/counter", "/w/slider", "/w/sketch", "/w/tabs"]) {
  test(`--csp: ${path} works without a violation`, async () => {
    const host = await serve(null, ["--csp"]);
    const page = await open(host, path);
    assert.match(String((await page.request.get(host.url + path)).headers()["content-security-policy"]), /default-src 'self'/);
    await allDrawn(page);
    if (path === "/w/counter") {
      await page.click("[aria-label=Increase]");
      await eventually(async () => assert.equal((await host.state("counter")).count, 1));
    }
    await settle(page);
    assert.deepEqual(await refusals(page), []);
  });
}

test("/w/NAME is one widget alone: one any-widget in body, nothing else visible or interactive", async () => {
  const host = await serveCounter();
  const page = await open(host, "/w/a");
  await shows(page, ["1"]);
  const others = await page.evaluate(() => {
    const widget = document.querySelector("any-widget");
    const seen = [...document.body.querySelectorAll("*")].filter((element) => !element.closest("any-widget"));
    const interactive = "a, button, input, select, textarea, iframe, [tabindex], [contenteditable]";
    const visible = seen.filter((element) => element.getClientRects().length || element.matches(interactive));
    const text = [...document.body.childNodes].filter((node) => node !== widget && node.nodeType === Node.TEXT_NODE).map((node) => node.textContent?.trim());
    return { widgets: document.body.querySelectorAll("any-widget").length, visible: visible.map((element) => element.outerHTML), text: text.join("") };
  });
  assert.deepEqual(others, { widgets: 1, visible: [], text: "" });
  assert.ok(await page.evaluate(() => document.querySelector("any-widget")?.parentElement === document.body));
});

test("/w/NAME makes no favicon request", async () => {
  const host = await serveCounter();
  const wire = await relay(host);
  const page = await open(wire, "/w/a");
  await shows(page, ["1"]);
  // A bare fragment as a page names no icon, so Chromium asks for one: by then it would have asked for the other, too.
  const other = await relay(host);
  await open(other, "/anywidget/models/a/view", { allow: [/favicon/] });
  await eventually(() => assert.ok(other.requests.includes("/favicon.ico")));
  assert.ok(wire.requests.includes("/w/a"));
  assert.ok(!wire.requests.includes("/favicon.ico"));
});

test("/w/counter takes at most 12 requests and 30 kB, and no request waits for more than two others in a row", async () => {
  const host = await serve(null);
  const wire = await relay(host);
  const page = await (await visitor()).newPage();
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Network.enable");
  /** How many requests had to be answered, one after the other, before this one was made. @type {Map<string, number>} */
  const waits = new Map();
  /** @param {string} url @param {any} initiator */
  const asked = (url, initiator) => {
    const causes = [initiator.url];
    for (let stack = initiator.stack; stack; stack = stack.parent) causes.push(...stack.callFrames.map((/** @type {any} */ frame) => frame.url));
    const depths = causes.map((cause) => waits.get(cause)).filter((depth) => depth !== undefined);
    if (!waits.has(url)) waits.set(url, depths.length ? Math.max(...depths) + 1 : 0);
  };
  devtools.on("Network.requestWillBeSent", ({ request, initiator }) => asked(request.url, initiator));
  devtools.on("Network.webSocketCreated", ({ url, initiator }) => asked(url, initiator ?? {}));
  await page.goto(`${wire.url}/w/counter`);
  await page.getByRole("button", { name: "Increase" }).click();
  await eventually(async () => assert.equal((await host.state("counter")).count, 1));
  await page.waitForLoadState("networkidle");
  const all = [...waits].map(([url, depth]) => `${depth} ${url}`).join("\n");
  assert.ok(wire.requests.length <= 12, `${wire.requests.length} requests:\n${wire.requests.join("\n")}`);
  assert.ok(wire.bytes <= 30_000, `${wire.bytes} bytes`);
  assert.equal(waits.get(`${wire.url}/w/counter`), 0);
  assert.ok([...waits.values()].filter((depth) => depth === 0).length === 1, `only the page waits for nothing:\n${all}`);
  assert.ok([...waits.keys()].some((url) => url.startsWith("ws:")), "the socket was seen");
  assert.ok(Math.max(...waits.values()) <= 2, all);
});

// Connections

test("an unknown model shows a message that names it", async () => {
  const host = await serveCounter();
  const page = await open(host, '<any-widget model="nobody"></any-widget><script type="module" src="/anywidget/loader.js"></script>', { allow: [/nobody/] });
  const message = page.getByRole("alert");
  await eventually(async () => assert.match(await message.innerText(), /nobody/));
  assert.ok(await message.isVisible());
});

test("an element without a model shows a message", async () => {
  const host = await serveCounter();
  const page = await open(host, '<any-widget></any-widget><script type="module" src="/anywidget/loader.js"></script>');
  await eventually(async () => assert.match(await page.getByRole("alert").innerText(), /model/));
});

/** Whether the page tells its user that the host is away. @param {Page} page @param {boolean} expected */
const showsOffline = (page, expected) =>
  eventually(async () => {
    const before = await page.locator("any-widget").evaluate((element) => getComputedStyle(element, "::before").content);
    assert.equal(before !== "none", expected, `::before is ${before}`);
  });

for (const [how, signal] of /** @type {const} */ ([
  ["ends", "SIGINT"],
  ["is killed", "SIGKILL"],
])) {
  test(`S5, S6: the host ${how} and comes back: shown lost and found, no reload, no remount, state equal, edits made meanwhile arrive`, async () => {
    const host = await serveCounter();
    const page = await open(host, await host.view("a"), { allow: [OFFLINE] });
    await shows(page, ["1"]);
    await page.evaluate(() => void (window.stays = true));
    await page.locator(".x").click();
    await eventually(async () => assert.equal((await host.state("a")).x, 2));
    await showsOffline(page, false);
    await host.stop(signal);
    await showsOffline(page, true);
    await page.locator(".x").click();
    await page.locator(".x").click();
    await shows(page, ["4"]);
    await host.start();
    await showsOffline(page, false);
    await eventually(async () => assert.equal((await host.state("a")).x, 4), { timeout: 20_000 });
    const client = await connect(host, "a");
    await client.set({ x: 10 });
    await shows(page, ["10"]);
    await page.locator(".x").click();
    await eventually(() => assert.equal(client.state.x, 11));
    assert.equal(await page.evaluate(() => window.stays), true);
    assert.deepEqual(await notes(page), ["initialize", "render 0 1"]);
  });
}

test("S5: a cut wire: the page comes back, both sides are equal, nothing is lost or applied twice", async () => {
  const host = await serveCounter();
  const wire = await relay(host);
  const page = await open(wire, await host.view("a"), { allow: [OFFLINE] });
  await shows(page, ["1"]);
  const client = await connect(host, "a");
  for (let i = 0; i < 5; i++) {
    await page.locator(".x").click();
    wire.cut();
    await client.set({ y: i });
    await page.locator(".x").click();
    await eventually(() => assert.equal(client.state.x, 3 + 2 * i));
  }
  await shows(page, ["11"]);
  assert.deepEqual(await host.state("a"), { x: 11, y: 4 });
  assert.deepEqual(await notes(page), ["initialize", "render 0 1"]);
});

// The runtime

test("a module at its own address is the one that the loader holds, and exports what its source does", async () => {
  const host = await serveCounter();
  const folder = new URL("../../js/", import.meta.url);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".js"));
  const files = Object.fromEntries(await Promise.all(names.map(async (name) => [`/source/${name}`, await readFile(new URL(name, folder), "utf8")])));
  const page = await open(host, "", { files });
  const seen = await page.evaluate(async (names) => {
    const held = await import(`${location.origin}/anywidget/loader.js`);
    const modules = names.map(async (name) => {
      const [source, served] = await Promise.all(["source", "anywidget"].map((folder) => import(`${location.origin}/${folder}/${name}`)));
      const own = held[`$${name.replace(".js", "")}`];
      return { name, source: Object.keys(source), served: Object.keys(served), held: own && Object.keys(own).filter((key) => own[key] === served[key]).sort() };
    });
    return Promise.all(modules);
  }, names.filter((name) => name !== "loader.js"));
  assert.ok(seen.some(({ held }) => !held), "some come later");
  for (const { name, source, served, held } of seen) {
    assert.ok(source.length, name);
    assert.deepEqual(served, source, name);
    if (held) assert.deepEqual(held, source, name);
  }
  const inside = seen.filter(({ held }) => held).map(({ name }) => name);
  for (const name of ["codec.js", "model.js", "session.js", "widget.js"]) assert.ok(inside.includes(name), name);
});
