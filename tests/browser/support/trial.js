/** Tries a published widget as a visitor and another client would, and finds out what it needs by taking that away. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { chromium } from "playwright-core";
import { afterTest } from "./cleanup.js";
import { connect } from "./client.js";
import { eventually } from "./eventually.js";
import { npmPackage } from "./npm.js";

/**
 * @import { Browser, BrowserContext, Locator, Page } from "playwright-core"
 * @import { Client } from "./client.js"
 * @import { Host } from "./host.js"
 * @typedef {"eval" | "wasm" | "worker" | "WebGL"} Ability of a page, that it may be refused
 * @typedef {{ page: Page, view: Locator, client: Client }} Stage
 * @typedef {object} Attempt what is to be tried on a widget
 * @property {Record<string, any>} [push] keys that another client sets, which must be seen
 * @property {(stage: Stage) => Promise<unknown>} [act] what a visitor does
 * @property {string} [sets] the key that this changes
 * @property {string} [shows] selector of what must be visible; without it anything will do
 * @property {true | ((stage: Stage) => Promise<boolean>)} [unseen] it draws nothing, and is not to; what tells that it runs, if not the push
 * @property {(stage: Stage) => Promise<unknown>} [look] where the push is to be seen, if not in the picture of the page
 * @property {string} [of] the model that is pushed to and that changes, if it is a child of the widget
 * @property {RegExp[]} [allow] errors in the console that it has everywhere
 * @property {Record<string, [name: string, version: string, file: string]>} [mirror] files of npm in place of addresses of a CDN
 * @property {string} [note] why it does not do something
 * @typedef {object} Finding
 * @property {boolean} loads
 * @property {boolean | null} shown whether the push was seen; null where there is none
 * @property {boolean | null} told whether the action changed the key
 * @property {Ability[]} uses
 * @property {string[]} hosts that were asked
 * @property {string[]} errors
 */

const CHROMIUM = process.env.CHROMIUM || "/usr/bin/chromium";
const ARGS = [
  "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
  "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist",
  "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
  "--disable-features=LocalNetworkAccessChecks",
];
const VIEWPORT = { width: 900, height: 640 };

/** What has not happened within this time (ms) is taken for something that does not happen. */
const PATIENCE = 20_000;
/** A picture that is the same for so long (ms) is at rest. */
const REST = 300;

/** Whatever the scripts of a page and `'unsafe-eval'` allow, but `eval`. */
const NO_EVAL = "script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob: data: https:";

/** @type {Promise<Browser> | undefined} */
let browser;

after(async () => (await browser)?.close());

/** A visitor without network, for the running test. @param {Host} host */
export async function visit(host) {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: ARGS });
  const context = await (await browser).newContext({ viewport: VIEWPORT, permissions: ["camera", "clipboard-read", "clipboard-write"] });
  afterTest(() => context.close());
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  await show(page, host, "");
  const blank = await picture(page);
  return { context, host, blank, starts: /** @type {Map<string, Record<string, any>>} */ (new Map()) };
}

/**
 * @param {Awaited<ReturnType<typeof visit>>} visitor @param {string} id of the model @param {Attempt} trial
 * @param {Ability} [without] this
 * @returns {Promise<Finding>}
 * @throws {import("./wheel.js").Unreachable} when npm cannot fetch what is mirrored
 */
