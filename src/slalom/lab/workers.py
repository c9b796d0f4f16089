"""Units of work are handed out to worker processes, and come back in the order in which they finish.

A unit whose worker fails it (killed, out of memory, too slow) is tried again, its runs one at a time: a run that ends
its process takes no other with it.
"""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, takewhile
from multiprocessing import connection
from types import FrameType
from typing import Any

from slalom.core import InputError, Progress, Run, Runner, quote
from slalom.core.memory import available_memory
from slalom.lab.parcels import Works, parcel
from slalom.lab.worker_pool import DIED, STARTING, Part, Worker, dismiss, hire, prepare
from slalom.lab.worker_process import serving
from slalom.stopping import SIGNALS, handled

__all__ = ["Work", "cores", "dismiss", "failed", "is_machines_fault", "prepare", "told_homebound"]

EACH_NEEDS = 2**30
"""Bytes of free memory for every worker: a Python with torch takes 300 MB before it has any data."""

PATIENCE = 0.2
"""Seconds between two looks at whether somebody has pressed Ctrl-C, or a run has taken too long."""


GRACE = 5.0
"""Seconds that the other workers have to return what they have finished where one refuses its unit."""

MEMORY = ("MemoryError", "OutOfMemoryError")
"""How the errors of runs begin that memory was too short for."""

LATE, UNBEGUN = "took longer than the limit of", "its process had not begun after"
"""How the errors of runs begin that this machine, or a limit, did not let come to an end; a worker's death: DIED."""


def is_machines_fault(run: Run) -> bool:
    """Whether a run failed for a reason that another time, or another machine, may not have."""
    return run.error.startswith((LATE, UNBEGUN, DIED, *MEMORY)) or "not enough memory" in run.error


