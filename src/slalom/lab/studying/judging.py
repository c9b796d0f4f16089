"""From runs to what the judge takes: the final measure, and the facts of how results came about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from slalom.judge import Facts, Results
from slalom.lab.studying.asking import Question
from slalom.lab.studying.executing import Finished

if TYPE_CHECKING:
    from slalom.lab.studying.tuning import Tuned


def results_of(question: Question, tuned: Mapping[str, Tuned], runs: Mapping[str, Sequence[Finished]]) -> Results:
    """Return what is judged: the final measure by optimizer and seed, and how it came about."""
    yardstick = question.yardstick
    # A loop of the caller's own tells how far it is: the longest run stands for those that ended early. Runs that
    # failed say nothing of it.
    made = {
        name: max((one.run.completed for one in found if not one.failed), default=None) for name, found in runs.items()
    }
    return Results(
        task=question.course.name,
        metric=yardstick.words,
        values={
            name: {one.runner.seed: one.final(yardstick.final) for one in found if not one.failed}
            for name, found in runs.items()
        },
        failures={
            name: {one.runner.seed: one.run.error for one in found if one.failed} for name, found in runs.items()
        },
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
                untuned=one.untuned,
                special_cases=_special_cases(question, name),
            )
            for name, one in tuned.items()
        },
    )


def _special_cases(question: Question, name: str) -> tuple[str, ...]:
    """Return the optimizers that one, tuned on the track full, could imitate, and so should not do worse than.

    Another of the same class is a special case where it has fixed what this one searches, and agrees in all that this
    one has fixed.
    """
    if question.track != "full":
        return ()
    general = question.by_name[name]
    fixed = {key: value for key, value in general.hyperparameters.items() if key not in _searched(question, name)}
    return tuple(
        other
        for other, special in question.by_name.items()
        if other != name
        and special.path == general.path
        and special.stages == general.stages
        and _searched(question, other) < _searched(question, name)
        and all(special.hyperparameters.get(key) == value for key, value in fixed.items())
    )


def _searched(question: Question, name: str) -> frozenset[str]:
    """Return the hyperparameters that are searched, by their names in the class: ``betas`` where any of them is."""
    return frozenset("betas" if key in ("beta1", "beta2") else key for key in question.tuned[name])
