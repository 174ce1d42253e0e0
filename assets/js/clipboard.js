// [data-copy="text"] or [data-copy-from="#id"]: copies, and says so.

import { toast } from "./toasts.js";

export function startClipboard() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy], [data-copy-from]");
    if (!button) return;
    const source = button.dataset.copyFrom ? document.querySelector(button.dataset.copyFrom) : null;
    const text = source ? (source.value ?? source.innerText) : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(text);
      toast({ text: button.dataset.copied || "Copied" });
    } catch {
      toast({ severity: "soon", text: "Your browser did not let us copy. Select the text and copy it by hand." });
    }
  });
}
