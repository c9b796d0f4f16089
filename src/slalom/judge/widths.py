"""Learning-rate width: over how many decades of learning rates an optimizer stays close to its best."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

POINT = 0.01
"""Close means within one point of accuracy…"""

PERCENT = 0.01
"""… or within one per cent of the loss."""


@dataclass(frozen=True)
class Width:
    """The stretch of learning rates around the best in which results stay close to it.

    ``open_below`` and ``open_above`` say that the stretch reaches the end of what was tried: it may be wider.
    """

    best: float
    low: float
    high: float
    open_below: bool
    open_above: bool

    @property
    def decades(self) -> float:
        return math.log10(self.high / self.low)


def learning_rate_width(rates: np.ndarray, values: np.ndarray, *, accuracy: bool, optimum: float = 0.0) -> Width | None:
    """Return the width; None where every rate diverged.

    ``rates`` [L] and ``values`` [L], the mean result at each rate, NaN where it diverged; in any order. Accuracies are
    shares of 1, losses are counted from ``optimum``. Between a rate that is close and the next, which is not, the end
    is interpolated on the log axis; next to a divergence the last rate that is close is the end.
    """
    order = np.argsort(rates)
    rates = np.asarray(rates, dtype=np.float64)[order]
    values = np.asarray(values, dtype=np.float64)[order]
    shortfall = -values if accuracy else np.maximum(values - optimum, 1e-12)
    shortfall = np.where(np.isfinite(shortfall), shortfall, np.inf)
    best = int(np.argmin(shortfall))
    if not np.isfinite(shortfall[best]):
        return None
    limit = float(shortfall[best] + POINT if accuracy else shortfall[best] * (1 + PERCENT))
    limit += 1e-12 * abs(limit)  # exactly one point is within one point, whatever the rounding
    low, open_below = _reach(rates, shortfall, best, limit, -1)
    high, open_above = _reach(rates, shortfall, best, limit, +1)
    return Width(float(rates[best]), low, high, open_below, open_above)


def _reach(rates: np.ndarray, shortfall: np.ndarray, best: int, limit: float, step: int) -> tuple[float, bool]:
    """Walk from the best rate until results are no longer close; return where, and whether the rates ended first."""
    here = best
    while 0 <= here + step < len(rates):
        beyond = here + step
        if shortfall[beyond] > limit:
            if not np.isfinite(shortfall[beyond]):
                return float(rates[here]), False
            share = (limit - shortfall[here]) / (shortfall[beyond] - shortfall[here])
            return float(rates[here] * (rates[beyond] / rates[here]) ** share), False
        here = beyond
    return float(rates[here]), True
