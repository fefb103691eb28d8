/** Swaps of htmx 2, alone and with idiomorph: the rows of section 4 of the design. */
import { history, rows, way } from "../support/htmx.js";
import { outer, SLOW, swaps } from "../support/swaps.js";

const HTMX = ["htmx.org/dist/htmx.js"];
const MORPH = [...HTMX, "idiomorph/dist/idiomorph-ext.js"];

swaps("htmx 2", HTMX, [way("innerHTML"), way("outerHTML", { answer: outer }), way("innerHTML transition:true", { many: SLOW })]);

/** Extensions are for what has the attribute. @param {string} swap */
const morph = (swap, more = {}) =>
  way(swap, { tag: 'main hx-ext="morph"', keeps: "element", ...more });

swaps("htmx 2 with idiomorph", MORPH, [
  morph("morph:innerHTML"),
  morph("morph:outerHTML", { answer: (content) => `<main hx-ext="morph" id="place">${content}</main>` }),
  morph("morph:innerHTML", { name: "morph:innerHTML, by id", attributes: 'id="w"' }),
]);

rows("htmx 2", HTMX);

const config = (/** @type {object} */ options) => `<meta name="htmx-config" content='${JSON.stringify(options)}'>`;
history("htmx 2: history snapshot", HTMX);
history("htmx 2: history without snapshots", HTMX, { head: config({ historyCacheSize: 0 }) });
history("htmx 2: history by a full reload", HTMX, { head: config({ historyCacheSize: 0, refreshOnHistoryMiss: true }), reloads: true });
