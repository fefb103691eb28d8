/** A hand on the shipped slider, and an eye that misses nothing of what the slider shows meanwhile. */
import assert from "node:assert/strict";

/** @import { Page } from "playwright-core" */

/** Between two moves (ms), as of a mouse. */
const PACE = 1_000 / 60;

/** Takes a thumb with the mouse. Each move is one pixel forward. @param {Page} page @param {"Low" | "High"} name of the thumb */
export async function seize(page, name) {
  await page.bringToFront();
  const box = await page.getByRole("slider", { name }).boundingBox();
  assert.ok(box, "the slider is visible");
  let x = box.x + box.width / 2;
  const y = box.y + box.height / 2;
  await page.mouse.move(x, y);
  await page.mouse.down();
  return {
    /** @param {number} moves */
    async goes(moves) {
      let due = performance.now();
      for (let i = 0; i < moves; i++) {
        await page.mouse.move(++x, y);
        due += PACE;
        await new Promise((done) => setTimeout(done, due - performance.now()));
      }
    },
    letsGo: () => page.mouse.up(),
  };
}

/** @typedef {"frame" | "attribute" | "model"} Eye each animation frame, each change of the attribute, each change of the model */
/** @typedef {{ eye: Eye, value: number }} Sight */

/** Notes what a thumb shows, from now on, in every way that a person or a script can see. @param {Page} page @param {"Low" | "High"} name */
export async function watch(page, name) {
  const thumb = await page.getByRole("slider", { name }).elementHandle();
  await page.evaluate(async ([thumb, key]) => {
    window.sights = [];
    const model = await document.querySelector("any-widget")?.getModel();
    const see = (/** @type {string} */ eye, value = Number(/** @type {Element} */ (thumb).getAttribute("aria-valuenow"))) => window.sights.push({ eye, value });
    new MutationObserver(() => see("attribute")).observe(/** @type {Element} */ (thumb), { attributeFilter: ["aria-valuenow"] });
    model?.on(`change:${key}`, () => see("model", model.get(key)));
    const frame = () => (see("frame"), requestAnimationFrame(frame));
    frame();
  }, /** @type {const} */ ([thumb, name.toLowerCase()]));
}

/** @param {Page} page @returns {Promise<Sight[]>} */
export const sights = (page) => page.evaluate(() => window.sights);

/** Each eye has seen something, and none a step back. @param {Sight[]} seen @param {Eye[]} [eyes] */
export function onward(seen, eyes = ["frame", "attribute", "model"]) {
  for (const eye of eyes) assert.ok(seen.filter((sight) => sight.eye === eye).length > 10, `too little was seen by ${eye} to judge`);
  const back = seen.flatMap(({ eye, value }, i) => (i && value < seen[i - 1].value ? [`${seen[i - 1].value} to ${value} by ${eye}`] : []));
  assert.deepEqual(back, [], "it stepped back");
}
