"""The whole record of a race, on a landscape or on a task, as pictures, tables and files read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from slalom.core.course import Landscape
from slalom.core.metrics import PathMetrics
from slalom.core.runner import Runner, Status
from slalom.core.task import Run, Task, Training, TrainingLoop


class RaceRecord(Protocol):
    """Many runners moved down one landscape together. R runners, N steps, D coordinates; arrays are float64.

    After a runner has diverged its entries are NaN.
    """

    @property
    def course(self) -> Landscape: ...
    @property
    def runners(self) -> Sequence[Runner]: ...  # in the order optimizer (as typed), start, seed
    @property
    def steps(self) -> int: ...
    @property
    def engine(self) -> str: ...  # "solo", "field" or "fleet": the one that ran
    @property
    def paths(self) -> np.ndarray: ...  # [R, N + 1, D]
    @property
    def losses(self) -> np.ndarray: ...  # [R, N + 1]
    @property
    def gradient_norms(self) -> np.ndarray: ...  # [R, N + 1], without the noise
    @property
    def step_lengths(self) -> np.ndarray: ...  # [R, N]
    @property
    def evaluations(self) -> np.ndarray: ...  # [R, N + 1], gradient evaluations up to each step
    @property
    def statuses(self) -> Sequence[Status]: ...
    @property
    def failed(self) -> np.ndarray: ...  # [R], bool: whose optimizer could not go on
    @property
    def metrics(self) -> Sequence[PathMetrics]: ...
    @property
    def maximizes(self) -> bool: ...  # whether its optimizers climb: then f* is the highest value, gaps are f* − f
    @property
    def minimum(self) -> float | None: ...  # f*: known, or the best value seen; None: f falls without bound
    @property
    def gaps(self) -> np.ndarray: ...  # [R, N + 1], f − f*, at least 0; NaN after a divergence, or where f* is None
    @property
    def minimum_is_known(self) -> bool: ...
    @property
    def tolerance(self) -> float: ...  # settled means f − f* below this
    @property
    def patience(self) -> int: ...
    @property
    def noise(self) -> float: ...
    @property
    def dtype(self) -> str: ...  # "float64" or "float32"
    @property
    def versions(self) -> Mapping[str, str]: ...  # of slalom, torch, python
    @property
    def remarks(self) -> Sequence[str]: ...  # what a reader must know: an engine's fallback, an interruption
    def inside(self, runner: int) -> Mapping[str, np.ndarray]:
        """Return what the real optimizer held at each step of one runner.

        Keys: ``gradient`` [N, D] (as the optimizer met it, noise included), ``step`` [N, D] (the update made),
        ``momentum`` [N, D] where its state has a first moment or momentum buffer, ``second_moment`` [N, D] where it
        has one. Row k belongs to the step from k to k + 1.
        """
        ...


class TrainingRecord(Protocol):
    """Many runners on one task, or through one training loop of the caller's own."""

    @property
    def course(self) -> Task | TrainingLoop: ...
    @property
    def runners(self) -> Sequence[Runner]: ...  # in the order optimizer (as typed), seed
    @property
    def runs(self) -> Sequence[Run]: ...  # one per runner
    @property
    def steps(self) -> int: ...  # that were asked for; of a loop, the most evaluations that a run has
    @property
    def training(self) -> Training | None: ...  # None for a loop of the caller's own
    @property
    def engine(self) -> str: ...  # "solo", "field" or "fleet": the one that ran
    @property
    def statuses(self) -> Sequence[Status]: ...
    @property
    def measures(self) -> Sequence[str]: ...  # "loss", then the metrics' names; a loop's as it yields them
    @property
    def higher_is_better(self) -> Mapping[str, bool]: ...  # by measure
    @property
    def splits(self) -> Sequence[str]: ...  # of "train", "validation", "test" those there are; empty for a loop
    @property
    def versions(self) -> Mapping[str, str]: ...
    @property
    def remarks(self) -> Sequence[str]: ...
