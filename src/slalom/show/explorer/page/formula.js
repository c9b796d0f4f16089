// The formula of an update with its numbers in it. The lines come from the rules themselves (facts.formulas): trees of
// names, numbers and operations, which are written as MathML here and computed for the step that is shown.

const MATHML = "http://www.w3.org/1998/Math/MathML";

function math(name, ...children) {
  const made = document.createElementNS(MATHML, name);
  if (name === "math") made.setAttribute("displaystyle", "true");
  made.append(...children);
  return made;
}

// The lines under the options in force: an option that is 0 or off has none.
function linesOf(runner) {
  const known = facts.formulas.rules[slalom.rules[runner.rule].path];
  if (!known) return null;
  const key = known.options.filter(name => runner.h[name]).join(",");
  return known.variants[key] || null;
}

// The state before step t, and what the step meets: replayed, since a race keeps only what pictures need.
function momentOf(scene, k, t) {
  const { state, race } = scene;
  const runner = state.field[k], rule = slalom.rules[runner.rule];
  const s = rule.init(2, runner.h), p = Float64Array.from(state.start), g = new Float64Array(2);
  const { gradients, paths } = race;
  for (let step = 1; step < t; step++) {
    g[0] = gradients[k][2 * step];
    g[1] = gradients[k][2 * step + 1];
    p[0] = paths[k][2 * step - 2];
    p[1] = paths[k][2 * step - 1];
    rule.step(step, p, g, s, runner.h);
  }
  const values = { t, p: [paths[k][2 * t - 2], paths[k][2 * t - 1]], g: [gradients[k][2 * t], gradients[k][2 * t + 1]] };
  for (const name of Object.keys(s)) values[`s.${name}`] = typeof s[name] === "number" ? s[name] : Array.from(s[name]);
  for (const name of Object.keys(runner.h)) values[`h.${name}`] = runner.h[name];
  return values;
}

// What formulas.py writes; a test holds the two together.
const OPERATIONS = {
  add: (a, b) => a + b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  power: (a, b) => a ** b,
  negative: a => -a,
  absolute: a => Math.abs(a),
  sqrt: a => Math.sqrt(a),
  sign: a => Math.sign(a),
  exp: a => Math.exp(a),
  log: a => Math.log(a),
  sin: a => Math.sin(a),
  cos: a => Math.cos(a),
  tan: a => Math.tan(a),
  sinh: a => Math.sinh(a),
  cosh: a => Math.cosh(a),
  tanh: a => Math.tanh(a),
  floor: a => Math.floor(a),
  max: (a, b) => Math.max(a, b),
  min: (a, b) => Math.min(a, b),
  "=": (a, b) => a === b,
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "≤": (a, b) => a <= b,
  "≥": (a, b) => a >= b,
};

// Compute a tree; a quantity is a number, or one number for each of the two coordinates.
function valueOf(tree, values) {
  if (typeof tree === "number") return tree;
  if (typeof tree === "string") return values[tree];
  const [operation, ...rest] = tree;
  if (operation === "cases") {
    const choose = at => {
      for (const [value, condition] of rest) {
        if (condition === null || coordinate(valueOf(condition, values), at)) return coordinate(valueOf(value, values), at);
      }
      return NaN;
    };
    return [choose(0), choose(1)];
  }
  const parts = rest.map(part => valueOf(part, values));
  const compute = at => parts.map(part => coordinate(part, at)).reduce((a, b) => OPERATIONS[operation](a, b));
  if (parts.length === 1) {
    const only = parts[0];
    return Array.isArray(only) ? only.map(OPERATIONS[operation]) : OPERATIONS[operation](only);
  }
  return parts.some(Array.isArray) ? [compute(0), compute(1)] : compute(0);
}

function coordinate(value, at) {
  return Array.isArray(value) ? value[at] : value;
}

const SUM = 0, PRODUCT = 1, ATOM = 2;

// Write a tree; `leaf` says how a name is written, as its sign or as the number it now is, and `fold` what is written as
// one number although it is computed, or null.
function formulaOf(tree, leaf, fold = () => null) {
  if (typeof tree === "number") return [math("mn", brief(tree, 6)), tree < 0 ? SUM : ATOM];
  if (typeof tree === "string") return leaf(tree);
  const folded = fold(tree);
  if (folded) return folded;
  const [operation, ...rest] = tree;
  const write = part => formulaOf(part, leaf, fold);
  const plain = part => write(part)[0];
  switch (operation) {
    case "add": return [sumOf(rest, write), SUM];
    case "multiply": return [joined(rest.map(part => bracketed(write(part), PRODUCT)), "·"), PRODUCT];
    case "divide": return [math("mfrac", plain(rest[0]), plain(rest[1])), ATOM];
    case "power": return [math("msup", bracketed(write(rest[0]), ATOM), plain(rest[1])), ATOM];
    case "negative": return [math("mrow", math("mo", "−"), bracketed(write(rest[0]), PRODUCT)), SUM];
    case "absolute": return [math("mrow", math("mo", "|"), plain(rest[0]), math("mo", "|")), ATOM];
    case "sqrt": return [math("msqrt", plain(rest[0])), ATOM];
    case "cases": return [casesOf(rest, plain), ATOM];
    default:
      if (rest.length === 2 && !/^[a-z]/.test(operation)) {
        return [math("mrow", plain(rest[0]), math("mo", operation), plain(rest[1])), SUM];
      }
      return [math("mrow", math("mi", operation), math("mo", "("), joined(rest.map(plain), ","), math("mo", ")")), ATOM];
  }
}

