/** What a form has for a value. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { plainJSON, posted } from "../../js/form.js";

const bytes = (/** @type {number[]} */ ...all) => new DataView(Uint8Array.from(all).buffer);

test("a text, a number and a boolean are one text", () => {
  /** @type {[any, string][]} */
  const texts = [["", ""], ["a\nb", "a\nb"], [0, "0"], [-1.5, "-1.5"], [1e21, "1e+21"], [NaN, "NaN"], [-Infinity, "-Infinity"], [2n ** 63n, "9223372036854775808"], [true, "true"], [false, "false"]];
  for (const [value, text] of texts) assert.deepEqual(posted(value, "k"), [text]);
});

test("null, a missing value and an empty list are nothing", () => {
  for (const value of [null, undefined, []]) assert.deepEqual(posted(value, "k"), []);
});

test("a list of texts, numbers, booleans and bytes has an entry for each", async () => {
  const [text, number, yes, file] = posted(["a", 2, true, bytes(1, 2)], "k");
  assert.deepEqual([text, number, yes], ["a", "2", "true"]);
  assert.ok(file instanceof File);
  assert.deepEqual([file.name, file.type, [...new Uint8Array(await file.arrayBuffer())]], ["k", "application/octet-stream", [1, 2]]);
});

test("of bytes, just the window is posted", async () => {
  const [file] = posted(new DataView(Uint8Array.of(1, 2, 3, 4).buffer, 1, 2), "k");
  assert.ok(file instanceof File);
  assert.deepEqual([...new Uint8Array(await file.arrayBuffer())], [2, 3]);
});

test("whatever holds more is JSON", () => {
  /** @type {[any, string][]} */
  const trees = [[[1, null], "[1,null]"], [[[]], "[[]]"], [{}, "{}"], [{ a: [{ b: "\"" }] }, '{"a":[{"b":"\\""}]}']];
  for (const [value, json] of trees) assert.deepEqual(posted(value, "k"), [json]);
});

test("JSON says bytes, numbers that are not finite and large integers as the host does", () => {
  const value = { bytes: bytes(0, 255, 16), none: bytes(), numbers: [NaN, Infinity, -Infinity, 1], large: 2n ** 63n };
  const json = '{"bytes":{"$bytes":"AP8Q"},"none":{"$bytes":""},"numbers":[{"$number":"NaN"},{"$number":"Infinity"},{"$number":"-Infinity"},1],"large":9223372036854775808}';
  assert.equal(plainJSON(value), json);
});

test("large bytes become base64 whole", () => {
  const large = Uint8Array.from({ length: 100_001 }, (_, i) => i * 7);
  const json = JSON.parse(plainJSON(new DataView(large.buffer)));
  assert.deepEqual(Buffer.from(json.$bytes, "base64"), Buffer.from(large));
});
