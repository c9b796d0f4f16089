"""The curves of a picture over the steps, and where their names stand."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from slalom.core import RaceRecord
from slalom.show.views.frames import Axis, descent_axis, gap_axis, linear_axis, step_axis
from slalom.show.views.groups import Group, ends_early
from slalom.show.views.labels import Label, place, text_size
from slalom.show.views.lines import cloud, curve, steps_to_draw, within_reach
from slalom.show.views.seeds import spread
from slalom.show.views.styles import Style
from slalom.show.views.words import count, number, power

BAND_COLUMNS = 250
"""Pixel columns of which the extremes of a median and its band are kept: three series have three times as many."""


@dataclass(frozen=True)
class CurveLine:
    """One optimizer on the axes of a curve; ``band`` is (steps, low, high), an interval over starts or seeds.

    Numbers are as measured, also where they leave the axes. ``gone`` is the point after which most of its runs were
    lost.
    """

    name: str
    style: Style
    steps: np.ndarray
    values: np.ndarray
    band: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    label: Label | None = None
    gone: tuple[float, float] | None = None

    @property
    def zero_from(self) -> float | None:
        """The first step at which the value is exactly 0 (or below): on a logarithmic axis its place is the foot."""
        low = np.flatnonzero(self.values <= 0)
        return float(self.steps[low[0]]) if len(low) else None


@dataclass(frozen=True)
class Panel:
    """Curves on their axes, with a horizontal ``rule`` and vertical ``marks`` (value, what it means).

    Those ``behind`` are drawn faint: what explains the curves.
    """

    title: str
    x: Axis
    y: Axis
    curves: tuple[CurveLine, ...]
    rule: tuple[float, str] | None = None
    marks: tuple[tuple[float, str], ...] = ()
    behind: tuple[CurveLine, ...] = ()
    x_title: str = ""


def step_panel(record: RaceRecord, field: list[Group]) -> Panel:
    """Return the curves of the length of each step, on a logarithmic axis."""
    lengths = np.concatenate([np.full((len(record.runners), 1), np.nan), record.step_lengths], axis=1)
    shown = [k for group in field for k in group.runners]
    x, y = time_axis(record, field), descent_axis(lengths[shown], descents(record, shown), 1e-12)
    curves = tuple(_curve_line(group, lengths, x) for group in field)
    return Panel(_with_zeros("length of a step", curves), x, y, curves)


def time_axis(record: RaceRecord, field: list[Group]) -> Axis:
    """Return the axis of steps of a race."""
    settled = [record.metrics[k].settles for group in field for k in group.runners]
    return step_axis(record.steps, min((step for step in settled if step), default=None))


def descents(record: RaceRecord, runners: list[int]) -> np.ndarray:
    """Return which steps are each run's way down, [R, N + 1] bool: what the axes have to hold.

    It is the way until it settles; for a run that does not, all of it, or up to its best step where it ends early.
    """
    last = [
        record.metrics[k].best_step
        if ends_early(record, k)
        else (record.steps if record.metrics[k].settles is None else record.metrics[k].settles)
        for k in runners
    ]
    return np.arange(record.steps + 1) <= np.array(last, dtype=int)[:, None]


def loss_panel(record: RaceRecord, field: list[Group], area: tuple[float, float]) -> Panel:
    """Return the curves of f − minimum over steps: one per optimizer, median and middle half over many."""
    gaps, name = drawn_losses(record)
    shown_gaps = gaps[[k for group in field for k in group.runners]]
    way = descents(record, [k for group in field for k in group.runners])
    x, y = time_axis(record, field), gap_axis(shown_gaps, record.tolerance, way)
    shown = None
    if y.low < record.tolerance < y.high:
        shown = (record.tolerance, f"settled: below {_tolerance(record.tolerance)}")
    curves = _named([_curve_line(group, gaps, x) for group in field], x, y, area, shown)
    return Panel(_with_zeros(name, curves), x, y, curves, shown)


def _with_zeros(title: str, curves: tuple[CurveLine, ...]) -> str:
    """Return a panel's title, with what the mark at the foot of its logarithmic axis means where there is one."""
    return f"{title} · ▼ exactly 0" if any(line.zero_from is not None for line in curves) else title


