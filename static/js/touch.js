// The touch screen's clock, its patience when the server is away, and nothing else.
// Every form works without this file; taps carry their own id, so sending one again is safe.
(() => {
  "use strict";
  const LAST_SECONDS = 15;
  const RETRY_MS = 1500;
  let lastTouch = Date.now();
  let leaving = false;
  let finger = false; // while one is down nothing may move under it
  let waiting = null; // what the network failed to deliver

  const screen = () => document.getElementById("screen");
  const offline = () => document.getElementById("offline");

  // -- idle: a visible countdown, then the start; what was chosen is sent first ------------
  function stay() {
    lastTouch = Date.now();
  }

  function goHome() {
    leaving = true;
    const form = screen().querySelector("form[data-keep]");
    const action = form?.getAttribute("action") ?? "";
    if (form && form.querySelector("[name=fingerprint]") && action) {
      if (!form.querySelector("[name=idle]")) {
        const idle = document.createElement("input");
        idle.type = "hidden";
        idle.name = "idle";
        idle.value = "1";
        form.append(idle);
      }
      form.noValidate = true;
      form.requestSubmit();
    } else {
      window.htmx.ajax("GET", "/", { target: "#screen", swap: "outerHTML" });
    }
  }

  function tick() {
    const now = screen();
    // A finger whose lifting was never told must not keep the screen for ever.
    const touched = finger && Date.now() - lastTouch < 10_000;
    if (!now || leaving || waiting || touched || atRest(now)) return;
    const left = Math.ceil(Number(now.dataset.idle) - (Date.now() - lastTouch) / 1000);
    const box = now.querySelector(".countdown");
    if (left <= 0) {
      goHome();
    } else if (box) {
      box.hidden = left > LAST_SECONDS;
      box.querySelector(".countdown-number").textContent = String(left);
      box.querySelector("progress").value = left;
    }
  }

  // The start in Vietnamese is where everything returns to: nothing to count down there.
  function atRest(now) {
    return now.hasAttribute("data-start") && now.lang === "vi";
  }

  // -- the server is away: cover the screen, ask until it answers, then send again ----------
  function lost(event) {
    const ctx = event.detail?.ctx;
    if (!ctx?.sourceElement || ctx.response) return;
    waiting = { source: ctx.sourceElement, submitter: ctx.request?.submitter ?? null };
    offline().hidden = false;
    setTimeout(ask, RETRY_MS);
  }

  async function ask() {
    if (!waiting) return;
    try {
      const answer = await fetch("/status", { cache: "no-store" });
      // 503 is the kiosk's own word too: it is back, and its page will say what is wrong.
      if (![200, 503].includes(answer.status)) throw new Error("not yet");
    } catch {
      setTimeout(ask, RETRY_MS);
      return;
    }
    const { source, submitter } = waiting;
    waiting = null;
    offline().hidden = true;
    lastTouch = Date.now();
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
  document.addEventListener("htmx:after:swap", () => {
    leaving = false;
    lastTouch = Date.now();
    const now = screen();
    if (now) {
      document.documentElement.lang = now.lang;
      document.title = now.dataset.title;
    }
    window.scrollTo(0, 0);
    tick();
  });
  for (const kind of ["pointerdown", "keydown", "input", "wheel", "touchmove"]) {
    document.addEventListener(kind, stay, { passive: true, capture: true });
  }
  for (const [kind, down] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
    document.addEventListener(kind, () => { finger = down; }, { passive: true, capture: true });
  }
  document.addEventListener("contextmenu", (event) => event.preventDefault());
  // A page brought back by the Back button would carry the last visitor's ids.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.assign("/");
  });
  setInterval(tick, 250);
})();
