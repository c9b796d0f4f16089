"""Where a picture looks (its frame), the terrain it shows there, and the axes of its curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slalom.core import Landscape, RaceRecord
from slalom.show.views.words import number, power

MARGIN = 0.10
LEVELS = 14


@dataclass(frozen=True)
class Frame:
    """The rectangle of the plane that a picture shows."""

    left: float
    right: float
    bottom: float
    top: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.top - self.bottom

    @property
    def ratio(self) -> float:
        return self.width / self.height

    def fit(self, ratio: float) -> Frame:
        """Return the smallest frame of this ``ratio`` (width over height) around this one: circles stay circles."""
        width, height = max(self.width, self.height * ratio), max(self.height, self.width / ratio)
        x, y = (self.left + self.right) / 2, (self.bottom + self.top) / 2
        return Frame(x - width / 2, x + width / 2, y - height / 2, y + height / 2)

    def holds(self, points: np.ndarray) -> np.ndarray:
        """Return whether each of ``points`` [..., 2] lies inside."""
        x, y = points[..., 0], points[..., 1]
        return (x >= self.left) & (x <= self.right) & (y >= self.bottom) & (y <= self.top)


@dataclass(frozen=True)
class Terrain:
    """The landscape on a grid: ``x`` [W], ``y`` [H], ``gap`` [H, W] = f − floor ≥ 0, and the contours' ``levels``."""

    x: np.ndarray
    y: np.ndarray
    gap: np.ndarray
    levels: np.ndarray
    floor: float = 0.0

    @property
    def height(self) -> np.ndarray:
        """Return log10 of the gap, scaled to 0 (lowest contour) … 1 (highest): what a shade stands for."""
        low, high = np.log10(self.levels[0]), np.log10(self.levels[-1])
        with np.errstate(divide="ignore"):
            return np.clip((np.log10(self.gap) - low) / (high - low), 0.0, 1.0)


def frame_of(record: RaceRecord, runners: Sequence[int] | None = None) -> Frame:
    """Return start ∪ minimum ∪ the middle 95 % of the path, plus 10 %, for the given runners of a plane's race.

    Runners that diverged count with their start alone, and nothing counts far outside of the landscape's domain: else
    one runner's way to infinity would shrink everybody's picture to a point.
    """
    runners = range(len(record.runners)) if runners is None else runners
    plane = record.paths[list(runners)][..., :2]
    points = [plane[:, 0]] + [target[None] for target in targets(record, runners)]
    fixed = np.concatenate(points)
    reach = reachable(record.course, fixed)
    for path in plane:
        alive = path[np.isfinite(path).all(axis=1)]
        if len(alive) == len(path) or len(runners) == 1:
            points.append(np.clip(_middle(alive), reach[0], reach[1]))
    low, high = np.concatenate(points).min(axis=0), np.concatenate(points).max(axis=0)
    return _padded(low, high, reach[1] - reach[0])


def targets(record: RaceRecord, runners: Sequence[int]) -> list[np.ndarray]:
    """Return the places of the minima that belong into the frame: those that a runner ends nearest to."""
    minima = [np.array(minimum.point[:2]) for minimum in record.course.minima]
    if len(minima) < 2:
        return minima
    chosen = set()
    for runner in runners:
        alive = record.paths[runner][np.isfinite(record.losses[runner])][:, :2]
        if len(alive) == record.steps + 1:
            chosen.add(min(range(len(minima)), key=lambda k: float(np.linalg.norm(minima[k] - alive[-1]))))
    if not chosen:
        start = np.array(record.runners[runners[0]].start[:2])
        chosen.add(min(range(len(minima)), key=lambda k: float(np.linalg.norm(minima[k] - start))))
    return [minima[k] for k in sorted(chosen)]


def reachable(course: Landscape, fixed: np.ndarray) -> np.ndarray:
    """Return the corners of the box beyond which no path widens a frame, shape [2, 2]."""
    domain = np.array(course.domain[:2], dtype=float).T
    low, high = np.minimum(domain[0], fixed.min(axis=0)), np.maximum(domain[1], fixed.max(axis=0))
    return np.array([low - 0.1 * (high - low), high + 0.1 * (high - low)])


def _middle(path: np.ndarray) -> np.ndarray:
    """Return the corners that hold the middle 95 % of a path, by its steps and by its length, shape [2, 2]."""
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    corners = [np.quantile(path, (0.025, 0.975), axis=0)]
    total = lengths.sum()
    if 0 < total < math.inf:
        for k in range(path.shape[1]):
            order = np.argsort(path[1:, k])
            travelled = np.cumsum(lengths[order]) / total
            cut = order[np.minimum(np.searchsorted(travelled, (0.025, 0.975)), len(order) - 1)]
            edges = path[1:, k][cut]
            corners[0][0, k] = min(corners[0][0, k], edges[0])
            corners[0][1, k] = max(corners[0][1, k], edges[1])
    return corners[0]


def _padded(low: np.ndarray, high: np.ndarray, domain: np.ndarray) -> Frame:
    """Return the frame with its margin; a path along an axis still gets some width, a point some surroundings."""
    size = high - low
    if not size.max() > 0:
        size = domain * 0.1
        low, high = low - size / 2, high + size / 2
    thin = np.maximum(size, 0.12 * size.max())
    middle = (low + high) / 2
    half = thin / 2 + MARGIN * np.maximum(thin, 0.3 * size.max())
    return Frame(middle[0] - half[0], middle[0] + half[0], middle[1] - half[1], middle[1] + half[1])


def terrain(course: Landscape, frame: Frame, minimum: float | None, columns: int = 220) -> Terrain:
    """Return the landscape over ``frame``; contours are log-spaced above ``minimum`` or the lowest value seen."""
    rows = max(40, round(columns / frame.ratio)) if frame.ratio < 6 else 40
    if rows > columns:
        columns, rows = max(40, round(columns / (rows / columns))), columns
    x, y = np.linspace(frame.left, frame.right, columns), np.linspace(frame.bottom, frame.top, rows)
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    with np.errstate(all="ignore"):
        values = np.asarray(course.values(grid), dtype=float)
    values = np.where(np.isfinite(values), values, np.nan)
    if np.isnan(values).all():
        values = np.zeros_like(values)
    lowest, highest = float(np.nanmin(values)), float(np.nanmax(values))
    floor = lowest if minimum is None or not math.isfinite(minimum) else min(minimum, lowest)
    if lowest - floor > highest - lowest:  # a minimum far away would leave no contour here
        floor = lowest
    gap = values - floor
    return Terrain(x, y, gap, contour_levels(gap), floor)


def contour_levels(gap: np.ndarray, count: int = LEVELS) -> np.ndarray:
    """Return ``count`` log-spaced levels from near the bottom to the top of ``gap`` (f − minimum on a grid)."""
    positive = gap[np.isfinite(gap) & (gap > 0)]
    if not len(positive):
        return np.geomspace(1e-3, 1.0, count)
    high = float(positive.max())
    low = max(float(np.quantile(positive, 0.002)), high * 1e-8)
    if low >= high * 0.999:
        low = high * 0.1
    return np.geomspace(low, high, count)


@dataclass(frozen=True)
class Axis:
    """Limits, ticks and their labels; ``log`` says on which scale."""

    low: float
    high: float
    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    log: bool = True

    def place(self, values: np.ndarray) -> np.ndarray:
        """Return where ``values`` lie between the axis's ends, from 0 to 1."""
        if not self.log:
            return (values - self.low) / (self.high - self.low)
        with np.errstate(divide="ignore", invalid="ignore"):
            return (np.log10(values) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))


