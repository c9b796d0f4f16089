"""What is judged: the results of several optimizers on one task, and the facts of how they came about."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from slalom.core import InputError, nearest, quote

LARGEST = 1e140
"""A result beyond this is that of a run that diverged: its square is not finite."""

Kind = Literal["accuracy", "loss", "steps", "plain"]
"""How results are compared: accuracies in points, losses and steps to a target as ratios, anything else as it is."""


@dataclass(frozen=True)
class Facts:
    """How one optimizer's results came about, as far as it bears on fairness."""

    at_edge: tuple[str, ...] = ()  # hyperparameters whose best value lies at the edge of what was searched
    trials: int | None = None  # None: as many as the others
    steps: int | None = None
    tuning_seeds: tuple[int, ...] = ()
    best_epoch: bool = False  # results are those of the best epoch rather than of the last step
    untuned: bool = False  # every trial of its search failed
    special_cases: tuple[str, ...] = ()  # optimizers in these results that this one, tuned, could imitate


@dataclass(frozen=True)
class Results:
    """The results to be judged. ``values`` are by optimizer and seed, in the metric's own units.

    Accuracies are shares of 1. NaN is a run that diverged; infinity, for steps, a target that was missed. Runs that
    failed have no value: ``failures`` gives the reason of each, by optimizer and seed. ``optimum`` is the smallest
    possible loss where that is known. ``margin`` is what matters in practice: in points for accuracies,
    in per cent for losses and steps, a factor for losses with a known optimum, else in the metric's units. Runs of one
    seed are compared in pairs unless ``paired`` is false.
    """

    task: str
    metric: str
    values: Mapping[str, Mapping[int, float]]
    kind: Kind = "accuracy"
    higher_is_better: bool | None = None  # None: as the kind has it; plain results must say
    optimum: float | None = None
    baseline: str | None = None  # None: the first
    margin: float | None = None  # None: the protocol's
    steps: int | None = None
    trials: int | None = None
    paired: bool = True
    facts: Mapping[str, Facts] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()  # what the reader of a file had to assume
    failures: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_settings(self)
        for name, runs in self.values.items():
            _check_runs(self, name, runs)
        if self.baseline is not None and self.baseline not in self.values:
            raise InputError(
                f"The baseline {quote(self.baseline)} has no results on {self.task}; "
                f"there are {_names(self.values)}.{nearest(self.baseline, self.values)}"
            )

    @property
    def reference(self) -> str:
        """The baseline's name."""
        return self.baseline if self.baseline is not None else next(iter(self.values))

    def facts_of(self, optimizer: str) -> Facts:
        return self.facts.get(optimizer, Facts())

    def array(self, optimizer: str) -> np.ndarray:
        """Return an optimizer's values, float64, [seeds], in the order of the seeds."""
        runs = self.values[optimizer]
        return np.array([runs[seed] for seed in sorted(runs)], dtype=np.float64)

    def typical(self, optimizer: str) -> dict[int, float]:
        """Return the values, by seed, that make up an optimizer's typical result: those of the runs that did not
        diverge. Steps to a target are censored instead: a run that diverged has missed it, and is infinite."""
        runs = self.values[optimizer]
        if self.kind == "steps":
            return {seed: math.inf if math.isnan(value) else value for seed, value in runs.items()}
        return {seed: value for seed, value in runs.items() if not self._is_diverged(value)}

    def divergences(self, optimizer: str) -> int:
        """Return how many of an optimizer's runs diverged; one that failed is not among them."""
        return sum(self._is_diverged(value) for value in self.values[optimizer].values())

    def failed(self, optimizer: str) -> Mapping[int, str]:
        """Return the reasons, by seed, of an optimizer's runs that failed."""
        return self.failures.get(optimizer, {})

    def runs(self, optimizer: str) -> int:
        """Return how many runs an optimizer has, those included that diverged or failed."""
        return len(self.values[optimizer]) + len(self.failed(optimizer))

    def seeds(self, optimizer: str) -> set[int]:
        """Return the seeds on which an optimizer was run."""
        return {*self.values[optimizer], *self.failed(optimizer)}

    def _is_diverged(self, value: float) -> bool:
        return math.isnan(value) if self.kind == "steps" else not abs(value) <= LARGEST


def _check_settings(results: Results) -> None:
    if results.kind not in get_args(Kind):
        raise InputError(f"Results are compared as {', '.join(get_args(Kind))}; got {quote(results.kind)}.")
    if len(results.values) < 2:
        there = f"are results of {_names(results.values)} only" if results.values else "is no result"
        raise InputError(
            f"There {there} on {results.task}: a comparison needs at least two optimizers; add the runs of another."
        )
    natural = {"accuracy": True, "loss": False, "steps": False}.get(results.kind)
    if results.kind == "plain" and results.higher_is_better is None:
        raise InputError(f"Say whether higher values of {quote(results.metric)} are better.")
    if natural is not None and results.higher_is_better not in (None, natural):
        raise InputError(
            f"For results compared as {results.kind}, {'higher' if natural else 'lower'} is better; "
            "compare the others as plain."
        )
    least = 1.0 if results.kind == "loss" and results.optimum is not None else 0.0
    if results.margin is not None and not (math.isfinite(results.margin) and results.margin > least):
        what = "a factor above 1" if least else "a number above 0"
        raise InputError(f"The margin must be {what}, got {results.margin:g}.")
    if results.optimum is not None and not math.isfinite(results.optimum):
        raise InputError(f"The known optimum must be a finite number, got {results.optimum}.")


def _check_runs(results: Results, name: str, runs: Mapping[int, float]) -> None:
    """Raise :class:`InputError` for values that the kind of result cannot have."""
    if not runs and not results.failed(name):
        raise InputError(f"{quote(name)} has no results on {results.task}.")
    for seed, value in runs.items():
        if math.isnan(value):
            continue
        where = f"{quote(name)}, seed {seed}, on {results.task}"
        if results.kind == "accuracy" and not 0 <= value <= 1:
            raise InputError(f"{where}: an accuracy is a share between 0 and 1, got {value:g}.")
        if results.kind == "steps" and value < 0:
            raise InputError(f"{where}: steps are counted from 0, got {value:g}; a missed target is inf.")


def _names(values: Mapping[str, object]) -> str:
    return ", ".join(quote(name) for name in values)
