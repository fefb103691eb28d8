/** The example applications in a browser, as their visitors use them: each under the strict policy that it promises. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { afterTest, connect, eventually, OFFLINE, open, refusals, stranger } from "./support/index.js";
import { runExample } from "./support/example.js";
import { picture } from "./support/picture.js";
import { valve } from "./support/valve.js";

/**
 * @import { BrowserContext, Locator, Page } from "playwright-core"
 * @typedef {Awaited<ReturnType<typeof runExample>>} Example
 */

/** Opens a page of an example. The test fails if its policy is not strict, or refuses anything. @param {Example} host @param {{ by?: BrowserContext, allow?: RegExp[] }} [options] */
async function visit(host, path = "/", options = {}) {
  const page = await open(host, path, options);
  const response = await page.request.get(page.url());
  assert.equal(response.headers()["content-security-policy"], "default-src 'self'");
  afterTest(async () => {
    if (!page.isClosed()) assert.deepEqual(await refusals(page), []);
  });
  return page;
}

/** A file for a store, in a folder of the test. */
async function storeFile() {
  const folder = await mkdtemp(join(tmpdir(), "anywidget-host-"));
  afterTest(() => rm(folder, { recursive: true }));
  return join(folder, "store.db");
}

/** Waits until these elements have these texts. @param {Locator} locator @param {string[]} expected */
const read = (locator, expected) => eventually(async () => assert.deepEqual((await locator.allInnerTexts()).map((text) => text.trim()), expected));

/** @param {Page} page @param {string} name */
const press = (page, name) => page.getByRole("button", { name, exact: true }).click();

// progress

/** @param {Page} page @param {number} files */
async function start(page, files) {
  await page.getByLabel("Files", { exact: true }).fill(String(files));
  await press(page, "Start");
}
/** How many files the bar says are read. @param {Page} page */
const done = async (page) => Number(await page.getByRole("progressbar").getAttribute("aria-valuenow"));
/** What the log says. @param {Page} page */
const logged = (page) => page.locator(".aw-log-text").allTextContents();
/** Its lines for so many files. @param {number} count */
const linesFor = (count) => Array.from({ length: count }, (_, i) => `read file ${i + 1}`);
/** Waits until more than so many files are read, and gives their number. @param {Page} page @param {number} count */
const beyond = (page, count) =>
  eventually(async () => {
    const now = await done(page);
    assert.ok(now > count, `${now} files are read`);
    return now;
  });
/** Waits until the job has this status. @param {Page} page @param {string} status */
const is = (page, status) => eventually(async () => assert.equal(await page.locator(".aw-progress").getAttribute("data-status"), status));

test("progress: the form starts the task, and the bar and the log follow it to its end", async () => {
  const host = await runExample("progress");
  const page = await visit(host);
  await is(page, "waiting");
  await start(page, 40);
  await beyond(page, 0);
  await beyond(page, 10);
  await eventually(async () => assert.deepEqual((await logged(page)).slice(0, 10), linesFor(10)));
  await is(page, "done");
  await eventually(async () => assert.deepEqual(await logged(page), linesFor(40)));
  assert.equal(await done(page), 40);
});

test("progress: cancelled in one tab, it ends in both, and the next one starts anew", async () => {
  const host = await runExample("progress");
  const [one, two] = [await visit(host), await visit(host)];
  await start(one, 500);
  for (const page of [one, two]) await beyond(page, 20);
  await picture(one, "progress-app", { of: "main" });
  await press(two, "Cancel");
  for (const page of [one, two]) await is(page, "cancelled");
  const { value } = await host.state("progress");
  assert.ok(value < 500, "it did not go on to its end");
  for (const page of [one, two]) {
    await eventually(async () => assert.deepEqual([await done(page), await logged(page)], [value, linesFor(value)]));
    assert.equal(await page.getByRole("button", { name: "Cancel" }).count(), 0);
  }
  await start(two, 3); // at once: the first must not wake up again
  for (const page of [one, two]) {
    await is(page, "done");
    await eventually(async () => assert.deepEqual([await done(page), await logged(page)], [3, linesFor(3)]));
  }
});

test("progress: one task at a time, and no page writes what it says", async () => {
  const host = await runExample("progress");
  const page = await visit(host);
  await start(page, 400);
  await beyond(page, 2);
  await start(page, 1);
  await beyond(page, 4);
  const client = await connect(host, "progress");
  const { refused } = await client.set({ status: "done", value: 400 });
  assert.match(refused.status, /only the task writes/);
  assert.deepEqual([client.state.status, client.state.total], ["running", 400]);
});

