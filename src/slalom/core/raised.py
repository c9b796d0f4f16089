"""What the user's code raised, in words: on one line with file and line number, or as a traceback."""

from __future__ import annotations

import dis
import os
import re
import sys
import traceback
import warnings

from slalom.core.errors import InputError
from slalom.core.user_files.records import PREFIX, is_own


def interrupts(*others: type[BaseException]) -> tuple[type[BaseException], ...]:
    """Return what an ``except`` clause catches to let Ctrl-C pass: KeyboardInterrupt and ``others``.

    Where a file that slalom loaded raises KeyboardInterrupt itself, it is an error like any other, and only ``others``
    are returned. To be called in the clause, while the exception is being handled.
    """
    return others if is_raised_by_a_file(sys.exc_info()[1]) else (KeyboardInterrupt, *others)


def is_raised_by_a_file(problem: BaseException | None) -> bool:
    """Return whether a ``raise`` statement in a file that slalom loaded raised ``problem``, and no signal did."""
    trace = None if problem is None else problem.__traceback__
    if not isinstance(problem, KeyboardInterrupt) or trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    instruction = trace.tb_frame.f_code.co_code[trace.tb_lasti]
    module = str(trace.tb_frame.f_globals.get("__name__", ""))
    return module.startswith(PREFIX) and instruction == dis.opmap["RAISE_VARARGS"]


def exception_text(problem: BaseException) -> str:
    """Return an exception's text on one line, ``""`` where it has none.

    The user's code may raise exceptions of its own, whose ``__str__`` may raise in turn, or return what is no text:
    then the text says so.
    """
    try:
        text = str(problem)
    except interrupts():
        raise
    except BaseException as second:
        return f"(its text cannot be read: __str__ raised {type(second).__name__})"
    return " ".join("".join(c if c.isprintable() else " " for c in without_advice(text)).split())


def describe_exception(problem: BaseException, limit: int = 300) -> str:
    """Return ``"ValueError: its text (my_task.py, line 12)"`` on one line, cut to ``limit`` characters.

    The place is the innermost in a file of the user's; there is none where no such file was running. Never raises (see
    above).
    """
    text = exception_text(problem)
    told = f"{type(problem).__name__}: {text}" if text else type(problem).__name__
    frame = _own_frame(problem)
    where = "" if frame is None else f" ({os.path.basename(frame.filename)}, line {frame.lineno})"
    limit -= len(where)
    if frame is not None and TRACEBACK in os.environ:
        for line in trace_lines(problem, whole=True):
            print(line, file=sys.stderr)
    return (told if len(told) <= limit else told[: limit - 1] + "…") + where


TRACEBACK = "SLALOM_TRACEBACK"
"""The environment variable that asks for whole tracebacks of what the user's code raises."""

SHOWN_FRAMES = 3
"""The innermost frames of the user's that are shown where the whole traceback wasn't asked for."""

_ADVICE = re.compile(
    r"[^.!?\n]*(?:\bTORCHDYNAMO_VERBOSE=|\bTORCH_LOGS=|\breporting a bug|"
    r"\bfile (?:us )?an issue|\bFacebook employee|\bplease (?:report|file)|\bfburl\.com|"
    r"\bsubmit a bug report|\breport a bug|\bopen an issue)[^.!?\n]*(?:\.(?=\w)[^.!?\n]*)*[.!?]?",
    re.IGNORECASE,
)
"""A sentence by which torch asks for reports: the error is not torch's."""


def without_advice(text: str) -> str:
    """Return a text without torch's requests to report the error to its makers, and with the user's module names."""
    return re.sub(r"slalom\.core\.user_files\.f[0-9a-f]+\.", "", _ADVICE.sub("", text))


def _own_frames(problem: BaseException) -> list[traceback.FrameSummary]:
    frames = traceback.extract_tb(problem.__traceback__)
    return [frame for frame in frames if frame.filename.endswith(".py") and is_own(frame.filename)]


def _own_frame(problem: BaseException) -> traceback.FrameSummary | None:
    own = _own_frames(problem)
    return own[-1] if own else None


def trace_lines(error: BaseException, *, whole: bool) -> list[str]:
    """Return the traceback of what the user's code raised, of which ``error`` tells; nothing where it raised nothing.

    Unless ``whole``, these are the innermost frames of the user's own files, and how to see all.
    """
    raised = error.__cause__ if isinstance(error, InputError) else error
    if raised is None or not _own_frames(raised):
        return []
    if whole:
        lines = traceback.format_exception(raised)
    else:
        lines = [*traceback.format_list(_own_frames(raised)[-SHOWN_FRAMES:]), "(--traceback shows the whole traceback)"]
    cleaned = (part if part.startswith("  File ") else without_advice(part) for part in lines)
    return [line for part in cleaned for line in part.rstrip().splitlines()]


def hide_advice() -> None:
    """Keep torch's warnings that ask for reports to its makers from the terminal."""
    warnings.filterwarnings("ignore", message=r"(?s).*(file us an issue|Facebook employee|[Pp]lease (report|file))")
