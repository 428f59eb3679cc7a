// A tablet's service worker in the role of the kiosk process: the same forms, the same ids, one
// submission a visit. It fills in the screens that the server has written for it.
import { all, change } from "./answers.js";

const PATIENCE_MS = 15 * 60_000; // how long a draft waits for its author, as in survey_draft.py
const AT_ONCE = 8; // submissions in one delivery: with the longest comments below 64 KB
const DELIVERY_MS = 20_000;
// What stands in the server's screens for what only a visit knows; as in kept.py.
const VISIT = "00000000-0000-0000-0000-000000000000";
const SURVEY = "00000000-0000-0000-0000-000000000001";
const DEPARTMENT = "some_department";
const NAME = "@name@";
const CODE = "@code@";
const BARS = "@bars@";
const QUIET_ZONE = 4; // modules of white around a QR code
const NO_CODE = "0000-0000-0000"; // whose QR code the server has drawn
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // of receipt codes
const WHOLE_NUMBER = /^-?[0-9]{1,9}$/; // as in forms.py
const NAMESPACED = 5; // the version of an id that is made from another one and a name

let delivering = null;

/** Whether a post belongs to a visit that is kept here, which no server knows of. */
export async function isOurs(url, form) {
  const visit = form.get("visit") ?? "";
  const id = url.pathname.split("/")[2];
  return (await all()).some((one) => !one.finished && (one.visit === visit || one.id === id));
}

/** The answer of the kiosk to a request of the touch screen: `{ screen, status }`, in HTML. */
export async function respond(kept, url, form, language) {
  const say = (name, place, changes = {}) => render(kept, language, name, place, changes);
  try {
    if (!form) return { screen: await shown(kept, url, language), status: 200 };
    if (url.pathname === "/rate") return { screen: await rate(kept, form, language, say), status: 200 };
    if (url.pathname === "/follow-up") {
      return { screen: await followUp(kept, form, language, say), status: 200 };
    }
    return { screen: await saveStep(kept, url, form, language, say), status: 200 };
  } catch (error) {
    console.warn("not stored:", error?.name);
    return { screen: apology(kept, url, form, language), status: 503 };
  }
}

/** Finish whatever is open: the next visit begins. Empty ones are forgotten. */
export async function finishAll(isOver = () => true) {
  for (const one of await all()) {
    if (!one.finished && isOver(one)) await finish(one.id);
  }
}

/** Finish what waited too long for its author, whichever way the clock has jumped. */
export function finishExpired() {
  return finishAll((one) => Math.abs(Date.now() - Date.parse(one.answered_at)) > PATIENCE_MS);
}

/** How many answers are not with the server yet. */
export async function pending() {
  return (await all()).length;
}

/** Send what is finished, oldest first. Only what the server has a receipt for is forgotten. */
export function deliver(version) {
  delivering ??= send(version).finally(() => { delivering = null; });
  return delivering;
}

async function send(version) {
  // What this version of the server has refused it would refuse again.
  const waiting = (await all()).filter((one) => one.finished && one.refusedBy !== version);
  for (let start = 0; start < waiting.length; start += AT_ONCE) {
    const batch = waiting.slice(start, start + AT_ONCE);
    const answer = await fetch("/submissions", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ sent_at: new Date().toISOString(), submissions: batch.map(wire) }),
      signal: AbortSignal.timeout(DELIVERY_MS),
    });
    if (!answer.ok) return;
    for (const receipt of await answer.json()) {
      const taken = ["accepted", "duplicate", "conflict"].includes(receipt.status);
      if (!batch.some((one) => one.id === receipt.id)) continue;
      await change(receipt.id, (one) => (taken || !one ? null : { ...one, refusedBy: version }));
    }
  }
}

/** A kept answer as it travels. */
function wire({ finished, refusedBy, ...submission }) {
  return submission;
}

// -- the handlers -------------------------------------------------------------------------------

