"""Which engine is taken, how the work is divided, and how a loop of the caller's own is followed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_tasks import small_tasks

from slalom.core import InputError, Runner, Training
from slalom.engines import networks
from slalom.optimizers import parse

TASKS = small_tasks()


def test_many_small_networks_are_computed_together() -> None:
    task = TASKS["perceptron"]
    field = [Runner(parse(f"adam:lr={0.001 * (1 + index)}"), 0) for index in range(40)]
    choice = networks.choose(task, field, Training.of(5_000, 6))
    assert choice.engine in ("field", "fleet")
    assert choice.width >= 40
    assert 0 < choice.seconds_per_step < 0.1


def test_one_network_goes_alone() -> None:
    assert networks.choose(TASKS["perceptron"], [Runner(parse("adam"), 0)], Training.of(100, 6)).engine == "solo"


def test_an_engine_that_was_asked_for_is_taken() -> None:
    field = [Runner(parse("adam"), seed) for seed in range(3)]
    for engine in ("solo", "field", "fleet"):
        assert networks.choose(TASKS["perceptron"], field, Training.of(20, 6), engine=engine).engine == engine


def test_optimizers_without_a_rule_never_choose_the_fleet() -> None:
    field = [Runner(parse(spec), seed) for spec in ("adam", "muon") for seed in range(10)]
    assert networks.choose(TASKS["perceptron"], field, Training.of(20, 6)).engine != "fleet"


@given(
    seeds=st.lists(st.integers(0, 4), min_size=1, max_size=60),
    width=st.integers(2, 20),
    engine=st.sampled_from(["solo", "field", "fleet"]),
)
def test_every_runner_is_in_one_unit_and_no_unit_is_too_wide(seeds: list[int], width: int, engine: str) -> None:
    adam = parse("adam")
    units = networks.divide([Runner(adam, seed) for seed in seeds], engine, width)
    assert sorted(index for unit in units for index in unit) == list(range(len(seeds)))
    assert all(1 <= len(unit) <= (1 if engine == "solo" else width) for unit in units)


def test_runners_of_one_seed_are_put_together_where_there_are_enough() -> None:
    adam = parse("adam")
    units = networks.divide([Runner(adam, seed) for _ in range(12) for seed in range(3)], "fleet", 12)
    assert len(units) == 3
    assert [len({index % 3 for index in unit}) for unit in units] == [1, 1, 1]


@dataclass
class Loop:
    """A quadratic descended by hand; after ``fails`` steps it raises."""

    fails: int = 100
    name: str = "loop"
    title: str = "loop"

    def follow(self, make_optimizer: Any, seed: int) -> Iterator[Mapping[str, float]]:
        model = torch.nn.Linear(1, 1)
        optimizer = make_optimizer(model)
        for step in range(1, 6):
            if step > self.fails:
                raise ValueError("enough")
            optimizer.zero_grad()
            loss = (model(torch.ones(1, 1)) - seed).square().sum()
            loss.backward()
            optimizer.step()
            yield {"loss": loss.item(), "step": 10 * step}


def test_a_loop_of_the_callers_own_is_followed_to_its_end() -> None:
    run = networks.follow(Loop(), Runner(parse("sgd:lr=0.1"), 3))
    assert [e["step"] for e in run.evaluations] == [10, 20, 30, 40, 50]
    assert run.series("loss")[-1] < run.series("loss")[0]
    assert all(math.isnan(e["epoch"]) for e in run.evaluations)
    assert (run.completed, run.error, run.diverged_at) == (50, "", None)
    again = networks.follow(Loop(), Runner(parse("sgd:lr=0.1"), 3))
    assert again.series("loss").tolist() == run.series("loss").tolist()


def test_a_loop_that_raises_keeps_what_it_yielded() -> None:
    run = networks.follow(Loop(fails=2), Runner(parse("sgd:lr=0.1"), 3))
    assert len(run.evaluations) == 2
    assert run.error.startswith("ValueError: enough (")


def test_a_loop_that_diverges_says_when() -> None:
    run = networks.follow(Loop(), Runner(parse("sgd:lr=1e30"), 3))
    assert run.diverged_at == 20


def test_a_schedule_in_a_loop_of_the_callers_own_is_refused() -> None:
    with pytest.raises(InputError) as refused:
        networks.follow(Loop(), Runner(parse("sgd:lr=0.1 | cosine"), 3))
    assert str(refused.value) == (
        "`sgd:lr=0.1 | cosine`: a schedule needs to know how many steps there will be, which a training loop of your "
        "own does not tell: make the scheduler inside the loop."
    )
