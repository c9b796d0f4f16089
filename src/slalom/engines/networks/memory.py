"""Work that does not fit into memory is done in halves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from slalom.core import Progress, Run, Runner, Task, Training
from slalom.engines.single import is_out_of_memory

Unit = Callable[[Task, Sequence[Runner], Training, Progress | None], list[Run]]


def in_halves(
    work: Unit, task: Task, runners: Sequence[Runner], training: Training, progress: Progress | None
) -> list[Run]:
    """Do ``work`` for all runners; where memory does not suffice, for one half of them after the other."""
    try:
        return work(task, runners, training, progress)
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as problem:
        if len(runners) < 2 or not is_out_of_memory(problem):
            raise
    if training.device.startswith("cuda"):
        torch.cuda.empty_cache()
    middle = len(runners) // 2
    first = in_halves(work, task, runners[:middle], training, progress)
    if any(run.interrupted for run in first):
        return first
    return first + in_halves(work, task, runners[middle:], training, progress)
