/** An example of the repository, run as its first line says, on a free port. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterTest } from "./cleanup.js";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** It says where it listens within this time (ms). */
const PATIENCE = 10_000;

/** It ends with the test. @param {string} name @returns {Promise<{ url: string }>} what `open` and `connect` need of a host */
export async function runExample(name) {
  const child = spawn(`${ROOT}target/debug/examples/${name}`, { cwd: ROOT, env: { ...process.env, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] });
  const ended = Promise.race([
    once(child, "exit").then(([code, signal]) => `it ended with ${code ?? signal}`),
    once(child, "error").then(([error]) => `${error.message} (build it with "cargo build --examples")`),
  ]);
  afterTest(async () => {
    child.kill();
    await ended;
  });
  const said = await Promise.race([
    once(createInterface({ input: child.stdout }), "line").then(([line]) => String(line)),
    ended,
    new Promise((done) => setTimeout(done, PATIENCE, "nothing in time").unref()),
  ]);
  const url = /^listening on (http:\/\/\S+)$/.exec(said)?.[1];
  if (!url) throw new Error(`the example ${name} does not start: ${said}`);
  return { url };
}
