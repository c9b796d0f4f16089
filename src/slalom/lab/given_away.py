"""Pages are given away: what names a folder of this machine, and with it perhaps its user, is taken out of them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.core.python_files import names_a_file

if TYPE_CHECKING:
    from slalom.show.report.document import DataFile

BEFORE = r"(?:(?<![\w.+/~-])|(?<=file://))"
"""A path begins here: what a letter, or one of Base64, stands before is none."""
AFTER = r"(?![\w+-]|[.][\w.])"
"""A path ends here: a full stop that no letter follows ends a sentence."""


def without_folders(text: str, courses: Iterable[Any] = ()) -> str:
    """Return ``text`` with files told by their way from here, or from their course's own folder, or from the home.

    ``text`` is what somebody reads, a command or a study file: never markup, of which a folder may look like a part.
    """
    return folders_remover(courses)(text)


def folders_remover(courses: Iterable[Any] = ()) -> Callable[[str], str]:
    """Return `without_folders` for the folders as they are now."""
    known = [
        (re.compile(rf"{BEFORE}{re.escape(written)}(?:[/\\]+|{AFTER})"), instead)
        for folder, instead in _folders(courses).items()
        for written in _written(folder)
    ]

    def remove(text: str) -> str:
        for pattern, instead in known:
            text = pattern.sub(partial(_instead, instead), text)
        return text

    return remove


def _instead(instead: str, found: re.Match[str]) -> str:
    """Return what stands in the place of a folder: before the rest of a path, or of the whole of it."""
    return instead if found[0].endswith(("/", "\\")) else instead.rstrip("/") or "."


def without_store(content: bytes) -> bytes:
    """Return a study's JSON without the place of its store."""
    import msgspec

    told = msgspec.json.decode(content)
    told.pop("store", None)
    return msgspec.json.encode(told)


def files_without_folders(files: Sequence[DataFile], courses: Iterable[Any] = ()) -> list[DataFile]:
    """Return the files of a page with no folder of this machine in them."""
    remove = folders_remover(courses)
    return [one if one.content is None else replace(one, content=_cleaned(one, one.content, remove)) for one in files]


def _cleaned(file: DataFile, content: bytes, remove: Callable[[str], str]) -> bytes:
    """Return a file's content, of JSON the texts themselves: as they are written, a line's end is a letter n."""
    if file.mime != "application/json":
        return remove(content.decode()).encode()
    import msgspec

    return msgspec.json.encode(_in_texts(msgspec.json.decode(content), remove))


def _in_texts(content: Any, remove: Callable[[str], str]) -> Any:
    if isinstance(content, str):
        return remove(content)
    if isinstance(content, dict):
        return {remove(key): _in_texts(value, remove) for key, value in content.items()}
    return [_in_texts(value, remove) for value in content] if isinstance(content, list) else content


def beside(courses: Iterable[Any]) -> str:
    """Say where a command must be typed; empty where it can be typed anywhere."""
    names = list(dict.fromkeys(source for one in courses if (source := _source(one))))
    if not names:
        return ""
    told = " and ".join(dict.fromkeys(without_folders(name, courses).rpartition(":")[0] for name in names))
    return f"Type it where {told} can be found: what is in that file is not in this page."


def _folders(courses: Iterable[Any]) -> Mapping[str, str]:
    """Return folders of this machine, the longest first, and what stands in their place before the rest of a path."""
    homes: list[str] = []
    with suppress(RuntimeError, OSError):
        homes = [str(Path.home()), str(Path.home().resolve())]
    found = dict.fromkeys(homes, "~/")
    here = _here()
    for course in courses:
        file = Path(_source(course).rpartition(":")[0])
        if file.is_absolute() and (here is None or here not in file.parents):
            found[str(file.parent)] = ""
    if here is not None:
        found[str(here)] = ""
    # One name after the root is a word like any other ("/main"), unless it is the home.
    known = [folder for folder in found if len(Path(folder).parts) > (1 if folder in homes else 2)]
    return {folder: found[folder] for folder in sorted(known, key=len, reverse=True)}


def _here() -> Path | None:
    try:
        return Path(os.getcwd())
    except OSError:  # the folder is gone
        return None


def _source(course: Any) -> str:
    """Return ``file.py:name`` of a course that came from a file, else an empty text."""
    told = (str(getattr(course, attribute, "")) for attribute in ("source", "name"))
    return next(filter(names_a_file, told), "")


def _written(folder: str) -> list[str]:
    """Return the ways in which a path stands in texts: as it is, in TOML's and Python's quotes, in CSV's."""
    quoted = [json.dumps(folder)[1:-1], json.dumps(folder, ensure_ascii=False)[1:-1]]
    return list(dict.fromkeys([folder, *quoted, repr(folder)[1:-1], folder.replace('"', '""')]))
