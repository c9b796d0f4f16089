// What is on the screen, and how it is written into the address: a link shows the same.

const MOST_STEPS = 2000;
const MOST_RUNNERS = 8;
const MOST_SEED = 999999;
const LONGEST_EXPRESSION = 1000;
const VIEWS = ["overlay", "grid", "basins", "surface"];

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

// A number as Python and JavaScript both read it, without loss.
function written(value) {
  if (typeof value === "boolean") return value ? "True" : "False";
  return String(value);
}

// The hyperparameters that differ from the class's own, and the learning rate.
function chosen(runner) {
  const known = slalom.rules[runner.rule].hyperparameters;
  return Object.keys(known).filter(name => name === "lr" || runner.h[name] !== known[name].value);
}

function toHash(state) {
  const parts = new URLSearchParams();
  parts.set("course", state.course);
  parts.set("start", state.start.join(","));
  for (const runner of state.field) {
    const options = chosen(runner).map(name => `${name}=${written(runner.h[name])}`).join(",");
    parts.append("o", `${runner.on ? "" : "!"}${runner.rule}:${options}`);
  }
  parts.set("steps", state.steps);
  if (state.noise) {
    parts.set("noise", state.noise);
    parts.set("seed", state.seed);
  }
  parts.set("view", state.view);
  parts.set("inside", state.focus);
  if (state.at !== state.steps) parts.set("at", state.at);
  parts.set("speed", state.speed);
  if (state.box) parts.set("box", state.box.join(","));
  if (state.view === "surface") parts.set("turn", state.turn.map(angle => angle.toFixed(3)).join(","));
  if (state.logSteps) parts.set("log", 1);
  return "#" + parts.toString();
}

// Whatever cannot be read is left at its default: an address is typed by people.
function fromHash(hash) {
  const state = startingState();
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const course = parts.get("course");
  if (course !== null && course.length <= LONGEST_EXPRESSION && findCourse(course).ok) {
    state.course = course;
    state.start = findCourse(course).starts[0].slice();
  }
  state.start = numbers(parts.get("start"), 2) || state.start;
  const field = parts.getAll("o").slice(0, MOST_RUNNERS).map(readRunner).filter(Boolean);
  if (parts.has("o")) state.field = field;
  state.steps = whole(parts.get("steps"), 1, MOST_STEPS, state.steps);
  state.noise = within(parts.get("noise"), 0, 1e6, 0);
  state.seed = whole(parts.get("seed"), 0, MOST_SEED, 0);
  if (VIEWS.includes(parts.get("view"))) state.view = parts.get("view");
  state.focus = whole(parts.get("inside"), 0, Math.max(0, state.field.length - 1), Math.max(0, state.field.length - 1));
  state.at = whole(parts.get("at"), 0, state.steps, state.steps);
  state.speed = within(parts.get("speed"), 2, 1000, state.speed);
  const box = numbers(parts.get("box"), 4);
  if (box && box[0] < box[1] && box[2] < box[3]) state.box = box;
  state.turn = numbers(parts.get("turn"), 2) || state.turn;
  state.logSteps = parts.get("log") === "1";
  return state;
}

function readRunner(text) {
  const on = !text.startsWith("!");
  const [rule, options = ""] = text.replace(/^!/, "").split(":");
  if (!Object.hasOwn(slalom.rules, rule)) return null;
  const runner = newRunner(rule, {});
  const known = slalom.rules[rule].hyperparameters;
  for (const option of options.split(",")) {
    const [name, value = ""] = option.split("=");
    if (!Object.hasOwn(known, name)) continue;
    if (typeof known[name].value === "boolean") runner.h[name] = value === "True";
    else if (value !== "" && Number.isFinite(Number(value))) runner.h[name] = allowed(name, Number(value), runner.h[name]);
  }
  return { ...runner, h: lawful(runner.h, "nesterov"), on };
}

// What the class would refuse stays as it was.
function allowed(name, value, otherwise) {
  if (!Number.isFinite(value) || value < 0) return otherwise;
  if (/^(beta[12]|eta_minus)$/.test(name) && value >= 1) return otherwise;
  if (/^(rho|dampening)$/.test(name) && value > 1) return otherwise;
  if (name === "eta_plus" && value <= 1) return otherwise;
  return value;
}

function numbers(text, count) {
  const values = (text || "").split(",").map(part => (part.trim() === "" ? NaN : Number(part)));
  return values.length === count && values.every(Number.isFinite) ? values : null;
}

function within(text, low, high, otherwise) {
  const value = text === null || text === "" ? NaN : Number(text);
  return value >= low && value <= high ? value : otherwise;
}

function whole(text, low, high, otherwise) {
  const value = within(text, low, high, otherwise);
  return Number.isInteger(value) ? value : otherwise;
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

function titleOf(runner) {
  return slalom.rules[runner.rule].title;
}

// What PyTorch refuses together: Nesterov's momentum without momentum, or with dampening. The last change is kept.
function lawful(h, changed) {
  if (!h.nesterov || (h.momentum > 0 && h.dampening === 0)) return h;
  if (changed !== "nesterov") return { ...h, nesterov: false };
  return { ...h, momentum: h.momentum || 0.9, dampening: 0 };
}

// Names that tell the field apart: of two alike, each with its learning rate.
function labelsOf(field) {
  const titles = field.map(titleOf);
  return titles.map((title, k) =>
    titles.indexOf(title) === titles.lastIndexOf(title) ? title : `${title} ${brief(field[k].h.lr)}`);
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
