"""From what the user typed to a task, or to a training loop of the user's own."""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

from slalom.core import InputError, interrupts, nearest, python_files, quote
from slalom.tasks.catalogue import CATALOGUE, NAMES
from slalom.tasks.chance import Chance
from slalom.tasks.datasets import raised
from slalom.tasks.loop import Loop, is_loop
from slalom.tasks.task import Task


def find(course: Any, data_dir: str | None = None) -> Task | Loop:
    """Return the task, or the loop, that ``course`` names.

    ``course`` is a name of the catalogue (``"digits-mlp"``), ``"file.py:name"`` (a :class:`Task`, a function without
    parameters that returns one, or a generator function ``train(make_optimizer, seed)``), or one of these things
    itself. ``data_dir`` is where the IDX files of MNIST and Fashion-MNIST lie, for the tasks that need them; nothing
    is read yet. Raises InputError.
    """
    if isinstance(course, str):
        return _find_text(course, data_dir)
    found = from_object(course, getattr(course, "name", "") or getattr(course, "__name__", ""))
    if found is None:
        raise InputError(
            f"{quote(course)} is not a task: give a name that `slalom list tasks` shows, file.py:name, a slalom.Task "
            "or a generator function train(make_optimizer, seed)."
        )
    return found


def names_a_task(course: str) -> bool:
    """Is ``course`` a name of the catalogue, in any case, with blanks or underscores for hyphens?"""
    return _known(course) in CATALOGUE


def _known(course: str) -> str:
    return re.sub(r"[_ ]", "-", course.strip().lower())


def _find_text(course: str, data_dir: str | None) -> Task | Loop:
    if python_files.names_a_file(course):
        return _from_file(course)
    known = _known(course)
    if known not in CATALOGUE:
        way_out = nearest(known, NAMES) or " Give one that `slalom list tasks` shows, or file.py:name."
        raise InputError(f"{quote(course)} is not a task.{way_out}")
    where = None if data_dir is None else str(data_dir)
    if not _named(known, where).source:  # somebody has changed it
        _named.cache_clear()
    return _named(known, where)


@cache
def _named(name: str, data_dir: str | None) -> Task:
    """Build a task of the catalogue, once in a process: its data are then read once."""
    task = CATALOGUE[name].build(name, data_dir)
    task.source, task.data_dir, task.find_again = name, data_dir, find
    return task


def _from_file(course: str) -> Task | Loop:
    with Chance(0):  # what a file draws while it is loaded is the same in every process
        found, name, path = python_files.fetch(course)
    made = from_object(found, course, source=f"{path}:{name}")
    if made is None:
        raise InputError(
            f"{quote(course)}: {quote(name)} is neither a slalom.Task, nor a function that returns one, nor a "
            "generator function train(make_optimizer, seed)."
        )
    return made


def from_object(found: Any, name: str, source: str = "") -> Task | Loop | None:
    """Return what ``found`` is as a course: a task, a loop, or None where it is neither (a landscape, perhaps).

    A function without parameters is called, and its result is the course if it is a :class:`Task`. ``name`` is what
    the user typed, ``source`` the text from which another process finds the same.
    """
    if isinstance(found, Loop):
        return found
    _check_no_half_loop(found, name)
    if is_loop(found):
        loop = Loop(found, name, _title(source), source)
        loop.find_again = find
        return loop
    task = found if isinstance(found, Task) else _made(found, name)
    if task is not None and source:
        if not task.is_titled:
            task.title = _title(source)
        task.name, task.source, task.find_again = name, source, find
    return task


def _check_no_half_loop(found: Any, name: str) -> None:
    """Refuse a function with a training loop's parameters that yields nothing."""
    if inspect.isfunction(found) and not is_loop(found) and list(inspect.signature(found).parameters)[:1] == [LOOP]:
        raise InputError(
            f"{quote(name)} has the parameters of a training loop but yields nothing: `yield` a dictionary of metrics "
            "at each evaluation."
        )


LOOP = "make_optimizer"
"""The first parameter of a training loop."""


def _title(source: str) -> str:
    """Return what pictures call something from a file, "my_task.py:task"; "" for what is in no file."""
    path, name = python_files.split(source) or ("", "")
    return f"{Path(path).name}:{name}" if path else ""


def _made(found: Any, name: str) -> Task | None:
    """Call a function without parameters; its task, if that is what it returns."""
    if not inspect.isfunction(found) or inspect.signature(found).parameters:
        return None
    try:
        made = found()
    except InputError:
        raise
    except interrupts():
        raise
    except BaseException as problem:
        raise InputError(f"{quote(name)}: making the task raised {raised(problem)}.") from problem
    return made if isinstance(made, Task) else None
