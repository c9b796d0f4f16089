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
from typing import Any

from slalom.formula.functions import FUNCTIONS
from slalom.formula.node import Node


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
