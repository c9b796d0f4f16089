"""What is trained: networks with their data and loss, by name or the caller's own."""

from slalom.tasks.cards import TaskCard, describe, rows
from slalom.tasks.catalogue import NAMES
from slalom.tasks.finding import find, from_object, names_a_task
from slalom.tasks.loop import Loop
from slalom.tasks.task import Task

__all__ = ["NAMES", "Loop", "Task", "TaskCard", "describe", "find", "from_object", "names_a_task", "rows"]
