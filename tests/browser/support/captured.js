/** Published widgets as their Python classes start them: the captured states, and the files of the wheel that belong to them. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

/**
 * @import { Files } from "./host.js"
 * @typedef {{ esm?: string, css?: string, state: Record<string, any> }} Model paths in the wheel; one without `esm` is data only
 * @typedef {Model & { esm: string, children?: Record<string, Model> }} Captured `children` are the models it refers to, by id
 * @typedef {{ package: string, version: string, widgets: Record<string, Captured> }} Capture
 */

const run = promisify(execFile);

/** Prints the text that a class gives to a name, there or above it. */
const CONSTANT = `
import ast, sys
file, owner, name = sys.argv[1:]
tree = ast.parse(open(file, encoding="utf-8").read())
def value(body, name):
    return next(node.value for node in body if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == name)
text = value(next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == owner), name)
if isinstance(text, ast.Name):
    text = value(tree.body, text.id)
sys.stdout.write(ast.literal_eval(text))
`;

/** What `published/states/capture.py` wrote. @param {string} name of the package @returns {Promise<Capture>} */
export const captured = async (name) => JSON.parse(await readFile(new URL(`../published/states/${name}.json`, import.meta.url), "utf8"));

/** One folder for each model, named as the model is. @param {Capture} capture @param {string} wheel its folder */
export async function folders({ widgets }, wheel) {
  /** @type {Files} */
  const files = {};
  for (const [name, { children = {}, ...widget }] of Object.entries(widgets)) {
    for (const [id, { esm, css, state }] of Object.entries({ [name]: widget, ...children })) {
      files[`${id}/widget.json`] = { state };
      if (esm) files[`${id}/widget.js`] = await source(wheel, esm);
      if (css) files[`${id}/widget.css`] = await source(wheel, css);
    }
  }
  return files;
}

/** Unmodified. @param {string} wheel @param {string} place a path in it; after `#` a text in that Python file, like `Class._esm` */
async function source(wheel, place) {
  const [path = "", constant] = place.split("#");
  const file = join(wheel, path);
  if (!constant) return new Uint8Array(await readFile(file));
  return (await run("python3", ["-c", CONSTANT, file, ...constant.split(".")])).stdout;
}
