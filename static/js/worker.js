// The service worker of the touch screen: Chromium's own error page never stays on a kiosk. While
// the server does not answer it shows a screen of ours, which leads on when the server is back.
// Where the settings have tablets it goes on by itself: tablet.js.
import * as tablet from "/static/js/tablet.js";

const VERSION = new URL(self.location).searchParams.get("v") ?? "";
const TABLET = VERSION.startsWith("tablet-");
const CACHE = `hailong-${VERSION}`;
const SCREENS = "/screens.json";
const PAGE_MS = 8000; // a server that takes a connection and says nothing is away as well
const AWAY = [502, 504]; // what a reverse proxy says while nobody is behind it
const TOUCH = /^\/(rate(\/\w+)?|follow-up|thanks|choose-again|farewell|rest|survey\/[\w-]+\/\d+)?$/;
const VOICE = /^\/centre\/voices\//;
const TAP_MS = 4000; // nobody waits longer for a tap
const FILE_MS = 2000;
const PULSE_MS = 3000; // shorter than heartbeat.js waits
let content = null; // what SCREENS says, once it was read
let away = false; // the server did not answer a moment ago

self.addEventListener("install", (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOthers().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (/^\/(static|centre)\//.test(url.pathname)) event.respondWith(file(request));
  else if (TABLET && url.pathname === "/alive") event.respondWith(pulse(event));
  else if (TABLET && TOUCH.test(url.pathname)) event.respondWith(touch(event, url));
  else if (request.mode === "navigate" && !url.pathname.startsWith("/f/")) event.respondWith(page(request));
});

/** Keep the screens and every file that they need; all or, where one is missing, nothing. */
async function fill() {
  const answer = await fetch(SCREENS, { cache: "no-store" });
  if (!answer.ok) throw new Error(`${SCREENS}: ${answer.status}`);
  const cache = await caches.open(CACHE);
  const kept = await answer.clone().json();
  const seen = new Set();
  const keep = async (address) => {
    if (seen.has(address)) return;
    seen.add(address);
    const got = await fetch(address, { cache: "no-cache" });
    if (!got.ok && VOICE.test(address)) return; // that text is not read then
    if (!got.ok) throw new Error(`${address}: ${got.status}`);
    await cache.put(address, got.clone());
    const needed = /\.(css|js)(\?|$)/.test(address) ? neededBy(address, await got.text()) : [];
    await Promise.all(needed.map(keep));
  };
  await Promise.all(kept.assets.map(keep));
  await cache.put(SCREENS, answer);
}

/** The addresses of fonts and pictures in a stylesheet, and of the modules that a script imports. */
function neededBy(address, text) {
  const path = address.split("?")[0];
  let found = [];
  if (path.endsWith(".css")) found = [...text.matchAll(/url\(["']?([^"')]+\.(?:woff2|svg))["']?\)/g)];
  if (path.endsWith(".js") && !path.includes("/vendor/")) {
    found = [...text.matchAll(/(?:^(?:import|export)\b[^"'\n]*|\bimport\()["']([^"']+)["']/gm)];
  }
  const base = new URL(address, self.location);
  return found.map(([, relative]) => new URL(relative, base)).map((url) => url.pathname + url.search);
}

async function forgetOthers() {
  const names = (await caches.keys()).filter((name) => name.startsWith("hailong-") && name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
}

/** A file: the kept one where its address names its content, else the server's if it answers. */
async function file(request) {
  const kept = await caches.match(request, { cacheName: CACHE });
  if (!kept) return fetch(request);
  const lasting = /[?&]v=|\/vendor\/|\/voices\//.test(request.url);
  return lasting || away ? kept : (await ask(request, FILE_MS)) ?? kept;
}

/** What is kept to be shown. */
function screens() {
  content ??= caches.match(SCREENS, { cacheName: CACHE }).then((kept) => kept.json());
  content.catch(() => { content = null; });
  return content;
}

/** The server's answer, or null where nobody is there. */
async function ask(request, patience) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(patience) });
    return AWAY.includes(answer.status) ? null : answer;
  } catch {
    return null;
  }
}

async function page(request) {
  const answer = await ask(request, PAGE_MS);
  if (answer) return answer;
  const kept = await screens();
  return html(request, kept, kept.screens.vi.away, "vi");
}

/** A heartbeat: a tablet's is always answered, and brings what is kept to the server. */
async function pulse(event) {
  const answer = await ask("/alive", PULSE_MS);
  const said = answer?.ok ? await answer.json() : { version: VERSION };
  away = !answer?.ok;
  const kept = tablet.finishExpired().then(() => (away ? null : tablet.deliver(said.version)));
  event.waitUntil(kept.catch(() => {})); // tried again with the next one
  const pending = await tablet.pending().catch(() => 0);
  return Response.json({ ...said, away, pending, alone: true });
}

/** A request of the touch screen: for the server, or on a tablet without one for tablet.js. */
async function touch(event, url) {
  const { request } = event;
  const form = request.method === "POST" ? new URLSearchParams(await request.clone().text()) : null;
  // Whoever asks for a screen anew has ended the visit before.
  if (!form) await tablet.finishAll().catch(() => {});
  const ours = form && (await tablet.isOurs(url, form).catch(() => false));
  if (!away && !ours) {
    const answer = await ask(request, TAP_MS);
    away = !answer;
    // 503: it could store nothing, which is no reason for a tablet not to.
    if (answer && answer.status !== 503) return answer;
  }
  const kept = await screens();
  const language = languageOf(kept, request, url);
  const { screen, status } = await tablet.respond(kept, url, form, language);
  return html(request, kept, screen, language, status);
}

/** The language of a screen: of the link, else of the screen before; each visitor begins in "vi". */
function languageOf(kept, request, url) {
  const before = url.pathname === "/" ? "vi" : request.headers.get("x-screen-language");
  const wish = url.searchParams.get("lang") ?? before;
  return wish in kept.screens ? wish : "vi";
}

function html(request, kept, screen, language, status = 200) {
  const part = request.headers.get("hx-request-type") === "partial";
  const text = part ? screen : kept.pages[language].replace("@screen@", () => screen);
  const headers = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
  return new Response(text, { status, headers });
}