async function shown(kept, url, language) {
  const department = url.pathname.match(/^\/rate\/(\w+)$/)?.[1];
  if (url.pathname === "/farewell") return render(kept, language, "farewell", "");
  if (url.pathname === "/rest") return render(kept, language, "rest", "");
  if (!kept.tablet.lobby) return faces(kept, language, kept.tablet.department);
  if (department in kept.tablet.places) return faces(kept, language, department);
  if (department === kept.tablet.everywhere) return faces(kept, language, "");
  return render(kept, language, "tiles", "");
}

function faces(kept, language, department) {
  return render(kept, language, "faces", department ?? "", { visit: crypto.randomUUID() });
}

async function rate(kept, form, language, say) {
  const visit = form.get("visit");
  const id = await part(visit, "rating");
  const rating = Number(form.get("rating"));
  const draft = await change(id, (known) => {
    if (!known) return { ...begun(kept, form, language, visit), id, answers: { rating } };
    if (known.finished || form.get("again") !== "1") return undefined; // a finger that bounced
    return changed(known, { answers: { ...known.answers, rating } });
  });
  if (form.has("idle")) return start(kept);
  if (draft.finished) return say("farewell/again", "");
  return thanks(draft, say);
}

async function followUp(kept, form, language, say) {
  const visit = form.get("visit");
  const button = form.has("idle") ? "idle" : form.get("then");
  const { answers, comment, wrong } = read(kept.tablet.rating, form);
  const id = await part(visit, "rating");
  const rated = (await all()).find((one) => one.id === id);
  const asked = form.has("comment") || Object.keys(answers).length > 0;
  const unclear = Object.keys(wrong).length > 0 && button !== "idle";
  const code = button === "send" && comment ? newCode() : null;
  const receipt = code && (await receiptOf(code));
  let draft = rated;
  if (!rated && unclear) {
    const screen = fill(say("thanks/0", form.get("department") ?? place(kept.tablet), { visit }), { answers, comment });
    return withProblems(kept, language, kept.tablet.rating, screen, wrong);
  }
  if (rated?.finished) {
    if (button === "send") return say("farewell/again", "");
  } else if (rated) {
    draft = await change(id, (one) => {
      if (!asked) return changed(one, {});
      return changed(one, { answers: { rating: one.answers.rating, ...answers }, comment, receipt });
    });
    if (unclear) return withProblems(kept, language, kept.tablet.rating, thanks(draft, say), wrong);
    if (button === "keep") return thanks(draft, say);
    if (button === "again") return say(`faces/${draft.answers.rating}`, place(draft), { visit });
    await finish(id);
  } else if (Object.keys(answers).length || comment) {
    // The server has the rating, and went away since: what follows is a submission of its own.
    const other = await part(visit, "follow-up");
    const begin = { ...begun(kept, form, language, visit), id: other, answers, comment, receipt };
    await change(other, (known) => known ?? { ...begin, finished: true });
  }
  if (!rated && button === "again") return say("faces", form.get("department") ?? place(kept.tablet), { visit });
  if (button === "survey") return beginSurvey(kept, form, language, visit, say);
  if (button === "send" && (Object.keys(answers).length || comment)) return farewell(kept, code, say);
  return start(kept);
}

async function beginSurvey(kept, form, language, visit, say) {
  const { survey, fingerprint } = kept.tablet.full;
  const id = await part(visit, survey);
  const begin = { ...begun(kept, form, language, visit), id, survey, fingerprint, answers: {} };
  const draft = await change(id, (known) => known ?? begin);
  return draft.finished ? say("farewell/again", "") : step(draft, 1, say);
}

