// Asks the server every few seconds whether it is there, so that an untouched screen says so when
// it is not, in its header, where no answer is. A few bytes, and no touch: the idle clock runs on.
import { nobodyThere } from "./idle.js";

const EVERY_MS = 4000; // with the patience below: known within ten seconds
const PATIENCE_MS = 4000;
const WORKER = "/worker.js";
let asking = false;
let away = false;
let alone = false; // a tablet, whose service worker takes answers without the server
let pending = 0; // answers that it keeps until the server has them
let version = ""; // of the screens that the service worker keeps
let outdated = false; // whether this page was written from another version

const screen = () => document.getElementById("screen");

async function beat() {
  if (asking) return;
  asking = true;
  try {
    const options = { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
    const answer = await fetch("/alive", options);
    if (answer.status >= 500) throw new Error("not yet");
    const said = answer.ok ? await answer.json() : { version };
    ({ away = false, alone = false, pending = 0 } = said);
    if (!away) hear(said);
  } catch {
    away = true;
  }
  asking = false;
  tell();
}

function hear(said) {
  if (screen()?.hasAttribute("data-away")) window.location.replace("/");
  outdated ||= Boolean(version) && said.version !== version;
  if (outdated && nobodyThere()) {
    const resting = screen().hasAttribute("data-rest-screen");
    window.location.replace(resting ? "/rest" : "/");
  }
  if (said.version === version || !navigator.serviceWorker) return;
  version = said.version;
  // Another version is another address, so that the browser installs it with its screens.
  navigator.serviceWorker
    .register(`${WORKER}?v=${version}`, { type: "module", updateViaCache: "none" })
    .then(keepStorage)
    .catch(() => { version = ""; });
}

/** On a tablet the browser is asked not to clear answers away when its disk gets full. */
async function keepStorage() {
  const app = document.querySelector("link[rel=manifest]");
  if (app && !(await navigator.storage.persisted())) await navigator.storage.persist();
}

function tell() {
  const words = screen()?.querySelector(".connection");
  if (words) words.hidden = !away || alone;
  const waiting = screen()?.querySelector(".pending");
  if (!waiting) return;
  waiting.hidden = !alone || (!away && pending === 0);
  waiting.querySelector("b").textContent = String(pending);
}

// What the service worker cannot know of a request: the language of the screen that it came from.
document.addEventListener("htmx:config:request", (event) => {
  const { headers } = event.detail.ctx.request;
  if (headers) headers["x-screen-language"] = screen()?.lang ?? "vi";
});

document.addEventListener("htmx:after:swap", () => {
  tell();
  if (alone) beat(); // one more answer may be waiting
});
setInterval(beat, EVERY_MS);
beat();