function sumOf(terms, write) {
  const row = math("mrow");
  terms.forEach((term, k) => {
    const magnitude = withoutMinus(term);
    const negative = magnitude !== term;
    if (k || negative) row.append(math("mo", negative ? "−" : "+"));
    row.append(bracketed(write(magnitude), k || negative ? PRODUCT : SUM));
  });
  return row;
}

// A term without its minus sign, or the term itself where it has none.
function withoutMinus(term) {
  if (typeof term === "number") return term < 0 ? -term : term;
  if (!Array.isArray(term)) return term;
  if (term[0] === "negative") return term[1];
  if (term[0] === "multiply" && term[1] < 0) return ["multiply", -term[1], ...term.slice(2)];
  return term;
}

// The same sum as its terms, each in a piece of its own with its sign: a browser breaks no line within a formula.
function piecesOf(tree, write) {
  const terms = tree[0] === "add" ? tree.slice(1) : [tree];
  return terms.map((term, k) => {
    const magnitude = withoutMinus(term), negative = magnitude !== term;
    if (terms.length === 1) return write(term)[0];
    const sign = negative ? "−" : k ? "+" : null;
    const written = bracketed(write(magnitude), sign ? PRODUCT : SUM);
    return sign ? math("mrow", k ? infix(sign) : math("mo", sign), written) : written;
  });
}

// A sign that stands between two things, though its piece begins with it.
function infix(sign) {
  const made = math("mo", sign);
  made.setAttribute("form", "infix");
  return made;
}

function joined(items, operator) {
  const row = math("mrow");
  items.forEach((item, k) => row.append(...(k ? [math("mo", operator), item] : [item])));
  return row;
}

function bracketed([node, tightness], needed) {
  return tightness < needed ? math("mrow", math("mo", "("), node, math("mo", ")")) : node;
}

function casesOf(rows, plain) {
  const table = math("mtable");
  table.setAttribute("columnalign", "left");
  for (const [value, condition] of rows) {
    const word = condition === null ? math("mtext", "otherwise") : math("mrow", math("mtext", "if\u00a0"), plain(condition));
    table.append(math("mtr", math("mtd", plain(value), space("1em")), math("mtd", word)));
  }
  return math("mrow", math("mo", "{"), table);
}

function space(width) {
  const made = math("mspace");
  made.setAttribute("width", width);
  return made;
}

const HAT = "\u0302", BAR = "\u0304";

// The sign of a quantity; a hat stands above a letter in italics, as a combining mark it would not.
function signOf(rule, name) {
  const { signs, rules } = facts.formulas;
  const sign = rules[slalom.rules[rule].path].signs[name] || signs[name] || name;
  if (sign.length !== 2 || ![HAT, BAR].includes(sign[1])) return math("mi", sign);
  return math("mover", math("mi", sign[0]), math("mo", sign[1] === HAT ? "^" : "¯"));
}

function numberNode(value) {
  if (!Array.isArray(value)) {
    const apart = Math.abs(1 - value), digits = apart > 0 && apart < 1e-3 ? 3 - Math.floor(Math.log10(apart)) : 4;
    return [math("mn", brief(value, Math.min(digits, 17))), value < 0 ? SUM : ATOM]; // nearly 1 is not 1
  }
  const text = `(${brief(value[0], 4)}, ${brief(value[1], 4)})`;
  return [math("mn", text), ATOM];
}

// A hyperparameter is written in full, with as few digits as say exactly which number it is.
function exact(value) {
  return Number.isFinite(value) ? String(value).replace("e+", "e").replace(/-/g, "−") : brief(value);
}

function isSetting(name, values) {
  return typeof name === "string" && name.startsWith("h.") && typeof values[name] === "number";
}

// What stands for a name of the formula once it has its numbers.
function numberOf(name, values) {
  return isSetting(name, values) ? [math("mn", exact(values[name])), values[name] < 0 ? SUM : ATOM] : numberNode(values[name]);
}

// 1 − β is the number that it is: its digits are those that rounding leaves of it.
function complementOf([operation, one, other], values) {
  if (operation !== "add" || one !== 1 || other?.[0] !== "negative" || !isSetting(other[1], values)) return null;
  return [math("mn", exact(Number((1 - values[other[1]]).toPrecision(10)))), ATOM];
}

// Fill `place` with one row for each line: what it is, its formula, and the same with the numbers of step t.
function showFormula(place, scene, k, t) {
  const runner = scene.state.field[k];
  const lines = runner ? linesOf(runner) : null;
  if (!lines) return place.replaceChildren();
  const values = t > 0 ? momentOf(scene, k, t) : null;
  const rows = lines.map(([name, tree, meaning]) => {
    const left = math("mrow", signOf(runner.rule, name), math("mo", "←"));
    const formula = math("math", left, formulaOf(tree, leaf => [signOf(runner.rule, leaf), ATOM])[0]);
    const row = el("div", { className: "row" });
    if (meaning) row.append(el("p", {}, meaning));
    row.append(formula);
    if (values) {
      const result = valueOf(tree, values);
      const leaf = part => numberOf(part, values), fold = part => complementOf(part, values);
      const pieces = piecesOf(tree, part => formulaOf(part, leaf, fold));
      pieces[0] = math("mrow", infix("="), pieces[0]);
      pieces.push(math("mrow", infix("="), numberNode(result)[0]));
      row.append(el("div", { className: "numbers" }, ...pieces.flatMap(piece => [math("math", piece), " "])));
      values[name] = result;
    }
    return row;
  });
  place.replaceChildren(...rows);
}
