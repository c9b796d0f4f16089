// The state in the address: a link shows the same, and what cannot be read in one is told in a sentence.

const PARTS = ["course", "start", "o", "steps", "noise", "seed", "view", "inside", "at", "speed", "box", "turn", "log"];

const SWITCH = new Map([["True", true], ["False", false]]);

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
  if (!state.field.length) parts.set("o", "");
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

// The state that an address asks for. Whatever cannot be read is left at its default, for an address is typed by people,
// and `refused` gets a sentence about it.
function fromHash(hash, refused = []) {
  const state = startingState();
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const refuse = (text, rule, instead) => refused.push(`${shortQuote(text)}: ${rule}; ${instead} is shown instead.`);
  const number = (name, limit, otherwise) => {
    const text = parts.get(name), value = text === null ? otherwise : numberIn(text, limit);
    if (value === null) refuse(`${name}=${text}`, limit.rule, otherwise);
    return value ?? otherwise;
  };
  refuseNames(parts, refused);
  readCourse(parts.get("course"), state, refused);
  readStart(parts.get("start"), state, refuse);
  if (parts.has("o")) state.field = readField(parts.getAll("o"), refused);
  state.steps = number("steps", LIMITS.steps, state.steps);
  state.noise = number("noise", LIMITS.noise, 0);
  state.seed = number("seed", LIMITS.seed, 0);
  const last = Math.max(0, state.field.length - 1);
  const rule = `the optimizer looked into is a whole number from 0 to ${last}`;
  state.focus = number("inside", { low: 0, high: last, whole: true, rule }, last);
  const until = `at is a step, a whole number from 0 to ${counted(state.steps)}`;
  state.at = number("at", { low: 0, high: state.steps, whole: true, rule: until }, state.steps);
  state.speed = number("speed", LIMITS.speed, state.speed);
  readLook(parts, state, refuse);
  return state;
}

function refuseNames(parts, refused) {
  for (const name of new Set(parts.keys())) {
    if (!PARTS.includes(name)) refused.push(`${shortQuote(name)} is not known here: a link has ${PARTS.join(", ")}.`);
    else if (name !== "o" && parts.getAll(name).length > 1) {
      refused.push(`${shortQuote(name)} stands more than once: the first is shown.`);
    }
  }
}

function readCourse(text, state, refused) {
  if (text === null) return;
  // In an address a plus stands for a space, which those who type x**2+y**2 by hand do not know.
  const found = [text, text.replaceAll(" ", "+")].find(each => each.length <= LONGEST_EXPRESSION && findCourse(each).ok);
  if (found !== undefined) {
    state.course = found;
    state.start = findCourse(found).starts[0].slice();
    return;
  }
  const named = /^[A-Za-z][\w-]*$/.test(text) && text.length <= LONGEST_EXPRESSION;
  const problem = named ? `${shortQuote(text)} is neither a landscape of this page nor an expression in x and y.`
    : text.length > LONGEST_EXPRESSION ? slalom.compile(text).message : findCourse(text).message;
  refused.push(`${problem} ${slalom.landscapes[state.course].label} is shown instead.`);
}

function readStart(text, state, refuse) {
  if (text === null) return;
  const start = numbersIn(text, 2, LIMITS.start);
  if (start) state.start = start;
  else refuse(`start=${text}`, "a start is two numbers from -1e9 to 1e9, separated by a comma", state.start.join(","));
}

function readField(texts, refused) {
  if (texts.every(text => text === "")) return [];
  const left = texts.length - MOST_RUNNERS;
  const field = texts.slice(0, MOST_RUNNERS).map(text => readRunner(text, refused)).filter(Boolean);
  if (left > 0) {
    const more = left > 1 ? ` and ${counted(left - 1)} more are left out` : " is left out";
    refused.push(`At most ${MOST_RUNNERS} optimizers race at once: ${shortQuote(texts[MOST_RUNNERS])}${more}.`);
  }
  return field;
}

function readRunner(text, refused) {
  const on = !text.startsWith("!");
  const [rule, ...rest] = text.replace(/^!/, "").split(":"), options = rest.join(":");
  if (!Object.hasOwn(slalom.rules, rule)) {
    refused.push(`${shortQuote(text)}: there is no optimizer ${shortQuote(rule)} on this page; it is left out.`);
    return null;
  }
  const runner = newRunner(rule, {});
  for (const option of options.split(",")) if (option !== "") readOption(option, runner, refused);
  const h = lawful(runner.h, "nesterov");
  if (h !== runner.h) {
    refused.push(`${shortQuote(text)}: Nesterov's momentum needs a momentum above 0 and no dampening; ` +
      `momentum=${h.momentum}, dampening=0 are shown instead.`);
  }
  return { ...runner, h, on };
}

function readOption(option, { rule, h }, refused) {
  const known = slalom.rules[rule].hyperparameters, { title } = slalom.rules[rule];
  const [name, ...values] = option.split("="), value = values.join("=");
  if (!Object.hasOwn(known, name)) {
    refused.push(`${shortQuote(option)}: ${title} has no setting ${shortQuote(name)} here; it is left out.`);
    return;
  }
  const flag = typeof known[name].value === "boolean";
  const read = flag ? SWITCH.get(value) ?? null : hyperparameterIn(value, known[name]);
  if (read === null) {
    refused.push(`${shortQuote(option)}: ${title}'s ${name} must be ${known[name].words}; ${written(h[name])} is shown instead.`);
  } else h[name] = read;
}

function readLook(parts, state, refuse) {
  const view = parts.get("view"), box = parts.get("box"), turn = parts.get("turn"), log = parts.get("log");
  if (VIEWS.includes(view)) state.view = view;
  else if (view !== null) refuse(`view=${view}`, `a view is one of ${VIEWS.join(", ")}`, state.view);
  const sides = box === null ? null : numbersIn(box, 4, LIMITS.box);
  if (sides && isBox(sides)) state.box = sides;
  else if (box !== null) {
    refuse(`box=${box}`, "a box is left,right,bottom,top from -1e13 to 1e13 with left < right and bottom < top", "the whole domain");
  }
  const angles = turn === null ? null : numbersIn(turn, 2);
  if (angles) state.turn = angles;
  else if (turn !== null) refuse(`turn=${turn}`, "a turn is two angles, separated by a comma", state.turn.join(","));
  state.logSteps = log === "1";
  if (log !== null && log !== "1" && log !== "0") refuse(`log=${log}`, "log is 1 or 0", "0");
}
