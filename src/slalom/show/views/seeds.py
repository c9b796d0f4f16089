"""A measure over the seeds of one optimizer: how runs are lined up, and what counts for those that were lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from slalom.core import Run, Status, TrainingRecord, compared_by
from slalom.show.views.groups import Group
from slalom.show.views.words import listing, number, percent

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
    """Return the measure by which runs are compared: the first metric where there is one, on what was held out.

    In a training loop of the user's own it is the one by which a study would compare.
    """
    if record.training is None:
        return measure_of(record, "", compared_by(record.measures)[1] or record.measures[0])
    return measure_of(record, held_out(record), record.measures[min(1, len(record.measures) - 1)])


def measure_named(record: TrainingRecord, key: str) -> Measure:
    """Return the measure that evaluations hold as ``key``, such as ``"test_accuracy"``."""
    for split in record.splits:
        if key.startswith(split + "_"):
            return measure_of(record, split, key[len(split) + 1 :])
    return measure_of(record, "", key)


def lost(record: TrainingRecord, runner: int) -> bool:
    """Return whether a run diverged or failed."""
    return diverged(record, runner) or failed(record, runner)


def diverged(record: TrainingRecord, runner: int) -> bool:
    """Return whether a run diverged: its result is the worst, never a missing one."""
    run = record.runs[runner]
    gone = run.diverged_at is not None or record.statuses[runner].kind == Status.DIVERGED
    return gone and not failed(record, runner)


def failed(record: TrainingRecord, runner: int) -> bool:
    """Return whether a run failed: it has no result, and says nothing of how good its optimizer is."""
    return bool(record.runs[runner].error) or record.statuses[runner].kind == Status.FAILED


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

    A run that diverged counts as the worst from there to the end of the others; one that failed or was interrupted is
    NaN from there.
    """
    name = clock(record)
    shared = _moments(record, group, name)
    rows = np.full((len(group.runners), len(shared)), np.nan)
    for row, k in zip(rows, group.runners, strict=True):
        run, moments = record.runs[k], instants(record, k, name)
        at, known = places(shared, moments)
        row[at] = run.series(measure.key)[known]
        if diverged(record, k):
            row[_gone(run, shared, moments, row)] = measure.worst
    return shared, rows


def _moments(record: TrainingRecord, group: Group, name: str) -> np.ndarray:
    """Return when the runs of an optimizer were evaluated that went on to their end, [E].

    The moment at which one diverged is nobody else's: a median there would be that of the lost runs alone, and a curve
    of another optimizer would break. Where all of a group were lost, their moments and those of everybody who lasted.
    """
    lasting = [k for k in group.runners if not lost(record, k) and not record.runs[k].interrupted]
    lasting = lasting or [k for k in group.runners if not lost(record, k)]
    if not lasting:
        others = [k for k in range(len(record.runs)) if not lost(record, k)] or range(len(record.runs))
        lasting = [*group.runners, *others]
    moments = [instants(record, k, name) for k in lasting]
    return np.unique(np.concatenate(moments)) if moments else np.empty(0)


def places(shared: np.ndarray, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where among the ``shared`` instants [E] stand those of ``moments`` [M] that are there, and which, bool."""
    known = np.isin(moments, shared)
    return np.searchsorted(shared, moments[known]), known


def lost_told(record: TrainingRecord, field: Sequence[Group]) -> str:
    """Return which runs diverged and which failed, and what they count as; empty where none was."""
    gone, broken = _counted(record, field, diverged), _counted(record, field, failed)
    told = [f"Diverged: {gone}; such a run counts as worse than any other, and a line ends there."] if gone else []
    if broken:
        told.append(f"Failed: {broken}; such a run is left out ({failure_told(record)}).")
    return " ".join(told)


def failure_told(record: TrainingRecord) -> str:
    """Return why runs failed, the first reason of them; empty where none did."""
    reasons = list(dict.fromkeys(run.error for run in record.runs if run.error))
    return ("the first: " if len(reasons) > 1 else "") + reasons[0].rstrip(".") if reasons else ""


def _counted(record: TrainingRecord, field: Sequence[Group], how: Callable[[TrainingRecord, int], bool]) -> str:
    told = []
    for group in field:
        gone, runs = sum(how(record, k) for k in group.runners), len(group.runners)
        if gone:
            told.append(f"{f'all {runs}' if gone == runs > 1 else f'{gone} of {runs}'} of {group.name}")
    return listing(told, 8) if told else ""


def _gone(run: Run, shared: np.ndarray, moments: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Return at which of the shared instants a lost run is lost: after its last finite evaluation."""
    steps = run.series("step")
    alive = np.isfinite(run.series("step")) if run.diverged_at is None else steps < run.diverged_at
    last = moments[alive].max(initial=-np.inf) if np.isfinite(steps).all() else moments.max(initial=-np.inf)
    return (shared > last) | ~np.isfinite(row) & (shared >= moments.min(initial=np.inf))


def finals(record: TrainingRecord, group: Group, measure: Measure) -> np.ndarray:
    """Return a measure at the end of each run of an optimizer, [seeds], float64; the worst where it diverged, NaN where
    it failed."""
    values = np.full(len(group.runners), np.nan)
    for index, k in enumerate(group.runners):
        run = record.runs[k]
        if failed(record, k):
            continue
        if run.evaluations:
            values[index] = run.last.get(measure.key, np.nan)
        spoilt = bool(run.evaluations) and measure.key in run.last and not np.isfinite(values[index])
        if diverged(record, k) or spoilt:
            values[index] = measure.worst
    return values


def spread(rows: np.ndarray, higher_is_better: bool | None = False) -> Spread:
    """Return median and interval of ``rows`` [seeds, E] over the seeds, without those that are NaN.

    A quantile between a finite value and a lost run is the lost one.
    """
    shares = (0.25, 0.5, 0.75) if len(rows) >= QUARTILES_FROM else (0.0, 0.5, 1.0)
    results = np.full((3, rows.shape[1]), np.nan)
    whole = ~np.isnan(rows).any(axis=0)
    results[:, whole] = _quantiles(rows[:, whole], shares, higher_is_better)
    for column in np.flatnonzero(~whole):
        known = rows[~np.isnan(rows[:, column]), column]
        if len(known):
            results[:, column] = _quantiles(known[:, None], shares, higher_is_better)[:, 0]
    return Spread(middle=results[1], low=results[0], high=results[2])


def _quantiles(rows: np.ndarray, shares: Sequence[float], higher_is_better: bool | None) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        between = np.quantile(rows, shares, axis=0)
    if np.isfinite(between).all():
        return between
    towards_worse = np.quantile(rows, shares, axis=0, method="lower" if higher_is_better else "higher")
    return np.where(np.isfinite(between), between, towards_worse)


def interval_means(seeds: int, what: str = "seeds") -> str:
    """Return what the bands and brackets of a picture hold."""
    if seeds < 2:
        return ""
    if seeds < QUARTILES_FROM:
        return f"median and range of {seeds} {what}"
    return f"median and middle half of {seeds} {what}"
