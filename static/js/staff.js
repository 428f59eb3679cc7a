// The hidden door of the staff corner: five touches in the upper left corner within five seconds,
// on a start whose kiosk has a PIN.
const CORNER_PX = 120;
const TOUCHES = 5;
const WITHIN_MS = 5000;
let touches = [];

document.addEventListener("pointerdown", (event) => {
  const inside = event.clientX < CORNER_PX && event.clientY < CORNER_PX;
  const door = document.getElementById("screen")?.matches("[data-start][data-staff]");
  touches = inside && door
    ? [...touches, event.timeStamp].filter((at) => event.timeStamp - at < WITHIN_MS)
    : [];
  if (touches.length < TOUCHES) return;
  touches = [];
  window.htmx.ajax("GET", "/staff", { target: "#screen", swap: "outerHTML" });
}, { capture: true, passive: true });

// How bright staff wants the page. It only darkens: the panel's own light is the machine's.
function dim() {
  const brightness = Number(document.getElementById("screen")?.dataset.brightness ?? 100);
  document.documentElement.style.filter = brightness < 100 ? `brightness(${brightness}%)` : "";
}
document.addEventListener("htmx:after:swap", dim);
dim();
