// The form of an SLA rule: what it says and means while it is typed, what is wrong beside its control, and what was
// typed survives a reload. Without script the form works the same, it only says so later.

import { lastOnly, Overtaken } from "./builder/requests.js";

const PAUSE = 400;
const PREFIX = "gtmops-rule:";
const NOT_KEPT = new Set(["csrfmiddlewaretoken", "revision", "key"]);

export function startRuleEditor() {
  const form = document.querySelector("[data-rule-form]");
  if (form) start(form);
}

function start(form) {
  const aside = form.querySelector("[data-look]");
  const sentence = form.querySelector("[data-sentence]");
  const own = form.querySelector("[data-sentence-own]");
  const soon = lastOnly(PAUSE);
  const kept = keeper(form);

  kept.restore();
  show();
  if (kept.wasRestored) refresh();

  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  form.addEventListener("submit", () => kept.drop());
  form.querySelector("[data-rule-leave]")?.addEventListener("click", () => kept.drop());
  document.querySelector("[data-rule-forget]")?.addEventListener("click", () => {
    kept.drop();
    location.reload();
  });

  function changed(event) {
    if (event.type === "change" && event.target.matches("textarea, input[type='text'], input:not([type])")) return;
    show();
    kept.keep();
    soon(look);
  }

  function refresh() {
    soon(look);
  }

  // What a choice makes needless is not shown: `data-shows` and `data-hides` name a control and values of it.
  function show() {
    for (const part of form.querySelectorAll("[data-shows], [data-hides]")) {
      const shown = !part.dataset.shows || holds(part.dataset.shows);
      part.hidden = !shown || Boolean(part.dataset.hides && holds(part.dataset.hides));
    }
    sentence.readOnly = !own.checked;
  }

  function holds(told) {
    const [name, values] = told.split("=");
    return values.split(",").includes(form.elements.namedItem(name)?.value);
  }

  async function look(signal) {
    const found = await ask(form.dataset.lookUrl, new FormData(form), signal);
    if (!found) return;
    aside.innerHTML = found.html;
    if (!own.checked && found.sentence) sentence.value = found.sentence;
    mark(found.faults);
  }

  function mark(faults) {
    for (const place of form.querySelectorAll("[data-fault-for]")) {
      const name = place.dataset.faultFor;
      const text = faults[name] ?? "";
      if (place.textContent.trim() !== text) place.textContent = text;
      const control = form.querySelector(`#${CSS.escape(`id-${name}`)}`);
      control?.classList.toggle("is-invalid", Boolean(text));
      if (text) control?.setAttribute("aria-invalid", "true");
      else control?.removeAttribute("aria-invalid");
    }
  }
}

// The answer as JSON; null when it could not be had: what is typed stays, and the next change asks again.
async function ask(url, body, signal) {
  const headers = JSON.parse(document.body.getAttribute("hx-headers") ?? "{}");
  try {
    const answer = await fetch(url, { method: "POST", body, headers, signal, credentials: "same-origin" });
    return answer.ok && !answer.redirected ? await answer.json() : null;
  } catch (error) {
    if (error.name === "AbortError") throw new Overtaken();
    return null;
  }
}

// Keeps what is typed in this tab until it is sent. Conditions keep themselves (builder/drafts.js).
function keeper(form) {
  const key = `${PREFIX}${location.pathname}`;
  const controls = () => [...form.elements].filter((one) => one.name && !NOT_KEPT.has(one.name) && !one.closest("[data-builder]"));
  const read = () => controls().map((one) => [one.name, one.type === "checkbox" ? one.checked : one.value]);
  const from = JSON.stringify([form.elements.namedItem("revision")?.value, read()]);
  const notice = document.querySelector("[data-rule-restored]");

  const self = {
    wasRestored: false,
    restore() {
      try {
        const held = JSON.parse(sessionStorage.getItem(key) ?? "null");
        if (!held || held.from !== from) return;
        const fields = controls();
        if (held.values.length !== fields.length) return;
        fields.forEach((one, i) => {
          const [, value] = held.values[i];
          if (one.type === "checkbox") one.checked = value;
          else if (one.type !== "hidden") one.value = value;
        });
        self.wasRestored = true;
        notice.hidden = false;
      } catch {
        // No storage, or another's text in it: then the page shows what is saved.
      }
    },
    keep() {
      try {
        const values = read();
        if (JSON.stringify([form.elements.namedItem("revision")?.value, values]) === from) sessionStorage.removeItem(key);
        else sessionStorage.setItem(key, JSON.stringify({ from, values }));
      } catch {
        // Full or forbidden: editing goes on without.
      }
    },
    drop() {
      try {
        sessionStorage.removeItem(key);
      } catch {
        // Nothing was kept, either.
      }
    },
  };
  return self;
}
