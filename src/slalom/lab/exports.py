"""The numbers of a race as CSV, JSON and Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from slalom.core import PathMetrics, RaceRecord, Runner, Status
from slalom.lab import formats


def to_json(race: RaceRecord) -> bytes:
    """Return the race as JSON; numbers that are not finite become null."""
    return formats.as_json(as_dictionary(race))


def as_dictionary(race: RaceRecord) -> dict[str, Any]:
    """Return the race as JSON has it; arrays are lists, NaN and infinities None."""
    losses, paths = formats.nested(race.losses), formats.nested(race.paths)
    return {
        "course": race.course.name,
        "title": race.course.title,
        "steps": race.steps,
        "engine": race.engine,
        "dtype": race.dtype,
        "noise": race.noise,
        "minimum": None if race.minimum is None else formats.number(race.minimum),
        "maximizes": race.maximizes,
        "minimum_is_known": race.minimum_is_known,
        "tolerance": race.tolerance,
        "patience": race.patience,
        "versions": dict(race.versions),
        "remarks": list(race.remarks),
        "runners": [
            {**_identity(runner, status), "loss": loss, "path": path, "metrics": metrics_dictionary(metrics)}
            for runner, status, loss, path, metrics in zip(
                race.runners, race.statuses, losses, paths, race.metrics, strict=True
            )
        ],
    }


def _identity(runner: Runner, status: Status) -> dict[str, Any]:
    return {
        "name": runner.name,
        "optimizer": runner.optimizer.spec,
        "hyperparameters": {name: formats.plain(value) for name, value in runner.optimizer.hyperparameters.items()},
        "seed": runner.seed,
        "start": list(runner.start),
        "status": str(status),
    }


def metrics_dictionary(metrics: PathMetrics) -> dict[str, Any]:
    """Return the measures of a runner by name."""
    return {name: formats.tidy(value) for name, value in asdict(metrics).items()}


def columns(race: RaceRecord) -> dict[str, np.ndarray]:
    """Return the path table, one entry per runner and step: runner, seed, start, step, loss and coordinates."""
    count, steps = race.losses.shape
    per_runner = {
        "runner": np.arange(count),
        "seed": np.array([runner.seed for runner in race.runners]),
        "start": np.array([runner.start_index for runner in race.runners]),
    }
    table = {name: np.repeat(values, steps) for name, values in per_runner.items()}
    table["step"] = np.tile(np.arange(steps), count)
    table["loss"] = race.losses.reshape(-1)
    for axis in range(race.course.dim):
        table[f"x{axis}"] = race.paths[:, :, axis].reshape(-1)
    return table


def write_csv(race: RaceRecord, path: Path) -> None:
    """Write one line per runner and step at full precision; what is not finite is left empty."""
    axes = [f"x{axis}" for axis in range(race.course.dim)]
    formats.write_csv(path, ["runner", "optimizer", "seed", "start", "step", "loss", *axes], _lines(race))


def _lines(race: RaceRecord) -> Iterator[list[Any]]:
    for index, runner in enumerate(race.runners):
        head = [index, runner.optimizer.spec, runner.seed, runner.start_index]
        for step, row in enumerate(np.column_stack([race.losses[index], race.paths[index]]).tolist()):
            yield [*head, step, *row]


def write_parquet(race: RaceRecord, path: Path) -> None:
    """Write the same table as the CSV, typed; what is not finite is null."""
    table: dict[str, Any] = columns(race)
    specs = formats.repeated_texts([runner.optimizer.spec for runner in race.runners], race.losses.shape[1])
    formats.write_parquet(path, {"runner": table.pop("runner"), "optimizer": specs, **table})
