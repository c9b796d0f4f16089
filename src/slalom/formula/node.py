"""A symbol of a formula: what is done to it is recorded in its graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

Value: TypeAlias = "Node | float"


class Recorder(Protocol):
    """What a symbol asks of its graph."""

    nodes: list[Node]
    guards: list[tuple[Node, bool]]

    def record(self, operation: str, *arguments: Any) -> Any: ...


@dataclass(eq=False, slots=True)
class Node:
    """One intermediate quantity. ``operation`` is "input" or the name of what made it from ``arguments``."""

    graph: Recorder
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
