/** An example is read in one sitting: at most a hundred lines, and how to run it in the first. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const folder = new URL("../../examples/", import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith(".rs"));

test("there are examples", () => assert.ok(names.includes("counter.rs") && names.length >= 10, `${names}`));

for (const name of names) {
  test(name, () => {
    const lines = readFileSync(new URL(name, folder), "utf8").trimEnd().split("\n");
    assert.ok(lines.length <= 100, `it has ${lines.length} lines`);
    assert.equal(lines[0]?.startsWith(`//! cargo run --example ${name.slice(0, -3)}`), true, `it begins with ${lines[0]}`);
  });
}
