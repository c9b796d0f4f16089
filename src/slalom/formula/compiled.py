"""Compiled functions: a landscape's value and gradient as fast in-place tensor code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from slalom.formula.derivative import gradient
from slalom.formula.graph import Graph
from slalom.formula.instructions import ONE, Assembler, Term
from slalom.formula.node import Node
from slalom.formula.program import Layout, Planner, compile_once

Program = Callable[..., Any]
Formula = Callable[..., Any]


@dataclass(frozen=True)
class RecordedFunction:
    """A function of ``dim`` variables, recorded with its gradient."""

    variables: tuple[Node, ...]
    value: Any
    gradient: tuple[Any, ...]

    @staticmethod
    def of(function: Formula, dim: int) -> RecordedFunction:
        """Record ``function``. Raises NotImplementedError or TypeError where that cannot be done."""
        graph = Graph()
        variables = tuple(graph.tensor(f"x{index}") for index in range(dim))
        value = function(*variables)
        return RecordedFunction(variables, value, tuple(gradient(value, variables)))

    @cached_property
    def alike(self) -> Any | None:
        """Return the first component where every component is the same function of its own coordinate, else None.

        Then one sweep over all coordinates gives the whole gradient.
        """
        texts = [_text(part, symbol) for part, symbol in zip(self.gradient, self.variables, strict=True)]
        first = texts[0]
        return self.gradient[0] if first is not None and all(text == first for text in texts) else None


def _text(root: Any, symbol: Node) -> tuple[Any, ...] | None:
    """Return a normal form of ``root`` in which ``symbol`` has no name; None where another symbol occurs."""
    positions: dict[int, int] = {}
    lines: list[Any] = []

    def visit(node: Any) -> Any:
        if not isinstance(node, Node):
            return float(node)
        if id(node) not in positions:
            if node.operation == "input":
                if node is not symbol:
                    raise LookupError
                line: tuple[Any, ...] = ("x",)
            else:
                line = (node.operation, *(visit(argument) for argument in node.arguments))
            positions[id(node)] = len(lines)
            lines.append(line)
        return ("line", positions[id(node)])

    try:
        lines.append(visit(root))
    except (LookupError, RecursionError):
        return None
    return tuple(lines)


def compile_function(
    outputs: Sequence[Any], variables: Sequence[Node], layout: Layout, *, fused: bool, full: bool = False
) -> Program:
    """Return ``program(x0, x1, …, out0, out1, …)`` that writes ``outputs``, each of shape [lanes], into the outs.

    With ``full`` every tensor has shape [dim, lanes] instead.
    """
    assembler = Assembler(fused=fused)
    symbols = {id(symbol): Term(ONE, assembler.input(f"x{index}", full=full)) for index, symbol in enumerate(variables)}
    memory: dict[int, Term] = {}
    wanted = [
        (f"out{index}", assembler.settle(assembler.translate(output, symbols, memory)))
        for index, output in enumerate(outputs)
    ]
    planner = Planner(assembler, layout, wanted)
    lines = planner.write()
    arguments = [*(f"x{index}" for index in range(len(variables))), *(name for name, _ in wanted)]
    return compile_once(assembler, lines, planner.tensors, arguments, layout)


def compile_gradient(recorded: RecordedFunction, layout: Layout, *, fused: bool) -> Callable[..., None]:
    """Return ``program(p, g)`` that writes the gradient at ``p`` into ``g``, both of shape [dim, lanes]."""
    alike = recorded.alike
    if alike is not None:
        whole = compile_function([alike], recorded.variables[:1], layout, fused=fused, full=True)
        return lambda p, g: whole(p, g)
    rows = compile_function(recorded.gradient, recorded.variables, layout, fused=fused)
    return lambda p, g: rows(*p.unbind(0), *g.unbind(0))
