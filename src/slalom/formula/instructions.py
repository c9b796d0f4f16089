"""From a recorded formula to a short list of tensor instructions.

Two dialects. *Exact* instructions are the recorded operations one by one, equal subexpressions computed once: they give
the very bits that the formula itself gives. *Fused* instructions are the same mathematics in fewer sweeps over memory:
numbers that multiply a tensor are carried along as its coefficient instead of being multiplied in, and sums become
torch's fused ``lerp``, ``addcmul`` and ``addcdiv``. They agree with the exact ones up to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slalom.formula.graph import compute
from slalom.formula.node import Node


@dataclass(frozen=True)
class Number:
    """A scalar of the generated code: its source text, and its value at the step being compiled."""

    source: str
    value: float
    constant: bool

    @staticmethod
    def of(value: float) -> Number:
        source = repr(value) if math.isfinite(value) else f"float({str(value)!r})"
        return Number(source, value, True)


ONE = Number.of(1.0)

SWIFT = {
    "add": "{0} + {1}", "subtract": "{0} - {1}", "multiply": "{0} * {1}", "divide": "{0} / {1}", "negative": "-{0}",
    "less": "{0} < {1}", "less_equal": "{0} <= {1}", "greater": "{0} > {1}", "sqrt": "math.sqrt({0})",
    "absolute": "abs({0})",
}  # fmt: skip
"""Operations on numbers as Python has them: right, or an exception where the functions give infinities and NaN."""


def _swift(operation: str, arguments: Sequence[Number]) -> str | None:
    """Return the swift source of an operation on numbers, None where there is none."""
    sources = [argument.source for argument in arguments]
    if operation == "power" and arguments[0].constant and arguments[0].value > 0:  # else it may come out complex
        return f"{sources[0]} ** {sources[1]}"
    return SWIFT[operation].format(*sources) if operation in SWIFT else None


@dataclass(frozen=True)
class Instruction:
    """One tensor operation. Arguments are indices of earlier instructions, numbers, or names of inputs."""

    operation: str
    arguments: tuple[int | Number | str, ...]
    full: bool  # shape [dim, lanes] rather than [lanes]
    boolean: bool = False


@dataclass(frozen=True)
class Term:
    """coefficient × tensor; ``tensor`` is an instruction's index, or None for a plain number."""

    coefficient: Number
    tensor: int | None


COMPARISONS = {"less", "less_equal", "greater", "greater_equal", "equal"}