def drawn_losses(record: RaceRecord) -> tuple[np.ndarray, str]:
    """Return what the loss panel draws on its logarithmic axis, [R, N + 1], and what that is called.

    It is the gap to f*; where there is none, how far each run has come below its start.
    """
    floor = record.minimum
    if floor is None:
        sign = -1.0 if record.maximizes else 1.0
        fallen = sign * (record.losses[:, :1] - record.losses)
        return fallen, "rise since the start" if record.maximizes else "fall since the start"
    if record.minimum_is_known:
        return record.gaps, "loss" if floor == 0 else f"loss above {number(floor)}"
    way = "below the highest" if record.maximizes else "above the lowest"
    return record.gaps, f"loss {way} seen, {number(floor)}"


def _tolerance(value: float) -> str:
    exponent = math.log10(value)
    return power(round(exponent)) if value < 1e-3 and abs(exponent - round(exponent)) < 1e-9 else number(value)


def distance_panel(record: RaceRecord, field: list[Group], area: tuple[float, float]) -> Panel:
    """Return what stands in the map's place for three and more variables: the distance to the nearest minimum."""
    if record.course.minima:
        minima = np.array([m.point for m in record.course.minima], dtype=float)
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.min([np.linalg.norm(record.paths - spot, axis=2) for spot in minima[:8]], axis=0)  # the nearest
        name = "distance to the minimum"
    else:
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.linalg.norm(record.paths - record.paths[:, :1], axis=2)
        name = "distance from the start"
    x = time_axis(record, field)
    finite = values[np.isfinite(values)]
    top = min(
        1.6 * max(float(np.nanmax(values[:, 0])), float(np.quantile(finite, 0.98)) / 1.3),
        float(finite.max()) * 1.05,
    )
    y = linear_axis(0.0, top or 1.0)
    note = f"a space of {count(record.course.dim, 'dimension')} has no map: {name} instead"
    return Panel(note, x, y, _named([_curve_line(g, values, x) for g in field], x, y, area))


def _curve_line(group: Group, series: np.ndarray, x: Axis) -> CurveLine:
    rows = series[list(group.runners)]
    if len(rows) == 1:
        return CurveLine(group.name, group.style, *curve(rows[0], x))
    filled = np.where(np.isfinite(rows), rows, np.inf)  # a runner that diverged is worse than any other
    over = spread(filled)
    steps = steps_to_draw(np.stack([over.middle, over.low, over.high]), x, BAND_COLUMNS)
    band = (steps, over.low[steps], over.high[steps])
    return CurveLine(group.name, group.style, steps, over.middle[steps], band)


def _named(
    curves: list[CurveLine],
    x: Axis,
    y: Axis,
    area: tuple[float, float],
    rule: tuple[float, str] | None = None,
) -> tuple[CurveLine, ...]:
    """Return the curves with their names placed beside them, off the rule's text at the left."""
    if len(curves) == 1:
        return tuple(curves)
    clouds = []
    for line in curves:
        heights = y.place(within_reach(line.values, y))
        spots = np.stack([x.place(line.steps) * area[0], heights * area[1]], axis=1)
        inside = (spots[:, 1] >= 0) & (spots[:, 1] <= area[1]) & (spots[:, 0] >= 0)
        spots = np.where(inside[:, None], spots, np.nan)
        clouds.append(cloud(spots))
    anchors = [points[:: max(1, len(points) // 20)] for points in clouds]
    texts = [line.name for line in curves]
    reserved = [] if rule is None else [_words_at(rule, y, area)]
    labels = place(texts, clouds, area, 8.5, (), anchors, reserved)
    return tuple(replace(line, label=label) for line, label in zip(curves, labels, strict=True))


def _words_at(rule: tuple[float, str], y: Axis, area: tuple[float, float]) -> tuple[float, float, float, float]:
    """Return the box of a rule's words, in points: they stand above it, at the left."""
    width, height = text_size(rule[1], 7.5)
    foot = float(y.place(np.array(rule[0]))) * area[1]
    return 3.0, foot + 1, 7 + width, foot + 5 + height
