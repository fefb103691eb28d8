/** Pages in a real Chromium: one browser for a test file, one context for a test, and no error that nobody expects. */
import { decode, encode } from "@msgpack/msgpack";
import assert from "node:assert/strict";
import { after } from "node:test";
import { chromium } from "playwright-core";
import { afterTest } from "./cleanup.js";
import { hasBytes } from "./client.js";
import { eventually } from "./eventually.js";
import { PICTURES } from "./picture.js";

/**
 * @import { Browser, BrowserContext, Page } from "playwright-core"
 * @typedef {{ url: string }} Server
 */

const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
const ARGS = [
  "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  // A page that a test makes up has no address, so Chromium takes it for one of the internet that asks for this machine.
  "--disable-features=LocalNetworkAccessChecks",
];
const NO_GPU = ["--disable-gpu"];
const SOFTWARE_GPU = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"];
let graphics = NO_GPU;

/** Gives the pages of this file WebGL, rendered in software. Call it at the top of the file; its browser is slower for it. */
export function useWebGL() {
  if (browser) throw new Error("the browser runs already");
  graphics = SOFTWARE_GPU;
}

/** @type {string[]} */
let without = [];

/** Keeps pages that are left in the back/forward cache, as browsers do for people. Call it at the top of the file. */
export function keepLeftPages() {
  if (browser) throw new Error("the browser runs already");
  without = ["--disable-back-forward-cache"];
}

/** A page that does not do what a test asks of it fails the test after this time (ms). */
const PATIENCE = 10_000;

/** @type {Promise<Browser> | undefined} */
let browser;
/** Of the test that runs. @type {Promise<BrowserContext> | undefined} */
let context;

after(async () => (await browser)?.close());

/** The context of the running test. */
export function visitor() {
  context ??= stranger();
  return context;
}

/** Another person's browser, with no cookie of the first. */
export async function stranger() {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: [...ARGS, ...graphics], ignoreDefaultArgs: without });
  const created = await (await browser).newContext({ deviceScaleFactor: PICTURES ? 2 : 1 });
  created.setDefaultTimeout(PATIENCE);
  await created.addInitScript(() => {
    // What widgets tell the test, in order; `note` is theirs.
    Object.assign(window, { notes: [] });
    Object.assign(window, { note: (/** @type {unknown[]} */ ...words) => window.notes.push(words.join(" ")) });
  });
  afterTest(async () => {
    context = undefined;
    await created.close();
  });
  return created;
}

/** @type {Record<string, string>} */
const TYPES = { js: "text/javascript", css: "text/css", html: "text/html; charset=utf-8" };

/** What Chromium itself logs while a host is away. */
export const OFFLINE = /^WebSocket connection to .* failed: |^Failed to load resource: net::ERR_/;

/** What the consoles of a page said. @type {WeakMap<Page, { errors: string[], warnings: string[], expected: RegExp[], allowed: RegExp[] }>} */
const consoles = new WeakMap();

/**
 * A page of the server's origin with this body, or, when it is a path like "/w/counter", that page of the server itself.
 * Widgets find `note(...words)` there, which `notes` reads.
 * @param {Server} server @param {string} body
 * @param {{ expect?: RegExp[], allow?: RegExp[], files?: Record<string, string>, csp?: string, trial?: string, by?: BrowserContext }} [options]
 * errors that must come, and that may come (`OFFLINE` is one); more texts to serve, by path; a Content-Security-Policy for the body,
 * and one that refuses nothing, whose violations `refusals` tells; whose browser it is, the test's one unless given
 */
export async function open(server, body, { expect = [], allow = [], files = {}, csp, trial, by } = {}) {
  const page = await (by ?? (await visitor())).newPage();
  const said = { errors: /** @type {string[]} */ ([]), warnings: /** @type {string[]} */ ([]), expected: [...expect], allowed: allow };
  consoles.set(page, said);
  page.on("console", (message) => {
    const text = `${message.text()} (${message.location().url})`;
    if (message.type() === "error") said.errors.push(text);
    if (message.type() === "warning") said.warnings.push(text);
  });
  page.on("pageerror", (error) => said.errors.push(`uncaught ${error.stack ?? error}`));
  afterTest(async () => {
    // The console may tell of an error after the host's log has.
    for (const pattern of said.expected) {
      await eventually(() => assert.ok(said.errors.some((error) => pattern.test(error)), `no error matches ${pattern}`));
    }
    const known = [...said.expected, ...said.allowed];
    const unexpected = said.errors.filter((error) => !known.some((pattern) => pattern.test(error)));
    assert.deepEqual(unexpected, [], "the page has errors");
  });
  await page.addInitScript(() => {
    window.refusals = [];
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => window.refusals.push(`${effectiveDirective} ${blockedURI}`));
  });
  const isPath = body.startsWith("/");
  for (const [path, text] of Object.entries(files)) {
    const contentType = TYPES[path.split(".").pop() ?? ""] ?? TYPES.html;
    await page.route(server.url + path, (route) => route.fulfill({ contentType, body: text }));
  }
  if (!isPath) {
    const html = `<!doctype html><html lang="en"><head><title>test</title><link rel="icon" href="data:,"></head><body>${body}</body></html>`;
    const headers = { ...(csp && { "content-security-policy": csp }), ...(trial && { "content-security-policy-report-only": trial }) };
    await page.route(`${server.url}/test`, (route) => route.fulfill({ contentType: TYPES.html, body: html, headers }));
  }
  await page.goto(server.url + (isPath ? body : "/test"));
  return page;
}

