"""The real, unmodified optimizer classes on networks computed together.

The parameters of all runners are rows of one tensor. Loss and gradient of every network come from one recording
(:mod:`slalom.engines.networks.tracing`); every optimizer is given ``nn.Parameter``s that are views into its rows, and
makes its own step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from slalom.core import InputError, Optimizer, Progress, Run, Runner, Task, Training, describe_exception
from slalom.engines.networks.crowd import Crowd
from slalom.engines.networks.memory import in_halves, is_out_of_memory
from slalom.engines.networks.recording import Stopwatch, bytes_of, one_thread, state_tensors
from slalom.engines.networks.solo import solo


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
    with one_thread(), torch.no_grad():
        crowd = Crowd(task, runners, training, swift=False)
        return crowd.run(Movers(crowd), progress)


def goes_alone(optimizer: Optimizer) -> bool:
    """Whether an optimizer cannot take a gradient that others have computed."""
    needs = optimizer.needs
    return needs.closure or needs.create_graph or needs.sparse


@dataclass(eq=False)
class Mover:
    """One real optimizer, the rows it moves, and its parameters with the places where their gradients are found."""

    optimizer: Any
    rows: range
    parameters: list[torch.nn.Parameter]
    gradients: list[torch.Tensor]
    scheduler: Any
    watch: Stopwatch
    rates: np.ndarray | None
    modes: bool
    error: str = ""
    failed_at: int | None = None  # the last step made by one that failed

    def step(self, step: int) -> None:
        """Make a step, unless an earlier one has failed."""
        if self.error:
            return
        self.watch.start()
        for parameter, gradient in zip(self.parameters, self.gradients, strict=True):
            parameter.grad = gradient
        if self.rates is not None:
            self.rates[step - 1] = self.optimizer.param_groups[0]["lr"]
        try:
            self.optimizer.step()
            if self.scheduler is not None:
                self.scheduler.step()
        except InputError:
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as problem:
            if is_out_of_memory(problem):
                raise
            self.error, self.failed_at = describe_exception(problem), step - 1
        self.watch.stop()


class Movers:
    """The optimizers of a field. Satisfies :class:`slalom.engines.networks.crowd.Movers`."""

    def __init__(self, crowd: Crowd):
        self.crowd, self.made = crowd, 0
        self.movers = [self._mover(rows) for rows in _neighbours(crowd.runners)]
        self.of_runner = {row: mover for mover in self.movers for row in mover.rows}

    def _mover(self, rows: range) -> Mover:
        crowd, training = self.crowd, self.crowd.training
        optimizer = crowd.runners[rows.start].optimizer
        # A lone runner's parameters have the network's shapes, as in the plain loop; many rows stand in front of them.
        chosen = rows.start if len(rows) == 1 else slice(rows.start, rows.stop)
        names = crowd.stack.names
        parameters = [torch.nn.Parameter(crowd.stack.view(crowd.parameters[chosen], name)) for name in names]
        gradients = [crowd.stack.view(crowd.gradients[chosen], name) for name in names]
        mover = Mover(
            optimizer=None,
            rows=rows,
            parameters=parameters,
            gradients=gradients,
            scheduler=None,
            watch=Stopwatch(training.device),
            rates=np.full(training.steps, np.nan) if optimizer.schedule else None,
            modes=optimizer.needs.modes,
        )
        try:
            with torch.enable_grad():
                mover.optimizer = optimizer.equip(list(zip(names, parameters, strict=True)))
            mover.scheduler = optimizer.scheduler(mover.optimizer, training.length, training.steps_per_epoch)
            if mover.modes:
                mover.optimizer.train()
        except InputError:
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as problem:
            if is_out_of_memory(problem):
                raise
            mover.error, mover.failed_at = describe_exception(problem), 0
        return mover

    def step(self, step: int) -> None:
        for mover in self.movers:
            mover.step(step)
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
        told = [mover for mover in self.movers if mover.modes and not mover.error]
        for mover in told:
            mover.optimizer.eval()
        try:
            yield
        finally:
            for mover in told:
                mover.optimizer.train()


def _neighbours(runners: Sequence[Runner]) -> Iterator[range]:
    """Cut the runners into stretches that one real optimizer moves."""
    low = 0
    while low < len(runners):
        optimizer, high = runners[low].optimizer, low + 1
        if _may_share(optimizer):
            while high < len(runners) and runners[high].optimizer is optimizer:
                high += 1
        yield range(low, high)
        low = high


def _may_share(optimizer: Optimizer) -> bool:
    """Whether one real optimizer may move the rows of several runners, its parameters stacked.

    Only what an update rule describes goes element by element for certain: others may look at a parameter's shape. A
    fused kernel takes memory to be contiguous, which the rows of a parameter are not.
    """
    needs, fused = optimizer.needs, optimizer.hyperparameters.get("fused")
    return optimizer.rule is not None and not (
        fused or needs.one_each or needs.matrix or needs.modes or optimizer.sorts
    )
