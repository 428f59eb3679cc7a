// The phone form: sends in place, says at once what could not be sent, and sends it by itself
// when the network is back. A browser that cannot read this sends the form as any other page.
import {
  forgetTyped,
  forgetWaiting,
  idOf,
  keepTyped,
  keepWaiting,
  lasting,
  typed,
  waiting,
} from "./phone-kept.js";

const PATIENCE_MS = 15000; // a network that dies answers nothing: not even that it is dead
const WAITS_MS = [2000, 4000, 8000, 16000, 32000, 60000];

const FROM_BUTTONS = ["then", "to"]; // fields that a button adds

let sending = false;
let clicked = null; // the button that sends: older browsers do not tell
let next = null; // what was pressed while an answer that waited was being sent
let changed = false; // whether somebody answers on this screen since it was shown
let tries = 0;
let timer = 0;
let shown = ""; // the address of the screen, without what stands after #
const refused = new Set(); // what the server will not take as it is, until its form is opened

const screenShown = () => document.getElementById("screen");
const panel = () => document.getElementById("waiting");
const keptForm = () => document.querySelector("#screen form[data-wait]");
const held = () => (lasting() ? "kept" : "open"); // what is said of an answer that waits
const address = () => window.location.pathname + window.location.search;

/** The fields as a browser would post them. */
function bodyOf(form, button) {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form)) fields.append(name, value);
  if (button && button.name) fields.append(button.name, button.value);
  return fields.toString();
}

/** Puts kept fields back into a form. */
function fill(form, body) {
  const fields = new URLSearchParams(body);
  for (const field of form.elements) {
    if (!field.name || field.type === "hidden" || field.type === "submit") continue;
    const values = fields.getAll(field.name);
    if (field.type === "radio" || field.type === "checkbox") {
      field.checked = values.includes(field.value);
    } else if (field.value !== undefined && field.type !== "fieldset") {
      field.value = values.join("\n");
    }
    const folded = field.closest("details");
    if (folded && values.some((value) => value !== "")) folded.open = true;
  }
}

/** Our server's answer, after the puzzle that it may ask for (see static/js/puzzle.js). */
async function post(action, body) {
  const result = await ask(action, body);
  const form = result && result.screen && result.screen.querySelector("[data-puzzle]");
  const proof = form && (await solved(form.dataset.puzzle));
  return proof ? ask(action, `${body}&proof=${encodeURIComponent(proof)}`) : result;
}

/** The solution of a puzzle, found beside the page; null where this browser finds none. */
const solved = (puzzle) =>
  new Promise((resolve) => {
    try {
      const worker = new Worker("/static/js/puzzle.js");
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = () => resolve(null);
      worker.postMessage(puzzle);
    } catch (refused) {
      resolve(null);
    }
  });

/** The answer to one request; null where none came, or another's, such as a Wi-Fi's own page. */
async function ask(action, body) {
  const abort = window.AbortController ? new AbortController() : null;
  let late = 0;
  const patience = new Promise((resolve, reject) => {
    late = setTimeout(() => {
      reject(new Error("no answer"));
      if (abort) abort.abort();
    }, PATIENCE_MS);
  });
  const asked = async () => {
    const answer = await fetch(action, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "hx-request": "true",
        "hx-request-type": "partial",
      },
      credentials: "same-origin",
      ...(abort ? { signal: abort.signal } : {}),
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const result = {
      status: answer.status,
      screen: page.getElementById("screen"),
      address: answer.headers.get("hx-push-url"),
      elsewhere: answer.headers.get("hx-redirect"),
    };
    return result.screen || result.elsewhere ? result : null;
  };
  try {
    return await Promise.race([asked(), patience]);
  } catch (lost) {
    return null;
  } finally {
    clearTimeout(late);
  }
}

/** Shows what the server answered in place of the screen. */
function swap(result) {
  if (result.elsewhere) {
    window.location.assign(result.elsewhere);
    return;
  }
  screenShown().replaceWith(document.adoptNode(result.screen));
  if (result.address) window.history.pushState(null, "", result.address);
  const { lang, dataset } = screenShown();
  document.documentElement.lang = lang;
  document.title = dataset.title;
  window.scrollTo(0, 0);
  const heading =
    document.querySelector("#screen [autofocus]") || document.querySelector("#screen h1");
  if (heading) {
    if (!heading.hasAttribute("tabindex")) heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
  }
  begin();
}

/** Says one of the panel's texts; without one the panel goes away. */
function say(name) {
  panel().hidden = !name;
  for (const text of panel().querySelectorAll("[data-when]")) {
    text.hidden = !text.dataset.when.split(" ").includes(name);
  }
}

/** Says it where the button is that was pressed. */
function sayBelow(form, name) {
  form.after(panel());
  say(name);
  panel().scrollIntoView({ block: "nearest" });
  panel().focus({ preventScroll: true });
}

