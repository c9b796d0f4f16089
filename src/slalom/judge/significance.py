"""Tests of a difference: exact permutations, corrections for several comparisons, equivalence.

p values are two-sided. The t tests are in :mod:`slalom.judge.estimates`, beside the intervals they belong to.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, combinations

import numpy as np
from scipy import special

from slalom.judge.estimates import Difference

EXACT_PAIRS = 20
"""Up to so many pairs every assignment of signs is counted, 2^20 of them; beyond, they are drawn."""

EXACT_SPLITS = 200_000
"""Up to so many ways to deal the runs into two groups all are counted: 10 and 10 runs have 184,756."""

DRAWS = 9_999
"""Random assignments beyond those numbers: the smallest p is then 0.0001."""

_TIE = 1e-9
"""Sums within this share of each other are equal: only rounding parts them."""


def sign_flip_p(differences: np.ndarray, seed: int = 0, draws: int = DRAWS) -> float:
    """Return the p of a mean of zero when every difference (float64, [n]) might as well have had the other sign.

    Exact up to n = 20; beyond it (b + 1) / (m + 1) from m drawn assignments (Phipson and Smyth, 2010), which depend on
    ``seed`` and nothing else.
    """
    sizes = np.abs(np.asarray(differences, dtype=np.float64))
    threshold = abs(float(np.sum(differences))) - _TIE * float(sizes.sum())
    sizes = sizes[sizes > 0]  # a difference of zero has no sign to flip
    if len(sizes) <= EXACT_PAIRS:
        sums = np.zeros(1)
        for size in sizes:
            sums = np.concatenate([sums + size, sums - size])
        return float(np.mean(np.abs(sums) >= threshold))
    as_extreme = np.count_nonzero(np.abs(_signs(len(sizes), seed, draws) @ sizes) >= threshold)
    return (int(as_extreme) + 1) / (draws + 1)


def two_sample_p(a: np.ndarray, b: np.ndarray, seed: int = 0, draws: int = DRAWS) -> float:
    """Return the p of equal means when any run might as well have been in the other group; float64, [n] and [m].

    Exact where there are at most 200,000 ways to deal the runs, else (b + 1) / (m + 1) from drawn deals.
    """
    pooled = np.concatenate([a, b]).astype(np.float64)
    pooled = pooled - pooled.mean()
    sizes, n = len(pooled), len(a)
    threshold = abs(float(pooled[:n].sum())) - _TIE * float(np.abs(pooled).sum())
    ways = math.comb(sizes, n)
    if ways <= EXACT_SPLITS:
        sums = pooled[_deals(sizes, n)].sum(axis=1)
        return float(np.mean(np.abs(sums) >= threshold))
    generator = np.random.Generator(np.random.Philox(seed))
    dealt = generator.permuted(np.broadcast_to(pooled, (draws, sizes)), axis=1)[:, :n]
    return (int(np.count_nonzero(np.abs(dealt.sum(axis=1)) >= threshold)) + 1) / (draws + 1)


def signed_ranks(differences: np.ndarray) -> np.ndarray:
    """Return the ranks of the sizes of the differences, with their signs, float64, [n] (Wilcoxon, 1945).

    Differences of zero have rank 0 and are left out of the ranking; equal sizes share their mean rank; infinite
    differences are the largest.
    """
    differences = np.asarray(differences, dtype=np.float64)
    ranks = np.zeros(len(differences))
    counted = differences != 0
    ranks[counted] = mean_ranks(np.abs(differences[counted]))
    return ranks * np.sign(differences)


def mean_ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks of ``values`` from 1, smallest first, float64; equal values share the mean of their ranks."""
    values = np.asarray(values, dtype=np.float64)
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse]


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values corrected for their number, so that the chance of any false alarm stays below 5 %.

    Holm, Scandinavian Journal of Statistics 6, 1979.
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, (len(p_values) - place) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Return the p values corrected so that at most 5 % of what is called detected is expected to be a false alarm.

    Benjamini and Hochberg, JRSS B 57, 1995. For exploration only.
    """
    adjusted, smallest = [0.0] * len(p_values), 1.0
    order = np.argsort(p_values, kind="stable")
    for place in range(len(p_values), 0, -1):
        index = order[place - 1]
        smallest = min(smallest, len(p_values) / place * p_values[index])
        adjusted[index] = smallest
    return adjusted


def equivalence_p(difference: Difference, margin: float) -> float:
    """Return the p of two one-sided t tests: at most 0.05 exactly where the 90 % interval lies inside ±``margin``.

    Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987.
    """
    if difference.error == 0:
        return 0.0 if abs(difference.mean) < margin else 1.0
    return float(special.stdtr(difference.df, (abs(difference.mean) - margin) / difference.error))


@lru_cache(maxsize=4)
def _deals(size: int, n: int) -> np.ndarray:
    """Return every choice of ``n`` of ``size`` runs, as indices, [choices, n]."""
    ways = math.comb(size, n)
    chosen = np.fromiter(chain.from_iterable(combinations(range(size), n)), dtype=np.intp, count=ways * n)
    deals = chosen.reshape(ways, n)
    deals.flags.writeable = False
    return deals


@lru_cache(maxsize=8)
def _signs(n: int, seed: int, draws: int) -> np.ndarray:
    """Return random signs, float64, [draws, n]."""
    generator = np.random.Generator(np.random.Philox(seed))
    signs = 2.0 * generator.integers(0, 2, size=(draws, n)) - 1.0
    signs.flags.writeable = False
    return signs
