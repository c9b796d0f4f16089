// The gradient noise of slalom.core.Noise: a function of (seed, step), bit for bit what NumPy draws.
//
// Blocks of 256 steps are drawn together from Generator(Philox(key=[seed, block])).standard_normal. Philox is the
// counter-based generator of Salmon and others 2011 (4 words of 64 bits, 10 rounds), the normal numbers are Marsaglia's
// and Tsang's of 2000, with 256 layers.

const NOISE_BLOCK = 256;
const TAIL = 3.6541528853610088; // where the lowest layer's tail begins
const TWO_32 = 2 ** 32, TWO_52 = 2 ** 52;

// The upper 32 bits of the product of two words of 32 bits.
function high(a, b) {
  const a1 = a >>> 16, a0 = a & 0xffff, b1 = b >>> 16, b0 = b & 0xffff;
  const middle = a1 * b0 + ((a0 * b0) >>> 16), crossed = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + Math.floor(middle / 65536) + Math.floor(crossed / 65536)) >>> 0;
}

// The product of two words of 64 bits, each as (high, low), into out as four words of 32, the lowest first.
function product(ah, al, bh, bl, out) {
  const low = Math.imul(al, bl) >>> 0, hl = Math.imul(ah, bl) >>> 0, lh = Math.imul(al, bh) >>> 0;
  const one = high(al, bl) + hl + lh;
  const two = high(ah, bl) + high(al, bh) + (Math.imul(ah, bh) >>> 0) + Math.floor(one / TWO_32);
  out[0] = low;
  out[1] = one; // a Uint32Array keeps the lower 32 bits
  out[2] = two;
  out[3] = high(ah, bh) + Math.floor(two / TWO_32);
}

const leftProduct = new Uint32Array(4), rightProduct = new Uint32Array(4);

// Four words of 64 bits from a key of two and a counter, into words as eight of 32, the lower half of each first.
function philox(seed, block, counter, words) {
  const c = words, left = leftProduct, right = rightProduct;
  c.fill(0);
  c[0] = counter;
  let k0l = seed >>> 0, k0h = Math.floor(seed / TWO_32), k1l = block, k1h = 0;
  for (let round = 0; round < 10; round++) {
    product(c[1], c[0], 0xd2e7470e, 0xe14c6c93, left);
    product(c[5], c[4], 0xca5a8263, 0x95121157, right);
    const c2 = c[2], c3 = c[3], c6 = c[6], c7 = c[7];
    c[0] = right[2] ^ c2 ^ k0l;
    c[1] = right[3] ^ c3 ^ k0h;
    c[2] = right[0];
    c[3] = right[1];
    c[4] = left[2] ^ c6 ^ k1l;
    c[5] = left[3] ^ c7 ^ k1h;
    c[6] = left[0];
    c[7] = left[1];
    k0l += 0x7f4a7c15;
    k0h = (k0h + 0x9e3779b9 + Math.floor(k0l / TWO_32)) >>> 0;
    k0l >>>= 0;
    k1l += 0x84caa73b;
    k1h = (k1h + 0xbb67ae85 + Math.floor(k1l / TWO_32)) >>> 0;
    k1l >>>= 0;
  }
}

// The stream of a block: next() makes low and high the halves of its next word.
function stream(seed, block) {
  const words = new Uint32Array(8);
  let counter = 0, place = 8;
  return {
    low: 0,
    high: 0,
    next() {
      if (place === 8) {
        philox(seed, block, ++counter, words);
        place = 0;
      }
      this.low = words[place++];
      this.high = words[place++];
    },
    uniform() {
      this.next();
      return (this.high * 2 ** 21 + (this.low >>> 11)) / 2 ** 53;
    },
  };
}

const ziggurat = (() => {
  const bytes = Uint8Array.from(atob(zigguratWidths), character => character.charCodeAt(0));
  const width = new Float64Array(bytes.buffer);
  const height = width.map((w, i) => (i ? Math.exp(-0.5 * (w * TWO_52) ** 2) : 1));
  // An integer below this is inside the layer above, too, and needs no further look.
  const inside = width.map((w, i) => Math.floor((i ? (i > 1 ? width[i - 1] / w : 0) : TAIL / TWO_52 / w) * TWO_52));
  return { width, height, inside };
})();

function normal(words) {
  const { width, height, inside } = ziggurat;
  for (;;) {
    words.next();
    const layer = words.low & 255, negative = (words.low >>> 8) & 1;
    const integer = (words.high & 0x1fffffff) * 2 ** 23 + (words.low >>> 9);
    const value = negative ? -integer * width[layer] : integer * width[layer];
    if (integer < inside[layer]) return value;
    if (layer === 0) return tail(words, Math.floor(integer / 256) % 2 === 1);
    const bar = (height[layer - 1] - height[layer]) * words.uniform() + height[layer];
    if (bar < Math.exp(-0.5 * value * value)) return value;
  }
}

function tail(words, negative) {
  for (;;) {
    const beyond = -0.2736612373297583 * Math.log1p(-words.uniform()); // divided by TAIL
    const bar = -Math.log1p(-words.uniform());
    if (bar + bar > beyond * beyond) return negative ? -(TAIL + beyond) : TAIL + beyond;
  }
}

const noiseDrawn = new Map(); // by seed: what has been drawn, whole blocks

// The noise of steps 1 … steps, two numbers each, of deviation 1. The array may be longer; it is not to be changed.
function noiseRows(seed, steps) {
  const have = noiseDrawn.get(seed) || new Float64Array(0), size = 2 * NOISE_BLOCK;
  const blocks = Math.ceil(steps / NOISE_BLOCK);
  if (have.length >= blocks * size) return have;
  const rows = new Float64Array(blocks * size);
  rows.set(have);
  for (let block = have.length / size; block < blocks; block++) {
    const words = stream(seed, block);
    for (let i = 0; i < size; i++) rows[block * size + i] = normal(words);
  }
  if (noiseDrawn.size >= 64) noiseDrawn.clear();
  noiseDrawn.set(seed, rows);
  return rows;
}
