// Helps for one visitor: large text, high contrast, everything low, the left hand. Each is an
// attribute of <html> that the stylesheets answer to. Nothing is kept: a mode ends with its visitor.
const root = document.documentElement;
let visit = null; // the visit whose screen was shown last
let otherLanguage = false; // is all that the next screen changes

const tools = () => document.querySelectorAll(".tool[data-mode]");
const isOn = (tool) => root.dataset[tool.dataset.mode] === tool.dataset.value;

/** Whether the screen is set up for someone. */
export function anyMode() {
  return [...tools()].some(isOn);
}

function show() {
  for (const tool of tools()) tool.setAttribute("aria-pressed", String(isOn(tool)));
}

function toggle(tool) {
  if (isOn(tool)) delete root.dataset[tool.dataset.mode];
  else root.dataset[tool.dataset.mode] = tool.dataset.value;
  show();
}

function forget() {
  for (const tool of tools()) delete root.dataset[tool.dataset.mode];
}

/** A new screen: for the same visitor where only its language changed, or within one visit. */
function arrived() {
  const screen = document.getElementById("screen");
  const shown = screen?.querySelector("main [name=visit]")?.value ?? null;
  const begins = screen?.hasAttribute("data-start") || (visit && shown && shown !== visit);
  if (begins && !otherLanguage) forget();
  visit = screen?.hasAttribute("data-start") ? shown : (shown ?? visit);
  show();
}

document.addEventListener("click", (event) => {
  const tool = event.target.closest?.(".tool[data-mode]");
  if (tool) toggle(tool);
});
// Afterwards the link that was touched is gone.
document.addEventListener("htmx:before:swap", (event) => {
  otherLanguage = event.detail?.ctx?.sourceElement?.matches?.(".corner") ?? false;
});
document.addEventListener("htmx:after:swap", arrived);
visit = document.querySelector("main [name=visit]")?.value ?? null;
show();
