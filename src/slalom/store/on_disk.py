"""The store in one SQLite file, which several processes may write at once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from slalom.core import quote
from slalom.store import connecting
from slalom.store.errors import StoreError
from slalom.store.interface import Filter, Outcome, Store
from slalom.store.layout import ROW, STUDY
from slalom.store.places import default_path
from slalom.store.records import Record, Row, StudyRow, key_bytes, sealed, storable

AT_ONCE = 500
"""Keys asked for in one statement, and rows fetched at a time."""

_PLACES = {columns: ", ".join("?" * (columns.count(",") + 1)) for columns in (ROW, STUDY)}
_ADD_ROW = f"INSERT INTO runs ({ROW}) VALUES ({_PLACES[ROW]})"
_PUT_STUDY = f"INSERT OR REPLACE INTO studies ({STUDY}) VALUES ({_PLACES[STUDY]})"

Result = TypeVar("Result")


def open(path: str | os.PathLike[str] | None = None, *, create: bool = True, readonly: bool = False) -> Store:
    """Open the store at ``path``, by default the one in the user's data directory, which is made if need be.

    Raises StoreError for a file that is missing (unless ``create``), foreign, newer, damaged or closed to us. A
    store belongs to the thread and the process that opened it; each process opens its own.
    """
    target = default_path() if path is None else Path(path)
    if path is None and create and not readonly:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise StoreError(
                f"the folder {quote(target.parent)} cannot be made ({problem.strerror}): name a file with `--store`."
            ) from problem
    return SQLiteStore(target, create=create, readonly=readonly)


class SQLiteStore(Store):
    """See :func:`open`."""

    def __init__(self, path: Path, *, create: bool = True, readonly: bool = False):
        try:
            self.path = path.expanduser()
        except RuntimeError:  # no such user: then it is the file's name
            self.path = path
        self.name = str(path)
        self._connection: sqlite3.Connection | None = connecting.connect(self.path, create=create, readonly=readonly)
        self._process = os.getpid()

    def insert(self, records: Sequence[Record]) -> list[Outcome]:
        def add(connection: sqlite3.Connection) -> list[Outcome]:
            return [_insert(connection, record) for record in records]

        return self._write(add)

    def record(self, key: bytes) -> Record | None:
        found = self._read(f"SELECT {ROW}, data FROM runs LEFT JOIN series USING (id) WHERE key = ?", (key,))
        return _record(found[0]) if found else None

    def records(self) -> Iterator[Record]:
        columns = ", ".join(f"runs.{column}" for column in ROW.split(", "))
        query = f"SELECT runs.id, {columns}, data FROM runs LEFT JOIN series USING (id) "
        return (_record(found) for found in self._pages(query + "WHERE runs.id > ? ORDER BY runs.id LIMIT ?", []))

    def present(self, keys: Sequence[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        for some in _portions(keys):
            found.update(key for (key,) in self._read(f"SELECT key FROM runs WHERE key IN ({_marks(some)})", some))
        return found

    def rows(self, wanted: Filter) -> Iterator[Row]:
        asked = {"course": wanted.course, "optimizer": wanted.optimizer, "status": wanted.status}
        told = {name: value for name, value in asked.items() if value is not None}
        conditions = "".join(f" AND {name} = ?" for name in told)
        if wanted.keys is None:
            query = f"SELECT id, {ROW} FROM runs WHERE id > ?{conditions} ORDER BY id LIMIT ?"
            yield from (Row(*found) for found in self._pages(query, list(told.values())))
            return
        for some in _portions(wanted.keys):
            query = f"SELECT {ROW} FROM runs WHERE key IN ({_marks(some)}){conditions}"
            there = {found[0]: Row(*found) for found in self._read(query, [*some, *told.values()])}
            yield from (there[key] for key in some if key in there)

    def count(self) -> int:
        return int(self._read("SELECT count(*) FROM runs")[0][0])

    def remove(self, keys: Iterable[str]) -> int:
        wanted = list(dict.fromkeys(map(key_bytes, keys)))

        def take_out(connection: sqlite3.Connection) -> int:
            taken = 0
            for key in wanted:
                connection.execute("DELETE FROM series WHERE id IN (SELECT id FROM runs WHERE key = ?)", (key,))
                taken += connection.execute("DELETE FROM runs WHERE key = ?", (key,)).rowcount
            return taken

        return self._write(take_out)

    def put_study(self, row: StudyRow) -> None:
        def put(connection: sqlite3.Connection) -> None:
            before = connection.execute("SELECT created FROM studies WHERE name = ?", (row.name,)).fetchone()
            created = row.created or (before[0] if before else row.touched)
            connection.execute(_PUT_STUDY, sealed(row._replace(created=created)))

        self._write(put)

    def study_row(self, name: str) -> StudyRow | None:
        found = self._read(f"SELECT {STUDY} FROM studies WHERE name = ?", (name,))
        return StudyRow(*found[0]) if found else None

    def study_rows(self) -> list[StudyRow]:
        return [StudyRow(*found) for found in self._read(f"SELECT {STUDY} FROM studies")]

    def forget_study(self, name: str) -> bool:
        def forget(connection: sqlite3.Connection) -> bool:
            return connection.execute("DELETE FROM studies WHERE name = ?", (storable(name),)).rowcount > 0

        return self._write(forget)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._process == os.getpid():
            connection.close()

    def _write(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        """Make a change as one transaction; it is on the disk when this returns."""
        connection = self._open_connection()

        def transaction() -> Result:
            connection.execute("BEGIN IMMEDIATE")  # waits for others here, and not when half of it is done
            try:
                result = change(connection)
                connection.execute("COMMIT")
                return result
            except BaseException:  # Ctrl-C too
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

        return connecting.told(self.path, transaction)

    def _read(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        connection = self._open_connection()
        return connecting.told(self.path, lambda: connection.execute(query, values).fetchall())

    def _pages(self, query: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """Go through the rows of a query a portion at a time, without their number.

        Between the portions nothing is held that other processes would have to wait for.
        """
        last = -1
        while found := self._read(query, [last, *values, AT_ONCE]):
            last = found[-1][0]
            yield from (row[1:] for row in found)

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"{quote(self.path)} has been closed: open it again.")
        if self._process != os.getpid():  # SQLite's locks do not survive a fork
            raise StoreError(f"{quote(self.path)} was opened by another process: each process opens its own.")
        return self._connection


def _insert(connection: sqlite3.Connection, record: Record) -> Outcome:
    there = connection.execute("SELECT content FROM runs WHERE key = ?", (record.row.key,)).fetchone()
    if there is not None:
        return Outcome.KNOWN if there[0] == record.row.content else Outcome.CONFLICT
    number = connection.execute(_ADD_ROW, record.row).lastrowid
    # A number is never that of a series without a run, unless the file is damaged: then the run's own is kept.
    connection.execute("INSERT OR REPLACE INTO series (id, data) VALUES (?, ?)", (number, record.series))
    return Outcome.WRITTEN


def _record(found: Sequence[Any]) -> Record:
    return Record(Row(*found[:-1]), b"" if found[-1] is None else found[-1])


def _portions(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (keys[low : low + AT_ONCE] for low in range(0, len(keys), AT_ONCE))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
