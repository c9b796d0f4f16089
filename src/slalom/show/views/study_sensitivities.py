"""The sensitivity curves of a study: every trial of the tuning, by its learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from slalom.core import InputError
from slalom.show.views.frames import Axis, log_axis, measure_axis, share_axis
from slalom.show.views.labels import place
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.lines import cloud
from slalom.show.views.sensitivities import LONGEST, Sensitivity, SensitivityLine, boxes, names_width
from slalom.show.views.study_records import (
    StudyRecord,
    TrialRecord,
    from_optimum,
    gap_axis,
    is_logarithmic,
    protocol_told,
    rate_of,
    study_styles,
    title_of,
)
from slalom.show.views.styles import Style
from slalom.show.views.words import capital, listing, number, percent, short_names, wrap

CEILING = 3.0
"""The axis of losses ends at so many times the largest at the lowest learning rates: above that a run is lost."""
STRIP_ROW = 0.26
"""Inches of a row of the strip."""


def study_sensitivity(record: StudyRecord) -> Sensitivity:
    """Return how the validation result of every optimizer depends on its learning rate, as tuning found it.

    Raises :class:`InputError` where no learning rate was tuned.
    """
    lines = sensitivity_lines(record)
    if not lines:
        raise InputError("No learning rate was tuned in this study, so there is no sensitivity to draw.")
    wide = (WIDTH - 2 * EDGE) * 72
    said = wrap(_sentence(record, lines), wide, 10.5, most=3)
    footer = wrap(" · ".join([*sensitivity_means(record, lines), *protocol_told(record)]), wide, 8.0, most=4)
    size, curves, strip = boxes(len(lines), len(said))
    left = max(curves.left, EDGE + names_width(lines))
    lower = 0.145 * max(0, len(footer) - 2)
    curves = Box(left, curves.bottom + lower, WIDTH - EDGE - 0.05 - left, curves.height)
    strip = Box(left, strip.bottom + lower, curves.width, strip.height)
    size = (size[0], size[1] + lower)
    view = placed(record, lines, curves, strip)
    return replace(
        view,
        title=f"How the learning rate matters on {record.course.title}",
        sentence=tuple(said),
        footer=tuple(footer),
        size=size,
    )


def placed(record: StudyRecord, lines: Sequence[SensitivityLine], curves: Box, strip: Box) -> Sensitivity:
    """Return curves and strip to be drawn in these boxes, without words around them.

    Where there are no stretches to show, the curves take the room of the strip as well.
    """
    stretches = any(len(line.rates) for line in lines)
    if not stretches:
        curves = Box(curves.left, strip.bottom, curves.width, curves.top - strip.bottom)
    x, y = _rates(lines), _vertical(record, lines)
    drawn = [_clipped(line, y) for line in lines]
    area = (curves.width * 72, curves.height * 72)
    return Sensitivity(
        title="",
        sentence=(),
        x=x,
        y=y,
        y_title=title_of(record.yardstick, record.yardstick.tuning),
        lines=_named(drawn, x, y, area),
        good=None,
        good_means="",
        footer=(),
        size=(WIDTH, 0.0),
        curves_box=curves,
        strip_box=strip if stretches else None,
        strip_title=f"usable learning rates: {_bound(record)}" if _has_widths(record) else "learning rates tried",
        higher_is_better=record.yardstick.higher_is_better,
    )


def sensitivity_lines(record: StudyRecord) -> list[SensitivityLine]:
    """Return a line for every optimizer whose learning rate was tuned; on the track full its trials are loose dots."""
    styles = study_styles(record)
    lines = []
    for name, short in zip(record.names, short_names(record.names, LONGEST), strict=True):
        trials = [trial for trial in record.trials(name) if "lr" in trial.values]
        if trials:
            lines.append(_line(record, name, short, styles[name], trials))
    return lines


def sensitivity_means(
    record: StudyRecord, lines: Sequence[SensitivityLine], gone: str = "✕: runs diverge"
) -> list[str]:
    """Return what the marks of the curves mean, as parts of a footer; ``gone`` is what is said of lost runs."""
    loose = record.track == "full"
    each = rate_means(record)
    parts = [f"{'each small mark a trial' if loose else 'curves over learning rates'}: {each}"]
    parts.append("large mark: chosen" if loose else "● chosen")
    if any(line.default is not None for line in lines):
        tried = all(line.default is None or line.default_tried for line in lines)
        parts.append("○ the library's default" + ("" if tried else ", read off the line where it was not tried"))
    if any(len(line.lost) for line in lines):
        parts.append(gone)
    if any(len(line.open_ends) for line in lines):
        parts.append("| the range ends")
    if any(len(line.finalists) for line in lines):
        parts.append("◇ finalist, on more seeds")
    every = [trial for name in record.names for trial in record.trials(name)]
    if any(map(_all_failed, every)):
        parts.append("nothing is drawn at learning rates where every run failed")
    if any(trial.steps is not None for trial in every):
        parts.append("trials stopped early are left out")
    return parts


def rate_means(record: StudyRecord) -> str:
    """Return what a trial's result is over its seeds: "geometric mean and range of 2 tuning seeds".

    Above a known optimum it is the mean of logarithms, as results are judged there; of other losses the plain one.
    """
    kind = "geometric mean" if record.yardstick.kind == "loss" and record.yardstick.optimum is not None else "mean"
    counts = {len(trial.by_seed) for name in record.names for trial in record.trials(name)}
    few, many = min(counts), max(counts)
    if many < 2:
        return "one tuning seed"
    seeds = f"{many} tuning seeds" if few == many else f"all tuning seeds, {few} or {many}"
    return f"{kind}{'' if record.track == 'full' else ' and range'} of {seeds}"


def _line(record: StudyRecord, name: str, short: str, style: Style, trials: Sequence[TrialRecord]) -> SensitivityLine:
    whole = [trial for trial in trials if trial.steps is None] or list(trials)
    rates = np.array([trial.values["lr"] for trial in whole])
    middle = np.array([_measure(record, trial) for trial in whole])
    chosen = rate_of(record, name)
    loose = record.track == "full"
    order = np.argsort(rates, kind="stable")
    rates, middle = rates[order], middle[order]
    ends = [[_ended(whole[k]) for k in order], [(whole[k].measure,) for k in order]]
    seeds = [ended if ended and not gone else mean for (ended, gone), mean in zip(*ends, strict=True)]
    low, high = (
        np.where(np.isfinite(middle), from_optimum(record.yardstick, np.array([pick(one) for one in seeds])), np.nan)
        for pick in (min, max)
    )
    width = record.width(name) if _has_widths(record) else None
    broken = np.array([_all_failed(whole[k]) for k in order])
    lost = rates[~np.isfinite(middle) & ~broken & (rates > (chosen or 0.0))]
    best = _at(chosen, rates, middle, exact=True)
    none = np.empty(0)
    amounts = np.array([len(whole[k].by_seed) for k in order])
    final = (amounts > amounts.min()) & np.isfinite(middle)
    return SensitivityLine(
        name=name,
        short=short,
        style=style,
        rates=none if loose else rates,
        middle=none if loose else middle,
        low=none if loose else low,
        high=none if loose else high,
        best=best,
        default=None if loose else _at(record.default_rate(name), rates, middle),
        default_tried=_was_tried(record.default_rate(name), rates),
        usable=None if width is None else (width.low, width.high),
        decades=0.0 if width is None else width.decades,
        diverges_from=None if loose or not len(lost) else float(lost[0]),
        dots=np.stack([rates, middle], axis=1)[np.isfinite(middle)] if loose else np.empty((0, 2)),
        lost=rates[~np.isfinite(middle) & ~broken],
        finalists=np.stack([rates, middle], axis=1)[final],
    )


def _measure(record: StudyRecord, trial: TrialRecord) -> float:
    """Return a trial's mean as drawn; NaN where as many of its runs diverged as did not, and where all failed."""
    ended, gone = _ended(trial)
    if not np.isfinite(trial.measure) or (trial.by_seed and len(ended) <= gone):
        return math.nan
    return float(from_optimum(record.yardstick, np.array(trial.measure)))


