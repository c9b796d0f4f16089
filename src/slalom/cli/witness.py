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

GOODBYE = b"\0goodbye"

ADVICE = (
    "What was stored before is kept. With `--workers 2`, a study or a race on a task records a run that crashes as "
    "failed and goes on."
)

_pipe: list[int] = []  # the end to write to, and the process at the other


def call() -> None:
    """Start the witness; to be called by a program, once, while it has a single thread."""
    if not hasattr(os, "fork") or _pipe:
        return
    try:
        reader, writer = os.pipe()
        pid = os.fork()
    except OSError:  # no process or file may be had; then there is no witness
        return
    if pid == 0:
        os.close(writer)
        _watch(reader)
        os._exit(0)
    os.close(reader)
    _pipe[:] = [writer, pid]
    if not faulthandler.is_enabled():
        faulthandler.enable(file=writer, all_threads=False)


def dismiss() -> None:
    """Tell the witness that the program ends in its own way, and wait for it."""
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


def _watch(reader: int) -> None:
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
            os.write(2, f"Error: {last_words(said.decode('utf-8', 'replace'))} {ADVICE}\n".encode())


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
