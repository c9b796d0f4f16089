"""When a runner counts as diverged, and how an engine reports it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slalom.core import Landscape, Runner

BEYOND = 1e6
"""A runner has diverged where a coordinate is larger than this many times the largest of its domain and start."""


def bounds(landscape: Landscape, starts: np.ndarray | Sequence[Sequence[float]]) -> np.ndarray:
    """Return the largest absolute coordinate that still counts as being on the course, for ``starts`` [R, D]."""
    points = np.asarray(starts, dtype=np.float64).reshape(len(starts), landscape.dim)
    domain = np.abs(np.array(landscape.domain, dtype=float)).max(initial=1.0)
    return BEYOND * np.maximum(np.abs(points).max(axis=1), domain)


def bound(landscape: Landscape, runner: Runner) -> float:
    """Return the bound of one runner."""
    return float(bounds(landscape, [runner.start])[0])


def freeze(paths: np.ndarray, bounds: Sequence[float] | np.ndarray) -> np.ndarray:
    """Find each runner's divergence in ``paths`` [R, N + 1, D], blank what follows it, and return the steps [R].

    The step is the first whose point is not finite or out of bounds, −1 where there is none. Entries after it become
    NaN, in place. Runners are looked at in small groups, so that little memory is needed beside the paths.
    """
    diverged_at = np.full(len(paths), -1)
    limits = np.asarray(bounds)
    for low in range(0, len(paths), 4096):
        group = paths[low : low + 4096]
        with np.errstate(invalid="ignore"):
            # The last entry tells for most: a NaN stays one, and what has left all bounds rarely comes back.
            largest = np.abs(group).max(axis=2) if group.shape[1] else np.zeros((len(group), 0))
            outside = ~(largest <= limits[low : low + 4096, None])
        for row in np.flatnonzero(outside.any(axis=1)):
            step = int(np.argmax(outside[row]))
            diverged_at[low + row] = step
            group[row, step + 1 :] = np.nan
    return diverged_at
