import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, encode, lane } from "../../js/codec.js";

/**
 * The examples that the host passes, too: `tests/vectors/README.md`.
 *
 * @typedef {{ name: string, encoding: "json" | "messagepack" | "either", frame: any, text?: string, base64?: string }} Example
 */

/** @param {string} file @returns {Example[]} */
const examples = (file) => JSON.parse(readFileSync(new URL(`../vectors/${file}.json`, import.meta.url), "utf8"));

/** @param {Uint8Array} bytes */
const bufferOf = (bytes) => /** @type {ArrayBuffer} */ (bytes.slice().buffer);

/** @param {string} base64 */
const bytesOf = (base64) => bufferOf(Uint8Array.from(Buffer.from(base64, "base64")));

/** One encoding of an example, as a socket delivers it. @param {Example} example */
const received = ({ text, base64 }) => text ?? bytesOf(base64 ?? "");

/** What the notation of the examples means. @param {any} notation @returns {any} */
const value = (notation) => {
  if (Array.isArray(notation)) return notation.map(value);
  if (typeof notation !== "object" || !notation) return notation;
  const entries = Object.entries(notation);
  const [name, text] = entries.length === 1 ? /** @type {[string, any]} */ (entries[0]) : [];
  if (name === "$bytes") return new DataView(bytesOf(text));
  if (name === "$number") return Number(text);
  if (name === "$int") return BigInt(text);
  return Object.fromEntries(entries.map(([key, inner]) => [key, value(inner)]));
};

/** Converts as a socket does, which loads MessagePack when it is needed. @param {typeof encode | typeof decode} convert @param {any} item @returns {Promise<any>} */
const through = (convert, item) => new Promise((resolve, reject) => lane(/** @type {any} */ (convert), resolve, reject)(item));

for (const file of ["values", "frames", "foreign"]) {
  for (const example of examples(file)) {
    test(`${file}: ${example.name}`, async () => {
      const frame = value(example.frame);
      assert.deepStrictEqual(await through(decode, received(example)), frame);
      const encoded = await through(encode, frame);
      const kind = typeof encoded === "string" ? "json" : "messagepack";
      if (example.encoding !== "either") assert.equal(kind, example.encoding);
      assert.deepStrictEqual(await through(decode, kind === "json" ? encoded : bufferOf(encoded)), frame);
    });
  }
}

for (const example of examples("malformed")) {
  test(`malformed: ${example.name}`, () => assert.rejects(through(decode, received(example)), Error));
}
