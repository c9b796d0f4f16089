"""Steps to a target that some runs never reach: such a run takes longer than it was given, nobody knows how long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from slalom.judge.significance import mean_ranks, sign_flip_p, signed_ranks, two_sample_p


@dataclass(frozen=True)
class StepsToTarget:
    """Median and quartiles of the steps in which a target was reached; infinite where too many runs missed it."""

    median: float
    lower_quartile: float
    upper_quartile: float
    missed: int
    n: int


@dataclass(frozen=True)
class RankComparison:
    """A comparison by ranks. ``direction`` is +1 where a has the larger values, −1 where the smaller, else 0."""

    direction: int
    p: float
    n: int


def steps_to_target(steps: np.ndarray, series: np.ndarray, target: float, higher_is_better: bool) -> float:
    """Return the first of ``steps`` ([E]) at which ``series`` ([E]) has reached the target; infinite for a miss.

    NaN in the series, after a divergence, reaches nothing.
    """
    series = np.asarray(series, dtype=np.float64)
    reached = series >= target if higher_is_better else series <= target
    return float(np.asarray(steps)[np.argmax(reached)]) if reached.any() else float("inf")


def summarise(values: np.ndarray) -> StepsToTarget:
    """Return the quartiles of steps (float64, [n]; infinite or NaN for a miss).

    The median is the ordinary one, as a judgement has it: infinite where half of the runs missed. The other quartiles
    are steps that were seen. Of no runs, all are NaN.
    """
    values = worst_last(values)
    if not len(values):
        return StepsToTarget(float("nan"), float("nan"), float("nan"), 0, 0)
    low, high = (float(np.quantile(values, share, method="inverted_cdf")) for share in (0.25, 0.75))
    missed = int(np.count_nonzero(np.isinf(values)))
    return StepsToTarget(float(np.median(values)), low, high, missed, len(values))


def worst_last(values: np.ndarray) -> np.ndarray:
    """Return ``values`` with NaN replaced by infinity: for steps and losses, the worst there is."""
    values = np.asarray(values, dtype=np.float64)
    return np.where(np.isnan(values), np.inf, values)


def paired_by_ranks(a: np.ndarray, b: np.ndarray) -> RankComparison:
    """Compare runs of common seeds by signed ranks; float64, [n], infinities allowed.

    The p is exact up to 20 pairs, ties included. Two runs of one seed that both missed are equal.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    same = a == b
    differences = np.where(same, 0.0, a) - np.where(same, 0.0, b)  # inf − inf is not a number
    ranks = signed_ranks(differences)
    return RankComparison(int(np.sign(round(float(ranks.sum()), 6))), sign_flip_p(ranks), len(a))


def unpaired_by_ranks(a: np.ndarray, b: np.ndarray) -> RankComparison:
    """Compare runs without common seeds by their ranks among all; float64, [n] and [m], infinities allowed."""
    ranks = mean_ranks(np.concatenate([a, b]))
    first, second = ranks[: len(a)], ranks[len(a) :]
    gap = round(float(first.mean() - second.mean()), 6)
    return RankComparison(int(np.sign(gap)), two_sample_p(first, second), min(len(a), len(b)))
