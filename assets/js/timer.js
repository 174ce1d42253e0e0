// One timer for every moment on the page: <time data-relative datetime> and chips with [data-due].
// A chip changes its severity by data-soon (seconds before the due time). What turns late in one second is announced
// once, in one sentence; a count going on is never read out.

import { announce } from "./announcer.js";
import { dueSeverity, dueWords, relativeWords } from "./phrases.js";

const ICONS = { late: "bi-exclamation-triangle-fill", soon: "bi-hourglass-split", ok: "bi-clock" };
const zone = document.documentElement.dataset.zone || "UTC";

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Whether the chip has turned late just now.
function updateChip(chip, now) {
  const due = Date.parse(chip.dataset.due);
  if (Number.isNaN(due)) return false;
  const severity = dueSeverity(due, now, Number(chip.dataset.soon ?? 3600));
  write(chip.querySelector("[data-text]") ?? chip, dueWords(due, now, zone));
  if (chip.classList.contains(`gt-${severity}`)) return false;
  chip.classList.remove("gt-ok", "gt-soon", "gt-late");
  chip.classList.add(`gt-${severity}`);
  const icon = chip.querySelector(".bi");
  if (icon) {
    icon.classList.remove(...Object.values(ICONS));
    icon.classList.add(ICONS[severity]);
  }
  return severity === "late";
}

export function updateTimes(root = document) {
  const now = Date.now();
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const moment = Date.parse(element.dateTime);
    if (!Number.isNaN(moment)) write(element, relativeWords(moment, now, zone));
  }
  const late = [...root.querySelectorAll("[data-due]")].filter((chip) => updateChip(chip, now));
  if (late.length === 1) announce(`${late[0].closest("[data-name]")?.dataset.name ?? "One item"} is now late.`);
  if (late.length > 1) announce(`${late.length} items are now late.`);
}

export function startTimer() {
  setInterval(() => {
    if (!document.hidden) updateTimes();
  }, 1000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) updateTimes();
  });
  document.addEventListener("htmx:afterSettle", (event) => updateTimes(event.target));
}
