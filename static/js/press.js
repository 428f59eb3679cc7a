// Touches, read by ourselves. A browser drops those that slide, last or come with a second finger;
// here each counts for what it began on, at once to be seen, and once. Mouse and keyboard, fields
// to type in and scrolling stay the browser's.
import { say } from "./announce.js";
import { rests, watch } from "./steady.js";

// 12 mm. A page is not told how large its pixels are: a CSS pixel is 1/96 inch by name, whatever
// devicePixelRatio says, and 1/149 inch on the densest panel we name, 10.1 inches of 1280 × 800.
const REACH = Math.ceil((12 / 25.4) * 149);
const SEEN_MS = 150; // so long a press is seen, however short it was
const ASKED_MS = 6000;
const TARGETS = "a[href], button, label, summary";
const TYPED = "textarea, select, input:not([type=radio], [type=checkbox])";
const presses = new Map(); // by the number of their finger

/** What answers of one question share: of those only one can be meant. */
function question(target) {
  const control = target.control ?? target;
  const face = control.type === "radio" || control.name === "rating";
  return face && control.form ? `${control.form.id} ${control.name}` : null;
}

function begin(event) {
  watch(); // before anything counts: the screen may have moved since it was last looked at
  const down = new Set([...event.touches].map((touch) => touch.identifier));
  for (const [finger, press] of presses) {
    if (!down.has(finger)) release(finger, press); // its end was never told
  }
  for (const touch of event.changedTouches) {
    const target = touch.target.closest?.(TARGETS);
    if (!target || target.disabled || (target.control ?? target).matches(TYPED)) continue;
    const press = { target, question: question(target), x: touch.clientX, y: touch.clientY };
    press.void = rests(target) || collides(press);
    presses.set(touch.identifier, press);
    if (!press.void) show(press, true);
  }
}

/** Whether other fingers leave a press without meaning; two answers at once void each other. */
function collides(press) {
  const others = [...presses.values()];
  const answers = others.filter((other) => other.question);
  if (!press.question) return answers.length > 0; // a palm, beside the finger that answers
  for (const other of others) {
    if (!other.question) cancel(other); // that was the palm
  }
  const rivals = answers.filter((other) => other.question === press.question);
  if (rivals.length === 0) return false;
  if (rivals.some((other) => other.void || other.target !== press.target)) {
    rivals.forEach(cancel);
    askAgain();
  }
  return true; // with the same target the first finger counts
}

function move(event) {
  let held = false;
  for (const touch of event.changedTouches) {
    const press = presses.get(touch.identifier);
    if (!press) continue;
    if (!press.void) show(press, reaches(press, touch));
    held ||= reaches(press, touch);
  }
  // Within reach it is a press and scrolls nothing.
  if (held && event.cancelable) event.preventDefault();
}

function end(event) {
  for (const touch of event.changedTouches) {
    const press = presses.get(touch.identifier);
    if (!press) continue;
    release(touch.identifier, press);
    if (event.cancelable) event.preventDefault(); // the browser's own click would be the second
    if (!press.void && reaches(press, touch) && press.target.isConnected) press.target.click();
  }
}

/** Whether a finger is near where it began, or still on what it began on. */
function reaches(press, touch) {
  const box = press.target.getBoundingClientRect();
  return Math.hypot(touch.clientX - press.x, touch.clientY - press.y) <= REACH
    || (touch.clientX >= box.left && touch.clientX <= box.right
      && touch.clientY >= box.top && touch.clientY <= box.bottom);
}

function show(press, down) {
  press.target.classList.toggle("pressed", down);
}

function cancel(press) {
  press.void = true;
  show(press, false);
}

function release(finger, press) {
  presses.delete(finger);
  setTimeout(() => {
    const others = [...presses.values()];
    if (!others.some((other) => other.target === press.target)) show(press, false);
  }, SEEN_MS);
}

/** Where the lead or a notice stands, which has room for it: nothing moves, nothing is covered. */
function askAgain() {
  const line = document.querySelector("main .notice, main .lead");
  const request = document.querySelector("[data-one-face]")?.dataset.oneFace;
  if (!line || !request || line.classList.contains("asked-again")) return;
  const words = line.textContent;
  line.style.minHeight = `${line.getBoundingClientRect().height}px`;
  line.textContent = request;
  line.classList.add("asked-again");
  say(request);
  setTimeout(() => {
    line.textContent = words;
    line.classList.remove("asked-again");
  }, ASKED_MS);
}

const capture = true;
document.addEventListener("touchstart", begin, { capture, passive: true });
document.addEventListener("touchmove", move, { capture, passive: false });
document.addEventListener("touchend", end, { capture, passive: false });
document.addEventListener("touchcancel", (event) => {
  for (const touch of event.changedTouches) {
    const press = presses.get(touch.identifier);
    if (press) { cancel(press); release(touch.identifier, press); }
  }
}, { capture, passive: true });
document.addEventListener("scroll", () => presses.forEach(cancel), { capture, passive: true });

// What a browser makes of a touch itself may lie beside the finger, and is a second click.
document.addEventListener("click", (event) => {
  // A label passes its click on to its own input.
  if (!event.isTrusted || event.target.matches("input, select, textarea")) return;
  watch();
  const typed = event.target.closest("label")?.control?.matches(TYPED);
  const touched = event.pointerType === "touch" && !typed;
  if (touched || (event.detail > 0 && rests(event.target))) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, { capture });

// Held long, a link would be dragged, and the drag would end the touch.
document.addEventListener("dragstart", (event) => event.preventDefault());
document.addEventListener("contextmenu", (event) => event.preventDefault());
