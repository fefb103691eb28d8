/** An example of the repository, run as its first line says, on a free port. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterTest } from "./cleanup.js";
import { Site } from "./site.js";

class Example extends Site {
  /** Waits until it has ended: as a service manager asks it to, or at once. @param {"SIGTERM" | "SIGKILL"} [signal] */
  end = async (signal = "SIGTERM") => {};
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
/** It says where it listens within this time (ms). */
const PATIENCE = 10_000;

/** It ends with the test. @param {string} name @param {string[]} [args] @param {Record<string, string>} [env] more of the environment */
export async function runExample(name, args = [], env = {}) {
  const options = /** @type {const} */ ({ cwd: ROOT, env: { ...process.env, PORT: "0", ...env }, stdio: ["ignore", "pipe", "inherit"] });
  const child = spawn(`${ROOT}target/debug/examples/${name}`, args, options);
  const ended = Promise.race([
    once(child, "exit").then(([code, signal]) => `it ended with ${code ?? signal}`),
    once(child, "error").then(([error]) => `${error.message} (build it with "cargo build --examples")`),
  ]);
  const end = async (/** @type {"SIGTERM" | "SIGKILL"} */ signal = "SIGTERM") => {
    child.kill(signal);
    await ended;
  };
  afterTest(() => end());
  const said = await Promise.race([
    once(createInterface({ input: child.stdout }), "line").then(([line]) => String(line)),
    ended,
    new Promise((done) => setTimeout(done, PATIENCE, "nothing in time").unref()),
  ]);
  const url = /^listening on (http:\/\/\S+)$/.exec(said)?.[1];
  if (!url) throw new Error(`the example ${name} does not start: ${said}`);
  return Object.assign(new Example(url), { end });
}
