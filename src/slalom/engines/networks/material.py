"""The data of a task where the networks are: on the device, in the dtype of the race, split and batched by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

    def judged(self, seed: int) -> Iterator[tuple[str, Iterator[Batch]]]:
        """Yield each split by name with its examples in pieces, gathered when they are asked for."""
        for name, pieces in self._judged(seed).items():
            yield name, map(self._take, pieces)

    def _positions_judged(self, seed: int) -> dict[str, tuple[torch.Tensor, ...]]:
        named = self.splits(seed).named().items()
        return {
            name: torch.from_numpy(np.ascontiguousarray(indices)).to(self._device).split(self._piece())
            for name, indices in named
        }

    def _piece(self) -> int:
        """Return how many examples are evaluated at once: as many as in a batch at least."""
        each = max(x[0].numel() for x in self._inputs)
        return max(self.task.batch_size, PIECE // max(1, each))


_MADE: WeakKeyDictionary[Any, dict[tuple[str, str], Material]] = WeakKeyDictionary()


def _converted(tensor: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def step_seed(seed: int, step: int) -> int:
    """Return what torch's generator is seeded with before ``step``: dropout masks too are a function of (seed, step).

    The CPU's generator takes 32 bits; the constants are those of splitmix64.
    """
    mixed = (seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9) % 2**64
    mixed = (mixed ^ (mixed >> 31)) * 0x94D049BB133111EB % 2**64
    return mixed >> 32
