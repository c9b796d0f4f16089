"""Who descends a course, and what an engine hands back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from slalom.core.course import Point
from slalom.core.raised import interrupts


@dataclass(frozen=True)
class Needs:
    """What an optimizer class asks of the loop that drives it."""

    closure: bool = False  # step(closure) evaluates the loss itself, perhaps several times
    matrix: bool = False  # takes 2-D parameters only: a point becomes a 1×n matrix
    muon_groups: bool = False  # takes groups that say use_muon=True (matrices) or False (the rest)
    sparse: bool = False  # takes sparse gradients only
    create_graph: bool = False  # differentiates the gradient again
    modes: bool = False  # has train() and eval(), and must be told


def begin_training(optimizer: Any) -> None:
    """Tell an optimizer that has ``train()`` that it trains. Some can be told only once they have made a step."""
    try:
        optimizer.train()
    except interrupts():
        raise
    except BaseException:
        return  # if it mattered, the first step says so


class Rule(Protocol):
    """One element-wise update rule, written once (see :mod:`slalom.formula`)."""

    @property
    def name(self) -> str: ...
    def hyperparameters(self, values: Mapping[str, Any]) -> Any:
        """Return the record ``h`` that ``step`` reads (``betas`` unpacked to ``beta1`` and ``beta2`` …)."""
        ...

    def start(self, p: Any, h: Any) -> Any:
        """Return the state before the first step; a float stands for a tensor full of it."""
        ...

    def step(self, p: Any, g: Any, s: Any, t: Any, h: Any) -> tuple[Any, Any]:
        """Return the new parameter and the new state; ``t`` counts from 1."""
        ...


class Optimizer(Protocol):
    """A torch-style optimizer with its hyperparameters, ready to be made."""

    @property
    def spec(self) -> str: ...  # as typed
    @property
    def name(self) -> str: ...  # the short label that pictures use
    @property
    def family(self) -> str: ...  # which optimizer it is ("adam"): fixes its colour
    @property
    def factory(self) -> Callable[..., Any]: ...  # the real class, or the caller's function that makes one
    @property
    def hyperparameters(self) -> Mapping[str, Any]: ...  # every one, defaults included
    @property
    def rule(self) -> Rule | None: ...
    @property
    def needs(self) -> Needs: ...
    @property
    def schedule(self) -> str: ...  # the learning-rate schedule as typed, "" where the rate is constant
    @property
    def sorts(self) -> bool: ...  # treats a network's parameters unequally: no decay for biases, Muon for matrices only
    def make(self, parameters: Iterable[Any]) -> Any:
        """Return the real ``torch.optim.Optimizer`` over ``parameters``."""
        ...

    def equip(self, named_parameters: Iterable[tuple[str, Any]]) -> Any:
        """Return the real optimizer over a network's parameters, as its user would set it up.

        That is ``make`` unless parameters are treated unequally (see ``sorts``).
        """
        ...

    @property
    def changes(self) -> frozenset[str]: ...  # the hyperparameters that the schedule changes: often just "lr"
    def rates(self, steps: int, steps_per_epoch: int) -> np.ndarray | None:
        """Return the learning rate in force at each step, shape [steps], float64; None without a schedule."""
        ...

    def scheduler(self, optimizer: Any, steps: int, steps_per_epoch: int) -> Any:
        """Return the real learning-rate scheduler over ``optimizer``, or None.

        Its ``step()`` is to be called after every step of the optimizer.
        """
        ...

    def replace(self, **hyperparameters: Any) -> Optimizer:
        """Return the same optimizer with other values, checked as if they had been typed."""
        ...


def maximizes(optimizer: Optimizer) -> bool:
    """Return whether an optimizer climbs: torch's option ``maximize``."""
    return bool(optimizer.hyperparameters.get("maximize"))


class Runner(NamedTuple):
    """One optimizer, one seed, one starting point. (A tuple, since sweeps make hundreds of thousands.)"""

    optimizer: Optimizer
    seed: int
    start: Point = ()  # on a landscape; a task's start is drawn by the seed
    start_index: int = 0
    name: str = ""  # label within its race; unlike optimizer.name it tells two learning rates apart


