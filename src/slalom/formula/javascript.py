"""A recorded formula as JavaScript: the same operations in the same order, equal parts computed once.

Numbers of JavaScript are float64, so a formula written here gives what it gives in float64 elsewhere, up to the last
digit of the functions (sin, exp, a power) that every platform computes in its own way.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slalom.formula.node import Node, Value

CHOICE, EQUAL, COMPARED, SUM, PRODUCT, SIGN, ATOM = range(7)
"""How tightly the parts of an expression hang together in JavaScript: a looser part goes into brackets."""

OPERATIONS: dict[str, tuple[str, int]] = {
    "add": ("{0} + {1}", SUM),
    "subtract": ("{0} - {1}", SUM),
    "multiply": ("{0} * {1}", PRODUCT),
    "divide": ("{0} / {1}", PRODUCT),
    "reciprocal": ("1 / {0}", PRODUCT),
    "negative": ("-{0}", SIGN),
    "less": ("{0} < {1}", COMPARED),
    "less_equal": ("{0} <= {1}", COMPARED),
    "greater": ("{0} > {1}", COMPARED),
    "greater_equal": ("{0} >= {1}", COMPARED),
    "equal": ("{0} === {1}", EQUAL),
    "where": ("{0} ? {1} : {2}", CHOICE),
    "power": ("Math.pow({0}, {1})", ATOM),
    "sqrt": ("Math.sqrt({0})", ATOM),
    "exp": ("Math.exp({0})", ATOM),
    "log": ("Math.log({0})", ATOM),
    "sin": ("Math.sin({0})", ATOM),
    "cos": ("Math.cos({0})", ATOM),
    "tan": ("Math.tan({0})", ATOM),
    "asin": ("Math.asin({0})", ATOM),
    "acos": ("Math.acos({0})", ATOM),
    "arctan": ("Math.atan({0})", ATOM),
    "sinh": ("Math.sinh({0})", ATOM),
    "cosh": ("Math.cosh({0})", ATOM),
    "tanh": ("Math.tanh({0})", ATOM),
    "absolute": ("Math.abs({0})", ATOM),
    "sign": ("(Math.sign({0}) || 0)", ATOM),  # torch's is 0 of NaN too
    "floor": ("Math.floor({0})", ATOM),
    "maximum": ("Math.max({0}, {1})", ATOM),
    "minimum": ("Math.min({0}, {1})", ATOM),
    "float32": ("Math.fround({0})", ATOM),
}
"""Every operation that a graph can record: its text, and how tightly that hangs together."""

_INSIDE_CALL = frozenset(name for name, (text, _) in OPERATIONS.items() if text.lstrip("(").startswith("Math."))


def number(value: float) -> str:
    """Return a number as JavaScript writes it, giving back the same float64."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    value = float(value)
    return str(int(value)) if value == int(value) and abs(value) < 2**53 and str(value) != "-0.0" else repr(value)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation on numbers and on earlier parts, by their places in :attr:`Script.parts`."""

    name: str
    arguments: tuple[int | str, ...]  # a place, or a number as text


@dataclass
class Script:
    """Formulas as lines of JavaScript.

    ``inputs`` says how the symbols of the graph are written, and any other node that has been computed elsewhere. Parts
    that depend on ``lanes`` (what differs from coordinate to coordinate) are written to ``body``, all others to
    ``head``, which can stand before a loop.
    """

    inputs: Mapping[Node, str]
    lanes: frozenset[Node] = frozenset()
    head: list[str] = field(default_factory=list)
    body: list[str] = field(default_factory=list)
    parts: list[Operation] = field(default_factory=list)
    varies: list[bool] = field(default_factory=list)  # which parts depend on the lanes
    _places: dict[Operation, int] = field(default_factory=dict)
    _uses: list[int] = field(default_factory=list)
    _named: dict[int, str] = field(default_factory=dict)

    def write(self, outputs: Iterable[Value], named: bool = False) -> list[str]:
        """Write what ``outputs`` need and return their expressions; with ``named`` each is a name or a number."""
        roots = [self._enter(output) for output in outputs]
        for root in roots:
            if isinstance(root, int):
                self._uses[root] += 2 if named else 1
        for place, part in enumerate(self.parts):
            if part.name != "input" and self._uses[place] and self._deserves_a_name(place):
                lines, letter = (self.body, "b") if self.varies[place] else (self.head, "a")
                text, _ = self._expression(place)
                name = f"{letter}{sum(name.startswith(letter) for name in self._named.values())}"
                lines.append(f"const {name} = {text};")
                self._named[place] = name
        return [root if isinstance(root, str) else self._text(root)[0] for root in roots]

    def expression(self, value: Value) -> str:
        """Return ``value`` as one expression; parts that occur twice are written twice."""
        place = self._enter(value)
        return place if isinstance(place, str) else self._text(place)[0]

    def depends_on_lanes(self, value: Value) -> bool:
        """Tell whether ``value`` differs from lane to lane."""
        place = self._enter(value)
        return isinstance(place, int) and self.varies[place]

    # -- entering the graph ----------------------------------------------------------------------------------------

    def _enter(self, root: Value) -> int | str:
        """Return the place of ``root``, entered with all that it needs; of a plain number its text."""
        if not isinstance(root, Node):
            return number(root)
        memory: dict[Node, int] = {}
        waiting = [root]  # depth first without recursion: sums of many terms are deep
        while waiting:
            node = waiting[-1]
            needed = () if node in self.inputs else node.arguments
            missing = [a for a in needed if isinstance(a, Node) and a not in memory]
            if missing and node not in memory:
                waiting.extend(missing)
                continue
            waiting.pop()
            if node not in memory:
                memory[node] = self._enter_one(node, memory)
        return memory[root]

    def _enter_one(self, node: Node, memory: Mapping[Node, int]) -> int:
        if node in self.inputs:
            return self._place(Operation("input", (self.inputs[node],)), node in self.lanes)
        arguments = tuple(memory[a] if isinstance(a, Node) else number(a) for a in node.arguments)
        name = node.operation
        lanes = any(self.varies[a] for a in arguments if isinstance(a, int))
        if name == "power" and arguments[1] in ("2", "3", "0.5", "-1"):
            return self._small_power(arguments[0], arguments[1], lanes)
        if name == "multiply" and isinstance(arguments[0], int) and isinstance(arguments[1], str):
            # A graph has c / x as reciprocal(x) · c, as torch does for tensors; a plain number is divided.
            inner = self.parts[arguments[0]]
            if inner.name == "reciprocal" and not lanes:
                return self._place(Operation("divide", (arguments[1], *inner.arguments)), lanes)
        return self._place(Operation(name, arguments), lanes)

    def _small_power(self, base: int | str, exponent: Any, lanes: bool) -> int:
        """Squares, cubes, roots and reciprocals, which torch and numpy compute without a power."""
        if exponent == "0.5":
            return self._place(Operation("sqrt", (base,)), lanes)
        if exponent == "-1":
            return self._place(Operation("reciprocal", (base,)), lanes)
        square = self._place(Operation("multiply", (base, base)), lanes)
        return square if exponent == "2" else self._place(Operation("multiply", (square, base)), lanes)

    def _place(self, operation: Operation, lanes: bool) -> int:
        """Return the place of ``operation``: the same for equal ones."""
        if operation not in self._places:
            self._places[operation] = len(self.parts)
            self.parts.append(operation)
            self.varies.append(lanes)
            self._uses.append(0)
            for argument in operation.arguments:
                if isinstance(argument, int):
                    self._uses[argument] += 1
        return self._places[operation]

    # -- writing ---------------------------------------------------------------------------------------------------

    def _deserves_a_name(self, place: int) -> bool:
        """Whether a part is used more than once, or stands before the loop that uses it."""
        if self._uses[place] > 1:
            return True
        return not self.varies[place] and any(
            place in part.arguments and self.varies[user] for user, part in enumerate(self.parts)
        )

    def _text(self, place: int) -> tuple[str, int]:
        """Return how a part is written where it is used, and how tightly that hangs together."""
        if place in self._named:
            return self._named[place], ATOM
        return self._expression(place)

    def _expression(self, place: int) -> tuple[str, int]:
        part = self.parts[place]
        if part.name == "input":
            return str(part.arguments[0]), ATOM
        template, tightness = OPERATIONS[part.name]
        texts = []
        for position, argument in enumerate(part.arguments):
            if isinstance(argument, str):
                text, inner = argument, SIGN if argument.startswith("-") else ATOM
            else:
                text, inner = self._text(argument)
            # What stands on the right of an operator of the same rank was computed first.
            first = position == 0 and part.name not in ("reciprocal", "negative", "where")
            loose = inner < tightness or (inner == tightness and not first)
            texts.append(f"({text})" if loose and part.name not in _INSIDE_CALL else text)
        return template.format(*texts), tightness
