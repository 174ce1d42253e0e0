// <details class="gt-menu">: closes on a click outside, on Escape and when another opens; arrows walk through it.

const open = () => document.querySelectorAll("details.gt-menu[open]");

export function startMenus() {
  document.addEventListener("click", (event) => {
    for (const menu of open()) {
      if (!menu.contains(event.target) || event.target.closest("a.gt-menu-item")) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.gt-menu[open]");
    if (event.key === "Escape") {
      for (const one of open()) {
        one.open = false;
        if (one === menu) one.querySelector("summary").focus();
      }
    }
    if (!menu || !["ArrowDown", "ArrowUp"].includes(event.key)) return;
    event.preventDefault();
    const items = [...menu.querySelectorAll(".gt-menu-item, .gt-theme button")];
    const step = event.key === "ArrowDown" ? 1 : -1;
    const at = items.indexOf(document.activeElement);
    items[(at + step + items.length) % items.length]?.focus();
  });
}
