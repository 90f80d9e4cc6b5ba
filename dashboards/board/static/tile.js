// Keeps a tile up to date: asks for its page again now and then, until it is paused.
import { morph } from "./morph.js";

const EVERY_MS = 10_000;
const tile = document.getElementById("tile");
const lost = document.getElementById("tile-lost");
const pause = document.getElementById("pause");
let paused = false;

async function refresh() {
  if (paused || document.hidden) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    morph(tile, fresh.getElementById("tile").innerHTML);
    if (lost.textContent) lost.textContent = "";
  } catch {
    const text = "Ingen kontakt med servern. Siffran är gammal.";
    if (lost.textContent !== text) lost.textContent = text;
  }
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  refresh();
});

pause.hidden = false;
setInterval(refresh, EVERY_MS);
