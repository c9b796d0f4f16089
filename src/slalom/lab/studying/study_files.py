"""A study in a file: ``study.toml`` holds what :func:`slalom.study` takes, and reproduces it."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from slalom.core import InputError, nearest, python_files, quote
from slalom.optimizers import with_paths

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


def read_study_file(path: str, known: Sequence[str], trust: bool = False) -> dict[str, Any]:
    """Return the arguments of :func:`slalom.study` in a file, ``course`` included; only ``known`` ones.

    The Python files that it names are found from its own folder. One outside that folder is refused without ``trust``:
    its code would run. Raises InputError for this, and for anything else in it.
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
    return _located(path, told, trust)


def _located(path: str, told: Mapping[str, Any], trust: bool) -> dict[str, Any]:
    """Return what a study file says, with the paths of Python files as they are found from here."""
    folder = Path(os.path.realpath(path)).parent
    here = Path(os.path.realpath(os.curdir))
    from_here = "" if folder == here else str(folder.relative_to(here) if folder.is_relative_to(here) else folder)

    def found(file: str) -> str:
        # Both ways to read `link/../x.py`: up from where the link leads, and as text.
        places = (os.path.realpath(folder / file), os.path.realpath(os.path.normpath(folder / file)))
        if not trust and not all(Path(place).is_relative_to(folder) for place in places):
            raise InputError(
                f"{quote(path)} names {quote(file)}, which is not in the study file's own folder: its code would run. "
                "If you trust that file, add --trust."
            )
        plain = os.path.join(from_here, file)
        return os.path.join(os.curdir, plain) if plain.startswith("~") else plain

    def course(text: str) -> str:
        pair = python_files.split(text)
        return text if pair is None else python_files.joined(found(pair[0]), pair[1])

    located = dict(told)
    courses = told["course"]
    located["course"] = course(courses) if isinstance(courses, str) else list(map(course, courses))
    if "optimizers" in told:
        located["optimizers"] = [with_paths(spec, found) for spec in told["optimizers"]]
    if "baseline" in told:
        located["baseline"] = with_paths(told["baseline"], found)
    return located


def _text(path: str) -> str:
    """Return the text of a study file. Raises ValueError for one that is no such text."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise ValueError("it is no regular file")
    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
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


def _toml(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return "".join(one if one.isprintable() else f"\\U{ord(one):08x}" for one in text)


def study_file(asked: Mapping[str, Any]) -> str:
    """Return the text of a study file that holds ``asked``; what is None is left out.

    JSON's values are TOML's here, but for characters that cannot be printed: those are written by their numbers.
    """
    lines = [f"{name} = {_toml(value)}" for name, value in asked.items() if value is not None]
    return "\n".join(["# slalom study FILE.toml does this study again.", *lines, ""])
