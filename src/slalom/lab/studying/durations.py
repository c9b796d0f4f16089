"""Times as people type and read them, ``10m`` or ``1h30m``, and work that may take only so long."""

from __future__ import annotations

import math
import re
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from slalom.core import InputError, quote

LONGEST = 3650 * 86400.0
"""Ten years: no clock takes much more."""

UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""What a number counts, in seconds, by what is written behind it."""

_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*")


def seconds_of(name: str, wanted: object) -> float:
    """Return the seconds that a number, or a text such as ``"10m"`` or ``"1h 30m"``, stands for. Raises InputError."""
    if isinstance(wanted, int | float) and not isinstance(wanted, bool):
        found = float(wanted) if abs(wanted) <= LONGEST else math.nan
    else:
        found = _read(wanted.strip().lower()) if isinstance(wanted, str) else math.nan
    if not 0 < found <= LONGEST:
        raise InputError(
            f"{name} {quote(wanted)}: a time is a number above 0 with s, m, h or d, such as 90s, 10m or 1h30m."
        )
    return found


def _read(text: str) -> float:
    parts = list(_PART.finditer(text))
    if not parts or "".join(part.group(0) for part in parts) != text:
        return math.nan
    if len(parts) > 1 and any(not part.group(2) for part in parts):
        return math.nan  # "1 30" says nothing
    return sum(float(part.group(1)) * UNITS.get(part.group(2), math.nan) for part in parts)


def duration(seconds: float) -> str:
    """Return a time in words: "0.4 s", "7 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{max(seconds, 0.1):.1g} s" if seconds < 1 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


Result = TypeVar("Result")


class _LateError(BaseException):
    """Time is up. No handler for ordinary errors may catch it."""


def within(seconds: float | None, work: Callable[[], Result], otherwise: Result) -> Result:
    """Return what ``work`` returns, or ``otherwise`` once it has taken so long.

    Python code is interrupted; a call into C that never comes back is not, nor anything where there are no alarms
    (outside the main thread, on Windows).
    """
    if seconds is None or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return work()

    def late(number: int, frame: FrameType | None) -> None:
        raise _LateError

    before = signal.signal(signal.SIGALRM, late)
    theirs = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return work()
    except _LateError:
        return otherwise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if theirs[0]:
            signal.setitimer(signal.ITIMER_REAL, *theirs)
