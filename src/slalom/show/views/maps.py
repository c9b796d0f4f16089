"""The map of a picture: the terrain, the paths on it, and where their names stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from slalom.core import Landscape, RaceRecord
from slalom.show.views.frames import Frame, Terrain, frame_of, terrain
from slalom.show.views.groups import Group, diverged
from slalom.show.views.labels import Label, place
from slalom.show.views.lines import Exit, alive, cloud, dots, exit_of, outline
from slalom.show.views.styles import Style
from slalom.show.views.words import point

EVERY, UNTIL = 10, 200
"""A dot every so many steps, and the step after which there are none."""
FAINT = 40
"""At most so many paths per optimizer are drawn faintly where it has many starts or seeds."""


@dataclass(frozen=True)
class PathLine:
    """One optimizer on the map: its typical path [K, 2] (NaN rows are breaks), its dots, and the paths beside it.

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
class Map:
    """A part of the plane with paths on it. For one variable ``terrain`` is None and ``profile`` [K, 2] the curve.

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


def frame_for(record: RaceRecord, runners: Sequence[int] | None = None) -> Frame:
    """Return the frame of a race in one or two variables."""
    if record.course.dim == 2:
        return frame_of(record, runners)
    return curve_frame(record, runners)


def curve_frame(record: RaceRecord, runners: Sequence[int] | None = None) -> Frame:
    """Return the frame of y = f(x): the paths' stretch of x, and what the function does there."""
    runners = range(len(record.runners)) if runners is None else runners
    xs = [record.runners[k].start[0] for k in runners] + [m.point[0] for m in record.course.minima]
    (low, high), *_ = record.course.domain
    reach = min(low, *xs) - 0.1 * (high - low), max(high, *xs) + 0.1 * (high - low)
    for path in record.paths[list(runners), :, 0]:
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


def map_of(
    record: RaceRecord,
    field: list[Group],
    frame: Frame,
    area: tuple[float, float],
    until: int = UNTIL,
) -> Map:
    """Return the map of ``field`` over ``frame``, for axes of ``area`` (width and height in points)."""
    paths = [_path_line(record, group, frame, until) for group in field]
    shown = [k for group in field for k in group.runners]
    starts = np.unique(np.array([positions(record, k)[0] for k in shown]), axis=0)
    minima = minima_in(record.course, frame)
    scale = np.array([area[0] / frame.width, area[1] / frame.height])
    origin = np.array([frame.left, frame.bottom])
    spots = (np.concatenate([starts, minima])[:60] - origin) * scale
    markers = [(float(x), float(y)) for x, y in spots]
    lines, label = _labelled(record, shown, paths, (origin, scale), area, markers)
    every = f"one dot every {EVERY} steps" + (f", for the first {until:,}" if record.steps > until else "")
    if len(shown) > len(field):
        every = f"the median run of each in bold, one dot every {EVERY} steps"
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


def _path_line(record: RaceRecord, group: Group, frame: Frame, until: int) -> PathLine:
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
        dots=dots(path, frame, EVERY, until),
        end=(float(known[-1, 0]), float(known[-1, 1])) if ended else None,
        exit=away,
        faint=tuple(outline(positions(record, k), frame) for k in others),
    )


def _labelled(
    record: RaceRecord,
    shown: list[int],
    paths: list[PathLine],
    transform: tuple[np.ndarray, np.ndarray],
    area: tuple[float, float],
    markers: list[tuple[float, float]],
) -> tuple[tuple[PathLine, ...], Label | None]:
    """Return the lines with their names beside them, and the name of a lone start.

    ``transform`` is the frame's lower left corner and the points per unit. A runner that leaves the frame says so,
    and is named near where it goes.
    """
    origin, scale = transform
    texts, clouds, anchors = [], [], []
    for line in paths:
        points = cloud((line.path - origin) * scale)
        at = points[np.linspace(0, len(points) - 1, min(len(points), 14)).astype(int)]
        clouds.append(points)
        anchors.append(at if line.exit is None else at[len(at) // 2 :])
        texts.append(line.name if line.exit is None else f"{line.name}: left at step {line.exit.step:,}")
    first = record.runners[shown[0]]
    start = (positions(record, shown[0])[:1] - origin) * scale
    alone = len({record.runners[k].start for k in shown}) == 1
    texts.append(f"start {point(first.start)}" if alone else "")
    clouds.append(start)
    anchors.append(start if alone else start[:0])
    *labels, label = place(texts, clouds, area, 9.5, markers[:40], anchors)
    return tuple(replace(line, label=spot) for line, spot in zip(paths, labels, strict=True)), label
