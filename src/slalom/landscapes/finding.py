"""From what the user typed to a landscape."""

from __future__ import annotations

from typing import Any

from slalom.core import InputError, nearest, quote
from slalom.landscapes.catalogue import NAMES, build
from slalom.landscapes.landscape import Landscape


def find(course: Any, *, dim: int | None = None, start: Any = None) -> Landscape:
    """Return the landscape that ``course`` names."""
    if isinstance(course, Landscape):
        return course
    if isinstance(course, str) and course in NAMES:
        return build(course, {"dim": dim})
    if callable(course):
        return Landscape(course, starts=() if start is None else (start,))
    raise InputError(f"{quote(course)} is not a landscape.{nearest(str(course), NAMES)}")


def describe(name: str) -> Any:
    raise NotImplementedError
