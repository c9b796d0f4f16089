"""Runs what a study asks for and its store lacks; every unit of work is stored as soon as it is finished.

Where a run's bits do not depend on who is computed beside it, which runs make a unit is only a matter of speed. Where
they do (``alike`` is false), a unit is what was asked for together, and is computed whole or not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from slalom import stopping
from slalom.core import Progress, Run, Runner, Training
from slalom.lab.checked_job import CheckedJob
from slalom.lab.parcels import Works
from slalom.lab.studying.grounds import Ground
from slalom.lab.studying.specifying import LEAST, Setting
from slalom.lab.workers import Work, is_machines_fault, told_homebound
from slalom.store import Outcome, RunSpec, Store

CLOSED = "test_"
"""What tuning does not see: measures on the test set are dropped from its runs before anything is stored."""


@dataclass(frozen=True)
class Finished:
    """A run of a study, and where it is kept."""

    spec: RunSpec
    runner: Runner
    run: Run

    def __repr__(self) -> str:
        how = self.run.error or (
            f"diverged at step {self.run.diverged_at}" if self.diverged else f"{self.run.completed} steps"
        )
        return f"<{self.runner.optimizer.spec}, seed {self.runner.seed}: {how}>"

    @property
    def failed(self) -> bool:
        """Whether the run has no result: the optimizer or the loop raised, it took too long, its process died."""
        return bool(self.run.error)

    @property
    def diverged(self) -> bool:
        """Whether it diverged, which is the worst of results; a run that failed is no divergence."""
        return self.run.diverged_at is not None and not self.failed

    def final(self, measure: str) -> float:
        """Return a measure at the last step; NaN where the run diverged or failed."""
        if self.failed or self.diverged or not self.run.evaluations:
            return float("nan")
        return float(self.run.last.get(measure, float("nan")))


class Crew(Protocol):
    """Who computes: worker processes of this machine, or whatever else can do it.

    Called with a job and its units, yields (index of the unit, its runs) as units finish, in any order and each unit
    once; whatever goes wrong with a unit is told by the ``error`` of its runs. Only after Ctrl-C units may be missing,
    come back short or with interrupted runs. ``hands`` is how many units it is busy with at a time; ``remarks`` is what
    a reader must know about how it was computed.
    """

    @property
    def hands(self) -> int: ...
    @property
    def remarks(self) -> Sequence[str]: ...
    def __call__(
        self, job: Works, units: Sequence[Sequence[Runner]], progress: Progress | None
    ) -> Iterator[tuple[int, list[Run]]]: ...


@dataclass
class Locally:
    """Computes on this machine. ``limit`` is the seconds that one run may take."""

    hands: int
    limit: float | None = None
    remarks: list[str] = field(default_factory=list)

    def __call__(
        self, job: Works, units: Sequence[Sequence[Runner]], progress: Progress | None
    ) -> Iterator[tuple[int, list[Run]]]:
        work = Work(job, units, self.hands, timeout=self.limit)
        self.remarks += [remark for remark in told_homebound(work) if remark not in self.remarks]
        return work.results(progress)


@dataclass
class Executor:
    """Carries out the runs of one study. ``computed`` counts those that were not in the store."""

    ground: Ground
    setting: Setting
    store: Store
    width: int
    crew: Crew
    total: int  # steps, for a training loop runs, that the study is expected to take, for the progress
    progress: Progress | None = None
    say: Callable[[str], None] = lambda told: None
    computed: int = 0
    written: list[float] = field(default_factory=list)  # Unix times at which runs from the store were written
    keys: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.time)
    _steps: int = 0
    _signals: int = field(default_factory=stopping.count)

    def run(
        self, groups: Sequence[Sequence[Runner]], training: Training | None, *, closed: bool
    ) -> list[list[Finished]]:
        """Return the runs of every group (runners of one optimizer each), from the store or computed now.

        ``closed`` keeps the test set shut. Raises KeyboardInterrupt after Ctrl-C; what was finished is stored.
        """
        specs = self._specify(groups, training)
        self.keys += [spec.key for spec in specs.values()]
        absent = set(self.store.missing(spec.key for spec in specs.values()))
        lacking = self._lacking(groups, {runner for runner, spec in specs.items() if spec.key in absent})
        found = {runner: self._found(specs[runner]) for group in groups for runner in group if runner not in lacking}
        self._steps += self.ground.job(self.setting.engine, self.setting.lanes, training).size(list(found))
        units = self._units(groups, lacking)
        for unit, runs in self._computed(units, training):
            kept = [_without_test(run) for run in runs] if closed else runs
            found.update(zip(unit, self._keep([specs[runner] for runner in unit], kept), strict=True))
        return [[Finished(specs[runner], runner, found[runner]) for runner in group] for group in groups]

    def _specify(self, groups: Sequence[Sequence[Runner]], training: Training | None) -> dict[Runner, RunSpec]:
        if self.setting.alike:
            return {runner: self.setting.spec(runner, training) for group in groups for runner in group}
        parts = (part for group in groups for part in self._parts(group))
        return {runner: self.setting.spec(runner, training, part) for part in parts for runner in part}

    def _lacking(self, groups: Sequence[Sequence[Runner]], absent: set[Runner]) -> set[Runner]:
        """Return the runners to compute: those that are absent, and those whose bits belong to theirs."""
        if self.setting.alike:
            return absent
        parts = [part for group in groups for part in self._parts(group)]
        return {runner for part in parts if absent.intersection(part) for runner in part}

    def _units(self, groups: Sequence[Sequence[Runner]], lacking: set[Runner]) -> list[list[Runner]]:
        """Return who is computed with whom: runs of one seed meet the same data, so these are put together."""
        if not self.setting.alike:
            return [part for group in groups for part in self._parts(group) if lacking.issuperset(part)]
        asked = list(dict.fromkeys(runner for group in groups for runner in group if runner in lacking))
        place = {runner: index for index, runner in enumerate(asked)}
        by_seed = sorted(asked, key=lambda runner: (runner.seed, place[runner]))
        if self.setting.engine == "solo":
            return [[runner] for runner in by_seed]
        width = min(self.width, max(LEAST, -(-len(asked) // self.crew.hands)))
        count = -(-len(asked) // width)
        cuts = [len(asked) * part // count for part in range(count + 1)] if count else []
        return [sorted(by_seed[low:high], key=place.__getitem__) for low, high in pairwise(cuts)]

    def _parts(self, runners: Sequence[Runner]) -> list[list[Runner]]:
        """Return the parts of a group that are computed each as a whole, where company matters."""
        from slalom.engines import networks

        units = networks.divide(runners, self.setting.engine, self.width)
        return [[runners[index] for index in unit] for unit in units]

    def _computed(
        self, units: Sequence[Sequence[Runner]], training: Training | None
    ) -> Iterator[tuple[Sequence[Runner], list[Run]]]:
        """Compute units, and yield each with its runs. Raises KeyboardInterrupt at the end where Ctrl-C was pressed."""
        if not units:
            return
        if stopping.count() > self._signals:  # noted when the last unit before was finished
            raise KeyboardInterrupt
        self._check_sources()
        job: Works = self.ground.job(self.setting.engine, self.setting.lanes, training)
        if self.setting.sources:
            job = CheckedJob(job, self.setting.sources)
        already, whole = self._steps, 0
        told = None if self.progress is None else lambda done, _: self._tell(already + done)
        for index, runs in self.crew(job, units, told):
            unit = units[index]
            if len(runs) < len(unit) or any(run.interrupted for run in runs):
                continue  # a part is not stored, since it would be taken for the whole
            whole += 1
            self.computed += len(runs)
            self._steps += job.size(unit)
            yield unit, runs
            self._check_sources()
        if whole < len(units):
            raise KeyboardInterrupt

    def _check_sources(self) -> None:
        """Raise InputError where a file of the user's is no longer what the keys say. Stored runs stay right."""
        for source in self.setting.sources:
            source.check_disk()

    def _keep(self, specs: Sequence[RunSpec], runs: list[Run]) -> list[Run]:
        """Store runs, all of them in one transaction, and return them. Where the store has others, those hold.

        What only this machine did not bring to an end is not stored: the next time it is tried again.
        """
        lasting = {spec: run for spec, run in zip(specs, runs, strict=True) if not is_machines_fault(run)}
        outcomes = dict(zip(lasting, self.store.put_all(lasting.items()), strict=True))
        return [
            run if outcomes.get(spec, Outcome.WRITTEN) is Outcome.WRITTEN else self._stored(spec)
            for spec, run in zip(specs, runs, strict=True)
        ]

    def _found(self, spec: RunSpec) -> Run:
        """Return a run that was in the store, and note when it was computed, if it was before this study began."""
        kept = self.store.get(spec.key)
        assert kept is not None
        if kept.written < self.began:
            self.written.append(kept.written)
        return kept.run

    def _stored(self, spec: RunSpec) -> Run:
        kept = self.store.get(spec.key)
        assert kept is not None
        return kept.run

    def _tell(self, done: int) -> None:
        if self.progress is not None:
            self.progress(done, max(done, self.total))


def _without_test(run: Run) -> Run:
    """Drop what was measured on the test set: it is opened once, after tuning."""
    run.evaluations = [
        {name: value for name, value in evaluation.items() if not name.startswith(CLOSED)}
        for evaluation in run.evaluations
    ]
    return run
