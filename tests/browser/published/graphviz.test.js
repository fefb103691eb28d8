/** graphviz-anywidget 0.8.0: Graphviz as wasm, a graph that is searched by custom messages from the host. */
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

const ID = "graphviz-anywidget";

/** @type {Published} */
const GRAPHVIZ = {
  name: ID, version: "0.8.0", esm: "graphviz_anywidget/static/widget.js",
  state: {
    dot_source: "digraph { a -> b; b -> c; c -> a; }", selected_direction: "bidirectional", search_type: "included",
    case_sensitive: false, enable_zoom: true, freeze_scroll: false,
  },
};

/** What a page, its host and another page say to each other. */
const EXCHANGE = `digraph {
  rankdir=LR; node [style=filled, fillcolor="#cfe3f5", shape=box];
  page -> host [label="set"]; host -> page [label="ack"]; host -> "other page" [label="set"];
}`;

/** The names of a graph's nodes, and how many edges it has. @param {Locator} view */
const graph = async (view) => ({ nodes: await view.locator("g.node text").allTextContents(), edges: await view.locator("g.edge").count() });

/** The nodes whose ellipse has the colour it was drawn in. @param {Locator} view */
const black = (view) =>
  view.locator("g.node").evaluateAll((nodes) => {
    const plain = nodes.filter((node) => node.querySelector("ellipse")?.getAttribute("stroke") === "black");
    return plain.map((node) => node.querySelector("text")?.textContent);
  });

for (const shadow of [false, true]) {
  test(`D4: graphviz-anywidget 0.8.0 in ${shadow ? "a shadow root" : "light DOM"}`, async (t) => {
    const host = await servePublished(t, GRAPHVIZ);
    if (!host) return;
    const abroad = await blockNetwork(host);
    const other = await open(host, await host.view(ID, { shadow }));
    const wire = await valve(); // on the sockets of the page that is searched
    const page = await open(host, (await host.view(ID, { shadow })).repeat(2), { trial: STRICT });
    /** Sends a message to the page's two views. The binary has none of its own to send, so it is put on the page's socket. */
    const send = (/** @type {object} */ content) => wire.inject(ID, { type: "message", content, buffers: [], rev: 0 });
    const views = [...(await page.locator("any-widget").all()), other.locator("any-widget")];
    const [first, second, far] = views;
    const client = await connect(host, ID);

    for (const view of views) await eventually(async () => assert.deepEqual(await graph(view), { nodes: ["a", "b", "c"], edges: 3 }));
    // It listens before the end of its `render`, until which the element is busy.
    for (const view of views) await eventually(async () => assert.equal(await view.getAttribute("aria-busy"), null));

    // A search dims what it does not find, in both views of this page; reset_zoom brings it back.
    send({ action: "search", query: "a" });
    for (const view of [first, second]) await eventually(async () => assert.deepEqual(await black(view), ["a"]));
    send({ action: "reset_zoom" });
    for (const view of [first, second]) await eventually(async () => assert.deepEqual(await black(view), ["a", "b", "c"]));

    // What a search needs of the state is read from then on.
    send({ action: "search", query: "B" });
    for (const view of [first, second]) await eventually(async () => assert.deepEqual(await black(view), ["b"]));
    await client.set({ case_sensitive: true });
    await wire.seen(({ sent, frame }) => !sent && frame.state?.case_sensitive === true);
    send({ action: "search", query: "B" });
    for (const view of [first, second]) await eventually(async () => assert.deepEqual(await black(view), ["a", "b", "c"], "nothing is found, so nothing is dimmed"));

    // A push draws another graph everywhere, and a search finds its nodes.
    const dot = "digraph { x -> y; y -> z; z -> w }";
    await client.set({ dot_source: dot });
    for (const view of views) await eventually(async () => assert.deepEqual(await graph(view), { nodes: ["x", "y", "z", "w"], edges: 3 }));
    send({ action: "search", query: "w" });
    for (const view of [first, second]) await eventually(async () => assert.deepEqual(await black(view), ["w"]));

    // Without one of its views the other goes on.
    await first.evaluate((element) => element.remove());
    await client.set({ dot_source: EXCHANGE });
    for (const view of [page.locator("any-widget"), far]) {
      await eventually(async () => assert.deepEqual(await graph(view), { nodes: ["page", "host", "other page"], edges: 3 }));
    }
    await picture(page, "graphviz", { of: ".graphviz-svg svg" });
    await settle(page);
    assert.deepEqual(wire.sent("set"), [], "it saves nothing");
    assert.deepEqual(await host.state(ID), { ...GRAPHVIZ.state, case_sensitive: true, dot_source: EXCHANGE });
    assert.deepEqual(await refusals(page), ["script-src wasm-eval", "style-src-attr inline"], "beyond a strict policy it needs wasm and its style attributes");
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });
}
