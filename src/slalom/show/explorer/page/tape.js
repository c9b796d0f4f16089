// A parsed expression as a list of operations: its value, and its gradient by reverse mode. The operations themselves
// are generated.

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
