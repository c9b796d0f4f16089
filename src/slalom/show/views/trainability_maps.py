"""The numbers of the trainability map: each pixel one trained network, over a grid of two hyperparameters."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from slalom.show.views.frames import Axis, linear_axis, log_axis, measure_axis
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.sweeps import TrainabilityGrid
from slalom.show.views.words import capital, count, number, share, wrap

SIDE = 5.6
"""Inches of the map's longer side."""
BAR = 0.2
NEAR = 10.0
"""Losses up to so many times the best are told as a share of all."""
TITLES = {"lr": "learning rate", "eps": "epsilon", "weight_decay": "weight decay"}
COMPLEMENTS = (0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999)
"""Values that an axis of log(1 − value) may mark."""
BRIGHT, DARK = 0.002, 0.97
"""Quantiles of the finite losses between which the colours run."""


@dataclass(frozen=True)
class Trainability:
    """The map: ``loss`` [m, n] has a row for each value of the second hyperparameter, the lowest first.

    It is NaN where a network diverged, which is drawn black, or failed (``failed`` [m, n], drawn white), and positive
    elsewhere, on the logarithmic ``colours``. ``extent``
    is left, right, bottom, top in the units of ``x`` and ``y``: log10 of a value, log10 of one minus it with its sign
    turned, or the value itself. ``best`` is the place of the lowest loss there, ``best_text`` its values.
    """

    title: str
    sentence: tuple[str, ...]
    loss: np.ndarray
    failed: np.ndarray
    x: Axis
    y: Axis
    x_title: str
    y_title: str
    extent: tuple[float, float, float, float]
    colours: Axis
    colour_title: str
    best: tuple[float, float] | None
    best_text: str
    footer: tuple[str, ...]
    size: tuple[float, float]
    box: Box
    bar_box: Box


def trainability(grid: TrainabilityGrid) -> Trainability:
    """Return the trainability map of an optimizer on a task."""
    loss = np.where(grid.diverged | ~np.isfinite(grid.final_loss), np.nan, grid.final_loss).astype(float)
    places = [_places(values, scale) for values, scale in zip(grid.values, grid.scales, strict=True)]
    edges = [_edges(place) for place in places]
    axes = [_axis(edge, scale, values) for edge, scale, values in zip(edges, grid.scales, grid.values, strict=True)]
    cell = best_cell(loss)
    wide = (WIDTH - 2 * EDGE) * 72
    said = wrap(_sentence(grid, loss, cell), wide, 10.5, most=3)
    footer = wrap(_footer(grid), wide, 8.0, most=3)
    width, height = _sides(len(places[0]), len(places[1]))
    head, foot = 0.98 + 0.22 * len(said), 0.7 + 0.145 * len(footer)
    size = (WIDTH, head + height + foot)
    left = (WIDTH - width) / 2 - 0.2
    colours = _colours(loss)
    return Trainability(
        title=f"Where {grid.optimizer_name} trains {grid.course_title}",
        sentence=tuple(said),
        loss=_drawable(loss, colours).T,
        failed=grid.failed.T,
        x=axes[0],
        y=axes[1],
        x_title=TITLES.get(grid.names[0], grid.names[0]),
        y_title=TITLES.get(grid.names[1], grid.names[1]),
        extent=(*edges[0], *edges[1]),
        colours=colours,
        colour_title=f"{grid.quantity} after {grid.steps:,} steps",
        best=None if cell is None else (float(places[0][cell[0]]), float(places[1][cell[1]])),
        best_text="" if cell is None else _best_text(grid, loss, cell),
        footer=tuple(footer),
        size=size,
        box=Box(left, foot, width, height),
        bar_box=Box(left + width + 0.3, foot, BAR, height),
    )


def best_cell(loss: np.ndarray) -> tuple[int, int] | None:
    """Return the indices of the lowest finite loss, None where there is none."""
    if not np.isfinite(loss).any():
        return None
    first, second = np.unravel_index(int(np.nanargmin(loss)), loss.shape)
    return int(first), int(second)


def beyond(diverged: np.ndarray) -> int:
    """Return how many networks train although one with a lower first hyperparameter, all else equal, diverged."""
    return int((np.logical_or.accumulate(diverged, axis=0) & ~diverged).sum())


def boundary(diverged: np.ndarray) -> np.ndarray:
    """Return, for each value of the second hyperparameter, the index of the last of the first before any diverges.

    Shape [m], −1 where the very first diverges.
    """
    first = np.where(diverged.any(axis=0), np.argmax(diverged, axis=0), diverged.shape[0])
    return np.asarray(first - 1)


def _places(values: np.ndarray, scale: str) -> np.ndarray:
    """Return where values lie on their scale: evenly spaced."""
    values = np.asarray(values, dtype=float)
    if scale == "log":
        return np.asarray(np.log10(values))
    return np.asarray(-np.log10(1.0 - values)) if scale == "one minus" else values


def _edges(places: np.ndarray) -> tuple[float, float]:
    """Return the outer edges of the first and the last pixel."""
    half = (places[-1] - places[0]) / (len(places) - 1) / 2 if len(places) > 1 else 0.5
    return float(places[0] - half), float(places[-1] + half)


def _axis(edges: tuple[float, float], scale: str, values: np.ndarray) -> Axis:
    """Return a linear axis in places, whose ticks are named by their values."""
    low, high = edges
    if scale == "log":
        axis = log_axis(10.0**low, 10.0**high)
        if len(axis.ticks) < 3:
            axis = measure_axis(np.asarray(values, dtype=float), log=True)
        inside = [(math.log10(tick), label) for tick, label in zip(axis.ticks, axis.labels, strict=True)]
    elif scale == "one minus":
        inside = [(-math.log10(1 - value), f"{value:g}") for value in COMPLEMENTS]
    else:
        axis = linear_axis(low, high)
        inside = list(zip(axis.ticks, axis.labels, strict=True))
    inside = [(tick, label) for tick, label in inside if low <= tick <= high]
    return Axis(low, high, tuple(tick for tick, _ in inside), tuple(label for _, label in inside), log=False)


