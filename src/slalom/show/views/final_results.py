"""The numbers of the picture of final results: every seed a dot, each optimizer's median and interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from slalom.core import InputError, TrainingRecord, nearest, quote
from slalom.show.views import training_tables
from slalom.show.views.frames import Axis, linear_axis, measure_axis
from slalom.show.views.groups import Group, rate, training_groups
from slalom.show.views.labels import text_size
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.seeds import Measure, finals, interval_means, lost, measure_named, primary, spread
from slalom.show.views.styles import Style
from slalom.show.views.training_sentences import is_near, length, training_sentence
from slalom.show.views.words import capital, count, fixed, listing, number, percent, shortened, wrap

ROW = 0.46
"""Inches of an optimizer's row."""
SHARES = (0.0, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)
"""Proportions that an axis of errors may mark."""
ASIDE = 0.16
"""The room for counting lost runs, as a share of the axis."""
LINEAR = 0.25
"""Proportions that differ by no more stand on a linear axis."""


@dataclass(frozen=True)
class ResultRow:
    """One optimizer: ``values`` [seeds that lasted], their places as the axis draws them, median and interval.

    ``dots`` [seeds, 2] are the places of the dots: along the axis, and up or down from the row's line (−1 to 1).
    ``middle`` and ``interval`` are places too, None where most runs, or one at an end of the interval, were lost;
    ``text`` and ``told`` are their words. ``gone`` runs were lost; ``best`` says that it is the best or near it.
    """

    name: str
    rate: str
    style: Style
    values: np.ndarray
    dots: np.ndarray
    middle: float | None
    interval: tuple[float, float] | None
    text: str
    told: str
    gone: int
    best: bool


@dataclass(frozen=True)
class FinalResults:
    """The picture of final results; ``worst_at`` is the end of the axis where runs that were lost are marked."""

    title: str
    sentence: tuple[str, ...]
    axis: Axis
    axis_title: str
    rows: tuple[ResultRow, ...]
    worst_at: float
    footer: tuple[str, ...]
    size: tuple[float, float]
    box: Box


@dataclass(frozen=True)
class _Scale:
    """The axis, and whether a proportion p is drawn at −log10(1 − p), so that 98 % and 99 % stand well apart."""

    axis: Axis
    errors: bool
    floor: float

    def place(self, values: np.ndarray) -> np.ndarray:
        if not self.errors:
            return np.asarray(values, dtype=float)
        return np.asarray(-np.log10(np.maximum(1.0 - values, self.floor)))


def final_results(record: TrainingRecord, measure: str | None = None) -> FinalResults:
    """Return the final results of a race on a task, or in a training loop of the caller's own.

    ``measure`` is such as ``"test_accuracy"`` or ``"train_loss"``; by default the first metric, or else the loss, on
    the test set or what else was held out. Raises :class:`InputError` where the runs have no such measure.
    """
    what = primary(record) if measure is None else measure_named(record, check_measure(record, measure))
    field = training_groups(record)
    ends = [finals(record, group, what) for group in field]
    scale = _scale(what, np.concatenate(ends))
    if any(lost(record, k) for group in field for k in group.runners):
        scale = replace(scale, axis=_widened(scale.axis, what))
    medians = [float(spread(end[:, None], what.higher_is_better).middle[0]) for end in ends]
    rows = tuple(_row(record, group, end, what, scale, medians) for group, end in zip(field, ends, strict=True))
    wide = (WIDTH - 2 * EDGE) * 72
    said = wrap(training_sentence(record) if measure is None else _sentence(record, rows, what, medians), wide, 10.5, 3)
    footer = wrap(_footer(record, field, scale), wide, 8.0, most=3)
    names = max(text_size(row.name, 9.5)[0] for row in rows) / 72
    left, right = EDGE + max(names, 0.6) + 0.2, 2.0
    head, foot = 0.95 + 0.22 * len(said), 0.75 + 0.145 * len(footer)
    height = ROW * len(rows) + 0.1
    return FinalResults(
        title=f"{capital(what.title)} on {record.course.title}",
        sentence=tuple(said),
        axis=scale.axis,
        axis_title=f"{what.title} after {length(record)}",
        rows=rows,
        worst_at=scale.axis.low if what.higher_is_better else scale.axis.high,
        footer=tuple(footer),
        size=(WIDTH, head + height + foot),
        box=Box(left, foot, WIDTH - EDGE - left - right, height),
    )


def check_measure(record: TrainingRecord, measure: str) -> str:
    """Return ``measure``, or say which ones there are."""
    names = [f"{split}_{name}" for split in record.splits for name in record.measures] or list(record.measures)
    if measure in names:
        return measure
    hint = nearest(measure, names)
    raise InputError(f"There is no measure {quote(measure)} in this race; it has {listing(names, 12)}.{hint}")


def _scale(what: Measure, values: np.ndarray) -> _Scale:
    known = values[np.isfinite(values)]
    if not len(known):
        axis = linear_axis(0.0, 1.0)
        return _Scale(axis, False, 0.0)
    low, high = float(known.min()), float(known.max())
    if what.proportion and high - low > LINEAR:
        smallest = float(np.min(1 - known[known < 1], initial=0.1))
        return _Scale(_error_axis(low, smallest / 2 if high == 1 else smallest), True, smallest / 2)
    if what.proportion:
        margin = max(0.06 * (high - low), 0.004)
        axis = linear_axis(100 * (low - margin), min(100 * (high + margin), 100.3), most=8)
        ticks = tuple(tick / 100 for tick in axis.ticks)
        return _Scale(
            Axis(axis.low / 100, axis.high / 100, ticks, tuple(f"{t} %" for t in axis.labels), False), False, 0.0
        )
    log = what.higher_is_better is False and low > 0 and high > 3 * low
    return _Scale(measure_axis(known, log), False, 0.0)