@dataclass
class Assembler:
    """Turns recorded nodes into instructions; asks for the same thing twice and gets the same instruction."""

    fused: bool = True
    instructions: list[Instruction] = field(default_factory=list)
    prologue: list[tuple[str, str, str]] = field(default_factory=list)  # scalars: (name, source, swift source)
    guards: list[str] = field(default_factory=list)
    _index: dict[Instruction, int] = field(default_factory=dict)
    _numbers: dict[str, Number] = field(default_factory=dict)

    # -- numbers ---------------------------------------------------------------------------------------------------

    def number(self, operation: str, *arguments: Number) -> Number:
        """Return the number ``operation(arguments)``; what varies with the step becomes a line of the prologue."""
        value = compute(operation, *(argument.value for argument in arguments))
        if all(argument.constant for argument in arguments):
            return Number.of(value)
        if operation == "multiply" and any(_is(argument, 1.0) for argument in arguments):
            return arguments[1] if _is(arguments[0], 1.0) else arguments[0]
        sources = [argument.source for argument in arguments]
        source = f"number_{operation}({', '.join(sources)})"
        if source not in self._numbers:
            name = f"n{len(self.prologue)}"
            self.prologue.append((name, source, _swift(operation, arguments) or source))
            self._numbers[source] = Number(name, value, False)
        return self._numbers[source]

    def guard(self, condition: Number, outcome: bool) -> None:
        """Make the code valid only where ``condition`` comes out as it did."""
        if not condition.constant:
            line = f"not {condition.source}" if outcome else condition.source
            if line not in self.guards:
                self.guards.append(line)

    # -- tensors ---------------------------------------------------------------------------------------------------

    def emit(self, operation: str, *arguments: int | Number | str, full: bool | None = None) -> int:
        """Return the index of the instruction, appended unless it is already there."""
        if full is None:
            full = any(isinstance(a, int) and self.instructions[a].full for a in arguments)
        instruction = Instruction(operation, arguments, full, operation in COMPARISONS)
        if instruction not in self._index:
            self._index[instruction] = len(self.instructions)
            self.instructions.append(instruction)
        return self._index[instruction]

    def input(self, name: str, full: bool) -> int:
        """Return the index of an input of the generated code."""
        return self.emit("input", name, full=full)

    def settle(self, term: Term) -> int:
        """Return a tensor equal to ``term``, its coefficient multiplied in."""
        if term.tensor is None:
            return self.emit("fill", term.coefficient, full=False)
        if term.coefficient.constant and term.coefficient.value == 1.0:
            return term.tensor
        return self.emit("scale", term.tensor, term.coefficient)

    def translate(self, root: Any, symbols: Mapping[int, Term], memory: dict[int, Term]) -> Term:
        """Return ``root`` as a term; ``symbols`` maps the ids of input nodes, ``memory`` keeps what was translated."""
        if not isinstance(root, Node):
            return Term(Number.of(float(root)), None)
        waiting = [root]  # depth first without recursion: sums of many terms are deep
        while waiting:
            node = waiting[-1]
            if id(node) in memory:
                waiting.pop()
            elif id(node) in symbols:
                memory[id(node)] = symbols[id(node)]
            else:
                missing = [a for a in node.arguments if isinstance(a, Node) and id(a) not in memory]
                if missing:
                    waiting.extend(missing)
                    continue
                arguments = [
                    memory[id(a)] if isinstance(a, Node) else Term(Number.of(float(a)), None) for a in node.arguments
                ]
                memory[id(node)] = self.combine(node.operation, arguments)
        return memory[id(root)]

    def combine(self, operation: str, arguments: list[Term]) -> Term:
        """Apply one recorded operation to terms."""
        if all(argument.tensor is None for argument in arguments):
            return Term(self.number(operation, *(argument.coefficient for argument in arguments)), None)
        if self.fused and operation in FUSED:
            return FUSED[operation](self, *arguments)
        return Term(ONE, self._plain(operation, arguments))

    def _plain(self, operation: str, arguments: list[Term]) -> int:
        """One recorded operation as one instruction; numbers stay numbers where torch takes them."""
        operands = [a.coefficient if a.tensor is None else self.settle(a) for a in arguments]
        if operation == "where":
            operands = [self._as_tensor(operand) for operand in operands]
        elif operation in ("maximum", "minimum", *COMPARISONS) and isinstance(operands[0], Number):
            mirrored = {"less": "greater", "greater": "less", "less_equal": "greater_equal"}
            operation = mirrored.get(operation, "less_equal" if operation == "greater_equal" else operation)
            operands.reverse()
        elif operation in ("add", "multiply") and isinstance(operands[0], Number):
            operands.reverse()
        elif operation in ("subtract", "divide") and isinstance(operands[0], Number):
            operands[0] = self._as_tensor(operands[0])
        return self.emit(operation, *operands)

    def _as_tensor(self, operand: int | Number) -> int:
        return operand if isinstance(operand, int) else self.emit("constant", operand, full=False)


# -- fused forms -------------------------------------------------------------------------------------------------------


def _is(number: Number, value: float) -> bool:
    return number.constant and number.value == value


def _add(asm: Assembler, a: Term, b: Term) -> Term:
    if a.tensor is None:
        a, b = b, a
    assert a.tensor is not None
    if b.tensor is None:
        if _is(b.coefficient, 0.0):
            return a
        if a.coefficient.value == 0.0:
            return Term(ONE, asm.emit("add_number", asm.settle(a), b.coefficient))
        shift = asm.number("divide", b.coefficient, a.coefficient)
        return Term(a.coefficient, asm.emit("add_number", a.tensor, shift))
    if _is(a.coefficient, 0.0):
        return b
    if _is(b.coefficient, 0.0):
        return a
    if a.tensor == b.tensor:
        return Term(asm.number("add", a.coefficient, b.coefficient), a.tensor)
    if _blends(a.coefficient, b.coefficient):
        return Term(ONE, asm.emit("lerp", a.tensor, b.tensor, b.coefficient))
    return _weighted_sum(asm, a, b)


def _blends(a: Number, b: Number) -> bool:
    """Whether a·x + b·y is the blend x + b·(y − x)."""
    return a.constant and b.constant and a.value + b.value == 1.0 and 0.0 < b.value < 1.0


