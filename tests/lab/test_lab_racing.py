"""``slalom.race`` and ``slalom.sweep`` as a user calls them."""

from __future__ import annotations

import functools
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import slalom
from slalom.core import InputError

SIX = ["sgd:lr=0.1", "adagrad:lr=1", "rmsprop:lr=1", "adadelta:lr=1", "adam:lr=1", "adamw:lr=1"]


@pytest.fixture(scope="module")
def long_race() -> slalom.Race:
    return slalom.race("sphere", SIX, start=(-75, -10), steps=10_000)


def test_runners_come_in_the_order_optimizer_start_seed() -> None:
    race = slalom.race("sphere", ["sgd", "adam"], starts=[(1, 2), (3, 4)], seeds=2, seed=5, noise=0.1, steps=3)
    order = [(r.optimizer.spec, r.start, r.start_index, r.seed) for r in race.runners]
    assert order == [
        (spec, point, index, seed)
        for spec in ("sgd", "adam")
        for index, point in enumerate([(1.0, 2.0), (3.0, 4.0)])
        for seed in (5, 6)
    ]
    assert race.paths.shape == (8, 4, 2)
    assert race.losses.shape == race.gradient_norms.shape == (8, 4)
    assert race.step_lengths.shape == (8, 3)
    assert race.paths.dtype == race.losses.dtype == np.float64


def test_without_optimizers_the_six_classics_run() -> None:
    race = slalom.race("sphere", steps=2)
    assert [runner.name for runner in race.runners] == ["SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW"]
    assert race.steps == 2


def test_a_class_a_partial_and_a_callable_are_optimizers() -> None:
    kinds = [torch.optim.Adam, functools.partial(torch.optim.SGD, lr=0.1), lambda p: torch.optim.Adam(p, lr=1e-3)]
    race = slalom.race("sphere", kinds, start=(1, 1), steps=5)
    by_name = slalom.race("sphere", ["adam", "sgd:lr=0.1", "adam"], start=(1, 1), steps=5)
    np.testing.assert_array_equal(race.paths, by_name.paths)


def test_losses_and_gradients_are_those_of_the_function() -> None:
    race = slalom.race("x**2 + 3*y**2", ["sgd:lr=0.1"], start=(1, 2), steps=4)
    x, y = race.paths[0].T
    np.testing.assert_allclose(race.losses[0], x**2 + 3 * y**2, rtol=1e-15)
    np.testing.assert_allclose(race.gradient_norms[0], np.hypot(2 * x, 6 * y), rtol=1e-15)


def test_the_facts_of_the_experiment(long_race: slalom.Race) -> None:
    """Published in the project's description: when each settles, and who leaves again."""
    settles = [metrics.settles for metrics in long_race.metrics]
    assert settles == [30, 8957, 93, 7290, 174, 133]
    leaves = {r.name: m.leaves for r, m in zip(long_race.runners, long_race.metrics, strict=True)}
    assert leaves["SGD"] is leaves["Adagrad"] is leaves["Adadelta"] is None
    assert leaves["RMSprop"] is not None
    assert (leaves["RMSprop"].step, leaves["RMSprop"].length) == (348, None)
    for name, step, away in (("Adam", 7067, 51), ("AdamW", 7004, 48)):
        excursion = leaves[name]
        assert excursion is not None
        assert excursion.step == step
        assert long_race.metrics[[r.name for r in long_race.runners].index(name)].steps_away == away
    kinds = [status.kind for status in long_race.statuses]
    assert kinds == ["converged", "converged", "finished", "converged", "converged", "converged"]


def test_left_the_domain_is_said_of_the_last_point() -> None:
    race = slalom.race("saddle", ["sgd:lr=0.1"], steps=40)
    assert str(race.statuses[0]) == "left the domain"
    assert str(slalom.race("saddle", ["sgd:lr=0.1"], steps=3).statuses[0]) == "finished"


def test_a_loss_that_is_not_finite_ends_the_path() -> None:
    race = slalom.race("log(x) + y**2", ["sgd:lr=0.9"], start=(0.5, 1), steps=6)
    assert str(race.statuses[0]) == "diverged at step 1"
    assert np.isfinite(race.paths[0, :2]).all()
    assert np.isnan(race.paths[0, 2:]).all()
    assert np.isnan(race.losses[0, 1:]).all()


