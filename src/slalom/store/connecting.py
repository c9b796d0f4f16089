"""Opening the file: whose it is, whether it is whole, whether it may be written; and SQLite's errors in our words."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote as percent

from slalom.core import quote
from slalom.store import layout
from slalom.store.errors import StoreError
from slalom.store.presence import beginning

HEADER = 100
"""Bytes at the beginning of every SQLite file: https://www.sqlite.org/fileformat2.html#the_database_header."""

PATIENCE = 60.0
"""Seconds to wait for other processes that write."""

MAGIC = b"SQLite format 3\0"

VFS = ""
"""SQLite's layer to the system: its own choice. (Tests take one without shared memory, as a network has none.)"""

VERIFY = "see `slalom runs verify`"

BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_PROTOCOL)

NO_ROOM_BESIDE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
"""SQLite's codes where it cannot make its own files: no permission, or a full disk."""

FAILURES = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises: where a page is damaged, even the text of its error may be no text."""

Result = TypeVar("Result")


def connect(path: Path, *, create: bool = True, readonly: bool = False) -> sqlite3.Connection:
    """Return a connection to a store whose tables are today's. Raises StoreError.

    Every commit is forced to the disk before it returns (``synchronous=FULL``): in WAL mode, ``NORMAL`` would survive
    a kill of the process but may lose the last commits to a power cut.
    """
    recognise(path, create and not readonly)
    return told(path, lambda: _patient(lambda: _readable(path) if readonly else _writable(path)))


def recognise(path: Path, create: bool) -> None:
    """Refuse what cannot be a store, before SQLite touches it."""
    try:
        if os.path.islink(os.path.realpath(path)):
            raise StoreError(f"{quote(path)} is a symbolic link that leads back to itself: name another file.")
        if path.is_dir():
            raise StoreError(f"{quote(path)} is a folder: name a file in it.")
        if path.exists() and not path.is_file():  # opening a FIFO would wait for another process
            raise StoreError(f"{quote(path)} is a device, pipe or socket: name a file.")
        if not path.parent.is_dir():
            raise StoreError(f"{quote(path)} cannot be opened: there is no folder {quote(path.parent)}; make it first.")
        if not path.exists():
            if not create:
                raise StoreError(f"{quote(path)}: there is no such file; name a store that there is.")
            if not _may_write(path.parent):
                raise StoreError(f"{quote(path)} cannot be made: its folder may not be written; name another file.")
            return
        head = beginning(path, HEADER)
        size = path.stat().st_size
    except (OSError, ValueError) as problem:
        if isinstance(problem, StoreError):
            raise
        raise StoreError(f"{quote(path)} cannot be read: {_reason(problem)}; name another file.") from problem
    if not head and path.with_name(path.name + "-wal").exists():
        raise StoreError(f"{quote(path)} is empty, though it has been written to: {VERIFY}.")
    if not head and not create:
        raise StoreError(f"{quote(path)} is empty: name a store that has been written to.")
    if head and not head.startswith(MAGIC):
        raise StoreError(
            f"{quote(path)} is no store of slalom, or damaged at its beginning: {VERIFY}, or name another."
        )
    if head and size < _page(head):  # SQLite would take it for a new file, and begin it again
        raise StoreError(f"{quote(path)} is cut short to {size:,} bytes, from which nothing can be saved: remove it.")


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _reason(problem: Exception) -> str:
    return (getattr(problem, "strerror", None) or str(problem)).lower()


def _uri(path: Path, options: str) -> str:
    # As bytes: the name of a file need not be text.
    return f"file:{percent(os.fsencode(path.absolute()))}?{options}" + (f"&vfs={VFS}" if VFS else "")


def raw(path: Path, options: str = "mode=rw", patience: float | None = None) -> sqlite3.Connection:
    """Return a connection that has not looked at the file yet. Transactions are begun and ended by hand.

    ``patience`` is in seconds, :data:`PATIENCE` unless given.
    """
    timeout = PATIENCE if patience is None else patience
    connection = sqlite3.connect(_uri(path, options), uri=True, isolation_level=None, timeout=timeout)
    connection.text_factory = str
    return connection


def _writable(path: Path) -> sqlite3.Connection:
    if path.exists() and not _may_write(path):
        raise StoreError(f"{quote(path)} may not be written: name another file with `--store`, or open it to be read.")
    _make(path)
    connection = raw(path)
    try:
        if _belongs(connection, path) == "new":  # before anything is changed in somebody else's file
            _start(connection, path)
        else:
            _set_up(connection, path)
            _update(connection)
        return connection
    except BaseException:
        connection.close()
        raise


def _make(path: Path) -> None:
    """Make an empty file that only its owner may read, unless there is one; SQLite gives its own files the same mode.

    Raises StoreError.
    """
    target = os.path.realpath(path)  # a link may name a file that is yet to be made
    try:
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except FileExistsError:
        return
    except OSError as problem:
        raise StoreError(f"{quote(path)} cannot be made: {_reason(problem)}; name another file.") from problem
    os.close(descriptor)
    os.chmod(target, 0o600)  # whatever the umask is


def _set_up(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreError(
            f"{quote(path)} lies where several processes cannot share memory, as on a network file system: "
            "name a file on a disk of this machine with `--store`."
        )
    connection.execute("PRAGMA synchronous = FULL")


def _start(connection: sqlite3.Connection, path: Path) -> None:
    _set_up(connection, path)
    connection.execute("BEGIN IMMEDIATE")
    if _belongs(connection, path) == "new":  # another process may have been faster
        layout.create(connection)
    connection.execute("COMMIT")


def _update(connection: sqlite3.Connection) -> None:
    if _version(connection) == layout.VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    version = _version(connection)  # another process may have been faster
    if version < layout.VERSION:
        layout.migrate(connection, version)
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def ways_to_read(path: Path) -> list[str]:
    """Return the options with which SQLite may read a file without leaving files beside it, in the order to try them.

    A connection that may write removes SQLite's own files when it is the last to close; one that may not leaves them.
    Without a log and without the right to write, the file is read as it is, and SQLite makes no files.
    """
    log = path.with_name(path.name + "-wal")
    logged = log.exists() and log.stat().st_size > 0
    live = _may_write(path) and _may_write(path.parent)
    return [*(["mode=rw"] if live else ["mode=ro"] if logged else []), *([] if logged else ["mode=ro&immutable=1"])]


def _readable(path: Path) -> sqlite3.Connection:
    """Open to be read only, also where SQLite cannot make its own files beside ours."""
    ways = ways_to_read(path)
    connection = raw(path, ways.pop(0))
    try:
        try:
            connection.execute("PRAGMA query_only = ON")
            state = _belongs(connection, path)
        except sqlite3.OperationalError as problem:
            log = path.with_name(path.name + "-wal")
            if _code(problem) not in NO_ROOM_BESIDE:
                raise
            if not ways:
                raise StoreError(
                    f"{quote(path)} was not closed, and its folder may not be written: "
                    f"copy it, and {quote(log.name)} with it, to where you may write."
                ) from problem
            connection.close()
            connection = raw(path, ways.pop(0))
            state = _belongs(connection, path)
        if state == "new":
            raise StoreError(f"{quote(path)} is an empty database: name a store that has been written to.")
        if _version(connection) != layout.VERSION:
            raise StoreError(f"{quote(path)} is of an older release: open it once to be written, which brings it up.")
        return connection
    except BaseException:
        connection.close()
        raise


def _belongs(connection: sqlite3.Connection, path: Path) -> str:
    """Return "new" or "ours". Raises StoreError for a file of somebody else's, or of a newer release."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]  # fails where there is damage
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    version = _version(connection)
    if not tables and application in (0, layout.APPLICATION_ID):
        return "new"
    if application != layout.APPLICATION_ID:
        raise StoreError(f"{quote(path)} is a database of another application: name another file with `--store`.")
    if version > layout.VERSION:
        raise StoreError(
            f"{quote(path)} was written by a newer slalom (layout {version}, this one knows {layout.VERSION}): "
            "update slalom."
        )
    return "ours"


