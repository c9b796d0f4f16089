"""Test problems of DeepOBS, built as that benchmark builds them, for comparison with the literature.

Source: Schneider, Balles and Hennig (2019), DeepOBS: a deep learning optimizer benchmark suite, arXiv:1903.05499.
All have batches of 128, drop the last incomplete one (in training, and of the test set), and hold nothing out.

Their truncated normal is TensorFlow's: values beyond two standard deviations are drawn again. The order of the
examples is drawn once by each seed and kept for all epochs.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import numpy as np

from slalom.core import Metric
from slalom.tasks.catalogue.entry import Entry
from slalom.tasks.catalogue.mnist import SOURCES, of
from slalom.tasks.catalogue.networks import flattened, perceptron
from slalom.tasks.images import published
from slalom.tasks.task import Task

DIMENSION = 100
NOISE = 0.6  # standard deviation of the quadratic's data
TESTED_POINTS, TESTED_IMAGES = 896, 9_984  # whole batches of 128
_PAPER = "Schneider, Balles and Hennig (2019), DeepOBS, arXiv:1903.05499"
_CONDITIONS: dict[str, Any] = {
    "validation": None,
    "batch_size": 128,
    "epochs": 100,
    "reshuffle": False,
    "drop_last": True,
}


def random_rotation(generator: np.random.RandomState, dimension: int) -> np.ndarray:
    """Return an orthogonal matrix, shape [dimension, dimension], float64, drawn uniformly.

    The subgroup algorithm of Diaconis and Shahshahani (1987), Probability in the Engineering and Informational
    Sciences 1: a rotation of the plane is extended by one dimension at a time, by a random reflection.
    """
    angle = 2 * np.pi * generator.uniform()
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    for size in range(2, dimension):
        direction = generator.normal(size=size + 1)
        direction /= np.linalg.norm(direction)
        mirror = -direction
        mirror[0] += 1.0
        mirror /= np.linalg.norm(mirror)
        extended = np.eye(size + 1)
        extended[1:, 1:] = rotation
        rotation = extended - 2 * np.outer(mirror, mirror @ extended)
    return -rotation


@lru_cache(maxsize=1)
def hessian() -> np.ndarray:
    """Return Q, shape [100, 100], float64: 90 eigenvalues uniform in (0, 1), then 10 uniform in (30, 60)."""
    generator = np.random.RandomState(42)
    eigenvalues = np.concatenate([generator.uniform(0.0, 1.0, 90), generator.uniform(30.0, 60.0, 10)])
    rotation = random_rotation(generator, DIMENSION)
    return rotation.T @ np.diag(eigenvalues) @ rotation


def points(seed: int, count: int = 1_000) -> np.ndarray:
    """Return the first ``count`` of 1,000 points drawn from N(0, 0.6²), shape [count, 100], float32."""
    return np.random.RandomState(seed).normal(0.0, NOISE, (1_000, DIMENSION))[:count].astype(np.float32)


@lru_cache(maxsize=1)
def quadratic_optimum() -> float:
    """Return the smallest loss over all training points: that of θ at their mean."""
    centred = points(42).astype(np.float64)
    centred -= centred.mean(axis=0)
    return float(0.5 * np.einsum("ni,ij,nj->n", centred, hessian(), centred, optimize=True).mean())


def quadratic_deep(name: str, data_dir: str | None) -> Task:
    return Task(
        _quadratic, partial(points, 42), test=partial(points, 43, TESTED_POINTS),
        loss=Metric(mean_of_outputs, mean=True), metrics={},
        name=name, title="DeepOBS quadratic", optimum=quadratic_optimum(), **_CONDITIONS,
    )  # fmt: skip


def _quadratic() -> Any:
    from slalom.tasks.catalogue.modules import Quadratic

    return Quadratic(hessian())


def mean_of_outputs(outputs: Any, target: Any) -> Any:
    """Return the mean of what the network gives for each point; there is nothing to compare with."""
    return outputs.mean()


def mlp(name: str, data_dir: str | None) -> Task:
    return Task(
        lambda: _drawn(flattened(perceptron(784, 1000, 500, 100, 10)), deviation=0.03, bias=0.0),
        _images(name, data_dir),
        metrics="accuracy", name=name, title=f"DeepOBS MLP on {of(name).name}", **_CONDITIONS,
    )  # fmt: skip


def two_conv_two_dense(name: str, data_dir: str | None) -> Task:
    return Task(
        lambda: _drawn(_two_conv_two_dense(), deviation=0.05, bias=0.05), _images(name, data_dir),
        metrics="accuracy", name=name, title=f"DeepOBS 2c2d on {of(name).name}", channels_last=True, **_CONDITIONS,
    )  # fmt: skip


def _images(name: str, data_dir: str | None) -> Any:
    return lambda: published(of(name), data_dir, centred=False, tested=TESTED_IMAGES)


def _two_conv_two_dense() -> Any:
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 32, 5, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding="same"), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 1024), nn.ReLU(), nn.Linear(1024, 10),
    )  # fmt: skip


def _drawn(network: Any, *, deviation: float, bias: float) -> Any:
    """Draw the weights from a normal distribution cut at two standard deviations; fill the biases."""
    from torch import nn

    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.constant_(parameter, bias)
        else:
            nn.init.trunc_normal_(parameter, std=deviation, a=-2 * deviation, b=2 * deviation)
    return network


def _image_entries(short: str) -> dict[str, Entry]:
    name = of(short).name
    data = f"70,000 images of 28×28 pixels ({name}), scaled to [0, 1]"
    held_out = f"nothing is held out; test: the first {TESTED_IMAGES:,} as published"
    common: dict[str, Any] = {
        "data": data, "splits": (60_000, 0, TESTED_IMAGES), "held_out": held_out, "example": (1, 28, 28),
        "source": f"{_PAPER}; {SOURCES[name]}",
    }  # fmt: skip
    return {
        f"deepobs-{short}-mlp": Entry(
            build=mlp, network="784–1000–500–100–10, ReLU", parameters=1_336_610,
            initial="truncated normal 0.03, biases 0",
            teaches="A large fully connected network, for comparison with the literature.", **common,
        ),
        f"deepobs-{short}-2c2d": Entry(
            build=two_conv_two_dense, network="conv 5×5×32, pool, conv 5×5×64, pool, 3136–1024–10, ReLU",
            parameters=3_274_634, initial="truncated normal 0.05, biases 0.05",
            teaches="A large convolutional network, for comparison with the literature.", **common,
        ),
    }  # fmt: skip


ENTRIES = {
    "deepobs-quadratic-deep": Entry(
        build=quadratic_deep, network="100 coordinates θ", parameters=100,
        data="2,000 points in 100 dimensions from N(0, 0.6²), seeds 42 (training) and 43 (test)",
        splits=(1_000, 0, TESTED_POINTS), held_out=f"nothing is held out; test: the first {TESTED_POINTS}",
        example=(DIMENSION,), loss="0.5 (θ − x)ᵀ Q (θ − x), mean over the batch",
        initial="θ = 1; Q: 90 eigenvalues in (0, 1), 10 in (30, 60), rotated at random, seed 42",
        teaches="A noisy bowl with the eigenvalues of a deep network: few large ones, many small.",
        source=_PAPER,
    ),
    **_image_entries("mnist"),
    **_image_entries("fmnist"),
}  # fmt: skip
