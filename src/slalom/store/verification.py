"""Is a store whole, and can it be made whole again?"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from slalom.core import Progress, quote
from slalom.store import connecting, layout, salvage
from slalom.store.errors import StoreError
from slalom.store.on_disk import SQLiteStore
from slalom.store.presence import BESIDE

MOST_PROBLEMS = 50
"""Problems that SQLite's own check may tell of."""

PULSE = 100_000
"""Instructions of SQLite's machine, of which it makes some ten millions a second, between two looks for a Ctrl-C."""

TOGETHER = 200
"""Runs copied in one transaction."""


@dataclass(frozen=True)
class Report:
    """What was found in a store. ``problems`` is empty where it is whole; each entry is one clause."""

    path: Path
    runs: int  # whole ones
    studies: int
    problems: tuple[str, ...]
    repaired: bool = False
    damaged_copy: Path | None = None  # where the file as it was has gone

    @property
    def is_whole(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        counted = f"{self.runs:,} run{'' if self.runs == 1 else 's'}"
        if self.is_whole:
            return f"{quote(self.path)} is whole: {counted}, every one as it was written."
        told = "; ".join(self.problems[:5]) + (f"; and {len(self.problems) - 5} more" if len(self.problems) > 5 else "")
        if not self.repaired:
            return f"{quote(self.path)} is damaged: {told}. {counted} can be saved by repairing it."
        copy = self.damaged_copy
        return f"{quote(self.path)} was repaired with {counted}; lost: {told}. The file as it was: {quote(copy)}."


def verify(path: str | os.PathLike[str], *, repair: bool = False, progress: Progress | None = None) -> Report:
    """Look at every byte that matters: SQLite's own check, every checksum, every key against its specification.

    ``progress`` is told the runs looked at, of how many. Ctrl-C leaves the file as it was.

    With ``repair`` a damaged store is written anew from all that can be read, and takes the old one's place; the old
    one is kept beside it. Raises StoreError where nothing can be looked at or saved: a file that is missing, foreign,
    newer, or in use while it is to be repaired.
    """
    target = Path(path)
    connecting.recognise(target, create=False)
    with _opened(target, alone=repair) as connection:
        problems = _integrity(connection, target)
        found = salvage.survey(connection, progress)
        told = (*problems, *found.damaged)
        if not told or not repair:
            return Report(target, len(found.runs), len(found.studies), told)
        if not found.runs and not found.studies:
            raise StoreError(f"{quote(target)} is damaged ({told[0]}), and nothing can be saved: it is left as it is.")
        fresh = _rewritten(target, connection, found)
    try:
        kept = _swapped(target, fresh)
    except OSError as problem:
        raise StoreError(
            f"{quote(target)} could not be replaced ({problem.strerror}): the repaired store is {quote(fresh)}."
        ) from problem
    return Report(target, len(found.runs), len(found.studies), told, True, kept)


@contextmanager
def _opened(path: Path, alone: bool) -> Iterator[sqlite3.Connection]:
    """Give a connection that also looks into a file that SQLite refuses."""
    try:
        connection = _looked_into(path, alone)
    except connecting.FAILURES as problem:
        if "BUSY" in (getattr(problem, "sqlite_errorname", None) or ""):
            raise StoreError(
                f"{quote(path)} is open in another process: a store is repaired when nobody else uses it."
            ) from problem
        raise connecting.explained(path, problem) from problem
    try:
        yield connection
    finally:
        connection.close()


def _looked_into(path: Path, alone: bool) -> sqlite3.Connection:
    """Return a connection by which a file has been recognised as a store, whole or not."""
    ways = ["mode=rw"] if alone else connecting.ways_to_read(path)
    while True:
        connection = connecting.raw(path, ways.pop(0), patience=2.0)
        try:
            _look(connection, path, alone)
            return connection
        except BaseException as problem:
            connection.close()
            if not ways or not isinstance(problem, sqlite3.OperationalError):
                raise


def _look(connection: sqlite3.Connection, path: Path, alone: bool) -> None:
    if alone:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("PRAGMA writable_schema = ON")  # lets a file that is cut short be looked at
    connection.execute("PRAGMA cell_size_check = ON")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if application != layout.APPLICATION_ID and not {"runs", "series", "studies"} <= tables:
        raise StoreError(f"{quote(path)} is a database of another application, or too damaged to be recognised.")
    if version > layout.VERSION and application == layout.APPLICATION_ID:
        raise StoreError(f"{quote(path)} was written by a newer slalom (layout {version}): update slalom.")
    if application == layout.APPLICATION_ID and version < layout.VERSION:
        raise StoreError(f"{quote(path)} is of an older release: open it once to be written, which brings it up.")


def _integrity(connection: sqlite3.Connection, path: Path) -> list[str]:
    """Return what SQLite's own check tells, and what the header lacks."""
    problems = []
    connection.set_progress_handler(lambda: 0, PULSE)  # Python is heard of Ctrl-C only where it is called
    try:
        told = [text for (text,) in connection.execute(f"PRAGMA integrity_check({MOST_PROBLEMS})")]
        problems += [str(text).replace("\n", " ") for text in told if text != "ok"]
    except salvage.UNREADABLE as problem:
        if getattr(problem, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT:
            raise KeyboardInterrupt from problem
        problems.append(str(problem))
    finally:
        connection.set_progress_handler(None, 0)
    for pragma, right in (("application_id", layout.APPLICATION_ID), ("user_version", layout.VERSION)):
        (value,) = connection.execute(f"PRAGMA {pragma}").fetchone()
        if value != right:
            problems.append(f"the header's {pragma} is {value} and not {right}")
    try:
        if layout.described(connection) != layout.expected():
            problems.append("its tables are not described as they were made")
    except salvage.UNREADABLE as problem:
        problems.append(f"its tables are described by what is no text ({type(problem).__name__})")
    log = path.with_name(path.name + "-wal")
    shortened = connecting.shortened(path).removeprefix(", ")
    # While there is a log, the end of the file may still be in it.
    return [shortened, *problems] if shortened and not (log.exists() and log.stat().st_size) else problems


def _rewritten(path: Path, connection: sqlite3.Connection, found: salvage.Found) -> Path:
    """Return a new store, beside the damaged one, with all that is whole."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:40]}-repaired-", suffix=path.suffix)
        os.close(handle)
    except OSError as problem:
        raise StoreError(f"{quote(path)} cannot be repaired: its folder may not be written; copy it.") from problem
    fresh = Path(name)
    try:
        with SQLiteStore(fresh) as store:
            for low in range(0, len(found.runs), TOGETHER):
                store.insert(list(salvage.records(connection, found.runs[low : low + TOGETHER])))
            for study in found.studies:
                store.put_study(study)
        shutil.copymode(path, fresh)
    except BaseException:
        for ending in ("", *BESIDE):
            fresh.with_name(fresh.name + ending).unlink(missing_ok=True)
        raise
    return fresh


def _swapped(path: Path, fresh: Path) -> Path:
    """Put ``fresh`` in the place of ``path``, and return where the old file has gone.

    The old file has both names until the last step, so that there is a store under ``path`` at every moment. Its log
    goes first: SQLite would otherwise play it into the new file.
    """
    kept = _free_name(path)
    try:
        os.link(path, kept)
    except OSError:  # a file system without links
        shutil.copy2(path, kept)
    for ending in BESIDE:
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(kept.with_name(kept.name + ending))
    fresh.replace(path)
    return kept


def _free_name(path: Path) -> Path:
    """Return a name for the damaged file that nothing has yet."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    names = (path.with_name(f"{path.stem}.damaged-{stamp}{more}{path.suffix}") for more in ("", *range(1, 1000)))
    return next(name for name in names if not name.exists())
