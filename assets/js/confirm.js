// [data-confirm="Question?"] on a form button, a link or an element with hx-*: asks in a real dialog first.

let answer = null;

function ask(element) {
  const dialog = document.getElementById("confirm-dialog");
  const yes = dialog.querySelector("#confirm-yes");
  dialog.querySelector("#confirm-title").textContent = element.dataset.confirm;
  const text = dialog.querySelector("#confirm-text");
  text.textContent = element.dataset.confirmText ?? "";
  text.hidden = !text.textContent;
  yes.textContent = element.dataset.confirmButton || "Go on";
  yes.classList.toggle("btn-danger", "confirmDanger" in element.dataset);
  yes.classList.toggle("btn-primary", !("confirmDanger" in element.dataset));
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    answer = resolve;
  });
}

export function startConfirm() {
  const dialog = document.getElementById("confirm-dialog");
  if (!dialog) return;
  dialog.addEventListener("close", () => {
    answer?.(dialog.returnValue === "yes");
    answer = null;
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close("no");
  });
  document.addEventListener("htmx:confirm", (event) => {
    const element = event.detail.elt.closest("[data-confirm]") ?? event.detail.triggeringEvent?.submitter;
    if (!element?.dataset.confirm) return;
    event.preventDefault();
    ask(element).then((agreed) => agreed && event.detail.issueRequest(true));
  });
  document.addEventListener(
    "click",
    (event) => {
      const element = event.target.closest("a[data-confirm], button[data-confirm]");
      // htmx asks through htmx:confirm; what it does not send itself is asked here.
      if (!element || [element, element.form].some((one) => one?.matches("[hx-get], [hx-post], [hx-put], [hx-delete]"))) return;
      if (element.dataset.confirmed) {
        delete element.dataset.confirmed;
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      ask(element).then((agreed) => {
        if (!agreed) return;
        element.dataset.confirmed = "yes";
        element.click();
      });
    },
    true,
  );
}
