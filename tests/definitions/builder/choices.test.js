import assert from "node:assert/strict";
import { test } from "node:test";

import { begin, isReady, kindOf } from "../../../assets/js/builder/kinds.js";
import { isFilled, readNumber, withField, withOperator } from "../../../assets/js/builder/operands.js";
import { searchEntries } from "../../../assets/js/builder/search.js";

const operators = [
  { name: "is", types: ["text", "number"], takes: "one", words: "is" },
  { name: "is_any_of", types: ["text", "picklist", "number"], takes: "many", words: "is any of" },
  { name: "at_least", types: ["number"], takes: "one", words: "is at least" },
  { name: "between", types: ["number"], takes: "range", words: "is between" },
  { name: "within_last", types: ["date"], takes: "window", words: "is within the last" },
  { name: "is_empty", types: ["text", "number", "date", "picklist"], takes: "nothing", words: "is empty" },
];
const field = (name, type, options = []) => ({ name, type, label: name, options, samples: [], connections: [] });
const SIZE = field("size", "number");
const CITY = field("city", "text");
const SEEN = field("seen", "date");
const catalogue = {
  operators, objects: { person: { fields: [SIZE, CITY, SEEN] } }, relations: { person: [{ name: "deals", object: "deal" }] },
  activities: [], stages: [], events: [], currencies: [],
  stage_operators: [{ name: "is_in", takes: "nothing" }, { name: "in_for_at_least", takes: "window" }],
};

test("numbers are read as people type them", () => {
  for (const [text, number] of [["10", 10], [" 1,200 ", 1200], ["0.5", 0.5], ["-3", -3], ["1,234,567.5", 1234567.5]]) {
    assert.equal(readNumber(text), number);
  }
  for (const text of ["", "ten", "1,2", "1 000", "0x10", "Infinity", "--1"]) assert.equal(readNumber(text), null);
});

test("an operand is carried over as far as it fits", () => {
  const is = { field: "size", op: "at_least", value: 10 };
  assert.deepEqual(withOperator(catalogue, is, "number", "is_any_of"), { field: "size", op: "is_any_of", value: [10] });
  assert.deepEqual(withOperator(catalogue, is, "number", "between"), { field: "size", op: "between", value: [10, ""] });
  assert.deepEqual(withOperator(catalogue, is, "number", "is_empty"), { field: "size", op: "is_empty" });
  const empty = { field: "seen", op: "is_empty" };
  assert.deepEqual(withOperator(catalogue, empty, "date", "within_last"), { field: "seen", op: "within_last", value: { days: 30 } });
});

test("another field keeps what its type allows", () => {
  const is = { field: "size", op: "is", value: 10 };
  assert.deepEqual(withField(catalogue, is, SIZE, CITY), { field: "city", op: "is" });
  assert.deepEqual(withField(catalogue, is, SIZE, SEEN), { field: "seen", op: "within_last", value: { days: 30 } });
  assert.deepEqual(withField(catalogue, is, SIZE, field("seats", "number")), { field: "seats", op: "is", value: 10 });
});

test("a condition is ready when it says enough to be counted", () => {
  const ready = (plain) => isReady(catalogue, "person", plain);
  assert.ok(!ready({}));
  assert.ok(!ready({ field: "size", op: "at_least" }));
  assert.ok(!ready({ field: "size", op: "between", value: [1, ""] }));
  assert.ok(!ready({ field: "city", op: "is_any_of", value: [] }));
  assert.ok(ready({ field: "size", op: "at_least", value: 0 }));
  assert.ok(ready({ field: "size", op: "at_least", value: "ten" }), "the server says what is wrong with it");
  assert.ok(ready({ activity: "call", at_least: 1 }));
  assert.ok(!ready({ stage: "sql", op: "in_for_at_least" }));
  assert.ok(ready({ stage: "sql", op: "is_in" }));
  assert.ok(!ready({ event: "signal." }));
  assert.ok(ready({ something: "new" }), "what this page doesn't know is not left out in silence");
  assert.ok(isFilled("window", "date", { days: 3 }));
});

test("choosing what a condition is about begins it", () => {
  assert.equal(kindOf(begin(catalogue, "person", {}, { kind: "field", field: SIZE })), "field");
  assert.deepEqual(begin(catalogue, "person", {}, { kind: "related", name: "deals" }), { related: "deals", at_least: 1 });
  assert.deepEqual(begin(catalogue, "person", { stage: "mql", op: "has_been" }, { kind: "stage", name: "sql" }), { stage: "sql", op: "has_been" });
});

test("the search puts the beginning of a label first, and knows accents and the other names", () => {
  const entries = [
    { label: "Size of the fleet", name: "fleet_size" }, { label: "Fleet manager", name: "manager" }, { label: "Région", name: "region" },
  ];
  const names = (text) => searchEntries(entries, text).map((entry) => entry.name);
  assert.deepEqual(names("fleet"), ["manager", "fleet_size"]);
  assert.deepEqual(names("fleet size"), ["fleet_size"]);
  assert.deepEqual(names("region"), ["region"]);
  assert.deepEqual(names("manag"), ["manager"]);
  assert.deepEqual(names("nothing"), []);
});
