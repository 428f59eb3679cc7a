// Ballots typed by number keys alone: each key is one of the boxes on the paper. What is typed
// stays on the page until the server has said that it is stored.
const PATIENCE = 15_000; // milliseconds until an answer counts as lost
const START = { passive: true };

let form, steps, at, sending = false, waiting = [];

function begin() {
  form = document.getElementById("ballot");
  if (!form) return;
  steps = [...form.querySelectorAll("[data-step]")];
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  form.addEventListener("focusin", ({ target }) => {
    if (steps.includes(target)) { at = steps.indexOf(target); mark(); }
  });
  steps.forEach(said);
  if (form.elements.comment && !form.elements.comment.value) form.elements.comment.closest(".asked").hidden = true;
  const first = steps.findIndex((step) => step.dataset.step !== "serial" || !step.value);
  const gap = steps.findIndex((step) => !step.value);
  go("gaps" in form.dataset ? gap : first);
}

function go(to) {
  at = Math.min(Math.max(to, 0), steps.length - 1);
  steps[at].focus({ preventScroll: true });
  steps[at].closest(".asked, .acts").scrollIntoView({ block: "nearest" });
  mark();
}

function mark() {
  form.querySelectorAll(".now").forEach((one) => one.classList.remove("now"));
  steps[at].closest(".asked, .acts").classList.add("now");
}

// Says which answers the keys of a step stand for.
function said(step) {
  const out = step.closest(".asked")?.querySelector("output");
  if (!out || step.dataset.step === "serial" || step.dataset.step === "number") return;
  const texts = keysOf(step).map((key) => choiceOf(step, key)?.textContent.trim() ?? key);
  out.textContent = texts.join("; ");
}

function keysOf(step) {
  const width = Number(step.dataset.width);
  return step.value.match(new RegExp(`.{1,${width}}`, "g")) ?? [];
}

function choiceOf(step, key) {
  return step.closest("fieldset").querySelector(`.keys [data-key="${key}"]`);
}

function tell(text) {
  const place = form.querySelector(".ballot-said");
  place.textContent = text;
  place.hidden = !text;
}

// Whether the last digit of a serial is the check digit of those before it; see serials.py.
function checks(digits) {
  const table = form.dataset.damm.split(" ");
  return [...form.dataset.batch, ...digits].reduce((interim, digit) => table[interim][digit], "0") === "0";
}

const empty = () => steps.every((step) => ["serial", "send"].includes(step.dataset.step) || !step.value)
  && !form.elements.comment?.value;

function outcome(value) {
  form.elements.outcome.value = value;
  if (value) {
    for (const step of steps) {
      if (!["serial", "send"].includes(step.dataset.step)) { step.value = ""; said(step); }
    }
    tell(value === "blank" ? form.dataset.blank : form.dataset.invalid);
    go(steps.length - 1);
  } else tell("");
}

function digit(step, key) {
  const { step: kind } = step.dataset;
  const width = Number(step.dataset.width);
  tell("");
  if (form.elements.outcome.value) outcome("");
  if (kind === "serial" && /^b/i.test(step.value)) step.value += key; // a scanner types
  else if (kind === "serial") {
    if (step.value.length >= width) step.value = "";
    step.value += key;
    if (step.value.length === width) serialDone(step);
  } else if (kind === "number") {
    if (step.value.length < Number(step.dataset.longest)) step.value += key;
  } else if (kind === "one") {
    if (step.value.length >= width) step.value = "";
    step.value += key;
    if (step.value.length === width) keyDone(step);
  } else if (kind === "many") many(step, key, width);
  said(step);
}

function serialDone(step) {
  if (checks(step.value)) go(at + 1);
  else { tell(form.dataset.serial.replace("{typed}", step.value)); step.value = ""; }
}

function keyDone(step) {
  if (/^0+$/.test(step.value) || choiceOf(step, step.value)) { said(step); go(at + 1); }
  else { tell(form.dataset.noKey.replace("{key}", step.value)); step.value = ""; }
}

function many(step, key, width) {
  step.value += key;
  if (step.value.length % width) return;
  const last = step.value.slice(-width), before = step.value.slice(0, -width);
  const kept = before.match(new RegExp(`.{${width}}`, "g")) ?? [];
  if (/^0+$/.test(last)) { step.value = ""; said(step); onward(); }
  else if (!choiceOf(step, last)) { tell(form.dataset.noKey.replace("{key}", last)); step.value = before; }
  // The same key once more takes it back.
  else if (kept.includes(last)) step.value = kept.filter((one) => one !== last).join("");
}

