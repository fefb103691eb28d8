/** `docs/compatibility.md`: made of an opening and a section for each package, which are written and compared one by one. */
import { readFile, writeFile } from "node:fs/promises";

/**
 * @import { Ability, Attempt, Finding } from "./trial.js"
 * @typedef {{ widget: string, module: string, trial: Attempt, found: Finding, needs: Ability[] }} Row
 */

const FILE = new URL("../../../docs/compatibility.md", import.meta.url);
const HEADER = "| widget | module | loads | shows a change of | saves | needs |\n|---|---|---|---|---|---|";

/** @param {string} text */
const code = (text) => `\`${text}\``;

/** @param {string} name @param {string} version @param {Row[]} rows @param {string} [remark] */
export function section(name, version, rows, remark) {
  const lines = rows.map(({ widget, module, trial, found, needs }) => {
    const { loads, shown, told, hosts } = found;
    const network = hosts.length > 0 && (failed(found) || trial.mirror);
    const cells = [
      code(widget),
      code(module.split("#")[0] ?? ""),
      loads ? (trial.unseen ? "yes, unseen" : "yes") : "**no**",
      shown === null ? "–" : shown ? Object.keys(trial.push ?? {}).map(code).join(", ") : "**no**",
      told === null ? "–" : told ? code(trial.sets ?? "") : "**no**",
      [...needs, ...(network ? [`network: ${hosts.join(", ")}`] : [])].join(", ") || "–",
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const causes = rows.filter(({ found }) => failed(found)).map(({ widget, trial }) => `- ${code(widget)}: ${trial.note ?? "?"}`);
  const asks = rows.filter(({ trial, found }) => found.hosts.length && !failed(found) && !trial.mirror);
  const idle = asks.map(({ widget, found }) => `- ${code(widget)} works without a network, but asks ${found.hosts.join(", ")}.`);
  return [`## ${name} ${version}`, ...(remark ? [remark] : []), [HEADER, ...lines].join("\n"), ...(causes.length + idle.length ? [[...causes, ...idle].join("\n")] : [])].join("\n\n");
}

/** Whether something that was tried did not happen. @param {Finding} found */
export const failed = ({ loads, shown, told }) => !loads || shown === false || told === false;

/** The committed document: its opening, and its sections by package. */
export async function committed() {
  const [opening = "", ...sections] = (await readFile(FILE, "utf8").catch(() => "")).trimEnd().split(/\n\n(?=## )/);
  return { opening, sections: new Map(sections.map((text) => [/^## (\S+)/.exec(text)?.[1] ?? "", text])) };
}

/** @param {string} opening @param {Iterable<string>} sections */
export const write = (opening, sections) => writeFile(FILE, `${[opening, ...sections].join("\n\n")}\n`);
