"""Networks of every kind that people bring, in a race, a sweep, a study and on workers, against a loop by hand."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import networks_of_all_kinds as kinds
import numpy as np
import pytest
import torch
from click.testing import CliRunner

import slalom
from slalom.cli.application import program
from slalom.core import order_of
from slalom.isolation import step_seed

FILE = Path(kinds.__file__)
STEPS = 5
SPARSE = {"sparse": ["sgd:lr=0.1", "sgd:lr=0.01"]}
OPTIMIZERS = ["sgd:lr=0.1", "adam:lr=0.01"]


def named(kind: str) -> str:
    return f"{FILE}:{kind}"


def by_hand(kind: str, spec: str, seed: int, steps: int = STEPS) -> tuple[list[float], torch.nn.Module]:
    """Train as a person would, every step's random numbers seeded as slalom does; return losses and network."""
    task = getattr(kinds, kind)
    name, _, rate = spec.partition(":lr=")
    classes = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    model, examples, splits = task.model(seed), task.examples(), task.splits(seed)
    optimizer: Any = classes[name](model.parameters(), lr=float(rate))
    order, losses = order_of(task, splits), []
    for step in range(1, steps + 1):
        chosen = splits.train[order.batch(seed, step)]
        draw(seed, step)
        optimizer.zero_grad()
        loss = task.loss(model(*(x[chosen] for x in examples.inputs)), examples.target[chosen])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, model


def draw(seed: int, step: int) -> None:
    for generator in (torch.manual_seed, np.random.seed, random.seed):
        generator(step_seed(seed, step))


def evaluated(kind: str, model: torch.nn.Module, split: str) -> dict[str, float]:
    """Return loss and metrics of all of a split at once."""
    task = getattr(kinds, kind)
    indices, examples = task.splits(0).named()[split], task.examples()
    model.eval()
    with torch.no_grad():
        outputs, target = model(*(x[indices] for x in examples.inputs)), examples.target[indices]
        measures = {"loss": task.loss, **{name: metric.function for name, metric in task.metrics.items()}}
        return {f"{split}_{name}": float(function(outputs, target)) for name, function in measures.items()}


@pytest.mark.parametrize("kind", [*kinds.KINDS, pytest.param("large", marks=pytest.mark.slow)])
def test_a_race_of_any_network_is_the_loop_by_hand_bit_for_bit(kind: str) -> None:
    specs = SPARSE.get(kind, OPTIMIZERS)
    race = slalom.race(named(kind), specs, steps=STEPS)
    for spec, run in zip(specs, race.runs, strict=True):
        losses, model = by_hand(kind, spec, 0)
        assert run.losses.tolist() == losses
        if kind != "vae":  # which draws in evaluation
            for split in ("train", "validation", "test"):
                for name, value in evaluated(kind, model, split).items():
                    assert run.last[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_any_network_agrees_with_the_plain_loop_in_the_field_or_goes_alone_and_says_why(kind: str) -> None:
    specs = SPARSE.get(kind, OPTIMIZERS)
    race = slalom.race(named(kind), specs, steps=STEPS, engine="field")
    alone = slalom.race(named(kind), specs, steps=STEPS, engine="solo")
    for run, other in zip(race.runs, alone.runs, strict=True):
        assert run.losses == pytest.approx(other.losses, rel=1e-4)
        for name, value in run.last.items():
            assert name == "seconds" or value == pytest.approx(other.last[name], rel=1e-4, abs=1e-5), name
    assert race.engine == "field" or any("one after another" in remark for remark in race.remarks)


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_any_network_is_swept_and_studied(kind: str, tmp_path: Path) -> None:
    specs = SPARSE.get(kind, OPTIMIZERS)
    sweep = slalom.sweep(named(kind), [specs[0]], over="lr", grid=3, seeds=1, steps=STEPS, ranges=[[0.01, 0.1]])
    (finals,) = sweep.finals
    assert np.isfinite(finals).all()
    typed = ["study", named(kind), "--steps", str(STEPS), "--seeds", "2", "--track", "defaults"]
    typed += [part for spec in specs for part in ("-o", spec)] + ["--store", str(tmp_path / "runs.sqlite")]
    dry = CliRunner().invoke(program, [*typed, "--dry-run"])
    assert (dry.exit_code, dry.exception) == (0, None), dry.output
    study = slalom.study(
        named(kind), specs, track="defaults", steps=STEPS, seeds=2, store=str(tmp_path / "runs.sqlite"), workers=1
    )
    for done in study.runs():
        assert done.run.losses.tolist() == by_hand(kind, done.runner.optimizer.spec, done.runner.seed)[0]


@pytest.mark.parametrize(
    "kind", ["lstm", *(pytest.param(k, marks=pytest.mark.slow) for k in kinds.KINDS if k != "lstm")]
)
def test_any_network_is_the_loop_by_hand_on_two_workers(kind: str) -> None:
    specs = SPARSE.get(kind, OPTIMIZERS)
    race = slalom.race(named(kind), specs, steps=STEPS, workers=2)
    for spec, run in zip(specs, race.runs, strict=True):
        assert run.losses.tolist() == by_hand(kind, spec, 0)[0]
