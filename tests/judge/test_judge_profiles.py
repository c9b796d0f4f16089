"""Several tasks at once, against tables worked by hand and published examples."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from slalom import judge

# Times of 22 players for three ways of rounding first base: Hollander and Wolfe, Nonparametric Statistical Methods,
# 1973, page 140. They report rank sums of 53, 47 and 32, and S = 11.14 with two degrees of freedom.
# fmt: off
ROUNDING = np.array([
    5.40, 5.50, 5.55, 5.85, 5.70, 5.75, 5.20, 5.60, 5.50, 5.55, 5.50, 5.40, 5.90, 5.85, 5.70, 5.45, 5.55, 5.60,
    5.40, 5.40, 5.35, 5.45, 5.50, 5.35, 5.25, 5.15, 5.00, 5.85, 5.80, 5.70, 5.25, 5.20, 5.10, 5.65, 5.55, 5.45,
    5.60, 5.35, 5.45, 5.05, 5.00, 4.95, 5.50, 5.50, 5.40, 5.45, 5.55, 5.50, 5.55, 5.55, 5.35, 5.45, 5.50, 5.55,
    5.50, 5.45, 5.25, 5.65, 5.60, 5.40, 5.70, 5.65, 5.55, 6.30, 6.30, 6.25,
]).reshape(22, 3)
# fmt: on

SEEDS = 6


def on_tasks(costs, kind="loss", facts=None, **settings):
    """Results of which every run of an optimizer on a task has the same value: costs [tasks, optimizers]."""
    return [
        judge.Results(
            f"task{k}",
            "final",
            {name: dict.fromkeys(range(SEEDS), float(value)) for name, value in zip("abcde", row, strict=False)},
            kind=kind,
            facts=(facts or {}).get(k, {}),
            **settings,
        )
        for k, row in enumerate(np.asarray(costs))
    ]


def test_profiles_are_those_of_a_table_worked_by_hand():
    """Ratios to the best: a 1, 1, 2, 3, ∞; b 2, 1.5, 1, 1, 1; c 4, 8, 2, 1, 1."""
    costs = [[1, 2, 4], [2, 3, 16], [2, 1, 2], [6, 2, 2], [math.nan, 5, 5]]
    found = judge.across(on_tasks(costs)).profiles
    at = {ratio: int(np.abs(found.ratios - ratio).argmin()) for ratio in (1.0, 4.0)}
    np.testing.assert_allclose(found.shares[:, at[1.0]], [2 / 5, 3 / 5, 2 / 5])
    np.testing.assert_allclose(found.shares[:, at[4.0]], [4 / 5, 5 / 5, 4 / 5])
    for ratio, shares in (
        (1.49, [2, 3, 2]),
        (1.51, [2, 4, 2]),
        (1.95, [2, 4, 2]),
        (2.02, [3, 5, 3]),
        (3.02, [4, 5, 3]),
    ):
        place = int(np.searchsorted(found.ratios, ratio))
        np.testing.assert_allclose(found.shares[:, place], np.array(shares) / 5, err_msg=str(ratio))


def test_the_cost_of_an_accuracy_is_its_error_rate():
    """98 % against 96 %: half the errors."""
    found = judge.across(on_tasks([[0.98, 0.96], [0.98, 0.94]], kind="accuracy")).profiles
    at_two = int(np.searchsorted(found.ratios, 2.02))
    np.testing.assert_allclose(found.shares[:, at_two], [1.0, 0.5])


def test_losses_are_averaged_as_the_verdict_averages_them():
    """By the geometric mean: one unlucky run of a thousand times the loss does not outweigh nine of a tenth."""
    values = {"a": dict.fromkeys(range(10), 1.0), "b": {**dict.fromkeys(range(9), 0.1), 9: 100.0}}
    results = [judge.Results(task, "final loss", values, kind="loss") for task in ("t", "u")]
    geometric = stats.gmean(list(values["b"].values()))
    assert judge.judge(results[0]).entry("b").estimate.value == pytest.approx(geometric)
    found = judge.across(results)
    assert 1 / geometric > found.profiles.ratios[-1]
    np.testing.assert_array_equal(found.profiles.shares[:, 0], [0.0, 1.0])
    np.testing.assert_array_equal(found.profiles.shares[:, -1], [0.0, 1.0])
    assert found.rank_probabilities[1, 0] > 0.9


def test_equal_optimizers_have_equal_probabilities_for_every_rank():
    """Over 400 tasks, each with results of their own; the standard error of a probability is below 0.025."""
    generator = np.random.default_rng(5)
    for k in (2, 3, 4):
        tasks = [list(generator.normal(size=(k, 8))) for _ in range(400)]
        found = judge.rank_probabilities(tasks, draws=200)
        np.testing.assert_allclose(found, 1 / k, atol=0.07)


def test_the_probability_of_a_rank_is_that_of_a_normal_difference():
    """Unpaired means of 40 seeds: P(a < b) is Φ of the distance over its standard error, which the draws estimate."""
    generator = np.random.default_rng(6)
    a, b = generator.normal(0.0, 1.0, 40), generator.normal(0.2, 1.0, 40)
    error = math.sqrt((a.var() + b.var()) / 40)
    expected = stats.norm.cdf((b.mean() - a.mean()) / error)
    found = judge.rank_probabilities([[a, b]], paired=False, draws=20_000)
    assert found[0, 0] == pytest.approx(expected, abs=0.015)


def test_friedman_is_the_published_one():
    p = judge.friedman_p(ROUNDING)
    assert p == pytest.approx(stats.chi2.sf(11.14, 2), rel=0.005)
    assert p == pytest.approx(stats.friedmanchisquare(*ROUNDING.T).pvalue, rel=1e-12)
    found = judge.across(on_tasks(ROUNDING))
    assert found.friedman_p == pytest.approx(p)
    assert found.sentence == (
        "Over 22 tasks the optimizers differ (Friedman p = 0.004); mean ranks: c 1.5, b 2.1, a 2.4."
    )


def test_friedman_without_ties_is_its_closed_form():
    """12 n / k (k + 1) times the sum of squared distances of the mean ranks from (k + 1) / 2."""
    costs = np.random.default_rng(2).permuted(np.tile(np.arange(1.0, 5.0), (12, 1)), axis=1)
    statistic = 12 * 12 / (4 * 5) * float(((costs.mean(axis=0) - 2.5) ** 2).sum())
    assert judge.friedman_p(costs) == pytest.approx(stats.chi2.sf(statistic, 3), rel=1e-9)


def test_optimizers_that_do_alike_have_no_winner():
    costs = np.tile([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], (5, 1))
    assert judge.across(on_tasks(costs)).sentence == (
        "Over 10 tasks the optimizers are not told apart (Friedman p = 1.00): no overall winner."
    )
    assert judge.across(on_tasks(np.ones((10, 3)))).friedman_p == 1.0


def test_two_optimizers_have_no_friedman_test():
    assert judge.across(on_tasks(np.tile([1.0, 2.0], (12, 1)))).sentence == (
        "No overall winner is named: that takes at least three optimizers, here are 12 tasks and 2 optimizers."
    )


def test_whoever_diverges_everywhere_is_last_everywhere_and_within_no_ratio():
    costs = np.tile([1.0, math.nan, 3.0], (10, 1))
    for kind in ("loss", "steps"):
        found = judge.across(on_tasks(costs, kind=kind))
        np.testing.assert_array_equal(found.rank_probabilities, [[1, 0, 0], [0, 0, 1], [0, 1, 0]])
        np.testing.assert_array_equal(found.profiles.shares[1], 0.0)
        assert found.remarks == (), "a divergence is a result"
        assert found.friedman_p == pytest.approx(stats.chi2.sf(20.0, 2))


def test_where_all_diverge_nobody_is_first():
    found = judge.across(on_tasks([[math.nan, math.nan], [math.nan, math.nan]]))
    np.testing.assert_array_equal(found.profiles.shares, 0.0)
    np.testing.assert_array_equal(found.rank_probabilities, 0.5)


def test_a_task_on_which_not_all_can_be_compared_is_told_and_kept_out_of_the_test():
    costs = np.tile([1.0, 2.0, 3.0], (11, 1))
    facts = {
        2: {"b": judge.Facts(at_edge=("lr",)), "c": judge.Facts(tuning_seeds=(3,))},
        7: {"a": judge.Facts(trials=5)},
    }
    found = judge.across(on_tasks(costs, facts=facts, trials=11))
    assert found.remarks == (
        "On task2 not all can be compared fairly, and are counted all the same: the best lr of b lies at the edge of "
        "the search; seed 3 of c was used for both tuning and evaluation.",
        "On task7 not all can be compared fairly, and are counted all the same: unequal trials.",
    )
    assert found.friedman_p is None
    assert found.sentence == (
        "No overall winner is named: that takes at least 10 tasks on which all can be compared fairly, "
        "here are 9 of 11."
    )
    more = judge.across(on_tasks(np.tile([1.0, 2.0, 3.0], (12, 1)), facts=facts, trials=11))
    assert more.friedman_p == pytest.approx(stats.chi2.sf(20.0, 2))
    assert more.sentence == (
        "Over the 10 tasks of 12 on which all can be compared fairly, the optimizers differ (Friedman p < 0.001); "
        "mean ranks: a 1.0, b 2.0, c 3.0."
    )


@pytest.mark.parametrize("tasks", [2, 10])
def test_what_tasks_say_together_goes_into_json(tasks):
    costs = np.tile([1.0, math.nan, 3.0], (tasks, 1))
    found = judge.across(on_tasks(costs))
    told = json.loads(json.dumps(found.as_dictionary(), allow_nan=False))
    assert told["optimizers"] == ["a", "b", "c"]
    assert told["tasks"] == [f"task{k}" for k in range(tasks)]
    assert np.shape(told["profiles"]["shares"]) == (3, len(told["profiles"]["ratios"]))
    assert told["rank_probabilities"] == [[1, 0, 0], [0, 0, 1], [0, 1, 0]]
    assert told["friedman_p"] == found.friedman_p
    assert (told["sentence"], told["remarks"]) == (found.sentence, [])
