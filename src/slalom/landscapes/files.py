"""``file.py:name``: a function, or a whole landscape, from a Python file of the user's."""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from slalom.core import InputError, nearest, quote
from slalom.landscapes.landscape import Landscape

_FILE = re.compile(r"(?P<path>.*\.py)(?::(?P<name>[^:/\\]*))?", re.DOTALL | re.IGNORECASE)


def names_a_file(course: str) -> bool:
    """Does ``course`` name a Python file, with or without what to take from it?"""
    return _FILE.fullmatch(course) is not None


def load(course: str, *, dim: int | None = None, start: Any = None) -> Landscape:
    """Return the landscape that ``file.py:name`` gives. The file is run."""
    match = _FILE.fullmatch(course)
    path, name = (match["path"], match["name"] or "") if match else (course, "")
    if not name:
        raise InputError(f"{quote(course)} does not say which function: write {quote(path + ':name')}.")
    module = _run(_located(path, course), course)
    if not hasattr(module, name):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise InputError(f"{quote(course)}: the file has no {quote(name)}.{nearest(name, known) or _offered(known)}")
    found = getattr(module, name)
    if isinstance(found, Landscape):
        if dim is not None and dim != found.dim:
            raise InputError(f"{quote(course)} has {found.dim} coordinates: dim cannot be {quote(dim)}.")
        return replace(found, name=course)
    if not callable(found) or isinstance(found, type):
        raise InputError(f"{quote(course)}: {quote(name)} is neither a function nor a slalom.Landscape.")
    starts = () if start is None else (tuple(start),)
    return Landscape(found, dim=dim or 0, starts=starts, name=course, title=name)


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


def _run(path: Path, course: str) -> ModuleType:
    # Under a name of its own, so that it replaces no module that somebody has imported.
    name = f"_slalom_course_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{quote(course)}: {quote(path)} cannot be read as Python.")
    module = importlib.util.module_from_spec(spec)
    before, modules_path = sys.modules.get(name), list(sys.path)
    sys.modules[name] = module  # dataclasses and pickle look a class's module up there
    sys.path.insert(0, str(path.parent))  # for the modules beside the file
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as problem:
        sys.modules.pop(name)
        if before is not None:
            sys.modules[name] = before
        raise InputError(f"{quote(course)}: {_told(problem, path)}.") from problem
    finally:
        sys.path[:] = modules_path
    return module


def _told(problem: BaseException, path: Path) -> str:
    """Return what went wrong and on which line of the user's file."""
    if isinstance(problem, SyntaxError) and problem.filename == str(path):
        return f"the file is not valid Python, line {problem.lineno}: {quote(problem.msg)}"
    if isinstance(problem, OSError | UnicodeError) and problem.__traceback__ is None:
        return f"the file cannot be read: {quote(problem)}"
    line, trace = 0, problem.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f", line {line}" if line else ""
    return f"running the file raised {quote(f'{type(problem).__name__}: {problem}', 160)}{where}"
