/** Pages whose content is swapped: a widget that notes what happens to it, and what holds whatever does the swap. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect } from "./client.js";
import { eventually } from "./eventually.js";
import { serve } from "./host.js";
import { forget, notes, open, settle, visitor } from "./page.js";
import { valve } from "./valve.js";

/**
 * A way to replace what is in `#place`.
 * @typedef {object} Way
 * @property {string} name
 * @property {(page: import("playwright-core").Page, html: string) => Promise<unknown>} act does it with what `answer` made
 * @property {(content: string) => string} [answer] what the way is given, when that is not the content alone
 * @property {string} [path] where the page gets that, when it asks; "/next" unless given
 * @property {"view" | "element"} [keeps] of a widget that is in both; without it, nothing
 * @property {string} [attributes] of the widgets' elements
 * @property {string} [head] more for the page's head
 * @property {string} [tag] of `#place`
 * @property {number} [many] so many swaps are enough for a slow way
 */

/** Shows `x`, sets it on a click, and notes what happens to it; "pair" shows "b" too, inside. */
const COUNTER = `
  window.models = {};
  export default {
    initialize({ model }) { note(model.model_id, "initialize"); return () => note(model.model_id, "end") },
    async render({ model, el, host }) {
      const id = model.model_id;
      note(id, "render", el.childNodes.length, model.get("x"));
      window.models[id] = model;
      const button = el.appendChild(document.createElement("button"));
      button.className = "x " + id;
      const show = () => { button.textContent = model.get("x") };
      model.on("change:x", show);
      button.onclick = () => { model.set("x", model.get("x") + 1); model.save_changes() };
      show();
      if (model.get("child")) {
        const child = await host.getWidget(model.get("child"));
        await child.render({ el: el.appendChild(document.createElement("div")) });
      }
      return () => note(id, "cleanup");
    },
  }`;

/** The text of a script of an npm package. @param {string} path */
const script = (path) => readFileSync(new URL(`../../../node_modules/${path}`, import.meta.url), "utf8");

/** @param {string} head @param {string} body */
export const documentOf = (head, body) =>
  `<!doctype html><html lang="en"><head><title>test</title><link rel="icon" href="data:,">${head}</head><body>${body}</body></html>`;

/** For ways that replace `#place` itself. @param {string} content */
export const outer = (content) => `<main id="place">${content}</main>`;

/** A page with a `#place` whose content changes. The host has the counters "a", "b" and "pair", all at 1. */
export class Stage {
  /** What the page can ask for, by path. @type {Map<string, string>} */
  pages = new Map();
  #swaps = 0;

  /** @param {{ scripts?: string[], way?: Way }} options what the page has in its head, by path below node_modules */
  static async set({ scripts = [], way = { name: "", act: async () => {} } }) {
    const state = { x: 1, y: 0 };
    const stage = new Stage();
    stage.way = way;
    stage.host = await serve({
      "a/widget.js": COUNTER,
      "a/widget.json": { state },
      "b/widget.js": COUNTER,
      "b/widget.json": { state },
      "pair/widget.js": COUNTER,
      "pair/widget.json": { state: { ...state, child: "anywidget:b" } },
    });
    stage.head = (way.head ?? "") + scripts.map((path) => `<script src="/${path}"></script>`).join("");
    for (const path of scripts) stage.pages.set(`/${path}`, script(path));
    stage.wire = await valve();
    /** How often the browser asked for the runtime. */
    stage.loads = 0;
    const context = await visitor();
    context.on("request", (request) => request.url().endsWith("/anywidget/loader.js") && stage.loads++);
    await context.route(
      (url) => stage.pages.has(url.pathname),
      (route) => {
        const { pathname } = new URL(route.request().url());
        const contentType = pathname.endsWith(".js") ? "text/javascript" : "text/html; charset=utf-8";
        return route.fulfill({ contentType, body: stage.pages.get(pathname) });
      },
    );
    return stage;
  }

  /** @param {string} id @param {string} [attributes] */
  view(id, attributes = this.way.attributes ?? "") {
    return this.host.view(id, { attributes });
  }

  /** Opens the page with this in its place. @param {string} html @param {string} [around] more of its body */
  async open(html, around = "") {
    const tag = this.way.tag ?? "main";
    this.pages.set("/stage", documentOf(this.head, `${around}<${tag} id="place"><p class="mark">0</p>${html}</${tag.split(" ")[0]}>`));
    this.page = await open(this.host, "/stage");
    return this.page;
  }

  /** Puts this in the place. @param {string} html */
  async put(html) {
    const mark = `${++this.#swaps}`;
    const content = `<p class="mark">${mark}</p>${html}`;
    const answer = this.way.answer?.(content) ?? content;
    this.pages.set(this.way.path ?? "/next", answer);
    await this.way.act(this.page, answer);
    await eventually(async () => assert.deepEqual(await this.page.locator("#place > .mark").allInnerTexts(), [mark]));
  }

