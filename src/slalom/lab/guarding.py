"""The first look at the user's code, made in a worker process: code that hangs or crashes there ends a worker."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from slalom import landscapes
from slalom.core import InputError, Progress, Run, python_files, quote
from slalom.core.user_files.contexts import CONTEXTS
from slalom.core.user_files.records import ELSEWHERE, executed
from slalom.lab import courses
from slalom.lab.worker_process import serving
from slalom.lab.workers import UNBEGUN, Work, dismiss, is_machines_fault
from slalom.optimizers import CLASSICS, SpecifiedOptimizer, catalogue, parse, parse_all
from slalom.optimizers.catalogue import import_path
from slalom.optimizers.grammar import read_spec, split_stages
from slalom.optimizers.needs import KNOWN
from slalom.tasks.sharing import is_large

Result = TypeVar("Result")

AT_LEAST = 10.0
"""Seconds that a call may take whatever the limit of a run is: a first step may import and compile."""


class CrashError(Exception):
    """A guarded call ended its process or took too long; the text is the reason."""


@dataclass(frozen=True)
class Guard:
    """How a command calls the user's code before its first run.

    The call is made in a worker process where the command has worker processes or a limit of time, and in this process
    elsewhere. ``workers`` is None where slalom chooses how many.
    """

    workers: int | None = None
    limit: float | None = None  # seconds that one run may take

    @property
    def is_up(self) -> bool:
        several = isinstance(self.workers, int) and self.workers > 1
        return not serving() and (self.limit is not None or several)

    def call(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Return ``function(*arguments)``. What cannot be sent to another process is called in this one.

        Raises CrashError where the call ended its process or took longer than the limit.
        """
        if not self.is_up:
            return function(*arguments)
        limit = None if self.limit is None else max(self.limit, AT_LEAST)
        one_unit: list[list[Any]] = [[None]]
        work = Work(_Call(function, arguments), one_unit, workers=2, timeout=limit)
        if work.homebound:
            return function(*arguments)
        found: list[Any] = [result for _, results in work.results() for result in results]
        if not found:
            raise KeyboardInterrupt
        (result,) = found
        if not isinstance(result, Run):
            value, imported = result
            ELSEWHERE.update(imported)
            return value
        if is_machines_fault(result):
            raise CrashError(result.error)
        return function(*arguments)  # an ordinary error, which is raised here as it is

    def look_at(self, course: Any, data_dir: Any = None, start: Any = None) -> None:
        """Run the file that ``course`` names, read its data and evaluate its landscape, in a worker process.

        Raises InputError where this ends the process or takes too long. Ordinary errors are left to this process.
        """
        if self.is_up and isinstance(course, str) and python_files.names_a_file(course):
            _, has_large_data = self._tried(course, _evaluated, _Loaded(course, data_dir), start)
            if has_large_data:
                dismiss()  # that worker has a copy to itself; later ones share the data of this process

    def check(self, task: Any, seed: int, dtype: str) -> None:
        """Make the network of ``seed`` and try it, as ``task.check(seed, dtype)`` does. Raises InputError."""
        if self.is_up and is_foreign(task):
            task.examples()  # read here, they are shared with the workers, each of which would read them for itself
        if not self.is_up or not is_foreign(task) or not self._tried(task.name, type(task).check, task, seed, dtype)[0]:
            task.check(seed, dtype)

    def _tried(self, name: str, function: Callable[..., Any], *arguments: Any) -> tuple[bool, Any]:
        """Return whether a call raised nothing, and what it returned.

        Raises InputError where it ended its process or took too long.
        """
        try:
            return True, self.call(function, *arguments)
        except CrashError as crash:
            told = str(crash)
            if told.startswith(UNBEGUN):
                told = f"its file and data were not loaded after {told.removeprefix(UNBEGUN).strip()}"
            raise InputError(f"{quote(name, 160)}: {told} when slalom tried it.") from crash
        except InputError:  # raised again in this process, it shows where
            return False, None

    def parse_all(self, specs: Any) -> list[Any]:
        """Return the optimizer of each spec; classes that slalom does not know are tried under guard first."""
        specs = CLASSICS if specs is None else specs
        if self.is_up:
            for spec in specs if isinstance(specs, list | tuple) else [specs]:
                if not _runs_no_foreign_code(spec):
                    self._try(spec)
        return list(parse_all(specs))

    def _try(self, spec: Any) -> None:
        try:
            self.call(_parses, spec)
        except CrashError as crash:
            named = spec if isinstance(spec, str) else getattr(spec, "__qualname__", repr(spec))
            raise InputError(f"{quote(named, 160)}: {crash} when slalom tried a few steps of it.") from crash


def is_foreign(course: Any) -> bool:
    """Return whether a course that was found is the user's code: in a file, or an object."""
    source = str(getattr(course, "source", ""))
    return not source or python_files.names_a_file(source)


def is_known(optimizer: Any) -> bool:
    """Return whether an optimizer that has been parsed is of a class that slalom has been tested with."""
    return import_path(optimizer.factory) in KNOWN


def _runs_no_foreign_code(spec: Any) -> bool:
    """Return whether parsing a spec calls only classes that slalom has been tested with; a wrong spec calls none."""
    if isinstance(spec, SpecifiedOptimizer):
        return True
    if not isinstance(spec, str):
        return import_path(spec.func if isinstance(spec, functools.partial) else spec) in KNOWN
    if ".py:" in spec:
        return False
    try:
        head, _ = read_spec(split_stages(spec)[0])
    except InputError:
        return True
    entry = catalogue().get(head.lower())
    return (entry.path if entry is not None else head) in KNOWN


def _parses(spec: Any) -> bool:
    return parse(spec) is not None


@dataclass(frozen=True)
class _Loaded:
    """A course by its name, which is loaded where it is unpickled: that may take longer than its evaluation."""

    name: str
    data_dir: Any

    def __reduce__(self) -> Any:
        return _loaded, (self.name, self.data_dir)


def _loaded(name: str, data_dir: Any) -> _Loaded:
    found, _, _ = python_files.fetch(python_files.canonical(name))
    if not isinstance(found, landscapes.Landscape) and not _takes_arguments(found):
        course: Any = courses.find(name, data_dir)
        if courses.kind(course) == "task":
            course.examples()
    return _Loaded(name, data_dir)


def _takes_arguments(found: Any) -> bool:
    return inspect.isfunction(found) and bool(inspect.signature(found).parameters)


def _evaluated(course: _Loaded, start: Any) -> bool:
    """Find a course, and return whether this process now has large data of it."""
    found: Any = courses.find(course.name, course.data_dir, start)
    if courses.kind(found) != "task":
        return False
    examples = found.examples()
    return any(map(is_large, (*examples.inputs, examples.target)))


@dataclass(frozen=True, eq=False)
class _Call:
    """A job with one unit, the call of a function: large data among its arguments are shared with the worker.

    Its result is a pair: what the call returned, and what the user's files have imported.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    course: Any = None
    training: None = None

    def compute(self, runners: Sequence[Any], progress: Progress | None = None) -> list[Any]:
        result = self.function(*self.arguments)
        return [(result, {context.name: executed(context.name) for context in CONTEXTS.values()})]

    def size(self, runners: Sequence[Any]) -> int:
        return 1
