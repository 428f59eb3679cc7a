// What a manager's page cannot do without a script.
import "./explanation.js";

if (document.getElementById("ballot-entry")) import("./ballots.js");

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// On a phone the figures come first, and the page's own place in the navigation is in sight.
if (matchMedia("(max-width: 40rem)").matches) {
  document.querySelector("details.choose")?.removeAttribute("open");
}
for (const place of document.querySelectorAll(".screens [aria-current]")) {
  const row = place.parentElement;
  row.scrollLeft = place.offsetLeft - (row.clientWidth - place.offsetWidth) / 2;
}
