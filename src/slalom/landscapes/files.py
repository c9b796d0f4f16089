"""``file.py:name``: a function, or a whole landscape, from a Python file of the user's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from slalom.core import InputError, python_files, quote
from slalom.landscapes.landscape import Landscape


def load(course: str, *, dim: int | None = None, start: Any = None) -> Landscape:
    """Return the landscape that ``file.py:name`` gives. The file is run."""
    found, name, _ = python_files.fetch(course)
    if isinstance(found, Landscape):
        if dim is not None and dim != found.dim:
            raise InputError(f"{quote(course)} has {found.dim} coordinates: dim cannot be {quote(dim)}.")
        return replace(found, name=course)
    if not callable(found) or isinstance(found, type):
        raise InputError(f"{quote(course)}: {quote(name)} is neither a function nor a slalom.Landscape.")
    starts = () if start is None else (tuple(start),)
    return Landscape(found, dim=dim or 0, starts=starts, name=course, title=name)
