/**
 * The replica, held to the one that the host is tested with: `tests/vectors/README.md`.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Model } from "../../js/model.js";

/**
 * What is done to a replica, with what, and all that comes of it.
 *
 * @typedef {{ sends?: any[], shows?: Record<string, any>, gone?: string[], tells?: any[], refused?: any[], loses?: number }} Effects
 * @typedef {[what: string, argument: any, effects: Effects]} Step
 * @type {{ name: string, session: string, steps: Step[] }[]}
 */
const tapes = JSON.parse(readFileSync(new URL("../vectors/replicas.json", import.meta.url), "utf8"));

/** @param {Model} model @returns {Record<string, any>} */
const shown = (model) => Object.fromEntries(model.keys().map((key) => [key, model.get(key)]));

/** Does it, and gives the frames that go out. @param {Model} model @param {string} what @param {any} argument @returns {any[]} */
function run(model, what, argument) {
  if (what === "hello") return [model.hello()];
  if (what === "hide") return model.drain(true);
  if (what === "seed") model.seed(argument);
  else if (what === "set") model.set(argument);
  else if (what === "save") model.save();
  else if (what === "send") model.send(argument);
  else if (what === "ask") model.note({ type: "get" });
  else if (what === "receive") model.receive(argument);
  else if (what === "lost") model.lost();
  else assert.fail(`no step is called ${what}`);
  return what === "lost" ? [] : model.drain();
}

for (const { name, session, steps } of tapes) {
  test(name, () => {
    const model = new Model(session);
    /** @type {Required<Pick<Effects, "tells" | "refused" | "loses">>} */
    let noted = { tells: [], refused: [], loses: 0 };
    model.on({}, new AbortController().signal, "msg:custom", (content) => noted.tells.push(content));
    model.refused = (reasons) => noted.refused.push(reasons);
    model.report = (_, error) => (noted.loses += Number(/^(\d+) messages may be lost/.exec(/** @type {Error} */ (error).message)?.[1]));
    let shows = {};
    steps.forEach(([what, argument, effects], at) => {
      noted = { tells: [], refused: [], loses: 0 };
      const sends = run(model, what, argument);
      shows = Object.fromEntries(Object.entries({ ...shows, ...effects.shows }).filter(([key]) => !effects.gone?.includes(key)));
      assert.deepEqual(
        { sends, shows: shown(model), ...noted },
        { sends: effects.sends ?? [], shows, tells: effects.tells ?? [], refused: effects.refused ?? [], loses: effects.loses ?? 0 },
        `step ${at}: ${what} ${JSON.stringify(argument)}`,
      );
    });
  });
}