  /** Puts this in the place, and waits until the page has run what is ready to run. @param {string} html */
  async swap(html) {
    await this.put(html);
    await settle(this.page);
  }

  /** Waits until the counters show this. @param {string[]} expected */
  async shows(...expected) {
    await eventually(async () => assert.deepEqual(await this.page.locator(".x").allInnerTexts(), expected));
  }

  /** Waits until widgets have noted exactly this, in any order. @param {string[]} expected */
  async noted(...expected) {
    await eventually(async () => assert.deepEqual((await notes(this.page)).sort(), expected.sort()));
  }

  /** How many notes say this. @param {string} words */
  async count(words) {
    return (await notes(this.page)).filter((note) => note.startsWith(words)).length;
  }

  /** A click on a counter reaches the host and comes back to the page. @param {string} id @param {number} value then */
  async clicks(id, value) {
    await this.page.locator(`.x.${id}`).click();
    await eventually(async () => assert.equal((await this.host.state(id)).x, value));
    await eventually(async () => assert.equal(await this.page.locator(`.x.${id}`).innerText(), `${value}`));
  }

  /** Keeps a part of the page in mind, for `same`. @param {string} selector */
  async remember(selector) {
    await this.page.evaluate((selector) => void (window.remembered = document.querySelector(selector)), selector);
  }

  /** Is it the same object as the remembered one? @param {string} selector */
  same(selector) {
    return this.page.evaluate((selector) => window.remembered !== null && window.remembered === document.querySelector(selector), selector);
  }

  /** Follows `#go` to another page with the view "a", which came with `x` of 1; then back, and forward. Every page has the newest state. */
  async goesThereAndBack() {
    const { page } = this;
    await this.noted("a initialize", "a render 0 1");
    await this.clicks("a", 2);
    this.pages.set("/two", documentOf(this.head, `<h1>two</h1>${await this.view("a")}`));
    await page.click("#go");
    await page.waitForSelector("h1");
    await this.noted("a initialize", "a render 0 1", "a cleanup", "a render 0 2");
    await this.clicks("a", 3);
    await page.goBack();
    await page.waitForSelector("#go");
    await this.shows("3");
    await this.clicks("a", 4);
    await page.goForward();
    await page.waitForSelector("h1");
    await this.shows("4");
    await this.clicks("a", 5);
  }

  /** Waits until the last view's model is given up: its socket closes. */
  async closes() {
    await eventually(() => assert.equal(this.wire.open, 0));
  }
}

/** So many swaps show whether one leaves something behind. */
const MANY = 50;
/** Each view transition takes a quarter of a second. */
export const SLOW = 8;
/** Browsers keep a few elements a while longer: what was clicked, what is being swapped. */
const FEW = 5;

/**
 * What holds for every way, each a test of its own. The rows are those of section 4 of the design.
 * @param {string} library @param {string[]} scripts @param {Way[]} ways
 */