def test_an_optimizer_that_fails_on_the_way_is_told_in_a_sentence() -> None:
    class Weary(torch.optim.SGD):
        steps = 0

        def step(self, closure=None):  # type: ignore[no-untyped-def]
            self.steps += 1
            if self.steps > 200:  # more than it takes to find out what it needs
                raise RuntimeError("late\nboom")
            return super().step(closure)

    said = r"`Weary` failed during the race with `RuntimeError: late boom \(test_lab_racing.py, line 99\)`"
    with pytest.raises(InputError, match=said):
        slalom.race("sphere", [Weary], steps=250)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("engine", ["solo", "field", "fleet"])
def test_a_caller_without_gradients_may_race(mode: type, engine: str) -> None:
    expected = slalom.race("rosenbrock", ["adam:lr=0.1"], steps=10, engine=engine).paths
    with mode():
        np.testing.assert_array_equal(
            slalom.race("rosenbrock", ["adam:lr=0.1"], steps=10, engine=engine).paths, expected
        )


def test_a_dollar_in_a_name_is_a_dollar(tmp_path: Path) -> None:
    course = slalom.Landscape(lambda x, y: x**2 + y**2, name=r"$\frac{$", dim=2)
    slalom.race(course, ["sgd:lr=0.1"], steps=5).save(tmp_path / "card.png")
    assert (tmp_path / "card.png").stat().st_size > 10_000


def test_lower_ground_that_nobody_saw_is_told() -> None:
    race = slalom.race("x**2 + 10*y**2 + sin(3*x)", ["adam:lr=0.1"], steps=300)
    assert any("lowest point of the drawn domain, f = -0.7757 at (-0.42, 0)" in remark for remark in race.remarks)
    assert slalom.race("x**2 + y**2 + 1", ["sgd:lr=0.1"], steps=100).remarks == ()


def test_an_unknown_minimum_is_the_best_value_seen() -> None:
    race = slalom.race("x**2 + y**2 + 5", ["sgd:lr=0.1", "sgd:lr=0.01"], start=(1, 1), steps=200)
    assert not race.minimum_is_known
    assert race.minimum == race.losses.min()
    assert race.tolerance == pytest.approx(1e-6 * (7 - race.minimum))
    assert race.metrics[0].settles is not None


def test_what_is_inside_is_what_the_optimizer_holds() -> None:
    race = slalom.race("ravine", ["adam:lr=0.1", "momentum:lr=0.01", "sgd:lr=0.1"], steps=20)
    adam = race.inside(0)
    assert set(adam) == {"gradient", "step", "momentum", "second_moment"}
    np.testing.assert_allclose(adam["momentum"][0], 0.1 * adam["gradient"][0], rtol=1e-12)
    np.testing.assert_allclose(adam["second_moment"][0], 0.001 * adam["gradient"][0] ** 2, rtol=1e-12)
    np.testing.assert_array_equal(adam["step"], np.diff(race.paths[0], axis=0))
    assert set(race.inside(1)) == {"gradient", "step", "momentum"}
    assert set(race.inside(2)) == {"gradient", "step"}


def test_a_race_shows_itself_in_a_notebook(long_race: slalom.Race) -> None:
    shown = long_race._repr_html_()
    assert shown.startswith('<img src="data:image/png;base64,')
    assert "<td>from 348 on</td>" in shown