async function saveStep(kept, url, form, language, say) {
  const [, , id, number] = url.pathname.split("/");
  const { full } = kept.tablet;
  const here = full.steps[Number(number) - 1];
  const idle = form.has("idle");
  const { answers, comment, wrong } = read(full, form);
  if (form.has("lang")) language = form.get("lang");
  const begin = { ...begun(kept, form, language, null), id, survey: full.survey, answers: {} };
  const draft = await change(id, (known) => {
    if (known?.finished) return undefined;
    const before = known ?? begin; // the server began it, and joins both parts
    const others = Object.entries(before.answers).filter(([name]) => !here.includes(name));
    const last = Number(number) === full.steps.length;
    return changed(before, {
      answers: { ...Object.fromEntries(others), ...answers },
      comment: last ? comment : before.comment,
      language,
    });
  });
  if (draft.finished) return idle ? start(kept) : say("farewell/again", "");
  if (Object.keys(wrong).length && !idle) {
    const screen = step(draft, Number(number), (...more) => render(kept, language, ...more));
    return withProblems(kept, language, full, screen, wrong);
  }
  const to = idle ? "leave" : form.get("to") ?? "next";
  if (form.has("lang")) return step(draft, Number(number), (...more) => render(kept, language, ...more));
  if (to === number) return step(draft, Number(number), say); // a page of it was turned
  if (to === "next") return step(draft, Math.min(Number(number) + 1, full.steps.length), say);
  if (to === "previous") return step(draft, Math.max(Number(number) - 1, 1), say);
  const code = to === "finish" && draft.comment ? newCode() : null;
  const receipt = code && (await receiptOf(code));
  if (code) await change(id, (one) => (!one || one.finished ? undefined : { ...one, receipt }));
  await finish(id);
  return to === "finish" ? farewell(kept, code, say) : start(kept);
}

// -- drafts -------------------------------------------------------------------------------------

function begun(kept, form, language, visit) {
  const { department, counter, rating } = kept.tablet;
  return {
    id: "",
    survey: rating.survey,
    fingerprint: form.get("fingerprint"),
    department: form.get("department") || department,
    counter,
    channel: "kiosk",
    visit,
    language,
    answered_at: new Date().toISOString(),
    answers: {},
    comment: null,
    finished: false,
  };
}

function changed(draft, changes) {
  return { ...draft, ...changes, answered_at: new Date().toISOString() };
}

function finish(id) {
  return change(id, (one) => {
    if (!one || one.finished) return undefined;
    return Object.keys(one.answers).length || one.comment ? { ...one, finished: true } : null;
  });
}

/** The answers of a form to the questions of a survey; `wrong` has what is no number of them. */
function read(survey, form) {
  const answers = {};
  const wrong = {};
  for (const [name, question] of Object.entries(survey.questions)) {
    const given = form.getAll(name).map((one) => one.trim()).filter(Boolean);
    const numbers = given.filter((one) => WHOLE_NUMBER.test(one)).map(Number);
    const [minimum, maximum] = question.bounds ?? [-Infinity, Infinity];
    if (!given.length) continue;
    if (question.kind === "number" && !(numbers[0] >= minimum && numbers[0] <= maximum)) wrong[name] = given[0];
    else if (question.kind === "many") answers[name] = [...new Set(numbers)].sort((a, b) => a - b);
    else answers[name] = numbers[0];
  }
  return { answers, comment: form.get("comment")?.trim() || null, wrong };
}

/** The id of a part of a visit: a name-based UUID (RFC 9562), as the kiosk process makes it. */
async function part(visit, name) {
  const space = visit.replaceAll("-", "").match(/../g).map((pair) => parseInt(pair, 16));
  const text = new Uint8Array([...space, ...new TextEncoder().encode(name)]);
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-1", text)).slice(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | (NAMESPACED << 4);
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

// -- receipt codes, as in surveys/receipts.py ---------------------------------------------------

function newCode() {
  const letters = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => ALPHABET[byte % 32]);
  return letters.join("").replace(/(.{4})(.{4})(.{4})/, "$1-$2-$3");
}

