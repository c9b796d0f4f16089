// An expression in the notation of a textbook, on one line: x² + 10y² + sin(3x). As slalom.landscapes.notation.

const STRENGTHS = { sum: 0, minus: 0, product: 1, power: 2, exponential: 2 };
const ATOM = 3;
const TEXTBOOK_POWER = new Set(["sin", "cos", "tan", "sinh", "cosh", "tanh"]); // sin²(x)
const translated = (text, digits) => text.replace(/[-0-9]/g, character => digits["-0123456789".indexOf(character)]);
const superscript = text => translated(text, [..."⁻⁰¹²³⁴⁵⁶⁷⁸⁹"]);
const subscript = text => translated(text, [..."-₀₁₂₃₄₅₆₇₈₉"]);

function titleOf(tree) {
  const text = Array.from(textOf(tree));
  return text.length <= TITLE_LIMIT ? text.join("") : text.slice(0, TITLE_LIMIT - 1).join("") + "…";
}

function textOf(tree) {
  switch (tree.kind) {
    case "number": return tree.value;
    case "constant": return tree.value === "pi" ? "π" : "e";
    case "variable": return tree.name[0] + subscript(tree.name.slice(1));
    case "call": return callText(tree);
    case "minus": return "−" + within(tree.parts[0], 1);
    case "sum": return sumText(tree);
    case "product": return productText(tree);
    case "exponential": return `${within(tree.parts[0], ATOM)}^${within(tree.parts[1], ATOM)}`;
  }
  return powerText(...tree.parts);
}

function strength(tree) {
  if (tree.kind === "product" && tree.parts[0].kind === "minus") return 0; // it begins with its sign
  return STRENGTHS[tree.kind] ?? ATOM;
}

// The text of a tree, in brackets where it holds together less than `least`.
const within = (tree, least) => (strength(tree) >= least ? textOf(tree) : `(${textOf(tree)})`);

function sumText(tree) {
  let text = within(tree.parts[0], 0);
  tree.parts.slice(1).forEach((part, index) => {
    text += ` ${tree.value[index + 1] === "-" ? "−" : "+"} ${within(part, 1)}`;
  });
  return text;
}

function productText(tree) {
  const first = tree.parts[0];
  let text = first.kind === "minus" ? textOf(first) : within(first, 1), before = lastFactor(first);
  tree.parts.slice(1).forEach((part, index) => {
    const factor = within(part, 2), divided = tree.value[index + 1] === "/";
    text += divided ? "/" + factor : between(before, part, factor) + factor;
    before = divided ? null : part;
  });
  return text;
}

// What a following factor is set beside; null after a division, where only a dot is clear.
function lastFactor(tree) {
  if (tree.kind === "minus") return lastFactor(tree.parts[0]);
  if (tree.kind === "product") return tree.value.at(-1) === "/" ? null : tree.parts.at(-1);
  return tree;
}

// What stands between two factors: nothing in 2x, xy, (x + 1)y; a space in 2 sin(x); or a dot, as in x·x.
function between(before, after, factor) {
  const base = tree => (tree.kind === "power" ? tree.parts[0] : tree), last = base(after);
  if (before === null || /^\p{Nd}|^[⁰¹²³⁴-⁹₀-₉]/u.test(factor) || before.value === "e" || last.value === "e") return "·";
  if (last.kind === "call" && /^\p{L}/u.test(factor)) {
    return ["number", "call"].includes(before.kind) || base(before).kind === "call" ? " " : "·";
  }
  const letter = tree => ["variable", "constant"].includes(tree.kind);
  if (letter(last) && textOf(base(before)) === textOf(last)) return "·"; // xx would read as one name
  return ["number", "sum"].includes(before.kind) || (letter(base(before)) && letter(last)) ? "" : "·";
}

function powerText(base, exponent) {
  const raised = exponent.whole ? superscript(String(exponent.constant)) : "^" + within(exponent, ATOM);
  if (exponent.whole && exponent.constant > 0 && base.kind === "call" && TEXTBOOK_POWER.has(base.value)) {
    return `${base.value}${raised}(${textOf(base.parts[0])})`;
  }
  return within(base, ATOM) + raised;
}

function callText(tree) {
  const inside = tree.parts.map(textOf).join(", ");
  if (tree.value === "abs") return `|${inside}|`;
  if (tree.value === "floor") return `⌊${inside}⌋`;
  if (tree.value === "sqrt") {
    const part = tree.parts[0], bare = ["number", "constant", "variable"].includes(part.kind);
    return bare || part.value === "abs" ? `√${inside}` : `√(${inside})`;
  }
  return `${tree.value}(${inside})`;
}
