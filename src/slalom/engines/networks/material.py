"""The data of a task where the networks are: on the device, in the dtype of the race, split and batched by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import torch

from slalom.core import BatchOrder, Splits, Task, Training, order_of

PIECE = 2**15
"""Numbers of input that are evaluated at once, for each network: what comes of them should stay in the cache."""


class Batch(NamedTuple):
    """The model's arguments and the target of some examples; with several lanes these are stacked in front."""

    inputs: tuple[torch.Tensor, ...]
    target: torch.Tensor


class Material:
    """All examples of a task as tensors on one device; which of them a seed sees at a step, or is judged by.

    In the CPU's memory they stay the task's own, which processes may share: what is taken is brought into the dtype.
    """

    def __init__(self, task: Task, dtype: torch.dtype, device: str):
        self.task = task
        examples = task.examples()
        self._inputs, self._target = examples.inputs, examples.target
        if device != "cpu":
            self._inputs = tuple(_converted(x.to(device), dtype) for x in examples.inputs)
            self._target = _converted(examples.target.to(device), dtype)
        self._dtype, self._device = dtype, device
        self.splits = lru_cache(maxsize=None)(self._split)
        self.epoch_of = lru_cache(maxsize=64)(self._epoch)
        self._judged = lru_cache(maxsize=None)(self._positions_judged)

    @staticmethod
    def of(task: Task, training: Training) -> Material:
        """Return the material of a task under these conditions; it is made once in a process."""
        known = _MADE.setdefault(task, {})
        key = training.dtype, training.device
        if key not in known:
            known[key] = Material(task, getattr(torch, training.dtype), training.device)
        return known[key]

    def order(self, seed: int) -> BatchOrder:
        """Return the batch order of a seed."""
        return order_of(self.task, self.splits(seed))

    def batch(self, seed: int, step: int) -> Batch:
        """Return the batch that every runner of a seed meets at ``step`` (from 1)."""
        return self._take(self._positions(seed, step))

    def batches(self, seeds: Sequence[int], step: int) -> Batch:
        """Return the batches of several lanes stacked: inputs and target of shape [lanes, batch, …].

        Each seed's batch is gathered once, and copied whole to the lanes of that seed.
        """
        different = list(dict.fromkeys(seeds))
        lanes = torch.tensor([different.index(seed) for seed in seeds], device=self._device)
        positions = torch.stack([self._positions(seed, step) for seed in different])
        flat = self._take(positions.flatten())
        inputs = tuple(x.unflatten(0, positions.shape).index_select(0, lanes) for x in flat.inputs)
        return Batch(inputs, flat.target.unflatten(0, positions.shape).index_select(0, lanes))

    def _split(self, seed: int) -> Splits:
        return self.task.splits(seed)

    def _epoch(self, seed: int, epoch: int) -> torch.Tensor:
        """Return the examples of a whole epoch in the order in which a seed meets them."""
        ordered = self.splits(seed).train[self.order(seed).epoch(seed, epoch)]
        return torch.from_numpy(ordered).to(self._device)

    def _positions(self, seed: int, step: int) -> torch.Tensor:
        order = self.order(seed)
        epoch, part = order.place(step)
        return self.epoch_of(seed, epoch if order.reshuffle else 0)[part]

    def _take(self, positions: torch.Tensor) -> Batch:
        inputs = tuple(_converted(x.index_select(0, positions), self._dtype) for x in self._inputs)
        return Batch(inputs, _converted(self._target.index_select(0, positions), self._dtype))

    def judged(self, seed: int, in_one: bool = False) -> Iterator[tuple[str, Pieces]]:
        """Yield each split by name with its examples in pieces, or ``in_one``, gathered when they are asked for."""
        for name, positions in self._judged(seed).items():
            yield name, Pieces(self._take, positions, len(positions) if in_one else self._piece(len(positions)))

    def _positions_judged(self, seed: int) -> dict[str, torch.Tensor]:
        named = self.splits(seed).named().items()
        return {name: torch.from_numpy(np.ascontiguousarray(indices)).to(self._device) for name, indices in named}

    def _piece(self, examples: int) -> int:
        """Return how many of a split's examples are evaluated at once: as many as in a batch at least.

        Where outputs are joined, the last piece is smaller than the others: a dimension that counts the examples can
        then be told from one that happens to be as long.
        """
        each = max(x[0].numel() for x in self._inputs)
        most = max(self.task.batch_size, PIECE // max(1, each))
        if examples <= most or (self.task.loss_is_mean and all(metric.mean for metric in self.task.metrics.values())):
            return most
        return next((size for size in range(most, 2, -1) if examples % size > 1), most)


class Pieces:
    """The examples of one split: iterated over in pieces of at most ``size``, or whole."""

    def __init__(self, take: Callable[[torch.Tensor], Batch], positions: torch.Tensor, size: int):
        self._take, self._positions = take, positions
        self.parts = positions.split(size)

    def __len__(self) -> int:
        return len(self._positions)

    def __iter__(self) -> Iterator[Batch]:
        return map(self._take, self.parts)

    def whole(self) -> Batch:
        """Return all examples of the split at once."""
        return self._take(self._positions)


_MADE: WeakKeyDictionary[Any, dict[tuple[str, str], Material]] = WeakKeyDictionary()


def _converted(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor
