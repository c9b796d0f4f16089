"""Learning-rate schedules in the plain loop, and what the other engines make of them."""

from __future__ import annotations

import numpy as np
import pytest

import slalom
from slalom.core import InputError, Noise
from slalom.lab.inside import look_inside

SCHEDULED = [
    "sgd:lr=0.001 | exponential:gamma=0.99", "sgd:lr=0.0005,momentum=0.9 | onecycle", "adam:lr=0.1 | cosine",
    "adamw:lr=0.1 | warmup:steps=10 | cosine", "rmsprop:lr=0.01 | step:step_size=7,gamma=0.5",
    "nadam:lr=0.01 | linear | exponential:gamma=0.9", "rprop | cosine", "asgd:lr=0.001 | polynomial",
    "adafactor | cosine", "lbfgs:lr=0.1 | step:step_size=5", "muon:lr=0.1 | onecycle", "sparseadam:lr=0.1 | cosine",
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_field_equals_solo_bit_for_bit_under_a_schedule(dtype: str) -> None:
    together = slalom.race("rosenbrock", SCHEDULED, starts=2, steps=20, engine="field", dtype=dtype, noise=0.1)
    alone = slalom.race("rosenbrock", SCHEDULED, starts=2, steps=20, engine="solo", dtype=dtype, noise=0.1)
    np.testing.assert_array_equal(together.paths, alone.paths)
    constant = [spec.partition(" | ")[0] for spec in SCHEDULED]
    unscheduled = slalom.race("rosenbrock", constant, starts=2, steps=20, engine="solo", dtype=dtype, noise=0.1)
    differs = [not np.array_equal(a, b) for a, b in zip(alone.paths, unscheduled.paths, strict=True)]
    # Rprop reads its rate only once, and the first step of its schedule has the whole rate.
    assert {SCHEDULED[index // 2] for index, moved in enumerate(differs) if not moved} == {"rprop | cosine"}


def test_the_rate_scales_every_step_of_gradient_descent() -> None:
    """On a plane slope a step of SGD is the rate in force, times the slope."""
    race = slalom.race("3*x + 2*y", ["sgd:lr=1 | multistep:milestones=(3,5)"], steps=7, engine="solo")
    np.testing.assert_allclose(-np.diff(race.paths[0, :, 0]), 3 * np.array([1, 1, 1, 0.1, 0.1, 0.01, 0.01]))


def test_the_inside_of_an_update_is_that_of_the_scheduled_run() -> None:
    race = slalom.race("sphere", ["adam:lr=0.1 | cosine"], start=(3, -2), steps=20, engine="solo")
    inside = look_inside(race.course, race.runners[0], 20, Noise())
    np.testing.assert_array_equal(inside["step"], np.diff(race.paths[0], axis=0))


def test_the_fleet_refuses_a_schedule_and_auto_goes_round_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError) as error:
        slalom.race("sphere", ["adam", "adam:lr=0.1 | cosine"], engine="fleet")
    assert str(error.value) == (
        "`adam:lr=0.1 | cosine`: the fleet engine moves update rules whose hyperparameters stay as they are, and here "
        "is `cosine`: use the engine field or solo."
    )
    with pytest.raises(InputError) as error:
        slalom.race("sphere", ["adamw | nodecay"], engine="fleet")
    assert str(error.value) == (
        "`adamw | nodecay`: its stage `nodecay` sorts the parameters of a network, and here there are only "
        "coordinates: leave it out."
    )
    monkeypatch.setattr("slalom.lab.racing.MANY", 3)
    assert slalom.race("sphere", ["adam"], starts=4, steps=5).engine == "fleet"
    assert slalom.race("sphere", ["adam | cosine"], starts=4, steps=5).engine == "field"


def test_a_sweep_runs_scheduled_optimizers_by_their_real_classes() -> None:
    sweep = slalom.sweep("sphere", ["adam", "adam | cosine"], grid=5, starts=2, steps=20)
    assert sweep.engine == "field and fleet"
    plain, scheduled = sweep.final_losses
    assert not np.array_equal(plain, scheduled)
    race = slalom.race("sphere", [f"adam:lr={sweep.rates[3]!r} | cosine".replace("np.float64(", "").replace(")", "")],
                       starts=2, steps=20, engine="solo")  # fmt: skip
    np.testing.assert_allclose(scheduled[3], race.losses[:, -1], rtol=1e-12)


def test_a_sweep_over_a_rate_that_the_schedule_sets_is_refused() -> None:
    with pytest.raises(InputError) as error:
        slalom.sweep("sphere", ["adam | onecycle:max_lr=0.1"])
    assert str(error.value) == (
        "`adam | onecycle:max_lr=0.1`: its schedule sets the rate to max_lr, so a sweep over lr changes nothing: leave "
        "max_lr out, and it is lr."
    )
