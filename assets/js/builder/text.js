// The tree as YAML: shown, edited, with each fault at its line.

import { el, newId } from "./dom.js";
import { Overtaken, lastOnly, post } from "./requests.js";

// `tell({tree} | {text})`: a tree that reads well, or the text that doesn't.
export function textPane(url, object, tell) {
  const soon = lastOnly(300);
  const id = newId("builder-text");
  let typed = 0;
  const faults = el("ul", { class: "gt-builder-faults", "aria-live": "polite" });
  const area = el("textarea", {
    class: "form-control gt-builder-yaml", id, rows: 14, spellcheck: "false", "aria-label": "Conditions as text (YAML)",
    oninput: () => {
      typed += 1;
      tell({ text: area.value });
      soon(read);
    },
  });
  const root = el("div", { class: "gt-builder-pane" }, area, faults);

  function goTo(line) {
    const lines = area.value.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    area.focus();
    area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  }

  function showFaults(told) {
    faults.replaceChildren(
      ...told.map((fault) =>
        el("li", {},
          fault.line > 0 && el("button", { type: "button", class: "btn btn-sm btn-quiet", onclick: () => goTo(fault.line) }, `Line ${fault.line}`),
          fault.text),
      ),
    );
    area.classList.toggle("is-invalid", told.length > 0);
    area.setAttribute("aria-invalid", String(told.length > 0));
  }

  async function read(signal) {
    try {
      const answer = await post(url, { text: area.value, object: object() }, signal);
      showFaults(answer.faults);
      if ("tree" in answer) tell({ tree: answer.tree, text: area.value });
    } catch (error) {
      if (error instanceof Overtaken) throw error;
      showFaults([{ line: 0, text: error.message }]);
    }
  }

  return {
    root,
    area,
    // What is typed before the answer is there is the newer text.
    async show(plain) {
      const before = typed;
      try {
        const answer = await post(url, { tree: plain });
        if (typed !== before) return;
        area.value = answer.text;
        showFaults([]);
      } catch (error) {
        if (typed === before) showFaults([{ line: 0, text: error.message }]);
      }
    },
    keep(text) {
      area.value = text;
      soon(read);
    },
  };
}
