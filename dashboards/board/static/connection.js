// Listens to the board's events; tells of every sign of life, of every picture, and when the server is gone.

const SILENCE_MS = 35_000;
const AGAIN_MS = 5_000;

export function connect(main, { take, alive, gone }) {
  let watchdog = 0;

  function heard(event) {
    clearTimeout(watchdog);
    watchdog = setTimeout(gone, SILENCE_MS);
    alive();
    take(JSON.parse(event.data));
  }

  function listen() {
    const { period, view, id } = main.dataset;
    const query = new URLSearchParams({ period, vy: view, sedan: id });
    const source = new EventSource(`events?${query}`);
    source.addEventListener("picture", heard);
    source.addEventListener("pulse", heard);
    source.addEventListener("error", () => {
      gone();
      if (source.readyState === EventSource.CLOSED) setTimeout(again, AGAIN_MS);
    });
  }

  // An answer that is no stream ends an EventSource for good: try anew, or ask for a login.
  async function again() {
    try {
      const answer = await fetch("inloggad", { cache: "no-store" });
      if (answer.status === 401) {
        location.reload();
        return;
      }
    } catch { /* the server is still away */ }
    listen();
  }

  listen();
}
