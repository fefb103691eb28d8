/**
 * Keeps the state panels of the gallery live. The page works without it: the panels then show the state as it was
 * when the page was made.
 *
 * Each card names the URL of its model's state. When an element in it says that the model changed, the state is
 * fetched and shown; while a fetch is under way nothing more is asked, so a dragged slider costs one request at a time.
 */

/** Milliseconds between two requests of one card. */
const PAUSE = 150;
/** Characters of one value that are shown. */
const MOST_TEXT = 600;

/** @typedef {{ busy: boolean, again: boolean }} Pace */
/** @type {WeakMap<HTMLElement, Pace>} */
const paces = new WeakMap();

/** @param {EventTarget | null} target */
function cardOf(target) {
	return target instanceof Element ? /** @type {HTMLElement | null} */ (target.closest("[data-state]")) : null;
}

/** @param {HTMLElement} card */
async function refresh(card) {
	const pace = paces.get(card) ?? { busy: false, again: false };
	paces.set(card, pace);
	if (pace.busy) return void (pace.again = true);
	pace.busy = true;
	do {
		pace.again = false;
		try {
			const response = await fetch(card.dataset.state ?? "");
			if (!response.ok) throw new Error(`the server answered ${response.status}`);
			show(card, await response.json());
		} catch (error) {
			console.warn(`anywidget-host: the state panel of ${card.dataset.state} is not current:`, error);
		}
		await new Promise((resolve) => setTimeout(resolve, PAUSE));
	} while (pace.again);
	pace.busy = false;
}

/**
 * One line for each key; lines that differ from what was shown light up.
 * @param {HTMLElement} card @param {Record<string, unknown>} state
 */
function show(card, state) {
	const code = card.querySelector(".g-json code");
	if (!code) return;
	/** @type {Map<string | undefined, string | null>} */
	const before = new Map([...code.querySelectorAll(".g-pair")].map((pair) => [pair.getAttribute("data-key") ?? "", pair.textContent]));
	const keys = Object.keys(state);
	const lines = keys.map((key, i) => {
		const line = span("g-pair", "");
		line.dataset.key = key;
		line.append(span("g-key", `${JSON.stringify(key)}: `), ...pieces(state[key]), i < keys.length - 1 ? "," : "");
		if (before.has(key) && before.get(key) !== line.textContent) line.classList.add("g-changed");
		return line;
	});
	code.replaceChildren("{", ...lines, keys.length ? "}" : " }");
}

/** A value as JSON; bytes and numbers that JSON lacks by what they are. @param {unknown} value */
function pieces(value) {
	/** @type {string[]} */
	const notes = [];
	const text = JSON.stringify(value, (_, part) => {
		const note = special(part);
		return note === undefined ? part : `\u0000${notes.push(note) - 1}\u0000`;
	}, 1).replace(/(?<=[[{])\n\s*|\n\s*(?=[\]}])/g, "").replace(/\n\s*/g, " ");
	const shown = text.length > MOST_TEXT ? text.slice(0, MOST_TEXT).replace(/"?\\u0000?\w*$/, "") : text;
	const parts = shown.split(/"\\u0000(\d+)\\u0000"/).map((part, i) => (i % 2 ? span("g-note", notes[Number(part)]) : part));
	if (shown !== text) parts.push(span("g-note", ` … ${size(text.length)} in all`));
	return parts;
}

/** @param {unknown} part */
function special(part) {
	if (typeof part !== "object" || part === null) return undefined;
	if ("$bytes" in part) return `bytes · ${size(byteLength(String(part.$bytes)))}`;
	if ("$number" in part) return String(part.$number);
	return undefined;
}

/** @param {string} base64 */
const byteLength = (base64) => Math.floor((base64.replace(/=+$/, "").length * 3) / 4);

/** @param {number} bytes */
function size(bytes) {
	if (bytes < 1000) return `${bytes} B`;
	if (bytes < 999_500) return `${(bytes / 1000).toFixed(bytes < 9950 ? 1 : 0)} kB`;
	return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** @param {string} className @param {string} text */
function span(className, text) {
	const element = document.createElement("span");
	element.className = className;
	element.textContent = text;
	return element;
}

document.addEventListener("anywidget:change", ({ target }) => {
	const card = cardOf(target);
	if (card) refresh(card);
});

for (const card of document.querySelectorAll("[data-state]")) {
	if (!(card instanceof HTMLElement)) continue;
	try {
		show(card, JSON.parse(card.querySelector(".g-json code")?.textContent ?? ""));
	} catch {
		refresh(card); // no state in the page, or not whole
	}
}
