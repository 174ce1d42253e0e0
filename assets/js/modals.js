// dialog[data-modal]: opens as soon as it is on the page; [data-close] in it, a click beside it and Esc close it.

function open(root) {
  for (const dialog of root.querySelectorAll?.("dialog[data-modal]:not([open])") ?? []) {
    dialog.showModal();
    dialog.querySelector("[aria-invalid='true'], input:not([type='hidden']), select, textarea")?.focus();
  }
}

export function startModals() {
  open(document);
  document.addEventListener("htmx:afterSettle", (event) => open(event.detail.target ?? event.target));
  document.addEventListener("htmx:afterSwap", () => open(document));
  document.addEventListener("click", (event) => {
    const dialog = event.target.closest("dialog[data-modal]");
    if (dialog && (event.target === dialog || event.target.closest("[data-close]"))) dialog.close();
  });
}
