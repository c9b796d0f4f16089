"""The pictures of studies: every number is the judge's, in units that readers know, and no axis hides anything."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_records import loop_of
from made_studies import Study, Trial, Yardstick, study_of
from PIL import Image
from scipy import stats

import slalom
from slalom.core import InputError
from slalom.judge import Results, across
from slalom.lab.studying import pictures
from slalom.show import plots, views
from slalom.show.views.study_curves import near_the_end, study_curves
from slalom.show.views.study_sensitivities import sensitivity_lines
from slalom.show.views.verdict_strips import VerdictRow, verdict_strip
from slalom.store import MemoryStore

NAN = float("nan")
SGD = [0.90, 0.91, 0.89, 0.90, 0.92, 0.90]
ADAM = [0.95, 0.96, 0.94, 0.96, 0.96, 0.95]
NOISY = [0.80, 0.99, 0.85, 0.97, 0.86, 0.96]
RATES = {1e-4: (0.2, 0.3), 1e-3: (0.90, 0.94), 1e-2: (0.92, 0.93), 1e-1: (0.5, 0.1), 1.0: (NAN, NAN)}
LOSS = Yardstick("validation_loss", "test_loss", False, "loss")
GAP = Yardstick("loss", "loss", False, "loss", optimum=-3.0)


def three(**options: Any) -> Study:
    return study_of({"sgd:lr=0.1": SGD, "adam:lr=0.01": ADAM, "rmsprop": NOISY}, **options)


def row(study: Study, name: str) -> VerdictRow:
    return next(row for row in verdict_strip(study).rows if row.name == name)


class TestVerdictStrip:
    def test_draws_the_judges_difference_and_interval_and_says_its_word(self) -> None:
        study = three()
        comparison = study.judgement.entry("Adam").comparison
        assert comparison is not None
        assert comparison.interval is not None
        adam = row(study, "Adam")
        assert adam.effect == pytest.approx(np.mean(ADAM) - np.mean(SGD))
        assert adam.interval == comparison.interval
        assert (adam.word, adam.change) == ("better", "+5.0 points [4.3, 5.7]")

    def test_begins_with_the_baseline_at_zero(self) -> None:
        first = verdict_strip(three(baseline="Adam")).rows[0]
        assert (first.name, first.word, first.effect, first.interval) == ("Adam", "baseline", 0.0, None)

    def test_marks_those_tied_with_the_best_and_no_other(self) -> None:
        study = three()
        assert {r.name for r in verdict_strip(study).rows if r.tied} == set(study.judgement.tied_best)
        assert "SGD" not in study.judgement.tied_best

    def test_one_that_cannot_be_compared_has_no_interval_but_its_reason(self) -> None:
        lost = row(study_of({"sgd": SGD, "adam": [NAN] * 4 + [0.9] * 2}), "Adam")
        assert (lost.word, lost.effect, lost.interval) == ("not comparable", None, None)
        assert "diverged" in lost.reason
        assert "diverged" in lost.about

    def test_a_comparison_with_divergences_is_drawn_and_counts_them(self) -> None:
        losses = {"sgd": [0.5, 0.6, 0.55, 0.52, 0.51, 0.58], "adam": [0.1, 0.12, 0.11, 0.1, 0.13, NAN]}
        adam = row(study_of(losses, kind="loss", yardstick=LOSS), "Adam")
        ratios = np.log(np.array(losses["adam"][:5]) / losses["sgd"][:5])
        assert adam.effect == pytest.approx(ratios.mean())
        assert adam.interval == pytest.approx(stats.t.interval(0.95, 4, ratios.mean(), stats.sem(ratios)))
        assert adam.about.endswith(" · 1 of 6 diverged")

    def test_one_seed_has_a_difference_and_no_interval(self) -> None:
        adam = row(study_of({"sgd": [0.9], "adam": [0.95]}), "Adam")
        assert adam.effect == pytest.approx(0.05)
        assert adam.interval is None

    def test_ticks_of_accuracies_are_points(self) -> None:
        strip = verdict_strip(three())
        assert strip.axis_title == "test accuracy against SGD, in points"
        for place, label in zip(strip.axis.ticks, strip.axis.labels, strict=True):
            assert float(label.replace("−", "-")) == pytest.approx(100 * place)
        assert strip.better == "right"

    def test_ticks_of_losses_are_per_cent_on_a_scale_of_ratios(self) -> None:
        strip = verdict_strip(study_of({"sgd": [1.0, 1.1, 0.9], "adam": [0.9, 1.0, 0.8]}, kind="loss", yardstick=LOSS))
        assert len(strip.axis.ticks) > 2
        for place, label in zip(strip.axis.ticks, strip.axis.labels, strict=True):
            assert float(label.removesuffix(" %").replace("−", "-")) == pytest.approx(100 * math.expm1(place))
        assert strip.better == "left"

    def test_ticks_of_gaps_to_an_optimum_are_factors(self) -> None:
        gaps = {"sgd": [-2.9, -2.8, -2.85], "adam": [-2.9999, -2.9998, -2.9997]}
        strip = verdict_strip(study_of(gaps, kind="loss", optimum=-3.0, yardstick=GAP))
        assert dict(zip(strip.axis.labels, strip.axis.ticks, strict=True))["×0.01"] == pytest.approx(math.log(0.01))
        assert strip.margin == pytest.approx(math.log(2))
        ratio = ((1e-4 * 2e-4 * 3e-4) / (0.1 * 0.2 * 0.15)) ** (1 / 3)  # of the geometric means
        assert strip.rows[1].change.startswith(f"×{ratio:.3g} [")
        assert strip.rows[0].about == "lr 0.001 · 0.144"

    def test_the_band_is_the_margin(self) -> None:
        strip = verdict_strip(three(margin=0.5))
        assert strip.margin == pytest.approx(0.005)
        assert strip.margin_told == "±0.5 points"
        assert strip.axis.low < -0.005
        assert strip.axis.high > 0.005

    def test_everything_drawn_lies_inside_the_axis(self) -> None:
        strip = verdict_strip(three())
        ends = [end for r in strip.rows if r.interval for end in r.interval]
        assert strip.axis.low < min(ends)
        assert max(ends) < strip.axis.high
        assert not any(r.left or r.right for r in strip.rows)

    def test_one_far_out_leaves_with_an_arrow_rather_than_press_the_others_together(self) -> None:
        far = {"sgd": SGD, "adam": [x + 0.002 for x in ADAM[::-1]], "adamw": ADAM, "adagrad": [0.1, 0.12, 0.1] * 2}
        far["adam"] = [x + d for x, d in zip(SGD, [0.004, 0.006, 0.005, 0.004, 0.006, 0.005], strict=True)]
        far["adamw"] = [x + d for x, d in zip(SGD, [0.003, 0.005, 0.004, 0.003, 0.005, 0.004], strict=True)]
        rows = {r.name: r for r in verdict_strip(study_of(far)).rows}
        assert rows["Adagrad"].left
        assert rows["Adagrad"].effect is None
        assert rows["Adagrad"].change.startswith("−79")
        assert rows["Adam"].effect is not None
        assert not rows["Adam"].right

    def test_a_long_name_is_cut_and_stays_on_the_card(self) -> None:
        study = study_of({"sgd:momentum=0.9,nesterov=True,weight_decay=0.0001": SGD, "sgd:momentum=0.95": ADAM})
        strip = verdict_strip(study)
        assert all(len(r.short) <= 28 for r in strip.rows)
        assert [r.name for r in strip.rows] == list(study.names)  # whole, for who has room
        box = strip.box(1.0)
        assert box.left > 0.5
        assert box.width > 2.5


class TestSentence:
    def test_of_two_optimizers_it_is_the_judges_own(self) -> None:
        study = study_of({"sgd": SGD, "adam": ADAM})
        assert views.study_sentence(study) == study.judgement.sentences[0]

    def test_of_several_it_says_who_is_best_and_how_everybody_stands(self) -> None:
        study = study_of({"sgd": SGD, "adam": ADAM, "adagrad": [x - 0.3 for x in SGD]})
        assert views.study_sentence(study) == (
            "Adam is the best, better than SGD and Adagrad. Against SGD, Adam is better (+5.0 points [4.3, "
            "5.7]); Adagrad is worse, at 100 steps, 3 trials, this search space."
        )

    def test_where_all_are_tied_there_is_no_winner(self) -> None:
        study = study_of({"sgd": NOISY, "adam": NOISY[::-1], "adagrad": NOISY[1:] + NOISY[:1]})
        assert views.study_sentence(study).startswith(
            "No winner: three optimizers are tied for the best. Against SGD, every other is inconclusive"
        )

    def test_it_has_the_interval_of_the_difference_by_scipys_paired_t(self) -> None:
        study = study_of({"sgd": NOISY, "adam": NOISY[::-1], "adagrad": ADAM})
        told = views.study_sentence(study)
        known = re.search(r"\((Adagrad): (\S+) points \[(\S+), (\S+)\]\)", told)
        assert known is not None, told
        difference = np.array(ADAM) - NOISY  # Adagrad has the highest mean, and nobody is told apart
        bounds = stats.ttest_1samp(difference, 0).confidence_interval()
        numbers = [float(text.replace("−", "-")) for text in known.groups()[1:]]
        assert numbers == pytest.approx(100 * np.array([difference.mean(), *bounds]), abs=0.051)

    def test_where_the_baseline_is_best_it_has_the_largest_difference(self) -> None:
        study = study_of({"adam": ADAM, "sgd": SGD, "adagrad": [x - 0.3 for x in SGD]})
        assert (
            "Against Adam, every other is worse (Adagrad: −35.0 points [−35.7, −34.3], the largest difference), at"
            in views.study_sentence(study)
        )

    def test_among_several_with_one_verdict_the_difference_stands_beside_its_name(self) -> None:
        better = {"adam": ADAM, "rmsprop": [x + 0.001 * k for k, x in enumerate(ADAM)]}
        study = study_of({"sgd": SGD, **better, "adagrad": [x - 0.3 for x in SGD]})
        difference = np.array(better["rmsprop"]) - SGD
        low, high = stats.ttest_1samp(difference, 0).confidence_interval()
        numbers = f"+{100 * difference.mean():.1f} points [{100 * low:.1f}, {100 * high:.1f}]"
        assert f"Against SGD, RMSprop ({numbers}) and Adam are better; Adagrad is worse, at" in views.study_sentence(
            study
        )

    def test_where_only_the_baseline_is_sound_nobody_is_called_best(self) -> None:
        study = study_of({"sgd": SGD, "adam": [NAN] * 6, "adagrad": [NAN] * 6})
        assert views.study_sentence(study).startswith("Only SGD can be compared fairly.")


class TestFinalResults:
    def test_middle_and_interval_are_the_mean_and_its_t_interval_as_the_table_has_them(self) -> None:
        study = three()
        view = views.study_results(study)
        for values, drawn in zip((SGD, ADAM, NOISY), view.rows, strict=True):
            low, high = stats.t.interval(0.95, 5, np.mean(values), stats.sem(values))
            assert (drawn.text, drawn.kind) == (f"{100 * np.mean(values):.1f} %", "mean")
            assert drawn.told == f"{100 * low:.1f} % to {100 * high:.1f} %"
            assert drawn.middle == pytest.approx(np.mean(values))
            assert drawn.interval == pytest.approx((low, high))
            assert sorted(drawn.dots[:, 0]) == pytest.approx(sorted(values))
            assert view.axis.low <= low
            assert view.axis.high >= min(high, 1.0)
        assert view.means == "mean and its 95 % interval over six seeds"
        assert view.heading == "mean"
        assert "median" not in " ".join([*view.footer, *view.sentence])

    def test_those_that_are_marked_are_the_judges_tied_ones(self) -> None:
        study = three()
        view = views.study_results(study)
        assert [row.best for row in view.rows] == [name in study.judgement.tied_best for name in study.names]
        assert view.best_means == "tied for the best"

    def test_a_run_that_diverged_has_no_part_in_the_mean_and_is_counted_beside_the_dots(self) -> None:
        view = views.study_results(study_of({"sgd": SGD, "adam": [*ADAM[:5], NAN]}))
        adam = view.rows[1]
        assert adam.text == f"{100 * sum(ADAM[:5]) / 5:.1f} %"
        assert (len(adam.dots), adam.gone, adam.failed, adam.lost) == (5, 1, 0, "1 diverged")
        assert view.means == "mean and its 95 % interval over six seeds, without runs that diverged"

    def test_losses_have_the_geometric_mean_also_where_a_run_diverged(self) -> None:
        losses = {"sgd": [0.5, 0.6, 0.4, 0.7], "adam": [0.1, 0.2, 0.3, NAN]}
        view = views.study_results(study_of(losses, kind="loss", yardstick=LOSS, fresh=_ending(losses), curve="loss"))
        sgd, adam = view.rows
        assert (sgd.kind, sgd.text) == ("geometric mean", f"{stats.gmean(losses['sgd']):.3f}")
        assert (adam.kind, adam.text) == ("geometric mean", f"{stats.gmean(losses['adam'][:3]):.3f}")
        assert view.means == "geometric mean and its 95 % interval over four seeds, without runs that diverged"
        assert view.heading == "geometric mean"

    def test_one_whose_runs_all_diverged_or_failed_is_called_that(self) -> None:
        row = views.study_results(study_of({"sgd": SGD, "adam": [NAN] * 6})).rows[1]
        assert (row.text, row.told, row.middle, row.interval, row.gone) == ("diverged", "", None, None, 6)
        failed = study_of({"sgd": SGD, "adam": []}, failures={"adam": dict.fromkeys(range(6), "ValueError: no")})
        row = views.study_results(failed).rows[1]
        assert (row.text, row.middle, row.gone, row.failed, row.lost) == ("failed", None, 0, 6, "6 failed")

    def test_a_run_that_failed_is_no_divergence(self) -> None:
        study = study_of({"sgd": SGD, "adam": ADAM[:5]}, failures={"adam": {5: "ValueError: no"}})
        adam = views.study_results(study).rows[1]
        assert (adam.text, adam.lost) == (f"{100 * sum(ADAM[:5]) / 5:.1f} %", "1 failed")
        assert verdict_strip(study).rows[1].about.endswith(" · 1 of 6 failed")
        told = " ".join([*views.study_results(study).footer, *views.study_results(study).sentence])
        assert "diverged" not in told
        assert "without 1 of 6 runs of Adam that failed (ValueError: no)" in told

    def test_an_interval_beyond_100_per_cent_goes_on_to_the_end_of_the_axis(self) -> None:
        values = [0.3, 0.9, 0.95, 0.96, 0.97]
        view = views.study_results(study_of({"sgd": values, "adam": [0.95, 0.96, 0.94, 0.97, 0.95]}))
        low, high = stats.t.interval(0.95, 4, np.mean(values), stats.sem(values))
        assert high > 1
        interval = view.rows[0].interval
        assert interval is not None
        assert interval == (pytest.approx(-math.log10(1 - low)), view.axis.high)
        assert view.rows[0].told == f"{100 * low:.1f} % to {100 * high:.1f} %"
        assert view.axis_means == "the axis is even in the logarithm of the error"

    def test_one_seed_is_no_mean(self) -> None:
        view = views.study_results(study_of({"sgd": [0.9], "adam": [0.95]}))
        assert (view.means, view.heading, view.rows[0].told) == ("", "one seed", "")


def _ending(losses: dict[str, list[float]]) -> Any:
    """Return a loop's record whose losses end at these."""
    return loop_of({spec: [{"loss": [1.0, value]} for value in values] for spec, values in losses.items()}, {})


