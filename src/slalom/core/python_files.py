"""``file.py:name``: what a Python file of the user's calls ``name``. The file is run."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from slalom.core.errors import InputError, describe_exception, nearest, quote

_FILE = re.compile(r"(?P<path>.*\.py)(?::(?P<name>[^:/\\]*))?", re.DOTALL | re.IGNORECASE)
_QUOTED = re.compile(r"""(?P<path>'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")(?::(?P<name>[^:/\\]*))?""", re.DOTALL)
_SIMPLE = re.compile(r"""[^\s'"|\\](?:[^'"|\\]*[^\s'"|\\])?""")
"""A path that needs no quotation marks in a spec, if all of it can be printed."""

_run_before: dict[str, tuple[str, ModuleType]] = {}
"""By module name, the fingerprint of each file when it was run, and what came of it."""


def names_a_file(course: str) -> bool:
    """Does ``course`` name a Python file, with or without what to take from it?"""
    return split(course) is not None


def split(course: str) -> tuple[str, str] | None:
    """Return the path and the name, perhaps empty, of ``file.py:name``; None where ``course`` names no Python file.

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
    return None if match is None else (match["path"], match["name"] or "")


def joined(path: str, name: str) -> str:
    """Return the text that :func:`split` reads as ``path`` and ``name``, all of it printable."""
    simple = _SIMPLE.fullmatch(path) is not None and path.isprintable()
    return f"{path if simple else repr(path)}:{name}"


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
        found = Path(path).expanduser().absolute()
        there = found.is_file()
    except (OSError, RuntimeError, ValueError):  # a name too long, a user that is not there
        there = False
    if not there:
        raise InputError(f"{quote(course)}: there is no such file.")
    return found


def module_name(path: Path) -> str:
    """Return the name that a file's module has in every process; no module that somebody imports has it."""
    return f"_slalom_file_{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"


def _module(path: Path, course: str) -> ModuleType:
    name = module_name(path)
    try:
        text = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{quote(course)}: the file cannot be read: {quote(problem)}.") from problem
    content = fingerprint(path)
    before = _run_before.get(name)
    if before is not None and before[0] == content and sys.modules.get(name) is before[1]:
        return before[1]
    if before is not None:
        _forget_imports(path)
    module = _run(path, text, course)
    _run_before[name] = content, module
    return module


def _forget_imports(path: Path) -> None:
    """Let what a file imports from beside it be imported anew: one of these may have changed."""
    files = {str(file) for file in _with_imports(path)} - {str(path)}
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) in files:
            del sys.modules[name]


def _run(path: Path, text: bytes, course: str) -> ModuleType:
    name = module_name(path)
    module = ModuleType(name)
    module.__file__ = str(path)
    before, modules_path = sys.modules.get(name), list(sys.path)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    sys.path.insert(0, str(path.parent))  # for the modules beside the file
    try:
        # Compiled from what was read: Python's own cache takes a file changed within the second for unchanged.
        exec(compile(text, str(path), "exec", dont_inherit=True), module.__dict__)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        sys.modules.pop(name)
        if before is not None:
            sys.modules[name] = before
        raise InputError(f"{quote(course)}: {_told(problem, path)}.") from problem
    finally:
        sys.path[:] = modules_path
    return module


def fingerprint(path: Path) -> str:
    """Return a hash of a file's content and of the modules beside it that it imports, and that those import.

    What is read in another way, data for one, does not count. Raises OSError where the file cannot be read.
    """
    contents = {os.path.relpath(file, path.parent): file.read_bytes() for file in _with_imports(path)}
    if len(contents) == 1:
        return hashlib.sha256(contents[path.name]).hexdigest()
    parts = (hashlib.sha256(name.encode() + b"\0" + text).digest() for name, text in sorted(contents.items()))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _with_imports(path: Path) -> list[Path]:
    """Return a file and the files beneath its folder that it imports, directly or not."""
    found, waiting = [path], [path]
    while waiting:
        for file in _imported(waiting.pop(), path.parent):
            if file not in found and file.is_file():
                found.append(file)
                waiting.append(file)
    return found


def _imported(path: Path, root: Path) -> Iterator[Path]:
    """Yield the files that a file may import: modules, packages, and what ``from a import b`` may mean."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files_of(root, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = root if not node.level else path.parent.joinpath(*[".."] * (node.level - 1)).resolve()
            parts = node.module.split(".") if node.module else []
            if node.level:
                yield base / "__init__.py"
            for alias in node.names:
                yield from _files_of(base, [*parts, alias.name])


def _files_of(base: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield the files of a dotted name and of the packages above it."""
    for length in range(1, len(parts) + 1):
        place = base.joinpath(*parts[:length])
        yield place.with_name(place.name + ".py")
        yield place / "__init__.py"


def _told(problem: BaseException, path: Path) -> str:
    """Return what went wrong and on which line of the user's file."""
    if isinstance(problem, SyntaxError) and problem.filename == str(path):
        return f"the file is not valid Python, line {problem.lineno}: {quote(problem.msg)}"
    line = line_in(problem, path)
    where = f", line {line}" if line else ""
    return f"running the file raised {quote(describe_exception(problem), 160)}{where}"


def line_in(problem: BaseException, path: Path) -> int:
    """Return the innermost line of ``path`` that ``problem`` was raised through; 0 where there is none."""
    line, trace = 0, problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
