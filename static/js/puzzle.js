// Solves the puzzle that the server asks for where very many forms come from one code (see
// kiosk/puzzles.py), beside the page. SHA-256 (FIPS 180-4) is written out, since browsers lend
// theirs to pages with TLS alone; text of one block, at most 55 characters, is all there is.
const fraction = (root) => ((root - Math.floor(root)) * 4294967296) | 0;
const K = [];
const H = [];
for (let n = 2; K.length < 64; n += 1) {
  let prime = true;
  for (let d = 2; d * d <= n; d += 1) if (n % d === 0) prime = false;
  if (!prime) continue;
  if (H.length < 8) H.push(fraction(Math.sqrt(n)));
  K.push(fraction(Math.cbrt(n)));
}
const w = new Int32Array(64);
const turned = (x, n) => (x >>> n) | (x << (32 - n));

const plusStart = (word, i) => (word + H[i]) >>> 0;

/** The SHA-256 of a short text, as eight words. */
function sha256(text) {
  w.fill(0);
  for (let i = 0; i < text.length; i += 1) w[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
  w[text.length >> 2] |= 0x80 << (24 - 8 * (text.length & 3));
  w[15] = text.length * 8;
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15];
    const y = w[i - 2];
    const s = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3);
    w[i] = w[i - 16] + s + w[i - 7] + (turned(y, 17) ^ turned(y, 19) ^ (y >>> 10));
  }
  let a = H[0];
  let b = H[1];
  let c = H[2];
  let d = H[3];
  let e = H[4];
  let f = H[5];
  let g = H[6];
  let h = H[7];
  for (let i = 0; i < 64; i += 1) {
    const one = (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g));
    const first = (h + one + K[i] + w[i]) | 0;
    const two = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + two) | 0;
  }
  return [a, b, c, d, e, f, g, h].map(plusStart);
}

onmessage = (event) => {
  const [salt, target, most] = event.data.split(" ");
  const first = parseInt(target.slice(0, 8), 16);
  for (let number = 0; number < most; number += 1) {
    const found = sha256(salt + number);
    if (found[0] !== first) continue;
    if (found.map((word) => word.toString(16).padStart(8, "0")).join("") !== target) continue;
    postMessage(`${event.data} ${number}`);
    return;
  }
  throw new Error("no solution");
};