class TestSensitivity:
    def study(self, **options: Any) -> Study:
        return study_of({"adam:lr=0.01": ADAM, "sgd:lr=0.1": SGD}, {"adam:lr=0.01": RATES}, **options)

    def test_the_line_is_the_mean_and_the_band_the_range_of_the_tuning_seeds(self) -> None:
        (line,) = sensitivity_lines(self.study())
        assert line.rates.tolist() == list(RATES)
        np.testing.assert_allclose(line.middle, [0.25, 0.92, 0.925, 0.3, NAN])
        np.testing.assert_allclose(line.low[:4], [0.2, 0.90, 0.92, 0.1])
        np.testing.assert_allclose(line.high[:4], [0.3, 0.94, 0.93, 0.5])

    def test_the_filled_dot_is_the_chosen_rate_and_the_open_one_the_default(self) -> None:
        (line,) = sensitivity_lines(self.study())
        assert line.best == (0.01, pytest.approx(0.925))
        assert line.default == (0.001, pytest.approx(0.92))

    def test_a_default_that_was_not_reached_has_no_dot(self) -> None:
        (line,) = sensitivity_lines(study_of({"adam:lr=0.1": ADAM, "sgd": SGD}, {"adam:lr=0.1": {0.1: (0.9, 0.9)}}))
        assert line.default is None

    def test_the_usable_stretch_is_the_judges_and_divergence_begins_where_runs_are_lost(self) -> None:
        study = self.study()
        (line,) = sensitivity_lines(study)
        width = study.width("Adam")
        assert width is not None
        assert line.usable == (width.low, width.high)
        assert line.decades == width.decades
        assert line.diverges_from == 1.0

    def test_trials_that_were_stopped_early_are_left_out(self) -> None:
        study = self.study()
        study.tried = {"Adam": [Trial({"lr": 0.01}, (0.9, 0.9)), Trial({"lr": 0.1}, (0.5, 0.5), steps=10)]}
        (line,) = sensitivity_lines(study)
        assert line.rates.tolist() == [0.01]

    def test_on_the_track_full_trials_are_dots_that_nothing_joins(self) -> None:
        view = views.study_sensitivity(self.study(track="full"))
        assert view.strip_box is None
        assert len(view.lines[0].dots) == 4
        assert len(view.lines[0].rates) == 0

    def test_losses_with_a_known_optimum_are_drawn_above_it(self) -> None:
        gaps = {"sgd:lr=0.1": [-2.9, -2.8, -2.7], "adam:lr=0.1": [-2.99, -2.98, -2.97]}
        tried = {"sgd:lr=0.1": {0.01: (-1.0, -2.0), 0.1: (-2.9, -2.9)}}
        study = study_of(gaps, tried, kind="loss", optimum=-3.0, yardstick=GAP)
        view = views.study_sensitivity(study)
        assert view.y_title == "loss above the minimum"
        np.testing.assert_allclose(view.lines[0].middle, [1.5, 0.1])
        assert view.lines[0].usable is None  # 1 % of a gap is nothing

    def test_nothing_tuned_is_refused(self) -> None:
        with pytest.raises(InputError, match="No learning rate was tuned in this study"):
            views.study_sensitivity(three())

    def test_the_sentence_says_what_the_default_costs(self) -> None:
        tried = {"adam:lr=0.01": {1e-3: (0.5, 0.5), 1e-2: (0.9, 0.9)}}
        view = views.study_sensitivity(study_of({"adam:lr=0.01": ADAM, "sgd": SGD}, tried))
        assert " ".join(view.sentence).endswith("At its default, Adam has 50.0 % rather than 90.0 %.")


