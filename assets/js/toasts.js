// Short messages at the edge. From a view: the header HX-Trigger {"toast": {text, severity, href, action}}.

const ICONS = {
  ok: "bi-check-circle-fill", info: "bi-info-circle-fill", soon: "bi-exclamation-circle-fill",
  late: "bi-exclamation-triangle-fill", neutral: "bi-info-circle",
};
const SHOWN_MS = 6000;

export function toast({ text, severity = "ok", href = "", action = "Open" }) {
  const template = document.getElementById("toast-template");
  const region = document.getElementById("toasts");
  if (!template || !region) return;
  const element = template.content.firstElementChild.cloneNode(true);
  element.classList.add(`gt-${severity}`);
  element.querySelector(".bi").classList.add(ICONS[severity] ?? ICONS.neutral);
  element.querySelector(".gt-toast-text").textContent = text;
  if (href) {
    const link = element.querySelector(".gt-toast-action");
    link.href = href;
    link.textContent = action;
    link.hidden = false;
  }
  const close = () => element.remove();
  element.querySelector("button").addEventListener("click", close);
  region.append(element);
  while (region.children.length > 4) region.firstElementChild.remove();
  // What went wrong stays until it is read; the rest goes, unless someone is on it.
  if (severity !== "late") {
    const leave = () => (element.matches(":hover, :focus-within") ? setTimeout(leave, 1500) : close());
    setTimeout(leave, SHOWN_MS);
  }
}

export function startToasts() {
  document.addEventListener("toast", (event) => toast(event.detail.value ?? event.detail));
}
