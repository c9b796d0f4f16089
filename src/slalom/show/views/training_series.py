"""The series of training as numbers alone: every seed, median and interval, against each clock there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from slalom.core import TrainingRecord
from slalom.show.views.coincidences import united_training
from slalom.show.views.groups import Group, training_groups
from slalom.show.views.seeds import Measure, Spread, clock, instants, lost, over_seeds, places, spread
from slalom.show.views.styles import Style
from slalom.show.views.training_panels import seconds_of


@dataclass(frozen=True)
class SeriesLine:
    """One optimizer: a measure at E instants, of each seed ``rows`` [seeds, E] and over them.

    ``clocks`` are the instants [E] by name: "epoch", "step", "seconds" (the median over the seeds), "evaluation".
    Entries of ``rows`` are infinite from where a run was lost, NaN where there is none. ``lost`` are those seeds.
    """

    name: str
    style: Style
    seeds: tuple[int, ...]
    clocks: Mapping[str, np.ndarray]
    rows: np.ndarray
    over: Spread
    lost: tuple[int, ...]


def training_series(record: TrainingRecord, measure: Measure) -> tuple[SeriesLine, ...]:
    """Return the series of a measure, one per optimizer in the order as typed; one of those that coincide."""
    field = united_training(record, training_groups(record)).field
    return tuple(_line(record, group, measure) for group in field)


def _line(record: TrainingRecord, group: Group, measure: Measure) -> SeriesLine:
    shared, rows = over_seeds(record, group, measure)
    clocks = {clock(record): shared}
    if clock(record) == "epoch":
        clocks["step"] = _at(record, shared, "step")
    with np.errstate(all="ignore"):
        seconds = seconds_of(record, group, shared)
    if np.isfinite(seconds).any() and clock(record) != "evaluation":
        clocks["seconds"] = seconds
    return SeriesLine(
        name=group.name,
        style=group.style,
        seeds=tuple(record.runners[k].seed for k in group.runners),
        clocks=clocks,
        rows=rows,
        over=spread(rows, measure.higher_is_better),
        lost=tuple(record.runners[k].seed for k in group.runners if lost(record, k)),
    )


def _at(record: TrainingRecord, shared: np.ndarray, name: str) -> np.ndarray:
    """Return what another clock of the evaluations says at the shared instants, [E]."""
    found = np.full(len(shared), np.nan)
    for k in range(len(record.runs)):
        moments, others = instants(record, k, clock(record)), record.runs[k].series(name)
        both = np.isfinite(moments) & np.isfinite(others)
        at, known = places(shared, moments[both])
        found[at] = others[both][known]
    return found
