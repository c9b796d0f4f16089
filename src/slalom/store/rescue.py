"""What is left of a store whose file was deleted or overwritten in use, written to a new file beside it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from slalom.core import quote
from slalom.store import salvage
from slalom.store.errors import StoreError
from slalom.store.records import DamagedRunError, Record, StudyRow, check_bytes

MOST_BYTES = 2**28
"""Bytes of series that a store remembers of what it has written; older ones can be saved from SQLite's files only."""

TOGETHER = 200
"""Runs written in one transaction."""


class Memory:
    """The runs and studies that were written through one open store, the latest ones where they are many."""

    def __init__(self) -> None:
        self.records: deque[Record] = deque()
        self.studies: dict[str, StudyRow] = {}
        self._bytes = 0

    def add(self, records: Iterable[Record]) -> None:
        """Remember runs."""
        for record in records:
            self.records.append(record)
            self._bytes += len(record.series)
        while self._bytes > MOST_BYTES:
            self._bytes -= len(self.records.popleft().series)


def rescue(
    path: Path, connection: sqlite3.Connection | None, memory: Memory, open_store: Callable[[Path], Any]
) -> tuple[Path, int]:
    """Write what can be read through a connection, and what is remembered, to a new store; return it and its runs.

    ``open_store`` makes the store of a file.

    Raises StoreError where no folder can be written.
    """
    fresh = _new_file(path)
    with open_store(fresh) as store:
        some: list[Record] = []
        for record in (*memory.records, *(_readable(connection) if connection is not None else ())):
            some.append(record)
            if len(some) == TOGETHER:
                store.insert(some)
                some = []
        store.insert(some)
        for row in {**(_studies(connection) if connection is not None else {}), **memory.studies}.values():
            store.put_study(row)
        return fresh, store.count()


def abandon(connection: sqlite3.Connection) -> None:
    """Never close a connection, not even when Python ends: that would write its log into a file that is not ours."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


def _readable(connection: sqlite3.Connection) -> Iterator[Record]:
    """Go through the runs that SQLite can still read, up to the first damage to its pages."""
    try:
        for number in salvage.candidates(connection):
            try:
                record = salvage.record_of(connection, number)
                if record is not None:
                    check_bytes(record)
                    yield record
            except DamagedRunError:
                continue
    except salvage.UNREADABLE:
        return


def _studies(connection: sqlite3.Connection) -> dict[str, StudyRow]:
    found = salvage.Found()
    with contextlib.suppress(*salvage.UNREADABLE):
        salvage.survey_studies(connection, found)
    return {row.name: row for row in found.studies}


def _new_file(path: Path) -> Path:
    """Return a free name beside the store, or in the working directory, or in the folder for temporary files."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    for folder in (path.parent, Path.cwd, tempfile.gettempdir):
        try:
            place = Path(folder() if callable(folder) else folder)
            for more in ("", *range(1, 100)):
                fresh = place / f"{path.stem}.rescued-{stamp}{more}{path.suffix}"
                if not fresh.exists() and place.is_dir() and os.access(place, os.W_OK):
                    return fresh
        except OSError:  # the folder has been deleted
            continue
    raise StoreError(f"{quote(path)} is lost, and no folder could be written to save its runs in.")
