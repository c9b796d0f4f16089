"""What worker processes need beside themselves, and that nothing of it stays: a folder for a socket, child processes.

multiprocessing makes a folder for the socket by which workers are forked, and leaves it where the process is killed.
Ours is locked as long as its process lives; one that can be locked belonged to a process that was killed.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from multiprocessing import process
from pathlib import Path

PREFIX = "slalom-workers-"
LOCK = "lock"
LONGEST = 60

_held: list[tuple[str, int, int]] = []  # folder, descriptor of its lock, process


def enter() -> None:
    """Let multiprocessing use a folder of ours, once a process; remove those of processes that were killed."""
    if sys.platform != "linux" or is_entered():
        return
    config = process.current_process()._config  # type: ignore[attr-defined]
    if config.get("tempdir") is not None:
        return  # the user's own code uses multiprocessing already
    _sweep()
    try:
        folder = tempfile.mkdtemp(prefix=PREFIX, dir=_place())
        descriptor = _lock(Path(folder))
    except OSError:  # multiprocessing tells, or uses a folder of its own
        return
    if descriptor is not None:
        _held.append((folder, descriptor, os.getpid()))
        config["tempdir"] = folder


def is_entered() -> bool:
    """Return whether this process has a folder, and perhaps a process from which workers are forked."""
    return bool(_held) and _held[-1][2] == os.getpid()


def leave() -> None:
    """Remove the folder of this process."""
    for folder, descriptor, owner in _held:
        if owner == os.getpid():
            process.current_process()._config["tempdir"] = None  # type: ignore[attr-defined]
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)
    _held.clear()


def remove() -> None:
    """Remove, in a worker whose parent was killed, the parent's folder."""
    folder = process.current_process()._config.get("tempdir")  # type: ignore[attr-defined]
    if folder and Path(folder).name.startswith(PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def _place() -> str:
    """Return where the folder is made: a socket's path may have 107 bytes, so not in a folder with a long name."""
    usual = tempfile.gettempdir()
    return usual if len(os.fsencode(usual)) <= LONGEST or not os.access("/tmp", os.W_OK) else "/tmp"


def _sweep() -> None:
    """Remove the folders of this user's processes that were killed."""
    for folder in Path(_place()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid() or not (folder / LOCK).exists():
                continue  # another user's, or one that is just being made
            descriptor = _lock(folder)
            if descriptor is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(descriptor)


def _lock(folder: Path) -> int | None:
    """Return the descriptor that holds the lock of a folder until it is closed; None where another process has it."""
    import fcntl

    descriptor = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def descendants(pid: int | None) -> list[int]:
    """Return the processes below a process, such as a DataLoader's; none where the system does not list them."""
    below: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat") if pid is not None else ():
        with suppress(OSError, ValueError, IndexError):
            parent = int(entry.read_text().rpartition(")")[2].split()[1])
            below.setdefault(parent, []).append(int(entry.parent.name))
    found: list[int] = []
    queue = [pid] if pid is not None else []
    while queue:
        children = below.get(queue.pop(), [])
        found += children
        queue += children
    return found


def kill(processes: list[int]) -> None:
    """End processes at once; those that have ended already are passed over."""
    for pid in processes:
        with suppress(OSError):
            os.kill(pid, signal.SIGKILL)
