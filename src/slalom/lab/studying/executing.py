"""Runs what a study asks for and its store lacks; every unit of work is stored as soon as it is finished.

A unit is made of runs of one optimizer, and is stored whole or not at all. Which runs make a unit follows from what was
asked for and the plan's width alone: a study that was stopped computes the same units again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from slalom.core import Progress, Run, Runner, Training
from slalom.lab.parcels import Job
from slalom.lab.studying.specifying import Setting
from slalom.lab.workers import Work
from slalom.store import Outcome, RunSpec, Store

DIED = "its process died"
"""How the error of a run begins whose worker was killed: no fault of the run's, which is tried once more."""

CLOSED = "test_"
"""What tuning does not see: measures on the test set are dropped from its runs before anything is stored."""


@dataclass(frozen=True)
class Finished:
    """A run of a study, and where it is kept."""

    spec: RunSpec
    runner: Runner
    run: Run

    @property
    def lost(self) -> bool:
        """Whether it diverged or failed, which counts as the worst result."""
        return self.run.diverged_at is not None or bool(self.run.error)

    def final(self, measure: str) -> float:
        """Return a measure at the last step; NaN where the run was lost."""
        if self.lost or not self.run.evaluations:
            return float("nan")
        return float(self.run.last.get(measure, float("nan")))


@dataclass
class Executor:
    """Carries out the runs of one study. ``computed`` counts those that were not in the store."""

    task: Any
    setting: Setting
    store: Store
    width: int
    workers: int
    total: int  # steps, for a training loop runs, that the study is expected to take, for the progress
    progress: Progress | None = None
    computed: int = 0
    keys: list[str] = field(default_factory=list)
    _steps: int = 0

    def run(
        self, groups: Sequence[Sequence[Runner]], training: Training | None, *, closed: bool
    ) -> list[list[Finished]]:
        """Return the runs of every group (runners of one optimizer each), from the store or computed now.

        ``closed`` keeps the test set shut. Raises KeyboardInterrupt after Ctrl-C; what was finished is stored.
        """
        length = 1 if training is None else training.steps
        units = [_Unit(tuple(part), self) for group in groups for part in self._parts(group)]
        for unit in units:
            unit.specify(training)
        self.keys += [spec.key for unit in units for spec in unit.specs]
        absent = set(self.store.missing(spec.key for unit in units for spec in unit.specs))
        lacking = [unit for unit in units if any(spec.key in absent for spec in unit.specs)]
        for unit in units:
            if unit not in lacking:
                unit.fetch()
                self._steps += length * len(unit.runners)
        left = self._compute(lacking, training, closed)
        self._compute(left, training, closed, last=True)
        found = {id(runner): done for unit in units for runner, done in zip(unit.runners, unit.finished(), strict=True)}
        return [[found[id(runner)] for runner in group] for group in groups]

    def _parts(self, group: Sequence[Runner]) -> list[list[Runner]]:
        from slalom.engines import networks

        units = networks.divide(group, self.setting.engine, self.width)
        return [[group[index] for index in unit] for unit in units]

    def _compute(
        self, units: Sequence[_Unit], training: Training | None, closed: bool, last: bool = False
    ) -> list[_Unit]:
        """Compute units, and return those whose process died; the ``last`` time these are taken as failed."""
        if not units:
            return []
        job = Job(self.task, self.setting.engine, training, self.setting.lanes)
        work = Work(job, [unit.runners for unit in units], self.workers)
        died, whole = [], 0
        already = self._steps
        told = None if self.progress is None else lambda done, _: self._tell(already + done)
        for index, runs in work.results(told):
            unit = units[index]
            if len(runs) < len(unit.runners) or any(run.interrupted for run in runs):
                continue  # Ctrl-C: a part is not stored, since it would be taken for the whole
            whole += 1
            if any(run.error.startswith(DIED) for run in runs):
                died.append(unit)
                unit.runs = runs
                continue
            unit.keep([_without_test(run) for run in runs] if closed else runs)
            self.computed += len(runs)
            self._steps += job.size(unit.runners)
        if whole < len(units):
            raise KeyboardInterrupt
        return [] if last else died

    def _tell(self, done: int) -> None:
        if self.progress is not None:
            self.progress(done, max(done, self.total))


@dataclass(eq=False)
class _Unit:
    """Runners that are computed together, and their runs."""

    runners: tuple[Runner, ...]
    executor: Executor
    specs: list[RunSpec] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)

    def specify(self, training: Training | None) -> None:
        width = 1 if self.executor.setting.engine == "solo" else max(2, len(self.runners))  # engines pad to two
        self.specs = [self.executor.setting.spec(runner, training, width) for runner in self.runners]

    def fetch(self) -> None:
        """Take the runs from the store."""
        self.runs = [self._stored(spec) for spec in self.specs]

    def keep(self, runs: list[Run]) -> None:
        """Store the runs, all of them in one transaction. Where the store has others, those hold."""
        self.runs = runs
        outcomes = self.executor.store.put_all(zip(self.specs, runs, strict=True))
        for index, outcome in enumerate(outcomes):
            if outcome is not Outcome.WRITTEN:
                self.runs[index] = self._stored(self.specs[index])

    def _stored(self, spec: RunSpec) -> Run:
        kept = self.executor.store.get(spec.key)
        assert kept is not None
        return kept.run

    def finished(self) -> list[Finished]:
        return [Finished(*each) for each in zip(self.specs, self.runners, self.runs, strict=True)]


def _without_test(run: Run) -> Run:
    """Drop what was measured on the test set: it is opened once, after tuning."""
    run.evaluations = [
        {name: value for name, value in evaluation.items() if not name.startswith(CLOSED)}
        for evaluation in run.evaluations
    ]
    return run
