/**
 * What the bench measures: a button whose click is answered by Rust, messages that fill a line, bytes that are looked
 * at. The hand-written page does the same with the same elements.
 *
 * @param {import("@anywidget/types").RenderProps<{ count: number, blob: DataView }>} props
 */
function render({ model, el }) {
	/** @param {string} className @param {() => void} click */
	function button(className, click) {
		const element = document.createElement("button");
		element.className = className;
		element.onclick = click;
		el.append(element);
		return element;
	}

	/** @param {string} className */
	function output(className) {
		const element = document.createElement("output");
		element.className = className;
		el.append(element);
		return element;
	}

	button("click", () => model.send({ kind: "click" }));
	for (const kind of ["items", "buffers", "blobs"]) {
		const start = button(kind, () => model.send({ kind, count: Number(start.value) }));
	}
	const [count, item, bytes] = ["count", "item", "bytes"].map(output);

	/** @param {DataView} view */
	function look(view) {
		bytes.textContent = `${view.getUint32(0, true)}: ${view.byteLength} bytes, the last is ${view.getUint8(view.byteLength - 1)}`;
		model.send({ kind: "more" });
	}

	const draw = () => { count.textContent = `${model.get("count")}`; };
	model.on("change:count", draw);
	model.on("change:blob", () => look(model.get("blob")));
	model.on("msg:custom", (message, buffers) => {
		if (buffers.length) look(buffers[0]);
		else item.textContent = `${message.n}: ${message.text}`;
	});
	draw();
	performance.mark("rendered");
}

export default { render };
