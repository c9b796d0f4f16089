"""How slalom tells a caller that the request cannot be carried out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

QUOTE_LIMIT = 60
"""Longest piece of a caller's input that an error repeats, in characters."""


class InputError(ValueError):
    """A request that cannot be carried out. Its text is one sentence: what was typed, the rule, the way out.

    The command line prints that sentence and exits with code 2; nothing has been written by then.
    """


def quote(text: object, limit: int = QUOTE_LIMIT) -> str:
    """Return ``text`` between backticks, on one line, cut to ``limit`` characters."""
    flat = " ".join(str(text).split())
    flat = "".join(character if character.isprintable() else "�" for character in flat)
    if len(flat) > limit:
        flat = flat[: limit - 1] + "…"
    return f"`{flat}`"


def nearest(name: str, known: Iterable[str], most: int = 3) -> str:
    """Return ``" Did you mean `adam` or `adamw`?"``, or ``""`` where nothing known resembles ``name``."""
    close = difflib.get_close_matches(name.lower(), list(known), n=most, cutoff=0.6)
    if not close:
        return ""
    return " Did you mean " + " or ".join(f"`{candidate}`" for candidate in close) + "?"


def exception_text(problem: BaseException) -> str:
    """Return an exception's text on one line, ``""`` where it has none.

    The user's code may raise exceptions of its own, whose ``__str__`` may raise in turn, or return what is no text:
    then the text says so.
    """
    try:
        text = str(problem)
    except BaseException as second:
        if isinstance(second, KeyboardInterrupt):
            raise
        return f"(its text cannot be read: __str__ raised {type(second).__name__})"
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def describe_exception(problem: BaseException, limit: int = 300) -> str:
    """Return ``"ValueError: its text"`` on one line, cut to ``limit`` characters. Never raises (see above)."""
    text = exception_text(problem)
    told = f"{type(problem).__name__}: {text}" if text else type(problem).__name__
    return told if len(told) <= limit else told[: limit - 1] + "…"
