"""Fast tensor code from formulas: one in-place torch call per instruction, temporaries planned, nothing allocated.

This is the one place that makes the readable update rules fast. A landscape's value and gradient and an optimizer's
rule are recorded (:mod:`slalom.formula.graph`), turned into few instructions (:mod:`slalom.formula.instructions`) and
written out as a Python function whose every line is a torch operation with ``out=``. Nothing a user typed becomes code:
lines are made from a fixed table of templates and from numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType
from typing import Any

import numpy as np
import torch

from slalom.formula.functions import FUNCTIONS
from slalom.formula.graph import ARITHMETIC
from slalom.formula.instructions import Assembler, Instruction, Number

TORCH: dict[str, str] = {
    "fill": "{o}.fill_({0})",
    "scale": "mul({0}, {1}, out={o})",
    "add_number": "add({0}, {1}, out={o})",
    "add_scaled": "add({0}, {1}, alpha={2}, out={o})",
    "lerp": "lerp({0}, {1}, {2}, out={o})",
    "addcmul": "addcmul({0}, {1}, {2}, value={3}, out={o})",
    "addcdiv": "addcdiv({0}, {1}, {2}, value={3}, out={o})",
    "add": "add({0}, {1}, out={o})",
    "subtract": "torch.sub({0}, {1}, out={o})",
    "multiply": "mul({0}, {1}, out={o})",
    "divide": "torch.div({0}, {1}, out={o})",
    "negative": "torch.neg({0}, out={o})",
    "reciprocal": "torch.reciprocal({0}, out={o})",
    "power": "torch.pow({0}, {1}, out={o})",
    "sqrt": "torch.sqrt({0}, out={o})",
    "absolute": "torch.abs({0}, out={o})",
    "sign": "torch.sign({0}, out={o})",
    "maximum": "torch.maximum({0}, {1}, out={o})",
    "minimum": "torch.minimum({0}, {1}, out={o})",
    "maximum number": "torch.clamp({0}, min={1}, out={o})",
    "minimum number": "torch.clamp({0}, max={1}, out={o})",
    "where": "torch.where({0}, {1}, {2}, out={o})",
    "less": "torch.lt({0}, {1}, out={o})",
    "less_equal": "torch.le({0}, {1}, out={o})",
    "greater": "torch.gt({0}, {1}, out={o})",
    "greater_equal": "torch.ge({0}, {1}, out={o})",
    "equal": "torch.eq({0}, {1}, out={o})",
    "arctan": "torch.atan({0}, out={o})",
    "float32": "{o}.copy_({0}.float())",
    "copy": "{o}.copy_({0})",
    **{name: f"torch.{name}({{0}}, out={{o}})" for name in
       ("exp", "log", "sin", "cos", "tan", "asin", "acos", "sinh", "cosh", "tanh", "floor")},
}  # fmt: skip
"""Instruction to torch call; {0}, {1} … are its arguments, {o} is where the result goes."""

NUMPY: dict[str, str] = {
    "scale": "np_multiply({0}, {1}, {o})",
    "multiply": "np_multiply({0}, {1}, {o})",
    "add_number": "np_add({0}, {1}, {o})",
    "add": "np_add({0}, {1}, {o})",
    "subtract": "np_subtract({0}, {1}, {o})",
    "divide": "np_divide({0}, {1}, {o})",
    "negative": "np_negative({0}, {o})",
    "absolute": "np_absolute({0}, {o})",
    "sqrt": "np_sqrt({0}, {o})",
}
"""The same on the CPU through NumPy, on the tensors' own memory, where both round correctly and so give the same bits.

