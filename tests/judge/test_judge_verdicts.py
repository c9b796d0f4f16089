"""The verdicts, in their order and in their words, and the doubts of the linter."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from slalom import judge
from slalom.core import InputError
from slalom.judge.comparing import Comparison
from slalom.judge.verdicts import ending, written_p

ENDING = ", at 500 steps, 11 trials, this search space."
NOISE = np.array([1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 1.5, -1.5, 0.0, 0.0])  # mean 0, sum of squares 15
SGD = 0.95 + 0.004 * np.sin(np.arange(10.0))


def by_seed(values):
    return dict(enumerate(np.asarray(values, dtype=float).tolist()))


def results(adamw, sgd=SGD, **settings):
    values = {"SGD": by_seed(sgd), "AdamW": by_seed(adamw)}
    return judge.Results("digits-cnn", "test accuracy", values, **{"steps": 500, "trials": 11, **settings})


def verdict(adamw, **settings):
    return judge.judge(results(adamw, **settings)).entry("AdamW").verdict


def comparison(low, high, narrow=None, direction=1):
    return Comparison(
        "a", "b", "paired t", 10, direction, 0.01, interval=(low, high), narrow_interval=narrow or (low, high)
    )


@pytest.mark.parametrize(
    ("interval", "narrow", "p", "obstacles", "word"),
    [
        ((0.1, 0.2), None, 0.01, ["the edge"], "not comparable"),
        ((0.1, 0.2), None, 0.05, [], "practically equal"),
        ((0.1, 0.4), None, 0.05, [], "better"),
        ((0.1, 0.4), None, 0.051, [], "inconclusive"),
        ((-0.4, 0.2), (-0.2, 0.1), 0.3, [], "equivalent"),
        ((-0.4, 0.2), (-0.3, 0.1), 0.3, [], "inconclusive"),
    ],
)
def test_a_verdict_is_the_first_word_that_holds(interval, narrow, p, obstacles, word):
    assert judge.decide(comparison(*interval, narrow), p, 0.3, obstacles) == word


def test_better_is_said_in_the_words_of_the_protocol():
    found = verdict(SGD + 0.012 + 0.0066 * NOISE)
    assert found.word == "better"
    assert found.sentence == (
        "AdamW is better than SGD on digits-cnn: +1.2 points [0.6, 1.8], 10 seeds, Holm p = 0.002" + ENDING
    )


def test_the_other_words_have_their_sentences():
    assert verdict(SGD - 0.012 + 0.0066 * NOISE).sentence == (
        "AdamW is worse than SGD on digits-cnn: −1.2 points [−1.8, −0.6], 10 seeds, Holm p = 0.002" + ENDING
    )
    assert verdict(SGD + 0.001 + 0.0005 * NOISE).sentence == (
        "AdamW is practically equal to SGD on digits-cnn: +0.10 points [0.05, 0.15], within ±0.3 points, 10 seeds, "
        "Holm p < 0.001" + ENDING
    )
    assert verdict(SGD + 0.001 * NOISE).sentence == (
        "AdamW is equivalent to SGD on digits-cnn: 0.00 points [−0.07, 0.07] (90 % interval), within ±0.3 points, "
        "10 seeds" + ENDING
    )


def test_inconclusive_says_how_many_seeds_would_decide():
    found = verdict(SGD + 0.001 + 0.005 * NOISE)
    sd = 0.005 * math.sqrt(15 / 9)
    needed = judge.seeds_needed(0.003, sd, 9)
    assert found.seeds_needed == needed
    assert found.sentence == (
        "AdamW against SGD on digits-cnn is inconclusive: +0.1 points [−0.4, 0.6], 10 seeds, Holm p = 0.64; "
        f"about {needed.seeds} seeds would decide (90 % range {needed.low} to {needed.high})" + ENDING
    )


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"AdamW": judge.Facts(at_edge=("lr",))}, "the best lr of AdamW lies at the edge of the search"),
        ({"SGD": judge.Facts(trials=8)}, "unequal trials, 11 for AdamW and 8 for SGD"),
        ({"SGD": judge.Facts(steps=400)}, "unequal steps, 500 for AdamW and 400 for SGD"),
        ({"SGD": judge.Facts(tuning_seeds=(3, 99))}, "seed 3 of SGD was used for both tuning and evaluation"),
    ],
)
def test_what_is_not_comparable_says_why(facts, reason):
    judgement = judge.judge(results(SGD + 0.02, facts=facts))
    found = judgement.entry("AdamW").verdict
    assert (found.word, found.reasons) == ("not comparable", (reason,))
    assert found.sentence == f"AdamW and SGD are not comparable on digits-cnn: {reason}{ENDING}"
    assert judgement.warnings


def test_more_than_a_fifth_diverged_is_not_comparable_and_a_fifth_is():
    adamw = SGD + 0.012
    adamw[:2] = np.nan
    assert verdict(adamw).word != "not comparable"
    adamw[2] = np.nan
    assert verdict(adamw).reasons == ("3 of 10 runs of AdamW diverged, more than 20 %",)


@pytest.mark.parametrize("kind", ["accuracy", "loss"])
def test_runs_that_diverged_have_no_part_in_the_typical_result_and_are_counted_beside_it(kind):
    adamw = SGD * 0.98 + 0.001 * NOISE
    adamw[0] = np.nan
    entry = judge.judge(results(adamw, kind=kind)).entry("AdamW")
    a, b = (np.log(runs[1:]) if kind == "loss" else runs[1:] for runs in (adamw, SGD))
    middle = np.exp(a.mean()) if kind == "loss" else a.mean()
    assert entry.estimate.value == pytest.approx(middle)
    assert entry.estimate.n == entry.comparison.n == 9
    assert entry.comparison.p == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert (entry.diverged.value, entry.diverged.n) == (0.1, 10)
    assert "9 seeds, without 1 of 10 runs of AdamW that diverged, " in entry.verdict.sentence


def test_losses_are_compared_as_ratios_and_gaps_as_factors():
    sgd = np.exp(np.random.default_rng(0).normal(size=10))
    noise = np.exp(0.05 * NOISE)
    assert (
        "AdamW is better than SGD on digits-cnn: −20.0 % [−23.6, −16.2]"
        in verdict(0.8 * sgd * noise, sgd=sgd, kind="loss").sentence
    )
    gap = verdict(3 + 0.8 * sgd * noise, sgd=3 + sgd, kind="loss", optimum=3.0)
    assert gap.word == "practically equal"
    assert "×0.8 [0.764, 0.838], within a factor 2" in gap.sentence


def test_gaps_below_the_floor_are_equal():
    tiny = verdict(np.full(10, 1e-15), sgd=np.full(10, 1e-300), kind="loss", optimum=0.0)
    assert tiny.word == "equivalent"


def test_steps_that_miss_their_target_are_compared_by_ranks():
    sgd = np.arange(100.0, 110.0)
    adamw = np.where(np.arange(10) < 4, np.inf, 50.0)
    judgement = judge.judge(results(adamw, sgd, kind="steps"))
    assert judgement.entry("AdamW").comparison.method == "signed ranks"
    assert judgement.entry("AdamW").verdict.word == "inconclusive", "a miss is no divergence"
    assert verdict(sgd * 0.7, sgd=sgd, kind="steps").word == "better"


def test_five_equal_differences_prove_nothing_and_ten_do():
    assert verdict(SGD[:5] + 0.01, sgd=SGD[:5]).word == "inconclusive"
    found = judge.judge(results(SGD + 0.01)).entry("AdamW")
    assert (found.verdict.word, found.holm_p) == ("better", 2 / 2**10)


def test_exact_p_stands_beside_the_t_test_from_six_seeds():
    for n in (5, 6):
        entry = judge.judge(results((SGD + 0.01 * NOISE)[:n], SGD[:n])).entry("AdamW")
        assert (entry.comparison.exact_p is None) == (n == 5)


def test_runs_without_common_seeds_are_compared_by_welch():
    values = {"SGD": by_seed(SGD), "AdamW": {seed + 100: value for seed, value in by_seed(SGD + 0.003 * NOISE).items()}}
    judgement = judge.judge(judge.Results("digits-cnn", "test accuracy", values))
    found = judgement.entry("AdamW")
    assert found.comparison.method == "Welch t"
    assert found.comparison.exact_p is not None
    expected = stats.ttest_ind(list(values["AdamW"].values()), SGD, equal_var=False)
    assert found.comparison.p == pytest.approx(expected.pvalue)
    assert found.verdict.sentence.endswith("at steps and trials not stated, this search space.")
    assert "unequal seeds" in [warning.kind for warning in judgement.warnings]


def test_holm_counts_every_comparison_with_the_baseline():
    values = {f"o{place}": by_seed(SGD + place * 0.001 + 0.003 * np.roll(NOISE, place)) for place in range(4)}
    judgement = judge.judge(judge.Results("t", "test accuracy", values))
    entries = judgement.entries[1:]
    expected = judge.holm([stats.ttest_rel(list(values[e.name].values()), SGD + 0.003 * NOISE).pvalue for e in entries])
    assert [entry.holm_p for entry in entries] == pytest.approx(expected)
    assert judgement.baseline == "o0"


def test_the_best_is_a_set():
    values = {
        "SGD": by_seed(SGD),
        "Adam": by_seed(SGD + 0.02 + 0.002 * NOISE),
        "AdamW": by_seed(SGD + 0.0201 - 0.002 * NOISE),
        "Edge": by_seed(SGD + 0.04),
    }
    facts = {"Edge": judge.Facts(at_edge=("lr",))}
    judgement = judge.judge(judge.Results("digits-cnn", "test accuracy", values, facts=facts))
    assert judgement.tied_best == ("Adam", "AdamW")
    assert judgement.left_out == ("Edge",)


EDGE = judge.Facts(at_edge=("lr",))
GOOD, NOISY = SGD + 0.02, SGD + 0.02 + 0.002 * NOISE


@pytest.mark.parametrize(
    ("values", "facts", "sentence"),
    [
        ((SGD, GOOD), {}, "Best on t: b, better than a."),
        ((SGD, GOOD, SGD), {}, "Best on t: b, better than a and c."),
        ((SGD, GOOD, SGD), {"a": EDGE}, "Best of those that can be compared on t: b, better than c; not compared: a."),
        (
            (SGD, GOOD, SGD, SGD),
            {"a": EDGE},
            "Best of those that can be compared on t: b, better than c and d; not compared: a.",
        ),
        ((SGD, GOOD, NOISY), {}, "Tied for the best on t: b and c."),
        ((SGD, GOOD, NOISY, SGD), {"d": EDGE}, "Tied for the best on t: b and c; not compared: d."),
        ((GOOD, NOISY), {}, "No single best on t: a and b are tied."),
        ((GOOD, NOISY, GOOD), {}, "No single best on t: a, b and c are tied."),
        ((GOOD, NOISY, SGD), {"c": EDGE}, "No single best on t: a and b are tied; not compared: c."),
        ((SGD[:1], GOOD[:1]), {}, "No best on t: one seed cannot tell a and b apart."),
        (
            (SGD, GOOD),
            {"a": EDGE},
            "No best on t: b is alone, since a cannot be compared with it fairly.",
        ),
        (
            (SGD, SGD, NOISY),
            {"b": judge.Facts(trials=5)},
            "Best of those that can be compared on t: c, better than a; not compared: b.",
        ),
        (
            (SGD, GOOD, SGD),
            {name: judge.Facts(trials=trials) for name, trials in (("a", 5), ("b", 11), ("c", 7))},
            "No best on t: b is alone, since a and c cannot be compared with it fairly.",
        ),
        ((SGD, GOOD), {"a": EDGE, "b": EDGE}, "No optimizer on t can be compared fairly, so none is called best."),
    ],
)
def test_the_best_is_told_with_all_that_it_was_compared_with(values, facts, sentence):
    by_name = {name: by_seed(runs) for name, runs in zip("abcd", values, strict=False)}
    assert judge.judge(judge.Results("t", "test accuracy", by_name, facts=facts)).tied_sentence == sentence


@pytest.mark.parametrize(
    ("values", "there"), [({"SGD": by_seed(SGD)}, "are results of `SGD` only"), ({}, "is no result")]
)
def test_one_optimizer_alone_is_not_judged(values, there):
    with pytest.raises(InputError) as caught:
        judge.Results("digits-cnn", "test accuracy", values)
    assert str(caught.value) == (
        f"There {there} on digits-cnn: a comparison needs at least two optimizers; add the runs of another."
    )


def test_all_pairs_are_exploration():
    pairs = judge.explore(results(SGD + 0.012 + 0.0066 * NOISE))
    assert [(pair.comparison.optimizer, pair.comparison.other, pair.label) for pair in pairs] == [
        ("SGD", "AdamW", "exploration")
    ]


def test_one_seed_is_inconclusive_and_says_why():
    found = verdict([0.97], sgd=[0.95])
    assert found.word == "inconclusive"
    assert "+2.0 points, 1 seed, Holm p = 1.00; one seed says nothing of luck, run at least 5, at 500" in found.sentence


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), min_size=1, max_size=12), st.data())
def test_an_optimizer_is_never_better_or_worse_than_itself(values, data):
    kind = data.draw(st.sampled_from(["accuracy", "loss", "plain", "steps"]))
    higher = True if kind == "plain" else None
    assert verdict(values, sgd=values, kind=kind, higher_is_better=higher).word not in ("better", "worse")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12))
def test_turning_a_comparison_round_turns_better_into_worse(seed, n):
    a, b = np.random.default_rng(seed).uniform(0.8, 1.0, (2, n))
    mirrored = {"better": "worse", "worse": "better"}
    there, back = verdict(a, sgd=b).word, verdict(b, sgd=a).word
    assert back == mirrored.get(there, there)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.permutations(range(8)))
def test_the_order_of_runs_does_not_matter(seed, order):
    a, b = np.random.default_rng(seed).uniform(0.8, 1.0, (2, 8))
    assert verdict(a[order], sgd=b[order]).word == verdict(a, sgd=b).word


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"baseline": "Adam"}, "baseline `Adam` has no results"),
        ({"margin": 0.0}, "margin must be a number above 0, got 0"),
        ({"kind": "loss", "optimum": 0.0, "margin": 1.0}, "margin must be a factor above 1, got 1"),
        ({"kind": "plain"}, "Say whether higher values"),
        ({"kind": "loss", "higher_is_better": True}, "lower is better"),
        ({"kind": "speed"}, "got `speed`"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        results(SGD, **settings)


def test_an_accuracy_beyond_one_is_refused():
    with pytest.raises(InputError, match="`AdamW`, seed 0, on digits-cnn: an accuracy is a share"):
        results(SGD * 100)


def test_a_judgement_goes_into_json():
    text = json.dumps(judge.judge(results(SGD + 0.001 + 0.005 * NOISE)).as_dictionary(), allow_nan=False)
    entry = json.loads(text)["optimizers"][1]
    assert (entry["name"], entry["verdict"], entry["final"]["n"]) == ("AdamW", "inconclusive", 10)


def test_words_of_numbers():
    assert ending(1, 1) == "at 1 step, 1 trial, this search space"
    assert written_p(0.0004) == "Holm p < 0.001"
    assert written_p(0.0502) == "Holm p = 0.0502"


def test_judging_imports_no_torch_and_not_the_slow_half_of_scipy():
    code = "import sys, slalom.judge; print([m for m in ('torch', 'matplotlib', 'scipy.stats') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_the_public_names_are_sorted_and_there():
    assert judge.__all__ == sorted(judge.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert all(hasattr(judge, name) for name in judge.__all__)
