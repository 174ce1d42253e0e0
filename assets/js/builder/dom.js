// Elements without a framework: el("button", {class: "btn", onclick: act}, "Add").

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "selected") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const icon = (name) => el("i", { class: `bi bi-${name}`, "aria-hidden": "true" });

export const hidden = (text) => el("span", { class: "visually-hidden" }, text);

let last = 0;
export const newId = (stem) => `${stem}-${++last}`;

export function select(attributes, choices, chosen) {
  const options = choices.map(([value, text]) => el("option", { value, selected: value === chosen }, text));
  return el("select", { class: "form-select", ...attributes }, options);
}
