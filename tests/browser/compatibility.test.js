/**
 * `docs/compatibility.md` says what is true: every published widget of the catalogue is tried again, from the state its Python
 * class gave it. `COMPATIBILITY=1 node --test tests/browser/compatibility.test.js` writes what it finds into the document.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CATALOGUE, REMARKS } from "./published/catalogue.js";
import { captured, folders } from "./support/captured.js";
import { serve } from "./support/index.js";
import { committed, failed, section, write } from "./support/table.js";
import { attempt, visit } from "./support/trial.js";
import { Unreachable, wheel } from "./support/wheel.js";

/** @import { Row } from "./support/table.js" */

const WRITE = process.env.COMPATIBILITY === "1";
/** Pages at a time. */
const PAGES = 3;

const OPENING = `# Published widgets

What published widgets do on this host, unmodified, from the state their Python class gives them: whether they **load** (draw
something, with no error), **show a change** that another client makes, **save** what a visitor does, and what they **need** of a page.
The test \`tests/browser/compatibility.test.js\` makes this page, in Chromium with all other network cut off: it tries each widget,
takes away in turn what it used of \`eval\`, WebAssembly, workers and WebGL, and names what it does not do without: something no
longer happens, or there is an error.

A dash was not tried, mostly because the widget has no such thing: many save nothing, and some listen to no change.`;

/** What was found, by package. @type {Map<string, string>} */
const sections = new Map();
const before = await committed();

for (const [name, trials] of Object.entries(CATALOGUE)) {
  test(`${name}: docs/compatibility.md says what its widgets do`, async (t) => {
    const capture = await captured(name);
    assert.deepEqual(Object.keys(trials).sort(), Object.keys(capture.widgets).sort(), "the catalogue has the captured widgets");
    /** @type {Row[]} */
    const rows = [];
    try {
      const visitor = await visit(await serve(await folders(capture, await wheel(name, capture.version))));
      const waiting = Object.entries(trials);
      const work = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) {
          const [widget, trial] = next;
          const found = await attempt(visitor, widget, trial);
          const needs = [];
          for (const ability of found.loads ? found.uses : []) {
            const without = await attempt(visitor, widget, trial, ability);
            if (failed(without) && !failed(found)) needs.push(ability);
          }
          if (failed(found) !== Boolean(trial.note)) t.diagnostic(`${widget}: ${JSON.stringify(found)}`);
          rows.push({ widget, module: capture.widgets[widget]?.esm ?? "", trial, found, needs });
        }
      };
      await Promise.all(Array.from({ length: PAGES }, work));
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      console.error(`SKIPPED ${t.name}: ${error.message}`);
      return t.skip(error.message);
    }
    rows.sort((a, b) => (a.widget < b.widget ? -1 : 1));
    const text = section(name, capture.version, rows, REMARKS[name]);
    sections.set(name, text);
    for (const { widget, trial, found } of rows) assert.equal(Boolean(trial.note), failed(found), `${widget} has a note if something fails: ${JSON.stringify(found)}`);
    if (!WRITE) assert.equal(text, before.sections.get(name));
  });
}

test("docs/compatibility.md has these packages in this order, and says how it is made", async () => {
  const names = Object.keys(CATALOGUE);
  if (WRITE) return write(OPENING, names.flatMap((name) => sections.get(name) ?? before.sections.get(name) ?? []));
  assert.equal(before.opening, OPENING);
  assert.deepEqual([...before.sections.keys()], names);
});
