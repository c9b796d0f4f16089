"""The numbers of the comparison card: paths overlaid, loss curves, a table, and what to see in one
sentence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from slalom.core import Landscape, RaceRecord
from slalom.show.views import tables
from slalom.show.views.frames import (
    Axis,
    Frame,
    Terrain,
    frame_of,
    gap_axis,
    linear_axis,
    step_axis,
    terrain,
)
from slalom.show.views.groups import Group, diverged, groups
from slalom.show.views.labels import Label, place, text_size
from slalom.show.views.layouts import WIDTH, CardLayout, card_layout
from slalom.show.views.lines import Exit, alive, curve, dots, exit_of, outline
from slalom.show.views.sentences import sentence
from slalom.show.views.styles import Style
from slalom.show.views.tables import Table
from slalom.show.views.words import count, number, point, power, wrap

EVERY, UNTIL = 10, 200
"""A dot every so many steps, and the step after which there are none."""
FAINT = 40
"""At most so many paths per optimizer are drawn faintly where it has many starts or seeds."""


@dataclass(frozen=True)
class PathLine:
    """One optimizer on the map: its typical path [K, 2] (NaN rows are breaks), its dots, and the paths
    beside it.

    ``end`` is where it ended, None where it diverged or left the frame (then ``exit`` says where).
    """

    name: str
    style: Style
    path: np.ndarray
    dots: np.ndarray
    end: tuple[float, float] | None
    exit: Exit | None
    faint: tuple[np.ndarray, ...] = ()
    label: Label | None = None


@dataclass(frozen=True)
class CurveLine:
    """One optimizer on the axes of a curve; ``band`` is (steps, low, high), quartiles over starts or
    seeds.
    """

    name: str
    style: Style
    steps: np.ndarray
    values: np.ndarray
    band: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    label: Label | None = None


@dataclass(frozen=True)
class Panel:
    """Curves on their axes, with a title and an optional horizontal ``rule`` (value, what it means)."""

    title: str
    x: Axis
    y: Axis
    curves: tuple[CurveLine, ...]
    rule: tuple[float, str] | None = None


@dataclass(frozen=True)
class Map:
    """A part of the plane with paths on it. For one variable ``terrain`` is None and ``profile`` [K, 2] the
    curve.

    ``corner`` is the text that names the start, where there is room for it.
    """

    title: str
    frame: Frame
    terrain: Terrain | None
    profile: np.ndarray | None
    lines: tuple[PathLine, ...]
    starts: np.ndarray
    minima: np.ndarray
    start_label: Label | None


@dataclass(frozen=True)
class Comparison:
    """Everything that a comparison card shows."""

    title: str
    sentence: tuple[str, ...]
    layout: CardLayout
    map: Map | None  # None for three and more variables: then ``distance`` stands there
    distance: Panel | None
    loss: Panel
    table: Table
    notes: tuple[str, ...]
    footer: tuple[str, ...]


def comparison(record: RaceRecord) -> Comparison:
    """Return the comparison card of a race on a landscape."""
    field = groups(record)
    flat = record.course.dim <= 2
    frame = _frame(record) if flat else None
    stretch = record.course.dim != 2
    table = tables.table(record, field)
    said = wrap(sentence(record), WIDTH * 72 - 72, 10.5)
    ratio = None if frame is None or stretch else frame.ratio
    layout = card_layout(ratio, len(table.rows), table.width, len(said))
    area = (layout.map.width * 72, layout.map.height * 72)
    if frame is not None and not stretch:
        frame = frame.fit(layout.map.width / layout.map.height)
    view = None if frame is None else _map(record, field, frame, area)
    return Comparison(
        title=title(record, field),
        sentence=tuple(said),
        layout=layout,
        map=view,
        distance=None if flat else distance_panel(record, field, area),
        loss=loss_panel(record, field, (layout.loss.width * 72, layout.loss.height * 72)),
        table=table.stretched(layout.table.width),
        notes=tuple(tables.notes(record, layout.table.width * 72)),
        footer=tuple(wrap(tables.footer(record, field), layout.width * 72 - 72, 8.0)),
    )


def title(record: RaceRecord, field: list[Group]) -> str:
    who = field[0].name if len(field) == 1 else count(len(field), "optimizer").capitalize()
    return f"{who} on {record.course.title}"


def _frame(record: RaceRecord) -> Frame:
    """Return the frame of a race in one or two variables."""
    if record.course.dim == 2:
        return frame_of(record)
    return curve_frame(record)


def curve_frame(record: RaceRecord) -> Frame:
    """Return the frame of y = f(x): the paths' stretch of x, and what the function does there."""
    xs = [runner.start[0] for runner in record.runners] + [m.point[0] for m in record.course.minima]
    (low, high), *_ = record.course.domain
    reach = min(low, *xs) - 0.1 * (high - low), max(high, *xs) + 0.1 * (high - low)
    for path in record.paths[..., 0]:
        known = path[np.isfinite(path)]
        if len(known) == len(path):
            xs += list(np.clip(known, *reach))
    left, right = min(xs), max(xs)
    size = (right - left) or 0.2 * (high - low)
    left, right = left - 0.12 * size, right + 0.12 * size
    values = record.course.values(np.linspace(left, right, 400)[:, None])
    values = values[np.isfinite(values)]
    bottom, top = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    margin = 0.1 * ((top - bottom) or 1.0)
    return Frame(left, right, bottom - margin, top + margin)


