// Everything that is set by a control: landscape, expression, optimizers with their sliders, the race's conditions.

const byId = id => document.getElementById(id);

// A slider has 1,000 places; these are the values that they stand for.
const PLACES = 1000;

function placeOf({ low, high, scale }, value) {
  if (scale === "log") return PLACES * Math.log(value / low) / Math.log(high / low);
  if (scale === "one minus") return PLACES * Math.log((1 - low) / (1 - value)) / Math.log((1 - low) / (1 - high));
  return PLACES * (value - low) / (high - low);
}

function valueAt({ low, high, scale }, place) {
  const share = place / PLACES;
  if (scale === "log") return Number((low * (high / low) ** share).toPrecision(3));
  if (scale === "one minus") {
    const left = (1 - low) * ((1 - high) / (1 - low)) ** share;
    return Number((1 - Number(left.toPrecision(2))).toFixed(7));
  }
  return Number((low + (high - low) * share).toPrecision(3));
}

function buildLandscapes(select) {
  select.append(...Object.entries(slalom.landscapes).map(([name, course]) => el("option", { value: name }, course.label)));
  select.append(el("option", { value: "", disabled: true }, "an expression"));
}

function buildAdd(select) {
  const options = Object.entries(slalom.rules).map(([name, rule]) => el("option", { value: name }, rule.title));
  select.append(el("option", { value: "" }, "Add …"), ...options);
}

// What stands at the landscape: its formula, what it teaches, the expression being typed.
function showCourse({ state, course }) {
  byId("landscape").value = course.typed ? "" : course.name;
  byId("course-title").textContent = cut(course.title, 400);
  byId("teaches").textContent = course.teaches;
  const input = byId("expression"); // one that cannot be read stays, to be mended; the title says what is shown
  if (document.activeElement !== input && input.getAttribute("aria-invalid") !== "true") {
    input.value = course.typed ? state.course : "";
  }
}

function showConditions({ state }) {
  const values = { "start-x": state.start[0], "start-y": state.start[1], steps: state.steps, noise: state.noise, seed: state.seed };
  for (const [id, value] of Object.entries(values)) {
    const input = byId(id);
    if (document.activeElement !== input && input.value !== String(value)) input.value = value;
  }
  byId("seed").disabled = !state.noise;
  showAdd();
}

function showAdd() {
  const full = scene.state.field.length >= MOST_RUNNERS, select = byId("add");
  select.disabled = full;
  select.options[0].textContent = full ? `${MOST_RUNNERS} at most` : "Add …";
}

function swatch(style) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "line");
  const set = (node, values) => Object.entries(values).forEach(([name, value]) => node.setAttribute(name, value));
  set(svg, { width: 26, height: 10, "aria-hidden": "true" });
  set(line, { x1: 1, x2: 25, y1: 5, y2: 5, stroke: style.colour, "stroke-width": 3, "stroke-dasharray": style.dashes.map(d => 2 * d).join(" ") });
  svg.append(line);
  return svg;
}

// The cards are built anew only where the field itself changes; a slider that is being dragged stays what it is.
const cards = { built: "", list: [] };

function showField(scene) {
  const { state, styles, names } = scene;
  const built = JSON.stringify([state.field.map(runner => runner.rule), theme.dark]);
  if (built !== cards.built) {
    const open = cards.list.map(card => card.more.open);
    cards.list = state.field.map((runner, k) => cardOf(runner, k));
    cards.list.forEach((card, k) => { card.more.open = Boolean(open[k]); });
    byId("field").replaceChildren(...cards.list.map(card => card.root));
    cards.built = built;
  }
  cards.list.forEach((card, k) => card.show(state.field[k], k, styles[k], names[k], k === state.focus, scene));
}

