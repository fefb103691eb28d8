/** The widgets that ship: small, without anything from elsewhere, and with every key of their state documented. */
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url);
const MOST_LINES = 200;

/** @param {string} path */
const text = (path) => readFile(new URL(path, ROOT), "utf8");

for (const name of await readdir(new URL("widgets/", ROOT))) {
  test(`${name}: every key of its state is in docs/widgets/${name}.md, in the table and in the struct`, async () => {
    const { state } = JSON.parse(await text(`widgets/${name}/widget.json`));
    const guide = await text(`docs/widgets/${name}.md`);
    const table = guide.split("\n").filter((line) => line.startsWith("| `")).map((line) => line.split("|")[1] ?? "").join();
    const struct = /^#\[widget\(path = [^\n]*\nstruct \w+ \{(.*?)^\}/ms.exec(guide)?.[1] ?? "";
    for (const key of Object.keys(state)) {
      assert.ok(table.includes(`\`${key}\``), `${key} is not in the table`);
      assert.match(struct, new RegExp(`^\\s+${key}: `, "m"), `${key} is not in the struct`);
    }
  });

  test(`${name}: no file has more than ${MOST_LINES} lines or names another host`, async () => {
    for (const file of await readdir(new URL(`widgets/${name}/`, ROOT))) {
      const source = await text(`widgets/${name}/${file}`);
      assert.doesNotMatch(source.replaceAll("http://www.w3.org/", ""), /https?:\/\//, file);
      if (file !== "widget.json") assert.ok(source.trimEnd().split("\n").length <= MOST_LINES, `${file} has too many lines`);
    }
  });
}
