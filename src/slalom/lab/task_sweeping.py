"""Sweeps over networks: learning rates with several seeds each, or a grid of two hyperparameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from slalom.core import InputError, Optimizer, Progress, Runner, Task, Training, quote
from slalom.lab import ranges
from slalom.lab.checks import check_count, check_device
from slalom.lab.guarding import Guard
from slalom.lab.task_record import TaskRace
from slalom.lab.task_sweeps import NetworkSensitivity, TrainabilityMap
from slalom.lab.training import check_room, check_terms, conditions, plan_task, record
from slalom.optimizers import labels

RATE_GRID = 15
"""Learning rates of a sensitivity curve."""

SEEDS = 3
"""Seeds at each of them."""

MAP_GRID = 64
"""Values along each side of a trainability map."""

MAP_STEPS = 200
"""Steps of each of its networks."""

Ranges = Sequence[Sequence[float]] | None


def sweep_task(
    task: Task,
    optimizers: Sequence[Optimizer],
    over: str,
    grid: int | None,
    seeds: int | None,
    seed: int,
    terms: dict[str, Any],
    shared: dict[str, Any],
) -> NetworkSensitivity | TrainabilityMap:
    """Check what was asked for and sweep over it: ``terms`` are those of a race, ``shared`` what all sweeps take."""
    names = tuple(name.strip() for name in over.split(","))
    if over != "lr" and len(names) != 2:
        raise InputError(
            f"over {quote(over)} is not known: on a task sweep over lr, or over two hyperparameters of one optimizer, "
            "as in lr,momentum."
        )
    check_terms(SEEDS if seeds is None else seeds, seed, shared["engine"], shared["workers"])
    if grid is not None:
        check_count("grid", grid)
    if over == "lr":
        training = conditions(task, seed, **terms)
        counted = range(seed, seed + (SEEDS if seeds is None else seeds))
        return sensitivity(task, optimizers, training, counted, grid=grid or RATE_GRID, **shared)
    if seeds is not None and seeds > 1:
        raise InputError(f"seeds {quote(seeds)} has no part in a map of two hyperparameters: it shows one seed.")
    if terms["steps"] is None and terms["epochs"] is None:
        terms = {**terms, "steps": MAP_STEPS}
    training = conditions(task, seed, **terms)
    return trainability(task, optimizers, training, seed, (names[0], names[1]), grid=grid or MAP_GRID, **shared)


def sensitivity(
    task: Task,
    optimizers: Sequence[Optimizer],
    training: Training,
    seeds: Sequence[int],
    *,
    grid: int = RATE_GRID,
    wanted: Ranges = None,
    engine: str = "auto",
    workers: int | None = None,
    progress: Progress | None = None,
) -> NetworkSensitivity:
    """Train every optimizer at ``grid`` learning rates with every seed.

    What is measured is the first metric on the validation examples at the last step, or the validation loss where the
    task has no metric; the training loss where it holds nothing out. The test set stays closed.
    """
    if grid < 3:
        raise InputError(f"grid must be at least 3 for a curve over lr, got {grid}.")
    check_room(len(optimizers) * grid * len(seeds), training)
    axes = [ranges.axis(optimizer, "lr", _only(wanted, 1)) for optimizer in optimizers]
    rates = [axis.values(grid) for axis in axes]
    names = labels(optimizers)  # type: ignore[arg-type]  # specified ones
    runners = [
        Runner(variant, seed, name=name)
        for optimizer, name, values in zip(optimizers, names, rates, strict=True)
        for variant in [ranges.variant(optimizer, {"lr": float(rate)}) for rate in values]
        for seed in seeds
    ]
    race = _train(task, runners, training, engine, workers, progress)
    split = next(split for split in ("validation", "train") if split in race.splits)
    measure = race.measures[min(1, len(race.measures) - 1)]
    finals = _finals(race, f"{split}_{measure}").reshape(len(optimizers), grid, len(seeds))
    return NetworkSensitivity(
        course=task,
        optimizers=tuple(optimizers),
        names=tuple(names),
        training=race.training or training,
        engine=race.engine,
        versions=race.versions,
        notes=tuple(race.remarks),
        rates=tuple(rates),
        finals=tuple(finals),
        measure=f"{split}_{measure}",
        higher_is_better=race.higher_is_better[measure],
        seeds=tuple(seeds),
        failed=tuple(_failed(race).reshape(len(optimizers), grid, len(seeds))),
        reason=_reason(race),
    )


def trainability(
    task: Task,
    optimizers: Sequence[Optimizer],
    training: Training,
    seed: int,
    over: tuple[str, str],
    *,
    grid: int = MAP_GRID,
    wanted: Ranges = None,
    engine: str = "auto",
    workers: int | None = None,
    progress: Progress | None = None,
) -> TrainabilityMap:
    """Train one network for every pair of values of two hyperparameters, all from one start and on the same batches."""
    if len(optimizers) != 1:
        raise InputError(
            f"a sweep over {quote(','.join(over))} draws a map of one optimizer, and {len(optimizers)} were given: "
            "name one with -o."
        )
    if over[0] == over[1]:
        raise InputError(f"over {quote(','.join(over))} names the same hyperparameter twice: name two.")
    if grid < 2:
        raise InputError(f"grid must be at least 2 for a map, got {grid}.")
    check_room(grid * grid, replace(training, evaluate_at=(0, training.steps)))
    (optimizer,) = optimizers
    chosen = [None, None] if wanted is None else _both(wanted)
    axes = [ranges.axis(optimizer, name, given) for name, given in zip(over, chosen, strict=True)]
    across, up = (axis.values(grid) for axis in axes)
    runners = [
        Runner(ranges.variant(optimizer, {over[0]: x, over[1]: y}), seed, name=optimizer.name)
        for x in across.tolist()
        for y in up.tolist()
    ]
    race = _train(task, runners, training, engine, workers, progress)
    return TrainabilityMap(
        course=task,
        optimizers=(optimizer,),
        names=tuple(labels([optimizer])),  # type: ignore[list-item]
        training=race.training or training,
        engine=race.engine,
        versions=race.versions,
        notes=tuple(race.remarks),
        axes=over,
        values=(across, up),
        scales=(axes[0].scale, axes[1].scale),
        final_loss=_finals(race, "train_loss").reshape(grid, grid),
        diverged_at=np.array([_diverged_at(run) for run in race.runs]).reshape(grid, grid),
        failed=_failed(race).reshape(grid, grid),
        reason=_reason(race),
        seed=seed,
        start_loss=next((run.evaluations[0]["train_loss"] for run in race.runs if run.evaluations), None),
    )


def _train(
    task: Task,
    runners: Sequence[Runner],
    training: Training,
    engine: str,
    workers: int | None,
    progress: Progress | None,
) -> TaskRace:
    """Train all networks, evaluated at the start and at the end alone. After Ctrl-C nothing is left."""
    terms = replace(training, evaluate_at=(0, training.steps))
    check_device(terms.device)
    Guard(workers).check(task, runners[0].seed, terms.dtype)  # what is wrong with it, before hours are spent
    race = record(plan_task(task, runners, terms, engine, workers), progress)
    if len(race.runs) < len(runners) or any(run.interrupted for run in race.runs):
        raise KeyboardInterrupt  # half a map is none
    return race


def _finals(race: TaskRace, name: str) -> np.ndarray:
    """Return a measure at the end of every run, NaN where it diverged or failed."""
    finals = race.final(name)
    finals[[bool(run.error) or _diverged_at(run) >= 0 for run in race.runs]] = np.nan
    return finals


def _diverged_at(run: Any) -> int:
    """Return the step at which a run diverged, −1 where it did not; one that failed did not."""
    return -1 if run.diverged_at is None or run.error else int(run.diverged_at)


def _failed(race: TaskRace) -> np.ndarray:
    """Return which runs failed, bool, [runs]."""
    return np.array([bool(run.error) for run in race.runs])


def _reason(race: TaskRace) -> str:
    """Return why the first of the runs that failed did, ``""`` where none failed."""
    return next((run.error for run in race.runs if run.error), "")


def _only(wanted: Ranges, count: int) -> Sequence[float] | None:
    """Return the one range that was given, if any."""
    if wanted is None:
        return None
    if len(wanted) != count:
        raise InputError(f"{len(wanted)} ranges were given: a sweep over lr has one.")
    return wanted[0]


def _both(wanted: Sequence[Sequence[float]]) -> Sequence[Sequence[float]]:
    if len(wanted) != 2:
        raise InputError(f"{len(wanted)} range was given: a map has two, in the order of its hyperparameters.")
    return wanted
