"""How slalom tells a caller that the request cannot be carried out."""

from __future__ import annotations

import difflib
import dis
import os
import re
import sys
import traceback
import unicodedata
import warnings
from collections.abc import Iterable

QUOTE_LIMIT = 60
"""Longest piece of a caller's input that an error repeats, in characters."""


class InputError(ValueError):
    """A request that cannot be carried out. Its text is one sentence: what was typed, the rule, the way out.

    The command line prints that sentence and exits with code 2; nothing has been written by then.
    """


UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that a terminal or a page acts on instead of showing them: escape sequences begin with one,
others turn the direction of the text, have no width, or end a line."""


_DOUBTFUL = re.compile(r"[^ -~]")


def printable(text: str, keep: str = "") -> str:
    """Return a text with � for each character that is not shown as itself; ``keep`` are left as they are."""
    return _DOUBTFUL.sub(lambda c: c[0] if c[0] in keep or unicodedata.category(c[0]) not in UNSAFE else "�", text)


def one_line(text: str) -> str:
    """Return a name as tables, pictures and files show it: on one line, all of it printable."""
    return printable(" ".join(text.split()))


def quote(text: object, limit: int = QUOTE_LIMIT) -> str:
    """Return ``text`` between backticks, on one line, cut to ``limit`` characters."""
    flat = one_line(str(text))
    if len(flat) > limit:
        flat = flat[: limit - 1] + "…"
    return f"`{flat}`"


def nearest(name: str, known: Iterable[str], most: int = 3) -> str:
    """Return ``" Did you mean `adam` or `adamw`?"``, or ``""`` where nothing known resembles ``name``."""
    close = difflib.get_close_matches(name.lower(), list(known), n=most, cutoff=0.6)
    if not close:
        return ""
    return " Did you mean " + " or ".join(f"`{candidate}`" for candidate in close) + "?"


def interrupts(*others: type[BaseException]) -> tuple[type[BaseException], ...]:
    """Return what an ``except`` clause catches to let Ctrl-C pass: KeyboardInterrupt and ``others``.

    Where a file that slalom loaded raises KeyboardInterrupt itself, it is an error like any other, and only ``others``
    are returned. To be called in the clause, while the exception is being handled.
    """
    return others if is_raised_by_a_file(sys.exc_info()[1]) else (KeyboardInterrupt, *others)


def is_raised_by_a_file(problem: BaseException | None) -> bool:
    """Return whether a ``raise`` statement in a file that slalom loaded raised ``problem``, and no signal did."""
    from slalom.core.user_files.records import PREFIX

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
    from slalom.core.user_files.records import is_own

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