def positions(record: RaceRecord, runner: int) -> np.ndarray:
    """Return where a runner is drawn at each step, [N + 1, 2]: its point, or for one variable (x, f(x))."""
    if record.course.dim == 1:
        return np.stack([record.paths[runner, :, 0], record.losses[runner]], axis=1)
    return np.asarray(record.paths[runner][:, :2])


def _map(record: RaceRecord, field: list[Group], frame: Frame, area: tuple[float, float]) -> Map:
    paths = [_path_line(record, group, frame) for group in field]
    starts = np.unique(np.array([positions(record, k)[0] for k in range(len(record.runners))]), axis=0)
    minima = minima_in(record.course, frame)
    scale = np.array([area[0] / frame.width, area[1] / frame.height])
    origin = np.array([frame.left, frame.bottom])
    spots = (np.concatenate([starts, minima])[:60] - origin) * scale
    markers = [(float(x), float(y)) for x, y in spots]
    lines, label = _labelled(record, paths, (origin, scale), area, markers)
    every = f"one dot every {EVERY} steps" + (f", for the first {UNTIL}" if record.steps > UNTIL else "")
    if len(record.runners) > len(field):
        every = f"the median run of each in bold, {every}"
    flat = record.course.dim == 2
    profile = None
    if not flat:
        xs = np.linspace(frame.left, frame.right, 500)
        profile = np.stack([xs, record.course.values(xs[:, None])], axis=1)
    return Map(
        title=f"where they go: {every}" if len(field) > 1 else f"where it goes: {every}",
        frame=frame,
        terrain=terrain(record.course, frame, record.minimum) if flat else None,
        profile=profile,
        lines=lines,
        starts=starts,
        minima=minima,
        start_label=label,
    )


def minima_in(course: Landscape, frame: Frame) -> np.ndarray:
    """Return the known minima inside a frame, [M, 2]."""
    if course.dim == 1:
        spots = np.array([(m.point[0], m.value) for m in course.minima], dtype=float).reshape(-1, 2)
    else:
        spots = np.array([m.point[:2] for m in course.minima], dtype=float).reshape(-1, 2)
    return spots[frame.holds(spots)]


def _path_line(record: RaceRecord, group: Group, frame: Frame) -> PathLine:
    path = positions(record, group.typical)
    others = [k for k in group.runners if k != group.typical]
    others = others[:: max(1, math.ceil(len(others) / FAINT))]
    away = exit_of(path, frame)
    known = alive(path)
    if away is not None:  # what it does out there is not drawn: it would cross the picture again and again
        path = np.concatenate([path[: away.step], [away.point]])
    ended = diverged(record, group.typical) is None and frame.holds(known[-1])
    return PathLine(
        name=group.name,
        style=group.style,
        path=outline(path, frame),
        dots=dots(path, frame, EVERY, UNTIL),
        end=(float(known[-1, 0]), float(known[-1, 1])) if ended else None,
        exit=away,
        faint=tuple(outline(positions(record, k), frame) for k in others),
    )


def _filled(label: Label) -> np.ndarray:
    """Return points that cover a label, so that others keep off it."""
    left, bottom, right, top = label.box
    return np.stack(np.meshgrid(np.linspace(left, right, 12), np.linspace(bottom, top, 4)), axis=-1).reshape(
        -1, 2
    )


