"""From runs to what the judge takes: the measure, and the facts of how results came about."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slalom.judge import Facts, Kind, Results
from slalom.lab.studying.executing import Finished
from slalom.lab.studying.planning import Question

if TYPE_CHECKING:
    from slalom.lab.studying.tuning import Tuned


@dataclass(frozen=True)
class Yardstick:
    """By what optimizers are tuned and judged: names of measures such as ``validation_accuracy``.

    Both are the task's first metric, or its loss where it has none; where nothing is held out, the training loss.
    """

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


def yardstick_of(task: Any, seed: int) -> Yardstick:
    """Return the measures of a task: validation chooses, the test set judges, or what there is of them."""
    splits = task.splits(seed).named()
    held_out = [split for split in ("validation", "test") if split in splits]
    if not held_out:
        return Yardstick("train_loss", "train_loss", False, "loss", task.optimum)
    measure = next(iter(task.metrics), "loss")
    higher = task.metrics[measure].higher_is_better if measure in task.metrics else False
    kind: Kind = "accuracy" if measure == "accuracy" and higher else "loss" if measure == "loss" else "plain"
    # Without validation examples the training loss has to choose: the test set is for the verdict.
    chooses = f"validation_{measure}" if "validation" in splits else "train_loss" if measure == "loss" else ""
    return Yardstick(chooses or f"train_{measure}", f"{held_out[-1]}_{measure}", higher, kind)


def results_of(
    question: Question, yardstick: Yardstick, tuned: Mapping[str, Tuned], runs: Mapping[str, Sequence[Finished]]
) -> Results:
    """Return what is judged: the final measure by optimizer and seed, and how it came about."""
    return Results(
        task=question.task.name,
        metric=yardstick.words,
        values={name: {one.runner.seed: one.final(yardstick.final) for one in found} for name, found in runs.items()},
        kind=yardstick.kind,
        higher_is_better=yardstick.higher_is_better,
        optimum=yardstick.optimum,
        baseline=question.baseline,
        margin=question.margin,
        steps=question.training.steps,
        facts={
            name: Facts(at_edge=("lr",) if one.at_edge else (), trials=one.count, tuning_seeds=one.seeds)
            for name, one in tuned.items()
        },
    )
