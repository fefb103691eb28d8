/** A widget without a will of its own: a test drives its model from outside. */
import assert from "node:assert/strict";
import { eventually } from "./eventually.js";
import { serve } from "./host.js";
import { open, settle } from "./page.js";
import { valve } from "./valve.js";

/** @import { Page } from "playwright-core" */

/** Gives what its hooks get to the page: `starts` what `initialize` gets, `views` what `render` gets, in order. */
export const PROBE = `
  window.starts ??= [];
  window.views ??= [];
  export default { initialize(props) { starts.push(props) }, render(props) { views.push(props) } }`;

/**
 * A host with the probe as model "a", and a page with views of it; its sockets go through a valve.
 * @param {Record<string, unknown> | null} state null: none is declared, so any key may be set
 * @param {{ views?: number, files?: import("./host.js").Files, page?: Parameters<typeof open>[2] }} [options]
 */
export async function probe(state, { views = 1, files = {}, page: more } = {}) {
  const host = await serve({ "a/widget.js": PROBE, "a/widget.json": state ? { state } : {}, ...files });
  const wire = await valve();
  const page = await open(host, (await host.view("a")).repeat(views), more);
  await rendered(page, views);
  await live(page);
  return { host, wire, page };
}

/** Waits until so many views of the probe have been rendered. @param {Page} page @param {number} count */
export const rendered = (page, count) => eventually(async () => assert.equal(await page.evaluate(() => window.views?.length), count));

/** Waits until the host has said hello to all elements. @param {Page} page */
export const live = (page) =>
  page.waitForFunction(() => [...document.querySelectorAll("any-widget")].every((element) => element.getAttribute("data-connection") === "live"));

/**
 * Sends a message and waits for its ack, so that everything sent before is through, and the page has seen what came of it.
 * @param {{ page: Page, wire: Awaited<ReturnType<typeof valve>> }} probed @returns the writes before it, `set`s and messages
 */
export async function flush({ page, wire }) {
  const mark = `mark ${Math.random()}`;
  await page.evaluate((mark) => window.views[0].model.send(mark), mark);
  const { seq } = await wire.seen(({ sent, frame }) => sent && frame.content === mark);
  await wire.seen(({ sent, frame }) => !sent && frame.type === "ack" && frame.seq === seq);
  await settle(page);
  const writes = wire.frames.filter(({ sent, frame }) => sent && (frame.type === "set" || frame.type === "message"));
  return writes.map(({ frame }) => frame).filter(({ content }) => !/^mark /.test(String(content)));
}
