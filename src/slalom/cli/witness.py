"""A small process that says what happened where Python ends without a word: a segmentation fault, ``os._exit``, a kill.

It is forked before anything heavy is imported, waits for the end of the pipe that only slalom holds, and ends with it.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

GOODBYE = b"\0goodbye"

KEPT = "Runs that were stored before the crash are kept."

ADVICE = "With `--workers 2`, a study or a race on a task records a run that crashes as failed and goes on."

_exit = os._exit

_pipe: list[int] = []  # the end to write to, and the process at the other


def call(typed: Sequence[str] = ()) -> None:
    """Start the witness. A program calls this once, while it has one thread; ``typed`` are its arguments."""
    _soften_exits()
    if not hasattr(os, "fork") or _pipe:
        return
    try:
        reader, writer = os.pipe()
        pid = os.fork()
    except OSError:  # no process or file may be had; then there is no witness
        return
    if pid == 0:
        os.close(writer)
        _watch(reader, typed)
        _exit(0)
    os.close(reader)
    _pipe[:] = [writer, pid]
    if not faulthandler.is_enabled():
        faulthandler.enable(file=writer, all_threads=False)


def _soften_exits() -> None:
    """Let ``os._exit`` in this process be an error like any other, so that results survive it and no failure ends as 0.

    Processes that are forked from this one keep it as it is. A thread beside the main one, in which no error would be
    heard, ends the process with a code above 0.
    """
    own = os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() == own:
            if threading.current_thread() is threading.main_thread():
                raise SystemExit(f"os._exit({status})")
            status = status or 1
        _exit(status)

    os._exit = leave


def dismiss() -> None:
    """Tell the witness that the program ends in its own way, and wait for it."""
    os._exit = _exit
    if not _pipe:
        return
    writer, pid = _pipe
    _pipe.clear()
    faulthandler.disable()
    try:
        os.write(writer, GOODBYE)
        os.close(writer)
        os.waitpid(pid, 0)
    except OSError:  # it was killed, or reaped by the user's code
        pass


def _watch(reader: int, typed: Sequence[str]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    for descriptor in (0, 1):  # nobody must wait for this process to end a pipe
        with contextlib.suppress(OSError):
            os.close(descriptor)
    said = b""
    # A process that the user's code forked may keep the pipe open, so its end is not waited for.
    while not said.endswith(GOODBYE) and (piece := os.read(reader, 65536)):
        said += piece
    if not said.endswith(GOODBYE):
        with contextlib.suppress(OSError):
            advice = "" if any(word.startswith("--workers") for word in typed) else f" {ADVICE}"
            os.write(2, f"Error: {last_words(said.decode('utf-8', 'replace'))} {KEPT}{advice}\n".encode())


def last_words(trace: str) -> str:
    """Return how the program ended, from what :mod:`faulthandler` wrote before: ``""`` where it could not."""
    error = re.search(r"Fatal Python error: (.+)", trace)
    if error is None:
        return "slalom's process was ended without a word: killed, perhaps for lack of memory, or by `os._exit`."
    places = re.findall(r'File "(.+)", line (\d+) in (\S+)', trace)
    ours = (sys.prefix, sys.base_prefix, os.path.dirname(os.path.dirname(__file__)))
    own = next(((path, line, name) for path, line, name in places if not path.startswith(ours)), None)
    where = f" in {own[2]} ({own[0]}, line {own[1]})" if own else ""
    return f"slalom's process ended with a crash outside Python's control{where}: {error.group(1).strip().lower()}."