def _sides(across: int, up: int) -> tuple[float, float]:
    """Return the map's size in inches: pixels are squares unless the grid is very long."""
    ratio = min(max(across / up, 0.6), 1.3)
    return (SIDE * min(ratio, 1.0) if ratio < 1 else SIDE * ratio, SIDE)


def _colours(loss: np.ndarray) -> Axis:
    """Return the logarithmic axis of colours: from the best to what all but a few networks stay below."""
    known = loss[np.isfinite(loss) & (loss > 0)]
    if not len(known):
        return log_axis(0.1, 10.0)
    low, high = (float(edge) for edge in np.quantile(known, (BRIGHT, DARK)))
    low = max(low, high * 1e-6)
    axis = measure_axis(np.array([low, max(high, low * 1.2)]), log=True)
    inside = [(t, text) for t, text in zip(axis.ticks, axis.labels, strict=True) if low <= t <= max(high, low * 1.2)]
    return Axis(low, max(high, low * 1.2), tuple(t for t, _ in inside), tuple(text for _, text in inside))


def _drawable(loss: np.ndarray, colours: Axis) -> np.ndarray:
    """Return losses inside the colours' axis; NaN stays."""
    return np.clip(loss, colours.low, colours.high)


def _sentence(grid: TrainabilityGrid, loss: np.ndarray, cell: tuple[int, int] | None) -> str:
    lost = np.isnan(loss) & ~grid.failed
    networks = count(lost.size, "network")
    if cell is None:
        return f"All {networks} {'diverge or fail' if grid.failed.any() else 'diverge'}."
    names = [TITLES.get(name, name) for name in grid.names]
    values = [number(float(grid.values[k][cell[k]]), 3 if grid.scales[k] == "one minus" else 2) for k in range(2)]
    if not lost.any():
        text = f"None of {networks} diverges"
    else:
        text = f"{_portion(float(lost.mean()))} of {networks} {'diverge' if lost.sum() > 1 else 'diverges'}"
    if grid.failed.any():
        text += f", {_portion(float(grid.failed.mean()))} {'fail' if grid.failed.sum() > 1 else 'fails'}"
    text += f"; the best has {names[0]} {values[0]} and {names[1]} {values[1]}"
    if loss[cell] > 0:
        near = float((loss <= NEAR * loss[cell]).mean())
        text += f", and {share(near) if near >= 0.005 else 'less than 1 %'} end within ten times its loss"
    text += f". {_border(grid, lost)}"
    if grid.start_loss is not None and (stuck := float((loss >= grid.start_loss).mean())) >= 0.005:
        text = f"{text.strip()} {capital(_portion(stuck))} end no lower than they began."
    return capital(text.strip())


def _best_text(grid: TrainabilityGrid, loss: np.ndarray, cell: tuple[int, int]) -> str:
    values = [f"{grid.names[k]} {number(float(grid.values[k][cell[k]]), 2 + (k == 1))}" for k in range(2)]
    return f"best: {number(float(loss[cell]), 2)}\n{', '.join(values)}"


def _portion(ratio: float) -> str:
    """Return a share of many in words where a fraction is near."""
    for fraction, word in ((1 / 4, "a quarter"), (1 / 3, "a third"), (1 / 2, "half"), (2 / 3, "two thirds")):
        if abs(ratio - fraction) < 0.015:
            return word
    return share(ratio) if 0.005 <= ratio <= 0.995 else f"{100 * ratio:.1f} %"


def _border(grid: TrainabilityGrid, lost: np.ndarray) -> str:
    """Say how far the first hyperparameter can go at either end of the second, and whether the border is ragged."""
    if not lost.any():
        return ""
    edge = boundary(lost)
    texts = []
    if edge[0] >= 0 and edge[-1] >= 0 and edge[0] != edge[-1]:
        names = [TITLES.get(name, name) for name in grid.names]
        ends = [number(float(grid.values[0][min(k, lost.shape[0] - 1)]), 2) for k in (edge[0], edge[-1])]
        at = [number(float(grid.values[1][k]), 3) for k in (0, -1)]
        moved = f"goes from {ends[0]} at {names[1]} {at[0]} to {ends[1]} at {at[1]}"
        texts.append(f"The largest safe {names[0]} {moved}.")
    islands = beyond(lost)
    if islands:
        verb, whom = ("trains", "one that does") if islands == 1 else ("train", "one that does")
        texts.append(f"The border is ragged: {count(islands, 'network')} {verb} beyond {whom} not.")
    return " ".join(texts)


def _footer(grid: TrainabilityGrid) -> str:
    versions = [
        f"{name} {grid.versions[name].partition('+')[0]}" for name in ("slalom", "torch") if name in grid.versions
    ]
    n, m = np.shape(grid.final_loss)
    parts = [
        f"each pixel one network{'; black: diverged' if np.any(grid.diverged) else ''}"
        f"{'; white: failed' if grid.failed.any() else ''}; star: the best",
        f"{n} × {m} networks, all from the same start (seed {grid.seed}), the same batches",
        f"{grid.steps:,} steps, {grid.dtype}, {grid.engine} engine",
        ", ".join(versions),
        *map(str, grid.remarks),
    ]
    return " · ".join(part for part in parts if part)
