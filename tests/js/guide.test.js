/** The guide to bundles shows code that is tested: each snippet that names a file stands in it. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url);
/** Info string and text of a fenced block. */
const FENCED = /^```(\S+) (\S+)\n(.*?)\n```$/gms;
/** Between two parts of a file. */
const LEFT_OUT = /^…$/m;

test("docs/bundles.md: every snippet is part of the file it names, in order", async () => {
  const guide = await readFile(new URL("docs/bundles.md", ROOT), "utf8");
  const snippets = [...guide.matchAll(FENCED)];
  assert.ok(snippets.length > 5, "the guide has snippets");
  for (const [, , file = "", text = ""] of snippets) {
    const source = await readFile(new URL(file, ROOT), "utf8");
    let at = 0;
    for (const part of text.split(LEFT_OUT).map((part) => part.replace(/^\n|\n$/g, ""))) {
      const found = source.indexOf(part, at);
      assert.ok(found >= 0, `${file} has no\n${part}`);
      at = found + part.length;
    }
  }
});
