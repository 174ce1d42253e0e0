// A field one types into and a list it narrows (WAI-ARIA combobox with a listbox popup).

import { el, newId } from "./dom.js";
import { searchEntries } from "./search.js";

// entries(): [{label, name, detail, samples, …}]; `chosen` its current entry or null. onChoose(entry) is called once.
// With `free`, Enter takes what was typed: onFree(text).
export function combobox({ label, entries, chosen, placeholder, onChoose, onFree = null, attributes = {} }) {
  const listId = newId("builder-list");
  const list = el("ul", { class: "gt-combo-list", role: "listbox", id: listId, "aria-label": label, hidden: true });
  const input = el("input", {
    class: "form-control", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
    "aria-label": label, "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": listId,
    placeholder, value: chosen?.label ?? "", ...attributes,
  });
  const root = el("div", { class: "gt-combo" }, input, list);
  let shown = [];
  let active = -1;

  function activate(at) {
    active = at;
    [...list.children].forEach((option, index) => {
      option.setAttribute("aria-selected", String(index === at));
      if (index === at) option.scrollIntoView({ block: "nearest" });
    });
    if (at >= 0 && list.children[at]?.id) input.setAttribute("aria-activedescendant", list.children[at].id);
    else input.removeAttribute("aria-activedescendant");
  }

  function option(entry) {
    const made = el(
      "li",
      { class: "gt-combo-option", role: "option", id: newId("builder-option"), "aria-selected": "false" },
      el("span", { class: "gt-combo-label" }, entry.label),
      entry.detail && el("span", { class: "gt-combo-detail" }, entry.detail),
      entry.samples?.length && el("span", { class: "gt-combo-samples" }, `e.g. ${entry.samples.join(", ")}`),
    );
    // mousedown would take the focus away from the field first.
    made.addEventListener("mousedown", (event) => event.preventDefault());
    made.addEventListener("click", () => choose(entry));
    return made;
  }

  function open(text) {
    shown = searchEntries(entries(), text);
    list.replaceChildren(...shown.map(option));
    if (!shown.length) {
      const words = onFree && text ? `Enter adds “${text}”` : `Nothing is called “${text}”`;
      list.append(el("li", { class: "gt-combo-none" }, text ? words : "Nothing to choose from"));
    }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    activate(shown.length && !(onFree && text) ? 0 : -1);
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    activate(-1);
  }

  function choose(entry) {
    close();
    input.value = onFree ? "" : entry.label;
    onChoose(entry);
  }

  const isOpen = () => !list.hidden;

  input.addEventListener("input", () => open(input.value));
  input.addEventListener("click", () => (isOpen() ? close() : open("")));
  input.addEventListener("focus", () => input.select());
  input.addEventListener("blur", () => {
    close();
    if (!onFree) input.value = chosen?.label ?? "";
    else if (input.value.trim()) onFree(input.value.trim());
  });
  input.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen()) open("");
      else if (shown.length) activate((active + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length);
    } else if (event.key === "Enter") {
      event.preventDefault(); // not the form's
      if (isOpen() && active >= 0) choose(shown[active]);
      else if (onFree && input.value.trim()) {
        const text = input.value.trim();
        input.value = "";
        close();
        onFree(text);
      } else if (!isOpen()) open("");
    } else if (event.key === "Escape" && isOpen()) {
      event.preventDefault();
      event.stopPropagation();
      close();
      if (!onFree) {
        input.value = chosen?.label ?? "";
        input.select();
      }
    }
  });
  return root;
}
