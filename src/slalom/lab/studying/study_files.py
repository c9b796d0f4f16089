"""A study in a file: ``study.toml`` holds what :func:`slalom.study` takes, and reproduces it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slalom.core import InputError, nearest, quote

KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("track", "baseline", "metric", "dtype", "precision", "engine", "device"), (str,)),
    **dict.fromkeys(("seeds", "seed", "steps", "epochs", "trials"), (int,)),
    **dict.fromkeys(("lr", "margin"), (int, float)),
    "course": (str, list),
    "optimizers": (list,),
    "budget": (int, float, str),
    "halving": (bool,),
}
"""Key to the types of its value."""

WORDS = {
    (str,): "a text",
    (int,): "a whole number",
    (int, float): "a number",
    (str, list): "a text or a list of texts",
    (list,): "a list of texts",
    (int, float, str): "a number of seconds or a text such as 10m",
    (bool,): "true or false",
}


LARGEST = 100_000
"""Bytes of a study file at most."""


def is_study_file(course: Any) -> bool:
    """Whether a course, as typed, names a study file."""
    return isinstance(course, str) and course.lower().endswith(".toml")


def read_study_file(path: str, known: Sequence[str]) -> dict[str, Any]:
    """Return the arguments of :func:`slalom.study` in a file, ``course`` included; only ``known`` ones.

    Raises InputError for anything else in it.
    """
    try:
        told = tomllib.loads(_text(path))
    except OSError as problem:
        raise InputError(f"{quote(path)} cannot be read: {problem.strerror}.") from None
    except (ValueError, RecursionError) as problem:  # tomllib's own complaints among them
        raise InputError(f"{quote(path)} is no TOML: {quote(problem, limit=200)}.") from None
    for name, value in told.items():
        _check(path, name, value, known)
    if "course" not in told:
        raise InputError(f'{quote(path)} does not say on what: add a line such as course = "digits-mlp".')
    return told


def _text(path: str) -> str:
    """Return the text of a study file. Raises ValueError for one that is no such text."""
    content = Path(path).read_bytes()
    if len(content) > LARGEST:
        raise ValueError(f"it has more than {LARGEST:,} bytes")
    return content.decode("utf-8-sig")


def _check(path: str, name: str, value: Any, known: Sequence[str]) -> None:
    if name not in known:
        where = "" if nearest(name, known) else " What belongs to a machine, such as store or workers, is typed."
        hint = f"{nearest(name, known)}{where}"
        raise InputError(f"{quote(path)}: {quote(name)} is no key of a study.{hint} Keys are {', '.join(known)}.")
    kinds = KINDS[name]
    texts = not isinstance(value, list) or all(isinstance(one, str) for one in value)
    if isinstance(value, int) and abs(value) > 10**15:
        raise InputError(f"{quote(path)}: {name} must be {WORDS[kinds]} of usual size, got {quote(value)}.")
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds) or not texts:
        raise InputError(f"{quote(path)}: {name} must be {WORDS[kinds]}, got {quote(value)}.")


def study_file(asked: Mapping[str, Any]) -> str:
    """Return the text of a study file that holds ``asked``; what is None is left out. JSON's values are TOML's here."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in asked.items() if value is not None]
    return "\n".join(["# slalom study FILE.toml does this study again.", *lines, ""])
