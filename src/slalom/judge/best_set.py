"""Which optimizers are tied for the best: what the headline says, so that it never contradicts a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping

from slalom.judge.comparing import compared
from slalom.judge.linter import own_obstacles, pair_obstacles
from slalom.judge.results import Results
from slalom.judge.scales import Scale
from slalom.judge.significance import holm
from slalom.judge.verdicts import BETTER, WORSE, decide


def beside_the_best(
    results: Results, scale: Scale, shown: Mapping[str, float], verdicts: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the set tied for the best, and the optimizers that cannot be compared with the best, in their order.

    ``shown`` are the results as the table has them, ``verdicts`` the words of the comparisons with the baseline. The
    best result of those that can be compared is in the set. Another leaves it where it is worse: by a verdict, which
    is not judged again here, or, where neither of a pair is the baseline, than the best, corrected by Holm. One that
    is practically equal, equivalent or inconclusive stays.
    """
    sound = [name for name in results.values if not own_obstacles(results, name) and not math.isnan(shown[name])]
    if not sound:
        return (), tuple(results.values)
    best = sound[0]
    for name in sound[1:]:
        best = name if scale.better(shown[name], shown[best]) > 0 else best
    rivals = [name for name in sound if name != best and not pair_obstacles(results, name, best)]
    worse = _worse_by_verdict(results.reference, (best, *rivals), verdicts) | _worse_than(
        best, rivals, results, scale, shown
    )
    tied = {best, *rivals} - worse
    left_out = results.values.keys() - {best, *rivals}
    return tuple(name for name in results.values if name in tied), tuple(
        name for name in results.values if name in left_out
    )


def _worse_by_verdict(baseline: str, names: tuple[str, ...], verdicts: Mapping[str, str]) -> set[str]:
    """Return the optimizers that are worse than another by the verdicts on the baseline and the others."""
    if baseline not in names:
        return set()
    found = {name for name in names if verdicts.get(name) == WORSE}
    return found | ({baseline} if any(verdicts.get(name) == BETTER for name in names) else set())


def _worse_than(best: str, rivals: list[str], results: Results, scale: Scale, shown: Mapping[str, float]) -> set[str]:
    """Return the rivals that are worse than the best, of the pairs on which no verdict was pronounced."""
    pairs = [compared(results, name, best, scale) for name in rivals]
    return {
        pair.optimizer
        for pair, p in zip(pairs, holm([pair.p for pair in pairs]), strict=True)
        if results.reference not in (pair.optimizer, best)
        and decide(pair, p, scale.margin, order=scale.better(shown[pair.optimizer], shown[best])) == WORSE
    }
