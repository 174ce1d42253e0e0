// One timer for every moment on the page: <time data-relative datetime> and chips with [data-due].
// A chip changes its severity by data-soon (seconds before the due time); the first second late is announced once.

import { announce } from "./announcer.js";
import { dueSeverity, dueWords, relativeWords } from "./phrases.js";

const ICONS = { late: "bi-exclamation-triangle-fill", soon: "bi-hourglass-split", ok: "bi-clock" };
const zone = document.documentElement.dataset.zone || "UTC";

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function updateChip(chip, now) {
  const due = Date.parse(chip.dataset.due);
  if (Number.isNaN(due)) return;
  const severity = dueSeverity(due, now, Number(chip.dataset.soon ?? 3600));
  write(chip.querySelector("[data-text]") ?? chip, dueWords(due, now, zone));
  if (chip.classList.contains(`gt-${severity}`)) return;
  chip.classList.remove("gt-ok", "gt-soon", "gt-late");
  chip.classList.add(`gt-${severity}`);
  const icon = chip.querySelector(".bi");
  if (icon) {
    icon.classList.remove(...Object.values(ICONS));
    icon.classList.add(ICONS[severity]);
  }
  if (severity === "late") announce(`${chip.closest("[data-name]")?.dataset.name ?? "One item"} is now late.`);
}

export function updateTimes(root = document) {
  const now = Date.now();
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const moment = Date.parse(element.dateTime);
    if (!Number.isNaN(moment)) write(element, relativeWords(moment, now, zone));
  }
  for (const chip of root.querySelectorAll("[data-due]")) updateChip(chip, now);
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
