// Keeps the page up to date over server-sent events, until it is paused.
import { drawChart } from "./chart.js";
import { connect } from "./connection.js";
import { keepPicture, keptPicture, keepPage } from "./keeping.js";
import { morph } from "./morph.js";

const main = document.getElementById("main");
const clock = document.getElementById("clock");
const connection = document.getElementById("connection");
const pause = document.getElementById("pause");
const speak = document.getElementById("speak");
const spoken = document.getElementById("spoken");
const lost = document.getElementById("lost");
const since = document.getElementById("lost-since");
const age = document.getElementById("lost-age");

let paused = false;
let held = null;
let goneAt = null;
let ageing = 0;

function say(text, state) {
  if (connection.textContent !== text) connection.textContent = text;
  connection.dataset.state = state;
}

function show(message) {
  main.dataset.id = message.id;
  if (message.html) showWhole(message);
  else for (const [name, html] of Object.entries(message.parts)) showPart(name, html);
  if (message.html || message.parts.usual) drawChart();
}

function showWhole({ html }) {
  // A server without figures has nothing better than the picture that stands here.
  if (html.includes('class="sections') || !main.querySelector(".sections")) {
    morph(main, html);
    return;
  }
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  showPart("notice", fresh.content.getElementById("part-notice").innerHTML);
  main.querySelector(".sections").classList.add("aged");
}

function showPart(name, html) {
  morph(document.getElementById(`part-${name}`), html);
}

function stamp(message) {
  // The figures of an outage are not of this instant.
  if (!main.querySelector(".sections:not(.aged)")) return;
  clock.textContent = message.clock;
  main.dataset.at = message.at;
}

function take(message) {
  if (paused) held = join(held, message);
  else {
    if (message.html || message.parts) show(message);
    stamp(message);
    keepPicture(main, clock.textContent);
  }
}

function join(earlier, later) {
  if (later.html || !earlier) return later;
  return { ...earlier, ...later, parts: { ...earlier.parts, ...later.parts } };
}

function alive() {
  goneAt = null;
  clearInterval(ageing);
  lost.hidden = true;
  since.textContent = "";
  if (!paused) say("Uppdateras av sig själv", "live");
}

function gone() {
  if (goneAt) return;
  goneAt = new Date();
  if (!paused) say("Ingen kontakt med servern. Försöker igen.", "lost");
  lost.hidden = false;
  const at = goneAt.toLocaleTimeString("sv-SE", { timeZone: "Europe/Stockholm", timeStyle: "short" });
  since.textContent = `Ingen kontakt med servern sedan kl. ${at.replace(":", ".")}. Sidan försöker igen av sig själv.`;
  tellAge();
  ageing = setInterval(tellAge, 15_000);
}

function tellAge() {
  const minutes = Math.floor((Date.now() - goneAt + keptFor()) / 60_000);
  const old = minutes < 1 ? "mindre än en minut gamla"
    : minutes < 120 ? `${minutes} ${minutes === 1 ? "minut" : "minuter"} gamla`
    : `${Math.floor(minutes / 60)} timmar gamla`;
  age.textContent = `Siffrorna är från kl. ${clock.textContent}, ${old}.`;
}

function keptFor() {
  return main.dataset.keptAt ? Math.max(0, goneAt - Number(main.dataset.keptAt)) : 0;
}

function restore() {
  const kept = keptPicture(main);
  if (!kept) return;
  morph(main, kept.html);
  Object.assign(main.dataset, { id: "", at: kept.at, keptAt: kept.keptAt });
  clock.textContent = kept.clock;
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  if (paused) {
    say(`Pausad. Sidan visar läget kl. ${clock.textContent}.`, "paused");
    return;
  }
  say(goneAt ? "Ingen kontakt med servern. Försöker igen." : "Uppdateras av sig själv", goneAt ? "lost" : "live");
  if (held) take(held);
  held = null;
});

speak.addEventListener("click", () => {
  const summary = document.getElementById("part-summary");
  spoken.textContent = "";
  requestAnimationFrame(() => {
    spoken.textContent = summary ? summary.textContent : "Det finns inga siffror att visa än.";
  });
  spoken.classList.remove("visually-hidden");
});

addEventListener("pagehide", () => {
  if (!goneAt) keepPicture(main, clock.textContent, { atOnce: true });
});

pause.hidden = false;
speak.hidden = false;
document.getElementById("reload").hidden = true;
if ("kept" in document.documentElement.dataset) restore();
drawChart();
keepPage();
connect(main, { take, alive, gone });
