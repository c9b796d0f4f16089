"""The measures of a path, on paths whose measures are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slalom.core import Excursion, InputError, Noise, PathMetrics, Status, measure, nearest, quote
from slalom.core.metrics import TRUST


def measured(losses: list[float], path: list[tuple[float, ...]] | None = None, patience: int = 3) -> PathMetrics:
    points = np.array(path if path is not None else [(0.0, 0.0)] * len(losses), dtype=float)
    return measure(points, np.array(losses), minimum=0.0, tolerance=0.01, target=(0.0, 0.0), patience=patience)


def test_touching_is_not_settling() -> None:
    metrics = measured([1, 0.001, 1, 0.001, 0.001, 0.001, 0.001])
    assert metrics.touches == 1
    assert metrics.settles == 3
    assert metrics.excursions == ()
    assert metrics.steps_away == 0


def test_patience_must_be_shown_in_full() -> None:
    """Two steps below the tolerance at the end of the record are not three."""
    assert measured([1, 1, 0.001, 0.001]).settles is None
    assert measured([1, 0.001, 0.001, 0.001]).settles == 1


def test_the_tolerance_itself_is_outside() -> None:
    assert measured([0.01, 0.01, 0.01, 0.01]).touches is None


def test_an_excursion_tells_when_how_long_and_how_far() -> None:
    low, out = [0.001] * 3, [5.0, 0.5]
    metrics = measured([1, *low, *out, *[0.002] * (3 * TRUST)])
    assert metrics.settles == 1
    assert metrics.excursions == (Excursion(step=4, length=2, gap=5.0),)
    assert metrics.leaves == metrics.excursions[0]
    assert metrics.steps_away == 2


def test_a_short_rest_is_not_yet_a_return() -> None:
    """Three quiet steps between two jumps: one excursion, which ends only after five times the patience."""
    jumpy = [0.001] * 3 + [1.0] + [0.001] * 4 + [2.0] + [0.001] * (3 * TRUST)
    assert measured(jumpy).excursions == (Excursion(step=3, length=6, gap=2.0),)


def test_staying_to_the_end_is_a_return() -> None:
    assert measured([0.001] * 3 + [1.0] + [0.001] * 3).excursions == (Excursion(3, 1, 1.0),)


def test_never_back_has_no_length() -> None:
    assert measured([0.001] * 3 + [1.0, 0.001, 0.001]).excursions == (Excursion(3, None, 1.0),)


def test_a_divergence_after_settling_is_an_excursion_for_ever() -> None:
    metrics = measured([0.001] * 3 + [1.0, math.nan, math.nan])
    assert metrics.excursions == (Excursion(3, None, math.inf),)
    assert metrics.final_gap is None
    assert metrics.evaluations == 3


def test_lengths_straightness_turns_and_overshoot() -> None:
    """A right angle of 3 and 4, then back over the minimum by 2 in x."""
    path = [(-3.0, 0.0), (0.0, 0.0), (0.0, 4.0), (2.0, 4.0), (1.0, 4.0)]
    metrics = measured([9, 1, 1, 1, 1], path)
    assert metrics.length == 3 + 4 + 2 + 1
    assert metrics.straightness == pytest.approx(math.hypot(4, 4) / 10)
    assert metrics.turns == 1  # x: +3, 0, +2, −1
    assert metrics.overshoot == 2.0


def test_measures_of_the_way_stop_where_the_runner_settles() -> None:
    path = [(-3.0, 0.0), (-1.0, 0.0), (0.0, 0.0), (0.5, 0.0), (-0.5, 0.0)]
    metrics = measured([9, 1, 0.001, 0.001, 0.001], path)
    assert metrics.settles == 2
    assert metrics.length_until_settled == 3.0
    assert metrics.straightness == 1.0
    assert metrics.turns == 0
    assert metrics.length == 4.5


def test_standing_still_has_no_straightness() -> None:
    metrics = measured([0.001, 0.001, 0.001])
    assert metrics.straightness is None
    assert metrics.settles == 0


@given(st.lists(st.floats(0, 0.03), min_size=1, max_size=60), st.integers(1, 6))
def test_settling_and_leaving_agree_with_their_definitions(losses: list[float], patience: int) -> None:
    below = [loss < 0.01 for loss in losses]
    stays = [k for k in range(len(below) - patience + 1) if all(below[k : k + patience])]
    metrics = measured(losses, patience=patience)
    assert metrics.touches == next((k for k, low in enumerate(below) if low), None)
    assert metrics.settles == (stays[0] if stays else None)
    if stays:
        later = [k for k in range(stays[0], len(below)) if not below[k]]
        assert metrics.steps_away == len(later)
        assert [e.step for e in metrics.excursions][:1] == later[:1]
        assert all(not below[e.step] for e in metrics.excursions)
        for excursion in metrics.excursions:
            inside = losses[excursion.step : excursion.step + excursion.length] if excursion.length else losses
            assert excursion.gap == max(inside[0 if excursion.length else excursion.step :])


def test_noise_is_a_pure_function_of_seed_and_step() -> None:
    noise = Noise(2.0)
    rows = noise.rows(7, 200, 120, 3)
    for offset in (0, 56, 57, 119):
        np.testing.assert_array_equal(rows[offset], noise.draw(7, 200 + offset, 3))
    assert not np.array_equal(noise.draw(7, 1, 3), noise.draw(8, 1, 3))
    np.testing.assert_array_equal(Noise(0.0).draw(7, 1, 3), np.zeros(3))


def test_status_reads_as_a_sentence() -> None:
    assert str(Status(Status.DIVERGED, 37)) == "diverged at step 37"
    assert str(Status(Status.CONVERGED, 30)) == "converged"


def test_quotes_are_cut_and_stay_on_one_line() -> None:
    assert quote("a\nb\t c") == "`a b c`"
    assert quote("x" * 100) == "`" + "x" * 59 + "…`"
    assert "\x1b" not in quote("\x1b[31mred")


def test_nearest_names_are_suggested() -> None:
    assert nearest("adamm", ["adam", "sgd"]) == " Did you mean `adam`?"
    assert nearest("zzz", ["adam"]) == ""
    assert issubclass(InputError, ValueError)
