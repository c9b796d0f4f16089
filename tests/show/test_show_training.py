"""The pictures and sentences of training: medians, what became of lost runs, and words that are true in every case."""

from __future__ import annotations

import io

import numpy as np
import pytest
from made_records import PER_EPOCH, STEPS, falling, loop_of, record_of, run_of

from slalom.core import InputError, Run
from slalom.show import plots, views
from slalom.show.views import training_sentences
from slalom.show.views.groups import training_groups
from slalom.show.views.labels import at_ends
from slalom.show.views.seeds import finals, measure_named, over_seeds, primary, spread
from slalom.show.views.steadiness import moving_median, steps_to, unsteadiness

FAST, SLOW = falling(0.5), falling(0.002)


class TestSpread:
    def test_is_the_median_and_the_middle_half_from_four_seeds_on(self) -> None:
        over = spread(np.arange(5.0)[:, None])
        assert (over.low[0], over.middle[0], over.high[0]) == (1, 2, 3)

    def test_is_the_range_below_four_seeds(self) -> None:
        over = spread(np.array([[1.0], [5.0], [9.0]]))
        assert (over.low[0], over.middle[0], over.high[0]) == (1, 5, 9)

    @pytest.mark.parametrize(("worst", "higher"), [(np.inf, False), (-np.inf, True)])
    def test_a_quantile_between_a_value_and_a_lost_run_is_lost(self, worst: float, higher: bool) -> None:
        rows = np.array([[0.5], [0.5], [worst], [worst]])
        assert spread(rows, higher).middle[0] == worst

    def test_a_missing_value_does_not_count(self) -> None:
        assert spread(np.array([[1.0], [np.nan], [3.0]])).middle[0] == 2


class TestSeeds:
    def test_a_diverged_run_is_the_worst_from_there_on_and_never_dropped(self) -> None:
        record = record_of({"adam": [run_of(FAST), run_of(FAST, diverged_at=30)]})
        (group,) = training_groups(record)
        accuracy = measure_named(record, "test_accuracy")
        epochs, rows = over_seeds(record, group, accuracy)
        assert epochs.tolist() == [0, 1, 2, 3, 4, 5]
        assert np.isfinite(rows[1, :2]).all()
        assert (rows[1, 2:] == -np.inf).all()
        assert finals(record, group, accuracy).tolist() == [pytest.approx(0.9), -np.inf]
        assert finals(record, group, measure_named(record, "train_loss"))[1] == np.inf

    def test_a_run_whose_evaluations_end_where_it_was_lost_is_lost_afterwards(self) -> None:
        whole, cut = run_of(FAST), run_of(FAST, diverged_at=30)
        cut.evaluations = cut.evaluations[:2]
        record = record_of({"adam": [whole, cut]})
        _, rows = over_seeds(record, training_groups(record)[0], measure_named(record, "test_loss"))
        assert (rows[1, 2:] == np.inf).all()

    def test_an_interrupted_run_is_missing_after_its_end_and_not_the_worst(self) -> None:
        record = record_of({"adam": [run_of(FAST), run_of(FAST, stopped_at=40)]})
        _, rows = over_seeds(record, training_groups(record)[0], measure_named(record, "test_loss"))
        assert np.isnan(rows[1, 3:]).all()
        assert "One run was interrupted." in views.training_sentence(record)

    def test_runs_are_judged_by_the_first_metric_on_what_was_held_out(self) -> None:
        runs = {"adam": [run_of(FAST)]}
        assert primary(record_of(runs)).key == "test_accuracy"
        assert primary(record_of(runs, splits=("train", "validation"))).key == "validation_accuracy"
        assert primary(record_of(runs, splits=("train",), measures=("loss",))).key == "train_loss"


