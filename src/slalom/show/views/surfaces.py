"""The numbers of a surface: the function in three dimensions and as filled contours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slalom.core import InputError, Landscape, RaceRecord
from slalom.show.views.frames import Frame, Terrain, frame_of, terrain
from slalom.show.views.groups import groups
from slalom.show.views.lines import alive, by_length, outline
from slalom.show.views.maps import minima_in
from slalom.show.views.styles import Style
from slalom.show.views.words import capital, count, point

STEEP = 12.0
"""Where the highest value is so many times the median, the height is drawn on a logarithmic scale."""


@dataclass(frozen=True)
class SurfacePath:
    """A path on the map [K, 2] and on the surface [M, 3] (the third is the height as drawn)."""

    name: str
    style: Style
    flat: np.ndarray
    raised: np.ndarray


@dataclass(frozen=True)
class Surface:
    """``height`` [H, W] is what the surface shows over the coarse grid ``x`` [W], ``y`` [H], from 0 to 1."""

    title: str
    sentence: str
    frame: Frame
    terrain: Terrain
    x: np.ndarray
    y: np.ndarray
    height: np.ndarray
    logarithmic: bool
    minima: np.ndarray
    paths: tuple[SurfacePath, ...]
    starts: np.ndarray


def surface(course: Landscape, record: RaceRecord | None = None) -> Surface:
    """Return the surface of a landscape over its domain, or around a race, with the race's paths on it."""
    if course.dim != 2:
        raise InputError(f"{course.name} has {course.dim} variables: a surface can be drawn of two only")
    if record is None:
        (left, right), (bottom, top) = course.domain
        frame = Frame(left, right, bottom, top).fit(1.0)
    else:
        frame = frame_of(record).fit(1.0)
    minimum = course.minima[0].value if course.minima else None
    ground = terrain(course, frame, minimum)
    grid = slice(None, None, 3)
    gap = ground.gap[grid, grid]
    top = float(np.nanmax(gap)) or 1.0
    middle = float(np.nanmedian(gap)) or top
    logarithmic = top / middle > STEEP
    rise = _Rise(top, middle / 4 if logarithmic else None)
    paths = () if record is None else _paths(record, frame, ground, rise)
    starts = np.array([r.start for r in record.runners] if record is not None else []).reshape(-1, 2)
    return Surface(
        title=course.title,
        sentence=_sentence(course, logarithmic),
        frame=frame,
        terrain=ground,
        x=ground.x[grid],
        y=ground.y[grid],
        height=rise(gap),
        logarithmic=logarithmic,
        minima=minima_in(course, frame),
        paths=paths,
        starts=np.unique(starts, axis=0),
    )


def _sentence(course: Landscape, logarithmic: bool) -> str:
    parts = []
    if len(course.minima) == 1:
        parts.append(f"lowest at {point(course.minima[0].point)}")
    elif course.minima:
        parts.append(f"{count(len(course.minima), 'equally low point')}")
    if logarithmic:
        parts.append("height on a logarithmic scale")
    return capital(" · ".join(parts))


@dataclass(frozen=True)
class _Rise:
    """How high f − minimum is drawn: in proportion, or as log(1 + gap / unit) where walls hide the valley."""

    top: float
    unit: float | None

    def __call__(self, gap: np.ndarray) -> np.ndarray:
        gap = np.clip(gap, 0.0, self.top)
        if self.unit is None:
            return np.asarray(gap / self.top)
        return np.asarray(np.log1p(gap / self.unit) / np.log1p(self.top / self.unit))


def _paths(record: RaceRecord, frame: Frame, ground: Terrain, rise: _Rise) -> tuple[SurfacePath, ...]:
    floor = float(np.nanmin(record.course.values(np.array([[ground.x[0], ground.y[0]]])))) - float(ground.gap[0, 0])
    result = []
    for group in groups(record):
        path = alive(record.paths[group.typical])
        path = path[: _stays(path, frame)]
        chosen = np.unique(by_length(path, 300)) if len(path) > 300 else np.arange(len(path))
        points = path[chosen]
        heights = rise(record.course.values(points) - floor)
        raised = np.column_stack([points, heights + 0.01])
        result.append(SurfacePath(group.name, group.style, outline(path, frame), raised))
    return tuple(result)


def _stays(path: np.ndarray, frame: Frame) -> int:
    """Return how many points a path has before it first leaves the frame."""
    inside = frame.holds(path)
    return len(path) if inside.all() else max(1, int(np.argmin(inside)))
