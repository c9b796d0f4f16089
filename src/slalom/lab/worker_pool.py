"""Worker processes seen from outside: started, given work, let go; those that are idle wait for the next call.

Each worker is a fresh Python, or on Linux the fork of one that has done nothing but import torch (forking this process
would hang after a large fleet), that rebuilds the course from what named it, keeps it,
computes with one thread of torch's, and pays no heed to the terminal's Ctrl-C: it is told to stop, and then returns
what it has. Workers end with the process that started them.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from multiprocessing import forkserver, get_context, resource_tracker
from types import ModuleType
from typing import Any

from slalom.lab import worker_folder
from slalom.lab.parcels import Works, guarded_script
from slalom.lab.worker_process import STOP, Surroundings, serve, serving
from slalom.stopping import SIGNALS

STARTING = 120.0
"""Seconds that a worker may take until it begins with what it was given: imports, the user's script, data."""


DIED = "its process died"
"""How the error of a run begins whose worker is gone."""


@dataclass(frozen=True)
class Part:
    """What a worker is given at once: all runners of a unit, or one of them that is tried again.

    ``first`` is the place of the first one within its unit, ``again`` whether this is another try.
    """

    unit: int
    first: int
    count: int
    packed: bytes
    again: bool = False


class Worker:
    """One worker process, and the part it is at. ``deadline`` is when it will have taken too long (monotonic time)."""

    def __init__(self) -> None:
        try:
            self._start(_context())
        except (EOFError, OSError):  # the process to fork from could not start, or not import torch
            self._start(get_context("spawn"))
        self.part: Part | None = None
        self.knows: Works | None = None
        self.deadline: float | None = None
        self.begun = False
        self._used = False

    def _start(self, context: Any) -> None:
        self.line, theirs = context.Pipe()
        # Not a daemon: a training loop of the user's may start processes of its own, to load data.
        self.process = context.Process(target=serve, args=(theirs, Surroundings.now()))
        with _without_main(), _unheard():
            if context.get_start_method() == "forkserver":
                forkserver.ensure_running()
        # A worker inherits what blocks signals from the process that it is forked from, or else from this one.
        with _without_main(), nullcontext() if context.get_start_method() == "forkserver" else _unheard():
            self.process.start()
        theirs.close()

    def give(self, part: Part, job: Works, packed_job: bytes, timeout: float | None) -> None:
        """Hand over a part, each of whose runs may take ``timeout`` seconds; the job only where it has another one."""
        self.part, self.begun, self._used = part, False, True
        self.deadline = None if timeout is None else time.monotonic() + STARTING
        with suppress(OSError):  # it has died: its silence will tell
            self.line.send(
                (None if self.knows is job else packed_job, part.packed, guarded_script(), Surroundings.now())
            )
        self.knows = job

    def begin(self, timeout: float | None) -> None:
        """Note that it has begun with its part: from now its time is counted."""
        assert self.part is not None
        self.begun = True
        self.deadline = None if timeout is None else time.monotonic() + timeout * self.part.count

    def rest(self) -> None:
        """Let it wait for another part."""
        self.part = self.deadline = None
        _IDLE.append(self)

    def stop(self) -> None:
        """Ask it to return what it has."""
        with suppress(OSError):
            self.line.send(STOP)

    def end(self) -> None:
        """Let it go; one that is still computing, or was never given anything, is killed."""
        below = worker_folder.descendants(self.process.pid)
        with suppress(OSError):
            self.line.send(None)
        if self.part is not None or not self._used:
            self.process.kill()
        self.line.close()
        self.process.join(timeout=5)
        self.process.kill()
        worker_folder.kill(below)

    def epitaph(self) -> str:
        """Return why it died, once it has."""
        self.process.join(timeout=5)
        code = self.process.exitcode
        if code is None or code >= 0:
            return f"{DIED} (exit code {code})"
        name = signal.Signals(-code).name if -code in list(signal.Signals) else f"signal {-code}"
        memory = "; perhaps memory ran out" if name == "SIGKILL" else ""
        return f"{DIED} (killed by {name}{memory})"


def _context() -> Any:
    """Return how processes are started: on Linux from a process that imports torch once for all of them."""
    if sys.platform != "linux":
        return get_context("spawn")
    worker_folder.enter()
    context = get_context("forkserver")
    context.set_forkserver_preload(["slalom.lab.worker_imports"])
    return context


_IDLE: list[Worker] = []
"""Workers that wait for the next call."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_IDLE.clear)  # they are the parent's


def prepare(count: int) -> None:
    """Get ready to start workers: returns at once, and torch is imported for them meanwhile.

    On Linux that is one process, from which they are forked when they are needed; elsewhere ``count`` workers.

    What is never used is dismissed at exit. In a worker process nothing is started.
    """
    if serving():
        return
    if sys.platform == "linux":
        _context()
        with _without_main(), _unheard(), suppress(OSError):  # the path of its socket may be too long
            forkserver.ensure_running()
        return
    _IDLE[:] = [worker for worker in _IDLE if _lives(worker)]
    _IDLE.extend(Worker() for _ in range(count - len(_IDLE)))


def hire() -> Worker:
    """Return an idle worker, or else a new one."""
    while _IDLE:
        worker = _IDLE.pop(0)  # the one that has waited longest has imported most
        if _lives(worker):
            return worker
    return Worker()


@atexit.register
def _leave_nothing() -> None:
    """Let all workers go when Python ends, then the process from which they were forked, and wait for it."""
    dismiss()
    if worker_folder.is_entered():
        with suppress(OSError, AttributeError):  # private names of Python's; its own tests use them too
            server: Any = forkserver._forkserver
            if server._forkserver_pid is not None:  # it waits for all that was ever forked from it: these end first
                worker_folder.kill([*worker_folder.descendants(server._forkserver_pid), server._forkserver_pid])
            server._stop()
        worker_folder.leave()


def dismiss() -> None:
    """Let all idle workers go: tell all of them first, then wait for each."""
    if not _IDLE:
        return
    below = [pid for worker in _IDLE for pid in worker_folder.descendants(worker.process.pid)]
    with _unheard():  # torn apart, it would leave workers that nobody ever lets go
        for worker in _IDLE:
            with suppress(OSError):
                worker.line.send(None)
        while _IDLE:
            _IDLE.pop().end()
    worker_folder.kill(below)  # what the user's code started: once its parent has ended, it cannot be found


def _lives(worker: Worker) -> bool:
    """Tell whether a worker is alive; one that has died is buried."""
    if worker.process.is_alive():
        return True
    worker.end()
    return False


@contextmanager
def _unheard() -> Iterator[None]:
    """Start processes with Ctrl-C, SIGTERM and SIGHUP blocked, also while they import; here these come afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it unblocks the signals when it starts, so it must not start later
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep multiprocessing from running the user's script in a new process: it may not be guarded against that."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
