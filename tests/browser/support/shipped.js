/** A widget that ships with the product, from its folder on disk, with the state that a test wants. */
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { serve } from "./host.js";

const WIDGETS = fileURLToPath(new URL("../../../widgets/", import.meta.url));

/** @param {string} name @param {object} [state] added to that of its widget.json @param {string[]} [args] of the binary */
export async function serveShipped(name, state = {}, args = []) {
  /** @type {Record<string, any>} */
  const files = {};
  for (const file of await readdir(WIDGETS + name)) files[`${name}/${file}`] = await readFile(`${WIDGETS}${name}/${file}`, "utf8");
  const about = JSON.parse(files[`${name}/widget.json`]);
  files[`${name}/widget.json`] = { ...about, state: { ...about.state, ...state } };
  return serve(files, args);
}
