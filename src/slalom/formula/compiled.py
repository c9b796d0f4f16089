"""Compiled formulas: a landscape's value and gradient, and an optimizer's rule, as fast in-place tensor code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from slalom.formula.derivative import gradient
from slalom.formula.graph import Graph, Node
from slalom.formula.instructions import ONE, Assembler, Number, Term
from slalom.formula.program import Layout, Planner, compile_loop, compile_once
from slalom.formula.record import Record, State

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
        """Record ``function``. Raises NotImplementedError or TypeError where it cannot be recorded or differentiated."""
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
    symbols = {
        id(symbol): Term(ONE, assembler.input(f"x{index}", full=full))
        for index, symbol in enumerate(variables)
    }
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


class CompiledRule:
    """An update rule that moves all lanes of a layout at once.

    ``h`` holds a float, or a tensor of shape [lanes], for every hyperparameter. With ``slope`` (see
    :attr:`RecordedFunction.alike`) the gradient is computed inside the same code, from ``p``. With ``maximize`` the rule
    is handed −g.
    """

    def __init__(
        self,
        rule: Any,
        h: Record,
        layout: Layout,
        slope: tuple[Node, Any] | None = None,
        maximize: bool = False,
    ):
        self.rule = rule
        self.layout = layout
        self.slope = slope
        self.maximize = maximize
        self.lanes = {name: value.clone() for name, value in h.items() if isinstance(value, torch.Tensor)}
        self.h = Record({**h, **self.lanes})
        self._programs: dict[bool, list[Program]] = {}  # for the first step, and for those after it
        self._buffers: dict[str, torch.Tensor] = {}
        self.state: dict[str, Any] = {}
        self.begin(self.lanes)

    def begin(self, lanes: Mapping[str, torch.Tensor]) -> None:
        """Go back to before the first step, with new values for the hyperparameters that are lanes."""
        for name, values in lanes.items():
            self.lanes[name].copy_(values)
        started = self.rule.start(torch.zeros((), dtype=self.layout.dtype), self.h)
        self.state = {}
        for name, value in started.items():
            if isinstance(value, torch.Tensor):
                buffer = self._buffers.setdefault(name, self.layout.empty(full=True))
                buffer.copy_(value.expand_as(buffer))
                self.state[name] = buffer
            else:
                self.state[name] = value
        self._begun = False
        self._numbers = tuple(self.state[name] for name in self._number_names())

    def step(self, t: int, p: torch.Tensor, g: torch.Tensor | None, out: torch.Tensor) -> None:
        """Make step ``t`` (from 1): read ``p`` and the gradient ``g``, write the new parameters to ``out``."""
        self._advance(t, t + 1, {t - 1: p, t: out}, g, None, None)

    def run(
        self,
        points: Sequence[torch.Tensor],
        g: torch.Tensor | None = None,
        slope_at: Callable[[int, torch.Tensor, torch.Tensor], Any] | None = None,
        watch: Callable[[int, torch.Tensor], Any] | None = None,
    ) -> None:
        """Make all steps: from ``points[t - 1]`` to ``points[t]`` for t = 1, 2, … (tensors may come again).

        Without a slope inside, ``slope_at(t, p, g)`` is to write the gradient at ``p`` into ``g``. ``watch(t, p)`` is
        called with every new point.
        """
        self._advance(1, len(points), points, g, slope_at, watch)

    def _advance(self, t: int, stop: int, points: Any, g: Any, slope_at: Any, watch: Any) -> None:
        """Make the steps from ``t`` to before ``stop``, each with a program that fits it."""
        while t < stop:
            first = not self._begun
            known = self._programs.setdefault(first, [])
            self.state.update(zip(self._number_names(), self._numbers, strict=True))
            end = t + 1 if first else stop
            for program in [*known, None]:
                if program is None:
                    program = self._compile(t)
                    known.append(program)
                reached, numbers = program(t, end, points, g, slope_at, watch, *self._numbers)
                if reached > t:
                    break
            if first:
                # From now on the state is what this step left: tensors in their buffers, numbers beside them.
                self._begun = True
                self.state.update(self._buffers)
            t, self._numbers = reached, numbers

    def _number_names(self) -> list[str]:
        """Return the names of the state entries that are numbers, in order."""
        return [name for name, value in self.state.items() if not isinstance(value, torch.Tensor)]

    def _compile(self, t: int) -> Program:
        """Return the program for steps like ``t``: see :func:`slalom.formula.program.compile_loop`."""
        graph, assembler = Graph(), Assembler(fused=True)
        step, p = graph.number("t", t), graph.tensor("p")
        symbols = {
            id(step): Term(Number("t", float(t), False), None),
            id(p): Term(ONE, assembler.input("p", full=True)),
        }
        memory: dict[int, Term] = {}
        if self.slope is None:
            g = graph.tensor("g")
            symbols[id(g)] = Term(ONE, assembler.input("g", full=True))
        else:
            variable, derivative = self.slope
            g = graph.tensor("slope")
            symbols[id(g)] = assembler.translate(derivative, {id(variable): symbols[id(p)]}, {})
        state, arguments = self._state_symbols(graph, assembler, symbols)
        h = self._hyperparameter_symbols(graph, assembler, symbols)
        moved, new_state = self.rule.step(p, -g if self.maximize else g, state, step, h)
        for condition, outcome in graph.guards:
            assembler.guard(assembler.translate(condition, symbols, memory).coefficient, outcome)
        wanted, returned = self._outputs(assembler, symbols, memory, new_state)
        wanted.append(("out", assembler.settle(assembler.translate(moved, symbols, memory))))
        planner = Planner(assembler, self.layout, wanted)
        lines = planner.write()
        tensors = {**planner.tensors, **{f"h_{name}": lane for name, lane in self.lanes.items()}}
        tensors |= {f"state_{name}": buffer for name, buffer in self._buffers.items()}
        return compile_loop(assembler, lines, tensors, arguments, returned, self.layout, asks=self.slope is None)

    def _state_symbols(
        self, graph: Graph, assembler: Assembler, symbols: dict[int, Term]
    ) -> tuple[State, list[str]]:
        """Return the state as symbols (before the first step: as plain numbers), and its names as arguments."""
        state, arguments = State(), []
        for name, value in self.state.items():
            if isinstance(value, torch.Tensor):
                state[name] = graph.tensor(name)
                symbols[id(state[name])] = Term(ONE, assembler.input(f"state_{name}", full=value.ndim == 2))
                continue
            arguments.append(f"kept_{name}")
            if not self._begun:
                state[name] = value
            else:
                state[name] = graph.number(name, value)
                symbols[id(state[name])] = Term(Number(f"kept_{name}", value, False), None)
        return state, arguments

    def _hyperparameter_symbols(self, graph: Graph, assembler: Assembler, symbols: dict[int, Term]) -> Record:
        h = Record(self.h)
        for name in self.lanes:
            h[name] = graph.tensor(name)
            symbols[id(h[name])] = Term(ONE, assembler.input(f"h_{name}", full=False))
        return h

    def _outputs(
        self, assembler: Assembler, symbols: Mapping[int, Term], memory: dict[int, Term], new_state: State
    ) -> tuple[list[tuple[str, int]], list[str]]:
        """Return where new state tensors go, and the code of the entries that stay numbers.

        A new state is settled before the parameter is translated, so that the update reads it ready-made.
        """
        wanted, returned = [], []
        for name, value in new_state.items():
            term = assembler.translate(value, symbols, memory)
            if term.tensor is None:
                returned.append(term.coefficient.source)
                continue
            settled = assembler.settle(term)
            memory[id(value)] = Term(ONE, settled)
            is_full = assembler.instructions[settled].full
            buffer = self._buffers.setdefault(name, self.layout.empty(full=is_full))
            assert (buffer.ndim == 2) == is_full
            wanted.append((f"state_{name}", settled))
        return wanted, returned