class TestCurves:
    def test_the_axis_of_accuracies_begins_below_the_later_half_and_says_so(self) -> None:
        axis = near_the_end(np.array([0.87, 0.93, 0.95]), np.array([0.1, 0.87, 0.97]))
        assert axis.low == pytest.approx(0.80)
        assert 0.97 < axis.high < 1.0

    def test_an_axis_that_would_begin_near_nothing_begins_at_nothing(self) -> None:
        assert near_the_end(np.array([0.25, 0.9]), np.array([0.9])).low == 0.0

    def test_runs_that_are_lost_do_not_move_the_axis(self) -> None:
        assert near_the_end(np.array([-np.inf, 0.95]), np.array([NAN, 0.96])).low == pytest.approx(0.90)

    def test_the_panel_shows_the_measure_that_judges(self) -> None:
        study = three()
        panel = study_curves(study, views.study_card(study).curves_box)
        assert panel.title.startswith("test accuracy")
        assert [curve.values[-1] for curve in panel.curves] == pytest.approx([np.median(v) for v in (SGD, ADAM, NOISY)])


class TestBudget:
    def test_lines_are_the_expected_best_of_so_many_trials(self) -> None:
        tried = {"adam": {0.1: (0.5,), 0.01: (0.9,), 0.001: (0.7,)}}
        view = views.budget_curves(study_of({"adam": ADAM, "sgd": SGD}, tried))
        (line,) = view.panel.curves
        assert line.steps.tolist() == [1, 2, 3]
        # of two out of three: the pairs (0.5, 0.9), (0.5, 0.7), (0.9, 0.7)
        assert line.values == pytest.approx([0.7, (0.9 + 0.7 + 0.9) / 3, 0.9])

    def test_a_loss_begins_where_not_all_can_have_diverged(self) -> None:
        tried = {"adam": {0.1: (0.5,), 1.0: (NAN,), 0.01: (0.7,)}}
        view = views.budget_curves(study_of({"adam": [0.5] * 3, "sgd": [0.6] * 3}, tried, kind="loss", yardstick=LOSS))
        assert view.panel.curves[0].steps.tolist() == [2, 3]
        assert "a line begins where" in " ".join(view.footer)

    def test_nothing_tuned_is_refused(self) -> None:
        with pytest.raises(InputError, match="Nothing was tuned in this study"):
            views.budget_curves(three())


