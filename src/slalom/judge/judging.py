"""The conductor: results in, judgement out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from slalom.judge.best_set import beside_the_best
from slalom.judge.comparing import Comparison, common_seeds, compared
from slalom.judge.estimates import Estimate, t_interval, wilson
from slalom.judge.linter import FairnessWarning, count_of, lint, lost_clause, pair_obstacles
from slalom.judge.results import Results
from slalom.judge.scales import Scale, scale_of
from slalom.judge.significance import benjamini_hochberg, holm
from slalom.judge.verdicts import Setting, Verdict, ending, pronounce

NOTE = (
    "Intervals cover the choice of seed, not of test examples; they are 95 % intervals, not adjusted for the number "
    "of comparisons."
)
"""What is said below every table of a judgement."""


@dataclass(frozen=True)
class Entry:
    """One optimizer: its result, and how it stands against the baseline (None for the baseline itself).

    ``estimate`` is the typical result in the metric's units, of the runs that neither diverged nor failed: the mean for
    accuracies, the geometric mean for losses and steps. Where any optimizer's run missed a target, all have the median,
    without an interval. ``diverged`` and ``failed`` are the shares of the runs that did, with their Wilson intervals;
    runs that failed are left out of the former.
    """

    name: str
    estimate: Estimate
    diverged: Estimate
    failed: Estimate
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
    failures: Mapping[str, Mapping[int, str]] = field(default_factory=dict)  # reasons by optimizer and seed

    def entry(self, name: str) -> Entry:
        return next(entry for entry in self.entries if entry.name == name)

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences to quote, one per comparison."""
        return tuple(entry.verdict.sentence for entry in self.entries if entry.verdict is not None)

    @property
    def tied_sentence(self) -> str:
        """The headline: which optimizer is best, or which are tied, and which could not be compared with them."""
        tied, left_out, task = self.tied_best, self.left_out, self.task
        if not tied:
            return f"No optimizer on {task} can be compared fairly, so none is called best."
        if len(tied) == 1 and len(left_out) == len(self.entries) - 1:
            return (
                f"No best on {task}: {tied[0]} is alone, since {_listed(left_out)} cannot be compared with it fairly."
            )
        remark = f"; not compared: {', '.join(left_out)}" if left_out else ""
        if len(tied) == 1:
            beaten = [entry.name for entry in self.entries if entry.name not in (*tied, *left_out)]
            among = "Best of those that can be compared" if left_out else "Best"
            return f"{among} on {task}: {tied[0]}, better than {_listed(beaten)}{remark}."
        if sum(self.entry(name).estimate.n > 1 for name in tied) < 2:
            return f"No best on {task}: one seed cannot tell {_listed(tied)} apart{remark}."
        if len(tied) + len(left_out) == len(self.entries):
            return f"No single best on {task}: {_listed(tied)} are tied{remark}."
        return f"Tied for the best on {task}: {_listed(tied)}{remark}."

    def as_dictionary(self) -> dict[str, Any]:
        """Return what JSON has; numbers that are not finite are None."""
        return {
            "task": self.task,
            "metric": self.metric,
            "baseline": self.baseline,
            "margin": self.margin,
            "optimizers": [
                _entry_as_dictionary(entry, self.metric, self.failures.get(entry.name, {})) for entry in self.entries
            ],
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
    entries = {name: _estimated(results, name, scale) for name in results.values}
    others = [name for name in results.values if name != baseline]
    comparisons = [compared(results, name, baseline, scale) for name in others]
    for name, comparison, p in zip(others, comparisons, holm([one.p for one in comparisons]), strict=True):
        order = scale.better(entries[name].estimate.value, entries[baseline].estimate.value)
        verdict = pronounce(
            comparison,
            p,
            scale,
            _setting(results, name, baseline, order),
            pair_obstacles(results, name, baseline),
            len(others),
        )
        entries[name] = replace(entries[name], comparison=comparison, holm_p=p, verdict=verdict)
    shown = {name: entry.estimate.value for name, entry in entries.items()}
    verdicts = {name: entry.verdict.word for name, entry in entries.items() if entry.verdict is not None}
    tied, left_out = beside_the_best(results, scale, shown, verdicts)
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
        failures=results.failures,
    )


def explore(results: Results) -> tuple[ExploredPair, ...]:
    """Compare all pairs, which is exploration: nobody declared them before seeing the numbers."""
    scale = scale_of(results)
    comparisons = [compared(results, *pair, scale) for pair in combinations(results.values, 2)]
    adjusted = benjamini_hochberg([comparison.p for comparison in comparisons])
    return tuple(ExploredPair(comparison, p) for comparison, p in zip(comparisons, adjusted, strict=True))


def _estimated(results: Results, name: str, scale: Scale) -> Entry:
    """Return an optimizer's typical result, by the statistic that all of them share."""
    values = np.array(list(results.typical(name).values()), dtype=np.float64)
    ended, runs = len(results.values[name]), results.runs(name)
    return Entry(
        name,
        _typical(values, scale, _are_censored(results)),
        diverged=wilson(results.divergences(name), ended),
        failed=wilson(len(results.failed(name)), runs),
    )


def _typical(values: np.ndarray, scale: Scale, censored: bool) -> Estimate:
    if not len(values):
        return Estimate(math.nan, None, None, 0)
    if censored:
        return Estimate(float(np.median(values)), None, None, len(values), kind="median")
    estimate = t_interval(scale.transform(values))
    low, high = (None if bound is None else scale.back(bound) for bound in (estimate.low, estimate.high))
    kind = "geometric mean" if scale.logarithmic else "mean"
    return Estimate(scale.back(estimate.value), low, high, estimate.n, kind=kind)


def _are_censored(results: Results) -> bool:
    """Whether any run of any optimizer missed its target."""
    return any(math.isinf(value) for name in results.values for value in results.typical(name).values())


def _setting(results: Results, name: str, other: str, order: int) -> Setting:
    """Return what the sentence says of seeds and budget."""
    a, b = results.typical(name), results.typical(other)
    common = common_seeds(a, b) if results.paired else []
    counts = [len(common)] if common else sorted({len(a), len(b)}, reverse=True)
    seeds = f"{' and '.join(str(count) for count in counts)} seed{'s' * (counts != [1])}"
    lost = [clause for one in (name, other) if (clause := lost_clause(results, one, "that "))]
    seeds += f", without {' and '.join(lost)}" if lost and results.kind != "steps" else ""
    of = name if results.values[name] else other  # of runs that all failed nothing is known
    steps, trials = (count_of(results, of, what) for what in ("steps", "trials"))
    return Setting(results.task, ending(steps, trials), seeds, order)


def _share(estimate: Estimate) -> dict[str, Any]:
    """Return how many runs a share is of, with its Wilson interval."""
    count = round(estimate.value * estimate.n)
    return {"runs": count, "of": estimate.n, "share": estimate.value, "low": estimate.low, "high": estimate.high}


def _entry_as_dictionary(entry: Entry, metric: str, reasons: Mapping[int, str]) -> dict[str, Any]:
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
        "diverged": _share(entry.diverged),
        "failed": {**_share(entry.failed), "reasons": list(dict.fromkeys(reasons.values()))},
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