export function swaps(library, scripts, ways) {
  for (const way of ways) {
    const { keeps, many = MANY } = way;
    const name = `${library}, ${way.name}`;
    const anew = ["a cleanup", "a render 0 2"];

    test(`${name}: a swap with the same model: one initialize, one render per element, one cleanup, one socket`, async () => {
      const stage = await Stage.set({ scripts, way });
      await stage.open(await stage.view("a"));
      await stage.noted("a initialize", "a render 0 1");
      await stage.clicks("a", 2);
      await forget(stage.page);
      await stage.remember(keeps === "view" ? ".x" : "any-widget");
      await stage.swap(await stage.view("a"));
      await stage.noted(...(keeps === "view" ? [] : anew));
      assert.equal(await stage.same(keeps === "view" ? ".x" : "any-widget"), !!keeps);
      await stage.page.waitForSelector("any-widget[data-connection=live]");
      await stage.clicks("a", 3);
      assert.equal(stage.wire.opened, 1);
    });

    test(`${name}: module script in every fragment: runs once; ${many} swaps leave nothing behind, and without a view all ends once`, async () => {
      const stage = await Stage.set({ scripts, way });
      const page = await stage.open(await stage.view("a"));
      await stage.shows("1");
      await page.evaluate(() => {
        window.elements = [];
        window.observer = new MutationObserver((records) => {
          for (const { addedNodes } of records)
            for (const node of addedNodes)
              for (const element of node instanceof Element ? [node, ...node.querySelectorAll("any-widget")] : [])
                if (element.localName === "any-widget") window.elements.push(new WeakRef(element));
        });
        window.observer.observe(document, { childList: true, subtree: true });
      });
      const sheets = await page.evaluate(() => document.adoptedStyleSheets.length);
      const fragment = await stage.view("a");
      for (let i = 0; i < many; i++) await stage.put(fragment);
      await stage.shows("1");
      assert.equal(await stage.count("a initialize"), 1);
      await eventually(async () => assert.equal((await stage.count("a render 0")) - (await stage.count("a cleanup")), 1));
      assert.equal(await stage.count("a render"), await stage.count("a render 0"), "each into an empty element");
      assert.equal(await stage.count("a render") > 1, keeps !== "view");
      assert.deepEqual([stage.wire.opened, stage.wire.open, stage.loads], [1, 1, 1]);
      assert.equal(await page.evaluate(() => document.adoptedStyleSheets.length), sheets);
      await stage.swap("");
      await stage.closes();
      await eventually(async () => assert.equal(await stage.count("a end"), 1));
      assert.equal(await stage.count("a render"), await stage.count("a cleanup"));
      await eventually(async () => {
        await page.requestGC();
        const alive = await page.evaluate(() => window.elements.filter((element) => element.deref()).length);
        assert.ok(alive <= FEW, `${alive} elements are kept alive`);
      });
    });

    test(`${name}: a value that is set and not yet saved survives a swap with the same model`, async () => {
      const stage = await Stage.set({ scripts, way });
      const page = await stage.open(await stage.view("a"));
      await stage.shows("1");
      await page.evaluate(() => window.models.a.set("y", 7));
      await stage.swap(await stage.view("a"));
      await stage.shows("1");
      if (keeps !== "view") await eventually(async () => assert.equal(await stage.count("a render"), 2));
      assert.equal(await page.evaluate(() => window.models.a.get("y")), 7);
      await page.evaluate(() => window.models.a.save_changes());
      // Edits that a view left unsaved are sent by whoever saves next.
      await eventually(async () => assert.equal((await stage.host.state("a")).y, 7));
    });

    test(`${name}: an old fragment, as from a slow response, does not rewind a live model`, async () => {
      const stage = await Stage.set({ scripts, way });
      const old = await stage.view("a");
      await stage.open(old);
      await stage.shows("1");
      const client = await connect(stage.host, "a");
      await client.set({ x: 5 });
      await stage.shows("5");
      await stage.swap(old);
      await stage.shows("5");
      assert.equal(await stage.page.evaluate(() => window.models.a.get("x")), 5);
      assert.equal((await stage.host.state("a")).x, 5);
      assert.equal(stage.wire.sent("set").length, 0);
      await client.set({ x: 6 });
      await stage.shows("6");
    });

    test(`${name}: a fragment with a model, and a loader, that the page does not have renders from its seed, before the socket says anything`, async () => {
      const stage = await Stage.set({ scripts, way });
      stage.wire.hold("down");
      await stage.open("");
      await stage.swap(await stage.view("a"));
      await stage.noted("a initialize", "a render 0 1");
      await stage.shows("1");
      assert.equal(stage.wire.frames.filter(({ sent }) => !sent).length, 0);
      stage.wire.release("down");
      await stage.clicks("a", 2);
    });

    test(`${name}: markup read back from the page arrives with stale children, and is emptied before it renders`, async () => {
      const stage = await Stage.set({ scripts, way });
      const page = await stage.open(await stage.view("a"));
      await stage.clicks("a", 2);
      const snapshot = await page.evaluate(() => /** @type {Element} */ (document.querySelector("any-widget")).outerHTML);
      assert.match(snapshot, /<button/);
      await stage.swap("");
      await eventually(async () => assert.equal(await stage.count("a cleanup"), 1));
      await stage.swap(snapshot);
      await eventually(async () => assert.equal(await stage.count("a render 0"), 2));
      assert.equal(await stage.count("a render"), 2);
      await stage.shows("2");
      await stage.clicks("a", 3);
    });

    test(`${name}: another model in its place ends the first and begins the other`, async () => {
      const stage = await Stage.set({ scripts, way });
      await stage.open(await stage.view("a"));
      await stage.noted("a initialize", "a render 0 1");
      await stage.swap(await stage.view("b"));
      await stage.noted("a initialize", "a render 0 1", "a cleanup", "a end", "b initialize", "b render 0 1");
      await stage.shows("1");
      await stage.clicks("b", 2);
      await eventually(() => assert.deepEqual([stage.wire.opened, stage.wire.open], [2, 1]));
    });

    test(`${name}: a widget in a widget: both are rendered anew, both end once`, async () => {
      const stage = await Stage.set({ scripts, way });
      await stage.open(await stage.view("pair"));
      const first = ["b initialize", "b render 0 1", "pair initialize", "pair render 0 1"];
      await stage.noted(...first);
      await stage.clicks("b", 2);
      await stage.swap(await stage.view("pair"));
      const second = keeps === "view" ? [] : ["b cleanup", "b render 0 2", "pair cleanup", "pair render 0 1"];
      await stage.noted(...first, ...second);
      await stage.clicks("b", 3);
      assert.equal(stage.wire.opened, 2);
      await stage.swap("");
      await stage.noted(...first, ...second, "b cleanup", "b end", "pair cleanup", "pair end");
      await stage.closes();
    });
  }
}