class TestProfiles:
    def view(self) -> Any:
        def on(task: str, *values: list[float]) -> Results:
            runs = {name: dict(enumerate(v)) for name, v in zip(("SGD", "Adam"), values, strict=True)}
            return Results(task, "test accuracy", runs)

        told = across([on("one", [0.9, 0.9], [0.8, 0.8]), on("two", [0.9, 0.9], [0.4, 0.4])])
        return views.profiles(told, ["sgd", "adam"], {"slalom": "0.0"})

    def test_a_step_rises_where_the_error_is_so_many_times_the_best(self) -> None:
        _, adam = self.view().profiles.curves
        inside = (adam.steps > 1.9) & (adam.steps < 1.97)
        beyond = adam.steps > 2.1
        assert adam.values[inside] == pytest.approx(0.0, abs=0.01)
        assert adam.values[beyond] == pytest.approx(0.5, abs=0.01)

    def test_bars_hold_the_ranks_best_first(self) -> None:
        first, second = self.view().bars
        assert (first.name, first.shares.tolist()) == ("SGD", [1.0, 0.0])
        assert (second.name, second.mean_rank) == ("Adam", 2.0)
        assert first.texts == ("100 %", "")


def drawn(figure: Any) -> Image.Image:
    return Image.open(io.BytesIO(plots.png(figure))).convert("RGB")