def _patient(action: Callable[[], Result]) -> Result:
    """Repeat ``action`` while other processes are in the way: SQLite itself does not wait when it changes modes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return action()
        except sqlite3.OperationalError as problem:
            if _code(problem) not in BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _code(problem: Exception) -> int:
    """Return SQLite's primary code of an error."""
    return (getattr(problem, "sqlite_errorcode", None) or 0) & 0xFF


def told(path: Path, action: Callable[[], Result]) -> Result:
    """Return what ``action`` returns, with SQLite's errors as StoreError."""
    try:
        return action()
    except FAILURES as problem:
        raise explained(path, problem) from problem


def explained(path: Path, problem: Exception) -> StoreError:
    """Return SQLite's error in one sentence."""
    name = getattr(problem, "sqlite_errorname", None) or ""
    code, where = _code(problem), quote(path)
    if name.startswith(("SQLITE_IOERR_SHM", "SQLITE_IOERR_LOCK", "SQLITE_IOERR_RDLOCK", "SQLITE_PROTOCOL")):
        return StoreError(
            f"{where} cannot be shared between processes ({name}), as on a network file system: "
            "name a file on a disk of this machine with `--store`."
        )
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR) and "READ" not in name:
        return StoreError(
            f"{where} could not be written, the disk may be full or the file as large as it may be ({name}): "
            "what was acknowledged is kept; make room and start again."
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR) or not name:
        return StoreError(
            f"{where} is damaged{shortened(path)} ({words(problem)}): {VERIFY}, which saves what can be read."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError(f"{where} may not be written, or its folder may not: name another file with `--store`.")
    if code in BUSY:
        return StoreError(f"{where} was being written by another process for {PATIENCE:.0f} seconds: try again.")
    return StoreError(f"{where} cannot be used ({name}: {words(problem)}): {VERIFY}.")


def words(problem: Exception) -> str:
    """Return the text of an error of SQLite, on one line."""
    return "what should be text is none" if isinstance(problem, UnicodeDecodeError) else " ".join(str(problem).split())


def shortened(path: Path) -> str:
    """Tell how much of a file is missing, where its header says that some is."""
    try:
        head = beginning(path, HEADER)
        size = path.stat().st_size
    except OSError:
        return ""
    if len(head) < HEADER:
        return f", cut short to {size:,} bytes"
    whole = _page(head) * int.from_bytes(head[28:32], "big")
    return f", cut short to {size:,} of {whole:,} bytes" if size < whole else ""


def _page(head: bytes) -> int:
    """Return the bytes of a page, as a header says."""
    size = int.from_bytes(head[16:18], "big")
    return 65536 if size == 1 else max(size, HEADER)