test("progress: the task goes on when its tab is closed", async () => {
  const host = await runExample("progress");
  const page = await visit(host);
  await start(page, 500);
  const before = await beyond(page, 2);
  await page.close();
  const alone = await eventually(async () => {
    const { value } = await host.state("progress");
    assert.ok(value > before + 10, `${value} files are read`);
    return value;
  });
  const again = await visit(host);
  await beyond(again, alone);
  await eventually(async () => assert.deepEqual((await logged(again)).slice(0, alone), linesFor(alone)));
  await beyond(again, alone + 5);
});

// chat

/** Nobody listens there. */
const NOBODY = "127.0.0.1:1";
/** @param {string} question */
const repeated = (question) => `Ollama does not answer, so a stand-in repeats: ${question}`;
/** What was said. @param {Page} page */
const turns = (page) => page.getByRole("log").locator("li");
/** @param {Page} page */
const question = (page) => page.getByLabel("Your question");

/** @param {Page} page @param {string} text */
async function ask(page, text) {
  await question(page).fill(text);
  await press(page, "Ask");
}

test("chat: the stand-in says what it is, and its answer grows word by word", async () => {
  const host = await runExample("chat", [], { STORE: await storeFile(), OLLAMA_HOST: NOBODY });
  const page = await visit(host);
  const other = await visit(host);
  await page.getByRole("log").evaluate((log) => {
    new MutationObserver(() => note(log.querySelector("li:last-child")?.textContent ?? "")).observe(log, { childList: true, subtree: true, characterData: true });
  });
  await ask(page, "Does it rain in Bergen today, or may I leave my umbrella at home?");
  const answer = repeated("Does it rain in Bergen today, or may I leave my umbrella at home?");
  for (const tab of [page, other]) await read(turns(tab), ["Does it rain in Bergen today, or may I leave my umbrella at home?", answer]);
  const seen = (await page.evaluate(() => window.notes)).filter((text) => text && answer.startsWith(text));
  assert.ok(new Set(seen).size >= 3, `it was seen as ${seen}`);
  assert.deepEqual(seen, seen.toSorted((a, b) => a.length - b.length), "it only grows");
  await read(question(page), [""]);
  assert.equal(await question(page).evaluate((field) => field === document.activeElement), true, "the next question can be typed");
});

test("chat: what is said stays when the server ends, and nobody else sees it", async () => {
  const env = { STORE: await storeFile(), OLLAMA_HOST: NOBODY };
  const host = await runExample("chat", [], env);
  const page = await visit(host, "/", { allow: [OFFLINE] });
  await ask(page, "What is <b>bold</b>?");
  await read(turns(page), ["What is <b>bold</b>?", repeated("What is <b>bold</b>?")]);
  await host.end();
  const again = await runExample("chat", [], { ...env, PORT: String(host.port) });
  const late = await visit(again);
  await read(turns(late), ["What is <b>bold</b>?", repeated("What is <b>bold</b>?")]);
  await ask(late, "And now?");
  for (const tab of [page, late]) await read(turns(tab).nth(3), [repeated("And now?")]);
  await picture(late, "chat", { of: "main" });
  const other = await stranger();
  const theirs = await visit(again, "/", { by: other });
  await ask(theirs, "Am I alone?");
  await read(turns(theirs), ["Am I alone?", repeated("Am I alone?")]);
  assert.equal(await turns(late).count(), 4);
  const model = await late.locator("any-widget").getAttribute("model");
  const response = await other.request.get(`${again.url}/anywidget/models/${model}/state`);
  assert.equal(response.status(), 403);
});

/** A server that speaks as Ollama does, and says what the test wants when it wants. */
async function fakeOllama() {
  /** @type {{ path?: string, body: any, say: (text: string) => void, end: () => void }[]} */
  const calls = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    response.writeHead(200, { "content-type": "application/x-ndjson" }).flushHeaders();
    const say = (/** @type {string} */ content, done = false) => response.write(`${JSON.stringify({ message: { role: "assistant", content }, done })}\n`);
    calls.push({ path: request.url, body: JSON.parse(Buffer.concat(parts).toString()), say, end: () => (say("", true), response.end()) });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  afterTest(() => (server.closeAllConnections(), server.close()));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    address: `http://127.0.0.1:${port}`,
    /** The call of this number, from 0, now or later. @param {number} n */
    call: (n) =>
      eventually(() => {
        assert.ok(calls[n], `there were ${calls.length} calls`);
        return calls[n];
      }),
  };
}

