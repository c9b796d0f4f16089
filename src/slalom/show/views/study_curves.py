"""The curves of a study's card: how the runs on fresh seeds went, and what more trials of tuning would bring."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from slalom.core import InputError
from slalom.show.views.curves import CurveLine, Panel
from slalom.show.views.frames import Axis, linear_axis, measure_axis
from slalom.show.views.groups import training_groups
from slalom.show.views.labels import at_ends, text_size
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.seeds import measure_named, over_seeds, spread
from slalom.show.views.study_records import (
    StudyRecord,
    from_optimum,
    gap_axis,
    is_logarithmic,
    protocol_told,
    study_styles,
    title_of,
)
from slalom.show.views.training_panels import margin, measure_panel
from slalom.show.views.words import listing, percent, short_names, wrap

NEAR_ZERO = 0.3
"""An axis of proportions that would begin below this begins at 0."""
HEIGHT = 3.3
"""Inches of the curves over trials."""
LONGEST = 24
"""Letters of a name at a line's end."""
NAME = 9.0
"""Font size of the names at the lines' ends."""
CLOSE = 0.05
"""An axis of proportions is at least so long, and begins half of it below the lowest value that matters."""


@dataclass(frozen=True)
class BudgetCurves:
    """The best validation result to expect of so many trials of tuning."""

    title: str
    sentence: tuple[str, ...]
    panel: Panel
    box: Box
    footer: tuple[str, ...]
    size: tuple[float, float]


