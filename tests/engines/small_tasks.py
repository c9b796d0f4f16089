"""Small tasks on which the engines are tested: each shows one thing that networks have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from slalom.core import Examples, Metric, Splits


def accuracy(outputs: Any, target: Any) -> Any:
    return (outputs.argmax(dim=1) == target).float().mean()


@dataclass(eq=False)
class SmallTask:
    """96 training, 20 validation and 30 test examples, drawn by the seed. Satisfies slalom.core.Task."""

    make: Callable[[], nn.Module]
    data: Examples
    criterion: Callable[[Any, Any], Any] = functional.cross_entropy
    metrics: dict[str, Metric] = field(default_factory=lambda: {"accuracy": Metric(accuracy, mean=True)})
    batch_size: int = 16
    epochs: int = 2
    reshuffle: bool = True
    drop_last: bool = False
    channels_last: bool = False
    optimum: float | None = None
    loss_is_mean: bool = True
    name: str = "small"
    title: str = "small"

    def check(self, seed: int, dtype: str = "float32") -> None:
        """Nothing is wrong with these."""

    def model(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.make()

    def examples(self) -> Examples:
        return self.data

    def splits(self, seed: int) -> Splits:
        order = np.random.default_rng(seed).permutation(len(self.data.target))
        return Splits(order[:96], order[:96], order[96:116], order[116:146])

    def loss(self, outputs: Any, target: Any) -> Any:
        return self.criterion(outputs, target)


def points(width: int = 6, classes: int = 3) -> Examples:
    """Return points whose class depends on them, float32."""
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(146, width, generator=generator)
    return Examples((x,), (x[:, :classes] + 0.3 * torch.randn(146, classes, generator=generator)).argmax(dim=1))


def images() -> Examples:
    generator = torch.Generator().manual_seed(8)
    return Examples((torch.randn(146, 2, 8, 8, generator=generator),), torch.randint(0, 3, (146,), generator=generator))


class Tied(nn.Module):
    """Two layers that share one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.second.weight = self.first.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


class Frozen(nn.Module):
    """A random feature map that is not trained, and a constant in a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.head = nn.Linear(6, 12).requires_grad_(False), nn.Linear(12, 3)
        self.register_buffer("scale", torch.full((12,), 0.5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(torch.relu(self.features(x)) * self.scale)


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(4, 3), nn.Linear(2, 3)

    def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.left(x) + self.right(y)


class Idle(nn.Module):
    """One of its layers has no part in the outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.idle = nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


class Attention(nn.Module):
    """One head of attention over a sequence of tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(5, 8)
        self.mix, self.head = nn.Linear(8, 24), nn.Linear(8, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        query, key, value = self.mix(self.embedding(tokens)).chunk(3, dim=-1)
        return self.head(functional.scaled_dot_product_attention(query, key, value).mean(dim=-2))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.memory, self.head = nn.LSTM(2, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.memory(x.unflatten(1, (3, 2)))[0][:, -1])


class Picky(nn.Module):
    """Its Python code asks for the value of a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x) if float(x.sum()) > 1e9 else self.layer(x) * 2


class Counting(nn.Module):
    """Its outputs grow with the number of calls, which it counts in Python."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.calls = nn.Linear(6, 3), 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += self.training
        return self.layer(x) * min(1.0, self.calls / 10)


class Rolling(nn.Module):
    """It leaves out a layer now and then, by NumPy's random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 3), nn.Linear(3, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.second(x) if not self.training or np.random.rand() < 0.5 else x


def hooked() -> nn.Module:
    """Return a layer whose gradients are clipped by hooks."""
    layer = nn.Linear(6, 3)
    for parameter in layer.parameters():
        parameter.register_hook(lambda gradient: gradient.clamp(-0.01, 0.01))
    return layer


def small_tasks() -> dict[str, SmallTask]:
    """Return every small task by what it shows."""
    tokens = torch.randint(0, 5, (146, 7), generator=torch.Generator().manual_seed(9))
    real = points()
    regression = Examples(real.inputs, real.inputs[0][:, :2] @ torch.tensor([[1.0], [-2.0]]))
    both = Examples((real.inputs[0][:, :4], real.inputs[0][:, 4:]), real.target)
    layers = nn.Sequential
    return {
        "perceptron": SmallTask(lambda: layers(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3)), real),
        "convolution": SmallTask(
            lambda: layers(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 3)),
            images(),
        ),
        "batch norm": SmallTask(
            lambda: layers(nn.Linear(6, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)), real
        ),
        "batch norm of images": SmallTask(
            lambda: layers(
                nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)
            ),
            images(),
        ),
        "layer norm": SmallTask(lambda: layers(nn.Linear(6, 8), nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 3)), real),
        "dropout": SmallTask(lambda: layers(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3)), real),
        "tied weights": SmallTask(Tied, real),
        "frozen weights and a buffer": SmallTask(Frozen, real),
        "an idle layer": SmallTask(Idle, real),
        "two inputs": SmallTask(TwoInputs, both),
        "attention": SmallTask(Attention, Examples((tokens,), tokens.sum(dim=1) % 3)),
        "recurrent": SmallTask(Recurrent, real),
        "regression": SmallTask(
            lambda: layers(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1)), regression, functional.mse_loss, metrics={}
        ),
        "value dependent": SmallTask(Picky, real),
        "counting": SmallTask(Counting, real),
        "rolling": SmallTask(Rolling, real),
        "hooked": SmallTask(hooked, real),
        "dropped last batch": SmallTask(lambda: nn.Linear(6, 3), real, batch_size=36, drop_last=True),
        "ragged last batch": SmallTask(lambda: nn.Linear(6, 3), real, batch_size=36, reshuffle=False),
    }