function cardOf(runner, k) {
  const known = slalom.rules[runner.rule].hyperparameters;
  const check = el("input", { type: "checkbox" });
  const name = el("b");
  const mark = el("span");
  const look = el("button", { type: "button" }, "inside");
  const remove = el("button", { type: "button" }, "×");
  check.onchange = () => change(state => { state.field[k].on = check.checked; });
  look.onclick = () => change(state => { state.focus = k; });
  remove.onclick = () => removeRunner(k);
  const order = ["lr", ...Object.keys(known).filter(option => option !== "lr")];
  const rows = order.map(option => ({ option, ...rowOf(k, option, known[option]) }));
  const result = el("span", { className: "result" });
  const more = el("details", {}, el("summary", {}, result, el("span", { className: "word" }, "more")),
    ...rows.slice(1).map(row => row.root));
  const label = el("label", { className: "name" }, check, mark, name);
  const root = el("div", { className: "runner", role: "group" },
    el("div", { className: "top" }, label, look, remove), rows[0].root, more);
  return { root, more, show: shower({ root, check, name, mark, look, remove, rows, result, label }) };
}

function shower({ root, check, name, mark, look, remove, rows, result, label }) {
  return (runner, k, style, title, focused, scene) => {
    root.classList.toggle("off", !runner.on);
    root.setAttribute("aria-label", title);
    check.checked = runner.on;
    name.textContent = title;
    label.title = slalom.rules[runner.rule].about || "";
    const shown = `${style.colour} ${style.dashes}`;
    if (mark.dataset.shown !== shown) {
      mark.replaceChildren(swatch(style));
      mark.dataset.shown = shown;
    }
    look.setAttribute("aria-pressed", String(focused));
    look.setAttribute("aria-label", `Look inside ${title}`);
    remove.setAttribute("aria-label", `Remove ${title}`);
    rows.forEach(row => row.show(runner.h[row.option], title));
    const told = resultOf(scene, k);
    if (result.textContent !== told) result.textContent = told;
    result.title = endOf(scene, k);
  };
}

function resultOf({ state, race, floor }, k) {
  if (!state.field[k].on) return "not in the race";
  if (race.divergedAt[k] >= 0) return `diverged at step ${race.divergedAt[k]}`;
  const gap = Math.max(race.losses[k][state.steps] - floor.value, 0);
  return `ends ${brief(gap)} above ${floor.known ? "minimum" : "lowest"}`;
}

// Where a runner ends, in full: for those who want to compare.
function endOf({ state, race }, k) {
  const [x, y] = race.paths[k].slice(2 * lastStep(race, k, state.steps));
  return `at (${x}, ${y})`;
}

// One hyperparameter: a slider on its own scale and the number itself; of a switch, a box to tick.
function rowOf(k, option, known) {
  const id = `h-${k}-${option}`;
  const label = el("label", { htmlFor: id, title: known.about }, known.label);
  if (known.scale === "flag") {
    const box = el("input", { type: "checkbox", id });
    box.onchange = () => setHyperparameter(k, option, box.checked);
    const root = el("div", { className: "dial-row" }, label, box);
    return { root, show: value => { box.checked = value; } };
  }
  const slider = el("input", { type: "range", min: 0, max: PLACES, step: 1, id });
  const number = el("input", { type: "number", step: "any", id: `${id}-number` });
  const root = el("div", { className: "dial-row" }, label, slider, number);
  slider.oninput = () => setHyperparameter(k, option, valueAt(known, Number(slider.value)));
  const judge = taken => {
    const value = hyperparameterIn(number.value, known);
    if (value === null && (taken || number.value !== "")) {
      const words = `${known.label} must be ${known.words}`;
      complain(number, root, refusal(number.value, words, scene.state.field[k].h[option]));
    } else if (value !== null) uncomplain(number, root);
    if (taken && value !== null) setHyperparameter(k, option, value);
  };
  number.oninput = () => judge(false);
  number.onchange = () => judge(true);
  number.onblur = () => giveWay(number, () => scene.state.field[k]?.h[option]);
  const show = (value, title) => {
    const place = Math.round(Math.min(PLACES, Math.max(0, placeOf(known, value))) || 0);
    if (document.activeElement !== slider || Math.abs(place - Number(slider.value)) > 1) slider.value = place;
    if (document.activeElement !== number) number.value = value;
    number.setAttribute("aria-label", `${title}: ${known.label}`);
    slider.setAttribute("aria-label", `${title}: ${known.label}`);
    slider.setAttribute("aria-valuetext", String(value));
  };
  return { root, show };
}

