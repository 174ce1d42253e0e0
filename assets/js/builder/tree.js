// The tree of conditions as the editor holds it. Every function answers a new tree and changes none.
//
// A node is a group {id, kind: "all" | "any", negated, children} or a condition {id, kind: "condition", negated, plain, where}.
// `negated` counts the "not" around it. `plain` is the condition as files write it, without its `where`, which is a node
// of its own (or null). `isBare` on a root: it was written without a group around its one condition.

let last = 0;
const newId = () => `n${++last}`;

export const isGroup = (node) => node.kind !== "condition";
export const condition = (plain = {}, where = null) => ({ id: newId(), kind: "condition", negated: 0, plain, where });
export const group = (kind, children = []) => ({ id: newId(), kind, negated: 0, children });
export const emptyRoot = () => group("all");

const isMapping = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

function read(plain) {
  let negated = 0;
  while (isMapping(plain) && isMapping(plain.not) && Object.keys(plain).length === 1) {
    negated += 1;
    plain = plain.not;
  }
  for (const kind of ["all", "any"]) {
    if (isMapping(plain) && Array.isArray(plain[kind]) && Object.keys(plain).length === 1) {
      return { ...group(kind, plain[kind].map(read)), negated };
    }
  }
  if (!isMapping(plain)) return { ...condition({}), negated };
  const { where, ...rest } = plain;
  return { ...condition(rest, where === undefined ? null : asRoot(read(where))), negated };
}

// What stands at the top, of the whole or of a `where`, is shown as a group.
function asRoot(node) {
  return isGroup(node) ? node : { ...group("all", [node]), isBare: true };
}

export function fromPlain(plain) {
  return plain === null || plain === undefined ? emptyRoot() : asRoot(read(plain));
}

// {plain, paths, skipped}: what files would say, the id of the node behind each path of it, and the ids left out.
// `isReady(node)` answers whether a condition is filled in; without it all are taken.
export function write(root, isReady = () => true) {
  const paths = new Map();
  const skipped = [];

  function put(node, at) {
    let path = at;
    for (let n = 0; n < node.negated; n += 1) {
      paths.set(path, node.id);
      path += ".not";
    }
    paths.set(path, node.id);
    let plain = isGroup(node) ? putGroup(node, path) : putCondition(node, path);
    if (plain === null) return null;
    for (let n = 0; n < node.negated; n += 1) plain = { not: plain };
    return plain;
  }

  function putGroup(node, path) {
    const isBare = node.isBare && node.children.length === 1 && node.negated === 0;
    if (isBare) return put(node.children[0], path);
    const kept = [];
    for (const child of node.children) {
      const plain = put(child, `${path}.${node.kind}[${kept.length}]`);
      if (plain !== null) kept.push(plain);
    }
    return kept.length || !node.children.length ? { [node.kind]: kept } : null;
  }

  function putCondition(node, path) {
    if (!isReady(node)) {
      skipped.push(node.id);
      return null;
    }
    if (!node.where || !node.where.children.length) return node.plain;
    const where = put(node.where, `${path}.where`);
    return where === null ? node.plain : { ...node.plain, where };
  }

  const plain = root.children.length ? put(root, "$") : null;
  return { plain, paths, skipped };
}

// {id, rest}: the innermost node that a path of `write` leads to.
export function nodeAt(paths, path) {
  for (let end = path.length; end > 0; end = Math.max(path.lastIndexOf(".", end - 1), path.lastIndexOf("[", end - 1))) {
    const id = paths.get(path.slice(0, end));
    if (id) return { id, rest: path.slice(end) };
  }
  return null;
}

// --- looking ---

const childrenOf = (node) => (isGroup(node) ? node.children : node.where ? [node.where] : []);

// {node, parent, index}: parent is null for the root; the parent of a `where` is its condition.
export function find(root, id, parent = null, index = 0) {
  if (root.id === id) return { node: root, parent, index };
  const children = childrenOf(root);
  for (let at = 0; at < children.length; at += 1) {
    const found = find(children[at], id, root, at);
    if (found) return found;
  }
  return null;
}

export function countConditions(node) {
  if (!isGroup(node)) return 1 + (node.where ? countConditions(node.where) : 0);
  return node.children.reduce((sum, child) => sum + countConditions(child), 0);
}

const holds = (node, id) => node.id === id || childrenOf(node).some((child) => holds(child, id));

// --- changing ---

