"""Estimates with their uncertainty: means, shares, and the difference between two optimizers.

The distribution functions are those of ``scipy.special``, which ``scipy.stats`` itself calls; importing the latter
takes more than a second.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

LEVEL = 0.95
"""Share of repetitions in which a printed interval covers the truth."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, from ``n`` seeds. ``low`` and ``high`` are None where there is no interval."""

    value: float
    low: float | None
    high: float | None
    n: int
    kind: str = "mean"  # or "geometric mean", "median", "share"
    level: float = LEVEL


@dataclass(frozen=True)
class Difference:
    """The difference a − b of two means, on the scale of the values, by Student's t.

    ``error`` is its standard error, ``df`` the degrees of freedom, ``sd`` the standard deviation of the difference
    between one run of a and one of b, ``n`` the pairs, or the smaller number of runs. ``p`` is two-sided, and NaN where
    the values show no spread at all: a t test has nothing to say there.
    """

    mean: float
    error: float
    df: float
    sd: float
    n: int
    p: float

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Return the bounds of the t interval."""
        half = float(special.stdtrit(self.df, 0.5 + level / 2)) * self.error if self.error else 0.0
        return self.mean - half, self.mean + half


def t_interval(values: np.ndarray, level: float = LEVEL) -> Estimate:
    """Return the mean of ``values`` (float64, [n]) with its t interval; none for a single value."""
    values = np.asarray(values, dtype=np.float64)
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return Estimate(mean, None, None, n, level=level)
    half = float(special.stdtrit(n - 1, 0.5 + level / 2) * np.std(values, ddof=1)) / math.sqrt(n)
    return Estimate(mean, mean - half, mean + half, n, level=level)


def wilson(successes: int, n: int, level: float = LEVEL) -> Estimate:
    """Return the share ``successes / n`` with its Wilson score interval (Wilson, JASA 22, 1927); of no runs, 0 to 1."""
    if not n:
        return Estimate(0.0, 0.0, 1.0, 0, kind="share", level=level)
    z = float(special.ndtri(0.5 + level / 2))
    share, spread = successes / n, z * z / n
    centre = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Estimate(share, low, high, n, kind="share", level=level)


def paired_difference(a: np.ndarray, b: np.ndarray) -> Difference:
    """Return the mean of a − b over common seeds; both float64, [n], n at least 2."""
    differences = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    n, mean = len(differences), float(np.mean(differences))
    sd = _spread(differences, magnitude=_magnitude(a, b))
    error = sd / math.sqrt(n)
    return Difference(mean, error, n - 1, sd, n, _two_sided(mean, error, n - 1))


def welch_difference(a: np.ndarray, b: np.ndarray) -> Difference:
    """Return the difference of two means of runs without common seeds; float64, [n] and [m], at least 2 each.

    Variances may differ (Welch, Biometrika 34, 1947).
    """
    mean = float(np.mean(a) - np.mean(b))
    magnitude = _magnitude(a, b)
    variances = _spread(a, magnitude) ** 2, _spread(b, magnitude) ** 2
    parts = variances[0] / len(a), variances[1] / len(b)
    error = math.sqrt(sum(parts))
    df = float(len(a) + len(b) - 2)
    if error > 0:
        shares = parts[0] / sum(parts), parts[1] / sum(parts)  # the squares of the parts themselves may overflow
        df = 1 / (shares[0] ** 2 / (len(a) - 1) + shares[1] ** 2 / (len(b) - 1))
    return Difference(mean, error, df, math.sqrt(sum(variances)), min(len(a), len(b)), _two_sided(mean, error, df))


def _two_sided(mean: float, error: float, df: float) -> float:
    """Return the p of Student's t test of a mean of zero."""
    if error == 0:
        return math.nan
    return float(2 * special.stdtr(df, -abs(mean) / error))


def _magnitude(a: np.ndarray, b: np.ndarray) -> float:
    return float(max(np.max(np.abs(a)), np.max(np.abs(b))))


def _spread(values: np.ndarray, magnitude: float) -> float:
    """Return the standard deviation, 0 where it is rounding: 0.97 − 0.96 and 0.96 − 0.95 differ in the last bit."""
    sd = float(np.std(values, ddof=1))
    return sd if sd > 1e-12 * magnitude else 0.0
