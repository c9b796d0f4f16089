"""Several tasks at once: performance profiles, rank probabilities, and a winner only where there are tasks enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slalom.core import InputError
from slalom.judge.linter import count_of, is_often_lost, own_obstacles
from slalom.judge.results import Results
from slalom.judge.scales import FLOOR, scale_of
from slalom.judge.significance import mean_ranks
from slalom.judge.verdicts import ALPHA, written_p

LARGEST_RATIO = 4.0
"""Profiles end here: beyond four times the best, how much worse no longer matters."""

FEWEST_TASKS = 10
"""With fewer tasks than this, no overall winner is named."""


@dataclass(frozen=True)
class Profiles:
    """For each optimizer the share of tasks on which its cost is within a ratio of the best (Dolan and Moré, 2002).

    ``ratios`` [P], from 1 to 4; ``shares`` [optimizers, P].
    """

    names: tuple[str, ...]
    ratios: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True)
class Across:
    """What several tasks say together. ``rank_probabilities`` [optimizers, ranks]: each row and column sums to 1.

    ``friedman_p`` is None with fewer than three optimizers, or ten tasks on which all can be compared fairly.
    ``remarks`` tell, a sentence each, on which tasks they cannot; profiles and ranks count those tasks all the same.
    """

    names: tuple[str, ...]
    tasks: tuple[str, ...]
    profiles: Profiles
    rank_probabilities: np.ndarray
    friedman_p: float | None
    sentence: str
    remarks: tuple[str, ...] = ()

    def as_dictionary(self) -> dict[str, Any]:
        """Return what JSON has: plain values, each matrix a list of rows, one per optimizer."""
        p = self.friedman_p
        return {
            "optimizers": list(self.names),
            "tasks": list(self.tasks),
            "profiles": {"ratios": self.profiles.ratios.tolist(), "shares": self.profiles.shares.tolist()},
            "rank_probabilities": self.rank_probabilities.tolist(),
            "friedman_p": p if p is not None and math.isfinite(p) else None,
            "sentence": self.sentence,
            "remarks": list(self.remarks),
        }


def performance_profiles(costs: np.ndarray, names: Sequence[str], points: int = 121) -> Profiles:
    """Return the profiles of ``costs`` [tasks, optimizers], positive, smaller is better, infinite for a failure."""
    costs = np.maximum(np.asarray(costs, dtype=np.float64), FLOOR)
    best = costs.min(axis=1, keepdims=True)
    # Where all failed, nobody is within any ratio of the best.
    with np.errstate(over="ignore"):  # to infinity, which is right for a ratio this large
        ratios = np.where(np.isfinite(costs), costs / np.where(np.isfinite(best), best, 1.0), np.inf)
    grid = np.geomspace(1.0, LARGEST_RATIO, points)
    grid[-1] = LARGEST_RATIO
    shares = (ratios[:, :, None] <= grid * (1 + 1e-12)).mean(axis=0)
    return Profiles(tuple(names), grid, shares)


def rank_probabilities(
    values: Sequence[Sequence[np.ndarray]], *, paired: bool = True, draws: int = 2_000, seed: int = 0
) -> np.ndarray:
    """Return the probability of each optimizer for each rank, float64, [optimizers, ranks], averaged over tasks.

    ``values`` holds, per task and optimizer, the costs of its seeds (smaller is better, infinite allowed, NaN where a
    run has no part in the mean), in the same order of seeds for all optimizers of a task where ``paired``. Seeds are
    drawn with replacement within each task, optimizers are ranked by their means, and equal ones share their ranks.
    """
    generator = np.random.Generator(np.random.Philox(seed))
    count = len(values[0])
    total = np.zeros((count, count))
    for costs in values:
        means = np.empty((draws, count))
        alike = paired and len({len(one) for one in costs}) == 1
        chosen = generator.integers(0, len(costs[0]), size=(draws, len(costs[0]))) if alike else None
        for place, one in enumerate(costs):
            drawn = chosen if chosen is not None else generator.integers(0, len(one), size=(draws, len(one)))
            means[:, place] = _means(np.asarray(one, dtype=np.float64)[drawn])
        below = (means[:, None, :] < means[:, :, None]).sum(axis=2)  # [draws, optimizers]: how many did better
        equal = (means[:, None, :] == means[:, :, None]).sum(axis=2)  # itself included
        for rank in range(count):
            total[:, rank] += (((below <= rank) & (rank < below + equal)) / equal).mean(axis=0)
    return total / len(values)


def _means(values: np.ndarray) -> np.ndarray:
    """Return the mean of each row of ``values`` [rows, n] without its NaN, infinite where nothing else is there."""
    counted = ~np.isnan(values)
    counts = counted.sum(axis=1)
    return np.where(counts, np.where(counted, values, 0.0).sum(axis=1) / np.maximum(counts, 1), np.inf)


def friedman_p(costs: np.ndarray) -> float | None:
    """Return the p of Friedman's test that all optimizers do equally well; ``costs`` [tasks, optimizers].

    None with fewer than ten tasks or three optimizers: it is then no test to rely on.
    """
    tasks, optimizers = costs.shape
    if tasks < FEWEST_TASKS or optimizers < 3:
        return None
    if (costs == costs[:, :1]).all():
        return 1.0
    from scipy import stats  # takes more than a second

    ranks = np.array([mean_ranks(row) for row in costs])  # so that infinite costs can be compared
    return float(stats.friedmanchisquare(*ranks.T).pvalue)


def across(results: Sequence[Results], seed: int = 0) -> Across:
    """Return what several tasks say together of the optimizers that have results on all of them.

    An optimizer's cost on a task is its typical result, as the verdicts have it; it is infinite where so many runs
    diverged or failed that the optimizer is not comparable. Raises InputError for fewer than two tasks, or two
    optimizers.
    """
    names = [name for name in results[0].values if all(name in other.values for other in results)]
    if len(results) < 2 or len(names) < 2:
        raise InputError("Tasks can be put together where there are at least two, with two optimizers on each.")
    runs = [[_weighed(result, name) for name in names] for result in results]
    costs = np.array([[_cost(result, one) for one in row] for result, row in zip(results, runs, strict=True)])
    paired = all(result.paired and _same_seeds(result, names) for result in results)
    obstacles = [_obstacles(result, names) for result in results]
    fair = costs[[not found for found in obstacles]]
    p = friedman_p(fair)
    return Across(
        tuple(names),
        tuple(result.task for result in results),
        performance_profiles(costs, names),
        rank_probabilities(runs, paired=paired, seed=seed),
        p,
        _sentence(names, fair, len(costs), p),
        tuple(
            f"On {result.task} not all can be compared fairly, and are counted all the same: {'; '.join(found)}."
            for result, found in zip(results, obstacles, strict=True)
            if found
        ),
    )


def _weighed(results: Results, name: str) -> np.ndarray:
    """Return what is averaged over runs, [seeds], smaller is better: NaN for a run that diverged or failed, all
    infinite where too many did.

    Error rates for accuracies; logarithms of gaps, losses or steps, as the verdicts have them. A plain result of which
    higher is better has no natural zero: its distance to the best of all runs is taken.
    """
    seeds, typical = sorted(results.seeds(name)), results.typical(name)
    if is_often_lost(results, name):
        return np.full(len(seeds), np.inf)
    values = np.array([typical.get(seed, math.nan) for seed in seeds])
    if results.kind == "accuracy":
        return 1.0 - values
    scale = scale_of(results)
    if scale.logarithmic:
        return scale.transform(values)
    every = [value for other in results.values for value in results.typical(other).values()]
    return np.abs((max if scale.higher_is_better else min)(every) - values)


def _cost(results: Results, weighed: np.ndarray) -> float:
    """Return the cost of an optimizer on a task: the mean, for what is compared by ratios the geometric one."""
    mean = float(_means(weighed[None])[0])
    return float(np.exp(mean)) if scale_of(results).logarithmic else mean


def _obstacles(results: Results, names: Sequence[str]) -> list[str]:
    """Return why optimizers cannot be compared on a task, as clauses. A divergence is no reason: it is a result."""
    found = [clause for name in names for kind, clause in own_obstacles(results, name) if kind != "divergence"]
    unequal = [what for what in ("trials", "steps") if len({count_of(results, name, what) for name in names}) > 1]
    return found + [f"unequal {what}" for what in unequal]


def _same_seeds(results: Results, names: Sequence[str]) -> bool:
    return len({frozenset(results.seeds(name)) for name in names}) == 1


def _sentence(names: Sequence[str], costs: np.ndarray, every: int, p: float | None) -> str:
    """Return what is said of ``costs`` [tasks, optimizers], those of the tasks on which all can be compared fairly."""
    tasks = len(costs)
    if p is None and tasks < FEWEST_TASKS and tasks < every:
        need = f"at least {FEWEST_TASKS} tasks on which all can be compared fairly"
        return f"No overall winner is named: that takes {need}, here are {tasks} of {every}."
    if p is None:
        wants = [f"at least {FEWEST_TASKS} tasks"] * (tasks < FEWEST_TASKS)
        need = " and ".join([*wants, *["at least three optimizers"] * (len(names) < 3)])
        return f"No overall winner is named: that takes {need}, here are {tasks} tasks and {len(names)} optimizers."
    where = f"{tasks} tasks" if tasks == every else f"the {tasks} tasks of {every} on which all can be compared fairly,"
    if p > ALPHA:
        return f"Over {where} the optimizers are not told apart ({written_p(p, 'Friedman p')}): no overall winner."
    ranks = np.array([mean_ranks(row) for row in costs]).mean(axis=0)
    order = ", ".join(f"{names[place]} {ranks[place]:.1f}" for place in np.argsort(ranks, kind="stable"))
    return f"Over {where} the optimizers differ ({written_p(p, 'Friedman p')}); mean ranks: {order}."
