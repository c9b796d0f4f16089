"""Paths and curves thinned to what an eye can tell apart, so that files stay small and drawing stays fast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slalom.show.views.frames import Axis, Frame

FINE = 1600
"""Cells along the longer side of a frame: two points in one cell look like one point."""


@dataclass(frozen=True)
class Exit:
    """Where a runner crosses the frame's edge for the last time, the direction, and the step it was at."""

    point: tuple[float, float]
    direction: tuple[float, float]
    step: int


def alive(path: np.ndarray) -> np.ndarray:
    """Return the part of a path before it diverged."""
    bad = ~np.isfinite(path).all(axis=1)
    return path[: int(np.argmax(bad))] if bad.any() else path


def outline(path: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the polyline of ``path`` [N, 2] without what would be drawn twice; rows of NaN are breaks.

    A runner that circles the minimum for thousands of steps draws the same few segments again and again.
    """
    path = alive(path)
    near = np.clip(path, *_surroundings(frame))
    cell = max(frame.width, frame.height) / FINE
    cells = np.round((near - (frame.left, frame.bottom)) / cell).astype(np.int64)
    moved = np.concatenate([[True], (np.diff(cells, axis=0) != 0).any(axis=1)])
    near, cells = near[moved], cells[moved]
    codes = cells[:, 0] * (1 << 20) + cells[:, 1]
    ends = np.sort(np.stack([codes[:-1], codes[1:]], axis=1), axis=1)
    _, firsts = np.unique(ends, axis=0, return_index=True)
    fresh = np.zeros(len(ends), dtype=bool)
    fresh[firsts] = True
    if fresh.all():
        return near
    pieces, breaks = [near[:1]], np.full((1, 2), np.nan)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], fresh, [False]]).astype(int)))
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        pieces += [breaks, near[first : last + 1]] if first else [near[1 : last + 1]]
    return np.concatenate(pieces)


def _surroundings(frame: Frame) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return a box around the frame to which far points are moved: drawing libraries dislike 1e300."""
    w, h = 50 * frame.width, 50 * frame.height
    return (frame.left - w, frame.bottom - h), (frame.right + w, frame.top + h)


def dots(path: np.ndarray, frame: Frame, every: int = 10, until: int = 200) -> np.ndarray:
    """Return the point of every ``every``-th step inside the frame, [M, 2]; those on top of each other once.

    A crawler's dots would hide the line, so they stop after step ``until``.
    """
    points = alive(path)[: until + 1 : every]
    points = points[frame.holds(points)]
    cell = max(frame.width, frame.height) / 400
    _, firsts = np.unique(np.round(points / cell).astype(np.int64), axis=0, return_index=True)
    return points[np.sort(firsts)]


def exit_of(path: np.ndarray, frame: Frame) -> Exit | None:
    """Return where a path leaves the frame for good, or None where it ends inside."""
    path = alive(path)
    inside = frame.holds(path)
    if inside[-1] or not inside.any():
        return None
    last = int(np.flatnonzero(inside)[-1])
    here, there = path[last], path[last + 1]
    limit = np.linalg.norm(there - here)
    direction = (there - here) / limit if np.isfinite(limit) and limit > 0 else np.array([1.0, 0.0])
    shares = []
    for k, (low, high) in enumerate(((frame.left, frame.right), (frame.bottom, frame.top))):
        if direction[k]:
            shares.append(((high if direction[k] > 0 else low) - here[k]) / direction[k])
    point = here + direction * max(0.0, min(shares))
    return Exit((float(point[0]), float(point[1])), (float(direction[0]), float(direction[1])), last + 1)


def by_length(path: np.ndarray, count: int) -> np.ndarray:
    """Return ``count`` indices into a path, evenly spaced along its length."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    return np.minimum(np.searchsorted(lengths, np.linspace(0, lengths[-1], count)), len(path) - 1)


def curve(values: np.ndarray, x: Axis, columns: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """Return the steps and values of a series [N + 1] that are worth drawing: the extremes of each pixel column.

    The values are as they were measured, however far beyond an axis; :func:`within_reach` is for who draws them.
    """
    steps = steps_to_draw(values[None], x, columns)
    return steps, values[steps]


def steps_to_draw(series: np.ndarray, x: Axis, columns: int) -> np.ndarray:
    """Return at which steps to draw ``series`` [S, N + 1]: the ends and each one's extremes in every pixel column.

    There are none where the first of the series is not finite; what else is not finite is no extreme.
    """
    steps = np.arange(series.shape[1])
    steps = steps[np.isfinite(series[0]) & (steps >= x.low)]
    if len(steps) <= 2 * columns:
        return steps
    column = np.floor(x.place(steps) * columns).astype(int)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(column) != 0]))
    kept = {0, len(steps) - 1}
    for first, last in zip(starts, np.append(starts[1:], len(steps)), strict=True):
        kept |= {int(first), int(last - 1)}
        for values in series[:, steps[first:last]]:
            known = np.where(np.isfinite(values), values, values[0])
            kept |= {int(first + np.argmin(known)), int(first + np.argmax(known))}
    return steps[np.array(sorted(kept))]


def within_reach(values: np.ndarray, y: Axis) -> np.ndarray:
    """Return values as lines to them are drawn: not far beyond the axis, which drawing libraries dislike.

    On a logarithmic axis a value at or below zero (the minimum itself, met to the last digit) is drawn at the foot.
    """
    span = y.high - y.low
    if not y.log:
        return np.clip(values, y.low - 9 * span, y.high + 9 * span)
    reached = np.clip(values, max(y.low * 1e-3, 5e-324), min(y.high * 1e3, 1.7e308))
    return np.where(values <= 0, y.low, reached)


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
