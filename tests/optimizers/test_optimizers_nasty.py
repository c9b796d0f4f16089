"""Classes that do what a loop may not expect do in every engine what they do in a hand-written loop."""

from __future__ import annotations

import copy
import os
import random
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nasty
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from plain_loops import descend, over_matrices, train

import slalom
from slalom.cli.application import program
from slalom.optimizers import parse

COURSE = "(1-x)**2 + 5*(y-x**2)**2"
STARTS = [(-1.5, 1.0), (0.5, -1.0), (2.0, 2.0), (1.2, 0.3)]
STEPS = 60
SINGLE = [*nasty.ALONE, *nasty.PLAIN]


def surroundings() -> dict[str, Any]:
    return {
        "dtype": torch.get_default_dtype(),
        "threads": torch.get_num_threads(),
        "deterministic": torch.get_deterministic_debug_mode(),
        "matmul": torch.get_float32_matmul_precision(),
        "path": list(sys.path),
        "folder": os.getcwd(),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "warnings": list(warnings.filters),
        "numpy": np.geterr(),
    }


def class_state() -> str:
    return repr(
        [
            nasty.CountsOnTheClass.steps,
            nasty.CountsInstances.instances,
            nasty.CACHE,
            nasty.SLOTS.steps,
            nasty.SPACE.steps,
            nasty.DrawsFromTheClass.chance.getstate()[1][-1],
            nasty.ChangesItsDefault.move.__defaults__,
            hasattr(nasty.AddsToItsClass, "total"),
        ]
    )


@contextmanager
def as_new() -> Iterator[None]:
    """Put back by hand what the classes change, around a hand-written loop."""
    before, chance = surroundings(), nasty.DrawsFromTheClass.chance.getstate()
    try:
        yield
    finally:
        torch.set_default_dtype(before["dtype"])
        torch.set_num_threads(before["threads"])
        torch.set_deterministic_debug_mode(before["deterministic"])
        torch.set_float32_matmul_precision(before["matmul"])
        sys.path[:], warnings.filters[:] = before["path"], before["warnings"]  # type: ignore[index]
        os.chdir(before["folder"])
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before["signals"], strict=True):
            signal.signal(number, handler)
        np.seterr(**before["numpy"])
        nasty.CountsOnTheClass.steps = 0
        nasty.CountsInstances.instances.clear()
        nasty.CACHE.clear()
        nasty.SLOTS.steps = nasty.SPACE.steps = 0
        nasty.counter.cache_clear()
        nasty.DrawsFromTheClass.chance.setstate(chance)
        nasty.ChangesItsDefault.move.__defaults__[0].clear()  # type: ignore[index]
        if hasattr(nasty.AddsToItsClass, "total"):
            del nasty.AddsToItsClass.total


def begin_quietly(cls: Any) -> Any:
    """Return a maker whose optimizers bear being told before the first step: a person would leave that call out."""
    if cls is not nasty.CannotBeToldEarly:
        return cls

    class Bearing(cls):  # type: ignore[misc]
        def train(self) -> None:
            if self.state:
                super().train()

    return Bearing


@pytest.fixture(scope="module")
def adam() -> np.ndarray:
    return slalom.race(COURSE, ["adam:lr=0.1"], starts=STARTS, steps=STEPS, engine="solo").paths


@pytest.mark.parametrize("cls", SINGLE, ids=lambda cls: cls.__name__)
def test_every_engine_does_what_the_plain_loop_does_on_a_landscape(cls: Any, adam: np.ndarray) -> None:
    """From one start and from four, beside another optimizer, which is left in peace; nothing is left behind."""
    needs = parse(cls).needs
    expected = []
    for start in STARTS:
        with as_new():
            expected.append(descend(begin_quietly(cls), start, STEPS, needs))
    before, state = surroundings(), class_state()
    chance = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index,union-attr]
    for engine in ("solo", "field"):
        race = slalom.race(COURSE, [cls, "adam:lr=0.1"], starts=STARTS, steps=STEPS, engine=engine)
        np.testing.assert_array_equal(race.paths[:4], expected, err_msg=engine)
        np.testing.assert_array_equal(race.paths[4:], adam, err_msg=engine)
        one = slalom.race(COURSE, [cls], start=STARTS[1], steps=STEPS, engine=engine)
        np.testing.assert_array_equal(one.paths[0], expected[1], err_msg=engine)
        assert surroundings() == before
        assert class_state() == state
        assert random.getstate() == chance[0]
        assert torch.equal(torch.get_rng_state(), chance[1])
        assert np.random.get_state()[1].tolist() == chance[2]  # type: ignore[index,union-attr]
    told = [remark for remark in race.remarks if "plain loop" in remark]
    assert bool(told) is (cls in nasty.PLAIN)
    assert all(cls.__name__ in remark for remark in told)


