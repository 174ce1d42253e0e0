// The editor of a tree of conditions: one for each [data-builder] on a page. Its form field is the <textarea> that is
// there without script, too; with script it holds the tree as JSON, which is YAML as well.

import { announce } from "../announcer.js";
import { toast } from "../toasts.js";
import { el, icon, newId } from "./dom.js";
import { startDrag } from "./drag.js";
import { draftOf, hand, takeHanded } from "./drafts.js";
import { isReady } from "./kinds.js";
import { startPreview } from "./preview.js";
import { renderTree } from "./render.js";
import { fetchCatalogue } from "./requests.js";
import { textPane } from "./text.js";
import * as trees from "./tree.js";

export function startBuilders(within = document) {
  for (const root of within.querySelectorAll("[data-builder]:not([data-builder-started])")) {
    root.dataset.builderStarted = "";
    start(root);
  }
}

async function start(root) {
  let catalogue;
  try {
    catalogue = await fetchCatalogue(root.dataset.catalogueUrl);
  } catch {
    toast({ severity: "late", text: "The fields could not be loaded: edit the conditions as text, or reload the page." });
    return;
  }
  build(root, catalogue);
}

function build(root, catalogue) {
  const field = root.querySelector("textarea");
  const island = root.querySelector("script[type='application/json']");
  const initial = island ? JSON.parse(island.textContent) : null;
  const draft = draftOf(field.name, initial);
  const label = root.dataset.label || "Conditions";
  let history = trees.startHistory(trees.fromPlain(initial));
  let invalidText = null; // the text that is no tree, while there is one

  // What the same form says of the object and the connections, it says while it is edited, too.
  const objectField = root.dataset.objectFrom ? document.querySelector(root.dataset.objectFrom) : field.form?.elements.namedItem("object");
  const object = () => objectField?.value || root.dataset.object;
  const connections = () => {
    const chosen = field.form?.querySelectorAll("input[name='in']:checked, select[name='connection']") ?? [];
    const told = [...chosen].map((one) => one.value).filter(Boolean);
    return told.length ? told : root.dataset.connections.split(" ").filter(Boolean);
  };

  // --- parts ---
  const tree = el("div", { class: "gt-builder-tree", role: "group", "aria-label": label });
  const panel = el("div", { class: "gt-builder-preview" });
  const undo = el("button", { type: "button", class: "gt-icon-button", "aria-label": "Undo", title: "Undo (Ctrl Z)", onclick: () => step(trees.undo) }, icon("arrow-counterclockwise"));
  const redo = el("button", { type: "button", class: "gt-icon-button", "aria-label": "Redo", title: "Redo (Ctrl ⇧ Z)", onclick: () => step(trees.redo) }, icon("arrow-clockwise"));
  const copy = el("button", { type: "button", class: "btn btn-sm btn-quiet", onclick: copyText }, icon("copy"), "Copy as text");
  const pane = textPane(root.dataset.textUrl, object, ({ tree: plain, text }) => {
    if (plain === undefined) {
      invalidText = text;
      field.value = text;
      return;
    }
    invalidText = null;
    commit(trees.fromPlain(plain), { tag: "text", renders: false });
  });
  const treePane = el("div", { class: "gt-builder-pane" }, tree);
  const tabs = tabList([["Conditions", treePane], ["As text", pane.root]], async (at) => {
    if (at === 1) {
      await pane.show(plainNow());
      return;
    }
    if (invalidText !== null) {
      invalidText = null;
      save();
      toast({ severity: "soon", text: "The text could not be read: these are the last conditions that could." });
    }
    render();
  });
  const notice = el("p", { class: "gt-builder-notice", role: "status", hidden: true });
  const preview = startPreview(panel, tree, root.dataset.previewUrl, () => {
    const written = trees.write(history.root, readyWithin());
    return { written, body: { object: object(), tree: written.plain, unfinished: written.skipped.length, ...context() } };
  });

  field.hidden = true;
  root.querySelector("label")?.removeAttribute("for");
  root.append(
    el("div", { class: "gt-builder-bar" }, tabs.root, el("span", { class: "gt-builder-tools" }, copy, undo, redo)),
    notice, treePane, pane.root, panel,
  );

  // Of many on one page, each is counted when it comes into view.
  let isSeen = false;
  const watch = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    isSeen = true;
    preview.refresh();
  });
  watch.observe(root);

  // --- state ---
  function context() {
    const { section = "", key = "", part = "" } = root.dataset;
    return { section, key, part, connections: connections() };
  }

  // Whether a condition is filled in depends on the object its place reads.
  function readyWithin() {
    const objects = new Map();
    (function walk(node, name) {
      if (trees.isGroup(node)) for (const child of node.children) walk(child, name);
      else {
        objects.set(node.id, name);
        if (node.where) walk(node.where, withinOf(name, node.plain));
      }
    })(history.root, object());
    return (node) => isReady(catalogue, objects.get(node.id), node.plain);
  }

  function withinOf(name, plain) {
    if ("activity" in plain) return "activity";
    return catalogue.relations[name]?.find((one) => one.name === plain.related)?.object ?? "";
  }

  const plainNow = () => trees.write(history.root).plain;

  function commit(next, { tag = null, renders = true, focus = null } = {}) {
    history = trees.push(history, next, tag);
    changed(renders, focus);
  }

  function step(go) {
    const before = history;
    history = go(history);
    if (history !== before) {
      if (tabs.at() === 1) pane.show(plainNow());
      changed(true, null);
    }
  }

  function changed(renders, focus) {
    save();
    if (renders) render(focus);
    undo.disabled = !history.past.length;
    redo.disabled = !history.future.length;
    if (isSeen) preview.refresh();
    root.dispatchEvent(new CustomEvent("builder:change", { bubbles: true }));
  }

  function save() {
    const plain = plainNow();
    field.value = plain === null ? "" : JSON.stringify(plain);
    draft.keep(plain);
  }

  function render(focus = null) {
    const held = focus ?? (tree.contains(document.activeElement) ? document.activeElement.dataset.key : null);
    tree.replaceChildren(renderTree(history.root, editor));
    preview.reapply();
    if (held) (tree.querySelector(`[data-key="${held}"]`) ?? tree.querySelector(`[data-key^="${held.split(":")[0]}:"]`))?.focus();
  }

  // --- acts ---
  const focusOn = (id, part) => `${id}:${part}`;

  const acts = {
    add(id) {
      const made = trees.condition();
      commit(trees.append(history.root, id, made), { focus: focusOn(made.id, "subject") });
    },
    addGroup(id) {
      const made = trees.condition();
      const { node } = trees.find(history.root, id);
      const inner = trees.group(node.kind === "all" ? "any" : "all", [made]);
      commit(trees.append(history.root, id, inner), { focus: focusOn(made.id, "subject") });
    },
    negate: (id) => commit(trees.negate(history.root, id), { focus: focusOn(id, "menu") }),
    wrap: (id) => commit(trees.wrap(history.root, id, "any"), { focus: focusOn(id, "menu") }),
    unwrap: (id) => commit(trees.unwrap(history.root, id)),
    duplicate(id) {
      const [next, twin] = trees.duplicate(history.root, id);
      commit(next, { focus: focusOn(twin, "menu") });
      announce("Duplicated");
    },
    up: (id) => move(id, -1),
    down: (id) => move(id, 1),
    remove(id) {
      const { parent, index } = trees.find(history.root, id);
      const beside = parent && trees.isGroup(parent) ? (parent.children[index + 1] ?? parent.children[index - 1]) : null;
      commit(trees.remove(history.root, id), { focus: beside ? focusOn(beside.id, "menu") : focusOn(parent?.id ?? history.root.id, "add") });
      announce("Deleted. Ctrl Z brings it back.");
    },
    setGroup: (id, kind, negated) =>
      commit(trees.change(history.root, id, (node) => ({ ...node, kind, negated, isBare: false })), { focus: focusOn(id, "kind") }),
  };

  function move(id, by) {
    const next = trees.move(history.root, id, by);
    if (next === history.root) return announce("It can't go further.");
    const held = document.activeElement?.dataset?.key;
    commit(next, { focus: held?.startsWith(`${id}:`) ? held : focusOn(id, "menu") });
    const { parent, index } = trees.find(history.root, id);
    return announce(`Moved: now ${index + 1} of ${parent.children.length}`);
  }

  const editor = {
    catalogue,
    get object() {
      return object();
    },
    act: (name, id, ...more) => acts[name](id, ...more),
    edit: (node, place) => ({
      catalogue, node, object: place.object, isWithin: place.isWithin,
      current: () => trees.find(history.root, node.id)?.node.plain ?? node.plain,
      put(plain, { typing = false, focus = null, always = false } = {}) {
        const before = trees.find(history.root, node.id);
        if (!before) return;
        const keepsWhere = Object.keys(plain)[0] === Object.keys(before.node.plain)[0];
        const next = trees.change(history.root, node.id, (it) => ({ ...it, plain, where: keepsWhere ? it.where : null }));
        commit(next, { tag: typing ? node.id : null, renders: !typing || always, focus });
      },
      addWhere() {
        const made = trees.condition();
        commit(
          trees.change(history.root, node.id, (it) => ({ ...it, where: { ...trees.group("all", [made]), isBare: true } })),
          { focus: focusOn(made.id, "subject") },
        );
      },
    }),
  };

  async function copyText() {
    if (tabs.at() === 0) await pane.show(plainNow());
    try {
      await navigator.clipboard.writeText(pane.area.value);
      toast({ severity: "ok", text: "Copied" });
    } catch {
      tabs.choose(1);
      pane.area.select();
    }
  }

  tree.addEventListener("keydown", (event) => {
    // Enter in a field would send the whole form.
    if (event.key === "Enter" && event.target.matches("input")) event.preventDefault();
    if (!(event.ctrlKey || event.metaKey) || !event.shiftKey) return;
    const act = { ArrowUp: "up", ArrowDown: "down", Backspace: "remove" }[event.key];
    const node = event.target.closest("[data-node]");
    if (!act || !node) return;
    event.preventDefault();
    acts[act](node.dataset.node);
  });
  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || pane.root.contains(event.target)) return;
    const letter = event.key.toLowerCase();
    if (letter !== "z" && letter !== "y") return;
    event.preventDefault();
    step(letter === "y" || event.shiftKey ? trees.redo : trees.undo);
  });
  startDrag(tree, (id, groupId, index) => commit(trees.moveTo(history.root, id, groupId, index), { focus: focusOn(id, "menu") }));
  objectField?.addEventListener("change", () => changed(true, null));
  field.form?.addEventListener("change", (event) => {
    if (["in", "connection"].includes(event.target.name)) preview.refresh();
  });
  field.form?.addEventListener("submit", () => {
    field.value = invalidText ?? field.value;
    draft.drop();
  });

  for (const link of document.querySelectorAll(`[data-builder-hand="${field.name}"]`)) {
    link.addEventListener("click", () => hand(plainNow(), object()));
  }

  // --- begin ---
  const handed = initial === null && field.name === "criteria" ? takeHanded() : null;
  const kept = handed ? undefined : draft.read();
  if (handed) {
    if (objectField && handed.object) objectField.value = handed.object;
    history = trees.push(history, trees.fromPlain(handed.tree));
  }
  if (kept !== undefined) {
    history = trees.push(history, trees.fromPlain(kept));
    notice.hidden = false;
    notice.append(
      "What you were editing before is back. ",
      el("button", {
        type: "button", class: "btn btn-sm",
        onclick: () => {
          commit(trees.fromPlain(initial));
          notice.hidden = true;
        },
      }, "Start from what is saved"),
    );
  }
  const wrong = field.value.trim() && !island ? field.value : null;
  changed(true, null);
  if (wrong) {
    field.value = wrong;
    invalidText = wrong;
    tabs.choose(1, { quietly: true });
    pane.keep(wrong);
  }
}

