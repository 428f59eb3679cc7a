// The one thing a manager's page cannot do without a script: open the print dialog.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