test("chat: each token of Ollama is in the page before the next one comes", async () => {
  const ollama = await fakeOllama();
  const host = await runExample("chat", [], { STORE: await storeFile(), OLLAMA_HOST: ollama.address, MODEL: "tiny" });
  const page = await visit(host);
  await ask(page, "Name three trees.");
  const first = await ollama.call(0);
  assert.deepEqual([first.path, first.body], ["/api/chat", { model: "tiny", messages: [{ role: "user", content: "Name three trees." }] }]);
  let answer = "";
  for (const token of ["Ash", ",", " elm", " and", " bëech", "."]) {
    first.say(token);
    answer += token;
    await read(turns(page), ["Name three trees.", answer]);
  }
  first.end();
  await ask(page, "One more?");
  const second = await ollama.call(1);
  assert.deepEqual(second.body.messages, [
    { role: "user", content: "Name three trees." },
    { role: "assistant", content: answer },
    { role: "user", content: "One more?" },
  ]);
  second.say("Oak.");
  second.end();
  await read(turns(page).nth(3), ["Oak."]);
});

// todo

/** @param {Page} page */
const items = (page) => page.locator(".aw-sortable-text");
/** What htmx shows beside the widget. @param {Page} page */
const rows = (page) => page.locator("main td");
/** Waits until the widget has these items, and htmx those that are open. @param {Page} page @param {string[]} all @param {string[]} [open] */
async function lists(page, all, open = all) {
  await read(items(page), all);
  await read(rows(page), open);
}
/** @param {Page} page @param {string} text */
async function add(page, text) {
  await page.getByLabel("New item").fill(text);
  await press(page, "Add");
}

test("todo: what is added, ticked and sorted in the widget is what htmx shows, in each tab", async () => {
  const host = await runExample("todo", [], { STORE: await storeFile() });
  const page = await visit(host);
  const other = await visit(host);
  assert.equal(new URL(page.url()).pathname, "/home");
  await read(page.locator("main [hx-get]"), ["Nothing. Well done."]);
  for (const text of ["Buy milk", "Call <Ada>", "Water plants"]) await add(page, text);
  for (const tab of [page, other]) await lists(tab, ["Buy milk", "Call <Ada>", "Water plants"]);
  await page.getByRole("checkbox", { name: "Buy milk" }).check();
  for (const tab of [page, other]) await lists(tab, ["Buy milk", "Call <Ada>", "Water plants"], ["Call <Ada>", "Water plants"]);
  await page.getByRole("button", { name: "Move Water plants", exact: true }).focus();
  for (const key of ["Space", "ArrowUp", "ArrowUp", "Space"]) await page.keyboard.press(key);
  for (const tab of [page, other]) await lists(tab, ["Water plants", "Buy milk", "Call <Ada>"], ["Water plants", "Call <Ada>"]);
  await picture(page, "todo", { of: "main" });
  await page.getByRole("button", { name: "Remove Water plants", exact: true }).click();
  for (const tab of [page, other]) await lists(tab, ["Buy milk", "Call <Ada>"], ["Call <Ada>"]);
});

test("todo: each profile has its list, and both are there after the server was killed", async () => {
  const env = { STORE: await storeFile() };
  const host = await runExample("todo", [], env);
  const page = await visit(host, "/", { allow: [OFFLINE] });
  await add(page, "Sleep");
  await lists(page, ["Sleep"]);
  await page.getByRole("link", { name: "work" }).click();
  await page.waitForURL("**/work");
  await lists(page, []);
  await add(page, "Write tests");
  await add(page, "Run them");
  await page.getByRole("checkbox", { name: "Write tests" }).check();
  await lists(page, ["Write tests", "Run them"], ["Run them"]);
  await host.end("SIGKILL");
  const again = await runExample("todo", [], { ...env, PORT: String(host.port) });
  const late = await visit(again, "/work");
  await lists(late, ["Write tests", "Run them"], ["Run them"]);
  await late.getByRole("link", { name: "home" }).click();
  await late.waitForURL("**/home");
  await lists(late, ["Sleep"]);
  await add(page, "Go home"); // the page that stayed has come back by itself
  await lists(page, ["Write tests", "Run them", "Go home"], ["Run them", "Go home"]);
});

