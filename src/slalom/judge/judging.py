"""The conductor: results in, judgement out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from slalom.judge.comparing import Comparison, common_seeds, compare
from slalom.judge.estimates import Estimate, t_interval, wilson
from slalom.judge.linter import FairnessWarning, count_of, lint, own_obstacles, pair_obstacles
from slalom.judge.results import Results
from slalom.judge.scales import Scale, scale_of
from slalom.judge.significance import benjamini_hochberg, holm
from slalom.judge.verdicts import ALPHA, Setting, Verdict, ending, pronounce

NOTE = (
    "Intervals cover the choice of seed, not of test examples; they are 95 % intervals, not adjusted for the number "
    "of comparisons."
)
"""What is said below every table of a judgement."""


@dataclass(frozen=True)
class Entry:
    """One optimizer: its result, and how it stands against the baseline (None for the baseline itself).

    ``estimate`` is in the metric's units: the mean for accuracies, the geometric mean for losses and steps, the median
    without an interval where runs have no finite value. ``diverged`` is the share that did, with its Wilson interval.
    """

    name: str
    estimate: Estimate
    diverged: Estimate
    comparison: Comparison | None = None
    holm_p: float | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True)
class Judgement:
    """What can be said of the results on one task.

    ``tied_best`` is a set, here in the order of the results; so is ``left_out``, those that could not be compared with
    the best fairly.
    """

    task: str
    metric: str
    baseline: str
    margin: str | None  # as written: "0.3 points"
    scale: Scale
    entries: tuple[Entry, ...]
    tied_best: tuple[str, ...]
    warnings: tuple[FairnessWarning, ...]
    note: str = NOTE
    left_out: tuple[str, ...] = ()

    def entry(self, name: str) -> Entry:
        return next(entry for entry in self.entries if entry.name == name)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences to quote, one per comparison."""
        return tuple(entry.verdict.sentence for entry in self.entries if entry.verdict is not None)

    @property
    def tied_sentence(self) -> str:
        """Which optimizers are statistically tied with the best, and who was not compared with it."""
        tied, left_out, task = self.tied_best, self.left_out, self.task
        if not tied:
            return f"No optimizer on {task} can be compared fairly, so none is called best."
        if len(tied) == 1 and len(left_out) == len(self.entries) - 1:
            return (
                f"No best on {task}: {tied[0]} is alone, since {_listed(left_out)} cannot be compared with it fairly."
            )
        remark = f"; not compared: {', '.join(left_out)}" if left_out else ""
        if len(tied) == 1:
            rivals = [entry.name for entry in self.entries if entry.name not in (*tied, *left_out)]
            others = rivals[0] if len(rivals) == 1 else "every other" + " that can be compared" * bool(left_out)
            return f"Best on {task}: {tied[0]}, distinguished from {others}{remark}."
        if sum(self.entry(name).estimate.n > 1 for name in tied) < 2:
            return f"No best on {task}: one seed cannot tell {_listed(tied)} apart{remark}."
        if len(tied) + len(left_out) == len(self.entries):
            return f"No single best on {task}: {_listed(tied)} are statistically tied{remark}."
        return f"Statistically tied with the best on {task}: {', '.join(tied)}{remark}."

    def as_dictionary(self) -> dict[str, Any]:
        """Return what JSON has; numbers that are not finite are None."""
        return {
            "task": self.task,
            "metric": self.metric,
            "baseline": self.baseline,
            "margin": self.margin,
            "optimizers": [_entry_as_dictionary(entry, self.metric) for entry in self.entries],
            "tied_best": list(self.tied_best),
            "left_out": list(self.left_out),
            "tied_sentence": self.tied_sentence,
            "warnings": [warning.sentence for warning in self.warnings],
            "note": self.note,
        }


@dataclass(frozen=True)
class ExploredPair:
    """A pair that nobody declared in advance, its p corrected by Benjamini and Hochberg: exploration, no verdict."""

    comparison: Comparison
    adjusted_p: float

    label: str = "exploration"


def judge(results: Results) -> Judgement:
    """Judge the results on one task: every optimizer against the baseline, corrected by Holm."""
    scale = scale_of(results)
    baseline = results.reference
    others = [name for name in results.values if name != baseline]
    comparisons = [_compared(results, name, baseline, scale) for name in others]
    entries = {name: _estimated(results, name, scale) for name in results.values}
    for name, comparison, p in zip(others, comparisons, holm([one.p for one in comparisons]), strict=True):
        obstacles = pair_obstacles(results, name, baseline)
        verdict = pronounce(comparison, p, scale, _setting(results, name, baseline), obstacles, len(others))
        entries[name] = Entry(name, entries[name].estimate, entries[name].diverged, comparison, p, verdict)
    tied, left_out = _beside_the_best(results, scale)
    return Judgement(
        task=results.task,
        metric=results.metric,
        baseline=baseline,
        margin=None if scale.margin is None else scale.written_margin(),
        scale=scale,
        entries=tuple(entries.values()),
        tied_best=tied,
        warnings=lint(results, scale),
        left_out=left_out,
    )


