"""The scale on which results are compared, and how a difference on it is written.

Accuracies are compared as they are and written in points; positive losses, gaps to a known optimum and steps are
compared on the log scale and written as ratios.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from slalom.judge.results import Results

FLOOR = 1e-12
"""A loss or a gap below this counts as this: on the log scale, differences down there are rounding."""

ACCURACY_MARGIN, LOSS_MARGIN, GAP_MARGIN, STEPS_MARGIN = 0.3, 2.0, 2.0, 10.0
"""What matters in practice unless somebody says otherwise: points, per cent, a factor, per cent."""

PLAIN_MARGIN = 0.02
"""For results of no known kind: this share of the baseline's mean."""


@dataclass(frozen=True)
class Scale:
    """How results are transformed before they are compared, and differences written afterwards.

    ``margin`` is δ on this scale, None where there is none to be had. ``unit`` is ``"points"``, ``"%"``, ``"factor"``
    or ``""``.
    """

    unit: str
    higher_is_better: bool
    margin: float | None
    logarithmic: bool = False
    optimum: float = 0.0

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return ``values`` (float64, [n]) on this scale; a target that was missed, infinite, stays so."""
        return np.log(np.maximum(values - self.optimum, FLOOR)) if self.logarithmic else values

    def better(self, first: float, second: float) -> int:
        """Return +1 where the first of two numbers, in any units, is better, −1 where it is worse, else 0."""
        sign = (first > second) - (first < second)
        return sign if self.higher_is_better else -sign

    def back(self, value: float) -> float:
        """Return a number of this scale in the metric's own units."""
        return self.optimum + math.exp(min(value, 700.0)) if self.logarithmic else value

    def change(
        self,
        difference: float,
        low: float | None = None,
        high: float | None = None,
        beside: tuple[float, float] | None = None,
    ) -> str:
        """Write a difference on this scale, with its interval: ``"+1.2 points [0.6, 1.8]"``.

        ``beside`` is the interval with which the same difference is written elsewhere: it then reads the same.
        """
        numbers = [self._shown(number) for number in (difference, low, high) if number is not None]
        known = numbers if beside is None else [numbers[0], *map(self._shown, beside)]
        if self._as_factor(known):
            factors = [math.exp(min(number, 700.0)) for number in (difference, low, high) if number is not None]
            first, *bounds = map(_written_factor, factors)
            return f"×{first}" + (f" [{', '.join(bounds)}]" if bounds else "")
        decimals = self._decimals(known)
        first, *bounds = [_fixed(number, decimals) for number in numbers]
        sign = "+" if numbers[0] > 0 else ""
        unit = f" {self.unit}" if self.unit in ("points", "%") else ""
        return f"{sign}{first}{unit}" + (f" [{', '.join(bounds)}]" if bounds else "")

    def written_margin(self) -> str:
        """Write δ: ``"0.3 points"``, ``"2 %"``, ``"a factor 2"``."""
        assert self.margin is not None
        if self.unit == "factor":
            return f"a factor {math.exp(self.margin):.3g}"
        return f"{self._shown(self.margin):.3g}" + (f" {self.unit}" if self.unit else "")

    def _shown(self, number: float) -> float:
        """Return a number of this scale in the units in which differences are written."""
        if self.unit == "points":
            return 100 * number
        return 100 * math.expm1(min(number, 700.0)) if self.logarithmic else number

    def _as_factor(self, shown: list[float]) -> bool:
        """Say whether ratios are written as factors: gaps always, losses and steps once they double or halve."""
        return self.unit == "factor" or (self.logarithmic and any(number > 100 or number < -50 for number in shown))

    def _decimals(self, numbers: list[float]) -> int:
        """Return as many decimals as the interval's width warrants, and enough to tell its ends from zero."""
        spread = abs(numbers[2] - numbers[1]) / 2 if len(numbers) == 3 else 0.0
        spread = spread or abs(numbers[0])
        least = 1 if self.unit else 0
        decimals = max(least, -math.floor(math.log10(spread) + 1e-9)) if spread > 0 else least
        while decimals < 12 and any(end != 0 and float(f"{end:.{decimals}f}") == 0 for end in numbers[1:]):
            decimals += 1
        return min(decimals, 12)


def _written_factor(factor: float) -> str:
    """Write a factor: ``"0.388"``, ``"1,434"``, ``"2.7e+13"``."""
    if factor < 100:
        return f"{factor:.3g}"
    return f"{factor:,.0f}" if factor < 1e5 else f"{factor:.2g}"


def scale_of(results: Results) -> Scale:
    """Return the scale for ``results``: losses below zero without a known optimum have no logarithm, and stay plain."""
    if results.kind == "accuracy":
        return Scale("points", True, (results.margin or ACCURACY_MARGIN) / 100)
    if results.kind == "steps":
        return Scale("%", False, math.log1p((results.margin or STEPS_MARGIN) / 100), logarithmic=True)
    if results.kind == "loss" and results.optimum is not None:
        return Scale("factor", False, math.log(results.margin or GAP_MARGIN), logarithmic=True, optimum=results.optimum)
    if results.kind == "loss" and not has_negative(results):
        return Scale("%", False, math.log1p((results.margin or LOSS_MARGIN) / 100), logarithmic=True)
    higher = bool(results.higher_is_better)
    return Scale("", higher, results.margin or _plain_margin(results))


def has_negative(results: Results) -> bool:
    """Say whether any value is below zero."""
    return any(value < 0 for name in results.values for value in results.typical(name).values())


def _plain_margin(results: Results) -> float | None:
    finite = list(results.typical(results.reference).values())
    return PLAIN_MARGIN * abs(float(np.mean(finite))) or None if finite else None


def _fixed(number: float, decimals: int) -> str:
    text = f"{number:.{decimals}f}"
    if float(text) == 0:
        text = text.lstrip("-")
    return text.replace("-", "−")