test("todo: another visitor has an empty list, and no way to the first one's", async () => {
  const host = await runExample("todo", [], { STORE: await storeFile() });
  const page = await visit(host);
  await add(page, "A secret");
  await lists(page, ["A secret"]);
  const other = await stranger();
  const theirs = await visit(host, "/home", { by: other });
  await lists(theirs, []);
  await read(theirs.locator(".aw-sortable-note"), ["Nothing here yet."]);
  const url = `${host.url}/anywidget/models/${encodeURIComponent((await page.locator("any-widget").getAttribute("model")) ?? "")}`;
  for (const route of ["view", "state", "state/items"]) {
    assert.equal((await page.request.get(`${url}/${route}`)).status(), 200, `${route} by its owner`);
    assert.equal((await other.request.get(`${url}/${route}`)).status(), 403, route);
  }
  const code = await theirs.evaluate((address) => new Promise((done) => {
    new WebSocket(address, "anywidget-host.v1").onclose = (event) => done(event.code);
  }), `${url.replace("http", "ws")}/ws`);
  assert.equal(code, 4403);
  await add(theirs, "Their own");
  await lists(theirs, ["Their own"]);
  await lists(page, ["A secret"]);
});

// dashboard

const POINTS = 100_000;
const SENSORS = [{ name: "Roof", base: 18 }, { name: "Hall", base: 21 }, { name: "Cellar", base: 12 }];
/** What a sensor measured. @param {number} sensor @param {number} n */
const measured = (sensor, n) => SENSORS[sensor].base + 4 * Math.sin((n / POINTS) * 6.3) + Math.sin((n / POINTS) * (400 + 90 * sensor));

/** Waits until htmx says the means of these sensors between two percents of the day. @param {Page} page @param {number[]} sensors @param {number} low @param {number} high */
const sums = (page, sensors, low, high) =>
  eventually(async () => {
    const text = await page.locator("main [hx-get]").innerText();
    const said = [...text.matchAll(/(\w+): (-?[\d.]+) °C/g)];
    assert.deepEqual(said.map(([, name]) => name), sensors.map((n) => SENSORS[n].name));
    for (const [i, n] of sensors.entries()) {
      let sum = 0;
      for (let at = low * 1_000; at < high * 1_000; at++) sum += measured(n, at);
      const mean = sum / ((high - low) * 1_000);
      assert.ok(Math.abs(Number(said[i][2]) - mean) < 0.06, `${text}: the mean is ${mean}`);
    }
  });

/** Waits until the plot draws these sensors and shows this part of the day. @param {Page} page @param {number[]} sensors @param {number} low @param {number} high */
const plots = (page, sensors, low, high) =>
  eventually(async () => {
    const names = await page.getByRole("group", { name: "Lines" }).getByRole("button").allInnerTexts();
    assert.deepEqual(names.map((text) => text.trim().split(/\s/)[0]), sensors.map((n) => SENSORS[n].name));
    const range = await page.locator("any-widget", { has: page.locator(".aw-plot") }).evaluate(async (view) => (await /** @type {any} */ (view).getModel()).get("range"));
    assert.deepEqual(range, [low * 1_000, high * 1_000]);
  });

test("dashboard: the slider and the table drive the plot and what htmx says, in three tabs", async () => {
  const host = await runExample("dashboard");
  const tabs = [await visit(host), await visit(host), await visit(host)];
  const [one, two, three] = tabs;
  /** @param {number[]} sensors @param {number} low @param {number} high */
  const show = async (sensors, low, high) => {
    for (const tab of tabs) await Promise.all([plots(tab, sensors, low, high), sums(tab, sensors, low, high)]);
  };
  await show([0, 1], 20, 60);
  await one.bringToFront();
  await one.getByRole("slider", { name: "Low" }).focus();
  for (let i = 0; i < 15; i++) await one.keyboard.press("ArrowRight");
  await show([0, 1], 35, 60);
  await picture(one, "dashboard", { of: "main" });
  await two.bringToFront();
  await two.getByRole("row").filter({ hasText: "Cellar" }).click();
  await show([2], 35, 60);
  await three.bringToFront();
  await three.getByRole("slider", { name: "High" }).focus();
  await three.keyboard.press("End");
  await show([2], 35, 100);
});

/** The strings in a value. @param {unknown} value @returns {string[]} */
const strings = (value) => (typeof value === "string" ? [value] : typeof value === "object" && value && !ArrayBuffer.isView(value) ? Object.values(value).flatMap(strings) : []);

test("dashboard: the points travel as bytes", async () => {
  const host = await runExample("dashboard");
  const wire = await valve();
  const page = await visit(host);
  const { state } = await wire.seen(({ id, sent, frame }) => id === "plot" && !sent && frame.state?.series);
  assert.equal(state.series.length, 2);
  for (const [sensor, { y }] of state.series.entries()) {
    assert.ok(y instanceof Uint8Array, "not text");
    const points = new Float32Array(Uint8Array.from(y).buffer);
    assert.equal(points.length, POINTS);
    for (const n of [0, 777, 50_000, 99_999]) assert.ok(Math.abs(points[n] - measured(sensor, n)) < 0.001, `point ${n} of sensor ${sensor}`);
  }
  await plots(page, [0, 1], 20, 60);
  const html = await (await page.request.get(`${host.url}/`)).text();
  assert.ok(html.length < 16_384, `the page has ${html.length} bytes`);
  assert.deepEqual(strings(wire.frames).filter((text) => text.length > 200), [], "no base64");
});

