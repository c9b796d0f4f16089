"""The fairness linter: every doubt, in its own sentence, and none where there is none."""

import math

import numpy as np
import pytest

from slalom import judge

NOISE = np.array([1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, -1.5, 0.0, 0.0])
SGD = 0.95 + 0.004 * np.sin(np.arange(10.0))
ADAMW = SGD + 0.01 + 0.002 * NOISE
"""Better than SGD, which is detected."""


def by_seed(values, first=0):
    return dict(enumerate(np.asarray(values, dtype=float).tolist(), first))


def doubts(values=None, **settings):
    """Kinds and sentences of what the linter says of two optimizers, or of ``values``."""
    values = values or {"SGD": by_seed(SGD), "AdamW": by_seed(ADAMW)}
    found = judge.judge(
        judge.Results("digits-cnn", "final", values, **{"steps": 500, "trials": 11, **settings})
    ).warnings
    return [(warning.kind, warning.sentence) for warning in found]


def test_a_fair_comparison_raises_no_doubt():
    assert doubts() == []


@pytest.mark.parametrize(
    ("facts", "kind", "sentence"),
    [
        (
            {"AdamW": judge.Facts(at_edge=("lr",))},
            "edge optimum",
            "The best lr of AdamW lies at the edge of the search.",
        ),
        (
            {"AdamW": judge.Facts(at_edge=("lr", "eps"))},
            "edge optimum",
            "The best lr and eps of AdamW lie at the edge of the search.",
        ),
        (
            {"SGD": judge.Facts(trials=8)},
            "unequal trials",
            "Not every optimizer had as many trials: SGD 8, AdamW 11.",
        ),
        (
            {"AdamW": judge.Facts(steps=1500)},
            "unequal steps",
            "Not every optimizer had as many steps: SGD 500, AdamW 1,500.",
        ),
        (
            {"SGD": judge.Facts(tuning_seeds=(3, 99))},
            "leaked seeds",
            "Seed 3 of SGD was used for both tuning and evaluation.",
        ),
        (
            {"SGD": judge.Facts(tuning_seeds=tuple(range(1, 30)))},
            "leaked seeds",
            "Seeds 1, 2, 3, 4, 5, … of SGD were used for both tuning and evaluation.",
        ),
        (
            {"AdamW": judge.Facts(best_epoch=True)},
            "best epoch",
            "The results of AdamW are those of its best epoch, which flatters; declare the last step.",
        ),
        (
            {"SGD": judge.Facts(special_cases=("AdamW",))},
            "under-tuned",
            "SGD did worse than AdamW, its own special case: it is under-tuned.",
        ),
    ],
)
def test_each_doubt_has_its_sentence(facts, kind, sentence):
    assert doubts(facts=facts) == [(kind, sentence)]


def test_an_unknown_number_of_trials_is_unequal_to_a_known_one():
    assert doubts(facts={"SGD": judge.Facts(trials=8)}, trials=None) == [
        ("unequal trials", "Not every optimizer had as many trials: SGD 8, AdamW an unknown number.")
    ]


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        (1, ("one seed", "AdamW has one seed: luck cannot be told from merit; run at least 5.")),
        (2, ("few seeds", "AdamW has 2 seeds; run at least 5.")),
        (4, ("few seeds", "AdamW has 4 seeds; run at least 5.")),
        (5, None),
    ],
)
def test_few_seeds_are_doubted(seeds, expected):
    values = {"SGD": by_seed(SGD[:seeds]), "AdamW": by_seed(ADAMW[:seeds])}
    assert doubts(values)[1:] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("first", "how"),
    [
        (2, "only their 8 common seeds are compared"),
        (50, "they are compared as two groups, which needs more seeds"),
    ],
)
def test_unequal_seeds_are_told(first, how):
    values = {"SGD": by_seed(SGD), "AdamW": by_seed(ADAMW, first)}
    assert doubts(values) == [("unequal seeds", f"AdamW and SGD were not run on the same seeds: {how}.")]
    assert doubts(values, paired=False) == []


@pytest.mark.parametrize(
    ("kind", "lost", "expected"),
    [
        (
            "accuracy",
            2,
            (
                "some diverged",
                "2 of 10 runs of AdamW diverged, a rate between 5.7 and 51 % with 95 % confidence; "
                "the result is that of the others.",
            ),
        ),
        (
            "loss",
            1,
            (
                "some diverged",
                "1 of 10 runs of AdamW diverged, a rate between 1.8 and 40 % with 95 % confidence; "
                "the result is that of the others.",
            ),
        ),
        ("loss", 3, ("divergence", "3 of 10 runs of AdamW diverged, more than 20 %.")),
    ],
)
def test_divergences_are_told(kind, lost, expected):
    adamw = np.where(np.arange(10) < lost, math.nan, ADAMW)
    assert doubts({"SGD": by_seed(SGD), "AdamW": by_seed(adamw)}, kind=kind) == [expected]


def test_losses_below_zero_and_a_margin_that_nobody_declared_are_told():
    values = {"SGD": by_seed(SGD - 2), "AdamW": by_seed(ADAMW - 2)}
    mean = abs(np.mean(SGD - 2))
    assert doubts(values, kind="loss") == [
        ("negative losses", "Losses below zero have no logarithm: they are compared as they are."),
        (
            "margin",
            f"The margin was taken from the results, 2 % of the baseline's mean ({0.02 * mean:.3g}); "
            "declare one of your own.",
        ),
    ]
    assert [kind for kind, _ in doubts(values, kind="loss", margin=0.01)] == ["negative losses"]


@pytest.mark.parametrize(
    ("general", "told"),
    [
        (SGD - 0.01 + 0.002 * NOISE, ": it is under-tuned"),  # detected, and more than the margin
        (SGD - 0.001 + 0.0002 * NOISE, ": it is under-tuned"),  # detected, though less than the margin
        (SGD - 0.005 + 0.02 * NOISE, ", by more than the margin: it may be under-tuned"),  # not detected
        (SGD - 0.001 + 0.02 * NOISE, ""),  # neither
        (SGD, ""),
        (SGD + 0.01, ""),
    ],
)
def test_worse_than_its_special_case_is_worse_by_more_than_chance(general, told):
    """Momentum, tuned, could always choose a momentum of zero."""
    values = {"SGD": by_seed(SGD), "momentum": by_seed(general)}
    found = doubts(values, facts={"momentum": judge.Facts(special_cases=("SGD", "momentum", "nobody"))})
    sentence = f"momentum did worse than SGD, its own special case{told}."
    assert found == ([("under-tuned", sentence)] if told else [])


def test_what_forbids_a_comparison_is_told_first():
    facts = {
        "SGD": judge.Facts(best_epoch=True, special_cases=("AdamW",)),
        "AdamW": judge.Facts(at_edge=("lr",), trials=3),
    }
    kinds = [kind for kind, _ in doubts(facts=facts)]
    assert kinds == ["edge optimum", "unequal trials", "best epoch", "under-tuned"]