/** Shows that an answer is on its way, until the function that it returns is called. */
function work(button) {
  const words = button ? [...button.childNodes] : [];
  const screen = screenShown();
  sending = true;
  screen.setAttribute("aria-busy", "true");
  if (button) {
    button.setAttribute("aria-disabled", "true");
    if (button.name !== "lang") button.textContent = panel().dataset.busy;
  }
  return () => {
    sending = false;
    screen.removeAttribute("aria-busy");
    if (!button) return;
    button.removeAttribute("aria-disabled");
    button.textContent = "";
    button.append(...words);
  };
}

async function send(form, button) {
  if (sending) return;
  const switching = Boolean(button) && button.name === "lang";
  const body = bodyOf(form, button);
  const done = work(button);
  const result = await post(form.getAttribute("action"), body);
  done();
  next = null; // a second press of the same button
  if (!form.isConnected) return;
  if (result) {
    if (!switching && result.status < 400) {
      forgetWaiting(idOf(form));
      forgetTyped(form);
    }
    swap(result);
  } else if (switching || !form.matches("[data-wait]")) {
    sayBelow(form, waiting().length ? held() : "lost");
  } else if (form.querySelector("[required]") && !form.querySelector("[required]:checked")) {
    sayBelow(form, "missing");
  } else {
    keepWaiting(form, body);
    sayBelow(form, held());
    later();
  }
}

/** Sends what waits, oldest first, until one cannot be sent. */
async function retry() {
  if (sending) return;
  clearTimeout(timer);
  for (const answer of waiting().filter((one) => !refused.has(one.id))) {
    if (panel().hidden) say("sending");
    const done = work(panel().querySelector("[data-do=again]"));
    const result = await post(answer.action, answer.body);
    done();
    const pressed = next;
    next = null;
    if (isSettled(result)) {
      tries = 0;
      if (settle(answer, result)) return; // the new screen goes on with the others
    } else {
      say(held());
      later();
    }
    if (pressed && pressed.form.isConnected) {
      send(pressed.form, pressed.button);
      return;
    }
    if (!isSettled(result)) return;
  }
}

/** Whether sending the same again later would change nothing. */
const isSettled = (result) => result && result.status < 500 && result.status !== 429;

/** What follows once the server has answered; whether that was shown in place of the screen. */
function settle(answer, result) {
  const form = keptForm();
  const taken = result.status < 400;
  const here =
    form &&
    form.getAttribute("action") === answer.action &&
    (idOf(form) === answer.id || !changed);
  if (taken || here) forgetWaiting(answer.id);
  else refused.add(answer.id);
  if (here) {
    if (taken) forgetTyped(form);
    swap(result);
    return true;
  }
  say(taken ? "sent" : "");
  return false;
}

function later() {
  clearTimeout(timer);
  timer = setTimeout(retry, WAITS_MS[Math.min(tries, WAITS_MS.length - 1)]);
  tries += 1;
}

function now() {
  tries = 0;
  retry();
}

/** A screen is shown: put back what was typed on it, and go on with what waits. */
function begin() {
  changed = false;
  shown = address();
  const form = keptForm();
  if (form) {
    const own = waiting().find((answer) => answer.id === idOf(form));
    const body = own ? own.body : typed(form);
    if (body) fill(form, body);
  }
  retry();
}

document.addEventListener("click", (event) => {
  // The second tap of a double one was meant for what stood there before.
  if (event.detail > 1 && event.target.closest("a")) event.preventDefault();
  clicked = event.target.closest("button");
  if (!clicked || !panel().contains(clicked)) return;
  if (clicked.dataset.do === "again") now();
  if (clicked.dataset.do === "discard") {
    clearTimeout(timer);
    for (const answer of waiting()) forgetWaiting(answer.id);
    say("discarded");
  }
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  event.preventDefault();
  const button = clicked && clicked.form === form ? clicked : null;
  clicked = null;
  if (sending) next = { form, button };
  else send(form, button);
});

document.addEventListener("input", (event) => {
  const form = keptForm();
  if (!form || event.target.form !== form) return;
  changed = true;
  const body = bodyOf(form);
  keepTyped(form, body);
  const own = waiting().find((answer) => answer.id === idOf(form));
  if (!own) return;
  const fields = new URLSearchParams(body); // what waits is what is on the screen
  for (const [name, value] of new URLSearchParams(own.body)) {
    if (FROM_BUTTONS.includes(name)) fields.append(name, value);
  }
  keepWaiting(form, fields.toString());
});

window.addEventListener("online", now);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") now();
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) begin();
});
window.addEventListener("popstate", () => {
  if (address() !== shown) window.location.reload();
});

begin();
