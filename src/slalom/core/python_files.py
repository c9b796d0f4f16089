"""``file.py:name``: what a Python file of the user's calls ``name``. The file is run."""

from __future__ import annotations

import ast
import hashlib
import re
import sys
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from slalom.core.errors import InputError, nearest, quote

_FILE = re.compile(r"(?P<path>.*\.py)(?::(?P<name>[^:/\\]*))?", re.DOTALL | re.IGNORECASE)

_run_before: dict[str, tuple[bytes, ModuleType]] = {}
"""By module name, the text of each file when it was run, and what came of it."""


def names_a_file(course: str) -> bool:
    """Does ``course`` name a Python file, with or without what to take from it?"""
    return _FILE.fullmatch(course) is not None


def fetch(course: str) -> tuple[Any, str, Path]:
    """Return what ``file.py:name`` names, its name, and the file's absolute path. Raises InputError.

    A file is run once in a process, and again when its text has changed, so that the classes of what it gives stay
    the same. Its module has a name that follows from the path alone: a process that has fetched from the same file
    can unpickle what another one pickled.
    """
    match = _FILE.fullmatch(course)
    path, name = (match["path"], match["name"] or "") if match else (course, "")
    if not name:
        raise InputError(f"{quote(course)} does not say which function: write {quote(path + ':name')}.")
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
    before = _run_before.get(name)
    if before is not None and before[0] == text and sys.modules.get(name) is before[1]:
        return before[1]
    module = _run(path, text, course)
    _run_before[name] = text, module
    return module


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
    except (Exception, SystemExit) as problem:
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
    contents = {str(file.relative_to(path.parent)): file.read_bytes() for file in _with_imports(path)}
    if len(contents) == 1:
        return hashlib.sha256(contents[path.name]).hexdigest()
    parts = (hashlib.sha256(name.encode() + b"\0" + text).digest() for name, text in sorted(contents.items()))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _with_imports(path: Path) -> list[Path]:
    """Return a file and the files beneath its folder that it imports, directly or not."""
    found, waiting = [path], [path]
    while waiting:
        for name in _imported(waiting.pop()):
            place = path.parent.joinpath(*name.split("."))
            for file in (place.with_suffix(".py"), place / "__init__.py"):
                if file.is_file() and file not in found:
                    found.append(file)
                    waiting.append(file)
    return found


def _imported(path: Path) -> list[str]:
    """Return the dotted names that a file may import, every module that ``from a import b`` may mean among them."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return []
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names += [base, *(f"{base}.{alias.name}".lstrip(".") for alias in node.names)]
    return [name for name in names if name]


def _told(problem: BaseException, path: Path) -> str:
    """Return what went wrong and on which line of the user's file."""
    if isinstance(problem, SyntaxError) and problem.filename == str(path):
        return f"the file is not valid Python, line {problem.lineno}: {quote(problem.msg)}"
    line = line_in(problem, path)
    where = f", line {line}" if line else ""
    return f"running the file raised {quote(f'{type(problem).__name__}: {problem}', 160)}{where}"


def line_in(problem: BaseException, path: Path) -> int:
    """Return the innermost line of ``path`` that ``problem`` was raised through; 0 where there is none."""
    line, trace = 0, problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
