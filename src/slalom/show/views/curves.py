"""The curves of a picture over the steps, and where their names stand."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from slalom.core import RaceRecord
from slalom.show.views.frames import Axis, gap_axis, linear_axis, log_axis, step_axis
from slalom.show.views.groups import Group, diverged
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
    shown = lengths[[group.typical for group in field]]
    positive = shown[np.isfinite(shown) & (shown > 0)]
    x = step_axis(record.steps)
    if not len(positive):
        return Panel("length of a step", x, log_axis(1e-3, 10.0), ())
    # The steps that are taken on the way: a runner that has settled makes ever smaller ones, down to nothing.
    early = shown[:, 1 : 1 + max(10, record.steps // 20)]
    early = early[np.isfinite(early) & (early > 0)]
    usual = float(np.quantile(early if len(early) else positive, 0.5))
    high = min(float(positive.max()), usual * 1e8)
    low = max(float(positive.min()), high * 1e-12)
    y = log_axis(10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high * 1.1)))
    return Panel("length of a step", x, y, tuple(_curve_line(group, lengths, x) for group in field))


def loss_panel(record: RaceRecord, field: list[Group], area: tuple[float, float]) -> Panel:
    """Return the curves of f − minimum over steps: one per optimizer, median and middle half over many."""
    floor = measured_from(record)
    gaps = record.losses - floor
    shown_gaps = gaps[[k for group in field for k in group.runners]]
    x, y = step_axis(record.steps), gap_axis(shown_gaps, record.tolerance)
    rule = (record.tolerance, f"arrived: below {_tolerance(record.tolerance)}")
    shown = rule if y.low < record.tolerance < y.high else None
    curves = _named([_curve_line(group, gaps, x) for group in field], x, y, area, shown)
    name = "loss" if record.minimum_is_known and floor == 0 else f"loss above {number(floor)}"
    if not record.minimum_is_known:
        name = f"loss above the lowest seen, {number(floor)}"
    return Panel(name, x, y, curves, shown)


def measured_from(record: RaceRecord) -> float:
    """Return what losses are measured from: the minimum, or the lowest loss of a runner that did not run away."""
    if record.minimum_is_known:
        return record.minimum
    lasting = [k for k in range(len(record.runners)) if diverged(record, k) is None]
    return float(np.nanmin(record.losses[lasting])) if lasting else record.minimum


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
    x = step_axis(record.steps)
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
    if rule is not None:
        width, height = text_size(rule[1], 7.5)
        foot = float(y.place(np.array(rule[0]))) * area[1]
        clouds.append(_filled(Label("", 5 + width / 2, foot + 9, width, height, (0.0, 0.0))))
        anchors.append(np.empty((0, 2)))
        texts.append("")
    labels = place(texts, clouds, area, 8.5, (), anchors)[: len(curves)]
    return tuple(replace(line, label=label) for line, label in zip(curves, labels, strict=True))


def _filled(label: Label) -> np.ndarray:
    """Return points that cover a label, so that others keep off it."""
    left, bottom, right, top = label.box
    return np.stack(np.meshgrid(np.linspace(left, right, 12), np.linspace(bottom, top, 4)), axis=-1).reshape(-1, 2)
