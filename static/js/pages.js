// What does not fit on the screen, questions with their answers or tiles, is turned like pages,
// whatever the screen's size, the language and the helps: nothing scrolls, nothing is covered.
// Turning a page of the full survey sends its step to itself, so that every answer is on disk, as
// between two steps. Without a script everything is there, and scrolls.
import { say } from "./announce.js";

const TARGETS = "main :is(a, button, textarea, .answer, .number input):not(.visually-hidden)";
const APART = 8; // pixels between the lowest of them and the row of helps
const root = document.documentElement;
let parts = []; // questions or tiles of the screen that is shown
let pages = []; // of parts
let page = 0;
let wanted = 0; // the number of the part whose page is shown next; Infinity: the last page

const screen = () => document.getElementById("screen");
const step = () => document.getElementById("step");
const turns = () => screen().querySelectorAll("[data-turn]");

/** Whether these parts are whole on the screen; low, whether one can touch all of them. */
function fit(some) {
  for (const part of parts) part.hidden = !some.includes(part);
  const low = root.dataset.position === "low";
  // There the buttons of the thank-you stand below the answers of one question, not of two.
  if (low && !step() && some.filter((one) => one.matches(".question:not(.comment)")).length > 1) {
    return false;
  }
  const upper = low ? root.clientHeight / 2 - 1 : 0;
  const lower = screen().querySelector(".tools")?.getBoundingClientRect().top || Infinity;
  return root.scrollHeight <= root.clientHeight && [...screen().querySelectorAll(TARGETS)]
    .filter((one) => one.checkVisibility())
    .map((one) => one.getBoundingClientRect())
    .every((box) => box.top >= upper && box.bottom <= lower - APART);
}

/** As many parts a page as fit, or where that is as few pages, as many on each. */
function split() {
  for (const one of turns()) one.hidden = true;
  if (fit(parts)) return [parts];
  for (const one of turns()) one.hidden = false; // so that they take their place
  const full = [];
  for (const part of parts) {
    const last = full.at(-1);
    if (last && fit([...last, part])) last.push(part);
    else full.push([part]);
  }
  const even = full.map((_, number) => parts.slice(
    Math.round((number * parts.length) / full.length),
    Math.round(((number + 1) * parts.length) / full.length),
  ));
  return even.every(fit) ? even : full;
}

function layOut() {
  const first = parts[wanted];
  // Those that are shown at all: pictures alone ask for no comment.
  parts = [...screen().querySelectorAll(".question, .tile:not(.everywhere, [data-turn])")];
  for (const part of parts) part.hidden = false;
  parts = parts.filter((part) => getComputedStyle(part).display !== "none");
  if (!parts.length) { pages = []; return; }
  if (first) wanted = Math.max(0, parts.indexOf(first));
  const words = step()?.querySelector(".page-words");
  if (words) words.textContent = words.dataset.words;
  pages = split();
  page = pages.findIndex((some) => some.includes(parts[wanted]));
  if (page < 0) page = wanted ? pages.length - 1 : 0;
  show();
}

function show() {
  for (const part of parts) part.hidden = !pages[page].includes(part);
  const ends = page === pages.length - 1;
  for (const one of turns()) {
    one.hidden = one.dataset.turn === "-1" ? page === 0 : ends;
    for (const number of one.querySelectorAll("[data-number]")) {
      number.textContent = `${page + 1}/${pages.length}`;
    }
  }
  const survey = screen().querySelector("[name=then][value=survey]");
  if (survey) survey.hidden = !ends;
  if (step()) showStep(ends);
}

function showStep(ends) {
  const words = step().querySelector(".page-words");
  const [back, more, finish] = ["[value=previous]", "[data-more]", ".actions [value=finish]"]
    .map((one) => step().querySelector(one));
  const first = parts.indexOf(pages[page][0]) + 1;
  const last = first + pages[page].length - 1;
  words.textContent = pages.length === 1 ? "" : words.dataset.words
    .replace("{range}", first === last ? first : `${first}–${last}`)
    .replace("{all}", parts.length);
  const { step: number } = step().dataset;
  step().querySelector("progress").value = number - 1 + (page + 1) / pages.length;
  back.hidden = number === "1" && page === 0;
  if (more) {
    more.hidden = ends;
    finish.hidden = !ends;
  }
  tell(words.textContent);
}

/** The title says which page it is; arrive.js reads it and the words when the screen is new. */
function tell(words) {
  screen().dataset.wholeTitle ??= screen().dataset.title;
  const part = words ? `, ${words} · ` : " · ";
  screen().dataset.title = screen().dataset.wholeTitle.replace(" · ", part);
  document.title = screen().dataset.title;
}

function begin() {
  parts = [...screen().querySelectorAll(".question")];
  const wrong = parts.findIndex((part) => part.querySelector(".problem"));
  if (wrong >= 0) wanted = wrong;
  else if (!step()) wanted = 0;
  layOut();
  document.fonts.ready.then(again);
}

/** The room has changed: the first part that was shown stays so. */
function again() {
  if (!pages.length || document.activeElement.matches("textarea, input:not([type])")) return; // a keyboard
  wanted = parts.indexOf(pages[page][0]);
  layOut();
}

function turn(by) {
  page = Math.max(0, Math.min(page + by, pages.length - 1));
  show();
  screen().querySelector("h1").focus({ preventScroll: true }); // the button may be gone
  say(`${page + 1}/${pages.length}`);
}

document.addEventListener("click", (event) => {
  const turned = event.target.closest?.("[data-turn]");
  if (turned) turn(Number(turned.dataset.turn));
  const button = event.target.closest?.("#step button[name=to]");
  if (!button) return;
  const by = { next: 1, finish: 1, previous: -1 }[button.value];
  if (!by) return;
  const other = pages[page + by];
  wanted = by > 0 ? 0 : Infinity;
  if (!other) return;
  wanted = parts.indexOf(other[0]);
  button.value = step().dataset.step; // the same step once more
}, { capture: true });

document.addEventListener("htmx:after:swap", begin);
// In the next frame: in that of the change Chromium still counts with the units of the old view.
window.addEventListener("resize", () => requestAnimationFrame(again));
new MutationObserver(again).observe(root, {
  attributeFilter: ["data-text", "data-contrast", "data-position", "data-pictures", "data-hand"],
});
begin();
