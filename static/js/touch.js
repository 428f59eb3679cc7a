// What the touch screen does besides its forms, which all work without a script.
import "./pages.js"; // before arrive.js, which tells what is shown
import "./arrive.js";
import "./heartbeat.js";
import "./idle.js";
import "./fields.js";
import "./modes.js";
import "./languages.js";
import "./offline.js";
import "./press.js";
import "./listen.js";
import "./rest.js";
import "./staff.js";

// Nothing that is dragged here opens instead of our page.
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => event.preventDefault());
}

// A page brought back by the Back button would carry the last visitor's ids.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) window.location.assign("/");
});
