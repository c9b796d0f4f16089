"""Two optimizers, compared: in pairs where they share seeds, otherwise as two groups; censored steps by ranks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from slalom.judge.censoring import paired_by_ranks, unpaired_by_ranks
from slalom.judge.estimates import Difference, paired_difference, welch_difference
from slalom.judge.power import SeedsNeeded, seeds_needed
from slalom.judge.results import Results
from slalom.judge.scales import Scale
from slalom.judge.significance import equivalence_p, sign_flip_p, two_sample_p

EXACT_FROM = 6
"""From so many pairs the exact sign-flip p can fall below 0.05 at all."""

RANK_EFFICIENCY = 0.864
"""A comparison by ranks needs at most 1 / 0.864 times the runs of a t test (Hodges and Lehmann, 1956)."""


@dataclass(frozen=True)
class Comparison:
    """What the runs say of one optimizer against another; differences are optimizer − other, on the scale's terms.

    ``method`` is ``"paired t"``, ``"Welch t"``, ``"signed ranks"``, ``"rank sums"``, or ``"none"`` where there are
    fewer than two runs. ``direction`` is +1 where the optimizer did better, −1 where worse, 0 where neither. ``p`` is
    two-sided and uncorrected, 1 where there is nothing to test; ``exact_p`` its exact counterpart, None below six pairs
    and for ranks, whose ``p`` is exact itself. ``difference`` and the intervals are None for ranks. ``sd`` is that of
    the difference of two runs, with ``df`` degrees of freedom, from those that ended.
    """

    optimizer: str
    other: str
    method: str
    n: int  # pairs, or the smaller number of runs
    direction: int
    p: float
    exact_p: float | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None  # 95 %
    narrow_interval: tuple[float, float] | None = None  # 90 %
    equivalence_p: float | None = None
    sd: float | None = None
    df: float = 0.0

    @property
    def paired(self) -> bool:
        return self.method in ("paired t", "signed ranks")

    @property
    def by_ranks(self) -> bool:
        return self.method in ("signed ranks", "rank sums")

    def seeds_needed(self, margin: float | None, alpha: float) -> SeedsNeeded | None:
        """Return the seeds that would decide (see :mod:`slalom.judge.power`); None where runs are too few to tell."""
        if margin is None or self.sd is None:
            return None
        needed = seeds_needed(margin, self.sd, self.df, alpha=alpha, paired=self.paired)
        if not self.by_ranks:
            return needed
        return SeedsNeeded(*(math.ceil(n / RANK_EFFICIENCY) for n in (needed.seeds, needed.low, needed.high)))


def compare(
    names: tuple[str, str], a: Mapping[int, float], b: Mapping[int, float], scale: Scale, *, paired: bool = True
) -> Comparison:
    """Compare the typical results of two optimizers: values by seed in the metric's own units.

    They are those of runs that ended (:meth:`Results.typical`); infinite ones, steps to a target that was missed, are
    compared by ranks.
    """
    seeds = common_seeds(a, b) if paired else []
    chosen = [seeds or sorted(runs) for runs in (a, b)]
    first, second = (
        scale.transform(np.array([runs[seed] for seed in of], dtype=np.float64))
        for runs, of in zip((a, b), chosen, strict=True)
    )
    fewest = min(len(first), len(second))
    if fewest < 2:
        known = fewest > 0 and bool(np.isfinite([*first, *second]).all())
        difference = float(first.mean() - second.mean()) if known else None
        direction = 0 if difference is None else scale.better(difference, 0.0)
        return Comparison(*names, "none", fewest, direction, 1.0, difference=difference)
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return _by_ranks(names, first, second, scale, bool(seeds))
    return _by_means(names, first, second, scale, bool(seeds))


def compared(results: Results, name: str, other: str, scale: Scale) -> Comparison:
    """Compare the typical results of two optimizers: on the seeds on which neither diverged, or as two groups."""
    return compare((name, other), results.typical(name), results.typical(other), scale, paired=results.paired)


def common_seeds(a: Mapping[int, float], b: Mapping[int, float]) -> list[int]:
    """Return the seeds by which two optimizers are compared in pairs; empty where they are compared as groups.

    Pairs are made where at least half of the seeds of each are common, and at least two: fewer would throw away more
    than pairing gains.
    """
    common = sorted(a.keys() & b.keys())
    return common if len(common) >= max(2, max(len(a), len(b)) / 2) else []


def _by_means(names: tuple[str, str], first: np.ndarray, second: np.ndarray, scale: Scale, paired: bool) -> Comparison:
    difference = paired_difference(first, second) if paired else welch_difference(first, second)
    exact: float | None = None
    if not paired:
        exact = two_sample_p(first, second)
    elif len(first) >= EXACT_FROM or math.isnan(difference.p):
        exact = sign_flip_p(first - second)
    # Without any spread a t test would call five equal differences certain; counting signs does not.
    p = exact if math.isnan(difference.p) and exact is not None else difference.p
    if paired and len(first) < EXACT_FROM:
        exact = None
    margin = scale.margin
    return Comparison(
        *names,
        method="paired t" if paired else "Welch t",
        n=difference.n,
        direction=scale.better(difference.mean, 0.0),
        p=p,
        exact_p=exact,
        difference=difference.mean,
        interval=difference.interval(0.95),
        narrow_interval=difference.interval(0.90),
        equivalence_p=None if margin is None else equivalence_p(difference, margin),
        sd=difference.sd,
        df=difference.df,
    )


def _by_ranks(names: tuple[str, str], first: np.ndarray, second: np.ndarray, scale: Scale, paired: bool) -> Comparison:
    """Compare steps to a target that some runs missed: these need more steps, nobody knows how many."""
    ranks = paired_by_ranks(first, second) if paired else unpaired_by_ranks(first, second)
    spread = _spread_of_finished(first, second, paired)
    return Comparison(
        *names,
        method="signed ranks" if paired else "rank sums",
        n=ranks.n,
        direction=scale.better(ranks.direction, 0),
        p=ranks.p,
        sd=None if spread is None else spread.sd,
        df=0.0 if spread is None else spread.df,
    )


def _spread_of_finished(first: np.ndarray, second: np.ndarray, paired: bool) -> Difference | None:
    if paired:
        ended = np.isfinite(first) & np.isfinite(second)
        return paired_difference(first[ended], second[ended]) if np.count_nonzero(ended) >= 2 else None
    first, second = first[np.isfinite(first)], second[np.isfinite(second)]
    return welch_difference(first, second) if min(len(first), len(second)) >= 2 else None
