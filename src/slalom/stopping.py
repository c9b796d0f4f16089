"""Ctrl-C, and the signals by which systems ask a program to end: noted or raised in one way, and never if ignored."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any]

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
"""Ctrl-C; the usual ``kill``; the terminal was closed."""

_exit = os._exit  # the program makes an error of what the user's code calls

_received = [int(signal.SIGINT)]
_count = [0]


def last_signal() -> int:
    """Return the number of the signal that last asked this process to end; that of Ctrl-C where none has."""
    return _received[0]


def count() -> int:
    """Return how many signals have asked this process to end, those that were noted at a bad moment included."""
    return _count[0]


def _note(number: int) -> None:
    _received[0] = number
    _count[0] += 1


def listen() -> None:
    """Let SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, unless they are ignored (``nohup``).

    For a program only: within the user's own Python session the signals stay as they are.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _raise)


def hurry_only() -> None:
    """Let a signal change nothing from now on, for all is done and is being cleaned up; a second one ends at once."""
    heard = 0

    def hurry(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        heard += 1
        if heard > 1:
            _exit(128 + number)

    for number in SIGNALS:
        if callable(signal.getsignal(number)):
            signal.signal(number, hurry)


def _raise(number: int, frame: FrameType | None) -> None:
    _note(number)
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
        _note(number)
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
    heard = 0

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal heard
        heard += 1
        if heard > 1:
            raise KeyboardInterrupt

    with handled(note):
        yield
