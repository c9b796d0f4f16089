"""Optimizers whose runs coincide: they are drawn once, under all their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from slalom.core import RaceRecord, TrainingRecord
from slalom.show.views.groups import Group
from slalom.show.views.seeds import lost
from slalom.show.views.words import number, short_names

CLOSE = 1e-6
"""Runs coincide where they differ by less than this share of what is drawn: no picture shows it."""
LONGEST = 40
"""Letters of the names of runs that coincide."""


@dataclass(frozen=True)
class United:
    """The optimizers as they are drawn, those that coincide as one, and what is to be said of these."""

    field: list[Group]
    notes: tuple[str, ...]


def united(record: RaceRecord, field: list[Group]) -> United:
    """Return the optimizers of a race on a landscape as a picture draws them."""

    def apart(one: int, other: int) -> tuple[float, float]:
        here, there = record.paths[one], record.paths[other]
        extent = np.nanmax(here, axis=0) - np.nanmin(here, axis=0)
        return _largest(here, there), float(np.max(extent))

    return _united(field, apart)


def united_training(record: TrainingRecord, field: list[Group]) -> United:
    """Return the optimizers of a race on a task or in a loop as a picture draws them."""

    def series(k: int) -> np.ndarray:
        run = record.runs[k]
        keys = [name for name in (run.evaluations[0] if run.evaluations else {}) if name not in ("seconds",)]
        parts = [np.asarray(run.losses, dtype=float), *(run.series(key) for key in keys)]
        if run.learning_rates is not None:
            parts.append(np.asarray(run.learning_rates, dtype=float))
        return np.concatenate(parts) if parts else np.empty(0)

    def apart(one: int, other: int) -> tuple[float, float]:
        here, there = series(one), series(other)
        if here.shape != there.shape or lost(record, one) != lost(record, other) or not np.isfinite(here).any():
            return np.inf, 0.0
        return _largest(here, there), float(np.nanmax(here) - np.nanmin(here))

    return _united(field, apart)


def _largest(here: np.ndarray, there: np.ndarray) -> float:
    """Return the largest difference of two series, infinite where one has an entry that the other has not."""
    known = np.isfinite(here)
    if here.shape != there.shape or not (known == np.isfinite(there)).all():
        return np.inf
    return float(np.abs(here[known] - there[known]).max(initial=0.0))


def _united(field: list[Group], apart: Callable[[int, int], tuple[float, float]]) -> United:
    """Return the groups, those whose runs all coincide with the first one's as one; ``apart`` compares two runs.

    It returns their largest difference, and the size of what is drawn of the first.
    """
    bundles: list[list[tuple[Group, float]]] = []
    for group in field:
        for bundle in bundles:
            first = bundle[0][0]
            if len(first.runners) != len(group.runners):
                continue
            found = [apart(a, b) for a, b in zip(first.runners, group.runners, strict=True)]
            if all(difference <= CLOSE * size or difference == 0 for difference, size in found):
                bundle.append((group, max(difference for difference, _ in found)))
                break
        else:
            bundles.append([(group, 0.0)])
    notes = []
    for bundle in bundles:
        if len(bundle) > 1:
            difference = max(apart for _, apart in bundle)
            how = "equal bit for bit" if difference == 0 else f"at most {number(difference, 3)} apart"
            notes.append(f"{' = '.join(group.name for group, _ in bundle)}: {how}")
    return United([replace(b[0][0], name=_joined([group.name for group, _ in b])) for b in bundles], tuple(notes))


def _joined(names: list[str]) -> str:
    """Return ``"A = B = C"``, cut to the first of many names and the number of the others."""
    if len(names) == 1:
        return names[0]
    for shown in range(len(names), 0, -1):
        rest = len(names) - shown
        parts = names[:shown] + ([f"{rest} other{'s' * (rest > 1)}"] if rest else [])
        if len(text := " = ".join(parts)) <= LONGEST:
            return text
    return " = ".join([*short_names(names[:1], LONGEST - 14), f"{len(names) - 1} others"])
