/** The table's modules without a browser: what cells say, orders and filters, selections. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { count, Data } from "../../widgets/table/data.js";
import { Selection } from "../../widgets/table/selection.js";

const PEOPLE = [
  ["Zoë", 31, 1234.5],
  ["adam", 9, null],
  ["Émile", 100, -2],
  ["", 31, 0],
  ["Room 10", null, NaN],
  ["Room 9", 2, 7],
];
const people = () => new Data(["name", { key: "age", label: "Age" }, { key: "debt", digits: 2 }], PEOPLE);

/** @param {Data} data @param {string} column @param {boolean} [descending] */
const sorted = (data, column, descending = false) => data.order({ column, descending }, "");

test("text sorts as people sort: without regard to case and accents, 9 before 10, empty cells last, both ways", () => {
  assert.deepEqual(sorted(people(), "name"), [1, 2, 5, 4, 0, 3]);
  assert.deepEqual(sorted(people(), "name", true), [0, 4, 5, 2, 1, 3]);
});

test("numbers sort by value, equal ones in the order of the rows, empty ones last", () => {
  assert.deepEqual(sorted(people(), "age"), [5, 1, 0, 3, 2, 4]);
  assert.deepEqual(sorted(people(), "debt"), [2, 3, 5, 0, 1, 4]);
  assert.deepEqual(sorted(people(), "debt", true), [0, 5, 3, 2, 1, 4]);
});

test("without a sort, or by a column that is not there, rows stand as they came", () => {
  for (const sort of [null, undefined, {}, { column: "nobody" }, { column: null }]) assert.deepEqual(people().order(sort, null), [0, 1, 2, 3, 4, 5]);
});

test("an order that is given away may be changed without harm to the next", () => {
  const data = people();
  sorted(data, "age").reverse();
  assert.deepEqual(sorted(data, "age"), [5, 1, 0, 3, 2, 4]);
});

test("every word of the filter must stand in the row, whatever its case, accents and column", () => {
  const filtered = (/** @type {string} */ words) => people().order(null, words);
  assert.deepEqual(filtered("zoe"), [0]);
  assert.deepEqual(filtered("ÉMILE"), [2]);
  assert.deepEqual(filtered("  room "), [4, 5]);
  assert.deepEqual(filtered("room 9"), [5]);
  assert.deepEqual(filtered("31 zoe"), [0]);
  assert.deepEqual(filtered("zoe adam"), []);
  assert.deepEqual(filtered(""), [0, 1, 2, 3, 4, 5]);
});

test("a number is found as it is shown and as it is written, and not across two cells", () => {
  const data = people();
  assert.deepEqual(data.order(null, data.text(0, 2)), [0]);
  assert.deepEqual(data.order(null, "1234.5"), [0]);
  assert.deepEqual(new Data(["a", "b"], [["x", "y"]]).order(null, "xy"), []);
});

test("a filter keeps the sort", () => {
  assert.deepEqual(people().order({ column: "age", descending: true }, "r"), [5, 4]);
  assert.deepEqual(people().order({ column: "age", descending: false }, "3"), [0, 3]);
});

test("cells: numbers with the decimals of their column, nothing for null and NaN, the rest as text", () => {
  const data = people();
  assert.equal(data.text(5, 2), new Intl.NumberFormat(undefined, { minimumFractionDigits: 2 }).format(7));
  assert.deepEqual([data.text(1, 2), data.text(4, 2), data.text(99, 0), data.text(0, 99)], ["", "", "", ""]);
  const mixed = new Data(["x"], [[true], [{ a: [1] }], ["text"], [0.1 + 0.2], [12n]]);
  assert.deepEqual([0, 1, 2, 3, 4].map((row) => mixed.text(row, 0)), ["true", '{"a":[1]}', "text", "0.30000000000000004", "12"]);
  assert.equal(new Data(["x"], [[0.1 + 0.2]]).text(0, 0), new Intl.NumberFormat().format(0.3));
});