A call of NumPy's costs half of one of torch's, and its square root is twice as fast (measured at 2,000 float64). That
one is for fused code only: torch's goes through a vector library that may miss the last bit.
"""


@dataclass(frozen=True)
class Layout:
    """Shapes and kind of the tensors that a program works on.

    A full tensor has shape [dim, lanes], what each lane has once [lanes]; with ``lanes_first`` they have [lanes, dim]
    and [lanes, 1].
    """

    dim: int
    lanes: int
    dtype: torch.dtype
    device: str
    lanes_first: bool = False

    @property
    def on_cpu(self) -> bool:
        return self.device == "cpu"

    def empty(self, full: bool, boolean: bool = False) -> torch.Tensor:
        shape = self.full_shape if full else self.lane_shape
        return torch.empty(shape, dtype=torch.bool if boolean else self.dtype, device=self.device)

    @property
    def full_shape(self) -> tuple[int, ...]:
        return (self.lanes, self.dim) if self.lanes_first else (self.dim, self.lanes)

    @property
    def lane_shape(self) -> tuple[int, ...]:
        return (self.lanes, 1) if self.lanes_first else (self.lanes,)

    def is_full(self, tensor: torch.Tensor) -> bool:
        return tensor.shape == self.full_shape


class Planner:
    """Gives every instruction's result a buffer, and writes the lines.

    ``wanted`` names the places, owned by the caller, where results are to go, and the instructions that make them. A
    place that is also an input (a state that is updated) is written directly where nobody reads the old content
    afterwards, else by a copy at the end.
    """

    def __init__(self, assembler: Assembler, layout: Layout, wanted: Sequence[tuple[str, int]]):
        self.instructions = assembler.instructions
        self.assembler = assembler
        self.layout = layout
        self.wanted = wanted
        self.tensors: dict[str, torch.Tensor] = {}  # scratch and constants that the code refers to
        self.names: dict[int, str] = {}
        self.lines: list[str] = []
        self._free: dict[tuple[bool, bool], list[str]] = {}
        self._last_use = self._liveness()

    def _liveness(self) -> dict[int, int]:
        """Return the last instruction that reads each needed instruction; what nobody needs is absent."""
        end = len(self.instructions)
        last = {index: end for _, index in self.wanted}
        for index in range(end - 1, -1, -1):
            if index in last:
                for argument in self.instructions[index].arguments:
                    if isinstance(argument, int):
                        last.setdefault(argument, index)
        return last

    def write(self) -> list[str]:
        """Return the lines of code, in order."""
        home: dict[int, str] = {}
        for place, index in self.wanted:
            home.setdefault(index, place)
        for index, instruction in enumerate(self.instructions):
            if index in self._last_use:
                self._place(index, instruction, home.get(index))
        for place, index in self.wanted:
            if self.names[index] != place:
                self.lines.append(self._call(Instruction("copy", (index,), True), place))
        return self.lines

    def _place(self, index: int, instruction: Instruction, home: str | None) -> None:
        if instruction.operation == "input":
            self.names[index] = str(instruction.arguments[0])
            return
        if instruction.operation == "constant":
            self.names[index] = self._constant(instruction.arguments[0])
            return
        dying = [
            argument
            for argument in instruction.arguments
            if isinstance(argument, int) and self._last_use[argument] == index and self._is_scratch(argument)
        ]
        target = home if home is not None and self._may_overwrite(home, index) else None
        target = target or self._scratch(instruction, dying)
        self.names[index] = target
        self.lines.append(self._call(instruction, target))
        for argument in dying:
            if self.names[argument] != target:
                spent = self.instructions[argument]
                self._free.setdefault((spent.full, spent.boolean), []).append(self.names[argument])

    def _is_scratch(self, index: int) -> bool:
        return self.names[index].startswith("scratch")

    def _may_overwrite(self, place: str, index: int) -> bool:
        """Whether ``place`` holds nothing that is still read after instruction ``index``."""
        return all(
            self._last_use[other] <= index
            for other, name in self.names.items()
            if name == place and other in self._last_use
        )

    def _scratch(self, instruction: Instruction, dying: list[int]) -> str:
        """Return a free buffer of the right shape: one of an argument read for the last time, a spare, a new one."""
        kind = (instruction.full, instruction.boolean)
        for argument in dying:
            spent = self.instructions[argument]
            if (spent.full, spent.boolean) == kind:
                return self.names[argument]
        spare = self._free.get(kind)
        if spare:
            return spare.pop()
        name = f"scratch{len(self.tensors)}"
        self.tensors[name] = self.layout.empty(*kind)
        return name

    def _constant(self, number: Any) -> str:
        name = f"constant{len(self.tensors)}"
        tensor = torch.full((), number.value, dtype=self.layout.dtype, device=self.layout.device)
        self.tensors[name] = tensor
        if not number.constant:
            self.lines.append(f"{name}.fill_({number.source})")
        return name

    def _call(self, instruction: Instruction, target: str) -> str:
        operation = instruction.operation
        if operation in ("maximum", "minimum") and isinstance(instruction.arguments[1], Number):
            operation += " number"
        in_numpy = self.layout.on_cpu and operation in NUMPY and (self.assembler.fused or operation != "sqrt")
        twin = AS_ARRAY if in_numpy else ""
        words = [
            argument.source if isinstance(argument, Number) else self.names[argument] + twin  # type: ignore[index]
            for argument in instruction.arguments
        ]
        return (NUMPY if in_numpy else TORCH)[operation].format(*words, o=target + twin)


def _prologue(assembler: Assembler) -> list[str]:
    """Return the lines that compute the step's numbers: swiftly, and by IEEE's rules where Python would raise."""
    if not assembler.prologue:
        return []
    return [
        "try:",
        *(f"    {name} = {swift}" for name, _, swift in assembler.prologue),
        "except (ArithmeticError, ValueError):",
        *(f"    {name} = {source}" for name, source, _ in assembler.prologue),
    ]


AS_ARRAY = "_array"
"""What is appended to a tensor's name to name the NumPy array over the same memory."""


