// Answers for the board while its server is away: with the page as it was last fetched, marked as kept. The page
// itself then shows the last picture and its age. Everything is asked of the server first.

const CACHE = "kommuncenter-1";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  const path = url.pathname.slice(new URL(self.registration.scope).pathname.length);
  if (request.mode === "navigate" && path === "") event.respondWith(page(request));
  else if (path.startsWith("static/") || path === "theme.css") event.respondWith(asset(request));
});

async function page(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) await keep(request, answer.clone());
    return answer.status >= 500 ? (await kept(request)) || answer : answer;
  } catch (error) {
    const known = await kept(request);
    if (known) return known;
    throw error;
  }
}

async function kept(request) {
  const answer = await (await caches.open(CACHE)).match(request.url);
  if (!answer) return null;
  const html = (await answer.text()).replace("<html ", "<html data-kept ");
  return new Response(html, { headers: answer.headers });
}

async function asset(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) await keep(request, answer.clone());
    return answer;
  } catch (error) {
    const known = await (await caches.open(CACHE)).match(request.url);
    if (known) return known;
    throw error;
  }
}

async function keep(request, answer) {
  await (await caches.open(CACHE)).put(request.url, answer);
}
