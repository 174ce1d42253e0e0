import assert from "node:assert/strict";
import { test } from "node:test";

import * as trees from "../../../assets/js/builder/tree.js";

const A = { field: "a", op: "is_empty" };
const B = { field: "b", op: "is", value: 1 };
const C = { field: "c", op: "is_true" };
const plain = (root) => trees.write(root).plain;

const TREES = [
  A,
  { all: [A] },
  { all: [A, B] },
  { any: [A, { all: [B, C] }] },
  { not: A },
  { not: { not: { any: [A] } } },
  { all: [{ not: { any: [A, { not: B }] } }, C] },
  { activity: "call", at_least: 2, within: { days: 30 }, where: { all: [A, B] } },
  { all: [{ related: "deals", at_least: 1, where: A }] },
  { all: [{ something: "new", of: [1, 2] }] },
];

test("a tree that is read is written the same", () => {
  for (const tree of TREES) assert.deepEqual(plain(trees.fromPlain(tree)), tree);
});

test("no tree is an empty group, and is written as none", () => {
  assert.equal(plain(trees.fromPlain(null)), null);
  assert.deepEqual(trees.fromPlain(null).children, []);
});

test("each path of the server leads to its node", () => {
  const root = trees.fromPlain({ all: [A, { not: { any: [B, { activity: "call", where: C }] } }] });
  const { paths } = trees.write(root);
  const inner = root.children[1];
  assert.equal(trees.nodeAt(paths, "$.all[0].value").id, root.children[0].id);
  assert.equal(trees.nodeAt(paths, "$.all[1].not.any[0].op").id, inner.children[0].id);
  assert.equal(trees.nodeAt(paths, "$.all[1].not.any[0].op").rest, ".op");
  assert.equal(trees.nodeAt(paths, "$.all[1].not.any[1].at_least").id, inner.children[1].id);
  assert.equal(trees.nodeAt(paths, "$.all[1].not.any[1].where.field").id, inner.children[1].where.children[0].id);
  assert.equal(trees.nodeAt(paths, "$").id, root.id);
});

test("what is not filled in is left out, and so is a group of nothing else", () => {
  const root = trees.fromPlain({ all: [{}, A, { any: [{}] }] });
  const { plain: left, skipped, paths } = trees.write(root, (node) => "field" in node.plain);
  assert.deepEqual(left, { all: [A] });
  assert.equal(skipped.length, 2);
  assert.equal(trees.nodeAt(paths, "$.all[0]").id, root.children[1].id);
});

test("a bare condition stays bare until a second one joins it", () => {
  const root = trees.fromPlain(A);
  assert.deepEqual(plain(trees.append(root, root.id, trees.condition(B))), { all: [A, B] });
  assert.deepEqual(plain(trees.negate(root, root.children[0].id)), { not: A });
});

test("moving goes into a group that is next, and out of it at its edge", () => {
  let root = trees.fromPlain({ all: [A, { any: [B] }] });
  const { id } = root.children[0];
  const seen = [];
  for (let step = 0; step < 4; step += 1) {
    const next = trees.move(root, id, 1);
    if (next === root) break;
    root = next;
    seen.push(plain(root));
  }
  assert.deepEqual(seen, [{ all: [{ any: [A, B] }] }, { all: [{ any: [B, A] }] }, { all: [{ any: [B] }, A] }]);
  for (let step = 0; step < 3; step += 1) root = trees.move(root, id, -1);
  assert.deepEqual(plain(root), { all: [A, { any: [B] }] });
  assert.equal(trees.move(root, id, -1), root);
});

test("a group emptied by moving or deleting goes", () => {
  const root = trees.fromPlain({ all: [{ any: [B] }, A] });
  const inner = root.children[0].children[0].id;
  assert.deepEqual(plain(trees.move(root, inner, -1)), { all: [B, A] });
  assert.deepEqual(plain(trees.remove(root, inner)), { all: [A] });
});

test("a drag puts it where it was let go, never into itself", () => {
  const root = trees.fromPlain({ all: [A, B, { any: [C] }] });
  const [a, b, group] = root.children;
  assert.deepEqual(plain(trees.moveTo(root, a.id, root.id, 2)), { all: [B, A, { any: [C] }] });
  assert.deepEqual(plain(trees.moveTo(root, b.id, group.id, 0)), { all: [A, { any: [B, C] }] });
  assert.equal(trees.moveTo(root, group.id, group.id, 0), root);
});

test("wrapping, dissolving, duplicating", () => {
  const root = trees.fromPlain({ all: [A, { any: [B, C] }] });
  const [a, group] = root.children;
  assert.deepEqual(plain(trees.wrap(root, a.id, "any")), { all: [{ any: [A] }, { any: [B, C] }] });
  assert.deepEqual(plain(trees.unwrap(root, group.id)), { all: [A, B, C] });
  const [twice, id] = trees.duplicate(root, group.id);
  assert.deepEqual(plain(twice), { all: [A, { any: [B, C] }, { any: [B, C] }] });
  assert.equal(new Set(twice.children.map((child) => child.id)).size, 3);
  assert.ok(trees.find(twice, id));
});

test("nothing is changed in place", () => {
  const root = trees.fromPlain({ all: [A, { any: [B, C] }] });
  const before = JSON.stringify(root);
  trees.remove(root, root.children[0].id);
  trees.move(root, root.children[0].id, 1);
  trees.negate(root, root.children[1].id);
  trees.wrap(root, root.children[0].id, "all");
  assert.equal(JSON.stringify(root), before);
});

test("undo and redo walk the same way; typing is one step", () => {
  const root = trees.fromPlain({ all: [A] });
  const { id } = root.children[0];
  const typed = (history, value, now) =>
    trees.push(history, trees.change(history.root, id, (node) => ({ ...node, plain: { ...B, value } })), id, now);
  let history = trees.startHistory(root);
  history = typed(history, 1, 5000);
  history = typed(history, 12, 5200);
  history = typed(history, 123, 5400);
  assert.deepEqual(plain(trees.undo(history).root), { all: [A] });
  assert.deepEqual(plain(trees.redo(trees.undo(history)).root), { all: [{ ...B, value: 123 }] });
  history = typed(history, 1234, 9000);
  assert.deepEqual(plain(trees.undo(history).root), { all: [{ ...B, value: 123 }] });
  assert.equal(trees.undo(trees.startHistory(root)).root, root);
});
