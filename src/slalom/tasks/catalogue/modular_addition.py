"""A one-layer transformer that learns to add modulo a prime: small, modern, and hard for plain SGD."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from slalom.tasks.catalogue.entry import Entry
from slalom.tasks.task import Task

PRIME = 59
WIDTH, HEADS, HIDDEN = 64, 4, 256
_HELD_OUT = (350, 347)  # validation and test, leaving 2,784 of 3,481 sums


@lru_cache(maxsize=1)
def sums() -> tuple[Any, Any]:
    """Return all pairs as tokens a, b, "=" (the token 59), shape [3481, 3], and (a + b) mod 59, shape [3481], int64."""
    import torch

    first, second = torch.arange(PRIME).repeat_interleave(PRIME), torch.arange(PRIME).repeat(PRIME)
    return torch.stack([first, second, torch.full_like(first, PRIME)], dim=1), (first + second) % PRIME


def transformer() -> Any:
    from slalom.tasks.catalogue.modules import Transformer

    return Transformer(PRIME + 1, PRIME, positions=3, width=WIDTH, heads=HEADS, hidden=HIDDEN)


def modular_addition(name: str, data_dir: str | None) -> Task:
    return Task(
        transformer, sums, validation=_HELD_OUT[0], test=_HELD_OUT[1], metrics="accuracy", batch_size=256, epochs=50,
        name=name, title="modular addition, transformer",
    )  # fmt: skip


ENTRIES = {
    "modadd-transformer": Entry(
        build=modular_addition,
        network=f"one transformer block, width {WIDTH}, {HEADS} heads, perceptron {HIDDEN}, layer norm, ReLU",
        parameters=57_664,
        data=f"all {PRIME**2:,} sums (a + b) mod {PRIME}, as tokens a, b, =",
        splits=(PRIME**2 - sum(_HELD_OUT), *_HELD_OUT), example=(3,), tokens=PRIME + 1,
        initial="PyTorch's own, embeddings normal 0.02",
        teaches="Attention wants adaptive steps: Adam and Muon learn to add within seconds, plain SGD lags far behind.",
        source="the data after Power et al. (2022), Grokking, arXiv:2201.02177",
    ),
}  # fmt: skip
