// Expressions as typed, such as x**2 + 10*y**2 + sin(3*x): read by a whitelist, never run as code.
//
// The same grammar, limits and words as slalom.landscapes.expressions, which leaves the syntax to Python's own parser;
// here the part of that syntax which can be typed with the readable characters is parsed by hand.

const MOST_CHARACTERS = 1000, MOST_DEPTH = 50, MOST_EXPONENT = 1000, MOST_VARIABLES = 1000, MOST_BRACKETS = 200;
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
const KEYWORDS = new Set([
  "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
  "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
  "return", "try", "while", "with", "yield",
]);
const READABLE = /^[A-Za-z0-9_ \t\n\r.+\-*/(),]$/;
const NUMBERED = /^x(0|[1-9][0-9]{0,5})$/;
const NOTHING_ELSE = "there may be numbers, variables, functions and + - * / **, nothing else";
const MISPLACED = "something is missing before this, or this does not belong here";
const UNREADABLE_NUMBER = "this number cannot be read (a product is written 2*x)";
const NOT_FINITE = "this constant is not a finite real number";
const TOO_DEEP = `it is nested too deeply, ${MOST_DEPTH} levels are the most`;

class Refused extends Error {}

// -- words -------------------------------------------------------------------------------------------------------------

const BLANK = /[\s\x1c-\x1f\x85]+/u;

// A caller's text between backticks, on one line, cut.
function quoted(text) {
  const flat = Array.from(String(text).split(BLANK).filter(part => part).join(" "));
  const shown = flat.map(character => (/[\p{C}\p{Z}]/u.test(character) && character !== " " ? "\ufffd" : character));
  return "`" + (shown.length > QUOTE_LIMIT ? shown.slice(0, QUOTE_LIMIT - 1).join("") + "…" : shown.join("")) + "`";
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

// -- syntax ------------------------------------------------------------------------------------------------------------

const NUMBER = new RegExp(
  ["0[xX](?:_?[0-9a-fA-F])+", "0[oO](?:_?[0-7])+", "0[bB](?:_?[01])+"].join("|") +
  "|(?:D\\.(?:D)?|\\.D|D)(?:[eE][+-]?D)?[jJ]?".replaceAll("D", "[0-9](?:_?[0-9])*"), "y");
const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
const SIGN = /\.\.\.|\*\*|\/\/|[+\-*/(),.]/y;

// Reads the text into tokens; place is where the text begins in what was typed.
function tokens(text, fail) {
  const found = [], open = [];
  let at = 0;
  const take = pattern => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    return match ? match[0] : "";
  };
  while (at < text.length) {
    if (text[at] === " ") {
      at++;
      continue;
    }
    let kind = "number", written = take(NUMBER);
    if (written) {
      if (/^0[0-9_]*[1-9]/.test(written) && !/[.eEjJ]/.test(written)) throw fail(UNREADABLE_NUMBER, at);
      const following = /^[A-Za-z0-9_]+/.exec(text.slice(at + written.length));
      if (following) throw fail(UNREADABLE_NUMBER, at + written.length - 1);
    } else if ((written = take(NAME))) {
      kind = KEYWORDS.has(written) ? "keyword" : "name";
    } else {
      written = take(SIGN);
      kind = written;
      if (written === "(") open.push(at);
      if (open.length > MOST_BRACKETS) throw fail("too many nested parentheses", at);
      if (written === ")" && open.pop() === undefined) throw fail("unmatched ')'", at);
    }
    found.push({ kind, written, at });
    at += written.length;
  }
  found.push({ kind: "end", written: "", at: text.length });
  return { found, unclosed: open.length ? open[open.length - 1] : -1 };
}

// Parses the tokens into nodes {kind, at, …}, at being where the node begins.
class Syntax {
  constructor(text, fail) {
    this.fail = fail;
    Object.assign(this, tokens(text, fail));
    this.index = 0;
    this.brackets = 0;
  }

  get token() {
    return this.found[this.index];
  }