/**
 * Puts HTML into the open page, as a library of fragments does: markup first, then its scripts anew, so that they run.
 * @param {Page} page @param {string} html @param {string} [where] selector of the element that gets it, at its end
 */
export const insert = (page, html, where = "body") =>
  page.evaluate(
    ([html, where]) => {
      const place = /** @type {Element} */ (document.querySelector(where));
      const scripts = new Set(place.querySelectorAll("script"));
      place.insertAdjacentHTML("beforeend", html);
      for (const inert of place.querySelectorAll("script[type=module]")) {
        if (scripts.has(/** @type {HTMLScriptElement} */ (inert))) continue;
        const script = document.createElement("script");
        script.type = "module";
        script.setAttribute("src", inert.getAttribute("src") ?? "");
        inert.replaceWith(script);
      }
    },
    [html, where],
  );

/** From now on errors like this one are what the test wants; it fails without one. @param {Page} page @param {RegExp} pattern */
export function expectError(page, pattern) {
  consoles.get(page)?.expected.push(pattern);
}

/** Errors of the page's console and uncaught ones, so far. @param {Page} page */
export const errors = (page) => [...(consoles.get(page)?.errors ?? [])];

/** Warnings of the page's console, so far. @param {Page} page */
export const warnings = (page) => [...(consoles.get(page)?.warnings ?? [])];

/** What the Content-Security-Policy of a page refused, or would, so far: once each, like "script-src eval". @param {Page} page @returns {Promise<string[]>} */
export const refusals = (page) => page.evaluate(() => [...new Set(window.refusals)].sort());

/** What widgets noted, so far. @param {Page} page @returns {Promise<string[]>} */
export const notes = (page) => page.evaluate(() => window.notes);

/** Waits until widgets have noted exactly this. @param {Page} page @param {string[]} expected */
export const noted = (page, expected) => eventually(async () => assert.deepEqual(await notes(page), expected));

/** Forgets what was noted. @param {Page} page */
export const forget = (page) => page.evaluate(() => void (window.notes.length = 0));

/**
 * Lets the page run everything that is ready to run: microtasks, timers of 0 ms and a frame, three times. For what must
 * not happen; what must happen is waited for by its condition.
 * @param {Page} page
 */
export const settle = (page) =>
  page.evaluate(async () => {
    for (let i = 0; i < 3; i++) await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  });

/** @typedef {{ type: string, [field: string]: any }} Frame */

/**
 * Sits on the page's sockets: `frames` are those it sent and received (a heartbeat has the type ""), and `inject` makes one
 * come from the host. Call it before `open`.
 */
export async function tap() {
  /** @type {{ id: string, sent: boolean, frame: Frame }[]} */
  const frames = [];
  /** @type {Map<string, import("playwright-core").WebSocketRoute>} */
  const routes = new Map();
  /** @param {string | Buffer} data @returns {any} */
  const parse = (data) => (data === "" ? { type: "" } : typeof data === "string" ? JSON.parse(data) : decode(data));
  await (await visitor()).routeWebSocket(/\/models\/[^/]+\/ws$/, (route) => {
    const id = decodeURIComponent(/\/models\/([^/]+)\/ws$/.exec(route.url())?.[1] ?? "");
    const host = route.connectToServer();
    routes.set(id, route);
    route.onMessage((data) => (frames.push({ id, sent: true, frame: parse(data) }), host.send(data)));
    host.onMessage((data) => (frames.push({ id, sent: false, frame: parse(data) }), route.send(data)));
  });
  return {
    frames,
    /** @param {string} id of the model @param {Frame} frame @param {{ binary?: boolean }} [options] */
    inject(id, frame, { binary = hasBytes(frame) } = {}) {
      const route = routes.get(id);
      assert.ok(route, `the page has no socket for ${id}`);
      route.send(binary ? Buffer.from(encode(frame)) : JSON.stringify(frame));
    },
  };
}
