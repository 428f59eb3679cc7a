// A keyboard in the page, for a field that was touched where the system brings none of its own.
// Its keys are simple-keyboard's; what they write is our own, by Telex or by keys with marks.
// Everything here is loaded when the first field gets the focus, nothing before.
import { compose, mark } from "./telex.js";

const FIELDS = "textarea, input:not([type]), input[type=text], input[type=password]";
const SYSTEM_MS = 350; // so long a keyboard of the system may take to show itself
const SYSTEM_PX = 120; // what it takes of the view at least
const HIDE_MS = 300; // a button that was touched outside is pressed before anything moves

const LAYOUTS = {
  telex: [
    "q w e r t y u i o p",
    "a s d f g h j k l {bksp}",
    "{shift} z x c v b n m , .",
    "{numbers} {marks} {space} {enter} {hide}",
  ],
  plain: [
    "ă â ê ô ơ ư đ {tone_s} {tone_f} {tone_r} {tone_x} {tone_j}",
    "q w e r t y u i o p",
    "a s d f g h j k l {bksp}",
    "{shift} z x c v b n m , .",
    "{numbers} {telex} {space} {enter} {hide}",
  ],
  numbers: [
    "1 2 3 4 5 6 7 8 9 0",
    "- / : ; ( ) % + = {bksp}",
    ". , ? ! ' \" & @ # *",
    "{letters} {space} {enter} {hide}",
  ],
  address: [
    "1 2 3 4 5 6 7 8 9 0",
    "q w e r t y u i o p",
    "a s d f g h j k l - {bksp}",
    "z x c v b n m . : / {hide}",
  ],
  digits: ["1 2 3", "4 5 6", "7 8 9", "{bksp} 0 {hide}"],
};

let keys = null; // simple-keyboard, in the #keyboard of the present screen
let field = null; // the one that is written to
let letters = "telex"; // which layout has the letters
let large = false; // the next letter
let systemHasOne = /Android|iPhone|iPad|CrOS/.test(navigator.userAgent); // never ours, in "auto"
let asked = false; // whether the system has had its chance
let hiding = 0;

const section = () => document.getElementById("keyboard");

/** Show the keyboard for a field that got the focus; ``touched``: by a finger, not by a key. */
export async function open(wanted, touched) {
  const place = section();
  if (!place || wanted.readOnly || wanted.disabled) return;
  const always = place.dataset.shown === "always";
  if (!always && (!touched || await systemBringsOne())) return;
  await build(place);
  // Meanwhile the citizen may have gone on.
  if (document.activeElement !== wanted || place !== section()) return;
  clearTimeout(hiding);
  field = wanted;
  const wished = field.dataset.inputmode ?? field.inputMode;
  const digits = wished === "numeric";
  field.dataset.inputmode ??= field.inputMode;
  field.inputMode = "none"; // a system's keyboard that comes late would lie over ours
  large = false;
  keys.setOptions({ layoutName: digits ? "digits" : wished === "url" ? "address" : letters });
  place.classList.toggle("digits", digits);
  place.hidden = false;
  makeRoom();
}

/** Whether the system's own keyboard takes a part of the view, after a moment. */
async function systemBringsOne() {
  if (asked || systemHasOne) return systemHasOne;
  const view = window.visualViewport;
  const whole = view.height * view.scale;
  const virtual = navigator.virtualKeyboard;
  const took = () => whole - view.height * view.scale > SYSTEM_PX
    || (virtual?.boundingRect.height ?? 0) > SYSTEM_PX;
  await new Promise((resolve) => { setTimeout(resolve, SYSTEM_MS); });
  asked = true;
  systemHasOne = took();
  return systemHasOne;
}

async function build(place) {
  if (keys?.keyboardDOM && place.contains(keys.keyboardDOM)) return;
  const [{ default: SimpleKeyboard }] = await Promise.all([import(place.dataset.library), styled(place)]);
  if (place.querySelector(".keys")) return;
  keys?.destroy();
  letters = document.getElementById("screen").lang === "vi" ? "telex" : "plain";
  const board = document.createElement("div");
  board.className = "keys";
  place.append(board);
  document.body.append(place); // the screen may be shifted, and what is fixed in it as well
  const named = [...place.querySelector("template").content.querySelectorAll("[data-key]")];
  keys = new SimpleKeyboard(board, {
    layout: withCapitals(),
    layoutName: letters,
    display: Object.fromEntries(named.map(({ dataset, textContent }) => [dataset.key, textContent])),
    buttonAttributes: named.map(({ dataset }) => (
      { attribute: "aria-label", value: dataset.name, buttons: dataset.key }
    )),
    mergeDisplay: true,
    theme: "keys",
    useButtonTag: true,
    useMouseEvents: true, // clicks: of a finger, a mouse, a switch or a screen reader alike
    disableButtonHold: true, // a slow finger writes one letter
    onKeyPress: press,
  });
  // A key that is pressed leaves the focus where it was.
  place.addEventListener("mousedown", (event) => event.preventDefault());
}

