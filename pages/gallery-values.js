/** Values between the page and its reader: in a few words, as JSON to be edited, and back. */

/** Characters after which a list or an object ends with how many more there are. */
const MOST = 320;
/** Characters of one text. */
const MOST_TEXT = 160;
/** Longer JSON is not for a field in a page. */
const MOST_JSON = 50_000;

/** @param {unknown} value @returns {value is ArrayBuffer | ArrayBufferView} */
const isBytes = (value) => ArrayBuffer.isView(value) || value instanceof ArrayBuffer;

/**
 * The value as JSON; bytes, numbers that JSON lacks and what is left out in words, which are spans.
 * @param {any} value @returns {(string | HTMLElement)[]}
 */
export function summary(value) {
	/** @type {(string | HTMLElement)[]} */
	const parts = [];
	let left = MOST;
	/** @param {string} text */
	const text = (text) => {
		left = Math.max(0, left - text.length);
		parts.push(text);
	};
	/** @param {string} words */
	const note = (words) => {
		const span = document.createElement("span");
		span.className = "g-note";
		span.textContent = words;
		parts.push(span);
	};
	/** @param {string} value */
	const string = (value) => {
		if (value.length <= MOST_TEXT) return text(JSON.stringify(value));
		text(JSON.stringify(value.slice(0, MOST_TEXT).replace(/[\uD800-\uDBFF]$/, "")));
		note(` … ${value.length} characters`);
	};
	/** @template T @param {string} brackets @param {T[]} items @param {(item: T) => void} each */
	const list = ([open = "", close = ""], items, each) => {
		text(open);
		for (const [at, item] of items.entries()) {
			if (at > 0) text(", ");
			if (at > 0 && left === 0) {
				note(`… ${items.length - at} more`);
				break;
			}
			each(item);
		}
		text(close);
	};
	/** @param {any} value */
	const write = (value) => {
		if (typeof value === "string") string(value);
		else if (isBytes(value)) note(`bytes · ${size(value.byteLength)}`);
		else if (Array.isArray(value)) list("[]", value, write);
		else if (typeof value === "object" && value) {
			list("{}", Object.keys(value), (key) => {
				string(key);
				text(": ");
				write(value[key]);
			});
		} else if (typeof value === "number" && !Number.isFinite(value)) note(String(value));
		else text(String(value === undefined ? null : value));
	};
	write(value);
	return parts;
}

/** In the unit that says it with few digits. @param {number} bytes */
function size(bytes) {
	/** @param {number} unit */
	const tenths = (unit) => (Math.floor((bytes + unit / 20) / (unit / 10)) / 10).toFixed(1);
	if (bytes < 1000) return `${bytes} B`;
	if (bytes < 9950) return `${tenths(1000)} kB`;
	if (bytes < 999_500) return `${Math.round(bytes / 1000)} kB`;
	return `${tenths(1_000_000)} MB`;
}

/**
 * The value as JSON with what `widget.json` says for bytes and numbers that JSON lacks.
 * @param {unknown} value @returns {string} @throws {RangeError} when it is not for a field in a page
 */
export function toJson(value) {
	let left = MOST_JSON;
	/** @param {number} length */
	const spend = (length) => {
		if ((left -= length) < 0) throw new RangeError("It is too long to be edited here.");
	};
	const json = JSON.stringify(value ?? null, (key, value) => {
		spend(key.length + 1);
		if (typeof value === "string") spend(value.length);
		if (typeof value === "bigint") throw new RangeError("Numbers beyond 2⁵³ cannot be edited here.");
		if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
		if (!isBytes(value)) return value;
		spend(value.byteLength * 1.4);
		return { $bytes: base64(value) };
	}, 1);
	// On one line, unless that is long.
	const line = json.replace(/(?<=[[{])\n\s*|\n\s*(?=[\]}])/g, "").replace(/\n\s*/g, " ");
	return line.length <= 60 ? line : json;
}

/** @param {string} text @returns {unknown} @throws {SyntaxError} in words for a reader */
export function fromJson(text) {
	try {
		return JSON.parse(text, (_, value) => {
			const [[name, inner] = [], ...more] = typeof value === "object" && value ? Object.entries(value) : [];
			if (more.length || typeof inner !== "string") return value;
			if (name === "$number") return Number(inner);
			return name === "$bytes" ? Uint8Array.from(atob(inner), (letter) => letter.charCodeAt(0)) : value;
		});
	} catch (error) {
		if (/** @type {Error} */ (error).name === "InvalidCharacterError") throw new SyntaxError("$bytes is not base64.");
		if (/^\s*$/.test(text)) throw new SyntaxError("Nothing is not JSON; null is.");
		if (/^[\p{L}][^"[\]{}]*$/u.test(text.trim())) throw new SyntaxError(`Not JSON. Text stands in quotes: ${JSON.stringify(text.trim())}`);
		throw new SyntaxError(`Not JSON: ${/** @type {Error} */ (error).message}`);
	}
}

/** @param {ArrayBuffer | ArrayBufferView} value */
function base64(value) {
	const bytes = ArrayBuffer.isView(value) ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
	return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
