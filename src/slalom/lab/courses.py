"""From what a caller names to what is descended: a landscape, a task, or a training loop of the caller's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from slalom import landscapes
from slalom.core import InputError, nearest, python_files, quote
from slalom.landscapes import Landscape

if TYPE_CHECKING:
    from slalom.tasks import Loop, Task

UNUSED = {
    "landscape": ("epochs", "evaluate_every", "precision", "data_dir", "workers"),
    "task": ("start", "starts", "noise"),
    "training loop": (
        *("start", "starts", "noise", "steps", "epochs", "evaluate_every"),
        *("dtype", "precision", "engine", "device", "data_dir"),
    ),
}
"""Kinds of course, and the arguments that have no part in a race on them."""


def find(course: Any, data_dir: Any = None, start: Any = None) -> Landscape | Task | Loop:
    """Return what ``course`` names.

    A name of either catalogue, an expression, ``"file.py:name"`` (the file is run once), or an object: a landscape or
    a function on tensors, a task or a function without parameters that returns one, a generator function
    ``train(make_optimizer, seed)``. ``data_dir`` is where the files of image sets lie; ``start`` is a point at which a
    function of the caller's own is tried. Raises InputError.
    """
    if isinstance(course, Landscape):
        return course
    if not isinstance(course, str):
        return _of_object(course) or landscapes.find(course, start=start)
    course = python_files.canonical(course)
    if python_files.names_a_file(course):
        return _of_file(course) or landscapes.find(course, start=start)
    named = _named_task(course, data_dir)
    return landscapes.find(course, start=start) if named is None else named


def kind(course: Any) -> str:
    """Return what kind of course one that was found is: a key of UNUSED."""
    if isinstance(course, Landscape):
        return "landscape"
    return "training loop" if hasattr(course, "follow") else "task"


def is_landscape(course: Any) -> TypeGuard[Landscape]:
    """Is a course that was found a landscape?"""
    return isinstance(course, Landscape)


def is_loop(course: Any) -> TypeGuard[Loop]:
    """Is a course that was found a training loop of the caller's own?"""
    return kind(course) == "training loop"


def refuse_unused(course: Any, given: Mapping[str, Any], doing: str = "race") -> None:
    """Refuse arguments, given by name where they differ from their default, that this kind of course makes no use of.

    Raises InputError.
    """
    what = kind(course)
    for name in UNUSED[what]:
        if given.get(name) is not None:
            raise InputError(f"{name} {quote(given[name])} has no part in a {doing} on a {what}: leave it out.")


def _of_object(found: Any) -> Task | Loop | None:
    from slalom.tasks import from_object

    return from_object(found, getattr(found, "name", "") or getattr(found, "__name__", ""))


def _of_file(course: str) -> Task | Loop | None:
    from slalom.tasks import from_object
    from slalom.tasks.chance import Chance

    with Chance(0):  # what a file draws while it is loaded is the same in every process
        found, name, path = python_files.fetch(course)
    return None if isinstance(found, Landscape) else from_object(found, course, source=f"{path}:{name}")


def _named_task(course: str, data_dir: Any) -> Task | Loop | None:
    """Return the task of the catalogue that ``course`` names; tell of one that it resembles."""
    known = course.strip().lower().replace("_", "-").replace(" ", "-")
    if known.partition(":")[0] in landscapes.NAMES:
        return None
    from slalom import tasks

    if tasks.names_a_task(course):
        return tasks.find(course, data_dir)
    hint = nearest(known, tasks.NAMES)
    if hint and not nearest(known, landscapes.NAMES):
        raise InputError(f"{quote(course)} is not a task.{hint} `slalom list tasks` shows all.")
    return None