def frame_is_white(image: Image.Image) -> bool:
    """Say whether nothing reaches the outermost pixels: what does has left the picture."""
    pixels = np.asarray(image)
    return all(bool((edge == 255).all()) for edge in (pixels[:4], pixels[-4:], pixels[:, :4], pixels[:, -4:]))


AWKWARD: dict[str, Study] = {
    "three": three(),
    "tuned": study_of({"adam:lr=0.01": ADAM, "sgd:lr=0.1": SGD}, {"adam:lr=0.01": RATES, "sgd:lr=0.1": RATES}),
    "full": study_of({"adam:lr=0.01": ADAM, "sgd:lr=0.1": SGD}, {"adam:lr=0.01": RATES}, track="full"),
    "all diverged": study_of({"sgd": [NAN] * 4, "adam": [NAN] * 4}, {"sgd": {0.1: (NAN, NAN), 1.0: (NAN, NAN)}}),
    "one seed": study_of({"sgd": [0.9], "adam": [0.95]}),
    "equal": study_of({"sgd": [0.9] * 5, "adam": [0.9] * 5}),
    "long names": study_of(
        {"sgd:momentum=0.9,nesterov=True,weight_decay=0.0001": SGD, "sgd:momentum=0.95,weight_decay=0.01": ADAM}
    ),
    "losses": study_of(
        {"sgd": [0.3, 0.4, 0.5], "adam": [0.1, 0.2, NAN]}, kind="loss", yardstick=LOSS, curve="test_loss"
    ),
    "negative losses": study_of(
        {"sgd": [-0.3, 0.4, 0.5], "adam": [0.1, -0.2, 0.1]}, kind="loss", yardstick=LOSS, curve="test_loss"
    ),
}


