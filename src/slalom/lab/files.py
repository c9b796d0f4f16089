"""Results as files: the format follows the ending, and a file appears whole or not at all."""

from __future__ import annotations

import importlib.util
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from slalom.core import InputError, nearest, quote

Writer = Callable[[Path], None]

EXTRAS = {"mp4": ("imageio_ffmpeg", "video"), "parquet": ("pyarrow", "export")}
"""Endings that need an optional package: its module, and the extra that brings it."""


def check_savable(paths: Iterable[str | os.PathLike[str]], endings: Sequence[str]) -> list[Path]:
    """Return ``paths`` if each can be written, in a format among ``endings``; nothing is created.

    Raises InputError for an unknown ending, a folder that is missing or closed, or an optional package that is missing.
    """
    return [_check(_at_home(path), endings) for path in paths]


def _at_home(path: str | os.PathLike[str]) -> Path:
    """Return the path with a leading ~ made the user's home; left alone where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def _check(path: Path, endings: Sequence[str]) -> Path:
    if "\0" in str(path):
        raise InputError(f"{quote(path)} cannot be a file's name: it has a NUL character in it.")
    ending = path.suffix.lower().lstrip(".")
    if ending not in endings:
        told = f"has no ending that names a format.{nearest(ending, endings)}" if ending else "has no ending."
        raise InputError(f"{quote(path)} {told} The format follows the file's ending: {', '.join(endings)}.")
    followed = _followed(path)
    folder, facts = (followed if path.is_symlink() else path).parent, None
    try:
        facts = path.is_dir(), folder.is_dir(), _is_writable(followed)
    except (OSError, ValueError) as error:
        raise InputError(f"{quote(path)} cannot be written: {_reason(error)}; name another file.") from None
    taken, reachable, writable = facts
    if taken:
        raise InputError(f"{quote(path)} is a folder: name a file in it.")
    if followed.exists() and not followed.is_file():
        raise InputError(f"{quote(path)} is a device, pipe or socket: name a file.")
    if not reachable:
        raise InputError(f"{quote(path)} cannot be written: there is no folder {quote(folder)}; make it first.")
    if not writable:
        raise InputError(f"{quote(path)} cannot be written: permission denied; name a file where you may write.")
    module, extra = EXTRAS.get(ending, ("", ""))
    if module and importlib.util.find_spec(module) is None:
        raise InputError(
            f'{quote(path)} needs the optional package {module}: `pip install "slalom[{extra}]"`, '
            f"or choose another format: {', '.join(other for other in endings if other not in EXTRAS)}."
        )
    return path


def _is_writable(path: Path) -> bool:
    """Whether a file can be made beside ``path``, found out by making one that vanishes at once."""
    if path.exists() and not os.access(path, os.W_OK):
        return False
    if path.is_dir() or not path.parent.is_dir():
        return True  # told otherwise
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            return True
    except OSError:
        return False


def save(path: str | os.PathLike[str], writers: Mapping[str, Writer]) -> Path:
    """Write a result with the writer of the file's ending: aside first, then renamed into place.

    A symbolic link is followed, and its target replaced. A file that is there keeps its owner and permissions.
    """
    (named,) = check_savable([path], list(writers))
    target = _followed(named)
    _sweep(target.parent)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{ASIDE}{target.stem[:40]}-", suffix=target.suffix)
    except OSError as error:
        raise InputError(f"{quote(target)} cannot be written: {_reason(error)}; name another file.") from None
    aside = Path(name)
    try:
        _lock(handle)  # until it is closed: so others see that this process lives
        writers[target.suffix.lower().lstrip(".")](aside)
        _take_over(aside, target)
        os.fsync(handle)
        if os.name == "nt":  # which does not rename open files
            os.close(handle)
            handle = -1
        aside.replace(target)
    except OSError as error:
        raise InputError(f"{quote(target)} could not be written: {_reason(error)}; nothing was changed.") from None
    finally:
        if handle >= 0:
            os.close(handle)
        aside.unlink(missing_ok=True)
    return named


ASIDE = ".slalom-"
"""How the names of files begin that are being written."""


def _followed(path: Path) -> Path:
    """Return the file that a path leads to. Raises InputError for links that lead nowhere."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise InputError(f"{quote(path)} is a symbolic link that leads back to itself: name another file.") from None


def _take_over(aside: Path, target: Path) -> None:
    """Give a new file the owner and permissions of the one that it replaces, or those of any new file."""
    if not target.exists():
        aside.chmod(0o666 & ~_UMASK)
        return
    before = target.stat()
    with suppress(OSError, AttributeError):  # only root may give files away
        os.chown(aside, before.st_uid, before.st_gid)
    aside.chmod(before.st_mode & 0o777)


def _lock(handle: int) -> bool:
    """Lock a file until it is closed; False where another process has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(folder: Path) -> None:
    """Remove half-written files of processes that were killed: nobody holds their locks any more."""
    for left in folder.glob(f"{ASIDE}*"):
        with suppress(OSError):
            handle = os.open(left, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
            try:
                if stat.S_ISREG(os.fstat(handle).st_mode) and _lock(handle):
                    left.unlink()
            finally:
                os.close(handle)


_UMASK = os.umask(0o077)  # it can only be read by setting it, so once, and before there are threads
os.umask(_UMASK)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