function withCapitals() {
  const capital = (row) => row.replace(/(?<=^| )\p{L}(?= |$)/gu, (letter) => letter.toUpperCase());
  return {
    ...LAYOUTS,
    telexLarge: LAYOUTS.telex.map(capital),
    plainLarge: LAYOUTS.plain.map(capital),
  };
}

/** Adds our stylesheet, and waits for it: without it the keys have no size. */
function styled(place) {
  const address = place.dataset.style;
  if (document.querySelector(`link[href="${address}"]`)) return null;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = address;
  const loaded = new Promise((resolve) => { link.onload = resolve; link.onerror = resolve; });
  document.head.append(link);
  return loaded;
}

/** Keep the field above the keyboard: the page gets room at its end, and is scrolled. */
function makeRoom() {
  const height = section().offsetHeight;
  document.getElementById("screen").style.paddingBottom = `${height}px`;
  document.documentElement.style.scrollPaddingBottom = `${height + 12}px`;
  document.documentElement.style.scrollPaddingTop = "12px";
  field.scrollIntoView({ block: "nearest" });
  // Its name as well, where both have room.
  const name = field.labels?.[0];
  const room = window.innerHeight - height;
  if (name && field.getBoundingClientRect().bottom - name.getBoundingClientRect().top < room - 24) {
    name.scrollIntoView({ block: "nearest" });
  }
}

/** Hide the keyboard and give the page its own length back. */
export function close() {
  clearTimeout(hiding);
  const place = section();
  if (!place || place.hidden) return;
  place.hidden = true;
  document.getElementById("screen").style.paddingBottom = "";
  document.documentElement.style.scrollPaddingBottom = "";
  document.documentElement.style.scrollPaddingTop = "";
}

function press(key) {
  if (!field?.isConnected) return;
  const turn = {
    "{shift}": () => { large = !large; },
    "{numbers}": () => { large = false; return "numbers"; },
    "{letters}": () => letters,
    "{marks}": () => { letters = "plain"; },
    "{telex}": () => { letters = "telex"; },
  }[key];
  if (turn) {
    show(turn() ?? letters);
  } else if (key === "{hide}") {
    field.blur();
    close();
  } else {
    write(key);
    if (large) { large = false; show(letters); }
  }
}

function show(layout) {
  const name = large ? `${layout}Large` : layout;
  keys.setOptions({ layoutName: name });
  keys.getButtonElement("{shift}")?.setAttribute("aria-pressed", String(large));
  makeRoom();
}

function write(key) {
  const { selectionStart: from, selectionEnd: to, value } = field;
  const before = value.slice(0, from);
  const told = { inputType: "insertText", data: key };
  let after = before + key;
  if (key === "{bksp}") {
    const cut = from < to ? before : before.replace(/\P{M}\p{M}*$/su, "");
    Object.assign(told, { inputType: "deleteContentBackward", data: null });
    after = cut;
  } else if (key === "{space}") {
    after = `${before} `;
  } else if (key === "{enter}") {
    if (field.localName !== "textarea") { close(); return; }
    Object.assign(told, { inputType: "insertLineBreak", data: null });
    after = `${before}\n`;
  } else if (key.startsWith("{tone_")) {
    after = mark(before, key[6]);
  } else if (letters === "telex" && from === to && /^[a-z]$/i.test(key) && isProse()) {
    after = compose(before, key);
  }
  replace(after, to, told);
}

/** Whether Telex may make words of what is typed: neither of a PIN nor of an address. */
const isProse = () => field.type !== "password" && field.dataset.inputmode !== "url";

/** Put new text before the end of the selection, as typing would: within maxlength, and told. */
function replace(after, to, told) {
  const { value, maxLength } = field;
  const longer = after.length + value.length - to > value.length;
  if (longer && maxLength >= 0 && after.length + value.length - to > maxLength) return;
  if (value.slice(0, to) === after) return;
  field.setRangeText(after, 0, to, "end");
  if (field.selectionEnd === field.value.length) field.scrollTop = field.scrollHeight;
  field.dispatchEvent(new InputEvent("input", { bubbles: true, ...told }));
}

document.addEventListener("focusout", () => {
  clearTimeout(hiding);
  hiding = setTimeout(() => {
    const now = document.activeElement;
    if (!now?.matches(FIELDS) && !section()?.contains(now)) close();
  }, HIDE_MS);
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
// A system's keyboard that came late: ours goes.
window.visualViewport.addEventListener("resize", () => {
  const { height, scale } = window.visualViewport;
  const place = section();
  if (!place || place.hidden || place.dataset.shown === "always") return;
  if (window.innerHeight - height * scale > SYSTEM_PX) { systemHasOne = true; close(); }
});
window.addEventListener("resize", () => { if (field && !section()?.hidden) makeRoom(); });
// The next screen has a length, a language and a keyboard of its own.
document.addEventListener("htmx:after:swap", () => {
  document.querySelectorAll("body > #keyboard").forEach((place) => {
    document.documentElement.style.scrollPaddingBottom = "";
    document.documentElement.style.scrollPaddingTop = "";
    place.remove();
  });
});
