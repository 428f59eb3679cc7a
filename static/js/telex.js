// Telex: what the letters before the caret become by one more key. All of it follows from the
// tables: nothing is remembered between two keys, so the caret may go anywhere in between.
//
//   aa ee oo dd   â ê ô đ          aw ow uw w   ă ơ ư ư
//   s f r x j     the five tones   z            no tone
//
// Marks may be typed at once or at the end of the syllable. The key that made a mark takes it
// back and stands for itself: "aaa" is "aa". Tones stand as in "hòa", "thủy" (the older of both
// customs, which most keyboards have by default) and move as the syllable grows: "hòa", "hoàn".
// What cannot be a Vietnamese syllable is left as it was typed.

const ROWS = [
  "aàảãáạ", "ăằẳẵắặ", "âầẩẫấậ", "eèẻẽéẹ", "êềểễếệ", "iìỉĩíị",
  "oòỏõóọ", "ôồổỗốộ", "ơờởỡớợ", "uùủũúụ", "ưừửữứự", "yỳỷỹýỵ",
];
export const TONES = { z: 0, f: 1, r: 2, x: 3, s: 4, j: 5 }; // the column of ROWS

// What a key makes of the vowels of a syllable. The same table, read backwards, takes it back.
const MARKS = {
  a: { a: "â", ă: "â", au: "âu", ay: "ây", ua: "uâ", uay: "uây" },
  e: { e: "ê", ie: "iê", ye: "yê", ue: "uê", uye: "uyê", ieu: "iêu", yeu: "yêu", eu: "êu" },
  o: { o: "ô", ơ: "ô", oi: "ôi", ơi: "ôi", uo: "uô", uơ: "uô", uoi: "uôi" },
  w: {
    a: "ă", â: "ă", o: "ơ", ô: "ơ", u: "ư", oa: "oă", ua: "ưa", ui: "ưi", uu: "ưu",
    oi: "ơi", ôi: "ơi", uo: "uơ", uô: "uơ", ưo: "ươ", uoi: "ươi", uôi: "ươi", uou: "ươu",
  },
};
// Taken back: the marks of one letter, whatever stands beside it.
const PLAIN = { a: { â: "a" }, e: { ê: "e" }, o: { ô: "o" }, w: { ă: "a", ơ: "o", ư: "u" } };

const INITIAL = /^(?:ngh|ng|nh|gh|gi(?=[^\s])|qu|ch|kh|ph|th|tr|[bcdđghklmnpqrstvx])?/;
const SYLLABLE = /^(?<vowels>[aăâeêioôơuưy]{1,3})(?<final>ch|ng|nh|[cmnptk])?$/;

const letters = new Map(); // each marked letter: its row and its column
for (const row of ROWS) [...row].forEach((letter, tone) => letters.set(letter, { base: row[0], tone }));

/** The text before the caret after one more key, a letter as it was typed. */
export function compose(before, key) {
  const [word] = before.match(/\p{L}*$/u);
  const changed = composeWord(word, key);
  return before.slice(0, before.length - word.length) + (changed ?? settle(word + key));
}

/** The text before the caret with a tone on its last syllable, by the tone's Telex key. */
export function mark(before, key) {
  const [word] = before.match(/\p{L}*$/u);
  const syllable = read(word);
  if (!syllable || syllable.tone === TONES[key]) return before;
  return before.slice(0, before.length - word.length) + write({ ...syllable, tone: TONES[key] });
}

function composeWord(word, key) {
  const small = key.toLowerCase();
  if (small === "d") return composeD(word, key);
  const syllable = read(word);
  if (!syllable) {
    const begun = small === "w" && INITIAL.exec(word.toLowerCase())[0] === word.toLowerCase();
    return begun ? word + cased("ư", key) : null;
  }
  if (small in TONES) return composeTone(syllable, small, word, key);
  if (small in MARKS) return composeMark(syllable, small, word, key);
  return null;
}

function composeD(word, key) {
  const first = word[0];
  if (!first || !/[dđ]/i.test(first)) return null;
  if (first.toLowerCase() === "đ") return cased("d", first) + word.slice(1) + key;
  const whole = word.length === 1 || read(word);
  return whole ? cased("đ", first) + word.slice(1) : null;
}

function composeTone(syllable, small, word, key) {
  const tone = TONES[small];
  if (tone === 0 && syllable.tone === 0) return null;
  if (tone === syllable.tone) return write({ ...syllable, tone: 0 }) + key;
  return write({ ...syllable, tone });
}

function composeMark(syllable, small, word, key) {
  const { vowels } = syllable;
  const made = MARKS[small][vowels];
  if (made) return write({ ...syllable, vowels: made });
  const back = [...vowels].map((letter) => PLAIN[small][letter] ?? letter).join("");
  if (back === vowels) return null;
  // A word that is nothing but "ư" came from "w" alone.
  if (word.toLowerCase() === "ư" && small === "w") return cased("w", word);
  return write({ ...syllable, vowels: back }) + key;
}

/** A word as a syllable: initial, vowels without their tone, final, tone; null where it is none. */
function read(word) {
  let tone = 0;
  const bare = [...word.toLowerCase()].map((letter) => {
    const known = letters.get(letter);
    if (known?.tone) tone = known.tone;
    return known?.base ?? letter;
  }).join("");
  let initial = INITIAL.exec(bare)[0];
  // "gì" and "gin" have the i as their vowel; "q" has none without its u.
  if (initial === "gi" && !/^gi[aăâeêoôơuưy]/.test(bare)) initial = "g";
  const found = SYLLABLE.exec(bare.slice(initial.length));
  if (!found || initial === "q") return null;
  return { word, initial, vowels: found.groups.vowels, final: found.groups.final ?? "", tone };
}

/** The syllable in letters, each as large as the one of the word that it stands for. */
function write({ word, initial, vowels, final, tone }) {
  const open = vowels.length === 3 || final ? grown(vowels) : vowels;
  const at = toned(open, final);
  const marked = [...open].map((letter, index) => (
    index === at ? ROWS.find((row) => row[0] === letter)[tone] : letter
  ));
  return [...initial, ...marked, ...final].map((letter, index) => cased(letter, word[index])).join("");
}

/** In front of more letters "uơ" and "ưo" are "ươ": thuở, but thương. */
function grown(vowels) {
  return vowels.replace(/^(?:uơ|ưo)/, "ươ");
}

/** Which of the vowels carries the tone: the marked one, else as in hòa, hoàn, hoài. */
function toned(vowels, final) {
  const marked = [...vowels].findLastIndex((letter) => "ăâêôơư".includes(letter));
  if (marked >= 0) return marked;
  return vowels.length === 1 ? 0 : vowels.length === 3 || final ? 1 : 0;
}

/** A word after a plain letter: its tone may have to move. */
function settle(word) {
  const syllable = read(word);
  return syllable ? write(syllable) : word;
}

function cased(letter, like) {
  const large = like !== like.toLowerCase();
  return large ? letter.toUpperCase() : letter;
}