def _widened(axis: Axis, what: Measure) -> Axis:
    """Return the axis with room at its worse end, where the lost runs are counted."""
    if axis.log:
        room = (axis.high / axis.low) ** ASIDE
        return replace(axis, low=axis.low / room) if what.higher_is_better else replace(axis, high=axis.high * room)
    width = ASIDE * (axis.high - axis.low)
    return replace(axis, low=axis.low - width) if what.higher_is_better else replace(axis, high=axis.high + width)


def _error_axis(low: float, smallest: float) -> Axis:
    """Return the axis of −log10(1 − p), from a little below ``low`` to an error of ``smallest``, marked in per cent."""
    first, last = -math.log10(1 - low), -math.log10(smallest)
    margin = 0.04 * (last - first)
    inside = [share for share in SHARES if first - margin <= -math.log10(1 - share) <= last + margin]
    ticks = tuple(-math.log10(1 - share) for share in inside)
    return Axis(first - margin, last + margin, ticks, tuple(f"{100 * share:g} %" for share in inside), log=False)


def _row(
    record: TrainingRecord, group: Group, end: np.ndarray, what: Measure, scale: _Scale, medians: list[float]
) -> ResultRow:
    over = spread(end[:, None], what.higher_is_better)
    middle, low, high = (float(part[0]) for part in (over.middle, over.low, over.high))
    values = end[np.isfinite(end)]
    places = scale.place(values)
    gone = sum(lost(record, k) for k in group.runners)
    finite = [median for median in medians if math.isfinite(median)]
    best = False
    if len(medians) > 1 and finite and math.isfinite(middle) and what.higher_is_better is not None:
        best = is_near(middle, max(finite) if what.higher_is_better else min(finite), what)
    ends = (float(scale.place(np.array(low))), float(scale.place(np.array(high))))
    known = math.isfinite(low) and math.isfinite(high) and low < high
    return ResultRow(
        name=shortened(group.name),
        rate="" if rate(group) in group.name or "lr=" in group.name else rate(group),
        style=group.style,
        values=values,
        dots=np.stack([places, _beside(scale.axis.place(places))], axis=1),
        middle=float(scale.place(np.array(middle))) if math.isfinite(middle) else None,
        interval=ends if known else None,
        text=_text(middle, what),
        told=f"{_end(low, what)} to {_end(high, what)}" if low < high else "",
        gone=gone,
        best=best,
    )


def _text(value: float, what: Measure) -> str:
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "diverged"
    return what.text(value) if what.proportion else fixed(value)


def _end(value: float, what: Measure) -> str:
    if math.isinf(value):
        return "✕"
    return percent(value) if what.proportion else number(value, 3)


def _beside(shares: np.ndarray, near: float = 0.012) -> np.ndarray:
    """Return how far up or down each dot stands, −1 to 1: those that would lie on one another part evenly."""
    shifts = np.zeros(len(shares))
    order = np.argsort(shares, kind="stable")
    first = 0
    for k in range(1, len(order) + 1):
        if k == len(order) or shares[order[k]] - shares[order[k - 1]] > near:
            amount = k - first
            if amount > 1:
                reach = min(1.0, 0.3 * (amount - 1))
                steps = np.linspace(-reach, reach, amount)
                shifts[order[first:k]] = steps[np.argsort(np.abs(steps), kind="stable")]
            first = k
    return shifts


def _sentence(record: TrainingRecord, rows: tuple[ResultRow, ...], what: Measure, medians: list[float]) -> str:
    """Say who is best by a measure that was asked for."""
    after = f"After {length(record)}"
    if all(row.middle is None for row in rows):
        return f"{after} most runs of every optimizer have diverged."
    best = [row.name for row in rows if row.best]
    if len(rows) == 1 or not best:
        first = next(row for row in rows if row.middle is not None)
        return f"{after} {first.name} has a {what.title} of {first.text}."
    sign = -1 if what.higher_is_better else 1
    order = sorted((sign * median, k) for k, median in enumerate(medians) if math.isfinite(median))
    leader, last = rows[order[0][1]], rows[order[-1][1]]
    text = f"{after} {listing(best, 6)} {'has' if len(best) == 1 else 'have'} the best {what.title}, {leader.text}"
    text += f" or near it; {last.name} has {last.text}." if len(best) > 1 else f"; {last.name} has {last.text}."
    gone = sum(row.gone for row in rows)
    return text + (f" {capital(count(gone, 'run'))} diverged." if gone else "")


def _footer(record: TrainingRecord, field: list[Group], scale: _Scale) -> str:
    seeds = max(len(group.runners) for group in field)
    parts = ["each dot a seed"]
    if seeds > 1:
        parts.append(f"line and shade: {interval_means(seeds)}")
    if any(lost(record, k) for group in field for k in group.runners):
        parts.append("✕ diverged: counts as worse than any other")
    if scale.errors:
        parts.append("the axis is even in the logarithm of the error")
    return " · ".join([*parts, training_tables.footer(record, field).replace("learning rates in the table · ", "")])
