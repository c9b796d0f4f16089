"""A study in a file: ``study.toml`` holds what :func:`slalom.study` takes, and reproduces it."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slalom.core import InputError, nearest, quote
from slalom.lab.studying.conducting import study

ELSEWHERE = ("progress", "store", "workers", "data_dir")
"""What belongs to a machine rather than to a study: it is typed, not kept in the file."""

KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("course", "track", "baseline", "metric", "dtype", "precision", "engine", "device"), (str,)),
    **dict.fromkeys(("seeds", "seed", "steps", "epochs"), (int,)),
    **dict.fromkeys(("lr", "margin"), (int, float)),
    "optimizers": (list,),
}
"""Key to the types of its value."""

WORDS = {str: "a text", int: "a whole number", float: "a number", list: "a list of texts"}


def is_study_file(course: Any) -> bool:
    """Whether a course, as typed, names a study file."""
    return isinstance(course, str) and course.lower().endswith(".toml")


def read_study_file(path: str) -> dict[str, Any]:
    """Return the arguments of :func:`slalom.study`, ``course`` included. Raises InputError for anything else in it."""
    try:
        told = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as problem:
        raise InputError(f"{quote(path)} cannot be read: {problem.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise InputError(f"{quote(path)} is no TOML: {problem}.") from None
    known = [name for name in inspect.signature(study).parameters if name not in ELSEWHERE]
    for name, value in told.items():
        _check(path, name, value, known)
    if "course" not in told:
        raise InputError(f'{quote(path)} does not say on what: add a line such as course = "digits-mlp".')
    return told


def _check(path: str, name: str, value: Any, known: list[str]) -> None:
    if name not in known:
        where = " It is typed, not kept in a study file." if name in ELSEWHERE else ""
        hint = f"{nearest(name, known)}{where}"
        raise InputError(f"{quote(path)}: {quote(name)} is no key of a study.{hint} Keys are {', '.join(known)}.")
    kinds = KINDS[name]
    texts = not isinstance(value, list) or all(isinstance(one, str) for one in value)
    if not isinstance(value, kinds) or isinstance(value, bool) or not texts:
        raise InputError(f"{quote(path)}: {name} must be {WORDS[kinds[-1]]}, got {quote(value)}.")
