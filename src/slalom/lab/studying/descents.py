"""Runs on a landscape, in the form in which a study keeps all runs: the loss after some of the steps."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slalom.core import (
    InputError,
    Landscape,
    Noise,
    Progress,
    Run,
    Runner,
    Training,
    Trajectories,
    describe_exception,
    interrupts,
)

LOOKS = 200
"""Evaluations of a run at most, evenly spaced; what a run keeps of its path."""

TRIAL = 50
"""Steps by which the time of one is guessed."""


def conditions(steps: int, dtype: str, device: str) -> Training:
    """Return the conditions of runs of ``steps`` steps on a landscape. There are no epochs: each has one step."""
    return Training.of(steps, 1, max(1, -(-steps // LOOKS)), dtype=dtype, device=device)


@dataclass(frozen=True, eq=False)
class Descent:
    """Computes runs on a landscape; see :class:`slalom.lab.parcels.Works`."""

    course: Landscape
    engine: str
    training: Training

    def compute(self, runners: Sequence[Runner], progress: Progress | None = None) -> list[Run]:
        """Compute runs together. An optimizer that raises fails for itself: the others are computed without it."""
        try:
            return self._together(runners, progress)
        except InputError:
            raise
        except interrupts():
            raise
        except BaseException as problem:
            if len(runners) == 1:
                return [Run(np.empty(0), [], error=describe_exception(problem))]
        middle = len(runners) // 2
        return [*self.compute(runners[:middle], progress), *self.compute(runners[middle:], progress)]

    def size(self, runners: Sequence[Runner]) -> int:
        return len(runners) * self.training.steps

    def _together(self, runners: Sequence[Runner], progress: Progress | None) -> list[Run]:
        import torch

        from slalom import engines

        def tell(done: int, total: int) -> None:
            if progress is not None:
                progress(done * self.size(runners) // total, self.size(runners))

        began = time.perf_counter()
        with torch.inference_mode(mode=False), torch.enable_grad():
            found: Trajectories = getattr(engines, self.engine)(
                self.course,
                self._lasting(runners),
                self.training.steps,
                noise=Noise(0.0),
                dtype=getattr(torch, self.training.dtype),
                device=self.training.device,
                progress=tell,
            )
        seconds = (time.perf_counter() - began) / len(runners)
        kept = range(len(runners)) if found.kept is None else found.kept
        runs = {index: self._run(found, row, seconds) for row, index in enumerate(kept)}
        return [runs.get(index, Run(np.empty(0), [], interrupted=True)) for index in range(len(runners))]

    def _lasting(self, runners: Sequence[Runner]) -> list[Runner]:
        """Return the runners with schedules made for whole runs, where these are stopped early."""
        if self.training.length == self.training.steps:
            return list(runners)
        different: dict[int, Any] = {id(runner.optimizer): runner.optimizer for runner in runners}
        lasting = {key: optimizer.lasting(self.training.length) for key, optimizer in different.items()}
        return [runner._replace(optimizer=lasting[id(runner.optimizer)]) for runner in runners]

    def _run(self, found: Trajectories, row: int, seconds: float) -> Run:
        """Return one run: f along its path, every value before the divergence or the step that failed."""
        made, lost, error = found.completed, int(found.diverged_at[row]), found.errors.get(row, "")
        if error:
            made, lost = max(lost - 1, 0), -1
        with np.errstate(all="ignore"):
            losses = np.asarray(self.course.values(found.paths[row, : made + 1]), dtype=np.float64)
        if lost < 0 and not np.isfinite(losses).all():
            lost = int(np.argmin(np.isfinite(losses)))  # the point is in bounds, and the function has no value there
        if lost >= 0:
            losses[lost:] = np.nan
            made = lost
        evaluations = [
            {"step": step, "seconds": seconds * step / self.training.steps, "loss": float(losses[step])}
            for step in sorted({*(s for s in self.training.evaluate_at if s <= made), made})
        ]
        return Run(
            losses=losses[:made],
            evaluations=evaluations,
            diverged_at=lost if lost >= 0 else None,
            completed=made,
            interrupted=lost < 0 and made < self.training.steps and not error,
            error=error,
            seconds=seconds,
            gradient_evaluations=made if found.evaluations is None else int(found.evaluations[row, made]),
        )


def seconds_per_step(descent: Descent, sample: Sequence[Runner]) -> float:
    """Return the seconds that one step of one run takes, by a short trial; 0 where the trial fails."""
    steps = min(TRIAL, descent.training.steps)
    short = replace(descent, training=descent.training.until(steps))
    try:
        short._together(sample, None)  # the first compiles
        runs = short._together(sample, None)
    except Exception:
        return 0.0
    return sum(run.seconds for run in runs) / len(runs) / steps