def log_axis(low: float, high: float, most: int = 6) -> Axis:
    """Return a logarithmic axis with at most ``most`` ticks at whole powers of ten."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    stride = max(1, math.ceil((last - first + 1) / most))
    exponents = [k for k in range(first, last + 1) if k % stride == 0]
    return Axis(low, high, tuple(10.0**k for k in exponents), tuple(power(k) for k in exponents))


def linear_axis(low: float, high: float, most: int = 6) -> Axis:
    """Return a linear axis with at most ``most`` ticks at round numbers."""
    raw = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(raw))
    stride = next(unit * k for k in (1, 2, 5, 10) if unit * k >= raw * 0.999)
    ticks = np.arange(math.ceil(low / stride - 1e-9), math.floor(high / stride + 1e-9) + 1) * stride
    return Axis(low, high, tuple(map(float, ticks)), tuple(number(float(tick), 6) for tick in ticks), log=False)


def measure_axis(values: np.ndarray, log: bool) -> Axis:
    """Return the axis of a measure of training: logarithmic, with ticks between the powers where it spans few."""
    known = values[np.isfinite(values) & (values > 0)] if log else values[np.isfinite(values)]
    if not len(known):
        return log_axis(1e-3, 10.0) if log else linear_axis(0.0, 1.0)
    low, high = float(known.min()), float(known.max())
    if not log:
        margin = 0.06 * (high - low) or 0.5 * abs(high) or 1.0
        return linear_axis(low - margin, high + margin)
    low, high = max(low, high * 1e-8) / 1.25, high * 1.25
    if high / low > 300:
        return log_axis(low, high)
    factors = (1, 2, 5) if high / low > 8 else (1, 1.5, 2, 3, 4, 5, 6, 8)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [k * 10.0**p for p in powers for k in factors if low <= k * 10.0**p <= high]
    return Axis(low, high, tuple(ticks), tuple(number(tick, 2) for tick in ticks))


def share_axis(values: np.ndarray) -> Axis:
    """Return the axis of proportions, in per cent, up to all."""
    known = values[np.isfinite(values)]
    low = math.floor(10 * float(known.min()) - 0.2) / 10 if len(known) else 0.0
    axis = linear_axis(100 * max(0.0, min(low, 0.9)), 100.0, most=5)
    ticks = tuple(tick / 100 for tick in axis.ticks)
    return Axis(axis.low / 100, 1.005, ticks, tuple(f"{tick} %" for tick in axis.labels), log=False)


def step_axis(steps: int, first: int | None = None) -> Axis:
    """Return the axis of steps: logarithmic where a race is long enough to need it.

    ``first`` is the step at which the first run settles. A logarithmic axis begins at step 1 and would leave out the
    whole way of a run that is there at once.
    """
    if steps >= 100 and (first is None or first > 2):
        return log_axis(1.0, float(steps))
    return linear_axis(0.0, float(max(steps, 1)))


def gap_axis(gaps: np.ndarray, tolerance: float, descents: np.ndarray) -> Axis:
    """Return the axis of f − f* [R, N + 1]: it holds the ``descents``, and a little below the tolerance."""
    start = gaps[:, 0][np.isfinite(gaps[:, 0]) & (gaps[:, 0] > 0)]
    top = float(start.max()) if len(start) else 0.0
    return descent_axis(gaps, descents, 1e-16, at_least=1e-7 * tolerance, top=1e6 * top)


def descent_axis(
    values: np.ndarray, descents: np.ndarray, below: float, at_least: float = 0.0, top: float = 0.0
) -> Axis:
    """Return a logarithmic axis that holds ``values`` [R, N + 1] wherever ``descents`` is true.

    What comes after the descent may leave it: further down than ``at_least``, or than ``below`` times the highest
    value of the descent, and further up than ``top``, so that the rest of the picture is not squeezed.
    """
    positive = np.isfinite(values) & (values > 0)
    if not positive.any():
        return log_axis(1e-3, 10.0)
    way = values[positive & descents] if (positive & descents).any() else values[positive]
    high = max(float(way.max()), min(float(values[positive].max()), top))
    low = min(float(way.min()), max(float(values[positive].min()), at_least, high * below))
    low, high = 10.0 ** max(math.floor(math.log10(low)), -307), 10.0 ** min(math.ceil(math.log10(high) + 0.08), 308)
    return log_axis(low, max(high, low * 100))
