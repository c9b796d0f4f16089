"""Studies made by hand, so that a test knows every number in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from made_records import VERSIONS, falling, record_of, run_of

from slalom import optimizers
from slalom.core import Optimizer, Run, Runner
from slalom.judge import Judgement, Kind, Results, Width, expected_best, judge, learning_rate_width


@dataclass(frozen=True)
class Trial:
    values: Mapping[str, float]
    by_seed: tuple[float, ...]
    steps: int | None = None
    failures: tuple[str, ...] = ()

    @property
    def measure(self) -> float:
        return float(np.mean(self.by_seed))


@dataclass(frozen=True)
class Yardstick:
    tuning: str = "validation_accuracy"
    final: str = "test_accuracy"
    higher_is_better: bool = True
    kind: Kind = "accuracy"
    optimum: float | None = None


@dataclass
class Study:
    """A :class:`slalom.show.views.StudyRecord` whose every part can be set."""

    names: Sequence[str]
    optimizers: Sequence[Optimizer]
    results: Results
    tried: Mapping[str, Sequence[Trial]]
    fresh: Any
    yardstick: Yardstick = field(default_factory=Yardstick)
    track: str = "lr"
    steps: int = 100
    curve: str = "test_accuracy"
    warnings: Sequence[str] = ()
    versions: Mapping[str, str] = field(default_factory=lambda: VERSIONS)
    course: Any = field(default_factory=lambda: SimpleNamespace(name="made", title="numbers made by hand"))

    @property
    def judgement(self) -> Judgement:
        return judge(self.results)

    @property
    def seeds(self) -> Sequence[int]:
        return sorted(next(iter(self.results.values.values())))

    def trials(self, name: str) -> Sequence[Trial]:
        return self.tried.get(name, ())

    def width(self, name: str) -> Width | None:
        if self.track != "lr" or not self.trials(name):
            return None
        rates = np.array([trial.values["lr"] for trial in self.trials(name)])
        values = np.array([trial.measure for trial in self.trials(name)])
        return learning_rate_width(rates, values, accuracy=self.yardstick.kind == "accuracy")

    def expected_best(self, name: str) -> np.ndarray:
        values = np.array([trial.measure for trial in self.trials(name)])
        return expected_best(values, higher_is_better=self.yardstick.higher_is_better) if len(values) else values

    def default_rate(self, name: str) -> float | None:
        return 1e-3


def study_of(
    values: Mapping[str, Sequence[float]],
    tried: Mapping[str, Mapping[float, tuple[float, ...]]] | None = None,
    kind: Kind = "accuracy",
    **options: Any,
) -> Study:
    """Return a study of optimizers given by their specs: their results by seed, and their trials by learning rate."""
    made = [optimizers.parse(spec) for spec in values]
    names = optimizers.labels(made)
    given = {key: options.pop(key) for key in ("optimum", "margin", "baseline") if key in options}
    by_name = {name: dict(enumerate(map(float, runs))) for name, runs in zip(names, values.values(), strict=True)}
    failed: Mapping[str, Mapping[int, str]] = options.pop("failures", {})
    failures = {name: failed[spec] for name, spec in zip(names, values, strict=True) if spec in failed}
    metric = options.pop("metric", "test accuracy")
    results = Results("made", metric, by_name, kind, steps=100, trials=3, failures=failures, **given)
    trials = {
        name: [Trial({"lr": rate}, by_seed) for rate, by_seed in (tried or {}).get(spec, {}).items()]
        for name, spec in zip(names, values, strict=True)
    }
    fresh = options.pop("fresh", None) or record_of(
        {
            spec: [_run(value) for value in runs] + [_failed(why) for why in failed.get(spec, {}).values()]
            for spec, runs in values.items()
        }
    )
    fresh.runners = [
        Runner(r.optimizer, r.seed, name=names[list(values).index(r.optimizer.spec)]) for r in fresh.runners
    ]
    return Study(names, made, results, trials, fresh, **options)


def _failed(why: str) -> Run:
    """Return a run that failed after two epochs."""
    return replace(run_of(falling(0.05), stopped_at=40), interrupted=False, error=why)


def _run(value: float) -> Run:
    """Return a run that ends at an accuracy, or, for NaN, has diverged."""
    if not np.isfinite(value):
        return run_of(falling(0.05), diverged_at=30)
    return run_of(falling(0.05), min(value, 1.0))
