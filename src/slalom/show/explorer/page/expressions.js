// Expressions as typed, such as x**2 + 10*y**2 + sin(3*x): read by a whitelist, never run as code.
//
// The same grammar, limits and words as slalom.landscapes.expressions, which leaves the syntax to Python's own parser;
// here syntax.js does. Only the names of variables are fewer: the page has a plane, so x and y.

const MOST_CHARACTERS = 1000, MOST_DEPTH = 50, MOST_EXPONENT = 1000, MOST_VARIABLES = 1000;
const QUOTE_LIMIT = 60, TITLE_LIMIT = 60;
const FUNCTIONS = new Map(Object.entries({
  sin: "sin", cos: "cos", tan: "tan", asin: "asin", acos: "acos", atan: "arctan", sinh: "sinh", cosh: "cosh",
  tanh: "tanh", exp: "exp", log: "log", sqrt: "sqrt", abs: "absolute", sign: "sign", floor: "floor",
  max: "maximum", min: "minimum",
}));
const ALIASES = new Map([["arcsin", "asin"], ["arccos", "acos"], ["arctan", "atan"], ["ln", "log"]]);
const CONSTANTS = new Map([["pi", Math.PI], ["e", Math.E]]);
const LETTERS = new Map([["x", 0], ["y", 1], ["z", 2]]);
const INSTEAD = new Map(Object.entries({
  "^": "**", "²": "**2", "³": "**3", "·": "*", "×": "*", "⋅": "*", "−": "-", "–": "-", "÷": "/",
  "√": "sqrt(…)", "π": "pi", "|": "abs(…)", "[": "(", "]": ")", "{": "(", "}": ")",
}));
const READABLE = /^[A-Za-z0-9_ \t\n\r.+\-*/(),]$/;
const NUMBERED = /^x(0|[1-9][0-9]{0,5})$/;
const NAMES = `there are x, y, pi, e and the functions ${[...FUNCTIONS.keys()].join(", ")}`; // of the plane, no z
const NOT_FINITE = "this constant is not a finite real number";
const TOO_DEEP = `it is nested too deeply, ${MOST_DEPTH} levels are the most`;

class Refused extends Error {}

// -- words -------------------------------------------------------------------------------------------------------------

const BLANK = /[\s\x1c-\x1f\x85]+/u;

// A caller's text between backticks, on one line, cut.
function quoted(text, limit = QUOTE_LIMIT) {
  const flat = Array.from(String(text).split(BLANK).filter(part => part).join(" "));
  const shown = flat.map(character => (/[\p{C}\p{Z}]/u.test(character) && character !== " " ? "\ufffd" : character));
  return "`" + (shown.length > limit ? shown.slice(0, limit - 1).join("") + "…" : shown.join("")) + "`";
}

// Twice the number of characters in common, as Ratcliff and Obershelp count them, over the number of all characters.
function resemblance(a, b) {
  const common = (alow, ahigh, blow, bhigh) => {
    let size = 0, besti = alow, bestj = blow;
    for (let i = alow; i < ahigh; i++) {
      for (let j = blow; j < bhigh; j++) {
        let k = 0;
        while (i + k < ahigh && j + k < bhigh && a[i + k] === b[j + k]) k++;
        if (k > size) [size, besti, bestj] = [k, i, j];
      }
    }
    if (!size) return 0;
    return size + common(alow, besti, blow, bestj) + common(besti + size, ahigh, bestj + size, bhigh);
  };
  return (2 * common(0, a.length, 0, b.length)) / (a.length + b.length);
}

function nearest(name, known) {
  const scored = [...known].map(word => [resemblance(word, name.toLowerCase()), word]).filter(pair => pair[0] >= 0.6);
  scored.sort((one, other) => other[0] - one[0] || (one[1] < other[1] ? 1 : -1));
  const close = scored.slice(0, 3).map(pair => "`" + pair[1] + "`");
  return close.length ? ` Did you mean ${close.join(" or ")}?` : "";
}

// -- meaning -----------------------------------------------------------------------------------------------------------

// Makes a tree {kind, parts, value, name, constant, whole} of the nodes; constant is null where there is a variable,
// whole says that a constant is an integer small enough to be exact.
class Reader {
  constructor(text) {
    this.text = text;
    this.characters = Array.from(text.length > 4 * MOST_CHARACTERS ? "" : text);
    this.offset = this.characters.length - Array.from(text.trimStart()).length;
    this.variables = new Map();
  }

