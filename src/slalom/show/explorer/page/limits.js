// What may be typed, and the sentence for what may not: one for the inputs and for the address.

const MOST_STEPS = 2000;
const MOST_RUNNERS = 8;
const MOST_SEED = Number.MAX_SAFE_INTEGER; // the noise is computed for any seed; a larger one is no exact number here
const FARTHEST = 1e9;
const LONGEST_EXPRESSION = 1000;
const LONGEST_QUOTE = 40;
const VIEWS = ["overlay", "grid", "basins", "surface"];

const counted = value => value.toLocaleString("en-US"); // with commas, as Python writes it

const LIMITS = {
  start: { low: -FARTHEST, high: FARTHEST, rule: "a coordinate of the start is a number from -1e9 to 1e9" },
  box: { low: -1e4 * FARTHEST, high: 1e4 * FARTHEST },
  steps: {
    low: 1, high: MOST_STEPS, whole: true,
    rule: `steps must be a whole number of at least 1 and at most ${counted(MOST_STEPS)}`,
  },
  noise: { low: 0, high: Number.MAX_VALUE, rule: "the noise is a standard deviation, a finite number of at least 0" },
  seed: {
    low: 0, high: MOST_SEED, whole: true,
    rule: `seed must be a whole number of at least 0 and at most ${counted(MOST_SEED)}`,
  },
  speed: { low: 2, high: 1000, rule: "speed is a number of steps per second from 2 to 1,000" },
};

// The number that a text stands for, null where it is none or the limit forbids it.
function numberIn(text, { low, high, whole = false }) {
  const value = String(text).trim() === "" ? NaN : Number(text);
  return value >= low && value <= high && (!whole || Number.isInteger(value)) ? value : null;
}

function numbersIn(text, count, limit = { low: -Number.MAX_VALUE, high: Number.MAX_VALUE }) {
  const values = String(text).split(",").map(part => numberIn(part, limit));
  return values.length === count && values.every(value => value !== null) ? values : null;
}

// The number that a text stands for, null where its class would refuse it: the limits are Python's.
function hyperparameterIn(text, { least = -Infinity, above = -Infinity, below = Infinity, most = Infinity }) {
  const value = String(text).trim() === "" ? NaN : Number(text);
  return Number.isFinite(value) && value >= least && value > above && value < below && value <= most ? value : null;
}

function shortQuote(text) {
  return slalom.quoted(text, LONGEST_QUOTE);
}

// One sentence: what was typed, the rule, what stays. A browser keeps what is no number at all to itself.
function refusal(text, rule, kept) {
  return text === "" ? `This is no number: ${rule}; ${kept} is kept.` : `${shortQuote(text)}: ${rule}; ${kept} is kept.`;
}

// Whatever a pointer or a key has made of the state stays within what a link may hold.
function keepWithin(state) {
  const { low, high } = LIMITS.start;
  state.start = state.start.map(value => (Number.isNaN(value) ? 0 : Math.min(high, Math.max(low, value))));
  if (state.box && !isBox(state.box)) state.box = null;
  for (const { h } of state.field) if (h.lr === Infinity) h.lr = Number.MAX_VALUE;
}

// Whether a box [left, right, bottom, top] can be looked at: between its sides numbers must be told apart.
function isBox([left, right, bottom, top]) {
  const isWide = (from, to) => to - from > 1e-10 * Math.max(1e-20, Math.abs(from), Math.abs(to));
  const inside = [left, right, bottom, top].every(side => Math.abs(side) <= LIMITS.box.high);
  return inside && isWide(left, right) && isWide(bottom, top);
}
