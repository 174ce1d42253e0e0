// The inputs of an operand, by type. Each tells `set(value)` what it holds; a wrong text is passed on as it is, so that
// the server can say what is wrong with it, at its path.

import { combobox } from "./combobox.js";
import { el, icon, newId, select } from "./dom.js";
import { NUMERIC, TEMPORAL, readNumber, readWhole, unitsFor } from "./operands.js";

const text = (attributes) => el("input", { class: "form-control", type: "text", autocomplete: "off", ...attributes });

function suggestions(field) {
  const samples = field.samples.filter((sample) => typeof sample.value === "string");
  if (!samples.length) return [null, {}];
  const id = newId("builder-samples");
  const list = el("datalist", { id }, samples.map((sample) => el("option", { value: sample.value }, sample.label ?? "")));
  return [list, { list: id }];
}

export function oneInput(field, value, set, attributes) {
  if (NUMERIC.includes(field.type)) {
    return text({
      inputmode: "decimal", value: value ?? "", ...attributes, class: "form-control gt-cond-number",
      oninput: (event) => set(readNumber(event.target.value) ?? event.target.value),
    });
  }
  if (TEMPORAL.includes(field.type) && !String(value ?? "").includes("T")) {
    return el("input", {
      class: "form-control gt-cond-date", type: "date", value: value ?? "", ...attributes,
      oninput: (event) => set(event.target.value),
    });
  }
  if (field.options.length) {
    const known = field.options.some((option) => option.value === value);
    const choices = field.options.map((option) => [option.value, option.label]);
    if (!known) choices.unshift([value ?? "", value ? `${value} (no longer there)` : "Choose …"]);
    return select({ ...attributes, onchange: (event) => set(event.target.value) }, choices, value ?? "");
  }
  const [list, more] = suggestions(field);
  const input = text({ value: value ?? "", ...more, ...attributes, oninput: (event) => set(event.target.value) });
  return el("span", { class: "gt-cond-text" }, input, list);
}

// Values as chips, and a field that adds one.
export function manyInput(field, values, set, attributes) {
  const held = Array.isArray(values) ? values : [];
  const labels = new Map([...field.samples, ...field.options].map((one) => [one.value, one.label ?? one.value]));
  const isNumber = NUMERIC.includes(field.type);
  const add = (value) => {
    const read = isNumber ? (readNumber(value) ?? value) : value;
    if (read !== "" && !held.includes(read)) set([...held, read]);
  };
  const chips = held.map((value, at) =>
    el(
      "li",
      { class: "gt-chip" },
      el("span", {}, String(labels.get(value) ?? value)),
      el("button", {
        type: "button", class: "gt-chip-remove", "aria-label": `Remove ${labels.get(value) ?? value}`,
        "data-key": `${attributes["data-key"]}:chip${at}`,
        onclick: () => set(held.filter((one) => one !== value)),
      }, icon("x")),
    ),
  );
  const left = () =>
    [...labels].filter(([value]) => !held.includes(value)).map(([value, label]) => ({ name: value, label: String(label) }));
  const adder = combobox({
    label: attributes["aria-label"], entries: left, chosen: null, placeholder: held.length ? "or …" : "Add a value",
    onChoose: (entry) => add(entry.name), onFree: field.options.length ? null : add, attributes,
  });
  return el("div", { class: "gt-chips" }, held.length > 0 && el("ul", { class: "gt-chip-list" }, chips), adder);
}

export function rangeInput(field, value, set, attributes) {
  const [low = "", high = ""] = Array.isArray(value) ? value : [];
  const held = [low, high];
  const part = (at, label) =>
    oneInput(field, held[at], (next) => {
      held[at] = next;
      set([...held]);
    }, { ...attributes, "aria-label": label, "data-key": `${attributes["data-key"]}:${at}` });
  return el("span", { class: "gt-cond-pair" }, part(0, "Lowest"), el("span", { class: "gt-cond-word" }, "and"), part(1, "Highest"));
}

export function windowInput(type, value, set, attributes) {
  const [unit = "days", count = 30] = Object.entries(value && typeof value === "object" ? value : {})[0] ?? [];
  let held = { unit, count };
  const tell = (more) => {
    held = { ...held, ...more };
    set({ [held.unit]: held.count });
  };
  return el(
    "span",
    { class: "gt-cond-pair" },
    text({
      ...attributes, class: "form-control gt-cond-number", inputmode: "numeric", value: count, "aria-label": "How many",
      "data-key": `${attributes["data-key"]}:count`,
      oninput: (event) => tell({ count: readWhole(event.target.value) ?? event.target.value }),
    }),
    select(
      {
        "aria-label": "Unit", "data-key": `${attributes["data-key"]}:unit`,
        onchange: (event) => tell({ unit: event.target.value }),
      },
      unitsFor(type).map((one) => [one, one]),
      unit,
    ),
  );
}

export function wholeInput(value, set, attributes) {
  return text({
    ...attributes, class: "form-control gt-cond-number", inputmode: "numeric", value: value ?? "",
    oninput: (event) => set(event.target.value.trim() === "" ? undefined : (readWhole(event.target.value) ?? event.target.value)),
  });
}
