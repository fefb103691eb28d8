/**
 * A form from a list of fields.
 *
 * State: `fields`, what to ask for (`Spec`, in order); `values`, by key, saved here while they are typed; `errors`,
 * messages of the server by key, that of the whole form under ""; `label`, `disabled`, `readonly` of the whole form.
 *
 * What does not pass a field's own rules (`required`, `min`, …) is not saved, and the field says why. What somebody
 * types stays in its field until they leave it, whatever the server says meanwhile. All values are one key of the
 * state: of two people who change two fields in the same instant, one is asked to type again.
 *
 * @typedef {{ key: string, label?: string, type?: string, help?: string, required?: boolean, disabled?: boolean,
 *   readonly?: boolean, wide?: boolean, options?: (string | { value: unknown, label?: string })[] } & Record<string, unknown>} Spec
 * @typedef {{ fields: Spec[], values: Record<string, unknown>, errors: Record<string, string>, label: string, disabled: boolean, readonly: boolean }} Form
 * @typedef {{ key: string, type: string, row: HTMLElement, input: any, output: HTMLOutputElement, help: HTMLElement, error: HTMLElement,
 *   options: unknown[], dirty: boolean, held: boolean, visited: boolean }} Field
 */

/** So long (ms) after the last key what is typed is saved; other fields save at once. */
const PAUSE = 300;
/** Types that are typed, key by key. */
const TYPED = ["text", "textarea", "email", "url", "tel", "password", "search", "number"];
/** All types; another one is "text". */
const TYPES = [...TYPED, "select", "checkbox", "date", "time", "datetime-local", "month", "week", "range", "color"];
/** Parts of a `Spec` that are attributes of the control. */
const ATTRIBUTES = ["min", "max", "step", "minlength", "maxlength", "pattern", "placeholder", "autocomplete", "rows"];

let made = 0;