def as_arrays(tensors: Mapping[str, torch.Tensor], layout: Layout) -> dict[str, Any]:
    """Return the tensors' NumPy twins by name, on the CPU."""
    return {f"{name}{AS_ARRAY}": tensor.numpy() for name, tensor in tensors.items()} if layout.on_cpu else {}


def compile_once(
    assembler: Assembler,
    lines: Sequence[str],
    tensors: Mapping[str, torch.Tensor],
    arguments: Sequence[str],
    layout: Layout,
) -> Callable[..., None]:
    """Return a function of ``arguments``, all of them tensors, that runs ``lines``."""
    body = [*_prologue(assembler), *_own_arrays(arguments, lines), *lines]
    return _function("program", arguments, body, tensors, layout)


def compile_loop(
    assembler: Assembler,
    lines: Sequence[str],
    tensors: Mapping[str, torch.Tensor],
    kept: Sequence[str],
    renewed: Sequence[str],
    layout: Layout,
    asks: bool,
) -> Callable[..., Any]:
    """Return ``program(t, stop, points, g, slope_at, watch, *kept)``: it makes the steps from ``t`` to before ``stop``.

    Each step reads ``points[t - 1]`` as ``p`` and writes ``points[t]`` as ``out``; where it ``asks`` for it,
    ``slope_at(t, p, g)`` is called for the gradient first. The program returns the step it has reached, less than
    ``stop`` where a guard tells that a step takes other formulas, and the numbers that are kept from step to step.
    """
    numbers = f"({', '.join(renewed)},)" if renewed else "()"
    unchanged = f"({', '.join(kept)},)" if kept else "()"
    step = [*_prologue(assembler)]
    if assembler.guards:
        step.append(f"if {' or '.join(f'({guard})' for guard in assembler.guards)}: return t, {unchanged}")
    step += ["out = points[t]"]
    if asks:
        step += ["if slope_at is not None: slope_at(t, p, g)"]
    step += [*_own_arrays(["p", "g", "out"], lines), *lines]
    carried = len(kept) == len(renewed)  # only before the first step there are numbers that become tensors
    if kept and carried:
        step += [f"{', '.join(kept)}, = {numbers}"]
    step += ["if watch is not None: watch(t, out)", "p = out"]
    body = ["p = points[t - 1]", "for t in range(t, stop):", *(f"    {line}" for line in step)]
    body.append(f"return stop, {unchanged if carried else numbers}")
    return _function("program", ["t", "stop", "points", "g", "slope_at", "watch", *kept], body, tensors, layout)


def _own_arrays(names: Sequence[str], lines: Sequence[str]) -> list[str]:
    """Return the lines that make NumPy twins of tensors that change from call to call, where one is used at all."""
    used = _words(lines)
    return [f"{name}{AS_ARRAY} = {name}.numpy()" for name in names if f"{name}{AS_ARRAY}" in used]


def _words(lines: Sequence[str]) -> set[str]:
    return set(re.findall(r"[a-z]\w*", "\n".join(lines)))


def _function(
    name: str, arguments: Sequence[str], body: Sequence[str], tensors: Mapping[str, torch.Tensor], layout: Layout
) -> Callable[..., Any]:
    """Return the function with this body; what it refers to is bound as defaults, which makes them local names."""
    numbers = {f"number_{name}": function for name, function in {**FUNCTIONS, **ARITHMETIC}.items()}
    arrays = {f"np_{name}": getattr(np, name) for name in
              ("multiply", "add", "subtract", "divide", "negative", "absolute", "sqrt")}  # fmt: skip
    known = {
        "torch": torch, "math": math, "add": torch.add, "mul": torch.mul, "lerp": torch.lerp,
        "addcmul": torch.addcmul, "addcdiv": torch.addcdiv, **numbers, **arrays, **tensors,
        **as_arrays(tensors, layout),
    }  # fmt: skip
    used = _words(body)
    bound = {name: value for name, value in known.items() if name in used}
    header = ", ".join([*arguments, *(f"{name}={name}" for name in bound)])
    source = f"def {name}({header}):\n" + "".join(f"    {line}\n" for line in body)
    namespace = dict(bound)
    exec(_code(source), namespace)
    function = namespace[name]
    function.source = source
    return function


@lru_cache(maxsize=256)
def _code(source: str) -> CodeType:
    """Compile generated source; races that repeat themselves repeat their code."""
    return compile(source, "<slalom.formula.program>", "exec")
