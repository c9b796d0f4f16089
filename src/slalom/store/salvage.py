"""Reading what can be read of a file that may be damaged anywhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from slalom.core import Progress
from slalom.store.layout import ROW, STUDY
from slalom.store.records import DamagedRunError, Record, Row, StudyRow, check_bytes, decode_study

UNREADABLE = (sqlite3.Error, ValueError, TypeError, OverflowError)
"""What reading a damaged page may raise: SQLite's own errors, and texts and numbers that are none."""

WIDEST_GAP = 1_000_000
"""Runs looked for one by one between those that are found, at most."""

EVERY = ("runs NOT INDEXED", "runs INDEXED BY runs_by_course", "series")
"""Where all runs are found."""

TOLD_EVERY = 1_000
"""Runs between two reports of progress."""


@dataclass(eq=False)
class Found:
    """What a damaged file still holds, and what is wrong with it."""

    runs: list[int] = field(default_factory=list)  # the numbers of the whole ones
    studies: list[StudyRow] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)  # one sentence for each run or study that is not whole


def survey(connection: sqlite3.Connection, progress: Progress | None = None) -> Found:
    """Read everything; damage to one run does not hide the others.

    ``progress`` is told the runs looked at, of how many. Runs are gone through in one sweep of the file, and one by
    one only where that meets with damage.
    """
    found = Found()
    try:
        found.runs = _swept(connection, progress)
    except UNREADABLE:  # DamagedRunError is a ValueError
        _search(connection, found, progress)
    survey_studies(connection, found)
    return found


def _swept(connection: sqlite3.Connection, progress: Progress | None) -> list[int]:
    """Return the numbers of all runs. Raises one of :data:`UNREADABLE` at the first that is not whole."""
    total, *others = (connection.execute(f"SELECT count(*) FROM {every}").fetchone()[0] for every in EVERY)
    columns = ", ".join(f"runs.{column}" for column in ROW.split(", "))
    numbers: list[int] = []
    seen: set[bytes] = set()
    for number, *row, data in connection.execute(
        f"SELECT runs.id, {columns}, data FROM runs NOT INDEXED LEFT JOIN series USING (id) ORDER BY runs.id"
    ):
        record = Record(Row(*row), data)
        if data is None or record.row.key in seen:
            raise DamagedRunError("it lacks its series, or is there twice")
        check_bytes(record)
        seen.add(record.row.key)
        numbers.append(number)
        if progress is not None and len(numbers) % TOLD_EVERY == 0:
            progress(len(numbers), total)
    if any(count != len(numbers) for count in others):
        raise DamagedRunError("an index, or the series, tell of other runs")
    return numbers


def _search(connection: sqlite3.Connection, found: Found, progress: Progress | None) -> None:
    """Look at every number that a run may have, one by one."""
    seen: set[bytes] = set()
    every = candidates(connection)
    for place, number in enumerate(every):
        if progress is not None and place % TOLD_EVERY == 0:
            progress(place, len(every))
        try:
            record = record_of(connection, number)
            if record is None:
                continue
            check_bytes(record)
            if record.row.key in seen:
                raise DamagedRunError("it is there twice")
            seen.add(record.row.key)
            found.runs.append(number)
        except DamagedRunError as problem:
            found.damaged.append(f"run number {number}: {problem}")
        except UNREADABLE as problem:
            found.damaged.append(f"run number {number} cannot be read: {problem}")


def survey_studies(connection: sqlite3.Connection, found: Found) -> None:
    """Read all studies; damage to one does not hide the others."""
    rows, broken = _both_ways(connection, "SELECT rowid FROM studies NOT INDEXED")
    if broken:
        found.damaged.append(f"studies cannot all be read: {broken}")
    for number in sorted(rows):
        try:
            values = connection.execute(f"SELECT {STUDY} FROM studies WHERE rowid = ?", (number,)).fetchone()
            row = StudyRow(*values)
            decode_study(row)
            found.studies.append(row)
        except DamagedRunError as problem:
            found.damaged.append(f"study {row.name}: {problem}")
        except UNREADABLE as problem:
            found.damaged.append(f"a study cannot be read: {problem}")


def candidates(connection: sqlite3.Connection) -> list[int]:
    """Return every number that a run may have: those found from either end, by the index, and what lies between."""
    numbers: set[int] = set()
    broken = False
    for every in EVERY:
        some, problem = _both_ways(connection, f"SELECT rowid FROM {every}")
        numbers |= some
        broken = broken or bool(problem)
    numbers = {number for number in numbers if isinstance(number, int) and number > 0}
    if broken and numbers and max(numbers) - min(numbers) <= WIDEST_GAP:
        numbers.update(range(1, max(numbers) + 1))
    return sorted(numbers)


def _both_ways(connection: sqlite3.Connection, query: str) -> tuple[set[int], str]:
    """Return the numbers found from the beginning and from the end, and what stopped the search, if anything did."""
    numbers: set[int] = set()
    problem = ""
    for direction in ("ASC", "DESC"):
        try:
            for row in connection.execute(f"{query} ORDER BY rowid {direction}"):
                numbers.add(row[0])
        except UNREADABLE as error:
            problem = str(error)
    return numbers, problem


def record_of(connection: sqlite3.Connection, number: int) -> Record | None:
    """Return a run by its number, None where there is none."""
    row = connection.execute(f"SELECT {ROW} FROM runs NOT INDEXED WHERE rowid = ?", (number,)).fetchone()
    if row is None:
        return None
    data = connection.execute("SELECT data FROM series WHERE rowid = ?", (number,)).fetchone()
    if data is None:
        raise DamagedRunError("its series are missing")
    return Record(Row(*row), data[0])


def records(connection: sqlite3.Connection, numbers: list[int]) -> Iterator[Record]:
    """Go through runs that have been found whole."""
    for number in numbers:
        record = record_of(connection, number)
        if record is not None:
            yield record
