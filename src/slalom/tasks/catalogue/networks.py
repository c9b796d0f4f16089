"""The networks of the image tasks."""

from __future__ import annotations

from itertools import pairwise
from typing import Any


def perceptron(*widths: int) -> Any:
    """Return a fully connected network with ReLU between its layers, which takes [N, the first width]."""
    from torch import nn

    layers: list[Any] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def flattened(network: Any) -> Any:
    """Return a fully connected network as one that takes images [N, 1, side, side]."""
    from torch import nn

    return nn.Sequential(nn.Flatten(), *network)


def small_convolutional(side: int, *before: Any) -> Any:
    """Return two 3×3 convolutions, to 8 and 16 channels, each with ReLU and 2×2 pooling, and a linear layer.

    ``before`` are modules that the images go through first.
    """
    from torch import nn

    return nn.Sequential(
        *before,
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(16 * (side // 4) ** 2, 10),
    )  # fmt: skip
