"""From what the user typed to a task."""

from __future__ import annotations

from typing import Any

from slalom.core import InputError, nearest, quote
from slalom.tasks.catalogue import CATALOGUE
from slalom.tasks.task import Task

NAMES = tuple(CATALOGUE)


def find(course: Any) -> Task:
    """Return the task that ``course`` names. Raises InputError."""
    if isinstance(course, Task):
        return course
    if course not in CATALOGUE:
        raise InputError(f"{quote(course)} is not a task.{nearest(str(course), NAMES)}")
    return CATALOGUE[course]()