/** @param {import("@anywidget/types").RenderProps<Form>} props */
function render({ model, el, signal }) {
	const root = make("form", "aw-fields", { novalidate: "" }); // its own messages, beside the fields
	const set = /** @type {HTMLFieldSetElement} */ (make("fieldset", "aw-fields-set"));
	const [legend, grid, note] = [make("legend", "aw-fields-label"), make("div", "aw-fields-grid"), make("p", "aw-fields-note")];
	const whole = make("p", "aw-fields-error aw-fields-whole", { "aria-live": "polite" });
	set.append(legend, whole, grid, note);
	root.append(set);
	el.append(root);

	/** @type {Map<string, Field>} */
	let fields = new Map();
	/** The field that waits for a pause in the typing. @type {Field | undefined} */
	let typing;
	let timer = 0;

	/** @param {"values" | "errors"} key @returns {Record<string, any>} */
	const record = (key) => Object(model.get(key) ?? {});

	/** @param {Field} field */
	function save(field) {
		if (field === typing) typing = void clearTimeout(timer);
		if (field.dirty && field.input.validity.valid) {
			field.dirty = false;
			model.set("values", { ...record("values"), [field.key]: valueOf(field) });
			model.save_changes();
		}
		drawErrors();
	}

	/** @param {Field} field */
	function leave(field) {
		field.visited ||= field.dirty;
		save(field);
		field.held = false;
		drawValues(); // what the server said meanwhile
	}

	/** @param {string} key @param {string} type @returns {Field} */
	function makeField(key, type) {
		const id = `aw-fields-${++made}`;
		const row = make("div", "aw-fields-row");
		const input = /** @type {any} */ (make(type === "select" || type === "textarea" ? type : "input", "aw-fields-input", { id }));
		if (input.localName === "input") input.type = type;
		const control = make("div", "aw-fields-control");
		const [help, error] = [make("p", "aw-fields-help", { id: `${id}-help` }), make("p", "aw-fields-error", { id: `${id}-error`, "aria-live": "polite" })];
		const output = /** @type {HTMLOutputElement} */ (make("output", "aw-fields-output", { for: id, "aria-hidden": "true" })); // the control says it
		input.setAttribute("aria-describedby", `${help.id} ${error.id}`);
		control.append(input, output);
		row.append(make("label", "aw-fields-name", { for: id }), control, help, error);
		row.dataset.type = type;
		const field = { key, type, row, input, output, help, error, options: [], dirty: false, held: false, visited: false };
		input.addEventListener("input", () => {
			field.dirty = true; // not saved
			field.held = TYPED.includes(type); // not to be changed under the hands of somebody who types
			drawOutput(field);
			if (typing && typing !== field) save(typing);
			if (!field.held) return save(field);
			clearTimeout(timer);
			[typing, timer] = [field, setTimeout(save, PAUSE, field)];
			drawErrors();
		}, { signal });
		input.addEventListener("change", () => { field.visited = true; save(field); }, { signal });
		input.addEventListener("blur", () => leave(field), { signal });
		return field;
	}

	/** Makes a field what its spec says; a field that is there keeps its control and what is typed. @param {Field} field @param {Spec} spec */
	function apply(field, spec) {
		const { input, row, help, type } = field;
		const fixed = Boolean(model.get("readonly") || spec.readonly);
		const name = /** @type {HTMLElement} */ (row.firstChild);
		name.textContent = String(spec.label ?? spec.key);
		name.classList.toggle("aw-fields-required", Boolean(spec.required));
		help.textContent = String(spec.help ?? "");
		row.classList.toggle("aw-fields-wide", Boolean(spec.wide ?? ["textarea", "checkbox"].includes(type)));
		for (const attribute of ATTRIBUTES) {
			const value = spec[attribute] ?? (attribute === "step" && type === "number" ? "any" : null);
			if (value === null) input.removeAttribute(attribute);
			else input.setAttribute(attribute, String(value));
		}
		input.required = Boolean(spec.required);
		input.readOnly = fixed;
		input.disabled = Boolean(spec.disabled) || (fixed && !TYPED.includes(type)); // no read-only for these
		if (type !== "select") return;
		const options = (Array.isArray(spec.options) ? spec.options : []).map((option) => Object(option) === option ? /** @type {any} */ (option) : { value: option });
		const index = input.selectedIndex;
		field.options = options.map(({ value }) => value);
		input.replaceChildren(...options.map(({ value, label }) => new Option(String(label ?? value), String(value))));
		input.selectedIndex = index; // of one who has it open
	}

	function drawFields() {
		const specs = /** @type {Spec[]} */ (Array.isArray(model.get("fields")) ? model.get("fields") : []);
		const problems = /** @type {string[]} */ ([]);
		const kept = fields;
		fields = new Map();
		specs.forEach((spec, i) => {
			const key = String(spec?.key ?? "");
			if (!key || fields.has(key)) return problems.push(key ? `Two fields have the key “${key}”.` : `Field ${i + 1} has no key.`);
			const type = TYPES.includes(String(spec.type)) ? String(spec.type) : "text";
			const old = kept.get(key);
			const field = old?.type === type ? old : makeField(key, type);
			apply(field, spec);
			fields.set(key, field);
		});
		const focus = /** @type {ShadowRoot} */ (grid.getRootNode()).activeElement;
		const next = Array.from(fields.values(), ({ row }) => row);
		for (const row of [...grid.children]) if (!next.includes(/** @type {HTMLElement} */ (row))) row.remove();
		next.forEach((row, i) => row !== grid.children[i] && grid.insertBefore(row, grid.children[i] ?? null));
		if (focus instanceof HTMLElement && grid.contains(focus)) focus.focus({ preventScroll: true }); // its row was moved
		set.disabled = Boolean(model.get("disabled"));
		legend.textContent = String(model.get("label") ?? "");
		note.textContent = problems.join(" ") || (specs.length ? "" : "There are no fields yet.");
		note.classList.toggle("aw-fields-broken", problems.length > 0);
		drawValues();
	}

	function drawValues() {
		for (const field of fields.values()) if (!field.held && !field.dirty) write(field, record("values")[field.key]);
		drawErrors();
	}

	function drawErrors() {
		const errors = record("errors");
		whole.textContent = String(errors[""] ?? "");
		for (const { key, input, error, visited } of fields.values()) {
			const own = visited && input.willValidate && !input.validity.valid ? input.validationMessage : "";
			const text = own || String(errors[key] ?? "");
			if (error.textContent !== text) error.textContent = text;
			if (text) input.setAttribute("aria-invalid", "true");
			else input.removeAttribute("aria-invalid");
		}
	}

	root.addEventListener("submit", (event) => event.preventDefault(), { signal }); // Enter would leave the page
	model.on("change:fields change:label change:disabled change:readonly", drawFields);
	model.on("change:values", drawValues);
	model.on("change:errors", drawErrors);
	drawFields();
	return () => typing && save(typing); // what was typed last is kept when the view goes
}

/** @param {Field} field */
function valueOf({ input, type, options }) {
	if (type === "checkbox") return input.checked;
	if (type === "select") return options[input.selectedIndex];
	if (type === "number" || type === "range") return input.value === "" ? null : input.valueAsNumber;
	return input.value;
}

/** @param {Field} field @param {unknown} value */
function write(field, value) {
	const { input, type, options } = field;
	if (type === "checkbox") input.checked = Boolean(value);
	else if (type === "select") input.selectedIndex = options.indexOf(value);
	else if (input.value !== String(value ?? "")) input.value = String(value ?? ""); // the same text would move the cursor
	drawOutput(field);
}

/** The number of a range and the name of a colour. @param {Field} field */
const drawOutput = ({ input, output, type }) => (output.value = type === "range" || type === "color" ? input.value : "");

/** @param {string} tag @param {string} className @param {Record<string, string>} [attributes] */
function make(tag, className, attributes = {}) {
	const element = document.createElement(tag);
	element.className = className;
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	return element;
}

export default { render };
