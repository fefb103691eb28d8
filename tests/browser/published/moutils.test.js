/** moutils 0.3.12 ShellWidget: messages both ways, its logic in Rust (examples/shell.rs). */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, open as openFile, readFile, rm, stat } from "node:fs/promises";
import { connect as dial } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { afterTest, connect, eventually, open, refusals, settle } from "../support/index.js";
import { runExample } from "../support/example.js";
import { picture } from "../support/picture.js";
import { blockNetwork, servePublished, STRICT } from "../support/published.js";
import { relayPublished } from "../support/relayed.js";
import { valve } from "../support/valve.js";

/**
 * @import { Locator } from "playwright-core"
 * @import { TestContext } from "node:test"
 * @import { Published } from "../support/published.js"
 */

/** @type {Published} */
const MOUTILS = { name: "moutils", version: "0.3.12", esm: "moutils/static/shell.js", state: { command: "echo hi", working_directory: "." } };

const ASKED = "execute_command";
const SUCCESS = "\n\n✅ Process completed successfully";
const failure = (/** @type {number} */ code) => `\n\n❌ Process exited with code ${code}`;

/** What a terminal shows. @param {Locator} view @param {string} text */
const shows = (view, text) => eventually(async () => assert.equal(await view.locator("pre").textContent(), text));

/** Its button runs this. @param {Locator} view @param {string} command */
const ready = (view, command) =>
  eventually(async () => {
    assert.equal(await view.locator("button").textContent(), `▶ ${command}`);
    assert.ok(await view.locator("button").isEnabled());
  });

/** Its command runs. @param {Locator} view */
async function busy(view) {
  assert.equal(await view.locator("button").textContent(), "⏳ Running...");
  assert.ok(await view.locator("button").isDisabled());
}

/** The example with a terminal for each command. @param {TestContext} t @param {string[]} args @param {Record<string, string>} [env] */
async function terminals(t, args, env) {
  const published = await servePublished(t, MOUTILS);
  if (!published) return null;
  await published.stop(); // only its files are wanted
  return runExample("shell", [published.path("moutils/widget.js"), ...args], env);
}

/** A folder that goes with the test. */
async function folder() {
  const path = await mkdtemp(join(tmpdir(), "anywidget-host-"));
  afterTest(() => rm(path, { recursive: true, force: true }));
  return path;
}

for (const shadow of [false, true]) {
  const where = shadow ? "a shadow root" : "light DOM";

  test(`D8, B9: moutils 0.3.12 ShellWidget asks and is answered, in ${where}`, async (t) => {
    const host = await relayPublished(t, MOUTILS);
    if (!host) return;
    const abroad = await blockNetwork(host);
    const page = await open(host, (await host.view("moutils", { shadow })).repeat(2), { trial: STRICT });
    const [view, second] = [page.locator("any-widget").first(), page.locator("any-widget").nth(1)];
    const backend = await connect(host, "moutils");
    await ready(view, "echo hi");

    // The host hears a bare string.
    await view.locator("button").click();
    assert.deepEqual((await backend.frame("message")).content, ASKED);
    await busy(view);
    await shows(view, "$ echo hi\n");

    // What the host answers comes to both views, and the end of the command frees the button.
    await backend.message({ type: "output", data: "hello\n" });
    await shows(view, "$ echo hi\nhello\n");
    await busy(view);
    await backend.message({ type: "completed", returncode: 0 });
    await shows(view, `$ echo hi\nhello\n${SUCCESS}`);
    await shows(second, `hello\n${SUCCESS}`);
    await ready(view, "echo hi");

    await backend.set({ command: "ls" });
    for (const one of [view, second]) await ready(one, "ls");
    await settle(page);
    assert.deepEqual(await refusals(page), [], "it needs nothing beyond a strict policy");
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });

  test(`D8: moutils 0.3.12 ShellWidget runs commands in Rust, in ${where}`, async (t) => {
    const fifo = join(await folder(), "fifo");
    execFileSync("mkfifo", [fifo]);
    const commands = {
      "echo hello": `hello\n${SUCCESS}`,
      "echo one; echo two >&2; echo three": `one\ntwo\nthree\n${SUCCESS}`,
      "echo before; exit 3": `before\n${failure(3)}`,
      "printf 'no end ✓'": `no end ✓${SUCCESS}`,
      "cat": SUCCESS, // there is nothing to read
      "kill -9 $$": failure(-1),
      "cat widgets/counter/widget.json": `${await readFile(new URL("../../../widgets/counter/widget.json", import.meta.url), "utf8")}${SUCCESS}`,
    };
    const slow = `cat ${fifo}`;
    const absent = "anywidget-host-no-such-command";
    const host = await terminals(t, ["--allow-shell", slow, absent, ...Object.keys(commands)]);
    if (!host) return;
    const abroad = await blockNetwork(host);
    const wire = await valve();
    const ids = Array.from({ length: 2 + Object.keys(commands).length }, (_, n) => `shell-${n}`);
    const views = await Promise.all(ids.map((id) => host.view(id, { shadow })));
    const other = await open(host, await host.view("shell-0", { shadow }));
    const page = await open(host, `<div style="max-width: 36rem">${views.join("")}</div>`);
    const [slowView, absentView, ...rest] = await page.locator("any-widget").all();

    for (const [n, [command, text]] of Object.entries(commands).entries()) {
      await ready(rest[n], command);
      await rest[n].locator("button").click();
      await shows(rest[n], `$ ${command}\n${text}`);
      await ready(rest[n], command);
    }
    if (!shadow) await picture(page, "moutils", { of: rest[rest.length - 1].locator("pre").locator("..") });
    const of = (/** @type {string} */ id) => wire.frames.filter(({ id: model, frame }) => model === id && frame.type === "message");
    assert.deepEqual(of("shell-2").map(({ sent, frame }) => [sent, frame.content]), [
      [true, ASKED],
      [false, { type: "output", data: "hello\n" }],
      [false, { type: "completed", returncode: 0 }],
    ]);

    // The shell's own words come through stderr.
    await absentView.locator("button").click();
    await eventually(async () => assert.match(await absentView.locator("pre").innerText(), /not found[^]*exited with code 127/));

    // A command that takes its time is seen line by line, on another page as well.
    await ready(other.locator("any-widget"), slow);
    await slowView.locator("button").click();
    const end = await openFile(fifo, "w"); // opens when the command does
    await busy(slowView);
    for (const [line, text] of [["one\n", "one\n"], ["two\n", "one\ntwo\n"]]) {
      await end.write(line);
      await shows(slowView, `$ ${slow}\n${text}`);
      await shows(other.locator("any-widget"), text);
      await busy(slowView);
    }
    await end.close();
    await shows(slowView, `$ ${slow}\none\ntwo\n${SUCCESS}`);
    await ready(slowView, slow);
    assert.deepEqual(abroad, [], "nothing was asked of other hosts");
  });
}

