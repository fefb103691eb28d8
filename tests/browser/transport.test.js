/** Section S of the contract, as a page sees it: writes and their answers, connections that end, and what a page leaves behind. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { connect, eventually, forget, noted, notes, OFFLINE, open, relay, serve, settle, visitor, warnings } from "./support/index.js";
import { flush, live, PROBE, probe, rendered } from "./support/probe.js";
import { valve } from "./support/valve.js";

/** @import { Page } from "playwright-core" */

/** Sets keys in the first view's model and saves. @param {Page} page @param {object} state */
const save = (page, state) =>
  page.evaluate((state) => {
    window.views[0].model.set(state);
    window.views[0].model.save_changes();
  }, state);

/** A key of the first view's model. @param {Page} page @param {string} key */
const get = (page, key) => page.evaluate((key) => window.views[0].model.get(key), key);

/** Notes the changes of these keys. @param {Page} page @param {string[]} keys */
const listen = (page, keys) =>
  page.evaluate((keys) => {
    const { model } = window.views[0];
    for (const key of keys) model.on(`change:${key}`, () => note(key, JSON.stringify(model.get(key))));
  }, keys);

test("S1: a client's own write comes back as ack, not as an echo", async () => {
  const probed = await probe({ a: 0, b: 0 });
  const { host, page, wire } = probed;
  const client = await connect(host, "a");
  await listen(page, ["a", "b"]);
  for (let i = 1; i <= 5; i++) {
    await save(page, { a: i });
    await flush(probed);
  }
  await eventually(() => assert.equal(client.state.a, 5));
  assert.deepEqual(wire.got("set"), []);
  assert.deepEqual(wire.got("ack").filter(({ state }) => state), []);
  await noted(page, ["a 1", "a 2", "a 3", "a 4", "a 5"]);
});

test("S1: what another client makes of it comes back", async () => {
  const probed = await probe({ a: 0, double: 0 });
  const { host, page } = probed;
  const client = await connect(host, "a");
  await listen(page, ["a", "double"]);
  await save(page, { a: 4 });
  await eventually(() => assert.equal(client.state.a, 4));
  await client.set({ double: 2 * client.state.a });
  await noted(page, ["a 4", "double 8"]);
});

test("S1: a change that the host derived from it comes back with the ack", async () => {
  const probed = await probe({ a: 0, double: 0 });
  const { page, wire } = probed;
  await listen(page, ["a", "double"]);
  // The binary derives nothing, so the test answers in its place.
  wire.intercept = ({ type, seq }) => {
    if (type !== "set") return false;
    setTimeout(() => wire.inject("a", { type: "ack", seq, rev: 1, state: { a: 100, double: 200 } }));
    return true;
  };
  await save(page, { a: 500 });
  await noted(page, ["a 500", "a 100", "double 200"]);
  await page.evaluate(() => window.views[0].model.save_changes());
  await settle(page);
  assert.equal(wire.sent("set").length, 1, "what came is not dirty");
});

test("S2: a refused key: state unchanged, the page gets the reason, the other keys of the save are applied", async () => {
  const probed = await probe({ a: 0 }, { views: 2 });
  const { host, page } = probed;
  await page.evaluate(() => document.addEventListener("anywidget:refused", ({ target, detail }) => {
    const index = [...document.querySelectorAll("any-widget")].indexOf(/** @type {Element} */ (target));
    note("refused", index, Object.keys(detail).join(), detail.unheard);
  }));
  await save(page, { a: 1, unheard: 2 });
  await page.waitForFunction(() => window.notes.length === 2);
  const [first, second] = await notes(page);
  assert.match(first, /^refused 0 unheard .*\S/);
  assert.match(second, /^refused 1 unheard .*\S/);
  const reason = first.slice("refused 0 unheard ".length);
  assert.match(reason, /unheard|key|declare|state/i, "the reason says what is wrong");
  assert.deepEqual(await host.state("a"), { a: 1 });
  assert.ok(warnings(page).some((text) => text.includes("refused")), warnings(page).join("\n"));
  assert.equal(await get(page, "a"), 1);
  await forget(page);
  await save(page, { a: 2 });
  await flush(probed);
  assert.deepEqual(await host.state("a"), { a: 2 }, "the refused key is not sent again");
  assert.deepEqual(await notes(page), []);
});

