// htmx glue: what went wrong and what to do, a loading state, focus after a swap, announcements.

import { announce } from "./announcer.js";
import { toast } from "./toasts.js";

const REMEDIES = {
  400: "The request was not understood. Reload the page and try again.",
  403: "You may not do this. The one who has it, their manager or RevOps can.",
  404: "This is no longer here. Reload the page to see what is.",
  409: "Someone changed this just now. Reload the page to see it as it is.",
  413: "That is too large to send.",
  429: "Too many requests at once. Wait a moment and try again.",
  502: "gtmops is restarting. Try again in a few seconds.",
  503: "gtmops is busy. Try again in a few seconds.",
};

const SAFE = new Set(["get", "head"]);
let running = 0;

function show(change) {
  running = Math.max(0, running + change);
  document.getElementById("loading")?.classList.toggle("is-on", running > 0);
}

export function startRequests(htmx) {
  // A poll in the background is not something anyone waits for.
  const isBackground = (event) => event.detail.elt.matches("[data-quiet], [hx-trigger*='every']");

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isBackground(event)) return;
    show(1);
    event.detail.elt.setAttribute("aria-busy", "true");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (isBackground(event)) return;
    show(-1);
    event.detail.elt.removeAttribute("aria-busy");
  });
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr, elt, requestConfig } = event.detail;
    if (xhr.status === 401) {
      location.reload(); // the session ended: the server leads to the sign-in page
      return;
    }
    if (isBackground(event)) return;
    const saved = SAFE.has(requestConfig.verb) ? "" : " Nothing was saved.";
    toast({
      severity: "late",
      text: (REMEDIES[xhr.status] ?? "Something went wrong on our side. Try again.") + saved,
    });
    elt.focus?.();
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (isBackground(event)) return;
    toast({ severity: "late", text: "gtmops can't be reached. Check your connection and try again." });
  });
  document.addEventListener("htmx:timeout", (event) => {
    if (isBackground(event)) return;
    toast({ severity: "late", text: "No answer for 20 seconds. Try again." });
  });

  // The focus must not fall back to the top when the button that had it was swapped away; and a poll must not take a
  // menu or a field away from someone who is in it.
  let hadFocus = false;
  let lastSpoken = document.querySelector("[data-announce]")?.textContent.trim() ?? "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target } = event.detail;
    hadFocus = target.contains(document.activeElement);
    const isInUse =
      target.querySelector("details.gt-menu[open]") ||
      (hadFocus && document.activeElement.matches("input, select, textarea"));
    if (isBackground(event) && isInUse) event.detail.shouldSwap = false;
    // A form that is drawn anew as it is filled in must not take back what somebody is typing meanwhile.
    const isTyping = hadFocus && document.activeElement.matches("input:not([type=checkbox], [type=radio]), textarea");
    if (isTyping && event.detail.elt.matches("[data-minds-typing]")) event.detail.shouldSwap = false;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.target ?? event.target;
    const wanted =
      target.querySelector?.("[data-focus]") ??
      target.querySelector?.("[aria-invalid='true'], .is-invalid") ??
      (hadFocus && !target.contains(document.activeElement) ? target : null);
    if (wanted) {
      if (!wanted.matches("a, button, input, select, textarea, summary, [tabindex]")) wanted.tabIndex = -1;
      wanted.focus({ preventScroll: !wanted.matches(".is-invalid") });
    }
    const spoken = target.querySelector?.("[data-announce]") ?? (target.matches?.("[data-announce]") ? target : null);
    if (!spoken) return;
    const text = spoken.dataset.announce || spoken.textContent.trim();
    // A page that keeps itself current says only what is new.
    if (text !== lastSpoken || !isBackground(event)) announce(text);
    lastSpoken = text;
  });

  // A second click on a button that is already sending would do the act twice.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || form.method === "get") return;
    const button = event.submitter;
    if (!button || form.matches("[hx-post], [hx-put], [hx-delete]")) return;
    setTimeout(() => {
      button.disabled = true;
      button.setAttribute("aria-busy", "true");
    });
  });
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button[aria-busy='true']")) {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  });
  htmx.config.scrollIntoViewOnBoost = false;
}
