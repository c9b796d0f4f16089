"""The update rules on networks computed together: for sweeps over learning rates, seeds, any hyperparameter.

Runners whose optimizers share a rule are rows that one compiled rule moves. Hyperparameters in which they may differ
are a column beside the rows, all others are numbers in the code. Which are which is said by the caller and never read
off the runners that happen to be together: rounding differs between the two, and a runner must not know its neighbours.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from slalom.core import InputError, Optimizer, Progress, Run, Runner, Task, Training, quote
from slalom.engines.networks.crowd import Crowd
from slalom.engines.networks.memory import in_halves
from slalom.engines.networks.recording import Stopwatch, one_thread
from slalom.formula.compiled_rule import CompiledRule
from slalom.formula.program import Layout
from slalom.formula.record import Record


def fleet(
    task: Task,
    runners: Sequence[Runner],
    training: Training,
    *,
    lanes: Collection[str] = ("lr",),
    progress: Progress | None = None,
) -> list[Run]:
    """Train all runners together by their update rules. After Ctrl-C, everybody has made as many steps.

    ``lanes`` names the hyperparameters, as the rules call them, in which runners that are moved together may differ
    (see :func:`lanes_of`). Raises InputError for an optimizer that no rule describes.
    """
    check_ruled(runners)
    return in_halves(partial(_run, frozenset(lanes)), task, runners, training, progress)


LANES = frozenset({"lr", "momentum", "weight_decay", "eps"})
"""What may be a column beside the rows. Others (beta2 near 1) enter differences that cancel in single precision; as
numbers they are computed in double."""


def lanes_of(runners: Sequence[Runner]) -> tuple[str, ...]:
    """Return the hyperparameters among LANES in which runners with the same rule differ, and the learning rate."""
    optimizers = {id(runner.optimizer): runner.optimizer for runner in runners}.values()
    values: dict[tuple[str, str], set[float]] = {}
    for optimizer in optimizers:
        if optimizer.rule is not None:
            for name, value in optimizer.rule.hyperparameters(optimizer.hyperparameters).items():
                if _is_number(value):
                    values.setdefault((optimizer.rule.name, name), set()).add(value)
    differing = {name for (_, name), seen in values.items() if len(seen) > 1}
    return tuple(sorted(differing & LANES | {"lr"}))


def check_ruled(runners: Sequence[Runner]) -> None:
    """Raise InputError for an optimizer that no rule describes."""
    for runner in runners:
        if not is_ruled(runner.optimizer):
            raise InputError(
                f"{quote(runner.optimizer.spec)}: the fleet engine moves update rules, and none describes "
                f"{runner.optimizer.name} on a network: use the engine field or solo."
            )


def is_ruled(optimizer: Optimizer) -> bool:
    """Whether an update rule says all of what an optimizer does to a network's parameters."""
    return optimizer.rule is not None and not optimizer.sorts and optimizer.changes <= {"lr"}


def _run(
    lanes: frozenset[str], task: Task, runners: Sequence[Runner], training: Training, progress: Progress | None
) -> list[Run]:
    # What diverges overflows, and is recorded as that.
    with one_thread(), torch.no_grad(), np.errstate(all="ignore"):
        crowd = Crowd(task, runners, training, swift=True)
        return crowd.run(Movers(crowd, lanes), progress)


@dataclass(eq=False)
class Group:
    """Neighbouring rows that one compiled rule moves."""

    rows: slice
    rule: CompiledRule
    rates: torch.Tensor | None  # [rows, steps] where the learning rate follows a schedule
    watch: Stopwatch

    def step(self, step: int, here: torch.Tensor, gradients: torch.Tensor, there: torch.Tensor) -> None:
        self.watch.start()
        if self.rates is not None:
            self.rule.lanes["lr"].copy_(self.rates[:, step - 1 : step])
        self.rule.step(step, here[self.rows], gradients[self.rows], there[self.rows])
        self.watch.stop()

    def holds(self, row: int) -> bool:
        return self.rows.start <= row < self.rows.stop


