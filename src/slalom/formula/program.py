"""Fast tensor code from formulas: one in-place torch call per instruction, temporaries planned, nothing allocated.

This is the one place that makes the readable update rules fast. A landscape's value and gradient and an optimizer's
rule are recorded (:mod:`slalom.formula.graph`), turned into few instructions (:mod:`slalom.formula.instructions`) and
written out as a Python function whose every line is a torch operation with ``out=``. Nothing a user typed becomes code:
lines are made from a fixed table of templates and from numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from slalom.formula.graph import compute, divide, power
from slalom.formula.instructions import Assembler, Instruction, Number

TEMPLATES: dict[str, str] = {
    "fill": "{o}.fill_({0})",
    "scale": "mul({0}, {1}, out={o})",
    "add_number": "add({0}, {1}, out={o})",
    "add_scaled": "add({0}, {1}, alpha={2}, out={o})",
    "lerp": "lerp({0}, {1}, {2}, out={o})",
    "addcmul": "addcmul({0}, {1}, {2}, value={3}, out={o})",
    "addcdiv": "addcdiv({0}, {1}, {2}, value={3}, out={o})",
    "add": "add({0}, {1}, out={o})",
    "subtract": "sub({0}, {1}, out={o})",
    "multiply": "mul({0}, {1}, out={o})",
    "divide": "div({0}, {1}, out={o})",
    "negative": "neg({0}, out={o})",
    "reciprocal": "reciprocal({0}, out={o})",
    "power": "torch.pow({0}, {1}, out={o})",
    "sqrt": "sqrt({0}, out={o})",
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


@dataclass(frozen=True)
class Layout:
    """Shapes and kind of the tensors that a program works on."""

    dim: int
    lanes: int
    dtype: torch.dtype
    device: str

    def empty(self, full: bool, boolean: bool = False) -> torch.Tensor:
        shape = (self.dim, self.lanes) if full else (self.lanes,)
        return torch.empty(shape, dtype=torch.bool if boolean else self.dtype, device=self.device)


@dataclass
class Wanted:
    """Where results are to go: instruction index to the name of a tensor that the caller owns.

    ``places`` are written by name. A place that is also an input (a state that is updated) is written directly where
    nobody reads the old content afterwards, else by a copy at the end.
    """

    places: Sequence[tuple[str, int]]


class Planner:
    """Gives every instruction's result a buffer, and writes the lines."""

    def __init__(
        self, assembler: Assembler, layout: Layout, wanted: Sequence[tuple[str, int]], inputs: set[str]
    ):
        self.instructions = assembler.instructions
        self.assembler = assembler
        self.layout = layout
        self.wanted = wanted
        self.tensors: dict[str, torch.Tensor] = {}  # scratch and constants that the code refers to
        self.names: dict[int, str] = {}
        self.lines: list[str] = []
        self._inputs = inputs
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
        if home is not None and self._may_overwrite(home, index):
            target = home
        else:
            target = self._scratch(instruction, dying)
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
        """Return a free buffer of the right shape: an argument's that is read for the last time, a spare, or a new one."""
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
        words = []
        for argument in instruction.arguments:
            words.append(argument.source if isinstance(argument, Number) else self.names[argument])  # type: ignore[index]
        operation = instruction.operation
        if operation in ("maximum", "minimum") and isinstance(instruction.arguments[1], Number):
            operation += " number"
        return TEMPLATES[operation].format(*words, o=target)


def compile_lines(
    assembler: Assembler,
    lines: Sequence[str],
    tensors: Mapping[str, Any],
    arguments: Sequence[str],
    returns: str = "True",
) -> Callable[..., Any]:
    """Return a function of ``arguments`` that runs ``lines``; it returns None, having done nothing, where a guard fails.

    ``tensors`` are bound as defaults, which makes them local names.
    """
    bound = {
        "torch": torch, "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "neg": torch.neg,
        "sqrt": torch.sqrt, "lerp": torch.lerp, "addcmul": torch.addcmul, "addcdiv": torch.addcdiv,
        "reciprocal": torch.reciprocal, "compute": compute, "divide": divide, "power": power, **tensors,
    }  # fmt: skip
    header = ", ".join([*arguments, *(f"{name}={name}" for name in bound)])
    body = [f"{name} = {source}" for name, source in assembler.prologue]
    if assembler.guards:
        body.append(f"if {' or '.join(f'({guard})' for guard in assembler.guards)}: return None")
    source = f"def program({header}):\n" + "".join(
        f"    {line}\n" for line in [*body, *lines, f"return {returns}"]
    )
    namespace = dict(bound)
    exec(compile(source, "<slalom.formula.program>", "exec"), namespace)
    program = namespace["program"]
    program.source = source
    return program