  accept(...kinds) {
    return kinds.includes(this.token.kind) ? this.found[this.index++] : null;
  }

  misplaced(at = this.token.at) {
    if (this.token.kind === "keyword") return this.fail(NOTHING_ELSE, this.token.at);
    if (this.token.kind !== "end") return this.fail(MISPLACED, at);
    return this.unclosed >= 0 ? this.fail("'(' was never closed", this.unclosed) : this.fail("it ends too early");
  }

  whole() {
    const at = this.token.at;
    let node = this.sum();
    while (this.accept(",")) {
      node = { kind: "other", at };
      if (this.token.kind !== "end") this.sum();
    }
    if (this.token.kind !== "end") throw this.misplaced();
    return node;
  }

  chain(kinds, part) {
    const at = this.token.at;
    let node = part.call(this), sign;
    while ((sign = this.accept(...kinds))) node = { kind: "binary", sign: sign.kind, at, left: node, right: part.call(this) };
    return node;
  }

  sum() {
    const at = this.token.at;
    const node = this.chain(["+", "-"], this.product);
    if (this.brackets && ["name", "number", "..."].includes(this.token.kind)) throw this.misplaced(at);
    return node;
  }

  product() {
    return this.chain(["*", "/", "//"], this.signed);
  }

  signed() {
    const sign = this.accept("+", "-");
    return sign ? { kind: "sign", sign: sign.kind, at: sign.at, part: this.signed() } : this.power();
  }

  power() {
    const at = this.token.at, left = this.primary();
    return this.accept("**") ? { kind: "binary", sign: "**", at, left, right: this.signed() } : left;
  }

  primary() {
    const at = this.token.at;
    let node = this.atom();
    for (;;) {
      if (this.accept("(")) {
        node = { kind: "call", at, called: node, parts: this.list(true) };
      } else if (this.accept(".")) {
        if (!this.accept("name")) throw this.misplaced();
        node = { kind: "attribute", at };
      } else {
        return node;
      }
    }
  }

  atom() {
    const token = this.accept("name", "number", "...", "(");
    if (!token) throw this.misplaced();
    const { kind, written, at } = token;
    if (kind === "name") {
      const value = { True: "True", False: "False", None: "None" }[written];
      return value ? { kind: "unreal", at, value } : { kind: "name", at, name: written };
    }
    if (kind === "...") return { kind: "unreal", at, value: "Ellipsis" };
    if (kind === "number") {
      const plain = written.replaceAll("_", "");
      if (/[jJ]$/.test(plain)) return { kind: "unreal", at, value: `${Number(plain.slice(0, -1))}j` };
      return { kind: "number", at, written, value: Number(plain), whole: /^0[xob]|^[0-9]+$/i.test(plain) };
    }
    const parts = this.list(false);
    return parts.length === 1 && !parts.comma && !parts[0].star ? parts[0] : { kind: "other", at };
  }

  // What stands between brackets, the first of which has been read, separated by commas.
  list(called) {
    const parts = [];
    parts.comma = false;
    this.brackets++;
    while (!this.accept(")")) {
      const star = this.accept("*", ...(called ? ["**"] : []));
      const part = this.sum();
      parts.push(star ? { kind: "other", at: star.at, star: true } : part);
      if (this.accept(",")) parts.comma = true;
      else if (this.token.kind !== ")") throw this.misplaced();
    }
    this.brackets--;
    return parts;
  }
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
    if (!this.variables.size) throw this.error("there is no variable; write x, y, z or x0, x1 and so on");
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
      case "attribute": throw this.error("write sin(x), not math.sin(x)", node.at);
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
      const known = nearest(name, [...LETTERS.keys(), ...CONSTANTS.keys(), ...FUNCTIONS.keys()]);
      throw this.error(
        `unknown name ${quoted(name)}; the variables are x, y, z or x0, x1 and so on`, at, false, known);
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

// -- computing ---------------------------------------------------------------------------------------------------------

// The operations of an expression in order, each on earlier places or constants. Places 0 and 1 are x and y.
class Tape {
  constructor() {
    this.names = ["input", "input"];
    this.first = [0, 0];
    this.second = [0, 0];
    this.constants = [];
  }

