"""The numbers of the sensitivity curve of networks: accuracy or loss at the end against the learning rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from slalom.show.views.frames import Axis, measure_axis, share_axis
from slalom.show.views.layouts import EDGE, WIDTH
from slalom.show.views.seeds import TITLES, interval_means, spread
from slalom.show.views.sensitivities import (
    Goal,
    RateSweep,
    Sensitivity,
    SensitivityLine,
    beside_names,
    boxes,
    line_of,
    named,
    rate_axis,
    with_short_names,
)
from slalom.show.views.styles import styles_for
from slalom.show.views.sweeps import NetworkSweep
from slalom.show.views.words import count, listing, number, percent, wrap

POINT = 0.01
"""A proportion that far below an optimizer's best is still good: a point of accuracy."""
PART = 0.01
"""A loss is still good this share above an optimizer's best."""
CEILING = 3.0
"""The axis of losses ends at so many times the largest median at the lowest learning rate of all."""


def network_sensitivity(sweep: NetworkSweep) -> Sensitivity:
    """Return the sensitivity curves of some optimizers on a task, to be drawn as those of a landscape are.

    Usable are the learning rates around an optimizer's best whose median is within one point of its best accuracy, or
    1 % of its best loss.
    """
    goal, proportion = _goal(sweep)
    styles = styles_for([entry.family for entry in sweep.sweeps])
    lines = [
        line_of(entry, style, goal, _bands(entry, goal)) for entry, style in zip(sweep.sweeps, styles, strict=True)
    ]
    x, y = rate_axis(sweep.sweeps), _vertical(lines, goal, proportion)
    wide = (WIDTH - 2 * EDGE) * 72
    title = _title(sweep)
    bound = "within a point of its best" if proportion else "within 1 % of its best"
    said = wrap(_sentence(lines, title, bound, goal, proportion), wide, 10.5, most=3)
    lines = with_short_names(lines)
    size, curves, strip = boxes(len(lines), len(said))
    curves, strip = beside_names(lines, curves, strip)
    drawn = [_clipped(line, y) for line in lines]
    return Sensitivity(
        title=f"How the learning rate matters on {sweep.course_title}",
        sentence=tuple(said),
        x=x,
        y=y,
        y_title=f"{title} after {_length(sweep)}: {interval_means(len(sweep.seeds)) or 'one seed'}",
        lines=named(drawn, x, y, (curves.width * 72, curves.height * 72)),
        good=None,
        good_means=bound,
        footer=tuple(wrap(_footer(sweep, lines), wide, 8.0, most=3)),
        size=size,
        curves_box=curves,
        strip_box=strip,
        strip_title=f"usable learning rates: {bound}",
        higher_is_better=goal.higher_is_better,
    )


