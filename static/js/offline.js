// A press that the server did not get: cover the screen, ask until it answers, then
// send again. A tap carries its own id, so sending it twice counts once.
const RETRY_MS = 1500;
let unsent = null; // the element whose request failed, and the button that sent it

const cover = () => document.getElementById("offline");

/** Whether the screen waits for the server. */
export function isOffline() {
  return unsent !== null;
}

function lost(event) {
  const ctx = event.detail?.ctx;
  if (!ctx?.sourceElement || ctx.response) return;
  // Nobody waits for the staff corner: the service worker has a start, or says that nobody answers.
  const { pathname } = new URL(ctx.request.action, window.location);
  if (pathname.startsWith("/staff") && navigator.serviceWorker?.controller) {
    window.location.replace("/");
    return;
  }
  unsent = { source: ctx.sourceElement, submitter: ctx.request?.submitter ?? null };
  // What nobody pressed, such as the clock's way to the start, waits without covering an answer.
  if (ctx.sourceElement.matches("form, a")) cover().hidden = false;
  setTimeout(ask, RETRY_MS);
}

async function ask() {
  if (!unsent) return;
  try {
    const answer = await fetch("/status", { cache: "no-store" });
    // 503 is the kiosk's own word too: it is back, and its page will say what is wrong.
    if (![200, 503].includes(answer.status)) throw new Error("not yet");
  } catch {
    setTimeout(ask, RETRY_MS);
    return;
  }
  const { source, submitter } = unsent;
  unsent = null;
  cover().hidden = true;
  sendAgain(source, submitter);
}

function sendAgain(source, submitter) {
  if (!source.isConnected) {
    window.location.assign("/");
  } else if (source.matches("form")) {
    source.requestSubmit(submitter?.isConnected ? submitter : undefined);
  } else if (source.matches("a")) {
    source.click();
  } else {
    window.htmx.ajax("GET", "/", { target: "#screen", swap: "outerHTML" });
  }
}

document.addEventListener("htmx:error", lost);
