"""Ctrl-C, and the signals by which systems ask a program to end: noted or raised in one way, and never if ignored."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Ctrl-C; the usual ``kill``; the terminal was closed."""

_received = [int(signal.SIGINT)]


def last_signal() -> int:
    """Return the number of the signal that last asked this process to end; that of Ctrl-C where none has."""
    return _received[0]


def listen() -> None:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, unless they are ignored (``nohup``).

    For a program only: within the user's own Python session the signals stay as they are.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _raise)


def _raise(number: int, frame: FrameType | None) -> None:
    _received[0] = number
    raise KeyboardInterrupt


@contextmanager
def handled(handler: Handler) -> Iterator[None]:
    """Call ``handler`` for the signals that would raise KeyboardInterrupt; those that are ignored stay ignored.

    Does nothing outside the main thread, which alone hears signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def noted(number: int, frame: FrameType | None) -> None:
        _received[0] = number
        handler(number, frame)

    before = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: theirs for number, theirs in before.items() if callable(theirs)}
    for number in before:
        signal.signal(number, noted)
    try:
        yield
    finally:
        with suppress(ValueError):  # a generator that another thread collects
            for number, theirs in before.items():
                signal.signal(number, theirs)


@contextmanager
def postponed() -> Iterator[None]:
    """Finish what is short and must not be left half done: a first Ctrl-C is only noted, a second one is raised."""
    count = 0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count > 1:
            raise KeyboardInterrupt

    with handled(note):
        yield
