// Keeps the last picture on this machine, so that a screen that is started again while the server is away
// shows it with its age. Needs a secure context (https, or the machine itself) for the page; see /sw.js.

// Each picture that is kept is told to every other open page by the browser.
const EVERY_MS = 60_000;
let lastKept = 0;

function key(main) {
  return `kommuncenter:${main.dataset.period}:${main.dataset.view}`;
}

export function keepPicture(main, clock, { atOnce = false } = {}) {
  const now = Date.now();
  if ((!atOnce && now - lastKept < EVERY_MS) || !main.querySelector(".sections:not(.aged)")) return;
  lastKept = now;
  const copy = main.cloneNode(true);
  copy.querySelector("#chart")?.replaceChildren();
  copy.querySelectorAll("details[open]").forEach((details) => details.removeAttribute("open"));
  const kept = { at: main.dataset.at, keptAt: now, clock, html: copy.innerHTML };
  try {
    localStorage.setItem(key(main), JSON.stringify(kept));
  } catch { /* full, or not allowed: then there is nothing to show later */ }
}

export function keptPicture(main) {
  try {
    return JSON.parse(localStorage.getItem(key(main)));
  } catch {
    return null;
  }
}

export function keepPage() {
  navigator.serviceWorker?.register("sw.js").catch(() => {});
}
