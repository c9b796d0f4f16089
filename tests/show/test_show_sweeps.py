"""The pictures of sweeps over networks: best, usable width, and the map of what trains."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from slalom.show import plots, views
from slalom.show.views.trainability_maps import best_cell, beyond, boundary

VERSIONS = {"slalom": "0.0", "torch": "0.0"}


def sweep_of(*sweeps: views.RateSweep, measure: str = "validation_accuracy", higher: bool = True) -> Any:
    return SimpleNamespace(
        course_title="numbers made by hand",
        sweeps=sweeps,
        measure=measure,
        higher_is_better=higher,
        seeds=tuple(range(sweeps[0].final.shape[1])),
        steps=200,
        epochs=10.0,
        engine="fleet",
        dtype="float32",
        versions=VERSIONS,
        remarks=(),
    )


def tent(top: float, at: float, slope: float = 0.1, seeds: int = 5) -> np.ndarray:
    """Return accuracies over RATES that fall from ``top`` by ``slope`` a decade on both sides of ``at``."""
    heights = top - slope * np.abs(np.log10(RATES) - np.log10(at))
    return np.repeat(heights[:, None], seeds, axis=1)


RATES = np.geomspace(1e-4, 1e-1, 7)


class TestNetworkSensitivity:
    def test_accuracy_is_best_where_it_is_highest_and_wide_to_a_point_below(self) -> None:
        view = views.network_sensitivity(sweep_of(views.RateSweep("Adam", "adam", RATES, tent(0.95, 1e-2), 1e-3)))
        (line,) = view.lines
        assert line.best == (pytest.approx(1e-2), pytest.approx(0.95))
        assert line.default == (pytest.approx(1e-3), pytest.approx(0.85))
        assert line.decades == pytest.approx(0.2), "a tenth of a decade on either side, between the rates tried"
        assert line.usable == (pytest.approx(10**-2.1), pytest.approx(10**-1.9))
        assert not view.y.log
        assert view.y.labels[-1] == "100 %"

    def test_loss_is_best_where_it_is_lowest_and_wide_to_one_per_cent_above(self) -> None:
        final = 0.5 * (1 + 0.01 * np.abs(np.log10(RATES) + 2))[:, None] * np.ones((1, 5))
        sweep = sweep_of(views.RateSweep("SGD", "sgd", RATES, final), measure="test_loss", higher=False)
        (line,) = views.network_sensitivity(sweep).lines
        assert line.best == (pytest.approx(1e-2), pytest.approx(0.5))
        assert line.usable == (pytest.approx(1e-3), pytest.approx(1e-1))

    def test_runs_that_diverge_count_as_worst(self) -> None:
        final = tent(0.9, 1e-3)
        final[5, :2] = np.nan
        final[6, :4] = np.nan
        view = views.network_sensitivity(sweep_of(views.RateSweep("SGD", "sgd", RATES, final)))
        (line,) = view.lines
        assert line.diverges_from == pytest.approx(RATES[6])
        assert np.isfinite(line.middle[5])
        assert line.low[5] < view.y.low, "the band of a quartile that diverged leaves the picture"

    def test_the_band_is_the_range_below_four_seeds(self) -> None:
        final = np.array([[0.5, 0.7, 0.9]] * len(RATES))
        view = views.network_sensitivity(sweep_of(views.RateSweep("SGD", "sgd", RATES, final)))
        assert (view.lines[0].low[0], view.lines[0].middle[0], view.lines[0].high[0]) == (0.5, 0.7, 0.9)
        assert "range of 3 seeds" in view.y_title

    def test_the_sentence_compares_each_at_its_own_best(self) -> None:
        near = sweep_of(
            views.RateSweep("Adam", "adam", RATES, tent(0.95, 1e-2)),
            views.RateSweep("SGD", "sgd", RATES, tent(0.945, 1e-1, slope=0.2)),
        )
        assert " ".join(views.network_sensitivity(near).sentence) == (
            "At its own best learning rate each comes within a point of the best validation accuracy, 95.0 % at 0.01."
            " Adam stays within a point of its best over 0.2 decades of learning rates, SGD over 0.1."
        )
        far = sweep_of(
            views.RateSweep("Adam", "adam", RATES, tent(0.95, 1e-2)),
            views.RateSweep("SGD", "sgd", RATES, tent(0.8, 1e-1)),
            views.RateSweep("Lion", "lion", RATES, np.full((7, 5), np.nan)),
        )
        told = " ".join(views.network_sensitivity(far).sentence)
        assert "Adam (95.0 % at 0.01) comes first in validation accuracy, SGD (80.0 % at 0.1) last." in told
        assert "Most runs of Lion diverge everywhere." in told

    @pytest.mark.parametrize("fill", [np.nan, 0.5, 0.0])
    def test_flat_and_empty_sweeps_are_drawn(self, fill: float) -> None:
        sweep = sweep_of(views.RateSweep("SGD", "sgd", RATES, np.full((7, 1), fill), 1e-3))
        plots.write(plots.sensitivity(views.network_sensitivity(sweep)), io.BytesIO(), "png")
        sweep.measure, sweep.higher_is_better = "train_loss", False
        plots.write(plots.sensitivity(views.network_sensitivity(sweep)), io.BytesIO(), "png")


def grid_of(loss: np.ndarray, scales: tuple[str, str] = ("log", "one minus")) -> Any:
    n, m = loss.shape
    spans = {"log": np.geomspace(1e-2, 1.0, n), "linear": np.linspace(0.0, 0.9, n)}
    ups = {
        "log": np.geomspace(1e-2, 1.0, m),
        "linear": np.linspace(0.0, 0.9, m),
        "one minus": 1 - np.geomspace(1, 0.01, m),
    }
    return SimpleNamespace(
        course_title="numbers made by hand",
        optimizer_name="SGD",
        names=("lr", "momentum"),
        values=(spans[scales[0]], ups[scales[1]]),
        scales=scales,
        final_loss=loss,
        start_loss=None,
        quantity="training loss",
        diverged=~np.isfinite(loss),
        failed=np.zeros_like(loss, dtype=bool),
        diverged_at=None,
        steps=200,
        seed=0,
        engine="fleet",
        dtype="float32",
        versions=VERSIONS,
        remarks=(),
    )


class TestTrainability:
    def test_the_first_hyperparameter_lies_across_and_the_second_up(self) -> None:
        loss = np.full((5, 3), 2.0)
        loss[4, 0] = 0.1
        view = views.trainability(grid_of(loss))
        assert view.loss.shape == (3, 5)
        assert np.unravel_index(view.loss.argmin(), view.loss.shape) == (0, 4), "the bottom right"
        assert view.best == (pytest.approx(0.0), pytest.approx(0.0)), "lr 1 = 10⁰, momentum 0"
        assert view.best_text == "best: 0.1\nlr 1, momentum 0"

    def test_networks_that_end_no_lower_than_they_began_are_counted(self) -> None:
        grid = grid_of(np.array([[0.1, 0.2], [2.4, 2.3]]))
        assert "no lower" not in " ".join(views.trainability(grid).sentence)
        grid.start_loss = 2.3
        assert "Half end no lower than they began." in " ".join(views.trainability(grid).sentence)

    def test_pixels_are_centred_on_their_values(self) -> None:
        view = views.trainability(grid_of(np.ones((3, 3))))
        assert view.extent == pytest.approx((-2.5, 0.5, -0.5, 2.5))
        assert [view.y.ticks[view.y.labels.index(label)] for label in ("0", "0.9", "0.99")] == pytest.approx([0, 1, 2])

    def test_diverged_networks_are_nan_and_counted(self) -> None:
        loss = np.ones((4, 4))
        loss[2:] = np.nan
        view = views.trainability(grid_of(loss))
        assert np.isnan(view.loss[:, 2:]).all()
        assert np.isfinite(view.loss[:, :2]).all()
        assert view.sentence[0].startswith(
            "Half of 16 networks diverge; the best has learning rate 0.01 and momentum 0"
        )

    def test_the_border_is_told_at_both_ends_and_where_it_is_ragged(self) -> None:
        loss = np.ones((5, 2))
        loss[4, 0] = np.nan
        loss[[1, 3], 1] = np.nan
        told = " ".join(views.trainability(grid_of(loss)).sentence)
        assert "The largest safe learning rate goes from 0.32 at momentum 0 to 0.01 at 0.99." in told
        assert "The border is ragged: two networks train beyond one that does not." in told

    def test_border_and_islands_by_hand(self) -> None:
        lost = np.array([[0, 1, 0], [1, 1, 0], [0, 1, 0]], dtype=bool)
        assert boundary(lost).tolist() == [0, -1, 2]
        assert beyond(lost) == 1
        assert best_cell(np.array([[np.nan, 2.0], [1.0, np.nan]])) == (1, 0)
        assert best_cell(np.full((2, 2), np.nan)) is None

    def test_all_diverged_and_none(self) -> None:
        assert views.trainability(grid_of(np.full((3, 3), np.nan))).sentence == ("All nine networks diverge.",)
        view = views.trainability(grid_of(np.ones((3, 3))))
        assert view.sentence[0].startswith("None of nine networks diverges")
        assert "black" not in " ".join(view.footer)

    @pytest.mark.parametrize("loss", [np.full((3, 3), np.nan), np.ones((4, 9)), np.zeros((1, 1)), -np.ones((9, 2))])
    @pytest.mark.parametrize("scales", [("log", "one minus"), ("log", "log"), ("linear", "linear")])
    def test_every_kind_of_grid_is_drawn(self, loss: np.ndarray, scales: tuple[str, str]) -> None:
        plots.write(plots.trainability(views.trainability(grid_of(loss, scales))), io.BytesIO(), "png")

    def test_an_svg_holds_the_map_as_pixels(self) -> None:
        stream = io.BytesIO()
        plots.write(
            plots.trainability(views.trainability(grid_of(np.random.default_rng(0).random((64, 64))))), stream, "svg"
        )
        assert len(stream.getvalue()) < 300_000
        assert b"<image" in stream.getvalue()
