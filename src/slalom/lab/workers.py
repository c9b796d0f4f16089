"""Worker processes: units of work are handed out one at a time, and come back in the order in which they finish.

Each worker is a fresh Python (forking after a large fleet hangs) that rebuilds the course from what named it, keeps it,
computes with one thread of torch's, and pays no heed to the terminal's Ctrl-C: it is told to stop, and then returns
what it has. Workers stay for the next call, and end with the process that started them.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection, get_context, parent_process
from types import FrameType, ModuleType
from typing import Any

from slalom.core import InputError, Progress, Run, Runner
from slalom.core.memory import available_memory
from slalom.lab.parcels import Job, guarded_script, parcel, unpacked

REPORT_EVERY = 0.1
"""Seconds between two words of a worker about how far it is."""

EACH_NEEDS = 2**30
"""Bytes of free memory for every worker: a Python with torch takes 300 MB before it has any data."""

PATIENCE = 0.2
"""Seconds between two looks at whether somebody has pressed Ctrl-C."""

STOP = "stop"

_serving = False
"""Whether this process is a worker: a worker hires nobody, whatever the user's script does when it is run there."""


def cores() -> int:
    """Return how many workers this process may keep busy: its cores, fewer where memory is short."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(own, available_memory() // EACH_NEEDS))


# -- in the worker -------------------------------------------------------------------------------------------------


def serve(line: Any, search_path: list[str]) -> None:
    """Compute what comes down the line until it is closed. Runs in the worker process."""
    global _serving
    _serving = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    sys.path[:] = search_path
    sys.stdout = sys.stderr  # what the user's code prints must not get into the results
    with suppress(OSError, ValueError):
        os.dup2(2, 1)  # nor what code beneath Python prints
    import torch

    torch.set_num_threads(1)
    job: Job | None = None
    with suppress(EOFError, OSError):  # the process that asked is gone
        while True:
            message = line.recv()
            if message is None:
                return
            if message == STOP:  # it came when the unit was done already
                continue
            packed_job, packed_runners, script = message
            try:
                if packed_job is not None:
                    job = unpacked(packed_job, script)
                assert job is not None
                answer: tuple[str, Any] = "runs", job.compute(unpacked(packed_runners, script), _Reports(line))
            except KeyboardInterrupt:  # before the engine had begun
                answer = "runs", []
            except InputError as refusal:
                answer = "refused", str(refusal)
            except (Exception, SystemExit) as problem:
                answer = "failed", f"{type(problem).__name__}: {problem}"
            line.send(answer)


def _outlive_nobody() -> None:
    """End this worker when the process that started it ends, even within a loop that never looks up."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


class _Reports:
    """The progress callback of a worker: tells how far it is, and stops the engine when that is asked for."""

    def __init__(self, line: Any):
        self._line, self._last = line, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last < REPORT_EVERY:
            return
        self._last = now
        if self._line.poll():
            self._line.recv()
            raise KeyboardInterrupt
        self._line.send(("progress", done))


# -- where the work is handed out ------------------------------------------------------------------------------------


