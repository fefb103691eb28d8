/** The real binary, on widgets that the test writes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterTest } from "./cleanup.js";
import { Site } from "./site.js";

const BINARY = process.env.ANYWIDGET_HOST ?? fileURLToPath(new URL("../../../target/debug/anywidget-host", import.meta.url));

/** The binary says where it listens within this time (ms), and ends within it when asked. */
const PATIENCE = 10_000;

/** @typedef {Record<string, string | Uint8Array | object>} Files by path; what is neither text nor bytes is written as JSON */

/**
 * Starts a host on a folder with these files; it ends with the test.
 * @param {Files | null} files null: the widgets that ship with the binary @param {string[]} [args] more of them, like `--csp`
 */
export async function serve(files, args = []) {
  const folder = files && (await mkdtemp(join(tmpdir(), "anywidget-host-")));
  const host = new Host(folder, args);
  afterTest(async () => {
    await host.stop();
    if (folder) await rm(folder, { recursive: true, force: true });
  });
  for (const [path, content] of Object.entries(files ?? {})) await host.write(path, content);
  await host.start();
  return host;
}

export class Host extends Site {
  /** Lines it has logged, without colours. @type {string[]} */
  stderr = [];
  /** @type {import("node:child_process").ChildProcess | undefined} */
  #process;
  #args;

  /** @param {string | null} folder @param {string[]} args */
  constructor(folder, args) {
    super("");
    this.folder = folder;
    this.#args = args;
  }

  /** Of the process. */
  get pid() {
    return this.#process?.pid;
  }

  /** Again on the same port, when it was started before. */
  async start() {
    const port = this.url ? this.port : 0;
    const child = spawn(BINARY, [...(this.folder ? [this.folder] : []), "--port", String(port), ...this.#args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    createInterface({ input: child.stderr }).on("line", (line) => this.stderr.push(line.replace(/\x1b\[[\d;]*m/g, "")));
    const lines = createInterface({ input: child.stdout });
    const said = await Promise.race([
      once(lines, "line").then(([line]) => String(line)),
      once(child, "exit").then(() => "it ended"),
      once(child, "error").then(([error]) => `${error.message} (build it with "cargo build")`),
      new Promise((done) => setTimeout(done, PATIENCE, "nothing in time").unref()),
    ]);
    const url = /^listening on (http:\/\/\S+)$/.exec(said)?.[1];
    if (!url) throw new Error(`${BINARY} does not start: ${said}\n${this.stderr.join("\n")}`);
    this.url = url;
  }

  /** Asks it to end, as Ctrl-C does; `SIGKILL` gives it no chance to say goodbye. @param {NodeJS.Signals} signal */
  async stop(signal = "SIGINT") {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
    await ended;
    clearTimeout(late);
    if (child.signalCode !== signal && child.exitCode !== 0) throw new Error(`the host ended with ${child.exitCode ?? child.signalCode}`);
  }

  /** A file below the served folder. @param {string} path @param {string | Uint8Array | object} content */
  async write(path, content) {
    const file = this.path(path);
    await mkdir(dirname(file), { recursive: true });
    const raw = typeof content === "string" || content instanceof Uint8Array;
    await writeFile(file, raw ? content : JSON.stringify(content));
  }

  /** @param {string} path */
  async remove(path) {
    await rm(this.path(path), { recursive: true });
  }

  /** @param {string} from @param {string} to */
  async rename(from, to) {
    await rename(this.path(from), this.path(to));
  }

  /** @param {string} path */
  path(path) {
    if (!this.folder) throw new Error("this host serves the widgets inside the binary");
    return join(this.folder, path);
  }
}
