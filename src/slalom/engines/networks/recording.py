"""What is written down while networks train: minibatch losses, evaluations, time, memory."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from slalom.core import Evaluation, Run, Training


class Stopwatch:
    """Counts the seconds of training, evaluation left out."""

    def __init__(self, device: str) -> None:
        self.seconds = 0.0
        self._waits = torch.cuda.synchronize if device.startswith("cuda") else None
        self._began: float | None = None

    def start(self) -> None:
        """Go on counting."""
        self._began = time.perf_counter()

    def stop(self) -> float:
        """Stop counting, once the device has done what it was asked for; return the seconds so far."""
        if self._began is not None:
            if self._waits is not None:
                self._waits()
            self.seconds += time.perf_counter() - self._began
            self._began = None
        return self.seconds


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread of torch's: results depend on their number, and one process per core is faster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def row(step: int, training: Training, seconds: float, measured: Mapping[str, float]) -> Evaluation:
    """Return one evaluation."""
    return {"step": step, "epoch": step / training.steps_per_epoch, "seconds": seconds, **measured}


def finished(
    losses: np.ndarray,
    evaluations: list[Evaluation],
    *,
    completed: int,
    **facts: Any,
) -> Run:
    """Return the run: everything from a divergence on is NaN, and the run ends there.

    A runner has diverged at the first step whose minibatch loss is not finite, or after which the training loss is not.
    """
    losses = np.asarray(losses[:completed], dtype=np.float64)
    diverged_at = None
    if not np.isfinite(losses).all():
        diverged_at = int(np.argmin(np.isfinite(losses))) + 1
    for evaluation in evaluations:
        if not math.isfinite(evaluation.get("train_loss", 0.0)):
            diverged_at = min(int(evaluation["step"]), diverged_at or completed or 1)
            break
    if diverged_at is not None:
        losses[max(diverged_at - 1, 0) :] = np.nan
        evaluations = [_as_diverged(entry) if entry["step"] >= diverged_at else entry for entry in evaluations]
    return Run(losses, evaluations, diverged_at=diverged_at, completed=completed, **facts)


def _as_diverged(evaluation: Evaluation) -> Evaluation:
    return {key: value if key in ("step", "epoch", "seconds") else math.nan for key, value in evaluation.items()}


def bytes_of(tensors: Iterable[Any]) -> int:
    """Return the bytes of memory that tensors take; what is no tensor takes none."""
    return sum(x.numel() * x.element_size() for x in tensors if isinstance(x, torch.Tensor))


def state_tensors(optimizer: Any) -> Iterator[Any]:
    """Return what an optimizer keeps for its parameters."""
    for state in getattr(optimizer, "state", {}).values():
        if isinstance(state, dict):
            yield from state.values()


def words(error: BaseException) -> str:
    """Return an exception in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
