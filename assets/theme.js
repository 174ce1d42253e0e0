// Runs before the first paint: the choice of this device, else the viewer's preference, else the device's own theme.
(() => {
  const root = document.documentElement;
  const device = window.matchMedia("(prefers-color-scheme: dark)");
  const paper = window.matchMedia("print");
  const choice = () => {
    try {
      return localStorage.getItem("gtmops-theme") || root.dataset.themePreference || "auto";
    } catch {
      return root.dataset.themePreference || "auto"; // storage may be forbidden
    }
  };
  const apply = () => {
    const wanted = choice();
    // Paper is white.
    const theme = paper.matches ? "light" : wanted === "auto" ? (device.matches ? "dark" : "light") : wanted;
    root.dataset.themeChosen = wanted;
    if (root.dataset.bsTheme === theme) return;
    root.dataset.bsTheme = theme;
    document.dispatchEvent(new CustomEvent("gtmops:theme"));
  };
  root.classList.add("has-script");
  device.addEventListener("change", apply);
  paper.addEventListener("change", apply);
  document.addEventListener("gtmops:theme-choice", apply);
  apply();
})();
