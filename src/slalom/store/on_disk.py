"""The store in one SQLite file, which several processes may write at once."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from slalom.core import quote
from slalom.store import connecting
from slalom.store.errors import StoreError
from slalom.store.interface import Filter, Outcome, Store
from slalom.store.layout import ROW, STUDY
from slalom.store.places import default_path
from slalom.store.presence import Presence
from slalom.store.records import Record, Row, StudyRow, key_bytes, sealed, storable
from slalom.store.rescue import Memory, abandon, rescue

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
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as problem:
            raise StoreError(
                f"the folder {quote(target.parent)} cannot be made ({problem.strerror}): name a file with `--store`."
            ) from problem
    return SQLiteStore(target, create=create, readonly=readonly)


CHECKED = 2**26
"""Bytes of a file up to which all of it is checked when the store is closed."""


class SQLiteStore(Store):
    """See :func:`open`.

    Before every use it is checked that the file is still the one that was opened, and after the last one that every
    run can be read back. Where that is not so, the runs are written to a new file and StoreError says which.
    """

    def __init__(self, path: Path, *, create: bool = True, readonly: bool = False):
        try:
            self.path = path.expanduser()
        except RuntimeError:  # no such user: then it is the file's name
            self.path = path
        self.name = os.fsencode(path).decode("utf-8", "replace")
        self._process = os.getpid()
        self._memory = Memory()
        self._connection: sqlite3.Connection | None = connecting.connect(self.path, create=create, readonly=readonly)
        self._presence = None if readonly else Presence(self.path)

    def insert(self, records: Sequence[Record]) -> list[Outcome]:
        def add(connection: sqlite3.Connection) -> list[Outcome]:
            return [_insert(connection, record) for record in records]

        self._check_presence(records)
        outcomes = self._write(add)
        self._memory.add(records)
        self._check_presence()
        return outcomes

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
        self._memory.studies[row.name] = row

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
        if self._connection is None or self._process != os.getpid():
            return
        try:
            self._read_back()
        finally:
            self._let_go()

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        if self._presence is not None:
            self._presence.close()

    def _read_back(self) -> None:
        """Check in a connection of its own, which has nothing in its cache, that all that was written is there."""
        if self._presence is None or not self._memory.records:
            return
        self._check_presence()
        written = {record.row.key for record in self._memory.records}
        try:
            fresh = connecting.raw(self.path, "mode=ro")
            try:
                found = sum(_count(fresh, some) for some in _portions(list(written)))
                small = self.path.stat().st_size <= CHECKED
                whole = not small or fresh.execute("PRAGMA integrity_check(1)").fetchone() == ("ok",)
            finally:
                fresh.close()
        except connecting.FAILURES as problem:
            self._lose(f"can no longer be read ({connecting.words(problem)})")
        if found < len(written) or not whole:
            self._lose(f"was overwritten: {found:,} of {len(written):,} new runs can be read back")

    def _check_presence(self, unwritten: Sequence[Record] = ()) -> None:
        """Raise StoreError, once all runs are in another file, where the file is not the one that was opened."""
        accident = self._presence.accident() if self._presence is not None and self._connection is not None else ""
        if accident:
            self._lose(accident, unwritten)

    def _lose(self, accident: str, unwritten: Sequence[Record] = ()) -> NoReturn:
        connection, presence = self._connection, self._presence
        assert connection is not None
        assert presence is not None
        self._memory.add(unwritten)
        try:
            fresh, runs = rescue(self.path, connection if presence.is_readable else None, self._memory, type(self))
        finally:
            if not presence.is_elsewhere:
                abandon(connection)
                self._connection = None
            self._let_go()
            presence.remove_log()
        if not runs:
            fresh.unlink()
            raise StoreError(f"{quote(self.path)} {accident} while it was in use, before it had any runs: start again.")
        saved = f"{runs:,} run{' was' if runs == 1 else 's were'} written to {quote(fresh, limit=300)}"
        raise StoreError(
            f"{quote(self.path)} {accident} while it was in use: {saved}. Move that file to {quote(self.path)}, "
            "or merge it with `slalom runs merge`, and start again."
        )

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
        self._check_presence()
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


def _count(connection: sqlite3.Connection, keys: Sequence[bytes]) -> int:
    query = f"SELECT count(*) FROM runs JOIN series USING (id) WHERE key IN ({_marks(keys)})"
    return int(connection.execute(query, keys).fetchone()[0])


def _record(found: Sequence[Any]) -> Record:
    return Record(Row(*found[:-1]), b"" if found[-1] is None else found[-1])


def _portions(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (keys[low : low + AT_ONCE] for low in range(0, len(keys), AT_ONCE))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
