"""The numbers of a race as CSV, JSON and Parquet."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from slalom.core import PathMetrics, RaceRecord, Runner, Status


def to_json(race: RaceRecord) -> bytes:
    """Return the race as JSON; numbers that are not finite become null."""
    import msgspec

    return msgspec.json.encode(as_dictionary(race))


def as_dictionary(race: RaceRecord) -> dict[str, Any]:
    """Return the race as JSON has it; arrays are lists, NaN and infinities None."""
    losses, paths = _finite(race.losses), _finite(race.paths)
    return {
        "course": race.course.name,
        "title": race.course.title,
        "steps": race.steps,
        "engine": race.engine,
        "dtype": race.dtype,
        "noise": race.noise,
        "minimum": _number(race.minimum),
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
        "hyperparameters": {name: _plain(value) for name, value in runner.optimizer.hyperparameters.items()},
        "seed": runner.seed,
        "start": list(runner.start),
        "status": str(status),
    }


def metrics_dictionary(metrics: PathMetrics) -> dict[str, Any]:
    """Return the measures of a runner by name."""
    return {name: _tidy(value) for name, value in asdict(metrics).items()}


def _tidy(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _tidy(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_tidy(entry) for entry in value]
    return _number(value) if isinstance(value, float) else value


def _plain(value: Any) -> Any:
    """A hyperparameter as JSON has it: numbers, texts, lists; anything else by its text."""
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    return _number(value) if isinstance(value, float) else repr(value)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _finite(array: np.ndarray) -> Any:
    """Return nested lists, None in place of what is not finite."""
    if np.isfinite(array).all():
        return array.tolist()
    objects = array.astype(object)
    objects[~np.isfinite(array)] = None
    return objects.tolist()


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
    import csv

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        axes = [f"x{axis}" for axis in range(race.course.dim)]
        writer.writerow(["runner", "optimizer", "seed", "start", "step", "loss", *axes])
        for index, runner in enumerate(race.runners):
            numbers = np.column_stack([race.losses[index], race.paths[index]])
            head = [index, runner.optimizer.spec, runner.seed, runner.start_index]
            rows = numbers.tolist()
            writer.writerows(
                [*head, step, *(repr(x) if math.isfinite(x) else "" for x in row)] for step, row in enumerate(rows)
            )


def write_parquet(race: RaceRecord, path: Path) -> None:
    """Write the same table as the CSV, typed; what is not finite is null."""
    import pyarrow as pa
    import pyarrow.parquet

    table = columns(race)
    steps = race.losses.shape[1]
    specs = pa.array([runner.optimizer.spec for runner in race.runners]).dictionary_encode()
    optimizer = pa.DictionaryArray.from_arrays(np.repeat(specs.indices.to_numpy(), steps), specs.dictionary)
    arrays: dict[str, Any] = {"runner": table.pop("runner"), "optimizer": optimizer, **table}
    for name, values in arrays.items():
        if name != "optimizer" and values.dtype.kind == "f":
            arrays[name] = pa.array(values, mask=~np.isfinite(values))
    pa.parquet.write_table(pa.table(arrays), path)