@dataclass(frozen=True)
class Status:
    """How a runner ended: ``finished``, ``converged``, ``diverged`` (with the step) or ``left the domain``.

    On a task also ``interrupted`` and ``failed`` (with the step: the optimizer or the network raised).
    """

    kind: str
    step: int | None = None

    FINISHED = "finished"
    CONVERGED = "converged"
    DIVERGED = "diverged"
    LEFT = "left the domain"
    INTERRUPTED = "interrupted"
    FAILED = "failed"

    def __str__(self) -> str:
        dated = self.kind in (self.DIVERGED, self.INTERRUPTED, self.FAILED)
        return f"{self.kind} at step {self.step}" if dated and self.step is not None else self.kind


@dataclass(eq=False)
class Trajectories:
    """What an engine returns: where every runner went.

    ``paths`` has shape [runners, steps + 1, dim] (float64, or float32 where a large race would not fit otherwise);
    entry 0 is the start, entries after a divergence are NaN. ``diverged_at`` is the first step whose point or loss was
    not finite or out of all bounds, −1 where there is none. ``evaluations`` counts gradient evaluations up to each
    step, shape [runners, steps + 1], or is None where it equals the step. ``completed`` is the number of steps that
    every runner has made: fewer than asked for when the user interrupted. ``kept`` are the indices of the runners that
    are in the record, None for all of them. ``errors`` says why an optimizer could not go on, by row of ``paths``; such
    a run has NaN, and a ``diverged_at``, from the step on that it did not finish.
    """

    paths: np.ndarray
    diverged_at: np.ndarray
    completed: int
    evaluations: np.ndarray | None = None
    remarks: tuple[str, ...] = ()
    kept: tuple[int, ...] | None = None
    errors: Mapping[int, str] = field(default_factory=dict)


@dataclass(eq=False)
class Ends:
    """How the runners of a large sweep ended, without their paths. R runners, D coordinates."""

    points: np.ndarray  # [R, D], the last points
    losses: np.ndarray  # [R], f there
    arrived_at: np.ndarray  # [R], the step at which it settled below the threshold; −1 if it did not, or left for good
    diverged: np.ndarray  # [R], bool; a run that failed did not diverge
    errors: dict[int, str] = field(default_factory=dict)  # why an optimizer could not go on, by run
    remarks: list[str] = field(default_factory=list)  # what a reader must know: which runs went alone, and why

    @property
    def failed(self) -> np.ndarray:
        """Which runs failed, [R], bool."""
        return np.isin(np.arange(len(self.diverged)), list(self.errors))

    @staticmethod
    def empty(runners: int, dim: int) -> Ends:
        """Return a record to be filled: nobody has arrived, nobody diverged."""
        return Ends(
            points=np.full((runners, dim), np.nan),
            losses=np.full(runners, np.nan),
            arrived_at=np.full(runners, -1),
            diverged=np.zeros(runners, dtype=bool),
        )


Progress = Callable[[int, int], None]
"""Called now and then with (steps made, steps in all)."""


@dataclass(frozen=True)
class Noise:
    """Additive Gaussian gradient noise: a pure function of (seed, step), the same for every optimizer."""

    deviation: float = 0.0
    block: int = field(default=256, repr=False)  # steps that are drawn together

    def draw(self, seed: int, step: int, dim: int) -> np.ndarray:
        """Return the noise of ``step`` (from 1), shape [dim], float64."""
        return self.rows(seed, step, 1, dim)[0]

    def rows(self, seed: int, first: int, count: int, dim: int) -> np.ndarray:
        """Return the noise of ``count`` steps from ``first`` on, shape [count, dim], float64."""
        if self.deviation == 0.0:
            return np.zeros((count, dim))
        low, high = (first - 1) // self.block, (first + count - 2) // self.block
        blocks = [
            np.random.Generator(np.random.Philox(key=[seed, index])).standard_normal((self.block, dim))
            for index in range(low, high + 1)
        ]
        offset = (first - 1) - low * self.block
        return self.deviation * np.concatenate(blocks)[offset : offset + count]