test("D8: what two pages start at the same time runs one after the other", async (t) => {
  const fifo = join(await folder(), "fifo");
  execFileSync("mkfifo", [fifo]);
  const host = await terminals(t, ["--allow-shell", `echo start; cat ${fifo}; echo end`]);
  if (!host) return;
  const [one, two] = [await connect(host, "shell-0"), await connect(host, "shell-0")];
  for (const client of [one, two]) await client.message(ASKED);
  for (const [n, text] of ["first\n", "second\n"].entries()) {
    const end = await openFile(fifo, "w");
    await end.write(text);
    await end.close();
    await eventually(() => assert.equal(one.frames.filter(({ content }) => content?.type === "completed").length, n + 1));
  }
  const run = (/** @type {string} */ text) => [...["start\n", text, "end\n"].map((data) => ({ type: "output", data })), { type: "completed", returncode: 0 }];
  for (const client of [one, two]) {
    const got = () => client.frames.filter(({ type }) => type === "message").map(({ content }) => content);
    await eventually(() => assert.deepEqual(got(), [...run("first\n"), ...run("second\n")]));
  }
});

test("D8: a command that cannot be started is an error in the terminal", async (t) => {
  const host = await terminals(t, ["--allow-shell", "echo hi"], { PATH: "/nowhere" });
  if (!host) return;
  const page = await open(host, "/");
  const view = page.locator("any-widget");
  await view.locator("button").click();
  await shows(view, "$ echo hi\n\n\n💥 Error: No such file or directory (os error 2)");
  await ready(view, "echo hi");
});

test("D8: running commands is off by default, a page cannot choose one, and only this machine is served", async (t) => {
  const place = await folder();
  const [made, chosen] = [join(place, "made"), join(place, "chosen")];
  const command = `touch ${made}`;
  const host = await terminals(t, [command]);
  if (!host) return;
  const page = await open(host, "/");
  const view = page.locator("any-widget");
  const client = await connect(host, "shell-0");
  await ready(view, command);
  await view.locator("button").click();
  await shows(view, `$ ${command}\nRunning commands is off. Start the example with --allow-shell to turn it on.\n${failure(126)}`);
  await ready(view, command);
  await assert.rejects(stat(made), /ENOENT/, "nothing ran");

  const ack = await client.set({ command: `touch ${chosen}`, working_directory: "/" });
  assert.deepEqual(Object.keys(ack.refused).sort(), ["command", "working_directory"]);
  assert.deepEqual(await host.state("shell-0"), { command, working_directory: "." });
  assert.deepEqual(client.frames.filter(({ type }) => type === "message"), [], "who did not ask is not told");

  const [port, outside] = [Number(new URL(host.url).port), "127.0.0.2"]; // it answers where a server listens on every address
  const refused = await new Promise((done) => dial(port, outside, () => done("connected")).on("error", done));
  assert.match(String(refused), /ECONNREFUSED/);

  // With the switch, the page still cannot choose.
  const allowed = await terminals(t, ["--allow-shell", command]);
  if (!allowed) return;
  const rogue = await connect(allowed, "shell-0");
  assert.ok((await rogue.set({ command: `touch ${chosen}` })).refused.command);
  await rogue.message(ASKED);
  await rogue.frame("message", ({ content }) => content.type === "completed");
  await stat(made);
  await assert.rejects(stat(chosen), /ENOENT/);
});

test("D8: without the widget's file the example says how to get it", async () => {
  /** @type {{ status: number, stderr: Buffer }} */
  let ended = { status: 0, stderr: Buffer.from("") };
  try {
    execFileSync(new URL("../../../target/debug/examples/shell", import.meta.url).pathname, { env: {}, stdio: "pipe" });
  } catch (error) {
    ended = /** @type {any} */ (error);
  }
  assert.equal(ended.status, 1);
  assert.match(String(ended.stderr), /pip download --no-deps moutils==0\.3\.12.*unzip.*cargo run --example shell -- /);
});
