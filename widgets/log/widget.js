/**
 * Lines as they come: followed at the end, searched, and told apart by level.
 *
 * State: `lines`, the newest ones, each a string or `{time, level, text}` with `time` a text or Unix ms; `first`, the
 * number of the first of them; `label`. Messages: `{type: "append", n, lines}`, where `n` is the number of the first;
 * without it they go to the end. Only the server writes. A hole in the numbers is named, and closed when its lines
 * come. No lines in the state: the log is cleared and goes on at `first`. Another text under a known number: it is
 * another log, and views begin anew.
 *
 * @typedef {{ lines: import("./book.js").Given[], first: number, label: string }} Log
 * @typedef {import("@anywidget/types").AnyModel<Log>} Model
 */
import { Book, number } from "./book.js";
import { Find } from "./find.js";
import { Rows } from "./rows.js";

/** More lines than this in one frame are not read out. */
const MOST_SPOKEN = 5;
/** So near (px) to the end is at the end. */
const NEAR = 8;
/** The button says for so long (ms) that it has copied. */
const SAID = 2_000;

/** The factory runs once per model and page, so a view that opens later has the lines of those before it. */
export default function () {
	const book = new Book();
	return {
		/** @param {import("@anywidget/types").InitializeProps<Log>} props */
		initialize({ model }) {
			const takeState = () => {
				const lines = model.get("lines");
				if (Array.isArray(lines) && lines.length) book.take(lines, number(model.get("first"), 0));
				else book.clear(number(model.get("first"), 0));
			};
			model.on("change:lines change:first", () => takeState());
			model.on("msg:custom", (message) => {
				if (message?.type === "append" && Array.isArray(message.lines)) book.take(message.lines, message.n);
			});
			takeState();
		},
		/** @param {import("@anywidget/types").RenderProps<Log>} props */
		render: ({ model, el, signal }) => render(model, el, signal, book),
	};
}

