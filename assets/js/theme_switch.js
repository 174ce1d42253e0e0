// The buttons of the user menu. A choice that is the viewer's own preference needs no memory on this device.

function mark() {
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    const isChosen = button.dataset.themeChoice === document.documentElement.dataset.themeChosen;
    button.setAttribute("aria-pressed", String(isChosen));
  }
}

export function startThemeSwitch() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    const choice = button.dataset.themeChoice;
    if (choice === document.documentElement.dataset.themePreference) localStorage.removeItem("gtmops-theme");
    else localStorage.setItem("gtmops-theme", choice);
    document.dispatchEvent(new CustomEvent("gtmops:theme-choice"));
    mark();
  });
  mark();
}
