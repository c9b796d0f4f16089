"""From what the user typed to a landscape."""

from __future__ import annotations

import re
from ast import literal_eval
from typing import Any

from slalom.core import InputError, nearest, python_files, quote
from slalom.landscapes import expressions, files
from slalom.landscapes.catalogue import CATALOGUE, NAMES, build
from slalom.landscapes.landscape import Landscape, as_point

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_ ][A-Za-z0-9]+)*")
_WORDS = {*expressions.LETTERS, *expressions.CONSTANTS, *expressions.FUNCTIONS, *expressions.ALIASES}


def find(course: Any, *, dim: int | None = None, start: Any = None) -> Landscape:
    """Return the landscape that ``course`` names.

    ``course`` is a name of the catalogue (``"rastrigin"``, ``"rastrigin:dim=5"``), an expression
    (``"x**2 + 10*y**2"``), ``"file.py:name"``, a callable on tensors, or a :class:`Landscape`. ``dim`` is for
    those that leave it open. A function of the user's own is tried at ``start``, and its domain drawn around
    it; the catalogue's landscapes keep theirs. Raises InputError.
    """
    point = None if start is None else as_point(start)
    if isinstance(course, Landscape):
        if dim is not None and dim != course.dim:
            raise InputError(f"{quote(course.name)} has {course.dim} coordinates: dim cannot be {quote(dim)}.")
        return course
    if isinstance(course, str):
        return _find_text(course, dim, point)
    if isinstance(course, type):
        raise InputError(f"{quote(course.__name__)} is a class: give an instance, or a function on tensors.")
    if callable(course):
        return Landscape(course, dim=dim or 0, starts=() if point is None else (point,))
    raise InputError(f"{quote(course)} is not a landscape: give a name, an expression, file.py:name or a function.")


def _find_text(course: str, dim: int | None, point: tuple[float, ...] | None) -> Landscape:
    if python_files.names_a_file(course):
        return files.load(course, dim=dim, start=point)
    name, colon, options = course.strip().partition(":")
    known = re.sub(r"[_ ]", "-", name.strip().lower())
    if known in CATALOGUE:
        return build(known, _options(course, known, options if colon else None, dim))
    if _reads_as_a_name(name):
        way_out = (
            nearest(known, NAMES) or " Give one that `slalom list landscapes` shows, an expression or file.py:name."
        )
        raise InputError(f"{quote(name)} is not a landscape.{way_out}")
    return expressions.landscape(course, dim=dim, start=point)


def _reads_as_a_name(text: str) -> bool:
    """Is it a word, rather than an expression? ``x-y`` and ``x0`` are expressions, ``saddel`` is not."""
    if not _NAME.fullmatch(text.strip()):
        return False
    words = re.split(r"[-_ ]", text.strip())
    return not any(word in _WORDS or re.fullmatch(r"x\d+", word) for word in words)


def _options(course: str, name: str, text: str | None, dim: int | None) -> dict[str, Any]:
    """Read ``dim=5,condition=100``."""
    allowed = [*(["dim"] if CATALOGUE[name].any_dim else []), *CATALOGUE[name].parameters]
    options: dict[str, Any] = {}
    for item in [] if text is None else text.split(","):
        key, equals, value = (piece.strip() for piece in item.partition("="))
        if not equals or not key or not value:
            raise InputError(f"{quote(course)}: {quote(item)} is not key=value, as in {name}:{_example(allowed)}.")
        if key not in (*allowed, "dim"):
            rule = f"has the options {', '.join(allowed)}" if allowed else "has no options"
            raise InputError(f"{quote(course)}: there is no {quote(key)}, {name} {rule}.{nearest(key, allowed)}")
        if key in options:
            raise InputError(f"{quote(course)}: {key} is given twice.")
        try:
            options[key] = literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            raise InputError(f"{quote(course)}: {key} must be a number, got {quote(value)}.") from None
    if dim is not None and options.setdefault("dim", dim) != dim:
        raise InputError(f"{quote(course)} says dim={options['dim']}, but dim={dim} was asked for.")
    return options


def _example(allowed: list[str]) -> str:
    return "condition=100" if "condition" in allowed else "dim=5"
