"""Is the file under an open store still the one that was opened? People delete, move and overwrite files in use."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

BESIDE = ("-wal", "-shm")
"""Endings of the files that SQLite keeps beside its own."""

HEADER = 100
"""Bytes of the header of an SQLite file: https://www.sqlite.org/fileformat2.html#the_database_header."""

FIXED = 24
"""Bytes of it that never change: magic, page size, versions, fractions."""

SHORT_LOG = 1000 * 512
"""Bytes of a log up to which SQLite has not moved it into the file: it does so from 1,000 pages of at least 512."""

SMALLEST_INDEX = 32768
"""Bytes of the smallest ``-shm`` file. SQLite maps it: reading one that was cut short kills the process (SIGBUS)."""

Identity = tuple[int, int]

_DESCRIPTORS: dict[Identity, tuple[int, int]] = {}
"""By file, a descriptor to read from and how many stores of this process use it.

POSIX drops all locks that a process has on a file, SQLite's included, when the process closes any descriptor of it. So
stores share one descriptor a file, which is closed after the last of them.
"""


def beginning(path: Path, size: int) -> bytes:
    """Return the first bytes of a file, without disturbing a store of this process that has it open."""
    descriptor, _ = _DESCRIPTORS.get(_identity(os.stat(path)), (None, 0))
    if descriptor is not None:
        return os.pread(descriptor, size, 0)
    with path.open("rb") as file:
        return file.read(size)


class Presence:
    """Watches over the file of one open store. To be made once SQLite has opened it, closed after SQLite has closed."""

    def __init__(self, path: Path):
        self._path = path
        found = os.stat(path)
        self._file, self._size = _identity(found), found.st_size
        descriptor, users = _DESCRIPTORS.get(self._file, (None, 0))
        if descriptor is None:
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        _DESCRIPTORS[self._file] = descriptor, users + 1
        self._descriptor: int | None = descriptor
        self._head = os.pread(descriptor, HEADER, 0)
        self._others = self._beside()

    def close(self) -> None:
        """Let go of the file."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        _, users = _DESCRIPTORS.pop(self._file)
        if users > 1:
            _DESCRIPTORS[self._file] = descriptor, users - 1
        else:
            os.close(descriptor)

    def accident(self) -> str:
        """Return what happened to the file since it was opened, as the end of a sentence; "" where nothing did."""
        try:
            found = os.stat(self._path)
        except FileNotFoundError:
            return "was deleted or renamed"
        except OSError as problem:
            return f"cannot be reached any more ({(problem.strerror or str(problem)).lower()})"
        if _identity(found) != self._file:
            return "was replaced by another file"
        if found.st_size < self._size:
            return f"was cut short to {found.st_size:,} bytes"
        self._size = found.st_size
        if not self._has_its_head():
            return "was overwritten"
        others = self._beside()
        for ending, before in self._others.items():
            if others.get(ending) != before:
                return f"lost {self._path.name}{ending}, which SQLite keeps beside it"
        self._others = others
        return self._cut_index()

    def _has_its_head(self) -> bool:
        """Whether the header is the same; what counts in it changes only when the log is moved into the file."""
        log = self._path.with_name(self._path.name + "-wal")
        try:
            size = HEADER if log.stat().st_size <= SHORT_LOG else FIXED
        except OSError:
            size = FIXED
        return self._descriptor is None or os.pread(self._descriptor, size, 0) == self._head[:size]

    @property
    def is_elsewhere(self) -> bool:
        """Whether nothing is at the path and the file exists under another name."""
        return not self._path.exists() and self._descriptor is not None and os.fstat(self._descriptor).st_nlink > 0

    @property
    def is_readable(self) -> bool:
        """Whether SQLite can go on reading through its connection without risk to the process."""
        return not self._cut_index()

    def _cut_index(self) -> str:
        name = self._path.with_name(self._path.name + "-shm")
        with suppress(OSError):
            if os.stat(name).st_size < SMALLEST_INDEX and "-shm" in self._others:
                return f"lost the content of {name.name}, which SQLite keeps beside it"
        return ""

    def _beside(self) -> dict[str, Identity]:
        """Return which files there are beside the store."""
        found = {}
        for ending in BESIDE:
            with suppress(OSError):
                found[ending] = _identity(os.stat(self._path.with_name(self._path.name + ending)))
        return found

    def remove_log(self) -> None:
        """Delete our files beside the path, so that SQLite does not write their content into another file there."""
        for ending, identity in self._beside().items():
            if identity == self._others.get(ending):
                with suppress(OSError):
                    os.unlink(self._path.with_name(self._path.name + ending))


def _identity(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino
