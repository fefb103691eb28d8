/**
 * What the gallery adds to the page that the server made: live state panels, an index that says where one is, buttons
 * that copy. Without it the page can be read all the same.
 */
import { follow } from "./gallery-panel.js";

/** What is below waits so long (ms) for the first widget. */
const PATIENCE = 1000;

/** A machine that is busy for so long (ms) gets the next widget all the same. */
const BUSY = 200;

/** Widgets that have not rendered. */
const COMING = "any-widget:not([data-connection]), any-widget[aria-busy]";

/** The first widget is there, or has had its time. It may have been there before this script. */
const begun = new Promise((resolve) => {
	if (!document.querySelector(COMING)) return resolve(0);
	for (const name of ["anywidget:ready", "anywidget:error"]) document.addEventListener(name, resolve, { once: true });
	setTimeout(resolve, PATIENCE);
});

/** Cards whose widgets wait in a template. @type {Set<Element>} */
const waiting = new Set();

/** Lets a card's widget run, with its state beside it. @param {Element} card */
async function start(card) {
	waiting.delete(card);
	near.unobserve(card);
	const template = card.querySelector("template");
	template?.replaceWith(template.content);
	await begun;
	try {
		await follow(card);
	} catch (error) {
		console.warn(`anywidget-host: the state in ${card.id} is not live:`, error);
	}
}

const near = new IntersectionObserver(
	(entries) => {
		for (const { target, isIntersecting } of entries) if (isIntersecting && waiting.has(target)) start(target);
	},
	{ rootMargin: "50% 0px" },
);
for (const card of document.querySelectorAll(".g-card")) {
	if (!card.querySelector("template")) start(card);
	else waiting.add(card);
}
begun.then(() => {
	for (const card of waiting) near.observe(card);
	next();
});

/** Those that nobody has scrolled to come one by one, while there is nothing else to do, or too much. */
function next() {
	const run = () => {
		const [card] = waiting;
		if (!card) return;
		start(card);
		next();
	};
	if (self.requestIdleCallback) requestIdleCallback(run, { timeout: BUSY });
	else setTimeout(run);
}

/** A widget that is wider than its place gets all of the card. The next frame lays the page out anyway. @param {Element | null} stage */
function fit(stage) {
	requestAnimationFrame(() => {
		if (stage && stage.scrollWidth > stage.clientWidth) stage.parentElement?.classList.add("g-card-wide");
	});
}
document.addEventListener("anywidget:ready", ({ target }) => fit(target instanceof Element ? target.closest(".g-stage") : null));
fit(document.querySelector(".g-stage:has(> any-widget)")); // it may have been ready before

// On a phone the code is a tap away.
if (matchMedia("(max-width: 40rem)").matches) {
	for (const details of document.querySelectorAll(".g-rust")) details.removeAttribute("open");
}

// Copy, where the browser lets a page do so.
for (const code of navigator.clipboard ? document.querySelectorAll(".g-code") : []) {
	const button = document.createElement("button");
	button.type = "button";
	button.className = "g-button g-copy";
	button.textContent = "Copy";
	const said = document.createElement("span");
	said.className = "g-hidden";
	said.setAttribute("role", "status");
	code.before(button, said);
	button.onclick = async () => {
		await navigator.clipboard.writeText(code.textContent ?? "");
		button.textContent = said.textContent = "Copied";
		setTimeout(() => {
			button.textContent = "Copy";
			said.textContent = "";
		}, 2000);
	};
}

/** @type {NodeListOf<HTMLAnchorElement>} */
const links = document.querySelectorAll(".g-link");
/** @type {Map<Element, HTMLAnchorElement>} */
const linkOf = new Map();
for (const link of links) {
	const card = document.getElementById(decodeURIComponent(link.hash.slice(1)));
	if (card) linkOf.set(card, link);
}

/** Cards in the upper part of the window. @type {Set<Element>} */
const above = new Set();

/** Says in the index where one is: the first card in the upper part, unless the end of the page keeps another from there. */
function mark() {
	const cards = [...linkOf.keys()];
	const { scrollHeight, scrollTop, clientHeight } = document.documentElement;
	const end = scrollTop > 0 && scrollTop + clientHeight >= scrollHeight - 2;
	const named = cards.find((card) => card.matches(":target") && card.getBoundingClientRect().top < clientHeight);
	const here = linkOf.get((end && (named ?? cards.at(-1))) || cards.find((card) => above.has(card)) || document.body);
	if (!here) return;
	for (const link of links) link.ariaCurrent = link === here ? "true" : null;
	// In its own box only: the page is where the reader put it.
	const box = here.closest(".g-index");
	const item = here.getBoundingClientRect();
	const frame = box?.getBoundingClientRect();
	if (!box || !frame) return;
	if (item.left < frame.left || item.right > frame.right) box.scrollLeft += item.left - frame.left - 16;
	if (item.top < frame.top || item.bottom > frame.bottom) box.scrollTop += item.top - frame.top - frame.height / 2;
}
const spy = new IntersectionObserver((entries) => {
	for (const { target, isIntersecting } of entries) above[isIntersecting ? "add" : "delete"](target);
	mark();
}, { rootMargin: "-10% 0px -60% 0px" });
for (const card of linkOf.keys()) spy.observe(card);
addEventListener("hashchange", mark);
addEventListener("scrollend", mark);

/** The card that a link led to, while others are still to come. @type {Element | null} */
let sought = null;

/** What comes above it does not push it away, until the reader moves on or all is there. */
function lead() {
	// There is no `:target` yet while the page is being read.
	const [card] = [...linkOf].find(([, { hash }]) => hash === location.hash) ?? [];
	sought = (waiting.size && card) || null;
}
const [visit] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
if (visit?.type === "navigate") lead(); // else the browser puts the reader where they were
addEventListener("hashchange", lead);
for (const name of ["wheel", "touchmove", "pointerdown", "keydown"]) addEventListener(name, () => (sought = null), { capture: true, passive: true });
new ResizeObserver(() => {
	sought?.scrollIntoView({ behavior: "instant" });
	if (!waiting.size && !document.querySelector(COMING)) setTimeout(() => (sought = null), PATIENCE); // some draw a moment later
}).observe(document.querySelector(".g-main") ?? document.body);

// Arrow keys go along the index.
document.querySelector(".g-index")?.addEventListener("keydown", (event) => {
	const { key } = /** @type {KeyboardEvent} */ (event);
	const at = [...links].indexOf(/** @type {HTMLAnchorElement} */ (event.target));
	const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: links.length - 1 }[key];
	if (at < 0 || to === undefined) return;
	event.preventDefault();
	links[(to + links.length) % links.length]?.focus();
});
