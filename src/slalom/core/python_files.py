"""``file.py:name``: what a Python file of the user's calls ``name``. The file is run."""

from __future__ import annotations

import ast
import os
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from slalom.core.errors import InputError, nearest, quote
from slalom.core.raised import describe_exception, interrupts

if TYPE_CHECKING:
    from slalom.core.user_files.sources import Sources

_FILE = re.compile(r"(?P<path>.*\.py)(?::(?P<name>[^:/\\]*))?", re.DOTALL | re.IGNORECASE)
_QUOTED = re.compile(r"""(?P<path>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")(?::(?P<name>[^:/\\]*))?""", re.DOTALL)
_MODULE = re.compile(r"(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<name>[^\W\d]\w*)")
_SIMPLE = re.compile(r"""[^\s'"|\\](?:[^'"|\\]*[^\s'"|\\])?""")
"""A path that needs no quotation marks in a spec, if all of it can be printed."""


def names_a_file(course: str) -> bool:
    """Does ``course`` name a Python file, with or without what to take from it?"""
    return split(course) is not None


def split(course: str) -> tuple[str, str] | None:
    """Return the path and the name, perhaps empty, of ``file.py:name``; None where ``course`` names no Python file.

    ``package.module:name`` names the file of a module that could be imported.

    A path may be written as a Python string, in quotation marks: ``'it\\'s.py':name``. So every path has a text that
    can be printed, one that is not UTF-8 included.
    """
    quoted = _QUOTED.fullmatch(course)
    if quoted is not None:
        try:
            path = ast.literal_eval(quoted["path"])
        except (ValueError, SyntaxError):
            path = ""
        if path.lower().endswith(".py"):
            return path, quoted["name"] or ""
    match = _FILE.fullmatch(course)
    if match is not None:
        return match["path"], match["name"] or ""
    match = _MODULE.fullmatch(course)
    path = "" if match is None else _file_of_module(match["module"])
    return (path, match["name"]) if match is not None and path else None


def _file_of_module(name: str) -> str:
    """Return the file of a module that can be imported from the current folder or as usual, "" where there is none.

    Nothing is imported for it. A name of the catalogues is no module.
    """
    top, *rest = name.split(".")
    if top in sys.stdlib_module_names:
        return ""
    from slalom.core.user_files.contexts import found_by_others

    spec = PathFinder.find_spec(top, [os.getcwd()]) or found_by_others(top)
    for part in rest:
        folders = None if spec is None else spec.submodule_search_locations
        spec = None if folders is None else PathFinder.find_spec(part, list(folders))
    return spec.origin if spec is not None and spec.origin and spec.origin.endswith(".py") else ""


def joined(path: str, name: str) -> str:
    """Return the text that :func:`split` reads as ``path`` and ``name``, all of it printable."""
    simple = _SIMPLE.fullmatch(path) is not None and path.isprintable()
    return f"{path if simple else repr(path)}:{name}"


def canonical(course: str) -> str:
    """Return the text of ``file.py:name`` that can be printed; any other text as it is."""
    pair = split(course)
    return joined(*pair) if pair is not None and pair[1] else course


def fetch(course: str) -> tuple[Any, str, Path]:
    """Return what ``file.py:name`` names, its name, and the file's absolute path. Raises InputError.

    A file is run once in a process, and again when it, or what it imports from beside it, has changed: the classes of
    what it gives stay the same until then. Its module has a name that follows from the path alone: a process that has
    fetched from the same file can unpickle what another one pickled.
    """
    path, name = split(course) or (course, "")
    if not name:
        raise InputError(f"{quote(course)} does not say which function: write {quote(joined(path, 'name'))}.")
    located = _located(path, course)
    module = _module(located, course)
    if not hasattr(module, name):
        known = [key for key, value in vars(module).items() if not key.startswith("_") and _is_own(value, module)]
        raise InputError(f"{quote(course)}: the file has no {quote(name)}.{nearest(name, known) or _offered(known)}")
    return getattr(module, name), name, located


def source(course: str) -> str:
    """Return ``path:name`` for ``file.py:name``: the path is absolute and unquoted. Raises InputError for no file."""
    path, name = split(course) or (course, "")
    return f"{_located(path, course)}:{name}"


def _is_own(value: Any, module: ModuleType) -> bool:
    """Is it something to race, rather than what the file imports or computes with?"""
    if isinstance(value, FunctionType | type):
        return value.__module__ == module.__name__
    return callable(value) or type(value).__module__.startswith("slalom.")


def _offered(known: list[str]) -> str:
    return f" It has {', '.join(map(quote, known[:5]))}." if known else " It defines no function."


def _located(path: str, course: str) -> Path:
    """Return the file's absolute path, if it is one."""
    try:
        found = Path(os.path.abspath(path))
        if not found.is_file():
            found = Path(os.path.abspath(Path(path).expanduser()))
        there = found.is_file()
    except (OSError, RuntimeError, ValueError):  # a name too long, a user that is not there
        there = False
    if not there:
        raise InputError(f"{quote(course)}: there is no such file.")
    return found


def module_name(path: Path) -> str:
    """Return the name that a file's module has in every process; no module that somebody imports has it."""
    from slalom.core.user_files.contexts import Context

    return Context(os.path.abspath(path), path.read_bytes() if path.is_file() else b"").name


def _module(path: Path, course: str) -> ModuleType:
    from slalom.core.user_files import loading

    try:
        return loading.module_of(str(path))
    except loading.UnreadableError as problem:
        raise InputError(f"{quote(course)}: the file cannot be read: {quote(problem)}.") from problem
    except interrupts():
        raise
    except BaseException as problem:
        raise InputError(f"{quote(course)}: {_told(problem, path)}.") from problem


def sources(source: str) -> Sources | None:
    """Return what ``file.py:name``, which has been fetched, depends on; None for what names no file."""
    from slalom.core.user_files import loading

    path, _ = split(source) or ("", "")
    return loading.sources_of_file(str(_located(path, source))) if path else None


def sources_of_module(name: str) -> Sources | None:
    """Return what a module depends on that has been imported, None for one that isn't the user's own."""
    from slalom.core.user_files import loading

    return loading.sources_of_module(name)


def _told(problem: BaseException, path: Path) -> str:
    """Return what went wrong and on which line of the user's file."""
    if isinstance(problem, SyntaxError) and problem.filename == str(path):
        return f"the file is not valid Python, line {problem.lineno}: {quote(problem.msg)}"
    return f"running the file raised {quote(describe_exception(problem, 200), 200)}"
