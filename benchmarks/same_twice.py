"""How often an optimizer is called better or worse than itself, its tuning included.

The same optimizer takes part under two names. Each is tuned on seeds of its own and evaluated on seeds of its own, so
nothing but luck tells them apart; the judge is told that runs are not paired. A right judge detects a difference in at
most 5 % of the studies where settings are given; tuning adds luck of its own, which is what is measured here.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

from slalom.judge import Results, judge, wilson
from slalom.lab.studying import plan_study
from slalom.lab.studying.asking import Question
from slalom.lab.studying.executing import Executor, Locally
from slalom.lab.studying.tuning import tune
from slalom.store import MemoryStore

COURSE, EPOCHS, OPTIMIZER, SEEDS = "digits-mlp", 5, "adam", 10
STUDIES = 200
EACH = 5
"""Tuning seeds of each."""


def main(studies: int) -> None:
    (plan,) = plan_study(COURSE, [OPTIMIZER, f"{OPTIMIZER}:eps=1e-8"], epochs=EPOCHS, store=MemoryStore())
    words: Counter[str] = Counter()
    rates: Counter[bool] = Counter()
    for study in range(studies):
        values, chosen = {}, []
        for twin, name in enumerate(("first", "second")):
            number = 2 * study + twin
            found, optimizer = _one(plan, number)
            values[name] = dict(enumerate(found))
            chosen.append(optimizer.hyperparameters["lr"])
        words[judge(Results(COURSE, "test accuracy", values, paired=False)).entries[1].verdict.word] += 1
        rates[chosen[0] == chosen[1]] += 1
        if sys.stderr.isatty():
            print(f"\r{study + 1} of {studies}: {dict(words)}", end="", file=sys.stderr)
    detected = words["better"] + words["worse"] + words["practically equal"]
    interval = wilson(detected, studies)
    print(f"{OPTIMIZER} against itself on {COURSE}, {EPOCHS} epochs, {SEEDS} seeds, tuned each time: {dict(words)}")
    print(
        f"called different in {detected / studies:.1%} of {studies} studies [{interval.low:.1%}, {interval.high:.1%}]; "
        f"the same learning rate was chosen in {rates[True] / studies:.0%}"
    )


def _one(plan, number: int):
    """Tune and evaluate on the seeds of one number; return the test accuracies and the tuned optimizer."""
    first = 1_000_000 + number * EACH
    effort = replace(
        plan.question.effort, search_seeds=(first, first + 1), final_seeds=tuple(range(first + 2, first + 5))
    )
    whole: Question = replace(
        plan.question, effort=effort, optimizers=plan.question.optimizers[:1], names=plan.question.names[:1]
    )
    executor = Executor(whole.ground, plan.setting, MemoryStore(), plan.width, Locally(1), 1)
    (tuned,) = tune(whole, executor).values()
    runners = [whole.runner(tuned.optimizer, seed, "") for seed in range(number * SEEDS, (number + 1) * SEEDS)]
    (runs,) = executor.run([runners], whole.training, closed=False)
    return [run.final("test_accuracy") for run in runs], tuned.optimizer


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES)
