"""From the records of views to what the page's scripts read: lists, numbers and texts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from slalom.show.report.specs import AxisSpec, InkSpec, Series
from slalom.show.views.frames import Axis
from slalom.show.views.styles import BRIGHT, LEGIBLE, NIGHT, Style, rgb, tint

DIGITS = 7
"""Significant digits of a drawn number; the data for download have all of them."""
BUCKETS = 300
"""A series longer than twice this is thinned to the extremes of so many stretches."""
DARK_PAPER = 0.0105
"""The relative luminance of the page's dark background, #17181b."""


def plain(value: float) -> float | None:
    """Return a number as it is drawn; None where it is not finite."""
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def numbers(values: Iterable[float] | np.ndarray) -> Series:
    """Return numbers as they are drawn."""
    return [plain(float(value)) for value in values]


def axis(view: Axis) -> AxisSpec:
    """Return limits, ticks with their labels, and the scale."""
    ticks = [(plain(tick), label) for tick, label in zip(view.ticks, view.labels, strict=True)]
    return {"low": plain(view.low), "high": plain(view.high), "ticks": ticks, "log": view.log}


def ink(style: Style) -> InkSpec:
    """Return a style for light and for dark pages."""
    return {"light": on_light(style.colour), "dark": on_dark(style.colour), "dashes": list(style.dashes)}


def on_light(colour: str) -> str:
    """Return ``colour``, darkened until it can be seen on white."""
    return _legible(colour, 1.0, -1.0, LEGIBLE)


def on_dark(colour: str) -> str:
    """Return ``colour``, lightened until it can be seen on the dark page."""
    if contrast(colour, DARK_PAPER) < NIGHT:
        return tint(colour, 0.88)
    return _legible(colour, DARK_PAPER, 1.0, BRIGHT)


def _legible(colour: str, paper: float, direction: float, least: float) -> str:
    for amount in np.linspace(0, 1, 21):
        tried = tint(colour, direction * float(amount))
        if contrast(tried, paper) >= least:
            return tried
    return tried


def contrast(colour: str, paper: float) -> float:
    """Return the contrast of a colour #rrggbb with a background of this relative luminance, as WCAG defines it."""
    parts = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb(colour))
    luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))
    low, high = sorted((luminance, paper))
    return (high + 0.05) / (low + 0.05)


def kept(series: Sequence[np.ndarray], buckets: int = BUCKETS) -> np.ndarray:
    """Return which indices of equally long ``series`` [E] to draw: all, or the extremes of each in each stretch.

    The first and the last are always among them, and so is the first that is not finite.
    """
    length = len(series[0]) if series else 0
    if length <= 2 * buckets:
        return np.arange(length)
    chosen = {0, length - 1}
    for values in series:
        known = np.isfinite(values)
        chosen |= {int(np.argmax(~known))} if not known.all() else set()
        for part in np.array_split(np.arange(length), buckets):
            inside = part[known[part]]
            if len(inside):
                chosen |= {int(inside[np.argmin(values[inside])]), int(inside[np.argmax(values[inside])])}
    return np.array(sorted(chosen))