  emit(name, a, b = { constant: 0 }) {
    if (a.place === undefined && b.place === undefined) {
      return { constant: tapeValue(tapeCodes[name], a.constant, b.constant) };
    }
    const first = this.place(a), second = this.place(b);
    this.names.push(name);
    this.first.push(first);
    this.second.push(second);
    return { place: this.names.length - 1 };
  }

  place(operand) {
    if (operand.place !== undefined) return operand.place;
    this.constants.push([this.names.length, operand.constant]);
    this.names.push("input");
    this.first.push(0);
    this.second.push(0);
    return this.names.length - 1;
  }

  // Returns f(x, y) and g(x, y, out) for what the last operation is.
  functions() {
    const size = this.names.length;
    const codes = Int32Array.from(this.names, name => (name === "input" ? -1 : tapeCodes[name]));
    const first = Int32Array.from(this.first), second = Int32Array.from(this.second);
    const values = new Float64Array(size), slopes = new Float64Array(size);
    for (const [place, constant] of this.constants) values[place] = constant;
    const f = (x, y) => {
      values[0] = x;
      values[1] = y;
      tapeForward(size, codes, first, second, values);
      return values[size - 1];
    };
    const g = (x, y, out) => {
      const value = f(x, y);
      slopes.fill(0);
      slopes[size - 1] = 1;
      tapeBackward(size, codes, first, second, values, slopes);
      out[0] = slopes[0];
      out[1] = slopes[1];
      return value;
    };
    return { f, g };
  }
}

const CHAINED = { "+": "add", "-": "subtract", "*": "multiply", "/": "divide" };

// Records a tree on the tape in the order in which Python computes it; returns {place} or {constant}.
function record(tape, tree) {
  if (tree.constant !== null) return { constant: tree.constant };
  if (tree.kind === "variable") return { place: tree.value };
  const parts = tree.parts.map(part => record(tape, part));
  switch (tree.kind) {
    case "call": {
      const name = FUNCTIONS.get(tree.value);
      return parts.length < 2 ? tape.emit(name, parts[0]) : parts.reduce((a, b) => tape.emit(name, a, b));
    }
    case "minus": return tape.emit("negative", parts[0]);
    case "power": return raised(tape, parts[0], tree.parts[1].constant, tree.parts[1].whole);
    case "exponential": {
      const base = parts[0].constant;
      return tape.emit("exp", base === Math.E ? parts[1] : tape.emit("multiply", parts[1], { constant: Math.log(base) }));
    }
  }
  return parts.reduce((a, b, index) => {
    const name = CHAINED[tree.value[index]];
    if (name !== "divide" || a.place !== undefined || b.place === undefined) return tape.emit(name, a, b);
    return tape.emit("multiply", tape.emit("reciprocal", b), a); // as torch divides a number by a tensor
  });
}

// A power, by squares and cubes where the exponent is whole.
function raised(tape, base, exponent, whole) {
  switch (exponent) {
    case 0: return { constant: 1 };
    case 1: return base;
    case 2: return tape.emit("square", base);
    case 3: return tape.emit("cube", base);
    case -1: return tape.emit("inverse", base);
    case 0.5: return tape.emit("root", base);
  }
  if (!whole) return tape.emit("power", base, { constant: exponent });
  if (exponent < 0) {
    return tape.emit("multiply", tape.emit("reciprocal", raised(tape, base, -exponent, true)), { constant: 1 });
  }
  if (exponent % 2 === 0) return raised(tape, raised(tape, base, exponent / 2, true), 2, true);
  if (exponent % 3 === 0) return raised(tape, raised(tape, base, exponent / 3, true), 3, true);
  return tape.emit("multiply", base, raised(tape, base, exponent - 1, true));
}