async function receiptOf(code) {
  const text = new TextEncoder().encode(`hailong/receipt/1|${code.replaceAll("-", "")}`);
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// -- the screens --------------------------------------------------------------------------------

/** The last screen; with the code that is given for a comment. */
function farewell(kept, code, say) {
  if (!code) return say("farewell", "");
  const { qr_code: qrCode } = kept.tablet;
  const screen = say("farewell/receipt", "").replaceAll(CODE, code);
  return qrCode ? screen.replace(BARS, bars(qrCode, code)) : screen;
}

/** The QR code of a receipt code as the path of an SVG: what each bit flips, as in qr_images.py. */
function bars({ side, base, flips }, code) {
  let modules = BigInt(base);
  [...code].forEach((letter, at) => flips[at].forEach((flip, bit) => {
    const differs = letter.charCodeAt(0) ^ NO_CODE.charCodeAt(at);
    if ((differs >> bit) & 1) modules ^= BigInt(flip);
  }));
  const dark = modules.toString(2).padStart(side * side, "0");
  const rows = [...Array(side).keys()].map((y) => [...dark.slice(y * side, (y + 1) * side).matchAll(/1+/g)].map(
    ({ 0: run, index }) => `M${index + QUIET_ZONE} ${y + QUIET_ZONE}h${run.length}v1h-${run.length}z`,
  ));
  return rows.flat().join("");
}

/** Each visitor begins in Vietnamese. */
function start(kept) {
  return shown(kept, new URL("/", self.location), "vi");
}

function place({ department }) {
  return department ?? "";
}

function thanks(draft, say) {
  const { visit } = draft;
  return fill(say(`thanks/${draft.answers.rating}`, place(draft), { visit }), draft);
}

function step(draft, number, say) {
  return fill(say(`step/${number}`, place(draft), { survey: draft.id }), draft);
}

/** A form with what was typed that is no answer, and why, as the server's templates say it. */
function withProblems(kept, language, survey, screen, wrong) {
  let shown = fill(screen, { answers: wrong });
  for (const [name, given] of Object.entries(wrong)) {
    const problems = kept.tablet.problems[language]?.[survey.survey]?.[name] ?? {};
    const problem = problems[WHOLE_NUMBER.test(given) ? "out_of_bounds" : "not_a_whole_number"] ?? "";
    const label = new RegExp(`<label for="${name}-input"[^>]*>[^]*?</label>`);
    shown = shown.replace(label, (whole) => whole + problem);
    const input = new RegExp(`<input id="${name}-input"[^>]*`);
    shown = shown.replace(input, (whole) => `${whole} aria-invalid="true" aria-describedby="${name}-problem"`);
  }
  // Its author is there: it is not given back at once.
  return shown.replace(/ data-untouched="\d+"/, "").replace(/<p class="returning">[^<]*<\/p>/, "");
}

/** A screen of the server, with what only this visit knows. */
function render(kept, language, name, department, { visit = VISIT, survey = SURVEY } = {}) {
  const screens = kept.screens[language];
  const somewhere = kept.tablet.lobby && department;
  const text = screens[somewhere ? `department/${name}` : name] ?? screens[name];
  const known = kept.tablet.places[department];
  return text
    .replaceAll(VISIT, visit)
    .replaceAll(SURVEY, survey)
    .replaceAll(DEPARTMENT, department)
    .replaceAll(NAME, () => (known ? known[language] : ""));
}

/** A form with the answers that a draft has already. */
function fill(screen, { answers, comment }) {
  let filled = screen;
  for (const [name, given] of Object.entries(answers)) {
    for (const code of [given].flat()) {
      for (const type of ["radio", "checkbox"]) {
        const input = `<input type="${type}" name="${name}" value="${code}"`;
        filled = filled.replace(input, `${input} checked`);
      }
    }
    const number = new RegExp(`(<input id="${name}-input"[^>]*? value=")"`);
    filled = filled.replace(number, (_, before) => `${before}${escaped(String(given))}"`);
  }
  const area = /(<textarea id="comment-input"[^>]*>\n)/;
  return comment ? filled.replace(area, (_, before) => before + escaped(comment)) : filled;
}

/** Not stored: the kind apology, which offers to send the same once more. */
function apology(kept, url, form, language) {
  const screen = render(kept, language, "error", "");
  if (!form) return screen;
  const fields = [...form].filter(([name]) => name !== "idle").map(([name, value]) => (
    `<textarea name="${escaped(name)}" hidden>\n${escaped(value)}</textarea>`
  ));
  return screen
    .replace(/<textarea name="@field@"[^>]*>[^<]*<\/textarea>/, () => fields.join(""))
    .replaceAll("@address@", () => escaped(url.pathname));
}

function escaped(text) {
  const marks = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (mark) => marks[mark]);
}