def _bands(entry: RateSweep, goal: Goal) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return low, median and high [L] over the seeds whose runs did not fail; NaN where most of them diverged."""
    worst = -np.inf if goal.higher_is_better else np.inf
    filled = np.where(np.isfinite(entry.final), entry.final, worst)
    over = spread((filled if entry.failed is None else np.where(entry.failed, np.nan, filled)).T, goal.higher_is_better)
    lost = ~np.isfinite(over.middle)
    low, middle, high = (np.where(lost, np.nan, part) for part in (over.low, over.middle, over.high))
    return low, middle, high


def _goal(sweep: NetworkSweep) -> tuple[Goal, bool]:
    """Return what is good, and whether the measure is a proportion."""
    values = np.concatenate([np.ravel(entry.final) for entry in sweep.sweeps])
    known = values[np.isfinite(values)]
    inside = bool(len(known)) and bool(known.min() >= 0) and bool(known.max() <= 1)
    if "accuracy" in sweep.measure and inside:
        return Goal(lambda best: best - POINT - 1e-9, higher_is_better=True, log=False, between=True), True
    if sweep.higher_is_better:
        return Goal(lambda best: best - PART * abs(best), higher_is_better=True, log=False, between=True), False
    positive = bool(len(known)) and bool(known.min() > 0)
    return Goal(lambda best: best + PART * abs(best), log=positive, between=True), False


def _vertical(lines: list[SensitivityLine], goal: Goal, proportion: bool) -> Axis:
    shown = np.concatenate([np.concatenate([line.low, line.middle, line.high]) for line in lines])
    shown = shown[np.isfinite(shown)]
    if proportion:
        return share_axis(shown)
    if goal.log and len(shown):
        # At the lowest rates a network is as it began: what is far above that is about to diverge.
        firsts = [line.middle[np.isfinite(line.middle)][:1] for line in lines]
        shown = shown[shown <= CEILING * float(np.concatenate(firsts).max())]
    return measure_axis(shown, goal.log)


def _clipped(line: SensitivityLine, y: Axis) -> SensitivityLine:
    """Return a line whose band stays finite: a quartile of runs that diverged ends beyond the axis."""
    span = y.high - y.low
    foot, top = (y.low / 100, y.high * 100) if y.log else (y.low - span, y.high + span)
    low, middle, high = (np.clip(part, foot, top) for part in (line.low, line.middle, line.high))
    return replace(line, low=low, middle=middle, high=high)


def _sentence(lines: list[SensitivityLine], title: str, bound: str, goal: Goal, proportion: bool) -> str:
    known = [line for line in lines if line.best is not None]
    if not known:
        verb = "diverge or fail" if any(line.broken for line in lines) else "diverge"
        return f"Most runs {verb} at every learning rate of this range."
    text = _bests(known, title, goal, proportion)
    usable = sorted(known, key=lambda line: -line.decades)
    widest, narrow = usable[0], usable[-1]
    who = widest.name if len(known) > 1 else "It"
    text += f" {who} stays {bound} over {widest.decades:.1f} decades of learning rates"
    text += f", {narrow.name} over {narrow.decades:.1f}." if len(known) > 1 else "."
    never = [line for line in lines if line.best is None]
    verb = "diverge or fail" if any(line.broken for line in never) else "diverge"
    return text + (f" Most runs of {listing([line.name for line in never])} {verb} everywhere." if never else "")


def _bests(known: list[SensitivityLine], title: str, goal: Goal, proportion: bool) -> str:
    """Say how good each is at its own best learning rate."""
    values = {line.name: line.best for line in known if line.best is not None}
    sign = -1 if goal.higher_is_better else 1
    order = sorted(values, key=lambda name: sign * values[name][1])

    def told(name: str) -> str:
        rate, value = values[name]
        return f"{percent(value) if proportion else number(value)} at {number(rate, 2)}"

    if len(order) == 1:
        return f"{order[0]} has its best {title}, {told(order[0])}."
    best = values[order[0]][1]
    if all(abs(value - best) <= (POINT if proportion else PART * abs(best)) + 1e-9 for _, value in values.values()):
        means = "a point" if proportion else "1 %"
        return f"At its own best learning rate each comes within {means} of the best {title}, {told(order[0])}."
    first, last = (f"{name} ({told(name)})" for name in (order[0], order[-1]))
    return f"Each at its own best learning rate, {first} comes first in {title}, {last} last."


def _title(sweep: NetworkSweep) -> str:
    split, _, name = sweep.measure.partition("_")
    return f"{TITLES.get(split, split)} {name}".strip().replace("_", " ")


def _length(sweep: NetworkSweep) -> str:
    if sweep.epochs >= 1 and float(sweep.epochs).is_integer():
        return count(int(sweep.epochs), "epoch") if sweep.epochs < 2 else f"{int(sweep.epochs):,} epochs"
    return f"{sweep.steps:,} steps"


def _footer(sweep: NetworkSweep, lines: list[SensitivityLine]) -> str:
    seeds = sorted(sweep.seeds)
    which = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}–{seeds[-1]}"
    rates = max(len(entry.learning_rates) for entry in sweep.sweeps)
    versions = [
        f"{name} {sweep.versions[name].partition('+')[0]}" for name in ("slalom", "torch") if name in sweep.versions
    ]
    parts = [
        "● best",
        "○ the library's default",
        "✕: most runs diverge",
        "| the range ends",
        "nothing is drawn at rates where every run failed" if any(line.broken for line in lines) else "",
        f"{rates} learning rates, {which} at each",
        f"{sweep.steps:,} steps, {sweep.dtype}, {sweep.engine} engine",
        ", ".join(versions),
        *map(str, sweep.remarks),
    ]
    return " · ".join(part for part in parts if part)
