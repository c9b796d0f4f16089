"""Steps to target, widths, the best of k trials, and several tasks at once."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from slalom import judge
from slalom.core import InputError
from slalom.judge.censoring import paired_by_ranks, unpaired_by_ranks


def test_steps_to_target_are_the_first_evaluation_that_reaches_it():
    steps = np.array([0, 10, 20, 30])
    assert judge.steps_to_target(steps, np.array([0.1, 0.5, 0.4, 0.6]), 0.5, higher_is_better=True) == 10
    assert judge.steps_to_target(steps, np.array([2.0, 1.0, np.nan, np.nan]), 0.9, higher_is_better=False) == math.inf


def test_a_miss_is_censored_not_dropped():
    summary = judge.summarise(np.array([100.0, np.inf, 200.0, np.nan, np.inf]))
    assert summary == judge.StepsToTarget(math.inf, 200.0, math.inf, missed=3, n=5)


def test_comparisons_by_ranks_count_two_misses_as_equal():
    a, b = np.array([10.0, np.inf, 30.0, np.inf]), np.array([20.0, np.inf, 40.0, 50.0])
    assert paired_by_ranks(a, a) == judge.RankComparison(0, 1.0, 4)
    # Sizes 10, 10 and infinity: ranks −1.5, −1.5, +3 cancel exactly.
    assert paired_by_ranks(a, b).direction == 0
    assert paired_by_ranks(np.arange(1.0, 8.0), np.full(7, np.inf)).p == 2 / 2**7


@pytest.mark.parametrize("seed", range(3))
def test_comparisons_of_two_groups_by_ranks_are_mann_and_whitneys(seed):
    a, b = np.random.default_rng(seed).normal(size=(2, 7))
    expected = stats.mannwhitneyu(a, b, method="exact").pvalue
    assert unpaired_by_ranks(a, b).p == pytest.approx(expected, abs=1e-12)


def test_the_width_interpolates_on_the_log_axis():
    width = judge.learning_rate_width(
        np.array([1e-3, 1e-2, 1e-1, 1.0]), np.array([0.94, 0.96, 0.955, np.nan]), accuracy=True
    )
    assert width.best == 1e-2
    assert width.low == pytest.approx(10**-2.5), "half the way down to 0.94"
    assert width.high == 1e-1, "next to a divergence the last rate is the end"
    assert width.decades == pytest.approx(1.5)
    assert (width.open_below, width.open_above) == (False, False)


def test_a_width_that_reaches_the_last_rate_says_that_it_may_be_wider():
    width = judge.learning_rate_width(np.array([0.1, 0.01]), np.array([1.000, 1.005]), accuracy=False)
    assert (width.low, width.high, width.open_below, width.open_above) == (0.01, 0.1, True, True)
    assert judge.learning_rate_width(np.array([0.1, 0.01]), np.array([np.nan, np.nan]), accuracy=False) is None


def test_a_loss_is_close_within_one_per_cent_of_its_gap_to_the_optimum():
    rates, losses = np.array([0.01, 0.1, 1.0]), np.array([10.02, 10.01, 10.0101])
    width = judge.learning_rate_width(rates, losses, accuracy=False, optimum=10.0)
    assert width.high == pytest.approx(1.0)
    assert 0.09 < width.low < 0.1


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=7), st.booleans())
def test_the_expected_best_is_the_mean_over_all_choices_of_k_trials(values, higher):
    best = max if higher else min
    expected = [
        np.mean([best(chosen) for chosen in itertools.combinations(values, k)]) for k in range(1, len(values) + 1)
    ]
    np.testing.assert_allclose(judge.expected_best(np.array(values), higher_is_better=higher), expected, atol=1e-12)


def test_diverged_trials_count_in_the_expected_best():
    """Of three trials one may be the diverged one; two never are both."""
    losses = judge.expected_best(np.array([2.0, np.nan, 1.0]), higher_is_better=False)
    np.testing.assert_allclose(losses, [np.inf, 4 / 3, 1.0])
    np.testing.assert_allclose(judge.expected_best(np.array([0.9, np.nan]), higher_is_better=True), [0.45, 0.9])


def test_profiles_count_tasks_within_a_ratio_of_the_best():
    costs = np.array([[1.0, 2.0], [3.0, 1.0], [1.0, np.inf], [np.inf, np.inf]])
    profiles = judge.performance_profiles(costs, ["a", "b"])
    assert (profiles.ratios[0], profiles.ratios[-1]) == (1.0, 4.0)
    np.testing.assert_array_equal(profiles.shares[:, 0], [0.5, 0.25])
    np.testing.assert_array_equal(profiles.shares[:, -1], [0.75, 0.5])
    at_two = np.searchsorted(profiles.ratios, 2.0 * (1 - 1e-9))
    assert profiles.shares[1, at_two] == 0.5
    assert (np.diff(profiles.shares, axis=1) >= 0).all()


def test_rank_probabilities_sum_to_one_and_share_ties():
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 10))
    probabilities = judge.rank_probabilities([[a, a, b], [a, b + 9, b]])
    np.testing.assert_allclose(probabilities.sum(axis=0), 1.0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    twins = judge.rank_probabilities([[a, a]])
    np.testing.assert_array_equal(twins, 0.5)
    np.testing.assert_array_equal(judge.rank_probabilities([[a, a + 1]]), np.eye(2))
    np.testing.assert_array_equal(probabilities, judge.rank_probabilities([[a, a, b], [a, b + 9, b]]))


def test_friedman_is_scipys_from_ten_tasks_on():
    costs = np.random.default_rng(1).normal(size=(10, 3)) ** 2
    assert judge.friedman_p(costs) == pytest.approx(stats.friedmanchisquare(*costs.T).pvalue)
    assert judge.friedman_p(costs[:9]) is None
    assert judge.friedman_p(costs[:, :2]) is None


def results_on(task, shift):
    runs = np.random.default_rng(len(task)).uniform(0.9, 0.95, 6)
    values = {"sgd": dict(enumerate(runs)), "adam": dict(enumerate(runs + shift))}
    return judge.Results(task, "test accuracy", values)


def test_a_few_tasks_have_profiles_and_ranks_but_no_overall_winner():
    across = judge.across([results_on("digits", 0.01), results_on("mnist", 0.02), results_on("blobs", 0.03)])
    assert across.names == ("sgd", "adam")
    np.testing.assert_allclose(across.rank_probabilities, [[0, 1], [1, 0]])
    assert across.friedman_p is None
    assert across.sentence.startswith("No overall winner is named: that takes at least 10 tasks and at least three")
    with pytest.raises(InputError, match="at least two"):
        judge.across([results_on("digits", 0.01)])
