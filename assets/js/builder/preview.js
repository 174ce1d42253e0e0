// What the tree says and counts, under it and beside each condition. Old numbers stay until the new ones are there.

import { announce } from "../announcer.js";
import { el } from "./dom.js";
import { Overtaken, lastOnly, post } from "./requests.js";
import { nodeAt } from "./tree.js";

const PARTS = [
  [/^\.(field|activity|related|event|stage)/, "subject"],
  [/^\.op/, "op"],
  [/^\.currency/, "currency"],
  [/^\.(at_least|at_most)/, (found) => found[1]],
  [/^\.within/, "window:count"],
  [/^\.value\[(\d+)\]/, (found) => `value:${found[1]}`],
  [/^\.value/, "value"],
];

const number = new Intl.NumberFormat("en-GB");

export function startPreview(panel, tree, url, ask) {
  const soon = lastOnly(250);
  let spoken = "";
  let last = null;

  function show(written, answer) {
    last = { written, answer };
    panel.classList.remove("is-stale");
    tree.classList.remove("is-stale");
    panel.innerHTML = answer.html; // our own template's, escaped there
    showCounts(written.paths, answer);
    showFaults(written, answer.faults);
    if (answer.words && answer.words !== spoken) announce(answer.words);
    spoken = answer.words;
  }

  function showCounts(paths, answer) {
    const counted = new Map();
    for (const [path, counts] of Object.entries(answer.leaves)) {
      const found = nodeAt(paths, path);
      if (found) counted.set(found.id, counts);
    }
    for (const place of tree.querySelectorAll("[data-count]")) {
      const leaf = counted.get(place.dataset.count);
      const isNegated = leaf && "negated" in place.dataset;
      const counts = isNegated ? { ...leaf, met: leaf.missing, missing: leaf.met } : leaf;
      place.textContent = counts ? number.format(counts.met) : "";
      place.title = counts
        ? `For itself: ${number.format(counts.met)} pass, ${number.format(counts.missing)} don't, ` +
          `${number.format(counts.unknown)} can't be told${answer.is_sampled ? " (estimates)" : ""}`
        : "";
      place.setAttribute("aria-label", counts ? `${number.format(counts.met)} pass this condition` : "");
    }
  }

  function showFaults(written, faults) {
    for (const input of tree.querySelectorAll("[aria-invalid]")) {
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
      input.classList.remove("is-invalid");
    }
    const texts = new Map();
    for (const fault of faults) {
      const found = nodeAt(written.paths, fault.path);
      if (!found) continue;
      texts.set(found.id, [...(texts.get(found.id) ?? []), fault.text]);
      const part = PARTS.find(([shape]) => shape.test(found.rest));
      if (!part) continue;
      const name = typeof part[1] === "function" ? part[1](found.rest.match(part[0])) : part[1];
      const input = tree.querySelector(`[data-key="${found.id}:${name}"]`) ?? tree.querySelector(`[data-key^="${found.id}:value"]`);
      if (!input) continue;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", `fault-${found.id}`);
      input.classList.add("is-invalid");
    }
    for (const place of tree.querySelectorAll("[data-fault]")) {
      const told = texts.get(place.dataset.fault);
      const isUnfinished = !told && written.skipped.includes(place.dataset.fault);
      place.hidden = !told && !isUnfinished;
      place.classList.toggle("is-hint", isUnfinished);
      const text = told ? told.map(sentence).join(" ") : isUnfinished ? "Not finished: not counted yet." : "";
      if (place.textContent !== text) place.textContent = text;
    }
  }

  // The tree was drawn anew: what was known of its conditions stays with them.
  function reapply() {
    if (!last) return;
    showCounts(last.written.paths, last.answer);
    showFaults(last.written, last.answer.faults);
  }

  function refresh() {
    panel.classList.add("is-stale");
    tree.classList.add("is-stale");
    soon(async (signal) => {
      const { written, body } = ask();
      try {
        show(written, await post(url, body, signal));
      } catch (error) {
        if (error instanceof Overtaken) return;
        panel.classList.remove("is-stale");
        panel.replaceChildren(el("p", { class: "gt-muted" }, error.message));
      }
    });
  }

  return { refresh, reapply };
}

const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? "" : "."}`;