test("a column of numbers alone is a number column, unless it says otherwise", () => {
  const kinds = (/** @type {unknown[]} */ columns, /** @type {unknown[][]} */ rows) => new Data(columns, rows).columns.map(({ number }) => number);
  assert.deepEqual(kinds(["a", "b", "c", "d"], [[1, "x", null, 1], [null, 2, null, "1"]]), [true, false, false, false]);
  const year = { key: "year", type: "text" };
  assert.deepEqual(kinds([year, { key: "n", type: "number" }], [[2024, "5"]]), [false, true]);
  assert.equal(new Data([year], [[2024]]).text(0, 0), "2024", "no separator in a year");
});

test("columns may be names, or keys with labels", () => {
  const columns = new Data(["a", { key: "b" }, { key: "c", label: "C" }, {}, 5], []).columns.map(({ key, label }) => [key, label]);
  assert.deepEqual(columns, [["a", "a"], ["b", "b"], ["c", "C"], ["3", "Column 4"], ["5", "5"]]);
});

test("what is wrong with the rows is said, and the indices of the others stay", () => {
  const data = new Data(["a"], [["x"], { a: "y" }, null, ["z"]]);
  assert.deepEqual(data.problems, ["2 rows are not lists and are shown empty; the first has the index 1."]);
  assert.deepEqual([0, 1, 2, 3].map((row) => data.text(row, 0)), ["x", "", "", "z"]);
  assert.match(new Data(["a"], { a: [1] }).problems.join(), /“rows” is not a list of lists/);
  assert.match(new Data("a", []).problems.join(), /“columns” is not a list/);
  assert.deepEqual([new Data(null, null).problems, new Data([], []).problems], [[], []]);
});

test("a count names its noun", () => {
  assert.deepEqual([count(0, "row"), count(1, "row"), count(2, "row")], ["0 rows", "1 row", "2 rows"]);
});

/** A selection of 10 rows that show in reverse. */
function selectionOf() {
  /** @type {Record<string, any>} */
  const state = { selected: [] };
  let saves = 0;
  const selection = new Selection({ get: (key) => state[key], set: (key, value) => void (state[key] = value), save_changes: () => void saves++ });
  const order = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0];
  return { selection, state, order, saves: () => saves };
}

test("a selection is saved ascending, by the index in the rows, whatever the order on the screen", () => {
  const { selection, state, order } = selectionOf();
  selection.only(7);
  assert.deepEqual(state.selected, [7]);
  selection.extend(4, order);
  assert.deepEqual(state.selected, [4, 5, 6, 7]);
  selection.extend(9, order);
  assert.deepEqual([state.selected, selection.active], [[7, 8, 9], 9]);
  selection.toggle(2);
  assert.deepEqual(state.selected, [2, 7, 8, 9]);
  selection.toggle(8);
  assert.deepEqual(state.selected, [2, 7, 9]);
  selection.all(order);
  assert.deepEqual(state.selected, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("a range whose anchor does not show begins where it ends", () => {
  const { selection, state, order } = selectionOf();
  selection.extend(3, order);
  assert.deepEqual(state.selected, [3]);
  selection.extend(5, order);
  assert.deepEqual(state.selected, [3, 4, 5]);
  selection.only(3);
  selection.extend(1, [2, 1, 0]);
  assert.deepEqual(state.selected, [1]);
});

test("to clear nothing saves nothing", () => {
  const { selection, state, saves } = selectionOf();
  selection.clear();
  assert.equal(saves(), 0);
  selection.only(1);
  selection.clear();
  assert.deepEqual([state.selected, saves()], [[], 2]);
});

test("what the state names that is no row is not selected", () => {
  const { selection, state } = selectionOf();
  for (const [selected, rows] of /** @type {[any, number[]][]} */ ([[[3, 1, 10, -1, 1.5, "2", null], [3, 1]], ["text", []], [undefined, []]])) {
    state.selected = selected;
    selection.read(10);
    assert.deepEqual([...selection.rows], rows);
  }
  selection.move(9);
  selection.read(5);
  assert.equal(selection.active, -1);
});
