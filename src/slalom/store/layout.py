"""The tables of the file, how they are recognised, and how those of older releases become today's."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable

APPLICATION_ID = 0x736C6D31
"""In the header of every file of ours ("slm1"): SQLite's own place for telling whose a file is."""

VERSION = 1
"""Of the tables below; the file's ``user_version``."""

TABLES = (
    """CREATE TABLE runs (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,
        course TEXT NOT NULL,
        optimizer TEXT NOT NULL,
        seed INTEGER NOT NULL,
        status TEXT NOT NULL,
        specification TEXT NOT NULL,
        summary TEXT NOT NULL,
        content BLOB NOT NULL,
        written REAL NOT NULL,
        checksum INTEGER NOT NULL
    )""",
    "CREATE INDEX runs_by_course ON runs (course, optimizer)",
    # Apart from the rows, so that going through those does not read the pages of the series.
    "CREATE TABLE series (id INTEGER PRIMARY KEY, data BLOB NOT NULL)",
    """CREATE TABLE studies (
        name TEXT PRIMARY KEY,
        plan TEXT NOT NULL,
        keys BLOB NOT NULL,
        created REAL NOT NULL,
        touched REAL NOT NULL,
        checksum INTEGER NOT NULL
    )""",
)

ROW = "key, course, optimizer, seed, status, specification, summary, content, written, checksum"
STUDY = "name, plan, keys, created, touched, checksum"


def create(connection: sqlite3.Connection) -> None:
    """Make the tables of a new file, within the caller's transaction."""
    for statement in TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def described(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
    """Return what a file says its tables and indices are."""
    return set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


def expected() -> set[tuple[str, ...]]:
    """Return what a file of today's version says."""
    connection = sqlite3.connect(":memory:")
    try:
        create(connection)
        return described(connection)
    finally:
        connection.close()


def _with_checks(connection: sqlite3.Connection) -> None:
    """From 0, the layout before the first release: no checksums, no studies, series within the rows."""
    connection.execute("ALTER TABLE runs RENAME TO runs_before")
    for statement in TABLES:
        connection.execute(statement)
    connection.create_function("row_checksum", -1, _checksum, deterministic=True)
    columns = ROW.removesuffix(", checksum")
    connection.execute(
        f"INSERT INTO runs (id, {ROW}) SELECT id, {columns}, row_checksum({columns}) FROM runs_before ORDER BY id"
    )
    connection.execute("INSERT INTO series (id, data) SELECT id, series FROM runs_before ORDER BY id")
    connection.execute("DROP TABLE runs_before")


def _checksum(*columns: object) -> int:
    """As in release 1; written out here, since a migration must not change when today's rows do."""
    return zlib.crc32(repr(columns).encode("utf-8", "backslashreplace"))


MIGRATIONS: dict[int, Callable[[sqlite3.Connection], None]] = {0: _with_checks}
"""By version, what makes a file of that version one of the next."""


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a file's tables to today's version, within the caller's transaction."""
    for step in range(version, VERSION):
        MIGRATIONS[step](connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")