def test_names_are_escaped_where_they_become_html() -> None:
    def wicked(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return x**2 + y**2

    race = slalom.race(wicked, [lambda p: torch.optim.SGD(p, lr=0.1)], steps=2)
    object.__setattr__(race.runners[0].optimizer, "name", "<script>alert(1)</script>")
    race.runners[0] = race.runners[0]._replace(name="<script>alert(1)</script>")
    assert "<script>" not in race.table()._repr_html_()


def test_large_fields_are_summed_up_in_the_table() -> None:
    race = slalom.race("sphere", ["sgd:lr=0.1", "sgd:lr=1.5"], starts=200, steps=125)
    rows = race.table().rows
    assert [row["runners"] for row in rows] == [200, 200]
    settled = [metrics.settles for metrics in race.metrics[:200] if metrics.settles is not None]
    assert 0 < len(settled) < 200
    assert rows[0]["settled"] == len(settled) / 200
    assert rows[0]["settles at"] == np.median(settled)
    assert rows[0]["best final f − f*"] == race.losses[:200, -1].min()
    assert rows[1]["diverged"] == 1.0
    assert "settled" in str(race.table())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"steps": 0}, "steps must be a whole number of at least 1, got `0`."),
        ({"optimizers": []}, "no optimizer was given: name at least one, such as `adam:lr=0.1`."),
        ({"steps": 2.5}, "steps must be a whole number of at least 1, got `2.5`."),
        ({"seeds": -1}, "seeds must be a whole number of at least 1, got `-1`."),
        ({"seed": -1}, "seed must be a whole number of at least 0 and below 2**63, got `-1`."),
        ({"noise": float("nan")}, "noise is a standard deviation: a finite number of at least 0, got `nan`."),
        ({"dtype": "float16"}, "dtype `float16` is not known: choose one of float64, float32."),
        ({"engine": "warp"}, "engine `warp` is not known: choose one of auto, solo, field, fleet."),
        ({"device": "gpu"}, "device `gpu` is none that torch knows: use `cpu`, or `cuda` for a GPU."),
        ({"starts": []}, "`starts` is an empty list: give at least one point, or a number of points to draw."),
        (
            {"start": (1, 1), "starts": 3},
            "`start` and `starts` were both given: give one point, or a list or number of them.",
        ),
    ],
)
def test_what_cannot_be_raced_is_told_in_one_sentence(arguments: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        slalom.race("sphere", **{"optimizers": ["sgd"], **arguments})
    assert str(error.value) == sentence


def test_a_million_million_steps_are_refused_before_anything_is_allocated() -> None:
    with pytest.raises(
        InputError, match=r"1 runners × 1,000,000,000,000 steps in 2 coordinates would need 4\d\.\d TiB"
    ):
        slalom.race("sphere", ["sgd"], steps=10**12)
    with pytest.raises(InputError, match=r"1,000,000,000 runners × 500 steps"):
        slalom.race("sphere", ["sgd"], starts=10**9)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"over": "stat"}, "over `stat` is not known: sweep over start, lr, ladder. Did you mean `start`?"),
        ({"over": "lr", "grid": 2}, "grid must be at least 3 for a curve over lr, got 2."),
        ({"over": "start", "starts": 3}, "starts `3` has no part in a sweep over start: leave it out."),
        ({"factors": [0.1, -1]}, "factors `[0.1, -1]`: give positive finite multiples"),
        ({"over": "start", "grid": 10**6}, "would need"),
        ({"over": "start", "factors": [1]}, "factors `[1]` has no part in a sweep over start: leave it out."),
        ({"factors": [1], "grid": 9}, "grid `9` has no part in a sweep over ladder: leave it out."),
        ({"over": "start", "seeds": 2}, "seeds `2` has no part in a sweep over start: leave it out."),
        (
            {"over": "lr", "engine": "solo"},
            "a sweep over lr does not run solo: choose the engine auto, field or fleet.",
        ),
    ],
)
def test_sweeps_refuse_what_they_cannot_do(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as error:
        slalom.sweep("sphere", ["sgd:lr=0.1"], **arguments)
    assert words in str(error.value)


def test_a_basin_map_needs_two_coordinates() -> None:
    with pytest.raises(InputError, match="has 3 coordinates: a sweep over start draws a map of two"):
        slalom.sweep("rastrigin:dim=3", ["sgd"], over="start", grid=3)


@pytest.mark.parametrize(
    ("first_use", "heavy"),
    [
        ("import slalom", "torch matplotlib scipy sympy numpy"),
        ("import slalom; slalom.race('sphere', ['sgd'], steps=2)", "matplotlib scipy"),  # torch itself imports sympy
    ],
)
def test_heavy_packages_are_imported_when_needed(first_use: str, heavy: str) -> None:
    code = f"import sys; {first_use}; print([name for name in {heavy.split()!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_public_names_are_sorted_and_there() -> None:
    assert [*slalom.__all__] == sorted(set(slalom.__all__)) == dir(slalom)
    assert all(getattr(slalom, name) is not None for name in slalom.__all__)
    with pytest.raises(AttributeError, match="no attribute 'racer'"):
        slalom.racer  # noqa: B018


def test_an_optimizer_pickles_for_other_processes(tmp_path: Path) -> None:
    race = slalom.race("rosenbrock", ["adam:lr=0.1"], steps=3)
    runner = pickle.loads(pickle.dumps(race.runners[0]))
    assert runner.optimizer.spec == "adam:lr=0.1"
    assert pickle.loads(pickle.dumps(race.course)).name == "rosenbrock"
