"""Sweeps over networks: every cell is a race of its own, and the test set stays closed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import slalom
from slalom import optimizers
from slalom.core import InputError
from slalom.lab import NetworkSensitivity, TrainabilityMap, ranges


@pytest.fixture(scope="module")
def curve() -> NetworkSensitivity:
    return slalom.sweep("digits-mlp", ["sgd", "adam:lr=0.1"], grid=4, seeds=2, epochs=1)


@pytest.fixture(scope="module")
def grid() -> TrainabilityMap:
    return slalom.sweep("digits-mlp", ["sgd"], over="lr,momentum", grid=5, steps=15)


def test_a_point_of_a_curve_is_a_race_of_its_own(curve: NetworkSensitivity) -> None:
    rate = float(curve.rates[1][2])
    alone = slalom.race("digits-mlp", [f"adam:lr={rate!r}"], seeds=2, epochs=1)
    assert curve.measure == "validation_accuracy"
    np.testing.assert_allclose(curve.finals[1][2], alone.final("validation_accuracy"), atol=0.005)


def test_each_optimizer_is_swept_over_its_own_range(curve: NetworkSensitivity) -> None:
    assert [(rates[0], rates[-1]) for rates in curve.rates] == [
        (pytest.approx(1e-3), pytest.approx(10)),
        (pytest.approx(1e-5), pytest.approx(1e-1)),
    ]
    assert curve.seeds == (0, 1)
    assert [sweep.final.shape for sweep in curve.sweeps] == [(4, 2), (4, 2)]
    assert [sweep.name for sweep in curve.sweeps] == ["SGD", "Adam"]


def test_a_curve_says_where_the_best_is(curve: NetworkSensitivity) -> None:
    rows = curve.table().rows
    best = int(np.argmax(np.median(curve.finals[0], axis=1)))
    assert rows[0]["best lr"] == curve.rates[0][best]
    assert rows[0]["at the edge"] == ("yes" if best in (0, 3) else "")


def test_a_curve_is_written(curve: NetworkSensitivity, tmp_path: Path) -> None:
    content = json.loads(curve.to_json())
    assert (content["over"], content["measure"], content["seeds"]) == ("lr", "validation_accuracy", [0, 1])
    assert content["optimizers"][1]["learning_rates"] == curve.rates[1].tolist()
    assert content["optimizers"][1]["final"] == curve.finals[1].tolist()
    assert "test" not in json.dumps({**content, "versions": {}})
    curve.save(tmp_path / "curve.csv")
    with (tmp_path / "curve.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["optimizer", "lr", "seed", "validation_accuracy", "status"]
    assert len(rows) == 1 + 2 * 4 * 2
    assert curve.save(tmp_path / "curve.png").stat().st_size > 10_000
    assert curve.sentence


def test_a_cell_of_a_map_is_a_race_of_its_own(grid: TrainabilityMap) -> None:
    rate, momentum = (float(values[3]) for values in grid.values)
    alone = slalom.race("digits-mlp", [f"sgd:lr={rate!r},momentum={momentum!r}"], steps=15)
    assert grid.final_loss[3, 3] == pytest.approx(alone.final("train_loss")[0], rel=1e-3)
    assert (grid.axes, grid.scales, grid.seed) == (("lr", "momentum"), ("log", "one minus"), 0)
    np.testing.assert_allclose(grid.values[1], 1 - np.geomspace(1, 0.01, 5))


def test_a_map_is_written(grid: TrainabilityMap, tmp_path: Path) -> None:
    content = json.loads(grid.to_json())
    assert (content["over"], content["names"], content["scales"]) == (
        "lr,momentum",
        ["lr", "momentum"],
        ["log", "one minus"],
    )
    assert content["final_loss"] == grid.final_loss.tolist()
    grid.save(tmp_path / "map.csv")
    with (tmp_path / "map.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["optimizer", "lr", "momentum", "seed", "final_training_loss", "diverged_at", "status"]
    assert len(rows) == 26
    assert [float(cell) for cell in rows[2][1:3]] == [grid.values[0][0], grid.values[1][1]]
    assert grid.save(tmp_path / "map.png").stat().st_size > 10_000
    assert grid.sentence
    assert grid.table().rows[0]["training loss"] == np.nanmin(grid.final_loss)


def test_betas_are_swept_by_their_parts_and_ranges_can_be_given() -> None:
    found = slalom.sweep("digits-mlp", ["adam"], over="beta1,beta2", ranges=[(0.5, 0.9), (0.9, 0.99)], grid=2, steps=3)
    np.testing.assert_allclose(found.values, [[0.5, 0.9], [0.9, 0.99]])
    assert np.isfinite(found.final_loss).all()


def test_what_diverges_is_nan_and_dated() -> None:
    found = slalom.sweep("digits-mlp", ["sgd"], over="lr,momentum", ranges=[(1e20, 1e30), (0, 0.5)], grid=2, steps=5)
    assert found.diverged.all()
    assert np.isnan(found.final_loss).all()
    assert found.table().rows[0]["training loss"] is None


@pytest.mark.parametrize(
    ("spec", "low", "high"),
    [
        ("sgd", 1e-3, 10),
        ("sgd:momentum=0.9", 1e-4, 1),
        ("nesterov", 1e-4, 1),
        ("adamw", 1e-5, 1e-1),
        ("adagrad", 1e-3, 1),
        ("adadelta", 1e-2, 10),
        ("rprop", 1e-4, 1),  # any other: a hundredth to a hundred times its default
    ],
)
def test_learning_rates_are_searched_where_the_protocol_says(spec: str, low: float, high: float) -> None:
    assert ranges.rate_range(optimizers.parse(spec)) == (pytest.approx(low), pytest.approx(high))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            {"over": "start"},
            "over `start` is not known: on a task sweep over lr, or over two hyperparameters of one optimizer, as in "
            "lr,momentum.",
        ),
        (
            {"over": "lr,beta3"},
            "`adam` has no number called `beta3` to sweep over. Did you mean `beta2` or `beta1`? It has lr, eps, "
            "weight_decay, beta1, beta2.",
        ),
        ({"over": "lr,lr"}, "over `lr,lr` names the same hyperparameter twice: name two."),
        (
            {"over": "lr,eps", "optimizers": ["sgd", "adam"]},
            "a sweep over `lr,eps` draws a map of one optimizer, and 2 were given: name one with -o.",
        ),
        (
            {"over": "lr,eps", "seeds": 3},
            "seeds `3` has no part in a map of two hyperparameters: it shows one seed.",
        ),
        ({"grid": 2}, "grid must be at least 3 for a curve over lr, got 2."),
        ({"over": "lr,eps", "grid": 1}, "grid must be at least 2 for a map, got 1."),
        ({"factors": [1, 2]}, "factors `[1, 2]` has no part in a sweep on a task: leave it out."),
        ({"starts": 3}, "starts `3` has no part in a sweep on a task: leave it out."),
        ({"ranges": [(1, 2), (3, 4)]}, "2 ranges were given: a sweep over lr has one."),
        (
            {"over": "lr,eps", "ranges": [(1, 2)]},
            "1 range was given: a map has two, in the order of its hyperparameters.",
        ),
        ({"ranges": [(2, 1)]}, "range `[2, 1]`: give the lowest and the highest lr, such as 0.001,1."),
        ({"ranges": [(0, 1)]}, "range `[0, 1]`: lr is swept on a log scale and must be above 0."),
        (
            {"over": "lr,beta1", "ranges": [(1, 2), (0.5, 1.5)]},
            "range `[0.5, 1.5]`: beta1 lies between 0 and 1, 1 left out.",
        ),
    ],
)
def test_what_cannot_be_swept_is_told_in_one_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        slalom.sweep("digits-mlp", **{"optimizers": ["adam"], **arguments})
    assert str(error.value) == sentence


def test_a_landscape_has_no_map_of_hyperparameters() -> None:
    with pytest.raises(InputError) as error:
        slalom.sweep("sphere", ["sgd"], over="lr,momentum")
    assert str(error.value) == (
        "over `lr,momentum` draws a map of networks: give a task, such as digits-mlp; on a landscape sweep over start, "
        "lr, ladder."
    )


def test_a_loop_is_raced_not_swept() -> None:
    def train(make_optimizer: Any, seed: int) -> Any:
        yield {"loss": 1.0}

    with pytest.raises(InputError) as error:
        slalom.sweep(train, ["sgd"])
    assert str(error.value) == "`train` is a training loop: sweeps run landscapes and tasks; race it instead."