// form

/** A field of the form, and what is wrong beside it. @param {Page} page @param {string} text in it */
const problem = (page, text) => page.locator(".field", { hasText: text }).getByRole("alert");
/** Presses a button of the counter so often. @param {Page} page @param {"Increase" | "Decrease"} name @param {number} times */
async function count(page, name, times) {
  for (let i = 0; i < times; i++) await press(page, name);
}
/** @param {Page} page @param {string} expected */
const counts = (page, expected) => read(page.locator("any-widget output"), [expected]);
/** Waits until assistive technology finds this said of what has the name. @param {Page} page @param {string} name @param {string} description */
async function described(page, name, description) {
  const session = await page.context().newCDPSession(page);
  await eventually(async () => {
    const { nodes } = await session.send("Accessibility.getFullAXTree");
    const found = nodes.filter((node) => node.name?.value === name && ["group", "textbox"].includes(node.role?.value));
    assert.deepEqual(found.map((node) => node.description?.value), [description]);
  });
}

test("form: the widget is a field of a plain form, with what is wrong beside it", async () => {
  const host = await runExample("form");
  const page = await visit(host);
  await counts(page, "1");
  await count(page, "Increase", 2);
  await press(page, "Order");
  await read(problem(page, "Name"), ["Tell us your name."]);
  await read(problem(page, "Tickets"), []);
  await described(page, "Name", "Tell us your name.");
  await counts(page, "3"); // what was chosen is kept
  await page.getByLabel("Name").fill("<b>Ada</b>");
  await count(page, "Decrease", 3);
  await counts(page, "0");
  await press(page, "Order");
  await read(problem(page, "Tickets"), ["Take one at least."]);
  await read(problem(page, "Name"), []);
  assert.equal(await page.getByLabel("Name").inputValue(), "<b>Ada</b>");
  await count(page, "Increase", 9);
  await counts(page, "9");
  await press(page, "Order");
  await read(problem(page, "Tickets"), ["There are 8 left, not 9."]);
  await counts(page, "9");
  await described(page, "Tickets", "There are 8 left, not 9.");
  await picture(page, "form", { of: "main" });
  await count(page, "Decrease", 7);
  await counts(page, "2");
  await press(page, "Order");
  await read(page.locator("main p").first(), ["2 tickets for <b>Ada</b>. Enjoy!"]);
  await page.getByRole("link", { name: "Order more" }).click();
  await counts(page, "1");
});

test("form: what a rule refuses keeps the form from being sent, with the reason", async () => {
  const host = await runExample("form");
  const page = await visit(host);
  let posts = 0;
  page.on("request", (request) => request.method() === "POST" && posts++);
  await page.getByLabel("Name").fill("Ada");
  await count(page, "Decrease", 2);
  const says = (/** @type {string} */ expected) => eventually(async () => assert.equal(await page.evaluate(() => document.querySelector("any-widget").validationMessage), expected));
  await says("there is no less than none");
  await counts(page, "0");
  await press(page, "Order");
  await count(page, "Increase", 1);
  await says("");
  await press(page, "Order");
  await read(page.locator("main p").first(), ["1 ticket for Ada. Enjoy!"]);
  assert.equal(posts, 1);
});

test("form: each visitor has a number of tickets of their own", async () => {
  const host = await runExample("form");
  const page = await visit(host);
  await count(page, "Increase", 4);
  await counts(page, "5");
  const theirs = await visit(host, "/", { by: await stranger() });
  await counts(theirs, "1");
  await count(theirs, "Increase", 1);
  await counts(theirs, "2");
  await counts(page, "5");
});

test("form: what is posted is checked in Rust, whatever made it", async () => {
  const host = await runExample("form");
  /** @param {Record<string, string>} fields */
  const post = async (fields) => (await fetch(`${host.url}/`, { method: "POST", body: new URLSearchParams(fields) })).text();
  assert.match(await post({ name: "Ada", tickets: "0" }), /role="alert">Take one at least\./);
  assert.match(await post({ name: "Ada", tickets: "9" }), /role="alert">There are 8 left, not 9\./);
  assert.match(await post({ name: " ", tickets: "2" }), /role="alert">Tell us your name\./);
  assert.match(await post({ name: "Ada & Bob", tickets: "8" }), /8 tickets for Ada &amp; Bob/);
});
