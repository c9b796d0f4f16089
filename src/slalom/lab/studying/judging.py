"""From runs to what the judge takes: the final measure, and the facts of how results came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from slalom.judge import Facts, Results
from slalom.lab.studying.executing import Finished
from slalom.lab.studying.planning import Question

if TYPE_CHECKING:
    from slalom.lab.studying.tuning import Tuned


def results_of(question: Question, tuned: Mapping[str, Tuned], runs: Mapping[str, Sequence[Finished]]) -> Results:
    """Return what is judged: the final measure by optimizer and seed, and how it came about."""
    yardstick = question.yardstick
    # A loop of the caller's own tells how far it is: the longest run stands for those that ended early.
    made = {name: max(one.run.completed for one in found) for name, found in runs.items()}
    return Results(
        task=question.task.name,
        metric=yardstick.words,
        values={name: {one.runner.seed: one.final(yardstick.final) for one in found} for name, found in runs.items()},
        kind=yardstick.kind,
        higher_is_better=yardstick.higher_is_better,
        optimum=yardstick.optimum,
        baseline=question.baseline,
        margin=question.margin,
        steps=None if question.training is None else question.training.steps,
        facts={
            name: Facts(
                at_edge=("lr",) if one.at_edge else (),
                trials=one.count,
                steps=made[name] if question.training is None else None,
                tuning_seeds=one.seeds,
            )
            for name, one in tuned.items()
        },
    )
