// Arriving at a screen: its language, its title, the focus on its heading, and nothing left of the
// one who was here before.
//
// The focus is what tells of the new screen: a reader says the heading and what describes it. So
// nothing on a screen that is swapped in is a live region, or it would be said twice; what changes
// later within a screen is said by announce.js.
const SAID_TOO = "main .notice, main .problem, main .lead, main .returning, main .page-words";

function arrive() {
  const screen = document.getElementById("screen");
  if (!screen) return;
  document.documentElement.lang = screen.lang;
  document.title = screen.dataset.title;
  window.scrollTo(0, 0);
  const heading = screen.querySelector("h1");
  if (!heading) return;
  const said = [...screen.querySelectorAll(SAID_TOO)];
  said.forEach((element, number) => { element.id ||= `said-${number}`; });
  if (said.length) heading.setAttribute("aria-describedby", said.map((one) => one.id).join(" "));
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** A page that was zoomed begins anew for the next visitor: no script can undo a zoom. */
function unzoom() {
  const start = document.getElementById("screen")?.hasAttribute("data-start");
  if (start && Math.abs(window.visualViewport.scale - 1) > 0.01) window.location.replace("/");
}

history.scrollRestoration = "manual";
document.addEventListener("htmx:after:swap", () => { arrive(); unzoom(); });
arrive();

// The browser's own zoom would stay for everybody after.
document.addEventListener("wheel", (event) => {
  if (event.ctrlKey) event.preventDefault();
}, { passive: false });
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && ["+", "-", "=", "0"].includes(event.key)) {
    event.preventDefault();
  }
});
