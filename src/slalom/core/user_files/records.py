"""Which source text each module of the user's was run from, and which modules imported it."""

from __future__ import annotations

import hashlib
import os
import site
import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import NamedTuple

PREFIX = "slalom.core.user_files.f"
"""How the names of the modules in contexts begin; the hexadecimal digits of the main file's path follow."""

NEVER_OWN = ("slalom", "torch")
"""Packages that are never the user's own, wherever they are installed: the key has torch's version."""


class Record(NamedTuple):
    """What a module was run from: a file, and the SHA-256 of its content, 64 hexadecimal digits."""

    path: str
    digest: str


RECORDS: dict[str, Record] = {}
"""By name in ``sys.modules``, all modules of the user's that were run in this process."""

IMPORTS: dict[str, set[str]] = {}
"""By name in ``sys.modules``, the names of the modules that a module of the user's has imported."""


ELSEWHERE: dict[str, dict[str, Record]] = {}
"""By a main module's name, what it imported in a worker process in which this process has tried it."""


def digest(content: bytes) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(content).hexdigest()


def digest_on_disk(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's content, "" where it cannot be read."""
    try:
        return digest(Path(path).read_bytes())
    except OSError:
        return ""


def plain_name(name: str) -> str:
    """Return the name that an ``import`` statement uses for a module, whether or not it is in a context."""
    return name[len(PREFIX) :].partition(".")[2] if name.startswith(PREFIX) else name


def forget(package: str) -> None:
    """Forget all modules below ``package``."""
    for known in (sys.modules, RECORDS, IMPORTS, ELSEWHERE):
        for name in [name for name in known if name == package or name.startswith(package + ".")]:
            del known[name]


def executed(main: str) -> dict[str, Record]:
    """Return the records of a module and of all modules that it has imported, directly or not, by their names."""
    found: dict[str, Record] = {}
    waiting, seen = [main], {main}
    while waiting:
        name = waiting.pop()
        if name in RECORDS:
            found[name] = RECORDS[name]
        for other in IMPORTS.get(name, ()):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return found


@cache
def _installed_folders() -> tuple[str, ...]:
    """Return the folders of the standard library and of installed packages, and slalom's own."""
    paths = sysconfig.get_paths()
    found = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    found += [*site.getsitepackages(), site.getusersitepackages(), str(Path(__file__).parents[2])]
    return tuple(dict.fromkeys(os.path.join(os.path.realpath(path), "") for path in found))


@cache
def is_own(path: str) -> bool:
    """Return whether a file is the user's own, rather than of the standard library or of an installed package."""
    place = os.path.join(os.path.realpath(os.path.dirname(path)), "")
    if "/site-packages/" in place or "/dist-packages/" in place:
        return False
    return not place.startswith(_installed_folders())
