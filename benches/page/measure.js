// Evaluated in each page that is measured, ours and the one by hand alike: it knows their elements and nothing else.

/** The element of this class; a widget may still be on its way. */
async function the(name) {
	for (let i = 0; i < 500; i++) {
		const element = document.querySelector(`.${name}`);
		if (element) return element;
		await new Promise((done) => setTimeout(done, 10));
	}
	throw new Error(`the page has no .${name}`);
}

/** When the text of an element first meets a condition. */
function when(element, meets) {
	return new Promise((done, fail) => {
		const late = setTimeout(() => fail(new Error(`.${element.className} says ${element.textContent}`)), 30_000);
		const observer = new MutationObserver(() => {
			if (!meets(element.textContent)) return;
			observer.disconnect();
			clearTimeout(late);
			done(performance.now());
		});
		observer.observe(element, { childList: true, characterData: true, subtree: true });
	});
}

Object.assign(globalThis, {
	/** Milliseconds from each of so many clicks to what it makes visible, with a pause between them. */
	async echo(clicks, pause) {
		const [button, count] = [await the("click"), await the("count")];
		const times = [];
		for (let i = 0; i < clicks; i++) {
			const next = String(Number(count.textContent) + 1);
			const shown = when(count, (text) => text === next);
			const began = performance.now();
			button.click();
			times.push((await shown) - began);
			await new Promise((done) => setTimeout(done, pause));
		}
		return times;
	},

	/** Asks for so many and waits for the last of them; milliseconds since 1970 of the beginning and the end. */
	async ask(kind, count) {
		const [button, ended] = [await the(kind), await_(kind, count)];
		button.value = count;
		const began = performance.timeOrigin + performance.now();
		button.click();
		return [began, await ended];
	},

	/** When the last of so many has come, in milliseconds since 1970. */
	await_,

	/** When so many widgets were visible, in milliseconds since the navigation began. */
	async visible(count) {
		for (let i = 0; i < 500; i++) {
			const marks = performance.getEntriesByName("rendered");
			if (marks.length >= count) return marks[count - 1].startTime;
			await new Promise((done) => setTimeout(done, 10));
		}
		throw new Error(`only ${performance.getEntriesByName("rendered").length} widgets are visible`);
	},

	/** When the server first had so many sockets, in milliseconds since the navigation began. */
	async connected(count) {
		for (let i = 0; i < 1000; i++) {
			const sockets = Number(await (await fetch("/sockets")).text());
			if (sockets > count) throw new Error(`${sockets} sockets instead of ${count}`);
			if (sockets === count) return performance.now();
			await new Promise((done) => setTimeout(done, 10));
		}
		throw new Error(`not ${count} sockets`);
	},
});

async function await_(kind, count) {
	const element = await the(kind === "items" ? "item" : "bytes");
	return performance.timeOrigin + (await when(element, (text) => text.startsWith(`${count}: `)));
}