class Movers:
    """The rules of a fleet. Satisfies :class:`slalom.engines.networks.crowd.Movers`."""

    def __init__(self, crowd: Crowd, lanes: Collection[str] = ("lr",)):
        self.crowd, self.lanes, self.made = crowd, lanes, 0
        self._next = torch.zeros_like(crowd.parameters)
        optimizers = [runner.optimizer for runner in crowd.runners]
        optimizers += [optimizers[-1]] * (len(crowd.seeds) - len(optimizers))
        self.groups = [self._group(optimizers[rows], rows) for rows in _neighbours(optimizers, lanes)]

    def _group(self, optimizers: Sequence[Optimizer], rows: slice) -> Group:
        crowd, rule = self.crowd, optimizers[0].rule
        assert rule is not None
        dtype, device = crowd.parameters.dtype, crowd.training.device
        layout = Layout(crowd.stack.numbers, len(optimizers), dtype, device, lanes_first=True)
        records = [rule.hyperparameters(optimizer.hyperparameters) for optimizer in optimizers]
        terms = crowd.training.length, crowd.training.steps_per_epoch
        different = {id(optimizer): optimizer for optimizer in optimizers}
        of_optimizer = {key: optimizer.rates(*terms) for key, optimizer in different.items()}
        whole = [of_optimizer[id(optimizer)] for optimizer in optimizers]
        schedules = [None if rates is None else rates[: crowd.training.steps] for rates in whole]
        h = Record(records[0])
        for name in h:
            if name in self.lanes and _is_number(h[name]):
                values = [float(record[name]) for record in records]
                h[name] = torch.tensor(values, dtype=dtype, device=device)[:, None]
        rates = None
        if any(schedule is not None for schedule in schedules):
            constant = [np.full(crowd.training.steps, record["lr"]) for record in records]
            rows_of_rates = [c if r is None else r for r, c in zip(schedules, constant, strict=True)]
            rates = torch.from_numpy(np.stack(rows_of_rates)).to(device, dtype)
            h["lr"] = rates[:, :1].clone()  # a state may begin with the rate of the first step
        climbs = bool(optimizers[0].hyperparameters.get("maximize"))
        return Group(rows, CompiledRule(rule, h, layout, maximize=climbs), rates, Stopwatch(device))

    def step(self, step: int) -> None:
        here, there = self.crowd.parameters, self._next
        for group in self.groups:
            group.step(step, here, self.crowd.gradients, there)
        self.crowd.parameters, self._next = there, here
        self.made = step

    def seconds(self) -> list[float]:
        each = [group.watch.seconds / (group.rows.stop - group.rows.start) for group in self.groups]
        return [each[self._group_of(row)] for row in range(len(self.crowd.runners))]

    def _group_of(self, row: int) -> int:
        return next(index for index, group in enumerate(self.groups) if group.holds(row))

    def facts(self, runner: int) -> dict[str, Any]:
        group = self.groups[self._group_of(runner)]
        rates = None
        if group.rates is not None and self.crowd.runners[runner].optimizer.schedule:
            rates = group.rates[runner - group.rows.start, : self.made].double().cpu().numpy()
        return {"memory": self.crowd.own_bytes() + group.rule.bytes_per_lane(), "learning_rates": rates}

    def showing(self) -> Any:
        return nullcontext()


def _neighbours(optimizers: Sequence[Optimizer], lanes: Collection[str]) -> Iterator[slice]:
    """Cut the optimizers into stretches that one program moves: they share the rule and all but ``lanes``."""
    low = 0
    while low < len(optimizers):
        key, high = _key(optimizers[low], lanes), low + 1
        while high < len(optimizers) and (optimizers[high] is optimizers[low] or _key(optimizers[high], lanes) == key):
            high += 1
        yield slice(low, high)
        low = high


def _key(optimizer: Optimizer, lanes: Collection[str]) -> Any:
    rule = optimizer.rule
    assert rule is not None
    h = rule.hyperparameters(optimizer.hyperparameters)
    fixed = {name: value for name, value in h.items() if name not in lanes or not _is_number(value)}
    return rule.name, repr(sorted(fixed.items())), bool(optimizer.hyperparameters.get("maximize"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
