// A figure's explanation opens on the page itself; without a script the link loads the page anew.
let asker = null;

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a.ask");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  asker = link;
  await htmx.ajax("GET", link.getAttribute("href"), { target: "#how", swap: "outerHTML" });
  document.querySelector("#how h2")?.focus();
});

// Closing leads a reader at the keyboard back to the figure that was asked.
function closeExplanation() {
  document.querySelector("#how").replaceChildren();
  asker?.focus();
  asker = null;
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#how [data-close]")) return;
  event.preventDefault();
  closeExplanation();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.querySelector("#how > *")) closeExplanation();
});
