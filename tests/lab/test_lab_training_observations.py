"""What the demonstration says of networks is computed from its runs, here made-up ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from slalom import optimizers
from slalom.core import Run, Runner, Training
from slalom.lab import training_observations as o
from slalom.lab.network_demonstration import SPECS
from slalom.lab.task_record import TaskRace

STEPS, EPOCH, SEEDS = 200, 20, 3


class FakeTask:
    name = title = "made up"
    metrics: dict[str, Any] = {}  # noqa: RUF012

    def splits(self, seed: int) -> Any:
        return self

    def named(self) -> dict[str, Any]:
        return {"train": np.arange(3)}


def made_up(shapes: dict[str, tuple[float, float, float]]) -> TaskRace:
    """A race whose losses fall exponentially: for each optimizer (rate, floor, scatter of the minibatch losses)."""
    runners, runs = [], []
    for spec in SPECS:
        optimizer = optimizers.parse(spec)
        rate, floor, scatter = shapes.get(optimizer.name, (0.1, 0.01, 0.1))
        for seed in range(SEEDS):
            noise = np.random.default_rng(seed).normal(0, scatter, STEPS)
            smooth = floor + 2.3 * np.exp(-rate * np.arange(STEPS + 1))
            evaluations = [
                {"step": step, "epoch": step / EPOCH, "seconds": 0.0, "train_loss": float(smooth[step])}
                for step in range(0, STEPS + 1, EPOCH)
            ]
            runs.append(Run(smooth[:-1] * np.exp(noise), evaluations, completed=STEPS))
            runners.append(Runner(optimizer, seed, name=optimizer.name))
    training = Training.of(STEPS, EPOCH)
    return TaskRace(FakeTask(), runners, runs, training, "solo", {})  # type: ignore[arg-type]


def headings(race: TaskRace) -> list[str]:
    return [observation.heading for observation in o.observe_training(race)]


def test_the_fast_the_slow_and_the_unsteady_are_told() -> None:
    race = made_up({"SGD": (0.001, 0.01, 0.1), "Adadelta": (0.0005, 0.01, 0.1), "RMSprop": (0.02, 0.01, 0.6)})
    assert headings(race) == [
        "Adagrad, Adam and AdamW fall fast",
        "SGD and Adadelta are slow at this learning rate",
        "RMSprop is unsteady",
    ]
    fast, slow, unsteady = (observation.text for observation in o.observe_training(race))
    assert "RMSprop needs 1" in fast
    assert "The training loss ends with SGD at 1.89 and Adadelta at 2.09" in slow
    assert "on 3 of 3 seeds" in unsteady


def test_other_runs_are_told_otherwise() -> None:
    race = made_up({"Adam": (0.1, 0.01, 0.9), "SGD": (0.2, 0.01, 0.1)})
    assert headings(race)[1:] == ["Nobody is slow at this learning rate", "RMSprop is not the most unsteady: Adam is"]
    assert headings(race)[0].startswith("SGD, ")
    crawling = made_up(dict.fromkeys(("SGD", "Adagrad", "RMSprop", "Adadelta", "Adam", "AdamW"), (0.015, 0.01, 0.1)))
    assert headings(crawling)[0] == "Nobody falls fast"
    assert "the first, " in o.observe_training(crawling)[0].text


def test_hardly_more_unsteady_is_said_as_such() -> None:
    found = {"RMSprop": np.array([0.45, 0.5]), "Adam": np.array([0.41, 0.48]), "SGD": np.array([0.1, 0.1])}
    observation = o.unsteady_one(found, "RMSprop")
    assert observation.heading == "RMSprop is the most unsteady, if hardly more than Adam"
    assert "scatter by 48 % around their moving median, Adam's by 44 %" in observation.text


def test_runs_that_were_lost_are_not_compared() -> None:
    found = {"RMSprop": np.array([np.nan, np.nan]), "Adam": np.array([0.4, 0.4])}
    assert o.unsteady_one(found, "RMSprop").heading == "RMSprop's steadiness cannot be told"


@pytest.mark.parametrize("names", [["A"], ["A", "B"], ["A", "B", "C"]])
def test_names_are_joined_as_people_do(names: list[str]) -> None:
    assert o.listing(names, most=6) in ("A", "A and B", "A, B and C")