def _ended(trial: TrialRecord) -> tuple[Sequence[float], int]:
    """Return the results of a trial's runs that ended, and how many diverged; those that failed are neither."""
    ended = [value for value in trial.by_seed if np.isfinite(value)]
    return ended, len(trial.by_seed) - len(ended) - len(trial.failures)


def _all_failed(trial: TrialRecord) -> bool:
    """Whether no run of a trial came to an end, so that it says nothing of its learning rate."""
    return 0 < len(trial.by_seed) <= len(trial.failures)


def _at(rate: float | None, rates: np.ndarray, middle: np.ndarray, exact: bool = False) -> tuple[float, float] | None:
    """Return the point of the line at a learning rate, None where it lies outside or beside one that was lost.

    Between two rates that were tried it lies on the line that is drawn between them; nobody ran it. ``exact`` takes the
    nearest that was tried.
    """
    known = np.isfinite(middle)
    if rate is None or not known.any():
        return None
    if exact:
        nearest = int(np.argmin(np.abs(np.log(rates[known] / rate))))
        return float(rates[known][nearest]), float(middle[known][nearest])
    near = np.flatnonzero(np.isclose(rates, rate))
    if len(near):  # it was tried itself
        return (rate, float(middle[near[0]])) if known[near[0]] else None
    above = int(np.searchsorted(rates, rate))
    if above in (0, len(rates)) or not known[above - 1 : above + 1].all():
        return None
    heights, ends = middle[above - 1 : above + 1], np.log(rates[above - 1 : above + 1])
    logs = bool((heights > 0).all())
    there = float(np.interp(math.log(rate), ends, np.log(heights) if logs else heights))
    return rate, math.exp(there) if logs else there


