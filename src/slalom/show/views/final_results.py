"""The numbers of the picture of final results: every seed a dot, each optimizer's middle and interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from slalom.core import InputError, TrainingRecord, nearest, quote
from slalom.show.views import training_tables
from slalom.show.views.frames import Axis, linear_axis, measure_axis
from slalom.show.views.groups import Group, rate, training_groups
from slalom.show.views.labels import text_size
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.seeds import Measure, diverged, failed, finals, interval_means, measure_named, primary, spread
from slalom.show.views.styles import Style
from slalom.show.views.training_sentences import is_near, length, training_sentence
from slalom.show.views.words import capital, count, fixed, listing, number, percent, short_names, wrap

ROW = 0.46
"""Inches of an optimizer's row."""
SHARES = (0.0, 0.2, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999)
"""Proportions that an axis of errors may mark."""
ASIDE = 0.16
"""The room for counting lost runs, as a share of the axis."""
EVEN = "the axis is even in the logarithm of the error"
LINEAR = 0.25
"""Proportions that differ by no more stand on a linear axis."""


@dataclass(frozen=True)
class Summary:
    """What is told of all seeds of one optimizer, in the measure's own units: a middle, and an interval if known.

    ``kind`` is what the middle is: "median", "mean", "geometric mean". ``text`` and ``told`` are the words of middle
    and interval, ``marked`` says that it is among the best.
    """

    middle: float
    low: float
    high: float
    text: str
    told: str
    kind: str = "median"
    marked: bool = False


@dataclass(frozen=True)
class ResultRow:
    """One optimizer: ``values`` [seeds that lasted], their places as the axis draws them, middle and interval.

    ``dots`` [seeds, 2] are the places of the dots: along the axis, and up or down from the row's line (−1 to 1).
    ``middle`` and ``interval`` are places too, None where most runs, or one at an end of the interval, were lost, or
    where they lie beyond the axis; ``text`` and ``told`` are their words, ``kind`` is what the middle is: "median".
    ``gone`` runs diverged and ``failed`` failed; ``best`` says that it is among the best, as
    :attr:`FinalResults.best_means` tells.
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
    kind: str = "median"
    failed: int = 0

    @property
    def lost(self) -> str:
        """How many runs have no dot: "2 diverged, 1 failed"; empty where all have one."""
        counts = {"diverged": self.gone, "failed": self.failed}
        return ", ".join(f"{amount} {how}" for how, amount in counts.items() if amount)


@dataclass(frozen=True)
class FinalResults:
    """The picture of final results; ``worst_at`` is the end of the axis where runs that were lost are marked.

    ``heading`` stands above the middles: "median". ``means`` says what they and the intervals are, ``best_means`` what
    is true of the rows that are ``best``, ``axis_means`` how the axis is read; each is empty where there is no need.
    """

    title: str
    sentence: tuple[str, ...]
    axis: Axis
    axis_title: str
    rows: tuple[ResultRow, ...]
    worst_at: float
    footer: tuple[str, ...]
    size: tuple[float, float]
    box: Box
    heading: str = "median"
    means: str = ""
    best_means: str = ""
    axis_means: str = ""


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
    told = medians(record, what)
    said = training_sentence(record) if measure is None else _sentence(record, told, what)
    field = training_groups(record)
    seeds = max(len(group.runners) for group in field)
    foot = training_tables.footer(record, field).replace("learning rates in the table · ", "")
    return pictured(record, what, told, said, foot, interval_means(seeds), near_means(what, len(field)))


def pictured(
    record: TrainingRecord, what: Measure, told: Sequence[Summary], said: str, foot: str, means: str, best_means: str
) -> FinalResults:
    """Return the picture of a measure with what is ``told`` of each optimizer, a sentence and the end of a footer.

    ``means`` says what the middles and intervals are, ``best_means`` what is true of those that are marked.
    """
    field = training_groups(record)
    ends = [finals(record, group, what) for group in field]
    gone = any(diverged(record, k) for group in field for k in group.runners)
    whole = [
        np.clip((one.low, one.middle, one.high), *((0, 1) if what.proportion else (-np.inf, np.inf)))
        for one, end in zip(told, ends, strict=True)
        if not np.isinf(end).any()  # of the others a middle that counts lost runs would press all dots together
    ]
    scale = _scale(what, np.concatenate([*ends, *whole]))
    if gone:
        scale = replace(scale, axis=_widened(scale.axis, what))
    names = short_names([group.name for group in field])
    rows = tuple(
        _row(record, group, end, scale, one, name)
        for group, end, one, name in zip(field, ends, told, names, strict=True)
    )
    wide = (WIDTH - 2 * EDGE) * 72
    lines = wrap(said, wide, 10.5, 4)
    marked = best_means if any(row.best for row in rows) else ""
    footer = wrap(" · ".join([*_means(scale, means, marked, gone), foot]), wide, 8.0, most=4)
    wide_names = max(text_size(row.name, 9.5)[0] for row in rows) / 72
    left, right = EDGE + max(wide_names, 0.6) + 0.2, 2.0
    head, feet = 0.95 + 0.22 * len(lines), 0.75 + 0.145 * len(footer)
    height = ROW * len(rows) + 0.1
    kinds = list(dict.fromkeys(one.kind for one in told))
    return FinalResults(
        title=f"{capital(what.title)} on {record.course.title}",
        sentence=tuple(lines),
        axis=scale.axis,
        axis_title=f"{what.title} after {length(record)}",
        rows=rows,
        worst_at=scale.axis.low if what.higher_is_better else scale.axis.high,
        footer=tuple(footer),
        size=(WIDTH, head + height + feet),
        box=Box(left, feet, WIDTH - EDGE - left - right, height),
        heading=kinds[0] if len(kinds) == 1 else "middle",
        means=means,
        best_means=marked,
        axis_means=EVEN if scale.errors else "",
    )


def medians(record: TrainingRecord, what: Measure) -> list[Summary]:
    """Return each optimizer's median over the seeds and the middle half of them, or all where they are few."""
    field = training_groups(record)
    overs = [spread(finals(record, group, what)[:, None], what.higher_is_better) for group in field]
    found = [[float(part[0]) for part in (over.middle, over.low, over.high)] for over in overs]
    finite = [middle for middle, _, _ in found if math.isfinite(middle)]
    best = max(finite, default=math.nan) if what.higher_is_better else min(finite, default=math.nan)
    directed = len(field) > 1 and what.higher_is_better is not None
    return [
        Summary(
            middle,
            low,
            high,
            text=_text(middle, what),
            told=f"{_end(low, what)} to {_end(high, what)}" if low < high else "",
            marked=directed and math.isfinite(middle) and is_near(middle, best, what),
        )
        for middle, low, high in found
    ]


