// The first field that gets the focus brings the keyboard: nobody who only taps a face waits for it.
const FIELDS = "textarea, input:not([type]), input[type=text], input[type=password]";
let touched = false; // whether the last press was a finger's

document.addEventListener("pointerdown", (event) => {
  touched = event.pointerType !== "mouse";
}, { capture: true, passive: true });
document.addEventListener("keydown", (event) => {
  if (event.key === "Tab") touched = false;
}, { capture: true, passive: true });

async function bring({ target }) {
  if (!target.matches(FIELDS) || !document.getElementById("keyboard")) return;
  const finger = touched;
  const { open } = await import("./keyboard.js");
  await open(target, finger);
}

document.addEventListener("focusin", bring);
// A field that kept the focus when the keyboard was closed.
document.addEventListener("click", (event) => {
  if (event.target === document.activeElement) bring(event);
});
