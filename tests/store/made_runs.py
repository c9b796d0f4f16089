"""Runs made by hand, for the tests of the store."""

from __future__ import annotations

from typing import Any

import numpy as np

from slalom.core import Run, Training
from slalom.store import RunSpec

TRAINING = Training.of(40, 10)


def spec(seed: int = 0, **changes: Any) -> RunSpec:
    """The specification of Adam on a task."""
    fields: dict[str, Any] = {
        "course": "digits-mlp",
        "optimizer": "torch.optim.adam.Adam",
        "hyperparameters": {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-8, "amsgrad": False},
        "training": TRAINING,
        "versions": {"torch": "2.13.0"},
    }
    return RunSpec(seed=seed, **{**fields, **changes})


def run(seed: int = 0, *, single: bool = True, **changes: Any) -> Run:
    """A run of 40 steps; its losses come out of float32, as those of a network do, or out of float64."""
    chance = np.random.default_rng(seed)
    losses = chance.random(40)
    if single:
        losses = losses.astype(np.float32).astype(np.float64)
    evaluations = [
        {"step": step, "epoch": step / 10, "seconds": step * 0.01, "test_loss": float(chance.random())}
        for step in TRAINING.evaluate_at
    ]
    fields: dict[str, Any] = {
        "losses": losses,
        "evaluations": evaluations,
        "completed": 40,
        "seconds": 0.4,
        "gradient_evaluations": 40,
        "memory": 1234,
    }
    return Run(**{**fields, **changes})


def bits(run: Run) -> tuple[Any, ...]:
    """Everything in a run, with arrays as bytes and floats as text, so that NaN equals NaN and 0 is not −0."""
    rates = None if run.learning_rates is None else run.learning_rates.tobytes()
    rows = [{name: repr(value) for name, value in row.items()} for row in run.evaluations]
    facts = (run.diverged_at, run.completed, run.interrupted, run.error, run.seconds, run.gradient_evaluations)
    return (run.losses.tobytes(), rates, rows, *facts, run.memory)