def near_means(what: Measure, optimizers: int) -> str:
    """Return what is true of those whose median is the best or near it."""
    if optimizers < 2 or what.higher_is_better is None:
        return ""
    if what.proportion:
        return f"within a point of the best median {what.name}"
    return f"within a tenth of the {'highest' if what.higher_is_better else 'lowest'} median {what.name}"


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


def _row(record: TrainingRecord, group: Group, end: np.ndarray, scale: _Scale, told: Summary, name: str) -> ResultRow:
    values = end[np.isfinite(end)]
    places = scale.place(values)
    middle = float(scale.place(np.array(told.middle))) if math.isfinite(told.middle) else None
    return ResultRow(
        name=name,
        rate="" if rate(group) in group.name or "lr=" in group.name else rate(group),
        style=group.style,
        values=values,
        dots=np.stack([places, _beside(scale.axis.place(places))], axis=1),
        middle=middle if middle is None or scale.axis.low <= middle <= scale.axis.high else None,
        interval=_seen(told, scale),
        text=told.text,
        told=told.told,
        gone=sum(diverged(record, k) for k in group.runners),
        best=told.marked,
        kind=told.kind,
        failed=sum(failed(record, k) for k in group.runners),
    )


def _seen(told: Summary, scale: _Scale) -> tuple[float, float] | None:
    """Return the part of an interval that the axis shows; None where there is none."""
    if not (math.isfinite(told.low) and math.isfinite(told.high) and told.low < told.high):
        return None
    low, high = (float(scale.place(np.array(end))) for end in (told.low, told.high))
    low, high = max(low, scale.axis.low), min(high, scale.axis.high)
    if scale.errors and told.high >= 1:  # no error is left: that has no place, and the interval leaves the picture
        high = scale.axis.high
    return (low, high) if low < high else None


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


def _sentence(record: TrainingRecord, told: Sequence[Summary], what: Measure) -> str:
    """Say who is best by a measure that was asked for."""
    field = training_groups(record)
    names = [group.name for group in field]
    after = f"After {length(record)}"
    known = [k for k, one in enumerate(told) if math.isfinite(one.middle)]
    if not known:
        how = lost_words(record)
        return f"{after} most runs of every optimizer have {how}."
    best = [names[k] for k in known if told[k].marked]
    if len(told) == 1 or not best:
        return f"{after} {names[known[0]]} has a {what.title} of {told[known[0]].text}."
    order = sorted(known, key=lambda k: -told[k].middle if what.higher_is_better else told[k].middle)
    leader, last = order[0], order[-1]
    text = f"{after} {listing(best, 6)} {'has' if len(best) == 1 else 'have'} the best {what.title}, "
    text += f"{told[leader].text} or near it" if len(best) > 1 else told[leader].text
    text += f"; {names[last]} has {told[last].text}." if len(known) > 1 else "."
    for how, lost in (("diverged", diverged), ("failed", failed)):
        gone = sum(lost(record, k) for group in field for k in group.runners)
        text += f" {capital(count(gone, 'run'))} {how}." if gone else ""
    return text


def lost_words(record: TrainingRecord) -> str:
    """Return "diverged", "failed", or "diverged or failed": whatever became of runs that have no result."""
    ways = {"diverged": diverged, "failed": failed}
    return " or ".join(how for how, lost in ways.items() if any(lost(record, k) for k in range(len(record.runs))))


def _means(scale: _Scale, means: str, best_means: str, gone: bool) -> list[str]:
    """Return what the marks of the picture mean, as parts of a footer."""
    parts = ["each dot a seed"]
    parts += [f"line and shade: {means}"] if means else []
    parts += [f"grey row, bold: {best_means}"] if best_means else []
    parts += ["✕ diverged: counts as worse than any other"] if gone else []
    parts += [EVEN] if scale.errors else []
    return parts
