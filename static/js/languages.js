// The menu of languages closes when a finger touches elsewhere, and after a while by itself: it lies
// over an answer, and the next visitor must see all of them.
const OPEN_MS = 15_000;
let timer = 0;

const menu = () => document.querySelector(".languages[open]");

function close() {
  menu()?.removeAttribute("open");
}

document.addEventListener("toggle", (event) => {
  if (!event.target.matches(".languages")) return;
  clearTimeout(timer);
  if (event.target.open) timer = setTimeout(close, OPEN_MS);
}, true);
document.addEventListener("pointerdown", (event) => {
  if (!event.target.closest(".languages")) close();
}, { passive: true });
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu()) return;
  const summary = menu().querySelector("summary");
  close();
  summary.focus();
});
