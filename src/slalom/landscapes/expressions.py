"""Expressions as typed, such as ``x**2 + 10*y**2 + sin(3*x)``: read by a whitelist, never run as code.

Variables are ``x``, ``y``, ``z``, or ``x0``, ``x1``, … (as many coordinates as the highest of them says);
constants ``pi`` and ``e``; operators ``+ - * / **``; functions those of ``FUNCTIONS``. A power has a constant
exponent of at most 1,000 in magnitude, or a positive constant base (``2**x``, ``e**x``); everything else is
``exp(y*log(x))``. ``^`` is refused with a hint, since Python and mathematics disagree about it. Outside its
domain a function is NaN.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from slalom import formula
from slalom.core import InputError, nearest, quote
from slalom.core.errors import QUOTE_LIMIT
from slalom.landscapes.landscape import Landscape, default_start, domain_around
from slalom.landscapes.notation import TITLE_LIMIT, Tree, unicode_text

MOST_CHARACTERS = 1000
MOST_DEPTH = 50  # brackets, signs and powers inside one another; sums and products may be as long as they like
MOST_EXPONENT = 1000
MOST_VARIABLES = 1000

FUNCTIONS: dict[str, Any] = {
    "sin": formula.sin, "cos": formula.cos, "tan": formula.tan,
    "asin": formula.asin, "acos": formula.acos, "atan": formula.arctan,
    "sinh": formula.sinh, "cosh": formula.cosh, "tanh": formula.tanh,
    "exp": formula.exp, "log": formula.log, "sqrt": formula.sqrt,
    "abs": formula.absolute, "sign": formula.sign, "floor": formula.floor,
    "max": formula.maximum, "min": formula.minimum,
}  # fmt: skip
ALIASES = {"arcsin": "asin", "arccos": "acos", "arctan": "atan", "ln": "log"}
CONSTANTS = {"pi": math.pi, "e": math.e}
LETTERS = {"x": 0, "y": 1, "z": 2}

_ADDITIVE: dict[type, str] = {ast.Add: "+", ast.Sub: "-"}
_MULTIPLICATIVE: dict[type, str] = {ast.Mult: "*", ast.Div: "/"}
_INSTEAD = {
    "^": "**", "²": "**2", "³": "**3", "·": "*", "×": "*", "⋅": "*", "−": "-", "–": "-", "÷": "/",
    "√": "sqrt(…)", "π": "pi", "|": "abs(…)", "[": "(", "]": ")", "{": "(", "}": ")",
}  # fmt: skip
_READABLE = re.compile(r"[A-Za-z0-9_ \t\n\r.+\-*/(),]")
_NUMBERED = re.compile(r"x(0|[1-9][0-9]{0,5})$")


@dataclass(frozen=True)
class Expression:
    """A parsed expression: a function of ``dim`` coordinates that can be pickled and traced."""

    text: str
    tree: Tree
    dim: int

    def __call__(self, *coordinates: Any) -> Any:
        if all(isinstance(coordinate, float | int) for coordinate in coordinates):
            # Python's floats raise where an array overflows or divides by zero.
            with np.errstate(all="ignore"):
                columns = [np.array([float(coordinate)]) for coordinate in coordinates]
                return float(np.broadcast_to(_evaluate(self.tree, columns), (1,))[0])
        return _evaluate(self.tree, coordinates)


def parse(text: str) -> Expression:
    """Return the function that ``text`` describes, or raise InputError saying where it cannot be read."""
    return _Parser(text).parse()


def landscape(text: str, *, dim: int | None = None, start: Any = None) -> Landscape:
    """Return ``text`` as a landscape, started at (1.5, 1) unless told otherwise; its minima are not known."""
    expression = parse(text)
    if dim is not None and (isinstance(dim, bool) or not isinstance(dim, int) or dim < expression.dim):
        raise InputError(f"{quote(text)} has {expression.dim} coordinates: dim cannot be {quote(dim)}.")
    count = dim or expression.dim
    given = start is not None and len(start) == count
    return Landscape(
        expression,
        dim=count,
        domain=domain_around(tuple(start) if given else default_start(count)),
        starts=(tuple(start) if given else default_start(count),),
        name=" ".join(text.split()),
        title=unicode_text(expression.tree, TITLE_LIMIT),
        traceable=True,
    )


def _evaluate(tree: Tree, coordinates: Any) -> Any:
    if tree.constant is not None:
        return tree.constant
    if tree.kind == "variable":
        return coordinates[tree.value]
    parts = [_evaluate(part, coordinates) for part in tree.parts]
    if tree.kind == "call":
        value = FUNCTIONS[tree.value](*parts[:2])
        for part in parts[2:]:
            value = FUNCTIONS[tree.value](value, part)
        return value
    if tree.kind == "minus":
        return -parts[0]
    if tree.kind == "power":
        return _power(parts[0], parts[1])
    if tree.kind == "exponential":
        return formula.exp(parts[1] if parts[0] == math.e else parts[1] * math.log(parts[0]))
    value = parts[0]
    for sign, part in zip(tree.value[1:], parts[1:], strict=True):
        value = _OPERATIONS[sign](value, part)
    return value


def _power(base: Any, exponent: int | float) -> Any:
    """Return base ** exponent, by squares and cubes where the exponent is whole.

    Torch computes those with the same bits for one point and for many, which it does not for ``x**4``.
    """
    if isinstance(exponent, float) or -1 <= exponent <= 3:
        return base**exponent
    if exponent < 0:
        return 1 / _power(base, -exponent)
    for root in (2, 3):
        if exponent % root == 0:
            return _power(base, exponent // root) ** root
    return base * _power(base, exponent - 1)


_OPERATIONS: dict[str, Any] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


class _Parser:
    """Walks Python's own syntax tree, taking what is on the list and refusing the rest by name and place."""

    def __init__(self, text: str):
        self.text = text
        self.offset = len(text) - len(text.lstrip())
        self.variables: dict[str, int] = {}

    def parse(self) -> Expression:
        if len(self.text) > MOST_CHARACTERS:
            raise InputError(
                f"{quote(self.text)}: an expression has at most {MOST_CHARACTERS:,} characters, this one has "
                f"{len(self.text):,}; a longer function can be given as file.py:name."
            )
        for position, character in enumerate(self.text):
            if not _READABLE.match(character):
                hint = f"; write {_INSTEAD[character]}" if character in _INSTEAD else ""
                raise self.error(f"{quote(character)} cannot be read{hint}", position)
        tree = self.read(self.syntax().body, 0)
        if not self.variables:
            raise self.error("there is no variable; write x, y, z or x0, x1 and so on")
        return Expression(self.text, tree, 1 + max(self.variables.values()))

    def syntax(self) -> ast.Expression:
        flat = re.sub(r"\s", " ", self.text).strip()
        if not flat:
            raise InputError("An expression cannot be empty: write x**2 + y**2, for instance.")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Python warns of odd literals such as 1if
                return ast.parse(flat, mode="eval")
        except SyntaxError as problem:
            raise self.unreadable(problem) from None
        except (ValueError, MemoryError, RecursionError, OverflowError):
            raise self.error(f"it is nested too deeply, {MOST_DEPTH} levels are the most") from None

    def unreadable(self, problem: SyntaxError) -> InputError:
        """Return Python's complaint about the syntax as ours."""
        if not problem.offset:
            return self.error("it ends too early")
        cause = problem.msg.split(".")[0].lower()
        if "literal" in cause:
            cause = "this number cannot be read (a product is written 2*x)"
        elif cause.startswith("invalid syntax"):
            cause = "something is missing before this, or this does not belong here"
        return self.error(cause, min(self.offset + problem.offset, len(self.text)) - 1)

    def error(self, what: str, at: ast.AST | int | None = None, suggestion: str = "") -> InputError:
        """Return the complaint: ``what`` is wrong at a node or a character."""
        place = ""
        if at is not None:
            position = at if isinstance(at, int) else self.offset + getattr(at, "col_offset", 0)
            place = f" at character {position + 1}"
            if position >= QUOTE_LIMIT - 1:  # the quoted beginning does not show it
                place += f", near {quote(self.text[max(position - 10, 0) : position + 20])}"
        return InputError(f"{quote(self.text)}{place}: {what}.{suggestion}")

    def read(self, node: ast.AST, depth: int) -> Tree:
        if depth > MOST_DEPTH:
            raise self.error(f"it is nested too deeply, {MOST_DEPTH} levels are the most", node)
        match node:
            case ast.Constant():
                return self.number(node)
            case ast.Name():
                return self.name(node)
            case ast.Call():
                return self.call(node, depth)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                part = self.read(node.operand, depth + 1)
                return self.folded(Tree("minus", (part,)), node) if isinstance(node.op, ast.USub) else part
            case ast.BinOp(op=ast.Pow()):
                return self.power(node, depth)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self.chain(node, depth, "sum", _ADDITIVE)
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return self.chain(node, depth, "product", _MULTIPLICATIVE)
        if isinstance(node, ast.Attribute):
            raise self.error("a dot stands only inside a number; write sin(x), not math.sin(x)", node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
            raise self.error("x//y is written floor(x/y)", node)
        raise self.error("there may be numbers, variables, functions and + - * / **, nothing else", node)

    def number(self, node: ast.Constant) -> Tree:
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise self.error(f"{quote(node.value)} is not a real number", node)
        written = self.text[self.offset + node.col_offset : self.offset + (node.end_col_offset or 0)]
        return Tree("number", value=written.lower(), constant=self.finite(node.value, node))

    def finite(self, value: Any, node: ast.AST) -> int | float:
        """Return ``value`` as a float, or as an int where it is small enough to be exact in one."""
        try:
            number = float(value)
        except (OverflowError, TypeError, ValueError):  # too large an integer, or complex
            number = math.nan
        if not math.isfinite(number):
            raise self.error("this constant is not a finite real number", node)
        return value if isinstance(value, int) and abs(number) < 2**53 else number

    def name(self, node: ast.Name) -> Tree:
        name = node.id
        if name in CONSTANTS:
            return Tree("constant", value=name, constant=CONSTANTS[name])
        if name in FUNCTIONS or name in ALIASES:
            raise self.error(f"{quote(name)} is a function, write {name}(x)", node)
        numbered = _NUMBERED.match(name)
        if name not in LETTERS and not numbered:
            known = nearest(name, [*LETTERS, *CONSTANTS, *FUNCTIONS])
            raise self.error(f"unknown name {quote(name)}; the variables are x, y, z or x0, x1 and so on", node, known)
        index = int(numbered[1]) if numbered else LETTERS[name]
        if index >= MOST_VARIABLES:
            raise self.error(f"the last possible variable is x{MOST_VARIABLES - 1}, not {quote(name)}", node)
        mixed = [other for other in self.variables if (other in LETTERS) != (name in LETTERS)]
        if mixed:
            raise self.error(f"{quote(mixed[0])} and {quote(name)} do not mix, write x, y or x0, x1", node)
        self.variables[name] = index
        return Tree("variable", value=index, name=name)

    def call(self, node: ast.Call, depth: int) -> Tree:
        if not isinstance(node.func, ast.Name):
            hint = "sin(x), not math.sin(x)" if isinstance(node.func, ast.Attribute) else "2*(x + y)"
            raise self.error(f"only a function may stand before brackets, write {hint}", node)
        name = ALIASES.get(node.func.id, node.func.id)
        if name == "pow":
            raise self.error("pow(x, 2) is written x**2", node)
        if name not in FUNCTIONS:
            if name in {*LETTERS, *CONSTANTS} or _NUMBERED.match(name):
                raise self.error(f"{quote(name)} is not a function, a product is written {name}*(…)", node)
            known = nearest(name, [*FUNCTIONS, *ALIASES])
            choice = "" if known else f"; there are {', '.join(FUNCTIONS)}"
            raise self.error(f"unknown function {quote(name)}{choice}", node, known)
        least, most = (2, 100) if name in ("max", "min") else (1, 1)
        if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
            raise self.error(f"{quote(name)} takes plain arguments", node)
        if not least <= len(node.args) <= most:
            wanted = "one argument" if most == 1 else "two arguments or more"
            raise self.error(f"{quote(name)} takes {wanted}, it has {len(node.args)}", node)
        parts = tuple(self.read(argument, depth + 1) for argument in node.args)
        return self.folded(Tree("call", parts, value=name), node)

    def power(self, node: ast.BinOp, depth: int) -> Tree:
        base, exponent = self.read(node.left, depth + 1), self.read(node.right, depth + 1)
        if exponent.constant is None:
            if base.constant is None:
                raise self.error("an exponent must be a constant; for x**y write exp(y*log(x))", node.right)
            if base.constant <= 0:
                raise self.error("a constant base must be positive where the exponent varies", node)
            return Tree("exponential", (base, exponent))
        if abs(exponent.constant) > MOST_EXPONENT:
            raise self.error(f"an exponent is at most {MOST_EXPONENT:,} in magnitude", node.right)
        return self.folded(Tree("power", (base, exponent)), node)

    def chain(self, node: ast.BinOp, depth: int, kind: str, signs: dict[type, str]) -> Tree:
        """Read a whole sum or product at once, so that a long one is not a deep one."""
        operands: list[tuple[str, ast.AST]] = []
        left: ast.AST = node
        while isinstance(left, ast.BinOp) and type(left.op) in signs:
            operands.append((signs[type(left.op)], left.right))
            left = left.left
        operands.append((signs[next(iter(signs))], left))
        read = [(sign, self.read(operand, depth + 1)) for sign, operand in reversed(operands)]
        if any(sign == "/" and part.constant == 0 for sign, part in read):
            raise self.error("this divides by zero", node)
        constants = next((i for i, (_, part) in enumerate(read) if part.constant is None), len(read))
        if 1 < constants < len(read):  # 2*3*x: Python, too, computes 2*3 first
            head = self.folded(_joined(kind, read[:constants]), node)
            read = [(read[0][0], head), *read[constants:]]
        return self.folded(_joined(kind, read), node)

    def folded(self, tree: Tree, node: ast.AST) -> Tree:
        """Compute what has no variable in it, once."""
        if any(part.constant is None for part in tree.parts):
            return tree
        try:
            floats = tree.with_parts(part.with_constant(float(part.constant)) for part in tree.parts)
            value = self.finite(_evaluate(floats, ()), node)
            if abs(value) < 2**53 and all(isinstance(part.constant, int) for part in tree.parts):
                value = self.finite(_evaluate(tree, ()), node)  # small integers stay exact
        except (ZeroDivisionError, OverflowError):
            raise self.error("this constant is not a finite real number", node) from None
        return tree.with_constant(value)


def _joined(kind: str, read: list[tuple[str, Tree]]) -> Tree:
    return Tree(kind, tuple(part for _, part in read), value=tuple(sign for sign, _ in read))
