"""What a judgement says in words never contradicts its verdicts, nor the order of the numbers in its table."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slalom import judge


def close_results(chance: np.random.Generator) -> judge.Results:
    """Return results of a few optimizers that are nearly as good as one another, some of whose runs were lost."""
    kind = str(chance.choice(["accuracy", "loss", "steps", "plain"]))
    seeds, count = int(chance.integers(2, 41)), int(chance.integers(2, 7))
    spread = 10.0 ** chance.uniform(-4, -1.5)
    luck = chance.normal(size=seeds) * spread * chance.choice([0.0, 1.0, 5.0])
    values, failures, facts = {}, {}, {}
    for number in range(count):
        merit = 0.8 + spread * chance.choice([0.0, 0.3, 1.0, 3.0]) * chance.normal()
        runs = merit + luck + spread * chance.normal(size=seeds)
        runs = np.clip(runs, 0, 1) if kind == "accuracy" else np.abs(runs) * (1000 if kind == "steps" else 1)
        lost = chance.random(seeds) < chance.choice([0.0, 0.0, 0.1, 0.25])
        runs = np.where(lost, math.inf if kind == "steps" else math.nan, runs)
        name = "abcdef"[number]
        failed = {seed for seed in range(seeds) if chance.random() < chance.choice([0.0, 0.0, 0.1])}
        missing = chance.random() < 0.2
        values[name] = {s: float(x) for s, x in enumerate(runs) if s not in failed and not (missing and s % 3 == 0)}
        failures[name] = dict.fromkeys(failed, "ValueError: at random")
        facts[name] = judge.Facts(at_edge=("lr",) if chance.random() < 0.1 else ())
        if not values[name] and not failures[name]:
            values[name] = {0: float(runs[0])}
    baseline = str(chance.choice(list(values)))
    direction = bool(chance.integers(2)) if kind == "plain" else None
    return judge.Results(
        "t", "measure", values, kind, direction, baseline=baseline, paired=bool(chance.random() < 0.8), facts=facts,
        failures=failures,
    )  # fmt: skip


def better(judgement: judge.Judgement, a: str, b: str) -> bool:
    """Whether the number shown for ``a`` is better than that for ``b``; one that is missing is neither."""
    first, second = (judgement.entry(name).estimate.value for name in (a, b))
    return first > second if judgement.scale.higher_is_better else first < second


def check(results: judge.Results) -> str:
    """Hold a judgement against itself, and return which kind of headline it has."""
    found = judge.judge(results)
    words = {entry.name: entry.verdict.word for entry in found.entries if entry.verdict is not None}
    shown = [entry.estimate for entry in found.entries if entry.estimate.n]
    assert len({one.kind for one in shown}) <= 1, "one statistic for all in a column"
    for name, word in words.items():
        assert not (word == "better" and better(found, found.baseline, name)), (name, results)
        assert not (word == "worse" and better(found, name, found.baseline)), (name, results)
    tied = found.tied_best
    for name in tied:
        assert name not in found.left_out
        for other in words:
            assert not (words.get(name) == "worse" and found.baseline in tied)
            if name == found.baseline and other in tied:
                assert words[other] not in ("better", "worse")
    compared = [name for name in results.values if name not in found.left_out]
    if tied:
        assert any(not any(better(found, other, name) for other in compared) for name in tied)
    if not found.tied_sentence.startswith("Best"):
        return "tied" if tied else "none"
    (best,) = tied
    beaten = [name for name in compared if name != best]
    assert beaten
    assert all(f" {name}" in found.tied_sentence for name in beaten)
    for name in beaten:
        assert better(found, best, name), "the best has the best number"
        if best == found.baseline:
            assert words[name] == "worse"
        elif name == found.baseline:
            assert words[best] == "better"
        else:
            assert found.baseline not in compared or words[best] == "better"
    return "best"


def test_no_headline_contradicts_a_verdict_or_the_numbers_beside_it():
    headlines = [check(close_results(np.random.default_rng(seed))) for seed in range(150)]
    assert min(headlines.count(kind) for kind in ("best", "tied")) > 15


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_headline_contradicts_a_verdict_whatever_the_results(seed):
    check(close_results(np.random.default_rng(seed)))


def test_one_that_is_practically_equal_to_the_best_is_tied_with_it():
    noise = np.random.default_rng(0).normal(size=30)
    sgd, adam = 0.96 + 0.0002 * noise, 0.961 + 0.0002 * noise[::-1]
    found = judge.judge(judge.Results("t", "accuracy", {"SGD": dict(enumerate(sgd)), "Adam": dict(enumerate(adam))}))
    assert found.entry("Adam").verdict.word == "practically equal"
    assert found.tied_sentence == "No single best on t: SGD and Adam are tied."


def test_a_loss_whose_runs_diverged_is_shown_by_the_same_statistic_as_the_others():
    chance = np.random.default_rng(1)
    values = {name: np.exp(chance.normal(-2, 1, size=160)) for name in ("sgd", "adagrad", "adam")}
    values["sgd"][:3] = math.nan
    found = judge.judge(judge.Results("t", "loss", {n: dict(enumerate(v)) for n, v in values.items()}, "loss"))
    for name, runs in values.items():
        estimate = found.entry(name).estimate
        assert (estimate.kind, estimate.n) == ("geometric mean", 157 if name == "sgd" else 160)
        assert estimate.value == pytest.approx(np.exp(np.nanmean(np.log(runs))))
    sgd = found.as_dictionary()["optimizers"][0]
    assert sgd["diverged"]["runs"] == 3
    assert sgd["diverged"]["of"] == 160
    # Wilson's interval, from the formula in Brown, Cai and DasGupta (Statistical Science 16, 2001).
    z, p, n = 1.959964, 3 / 160, 160
    middle, half = (p + z * z / (2 * n)), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    for end, sign in (("low", -1), ("high", 1)):
        assert sgd["diverged"][end] == pytest.approx((middle + sign * half) / (1 + z * z / n), abs=1e-6)


def failing(failed: int, diverged: int = 0, seeds: int = 10) -> judge.Judgement:
    runs = 0.9 + 0.001 * np.random.default_rng(2).normal(size=(2, seeds))
    adam = {seed: float(runs[1, seed]) for seed in range(failed, seeds)}
    adam |= dict.fromkeys(range(failed, failed + diverged), math.nan)
    failures = {"Adam": dict.fromkeys(range(failed), "RuntimeError: out of luck")}
    return judge.judge(judge.Results("t", "acc", {"SGD": dict(enumerate(runs[0])), "Adam": adam}, failures=failures))


def test_a_run_that_failed_is_no_divergence_and_has_no_part_in_its_statistics():
    found = failing(failed=1, diverged=1)
    entry, told = found.entry("Adam"), found.as_dictionary()["optimizers"][1]
    assert (entry.diverged.value, entry.diverged.n, entry.estimate.n) == (pytest.approx(1 / 9), 9, 8)
    assert (told["failed"]["runs"], told["failed"]["of"]) == (1, 10)
    assert told["failed"]["reasons"] == ["RuntimeError: out of luck"]
    assert (
        "8 seeds, without 1 of 10 runs of Adam that diverged and 1 that failed (RuntimeError: out of luck)"
        in entry.verdict.sentence
    )
    assert "1 of 10 runs of Adam failed: RuntimeError: out of luck." in told_warnings(found)


@pytest.mark.parametrize(
    ("failed", "diverged", "clause"),
    [
        (3, 0, "3 of 10 runs of Adam failed (RuntimeError: out of luck), more than 20 %"),
        (1, 2, "2 of 10 runs of Adam diverged and 1 failed (RuntimeError: out of luck), more than 20 %"),
        (10, 0, "10 of 10 runs of Adam failed (RuntimeError: out of luck), more than 20 %"),
    ],
)
def test_more_than_a_fifth_lost_is_not_comparable(failed, diverged, clause):
    found = failing(failed, diverged)
    assert found.entry("Adam").verdict.reasons == (clause,)
    assert found.entry("Adam").verdict.word == "not comparable"
    assert failing(1, 1).entry("Adam").verdict.word != "not comparable"


def told_warnings(found: judge.Judgement) -> list[str]:
    return [warning.sentence for warning in found.warnings]


def test_across_tasks_an_optimizer_is_weighed_by_the_typical_result_that_its_verdict_has():
    chance = np.random.default_rng(4)
    tasks = []
    for task in ("t", "u"):
        good, poor = (np.exp(chance.normal(mean, 0.01, size=20)) for mean in (-3, -1))
        good[0] = math.nan
        values = {"good": dict(enumerate(good)), "poor": dict(enumerate(poor))}
        tasks.append(judge.Results(task, "loss", values, "loss"))
    found = judge.across(tasks)
    assert found.rank_probabilities[0, 0] == 1
    assert list(found.profiles.shares[:, 0]) == [1, 0]
