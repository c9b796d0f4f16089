// What is on the screen: the state, and what follows from it.

function startingState() {
  return {
    course: "rosenbrock",
    start: [-1.2, 1],
    field: [
      newRunner("sgd", { lr: 0.002 }),
      newRunner("momentum", { lr: 0.0005 }),
      newRunner("rmsprop", { lr: 0.01 }),
      newRunner("adam", { lr: 0.1 }),
    ],
    steps: 500,
    noise: 0,
    seed: 0,
    view: "overlay",
    focus: 3,
    at: 500,
    speed: 60,
    box: null,
    turn: [-0.7, 0.75],
    logSteps: false,
  };
}

function newRunner(rule, given) {
  return { rule, h: slalom.settings(slalom.rules[rule], given), on: true };
}

// A landscape by its name, or an expression as typed; {ok: false, message} where it cannot be read.
const courses = new Map();
function findCourse(text) {
  if (!courses.has(text)) {
    if (courses.size > 50) courses.clear();
    courses.set(text, makeCourse(text));
  }
  return courses.get(text);
}

function makeCourse(text) {
  if (Object.hasOwn(slalom.landscapes, text)) return { ok: true, name: text, typed: false, ...slalom.landscapes[text] };
  if (text.trim() === "") return { ok: false, message: "Type an expression in x and y, such as x**2 + 10*y**2." };
  const made = slalom.compile(text);
  if (!made.ok) return made;
  if (made.dim !== 2) {
    return { ok: false, message: `An expression in ${made.dim === 1 ? "x alone" : "more than x and y"}: the plane needs x and y, as in x**2 + y**2.` };
  }
  return { minima: [], starts: [[1.5, 1]], domain: [[-3, 3], [-3, 3]], teaches: "", ...made, name: text, typed: true };
}

// The landscape as the engine takes it. The domain of an expression follows its start, as in Python.
function raced(course, start) {
  if (!course.typed) return course;
  const half = Math.max(3, 2 * Math.abs(start[0]), 2 * Math.abs(start[1]));
  return { ...course, domain: [[-half, half], [-half, half]] };
}

// The noise as the engine takes it.
function noiseOf(state) {
  return state.noise ? { sd: state.noise, seed: state.seed } : null;
}

function titleOf(runner) {
  return slalom.rules[runner.rule].title;
}

// What PyTorch refuses together: Nesterov's momentum without momentum, or with dampening. The last change is kept.
function lawful(h, changed) {
  if (!h.nesterov || (h.momentum > 0 && h.dampening === 0)) return h;
  if (changed !== "nesterov") return { ...h, nesterov: false };
  return { ...h, momentum: h.momentum || 0.9, dampening: 0 };
}

// Names that tell the field apart, as those of Python do: of two alike, with the hyperparameters in which they differ.
// What is at its default needs no words: "Adam lr 0.1" beside "Adam lr 0.1 β₁ 0.5".
function labelsOf(field) {
  const seen = {};
  return field.map(runner => {
    const label = [titleOf(runner), ...distinctions(runner, field.filter(other => other.rule === runner.rule))].join(" ");
    seen[label] = (seen[label] || 0) + 1;
    return seen[label] > 1 ? `${label} (${seen[label]})` : label;
  });
}

function distinctions(runner, alike) {
  const words = [];
  for (const name of chosen(runner)) {
    const values = alike.map(other => other.h[name]), value = runner.h[name];
    if (values.every(other => other === value)) continue;
    const word = name === "lr" ? "lr" : slalom.rules[runner.rule].hyperparameters[name].label;
    if (typeof value === "boolean") words.push(word);
    else words.push(`${word} ${brief(value, digitsApart(values))}`);
  }
  return words;
}

// As few digits as tell different values apart, at least three.
function digitsApart(values) {
  const different = [...new Set(values)];
  for (let digits = 3; digits < 17; digits++) {
    if (new Set(different.map(value => brief(value, digits))).size === different.length) return digits;
  }
  return 17;
}

function brief(value, digits = 3) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  let text = size >= 1e5 || size < 1e-3 ? value.toExponential(digits - 1) : value.toPrecision(digits);
  if (text.includes("e")) {
    const [mantissa, exponent] = text.split("e");
    text = `${trimmed(mantissa)}e${exponent.replace("+", "")}`;
  } else text = trimmed(text);
  return text.replace(/-/g, "−");
}

function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