def cores() -> int:
    """Return how many workers this process may keep busy: its cores, fewer where memory is short."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(own, available_memory() // EACH_NEEDS))


class Work:
    """Units of work of one job, to be carried out by so many worker processes, or in this process with one.

    ``timeout`` is how many seconds one run may take, None for any. A unit of n runs may take n times as long, whether
    they are computed one after another or together, counted from when its worker has what it needs to begin; what an
    engine prepares at its first step counts. With a timeout, or with more than one worker asked for, every unit is
    computed in a worker process, also a single one: only a process can be killed when it takes too long, and a crash of
    the user's code ends only its worker.
    """

    def __init__(self, job: Works, units: Sequence[Sequence[Runner]], workers: int, timeout: float | None = None):
        self.job, self.units, self.timeout = job, units, timeout
        self.workers = 1 if serving() else min(workers, len(units))
        self._away = not serving() and (workers > 1 or timeout is not None)
        self._packed_job = parcel(job) if self._away else None
        packed = [parcel(unit, share=False) if self._packed_job is not None else None for unit in units]
        self._packed = {index: content for index, content in enumerate(packed) if content is not None}

    @property
    def homebound(self) -> list[int]:
        """The units that no other process could compute, though it was wanted."""
        return [k for k in range(len(self.units)) if k not in self._packed] if self._away else []

    @property
    def untimed(self) -> list[int]:
        """The units for which the timeout does not hold: those that are computed in this process."""
        here = range(len(self.units)) if not self._away else self.homebound
        return list(here) if self.timeout is not None else []

    def results(self, progress: Progress | None = None) -> Iterator[tuple[int, list[Run]]]:
        """Yield (index of the unit, its runs) as units finish, each unit once.

        What cannot be sent to another process is computed here, at the end. After Ctrl-C what was begun is yielded as
        far as it got, and nothing more. A run that takes longer than the timeout, or whose worker dies twice with this
        run alone, is one that tells so; all others are as if it had not been. Raises InputError where an engine
        refuses.
        """
        tally = _Tally(self.job, self.units, progress)
        stopped = False
        if self._packed_job is not None and self._packed:
            crew = _Crew(self.job, self.units, self._packed_job, self._packed, self.timeout)
            yield from crew.results(min(self.workers, len(self._packed)), tally)
            stopped = crew.stopped
        for index, unit in enumerate(self.units):
            if stopped or index in self._packed:
                continue
            runs = self.job.compute(unit, tally.of(index) if progress else None)
            tally.finish(index)
            yield index, runs
            stopped = len(runs) < len(unit) or any(run.interrupted for run in runs)


def told_homebound(work: Work) -> list[str]:
    """Return what there is to say of what could not be sent to other processes, and so is not limited in time."""
    if not work.homebound:
        return []
    if len(work.homebound) == len(work.units):
        what = f"{quote(work.job.course.name)} or its optimizers"
    else:
        what = ", ".join(dict.fromkeys(quote(one.optimizer.spec) for k in work.homebound for one in work.units[k]))
    limit = ", where no limit of time holds" if work.untimed else ""
    return [
        f"{what} cannot be sent to other processes and ran in this one{limit}: what is defined in a module, or in a "
        'script under whose `if __name__ == "__main__":` everything happens, can'
    ]


class _Tally:
    """Sums up how far all units are."""

    def __init__(self, job: Works, units: Sequence[Sequence[Runner]], progress: Progress | None):
        self._sizes = [job.size(unit) for unit in units]
        self._done = [0] * len(units)
        self._parts: list[dict[int, int]] = [{} for _ in units]
        self._progress = progress
        self._counts_steps = job.training is not None

    def of(self, index: int) -> Progress:
        """Return the callback of one unit that is computed here."""
        return lambda done, total: self.note(index, 0, done)

    def note(self, index: int, first: int, done: int) -> None:
        """The part of a unit that begins with its run ``first`` has got so far."""
        if self._counts_steps:  # a loop does not tell how long it will be
            self._parts[index][first] = done
            self._done[index] = max(self._done[index], sum(self._parts[index].values()))
        self._tell()

    def again(self, index: int) -> None:
        """A unit begins anew, in parts; what is told does not fall."""
        self._parts[index].clear()

    def finish(self, index: int) -> None:
        """One unit is finished."""
        self._done[index] = self._sizes[index]
        self._tell()

    def _tell(self) -> None:
        if self._progress is not None:
            self._progress(sum(self._done), sum(self._sizes))


class _Crew:
    """The workers of one call."""

    def __init__(
        self,
        job: Works,
        units: Sequence[Sequence[Runner]],
        packed_job: bytes,
        packed: dict[int, bytes],
        timeout: float | None,
    ):
        self.job, self.units, self.packed_job, self.timeout = job, units, packed_job, timeout
        self.waiting = [Part(index, 0, len(units[index]), content) for index, content in packed.items()]
        self.busy: list[Worker] = []
        self.stopped = False
        self.refusal = ""
        self._grace_ends = math.inf  # when the other workers are ended after a refusal (monotonic time)
        self._told = False  # the workers know that they are to stop
        self._pieces: dict[int, dict[int, Run]] = {}  # of units that are tried again: runs by their place

    def results(self, workers: int, tally: _Tally) -> Iterator[tuple[int, list[Run]]]:
        """Yield the runs of units as they come back."""
        with self._noting_interrupts():
            try:
                while True:
                    if self.stopped and not self._told:
                        self._stop()
                    self._employ(workers)
                    if not self.busy or time.monotonic() > self._grace_ends:
                        break
                    for index, runs in self._answers(tally):
                        tally.finish(index)
                        yield index, runs
            finally:
                for worker in self.busy:
                    worker.end()
        yield from self._fragments()
        if self.refusal:
            raise InputError(self.refusal)

    @contextmanager
    def _noting_interrupts(self) -> Iterator[None]:
        """Let Ctrl-C be noted rather than raised, so that it tears no message apart; a second one is raised."""
        before = {number: signal.getsignal(number) for number in SIGNALS}  # one of them may be ignored, as under nohup

        def note(number: int, frame: FrameType | None) -> None:
            hurried, self.stopped = self.stopped, True
            try:
                outer = before.get(signal.Signals(number))
                if callable(outer):
                    outer(number, frame)
            except KeyboardInterrupt:
                if hurried:
                    raise

        with handled(note):
            yield

    def _stop(self) -> None:
        self._told = True
        self.waiting.clear()
        for worker in self.busy:
            worker.stop()

    def _employ(self, workers: int) -> None:
        """Give every idle hand a part."""
        while self.waiting and len(self.busy) < workers:
            worker = hire()
            self.busy.append(worker)
            worker.give(self.waiting.pop(0), self.job, self.packed_job, self.timeout)

    def _answers(self, tally: _Tally) -> Iterator[tuple[int, list[Run]]]:
        """Wait a moment for word from any worker, and yield what is finished."""
        lines = {worker.line: worker for worker in self.busy}
        for line in connection.wait(list(lines), timeout=PATIENCE):
            worker = lines[line]
            assert worker.part is not None
            try:
                kind, content = worker.line.recv()
            except (EOFError, OSError):
                kind, content = "died", worker.epitaph()
            if kind == "begun":
                worker.begin(self.timeout)
            elif kind == "progress":
                tally.note(worker.part.unit, worker.part.first, content)
            else:
                yield from self._concluded(worker, kind, content, tally)
        for worker in list(self.busy):
            late = worker.deadline is not None and time.monotonic() > worker.deadline
            if late and not worker.line.poll():  # it may have spoken in time, and whoever takes the results was slow
                yield from self._concluded(worker, "late", self._lateness(worker), tally)

    def _lateness(self, worker: Worker) -> str:
        if not worker.begun:
            return f"{UNBEGUN} {_readable(STARTING)}"
        return f"{LATE} {_readable(self.timeout or 0)}"

    def _concluded(self, worker: Worker, kind: str, content: Any, tally: _Tally) -> Iterator[tuple[int, list[Run]]]:
        """Take a worker's last word on its part, let the worker rest, and yield the unit if that decides it."""
        part = worker.part
        assert part is not None
        self.busy.remove(worker)
        if kind in ("died", "late"):
            worker.end()
        else:
            worker.rest()
        if kind == "refused":
            self._refuse(content)
            return
        if kind != "runs":
            worker.knows = None  # perhaps it could not even unpack the job
            if self._try_again(part, kind, tally):
                return
            content = [failed(content) for _ in range(part.count)]
        yield from self._assembled(part, content)

    def _refuse(self, sentence: str) -> None:
        """Note the first refusal, which is raised once the other workers have returned what they have finished."""
        if not self.refusal:
            self.refusal, self.stopped, self._grace_ends = sentence, True, time.monotonic() + GRACE

    def _try_again(self, part: Part, kind: str, tally: _Tally) -> bool:
        """Put a part that failed back: its runs one at a time, or a single one whose worker died once more.

        These come last, when perhaps more memory is free. After Ctrl-C they are left undecided.
        """
        if kind == "not shared":
            copied = parcel(self.job, share=False)
            if copied is not None:
                self.packed_job = copied
                self.waiting.insert(0, part)
            return copied is not None
        if part.count == 1 and (part.again or kind != "died"):
            return False
        parts = self._singles(part)
        if not parts or self.stopped:
            return self.stopped
        self.waiting += parts
        if part.count > 1:
            self._pieces[part.unit] = {}
            tally.again(part.unit)
        return True

    def _singles(self, part: Part) -> list[Part]:
        if part.count == 1:
            return [replace(part, again=True)]
        contents = [parcel([runner], share=False) for runner in self.units[part.unit]]
        # A run that was with others may yet lose its worker to somebody else, and be tried once more.
        return [Part(part.unit, place, 1, content) for place, content in enumerate(contents) if content is not None]

    def _assembled(self, part: Part, runs: list[Run]) -> Iterator[tuple[int, list[Run]]]:
        """Yield the unit of a part once all of its parts have come back."""
        pieces = self._pieces.get(part.unit)
        if pieces is None:
            yield part.unit, runs
            return
        pieces.update({part.first + offset: run for offset, run in enumerate(runs)})
        if len(pieces) == len(self.units[part.unit]):
            del self._pieces[part.unit]
            yield part.unit, [pieces[place] for place in sorted(pieces)]

    def _fragments(self) -> Iterator[tuple[int, list[Run]]]:
        """Yield, after Ctrl-C, units that were being tried again: their runs before the first that is undecided."""
        for unit, pieces in self._pieces.items():
            decided = [pieces[place] for place in takewhile(pieces.__contains__, count())]
            if decided:
                yield unit, decided


def _readable(seconds: float) -> str:
    """Return a time for people: "10 s", "2.5 min", "3 h"."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size or (seconds >= size and seconds % size == 0):
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def failed(error: str) -> Run:
    """Return the record of a run of which nothing is left but why."""
    import numpy as np

    return Run(np.empty(0), [], error=error)
