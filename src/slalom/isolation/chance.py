"""Random numbers as a function of (seed, step): torch's, NumPy's and Python's generators."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def step_seed(seed: int, step: int) -> int:
    """Return what the generators are seeded with before ``step`` (0: before the optimizer is made), 32 bits.

    The constants are those of splitmix64.
    """
    mixed = (seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9) % 2**64
    mixed = (mixed ^ (mixed >> 31)) * 0x94D049BB133111EB % 2**64
    return mixed >> 32


def seed_everything(chance: int) -> None:
    """Seed torch's, NumPy's and Python's generators with ``chance``, below 2³²."""
    # torch.manual_seed does this too, but it notes a traceback for the CUDA that is not there: 0.4 ms.
    torch.default_generator.manual_seed(chance)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(chance)
    np.random.seed(chance)
    random.seed(chance)


@contextmanager
def own_chance() -> Iterator[None]:
    """Put torch's, NumPy's and Python's random generators back afterwards."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
