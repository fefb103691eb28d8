/**
 * A container: other widgets, one at a time, in the ARIA tabs pattern.
 *
 * State: `tabs`, a list of `{label, ref}`; `active`, the index of the one that shows. A child is rendered when
 * its tab first shows and then kept, so switching back costs nothing and loses nothing. A child that cannot
 * be had says why in its panel, and is asked for again when its tab is next selected.
 *
 * @typedef {{ label: string, ref: string }} Tab
 * @typedef {{ tab: HTMLButtonElement, panel: HTMLElement, ref: string, asked: boolean, end: AbortController }} Pane
 */

/** Numbers the panes of this module: the ids that tie a tab to its panel must differ between views. */
let made = 0;

/** @param {import("@anywidget/types").RenderProps<{ tabs: Tab[], active: number }>} props */
function render({ model, el, signal, host }) {
	const root = make("div", "aw-tabs");
	const list = make("div", "aw-tabs-list", { role: "tablist", "aria-label": "Widgets" });
	const none = make("p", "aw-tabs-note");
	none.textContent = "There are no tabs yet.";
	root.append(list, none);
	el.append(root);

	/** By reference: a list that is edited from elsewhere keeps the children it still names. @type {Map<string, Pane>} */
	const kept = new Map();
	/** The panes of the current list, in its order. @type {Pane[]} */
	let panes = [];

	const active = () => Math.min(Math.max(Math.trunc(Number(model.get("active"))) || 0, 0), panes.length - 1);

	/** @param {number} index */
	function select(index) {
		panes[index].tab.focus();
		if (index === active()) return showActive(); // asks again for a child that could not be had
		model.set("active", index);
		model.save_changes();
	}

	/** @param {string} ref @returns {Pane} */
	function makePane(ref) {
		const id = `aw-tabs-${++made}`;
		const tab = document.createElement("button");
		tab.type = "button";
		tab.className = "aw-tabs-tab";
		tab.id = `${id}-tab`;
		tab.setAttribute("role", "tab");
		tab.setAttribute("aria-controls", id);
		const panel = make("div", "aw-tabs-panel", { role: "tabpanel", tabindex: "0", id, "aria-labelledby": tab.id });
		panel.hidden = true;
		root.append(panel);
		const pane = { tab, panel, ref, asked: false, end: new AbortController() };
		tab.addEventListener("click", () => select(panes.indexOf(pane)), { signal });
		return pane;
	}

	/** Renders the child of a pane. @param {Pane} pane */
	async function fill(pane) {
		pane.asked = true;
		const mount = make("div", "aw-tabs-mount");
		pane.panel.replaceChildren(mount);
		pane.panel.setAttribute("aria-busy", "true");
		const ended = AbortSignal.any([signal, pane.end.signal]);
		try {
			const child = await host.getWidget(pane.ref);
			if (ended.aborted) return;
			await child.render({ el: mount, signal: ended });
		} catch (error) {
			if (ended.aborted) return;
			const note = make("p", "aw-tabs-note aw-tabs-error", { role: "alert" });
			const reason = error instanceof Error ? error.message : String(error);
			note.textContent = `Cannot show ${pane.ref || "a tab without a ref"}: ${reason}`;
			pane.panel.replaceChildren(note);
			pane.asked = false;
		} finally {
			pane.panel.removeAttribute("aria-busy");
		}
	}

	function showActive() {
		const index = active();
		panes.forEach(({ tab, panel }, i) => {
			tab.setAttribute("aria-selected", String(i === index));
			tab.tabIndex = i === index ? 0 : -1; // one stop for Tab, arrows move within
			panel.hidden = i !== index;
		});
		const pane = panes[index];
		if (!pane) return;
		const { offsetLeft, offsetWidth } = pane.tab;
		list.scrollTo({ left: offsetLeft - (list.clientWidth - offsetWidth) / 2 }); // never the page
		if (!pane.asked) fill(pane);
	}

	function drawTabs() {
		const tabs = model.get("tabs");
		const gone = new Map(kept);
		kept.clear();
		panes = (Array.isArray(tabs) ? tabs : []).map((tab, index) => {
			const ref = String(tab?.ref ?? "");
			let key = ref;
			while (kept.has(key)) key += " again"; // one widget may stand in two tabs; a ref holds no space
			const pane = gone.get(key) ?? makePane(ref);
			gone.delete(key);
			kept.set(key, pane);
			pane.tab.textContent = String(tab?.label ?? (ref || `Tab ${index + 1}`));
			return pane;
		});
		for (const { panel, end } of gone.values()) {
			end.abort();
			panel.remove();
		}
		const focused = list.matches(":focus-within"); // moving a focused element takes the focus from it
		list.replaceChildren(...panes.map(({ tab }) => tab));
		list.hidden = panes.length === 0;
		none.hidden = panes.length > 0;
		showActive();
		if (focused) panes[active()]?.tab.focus();
	}

	list.addEventListener("keydown", (event) => {
		if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || !panes.length) return;
		const forward = getComputedStyle(list).direction === "rtl" ? -1 : 1;
		/** @type {Record<string, number>} */
		const targets = {
			ArrowRight: active() + forward, ArrowLeft: active() - forward, Home: 0, End: panes.length - 1,
		};
		if (!(event.key in targets)) return;
		event.preventDefault(); // the page would scroll
		select((targets[event.key] + panes.length) % panes.length);
	}, { signal });

	model.on("change:tabs", drawTabs);
	model.on("change:active", showActive);
	drawTabs();
}

/** @param {string} tag @param {string} className @param {Record<string, string>} [attributes] */
function make(tag, className, attributes = {}) {
	const element = document.createElement(tag);
	element.className = className;
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	return element;
}

export default { render };
