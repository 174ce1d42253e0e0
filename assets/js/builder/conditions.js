// The editor of one condition: what it is about, how it compares, and with what.

import { combobox } from "./combobox.js";
import { el, icon, select } from "./dom.js";
import { manyInput, oneInput, rangeInput, wholeInput, windowInput } from "./inputs.js";
import { begin, entriesFor, entryOf, fieldOf, kindOf, propertyField } from "./kinds.js";
import { operatorNamed, operatorsFor, withOperator } from "./operands.js";

// `edit`: {catalogue, object, isWithin, node, put(plain, {typing, focus}), addWhere()}.
export function conditionEditor(edit) {
  const { catalogue, object, node, isWithin } = edit;
  const isProperty = isWithin && !object;
  const parts = isProperty ? [propertyName(edit)] : [subject(edit)];
  switch (kindOf(node.plain)) {
    case "field":
      return [...parts, ...fieldParts(edit, isProperty ? propertyField(node.plain) : fieldOf(catalogue, object, node.plain))];
    case "activity":
    case "related":
      return [...parts, ...howMany(edit), ...(kindOf(node.plain) === "activity" ? [period(edit, true)] : []), whereButton(edit)];
    case "event":
      return [...parts, ...eventParts(edit), ...howMany(edit), period(edit, false), whereButton(edit)];
    case "stage":
      return [...parts, ...stageParts(edit)];
    default:
      return Object.keys(node.plain).length ? [...parts, el("code", {}, JSON.stringify(node.plain))] : parts;
  }
}

function key(edit, part) {
  return `${edit.node.id}:${part}`;
}

function subject(edit) {
  const { catalogue, object, node, isWithin } = edit;
  return combobox({
    label: "What is it about?", placeholder: "Search fields, activities, stages …",
    entries: () => entriesFor(catalogue, object, isWithin),
    chosen: entryOf(catalogue, object, node.plain),
    onChoose: (entry) => edit.put(begin(catalogue, object, edit.current(), entry), { focus: key(edit, "op") }),
    attributes: { "data-key": key(edit, "subject"), "data-subject": true },
  });
}

function propertyName(edit) {
  const { node } = edit;
  return el("input", {
    class: "form-control gt-cond-property", type: "text", "aria-label": "Property", placeholder: "Property, e.g. seats",
    value: node.plain.field ?? "", "data-key": key(edit, "subject"), "data-subject": true,
    oninput: (event) => {
      const op = node.plain.op ?? "is";
      edit.put({ op, ...edit.current(), field: event.target.value.trim() }, { typing: true });
    },
    onchange: () => edit.put({ ...edit.current() }, { focus: key(edit, "op"), always: true }),
  });
}

function fieldParts(edit, field) {
  const { catalogue, node } = edit;
  if (!field) return [el("code", {}, [node.plain.op, JSON.stringify(node.plain.value ?? "")].join(" "))];
  const isProperty = edit.isWithin && !edit.object;
  const types = isProperty ? ["text", "number", "boolean"] : [field.type];
  const operators = catalogue.operators.filter((one) => types.some((type) => one.types.includes(type)));
  const choices = (isProperty ? operators : operatorsFor(catalogue, field.type)).map((one) => [one.name, one.words]);
  if (!operatorNamed(catalogue, node.plain.op)) choices.unshift([node.plain.op ?? "", node.plain.op ? String(node.plain.op) : "Choose …"]);
  const operator = select(
    {
      "aria-label": "Comparison", "data-key": key(edit, "op"),
      onchange: (event) =>
        edit.put(withOperator(catalogue, edit.current(), field.type, event.target.value), { focus: key(edit, "op") }),
    },
    choices,
    node.plain.op ?? "",
  );
  return [operator, ...operand(edit, field), ...currency(edit, field)];
}

function operand(edit, field) {
  const { catalogue, node } = edit;
  const attributes = { "data-key": key(edit, "value"), "aria-label": "Value" };
  const typed = (value) => edit.put({ ...edit.current(), value }, { typing: true });
  const chosen = (value) => edit.put({ ...edit.current(), value }, { focus: key(edit, "value") });
  const isProperty = edit.isWithin && !edit.object;
  const set = isProperty ? (value) => typed(asProperty(value)) : typed;
  switch (operatorNamed(catalogue, node.plain.op)?.takes) {
    case "one":
      return [oneInput(field, node.plain.value, set, attributes)];
    case "many":
      return [manyInput(field, node.plain.value, chosen, attributes)];
    case "range":
      return [rangeInput(field, node.plain.value, set, attributes)];
    case "window":
      return [windowInput(field.type, node.plain.value, set, attributes)];
    default:
      return [];
  }
}

