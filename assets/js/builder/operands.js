// What stands right of the operator: pure readings of operands, by the shape the operator takes.

export const NUMERIC = ["number", "money"];
export const TEMPORAL = ["date", "datetime"];
const WINDOW_UNITS = { date: ["days", "weeks"], datetime: ["minutes", "hours", "days", "weeks"] };

export const operatorsFor = (catalogue, type) => catalogue.operators.filter((one) => one.types.includes(type));
export const operatorNamed = (catalogue, name) => catalogue.operators.find((one) => one.name === name);
export const unitsFor = (type) => WINDOW_UNITS[type] ?? WINDOW_UNITS.datetime;

// The operator a newly chosen field begins with.
export function firstOperator(catalogue, type) {
  const usual = {
    text: "is", picklist: "is_any_of", reference: "is_not_empty", number: "at_least", money: "at_least",
    boolean: "is_true", date: "within_last", datetime: "within_last", multi_picklist: "includes_any",
  };
  const fitting = operatorsFor(catalogue, type);
  return (fitting.find((one) => one.name === usual[type]) ?? fitting[0])?.name ?? "";
}

// A number as typed; null while it is none.
export function readNumber(text) {
  const plain = String(text).trim().replace(/(?<=\d),(?=\d{3}(\D|$))/g, "");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain)) return null;
  const number = Number(plain);
  return Number.isFinite(number) ? number : null;
}

export const readWhole = (text) => {
  const number = readNumber(text);
  return Number.isInteger(number) ? number : null;
};

// Whether an operand is there in the shape that is needed; what it says is judged by the server.
export function isFilled(takes, type, value) {
  const one = (it) => it !== undefined && it !== null && it !== "";
  switch (takes) {
    case "nothing":
      return true;
    case "one":
      return one(value);
    case "many":
      return Array.isArray(value) && value.length > 0 && value.every(one);
    case "range":
      return Array.isArray(value) && value.length === 2 && value.every(one);
    default:
      return isWindow(value);
  }
}

export function isWindow(value) {
  const parts = value && typeof value === "object" ? Object.entries(value) : [];
  return parts.length === 1 && Number.isInteger(parts[0][1]);
}

// What remains of an operand when the operator or the field changes: as much as still fits.
export function carryOver(value, from, to) {
  if (to === "nothing") return undefined;
  if (from === to) return value;
  const many = Array.isArray(value) ? value : value === undefined || typeof value === "object" ? [] : [value];
  if (to === "one") return many[0];
  if (to === "many") return many.length ? many : undefined;
  if (to === "range") return many.length ? [many[0], many[1] ?? ""] : undefined;
  return isWindow(value) ? value : { days: 30 };
}

// The plain condition with another operator, its value carried over.
export function withOperator(catalogue, plain, type, name) {
  const from = operatorNamed(catalogue, plain.op);
  const to = operatorNamed(catalogue, name);
  const { value, ...rest } = plain;
  const kept = carryOver(value, from?.takes ?? "nothing", to.takes);
  return kept === undefined ? { ...rest, op: name } : { ...rest, op: name, value: kept };
}

// The plain condition about another field: the operator stays where it fits, the value where its type does.
export function withField(catalogue, plain, was, field) {
  const fits = operatorNamed(catalogue, plain.op)?.types.includes(field.type);
  const op = fits ? plain.op : firstOperator(catalogue, field.type);
  const next = { field: field.name, op };
  const takes = operatorNamed(catalogue, op)?.takes;
  if (fits && was && was.type === field.type && !field.options.length && !was.options.length && "value" in plain) {
    return { ...next, value: plain.value };
  }
  return takes === "window" ? { ...next, value: { days: 30 } } : next;
}
