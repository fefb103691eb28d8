/** Every piece of the guide to htmx stands in the example that it names. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const read = (/** @type {string} */ path) => readFileSync(new URL(path, root), "utf8");

/** Lines without their indentation, which differs between a program and a guide. @param {string} text */
const lines = (text) => text.trim().split("\n").map((line) => line.trim()).join("\n");

const guide = read("docs/htmx.md");
const pieces = [...guide.matchAll(/<!-- (examples\/\w+\.rs) -->\n```\w+\n([^]*?)\n```/g)];

test("the guide is made of pieces of examples", () => {
  assert.ok(pieces.length >= 10, `${pieces.length} pieces`);
  const blocks = [...guide.matchAll(/^```(rust|html)$/gm)];
  assert.equal(blocks.length, pieces.length, "a block of Rust or HTML names no example");
});

for (const [, path = "", text = ""] of pieces) {
  test(`${path}: ${text.trim().split("\n")[0]}`, () => {
    assert.ok(lines(read(path)).includes(lines(text)), `it is not in ${path}:\n${text}`);
  });
}