class TestSentence:
    def test_says_who_is_near_the_best_who_is_slow_and_who_fell_fast(self) -> None:
        record = record_of(
            {
                "adam:lr=0.01": [run_of(FAST, 0.967)],
                "adamw:lr=0.01": [run_of(FAST, 0.972)],
                "sgd:lr=0.01": [run_of(SLOW, 0.74)],
                "adadelta:lr=0.01": [run_of(SLOW, 0.21)],
            }
        )
        assert views.training_sentence(record) == (
            "After 5 epochs Adam and AdamW end at 96.7 to 97.2 % test accuracy; SGD (74.0 %) and Adadelta (21.0 %) are "
            "slow at this learning rate. Adam and AdamW fall fast: nine tenths of the way down within 6 steps."
        )

    def test_names_everybody_with_the_numbers_of_the_runs(self) -> None:
        ends = {"adam": 0.967, "adamw": 0.972, "nadam": 0.94, "rmsprop": 0.93, "radam": 0.7, "sgd": 0.5}
        record = record_of({spec: [run_of(FAST, end)] for spec, end in ends.items()})
        told = views.training_sentence(record)
        assert told == (
            "After 5 epochs Adam and AdamW end at 96.7 to 97.2 % test accuracy; then NAdam with 94.0 %, RMSprop with "
            "93.0 % and RAdam with 70.0 %; SGD is last with 50.0 %."
        )

    def test_one_between_the_best_and_the_slow_is_named_as_well(self) -> None:
        runs = {"adam": run_of(FAST, 0.97), "rmsprop": run_of(FAST, 0.9), "sgd": run_of(SLOW, 0.5)}
        told = views.training_sentence(record_of({f"{spec}:lr=0.01": [run] for spec, run in runs.items()}))
        assert told.startswith(
            "After 5 epochs Adam leads with 97.0 % test accuracy; then RMSprop with 90.0 %; SGD (50.0 %) is slow at "
            "this learning rate."
        )

    def test_losses_near_the_lowest_are_told_from_to(self) -> None:
        record = loop_of({"adam": [{"loss": [1.0, 0.2]}], "sgd": [{"loss": [1.0, 0.21]}]}, {"loss": False})
        assert views.training_sentence(record) == "After 2 evaluations Adam and SGD are at a loss of 0.2 to 0.21."

    def test_learning_rates_that_differ_are_not_called_this_one(self) -> None:
        record = record_of({"adam:lr=0.01": [run_of(FAST)], "sgd:lr=0.1": [run_of(SLOW, 0.5)]})
        assert "SGD (50.0 %) is slow at the learning rates chosen" in views.training_sentence(record)

    def test_one_whose_loss_ends_above_its_start_does_not_learn(self) -> None:
        rising = run_of(lambda step: 2.3 + step, 0.1)
        record = record_of({"adam": [run_of(FAST)], "sgd": [rising]})
        assert "SGD (10.0 %) does not learn" in views.training_sentence(record)

    def test_counts_those_that_diverge(self) -> None:
        lost = [run_of(FAST, diverged_at=30)] * 3
        record = record_of({"adam": [run_of(FAST)] * 10, "sgd": [*lost, *[run_of(FAST)] * 7]})
        assert "3 of 10 runs of SGD diverge." in views.training_sentence(record)

    @pytest.mark.parametrize(
        ("runs", "told"),
        [
            ({"sgd": 1}, "SGD diverges at step 30."),
            ({"sgd": 3}, "All three runs of SGD diverge, the first at step 30."),
            ({"sgd": 1, "adam": 1}, "All two runs diverge, the first at step 30."),
        ],
    )
    def test_when_all_diverge_it_says_only_that(self, runs: dict[str, int], told: str) -> None:
        record = record_of({name: [run_of(FAST, diverged_at=30)] * amount for name, amount in runs.items()})
        assert views.training_sentence(record) == told

    def test_a_runner_alone_is_told_with_its_interval(self) -> None:
        told = views.training_sentence(record_of({"adam": [run_of(FAST, share) for share in (0.90, 0.92, 0.95)]}))
        assert told.startswith("After 5 epochs Adam has a test accuracy of 92.0 % (median of three seeds; 90.0 % to")

    def test_a_loop_without_known_direction_is_told_without_a_ranking(self) -> None:
        record = loop_of({"adam": [{"reward": [1.0, 2.0]}], "sgd": [{"reward": [1.0, 3.0]}]}, {})
        assert views.training_sentence(record) == "After 2 evaluations reward is 2 with Adam and 3 with SGD."

    def test_a_loop_that_says_what_is_better_is_ranked_by_it(self) -> None:
        record = loop_of({"adam": [{"reward": [1.0, 2.0]}], "sgd": [{"reward": [1.0, 30.0]}]}, {"reward": True})
        assert (
            views.training_sentence(record) == "After 2 evaluations SGD leads with a reward of 30; Adam is last with 2."
        )

    def test_equal_results_are_at_one_value(self) -> None:
        record = record_of({"adam": [run_of(FAST)], "adamw": [run_of(FAST)]})
        assert views.training_sentence(record) == "After 5 epochs Adam and AdamW are at 90.0 % test accuracy."

    def test_the_fall_is_measured_from_the_start_to_the_best_of_all(self) -> None:
        record = record_of({"adam": [run_of(FAST)], "sgd": [run_of(SLOW)]})
        level = training_sentences.fall_level(record, training_groups(record))
        assert level == pytest.approx(0.01 + 0.1 * (2.3 - 0.01), rel=1e-6)


