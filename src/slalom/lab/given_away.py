"""Pages are given away: what names a folder of this machine, and with it perhaps its user, is taken out of them."""

from __future__ import annotations

import html
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.core.python_files import names_a_file

if TYPE_CHECKING:
    from slalom.show.report.document import DataFile


def without_folders(text: str, courses: Iterable[Any] = ()) -> str:
    """Return ``text`` with files told by their way from here, or from their course's own folder, or from the home.

    So it is in a page's markup and in JSON too, where a path may be escaped.
    """
    for folder, instead in _folders(courses).items():
        for written in dict.fromkeys(_written(folder)):
            # What a letter of Base64 stands before is no path.
            text = re.sub(rf"(?<![A-Za-z0-9+/]){re.escape(written)}(?=[/\\])[/\\]+", f"{instead}", text)
            text = re.sub(rf"(?<![A-Za-z0-9+/]){re.escape(written)}(?![\w/\\.+-])", instead.rstrip("/") or ".", text)
    return text


def without_store(content: bytes) -> bytes:
    """Return a study's JSON without the place of its store."""
    import msgspec

    told = msgspec.json.decode(content)
    told.pop("store", None)
    return msgspec.json.encode(told)


def files_without_folders(files: Sequence[DataFile], courses: Iterable[Any] = ()) -> list[DataFile]:
    """Return the files of a page with no folder of this machine in them."""
    known = list(courses)
    return [
        one if one.content is None else replace(one, content=without_folders(one.content.decode(), known).encode())
        for one in files
    ]


def beside(courses: Iterable[Any]) -> str:
    """Say where a command must be typed; empty where it can be typed anywhere."""
    names = list(dict.fromkeys(source for one in courses if (source := _source(one))))
    if not names:
        return ""
    told = " and ".join(dict.fromkeys(without_folders(name, courses).rpartition(":")[0] for name in names))
    return f"Type it where {told} can be found: what is in that file is not in this page."


def _folders(courses: Iterable[Any]) -> Mapping[str, str]:
    """Return folders of this machine, the longest first, and what stands in their place before the rest of a path."""
    found = {}
    with suppress(RuntimeError, OSError):
        for home in (Path.home(), Path.home().resolve()):
            found[str(home)] = "~/"
    here = _here()
    for course in courses:
        file = Path(_source(course).rpartition(":")[0])
        if file.is_absolute() and (here is None or here not in file.parents):
            found[str(file.parent)] = ""
    if here is not None:
        found[str(here)] = ""
    known = [folder for folder in found if len(Path(folder).parts) > 1]
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
    """Return the ways in which a path stands in texts, in markup and in JSON."""
    told = [folder, json.dumps(folder)[1:-1], json.dumps(folder, ensure_ascii=False)[1:-1]]
    told += [html.escape(folder, quote=False), html.escape(folder)]
    return [*told, told[1].replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")]
