"""The record of a race on a task, or in a training loop of the caller's own: what ``slalom.race`` returns there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from slalom.core import (
    InputError,
    Run,
    Runner,
    Status,
    Task,
    Training,
    TrainingLoop,
    known_direction,
    maximizes,
    quote,
)
from slalom.lab import task_exports
from slalom.lab.result import Result
from slalom.lab.tables import Table
from slalom.lab.task_tables import training_table

CLOCKS = ("step", "epoch", "seconds")
"""What an evaluation holds beside what was measured."""


@dataclass(repr=False, eq=False)
class TaskRace(Result):
    """Many runners on one task, or through one training loop of the caller's own.

    Satisfies :class:`slalom.core.TrainingRecord`. ``runners`` and ``runs`` belong together, in the order optimizer (as
    typed), seed; what had not begun when somebody pressed Ctrl-C is in neither.

    Its pictures: training ``curves``, or the ``final`` results with every seed as a dot. It is saved as one of them
    (png svg pdf), as a page (html), or as numbers: csv (one line per evaluation), json, parquet (one line per step).
    """

    course: Task | TrainingLoop
    runners: Sequence[Runner]
    runs: Sequence[Run]
    training: Training | None
    engine: str
    versions: Mapping[str, str]
    remarks: Sequence[str] = ()

    @property
    def steps(self) -> int:
        """The steps that were asked for; for a loop of the caller's own, the most evaluations that a run has."""
        if self.training is not None:
            return self.training.steps
        return max((len(run.evaluations) for run in self.runs), default=0)

    @property
    def dtype(self) -> str:
        return self.training.dtype if self.training is not None else ""

    @property
    def precision(self) -> str:
        return self.training.precision if self.training is not None else ""

    @property
    def device(self) -> str:
        return self.training.device if self.training is not None else ""

    @cached_property
    def statuses(self) -> tuple[Status, ...]:
        """How every runner ended."""
        return tuple(map(status_of, self.runs))

    @cached_property
    def measures(self) -> tuple[str, ...]:
        """``loss``, then the metrics' names; a loop's as it yields them, such as ``test_accuracy``."""
        if self.training is not None:
            return ("loss", *self.course.metrics)  # type: ignore[union-attr]  # with conditions it is a task
        names = dict.fromkeys(name for run in self.runs for evaluation in run.evaluations for name in evaluation)
        return tuple(name for name in names if name not in CLOCKS)

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Of ``train``, ``validation`` and ``test`` those there are; none for a loop."""
        if self.training is None:
            return ()
        return tuple(self.course.splits(self.runners[0].seed).named())  # type: ignore[union-attr]

    @cached_property
    def higher_is_better(self) -> Mapping[str, bool]:
        """By measure; of a loop's measures, those whose names tell."""
        if self.training is not None:
            metrics = self.course.metrics  # type: ignore[union-attr]
            climbs = any(maximizes(runner.optimizer) for runner in self.runners)
            return {"loss": climbs, **{name: metric.higher_is_better for name, metric in metrics.items()}}
        known = {name: known_direction(name) for name in self.measures}
        return {name: higher for name, higher in known.items() if higher is not None}

    @cached_property
    def losses(self) -> np.ndarray:
        """The minibatch losses, shape [runners, steps], float64; NaN where a run had ended or diverged."""
        longest = max((len(run.losses) for run in self.runs), default=0)
        table = np.full((len(self.runs), longest), np.nan)
        for row, run in zip(table, self.runs, strict=True):
            row[: len(run.losses)] = run.losses
        return table

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What evaluations hold: ``train_loss``, ``test_accuracy`` …; a loop's measures as it yields them."""
        if self.training is None:
            return self.measures
        return tuple(f"{split}_{measure}" for measure in self.measures for split in self.splits)

    def final(self, name: str) -> np.ndarray:
        """Return a measure at the end of every run, such as ``race.final("test_accuracy")``: shape [runners], float64.

        NaN where the run diverged or failed. Raises InputError for a measure that there is not.
        """
        if name not in self.names:
            raise InputError(f"{quote(name)} was not measured here: choose one of {', '.join(self.names)}.")
        return np.array([run.series(name)[-1] if run.evaluations else np.nan for run in self.runs], dtype=np.float64)

    def series(self, name: str, runner: int) -> np.ndarray:
        """Return a measure at every evaluation of one runner, shape [evaluations], float64."""
        return self.runs[runner].series(name)

    def __repr__(self) -> str:
        return f"{self.course.title}, {self.engine} engine\n{self.table()}"

    # -- what people see ---------------------------------------------------------------------------------------------

    @cached_property
    def sentence(self) -> str:
        """What to see in this race, in a sentence or two computed from it."""
        from slalom.show import views

        return views.training_sentence(self)

    def table(self) -> Table:
        """One row per runner, or one per optimizer where there are several seeds."""
        return training_table(self)

    def to_json(self) -> bytes:
        """The whole race as JSON; numbers that are not finite are null."""
        return task_exports.to_json(self)


def status_of(run: Run) -> Status:
    """Return how a run ended."""
    if run.error:
        return Status(Status.FAILED, run.completed)
    if run.diverged_at is not None:
        return Status(Status.DIVERGED, run.diverged_at)
    if run.interrupted:
        return Status(Status.INTERRUPTED, run.completed)
    return Status(Status.FINISHED)