  parse() {
    const count = this.text.length > 4 * MOST_CHARACTERS ? Array.from(this.text).length : this.characters.length;
    if (count > MOST_CHARACTERS) {
      throw new Refused(
        `${quoted(this.text.slice(0, 4 * QUOTE_LIMIT))}: an expression has at most 1,000 characters, this one has ` +
        `${count.toLocaleString("en-US")}; a longer function can be given as file.py:name.`);
    }
    this.characters.forEach((character, position) => {
      if (READABLE.test(character)) return;
      const hint = INSTEAD.has(character) ? `; write ${INSTEAD.get(character)}` : "";
      throw this.error(`${quoted(character)} cannot be read${hint}`, position, true);
    });
    const flat = this.text.replace(/\s/g, " ").trim();
    if (!flat) throw new Refused("An expression cannot be empty: write x**2 + y**2, for instance.");
    const tree = this.read(new Syntax(flat, (what, at) => this.error(what, at)).whole(), 0);
    if (!this.variables.size) throw this.error("there is no variable; write x and y");
    const dim = 1 + Math.max(...this.variables.values());
    if (dim > 2) {
      throw this.error(`a plane has two coordinates, write x and y only`);
    }
    return { tree, dim };
  }

  // The complaint that `what` is wrong at a character of the text (without blanks before it, unless absolute).
  error(what, at = -1, absolute = false, suggestion = "") {
    let place = "";
    if (at >= 0) {
      const position = absolute ? at : Math.min(this.offset + at, this.characters.length - 1);
      place = ` at character ${position + 1}`;
      if (position >= QUOTE_LIMIT - 1) {
        place += `, near ${quoted(this.characters.slice(Math.max(position - 10, 0), position + 20).join(""))}`;
      }
    }
    return new Refused(`${quoted(this.text)}${place}: ${what}.${suggestion}`);
  }

  read(node, depth) {
    if (depth > MOST_DEPTH) throw this.error(TOO_DEEP, node.at);
    switch (node.kind) {
      case "number":
        return {
          kind: "number", parts: [], value: node.written.toLowerCase(), name: "",
          ...this.finite(node.value, node.whole, node),
        };
      case "unreal": throw this.error(`${quoted(node.value)} is not a real number`, node.at);
      case "name": return this.name(node);
      case "call": return this.call(node, depth);
      case "sign": {
        const part = this.read(node.part, depth + 1);
        return node.sign === "-" ? this.folded(made("minus", [part]), node) : part;
      }
      case "binary":
        if (node.sign === "**") return this.power(node, depth);
        if (node.sign === "+" || node.sign === "-") return this.chain(node, depth, "sum", ["+", "-"]);
        if (node.sign === "*" || node.sign === "/") return this.chain(node, depth, "product", ["*", "/"]);
        throw this.error("x//y is written floor(x/y)", node.at);
      case "attribute":
        throw this.error("a dot stands only inside a number; write sin(x), not math.sin(x)", node.at);
    }
    throw this.error(NOTHING_ELSE, node.at);
  }

  finite(value, whole, node) {
    if (!Number.isFinite(value)) throw this.error(NOT_FINITE, node.at);
    return { constant: value, whole: whole && Math.abs(value) < 2 ** 53 };
  }

  name({ name, at }) {
    if (CONSTANTS.has(name)) {
      return { kind: "constant", parts: [], value: name, name: "", constant: CONSTANTS.get(name), whole: false };
    }
    if (FUNCTIONS.has(name) || ALIASES.has(name)) {
      throw this.error(`${quoted(name)} is a function, write ${name}(x)`, at);
    }
    const numbered = NUMBERED.exec(name);
    if (!LETTERS.has(name) && !numbered) {
      const known = nearest(name, ["x", "y", ...CONSTANTS.keys(), ...FUNCTIONS.keys()]);
      throw this.error(`unknown name ${quoted(name)}; ${NAMES}`, at, false, known);
    }
    const index = numbered ? Number(numbered[1]) : LETTERS.get(name);
    if (index >= MOST_VARIABLES) {
      throw this.error(`the last possible variable is x${MOST_VARIABLES - 1}, not ${quoted(name)}`, at);
    }
    for (const other of this.variables.keys()) {
      if (LETTERS.has(other) !== LETTERS.has(name)) {
        throw this.error(`${quoted(other)} and ${quoted(name)} do not mix, write x, y or x0, x1`, at);
      }
    }
    this.variables.set(name, index);
    return { ...made("variable", [], index), name };
  }