@pytest.mark.parametrize("case", AWKWARD)
def test_every_card_and_strip_draws_inside_its_frame(case: str) -> None:
    study = AWKWARD[case]
    for figure in (plots.study_card(views.study_card(study)), plots.verdict(views.verdict(study))):
        image = drawn(figure)
        assert frame_is_white(image), case
        assert float((np.asarray(image).min(axis=2) < 200).mean()) > 0.005


@pytest.mark.parametrize("case", ["tuned", "full"])
def test_sensitivity_and_budget_draw_inside_their_frames(case: str) -> None:
    study = AWKWARD[case]
    assert frame_is_white(drawn(plots.sensitivity(views.study_sensitivity(study))))
    assert frame_is_white(drawn(plots.budget_curves(views.budget_curves(study))))


def test_profiles_draw_inside_their_frame() -> None:
    assert frame_is_white(drawn(plots.profiles(TestProfiles().view())))


@pytest.fixture(scope="module")
def bowl() -> Any:
    return slalom.study("sphere", ["sgd", "adam"], steps=60, seeds=3, store=MemoryStore())


class TestRealStudies:
    @pytest.mark.parametrize("picture", ["auto", *pictures.STUDY_PICTURES])
    def test_a_study_on_a_landscape_has_every_picture(self, bowl: Any, picture: str, tmp_path: Path) -> None:
        bowl.save(tmp_path / "picture.png", picture)
        assert frame_is_white(Image.open(tmp_path / "picture.png").convert("RGB"))

    def test_on_a_landscape_curves_are_above_the_minimum_and_counted_in_steps(self, bowl: Any) -> None:
        record = pictures.PicturedStudy(bowl)
        card = views.study_card(record)
        assert (card.curves.title, card.curves.x_title) == ("loss above the minimum", "step")
        ends = [one.final("loss") for one in bowl.evaluations["Adam"]]
        assert card.curves.curves[1].values[-1] == pytest.approx(np.median(ends))
        assert "After 60 steps" in views.training_sentence(record.fresh)

    def test_the_study_itself_is_left_as_it_was(self, bowl: Any) -> None:
        pictures.training_record(bowl)
        assert all("loss" in one.run.last for one in bowl.runs())

    def test_every_ending_is_written(self, bowl: Any, tmp_path: Path) -> None:
        for ending in ("svg", "pdf"):
            bowl.save(tmp_path / f"card.{ending}")
            assert (tmp_path / f"card.{ending}").stat().st_size > 5_000
        assert bowl._repr_html_().startswith('<img src="data:image/png;base64,')

    def test_several_studies_have_their_profiles(self, tmp_path: Path) -> None:
        studies = slalom.study(["sphere", "rosenbrock"], ["sgd", "adam"], steps=40, seeds=3, store=MemoryStore())
        assert isinstance(studies, slalom.lab.studying.Studies)
        studies.save(tmp_path / "profiles.png")
        assert frame_is_white(Image.open(tmp_path / "profiles.png").convert("RGB"))
        assert studies._repr_html_().startswith('<img src="data:image/png;base64,')


@pytest.mark.parametrize(
    ("picture", "several", "message"),
    [
        ("pie", False, "picture `pie` is not one of a study: choose one of "
         "card, verdict, sensitivity, curves, final, budget."),
        ("card", True, "picture `card` is not one of several studies together: choose profiles."),
    ],
)  # fmt: skip
def test_a_picture_that_there_is_not_is_refused(picture: str, several: bool, message: str) -> None:
    with pytest.raises(InputError) as refused:
        pictures.check_picture(picture, several)
    assert str(refused.value) == message


def test_a_picture_of_tuning_is_refused_where_nothing_is_tuned() -> None:
    with pytest.raises(InputError) as refused:
        pictures.check_picture("budget", track="defaults")
    assert str(refused.value) == (
        "picture `budget` shows tuning, and on the track defaults nothing is tuned: "
        "choose one of card, verdict, curves, final."
    )
    pictures.check_picture("auto", track="defaults")
