// What a manager's page cannot do without a script: open the print dialog.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// A figure's explanation opens on the page itself; without a script the link loads the page anew.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.ask");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  htmx.ajax("GET", link.getAttribute("href"), { target: "#how", swap: "outerHTML" });
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("#how [data-close]")) return;
  event.preventDefault();
  document.querySelector("#how").replaceChildren();
});
