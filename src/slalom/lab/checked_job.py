"""A job on files of the user's: it refuses to compute with another text than the one that its runs are stored under."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from slalom.core import Progress, Run, Runner, Training
from slalom.core.user_files.hooks import drop_aliases
from slalom.core.user_files.loading import enter
from slalom.core.user_files.sources import Sources
from slalom.lab.parcels import Works


class CheckedJob:
    """Computes like ``job``, in this process or in a worker, and compares what was run with ``sources``.

    Computing raises InputError, and returns no runs, where the process has imported another text of a file, or a file
    of the user's that is not in ``sources``.
    """

    def __init__(self, job: Works, sources: Iterable[Sources]):
        self.job, self.sources = job, tuple(sources)

    @property
    def course(self) -> Any:
        return self.job.course

    @property
    def training(self) -> Training | None:
        return self.job.training

    def size(self, runners: Sequence[Runner]) -> int:
        return self.job.size(runners)

    def compute(self, runners: Sequence[Runner], progress: Progress | None = None) -> list[Run]:
        self._check()
        drop_aliases()  # those of the course that was computed before
        runs = self.job.compute(runners, progress)
        self._check()  # what is imported inside functions may have come just now
        return runs

    def _check(self) -> None:
        for source in self.sources:
            source.check_executed()

    def __reduce__(self) -> Any:
        return CheckedJob._received, (_Entrance(self.sources), self.job)

    @staticmethod
    def _received(sources: tuple[Sources, ...], job: Works) -> CheckedJob:
        return CheckedJob(job, sources)


class _Entrance:
    """Is unpickled before the job that it is pickled with, and so runs the files that the job is made from."""

    def __init__(self, sources: tuple[Sources, ...]):
        self.sources = sources

    def __reduce__(self) -> Any:
        return _entered, (self.sources,)


def _entered(sources: tuple[Sources, ...]) -> tuple[Sources, ...]:
    enter(sources)
    return sources