/** @param {Model} model @param {HTMLElement} el @param {AbortSignal} signal @param {Book} book */
function render(model, el, signal, book) {
	const root = document.createElement("div");
	root.className = "aw-log";
	root.innerHTML = MARKUP;
	el.append(root);
	const [list, body, search, found, before, after, least, copy, note, said, unfilter, jump] = /** @type {any[]} */ (
		PARTS.map((name) => root.querySelector(`.aw-log-${name}`)));
	const rows = new Rows(body);
	const find = new Find();
	/** Lines that wait for the next frame. @type {number[]} */
	let fresh = [];
	let frame = 0;
	let follow = true;
	let seen = 0; // the number of the next line, when the end was last in sight
	let [top, height] = [0, 0]; // where the list was last scrolled to, and of how much

	/** Whether a line is of a level that shows. @param {number} n */
	const shows = (n) => Number(rows.get(n)?.dataset.rank) >= least.selectedIndex;

	/** @param {number} n */
	const mark = (n) => shows(n) && find.look(n, rows.get(n)?.querySelector(".aw-log-text")?.firstChild);

	function drawFound() {
		found.textContent = String(find);
		before.ariaDisabled = after.ariaDisabled = String(!find.lines.length); // `disabled` loses the focus
		list.querySelector(".aw-log-here")?.classList.remove("aw-log-here");
		rows.get(find.at)?.classList.add("aw-log-here");
	}

	function draw() {
		frame = 0;
		list.ariaLive = follow && fresh.length <= MOST_SPOKEN ? "polite" : "off";
		for (const n of fresh) {
			const line = book.lines.get(n);
			if (line && !rows.get(n)) rows.add(n, line);
			mark(n);
		}
		rows.nameHoles(fresh, book.floor);
		fresh = [];
		const all = rows.numbers();
		note.hidden = all.some(shows);
		said.textContent = all.length ? "No line is of this level." : "No lines yet.";
		unfilter.hidden = !all.length;
		drawFound();
		stick();
	}

	/** Stays at the end, or says what is new there. */
	function stick() {
		if (follow) [list.scrollTop, seen] = [list.scrollHeight, book.end];
		[top, height] = [list.scrollTop, list.scrollHeight];
		jump.hidden = follow;
		list.classList.toggle("aw-log-following", follow);
		const news = follow ? 0 : rows.numbers().filter((n) => n >= seen).length;
		jump.textContent = `Jump to newest${news ? ` · ${news.toLocaleString()} new` : ""}`;
	}

	/** What the book tells. @param {number[]} [more] @param {number[]} [gone] */
	function take(more, gone = rows.numbers()) {
		find.forget(gone);
		rows.drop(gone);
		if (!more) [fresh, follow] = [[], true];
		else for (const n of more) fresh.push(n);
		frame ||= requestAnimationFrame(draw);
	}

	/** To the next line that was found, or the one before. @param {number} by */
	function step(by) {
		find.step(by);
		const row = rows.get(find.at);
		if (!row) return;
		follow = false;
		const show = () => list.scrollBy(0, row.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 2); // never the page
		show();
		requestAnimationFrame(show); // what was out of sight has its true height now
		drawFound();
		stick();
	}

	function look() {
		find.forget();
		find.query = search.value.toLowerCase();
		root.dataset.least = String(least.selectedIndex);
		rows.numbers().forEach(mark);
		draw();
	}

	search.addEventListener("input", look, { signal });
	search.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
		if (event.key === "Escape") search.value = "", look();
		else if (event.key === "Enter" && !event.isComposing) step(event.shiftKey ? -1 : 1);
		else return;
		event.preventDefault(); // a form around it would be sent
	}, { signal });
	before.addEventListener("click", () => step(-1), { signal });
	after.addEventListener("click", () => step(1), { signal });
	least.addEventListener("change", look, { signal });
	unfilter.addEventListener("click", () => { least.selectedIndex = 0; least.focus(); look(); }, { signal });
	jump.addEventListener("click", () => { follow = true; list.focus({ preventScroll: true }); stick(); }, { signal });
	list.addEventListener("scroll", () => {
		if (list.scrollHeight - list.clientHeight - list.scrollTop < NEAR) follow = true;
		else if (list.scrollTop < top && list.scrollHeight === height) follow = false; // a list that has shrunk scrolls by itself
		stick();
	}, { signal });
	copy.addEventListener("click", async () => {
		const shown = rows.numbers().filter(shows).sort((a, b) => a - b);
		await navigator.clipboard.writeText(shown.map((n) => `${rows.get(n)?.textContent?.trim()}\n`).join(""));
		copy.textContent = "Copied";
		setTimeout(() => (copy.textContent = "Copy"), SAID);
	}, { signal });
	copy.hidden = !navigator.clipboard; // a page that came by plain http may not write there

	const sizes = new ResizeObserver(stick); // a line that comes into sight takes its true height
	sizes.observe(list);
	sizes.observe(body);
	const drawLabel = () => list.setAttribute("aria-label", String(model.get("label") || "Log"));
	model.on("change:label", drawLabel);
	drawLabel();
	book.views.add(take);
	signal.addEventListener("abort", () => {
		book.views.delete(take);
		sizes.disconnect();
		cancelAnimationFrame(frame);
		find.forget();
	});
	fresh = [...book.lines.keys()];
	draw();
}

const PARTS = ["list", "body", "search", "found", "before", "after", "least", "copy", "note", "said", "unfilter", "jump"];
const arrow = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ path) => `
		<button class="aw-log-button aw-log-${name}" type="button" aria-label="${label}"><svg viewBox="0 0 16 16" aria-hidden="true"><path d="${path}"/></svg></button>`;
const MARKUP = `
	<div class="aw-log-tools">
		<div class="aw-log-field"><input class="aw-log-search" type="search" aria-label="Search" placeholder="Search" autocomplete="off" spellcheck="false">
		<span class="aw-log-found" role="status"></span></div>${arrow("before", "Previous", "M4 10l4-4 4 4")}${arrow("after", "Next", "M4 6l4 4 4-4")}
		<select class="aw-log-least" aria-label="Level"><option>All levels<option>Debug and up<option>Info and up<option>Warnings and up<option>Errors</select>
		<button class="aw-log-button aw-log-copy" type="button">Copy</button>
	</div>
	<div class="aw-log-box">
		<div class="aw-log-list" role="log" tabindex="0"><div class="aw-log-body"></div></div>
		<div class="aw-log-note"><p class="aw-log-said"></p><button class="aw-log-button aw-log-unfilter" type="button">Show all levels</button></div>
		<button class="aw-log-jump" type="button"></button>
	</div>`;