def _labelled(
    record: RaceRecord,
    paths: list[PathLine],
    transform: tuple[np.ndarray, np.ndarray],
    area: tuple[float, float],
    markers: list[tuple[float, float]],
) -> tuple[tuple[PathLine, ...], Label | None]:
    """Return the lines with their names beside them, and the name of a lone start.

    ``transform`` is the frame's lower left corner and the points per unit. A runner that leaves the frame
    says so, and
    is named near where it goes.
    """
    origin, scale = transform
    texts, clouds, anchors = [], [], []
    for line in paths:
        points = cloud((line.path - origin) * scale)
        at = points[np.linspace(0, len(points) - 1, min(len(points), 14)).astype(int)]
        clouds.append(points)
        anchors.append(at if line.exit is None else at[len(at) // 2 :])
        texts.append(line.name if line.exit is None else f"{line.name}: left at step {line.exit.step:,}")
    start = (np.array(positions(record, 0)[:1]) - origin) * scale
    alone = len({runner.start for runner in record.runners}) == 1
    texts.append(f"start {point(record.runners[0].start)}" if alone else "")
    clouds.append(start)
    anchors.append(start if alone else start[:0])
    *labels, label = place(texts, clouds, area, 9.5, markers[:40], anchors)
    return tuple(replace(line, label=spot) for line, spot in zip(paths, labels, strict=True)), label


def cloud(path: np.ndarray, amount: int = 60) -> np.ndarray:
    """Return points evenly spaced along a polyline with breaks, for labels to keep away from."""
    known = path[np.isfinite(path).all(axis=1)]
    if len(known) < 2:
        return known
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(known, axis=0), axis=1))])
    if lengths[-1] == 0:
        return known[:1]
    at = np.linspace(0, lengths[-1], amount)
    return np.stack([np.interp(at, lengths, known[:, k]) for k in range(2)], axis=1)


def loss_panel(record: RaceRecord, field: list[Group], area: tuple[float, float]) -> Panel:
    """Return the curves of f − minimum over steps: one per optimizer, the median and quartiles over many."""
    floor = _floor(record)
    gaps = record.losses - floor
    x, y = step_axis(record.steps), gap_axis(gaps, record.tolerance)
    rule = (record.tolerance, f"arrived: below {_tolerance(record.tolerance)}")
    shown = rule if y.low < record.tolerance < y.high else None
    curves = _named([_curve_line(group, gaps, x, y) for group in field], x, y, area, shown)
    name = "loss" if record.minimum_is_known and floor == 0 else f"loss above {number(floor)}"
    if not record.minimum_is_known:
        name = f"loss above the lowest seen, {number(floor)}"
    return Panel(name, x, y, curves, shown)


def _floor(record: RaceRecord) -> float:
    """Return what losses are measured from: the minimum, or the lowest loss of a runner that did not run
    away.
    """
    if record.minimum_is_known:
        return record.minimum
    lasting = [k for k in range(len(record.runners)) if diverged(record, k) is None]
    return float(np.nanmin(record.losses[lasting])) if lasting else record.minimum


def _tolerance(value: float) -> str:
    exponent = math.log10(value)
    return (
        power(round(exponent)) if value < 1e-3 and abs(exponent - round(exponent)) < 1e-9 else number(value)
    )


def distance_panel(record: RaceRecord, field: list[Group], area: tuple[float, float]) -> Panel:
    """Return what stands in the map's place for three and more variables: the distance to the nearest
    minimum.
    """
    if record.course.minima:
        minima = np.array([m.point for m in record.course.minima], dtype=float)
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.min(
                [np.linalg.norm(record.paths - spot, axis=2) for spot in minima[:8]], axis=0
            )  # the nearest
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
    return Panel(note, x, y, _named([_curve_line(g, values, x, y) for g in field], x, y, area))


def _curve_line(group: Group, series: np.ndarray, x: Axis, y: Axis) -> CurveLine:
    rows = series[list(group.runners)]
    if len(rows) == 1:
        return CurveLine(group.name, group.style, *curve(rows[0], x, y))
    filled = np.where(np.isfinite(rows), rows, np.inf)  # a runner that diverged is worse than any other
    low, middle, high = np.quantile(filled, (0.25, 0.5, 0.75), axis=0, method="nearest")
    steps, values = curve(middle, x, y)
    picked = np.unique(np.geomspace(1, len(low), 200).astype(int) - 1)
    top = y.high * 1e3 if y.log else y.high * 10
    foot = y.low * 1e-3 if y.log else y.low
    band = (picked, np.clip(low[picked], foot, top), np.clip(high[picked], foot, top))
    return CurveLine(group.name, group.style, steps, values, band)


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
        spots = np.stack([x.place(line.steps) * area[0], y.place(line.values) * area[1]], axis=1)
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
