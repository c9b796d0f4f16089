"""What runs in a worker process: it computes what comes down its line, and tells how far it is."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection, parent_process
from types import FrameType
from typing import Any

from slalom.core import InputError, describe_exception, interrupts
from slalom.core.raised import hide_advice
from slalom.lab import worker_folder
from slalom.lab.parcels import Job, unpacked
from slalom.stopping import SIGNALS
from slalom.tasks import sharing

REPORT_EVERY = 0.1
"""Seconds between two words of a worker about how far it is."""

STOP = "stop"
"""What a worker is told that is to return what it has."""

_serving = False


def serving() -> bool:
    """Return whether this process is a worker: it hires nobody, whatever the user's script does when it is run here."""
    return _serving


@dataclass(frozen=True)
class Surroundings:
    """Where a process finds modules, files and settings: its workers find them there too."""

    search_path: tuple[str, ...]
    folder: str | None  # None where it has been deleted
    environment: Mapping[str, str]

    @staticmethod
    def now() -> Surroundings:
        """Return those of this process."""
        try:
            folder: str | None = os.getcwd()
        except OSError:
            folder = None
        return Surroundings(tuple(sys.path), folder, dict(os.environ))

    def enter(self) -> None:
        """Make them those of this process."""
        if list(self.search_path) != sys.path:
            sys.path[:] = self.search_path
            importlib.invalidate_caches()
        if dict(os.environ) != self.environment:
            os.environ.clear()
            os.environ.update(self.environment)
        if self.folder is not None:
            with suppress(OSError):
                os.chdir(self.folder)


def serve(line: Any, surroundings: Surroundings) -> None:
    """Compute what comes down the line until it is closed, and end the process. Runs in the worker process."""
    _serve(line, surroundings)
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    if any(not one.daemon and one is not threading.main_thread() for one in threading.enumerate()):
        os._exit(0)  # Python would wait for threads of the user's


def _serve(line: Any, surroundings: Surroundings) -> None:
    """Compute what comes down the line until it is closed.

    What comes is ``(job or None for the one before, runners, script, surroundings)``, the first two packed. What goes
    back is any number of ``("begun", None)`` and ``("progress", done)``, then ``("runs", runs)``, ``("refused",
    sentence)``, ``("failed", error)`` or ``("not shared", error)``.
    """
    global _serving
    _serving = True
    _hear_no_signals()
    threading.Thread(target=_outlive_nobody, daemon=True).start()
    surroundings.enter()
    sys.stdout = sys.stderr  # what the user's code prints must not get into the results
    with suppress(OSError, ValueError):
        os.dup2(2, 1)  # nor what code beneath Python prints
    _get_ready()
    job: Job | None = None
    with suppress(EOFError, OSError):  # the process that asked is gone
        while True:
            message = line.recv()
            if message is None:
                return
            if message == STOP:  # it came when the unit was done already
                continue
            packed_job, packed_runners, script, surroundings = message
            surroundings.enter()
            try:
                if packed_job is not None:
                    job = None  # its data are let go before others come
                    job = unpacked(packed_job, script)
                assert job is not None
                runners = unpacked(packed_runners, script)
                line.send(("begun", None))
                answer: tuple[str, Any] = "runs", job.compute(runners, _Reports(line))
            except interrupts():  # before the engine had begun
                answer = "runs", []
            except sharing.SharingError as problem:
                answer = "not shared", str(problem)
            except InputError as refusal:
                answer = "refused", str(refusal)
            except BaseException as problem:
                answer = "failed", describe_exception(problem)
            line.send(answer)


def _hear_no_signals() -> None:
    """Leave it to the main process what Ctrl-C, SIGTERM and SIGHUP mean: they may come to all processes at once.

    What the user's code forks, such as a DataLoader's workers, hears SIGTERM and SIGHUP as usual.
    """
    own = os.getpid()

    def hear(number: int, frame: FrameType | None) -> None:
        if os.getpid() != own:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else hear)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)  # for what the user's code may start


def _get_ready() -> None:
    """Import what the first step will need, while nobody waits for it yet."""
    import torch

    from slalom.engines.networks.recording import warm_up

    torch.set_num_threads(1)
    hide_advice()
    warm_up()


def _outlive_nobody() -> None:
    """End this worker when the process that started it ends, even within a loop that never looks up."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        sharing.sweep_up()
        worker_folder.remove()
        worker_folder.kill(worker_folder.descendants(os.getpid()))
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
