"""The verdict machinery, calibrated like an instrument: the whole judge, thousands of times, on known truth."""

import math

import numpy as np
import pytest

from slalom import judge

EVALUATIONS = 2_000
SEEDS = (5, 10, 30)


def normal(generator, n, gain=0.0):
    """Runs of one seed share half of their variance, as common initialisations and batches make them."""
    common = generator.normal(size=n)
    return common + generator.normal(size=n) + gain, common + generator.normal(size=n)


def skewed(generator, n, gain=0.0):
    """Losses: log-normal. The optimizer's are smaller by a factor exp(gain)."""
    a, b = normal(generator, n, gain=-gain)
    return np.exp(a), np.exp(b)


def accuracies(generator, n, gain=0.0):
    """Shares of 360 test images, of which each seed's split is a little easier or harder."""
    chance = np.clip(generator.normal(0.95, 0.01, size=n), 0, 1)
    return generator.binomial(360, np.minimum(chance + gain, 1)) / 360, generator.binomial(360, chance) / 360


WORLDS = {
    "normal": (normal, {"kind": "plain", "higher_is_better": True, "margin": 1.0}),
    "log-normal": (skewed, {"kind": "loss", "margin": 100 * math.expm1(1.0)}),
    "360 images": (accuracies, {"kind": "accuracy", "margin": 0.3}),
}


def entries(world, n, gain=0.0, disjoint=False):
    """Yield what the judge says of EVALUATIONS pairs of optimizers."""
    draw, settings = WORLDS[world]
    generator = np.random.Generator(np.random.Philox([n, sorted(WORLDS).index(world)]))
    for _ in range(EVALUATIONS):
        a, b = draw(generator, n, gain)
        if disjoint:  # nothing in common, then, but the distribution
            a = draw(generator, n, gain)[0]
        first = 1_000 if disjoint else 0
        values = {"b": dict(enumerate(b.tolist())), "a": dict(enumerate(a.tolist(), start=first))}
        yield judge.judge(judge.Results("world", "result", values, **settings)).entry("a")


def share(flags):
    return sum(flags) / EVALUATIONS


@pytest.mark.slow
@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize("world", WORLDS)
def test_an_optimizer_against_itself_is_rarely_called_better_or_worse_and_intervals_cover(world, n):
    found = list(entries(world, n))
    called = share(entry.verdict.word in ("better", "worse") for entry in found)
    covered = share(entry.comparison.interval[0] <= 0 <= entry.comparison.interval[1] for entry in found)
    assert called <= 0.065
    assert 0.93 <= covered <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 7])
@pytest.mark.parametrize("world", WORLDS)
def test_the_same_holds_without_common_seeds(world, n):
    found = list(entries(world, n, disjoint=True))
    assert {entry.comparison.method for entry in found} == {"Welch t"}
    assert share(entry.verdict.word in ("better", "worse") for entry in found) <= 0.065
    covered = share(entry.comparison.interval[0] <= 0 <= entry.comparison.interval[1] for entry in found)
    assert 0.93 <= covered <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize("world", ["normal", "log-normal"])
def test_a_difference_is_found_as_often_as_the_power_calculation_says(world, n):
    """The sd of the difference of two runs is √2 here; sampling alone moves a share of 2,000 by up to 0.035."""
    effect = 2.8 / math.sqrt(n)
    found = share(
        entry.comparison.p <= 0.05 and entry.comparison.direction > 0
        for entry in entries(world, n, gain=effect * math.sqrt(2))
    )
    assert found == pytest.approx(judge.power(n, effect), abs=0.035)


@pytest.mark.slow
def test_the_seeds_that_would_decide_do_decide():
    """From the true spread, N seeds find a difference of the margin in 80 % of studies."""
    seeds = judge.seeds_for(1.5 / math.sqrt(2))
    found = share(entry.comparison.p <= 0.05 for entry in entries("normal", seeds, gain=1.5))
    assert found == pytest.approx(judge.power(seeds, 1.5 / math.sqrt(2)), abs=0.035)
    assert found >= 0.77


@pytest.mark.slow
@pytest.mark.parametrize("n", SEEDS)
@pytest.mark.parametrize("world", WORLDS)
def test_the_interval_of_one_optimizers_result_covers_the_truth(world, n):
    truth = {"normal": 0.0, "log-normal": 1.0, "360 images": 0.95}[world]
    found = [entry.estimate for entry in entries(world, n)]
    assert 0.93 <= share(estimate.low <= truth <= estimate.high for estimate in found) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("n", SEEDS)
def test_among_five_equal_optimizers_any_is_called_better_or_worse_as_rarely(n):
    """Holm keeps the chance of any false alarm, over four comparisons, below 5 %."""
    generator = np.random.Generator(np.random.Philox(n))
    alarms = 0
    for _ in range(EVALUATIONS):
        runs = generator.normal(size=(5, n)) + generator.normal(size=n)
        values = {str(place): dict(enumerate(row.tolist())) for place, row in enumerate(runs)}
        judgement = judge.judge(judge.Results("t", "m", values, kind="plain", higher_is_better=True, margin=1.0))
        alarms += any(e.verdict.word in ("better", "worse") for e in judgement.entries if e.verdict)
    assert alarms / EVALUATIONS <= 0.065
