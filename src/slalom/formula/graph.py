"""Recording a formula: calling it with symbols leaves a graph of what it computes, in the order it computes it.

Symbols are *tensors* (what differs from lane to lane) or *scalars* (the step number and what follows from it). A scalar
carries its value at the step being recorded, so that a choice between two formulas (``where(t == 1, …)``) is made while
recording; the choice is kept as a *guard*, and whoever replays the graph at another step checks the guards first.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Value: TypeAlias = "Node | float"


@dataclass(eq=False, slots=True)
class Node:
    """One intermediate quantity. ``operation`` is "input" or the name of what made it from ``arguments``."""

    graph: Graph
    operation: str
    arguments: tuple[Any, ...]
    scalar: bool
    value: Any = None  # of a scalar: what it is at the step being recorded
    name: str = ""  # of an input

    @staticmethod
    def apply(operation: str, *arguments: Any) -> Any:
        """Record ``operation``; ``where`` on a scalar condition chooses at once, behind a guard."""
        graph = next(argument.graph for argument in arguments if isinstance(argument, Node))
        if operation == "where":
            condition, then, otherwise = arguments
            if not isinstance(condition, Node) or condition.scalar:
                return then if condition else otherwise
        return graph.record(operation, *arguments)

    def __bool__(self) -> bool:
        if not self.scalar:
            raise TypeError("a condition that differs from lane to lane needs where(condition, then, otherwise)")
        outcome = bool(self.value)
        self.graph.guards.append((self, outcome))
        return outcome

    def __add__(self, other: Any) -> Any:
        return Node.apply("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return Node.apply("add", self, other)

    def __sub__(self, other: Any) -> Any:
        return Node.apply("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return Node.apply("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return Node.apply("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return Node.apply("multiply", self, other)

    def __truediv__(self, other: Any) -> Any:
        return Node.apply("divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        if self.scalar or isinstance(other, Node):
            return Node.apply("divide", other, self)
        # So does torch: number / tensor is reciprocal(tensor) * number.
        return Node.apply("multiply", Node.apply("reciprocal", self), other)

    def __pow__(self, other: Any) -> Any:
        return Node.apply("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return Node.apply("power", other, self)

    def __neg__(self) -> Any:
        return Node.apply("negative", self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return Node.apply("absolute", self)

    def __lt__(self, other: Any) -> Any:
        return Node.apply("less", self, other)

    def __le__(self, other: Any) -> Any:
        return Node.apply("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return Node.apply("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return Node.apply("greater_equal", self, other)


@dataclass(eq=False)
class Graph:
    """What one call of a formula recorded, in order of computation."""

    nodes: list[Node] = field(default_factory=list)
    guards: list[tuple[Node, bool]] = field(default_factory=list)

    def tensor(self, name: str) -> Node:
        """Return a symbol for a tensor."""
        return self._keep(Node(self, "input", (), scalar=False, name=name))

    def number(self, name: str, value: float) -> Node:
        """Return a symbol for a scalar that is ``value`` at the step being recorded."""
        return self._keep(Node(self, "input", (), scalar=True, value=value, name=name))

    def record(self, operation: str, *arguments: Any) -> Any:
        """Append an operation; scalars are computed at the same time."""
        scalar = all(not isinstance(argument, Node) or argument.scalar for argument in arguments)
        value = None
        if scalar:
            value = compute(operation, *(a.value if isinstance(a, Node) else a for a in arguments))
        return self._keep(Node(self, operation, arguments, scalar, value))

    def _keep(self, node: Node) -> Node:
        self.nodes.append(node)
        return node


def compute(operation: str, *numbers: Any) -> Any:
    """Compute one operation on Python numbers with IEEE semantics: infinities and NaN instead of exceptions."""
    known = ARITHMETIC.get(operation)
    if known is not None:
        return known(*numbers)
    from slalom.formula.functions import FUNCTIONS  # functions imports Node from here

    return FUNCTIONS[operation](*numbers)


def divide(a: float, b: float) -> float:
    """Return a / b; a division by zero gives an infinity or NaN."""
    try:
        return a / b
    except ZeroDivisionError:
        return math.nan if a == 0 or a != a else math.copysign(math.inf, a) * math.copysign(1.0, b)


def power(a: float, b: float) -> float:
    """Return a ** b; overflow gives an infinity, a negative base under a fractional exponent NaN."""
    try:
        result = a**b
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ZeroDivisionError:
        return math.inf
    return math.nan if isinstance(result, complex) else result


ARITHMETIC: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": divide,
    "power": power,
    "negative": operator.neg,
    "reciprocal": lambda a: divide(1.0, a),
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}
"""What the operators of a formula do to numbers."""
