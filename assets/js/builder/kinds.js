// What a condition can be about, and what one chooses it from.

import { isFilled, isWindow, operatorNamed, withField } from "./operands.js";

export const TYPE_WORDS = {
  text: "Text", number: "Number", money: "Money", boolean: "Yes or no", date: "Date", datetime: "Date and time",
  picklist: "Choice", multi_picklist: "Several choices", reference: "Link",
};

export function kindOf(plain) {
  return ["field", "activity", "related", "stage", "event"].find((name) => name in plain) ?? "";
}

export function fieldOf(catalogue, object, plain) {
  return catalogue.objects[object]?.fields.find((one) => one.name === plain.field) ?? null;
}

// Inside a `where`: which object's fields it reads; "" for the properties of an event, which nobody declares.
export function objectWithin(catalogue, object, plain) {
  switch (kindOf(plain)) {
    case "activity":
      return "activity";
    case "related":
      return catalogue.relations[object]?.find((one) => one.name === plain.related)?.object ?? "";
    default:
      return "";
  }
}

function fieldEntry(object, field) {
  const filled = field.fill === null || field.fill === undefined ? "" : `${Math.round(field.fill * 100)}% filled`;
  return {
    kind: "field", name: field.name, label: field.label, field, words: [field.name],
    detail: [TYPE_WORDS[field.type], field.connections.join(", ") || "not connected", filled].filter(Boolean).join(" · "),
    samples: field.samples.map((sample) => sample.label ?? sample.value),
  };
}

// All that a condition about `object` can begin with; inside a `where` only fields.
export function entriesFor(catalogue, object, isWithin) {
  const fields = (catalogue.objects[object]?.fields ?? []).map((field) => fieldEntry(object, field));
  if (isWithin) return fields;
  const listed = (kind, group, choices) =>
    choices.map((one) => ({ kind, name: one.name, label: one.label, detail: group, words: [group] }));
  return [
    ...fields,
    ...listed("activity", "Activities", catalogue.activities),
    ...listed("related", "Related records", catalogue.relations[object] ?? []),
    ...listed("stage", "Stage, and time in it", catalogue.stages),
    ...listed("event", "Events and signals", catalogue.events),
  ];
}

// The condition that choosing an entry makes of `plain`.
export function begin(catalogue, object, plain, entry) {
  switch (entry.kind) {
    case "field": {
      const was = kindOf(plain) === "field" ? fieldOf(catalogue, object, plain) : null;
      return withField(catalogue, plain, was, entry.field);
    }
    case "activity":
      return kindOf(plain) === "activity"
        ? { ...plain, activity: entry.name }
        : { activity: entry.name, at_least: 1, within: { days: 30 } };
    case "related":
      return { related: entry.name, at_least: 1 };
    case "stage":
      return kindOf(plain) === "stage" ? { ...plain, stage: entry.name } : { stage: entry.name, op: "is_in" };
    default:
      return kindOf(plain) === "event"
        ? { ...plain, event: entry.name }
        : { event: entry.name, at_least: 1, within: { days: 30 } };
  }
}

export function entryOf(catalogue, object, plain) {
  const kind = kindOf(plain);
  if (!kind) return null;
  if (kind === "field") {
    const field = fieldOf(catalogue, object, plain);
    return field ? fieldEntry(object, field) : { kind, name: plain.field, label: String(plain.field) };
  }
  const known = { activity: catalogue.activities, stage: catalogue.stages, event: catalogue.events };
  const choices = kind === "related" ? (catalogue.relations[object] ?? []) : known[kind];
  const found = choices.find((one) => one.name === plain[kind]);
  const isSignal = kind === "event" && String(plain.event).startsWith("signal.");
  return { kind, name: plain[kind], label: found?.label ?? (isSignal ? "Signal" : String(plain[kind])) };
}

// Whether a condition says enough to be counted. Whether it is right, the server says.
export function isReady(catalogue, object, plain) {
  switch (kindOf(plain)) {
    case "field": {
      const operator = operatorNamed(catalogue, plain.op);
      const type = fieldOf(catalogue, object, plain)?.type ?? "text";
      return plain.field !== "" && Boolean(operator) && isFilled(operator.takes, type, plain.value);
    }
    case "stage": {
      const operator = catalogue.stage_operators.find((one) => one.name === plain.op);
      return Boolean(operator) && (operator.takes === "nothing" || isWindow(plain.value));
    }
    case "event":
      return plain.event !== "signal.";
    case "":
      return Object.keys(plain).length > 0; // something this page doesn't know: the server shall say
    default:
      return true;
  }
}

// For the fields that a `where` over an event's properties may name: a type is chosen by hand.
export function propertyField(plain) {
  const value = Array.isArray(plain.value) ? plain.value[0] : plain.value;
  const operator = ["is_true", "is_false"].includes(plain.op) ? "boolean" : null;
  const type = operator ?? (typeof value === "number" || NUMBER_OPERATORS.has(plain.op) ? "number" : "text");
  return { name: plain.field ?? "", label: plain.field ?? "", type, options: [], samples: [], connections: [] };
}

const NUMBER_OPERATORS = new Set(["at_least", "at_most", "more_than", "less_than", "between"]);

