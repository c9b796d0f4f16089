"""The field engine moves the real classes together and changes nothing: not one bit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import slalom
from slalom.landscapes import NAMES, find

EVERY_CLASS = [
    "sgd:lr=0.001", "momentum:lr=0.0005", "nesterov:lr=0.0005", "adagrad:lr=0.3", "rmsprop:lr=0.01", "adadelta:lr=1",
    "adam:lr=0.1", "amsgrad:lr=0.1", "adamw:lr=0.1", "adamax", "nadam:lr=0.01", "radam", "adafactor", "asgd:lr=0.001",
    "rprop", "lbfgs:lr=0.1", "muon", "sparseadam",
]  # fmt: skip


def starts_of(name: str, count: int = 2) -> list[tuple[float, ...]]:
    landscape = find(name)
    low, high = np.array(landscape.domain, dtype=float).T
    drawn = np.random.default_rng(3).uniform(low, high, (count, landscape.dim))
    return [landscape.starts[0], *map(tuple, drawn.tolist())]


@pytest.mark.parametrize("name", NAMES)
def test_field_equals_the_plain_loop_bit_for_bit(name: str) -> None:
    """Every optimizer class on every landscape: the same paths, the same divergences, the same evaluations."""
    few = ["sgd:lr=0.001", "rmsprop:lr=0.01", "adam:lr=0.1", "adafactor", "muon"]
    together = slalom.race(name, few, starts=starts_of(name), steps=25, engine="field")
    alone = slalom.race(name, few, starts=starts_of(name), steps=25, engine="solo")
    np.testing.assert_array_equal(together.paths, alone.paths)
    np.testing.assert_array_equal(together.evaluations, alone.evaluations)
    assert together.statuses == alone.statuses


@pytest.mark.parametrize("name", ["rosenbrock", "rastrigin", "beale"])
def test_every_class_of_torch_optim_keeps_its_bits(name: str) -> None:
    together = slalom.race(name, EVERY_CLASS, starts=starts_of(name, 1), steps=40, engine="field")
    alone = slalom.race(name, EVERY_CLASS, starts=starts_of(name, 1), steps=40, engine="solo")
    np.testing.assert_array_equal(together.paths, alone.paths)


@pytest.mark.parametrize("course", ["(x**2+y**2)**0.25", "x**2.5 + y**2", "cosh(x) + y**2"])
@pytest.mark.parametrize("spec", ["adam:lr=0.1", "adam:lr=0.1,fused=True"])
def test_functions_that_torch_rounds_otherwise_in_bulk_keep_their_bits(course: str, spec: str) -> None:
    starts = [*map(tuple, np.random.default_rng(8).uniform(0.5, 3, (33, 2)).tolist())]
    together = slalom.race(course, [spec], starts=starts, steps=30, engine="field")
    alone = slalom.race(course, [spec], starts=starts, steps=30, engine="solo")
    np.testing.assert_array_equal(together.paths, alone.paths)


def test_the_plain_loop_is_the_plain_loop() -> None:
    """The solo engine against ten lines that anybody would write."""
    point = torch.tensor([-75.0, -10.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.AdamW([point], lr=1.0)
    path = [point.tolist()]
    for _ in range(300):
        optimizer.zero_grad()
        (point[0] ** 2 + point[1] ** 2).backward()
        optimizer.step()
        path.append(point.tolist())
    for engine in ("solo", "field"):
        race = slalom.race("sphere", ["adamw:lr=1"], start=(-75, -10), steps=300, engine=engine)
        np.testing.assert_array_equal(race.paths[0], path)


@pytest.mark.parametrize("engine", ["field", "fleet"])
def test_a_runner_does_not_know_its_neighbours(engine: str) -> None:
    crowd = ["sgd:lr=0.1", "sgd:lr=1.5", "adam:lr=1", "rmsprop:lr=1"]
    points = [(-75.0, -10.0), (3.0, 4.0), (1e-3, 80.0)]
    together = slalom.race("sphere", crowd, starts=points, steps=200, engine=engine)
    for index, spec in enumerate(crowd):
        alone = slalom.race("sphere", [spec], start=points[1], steps=200, engine=engine)
        np.testing.assert_array_equal(together.paths[3 * index + 1], alone.paths[0])


@pytest.mark.parametrize("engine", ["solo", "field", "fleet"])
def test_a_diverged_runner_is_frozen_and_hurts_nobody(engine: str) -> None:
    race = slalom.race("sphere", ["sgd:lr=1.5", "adam:lr=1"], start=(-75, -10), steps=2000, engine=engine)
    assert str(race.statuses[0]) == "diverged at step 21"
    # x doubles and changes sign at every step; the record ends where a million widths of the domain are passed.
    np.testing.assert_array_equal(race.paths[0, :22, 0], -75.0 * (-2.0) ** np.arange(22))
    assert np.isnan(race.paths[0, 22:]).all()
    assert np.isnan(race.losses[0, 22:]).all()
    assert np.isfinite(race.paths[1]).all()
    alone = slalom.race("sphere", ["adam:lr=1"], start=(-75, -10), steps=2000, engine=engine)
    np.testing.assert_array_equal(race.paths[1], alone.paths[0])


@given(
    noise=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 2**31),
    engine=st.sampled_from(["solo", "field", "fleet"]),
)
def test_equal_seeds_give_equal_runs_and_different_seeds_differ(noise: float, seed: int, engine: str) -> None:
    def run(first: int) -> np.ndarray:
        return slalom.race("sphere", ["adam:lr=0.5"], steps=12, seed=first, noise=noise, engine=engine).paths

    np.testing.assert_array_equal(run(seed), run(seed))
    assert np.array_equal(run(seed), run(seed + 1)) == (noise == 0.0)


def test_noise_is_the_same_for_every_optimizer_and_does_not_depend_on_the_horizon() -> None:
    """On a plane slope SGD's step minus lr × slope is the noise itself."""
    short = slalom.race("3*x + 2*y", ["sgd:lr=1", "sgd:lr=0.5"], steps=10, noise=0.7, seeds=2)
    long = slalom.race("3*x + 2*y", ["sgd:lr=1"], steps=700, noise=0.7, seeds=2)
    np.testing.assert_array_equal(short.paths[:2], long.paths[:, :11])
    noise = -np.diff(short.paths, axis=1) / np.array([1, 1, 0.5, 0.5])[:, None, None] - [3, 2]
    np.testing.assert_allclose(noise[:2], noise[2:], atol=1e-12)
    drawn = -np.diff(long.paths, axis=1) - [3, 2]
    assert abs(drawn.std() - 0.7) < 0.03
    assert abs(drawn.mean()) < 0.05
    assert abs(np.corrcoef(drawn[0].ravel(), drawn[1].ravel())[0, 1]) < 0.1


def test_noise_reaches_every_engine_alike() -> None:
    """LBFGS meets the same noise at every evaluation of a step; the engines agree on it."""
    specs = ["sgd:lr=0.05", "adam:lr=0.5", "lbfgs:lr=0.1", "sparseadam:lr=0.1", "muon:lr=0.1"]
    reference = slalom.race("ravine", specs, steps=30, noise=0.3, seeds=2, engine="solo")
    field = slalom.race("ravine", specs, steps=30, noise=0.3, seeds=2, engine="field")
    np.testing.assert_array_equal(field.paths, reference.paths)
    fleet = slalom.race("ravine", specs[:2], steps=30, noise=0.3, seeds=2, engine="fleet")
    np.testing.assert_allclose(fleet.paths, reference.paths[:4], atol=1e-10)


def test_lbfgs_counts_its_evaluations() -> None:
    race = slalom.race("rosenbrock", ["lbfgs", "adam"], steps=10)
    assert race.evaluations[0, -1] > 10
    assert race.metrics[0].evaluations == race.evaluations[0, -1]
    np.testing.assert_array_equal(race.evaluations[1], np.arange(11))


def test_float32_races_in_float32() -> None:
    single = slalom.race("rosenbrock", ["adam:lr=0.1"], steps=50, dtype="float32")
    double = slalom.race("rosenbrock", ["adam:lr=0.1"], steps=50)
    assert single.paths.dtype == np.float64
    np.testing.assert_array_equal(single.paths, single.paths.astype(np.float32))
    np.testing.assert_allclose(single.paths, double.paths, atol=1e-3)
    assert not np.array_equal(single.paths, double.paths)
    alone = slalom.race("rosenbrock", ["adam:lr=0.1"], steps=50, dtype="float32", engine="solo")
    np.testing.assert_array_equal(single.paths, alone.paths)


def test_a_start_without_a_gradient_is_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        race = slalom.race("sqrt(x**2 + y**2)", ["rprop:lr=0.1", "adam:lr=0.1"], start=(0, 0), steps=5, engine="field")
    assert [status.kind for status in race.statuses] == ["finished", "diverged"]