export async function attempt({ context, host, blank, starts }, id, trial, without) {
  /** @type {Map<string, string>} */
  const mirror = new Map();
  for (const [url, [name, version, file]] of Object.entries(trial.mirror ?? {})) mirror.set(url, join(await npmPackage(name, version), file));
  const page = await context.newPage();
  try {
    /** @type {Set<string>} */
    const hosts = new Set();
    let refused = 0;
    /** @type {string[]} */
    const errors = [];
    page.on("pageerror", (error) => errors.push(`uncaught ${error.message}`));
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      const from = message.location().url;
      // Chromium's word for what the test itself refuses.
      if (/^Failed to load resource: net::ERR_/.test(message.text()) && !from.startsWith(host.url)) return;
      errors.push(message.text());
    });
    await page.route((url) => url.origin !== host.url, async (route) => {
      const url = route.request().url();
      hosts.add(new URL(url).host);
      const path = mirror.get(url);
      if (!path) return (refused++, route.abort());
      await route.fulfill({ path, headers: { "access-control-allow-origin": "*" } });
    });
    await page.addInitScript(watch, without);

    const model = trial.of ?? id;
    const client = await connect(host, model);
    const start = starts.get(model);
    if (start) await client.set(start);
    else starts.set(model, structuredClone(client.state));
    await show(page, host, await host.view(id), without);
    const view = page.locator("any-widget");
    const stage = { page, view, client };
    const { look } = trial;
    const see = look ? async () => JSON.stringify(await look(stage)) : () => picture(page);
    const known = () => errors.filter((error) => !trial.allow?.some((pattern) => pattern.test(error)));

    // What is missing may still come, unless something went wrong and the page is at rest.
    const drawn = await happens(async () => {
      const { unseen } = trial;
      const there = unseen ? unseen === true || (await unseen(stage)) : (!trial.shows || (await view.locator(trial.shows).first().isVisible())) && (await picture(page)) !== blank;
      if (!there && (known().length || refused) && (await rest(() => picture(page)))) throw new GivenUp();
      assert.ok(there);
    });
    const rested = drawn && (await rest(see));
    const card = await view.locator(".any-widget-error").count();
    const runs = drawn && card === 0 && known().length === 0;

    const { push, act, sets } = trial;
    let shown = push ? false : null;
    if (push && rested && runs) {
      const ack = await client.set(push);
      assert.deepEqual(ack.refused ?? {}, {}, `${id}: the push`);
      shown = await happens(async () => assert.notEqual(await see(), rested));
      await rest(see);
    }
    let told = act ? false : null;
    let why = "";
    if (act && sets && runs) {
      const before = structuredClone(client.state[sets]);
      told = await act(stage).then(
        () => happens(() => assert.equal(isDeepStrictEqual(client.state[sets], before), false)),
        (error) => ((why = String(error.message).split("\n")[0] ?? ""), false),
      );
    }
    const uses = /** @type {Ability[]} */ (await page.evaluate(() => [...window.used].sort()));
    client.close();
    return { loads: runs && known().length === 0, shown, told, uses, hosts: [...hosts].sort(), errors: [...known(), why].filter(Boolean) };
  } finally {
    await page.close();
  }
}

/** @param {Page} page @param {Host} host @param {string} fragment @param {Ability} [without] */
async function show(page, host, fragment, without) {
  const body = `<!doctype html><html lang="en"><head><title>trial</title><link rel="icon" href="data:,"></head><body>${fragment}</body></html>`;
  const headers = without === "eval" ? { "content-security-policy": NO_EVAL } : { "content-security-policy-report-only": NO_EVAL };
  await page.route(`${host.url}/trial`, (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body, headers }));
  await page.goto(`${host.url}/trial`);
}

/** In the page, before anything else: notes which abilities are used, and takes one away. @param {Ability} [without] */
function watch(without) {
  const used = (window.used = /** @type {Set<string>} */ (new Set()));
  document.addEventListener("securitypolicyviolation", ({ blockedURI }) => blockedURI === "eval" && used.add("eval"));
  /** @param {Ability} ability @param {any} owner @param {string} name */
  const guard = (ability, owner, name) => {
    const plain = owner[name];
    if (!plain) return;
    const refuse = () => {
      used.add(ability);
      if (without === ability) throw new Error(`${name} is taken away`);
    };
    owner[name] = new Proxy(plain, {
      apply: (target, self, args) => (refuse(), Reflect.apply(target, self, args)),
      construct: (target, args, self) => (refuse(), Reflect.construct(target, args, self)),
    });
  };
  for (const name of ["compile", "compileStreaming", "instantiate", "instantiateStreaming", "Module"]) guard("wasm", WebAssembly, name);
  for (const name of ["Worker", "SharedWorker"]) guard("worker", window, name);
  for (const canvas of [HTMLCanvasElement, OffscreenCanvas]) {
    const plain = canvas.prototype.getContext;
    canvas.prototype.getContext = function (/** @type {any} */ kind, /** @type {any} */ ...rest) {
      if (/webgl|webgpu/.test(kind)) {
        used.add("WebGL");
        if (without === "WebGL") return null;
      }
      return plain.call(this, kind, ...rest);
    };
  }
}

/** @param {Page} page */
const picture = async (page) => (await page.screenshot({ animations: "disabled" })).toString("base64");

/** What is seen once it no longer changes; null if it never stops. @param {() => Promise<string>} see */
async function rest(see) {
  const end = performance.now() + PATIENCE;
  let before = await see();
  while (performance.now() < end) {
    await new Promise((done) => setTimeout(done, REST));
    const now = await see();
    if (now === before) return now;
    before = now;
  }
  return null;
}

/** Ends a wait. */
class GivenUp extends Error {}

/** Whether a check comes true. @param {() => unknown} check @returns {Promise<boolean>} */
const happens = (check) =>
  eventually(async () => {
    try {
      await check();
      return true;
    } catch (error) {
      if (error instanceof GivenUp) return false;
      throw error;
    }
  }, { timeout: PATIENCE }).catch(() => false);