class TestSteadiness:
    def test_a_moving_median_ignores_one_spike(self) -> None:
        losses = np.ones(31)
        losses[15] = 100
        assert (moving_median(losses) == 1).all()

    def test_unsteadiness_is_about_the_relative_deviation(self) -> None:
        noise = np.random.default_rng(0).standard_normal(2000)
        run = Run(3.0 * (1 + 0.05 * noise), [])
        assert unsteadiness(run, 1000) == pytest.approx(0.05, rel=0.15)

    def test_unsteadiness_does_not_see_a_steady_fall_nor_the_scale(self) -> None:
        steps = np.arange(400)
        assert unsteadiness(Run(np.exp(-0.01 * steps), []), 100) < 0.02
        bumpy = np.exp(-0.01 * steps) * (1 + 0.3 * (-1.0) ** steps)
        assert unsteadiness(Run(bumpy, []), 100) == pytest.approx(unsteadiness(Run(1e3 * bumpy, []), 100))
        assert unsteadiness(Run(bumpy, []), 100) > 0.2

    @pytest.mark.parametrize("losses", [np.ones(5), np.zeros(50), np.full(50, np.nan)])
    def test_unsteadiness_of_too_little_is_unknown(self, losses: np.ndarray) -> None:
        assert np.isnan(unsteadiness(Run(losses, []), 20))
        assert np.isnan(unsteadiness(run_of(FAST, diverged_at=90), 20))

    def test_steps_to_a_level_counts_from_one_and_is_none_where_it_is_never_met(self) -> None:
        run = Run(np.linspace(1.0, 0.0, 101), [])
        assert steps_to(run, 0.5) == 51
        assert steps_to(run, 2.0) == 1
        assert steps_to(run, -1.0) is None
        assert steps_to(Run(np.empty(0), []), 1.0) is None


