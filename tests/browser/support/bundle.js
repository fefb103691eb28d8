/**
 * Widgets of `tests/bundles`, built by their own tools: `npm ci` and `npm run build`, once for each version of their sources,
 * in the cache folder outside the tree that wheels are kept in, too.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { serve } from "./host.js";
import { CACHE, Unreachable } from "./wheel.js";

/** @import { TestContext } from "node:test" */

export const SOURCES = fileURLToPath(new URL("../../bundles", import.meta.url));

/** npm gets this long (ms). */
const PATIENCE = 300_000;
/** A registry that does not answer is asked once again, soon. */
const RETRY = ["--fetch-retries=1", "--fetch-retry-mintimeout=2000"];

/** What npm calls a registry that it cannot reach. */
const AWAY = /^npm (?:error|ERR!) code (ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ERR_SOCKET_TIMEOUT)$/m;

const run = promisify(execFile);

/** What the tools leave in a folder that somebody built by hand. */
const isSource = (/** @type {string} */ path) => !/(^|[/\\])(node_modules|dist)([/\\]|$)/.test(path);

/** By name: what failed for one test fails for the next ones without another try. @type {Map<string, Promise<string>>} */
const bundles = new Map();

/**
 * The folder of a built widget: its sources, `node_modules` and `dist`. @param {string} name
 * @throws {Unreachable} when no registry answers
 */
export function bundle(name) {
  const made = bundles.get(name) ?? make(name);
  bundles.set(name, made);
  return made;
}

/** @param {string} name */
async function make(name) {
  const sources = join(SOURCES, name);
  const folder = join(CACHE, `bundle-${name}-${await hashOf(sources)}`);
  if (await stat(folder).catch(() => null)) return folder;
  await mkdir(CACHE, { recursive: true });
  // Built beside its place and then moved, for tests that run at the same time.
  const work = await mkdtemp(join(CACHE, "building-"));
  try {
    await cp(sources, work, { recursive: true, filter: (path) => isSource(path.slice(sources.length)) });
    await npm(work, "ci", "--no-audit", "--no-fund", ...RETRY);
    await npm(work, "run", "build");
    await rename(work, folder).catch(async (error) => {
      if (!(await stat(folder).catch(() => null))) throw error;
    });
    return folder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Serves a built widget under its name, as `widget.json` says, which is beside its `dist`; the test is skipped, and says why, where
 * npm cannot fetch what builds it.
 * @param {TestContext} t @param {string} name
 */
export async function serveBundle(t, name) {
  const folder = await bundleOrSkip(t, name);
  if (!folder) return null;
  const files = await filesOf(join(folder, "dist"), `${name}/dist/`);
  return serve({ ...files, [`${name}/widget.json`]: await readFile(join(folder, "widget.json"), "utf8") });
}

/** The folder of a built widget, or null when the test is skipped. @param {TestContext} t @param {string} name */
export async function bundleOrSkip(t, name) {
  try {
    return await bundle(name);
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    console.error(`SKIPPED ${t.name}: ${error.message}`);
    t.skip(error.message);
    return null;
  }
}

/**
 * The files below a folder that are not left by tools, by path. @param {string} folder @param {string} [prefix] of the paths
 * @returns {Promise<Record<string, Uint8Array>>}
 */
export async function filesOf(folder, prefix = "") {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const read = paths.filter(isSource).map(async (path) => [prefix + path, new Uint8Array(await readFile(join(folder, path)))]);
  return Object.fromEntries(await Promise.all(read));
}

/** @param {string} folder */
async function hashOf(folder) {
  const files = Object.entries(await filesOf(folder));
  const hash = createHash("sha256");
  for (const [path, content] of files.sort(([a], [b]) => (a < b ? -1 : 1))) hash.update(`${path}\0${content.length}\0`).update(content);
  return hash.digest("hex").slice(0, 16);
}

/** @param {string} folder @param {string[]} words */
async function npm(folder, ...words) {
  await run("npm", words, { cwd: folder, timeout: PATIENCE }).catch((error) => {
    const away = AWAY.exec(error.stderr)?.[1];
    if (away) throw new Unreachable(`npm ${words[0]} reaches no registry: ${away}`);
    throw new Error(`npm ${words.slice(0, 2).join(" ")} fails in a copy of tests/bundles: ${error.message}\n${error.stdout}`);
  });
}
