"""A task: a model, its data, its loss. Named tasks and the caller's own are the same class."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from slalom.core import Examples, Metric, Splits

WATCHED = 10_000
"""At most so many training examples are looked at for training loss and metrics; the first of the seed's order."""


def accuracy(outputs: Any, target: Any) -> Any:
    """Return the share of examples whose largest output is that of their class."""
    return (outputs.argmax(dim=1) == target).float().mean()


@dataclass(eq=False)
class Task:
    """THIN SLICE: numbers or tensors only; to be widened."""

    model_factory: Callable[[], Any]
    train: Any
    test: Any = None
    validation: int | float = 0.1
    loss_function: Any = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    batch_size: int = 64
    epochs: int = 10
    reshuffle: bool = True
    drop_last: bool = False
    name: str = "task"
    title: str = ""
    optimum: float | None = None
    channels_last: bool = False
    _examples: Examples | None = None

    def __init__(self, model: Any, **fields: Any):
        self.model_factory = model
        for name, value in fields.items():
            setattr(self, name, value)
        self.metrics = {"accuracy": Metric(accuracy)}

    def model(self, seed: int) -> Any:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.model_factory()

    def examples(self) -> Examples:
        if self._examples is None:
            x, y = self.train()
            self._examples = Examples((x,), y)
        return self._examples

    def splits(self, seed: int) -> Splits:
        order = np.random.Generator(np.random.Philox(key=[seed, 2**32])).permutation(len(self.examples().target))
        test, validation, train = np.split(order, [self.test, self.test + int(self.validation)])
        return Splits(train, train[:WATCHED], validation, test)

    def loss(self, outputs: Any, target: Any) -> Any:
        from torch.nn import functional

        return functional.cross_entropy(outputs, target)
