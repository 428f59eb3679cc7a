// The start that nobody touches: after a while it rests, and what stands still moves by a few
// pixels, so that it does not burn into the panel. A touch on the resting screen leads to the
// start and can rate nothing: there is no face under it.
const AGAIN_MS = 5 * 60_000; // hours begin and end, and the address in the QR code may change
const SHIFT_MS = 60_000;
// Up and to the left only: to the right or down something could be scrolled to.
const SHIFTS = [[0, 0], [-2, -1], [-4, -2], [-3, -4], [-1, -3]];
let since = Date.now(); // of the last touch, or of the resting screen
let shift = 0;
let shifted = Date.now();

const screen = () => document.getElementById("screen");
const resting = () => screen().hasAttribute("data-rest-screen");
const atStart = () => screen()?.hasAttribute("data-start") && screen().lang === "vi";

function tick() {
  if (!atStart()) {
    since = Date.now();
    return;
  }
  const still = Date.now() - since;
  if (still >= SHIFT_MS && Date.now() - shifted >= SHIFT_MS) move();
  const patience = resting() ? AGAIN_MS : 1000 * Number(document.body.dataset.rest);
  if (patience && still >= patience) {
    since = Date.now();
    window.htmx.ajax("GET", "/rest", { target: "#screen", swap: "outerHTML" });
  }
}

function move() {
  shifted = Date.now();
  shift = (shift + 1) % SHIFTS.length;
  const [x, y] = SHIFTS[shift];
  document.documentElement.style.setProperty("--shift", `${x}px ${y}px`);
}

for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"]) {
  document.addEventListener(kind, () => { since = Date.now(); }, { passive: true, capture: true });
}
setInterval(tick, 1000);
