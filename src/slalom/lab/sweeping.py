"""``slalom.sweep``: one optimizer over many starting points or learning rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from slalom.core import Ends, InputError, Landscape, Noise, Optimizer, Progress, Runner, nearest, quote
from slalom.core.course import Point
from slalom.lab import courses, task_sweeping
from slalom.lab.checks import (
    check_count,
    check_device,
    check_directions,
    check_memory,
)
from slalom.lab.guarding import Guard
from slalom.lab.racing import (
    STEPS,
    blaming,
    changed,
    check_conditions,
    choose_starts,
    enlist,
    failures,
    is_moved_by_rule,
    listed,
    refuse_if_all_failed,
    run,
)
from slalom.lab.record import TOLERANCE, Race
from slalom.lab.sweeps import BasinSweep, LadderSweep, SensitivitySweep, Sweep
from slalom.lab.versions import versions
from slalom.optimizers import CLASSICS, SpecifiedOptimizer, labels, parse_all

START_GRID = 256
"""Starting points along each side of a basin map."""

RATE_GRID = 61
"""Learning rates of a sensitivity curve: ten per decade over six decades."""

RATES = (1e-4, 1e2)
"""Learning rates that a sensitivity curve covers."""

RATE_STARTS = 20
"""Starting points behind each point of a sensitivity curve."""

FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)
"""Multiples of its learning rate at which a ladder shows each optimizer."""

FAN, JITTER = 30, 0.03
"""Paths of a fan, and how far their starts are scattered, as a share of the domain."""

UNUSED = {
    "start": ("starts", "factors", "seeds"),
    "lr": ("factors",),
    "ladder": ("starts", "grid", "seeds"),
}
"""What may be swept over, and the arguments that have no part in it."""

KINDS = tuple(UNUSED)


def sweep(
    course: Any,
    optimizers: Any = None,
    *,
    over: str = "lr",
    grid: int | None = None,
    ranges: Sequence[Sequence[float]] | None = None,
    factors: Sequence[float] | None = None,
    start: Sequence[float] | None = None,
    starts: Sequence[Sequence[float]] | int | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    seeds: int | None = None,
    seed: int = 0,
    noise: float = 0.0,
    dtype: str | None = None,
    precision: str = "fp32",
    engine: str = "auto",
    device: str = "cpu",
    workers: int | None = None,
    data_dir: Any = None,
    progress: Progress | None = None,
) -> Any:
    """Run optimizers over a whole range and return what became of each run.

    On a landscape ``over="start"`` starts every optimizer from ``grid`` × ``grid`` points of the domain (256 × 256
    unless asked for otherwise): a basin map, with a fan of 30 paths around ``start``. ``over="lr"`` runs ``grid``
    learning rates from 1e-4 to 1e2 (61) from ``starts`` points each (20 drawn in the domain): a sensitivity curve. With
    ``factors``, or ``over="ladder"``, each optimizer runs at multiples of its learning rate: a ladder of paths.

    On a task ``over="lr"`` trains networks at ``grid`` learning rates (15) with ``seeds`` seeds (3) each: a sensitivity
    curve of what is reached on the validation examples. Two hyperparameters, as in ``over="lr,momentum"``, make a
    trainability map of one optimizer: ``grid`` × ``grid`` networks (64 × 64) of ``steps`` steps (200). ``ranges`` holds
    (lowest, highest) for each of them.

    Other arguments are those of :func:`slalom.race`. Raises :class:`slalom.InputError` in one sentence.
    """
    starts = listed(starts)
    guard = Guard(workers)
    guard.look_at(course, data_dir, start)
    found: Any = courses.find(course, data_dir, start=start)
    given = {"start": start, "starts": starts, "epochs": epochs, "data_dir": data_dir, "workers": workers}
    given |= changed(noise=(noise, 0.0), precision=(precision, "fp32"))
    courses.refuse_unused(found, given, "sweep")
    if courses.is_landscape(found):
        return _on_landscape(
            _Wishes(over, grid, factors, start, starts, ranges, seeds),
            (found, optimizers, STEPS if steps is None else steps, 1 if seeds is None else seeds, seed),
            (noise, dtype or "float64", engine, device, progress),
        )
    if courses.is_loop(found):
        raise InputError(f"{quote(found.name)} is a training loop: sweeps run landscapes and tasks; race it instead.")
    if factors is not None:
        raise InputError(f"factors {quote(factors)} has no part in a sweep on a task: leave it out.")
    field = guard.parse_all(optimizers)
    check_directions(field)
    terms: dict[str, Any] = {"steps": steps, "epochs": epochs, "dtype": dtype, "precision": precision, "device": device}
    shared: dict[str, Any] = {"wanted": ranges, "engine": engine, "workers": workers, "progress": progress}
    return task_sweeping.sweep_task(found, field, over, grid, seeds, seed, terms, shared)


class _Wishes(NamedTuple):
    """What a sweep on a landscape is to vary."""

    over: str
    grid: int | None
    factors: Sequence[float] | None
    start: Sequence[float] | None
    starts: Any
    ranges: Any
    seeds: int | None


def _on_landscape(wishes: _Wishes, what: tuple[Any, ...], how: tuple[Any, ...]) -> Sweep:
    over, grid, factors, start, starts, _, _ = wishes
    landscape, optimizers, steps, seeds, seed = what
    noise, dtype, engine, device, progress = how
    check_conditions(steps, seeds, seed, noise, dtype, engine)
    if over not in KINDS:
        if "," in over:
            raise InputError(
                f"over {quote(over)} draws a map of networks: give a task, such as digits-mlp; on a landscape sweep "
                f"over {', '.join(KINDS)}."
            )
        raise InputError(f"over {quote(over)} is not known: sweep over {', '.join(KINDS)}.{nearest(over, KINDS)}")
    field = parse_all(CLASSICS if optimizers is None else optimizers)
    if check_directions(field) and over == "start":
        raise InputError("a sweep over start draws which minimum each start reaches, and `maximize=True` leaves them.")
    check_device(device)
    sweeper = _Sweeper(landscape, field, steps, seeds, seed, Noise(float(noise)), dtype, engine, device, progress)
    kind = "ladder" if factors is not None and over == "lr" else over
    _refuse_unused(wishes, kind, engine)
    if over == "start":
        return sweeper.basins(START_GRID if grid is None else check_count("grid", grid), start)
    if kind == "ladder":
        return sweeper.ladder(FACTORS if factors is None else factors, start)
    many = RATE_STARTS if start is None and starts is None else starts
    return sweeper.sensitivity(RATE_GRID if grid is None else check_count("grid", grid), start, many)


def _refuse_unused(wishes: _Wishes, kind: str, engine: str) -> None:
    """Refuse what this kind of sweep on a landscape makes no use of."""
    given = wishes._asdict() | {"seeds": wishes.seeds if (wishes.seeds or 1) > 1 else None}
    for name in (*UNUSED[kind], "ranges"):
        if given[name] is not None:
            raise InputError(f"{name} {quote(given[name])} has no part in a sweep over {kind}: leave it out.")
    if engine == "solo" and kind != "ladder":
        raise InputError(f"a sweep over {kind} does not run solo: choose the engine auto, field or fleet.")


class _Sweeper:
    """What all sweeps of one call have in common."""

    def __init__(
        self,
        landscape: Landscape,
        optimizers: Sequence[SpecifiedOptimizer],
        steps: int,
        seeds: int,
        seed: int,
        noise: Noise,
        dtype: str,
        engine: str,
        device: str,
        progress: Progress | None,
    ):
        self.landscape, self.optimizers, self.steps = landscape, optimizers, steps
        self.names = tuple(labels(optimizers))
        self.seeds, self.seed, self.noise = seeds, seed, noise
        self.dtype, self.engine, self.device, self.progress = dtype, engine, device, progress
        self.notes: list[str] = []

    def race(self, runners: Sequence[Runner], engine: str | None = None) -> Race:
        check_memory(len(runners), self.steps, self.landscape.dim)
        chosen = engine or self.engine
        return run(self.landscape, runners, self.steps, self.noise, self.dtype, chosen, self.device, self.progress)

    def _by_rule(self, optimizer: Optimizer) -> bool:
        """Whether an optimizer is moved by its update rule; the fleet refuses one that has none."""
        return self.engine == "fleet" or (self.engine == "auto" and is_moved_by_rule(optimizer))

    def _engines(self) -> str:
        """The engines that ran, in words."""
        names = {"fleet" if self._by_rule(optimizer) else "field" for optimizer in self.optimizers}
        return " and ".join(sorted(names))

    # -- starting points -------------------------------------------------------------------------------------------

    def basins(self, grid: int, start: Sequence[float] | None) -> BasinSweep:
        """Every optimizer from a grid of starting points, and a fan of paths around one of them."""
        if self.landscape.dim != 2:
            raise InputError(
                f"{quote(self.landscape.name)} has {self.landscape.dim} coordinates: a sweep over start draws a map of "
                "two; give the landscape dim=2, or sweep over lr."
            )
        if not self.landscape.minima:
            raise InputError(
                f"{quote(self.landscape.name)} has no known minimum: a sweep over start tells which minimum each start "
                "reaches; sweep over lr, or give a slalom.Landscape with its minima."
            )
        check_memory(len(self.optimizers) * grid * grid, 40, 1)
        axes = [_cells(low, high, grid) for low, high in self.landscape.domain]
        points = [(x, y) for y in axes[1].tolist() for x in axes[0].tolist()]
        (centre,) = choose_starts(self.landscape, start, None, self.seed)
        ends = [self._ends(optimizer, points) for optimizer in self.optimizers]
        self._refuse_if_all_failed(len(points), [one.errors for one in ends])
        fan = self.race(enlist(self.optimizers, self._scattered(centre), self.seed, 1), "field")
        return BasinSweep(
            course=self.landscape,
            optimizers=tuple(self.optimizers),
            names=self.names,
            grid_x=axes[0],
            grid_y=axes[1],
            ends=tuple(ends),
            threshold=self._threshold(),
            fan=fan,
            steps=self.steps,
            engine=self._engines(),
            dtype=self.dtype,
            versions=versions(),
            remarks=tuple(dict.fromkeys(self.notes)),
        )

    def _threshold(self) -> float:
        """The loss below which a run has arrived; where no minimum is known nothing ever has."""
        return min((m.value for m in self.landscape.minima), default=-np.inf) + TOLERANCE

    def _ends(self, optimizer: Optimizer, points: Sequence[Point]) -> Ends:
        runners = [Runner(optimizer, self.seed, point, index) for index, point in enumerate(points)]
        return self._finish(optimizer, runners, self._threshold())

    def _finish(self, optimizer: Optimizer, runners: Sequence[Runner], threshold: float, **lanes: Any) -> Ends:
        """Move runners to their end; ``lanes`` says in which hyperparameters those of a fleet may differ."""
        import torch

        from slalom import engines

        by_rule = self._by_rule(optimizer)
        finish: Any = engines.fleet_ends if by_rule else engines.field_ends
        with blaming(self.landscape, [optimizer]):
            ends: Ends = finish(
                self.landscape,
                runners,
                self.steps,
                noise=self.noise,
                dtype=getattr(torch, self.dtype),
                device=self.device,
                threshold=threshold,
                progress=self.progress,
                **(lanes if by_rule else {}),
            )
        if ends.errors:
            self.notes += failures([optimizer.spec] * len(runners), ends.errors)
        self.notes += ends.remarks
        return ends

    def _scattered(self, centre: Point) -> list[Point]:
        """The centre, and a fan of points around it."""
        widths = np.array([high - low for low, high in self.landscape.domain])
        offsets = np.random.default_rng(self.seed).normal(0.0, JITTER, (FAN, self.landscape.dim)) * widths
        return [centre, *(tuple(point) for point in (np.array(centre) + offsets).tolist())]

    # -- learning rates --------------------------------------------------------------------------------------------

    def sensitivity(
        self, grid: int, start: Sequence[float] | None, starts: Sequence[Sequence[float]] | int | None
    ) -> SensitivitySweep:
        """Every optimizer at a range of learning rates, from several starts."""
        if grid < 3:
            raise InputError(f"grid must be at least 3 for a curve over lr, got {grid}.")
        rates = np.geomspace(*RATES, grid)
        points = choose_starts(self.landscape, start, starts, self.seed, each=grid * self.seeds, steps=40)
        ends = []
        for optimizer in self.optimizers:
            self._must_have_rate(optimizer)
            variants = [optimizer.replace(lr=float(rate)) for rate in rates]
            runners = [
                Runner(variant, seed, point, index)
                for variant in variants
                for index, point in enumerate(points)
                for seed in range(self.seed, self.seed + self.seeds)
            ]
            ends.append(self._finish(optimizer, runners, -np.inf, lanes=("lr",)))
        self._refuse_if_all_failed(len(runners), [one.errors for one in ends])
        return SensitivitySweep(
            course=self.landscape,
            optimizers=tuple(self.optimizers),
            names=self.names,
            rates=rates,
            final_losses=tuple(one.losses.reshape(grid, -1) for one in ends),
            diverged=tuple(one.diverged.reshape(grid, -1) for one in ends),
            failed=tuple(one.failed.reshape(grid, -1) for one in ends),
            last_points=tuple(one.points.reshape(grid, -1, one.points.shape[1]) for one in ends),
            points=np.array(points, dtype=float),
            starts=len(points),
            seeds=self.seeds,
            steps=self.steps,
            engine=self._engines(),
            dtype=self.dtype,
            versions=versions(),
            remarks=tuple(dict.fromkeys(self.notes)),
        )

    def ladder(self, factors: Sequence[float], start: Sequence[float] | None) -> LadderSweep:
        """Every optimizer at multiples of its learning rate, from one start, with the paths."""
        multiples = [float(factor) for factor in factors]
        if not multiples or not all(0 < factor < np.inf for factor in multiples):
            raise InputError(f"factors {quote(list(factors))}: give positive finite multiples, such as 0.1,0.3,1,3,10.")
        points = choose_starts(self.landscape, start, None, self.seed)
        rows = []
        for optimizer in self.optimizers:
            rate = self._must_have_rate(optimizer)
            variants = [optimizer.replace(lr=rate * factor) for factor in multiples]
            rows.append(self.race(enlist(variants, points, self.seed, 1)))
        self._refuse_if_all_failed(len(multiples), [race.trajectories.errors for race in rows])
        return LadderSweep(
            course=self.landscape,
            optimizers=tuple(self.optimizers),
            names=self.names,
            factors=tuple(multiples),
            rows=tuple(rows),
        )

    def _refuse_if_all_failed(self, each: int, errors: Sequence[Mapping[int, str]]) -> None:
        """Refuse where no run was left of ``each`` runs of every optimizer; ``errors`` are those of each."""
        specs = [optimizer.spec for optimizer in self.optimizers for _ in range(each)]
        refuse_if_all_failed(specs, [error for of_one in errors for error in of_one.values()])

    def _must_have_rate(self, optimizer: SpecifiedOptimizer) -> float:
        if optimizer.fixes_rate:
            raise InputError(
                f"{quote(optimizer.spec)}: its schedule sets the rate to max_lr, so a sweep over lr changes nothing: "
                "leave max_lr out, and it is lr."
            )
        rate = optimizer.hyperparameters.get("lr")
        if not isinstance(rate, int | float) or rate <= 0:
            raise InputError(f"{quote(optimizer.spec)} has no positive learning rate `lr` to sweep over.")
        return float(rate)


def _cells(low: float, high: float, count: int) -> np.ndarray:
    """Return the centres of ``count`` equal cells between ``low`` and ``high``."""
    return low + (np.arange(count) + 0.5) * (high - low) / count
