"""Runs as tables: CSV, JSON and Parquet."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from slalom.core import csv_files, one_line
from slalom.store.canonical import canonical
from slalom.store.records import StoredRun, Summary

Writer = Callable[[Path], None]
Save = Callable[[str | os.PathLike[str], Mapping[str, Writer]], Path]
"""Writes a file with the writer of its ending, whole or not at all; raises InputError for what it cannot."""

ENDINGS = ("csv", "json", "parquet")


def export(runs: Iterable[Summary], path: str | os.PathLike[str], save: Save) -> Path:
    """Write one line per run; JSON also has the series of runs that come with them. Returns the path.

    Metrics have columns ``metric.test_loss`` …, hyperparameters ``hyperparameter.lr`` …; what is missing or not finite
    is empty in CSV and null elsewhere. Times are in UTC, costs in seconds and bytes.
    """
    kept = list(runs)
    table = columns(kept)
    return save(
        path,
        {
            "csv": lambda file: _write_csv(file, table),
            "json": lambda file: _write_json(file, kept, table),
            "parquet": lambda file: _write_parquet(file, table),
        },
    )


def columns(runs: Sequence[Summary]) -> dict[str, list[Any]]:
    """Return the table, column by column; None where a run has no such entry."""
    rows = [{one_line(name): _shown(value) for name, value in _row(run).items()} for run in runs]
    names = list(_FIXED) + sorted({name for row in rows for name in row} - set(_FIXED))
    return {name: [row.get(name) for row in rows] for name in names}


_FIXED = ("key", "course", "optimizer", "stages", "seed", "status", "status_step", "error", "completed",
          "steps", "dtype", "precision", "device", "engine", "seconds", "gradient_evaluations", "memory",
          "written")  # fmt: skip


def _row(run: Summary) -> dict[str, Any]:
    spec, training = run.spec, run.spec.training
    return {
        "key": run.key,
        "course": _text(spec.course),
        "optimizer": _text(spec.optimizer),
        "stages": " | ".join(spec.stages),
        "seed": spec.seed,
        "status": run.status.kind,
        "status_step": run.status.step,
        "error": _text(run.error),
        "completed": run.completed,
        "steps": None if training is None else training.steps,
        "dtype": None if training is None else training.dtype,
        "precision": None if training is None else training.precision,
        "device": spec.device,
        "engine": spec.engine,
        "seconds": run.cost.seconds,
        "gradient_evaluations": run.cost.gradient_evaluations,
        "memory": run.cost.memory,
        "written": datetime.fromtimestamp(run.written, UTC).isoformat(timespec="milliseconds"),
        **{f"hyperparameter.{name}": _cell(value) for name, value in spec.hyperparameters.items()},
        **{f"metric.{name}": _cell(value) for name, value in run.metrics.items()},
        **{f"version.{name}": value for name, value in run.versions.items()},
    }


def _shown(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _cell(value: Any) -> Any:
    """Return what fits a cell: numbers and texts as they are, lists as their JSON."""
    return value if value is None or isinstance(value, bool | int | float | str) else canonical(value)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_csv(path: Path, table: Mapping[str, Sequence[Any]]) -> None:
    rows = zip(*table.values(), strict=True)
    csv_files.write(path, list(table), (["" if _finite(value) is None else value for value in row] for row in rows))


def _write_json(path: Path, runs: Sequence[Summary], table: Mapping[str, Sequence[Any]]) -> None:
    lines = [dict(zip(table, map(_finite, row), strict=True)) for row in zip(*table.values(), strict=True)]
    for line, run in zip(lines, runs, strict=True):
        if isinstance(run, StoredRun):
            line["loss"] = [_finite(value) for value in run.run.losses.tolist()]
            rows = run.run.evaluations
            line["evaluations"] = [{name: _finite(value) for name, value in row.items()} for row in rows]
    path.write_bytes(msgspec.json.encode({"runs": lines}))


def _write_parquet(path: Path, table: Mapping[str, Sequence[Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    arrays = {name: _arrow(pa, [_finite(value) for value in values]) for name, values in table.items()}
    pa.parquet.write_table(pa.table(arrays), path)


def _arrow(pa: Any, values: list[Any]) -> Any:
    """Return a column of one type: whole numbers among others become floating, mixtures become texts."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int, float}:
        values = [None if value is None else float(value) for value in values]
    elif len(kinds) > 1:
        values = [None if value is None else str(value) for value in values]
    return pa.array(values)
