"""By what optimizers are tuned and judged: the validation examples choose, the test set gives the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slalom.core import (
    InputError,
    Landscape,
    Optimizer,
    Runner,
    compared_by,
    known_direction,
    nearest,
    quote,
    split_direction,
)
from slalom.judge import Kind
from slalom.judge.scales import FLOOR
from slalom.lab.guarding import CrashError, Guard
from slalom.lab.task_record import CLOCKS


@dataclass(frozen=True)
class Yardstick:
    """The names of two measures, such as ``validation_accuracy`` and ``test_accuracy``, and which way is better."""

    tuning: str
    final: str
    higher_is_better: bool
    kind: Kind
    optimum: float | None = None

    @property
    def lost(self) -> float:
        """What a run that diverged counts as."""
        if self.kind == "accuracy":
            return 0.0
        return -math.inf if self.higher_is_better else math.inf

    @property
    def words(self) -> str:
        """What the final measure is called: "test accuracy"."""
        return self.final.replace("_", " ")

    def score(self, values: Sequence[float]) -> float | None:
        """Return what several seeds come to, higher being better; NaN, a run that diverged, counts as the worst.

        It is their mean; above a known optimum the mean of logarithms, by which such results are judged. None where
        there is no value, since all runs failed.
        """
        if not values:
            return None
        told = [self.lost if math.isnan(value) else value for value in values]
        if self.optimum is not None and self.kind == "loss":
            told = [math.log(max(value - self.optimum, FLOOR)) for value in told]
        mean = sum(told) / len(told)
        return mean if self.higher_is_better else -mean

    def measure(self, score: float | None) -> float:
        """Return a score in the measure's own units; NaN where there is none."""
        if score is None:
            return math.nan
        mean = score if self.higher_is_better else -score
        if self.optimum is not None and self.kind == "loss":
            return self.optimum + math.exp(min(mean, 700.0)) if mean < math.inf else math.inf
        return mean

    def told(self, score: float) -> str:
        """Return ``"validation accuracy 96.1 %"`` for the mean that a score stands for."""
        mean = self.measure(score)
        number = f"{100 * mean:.1f} %" if self.kind == "accuracy" else f"{mean:.4g}"
        return f"{self.tuning.replace('_', ' ')} {number}"


def landscape_yardstick(landscape: Landscape, maximized: bool = False) -> Yardstick:
    """Return the measure of a landscape: the value of the function, never the distance to its minimum.

    Where optimizers maximize, the highest value is the best.
    """
    if maximized:
        return Yardstick("loss", "loss", True, "plain")
    optimum = min((minimum.value for minimum in landscape.minima), default=None)
    return Yardstick("loss", "loss", False, "loss", optimum)


def task_yardstick(task: Any, seed: int, metric: str | None = None, maximized: bool = False) -> Yardstick:
    """Return the measures of a task: its first metric, its loss where it has none, or the one that is asked for.

    Where optimizers maximize the loss (``maximized``) a higher loss is better. Where nothing is held out it is the
    training loss. Raises InputError for a metric that the task does not have.
    """
    splits = task.splits(seed).named()
    held_out = [split for split in ("validation", "test") if split in splits]
    name, stated = (None, None) if metric is None else split_direction(metric)
    wanted = None if name is None else name.removeprefix("validation_").removeprefix("test_")
    known = ["loss", *task.metrics]
    if wanted is not None and wanted not in known:
        hint = nearest(wanted, known)
        raise InputError(f"{quote(name)} is no measure of {quote(task.name)}.{hint} It has {', '.join(known)}.")
    measure = wanted or (next(iter(task.metrics), "loss") if held_out else "loss")
    higher = task.metrics[measure].higher_is_better if measure in task.metrics else maximized
    if stated not in (None, higher):
        way = "higher" if higher else "lower"
        raise InputError(
            f"{quote(metric)}: {quote(task.name)} declares that {way} values of {quote(measure)} are better."
        )
    if not held_out:
        optimum = task.optimum if measure == "loss" and not maximized else None
        return Yardstick(f"train_{measure}", f"train_{measure}", higher, _kind(measure, higher), optimum)
    # Without validation examples those of training choose: the test set is for the verdict.
    chooses = "validation" if "validation" in splits else "train"
    return Yardstick(f"{chooses}_{measure}", f"{held_out[-1]}_{measure}", higher, _kind(measure, higher))


def _kind(measure: str, higher: bool) -> Kind:
    if measure == "accuracy" and higher:
        return "accuracy"
    return "loss" if measure == "loss" and not higher else "plain"


def loop_yardstick(
    loop: Any, optimizer: Optimizer, seed: int, metric: str | None = None, guard: Guard | None = None
) -> Yardstick:
    """Return the measures of a training loop of the caller's own, which is run as far as its first evaluation.

    It is the ``metric`` asked for, or the first measure named after validation examples, or the first of all. Raises
    InputError where its name does not tell which way is better.
    """
    try:
        first = (guard or Guard()).call(_first_evaluation, loop, optimizer, seed)
    except CrashError as crash:
        raise InputError(f"{quote(loop.name)} with {quote(optimizer.spec)} failed: {crash}.") from crash
    names = [name for name in first if name not in CLOCKS]
    stated = None
    if metric is not None and metric not in names:
        metric, stated = split_direction(metric)
    if metric is not None and metric not in names:
        hint = nearest(metric, names)
        raise InputError(f"{quote(metric)} is no measure of {quote(loop.name)}.{hint} It yields {', '.join(names)}.")
    tuning, final = compared_by(names, metric)
    if not tuning or tuning.startswith("test"):
        raise InputError(
            f"{quote(loop.name)} has to yield a measure that may choose, such as `validation_loss`: the test set is "
            "opened once, after tuning."
        )
    bare = tuning.partition("_")[2] or tuning
    higher = _direction(loop, tuning) if stated is None else stated
    share = higher and "accuracy" in bare and 0 <= first.get(final, 2.0) <= 1
    kind: Kind = "accuracy" if share else "loss" if not higher and "loss" in bare else "plain"
    return Yardstick(tuning, final, higher, kind)


def _first_evaluation(loop: Any, optimizer: Optimizer, seed: int) -> dict[str, float]:
    from slalom.engines import networks

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    run = networks.follow(loop, Runner(optimizer, seed), progress=stop)
    if not run.evaluations and run.interrupted:
        raise KeyboardInterrupt
    if not run.evaluations:
        raise InputError(f"{quote(loop.name)} with {quote(optimizer.spec)} failed: {quote(run.error, limit=300)}.")
    return dict(run.evaluations[0])


def _direction(loop: Any, name: str) -> bool:
    """Return whether higher is better, as a measure's name says. Raises InputError where it does not."""
    higher = known_direction(name)
    if higher is None:
        raise InputError(
            f"{quote(loop.name)}: the name {quote(name)} does not say whether higher or lower values are better. State "
            f"it: `--metric {name}:max` or `--metric {name}:min`."
        )
    return higher
