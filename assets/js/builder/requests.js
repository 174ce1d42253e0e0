// Calls to the server. A call that a newer one overtakes is dropped.

const token = () => {
  const headers = document.body.getAttribute("hx-headers");
  return headers ? JSON.parse(headers)["X-CSRFToken"] : "";
};

export class Overtaken extends Error {}

// Answers the JSON of a 200; throws Error with words for people otherwise.
export async function post(url, body, signal) {
  let answer;
  try {
    answer = await fetch(url, {
      method: "POST", signal, credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token(), Accept: "application/json" },
      body: JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw new Overtaken();
    throw new Error("gtmops can't be reached. What you entered is kept.");
  }
  if (answer.status === 401 || answer.redirected) throw new Error("You are signed out. Reload the page; what you entered is kept.");
  if (answer.status === 413) throw new Error("That is too large to send.");
  if (!answer.ok) throw new Error("This could not be counted just now.");
  return answer.json();
}

const catalogues = new Map();

export function fetchCatalogue(url) {
  if (!catalogues.has(url)) {
    const asked = fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } }).then((answer) => {
      if (!answer.ok || answer.redirected) throw new Error("The fields could not be loaded.");
      return answer.json();
    });
    asked.catch(() => catalogues.delete(url));
    catalogues.set(url, asked);
  }
  return catalogues.get(url);
}

// Runs `call(signal)` after a pause; a newer one cancels an older, waiting or under way.
export function lastOnly(pause) {
  let timer = 0;
  let running = null;
  return (call) => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      running?.abort();
      const own = new AbortController();
      running = own;
      try {
        await call(own.signal);
      } catch (error) {
        if (!(error instanceof Overtaken)) throw error;
      }
    }, pause);
  };
}
