"""Reading what can be read of a file that may be damaged anywhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from slalom.store.layout import ROW, STUDY
from slalom.store.records import DamagedRunError, Record, Row, StudyRow, decode, decode_study

UNREADABLE = (sqlite3.Error, ValueError, TypeError, OverflowError)
"""What reading a damaged page may raise: SQLite's own errors, and texts and numbers that are none."""

WIDEST_GAP = 1_000_000
"""Runs looked for one by one between those that are found, at most."""


@dataclass(eq=False)
class Found:
    """What a damaged file still holds, and what is wrong with it."""

    runs: list[int] = field(default_factory=list)  # the numbers of the whole ones
    studies: list[StudyRow] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)  # one sentence for each run or study that is not whole


def survey(connection: sqlite3.Connection) -> Found:
    """Read everything, run by run; damage to one does not hide the others."""
    found = Found()
    seen: set[bytes] = set()
    for number in candidates(connection):
        try:
            record = record_of(connection, number)
            if record is None:
                continue
            decode(record)
            if record.row.key in seen:
                raise DamagedRunError("it is there twice")
            seen.add(record.row.key)
            found.runs.append(number)
        except DamagedRunError as problem:
            found.damaged.append(f"run number {number}: {problem}")
        except UNREADABLE as problem:
            found.damaged.append(f"run number {number} cannot be read: {problem}")
    _survey_studies(connection, found)
    return found


def _survey_studies(connection: sqlite3.Connection, found: Found) -> None:
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
    for query in (
        "SELECT rowid FROM runs NOT INDEXED",
        "SELECT rowid FROM runs INDEXED BY runs_by_course",
        "SELECT rowid FROM series",
    ):
        some, problem = _both_ways(connection, query)
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
