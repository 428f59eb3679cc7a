// A step of the full survey whose questions do not fit on the screen is turned like pages, whatever
// the screen's size, the language and the size of the text: nothing scrolls, nothing is covered.
// Turning a page sends the step to itself, so that every answer is on disk, as between two steps.
// Without a script the whole step is there, and scrolls.
const root = document.documentElement;
let questions = []; // those of the step that is shown
let pages = []; // of questions
let page = 0;
let wanted = 0; // the number of the question whose page is shown next; Infinity: the last page

const form = () => document.getElementById("step");

/** Whether these questions are whole on the screen; low, whether one can touch all of them. */
function fit(some) {
  for (const question of questions) question.hidden = !some.includes(question);
  const upper = root.dataset.position === "low" ? root.clientHeight / 2 - 1 : 0;
  return root.scrollHeight <= root.clientHeight && some.every((question) => (
    [...question.querySelectorAll(".answer, input, textarea")]
      .every((one) => one.getBoundingClientRect().top >= upper)
  ));
}

/** As many questions a page as fit, or where that is as few pages, as many on each. */
function split() {
  if (fit(questions)) return [questions];
  const full = [];
  for (const question of questions) {
    const last = full.at(-1);
    if (last && fit([...last, question])) last.push(question);
    else full.push([question]);
  }
  const even = full.map((_, number) => questions.slice(
    Math.round((number * questions.length) / full.length),
    Math.round(((number + 1) * questions.length) / full.length),
  ));
  return even.every(fit) ? even : full;
}

function layOut() {
  if (!form()) return;
  const { step } = form().dataset;
  const [progress, words] = ["progress", ".page-words"].map((one) => form().querySelector(one));
  const [back, more, finish] = ["[value=previous]", "[data-more]", ".actions [value=finish]"]
    .map((one) => form().querySelector(one));
  words.textContent = words.dataset.words; // so that they take their place
  pages = split();
  page = pages.findIndex((some) => some.includes(questions[wanted]));
  if (page < 0) page = wanted ? pages.length - 1 : 0;
  for (const question of questions) question.hidden = !pages[page].includes(question);
  const ends = page === pages.length - 1;
  const first = questions.indexOf(pages[page][0]) + 1;
  const last = first + pages[page].length - 1;
  words.textContent = pages.length === 1 ? "" : words.dataset.words
    .replace("{range}", first === last ? first : `${first}–${last}`)
    .replace("{all}", questions.length);
  progress.value = step - 1 + (page + 1) / pages.length;
  back.hidden = step === "1" && page === 0;
  if (more) {
    more.hidden = ends;
    finish.hidden = !ends;
  }
  tell(words.textContent);
}

/** The title says which page it is; arrive.js reads it and the words when the screen is new. */
function tell(words) {
  const screen = document.getElementById("screen");
  screen.dataset.wholeTitle ??= screen.dataset.title;
  const part = words ? `, ${words} · ` : " · ";
  screen.dataset.title = screen.dataset.wholeTitle.replace(" · ", part);
  document.title = screen.dataset.title;
}

function begin() {
  questions = [...(form()?.querySelectorAll(".questions > *") ?? [])];
  const wrong = questions.findIndex((question) => question.querySelector(".problem"));
  if (wrong >= 0) wanted = wrong;
  layOut();
  document.fonts.ready.then(again);
}

/** The room has changed: the first question that was shown stays so. */
function again() {
  if (!form() || document.activeElement.matches("textarea, input:not([type])")) return; // a keyboard
  wanted = questions.indexOf(pages[page][0]);
  layOut();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("#step button[name=to]");
  if (!button) return;
  const by = { next: 1, finish: 1, previous: -1 }[button.value];
  if (!by) return;
  const other = pages[page + by];
  wanted = by > 0 ? 0 : Infinity;
  if (!other) return;
  wanted = questions.indexOf(other[0]);
  button.value = form().dataset.step; // the same step once more
}, { capture: true });

document.addEventListener("htmx:after:swap", begin);
// In the next frame: in that of the change Chromium still counts with the units of the old view.
window.addEventListener("resize", () => requestAnimationFrame(again));
new MutationObserver(again).observe(root, { attributeFilter: ["data-text", "data-contrast", "data-position"] });
begin();
