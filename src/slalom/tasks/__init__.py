"""What is trained: networks with their data and loss, by name or the caller's own."""

from slalom.tasks.finding import NAMES, find
from slalom.tasks.task import Task

__all__ = ["NAMES", "Task", "find"]
