// .gt-tabs that are wider than the screen: the one we are on is brought into sight.

export function startTabs() {
  for (const tab of document.querySelectorAll(".gt-tabs [aria-current]")) {
    const bar = tab.closest(".gt-tabs");
    bar.scrollLeft = tab.offsetLeft - bar.offsetLeft - (bar.clientWidth - tab.offsetWidth) / 2;
  }
}
