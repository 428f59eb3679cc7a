// The one place from which a screen reader is told what changes within a screen.

/** Say something once, politely. A new screen needs none of it: there the focus speaks. */
export function say(words) {
  const region = document.getElementById("said");
  region.textContent = "";
  // Emptied and filled at once it would be no change where the same is said again.
  requestAnimationFrame(() => { region.textContent = words; });
}