// What a property's value is, nobody declared: digits are a number.
function asProperty(value) {
  return typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

function currency(edit, field) {
  const { catalogue, node } = edit;
  const takes = operatorNamed(catalogue, node.plain.op)?.takes;
  if (field.type !== "money" || !catalogue.currencies.length || !["one", "many", "range"].includes(takes)) return [];
  const choices = [["", "any currency"], ...catalogue.currencies.map((one) => [one.name, one.label])];
  return [
    select(
      {
        "aria-label": "Currency", "data-key": key(edit, "currency"),
        onchange: (event) => {
          const { currency: _, ...rest } = edit.current();
          edit.put(event.target.value ? { ...rest, currency: event.target.value } : rest, { typing: true });
        },
      },
      choices,
      node.plain.currency ?? "",
    ),
  ];
}

// "at least 2", "at most 0" (none), "between 1 and 3".
function howMany(edit) {
  const { node } = edit;
  const { at_least: least, at_most: most } = node.plain;
  const way = least === undefined && most !== undefined ? (most === 0 ? "none" : "most") : most === undefined ? "least" : "between";
  const without = () => {
    const { at_least: _, at_most: __, ...rest } = edit.current();
    return rest;
  };
  const ways = {
    least: () => ({ at_least: least || 1 }),
    most: () => ({ at_most: most || least || 1 }),
    between: () => ({ at_least: least || 1, at_most: most || least || 1 }),
    none: () => ({ at_most: 0 }),
  };
  const number = (name, label) =>
    wholeInput(node.plain[name], (value) => {
      const rest = { ...edit.current() };
      if (value === undefined) delete rest[name];
      else rest[name] = value;
      edit.put(rest, { typing: true });
    }, { "aria-label": label, "data-key": key(edit, name) });
  return [
    select(
      {
        "aria-label": "How many", "data-key": key(edit, "op"),
        onchange: (event) => edit.put({ ...without(), ...ways[event.target.value]() }, { focus: key(edit, "op") }),
      },
      [["least", "at least"], ["most", "at most"], ["between", "between"], ["none", "none"]],
      way,
    ),
    ["least", "between"].includes(way) && number("at_least", "At least"),
    way === "between" && el("span", { class: "gt-cond-word" }, "and"),
    ["most", "between"].includes(way) && number("at_most", "At most"),
  ].filter(Boolean);
}

function period(edit, isAhead) {
  const { node } = edit;
  const name = "within" in node.plain ? "within" : "within_next" in node.plain ? "within_next" : "";
  const without = () => {
    const { within: _, within_next: __, ...rest } = edit.current();
    return rest;
  };
  const choices = [["", "ever"], ["within", "in the last"]];
  if (isAhead) choices.push(["within_next", "in the next"]);
  const chooser = select(
    {
      "aria-label": "When", "data-key": key(edit, "when"),
      onchange: (event) => {
        const next = without();
        if (event.target.value) next[event.target.value] = edit.current()[name] ?? { days: 30 };
        edit.put(next, { focus: key(edit, "when") });
      },
    },
    choices,
    name,
  );
  const length =
    name && windowInput("datetime", node.plain[name], (value) => edit.put({ ...edit.current(), [name]: value }, { typing: true }),
      { "data-key": key(edit, "window") });
  return el("span", { class: "gt-cond-pair" }, chooser, length || null);
}

function whereButton(edit) {
  if (edit.node.where) return null;
  return el("button", { type: "button", class: "btn btn-sm btn-quiet", "data-key": key(edit, "where"), onclick: edit.addWhere },
    icon("funnel"), "only those where …");
}

function eventParts(edit) {
  const name = String(edit.node.plain.event ?? "");
  if (!name.startsWith("signal.")) return [];
  return [
    el("input", {
      class: "form-control gt-cond-property", type: "text", "aria-label": "Name of the signal", placeholder: "Name of the signal",
      value: name.slice("signal.".length), "data-key": key(edit, "event"),
      oninput: (event) => edit.put({ ...edit.current(), event: `signal.${event.target.value.trim()}` }, { typing: true }),
    }),
  ];
}

function stageParts(edit) {
  const { catalogue, node } = edit;
  const operators = catalogue.stage_operators;
  const known = operators.find((one) => one.name === node.plain.op);
  const chooser = select(
    {
      "aria-label": "Comparison", "data-key": key(edit, "op"),
      onchange: (event) => {
        const { value, ...rest } = edit.current();
        const takes = operators.find((one) => one.name === event.target.value).takes;
        edit.put({ ...rest, op: event.target.value, ...(takes === "window" ? { value: value ?? { days: 14 } } : {}) },
          { focus: key(edit, "op") });
      },
    },
    operators.map((one) => [one.name, one.words]),
    node.plain.op ?? "",
  );
  if (known?.takes !== "window") return [chooser];
  const set = (value) => edit.put({ ...edit.current(), value }, { typing: true });
  return [chooser, windowInput("datetime", node.plain.value, set, { "data-key": key(edit, "value") })];
}