def tied_with_best(results: Results, scale: Scale) -> tuple[str, ...]:
    """Return every optimizer that is not distinguished from the best after Holm, the best included.

    Optimizers that cannot be compared fairly are left out.
    """
    return _beside_the_best(results, scale)[0]


def _beside_the_best(results: Results, scale: Scale) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the set tied with the best, and those that cannot be compared with the best."""
    sound = [name for name in results.values if not own_obstacles(results, name)]
    if not sound:
        return (), tuple(results.values)
    best = _best(results, sound, scale)
    rivals = [name for name in sound if name != best and not pair_obstacles(results, name, best)]
    corrected = holm([_compared(results, name, best, scale).p for name in rivals])
    tied = {best, *(name for name, p in zip(rivals, corrected, strict=True) if p > ALPHA)}
    if results.reference in tied - {best} and _is_told_apart(results, best, scale):
        tied.remove(results.reference)  # the verdicts, another family of comparisons, have said so
    left_out = results.values.keys() - {best, *rivals}
    return tuple(name for name in results.values if name in tied), tuple(
        name for name in results.values if name in left_out
    )


def _is_told_apart(results: Results, best: str, scale: Scale) -> bool:
    """Whether the verdict on the best is that it differs from the baseline."""
    baseline = results.reference
    others = [name for name in results.values if name != baseline]
    if pair_obstacles(results, best, baseline) or own_obstacles(results, baseline):
        return False
    corrected = holm([_compared(results, name, baseline, scale).p for name in others])
    return corrected[others.index(best)] <= ALPHA


def explore(results: Results) -> tuple[ExploredPair, ...]:
    """Compare all pairs, which is exploration: nobody declared them before seeing the numbers."""
    scale = scale_of(results)
    comparisons = [_compared(results, *pair, scale) for pair in combinations(results.values, 2)]
    adjusted = benjamini_hochberg([comparison.p for comparison in comparisons])
    return tuple(ExploredPair(comparison, p) for comparison, p in zip(comparisons, adjusted, strict=True))


def _compared(results: Results, name: str, other: str, scale: Scale) -> Comparison:
    return compare((name, other), results.values[name], results.values[other], scale, paired=results.paired)


def _estimated(results: Results, name: str, scale: Scale) -> Entry:
    values = results.array(name)
    diverged = wilson(results.divergences(name), len(values))
    transformed = scale.transform(values)
    if not np.isfinite(transformed).all():
        worst = -np.inf if scale.higher_is_better else np.inf
        median = float(np.median(np.where(np.isnan(values), worst, values)))
        return Entry(name, Estimate(median, None, None, len(values), kind="median"), diverged)
    estimate = t_interval(transformed)
    low, high = (None if bound is None else scale.back(bound) for bound in (estimate.low, estimate.high))
    kind = "geometric mean" if scale.logarithmic else "mean"
    return Entry(name, Estimate(scale.back(estimate.value), low, high, estimate.n, kind=kind), diverged)


def _best(results: Results, names: Iterable[str], scale: Scale) -> str:
    """Return the name with the best mean, or the best median where any run has no finite value."""
    transformed = {name: scale.transform(results.array(name)) for name in names}
    finite = all(np.isfinite(values).all() for values in transformed.values())
    sign = 1 if scale.higher_is_better else -1
    middle = np.mean if finite else np.median
    return max(transformed, key=lambda name: sign * float(middle(transformed[name])))


def _setting(results: Results, name: str, other: str) -> Setting:
    """Return what the sentence says of seeds and budget."""
    a, b = results.values[name], results.values[other]
    common = common_seeds(a, b) if results.paired else []
    counts = [len(common)] if common else sorted({len(a), len(b)}, reverse=True)
    seeds = f"{' and '.join(str(count) for count in counts)} seed{'s' * (counts != [1])}"
    return Setting(results.task, ending(count_of(results, name, "steps"), count_of(results, name, "trials")), seeds)


def _entry_as_dictionary(entry: Entry, metric: str) -> dict[str, Any]:
    estimate, comparison, verdict = entry.estimate, entry.comparison, entry.verdict
    dictionary: dict[str, Any] = {
        "name": entry.name,
        "final": {
            "metric": metric,
            "mean": _finite(estimate.value),
            "low": _finite(estimate.low),
            "high": _finite(estimate.high),
            "n": estimate.n,
            "kind": estimate.kind,
        },
        "diverged": {"share": entry.diverged.value, "low": entry.diverged.low, "high": entry.diverged.high},
        "verdict": "baseline" if verdict is None else verdict.word,
        "sentence": None if verdict is None else verdict.sentence,
    }
    if comparison is not None:
        low, high = comparison.interval or (None, None)
        dictionary["comparison"] = {
            "method": comparison.method,
            "difference": _finite(comparison.difference),
            "low": _finite(low),
            "high": _finite(high),
            "p": comparison.p,
            "holm_p": entry.holm_p,
            "exact_p": comparison.exact_p,
        }
    if verdict is not None and verdict.seeds_needed is not None:
        needed = verdict.seeds_needed
        dictionary["seeds_needed"] = {"seeds": needed.seeds, "low": needed.low, "high": needed.high}
    return dictionary


def _listed(names: Sequence[str]) -> str:
    """Write names as a sentence does: ``"SGD, Adam and AdamW"``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
