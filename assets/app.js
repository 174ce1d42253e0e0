import htmx from "htmx.org";
import Alpine from "@alpinejs/csp";

import { startBuilders } from "./js/builder/index.js";
import { startCharts } from "./js/charts.js";
import { startClipboard } from "./js/clipboard.js";
import { startCommandMenu } from "./js/command_menu.js";
import { startConfirm } from "./js/confirm.js";
import { startFilters } from "./js/filters.js";
import { startMenus } from "./js/menus.js";
import { startModals } from "./js/modals.js";
import { startRuleEditor } from "./js/rule_editor.js";
import { startRequests } from "./js/requests.js";
import { startTabs } from "./js/tabs.js";
import { startThemeSwitch } from "./js/theme_switch.js";
import { startTimer } from "./js/timer.js";
import { startToasts } from "./js/toasts.js";

window.htmx = htmx;
window.Alpine = Alpine;

startToasts();
startConfirm();
startRequests(htmx);
startTimer();
startMenus();
startModals();
startTabs();
startThemeSwitch();
startCommandMenu();
startClipboard();
startFilters();
startCharts();
startRuleEditor();
startBuilders();
Alpine.start();