def _was_tried(rate: float | None, rates: np.ndarray) -> bool:
    return rate is not None and bool(np.isclose(rates, rate).any())


def _rates(lines: Sequence[SensitivityLine]) -> Axis:
    tried = np.concatenate([np.concatenate([line.rates, line.dots[:, 0]]) for line in lines])
    known = tried[tried > 0]
    low, high = (float(known.min()), float(known.max())) if len(known) else (1e-3, 1.0)
    return log_axis(low / 1.15, high * 1.15, most=9) if low < high else log_axis(low / 10, high * 10)


def _vertical(record: StudyRecord, lines: Sequence[SensitivityLine]) -> Axis:
    shown = np.concatenate([np.concatenate([line.low, line.middle, line.high, line.dots[:, 1]]) for line in lines])
    shown = shown[np.isfinite(shown)]
    if record.yardstick.kind == "accuracy":
        return share_axis(shown)
    log = is_logarithmic(record.yardstick, shown)
    if log:
        # At the lowest rates a run ends about where it began: what is far above that is about to diverge.
        firsts = [np.concatenate([line.middle, line.dots[:, 1]]) for line in lines]
        slow = [float(values[np.isfinite(values)][0]) for values in firsts if np.isfinite(values).any()]
        shown = shown[shown <= CEILING * max(slow, default=math.inf)]
        return gap_axis(shown)
    return measure_axis(shown, log)


def _clipped(line: SensitivityLine, y: Axis) -> SensitivityLine:
    """Return a line that stays near the axis: what is far beyond it would be drawn through everything."""
    span = y.high - y.low
    foot, top = (y.low / 100, y.high * 100) if y.log else (y.low - span, y.high + span)
    low, middle, high = (np.clip(part, foot, top) for part in (line.low, line.middle, line.high))
    best, default = (
        None if at is None else (at[0], min(max(at[1], y.low), y.high)) for at in (line.best, line.default)
    )
    finalists = np.column_stack([line.finalists[:, 0], np.clip(line.finalists[:, 1], y.low, y.high)])
    return replace(line, low=low, middle=middle, high=high, best=best, default=default, finalists=finalists)


