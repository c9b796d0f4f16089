"""The record of a race: what ``slalom.race`` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from slalom.core import Landscape, Minimum, Noise, PathMetrics, Runner, Status, Trajectories, maximizes, measure
from slalom.core.metrics import PATIENCE
from slalom.lab import exports
from slalom.lab.inside import look_inside
from slalom.lab.result import Result
from slalom.lab.tables import Table, race_table
from slalom.lab.unbounded import falls_without_bound

TOLERANCE = 0.01
"""How far above a known minimum a runner counts as having arrived."""

SCAN = 201
"""Points along each side of the grid on which lower ground is looked for."""

RELATIVE_TOLERANCE = 1e-6
"""The same where no minimum is known, as a share of f(start) − best seen."""


@dataclass(repr=False, eq=False)
class Race(Result):
    """Many runners moved down one landscape together: arrays with one row per runner, float64.

    Losses, gradient norms and metrics are computed when first asked for.

    Its pictures: ``comparison`` of all optimizers, ``path`` of the first runner, ``surface`` (``auto``: the path of a
    single runner, the comparison of several). It is saved as one of them (png svg pdf), as a page (html), animated (gif
    mp4) or as numbers (csv json parquet).
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
    notes: tuple[str, ...] = ()
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
            losses = self.course.values(self.paths)
        self._freeze(losses)
        return losses

    def _freeze(self, losses: np.ndarray) -> None:
        """Let a runner whose loss is not finite at a finite point diverge there: engines look at points only."""
        diverged_at = self.trajectories.diverged_at
        for index in np.flatnonzero(~np.isfinite(losses).all(axis=1)):
            step = int(np.argmin(np.isfinite(losses[index])))
            if diverged_at[index] < 0 or step < diverged_at[index]:
                diverged_at[index] = step
                self.trajectories.paths[index, step + 1 :] = np.nan
                losses[index, step + 1 :] = np.nan

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

    @cached_property
    def maximizes(self) -> bool:
        """Whether the optimizers climb (``maximize=True``): then f* is the highest value, and gaps are f* − f."""
        return any(maximizes(runner.optimizer) for runner in self.runners)

    @property
    def _sign(self) -> float:
        return -1.0 if self.maximizes else 1.0

    @property
    def minimum_is_known(self) -> bool:
        return bool(self.course.minima) and not self.maximizes

    @cached_property
    def minimum(self) -> float | None:
        """f*: the known minimum, or the best value that any runner has seen, also one that diverged later.

        None where the function falls without bound below the runners: then there is nothing to measure from.
        """
        if self.minimum_is_known:
            return min(minimum.value for minimum in self.course.minima)
        if falls_without_bound(self.course, self.losses, self.paths, self._sign):
            return None
        heights = self._sign * self.losses
        return float(self._sign * heights[np.isfinite(heights)].min())

    @cached_property
    def tolerance(self) -> float:
        """A runner has arrived where its gap is below this; 0 where there is no f*."""
        if self.minimum_is_known:
            return TOLERANCE
        if self.minimum is None:
            return 0.0
        reach = self._sign * (self.losses[:, 0] - self.minimum)
        return float(RELATIVE_TOLERANCE * max(reach.max(), np.finfo(float).tiny))

    @cached_property
    def gaps(self) -> np.ndarray:
        """f − f* (where optimizers maximize f* − f), shape [runners, steps + 1]; NaN where there is no f*."""
        floor = np.nan if self.minimum is None else self.minimum
        return self._sign * (self.losses - floor)

    @cached_property
    def metrics(self) -> tuple[PathMetrics, ...]:
        """The measures of every runner; docs/metrics.md defines them."""
        return tuple(
            measure(
                path,
                self._sign * losses,
                minimum=None if self.minimum is None else self._sign * self.minimum,
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

    @cached_property
    def failed(self) -> np.ndarray:
        """Which runners' optimizers could not go on, shape [runners], bool."""
        return np.isin(np.arange(len(self.runners)), list(self.trajectories.errors))

    @cached_property
    def lower_elsewhere(self) -> str:
        """Where no minimum is known: a word about a lower value that no optimizer has found, if there is any.

        It is looked for on a grid over the domain, in one or two dimensions.
        """
        if self.minimum_is_known or self.minimum is None or self.course.dim > 2 or not self.course.elementwise:
            return ""
        axes = [np.linspace(low, high, SCAN) for low, high in self.course.domain]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, self.course.dim)
        with np.errstate(all="ignore"):
            values = self.course.values(points)
        if not np.isfinite(values).any():
            return ""
        lowest = int(np.nanargmin(np.where(np.isfinite(values), self._sign * values, np.nan)))
        if self._sign * (values[lowest] - self.minimum) >= -self.tolerance:
            return ""
        place = ", ".join(f"{coordinate:.3g}" for coordinate in points[lowest])
        return (
            f"no optimizer found the {'highest' if self.maximizes else 'lowest'} point of the drawn domain, "
            f"f = {values[lowest]:.4g} at ({place}); gaps are measured from the best value found, {self.minimum:.4g}"
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader must know: an interruption, a lower value that no optimizer has found."""
        return (*self.notes, self.lower_elsewhere) if self.lower_elsewhere else self.notes

    def __repr__(self) -> str:
        return f"{self.course.title}, {self.steps:,} steps, {self.engine} engine\n{self.table()}"

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

    # -- how it is computed --------------------------------------------------------------------------------------

    def _status(self, index: int) -> Status:
        path = self.paths[index]
        diverged_at = int(self.trajectories.diverged_at[index])
        if index in self.trajectories.errors:
            return Status(Status.FAILED, diverged_at - 1)
        if diverged_at >= 0:
            return Status(Status.DIVERGED, diverged_at)
        metrics = self.metrics[index]
        if metrics.settles is not None and metrics.stays_from is not None and metrics.gone_from is None:
            return Status(Status.CONVERGED, metrics.settles)
        if any(not low <= x <= high for x, (low, high) in zip(path[-1], self._room(index), strict=True)):
            return Status(Status.LEFT)
        return Status(Status.FINISHED)

    def _room(self, index: int) -> list[tuple[float, float]]:
        """The box that must be left: the landscape's domain, stretched to hold the runner's start."""
        start = self.runners[index].start
        return [(min(low, x), max(high, x)) for x, (low, high) in zip(start, self.course.domain, strict=True)]

    def _target(self, path: np.ndarray) -> tuple[float, ...] | None:
        """The known minimum nearest to where the runner ended."""
        if not self.minimum_is_known:
            return None
        alive = path[np.isfinite(path).all(axis=1)]

        def distance(minimum: Minimum) -> float:
            return float(np.linalg.norm(alive[-1] - np.asarray(minimum.point)))

        return min(self.course.minima, key=distance).point