export function change(node, id, make) {
  if (node.id === id) return make(node);
  if (isGroup(node)) {
    const children = node.children.map((child) => change(child, id, make));
    return children.some((child, at) => child !== node.children[at]) ? { ...node, children } : node;
  }
  if (!node.where) return node;
  const where = change(node.where, id, make);
  return where === node.where ? node : { ...node, where };
}

const splice = (root, parentId, index, count, ...added) =>
  change(root, parentId, (parent) => {
    const children = [...parent.children];
    children.splice(index, count, ...added);
    return { ...parent, children };
  });

export const insert = (root, parentId, index, node) => splice(root, parentId, index, 0, node);

export function append(root, parentId, node) {
  return insert(root, parentId, find(root, parentId).node.children.length, node);
}

// A group that loses its last child goes too, unless it is the root or a `where`.
export function remove(root, id) {
  const { parent, index } = find(root, id);
  if (!parent) return { ...root, children: [] };
  if (!isGroup(parent)) return change(root, parent.id, (node) => ({ ...node, where: null }));
  const above = find(root, parent.id).parent;
  if (parent.children.length === 1 && above && isGroup(above)) return remove(root, parent.id);
  return splice(root, parent.id, index, 1);
}

export const negate = (root, id) =>
  change(root, id, (node) => ({ ...node, negated: node.negated ? node.negated - 1 : 1 }));

export const setKind = (root, id, kind) => change(root, id, (node) => ({ ...node, kind, isBare: false }));

export function wrap(root, id, kind) {
  const { parent, index, node } = find(root, id);
  if (!parent || !isGroup(parent)) return root;
  return splice(root, parent.id, index, 1, group(kind, [node]));
}

// A group's conditions take its place.
export function unwrap(root, id) {
  const { parent, index, node } = find(root, id);
  if (!parent || !isGroup(parent) || !isGroup(node) || node.negated) return root;
  return splice(root, parent.id, index, 1, ...node.children);
}

export function copy(node) {
  const fresh = { ...node, id: newId() };
  if (isGroup(node)) fresh.children = node.children.map(copy);
  else if (node.where) fresh.where = copy(node.where);
  return fresh;
}

export function duplicate(root, id) {
  const { parent, index, node } = find(root, id);
  if (!parent || !isGroup(parent)) return [root, id];
  const twin = copy(node);
  return [insert(root, parent.id, index + 1, twin), twin.id];
}

// An emptied group goes, unless it is the root or a `where`.
function prune(root, groupId) {
  const { node, parent } = find(root, groupId);
  return node.children.length || !parent || !isGroup(parent) ? root : remove(root, groupId);
}

// One step up (-1) or down (1) as one reads: into a group that is next, out of the group at its edge.
export function move(root, id, step) {
  const { parent, index, node } = find(root, id);
  if (!parent || !isGroup(parent)) return root;
  const beside = parent.children[index + step];
  const without = splice(root, parent.id, index, 1);
  if (beside && isGroup(beside)) return insert(without, beside.id, step > 0 ? 0 : beside.children.length, node);
  if (beside) return insert(without, parent.id, index + step, node);
  const { parent: above, index: place } = find(root, parent.id);
  if (!above || !isGroup(above)) return root;
  return prune(insert(without, above.id, step > 0 ? place + 1 : place, node), parent.id);
}

// Where a drag let it go: before the child `index` of a group. Into itself is nowhere.
export function moveTo(root, id, parentId, index) {
  const { parent, index: from, node } = find(root, id);
  if (!parent || !isGroup(parent) || holds(node, parentId)) return root;
  const to = parent.id === parentId && from < index ? index - 1 : index;
  return prune(insert(splice(root, parent.id, from, 1), parentId, to, node), parent.id);
}

// --- undo ---

const KEPT = 200;

export const startHistory = (root) => ({ past: [], root, future: [], tag: null, at: 0 });

// Changes with the same tag within a second (someone types) are one step.
export function push(history, root, tag = null, now = Date.now()) {
  if (root === history.root) return history;
  const joins = tag !== null && tag === history.tag && now - history.at < 1000;
  const past = joins ? history.past : [...history.past, history.root].slice(-KEPT);
  return { past, root, future: [], tag, at: now };
}

export function undo(history) {
  if (!history.past.length) return history;
  const past = history.past.slice(0, -1);
  return { past, root: history.past.at(-1), future: [history.root, ...history.future], tag: null, at: 0 };
}

export function redo(history) {
  if (!history.future.length) return history;
  const [root, ...future] = history.future;
  return { past: [...history.past, history.root], root, future, tag: null, at: 0 };
}
