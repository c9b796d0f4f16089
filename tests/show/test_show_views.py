"""The numbers of the pictures: what a reader would measure on them with a ruler."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from slalom.core import RaceRecord
from slalom.lab import race
from slalom.show import views
from slalom.show.views import styles, words
from slalom.show.views.curves import loss_panel
from slalom.show.views.frames import Frame, contour_levels, frame_of, linear_axis, log_axis, terrain
from slalom.show.views.groups import groups
from slalom.show.views.labels import Label, place
from slalom.show.views.lines import by_length, curve, dots, exit_of, outline
from slalom.show.views.moving import frame_steps

CLASSICS = ["sgd:lr=0.1", "adagrad:lr=1", "rmsprop:lr=1", "adadelta:lr=1", "adam:lr=1", "adamw:lr=1"]
START = (-75.0, -10.0)


@pytest.fixture(scope="module")
def bowl() -> RaceRecord:
    return race("sphere", CLASSICS, start=START, steps=500)


@pytest.fixture(scope="module")
def runaway() -> RaceRecord:
    return race("sphere", ["sgd:lr=1.5", "adam:lr=1"], start=START, steps=300)


def overlap(one: Label, other: Label) -> bool:
    a, b = one.box, other.box
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


class TestFrame:
    def test_holds_start_minimum_and_the_paths_with_room_around(self, bowl: RaceRecord) -> None:
        frame = frame_of(bowl)
        assert frame.holds(np.array([START, (0.0, 0.0)])).all()
        assert frame.left < -75 - 0.09 * 75
        assert frame.top > bowl.paths[4, :, 1].max(), "Adam's swing is inside"

    def test_fit_keeps_the_middle_and_only_grows(self) -> None:
        frame = Frame(0, 4, 0, 1).fit(2.0)
        assert (frame.left, frame.right, frame.bottom, frame.top) == (0, 4, -0.5, 1.5)
        assert Frame(0, 1, 0, 4).fit(2.0).width == 8

    def test_a_runner_that_diverges_does_not_widen_the_others(self, runaway: RaceRecord) -> None:
        assert frame_of(runaway).width < 110
        assert 100 < frame_of(runaway, [0]).width < 600, "alone, its first bounces are shown"

    def test_a_start_in_the_minimum_still_has_surroundings(self) -> None:
        frame = frame_of(race("sphere", ["sgd"], start=(0.0, 0.0), steps=20))
        assert frame.width > 1
        assert frame.height > 1

    def test_only_the_minimum_that_is_reached_has_to_be_inside(self) -> None:
        frame = frame_of(race("himmelblau", ["adam:lr=0.1"], start=(4.0, 4.0), steps=300))
        assert frame.holds(np.array([3.0, 2.0]))
        assert not frame.holds(np.array([-3.78, -3.28]))


class TestTerrain:
    def test_levels_are_log_spaced_above_the_minimum(self, bowl: RaceRecord) -> None:
        ground = terrain(bowl.course, Frame(-10, 10, -10, 10), 0.0)
        steps = np.diff(np.log(ground.levels))
        assert steps == pytest.approx(np.full(len(steps), steps[0]))
        assert ground.levels[0] > 0
        assert ground.levels[-1] == pytest.approx(200)

    def test_a_minimum_far_below_does_not_empty_the_picture(self, bowl: RaceRecord) -> None:
        ground = terrain(bowl.course, Frame(-1, 1, -1, 1), -1e9)
        assert ground.gap.min() == 0

    def test_a_flat_or_empty_grid_still_has_rising_levels(self) -> None:
        for gap in (np.zeros((3, 3)), np.full((3, 3), np.nan), np.ones((3, 3))):
            assert (np.diff(contour_levels(gap)) > 0).all()


class TestAxes:
    @pytest.mark.parametrize(("low", "high", "labels"), [(1e-2, 1e2, ("10⁻²", "10⁻¹", "1", "10", "10²"))])
    def test_log(self, low: float, high: float, labels: tuple[str, ...]) -> None:
        assert log_axis(low, high).labels == labels
        assert log_axis(low, high).place(np.array([low, 1.0, high])) == pytest.approx([0, 0.5, 1])

    def test_log_never_has_more_ticks_than_asked_for(self) -> None:
        assert len(log_axis(1e-16, 1e9, most=6).ticks) <= 6

    def test_linear(self) -> None:
        axis = linear_axis(0, 50)
        assert axis.ticks == (0, 10, 20, 30, 40, 50)

    def test_gaps_of_a_runner_that_diverged_do_not_flatten_the_others(self, runaway: RaceRecord) -> None:
        axis = loss_panel(runaway, groups(runaway), (200.0, 100.0)).y
        assert axis.high < 1e12
        assert axis.low < 0.01


class TestLines:
    def test_an_orbit_is_drawn_once(self) -> None:
        angle = np.arange(10_000) * np.pi / 2
        orbit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        assert len(outline(orbit, Frame(-2, 2, -2, 2))) < 12

    def test_a_plain_path_keeps_its_ends(self) -> None:
        path = np.stack([np.linspace(0, 1, 50), np.zeros(50)], axis=1)
        drawn = outline(path, Frame(0, 1, -1, 1))
        assert drawn[0] == pytest.approx(path[0])
        assert drawn[-1] == pytest.approx(path[-1])

    def test_dots_stand_at_every_tenth_step(self) -> None:
        path = np.stack([np.arange(101.0), np.zeros(101)], axis=1)
        assert dots(path, Frame(-1, 101, -1, 1))[:, 0].tolist() == list(range(0, 101, 10))

    def test_exit_lies_on_the_edge_at_the_right_step(self) -> None:
        path = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0], [np.nan, np.nan]])
        away = exit_of(path, Frame(-2, 2, -1, 1))
        assert away is not None
        assert away.point == (2.0, 0.0)
        assert away.step == 2
        assert exit_of(path[:2], Frame(-2, 2, -1, 1)) is None

    def test_by_length_spreads_over_the_way_not_over_the_time(self) -> None:
        path = np.concatenate([np.arange(101.0), np.full(900, 100.0)])[:, None]
        assert by_length(path, 11).tolist() == list(range(0, 101, 10))

    def test_a_thinned_curve_keeps_its_spikes(self) -> None:
        values = np.ones(50_000)
        values[31_234] = 1e6
        steps, drawn = curve(values, log_axis(1, 50_000))
        assert len(steps) < 2500
        assert drawn.max() == 1e6
        assert steps[np.argmax(drawn)] == 31_234


class TestLabels:
    def test_no_two_overlap_and_none_hides_a_marker(self) -> None:
        line = np.stack([np.linspace(10, 290, 40), np.full(40, 50.0)], axis=1)
        names = ["SGD", "Adam", "AdamW", "RMSprop"]
        placed = place(names, [line + np.array([0, 3 * k]) for k in range(4)], (300, 100), 9.5, [(150.0, 50.0)])
        labels = [label for label in placed if label is not None]
        assert len(labels) == 4
        assert not any(overlap(a, b) for a, b in itertools.combinations(labels, 2))
        for label in labels:
            left, bottom, right, top = label.box
            assert not (left < 150 < right and bottom < 50 < top)
            assert left >= 0
            assert bottom >= 0
            assert right <= 300
            assert top <= 100

    def test_where_there_is_no_room_there_is_no_label(self) -> None:
        assert place(["a very long name"], [np.array([[5.0, 5.0]])], (20, 10), 9.5) == [None]

    @pytest.mark.parametrize("course", ["sphere", "rosenbrock", "himmelblau", "saddle"])
    def test_hold_on_real_cards(self, course: str) -> None:
        card = views.comparison(race(course, CLASSICS, steps=150))
        assert card.map is not None
        shown = [*(line.label for line in card.map.lines), card.map.start_label]
        labels = [label for label in shown if label is not None]
        assert len(labels) >= 4
        assert not any(overlap(a, b) for a, b in itertools.combinations(labels, 2))
        curves = [line.label for line in card.loss.curves if line.label is not None]
        assert not any(overlap(a, b) for a, b in itertools.combinations(curves, 2))


class TestStyles:
    def test_every_family_of_torch_looks_different(self) -> None:
        assert len(set(styles.FAMILIES.values())) == len(styles.FAMILIES)

    def test_an_optimizer_looks_the_same_in_every_company(self) -> None:
        assert styles.styles_for(["adam", "sgd"])[0] == styles.styles_for(["lion", "adam"])[1]
        assert styles.style_of("Prodigy") == styles.style_of("prodigy")

    def test_two_of_a_family_differ_in_colour_and_in_dashes(self) -> None:
        for family in ("sgd", "adam", "adamw", "somebody's own"):
            first, second, third = styles.styles_for([family] * 3)
            assert len({first.colour, second.colour, third.colour}) == 3
            assert len({first.dashes, second.dashes, third.dashes}) == 3


class TestWords:
    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (0, "0"),
            (75.63, "75.6"),
            (1240.2, "1,240"),
            (-10.0, "−10"),
            (3.2e-7, "3.2×10⁻⁷"),
            (0.01, "0.01"),
            (1e20, "1×10²⁰"),
            (float("inf"), "∞"),
        ],
    )
    def test_number(self, value: float, said: str) -> None:
        assert words.number(value) == said

    def test_listing(self) -> None:
        assert words.listing(["A"]) == "A"
        assert words.listing(["A", "B", "C"]) == "A, B and C"
        assert words.listing(list("ABCDEF")) == "A, B, C and three others"

    def test_wrap_never_loses_a_word_without_saying_so(self) -> None:
        text = "one two three four five six"
        assert " ".join(words.wrap(text, 60, 10, most=9)) == text
        assert words.wrap(text, 60, 10, most=2)[-1].endswith("…")


class TestSentence:
    def test_compares_the_relatives(self, bowl: RaceRecord) -> None:
        said = " ".join(views.comparison(bowl).sentence)
        assert "AdamW settles 24 % sooner than Adam, on a path 2 % shorter." in said

    def test_tells_of_a_runner_that_leaves_for_ever(self) -> None:
        said = " ".join(
            views.comparison(race("sphere", ["rmsprop:lr=1", "sgd:lr=0.1"], start=START, steps=4000)).sentence
        )
        assert "RMSprop settles, but leaves at step 348 and is never at rest again." in said

    def test_tells_who_diverges(self, runaway: RaceRecord) -> None:
        step = runaway.statuses[0].step
        said = " ".join(views.comparison(runaway).sentence)
        assert said.startswith(f"SGD diverges at step {step:,}.")
        assert "Only Adam settles" in said

    def test_of_a_race_that_nobody_finishes(self) -> None:
        said = " ".join(
            views.comparison(race("sphere", ["sgd:lr=1e-4", "adam:lr=1e-4"], start=START, steps=200)).sentence
        )
        assert said.startswith("None settles within 200 steps; SGD ends closest")

    def test_of_one_runner(self) -> None:
        said = " ".join(views.comparison(race("sphere", ["sgd:lr=0.1"], start=START, steps=200)).sentence)
        assert said == "SGD settles at step 30, after a path of 75.6, straight there, with no turns."

    def test_of_many_starts(self) -> None:
        record = race("sphere", ["sgd:lr=0.1", "adam:lr=1e-5"], starts=5, steps=200)
        said = " ".join(views.comparison(record).sentence)
        assert "SGD settles from 5 of 5 runs" in said
        assert "Adam from 0 of 5" in said


class TestComparison:
    def test_the_table_says_what_was_measured(self, bowl: RaceRecord) -> None:
        table = views.comparison(bowl).table
        assert [row.name for row in table.rows] == ["SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW"]
        assert table.rows[0].cells == ("30", "–", "75.6", "1.00", "0")
        assert table.rows[0].rate == "lr 0.1"
        assert table.rows[1].cells[0] == "not yet"
        assert table.rows[2].cells[1].startswith("at 348")

    def test_the_map_has_the_shape_of_its_box(self, bowl: RaceRecord) -> None:
        card = views.comparison(bowl)
        assert card.map is not None
        assert card.map.frame.ratio == pytest.approx(card.layout.map.width / card.layout.map.height)

    def test_parts_of_a_card_do_not_overlap(self) -> None:
        for course in ("sphere", "himmelblau"):
            layout = views.comparison(race(course, CLASSICS, steps=50)).layout
            boxes = [layout.map, layout.loss, layout.table]
            for a, b in itertools.combinations(boxes, 2):
                assert (
                    a.left >= b.left + b.width or b.left >= a.left + a.width or a.bottom >= b.top or b.bottom >= a.top
                )

    def test_more_than_two_variables_show_the_distance_and_say_so(self) -> None:
        card = views.comparison(race("x0**2 + x1**2 + x2**2", ["adam:lr=1"], start=(3.0, 1.0, 2.0), steps=50))
        assert card.map is None
        assert card.distance is not None
        assert "three dimensions" in card.distance.title
        assert "distance from the start" in card.distance.title, "an expression's minimum is not known"
        assert card.distance.curves[0].values[1] == pytest.approx(np.sqrt(3)), "Adam's first step is 1 in each"

    def test_one_variable_shows_the_curve(self) -> None:
        card = views.comparison(race("x**2/8 + sin(3*x)", ["sgd:lr=0.05"], start=(-4.0,), steps=50))
        assert card.map is not None
        assert card.map.terrain is None
        assert card.map.profile is not None
        assert card.map.profile[:, 1] == pytest.approx(
            card.map.profile[:, 0] ** 2 / 8 + np.sin(3 * card.map.profile[:, 0])
        )

    def test_many_starts_become_one_line_with_quartiles(self) -> None:
        card = views.comparison(race("himmelblau", ["adam:lr=0.1", "sgd:lr=0.01"], starts=7, steps=60))
        assert card.map is not None
        assert len(card.map.lines) == 2
        assert len(card.map.lines[0].faint) == 6
        assert card.loss.curves[0].band is not None
        assert card.table.rows[0].cells[0].endswith("/7)")

    def test_the_footer_says_how_and_what_not(self, bowl: RaceRecord) -> None:
        said = " ".join(views.comparison(bowl).footer)
        for part in ("seed 0", "500 steps", "float64", "torch", "do not transfer to networks"):
            assert part in said


class TestPathCard:
    def test_marks_when_it_settles_and_leaves(self, bowl: RaceRecord) -> None:
        card = views.path_card(bowl, 2)
        assert [mark for _, mark in card.loss.marks] == ["settles at 93", "leaves at 348"]
        assert len(card.map.lines) == 1 if card.map else False

    def test_a_runner_that_diverges_leaves_through_the_edge(self, runaway: RaceRecord) -> None:
        card = views.path_card(runaway, 0)
        assert card.map is not None
        away = card.map.lines[0].exit
        assert away is not None
        assert card.map.lines[0].end is None
        assert card.map.lines[0].label is not None
        assert f"left at step {away.step}" in card.map.lines[0].label.text


class TestSurface:
    def test_height_is_in_proportion_or_logarithmic(self) -> None:
        bowl = views.surface(race("sphere", ["sgd"], steps=5).course)
        assert not bowl.logarithmic
        assert bowl.height.max() == pytest.approx(1)
        assert views.surface(race("rosenbrock", ["sgd"], steps=5).course).logarithmic

    def test_paths_lie_on_it(self, bowl: RaceRecord) -> None:
        view = views.surface(bowl.course, bowl)
        assert view.paths[0].name == "SGD"
        heights = view.paths[0].raised[:, 2]
        assert heights[0] > heights[-1]


class TestSynchronisedRace:
    def test_at_most_so_many_frames_from_first_to_last_step(self, bowl: RaceRecord) -> None:
        view = views.synchronised_race(bowl, frames=60)
        assert view.frames == 60
        assert view.steps[0] == 0
        assert view.steps[-1] == 500
        assert (np.diff(view.steps) > 0).all()
        assert view.heads.shape == (60, 6, 2)
        assert view.heads[-1, 0] == pytest.approx(bowl.paths[0, -1])

    def test_frames_are_spread_by_length(self) -> None:
        fast = np.stack([np.minimum(np.arange(2001.0), 200.0), np.zeros(2001)], axis=1)
        steps = frame_steps((fast,), 100)
        assert np.count_nonzero(steps <= 200) > 70

    def test_a_short_race_shows_every_step_and_slower(self) -> None:
        view = views.synchronised_race(race("sphere", ["sgd:lr=0.1"], start=START, steps=20))
        assert view.steps.tolist() == list(range(21))
        assert view.per_second < 20

    def test_dials_point_where_the_optimizer_points(self, bowl: RaceRecord) -> None:
        view = views.synchronised_race(bowl, frames=50)
        sgd, adam = view.dials[0], view.dials[4]
        assert sgd.momentum is None
        assert sgd.spread is None
        assert adam.momentum is not None
        assert adam.spread is not None
        cosine = (sgd.downhill[0] * sgd.update[0]).sum() / np.prod(
            [np.linalg.norm(sgd.downhill[0]), np.linalg.norm(sgd.update[0])]
        )
        assert cosine == pytest.approx(1), "plain SGD goes straight downhill"
        assert adam.update[0] / np.abs(adam.update[0]) == pytest.approx([1, 1]), "Adam's first step is diagonal"
        assert np.linalg.norm(adam.spread, axis=1).max() <= 1

    def test_the_second_clock_counts_evaluations(self) -> None:
        record = race("rosenbrock", ["lbfgs:lr=1", "sgd:lr=0.001"], steps=10)
        view = views.synchronised_race(record)
        step, spent = view.clock(view.frames - 1)
        assert step == "step 10"
        assert spent == f"10 to {int(record.evaluations[0, -1])} gradient evaluations each"


class TestSweeps:
    def test_ladder_has_a_tile_for_every_factor(self) -> None:
        rows = [
            race("sphere", [f"{name}:lr={0.2 * f}" for f in views.FACTORS], start=START, steps=150)
            for name in ("sgd", "adam")
        ]
        view = views.ladder(rows)
        assert [tile.rate for tile in view.rows[0].tiles] == ["lr 0.02", "lr 0.06", "lr 0.2", "lr 0.6", "lr 2"]
        assert view.rows[0].tiles[-1].kind == "diverges"
        assert view.rows[0].tiles[-1].result.startswith("diverged at ")
        assert "SGD diverges where it is too large." in " ".join(view.sentence)

    def test_sensitivity_measures_the_usable_width(self) -> None:
        rates = np.geomspace(1e-4, 1, 41)
        distance = np.abs(np.log10(rates) + 2)[:, None]
        final = np.where(rates[:, None] > 0.3, np.nan, 10.0 ** (4 * distance - 4)) * np.ones((1, 5))
        view = views.sensitivity(
            [views.RateSweep("SGD", "sgd", rates, final, 1e-3)], "x²", tolerance=0.01, runs="5 starts"
        )
        (line,) = view.lines
        assert line.best is not None
        assert line.best[0] == pytest.approx(1e-2)
        assert line.decades == pytest.approx(1.0, abs=1e-9)
        assert line.default == (1e-3, pytest.approx(1.0))
        assert line.diverges_from is not None
        assert line.diverges_from > 0.3

    def test_a_run_that_diverged_counts_as_the_worst(self) -> None:
        from slalom.show.views.sensitivities import quartiles

        low, middle, high = quartiles(np.array([[1.0, 2.0, np.nan], [np.nan, np.inf, 1.0]]))
        assert middle[0] == 2.0
        assert np.isnan(middle[1])
        assert low[0] == 2.0
        assert np.isinf(high[0])

    def test_basins_know_the_minimum_reached(self) -> None:
        course = race("himmelblau", ["adam"], steps=5).course
        places = np.array([minimum.point for minimum in course.minima])
        sweep = views.StartSweep(
            "Adam",
            "adam",
            np.array([-1.0, 1.0, 3.0]),
            np.array([0.0, 2.0]),
            np.concatenate([places, [[0, 0], [9, 9]]]),
            np.array([5, 50, 100, 200, -1, -1]),
            np.array([False] * 5 + [True]),
            np.array([True] + [False] * 5),
        )
        view = views.basin_map([sweep], course, steps=300)
        (basin,) = view.maps
        assert basin.reached.tolist() == [[-3, 1, 2], [3, -1, -2]]
        assert basin.success == pytest.approx(3 / 6)
        assert basin.pixels[1, 2].tolist() == [0, 0, 0]
        assert view.extent == (-2.0, 4.0, -1.0, 3.0)

    def test_a_fan_counts_who_settles(self) -> None:
        record = race("sphere", ["sgd:lr=0.1"], starts=[(1.0, 1.0), (1.2, 1.0), (0.9, 1.1)], steps=150)
        (view,) = views.fan(record)
        assert view.success == 1
        assert len(view.paths) == 3
        assert view.median[0] == pytest.approx((1.0, 1.0))
