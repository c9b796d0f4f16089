// The same settings for the real classes: a command line, and Python.

// Two hyperparameters of a rule may be one pair in its class.
function specOf(runner) {
  const { hyperparameters: known, pairs } = slalom.rules[runner.rule];
  const differing = new Set(chosen(runner));
  const options = [];
  const paired = new Set();
  for (const name of Object.keys(known)) {
    const pair = Object.keys(pairs).find(key => pairs[key].includes(name));
    if (!pair) {
      if (differing.has(name)) options.push(`${name}=${written(runner.h[name])}`);
    } else if (!paired.has(pair)) {
      paired.add(pair);
      const values = pairs[pair].map(part => (part in runner.h ? runner.h[part] : known[part].value));
      if (pairs[pair].some(part => differing.has(part))) options.push(`${pair}=(${values.map(written).join(",")})`);
    }
  }
  return `${runner.rule}:${options.join(",")}`;
}

function quotedForShell(text) {
  return /^[\w.:=,+-]+$/.test(text) ? text : `"${text}"`;
}

// Whitespace is one space in an expression's name; the grammar has no quotation marks.
function courseText(state) {
  return state.course.trim().replace(/\s+/g, " ");
}

function commandOf(state) {
  const course = courseText(state), isLikeOption = course.startsWith("-"); // such a word can only stand after --
  const words = [isLikeOption ? "slalom race" : `slalom race ${quotedForShell(course)}`, `--start=${state.start.map(written).join(",")}`];
  for (const runner of state.field.filter(each => each.on)) words.push(`-o ${quotedForShell(specOf(runner))}`);
  words.push(`--steps ${state.steps}`);
  if (state.noise) words.push(`--noise ${written(state.noise)} --seed ${state.seed}`);
  if (isLikeOption) words.push(`-- ${quotedForShell(course)}`);
  return words.join(" ");
}

function snippetOf(state) {
  const specs = state.field.filter(each => each.on).map(runner => `        ${JSON.stringify(specOf(runner))},`);
  const lines = [
    "import slalom",
    "",
    "race = slalom.race(",
    `    ${JSON.stringify(courseText(state))},`,
    "    [",
    ...specs,
    "    ],",
    `    start=(${state.start.map(written).join(", ")}),`,
    `    steps=${state.steps},`,
  ];
  if (state.noise) lines.push(`    noise=${written(state.noise)},`, `    seed=${state.seed},`);
  return [...lines, ")", "print(race)", 'race.save("race.png")'].join("\n");
}
