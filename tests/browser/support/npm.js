/** Packages of npm that published widgets fetch from a CDN, kept in the cache folder of the wheels. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { CACHE, Unreachable } from "./wheel.js";

/** npm gets this long (ms). */
const PATIENCE = 120_000;

const run = promisify(execFile);

/** The folder of an unpacked package. @param {string} name @param {string} version @throws {Unreachable} when npm cannot fetch it */
export async function npmPackage(name, version) {
  const folder = join(CACHE, `npm-${name}-${version}`);
  if (await stat(folder).catch(() => null)) return folder;
  await mkdir(CACHE, { recursive: true });
  const work = await mkdtemp(join(CACHE, "fetching-"));
  try {
    await run("npm", ["pack", `${name}@${version}`, "--pack-destination", work], { timeout: PATIENCE }).catch((error) => {
      throw new Unreachable(`npm cannot download ${name}@${version}: ${/^npm (?:error|ERR!).*/m.exec(error.stderr)?.[0] ?? error.message}`);
    });
    const file = (await readdir(work)).find((file) => file.endsWith(".tgz"));
    await run("tar", ["-xzf", join(work, String(file)), "-C", work]);
    await rename(join(work, "package"), folder).catch(async (error) => {
      if (!(await stat(folder).catch(() => null))) throw error;
    });
    return folder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
