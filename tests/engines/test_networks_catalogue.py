"""Every task of the catalogue, computed together, held against the plain loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from conftest import missing
from slalom import tasks
from slalom.core import Runner, Task, Training, order_of
from slalom.engines import networks
from slalom.optimizers import parse

STEPS = 3
LARGE = ("deepobs-mnist-mlp", "deepobs-fmnist-mlp", "deepobs-mnist-2c2d", "deepobs-fmnist-2c2d")
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in LARGE]


MNIST = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "mnist"
FASHION = Path("/usr/share/datasets/fashion-mnist")


def task_of(name: str) -> Task:
    """Return a task, unless its data are not on this machine."""
    folder = None
    if "fmnist" in name or "fashion" in name:
        if not FASHION.is_dir():
            missing("Debian's package dataset-fashion-mnist")
    elif "mnist" in name:
        if not MNIST.is_dir():
            pytest.skip("MNIST is not beside the repository")
        folder = str(MNIST)
    task = tasks.find(name, data_dir=folder)
    assert not isinstance(task, tasks.Loop)
    return task


@pytest.mark.parametrize("name", [*(name for name in tasks.NAMES if name not in LARGE), *SLOW])
def test_a_named_task_trains_together_as_alone(name: str) -> None:
    """Three steps, four networks: losses agree to a few units in the last place of what they are computed from."""
    task = task_of(name)
    training = Training(STEPS, order_of(task, task.splits(0)).steps_per_epoch, ())
    runners = [Runner(optimizer, seed) for optimizer in (parse("sgd"), parse("adam")) for seed in (0, 1)]
    assert networks.obstacle(task, training) == ""
    alone = networks.solo(task, runners, training)
    for engine in (networks.field, networks.fleet):
        for run, reference in zip(engine(task, runners, training), alone, strict=True):
            assert np.isfinite(run.losses).all()
            assert run.losses == pytest.approx(reference.losses, rel=5e-6)
