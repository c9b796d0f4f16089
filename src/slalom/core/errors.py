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