class TestTrainingCurves:
    def test_show_loss_and_accuracy_against_epochs_and_against_seconds(self) -> None:
        view = views.training_curves(record_of({"adam": [run_of(FAST)] * 5, "sgd": [run_of(SLOW, 0.4)] * 5}))
        titles = [(panel.title, panel.x_title) for panel, _ in view.panels]
        assert titles == [
            ("loss: test bold, training thin", "epoch"),
            ("test accuracy", "epoch"),
            ("test loss", "seconds"),
            ("test accuracy", "seconds"),
        ]
        loss, accuracy = view.panels[0][0], view.panels[1][0]
        assert loss.y.log
        assert accuracy.y.labels[-1] == "100 %"
        assert loss.curves[0].values[0] == pytest.approx(2.4)
        assert loss.behind[0].values[0] == pytest.approx(2.3)
        assert accuracy.curves[1].values[-1] == pytest.approx(0.4)
        assert view.panels[2][0].curves[0].steps[-1] == pytest.approx(STEPS / 100)

    def test_the_line_is_the_median_and_the_band_the_middle_half(self) -> None:
        runs = [run_of(FAST, share) for share in (0.5, 0.6, 0.7, 0.8, 0.9)]
        accuracy = views.training_curves(record_of({"adam": runs})).panels[1][0].curves[0]
        assert accuracy.values[-1] == pytest.approx(0.7)
        assert accuracy.band is not None
        assert (accuracy.band[1][-1], accuracy.band[2][-1]) == (pytest.approx(0.6), pytest.approx(0.8))

    def test_a_line_ends_with_a_cross_where_most_runs_are_lost(self) -> None:
        lost = [run_of(FAST, diverged_at=30)] * 3
        view = views.training_curves(record_of({"sgd": [*lost, run_of(FAST)], "adam": [run_of(FAST)] * 4}))
        line = view.panels[0][0].curves[0]
        assert line.gone is not None
        assert line.gone[0] == 1.0
        assert view.table.columns[-1].heading == "diverged"
        assert view.table.rows[0].cells[-1] == "3 of 4"
        assert view.table.rows[0].cells[0] == "diverged"

    def test_a_runner_alone_shows_its_minibatches(self) -> None:
        loss = views.training_curves(record_of({"adam": [run_of(FAST)]})).panels[0][0]
        assert [line.name for line in loss.behind] == ["training", "minibatches"]
        assert loss.behind[1].steps[[0, -1]] == pytest.approx([1 / PER_EPOCH, 5.0])

    def test_a_schedule_is_shown_as_a_strip(self) -> None:
        run = run_of(FAST)
        run.learning_rates = np.geomspace(0.1, 1e-3, STEPS)
        view = views.training_curves(record_of({"adam": [run], "sgd:lr=0.5": [run_of(FAST)]}))
        strip = view.panels[-1][0]
        assert strip.title == "learning rate"
        assert strip.curves[0].values[[0, -1]] == pytest.approx([0.1, 1e-3])
        assert (strip.curves[1].values == 0.5).all()

    def test_best_and_near_it_are_bold_in_the_table(self) -> None:
        view = views.training_curves(
            record_of({"adam": [run_of(FAST, 0.970)], "adamw": [run_of(FAST, 0.965)], "sgd": [run_of(SLOW, 0.9)]})
        )
        assert [0 in row.best for row in view.table.rows] == [True, True, False]

    def test_a_loop_has_a_panel_for_each_of_up_to_four_measures(self) -> None:
        values = {name: [1.0, 2.0, 3.0] for name in ("a", "b", "c", "d", "e")}
        view = views.training_curves(loop_of({"adam": [values]}, {}))
        assert [panel.title for panel, _ in view.panels] == ["a", "b", "c", "d"]
        assert view.panels[0][0].x_title == "evaluation"
        assert view.panels[0][0].curves[0].steps.tolist() == [1, 2, 3]

    def test_footer_and_notes_say_how(self) -> None:
        view = views.training_curves(record_of({"adam:lr=0.01": [run_of(FAST)] * 5, "sgd:lr=0.01": [run_of(SLOW)] * 5}))
        assert "5 epochs = 100 steps" in " ".join(view.footer)
        assert "seeds 0–4" in " ".join(view.footer)
        assert "ranks defaults, not optimizers" in " ".join(view.footer)
        assert "median and middle half of 5 seeds" in view.notes[0]


class TestLabelsAtEnds:
    def test_names_of_lines_that_end_together_stand_apart_and_inside(self) -> None:
        labels = at_ends(["SGD", "Adam", "AdamW", "RMSprop"], [50.0, 50.1, 50.2, 100.0], (200.0, 100.0), 8.5)
        heights = sorted(label.y for label in labels)
        assert (np.diff(heights) >= labels[0].height).all()
        assert heights[-1] + labels[0].height / 2 <= 101
        assert labels[0].y < labels[1].y < labels[2].y, "in the order of the lines"

    def test_a_name_with_room_stands_level_with_its_line(self) -> None:
        (label,) = at_ends(["SGD"], [40.0], (200.0, 100.0), 8.5)
        assert label.y == pytest.approx(40.0)
        assert not label.leader


