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
from slalom.engines.solo import warm_up

__all__ = ["Stopwatch", "bytes_of", "finished", "one_thread", "row", "state_tensors", "warm_up"]


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
    losses: np.ndarray, evaluations: list[Evaluation], training: Training, *, completed: int, **facts: Any
) -> Run:
    """Return the run, ended where it diverged, whichever engine noticed that when.

    A runner has diverged at the first step whose minibatch loss is not finite, or after which its training loss is not.
    Its last evaluation then stands at that step, all of its measures NaN.
    """
    losses = np.array(losses[:completed], dtype=np.float64)
    lost_at = [int(np.argmin(np.isfinite(losses))) + 1] if not np.isfinite(losses).all() else []
    lost_at += [int(e["step"]) for e in evaluations if not math.isfinite(e.get("train_loss", 0.0))]
    if not lost_at:
        return Run(losses, evaluations, completed=completed, **facts)
    diverged_at = min(lost_at)
    losses = losses[:diverged_at]
    losses[max(diverged_at - 1, 0) :] = np.nan
    later = [evaluation for evaluation in evaluations if evaluation["step"] >= diverged_at][:1]
    evaluations = [evaluation for evaluation in evaluations if evaluation["step"] < diverged_at]
    evaluations += [_as_diverged(evaluation, diverged_at, training) for evaluation in later]
    facts["gradient_evaluations"] = min(facts.get("gradient_evaluations", 0), diverged_at)
    if facts.get("learning_rates") is not None:
        facts["learning_rates"] = facts["learning_rates"][:diverged_at]
    return Run(losses, evaluations, diverged_at=diverged_at, completed=diverged_at, **facts)


def _as_diverged(evaluation: Evaluation, step: int, training: Training) -> Evaluation:
    lost = {key: math.nan for key in evaluation if key not in ("step", "epoch", "seconds")}
    return row(step, training, evaluation["seconds"], lost)


def bytes_of(tensors: Iterable[Any]) -> int:
    """Return the bytes of memory that tensors take; what is no tensor takes none."""
    return sum(x.numel() * x.element_size() for x in tensors if isinstance(x, torch.Tensor))


def state_tensors(optimizer: Any) -> Iterator[Any]:
    """Return what an optimizer keeps for its parameters."""
    for state in getattr(optimizer, "state", {}).values():
        if isinstance(state, dict):
            yield from state.values()
