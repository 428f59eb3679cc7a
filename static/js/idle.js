// When nobody touches the screen: a visible countdown, then the start. What was chosen by then is
// sent first, with a field "idle" that says so. A thank-you that nobody has touched yet returns
// sooner: its rating is on disk, and the next visitor waits.
import { say } from "./announce.js";
import { anyMode } from "./modes.js";
import { isOffline } from "./offline.js";

const LAST_SECONDS = 20; // of which the countdown shows each one: WCAG 2.2.1 wants that many
const BOUNCE_MS = 700; // a touch so soon is the end of the one that led here
const SURE_MS = 10_000; // without a touch: nobody stands before the screen
const LONGEST_TOUCH_MS = 10_000; // a finger whose lifting was never told must not stop the clock
let lastTouch = Date.now();
let shown = Date.now(); // since when this screen is there
let untouched = true; // by whoever it is for
let leaving = false;
let finger = false; // while one is down nothing may move under it

const screen = () => document.getElementById("screen");

function stay() {
  lastTouch = Date.now();
}

/** Somebody is there: what would have returned at once waits as long as every screen. */
export function touched() {
  stay();
  if (!untouched || Date.now() - shown < BOUNCE_MS) return;
  untouched = false;
  screen()?.removeAttribute("data-untouched"); // what says how soon it would have returned goes, too
}

function goHome() {
  leaving = true;
  const form = screen().querySelector("form[data-keep]");
  if (form?.getAttribute("action") && form.querySelector("[name=fingerprint]")) {
    sendAsItIs(form);
  } else {
    window.htmx.ajax("GET", "/", { target: "#screen", swap: "outerHTML" });
  }
}

function sendAsItIs(form) {
  if (!form.querySelector("[name=idle]")) {
    const idle = document.createElement("input");
    idle.type = "hidden";
    idle.name = "idle";
    idle.value = "1";
    form.append(idle);
  }
  form.noValidate = true;
  form.requestSubmit();
}

function tick() {
  const now = screen();
  if (isOffline()) {
    stay(); // the whole time is left once the server is back
    now?.querySelector(".countdown")?.setAttribute("hidden", "");
  }
  const held = finger && Date.now() - lastTouch < LONGEST_TOUCH_MS;
  if (!now || leaving || isOffline() || held || atRest(now)) return;
  const limit = Number(now.dataset.untouched ?? now.dataset.idle);
  const left = Math.ceil(limit - (Date.now() - lastTouch) / 1000);
  const countdown = now.querySelector(".countdown");
  if (left <= 0) {
    goHome();
  } else if (countdown) {
    const hidden = left > LAST_SECONDS || "untouched" in now.dataset;
    const begins = countdown.hidden && !hidden;
    countdown.hidden = hidden;
    countdown.querySelector(".countdown-number").textContent = String(left);
    countdown.querySelector("progress").value = left;
    if (begins) say(countdown.querySelector("p").textContent.trim()); // once, not each second
  }
}

/** Whether the start is there for the next visitor, and nobody is about to touch it. */
export function nobodyThere() {
  const now = screen();
  return Boolean(now) && !leaving && !finger && atRest(now) && Date.now() - lastTouch > SURE_MS;
}

// The start in Vietnamese is where everything returns to: nothing to count down there, unless someone
// has set it up for themselves and left.
function atRest(now) {
  return now.hasAttribute("data-start") && now.lang === "vi" && !anyMode();
}

document.addEventListener("htmx:after:swap", () => {
  leaving = false;
  shown = Date.now();
  untouched = true;
  stay();
  tick();
});
for (const kind of ["pointerdown", "keydown", "input", "wheel", "touchmove"]) {
  document.addEventListener(kind, touched, { passive: true, capture: true });
}
for (const [kind, down] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
  document.addEventListener(kind, () => { finger = down; }, { passive: true, capture: true });
}
setInterval(tick, 250);
