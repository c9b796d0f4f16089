"""The named tasks."""

from __future__ import annotations

import gzip
from importlib import resources
from typing import Any

from slalom.tasks.task import Task


def digits() -> tuple[Any, Any]:
    """Return the 8×8 digits: images [1797, 64] float32 in [−1, 1], and labels [1797] int64."""
    import numpy as np
    import torch

    with resources.files("slalom.tasks").joinpath("data/digits.csv.gz").open("rb") as packed, gzip.open(packed) as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    images = torch.from_numpy(table[:, :-1]).float() / 16
    return (images - 0.5) / 0.5, torch.from_numpy(table[:, -1].copy())


def digits_mlp() -> Task:
    from torch import nn

    return Task(
        model=lambda: nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)),
        train=digits, validation=285, test=360, batch_size=64, epochs=20, name="digits-mlp",
        title="digits, fully connected",
    )  # fmt: skip


def digits_cnn() -> Task:
    from torch import nn

    return Task(
        model=lambda: nn.Sequential(
            nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10),
        ),
        train=digits, validation=285, test=360, batch_size=64, epochs=20, name="digits-cnn",
        title="digits, convolutional", channels_last=True,
    )  # fmt: skip


CATALOGUE = {"digits-mlp": digits_mlp, "digits-cnn": digits_cnn}