// After a question that Enter ends: to the next one, or away with the ballot if it was the last.
function onward() {
  if (steps[at + 1]?.dataset.step === "send") send();
  else go(at + 1);
}

function enter(step) {
  const { step: kind } = step.dataset;
  if (kind === "send") send();
  else if (kind === "serial") {
    if (!step.value && step.placeholder) step.value = step.placeholder.replace("-", "");
    const scanned = step.value.match(/^b(\d+)-(\d+)$/i);
    if (scanned && scanned[1] === form.dataset.batch) [, , step.value] = scanned;
    if (scanned && scanned[1] !== form.dataset.batch) send();
    else if (step.value.length === Number(step.dataset.width)) serialDone(step);
    else { tell(form.dataset.serial.replace("{typed}", step.value)); step.value = ""; }
  } else if (empty() && steps.findIndex((one) => one.dataset.step !== "serial") === at) outcome("blank");
  else if (kind === "one") go(at + 1);
  else onward();
}

function back(step) {
  tell("");
  if (form.elements.outcome.value) { outcome(""); go(steps.findIndex((one) => one.dataset.step !== "serial")); }
  else if (step.value && step.dataset.step !== "send") { step.value = step.value.slice(0, -1); said(step); }
  else if (at > 0) {
    go(at - 1);
    if (["one", "serial"].includes(steps[at].dataset.step)) { steps[at].value = ""; said(steps[at]); }
  } else if (form.dataset.back && empty()) location.assign(form.dataset.back);
}

// Returns whether the key was ours.
function press(key) {
  const step = steps[at];
  if (/^[0-9]$/.test(key) && step.dataset.step !== "send") digit(step, key);
  else if (/^[0-9]$/.test(key)) return true;
  else if (step.dataset.step === "serial" && (/^b$/i.test(key) || /b/i.test(step.value))) {
    if (/^[b-]$/i.test(key)) step.value += key;
    else if (key === "Enter") enter(step);
    else return false;
  } else if (key === "Enter") enter(step);
  else if (key === "Backspace") back(step);
  else if (key === "ArrowDown") go(at + 1);
  else if (key === "ArrowUp") go(at - 1);
  else if (key === "-" || key === "*") outcome(form.elements.outcome.value === "invalid" ? "" : "invalid");
  else if ((key === "+" || key === "=") && form.elements.comment) comment();
  else return false;
  return true;
}

function comment() {
  if (form.elements.outcome.value) outcome("");
  form.elements.comment.closest(".asked").hidden = false;
  form.elements.comment.focus();
}

document.addEventListener("keydown", (event) => {
  if (!form?.isConnected || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const { target, key } = event;
  if (target === form.elements.comment) {
    if (key === "Enter" && !event.shiftKey) { event.preventDefault(); go(steps.length - 1); send(); }
    return;
  }
  // A link, a list or a button keeps its own keys.
  if (target !== document.body && !steps.includes(target)) {
    if (["Enter", " ", "Tab"].includes(key) || target.matches("select, summary")) return;
    go(at);
  }
  if (sending) { event.preventDefault(); waiting.push(key); return; }
  if (target === document.body) go(at);
  if (press(key)) event.preventDefault();
}, { capture: true });

// A press beside everything takes the focus from nobody.
document.addEventListener("click", ({ target }) => {
  if (form?.isConnected && !target.closest("a, button, input, select, textarea, label, summary")) go(at);
}, START);

addEventListener("beforeunload", (event) => {
  if (form?.isConnected && !empty()) event.preventDefault();
});

async function send() {
  if (sending) return;
  sending = true;
  tell(form.dataset.sending);
  let text, answer;
  try {
    const body = new URLSearchParams(new FormData(form));
    answer = await fetch(form.action, { method: "POST", body, signal: AbortSignal.timeout(PATIENCE) });
    text = await answer.text();
  } catch {
    lost(form.dataset.lost);
    return;
  }
  const page = new DOMParser().parseFromString(text, "text/html");
  const next = page.getElementById("ballot-entry");
  if (next) {
    document.getElementById("ballot-entry").replaceWith(next);
    sending = false;
    begin();
    // What a quick hand has typed meanwhile belongs to the next ballot, unless this one came back.
    if (!answer.ok) waiting = [];
    while (waiting.length && !sending) press(waiting.shift());
  } else if (answer.ok && page.getElementById("ballot-batch")) {
    steps.forEach((step) => { step.value = ""; });
    if (form.elements.comment) form.elements.comment.value = "";
    location.assign(answer.url);
  } else lost(answer.ok ? form.dataset.signedOut : form.dataset.lost);
}

function lost(text) {
  sending = false;
  waiting = [];
  tell(text);
  steps[steps.length - 1].focus();
}

begin();
