// A screen in a frame of the managers' page: its pages turn, and nothing is sent.
if (document.querySelector("[data-turn], .page-words")) await import("./pages.js");

// The centre's own colours: a page that is not the kiosk's has no style sheet of theirs.
for (const rule of (document.documentElement.dataset.colours ?? "").split(";")) {
  const [name, value] = rule.split(":");
  if (value) document.documentElement.style.setProperty(name.trim(), value.trim());
}

const fresh = document.getElementById("screen").outerHTML;

document.addEventListener("click", (event) => {
  const button = event.target.closest("a, button");
  if (!button) return;
  event.preventDefault();
  if (!button.closest("#step")) return;
  // As after an answer of the server: the same step anew, on the page that was turned to.
  document.getElementById("screen").outerHTML = fresh;
  document.dispatchEvent(new Event("htmx:after:swap"));
});
