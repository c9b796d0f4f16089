"""Whether a race ran down a slope that has no end: then there is no lowest value to measure from."""

from __future__ import annotations

import numpy as np

from slalom.core import Landscape

RADII = np.geomspace(1e2, 1e6, 17)
"""How far along a direction the function is looked at, in half widths of the domain."""


def falls_without_bound(course: Landscape, losses: np.ndarray, paths: np.ndarray, sign: float = 1.0) -> bool:
    """Return whether the lowest value of a race was met on a way down without end; ``sign`` −1 looks upwards.

    ``losses`` has shape [R, N + 1], ``paths`` [R, N + 1, dim]. It is so where the lowest value was met outside the
    domain and the function keeps falling beyond it, or at the last point of a run that fell until it was out of bounds.
    """
    heights = np.where(np.isfinite(losses), sign * losses, np.inf)
    runner, step = np.unravel_index(int(np.argmin(heights)), heights.shape)
    if step == 0:
        return False
    place, start = paths[runner, step], paths[runner, 0]
    domain = np.array(course.domain, dtype=float)
    low, high = np.minimum(domain[:, 0], start), np.maximum(domain[:, 1], start)
    diverged = not np.isfinite(losses[runner]).all()
    if not diverged and bool(((place >= low) & (place <= high)).all()):
        return False
    if any(_keeps_falling(course, origin, place, sign) for origin in ((low + high) / 2, start)):
        return True
    fall = heights[runner, step - 1] - heights[runner, step]
    last = step + 1 == losses.shape[1] or not np.isfinite(losses[runner, step + 1])
    return bool(diverged and last and fall > 1e-3 * (heights[runner, 0] - heights[runner, step]))


def _keeps_falling(course: Landscape, origin: np.ndarray, place: np.ndarray, sign: float) -> bool:
    """Return whether the function falls all along the ray from ``origin`` through ``place``, and no more slowly."""
    reach = np.array([high - low for low, high in course.domain]) / 2
    direction = (place - origin) / reach
    length = float(np.linalg.norm(direction))
    if not 0 < length < np.inf:
        return False
    points = origin + RADII[:, None] * (direction / length) * reach
    try:
        with np.errstate(all="ignore"):
            heights = sign * np.asarray(course.values(points), dtype=float)
    except Exception:  # a function of the user's may refuse a place so far away
        return False
    with np.errstate(invalid="ignore"):
        falls = heights[:-1] - heights[1:]
    if np.isneginf(heights[-1]):
        return not np.isnan(heights).any()
    return bool((falls > 0).all() and falls[-1] >= 0.5 * falls[0])