  call({ called, parts, at }, depth) {
    if (called.kind !== "name") {
      const hint = called.kind === "attribute" ? "sin(x), not math.sin(x)" : "2*(x + y)";
      throw this.error(`only a function may stand before brackets, write ${hint}`, at);
    }
    const name = ALIASES.get(called.name) || called.name;
    if (name === "pow") throw this.error("pow(x, 2) is written x**2", at);
    if (!FUNCTIONS.has(name)) throw this.unknownFunction(name, at);
    if (parts.some(part => part.star)) throw this.error(`${quoted(name)} takes plain arguments`, at);
    const many = name === "max" || name === "min";
    if (many ? parts.length < 2 || parts.length > 100 : parts.length !== 1) {
      const wanted = many ? "two arguments or more" : "one argument";
      throw this.error(`${quoted(name)} takes ${wanted}, it has ${parts.length}`, at);
    }
    return this.folded(made("call", parts.map(part => this.read(part, depth + 1)), name), { at });
  }

  unknownFunction(name, at) {
    if (LETTERS.has(name) || CONSTANTS.has(name) || NUMBERED.test(name)) {
      return this.error(`${quoted(name)} is not a function, a product is written ${name}*(…)`, at);
    }
    const known = nearest(name, [...FUNCTIONS.keys(), ...ALIASES.keys()]);
    const choice = known ? "" : `; there are ${[...FUNCTIONS.keys()].join(", ")}`;
    return this.error(`unknown function ${quoted(name)}${choice}`, at, false, known);
  }

  power(node, depth) {
    const base = this.read(node.left, depth + 1), exponent = this.read(node.right, depth + 1);
    if (exponent.constant === null) {
      if (base.constant === null) {
        throw this.error("an exponent must be a constant; for x**y write exp(y*log(x))", node.right.at);
      }
      if (base.constant <= 0) throw this.error("a constant base must be positive where the exponent varies", node.at);
      return made("exponential", [base, exponent]);
    }
    if (Math.abs(exponent.constant) > MOST_EXPONENT) {
      throw this.error("an exponent is at most 1,000 in magnitude", node.right.at);
    }
    return this.folded(made("power", [base, exponent]), node);
  }

  // Reads a whole sum or product at once, so that a long one is not a deep one.
  chain(node, depth, kind, signs) {
    const operands = [];
    let left = node;
    for (; left.kind === "binary" && signs.includes(left.sign); left = left.left) operands.push([left.sign, left.right]);
    operands.push([signs[0], left]);
    let read = operands.reverse().map(([sign, operand]) => [sign, this.read(operand, depth + 1)]);
    if (read.some(([sign, part]) => sign === "/" && part.constant === 0)) throw this.error("this divides by zero", node.at);
    let constants = read.findIndex(([, part]) => part.constant === null);
    if (constants < 0) constants = read.length;
    if (constants > 1 && constants < read.length) { // 2*3*x: 2*3 is computed first
      const head = this.folded(joined(kind, read.slice(0, constants)), node);
      read = [[read[0][0], head], ...read.slice(constants)];
    }
    return this.folded(joined(kind, read), node);
  }

  // Computes what has no variable in it, once.
  folded(tree, node) {
    if (tree.parts.some(part => part.constant === null)) return tree;
    const value = constantOf(tree);
    const whole = staysWhole(tree, value);
    return { ...tree, ...this.finite(whole ? Math.round(value) + 0 : value, whole, node) };
  }
}

const made = (kind, parts, value = null) => ({ kind, parts, value, name: "", constant: null, whole: false });
const joined = (kind, read) => made(kind, read.map(([, part]) => part), read.map(([sign]) => sign));

function constantOf(tree) {
  const tape = new Tape();
  const operand = record(tape, { ...tree, parts: tree.parts.map(part => ({ ...part, whole: false })) });
  return operand.constant;
}

// Whether Python, too, would have an integer here.
function staysWhole(tree, value) {
  if (tree.kind === "call" && tree.value === "floor") return Math.abs(value) < 2 ** 53;
  if (!tree.parts.every(part => part.whole) || !(Math.abs(value) < 2 ** 53)) return false;
  switch (tree.kind) {
    case "product": return !tree.value.includes("/");
    case "power": return tree.parts[1].constant >= 0;
    case "call": return ["abs", "max", "min"].includes(tree.value) || (tree.value === "sign" && value === 0);
  }
  return true;
}
