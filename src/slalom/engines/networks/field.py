"""The real, unmodified optimizer classes on networks computed together.

The parameters of all runners are rows of one tensor. Loss and gradient of every network come from one recording
(:mod:`slalom.engines.networks.tracing`). Runs of an optimizer that an update rule describes share parameters, views
into their rows; every other run has an optimizer and parameters of its own (:mod:`slalom.engines.single`), which are
copied into its row after every step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from slalom.core import (
    InputError,
    Optimizer,
    Progress,
    Run,
    Runner,
    Task,
    Training,
    describe_exception,
    interrupts,
    quote,
)
from slalom.engines.networks.crowd import Crowd
from slalom.engines.networks.memory import in_halves
from slalom.engines.networks.recording import Stopwatch, bytes_of, one_thread, state_tensors
from slalom.engines.networks.solo import solo
from slalom.engines.single import SharedState, Single, is_out_of_memory, may_share
from slalom.isolation import own_chance


def field(task: Task, runners: Sequence[Runner], training: Training, *, progress: Progress | None = None) -> list[Run]:
    """Train all runners together, step by step. After Ctrl-C, everybody has made as many steps.

    Optimizers that evaluate the loss themselves, or differentiate the gradient again, are trained as in ``solo``.
    """
    together = [index for index, runner in enumerate(runners) if not goes_alone(runner.optimizer)]
    alone = [index for index, runner in enumerate(runners) if goes_alone(runner.optimizer)]
    runs: dict[int, Run] = {}
    if together:
        crowd = [runners[index] for index in together]
        runs |= zip(together, in_halves(_run, task, crowd, training, progress), strict=True)
    if alone and not any(run.interrupted for run in runs.values()):
        runs |= zip(alone, solo(task, [runners[index] for index in alone], training, progress=progress), strict=False)
    return [runs[index] for index in sorted(runs)]


def _run(task: Task, runners: Sequence[Runner], training: Training, progress: Progress | None) -> list[Run]:
    shared = SharedState([runner.optimizer for runner in runners])
    try:
        with one_thread(), torch.no_grad(), own_chance():
            crowd = Crowd(task, runners, training, swift=False)
            movers = Movers(crowd, shared)
            runs = crowd.run(movers, progress)
            shared.compare(movers.singles)
    finally:
        shared.put_back()
    unfit = {mover.row: mover.unfit for mover in movers.singles if mover.unfit}
    del crowd, movers
    for row, why in unfit.items():
        if not runs[row].interrupted:
            (run,) = solo(task, [runners[row]], training)
            remark = f"{quote(runners[row].optimizer.spec)} runs by itself in the plain loop: {why}"
            runs[row] = replace(run, remark="; ".join(filter(None, (remark, run.remark))))
    return runs


def goes_alone(optimizer: Optimizer) -> bool:
    """Whether an optimizer cannot take a gradient that others have computed."""
    needs = optimizer.needs
    return needs.closure or needs.create_graph or needs.sparse


@dataclass(eq=False)
class Squad:
    """One real optimizer that moves the rows of several runs together."""

    optimizer: Any
    rows: range
    scheduler: Any
    watch: Stopwatch
    rates: np.ndarray | None
    error: str = ""
    failed_at: int | None = None  # the last step made by one that failed

    def step(self, step: int) -> None:
        """Make a step, unless an earlier one has failed; the gradients are views of those of the crowd."""
        if self.error:
            return
        self.watch.start()
        if self.rates is not None:
            self.rates[step - 1] = self.optimizer.param_groups[0]["lr"]
        try:
            self.optimizer.step()
            if self.scheduler is not None:
                self.scheduler.step()
        except interrupts(InputError):
            raise
        except BaseException as problem:
            if is_out_of_memory(problem):
                raise
            self.error, self.failed_at = describe_exception(problem), step - 1
        self.watch.stop()


class Mover(Single):
    """One real optimizer with the parameters of one network."""

    def __init__(self, crowd: Crowd, row: int):
        runner, training = crowd.runners[row], crowd.training
        named = crowd.stack.own_parameters(row)
        super().__init__(runner.optimizer, runner.seed, list(named.values()))
        self.row, self.rows = row, range(row, row + 1)
        self.watch = Stopwatch(training.device)
        self.rates = np.full(training.steps, np.nan) if runner.optimizer.schedule else None
        self._gradients = [
            crowd.stack.view(crowd.gradients[row], name) if name in crowd.stack.places else None for name in named
        ]
        self._moved = [named[name] for name in crowd.stack.names]
        self._places = [crowd.stack.view(crowd.parameters[row], name) for name in crowd.stack.names]
        self.make(
            lambda: runner.optimizer.equip(list(named.items())),
            lambda made: runner.optimizer.scheduler(made, training.length, training.steps_per_epoch),
        )
        self._show()

    def advance(self, step: int) -> None:
        """Make a step, unless an earlier one has failed."""
        if self.stopped:
            return
        self.watch.start()
        if self.rates is not None:
            self.rates[step - 1] = self.optimizer.param_groups[0]["lr"]
        self.call(partial(self.step, self._gradients), step)
        self._show()
        self.watch.stop()

    def switch(self, training_mode: bool, step: int) -> None:
        """Tell an optimizer that wants to know whether its network is trained or judged."""
        if self.spec.needs.modes and not self.stopped and step:  # before its first step there is nothing to show
            self.call(self.optimizer.train if training_mode else self.optimizer.eval, step + 1)
            self._show()

    def _show(self) -> None:
        """Copy the parameters to their row in the crowd."""
        if not self.stopped:
            for place, parameter in zip(self._places, self._moved, strict=True):
                place.copy_(parameter.detach())


class Movers:
    """The optimizers of a field. Satisfies :class:`slalom.engines.networks.crowd.Movers`."""

    def __init__(self, crowd: Crowd, shared: SharedState | None = None):
        self.crowd, self.made = crowd, 0
        self._shared = shared or SharedState([runner.optimizer for runner in crowd.runners])
        self.squads: list[Squad] = []
        self.singles: list[Mover] = []
        for rows in _neighbours(crowd.runners):
            if may_share(crowd.runners[rows.start].optimizer):
                self.squads.append(self._squad(rows))
            else:
                self.singles.append(Mover(crowd, rows.start))
        movers: list[Squad | Mover] = [*self.squads, *self.singles]
        self.of_runner = {row: mover for mover in movers for row in mover.rows}
        self._shared.look(self.singles, 0)

    def _squad(self, rows: range) -> Squad:
        crowd, training = self.crowd, self.crowd.training
        optimizer = crowd.runners[rows.start].optimizer
        # A lone runner's parameters have the network's shapes, as in the plain loop; many rows stand in front of them.
        chosen = rows.start if len(rows) == 1 else slice(rows.start, rows.stop)
        names = crowd.stack.names
        parameters = [torch.nn.Parameter(crowd.stack.view(crowd.parameters[chosen], name)) for name in names]
        for name, parameter in zip(names, parameters, strict=True):
            parameter.grad = crowd.stack.view(crowd.gradients[chosen], name)
        with torch.enable_grad():
            made = optimizer.equip(list(zip(names, parameters, strict=True)))
        scheduler = optimizer.scheduler(made, training.length, training.steps_per_epoch)
        rates = np.full(training.steps, np.nan) if optimizer.schedule else None
        return Squad(made, rows, scheduler, Stopwatch(training.device), rates)

    def step(self, step: int) -> None:
        for squad in self.squads:
            squad.step(step)
        for mover in self.singles:
            mover.advance(step)
        self._shared.look(self.singles, step)
        self.made = step

    def seconds(self) -> list[float]:
        return [self.of_runner[row].watch.seconds / len(self.of_runner[row].rows) for row in range(len(self.of_runner))]

    def facts(self, runner: int) -> dict[str, Any]:
        mover = self.of_runner[runner]
        state = bytes_of(state_tensors(mover.optimizer)) // len(mover.rows)
        rates = None if mover.rates is None else mover.rates[: self.made]
        memory = self.crowd.own_bytes() + state
        return {"memory": memory, "learning_rates": rates, "error": mover.error, "failed_at": mover.failed_at}

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Tell the optimizers that want to know that networks are being judged."""
        for mover in self.singles:
            mover.switch(False, self.made)
        try:
            yield
        finally:
            for mover in self.singles:
                mover.switch(True, self.made)


def _neighbours(runners: Sequence[Runner]) -> Iterator[range]:
    """Cut the runners into stretches that one real optimizer moves."""
    low = 0
    while low < len(runners):
        optimizer, high = runners[low].optimizer, low + 1
        if may_share(optimizer):
            while high < len(runners) and runners[high].optimizer is optimizer:
                high += 1
        yield range(low, high)
        low = high
