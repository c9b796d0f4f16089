"""What the pictures of sweeps over networks are drawn from: hundreds or thousands of networks trained together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from slalom.show.views.sensitivities import RateSweep


class NetworkSweep(Protocol):
    """Some optimizers on one task, each at L learning rates, with S seeds at each."""

    @property
    def course_title(self) -> str: ...  # "digits, fully connected"
    @property
    def sweeps(self) -> Sequence[RateSweep]: ...  # one per optimizer; ``final`` [L, S] holds ``measure``
    @property
    def measure(self) -> str: ...  # "validation_accuracy", "test_loss" …: split, underscore, measure
    @property
    def higher_is_better(self) -> bool: ...
    @property
    def seeds(self) -> Sequence[int]: ...  # S of them
    @property
    def steps(self) -> int: ...  # ``final`` was measured after this many
    @property
    def epochs(self) -> float: ...  # the same length in epochs
    @property
    def engine(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def versions(self) -> Mapping[str, str]: ...
    @property
    def remarks(self) -> Sequence[str]: ...


class TrainabilityGrid(Protocol):
    """One optimizer on one task, one seed, over a grid of two hyperparameters: n values of the first, m of the second.

    A scale is ``"log"``, ``"linear"``, or ``"one minus"`` for values such as momentum, evenly spaced in
    log(1 − value). Values rise and are evenly spaced on their scale.
    """

    @property
    def course_title(self) -> str: ...
    @property
    def optimizer_name(self) -> str: ...
    @property
    def names(self) -> tuple[str, str]: ...  # ("lr", "momentum"): the first lies across the picture, the second up
    @property
    def values(self) -> tuple[np.ndarray, np.ndarray]: ...  # [n], [m], float64
    @property
    def scales(self) -> tuple[str, str]: ...
    @property
    def final_loss(self) -> np.ndarray: ...  # [n, m], float64; what it is says ``quantity``; NaN where diverged
    @property
    def start_loss(self) -> float | None: ...  # before the first step, where all networks start alike; None if unknown
    @property
    def quantity(self) -> str: ...  # "training loss"
    @property
    def diverged(self) -> np.ndarray: ...  # [n, m], bool
    @property
    def failed(self) -> np.ndarray: ...  # [n, m], bool: no result, for a reason that is none of the optimizer's
    @property
    def diverged_at(self) -> np.ndarray | None: ...  # [n, m], the step, −1 where it did not; None if unknown
    @property
    def steps(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def engine(self) -> str: ...
    @property
    def dtype(self) -> str: ...
    @property
    def versions(self) -> Mapping[str, str]: ...
    @property
    def remarks(self) -> Sequence[str]: ...
