// What lay under a finger is still that, or nothing: whatever has just appeared, moved or come to
// light takes no touch for a moment. So no press that was aimed at one thing can hit another.

const MOMENT_MS = 350; // a finger is on its way for less than 300
const NEAR = 5; // pixels, less than any two things are apart: what moves so little stays itself
// A keyboard's keys change together under quick fingers: it is one thing. A veil is none to press,
// but where it lay something else comes to light. A resting screen wakes at once: it chooses nothing.
const THINGS = "a[href]:not(.wake), button, label, summary, select, textarea, .number input, [data-keys], .veil";
let before = new Map(); // each thing on the screen, and its rectangle

function look() {
  const now = new Map();
  for (const thing of document.querySelectorAll(THINGS)) {
    const box = thing.getBoundingClientRect();
    if (box.width > 1 && !thing.parentElement.closest("[data-keys]")) now.set(thing, box);
  }
  return now;
}

const same = (a, b) => a !== undefined && b !== undefined
  && ["left", "top", "right", "bottom"].every((side) => Math.abs(a[side] - b[side]) < NEAR);

const overlap = (a, b) => a.left < b.right - 1 && b.left < a.right - 1
  && a.top < b.bottom - 1 && b.top < a.bottom - 1;

/** Compare the screen with what it was, and let rest what is new at its place. */
export function watch() {
  const now = look();
  const left = [...before].filter(([thing, box]) => !same(box, now.get(thing))).map(([, box]) => box);
  for (const [thing, box] of now) {
    const old = before.get(thing);
    if (!same(old, box) || left.some((other) => overlap(other, box))) rest(thing);
    else now.set(thing, old); // many small steps are a large one
  }
  before = now;
}

function rest(thing) {
  // Not a rule of a stylesheet: an animation begins anew each time, and neither reduced motion nor
  // a timer that comes late shortens it.
  thing.animate({ pointerEvents: ["none", "none"] }, MOMENT_MS);
}

/** Whether an element takes no touch at this moment. */
export function rests(element) {
  return getComputedStyle(element).pointerEvents === "none";
}

// A change by a script is seen before any other event can come.
new MutationObserver(watch).observe(document, {
  attributes: true, characterData: true, childList: true, subtree: true,
});
new ResizeObserver(watch).observe(document.body);
window.addEventListener("resize", watch);
document.addEventListener("scroll", watch, { capture: true, passive: true });
document.addEventListener("transitionend", watch);
document.fonts.addEventListener("loadingdone", watch);
watch();