def _named(
    lines: Sequence[SensitivityLine], x: Axis, y: Axis, area: tuple[float, float]
) -> tuple[SensitivityLine, ...]:
    """Return the lines with their names: beside the curve, or beside the chosen one of loose dots."""
    if len(lines) == 1:
        return tuple(lines)
    clouds, anchors, markers = [], [], []
    for line in lines:
        spots = _inside(np.stack([line.rates, line.middle], axis=1), x, y, area)
        dots = _inside(line.dots, x, y, area)
        curve = cloud(spots) if len(spots) else np.empty((0, 2))
        clouds.append(np.concatenate([curve, dots[np.isfinite(dots).all(axis=1)]]))
        best = _inside(np.array([line.best or (np.nan, np.nan)]), x, y, area)
        best = best[np.isfinite(best).all(axis=1)]
        markers += [(float(a), float(b)) for a, b in best]
        anchors.append(curve[::4] if len(curve) else best)
    labels = place([line.short for line in lines], clouds, area, 9.0, markers, anchors)
    return tuple(replace(line, label=label) for line, label in zip(lines, labels, strict=True))


def _inside(points: np.ndarray, x: Axis, y: Axis, area: tuple[float, float]) -> np.ndarray:
    """Return points of the axes in points of the page, NaN where they lie outside."""
    if not len(points):
        return np.empty((0, 2))
    spots = np.stack([x.place(points[:, 0]) * area[0], y.place(points[:, 1]) * area[1]], axis=1)
    return np.where((spots[:, 1:] >= 0) & (spots[:, 1:] <= area[1]), spots, np.nan)


def _has_widths(record: StudyRecord) -> bool:
    """Say whether usable stretches mean anything: 1 % of a gap to a known optimum is nothing."""
    return record.yardstick.kind != "loss" or record.yardstick.optimum is None


def _bound(record: StudyRecord) -> str:
    """Say what makes a learning rate usable, as :func:`slalom.judge.learning_rate_width` counts it."""
    return "within a point of its best" if record.yardstick.kind == "accuracy" else "within 1 % of its best"


def _sentence(record: StudyRecord, lines: Sequence[SensitivityLine]) -> str:
    known = [line for line in lines if line.best is not None]
    if not known:
        tried = [trial for name in record.names for trial in record.trials(name)]
        how = "failed" if all(map(_all_failed, tried)) else "diverged"
        return f"Every learning rate that was tried {how}."
    best = [f"{line.name} at {number(line.best[0], 2)}" for line in known if line.best is not None]
    return f"Chosen: {listing(best, 6)}.{_widths(record, known)}{_defaults(record, known)}"


def _widths(record: StudyRecord, known: Sequence[SensitivityLine]) -> str:
    """Say over how many decades of learning rates each is usable, from the widest to the narrowest."""
    wide = sorted((line for line in known if line.usable is not None), key=lambda line: -line.decades)
    if not wide or f"{wide[0].decades:.1f}" == "0.0":
        return ""
    first, last = f"{wide[0].decades:.1f}", f"{wide[-1].decades:.1f}"
    if len(wide) > 1 and first == last:
        return f" Each stays {_bound(record)} over {first} decades of learning rates."
    others = [f"{line.name} over {line.decades:.1f}" for line in wide[1:]]
    told = listing([f"{wide[0].name} over {first} decades of learning rates", *others], 6)
    return f" {capital(_bound(record))}: {told}."


def _defaults(record: StudyRecord, known: Sequence[SensitivityLine]) -> str:
    """Say what the library's default costs where it costs most: more than a point of accuracy."""
    if record.yardstick.kind != "accuracy":
        return ""
    worst = max(known, key=_cost_of_default)
    if worst.best is None or worst.default is None or _cost_of_default(worst) <= 0.01:
        return ""
    at_default, at_best = percent(worst.default[1]), percent(worst.best[1])
    if not worst.default_tried:
        at_default = f"about {percent(worst.default[1], 0)}, between the rates tried,"
    if sum(_cost_of_default(line) > 0.01 for line in known) == 1:
        return f" At its default, {worst.name} has {at_default} rather than {at_best}."
    return f" A default costs most with {worst.name}: {at_default} rather than {at_best}."


def _cost_of_default(line: SensitivityLine) -> float:
    return 0.0 if line.best is None or line.default is None else line.best[1] - line.default[1]
