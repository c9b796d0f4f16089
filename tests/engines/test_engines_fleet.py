"""The fleet engine moves thousands of runners by their update rules, within rounding of the real classes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import slalom
from slalom.core import InputError
from slalom.formula import log
from slalom.lab import sweep
from slalom.optimizers import parse

RULED = [
    "sgd:lr=0.001", "momentum:lr=0.001", "nesterov:lr=0.001",
    "sgd:lr=0.001,momentum=0.9,dampening=0.5,weight_decay=0.1",
    "adagrad:lr=0.3", "adagrad:lr=0.3,lr_decay=0.01,initial_accumulator_value=0.5", "rmsprop:lr=0.01",
    "rmsprop:lr=0.01,momentum=0.5", "adadelta:lr=1", "adam:lr=0.1", "amsgrad:lr=0.1", "adamw:lr=0.1", "adamax", "nadam",
    "radam", "rprop",
]  # fmt: skip


DEEPEST = 1 + math.sqrt(1.005)
WALL = slalom.Landscape(
    lambda x, y: (x - 2) ** 2 + y**2 - 0.01 * log(x), domain=[(0.2, 6), (-2, 2)], starts=[(5, 1)], name="wall",
    minima=[((DEEPEST, 0), (DEEPEST - 2) ** 2 - 0.01 * math.log(DEEPEST))], traceable=True,
)  # fmt: skip
"""Beyond x = 0 there is a slope but no loss: who overshoots comes back, and has diverged all the same."""


@pytest.mark.parametrize("spec", RULED)
@pytest.mark.parametrize("name", ["ellipse", "booth", "matyas"])
def test_fleet_stays_within_rounding_of_the_plain_loop(spec: str, name: str) -> None:
    """On contracting problems, where rounding does not grow: 1e-10 of the size of the path."""
    fleet = slalom.race(name, [spec], steps=200, engine="fleet")
    solo = slalom.race(name, [spec], steps=200, engine="solo")
    scale = np.abs(solo.paths).max()
    np.testing.assert_allclose(fleet.paths, solo.paths, rtol=0, atol=1e-10 * scale)


def test_fleet_takes_a_landscape_that_cannot_be_recorded() -> None:
    import torch

    def bowl(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return torch.logsumexp(torch.stack([x**2, y**2]), dim=0)

    fleet = slalom.race(bowl, ["adam:lr=0.1"], starts=[(1.0, 2.0), (-3.0, 0.5)], steps=100, engine="fleet")
    solo = slalom.race(bowl, ["adam:lr=0.1"], starts=[(1.0, 2.0), (-3.0, 0.5)], steps=100, engine="solo")
    np.testing.assert_allclose(fleet.paths, solo.paths, atol=1e-11)


@pytest.mark.parametrize("count", [1, 31, 32, 5000, 10_007])
def test_a_lane_does_not_depend_on_how_many_there_are(count: int) -> None:
    starts = np.random.default_rng(1).uniform(-5, 5, (10_007, 2))[:count]
    race = slalom.race("himmelblau", ["adam:lr=0.1"], starts=[*map(tuple, starts.tolist())], steps=20, engine="fleet")
    alone = slalom.race("himmelblau", ["adam:lr=0.1"], start=tuple(starts[-1]), steps=20, engine="fleet")
    np.testing.assert_array_equal(race.paths[-1], alone.paths[0])


@pytest.mark.parametrize("spec", RULED)
def test_learning_rates_as_lanes_equal_one_race_each(spec: str) -> None:
    curve = sweep("booth", [spec], over="lr", grid=5, start=(3.0, -2.0), steps=60)
    for rate, losses, gone in zip(curve.rates, curve.final_losses[0], curve.diverged[0], strict=True):
        race = slalom.race("booth", [parse(spec).replace(lr=float(rate))], start=(3.0, -2.0), steps=60, engine="solo")
        if gone[0]:
            assert race.statuses[0].kind == "diverged"
        else:
            scale = max(1.0, float(np.nanmax(race.losses[0])))
            assert abs(race.losses[0, -1] - losses[0]) <= 1e-9 * scale


def test_an_optimizer_without_a_rule_is_refused_with_a_way_out() -> None:
    with pytest.raises(InputError, match=r"`muon`: the fleet engine moves update rules.*use the engine field or solo"):
        slalom.race("sphere", ["muon"], engine="fleet")


@pytest.mark.parametrize("spec", ["adam:lr=0.3", "asgd:lr=0.1", "momentum:lr=0.01", "momentum:lr=0.1"])
@pytest.mark.parametrize("course", ["himmelblau", WALL], ids=["himmelblau", "wall"])
def test_ends_of_a_sweep_are_the_ends_of_its_races(course: Any, spec: str) -> None:
    """Where a sweep keeps no paths, its summary equals what the paths would have told."""
    basins = sweep(course, [spec], over="start", grid=6, steps=230)
    cells = [(x, y) for y in basins.grid_y.tolist() for x in basins.grid_x.tolist()]
    race = slalom.race(course, [spec], starts=cells, steps=230, engine="field")
    (ends,) = basins.ends
    gone = np.array([status.kind == "diverged" for status in race.statuses])
    np.testing.assert_array_equal(ends.diverged, gone)
    np.testing.assert_allclose(ends.points[~gone], race.paths[~gone, -1], atol=1e-9)
    for index in np.flatnonzero(~gone):
        converged = race.statuses[index].kind == "converged"
        assert ends.arrived_at[index] == (race.metrics[index].settles if converged else -1)


def test_float32_fleet_and_threads_change_nothing_but_precision() -> None:
    import torch

    starts = [*map(tuple, np.random.default_rng(2).uniform(-5, 5, (12_000, 2)).tolist())]
    one = slalom.race("sphere", ["adam:lr=0.1"], starts=starts, steps=10, engine="fleet")
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        two = slalom.race("sphere", ["adam:lr=0.1"], starts=starts, steps=10, engine="fleet")
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(one.paths, two.paths)
    single = slalom.race("sphere", ["adam:lr=0.1"], starts=starts, steps=10, engine="fleet", dtype="float32")
    np.testing.assert_allclose(single.paths, one.paths, atol=1e-5)


def test_large_values_in_float32_do_not_overflow_a_scaled_state() -> None:
    """The second moment of a gradient of 1e5 fits float32; divided by a small scale it would not."""
    specs = ["rmsprop:lr=0.0001,alpha=0.9", "adadelta"]
    moved = {
        engine: slalom.race("1e5*x**2 + 1e5*y**2", specs, start=(1, 1), steps=700, engine=engine, dtype="float32").paths
        for engine in ("fleet", "solo")
    }
    np.testing.assert_allclose(moved["fleet"], moved["solo"], rtol=1e-4, atol=1e-5)