function setHyperparameter(k, option, value) {
  change(state => {
    const runner = state.field[k];
    if (runner) runner.h = lawful({ ...runner.h, [option]: value }, option);
  });
}

function removeRunner(k) {
  change(state => {
    state.field.splice(k, 1);
    state.focus = Math.max(0, Math.min(state.focus > k ? state.focus - 1 : state.focus, state.field.length - 1));
  });
  showAdd();
  byId("add").focus();
}

function addRunner(rule) {
  if (scene.state.field.length >= MOST_RUNNERS) return;
  change(state => {
    state.field.push(newRunner(rule, {}));
    state.focus = state.field.length - 1;
  });
  tune([scene.state.focus], () => `The learning rate of ${slalom.rules[rule].title} is tuned for this start.`);
}

function chooseCourse(text) {
  change(state => {
    state.course = text;
    state.start = findCourse(text).starts[0].slice();
    state.box = null;
    state.at = state.steps;
  });
  tune(scene.state.field.map((_, k) => k), () => "Learning rates tuned for this landscape and its start.");
}

// An expression is read at every key; what is wrong with it stands below as text.
function typeExpression() {
  const input = byId("expression"), text = input.value;
  const found = text.trim() === "" ? { ok: true } : findCourse(text.trim());
  input.setAttribute("aria-invalid", String(!found.ok));
  byId("expression-error").textContent = found.ok ? "" : found.message;
  if (found.ok && text.trim() !== "" && text.trim() !== scene.state.course) chooseCourse(text.trim());
}

function wireControls() {
  byId("landscape").onchange = event => {
    clearExpression();
    chooseCourse(event.target.value);
  };
  byId("expression").oninput = typeExpression;
  byId("add").onchange = event => {
    const rule = event.target.value;
    event.target.value = "";
    if (rule) addRunner(rule);
  };
  byId("tune").onclick = tuneAll;
  const [x, y] = ["start-x", "start-y"];
  condition(x, LIMITS.start, state => state.start[0], (state, value) => { state.start = [value, state.start[1]]; });
  condition(y, LIMITS.start, state => state.start[1], (state, value) => { state.start = [state.start[0], value]; });
  condition("noise", LIMITS.noise, state => state.noise, (state, value) => { state.noise = value; });
  condition("seed", LIMITS.seed, state => state.seed, (state, value) => { state.seed = value; });
  condition("steps", LIMITS.steps, state => state.steps, (state, value) => {
    if (state.at === state.steps) state.at = value;
    state.steps = value;
    state.at = Math.min(state.at, value);
  });
}

function clearExpression() {
  byId("expression").value = "";
  byId("expression").setAttribute("aria-invalid", "false");
  byId("expression-error").textContent = "";
}

// An input of the race: taken at every key; what is not taken is told, and gives way to what holds when it is left.
function condition(id, limit, get, set) {
  const input = byId(id), block = input.closest(".block");
  if (limit.whole) Object.assign(input, { min: limit.low, max: limit.high });
  const judge = left => {
    const value = numberIn(input.value, limit);
    if (value !== null) {
      uncomplain(input, block);
      if (!left) change(state => set(state, value));
    } else if (left || input.value !== "") complain(input, block, refusal(input.value, limit.rule, get(scene.state)));
  };
  input.oninput = () => judge(false);
  input.onblur = () => {
    judge(true);
    giveWay(input, () => get(scene.state));
  };
}

// The sentence stays until the next change; the input shows what holds.
function giveWay(input, get) {
  input.setAttribute("aria-invalid", "false");
  const value = get();
  if (value !== undefined) input.value = value;
  redraw();
}