// Two or more panes, one shown: arrows move between the tabs.
function tabList(panes, onChoose) {
  let chosen = 0;
  const buttons = panes.map(([text, pane], at) => {
    pane.id ||= newId("builder-pane");
    const button = el("button", {
      type: "button", role: "tab", id: newId("builder-tab"), "aria-controls": pane.id, class: "gt-builder-tab",
      onclick: () => choose(at),
      onkeydown: (event) => {
        const to = { ArrowRight: at + 1, ArrowLeft: at - 1 }[event.key];
        if (to === undefined) return;
        event.preventDefault();
        choose((to + panes.length) % panes.length);
        buttons[chosen].focus();
      },
    }, text);
    pane.setAttribute("role", "tabpanel");
    pane.setAttribute("aria-labelledby", button.id);
    return button;
  });

  function choose(at, { quietly = false } = {}) {
    chosen = at;
    panes.forEach(([, pane], index) => {
      pane.hidden = index !== at;
      buttons[index].setAttribute("aria-selected", String(index === at));
      buttons[index].tabIndex = index === at ? 0 : -1;
    });
    if (!quietly) onChoose(at);
  }

  const root = el("div", { class: "gt-builder-tabs", role: "tablist" }, buttons);
  choose(0, { quietly: true });
  return { root, choose, at: () => chosen };
}
