/**
 * Published widgets: wheels from the Python Package Index, fetched with pip once and kept in a cache folder outside the tree
 * (`$ANYWIDGET_HOST_CACHE`, else `$XDG_CACHE_HOME/anywidget-host`, else `~/.cache/anywidget-host`).
 */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const { env } = process;
export const CACHE = env.ANYWIDGET_HOST_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "anywidget-host");

/** pip gets this long (ms). */
const PATIENCE = 120_000;

const run = promisify(execFile);

/** The index cannot be reached: the test that needs the wheel is to be skipped with this as its reason. */
export class Unreachable extends Error {}

/**
 * The folder of an unpacked wheel. @param {string} name @param {string} version
 * @throws {Unreachable} when pip cannot fetch it
 */
export async function wheel(name, version) {
  const folder = join(CACHE, `${name}-${version}`);
  if (await stat(folder).catch(() => null)) return folder;
  await mkdir(CACHE, { recursive: true });
  // Unpacked beside its place and then moved, for tests that run at the same time.
  const work = await mkdtemp(join(CACHE, "fetching-"));
  try {
    const download = ["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--dest", work, `${name}==${version}`];
    await run("python3", download, { timeout: PATIENCE }).catch((error) => {
      if (error.code === "ENOENT" || /No module named pip/.test(error.stderr)) throw new Error(`python3 with pip is needed: ${error.message}`);
      const said = String(error.stderr).split("\n").filter((line) => /^(WARNING|ERROR)/.test(line));
      throw new Unreachable(`pip cannot download ${name}==${version}: ${[...new Set([said[0], said.at(-1)])].join(" … ") || error.message}`);
    });
    const file = (await readdir(work)).find((file) => file.endsWith(".whl"));
    if (!file) throw new Error(`pip left no wheel of ${name}==${version} in ${work}`);
    await run("python3", ["-m", "zipfile", "-e", join(work, file), join(work, "unpacked")]);
    await rename(join(work, "unpacked"), folder).catch(async (error) => {
      if (!(await stat(folder).catch(() => null))) throw error;
    });
    return folder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The files of a widget folder, unmodified. @param {string} folder of the wheel @param {string} esm @param {string} css */
export const widgetFiles = async (folder, esm, css) => ({
  "widget.js": new Uint8Array(await readFile(join(folder, esm))),
  "widget.css": new Uint8Array(await readFile(join(folder, css))),
});
