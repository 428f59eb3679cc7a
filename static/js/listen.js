// Reading aloud, for one visitor. Turned on, a screen says what it asks and each answer, in their
// order; then the first touch of an answer says it, and a second touch of the same one chooses it.
// A text has a voice where it has the address of one, data-voice. Without a voice on a screen there
// is no button for it; the answers to a question without one are not read either.
import { touched } from "./idle.js";

const LOUDNESS = 0.1; // of every text, as the root of its mean square: none is praised by its voice
const SILENCE = 0.01; // below, a wave is a pause and counts for no loudness
const MOST_GAIN = 8;
const KEPT = 60; // sounds in memory, those of a long screen
const root = document.documentElement;
const sounds = new Map(); // by address, each a promise
let audio = null;
let turn = 0; // of reading: a later one ends those before
let playing = null;
let heard = null; // what the next touch chooses

const on = () => root.dataset.listen === "on";
const button = () => document.querySelector(".tool[data-mode=listen]");
const volume = () => Number(document.getElementById("screen")?.dataset.volume ?? 100) / 100;
const voiced = () => [...document.querySelectorAll("#screen [data-voice]")].filter((one) => one.checkVisibility() && isAsked(one));

/** Whether the question of an answer has a voice, too: answers alone would mislead. */
function isAsked(element) {
  const faces = element.matches(".rating") ? document.querySelector("#screen h1") : null;
  const question = element.closest("fieldset")?.querySelector("legend") ?? faces;
  return !question || question.hasAttribute("data-voice");
}

function show() {
  const tool = button();
  if (tool) tool.hidden = volume() === 0 || voiced().length === 0;
}

function stop() {
  turn += 1;
  playing?.stop();
  playing = null;
  for (const one of document.querySelectorAll(".reading")) one.classList.remove("reading");
}

function choose(element) {
  heard?.classList.remove("heard");
  heard = element;
  heard?.classList.add("heard");
}

async function sound(address) {
  if (!sounds.has(address)) {
    if (sounds.size >= KEPT) sounds.clear();
    const answer = fetch(address).then((got) => (got.ok ? got.arrayBuffer() : Promise.reject(got)));
    sounds.set(address, answer.then((bytes) => audio.decodeAudioData(bytes)));
  }
  return sounds.get(address);
}

/** By how much a sound is made louder or softer, to be as loud as every other. */
function gainOf(buffer) {
  let [sum, count, peak] = [0, 0, 0];
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    for (const value of buffer.getChannelData(channel)) {
      const height = Math.abs(value);
      if (height > peak) peak = height;
      if (height < SILENCE) continue;
      sum += value * value;
      count += 1;
    }
  }
  // Louder than its peak allows it would be distorted.
  return volume() * Math.min(MOST_GAIN, 1 / (peak || 1), LOUDNESS / Math.sqrt(sum / count || 1));
}

function play(buffer) {
  return new Promise((done) => {
    const gain = new GainNode(audio, { gain: gainOf(buffer) });
    playing = new AudioBufferSourceNode(audio, { buffer });
    playing.connect(gain).connect(audio.destination);
    playing.onended = done;
    playing.start();
  });
}

/** Read some elements, one after the other; a text that several of them have is read once. */
async function read(elements) {
  stop();
  const mine = turn;
  const said = new Set();
  audio ??= new AudioContext();
  await audio.resume();
  for (const element of elements) {
    const address = element.dataset.voice;
    if (said.has(address)) continue;
    said.add(address);
    let buffer = null;
    try {
      buffer = await sound(address);
    } catch {
      sounds.delete(address);
      delete element.dataset.voice; // its file is out of reach: it is touched as always
      show();
      continue;
    }
    if (turn !== mine || !element.isConnected) return;
    element.classList.add("reading");
    touched(); // who listens needs no countdown
    await play(buffer);
    touched();
    if (turn !== mine) return;
    element.classList.remove("reading");
  }
}

/** What is said of an answer that is touched: its question too, where a screen has several. */
function withQuestion(element) {
  const question = element.closest("fieldset")?.querySelector("legend[data-voice]");
  const before = heard?.closest("fieldset")?.querySelector("legend");
  return question && question !== before ? [question, element] : [element];
}

function touch(event) {
  const element = event.target.closest?.("#screen :is(a, button, label)[data-voice]");
  if (!on() || event.target.closest?.(".tool")) return;
  if (!element || element === heard || !isAsked(element)) {
    stop();
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  const elements = withQuestion(element);
  choose(element);
  read(elements);
}

function arrive() {
  stop();
  choose(null);
  show();
  if (on()) read(voiced());
}

// After press.js, which says which clicks count.
document.addEventListener("click", touch, { capture: true });
document.addEventListener("htmx:after:swap", arrive);
new MutationObserver(() => {
  choose(null);
  if (on()) read(voiced());
  else stop();
}).observe(root, { attributeFilter: ["data-listen"] });
// How loud it is, for staff.
document.addEventListener("click", (event) => {
  const tone = event.target.closest?.("[data-tone]");
  if (tone) read([tone]);
});
show();
