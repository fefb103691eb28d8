/**
 * A number and two buttons: the smallest widget that is worth having, and the one to copy from.
 * State: `count`, a number.
 *
 * @param {import("@anywidget/types").RenderProps<{ count: number }>} props
 */
function render({ model, el, signal }) {
	const count = () => Number(model.get("count") ?? 0) || 0;

	/** @param {number} by */
	function add(by) {
		model.set("count", count() + by);
		model.save_changes();
	}

	/** @param {string} text @param {string} name @param {number} by */
	function button(text, name, by) {
		const element = document.createElement("button");
		element.type = "button";
		element.className = "aw-counter-button";
		element.textContent = text;
		element.setAttribute("aria-label", name);
		element.addEventListener("click", () => add(by), { signal });
		return element;
	}

	// An <output> is a polite live region: a change is read out, whoever made it.
	const value = document.createElement("output");
	value.className = "aw-counter-value";

	const root = document.createElement("div");
	root.className = "aw-counter";
	root.setAttribute("role", "group");
	root.setAttribute("aria-label", "Counter");
	root.append(button("−", "Decrease", -1), value, button("+", "Increase", 1));
	root.addEventListener("keydown", (event) => {
		const by = event.key === "ArrowUp" ? 1 : event.key === "ArrowDown" ? -1 : 0;
		if (!by || event.altKey || event.ctrlKey || event.metaKey) return;
		event.preventDefault(); // the page would scroll
		add(by);
	}, { signal });
	el.append(root);

	const draw = () => { value.textContent = String(count()); };
	model.on("change:count", draw);
	draw();
}

export default { render };
