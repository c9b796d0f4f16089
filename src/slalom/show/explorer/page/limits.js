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

// What the class of an optimizer takes: {holds, words}.
function limitOf(option, rule) {
  if (option === "lr" && rule === "lion") return { holds: value => value > 0 && value < Infinity, words: "a finite number above 0" };
  if (/^beta[12]$/.test(option)) return { holds: value => value >= 0 && value < 1, words: "at least 0 and below 1" };
  if (option === "eta_minus") return { holds: value => value > 0 && value < 1, words: "above 0 and below 1" };
  if (option === "eta_plus") return { holds: value => value > 1 && value < Infinity, words: "a finite number above 1" };
  if (/^(rho|dampening)$/.test(option)) return { holds: value => value >= 0 && value <= 1, words: "from 0 to 1" };
  return { holds: value => value >= 0 && value < Infinity, words: "a finite number of at least 0" };
}

// The hyperparameter that a text stands for, null where the class would refuse it.
function hyperparameterIn(option, text, rule) {
  const value = String(text).trim() === "" ? NaN : Number(text);
  return limitOf(option, rule).holds(value) ? value : null;
}

function shortQuote(text) {
  return slalom.quoted(text, LONGEST_QUOTE);
}

// One sentence: what was typed, the rule, what stays. A browser keeps what is no number at all to itself.
function refusal(text, rule, kept) {
  return text === "" ? `This is no number: ${rule}; ${kept} is kept.` : `${shortQuote(text)}: ${rule}; ${kept} is kept.`;
}