def _weighted_sum(asm: Assembler, a: Term, b: Term) -> Term:
    """a + b as one sweep: the coefficient of one is factored out, the other's rides along."""
    assert a.tensor is not None
    assert b.tensor is not None
    products = ("multiply", "divide")
    if _is(b.coefficient, 1.0) or (
        asm.instructions[a.tensor].operation in products and asm.instructions[b.tensor].operation not in products
    ):
        a, b = b, a
    if a.coefficient.value == 0.0:  # it varies with the step and happens to be zero: cannot be factored out
        return Term(ONE, asm.emit("add", asm.settle(a), asm.settle(b)))
    assert a.tensor is not None
    assert b.tensor is not None
    ratio = b.coefficient if _is(a.coefficient, 1.0) else asm.number("divide", b.coefficient, a.coefficient)
    inner = asm.instructions[b.tensor]
    if inner.operation in products and all(isinstance(argument, int) for argument in inner.arguments):
        fused = "addcmul" if inner.operation == "multiply" else "addcdiv"
        return Term(a.coefficient, asm.emit(fused, a.tensor, *inner.arguments, ratio))
    return Term(a.coefficient, asm.emit("add_scaled", a.tensor, b.tensor, ratio))


def _negative(asm: Assembler, a: Term) -> Term:
    return Term(asm.number("negative", a.coefficient), a.tensor)


def _subtract(asm: Assembler, a: Term, b: Term) -> Term:
    return _add(asm, a, _negative(asm, b))


def _multiply(asm: Assembler, a: Term, b: Term) -> Term:
    coefficient = asm.number("multiply", a.coefficient, b.coefficient)
    if a.tensor is None or b.tensor is None:
        return Term(coefficient, b.tensor if a.tensor is None else a.tensor)
    for one, other in ((a.tensor, b.tensor), (b.tensor, a.tensor)):
        inner = asm.instructions[one]
        if inner.operation == "reciprocal":
            (below,) = inner.arguments
            return Term(coefficient, asm.emit("divide", other, below))
    return Term(coefficient, asm.emit("multiply", a.tensor, b.tensor))


def _divide(asm: Assembler, a: Term, b: Term) -> Term:
    if b.tensor is None:
        return Term(asm.number("divide", a.coefficient, b.coefficient), a.tensor)
    if b.coefficient.value == 0.0:
        return Term(ONE, asm.emit("divide", asm._as_tensor(asm.settle(a)), asm.settle(b)))
    coefficient = asm.number("divide", a.coefficient, b.coefficient)
    if a.tensor is None:
        return Term(coefficient, asm.emit("reciprocal", b.tensor))
    return Term(coefficient, asm.emit("divide", a.tensor, b.tensor))


def _power(asm: Assembler, a: Term, b: Term) -> Term:
    if a.tensor is not None and b.tensor is None and b.coefficient.constant:
        exponent = b.coefficient.value
        if exponent == 1.0:
            return a
        if exponent == 2.0:
            return _multiply(asm, a, a)
        if exponent == 0.5:
            return _sqrt(asm, a)
    return Term(ONE, asm._plain("power", [a, b]))


def _sqrt(asm: Assembler, a: Term) -> Term:
    assert a.tensor is not None
    if not a.coefficient.value > 0.0:
        return Term(ONE, asm.emit("sqrt", asm.settle(a)))
    asm.guard(asm.number("greater", a.coefficient, Number.of(0.0)), True)
    return Term(asm.number("sqrt", a.coefficient), asm.emit("sqrt", a.tensor))


def _absolute(asm: Assembler, a: Term) -> Term:
    assert a.tensor is not None
    return Term(asm.number("absolute", a.coefficient), asm.emit("absolute", a.tensor))


def _sign(asm: Assembler, a: Term) -> Term:
    assert a.tensor is not None
    if not a.coefficient.constant:
        return Term(ONE, asm.emit("sign", asm.settle(a)))
    return Term(asm.number("sign", a.coefficient), asm.emit("sign", a.tensor))


FUSED: dict[str, Callable[..., Term]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negative": _negative,
    "power": _power,
    "sqrt": _sqrt,
    "absolute": _absolute,
    "sign": _sign,
    "reciprocal": lambda asm, a: _divide(asm, Term(ONE, None), a),
}
"""Operations that know how to carry coefficients; every other one takes settled tensors."""
