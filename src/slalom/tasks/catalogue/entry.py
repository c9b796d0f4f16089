"""What the catalogue knows of a task, beside the task itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from slalom.tasks.task import Task


@dataclass(frozen=True)
class Entry:
    """One task of the catalogue, as far as it can be told without its data and without torch.

    ``build(name, data_dir)`` makes the task, and reads nothing yet. ``splits`` are the sizes of train, validation and
    test. ``example`` is the shape of one example's input, ``tokens`` the number of different integers where it holds
    integers. ``loss`` says exactly what is minimised, ``initial`` how the network's weights are drawn.
    """

    build: Callable[[str, str | None], Task]
    network: str
    parameters: int
    data: str
    splits: tuple[int, int, int]
    example: tuple[int, ...]
    teaches: str
    source: str
    loss: str = "cross-entropy, mean over the batch"
    initial: str = "PyTorch's own"
    held_out: str = "drawn anew by every seed"
    tokens: int = 0
