"""How slalom tells a caller that the request cannot be carried out."""

from __future__ import annotations

import difflib
import re
import unicodedata
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
