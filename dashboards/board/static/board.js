// Keeps the page up to date over server-sent events, until it is paused.
import { drawChart } from "./chart.js";
import { morph } from "./morph.js";

const SILENCE_MS = 35_000;
const main = document.getElementById("main");
const clock = document.getElementById("clock");
const connection = document.getElementById("connection");
const pause = document.getElementById("pause");
const speak = document.getElementById("speak");
const spoken = document.getElementById("spoken");

let paused = false;
let held = null;
let watchdog = 0;

function say(text, state) {
  if (connection.textContent !== text) connection.textContent = text;
  connection.dataset.state = state;
}

function show(message) {
  main.dataset.id = message.id;
  clock.textContent = message.clock;
  morph(main, message.html);
  drawChart();
}

function take(message) {
  if (paused) held = { ...held, ...message };
  else if (message.html) show(message);
  else clock.textContent = message.clock;
}

function alive() {
  clearTimeout(watchdog);
  watchdog = setTimeout(lost, SILENCE_MS);
  if (!paused) say("Uppdateras av sig själv", "live");
}

function lost() {
  if (!paused) say("Ingen kontakt med servern. Försöker igen.", "lost");
}

function listen() {
  const query = new URLSearchParams({ period: main.dataset.period, sedan: main.dataset.id });
  const source = new EventSource(`events?${query}`);
  const receive = (event) => {
    alive();
    take(JSON.parse(event.data));
  };
  source.addEventListener("picture", receive);
  source.addEventListener("pulse", receive);
  source.addEventListener("error", () => {
    lost();
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 5000);
  });
}

pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  if (paused) {
    say(`Pausad. Sidan visar läget kl. ${clock.textContent}.`, "paused");
    return;
  }
  say("Uppdateras av sig själv", "live");
  if (held) take(held);
  held = null;
});

speak.addEventListener("click", () => {
  const summary = document.getElementById("summary");
  spoken.textContent = "";
  requestAnimationFrame(() => {
    spoken.textContent = summary ? summary.textContent : "Det finns inga siffror att visa än.";
  });
  spoken.classList.remove("visually-hidden");
});

pause.hidden = false;
speak.hidden = false;
document.getElementById("reload").hidden = true;
drawChart();
listen();