test("S2: a refused value: the page shows the true one", async () => {
  const probed = await probe({ a: 3, list: [1] });
  const { host, page, wire } = probed;
  await listen(page, ["a", "list"]);
  await page.evaluate(() => document.addEventListener("anywidget:refused", ({ detail }) => note(JSON.stringify(detail))));
  // The binary has no rules for values, so the test answers in its place.
  wire.intercept = ({ type, seq }) => {
    if (type !== "set") return false;
    setTimeout(() => wire.inject("a", { type: "ack", seq, rev: 0, refused: { a: "500 is above 100", list: "no" }, state: { a: 3, list: [1] } }));
    return true;
  };
  await save(page, { a: 500, list: [2] });
  await page.waitForFunction(() => window.notes.length === 5);
  const told = await notes(page);
  assert.deepEqual(told.filter((text) => !text.startsWith("{")), ["a 500", "list [2]", "a 3", "list [1]"]);
  assert.ok(told.includes('{"a":"500 is above 100","list":"no"}'));
  assert.deepEqual([await get(page, "a"), await get(page, "list")], [3, [1]]);
  assert.deepEqual(await host.state("a"), { a: 3, list: [1] });
});

test("S3: a partial update keeps other keys", async () => {
  const probed = await probe({ a: 0, b: { x: [1] }, c: null });
  const { host, page } = probed;
  const client = await connect(host, "a");
  await save(page, { a: 1 });
  await eventually(() => assert.deepEqual(client.state, { a: 1, b: { x: [1] }, c: null }));
  await client.set({ c: 2 });
  await eventually(async () => assert.equal(await get(page, "c"), 2));
  assert.deepEqual([await get(page, "a"), await get(page, "b")], [1, { x: [1] }]);
  assert.deepEqual(await host.state("a"), { a: 1, b: { x: [1] }, c: 2 });
});

/** A page with the probe, through a wire that can be cut. @param {object} [state] */
async function wired(state) {
  const host = await serve({ "a/widget.js": PROBE, ...(state ? { "a/widget.json": { state } } : {}) });
  const cable = await relay(host);
  const wire = await valve();
  const page = await open(cable, await host.view("a"), { allow: [OFFLINE] });
  await rendered(page, 1);
  await live(page);
  await page.evaluate(() => void (window.stays = true));
  return { host, cable, wire, page };
}

/** The page was neither loaded again nor its widget started or rendered again. @param {Page} page */
const stayed = async (page) =>
  assert.deepEqual(await page.evaluate(() => [window.stays, window.starts.length, window.views.length]), [true, 1, 1]);

/** Waits until the page and its host agree. @param {{ host: import("./support/host.js").Host, page: Page }} both @param {Record<string, unknown>} expected */
const equal = ({ host, page }, expected) =>
  eventually(async () => {
    assert.deepEqual(await host.state("a"), expected);
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(await get(page, key), value);
  }, { timeout: 20_000 });

test("S5: kill the socket: both sides equal, no page reload, no remount", async () => {
  const all = await wired({ a: 0, b: 0 });
  const client = await connect(all.host, "a");
  for (let i = 1; i <= 4; i++) {
    all.cable.cut();
    await client.set({ b: i });
    await save(all.page, { a: i });
    await equal(all, { a: i, b: i });
  }
  assert.ok(all.wire.opened >= 5, "each cut took a new socket");
  await stayed(all.page);
});

test("S5: a write whose ack was lost with the socket is not applied twice", async () => {
  const all = await wired({ a: 0 });
  const client = await connect(all.host, "a");
  all.wire.hold("down");
  await save(all.page, { a: 1 });
  await eventually(() => assert.equal(client.state.a, 1));
  await client.set({ a: 2 }); // a second time, 1 would undo this
  all.cable.cut();
  await eventually(() => assert.equal(all.wire.closed, 1));
  all.wire.release("down");
  await equal(all, { a: 2 });
  await flush(all);
  assert.deepEqual(await all.host.state("a"), { a: 2 });
  const [first, again] = all.wire.sent("set");
  assert.equal(again?.seq, first.seq, "the write was sent again");
  await stayed(all.page);
});

test("S5: a message whose ack was lost with the socket is sent again under its number, after what was before it", async () => {
  const all = await wired({ a: 0 });
  all.wire.hold("down");
  await all.page.evaluate(() => {
    const { model } = window.views[0];
    model.send("one");
    model.set("a", 1);
    model.save_changes();
    model.send("two");
  });
  await eventually(() => assert.equal(all.wire.sent("message").length, 2));
  all.cable.cut();
  await eventually(() => assert.equal(all.wire.closed, 1));
  all.wire.release("down");
  await flush(all);
  const writes = all.wire.frames.filter(({ sent, frame }) => sent && frame.seq);
  const numbered = writes.map(({ frame }) => [frame.seq, frame.content ?? frame.state]).filter(([, what]) => !/^mark/.test(String(what)));
  assert.deepEqual(numbered.slice(3), numbered.slice(0, 3));
  assert.deepEqual(numbered.slice(0, 3).map(([, what]) => what), ["one", { a: 1 }, "two"]);
});

