"""Records of training made by hand, so that a test knows every number in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from slalom import optimizers
from slalom.core import Run, Runner, Status, Training

EPOCHS, PER_EPOCH = 5, 20
STEPS = EPOCHS * PER_EPOCH
VERSIONS = {"slalom": "0.0", "torch": "0.0", "python": "3.11"}


@dataclass
class Record:
    """A :class:`slalom.core.TrainingRecord` whose every part can be set."""

    runners: Sequence[Runner]
    runs: Sequence[Run]
    course: Any = field(default_factory=lambda: SimpleNamespace(name="made", title="numbers made by hand"))
    training: Training | None = field(default_factory=lambda: Training.of(STEPS, PER_EPOCH))
    engine: str = "solo"
    measures: Sequence[str] = ("loss", "accuracy")
    higher_is_better: Mapping[str, bool] = field(default_factory=lambda: {"loss": False, "accuracy": True})
    splits: Sequence[str] = ("train", "validation", "test")
    versions: Mapping[str, str] = field(default_factory=lambda: VERSIONS)
    remarks: Sequence[str] = ()

    @property
    def statuses(self) -> Sequence[Status]:
        return [
            Status(Status.DIVERGED, run.diverged_at)
            if run.diverged_at is not None
            else Status(Status.FAILED, run.completed)
            if run.error
            else Status(Status.INTERRUPTED, run.completed)
            if run.interrupted
            else Status(Status.FINISHED)
            for run in self.runs
        ]


def falling(rate: float, final: float = 0.01) -> Callable[[float], float]:
    """Return a loss over steps that falls from 2.3 towards ``final``, by 1/e in ``1 / rate`` steps."""
    return lambda step: final + (2.3 - final) * float(np.exp(-rate * step))


def run_of(
    loss: Callable[[float], float],
    accuracy: float = 0.9,
    diverged_at: int | None = None,
    stopped_at: int | None = None,
) -> Run:
    """Return a run of 5 epochs of 20 steps; its accuracy rises from 10 % in proportion to the epochs made."""
    last = STEPS if stopped_at is None else stopped_at
    losses = np.array([loss(step) for step in range(last)])
    if diverged_at is not None:
        losses[diverged_at - 1 :] = np.nan
    evaluations = []
    for step in range(0, last + 1, PER_EPOCH):
        gone = diverged_at is not None and step >= diverged_at
        value = np.nan if gone else loss(step)
        share = np.nan if gone else 0.1 + (accuracy - 0.1) * step / STEPS
        point = {"step": float(step), "epoch": step / PER_EPOCH, "seconds": step / 100}
        for split, more in (("train", 0.0), ("validation", 0.05), ("test", 0.1)):
            point |= {f"{split}_loss": value + more, f"{split}_accuracy": share}
        evaluations.append(point)
    return Run(losses, evaluations, diverged_at, completed=last, interrupted=stopped_at is not None, seconds=last / 100)


def record_of(runs: Mapping[str, Sequence[Run]], **options: Any) -> Record:
    """Return the record of some optimizers, given by their specs, each with a run per seed."""
    runners, made = [], []
    for spec, several in runs.items():
        optimizer = optimizers.parse(spec)
        for seed, run in enumerate(several):
            runners.append(Runner(optimizer, seed, name=optimizer.name))
            made.append(run)
    return Record(runners, made, **options)


def loop_of(series: Mapping[str, Sequence[Mapping[str, Sequence[float]]]], higher: Mapping[str, bool]) -> Record:
    """Return the record of a loop of the caller's own: for each spec and seed the values of each measure."""
    measures = list(next(iter(series.values()))[0])
    runs = {
        spec: [
            Run(np.empty(0), [dict(zip(values, point, strict=True)) for point in zip(*values.values(), strict=True)])
            for values in several
        ]
        for spec, several in series.items()
    }
    course = SimpleNamespace(name="loop", title="a loop of my own")
    return record_of(runs, course=course, training=None, measures=measures, higher_is_better=higher, splits=())
