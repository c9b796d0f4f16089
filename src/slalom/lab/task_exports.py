"""The numbers of a race on a task, or in a loop of the caller's own, as CSV, JSON and Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slalom.core import Evaluation, Run, Runner, TrainingRecord
from slalom.lab import formats

SPLITS = ("train", "validation", "test")
CLOCKS = ("step", "epoch", "seconds")


def measured(race: TrainingRecord) -> list[str]:
    """Return the columns of an evaluation: on tasks every measure on all three splits, there or not."""
    if race.training is None:
        return list(race.measures)
    return [f"{split}_{measure}" for measure in race.measures for split in SPLITS]


def to_json(race: TrainingRecord) -> bytes:
    """Return the race as JSON; numbers that are not finite become null."""
    return formats.as_json(as_dictionary(race))


def as_dictionary(race: TrainingRecord) -> dict[str, Any]:
    """Return the race as JSON has it; arrays are lists, NaN and infinities None."""
    names = measured(race)
    return {
        "course": race.course.name,
        "title": race.course.title,
        **_conditions(race),
        "engine": race.engine,
        "measures": list(race.measures),
        "splits": list(race.splits),
        "higher_is_better": dict(race.higher_is_better),
        "versions": dict(race.versions),
        "remarks": list(race.remarks),
        "runners": [
            _runner(race, runner, run, str(status), names)
            for runner, run, status in zip(race.runners, race.runs, race.statuses, strict=True)
        ],
    }


def _conditions(race: TrainingRecord) -> dict[str, Any]:
    training = race.training
    if training is None:
        return {}
    return {
        "steps": training.steps,
        "steps_per_epoch": training.steps_per_epoch,
        "batch_size": getattr(race.course, "batch_size", None),
        "dtype": training.dtype,
        "precision": training.precision,
        "device": training.device,
    }


def _runner(race: TrainingRecord, runner: Runner, run: Run, status: str, names: Sequence[str]) -> dict[str, Any]:
    optimizer = runner.optimizer
    entry: dict[str, Any] = {
        "name": runner.name,
        "optimizer": optimizer.spec,
        "hyperparameters": {name: formats.plain(value) for name, value in optimizer.hyperparameters.items()},
        "seed": runner.seed,
        "status": status,
        "seconds": formats.number(run.seconds),
        "gradient_evaluations": run.gradient_evaluations,
        "memory": run.memory,
    }
    if run.error:
        entry["error"] = run.error
    if run.learning_rates is not None:
        entry["learning_rates"] = formats.nested(np.asarray(run.learning_rates, dtype=np.float64))
    if race.training is not None:
        entry["train"] = {"step": list(range(1, len(run.losses) + 1)), "loss": formats.nested(run.losses)}
    entry["evaluations"] = [_evaluation(evaluation, names) for evaluation in run.evaluations]
    return entry


def _evaluation(evaluation: Evaluation, names: Sequence[str]) -> dict[str, Any]:
    values = {name: formats.number(evaluation.get(name, np.nan)) for name in ("epoch", "seconds", *names)}
    return {"step": int(evaluation["step"]), **values}


def write_csv(race: TrainingRecord, path: Path) -> None:
    """Write one line per runner and evaluation at full precision; what is missing or not finite is left empty.

    The minibatch losses are in JSON and Parquet.
    """
    names = measured(race)
    formats.write_csv(path, ["runner", "optimizer", "seed", *CLOCKS, *names], _lines(race, names))


def _lines(race: TrainingRecord, names: Sequence[str]) -> Iterator[list[Any]]:
    for index, (runner, run) in enumerate(zip(race.runners, race.runs, strict=True)):
        for evaluation in run.evaluations:
            yield [index, runner.optimizer.spec, runner.seed, *_evaluation(evaluation, names).values()]


def write_parquet(race: TrainingRecord, path: Path) -> None:
    """Write one line per runner and step, step 0 included: the minibatch loss that was computed in that step, and what
    was evaluated after it, null where nothing was."""
    names = measured(race)
    lengths = np.array([_length(run) for run in race.runs], dtype=np.int64)
    columns: dict[str, Any] = {
        "runner": np.repeat(np.arange(len(race.runs)), lengths),
        "optimizer": formats.repeated_texts([runner.optimizer.spec for runner in race.runners], lengths),
        "seed": np.repeat(np.array([runner.seed for runner in race.runners], dtype=np.int64), lengths),
        "step": np.concatenate([np.arange(length) for length in lengths]),
        "minibatch_loss": np.concatenate([_padded(run) for run in race.runs]),
    }
    starts = np.cumsum(lengths) - lengths
    for name in ("epoch", "seconds", *names):
        columns[name] = np.full(int(lengths.sum()), np.nan)
        for start, run in zip(starts, race.runs, strict=True):
            for evaluation in run.evaluations:
                columns[name][start + int(evaluation["step"])] = evaluation.get(name, np.nan)
    formats.write_parquet(path, columns)


def _length(run: Run) -> int:
    """Return how many steps a run has, step 0 included."""
    last = int(run.evaluations[-1]["step"]) if run.evaluations else 0
    return 1 + max(len(run.losses), last)


def _padded(run: Run) -> np.ndarray:
    """Return the minibatch losses of the steps 0, 1, …: none before the first."""
    padded = np.full(_length(run), np.nan)
    padded[1 : 1 + len(run.losses)] = run.losses
    return padded