test("S5: kill the network: the page comes back when it does", async () => {
  const all = await wired({ a: 0, b: 0 });
  const client = await connect(all.host, "a");
  await save(all.page, { a: 1 });
  await equal(all, { a: 1, b: 0 });
  all.cable.break();
  await all.page.waitForFunction(() => document.querySelector("any-widget")?.getAttribute("data-connection") === "offline");
  await client.set({ b: 5 });
  all.cable.mend();
  await equal(all, { a: 1, b: 5 });
  await stayed(all.page);
});

for (const signal of /** @type {const} */ (["SIGINT", "SIGKILL"])) {
  test(`S5: kill the server (${signal}) and start it again: both sides equal, no page reload, no remount`, async () => {
    const all = await wired({ a: 0, b: 7 });
    await save(all.page, { a: 1 });
    await equal(all, { a: 1, b: 7 });
    await all.host.stop(signal);
    await all.page.waitForFunction(() => document.querySelector("any-widget")?.getAttribute("data-connection") === "offline");
    await all.host.start();
    await live(all.page);
    // Models in memory end with their process: the page follows the new one.
    await equal(all, { a: 0, b: 7 });
    await save(all.page, { a: 3 });
    await equal(all, { a: 3, b: 7 });
    await stayed(all.page);
  });
}

test("S5: a key that the server does not have any more is gone from the page, too", async () => {
  const all = await wired();
  await save(all.page, { a: 1 });
  await equal(all, { a: 1 });
  await all.host.stop("SIGKILL");
  await all.page.waitForFunction(() => document.querySelector("any-widget")?.getAttribute("data-connection") === "offline");
  await listen(all.page, ["a"]);
  await all.host.start();
  await noted(all.page, ["a "]);
  assert.deepEqual(await all.host.state("a"), {});
  assert.equal(await get(all.page, "a"), undefined);
  await stayed(all.page);
});

test("S6: edits made while offline arrive, in their order", async () => {
  const all = await wired({ a: 0, b: 0, c: 0 });
  const client = await connect(all.host, "a");
  all.cable.break();
  await all.page.waitForFunction(() => document.querySelector("any-widget")?.getAttribute("data-connection") === "offline");
  await all.page.evaluate(() => {
    const { model } = window.views[0];
    for (let i = 1; i <= 10; i++) {
      model.set("a", i);
      model.save_changes();
    }
    model.send("first");
    model.set("b", 1);
    model.save_changes();
    model.send("second", null, [new Uint8Array([1, 2])]);
    model.set("c", "not saved");
  });
  assert.equal(client.state.a, 0);
  const before = all.wire.frames.length;
  all.cable.mend();
  await eventually(() => assert.deepEqual(client.state, { a: 10, b: 1, c: 0 }), { timeout: 20_000 });
  await flush(all);
  const writes = all.wire.frames.slice(before).filter(({ sent, frame }) => sent && frame.seq).map(({ frame }) => frame.content ?? frame.state);
  assert.deepEqual(writes.slice(0, 4), [{ a: 10 }, "first", { b: 1 }, "second"]);
  assert.equal(await get(all.page, "c"), "not saved");
  await stayed(all.page);
});

test("S6: an edit made before the host answered for the first time arrives", async () => {
  const host = await serve({ "a/widget.js": PROBE, "a/widget.json": { state: { a: 0 } } });
  const wire = await valve();
  wire.hold("up");
  const page = await open(host, await host.view("a"));
  await rendered(page, 1);
  await save(page, { a: 1 });
  await eventually(() => assert.ok(wire.waiting("up")));
  wire.release("up");
  await eventually(async () => assert.equal((await host.state("a")).a, 1));
});

/** How often a page mounts and removes a view in S9. */
const TIMES = 1_000;
/** Models that take turns, so that sessions come and go as well as views. */
const MODELS = 20;
/** The part of what as many views weigh while they are in the page that may stay when they are gone. */
const MAY_STAY = 1 / 20;
/** Longer (ms) than any timer that the end of a view leaves behind. */
const LULL = 4_000;
/** Less (bytes) than this is no timer that ran out. */
const NOISE = 1_000;

