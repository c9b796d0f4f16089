"""Times as people type them: ``10m``, ``1h30m``, ``90`` seconds."""

from __future__ import annotations

import math
import re

from slalom.core import InputError, quote

UNITS = {"": 1.0, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
"""What a number counts, in seconds, by what is written behind it."""

_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)\s*")


def seconds_of(name: str, wanted: object) -> float:
    """Return the seconds that a number, or a text such as ``"10m"`` or ``"1h 30m"``, stands for. Raises InputError."""
    if isinstance(wanted, int | float) and not isinstance(wanted, bool):
        found = float(wanted)
    else:
        found = _read(wanted.strip().lower()) if isinstance(wanted, str) else math.nan
    if not (math.isfinite(found) and found > 0):
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