@pytest.mark.parametrize("cls", SINGLE, ids=lambda cls: cls.__name__)
def test_every_engine_does_what_the_plain_loop_does_on_a_network(cls: Any) -> None:
    """Alone bit for bit; together with others up to how products of several networks round."""
    steps, needs = 6, parse(cls).needs
    with as_new():
        expected = train(over_matrices(begin_quietly(cls), needs), steps, needs)
    before, state = surroundings(), class_state()
    alone = slalom.race("digits-mlp", [cls], steps=steps, engine="solo").runs[0]
    assert alone.losses.tolist() == expected
    together = slalom.race("digits-mlp", ["sgd:lr=0.1", cls], seeds=2, steps=steps, engine="field")
    by_itself = slalom.race("digits-mlp", [cls], seeds=2, steps=steps, engine="field")
    np.testing.assert_allclose(together.runs[2].losses, expected, rtol=1e-4)
    for k in range(2):
        np.testing.assert_array_equal(together.runs[2 + k].losses, by_itself.runs[k].losses)
    assert surroundings() == before
    assert class_state() == state


@pytest.mark.parametrize("cls", [nasty.FailsLate, nasty.ExitsLate])
def test_one_that_fails_takes_nobody_with_it(cls: Any, adam: np.ndarray) -> None:
    for engine in ("solo", "field"):
        race = slalom.race(COURSE, [cls, "adam:lr=0.1"], starts=STARTS, steps=STEPS, engine=engine)
        np.testing.assert_array_equal(race.paths[4:], adam)
        assert [str(status) for status in race.statuses[:4]] == ["failed at step 20"] * 4
        assert np.isfinite(race.paths[:4, :21]).all()
        assert np.isnan(race.paths[:4, 21:]).all()
        assert any(cls.__name__ in remark and "failed" in remark for remark in race.remarks)
        assert "failed" in str(race.table())


def test_random_numbers_depend_on_the_seed_and_on_nobody_else() -> None:
    def paths(seed: int, *beside: Any) -> np.ndarray:
        return slalom.race(COURSE, [nasty.Draws, *beside], start=(2, 2), steps=20, seed=seed).paths[0]

    np.testing.assert_array_equal(paths(0), paths(0, nasty.Draws, nasty.DrawsWhenMade, "adam:lr=0.1"))
    assert not np.array_equal(paths(0), paths(1))


def test_settings_that_were_changed_are_named_with_the_culprit() -> None:
    race = slalom.race(COURSE, ["sgd:lr=0.01", nasty.ChangesSettings, nasty.Draws], steps=5)
    (told,) = [remark for remark in race.remarks if "put back" in remark]
    assert "ChangesSettings" in told
    assert "Draws" not in told
    for name in ("default dtype", "threads", "deterministic", "float32 products", "sys.path", "working", "signal"):
        assert name in told


def test_a_slow_first_step_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class that compiles at its first step is tried once, however often its spec is read."""
    steps = []

    class Compiling(nasty.Descent):
        def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
            steps.append(1)
            super().move(p, lr, state)

    monkeypatch.setattr("slalom.optimizers.needs.SLOW", 0.0)
    for lr in (0.1, 0.2, 0.3):
        parse(__import__("functools").partial(Compiling, lr=lr))
    parse(Compiling).replace(lr=0.5)
    assert len(steps) <= 6


def test_state_of_a_class_that_is_changed_between_races_is_the_users_own() -> None:
    """What a user sets on a class before a race is what the race uses, and still there after it."""
    before = copy.copy(nasty.CountsOnTheClass.steps)
    try:
        nasty.CountsOnTheClass.steps = 100
        later = slalom.race(COURSE, [nasty.CountsOnTheClass], start=(2, 2), steps=5).paths
        assert nasty.CountsOnTheClass.steps == 100
        nasty.CountsOnTheClass.steps = 0
        early = slalom.race(COURSE, [nasty.CountsOnTheClass], start=(2, 2), steps=5).paths
    finally:
        nasty.CountsOnTheClass.steps = before
    assert np.abs(np.diff(later[0], axis=0)).sum() < np.abs(np.diff(early[0], axis=0)).sum() / 2


class FailsFromTheLeft(nasty.Descent):
    """Fails where x is far below zero."""

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        if float(p.flatten()[0]) < -2.5:
            raise ValueError("too far to the left")
        super().move(p, 1e-4, state)


def test_sweeps_say_what_failed_and_go_on() -> None:
    for over in ("lr", "start"):
        sweep = slalom.sweep("himmelblau", [FailsFromTheLeft, "sgd:lr=0.001"], over=over, grid=4, steps=5)
        (told,) = [remark for remark in sweep.remarks if "failed" in remark]
        assert "FailsFromTheLeft" in told
        assert "too far to the left" in told


@pytest.mark.parametrize("engine", ["solo", "field"])
def test_the_command_line_names_what_failed_and_shows_the_others(engine: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch\n"
        "class Weary(torch.optim.SGD):\n"
        "    steps = 0\n"
        "    def step(self, closure=None):\n"
        "        self.steps += 1\n"
        "        if self.steps > 7:\n"
        "            raise RuntimeError('no more')\n"
        "        return super().step(closure)\n"
    )
    mine = f"{tmp_path / 'mine.py'}:Weary:lr=0.0001"
    typed = ["race", "rosenbrock", "-o", mine, "-o", "adam:lr=0.1", "--steps", "20", "--engine", engine]
    result = CliRunner().invoke(program, typed)
    assert result.exit_code == 0
    for words in ("no more", "failed at step 7", "Adam"):
        assert words in result.output