test(`S9: mount and remove ${TIMES} times: no console error, and neither the page's memory nor its sockets grow`, { timeout: 300_000 }, async () => {
  const source = `
    export default {
      initialize({ model }) { model.on("change:x", () => {}); return () => {} },
      render({ model, el, signal }) {
        const button = el.appendChild(document.createElement("button"));
        const show = () => { button.textContent = model.get("x") };
        button.addEventListener("click", () => { model.set("x", model.get("x") + 1); model.save_changes() }, { signal });
        model.on("change:x", show);
        show();
        window.renders++;
        return () => { window.cleanups++ };
      },
    }`;
  const names = Array.from({ length: MODELS }, (_, i) => `m${i}`);
  const files = names.flatMap((name) => [[`${name}/widget.js`, source], [`${name}/widget.json`, { state: { x: 0 } }]]);
  const host = await serve(Object.fromEntries(files));
  await (await visitor()).addInitScript(() => {
    Object.assign(window, { renders: 0, cleanups: 0 });
    window.until = async (/** @type {() => boolean} */ check) => {
      for (const late = performance.now() + 30_000; !check(); ) {
        if (performance.now() > late) throw new Error(`${check} after ${window.renders} renders and ${window.cleanups} cleanups`);
        await new Promise((done) => setTimeout(done));
      }
    };
  });
  const page = await open(host, '<main></main><script type="module" src="/anywidget/loader.js"></script>');
  let sockets = 0;
  let opened = 0;
  page.on("websocket", (socket) => {
    opened++;
    sockets++;
    socket.on("close", () => sockets--);
  });
  const views = await Promise.all(names.map((name) => host.view(name)));
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("HeapProfiler.enable");

  /** What is alive in the page. */
  const alive = async () => {
    for (let i = 0; i < 3; i++) await devtools.send("HeapProfiler.collectGarbage");
    const { usedSize } = await devtools.send("Runtime.getHeapUsage");
    const { nodes, jsEventListeners } = await devtools.send("Memory.getDOMCounters");
    return { bytes: usedSize, nodes, listeners: jsEventListeners };
  };
  /** What is alive when timers have run out: nothing has gone for `LULL`. */
  const settled = async () => {
    let least = await alive();
    for (let since = performance.now(); performance.now() - since < LULL; ) {
      await new Promise((done) => setTimeout(done, LULL / 10));
      const now = await alive();
      if (now.bytes > least.bytes - NOISE) continue;
      least = now;
      since = performance.now();
    }
    return alive();
  };
  /** Mounts views of all models, one after the other. @param {number} count */
  const mount = (count) =>
    page.evaluate(async ([views, count]) => {
      const until = window.renders + count;
      const markup = Array.from({ length: count }, (_, i) => views[i % views.length]).join("");
      document.querySelector("main")?.insertAdjacentHTML("beforeend", markup);
      await window.until(() => window.renders >= until);
    }, /** @type {const} */ ([views, count]));
  /** Removes all of them. */
  const clear = () =>
    page.evaluate(async () => {
      document.querySelector("main")?.replaceChildren();
      await window.until(() => window.cleanups >= window.renders);
    });
  const churn = async () => {
    for (let i = 0; i < TIMES; i += MODELS) {
      await mount(MODELS);
      await clear();
    }
    await eventually(() => assert.ok(opened >= MODELS && sockets === 0, `${sockets} of ${opened} sockets are open`));
    return settled();
  };

  const warm = await churn();
  // How much the same number of views weighs is the measure for how much of them may be left.
  await mount(TIMES);
  await eventually(() => assert.equal(sockets, MODELS));
  const full = await alive();
  await clear();
  await eventually(() => assert.equal(sockets, 0));
  const before = await settled();
  const after = await churn();

  assert.equal(await page.evaluate(() => window.renders), 3 * TIMES);
  const told = JSON.stringify({ warm, full, before, after });
  assert.ok(full.bytes - before.bytes > 500_000, `the measure is sound: ${told}`);
  assert.ok(after.bytes - before.bytes < (full.bytes - before.bytes) * MAY_STAY, `bytes stay: ${told}`);
  assert.ok(after.nodes - before.nodes < (full.nodes - before.nodes) * MAY_STAY, `nodes stay: ${told}`);
  assert.ok(after.listeners - before.listeners < (full.listeners - before.listeners) * MAY_STAY, `listeners stay: ${told}`);
  if (process.env.SHOW) console.log(told);

  // The host has the same models as before, and they are at work.
  for (const name of names) assert.deepEqual(await host.state(name), { x: 0 });
  await mount(MODELS);
  await page.evaluate(() => document.querySelectorAll("button").forEach((button) => button.click()));
  for (const name of names) await eventually(async () => assert.deepEqual(await host.state(name), { x: 1 }));
});
