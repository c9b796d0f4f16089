"""The record of a race: what ``slalom.race`` returns."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from slalom.core import Landscape, Minimum, Noise, PathMetrics, Runner, Status, Trajectories, measure
from slalom.core.metrics import PATIENCE
from slalom.lab import exports, files, pictures
from slalom.lab.inside import look_inside
from slalom.lab.tables import Table, race_table

TOLERANCE = 0.01
"""How far above a known minimum a runner counts as having arrived."""

RELATIVE_TOLERANCE = 1e-6
"""The same where no minimum is known, as a share of f(start) − best seen."""


@dataclass
class Race:
    """Many runners moved down one landscape together: arrays with one row per runner, float64.

    Losses, gradient norms and metrics are computed when first asked for.
    """

    course: Landscape
    runners: Sequence[Runner]
    steps: int
    engine: str
    trajectories: Trajectories
    noise_model: Noise
    dtype: str
    device: str
    versions: Mapping[str, str]
    remarks: tuple[str, ...] = ()
    patience: int = PATIENCE
    _inside: dict[int, dict[str, np.ndarray]] = field(default_factory=dict, repr=False)

    @property
    def noise(self) -> float:
        return self.noise_model.deviation

    @property
    def paths(self) -> np.ndarray:
        """Where every runner was, shape [runners, steps + 1, dim]; NaN after a divergence."""
        return self.trajectories.paths

    @cached_property
    def losses(self) -> np.ndarray:
        """f along the paths, shape [runners, steps + 1], without the noise."""
        with np.errstate(all="ignore"):
            return self.course.values(self.paths)

    @cached_property
    def gradient_norms(self) -> np.ndarray:
        """Euclidean norm of the gradient along the paths, shape [runners, steps + 1], without the noise."""
        from slalom.engines import gradient_norms

        return gradient_norms(self.course, self.paths)

    @cached_property
    def step_lengths(self) -> np.ndarray:
        """Length of every step, shape [runners, steps]."""
        return np.linalg.norm(np.diff(self.paths, axis=1), axis=2)

    @cached_property
    def evaluations(self) -> np.ndarray:
        """Gradient evaluations up to each step, shape [runners, steps + 1]; a diverged runner makes no more."""
        counted, diverged_at = self.trajectories.evaluations, self.trajectories.diverged_at
        if counted is None:
            counted = np.broadcast_to(np.arange(self.steps + 1), (len(self.runners), self.steps + 1))
        gone = np.flatnonzero(diverged_at >= 0)
        if len(gone):
            counted = counted.copy()
            counted[gone] = np.minimum(counted[gone], counted[gone, diverged_at[gone]][:, None])
        return counted

    def inside(self, runner: int) -> Mapping[str, np.ndarray]:
        """Return what the real optimizer held at each step of one runner (see :class:`slalom.core.RaceRecord`)."""
        if runner not in self._inside:
            self._inside[runner] = look_inside(self.course, self.runners[runner], self.steps, self.noise_model)
        return self._inside[runner]

    @property
    def minimum_is_known(self) -> bool:
        return bool(self.course.minima)

    @cached_property
    def minimum(self) -> float:
        """f*: the known minimum, or the best value that any runner of this race has seen."""
        if self.course.minima:
            return min(minimum.value for minimum in self.course.minima)
        finite = self.losses[np.isfinite(self.losses)]
        return float(finite.min())

    @cached_property
    def tolerance(self) -> float:
        """A runner has arrived where f − f* is below this."""
        if self.course.minima:
            return TOLERANCE
        return RELATIVE_TOLERANCE * max(float(self.losses[:, 0].max()) - self.minimum, np.finfo(float).tiny)

    @cached_property
    def metrics(self) -> tuple[PathMetrics, ...]:
        """The measures of every runner; docs/metrics.md defines them."""
        return tuple(
            measure(
                path,
                losses,
                minimum=self.minimum,
                tolerance=self.tolerance,
                target=self._target(path),
                patience=self.patience,
                evaluations=int(evaluations[-1]),
            )
            for path, losses, evaluations in zip(self.paths, self.losses, self.evaluations, strict=True)
        )

    @cached_property
    def statuses(self) -> tuple[Status, ...]:
        """How every runner ended."""
        return tuple(self._status(index) for index in range(len(self.runners)))

    # -- what people see -----------------------------------------------------------------------------------------

    @cached_property
    def sentence(self) -> str:
        """What to see in this race, in a sentence or two computed from it."""
        from slalom.show.views.sentences import sentence

        return sentence(self)

    def table(self) -> Table:
        """One row per runner, or one per optimizer where there are many runners."""
        return race_table(self)

    def to_json(self) -> bytes:
        """The whole race as JSON; numbers that are not finite are null."""
        return exports.to_json(self)

    def figure(self, picture: str = "auto") -> Any:
        """Return a matplotlib figure: ``comparison`` of all optimizers, ``path`` of the first runner, or ``surface``.

        ``auto`` draws the path card of a single runner, and the comparison card of several.
        """
        return pictures.race_figure(self, picture)

    def save(self, path: str | os.PathLike[str], picture: str = "auto") -> Path:
        """Write the race in the format of the ending: png svg pdf (a picture), gif mp4 (the animated race),
        csv json parquet (the numbers). The file appears whole or not at all.

        Raises InputError for an unknown ending or a place that cannot be written.
        """
        return files.save(path, pictures.race_writers(self, picture))

    def _repr_html_(self) -> str:
        return pictures.as_html(self.figure(), self.table())

    # -- how it is computed --------------------------------------------------------------------------------------

    def _status(self, index: int) -> Status:
        losses, path = self.losses[index], self.paths[index]
        if not np.isfinite(losses).all() or self.trajectories.diverged_at[index] >= 0:
            bad = int(np.argmin(np.isfinite(losses))) if not np.isfinite(losses).all() else self.steps
            at = int(self.trajectories.diverged_at[index])
            return Status(Status.DIVERGED, bad if at < 0 else min(at, bad))
        metrics = self.metrics[index]
        if metrics.settles is not None and losses[-1] - self.minimum < self.tolerance and not self._away(metrics):
            return Status(Status.CONVERGED, metrics.settles)
        if any(not low <= x <= high for x, (low, high) in zip(path[-1], self._room(index), strict=True)):
            return Status(Status.LEFT)
        return Status(Status.FINISHED)

    @staticmethod
    def _away(metrics: PathMetrics) -> bool:
        return bool(metrics.excursions) and metrics.excursions[-1].length is None

    def _room(self, index: int) -> list[tuple[float, float]]:
        """The box that must be left: the landscape's domain, stretched to hold the runner's start."""
        start = self.runners[index].start
        return [(min(low, x), max(high, x)) for x, (low, high) in zip(start, self.course.domain, strict=True)]

    def _target(self, path: np.ndarray) -> tuple[float, ...] | None:
        """The known minimum nearest to where the runner ended."""
        alive = path[np.isfinite(path).all(axis=1)]

        def distance(minimum: Minimum) -> float:
            return float(np.linalg.norm(alive[-1] - np.asarray(minimum.point)))

        return min(self.course.minima, key=distance).point if self.course.minima else None