def study_curves(record: StudyRecord, box: Box) -> Panel:
    """Return the measure by which everybody is judged over the runs on fresh seeds, named at the ends.

    The names stand at the right of ``box``, in a margin of :func:`curves_margin`. Proportions are shown from a little
    below where the runs end on, and the title says where their axis begins.
    """
    fresh = record.fresh
    field, measure = training_groups(fresh), measure_named(fresh, record.curve)
    area = (box.width * 72, box.height * 72)
    if not measure.proportion:
        y = None
        if record.yardstick.kind == "loss" and record.yardstick.optimum is not None:
            y = gap_axis(np.concatenate([spread(over_seeds(fresh, group, measure)[1]).middle for group in field]))
        return measure_panel(fresh, field, measure, area, y=y)
    overs = [spread(over_seeds(fresh, group, measure)[1], True) for group in field]
    # From half-way on everybody is in the picture, and the differences at the end are as large as that allows.
    later = np.concatenate([over.middle[(len(over.middle) - 1) // 2 :] for over in overs])
    y = near_the_end(later, np.concatenate([over.high for over in overs]))
    panel = measure_panel(fresh, field, measure, area, y=y)
    return replace(panel, title=panel.title + begins(y))


def curves_margin(record: StudyRecord) -> float:
    """Return the inches at the right of the curves for their names."""
    return margin(training_groups(record.fresh))


def near_the_end(later: np.ndarray, every: np.ndarray) -> Axis:
    """Return an axis of proportions, in per cent, from just below the lowest of ``later`` to the highest of ``every``.

    Values that are not finite do not count.
    """
    known, all_known = later[np.isfinite(later)], every[np.isfinite(every)]
    low = max(0.0, float(known.min()) - CLOSE / 2) if len(known) else 0.0
    low = math.floor(20 * low + 1e-9) / 20 if low >= NEAR_ZERO else 0.0
    high = float(all_known.max(initial=low + CLOSE)) + 0.03 * (1 - low)
    axis = linear_axis(100 * low, 100 * min(high, 1.005), most=6)
    ticks = tuple(tick / 100 for tick in axis.ticks)
    return Axis(axis.low / 100, axis.high / 100, ticks, tuple(f"{tick} %" for tick in axis.labels), log=False)


def begins(y: Axis) -> str:
    """Return what the title of an axis of proportions adds where that does not begin at 0."""
    return "" if y.low <= 0 else f" (axis from {percent(y.low, 0)})"


def budget_curves(record: StudyRecord) -> BudgetCurves:
    """Return the best validation result to expect of 1, 2, … trials, for every optimizer that was tuned.

    Raises :class:`InputError` where nothing was tuned.
    """
    series = {name: from_optimum(record.yardstick, record.expected_best(name)) for name in record.names}
    series = {name: values for name, values in series.items() if len(values)}
    if not series:
        raise InputError("Nothing was tuned in this study, so there are no trials to draw.")
    room = (max(text_size(name, NAME)[0] for name in short_names(list(series), LONGEST)) + 20) / 72
    wide = (WIDTH - 2 * EDGE) * 72
    said = wrap(_budget_sentence(record, series), wide, 10.5, most=3)
    means = "so many trials drawn from all that were made, and the best of them taken"
    if any(np.isinf(values).any() for values in series.values()):
        means += "; a line begins where no longer all of them can have diverged"
    footer = wrap(" · ".join([means, *protocol_told(record)]), wide, 8.0, most=3)
    head, foot = 1.05 + 0.22 * len(said), 0.75 + 0.145 * len(footer)
    box = Box(EDGE + 0.55, foot, WIDTH - 2 * EDGE - 0.55 - room, HEIGHT)
    panel = _budget_panel(record, series, (box.width * 72, box.height * 72))
    return BudgetCurves(
        title=f"What tuning is worth on {record.course.title}",
        sentence=tuple(said),
        panel=panel,
        box=box,
        footer=tuple(footer),
        size=(WIDTH, head + HEIGHT + foot),
    )


def _budget_panel(record: StudyRecord, series: Mapping[str, np.ndarray], area: tuple[float, float]) -> Panel:
    styles, yardstick = study_styles(record), record.yardstick
    x, y = _trial_axis(max(map(len, series.values()))), _budget_axis(record, list(series.values()))
    lines = [
        CurveLine(name, styles[name], np.flatnonzero(np.isfinite(v)) + 1.0, v[np.isfinite(v)])
        for name, v in series.items()
    ]
    title = f"expected best {title_of(yardstick, yardstick.tuning)}"
    title += begins(y) if yardstick.kind == "accuracy" else ""
    return Panel(title, x, y, tuple(_at_their_ends(lines, x, y, area)), x_title="trials of tuning")


def _trial_axis(most: int) -> Axis:
    every = max(1, -(-most // 12))
    ticks = sorted({1, *range(every, most + 1, every)})
    return Axis(0.8, most + 0.2, tuple(map(float, ticks)), tuple(map(str, ticks)), log=False)


def _budget_axis(record: StudyRecord, series: Sequence[np.ndarray]) -> Axis:
    shown = np.concatenate(series)
    shown = shown[np.isfinite(shown)]
    if record.yardstick.kind == "accuracy":
        return near_the_end(shown, shown)
    log = is_logarithmic(record.yardstick, shown)
    if log and float(shown.max()) > 1e6 * float(np.median(shown)):
        shown = shown[shown <= 1e6 * float(np.median(shown))]
    return gap_axis(shown) if log else measure_axis(shown, log=False)


def _at_their_ends(lines: Sequence[CurveLine], x: Axis, y: Axis, area: tuple[float, float]) -> list[CurveLine]:
    known = [line for line in lines if len(line.steps)]
    heights = [float(np.clip(y.place(np.array(line.values[-1])), 0, 1)) * area[1] for line in known]
    labels = at_ends(short_names([line.name for line in known], LONGEST), heights, area, NAME)
    return [replace(line, label=label) for line, label in zip(known, labels, strict=True)]


def _budget_sentence(record: StudyRecord, series: dict[str, np.ndarray]) -> str:
    """Say after how many trials each is about where all its trials brought it."""
    sign = 1 if record.yardstick.higher_is_better else -1
    needed = {}
    for name, values in series.items():
        near = 0.01 if record.yardstick.kind == "accuracy" else 0.05 * abs(values[-1])
        if np.isfinite(values[-1]):
            needed[name] = 1 + int(np.argmax(sign * (values[-1] - values) <= near))
    if not needed:
        return "Every trial diverged."
    bound = "a point" if record.yardstick.kind == "accuracy" else "5 %"
    what = f"within {bound} of what all trials would bring"
    if len(set(needed.values())) == 1:
        return f"Expect everybody {what} after {_trials(min(needed.values()))}."
    told = [
        f"{listing([name for name in needed if needed[name] == amount], 6)} after {_trials(amount)}"
        for amount in sorted(set(needed.values()))
    ]
    return f"Expected to be {what}: {'; '.join(told)}."


def _trials(amount: int) -> str:
    return f"{amount} trial{'s' * (amount != 1)}"
