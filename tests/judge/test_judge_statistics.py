"""The statistics agree with SciPy's own methods and with published values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from slalom import judge

RUNS = [(seed, n) for seed in range(4) for n in (2, 5, 6, 10, 30)]


def two_groups(seed, n, m=None):
    generator = np.random.default_rng(seed)
    return generator.normal(0.3, 1.0, n), generator.normal(0.0, 2.0, m or n)


@pytest.mark.parametrize(("seed", "n"), RUNS)
def test_a_paired_difference_is_scipys(seed, n):
    a, b = two_groups(seed, n)
    difference, expected = judge.paired_difference(a, b), stats.ttest_rel(a, b)
    assert difference.p == pytest.approx(expected.pvalue, rel=1e-10)
    for level in (0.9, 0.95):
        assert difference.interval(level) == pytest.approx(tuple(expected.confidence_interval(level)), rel=1e-9)


@pytest.mark.parametrize(("seed", "n"), RUNS)
def test_a_difference_without_common_seeds_is_welchs(seed, n):
    a, b = two_groups(seed, n, n + 3)
    difference, expected = judge.welch_difference(a, b), stats.ttest_ind(a, b, equal_var=False)
    assert difference.p == pytest.approx(expected.pvalue, rel=1e-10)
    assert difference.df == pytest.approx(expected.df, rel=1e-10)
    assert difference.interval() == pytest.approx(tuple(expected.confidence_interval()), rel=1e-9)


def test_the_sleep_data_of_student_give_the_published_paired_t():
    """Student, Biometrika 6, 1908: t = 4.0621 with 9 degrees of freedom, p = 0.00283."""
    first = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    paired = judge.paired_difference(second, first)
    assert paired.mean / paired.error == pytest.approx(4.0621, abs=5e-5)
    assert paired.p == pytest.approx(0.002833, abs=5e-7)
    assert paired.interval() == pytest.approx((0.7001142, 2.4598858), abs=1e-6)
    welch = judge.welch_difference(second, first)
    assert (welch.df, welch.p) == pytest.approx((17.776, 0.07939), abs=5e-4)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_are_those_that_newcombe_published(successes, n, low, high):
    """Newcombe, Statistics in Medicine 17, 1998, table I, method 3."""
    share = judge.wilson(successes, n)
    assert (share.low, share.high) == pytest.approx((low, high), abs=5.1e-5)


@given(n=st.integers(1, 60), data=st.data())
def test_wilson_intervals_are_scipys(n, data):
    successes = data.draw(st.integers(0, n))
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    share = judge.wilson(successes, n)
    assert (share.low, share.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(("seed", "n"), [(0, 3), (1, 5), (2, 6), (3, 10), (4, 12)])
def test_the_exact_sign_flip_p_is_scipys(seed, n):
    a, b = two_groups(seed, n)
    exact = stats.permutation_test(
        (a, b), lambda x, y: float(np.mean(x - y)), permutation_type="samples", n_resamples=np.inf
    )
    assert judge.sign_flip_p(a - b) == pytest.approx(exact.pvalue, abs=1e-12)


@pytest.mark.parametrize(("seed", "n", "m"), [(0, 2, 2), (1, 5, 5), (2, 4, 7), (3, 6, 6)])
def test_the_exact_two_sample_p_is_scipys(seed, n, m):
    a, b = two_groups(seed, n, m)
    exact = stats.permutation_test(
        (a, b), lambda x, y: np.mean(x) - np.mean(y), permutation_type="independent", n_resamples=np.inf
    )
    # SciPy doubles the smaller tail; here both tails are counted, which is the same for groups of one size.
    counted = judge.two_sample_p(a, b)
    if n == m:
        assert counted == pytest.approx(exact.pvalue, abs=1e-12)
    else:
        pooled = np.concatenate([a, b])
        null = exact.null_distribution
        assert len(null) == math.comb(len(pooled), n)
        assert counted == pytest.approx(np.mean(np.abs(null) >= abs(a.mean() - b.mean()) - 1e-12), abs=1e-12)


@pytest.mark.parametrize(("n", "smallest"), [(5, 0.0625), (6, 0.03125), (10, 0.001953125)])
def test_the_smallest_exact_p_is_the_protocols(n, smallest):
    assert judge.sign_flip_p(np.full(n, 0.7)) == smallest


def test_beyond_twenty_pairs_signs_are_drawn_from_the_seed_given():
    differences = np.random.default_rng(0).normal(0.4, 1.0, 40)
    drawn = judge.sign_flip_p(differences, seed=1)
    assert drawn == judge.sign_flip_p(differences, seed=1)
    assert drawn != judge.sign_flip_p(differences, seed=2)
    assert drawn == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.01)
    assert judge.sign_flip_p(np.ones(30)) == 1 / 10_000, "(b + 1) / (m + 1): never zero"


def test_many_runs_without_common_seeds_are_dealt_at_random():
    a, b = two_groups(0, 30, 25)
    drawn = judge.two_sample_p(a, b, seed=3)
    assert drawn == judge.two_sample_p(a, b, seed=3)
    assert drawn == pytest.approx(stats.ttest_ind(a, b).pvalue, abs=0.02)


@pytest.mark.parametrize(("seed", "n"), [(0, 6), (1, 10), (2, 14)])
def test_signed_ranks_are_wilcoxons(seed, n):
    a, b = two_groups(seed, n)
    expected = stats.wilcoxon(a, b, method="exact").pvalue
    assert judge.sign_flip_p(judge.signed_ranks(a - b)) == pytest.approx(expected, abs=1e-12)


def test_signed_ranks_put_infinity_last_and_leave_zero_out():
    ranks = judge.signed_ranks(np.array([0.0, 1.0, -2.0, 2.0, np.inf, -np.inf]))
    np.testing.assert_array_equal(ranks, [0.0, 1.0, -2.5, 2.5, 4.5, -4.5])


def test_holm_corrects_the_published_example():
    """Wright, Biometrics 48, 1992, and R's p.adjust give these for 0.01, 0.04, 0.03, 0.005."""
    assert judge.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_benjamini_and_hochbergs_own_example_keeps_its_four_discoveries():
    """Benjamini and Hochberg, JRSS B 57, 1995, section 4.1: fifteen p values, four rejected; Holm rejects three."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528]
    p += [0.7590, 1.0000]
    assert sum(value <= 0.05 for value in judge.benjamini_hochberg(p)) == 4
    assert sum(value <= 0.05 for value in judge.holm(p)) == 3
    np.testing.assert_allclose(judge.benjamini_hochberg(p), stats.false_discovery_control(p), rtol=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.randoms())
def test_corrections_never_lower_a_p_and_do_not_mind_the_order(p, random):
    order = list(range(len(p)))
    random.shuffle(order)
    for correct in (judge.holm, judge.benjamini_hochberg):
        corrected = correct(p)
        assert all(raw <= adjusted * (1 + 1e-12) <= 1 + 1e-11 for raw, adjusted in zip(p, corrected, strict=True))
        assert correct([p[place] for place in order]) == pytest.approx([corrected[place] for place in order])
    assert all(
        holm >= discovery * (1 - 1e-12)
        for holm, discovery in zip(judge.holm(p), judge.benjamini_hochberg(p), strict=True)
    )


@given(st.integers(0, 10_000), st.floats(0.01, 3.0))
def test_two_one_sided_tests_agree_with_the_90_percent_interval(seed, margin):
    a, b = two_groups(seed, 8)
    difference = judge.paired_difference(a, b)
    low, high = difference.interval(0.90)
    p = judge.equivalence_p(difference, margin)
    if abs(p - 0.05) > 1e-9:
        assert (p <= 0.05) == (-margin < low and high < margin)
    lower = stats.ttest_1samp(a - b, -margin, alternative="greater").pvalue
    upper = stats.ttest_1samp(a - b, margin, alternative="less").pvalue
    assert p == pytest.approx(max(lower, upper), rel=1e-9)


def test_equal_differences_leave_the_t_test_without_a_p():
    difference = judge.paired_difference(np.array([0.97, 0.96, 0.95]), np.array([0.96, 0.95, 0.94]))
    assert difference.sd == 0
    assert math.isnan(difference.p)
    assert difference.interval() == pytest.approx((0.01, 0.01))


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_seeds_for_pairs_are_those_of_gpower(effect, seeds):
    """G*Power 3.1, difference between two dependent means, two tails, α = 0.05, power 0.8."""
    assert judge.seeds_for(effect) == seeds


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 394), (0.5, 64), (0.8, 26)])
def test_seeds_without_pairs_are_those_of_cohens_table(effect, seeds):
    """Cohen 1988 and G*Power, two independent means of equal variance: the difference of two runs has sd √2 σ."""
    assert judge.seeds_for(effect / math.sqrt(2), paired=False) == seeds


@pytest.mark.parametrize("n", [2, 5, 10, 100])
@pytest.mark.parametrize("effect", [0.01, 0.3, 1.0, 5.0])
def test_power_is_that_of_the_noncentral_t(n, effect):
    critical, shift = stats.t.ppf(0.975, n - 1), effect * math.sqrt(n)
    # Where SciPy's far tail is NaN it is nothing.
    expected = 1 - stats.nct.cdf(critical, n - 1, shift) + np.nan_to_num(stats.nct.cdf(-critical, n - 1, shift))
    assert judge.power(n, effect) == pytest.approx(expected, abs=1e-8)


@given(st.floats(0.05, 3.0), st.floats(0.001, 0.05))
def test_the_seeds_that_would_decide_are_the_fewest_with_the_power(effect, alpha):
    seeds = judge.seeds_for(effect, alpha=alpha)
    assert judge.power(seeds, effect, alpha=alpha) >= 0.8 > judge.power(seeds - 1, effect, alpha=alpha)


def test_power_is_a_number_everywhere():
    values = [judge.power(n, effect) for n in (2, 3, 10, 1_000, 1_000_000) for effect in (0.0, 1e-6, 1.0, 50.0, 1e6)]
    assert all(0.0499 <= value <= 1 for value in values)
    assert judge.seeds_for(1e6) == 2
    assert judge.seeds_for(1e-9) == 1_000_000


def test_the_range_of_seeds_is_that_of_the_standard_deviation():
    needed = judge.seeds_needed(margin=0.5, sd=1.0, df=9)
    low, high = (math.sqrt(9 / stats.chi2.ppf(share, 9)) for share in (0.95, 0.05))
    assert needed == judge.SeedsNeeded(34, judge.seeds_for(0.5 / low), judge.seeds_for(0.5 / high))
    assert needed.low < needed.seeds < needed.high


def test_without_any_spread_the_exact_test_says_how_many_seeds():
    assert judge.seeds_needed(0.5, 0.0, 4).seeds == 6
    assert judge.seeds_needed(0.5, 0.0, 4, paired=False).seeds == 4


def test_a_mean_has_scipys_t_interval_and_a_single_value_none():
    values = np.random.default_rng(5).normal(size=7)
    estimate = judge.t_interval(values)
    expected = stats.t.interval(0.95, 6, values.mean(), stats.sem(values))
    assert (estimate.low, estimate.high) == pytest.approx(expected)
    assert judge.t_interval(np.array([0.5])) == judge.Estimate(0.5, None, None, 1)
