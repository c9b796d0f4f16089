// The part of Python's expression syntax that can be typed with the readable characters: text to nodes.

const KEYWORDS = new Set([
  "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else", "except",
  "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal", "not", "or", "pass", "raise",
  "return", "try", "while", "with", "yield",
]);
const MOST_BRACKETS = 200;
const NOTHING_ELSE = "there may be numbers, variables, functions and + - * / **, nothing else";
const MISPLACED = "something is missing before this, or this does not belong here";
const UNREADABLE_NUMBER = "this number cannot be read (a product is written 2*x)";

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
    if (["name", "number", "..."].includes(this.token.kind)) throw this.besides(at);
    return node;
  }

  // The complaint where two expressions stand side by side. Between brackets Python blames the first of them, unless it
  // meets the end of the text while it reads the second.
  besides(at) {
    const second = this.index, brackets = this.brackets;
    let read = true;
    try {
      this.sum();
    } catch {
      read = false;
    }
    if (this.token.kind === "end" && this.unclosed >= 0) return this.misplaced();
    this.index = second;
    return this.misplaced(brackets && read ? at : undefined);
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
      return ["True", "False", "None"].includes(written) ? { kind: "unreal", at, value: written } : { kind: "name", at, name: written };
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
