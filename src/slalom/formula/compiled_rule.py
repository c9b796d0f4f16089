"""A compiled update rule: thousands of lanes moved by one generated loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from slalom.formula.graph import Graph
from slalom.formula.instructions import ONE, Assembler, Number, Term
from slalom.formula.node import Node
from slalom.formula.program import Layout, Planner, compile_loop
from slalom.formula.record import Record, State

Program = Callable[..., Any]

SCALE_BOUNDS = {torch.float64: (1e-30, 1e30), torch.float32: (1e-4, 1e4)}
"""A state's scale is multiplied in, and starts again at 1, once it has left these bounds.

The tensor beside it holds the state divided by the scale, which must not overflow where the state itself would not.
"""


@dataclass
class Recording:
    """One step of the rule as terms: what it makes of the parameter and of each entry of the state."""

    assembler: Assembler
    kept: list[str]  # names of the numbers that come in
    moved: Term
    state: dict[str, Term]


class CompiledRule:
    """An update rule that moves all lanes of a layout at once.

    ``h`` holds a float, or a tensor of the layout's lane shape, for every hyperparameter. With ``slope`` (see
    :attr:`slalom.formula.compiled.RecordedFunction.alike`) the gradient is computed inside the same code, from ``p``.
    With ``maximize`` the rule is handed −g.

    An entry of the state that decays (m ← β·m + …) is kept as scale × tensor: β is multiplied into the scale, a number,
    rather than into every lane.
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
        self._first: list[Program] = []  # programs for the first step, when the state is numbers
        self._later: list[Program] = []  # and for those after it
        self._scaled: tuple[str, ...] | None = None  # entries kept as scale × tensor; None before that is known
        self._buffers: dict[str, torch.Tensor] = {}
        self.begin(self.lanes)

    def begin(self, lanes: Mapping[str, torch.Tensor]) -> None:
        """Go back to before the first step, with new values for the hyperparameters that are lanes."""
        for name, values in lanes.items():
            self.lanes[name].copy_(values)
        started = self.rule.start(torch.zeros((), dtype=self.layout.dtype), self.h)
        self._state: dict[str, torch.Tensor | None] = {}  # None for an entry that is a number
        self._numbers: dict[str, float] = {}
        for name, value in started.items():
            if isinstance(value, torch.Tensor):
                self._state[name] = self._buffers.setdefault(name, self.layout.empty(full=True))
                self._buffers[name].copy_(value.expand_as(self._buffers[name]))
            else:
                self._state[name] = None
                self._numbers[name] = value
        self._begun = False

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
        if t < stop and not self._begun:
            self._one(self._first, t, t + 1, (points, g, slope_at, watch))
            # From now on the state is what this step left: tensors in their buffers, numbers beside them.
            self._begun = True
            self._state.update(self._buffers)
            numbers = [name for name, buffer in self._state.items() if buffer is None]
            self._numbers = dict(zip(numbers, self._left, strict=True))
            if self._scaled is None:
                self._scaled = self._find_scaled(t + 1)
            self._numbers |= {f"{name}_scale": 1.0 for name in self._scaled}
            t += 1
        while t < stop:
            t = self._one(self._later, t, stop, (points, g, slope_at, watch))
            self._numbers = dict(zip(self._numbers, self._left, strict=True))

    def _one(self, known: list[Program], t: int, stop: int, rest: tuple[Any, ...]) -> int:
        """Run the first program that fits step ``t``, compiled where none does; return the step it reached."""
        for program in known:
            reached, self._left = program(t, stop, *rest, *self._numbers.values())
            if reached > t:
                return reached
        known.append(self._compile(t))
        reached, self._left = known[-1](t, stop, *rest, *self._numbers.values())
        assert reached > t
        return reached

    def bytes_per_lane(self) -> int:
        """Return the bytes of state that are kept for each lane."""
        return sum(buffer.nbytes for buffer in self._buffers.values()) // self.layout.lanes

    # -- compiling -------------------------------------------------------------------------------------------------

    def _find_scaled(self, t: int) -> tuple[str, ...]:
        """Return the entries of the state that come out of a step with a coefficient."""
        self._scaled = ()
        terms = self._record(t).state
        return tuple(name for name in self._state if terms[name].tensor is not None and terms[name].coefficient != ONE)

    def _compile(self, t: int) -> Program:
        """Return the program for steps like ``t``: see :func:`slalom.formula.program.compile_loop`."""
        recording = self._record(t)
        assembler = recording.assembler
        wanted, left, scales = [], [], []
        for name in self._state:  # always in this order, which is that of the numbers that come in
            term = recording.state[name]
            if term.tensor is None:
                left.append(term.coefficient.source)
                continue
            is_full = assembler.instructions[term.tensor].full
            buffer = self._buffers.setdefault(name, self.layout.empty(full=is_full))
            assert self.layout.is_full(buffer) == is_full
            wanted.append((f"state_{name}", term.tensor))
            if self._begun and name in (self._scaled or ()):
                scales.append(term.coefficient.source)
        wanted.append(("out", assembler.settle(recording.moved)))
        planner = Planner(assembler, self.layout, wanted)
        lines = planner.write()
        tensors = {**planner.tensors, **{f"h_{name}": lane for name, lane in self.lanes.items()}}
        tensors |= {f"state_{name}": buffer for name, buffer in self._buffers.items()}
        return compile_loop(
            assembler, lines, tensors, recording.kept, [*left, *scales], self.layout, asks=self.slope is None
        )

    def _record(self, t: int) -> Recording:
        """Record step ``t`` and translate what it makes, a new state before the parameter that reads it."""
        graph, assembler = Graph(), Assembler(fused=True)
        step, p = graph.number("t", t), graph.tensor("p")
        symbols = {
            id(step): Term(Number("t", float(t), False), None),
            id(p): Term(ONE, assembler.input("p", full=True)),
        }
        g = self._gradient_symbol(graph, assembler, symbols, symbols[id(p)])
        state, kept = self._state_symbols(graph, assembler, symbols)
        h = self._hyperparameter_symbols(graph, assembler, symbols)
        moved, new_state = self.rule.step(p, -g if self.maximize else g, state, step, h)
        memory: dict[int, Term] = {}
        for condition, outcome in graph.guards:
            assembler.guard(assembler.translate(condition, symbols, memory).coefficient, outcome)
        terms = {}
        for name, value in new_state.items():
            term = assembler.translate(value, symbols, memory)
            if term.tensor is not None and not self._may_scale(assembler, name):
                if not (self._begun and self._scaled == ()):  # not while finding out what would be scaled
                    term = Term(ONE, assembler.settle(term))
                memory[id(value)] = term
            terms[name] = term
        return Recording(assembler, kept, assembler.translate(moved, symbols, memory), terms)

    def _may_scale(self, assembler: Assembler, name: str) -> bool:
        """Whether an entry leaves this step as scale × tensor, rather than with its scale multiplied in."""
        if not self._begun or name not in (self._scaled or ()):
            return False
        scale = Number(f"kept_{name}_scale", self._numbers[f"{name}_scale"], False)
        smallest, largest = SCALE_BOUNDS[self.layout.dtype]
        size = assembler.number("absolute", scale)
        large = assembler.number("greater", size, Number.of(smallest))
        small = assembler.number("less", size, Number.of(largest))
        assembler.guard(large, bool(large.value))
        assembler.guard(small, bool(small.value))
        return bool(large.value and small.value)

    def _gradient_symbol(self, graph: Graph, assembler: Assembler, symbols: dict[int, Term], p: Term) -> Any:
        if self.slope is None:
            g = graph.tensor("g")
            symbols[id(g)] = Term(ONE, assembler.input("g", full=True))
            return g
        variable, derivative = self.slope
        g = graph.tensor("slope")
        symbols[id(g)] = assembler.translate(derivative, {id(variable): p}, {})
        return g

    def _state_symbols(self, graph: Graph, assembler: Assembler, symbols: dict[int, Term]) -> tuple[State, list[str]]:
        """Return the state as symbols (before the first step: plain numbers), and the arguments that bring numbers."""
        state = State()
        for name, buffer in self._state.items():
            if buffer is not None:
                state[name] = graph.tensor(name)
                tensor = assembler.input(f"state_{name}", full=self.layout.is_full(buffer))
                symbols[id(state[name])] = Term(self._scale_of(name), tensor)
            elif not self._begun:
                state[name] = self._numbers[name]
            else:
                state[name] = graph.number(name, self._numbers[name])
                symbols[id(state[name])] = Term(Number(f"kept_{name}", self._numbers[name], False), None)
        return state, [f"kept_{name}" for name in self._numbers]

    def _scale_of(self, name: str) -> Number:
        value = self._numbers.get(f"{name}_scale")
        return ONE if value is None else Number(f"kept_{name}_scale", value, False)

    def _hyperparameter_symbols(self, graph: Graph, assembler: Assembler, symbols: dict[int, Term]) -> Record:
        h = Record(self.h)
        for name in self.lanes:
            h[name] = graph.tensor(name)
            symbols[id(h[name])] = Term(ONE, assembler.input(f"h_{name}", full=False))
        return h
