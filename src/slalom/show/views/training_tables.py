"""The table under the curves of training, what its words mean, and the footer."""

from __future__ import annotations

import math

import numpy as np

from slalom.core import TrainingRecord
from slalom.show.views.groups import Group, rate
from slalom.show.views.seeds import (
    Measure,
    Spread,
    diverged,
    failed,
    failure_told,
    finals,
    held_out,
    interval_means,
    lost,
    measure_of,
    spread,
)
from slalom.show.views.tables import Row, Table, laid_out
from slalom.show.views.training_sentences import is_near, length
from slalom.show.views.words import count, fixed, short_names

MOST = 4
"""Measures in a table."""
WIDTHS = {True: 1.75, False: 1.85}
"""Inches of a column of proportions, and of any other measure."""


def shown_measures(record: TrainingRecord) -> list[Measure]:
    """Return the measures worth a column: the first metric and the loss held out, then the training loss."""
    if record.training is None:
        return [measure_of(record, "", name) for name in list(record.measures)[:MOST]]
    split = held_out(record)
    columns = [measure_of(record, split, name) for name in list(record.measures)[1:2] + list(record.measures)[:1]]
    return columns if split == "train" else [*columns, measure_of(record, "train", "loss")]


def table(record: TrainingRecord, field: list[Group]) -> Table:
    """Return final results and seconds, one row per optimizer: medians and intervals over the seeds."""
    measures = shown_measures(record)
    results = [
        [spread(finals(record, group, measure)[:, None], measure.higher_is_better) for group in field]
        for measure in measures
    ]
    ways = {"diverged": diverged, "failed": failed}
    ways = {how: gone for how, gone in ways.items() if any(gone(record, k) for k in range(len(record.runs)))}
    rows, names = [], short_names([group.name for group in field])
    for place, group in enumerate(field):
        cells = [_cell(measure, column[place]) for measure, column in zip(measures, results, strict=True)]
        best = [k for k, measure in enumerate(measures) if len(field) > 1 and _leads(measure, results[k], place)]
        times = [record.runs[k].seconds for k in group.runners if not lost(record, k)]
        cells.append(fixed(float(np.median(times)), 2) if times else "–")
        if all(failed(record, k) for k in group.runners):
            cells = ["failed", *("–" for _ in cells[1:])]
        for gone in ways.values():
            amount = sum(gone(record, k) for k in group.runners)
            cells.append(f"{amount} of {len(group.runners)}" if amount else "–")
        shown = "" if rate(group) in group.name or (group.name.find("lr=") >= 0) else rate(group)
        rows.append(Row(names[place], group.style, shown, tuple(cells), tuple(best)))
    widths = {measure.title: WIDTHS[measure.proportion] for measure in measures} | {"seconds": 0.75}
    return laid_out(tuple(rows), widths | dict.fromkeys(ways, 0.8))


def _cell(measure: Measure, result: Spread) -> str:
    middle, low, high = (float(part[0]) for part in (result.middle, result.low, result.high))
    if math.isnan(middle):
        return "–"
    if math.isinf(middle):
        return "diverged"
    text = measure.text(middle) if measure.proportion else fixed(middle)
    if low == high:
        return text
    if measure.proportion:
        ends = [f"{100 * end:.1f}" if math.isfinite(end) else "✕" for end in (low, high)]
    else:
        ends = [fixed(end) if math.isfinite(end) else "✕" for end in (low, high)]
    return f"{text} [{ends[0]}, {ends[1]}]"


def _leads(measure: Measure, column: list[Spread], place: int) -> bool:
    """Return whether one of the results is the best or near it."""
    values = [float(result.middle[0]) for result in column]
    known = [value for value in values if math.isfinite(value)]
    if not known or measure.higher_is_better is None or not math.isfinite(values[place]):
        return False
    return is_near(values[place], max(known) if measure.higher_is_better else min(known), measure)


def notes(record: TrainingRecord, field: list[Group]) -> str:
    """Return what the table's and the curves' marks mean."""
    seeds = max(len(group.runners) for group in field)
    parts = [f"lines, bands and brackets: {interval_means(seeds)}"] if seeds > 1 else []
    if len(field) > 1:
        parts.append("in bold: within a point of the best accuracy, or a tenth of the lowest loss")
    if any(diverged(record, k) for k in range(len(record.runs))):
        parts.append("✕ diverged: counts as worse than any other")
    if any(failed(record, k) for k in range(len(record.runs))):
        parts.append(f"failed runs are left out: {failure_told(record)}")
    if record.engine != "solo":
        parts.append("seconds: runners that train together share them evenly")
    return " · ".join(parts)


def footer(record: TrainingRecord, field: list[Group]) -> str:
    """Return how the race was run, and what it does not show."""
    parts = [*_conditions(record, field)]
    versions = [
        f"{name} {record.versions[name].partition('+')[0]}" for name in ("slalom", "torch") if name in record.versions
    ]
    parts.append(", ".join(versions))
    rates = {str(group.hyperparameters.get("lr")) for group in field}
    if len(field) > 1 and len(rates) == 1:
        parts.append("one learning rate for all ranks defaults, not optimizers")
    return " · ".join([part for part in parts if part] + [str(remark) for remark in record.remarks])


def _conditions(record: TrainingRecord, field: list[Group]) -> list[str]:
    rates = [f"{group.name} {rate(group)}" for group in field if rate(group)]
    schedules = {getattr(record.runners[group.typical].optimizer, "schedule", "") for group in field} - {""}
    seeds = sorted({runner.seed for runner in record.runners})
    parts = ["; ".join(rates) if len(field) == 1 else "learning rates in the table"]
    parts += [f"schedule {' and '.join(sorted(schedules))}"] if schedules else []
    parts.append(f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}–{seeds[-1]}")
    training = record.training
    if training is None:
        return [*parts, length(record), f"{record.engine} engine"]
    steps = f"{count(training.steps, 'step') if training.steps < 2 else f'{training.steps:,} steps'}"
    whole = length(record)
    steps = steps if whole == steps else f"{whole} = {steps}"
    precision = f" {training.precision}" if training.precision != "fp32" else ""
    device = f" on {training.device}" if training.device != "cpu" else ""
    batch = getattr(record.course, "batch_size", None)
    parts.append(steps + (f" of {batch} examples" if batch else ""))
    return [*parts, f"{training.dtype}{precision}{device}, {record.engine} engine"]
