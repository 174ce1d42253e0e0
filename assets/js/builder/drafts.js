// What is being edited survives a reload: kept in this tab, until the form is sent or the page shows something else.

const PREFIX = "gtmops-builder:";

export function draftOf(name, initial) {
  const key = `${PREFIX}${location.pathname}:${name}`;
  const from = JSON.stringify(initial ?? null);

  return {
    // The plain tree kept, or undefined.
    read() {
      try {
        const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
        if (kept && kept.from === from && JSON.stringify(kept.plain) !== from) return kept.plain;
        sessionStorage.removeItem(key);
      } catch {
        // No storage, or another's text in it: then there is no draft.
      }
      return undefined;
    },
    keep(plain) {
      try {
        if (JSON.stringify(plain) === from) sessionStorage.removeItem(key);
        else sessionStorage.setItem(key, JSON.stringify({ from, plain }));
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
}

const HANDED = "gtmops-builder-handed";

// A tree handed to the page that makes a definition of it.
export function hand(tree, object) {
  try {
    sessionStorage.setItem(HANDED, JSON.stringify({ tree, object }));
  } catch {
    // The other page begins empty.
  }
}

// {tree, object} once, or null.
export function takeHanded() {
  try {
    const handed = JSON.parse(sessionStorage.getItem(HANDED) ?? "null");
    sessionStorage.removeItem(HANDED);
    return handed;
  } catch {
    return null;
  }
}
