"""Running a user's file once, and again when it, or what it has imported, has changed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from slalom.core.user_files.contexts import CONTEXTS, Context
from slalom.core.user_files.hooks import context_of, drop_aliases, record_all
from slalom.core.user_files.records import (
    IMPORTS,
    NEVER_OWN,
    PREFIX,
    RECORDS,
    digest_on_disk,
    executed,
    forget,
    is_own,
)
from slalom.core.user_files.sources import Sources, has_found_others, sources_of


class UnreadableError(Exception):
    """A file that cannot be read."""


_SOURCES: dict[str, Sources] = {}
"""By the name of a main file's module, what was found that it depends on."""


def module_of(main: str) -> ModuleType:
    """Return the module of a file, given by its absolute path; what running it raises passes through.

    It is run once in a process, and again when a file that it depends on has changed: until then its classes stay the
    same. Where running it fails, the module that was there before stays.
    """
    drop_aliases()
    try:
        text = Path(main).read_bytes()
    except OSError as problem:
        raise UnreadableError(problem) from problem
    wanted = Context(main, text)
    before = CONTEXTS.get(wanted.package)
    if before is not None and before.module is not None:
        if not _is_stale(before):
            return before.module
        everything: tuple[dict[str, Any], ...] = (sys.modules, RECORDS, IMPORTS)
        shared = {name for name in executed(before.name) if not name.startswith(PREFIX)}
        kept = [_taken(known, before.package, shared) for known in everything]
        try:
            module = wanted.load()
        except BaseException:
            CONTEXTS[before.package] = before
            for known, entries in zip(everything, kept, strict=True):
                known.update(entries)
            raise
        _SOURCES.pop(before.name, None)
        return module
    forget(wanted.package)
    return wanted.load()


def _taken(known: dict[str, Any], package: str, others: set[str]) -> dict[str, Any]:
    """Take what belongs to a package, and ``others``, out of a dictionary, and return it."""
    names = [name for name in known if name == package or name.startswith(package + ".") or name in others]
    return {name: known.pop(name) for name in names}


def _is_stale(context: Context) -> bool:
    found = _SOURCES.get(context.name)
    importlib.invalidate_caches()
    if found is not None and (found.changed_on_disk() is not None or has_found_others(found)):
        return True
    return any(digest_on_disk(record.path) != record.digest for record in executed(context.name).values())


def sources_of_file(main: str) -> Sources:
    """Return what a file depends on, as it was when this was first asked; it is run if it has not been."""
    drop_aliases()
    context = next((one for one in CONTEXTS.values() if one.main == main and one.module is not None), None)
    name = module_of(main).__name__ if context is None else context.name
    if name not in _SOURCES:
        _SOURCES[name] = sources_of(name)
    return _SOURCES[name]


def sources_of_module(name: str) -> Sources | None:
    """Return what a module in ``sys.modules`` depends on, None for one that isn't the user's own."""
    context = context_of(name)
    if context is not None:
        return sources_of_file(context.main)
    file = getattr(sys.modules.get(name), "__file__", None)
    if name == "__main__" or not file or not is_own(file) or name.partition(".")[0] in NEVER_OWN:
        return None
    if name not in _SOURCES:
        _SOURCES[name] = sources_of(name)
    return _SOURCES[name]


def enter(sources: Iterable[Sources]) -> None:
    """Get ready to compute in a worker process: run the files that were asked for, if they are what they were.

    Raises SourceChangedError.
    """
    record_all()
    for one in sources:
        one.check_disk()
        if one.main.startswith(PREFIX):
            module_of(one.parts[0].path)
