// Ctrl/Cmd+K: a dialog that finds records (as htmx partial of the search page) and pages (filtered here).

export function startCommandMenu() {
  const menu = document.getElementById("command-menu");
  if (!menu) return;
  const field = menu.querySelector("input[type=search]");
  const pages = menu.querySelector(".gt-command-pages");
  const isApple = /Mac|iPhone|iPad/.test(navigator.platform);
  for (const key of document.querySelectorAll("[data-shortcut]")) key.textContent = isApple ? "⌘K" : "Ctrl K";

  const visible = () => [...menu.querySelectorAll(".gt-command:not([hidden])")];

  function select(option) {
    for (const one of menu.querySelectorAll(".gt-command[aria-selected='true']")) one.removeAttribute("aria-selected");
    if (!option) {
      field.removeAttribute("aria-activedescendant");
      return;
    }
    option.id ||= `command-${Math.random().toString(36).slice(2)}`;
    option.setAttribute("aria-selected", "true");
    field.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function filterPages() {
    const text = field.value.trim().toLowerCase();
    for (const page of pages.querySelectorAll(".gt-command")) {
      page.hidden = Boolean(text) && !page.textContent.toLowerCase().includes(text);
    }
    pages.hidden = !pages.querySelector(".gt-command:not([hidden])");
    select(visible()[0]);
  }

  function show() {
    if (menu.open) return;
    menu.showModal();
    field.select();
    filterPages();
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      show();
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target === menu) menu.close();
    if (!event.target.closest("[data-open-command-menu]") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show();
  });
  field.addEventListener("input", filterPages);
  menu.addEventListener("htmx:afterSettle", () => select(visible()[0]));
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.preventDefault(); // a search field would only empty itself at the first Escape
      menu.close();
    }
    if (!["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) return;
    const options = visible();
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "Enter") {
      if (at < 0) return; // the form leads to the search page
      event.preventDefault();
      options[at].click();
      return;
    }
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    select(options[(at + step + options.length) % options.length]);
  });
}
