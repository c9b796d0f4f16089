"""Some thirty published classes, chosen for what sets them apart, against hand-written loops, bit for bit."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from plain_loops import descend, over_matrices, train

import slalom
from conftest import missing
from slalom.optimizers import parse

COURSE = "(1-x)**2 + 5*(y-x**2)**2"
STARTS = [(-1.5, 1.0), (0.5, -1.0), (2.0, 2.0), (1.2, 0.3)]
STEPS, TRAINING_STEPS = 30, 6

PUBLISHED = {
    "pytorch_optimizer": [
        "LARS", "Lamb", "NovoGrad", "Fromage", "Nero", "AdamP", "SGDP", "AdaNorm",  # look at norms or dimensions
        "AdaFactor", "Adalite", "CAME", "SM3", "AvaGrad",  # one row and one column for a matrix
        "Shampoo", "ScalableShampoo", "SOAP", "Kron", "Muon", "AdaMuon", "SCION",  # matrices
        "AdaHessian", "SophiaH", "DAdaptAdam", "DAdaptSGD", "Prodigy", "SWATS", "Ranger", "VSGD", "AliG", "GaLore",
    ],
    "schedulefree": ["AdamWScheduleFree", "SGDScheduleFree", "RAdamScheduleFree", "AdamWScheduleFreeClosure"],
    "prodigyopt": ["Prodigy"],
    "lion_pytorch": ["Lion"],
}  # fmt: skip
PATHS = [f"{package}.{name}" for package, names in PUBLISHED.items() for name in names]


def of(path: str) -> Any:
    package, _, name = path.rpartition(".")
    if importlib.util.find_spec(package) is None:
        missing(package)
    return getattr(importlib.import_module(package), name)


def lookahead(params: Any) -> Any:
    """Wrap AdamW, as the class is meant to be used."""
    return of("pytorch_optimizer.Lookahead")(torch.optim.AdamW(params, lr=0.05))


def sharpness_aware(params: Any) -> Any:
    """Two gradients a step, by a closure."""
    return of("pytorch_optimizer.SAM")(params, base_optimizer=torch.optim.SGD, lr=0.01)


def schedule_free(params: Any) -> Any:
    return of("schedulefree.ScheduleFreeWrapper")(torch.optim.SGD(params, lr=0.01), momentum=0.9)


@pytest.mark.parametrize(
    "given", [*PATHS, lookahead, sharpness_aware, schedule_free], ids=lambda given: getattr(given, "__name__", given)
)
def test_it_does_what_a_hand_written_loop_does(given: str | Callable[[Any], Any]) -> None:
    make = of(given) if isinstance(given, str) else given
    needs = parse(given).needs
    expected = [descend(make, start, STEPS, needs) for start in STARTS]
    for engine, starts in (("solo", STARTS), ("field", STARTS), ("field", STARTS[:1])):
        race = slalom.race(COURSE, [given], starts=starts, steps=STEPS, engine=engine)
        for path, points, status in zip(race.paths, expected, race.statuses, strict=False):
            made = STEPS if status.kind != "diverged" else status.step  # the record ends where a run diverges
            assert made >= 1
            np.testing.assert_array_equal(path[: made + 1], points[: made + 1], err_msg=engine)
    trained = slalom.race("digits-mlp", [given], steps=TRAINING_STEPS, engine="solo")
    losses = train(over_matrices(make, needs), TRAINING_STEPS, needs)
    assert trained.runs[0].losses.tolist() == losses