class _Worker:
    """One worker process, and the unit it is at."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self.line, theirs = context.Pipe()
        # Not a daemon: a training loop of the user's may start processes of its own, to load data.
        self.process = context.Process(target=serve, args=(theirs, list(sys.path)))
        with _without_main():
            self.process.start()
        theirs.close()
        self.unit: int | None = None
        self.done = 0
        self.knows: Job | None = None

    def give(self, unit: int, job: Job, packed_job: bytes, packed_runners: bytes) -> None:
        """Hand over a unit; the job only where the worker has another one."""
        self.unit, self.done = unit, 0
        with suppress(OSError):  # it has died: its silence will tell
            self.line.send((None if self.knows is job else packed_job, packed_runners, guarded_script()))
        self.knows = job

    def stop(self) -> None:
        """Ask it to return what it has."""
        with suppress(OSError):
            self.line.send(STOP)

    def end(self) -> None:
        """Let it go; one that is still computing is killed."""
        with suppress(OSError):
            self.line.send(None)
        if self.unit is not None:
            self.process.kill()
        self.line.close()
        self.process.join(timeout=5)

    def epitaph(self) -> str:
        """Return why it died, once it has."""
        self.process.join(timeout=5)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"its process died (exit code {code})"
        name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
        memory = "; perhaps memory ran out" if name == "SIGKILL" else ""
        return f"its process died (killed by {name}{memory})"


_IDLE: list[_Worker] = []
"""Workers that wait for the next call."""


@atexit.register
def dismiss() -> None:
    """Let all idle workers go: tell all of them first, then wait for each."""
    for worker in _IDLE:
        with suppress(OSError):
            worker.line.send(None)
    while _IDLE:
        _IDLE.pop().end()


def _idle() -> _Worker | None:
    """Take a worker that waits, and lives."""
    while _IDLE:
        worker = _IDLE.pop()
        if worker.process.is_alive():
            return worker
        worker.end()
    return None


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep multiprocessing from running the user's script in a new process: it may not be guarded against that."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


class Work:
    """Units of work of one job, to be carried out by so many worker processes, or in this process with one."""

    def __init__(self, job: Job, units: Sequence[Sequence[Runner]], workers: int):
        self.job, self.units = job, units
        self.workers = 1 if _serving else min(workers, len(units))
        self._packed_job = parcel(job) if self.workers > 1 else None
        packed = [parcel(unit) if self._packed_job is not None else None for unit in units]
        self._packed = {index: content for index, content in enumerate(packed) if content is not None}

    @property
    def homebound(self) -> list[int]:
        """The units that no other process could compute, though it was wanted."""
        return [k for k in range(len(self.units)) if k not in self._packed] if self.workers > 1 else []

    def results(self, progress: Progress | None = None) -> Iterator[tuple[int, list[Run]]]:
        """Yield (index of the unit, its runs) as units finish.

        What cannot be sent to another process is computed here, at the end. After Ctrl-C what was begun is yielded as
        far as it got, and nothing more. A worker that dies leaves runs that tell so; the others go on. Raises
        InputError where an engine refuses.
        """
        tally = _Tally(self.job, self.units, progress)
        stopped = False
        if self._packed_job is not None and self._packed:
            crew = _Crew(self.job, self.units, self._packed_job, self._packed)
            yield from crew.results(min(self.workers, len(self._packed)), tally)
            stopped = crew.stopped
        for index, unit in enumerate(self.units):
            if stopped or index in self._packed:
                continue
            runs = self.job.compute(unit, tally.of(index) if progress else None)
            tally.finish(index)
            yield index, runs
            stopped = len(runs) < len(unit) or any(run.interrupted for run in runs)


class _Tally:
    """Sums up how far all units are."""

    def __init__(self, job: Job, units: Sequence[Sequence[Runner]], progress: Progress | None):
        self._sizes = [job.size(unit) for unit in units]
        self._done = [0] * len(units)
        self._progress = progress
        self._counts_steps = job.training is not None

    def of(self, index: int) -> Progress:
        """Return the callback of one unit that is computed here."""
        return lambda done, total: self.note(index, done)

    def note(self, index: int, done: int) -> None:
        """One unit has got so far."""
        self._done[index] = done if self._counts_steps else 0  # a loop does not tell how long it will be
        if self._progress is not None:
            self._progress(sum(self._done), sum(self._sizes))

    def finish(self, index: int) -> None:
        """One unit is finished."""
        self._done[index] = self._sizes[index]
        if self._progress is not None:
            self._progress(sum(self._done), sum(self._sizes))


class _Crew:
    """The workers of one call."""

    def __init__(self, job: Job, units: Sequence[Sequence[Runner]], packed_job: bytes, packed: dict[int, bytes]):
        self.job, self.units, self.packed_job, self.packed = job, units, packed_job, packed
        self.waiting = list(packed)
        self.busy: list[_Worker] = []
        self.stopped = False
        self._told = False  # the workers know that they are to stop

    def results(self, workers: int, tally: _Tally) -> Iterator[tuple[int, list[Run]]]:
        """Yield the runs of units as they come back."""
        with self._noting_interrupts():
            try:
                while True:
                    if self.stopped and not self._told:
                        self._stop()
                    self._employ(workers)
                    if not self.busy:
                        return
                    yield from self._answers(tally)
            finally:
                for worker in self.busy:
                    worker.end()

    @contextmanager
    def _noting_interrupts(self) -> Iterator[None]:
        """Let Ctrl-C be noted rather than raised, so that it tears no message apart; a second one is raised."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.getsignal(signal.SIGINT)

        def note(number: int, frame: FrameType | None) -> None:
            hurried, self.stopped = self.stopped, True
            try:
                if callable(before):
                    before(number, frame)
            except KeyboardInterrupt:
                if hurried:
                    raise

        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            with suppress(ValueError):  # collected by another thread
                signal.signal(signal.SIGINT, before)

    def _stop(self) -> None:
        self._told = True
        self.waiting.clear()
        for worker in self.busy:
            worker.stop()

    def _employ(self, workers: int) -> None:
        """Give every idle hand a unit."""
        while self.waiting and len(self.busy) < workers:
            worker = _idle() or _Worker()
            self.busy.append(worker)
            unit = self.waiting.pop(0)
            worker.give(unit, self.job, self.packed_job, self.packed[unit])

    def _answers(self, tally: _Tally) -> Iterator[tuple[int, list[Run]]]:
        """Wait a moment for word from any worker, and yield what is finished."""
        lines = {worker.line: worker for worker in self.busy}
        for line in connection.wait(list(lines), timeout=PATIENCE):
            worker = lines[line]  # type: ignore[index]
            index = worker.unit
            assert index is not None
            try:
                kind, content = worker.line.recv()
            except (EOFError, OSError):
                kind, content = "died", worker.epitaph()
            if kind == "progress":
                tally.note(index, content)
            else:
                runs = self._concluded(worker, kind, content)
                tally.finish(index)
                yield index, runs

    def _concluded(self, worker: _Worker, kind: str, content: Any) -> list[Run]:
        """Take a worker's last word on its unit, and let the worker rest."""
        unit = self.units[worker.unit] if worker.unit is not None else ()
        worker.unit = None
        self.busy.remove(worker)
        if kind == "died":
            worker.end()
            return [failed(content) for _ in unit]
        _IDLE.append(worker)
        if kind == "refused":
            raise InputError(content)
        if kind == "failed":
            return [failed(content) for _ in unit]
        runs: list[Run] = content
        return runs


def failed(error: str) -> Run:
    """Return the record of a run of which nothing is left but why."""
    import numpy as np

    return Run(np.empty(0), [], error=error)
