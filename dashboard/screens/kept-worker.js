// The worker of a kept screen: the network first, always; where there is none, the shell of the page as it was last
// served. It keeps no number, no ticket and nothing that anybody posts. A cache belongs to one version of the pages.

const PAGES = "VERSION";
const KEPT = "SCREENS"; // Addresses of the screens that are kept.
const CACHE = `citywall-${PAGES}`;
const PATIENCE = 4000; // ms the network is waited for where something is kept
const STATIC = /^\/(assets\/|_dash-component-suites\/|shapes\/)/;
const HASHED = /[?&][mv]=\w|\.v[\w-]+m\d+\.|\/_dash-v\w+\//; // Addresses that are another whenever their content is.

const screenOf = (path) => KEPT.find((one) => path === one || path.startsWith(`${one}/_dash-`));
const plain = (url) => (KEPT.includes(url.pathname) ? url.pathname : url.pathname + url.search);

async function keep(cache, address, answer) {
  if (answer.ok && answer.type === "basic" && !answer.redirected) await cache.put(address, answer);
}

// What a screen's page loads, page and layout included, as the page itself says.
async function fill() {
  const cache = await caches.open(CACHE);
  for (const screen of KEPT) {
    const answer = await fetch(screen, { cache: "no-store" });
    if (!answer.ok || answer.redirected) throw new Error(`${screen}: ${answer.status}`);
    const text = await answer.clone().text();
    await keep(cache, screen, answer);
    const found = [...text.matchAll(/\b(?:src|href)="(\/[^"]+)"/g)].map((one) => one[1].replaceAll("&amp;", "&"));
    const map = /<script type="importmap">(.*?)<\/script>/s.exec(text);
    if (map) found.push(...Object.values(JSON.parse(map[1]).imports));
    const mine = [...new Set(found)].filter((path) => STATIC.test(path) || screenOf(path));
    await Promise.all(mine.map(async (path) => {
      const one = await fetch(path);
      if (!one.ok) throw new Error(`${path}: ${one.status}`);
      await keep(cache, path, one);
    }));
  }
}

self.addEventListener("install", (event) => event.waitUntil(fill().then(() => self.skipWaiting())));

self.addEventListener("activate", (event) => event.waitUntil((async () => {
  for (const name of await caches.keys()) if (name.startsWith("citywall-") && name !== CACHE) await caches.delete(name);
  await self.clients.claim();
})()));

// Whoever may not see the page any more must not see it from here either.
async function forget() {
  for (const name of await caches.keys()) await caches.delete(name);
  for (const client of await self.clients.matchAll()) client.postMessage("forget");
}

async function networkFirst(request, address, event) {
  const cache = await caches.open(CACHE);
  const known = await cache.match(address, { ignoreVary: true });
  const asked = fetch(request).then(async (answer) => {
    if (answer.status === 401 || answer.status === 403) await forget();
    else await keep(cache, address, answer.clone());
    return answer;
  });
  if (!known) return asked;
  event.waitUntil(asked.catch(() => null));
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE, null));
  const answer = await Promise.race([asked.catch(() => null), late]);
  return answer === null || answer.status >= 500 ? known : answer;
}

async function keptFirst(request, address) {
  const cache = await caches.open(CACHE);
  const known = await cache.match(address, { ignoreVary: true });
  if (known) return known;
  const answer = await fetch(request);
  await keep(cache, address, answer.clone());
  return answer;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  const address = plain(url);
  if (request.mode === "navigate") {
    if (KEPT.includes(url.pathname)) event.respondWith(networkFirst(request, address, event));
    return;
  }
  if (!STATIC.test(url.pathname) && !screenOf(url.pathname)) return;
  if (HASHED.test(address)) event.respondWith(keptFirst(request, address));
  else event.respondWith(networkFirst(request, address, event));
});
