/**
 * Ten thousand rows: sorted, filtered and selected, of which only those in view are in the document.
 *
 * State: `columns`, a list of names or of `{key, label?, type?, digits?}` with the type "number" or "text" (else told by the
 * values) and the decimals of numbers; `rows`, a list of lists of cells, in the order of the columns; `sort`, null or
 * `{column, descending}` with the key of a column; `filter`, words that all must stand in a row; `selected`, the selected
 * rows as indices into `rows`, ascending. Visitors write `sort`, `filter` and `selected`, for all views.
 *
 * @typedef {{ columns: unknown[], rows: unknown[][], sort: { column: string, descending: boolean } | null, filter: string, selected: number[] }} Table
 */
import { count, Data } from "./data.js";
import { hands } from "./hands.js";
import { Rows } from "./rows.js";
import { Selection } from "./selection.js";
import { widths } from "./widths.js";

/** Numbers the views of this module: ids must differ between them. */
let made = 0;

/** @param {import("@anywidget/types").RenderProps<Table>} props */
function render({ model, el, signal }) {
	const id = `aw-table-${++made}`;
	const root = document.createElement("div");
	root.className = "aw-table";
	root.innerHTML = MARKUP;
	el.append(root);
	const [problems, tools, filter, status, grid, head, body, sizer, empty, nothing, unfilter] = [...root.querySelectorAll("[data-part]")].map((part) => /** @type {any} */ (part));

	let data = new Data([], []);
	let order = /** @type {number[]} */ ([]); // the indices of the rows that show
	const selection = new Selection(model);
	const rows = new Rows(body, sizer, makeRow, fillRow);

	function makeRow() {
		const row = make("div", "row", { role: "row" });
		row.append(...data.columns.map(({ number }) => make("div", number ? "cell aw-table-number" : "cell", { role: "gridcell" })));
		return row;
	}

	/** @param {HTMLElement} element @param {number} position @param {boolean} fresh */
	function fillRow(element, position, fresh) {
		const row = order[position];
		if (fresh) {
			element.id = `${id}-${row}`;
			element.setAttribute("aria-rowindex", String(position + 2)); // the header is the first
			data.columns.forEach((_, i) => (element.children[i].textContent = data.text(row, i)));
		}
		element.setAttribute("aria-selected", String(selection.rows.has(row)));
		element.classList.toggle("aw-table-active", row === selection.active);
	}

	/** @param {import("./data.js").Column} column */
	function makeHeader({ key, label, number }) {
		const header = make("div", number ? "header aw-table-number" : "header", { role: "columnheader", "data-key": key });
		const button = make("button", "sort", { type: "button" });
		button.textContent = label;
		button.addEventListener("click", () => {
			const now = model.get("sort");
			const again = String(now?.column) === key;
			model.set("sort", again && now?.descending ? null : { column: key, descending: again });
			model.save_changes();
		}, { signal });
		header.append(button);
		return header;
	}

	function load() {
		data = new Data(model.get("columns"), model.get("rows"));
		if (data.problems.join() !== problems.dataset.now) problems.replaceChildren(...data.problems.map(note)); // or it is said again
		problems.dataset.now = data.problems.join();
		head.replaceChildren(...data.columns.map(makeHeader));
		body.style.setProperty("--_count", String(data.rows.length));
		tools.hidden = head.hidden = !data.columns.length;
		root.style.setProperty("--_columns", widths(data, sizer));
		selection.read(data.rows.length);
		arrange(true);
	}

	/** Sorts and filters. @param {boolean} [anew] the cells are others too */
	function arrange(anew) {
		const sort = model.get("sort");
		const words = String(model.get("filter") ?? "");
		if (filter.value !== words) filter.value = words;
		order = data.order(sort, words);
		for (const header of head.children) {
			const sorted = sort && String(sort.column) === header.dataset.key;
			header.setAttribute("aria-sort", sorted ? (sort.descending ? "descending" : "ascending") : "none");
		}
		grid.setAttribute("aria-rowcount", String(order.length + 1));
		empty.hidden = order.length > 0;
		unfilter.hidden = !data.rows.length;
		nothing.textContent = data.rows.length ? `No row matches “${words.trim()}”` : data.columns.length ? "No rows yet" : "No columns yet";
		rows.reset(data.columns.length ? order.length : 0, anew);
		mark();
	}

	/** Shows what is selected and active. */
	function mark() {
		rows.draw();
		const some = order.length === data.rows.length ? count(order.length, "row") : `${order.length.toLocaleString()} of ${count(data.rows.length, "row")}`;
		const picked = selection.rows.size ? `, ${selection.rows.size.toLocaleString()} selected` : "";
		if (status.textContent !== some + picked) status.textContent = some + picked;
		const active = sizer.querySelector(".aw-table-active");
		active ? grid.setAttribute("aria-activedescendant", active.id) : grid.removeAttribute("aria-activedescendant");
	}

	/** @param {string} words */
	function search(words) {
		model.set("filter", words);
		model.save_changes();
	}

	filter.addEventListener("input", () => search(filter.value), { signal });
	filter.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
		if (event.key !== "ArrowDown" || event.isComposing) return;
		event.preventDefault();
		grid.focus();
	}, { signal });
	unfilter.addEventListener("click", () => { search(""); filter.focus(); }, { signal }); // the button goes away

	body.addEventListener("scroll", mark, { signal });
	hands(grid, body, {
		rows, selection, mark,
		order: () => order,
		line: (row) => data.columns.map((_, i) => data.text(row, i)).join("\t"),
	}, signal);

	const observer = new ResizeObserver(() => { // begins with a first call
		rows.height = parseFloat(getComputedStyle(sizer).minHeight) || rows.height; // see the stylesheet
		head.style.paddingInlineEnd = `${body.offsetWidth - body.clientWidth}px`; // the scrollbar's
		rows.reset(order.length);
		mark();
	});
	observer.observe(body);
	model.on("change:columns change:rows", load);
	model.on("change:sort change:filter", () => { body.scrollTop = 0; arrange(); });
	model.on("change:selected", () => { selection.read(data.rows.length); mark(); });
	load();
	return () => observer.disconnect();
}

/** @param {string} tag @param {string} part @param {Record<string, string>} attributes */
function make(tag, part, attributes) {
	const element = document.createElement(tag);
	element.className = `aw-table-${part}`;
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	return element;
}

/** @param {string} text */
function note(text) {
	const element = make("p", "note", { role: "alert" });
	element.textContent = text;
	return element;
}

const MARKUP = `
	<div data-part="problems"></div>
	<div class="aw-table-tools" data-part="tools">
		<input class="aw-table-filter" type="search" data-part="filter" placeholder="Filter" aria-label="Filter" autocomplete="off" spellcheck="false">
		<output class="aw-table-status" data-part="status"></output>
	</div>
	<div class="aw-table-frame">
		<div class="aw-table-grid" data-part="grid" role="grid" aria-label="Table" aria-multiselectable="true" tabindex="0">
			<div class="aw-table-wide" role="presentation">
				<div class="aw-table-top" role="rowgroup"><div class="aw-table-head" data-part="head" role="row" aria-rowindex="1"></div></div>
				<div class="aw-table-body" data-part="body" role="rowgroup" tabindex="-1"><div class="aw-table-sizer" data-part="sizer" role="presentation"></div></div>
			</div>
		</div>
		<div class="aw-table-empty" data-part="empty">
			<p class="aw-table-nothing" data-part="nothing"></p>
			<button class="aw-table-button" type="button" data-part="unfilter">Clear the filter</button>
		</div>
	</div>`;

export default { render };
