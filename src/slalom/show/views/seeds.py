"""A measure over the seeds of one optimizer: how runs are lined up, and what counts for those that were lost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from slalom.core import Run, Status, TrainingRecord
from slalom.show.views.groups import Group
from slalom.show.views.words import number, percent

QUARTILES_FROM = 4
"""From so many seeds on an interval holds the middle half of them; with fewer, all of them."""


@dataclass(frozen=True)
class Measure:
    """What is measured: ``split`` is "train", "validation", "test", or "" for a measure of the caller's own loop.

    ``higher_is_better`` is None where nobody said. ``proportion`` says that it is printed in per cent.
    """

    split: str
    name: str
    higher_is_better: bool | None
    proportion: bool = False

    @property
    def key(self) -> str:
        """The name under which evaluations hold it."""
        return f"{self.split}_{self.name}" if self.split else self.name

    @property
    def title(self) -> str:
        """What pictures call it: "test accuracy", "training loss"."""
        return f"{TITLES.get(self.split, self.split)} {self.name}".strip().replace("_", " ")

    @property
    def worst(self) -> float:
        """What a run that was lost counts as: worse than any other; NaN where no direction is known."""
        if self.higher_is_better is None:
            return math.nan
        return -math.inf if self.higher_is_better else math.inf

    def text(self, value: float, digits: int = 3) -> str:
        """Return a value as it is printed."""
        return percent(value) if self.proportion else number(value, digits)


TITLES = {"train": "training"}


@dataclass(frozen=True)
class Spread:
    """Median and interval [E] over seeds: quartiles, or the extremes where there are fewer than four seeds."""

    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray


def measure_of(record: TrainingRecord, split: str, name: str) -> Measure:
    """Return one of a record's measures."""
    key = f"{split}_{name}" if split else name
    direction = dict(record.higher_is_better)
    higher = direction.get(name, direction.get(key))
    if higher is None and name.endswith("loss"):
        higher = False
    values = np.concatenate([run.series(key) for run in record.runs] or [np.empty(0)])
    known = values[np.isfinite(values)]
    proportion = "accuracy" in name and bool(len(known)) and known.min() >= 0 and known.max() <= 1
    return Measure(split, name, higher, proportion)


def held_out(record: TrainingRecord) -> str:
    """Return the split by which runs are judged: the test set, else what was held out, else the training set."""
    return next((split for split in ("test", "validation", "train") if split in record.splits), "")


def primary(record: TrainingRecord) -> Measure:
    """Return the measure by which runs are judged: the first metric where there is one, on what was held out."""
    if record.training is None:
        directed = [name for name in record.measures if name in record.higher_is_better]
        return measure_of(record, "", (directed or list(record.measures))[0])
    return measure_of(record, held_out(record), record.measures[min(1, len(record.measures) - 1)])


def measure_named(record: TrainingRecord, key: str) -> Measure:
    """Return the measure that evaluations hold as ``key``, such as ``"test_accuracy"``."""
    for split in record.splits:
        if key.startswith(split + "_"):
            return measure_of(record, split, key[len(split) + 1 :])
    return measure_of(record, "", key)


def lost(record: TrainingRecord, runner: int) -> bool:
    """Return whether a runner diverged or failed: its result is the worst, never a missing one."""
    run = record.runs[runner]
    kinds = (Status.DIVERGED, Status.FAILED)
    return run.diverged_at is not None or bool(run.error) or record.statuses[runner].kind in kinds


def clock(record: TrainingRecord) -> str:
    """Return what the evaluations are counted in: ``epoch``, ``step``, or ``evaluation`` where they do not say."""
    for name in ("epoch", "step"):
        if all(np.isfinite(run.series(name)).all() and len(run.evaluations) for run in record.runs):
            return name
    return "evaluation"


def instants(record: TrainingRecord, runner: int, name: str) -> np.ndarray:
    """Return when a runner was evaluated, [E], float64, in epochs, steps, seconds, or counted from 1."""
    run = record.runs[runner]
    if name == "evaluation":
        return np.arange(1, len(run.evaluations) + 1, dtype=float)
    return run.series(name)


def over_seeds(record: TrainingRecord, group: Group, measure: Measure) -> tuple[np.ndarray, np.ndarray]:
    """Return when the runs of an optimizer were evaluated, [E], and a measure there, [seeds, E].

    A run that was lost counts as the worst from there to the end of the others; one that was interrupted is NaN.
    """
    name = clock(record)
    moments = [instants(record, k, name) for k in range(len(record.runs))]
    shared = np.unique(np.concatenate(moments)) if moments else np.empty(0)
    rows = np.full((len(group.runners), len(shared)), np.nan)
    for row, k in zip(rows, group.runners, strict=True):
        run = record.runs[k]
        row[np.searchsorted(shared, moments[k])] = run.series(measure.key)
        if lost(record, k):
            row[_gone(run, shared, moments[k], row)] = measure.worst
    return shared, rows


def _gone(run: Run, shared: np.ndarray, moments: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Return at which of the shared instants a lost run is lost: after its last finite evaluation."""
    steps = run.series("step")
    alive = np.isfinite(run.series("step")) if run.diverged_at is None else steps < run.diverged_at
    last = moments[alive].max(initial=-np.inf) if np.isfinite(steps).all() else moments.max(initial=-np.inf)
    return (shared > last) | ~np.isfinite(row) & (shared >= moments.min(initial=np.inf))


def finals(record: TrainingRecord, group: Group, measure: Measure) -> np.ndarray:
    """Return a measure at the end of each run of an optimizer, [seeds], float64; the worst where it was lost."""
    values = np.full(len(group.runners), np.nan)
    for index, k in enumerate(group.runners):
        run = record.runs[k]
        if run.evaluations:
            values[index] = run.last.get(measure.key, np.nan)
        spoilt = bool(run.evaluations) and measure.key in run.last and not np.isfinite(values[index])
        if lost(record, k) or spoilt:
            values[index] = measure.worst
    return values


def spread(rows: np.ndarray, higher_is_better: bool | None = False) -> Spread:
    """Return median and interval of ``rows`` [seeds, E] over the seeds, without those that are NaN.

    A quantile between a finite value and a lost run is the lost one.
    """
    shares = (0.25, 0.5, 0.75) if len(rows) >= QUARTILES_FROM else (0.0, 0.5, 1.0)
    results = np.full((3, rows.shape[1]), np.nan)
    worse = "lower" if higher_is_better else "higher"
    for column, values in enumerate(rows.T):
        known = values[~np.isnan(values)]
        if not len(known):
            continue
        with np.errstate(invalid="ignore"):
            between = np.quantile(known, shares)
        towards_worse = np.quantile(known, shares, method=worse)  # type: ignore[call-overload]
        results[:, column] = np.where(np.isfinite(between), between, towards_worse)
    return Spread(middle=results[1], low=results[0], high=results[2])


def interval_means(seeds: int) -> str:
    """Return what the bands and brackets of a picture hold."""
    if seeds < 2:
        return ""
    if seeds < QUARTILES_FROM:
        return f"median and range of {seeds} seeds"
    return f"median and middle half of {seeds} seeds"