class TestFinalResults:
    def test_show_every_seed_in_typed_order(self) -> None:
        shares = (0.90, 0.92, 0.91, 0.94, 0.93)
        view = views.final_results(
            record_of({"sgd": [run_of(SLOW, 0.88)] * 5, "adam": [run_of(FAST, share) for share in shares]})
        )
        assert [row.name for row in view.rows] == ["SGD", "Adam"]
        assert view.rows[1].values == pytest.approx(shares)
        assert view.rows[1].text == "92.0 %"
        assert view.rows[1].told == "91.0 % to 93.0 %"
        assert [row.best for row in view.rows] == [False, True]
        spots = view.rows[0].dots
        assert len(np.unique(spots[:, 1])) == 5, "equal results do not hide one another"

    def test_results_far_apart_are_drawn_by_their_error(self) -> None:
        view = views.final_results(record_of({"sgd": [run_of(SLOW, 0.2)], "adam": [run_of(FAST, 0.99)]}))
        assert view.rows[1].dots[0, 0] == pytest.approx(2.0), "−log10(1 − 0.99)"
        assert "90 %" in view.axis.labels
        assert any("logarithm of the error" in line for line in view.footer)

    def test_lost_runs_are_counted_at_the_worse_end(self) -> None:
        runs = [run_of(FAST), run_of(FAST), run_of(FAST, diverged_at=30)]
        record = record_of({"sgd": runs})
        assert views.final_results(record).rows[0].gone == 1
        assert views.final_results(record).worst_at == views.final_results(record).axis.low
        by_loss = views.final_results(record, "train_loss")
        assert by_loss.worst_at == by_loss.axis.high
        assert by_loss.rows[0].told.endswith("✕")

    def test_a_measure_that_is_not_there_is_refused_by_name(self) -> None:
        with pytest.raises(
            InputError, match=r"There is no measure .test_acuracy. in this race; it has train_loss"
        ) as told:
            views.final_results(record_of({"adam": [run_of(FAST)]}), "test_acuracy")
        assert "Did you mean `test_accuracy`" in str(told.value)


LOST = run_of(FAST, diverged_at=1)
RECORDS = {
    "one runner": record_of({"adam": [run_of(FAST)]}),
    "all diverged": record_of({"sgd": [LOST] * 3, "adam": [LOST] * 3}),
    "no test set": record_of({"sgd": [run_of(SLOW)]}, splits=("train", "validation")),
    "only training": record_of({"sgd": [run_of(SLOW)], "adam": [run_of(FAST)]}, splits=("train",)),
    "no metric": record_of({"sgd": [run_of(SLOW)], "adam": [run_of(FAST)]}, measures=("loss",)),
    "interrupted": record_of({"sgd": [run_of(SLOW, stopped_at=20)], "adam": [run_of(FAST)]}),
    "perfect": record_of({"sgd": [run_of(SLOW, 1.0)], "adam": [run_of(FAST, 0.3)]}),
    "loss of zero": record_of({"sgd": [run_of(lambda step: max(0.0, 1 - step / 50))]}),
    "negative loss": record_of({"sgd": [run_of(lambda step: -step)], "adam": [run_of(lambda step: -2 * step)]}),
    "a loop": loop_of({"sgd": [{"reward": [1.0, 2.0], "loss": [3.0, 0.1]}] * 2}, {"reward": True}),
    "a dollar in a name": record_of({"adam": [run_of(FAST)]}, remarks=("it cost $5 and $6",)),
}


@pytest.mark.parametrize("name", RECORDS)
def test_every_kind_of_record_is_drawn(name: str) -> None:
    for figure in (
        plots.training_curves(views.training_curves(RECORDS[name])),
        plots.final_results(views.final_results(RECORDS[name])),
    ):
        plots.write(figure, io.BytesIO(), "png")
