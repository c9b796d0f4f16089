"""The verdict on one optimizer against another: its word, and the sentence to quote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slalom.judge.comparing import Comparison
from slalom.judge.power import MOST_SEEDS, SeedsNeeded
from slalom.judge.scales import Scale

ALPHA = 0.05
"""A difference is detected where its corrected p is at most this."""

NOT_COMPARABLE = "not comparable"
PRACTICALLY_EQUAL = "practically equal"
BETTER = "better"
WORSE = "worse"
EQUIVALENT = "equivalent"
INCONCLUSIVE = "inconclusive"
WORDS = (NOT_COMPARABLE, PRACTICALLY_EQUAL, BETTER, WORSE, EQUIVALENT, INCONCLUSIVE)
"""The words of a verdict, in the order in which they are tried."""


@dataclass(frozen=True)
class Setting:
    """What a sentence says beside the numbers: where, under which budget, and in how many seeds."""

    task: str
    ending: str  # see :func:`ending`
    seeds: str  # "10 seeds"
    order: int = 0  # of the results shown: +1 where the optimizer's is better than the other's, −1 where worse


@dataclass(frozen=True)
class Verdict:
    """A word of :data:`WORDS` with its sentence. ``reasons`` say why two optimizers are not comparable."""

    word: str
    sentence: str
    seeds_needed: SeedsNeeded | None = None
    reasons: tuple[str, ...] = ()


def decide(
    comparison: Comparison, holm_p: float, margin: float | None, obstacles: Sequence[str] = (), order: int = 0
) -> str:
    """Return the first word of :data:`WORDS` that holds. ``margin`` is δ on the scale of the comparison.

    ``order`` is that of the results shown beside the verdict (:class:`Setting`): those of all runs that ended, where
    the comparison has only the seeds that both have. A verdict against that order is not pronounced.
    """
    if obstacles:
        return NOT_COMPARABLE
    if holm_p <= ALPHA and comparison.direction != 0:
        if _inside(comparison.interval, margin):
            return PRACTICALLY_EQUAL
        if comparison.direction != -order:
            return BETTER if comparison.direction > 0 else WORSE
    return EQUIVALENT if _inside(comparison.narrow_interval, margin) else INCONCLUSIVE


def pronounce(
    comparison: Comparison, holm_p: float, scale: Scale, setting: Setting, obstacles: Sequence[str], family: int
) -> Verdict:
    """Return the verdict with its sentence. ``family`` is the number of comparisons that Holm corrects for.

    The seeds that would decide are those for the strictest of the corrected tests, at level 0.05 / ``family``.
    """
    word = decide(comparison, holm_p, scale.margin, obstacles, setting.order)
    needed = comparison.seeds_needed(scale.margin, ALPHA / family) if word == INCONCLUSIVE else None
    a, b, task = comparison.optimizer, comparison.other, setting.task
    found = f"{_finding(comparison, scale)}, {setting.seeds}, {written_p(holm_p)}"
    match word:
        case "not comparable":
            text = f"{a} and {b} are not comparable on {task}: {'; '.join(obstacles)}"
        case "practically equal":
            change, rest = _finding(comparison, scale), f"{setting.seeds}, {written_p(holm_p)}"
            text = f"{a} is practically equal to {b} on {task}: {change}, {_within(scale)}, {rest}"
        case "better" | "worse":
            text = f"{a} is {word} than {b} on {task}: {found}"
        case "equivalent":
            low, high = comparison.narrow_interval or (None, None)
            change = scale.change(comparison.difference or 0.0, low, high, beside=comparison.interval)
            text = f"{a} is equivalent to {b} on {task}: {change} (90 % interval), {_within(scale)}, {setting.seeds}"
        case _:
            text = (
                f"{a} against {b} on {task} is inconclusive: {found}; {_open_since(comparison, holm_p, needed, scale)}"
            )
    return Verdict(word, f"{text}, {setting.ending}.", needed, tuple(obstacles))


def ending(steps: int | None, trials: int | None) -> str:
    """Return how every verdict ends: ``"at 500 steps, 11 trials, this search space"``."""
    if steps is None and trials is None:
        return "at steps and trials not stated, this search space"
    long = "steps not stated" if steps is None else f"{steps:,} step{'s' * (steps != 1)}"
    tried = "trials not stated" if trials is None else f"{trials:,} trial{'s' * (trials != 1)}"
    return f"at {long}, {tried}, this search space"


def written_p(p: float, name: str = "Holm p") -> str:
    """Write a p value: ``"Holm p = 0.002"``. One next to 0.05 has enough decimals to show its side."""
    if p < 0.001:
        return f"{name} < 0.001"
    if 0.0495 <= p < 0.0505:
        return f"{name} = {p:.4f}"
    return f"{name} = {p:.3f}" if p < 0.1 else f"{name} = {p:.2f}"


def _inside(interval: tuple[float, float] | None, margin: float | None) -> bool:
    return interval is not None and margin is not None and -margin < interval[0] and interval[1] < margin


def _within(scale: Scale) -> str:
    return f"within {scale.written_margin()}" if scale.unit == "factor" else f"within ±{scale.written_margin()}"


def _finding(comparison: Comparison, scale: Scale) -> str:
    """Return the difference with its 95 % interval, or that ranks were compared."""
    if comparison.by_ranks:
        return "by ranks"
    if comparison.difference is None:
        return "no difference to be had"
    return scale.change(comparison.difference, *(comparison.interval or ()))


def _open_since(comparison: Comparison, holm_p: float, needed: SeedsNeeded | None, scale: Scale) -> str:
    """Return what leaves a comparison open, and how many seeds would decide, as a clause."""
    if comparison.method == "none":
        return "one seed says nothing of luck, run at least 5" if comparison.n else "no runs to compare"
    if holm_p <= ALPHA and comparison.direction:
        return "the seeds that both have speak against the order of the results of all runs"
    if scale.margin is None:
        return "declare a margin to learn how many seeds would decide"
    if needed is None:
        return "too few runs ended to say how many seeds would decide"
    if needed.seeds >= MOST_SEEDS:
        return f"no practicable number of seeds would find {scale.written_margin()}"
    if needed.seeds <= comparison.n and comparison.by_ranks:
        return f"runs that missed the target leave it open, more than {comparison.n} seeds would decide"
    if needed.seeds <= comparison.n:
        return (
            f"about {needed.seeds:,} seeds find {scale.written_margin()} in 80 % of studies, "
            "so the difference lies near that or below, and only many more would decide"
        )
    high = "a million or more" if needed.high >= MOST_SEEDS else f"{needed.high:,}"
    return f"about {needed.seeds:,} seeds would decide (90 % range {needed.low:,} to {high})"
