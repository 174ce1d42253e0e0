// The tree as one sees it: groups inside groups, one row for each condition.

import { conditionEditor } from "./conditions.js";
import { el, icon, select } from "./dom.js";
import { kindOf, objectWithin } from "./kinds.js";
import { countConditions, isGroup } from "./tree.js";

const GROUPS = [
  ["all:0", "All of these"],
  ["any:0", "Any of these"],
  ["any:1", "None of these"],
  ["all:1", "Not all of these"],
];

// `editor`: {catalogue, object, act(name, id, …), edit(node, …)}. Answers the root's element.
export function renderTree(root, editor) {
  return renderGroup(root, editor, { object: editor.object, isRoot: true, isWithin: false });
}

function renderGroup(node, editor, place) {
  const joint = node.kind === "all" ? "and" : "or";
  const number = countConditions(node);
  const list = el(
    "ul",
    { class: "gt-branch", "data-group": node.id },
    node.children.map((child, at) =>
      el(
        "li",
        { class: isGroup(child) ? "gt-branch-group" : "gt-branch-condition", "data-node": child.id },
        isGroup(child)
          ? renderGroup(child, editor, { ...place, isRoot: false, at, of: node.children.length, joint })
          : renderCondition(child, editor, { ...place, at, of: node.children.length, joint }),
      ),
    ),
  );
  const words = `${number} ${number === 1 ? "condition" : "conditions"}`;
  return el(
    "div",
    { class: "gt-branch-box", role: "group", "aria-label": `${GROUPS.find(([it]) => it === kindKey(node))?.[1] ?? "Group"}, ${words}` },
    renderGroupHead(node, editor, place),
    el("p", { class: "gt-cond-fault", id: `fault-${node.id}`, "data-fault": node.id, hidden: true }),
    node.children.length ? list : el("p", { class: "gt-branch-empty", "data-group": node.id }, place.isRoot ? "No condition yet: add the first." : "No condition yet."),
    el(
      "div",
      { class: "gt-branch-foot" },
      el("button", { type: "button", class: "btn btn-sm", "data-key": `${node.id}:add`, onclick: () => editor.act("add", node.id) },
        icon("plus-lg"), "Condition"),
      !place.isWithin &&
        el("button", { type: "button", class: "btn btn-sm btn-quiet", "data-key": `${node.id}:group`, onclick: () => editor.act("addGroup", node.id) },
          icon("plus-lg"), "Group"),
    ),
  );
}

const kindKey = (node) => `${node.kind}:${node.negated % 2}`;

function renderGroupHead(node, editor, place) {
  const isTop = place.isRoot;
  if (isTop && node.children.length < 2 && !node.negated && node.kind === "all") return null;
  const chooser = select(
    {
      class: "form-select gt-branch-kind", "aria-label": "How they go together", "data-key": `${node.id}:kind`,
      onchange: (event) => {
        const [kind, negated] = event.target.value.split(":");
        editor.act("setGroup", node.id, kind, Number(negated));
      },
    },
    GROUPS,
    kindKey(node),
  );
  return el(
    "div",
    { class: "gt-branch-head" },
    !isTop && handle(node, "group"),
    place.of > 1 && el("span", { class: "gt-cond-joint" }, place.at ? place.joint : ""),
    chooser,
    count(node),
    !isTop && menu(node, editor, `More for group ${place.at + 1} of ${place.of}`, groupActs(node)),
  );
}

function renderCondition(node, editor, place) {
  const edit = editor.edit(node, place);
  const kind = kindOf(node.plain);
  const within = node.where && [
    el("p", { class: "gt-cond-where" }, kind === "event" ? "with these properties" : "that meet"),
    renderGroup(node.where, editor, { object: objectWithin(editor.catalogue, place.object, node.plain), isRoot: true, isWithin: true }),
  ];
  return el(
    "div",
    { class: "gt-cond", role: "group", "aria-label": `Condition ${place.at + 1} of ${place.of}` },
    el(
      "div",
      { class: "gt-cond-row" },
      handle(node, "condition"),
      place.of > 1 && el("span", { class: "gt-cond-joint" }, place.at ? place.joint : ""),
      node.negated > 0 &&
        el("button", {
          type: "button", class: "gt-cond-not", "data-key": `${node.id}:not`, "aria-label": "Not: remove",
          onclick: () => editor.act("negate", node.id),
        }, node.negated > 1 ? "not not" : "not"),
      el("div", { class: "gt-cond-parts" }, conditionEditor(edit)),
      count(node),
      menu(node, editor, `More for condition ${place.at + 1} of ${place.of}`, conditionActs(node, place)),
    ),
    el("p", { class: "gt-cond-fault", id: `fault-${node.id}`, "data-fault": node.id, hidden: true }),
    within,
  );
}

function count(node) {
  return el("span", { class: "gt-cond-count", "data-count": node.id, "data-negated": node.negated % 2 === 1 });
}

function handle(node, noun) {
  return el("span", { class: "gt-cond-handle", draggable: "true", "data-drag": node.id, title: `Drag this ${noun}; Ctrl, Shift and ↑ or ↓ move it, too` }, icon("grip-vertical"));
}

function conditionActs(node, place) {
  return [
    ["negate", node.negated ? "Remove “not”" : "Wrap in “not”", "slash-circle"],
    !place.isWithin && ["wrap", "Wrap in a group", "bounding-box"],
    ["duplicate", "Duplicate", "copy"],
    ["up", "Move up", "arrow-up", "Ctrl ⇧ ↑"],
    ["down", "Move down", "arrow-down", "Ctrl ⇧ ↓"],
    ["remove", "Delete", "trash", "Ctrl ⇧ ⌫"],
  ].filter(Boolean);
}

function groupActs(node) {
  return [
    ["duplicate", "Duplicate", "copy"],
    !node.negated && ["unwrap", "Dissolve the group", "bounding-box-circles"],
    ["up", "Move up", "arrow-up", "Ctrl ⇧ ↑"],
    ["down", "Move down", "arrow-down", "Ctrl ⇧ ↓"],
    ["remove", "Delete", "trash"],
  ].filter(Boolean);
}

function menu(node, editor, label, acts) {
  const summary = el("summary", { class: "gt-icon-button", "aria-label": label, "data-key": `${node.id}:menu` }, icon("three-dots"));
  const items = acts.map(([name, text, picture, keys]) =>
    el("button", {
      type: "button", class: `gt-menu-item${name === "remove" ? " gt-menu-danger" : ""}`,
      onclick: () => editor.act(name, node.id),
    }, icon(picture), text, keys && el("kbd", { class: "gt-cond-keys", "aria-hidden": "true" }, keys)),
  );
  return el("details", { class: "gt-menu" }, summary, el("div", { class: "gt-menu-list" }, items));
}

