/** A command line tool that runs beside a test, like a bundler that watches: what it says can be waited for. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterTest } from "./cleanup.js";
import { eventually } from "./eventually.js";

/** It says what is waited for within this time (ms). */
const PATIENCE = 60_000;

/** It ends with the test. @param {string} command @param {string[]} words @param {string} folder where it runs */
export async function runTool(command, words, folder) {
  const child = spawn(command, words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NO_COLOR: "1" } });
  let said = "";
  let read = 0;
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
  const ended = once(child, "exit");
  await once(child, "spawn");
  afterTest(async () => {
    child.kill();
    await ended;
  });
  return {
    /** Waits until it says this, after what was waited for last. @param {RegExp} pattern */
    async says(pattern) {
      const found = await eventually(() => {
        const match = pattern.exec(said.slice(read));
        assert.ok(match || child.exitCode === null, `${command} ended: ${said}`);
        assert.ok(match, `${command} has not said ${pattern}, but ${said.slice(read)}`);
        return match;
      }, { timeout: PATIENCE });
      read += found.index + found[0].length;
    },
  };
}
