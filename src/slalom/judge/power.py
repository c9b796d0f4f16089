"""How many seeds would decide: the power of the t test, from the noncentral t distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

POWER = 0.8
"""How often a true difference of the margin is to be found."""

MOST_SEEDS = 1_000_000
"""Beyond this many seeds nobody asks for the exact number."""


@dataclass(frozen=True)
class SeedsNeeded:
    """About ``seeds`` seeds find a difference of the margin in 80 % of studies.

    ``low`` and ``high`` are the same for the ends of the 90 % interval of the standard deviation: from few seeds it is
    known only roughly.
    """

    seeds: int
    low: int
    high: int


def power(seeds: int, effect: float, *, alpha: float = 0.05, paired: bool = True) -> float:
    """Return how often a two-sided t test finds a true difference.

    ``effect`` is the difference divided by the standard deviation of the difference of two runs. ``paired`` is false
    for Welch's test on ``seeds`` runs of each optimizer, with equal variances.
    """
    if seeds < 2:
        return 0.0
    df = (seeds - 1) * (1 if paired else 2)
    shift = abs(effect) * math.sqrt(seeds)
    critical = special.stdtrit(df, 1 - alpha / 2)
    return 1 - _noncentral_t(df, shift, critical) + _noncentral_t(df, shift, -critical)


def seeds_for(effect: float, *, alpha: float = 0.05, paired: bool = True) -> int:
    """Return the smallest number of seeds with 80 % power for ``effect`` (see :func:`power`), at most a million."""
    if effect <= 0 or power(MOST_SEEDS, effect, alpha=alpha, paired=paired) < POWER:
        return MOST_SEEDS
    too_few, enough = 1, 2
    while power(enough, effect, alpha=alpha, paired=paired) < POWER:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if power(middle, effect, alpha=alpha, paired=paired) < POWER:
            too_few = middle
        else:
            enough = middle
    return enough


def seeds_needed(margin: float, sd: float, df: float, *, alpha: float = 0.05, paired: bool = True) -> SeedsNeeded:
    """Return the seeds that would find a true difference of ``margin``, with their 90 % range.

    ``sd`` is the standard deviation of the difference of two runs, on the scale of the margin, estimated with ``df``
    degrees of freedom; its range is that of the chi-square interval. Where it is 0, the exact test decides, which needs
    enough seeds for its smallest p to fall below ``alpha``.
    """
    if sd == 0:
        fewest = _fewest(alpha, paired)
        return SeedsNeeded(fewest, fewest, fewest)
    quantiles = (special.chdtri(df, 0.05), df, special.chdtri(df, 0.95))
    low, middle, high = (
        seeds_for(margin / (sd * math.sqrt(df / quantile)), alpha=alpha, paired=paired) for quantile in quantiles
    )
    return SeedsNeeded(middle, low, high)


def _noncentral_t(df: float, shift: float, t: float) -> float:
    """Return the distribution function of the noncentral t.

    SciPy has NaN in far tails, where the normal approximation is as good as exact (Abramowitz and Stegun, 26.7.10).
    """
    exact = float(special.nctdtr(df, shift, t))
    if not math.isnan(exact):
        return exact
    return float(special.ndtr((t * (1 - 1 / (4 * df)) - shift) / math.sqrt(1 + t * t / (2 * df))))


def _fewest(alpha: float, paired: bool) -> int:
    """Return the seeds from which an exact test, of signs or of deals, can reach ``alpha``."""
    seeds = 2
    while 2 / (2**seeds if paired else math.comb(2 * seeds, seeds)) > alpha:
        seeds += 1
    return seeds
