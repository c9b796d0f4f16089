"""Results as files: the format follows the ending, and a file appears whole or not at all."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    folder, facts = path.parent, None
    try:
        facts = path.is_dir(), folder.is_dir(), _is_writable(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{quote(path)} cannot be written: {_reason(error)}; name another file.") from None
    taken, reachable, writable = facts
    if taken:
        raise InputError(f"{quote(path)} is a folder: name a file in it.")
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
    """Write a result with the writer of the file's ending: aside first, then renamed into place."""
    (target,) = check_savable([path], list(writers))
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem[:40]}-", suffix=target.suffix)
        os.close(handle)
    except OSError as error:
        raise InputError(f"{quote(target)} cannot be written: {_reason(error)}; name another file.") from None
    aside = Path(name)
    try:
        writers[target.suffix.lower().lstrip(".")](aside)
        aside.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_UMASK)
        aside.replace(target)
    except OSError as error:
        raise InputError(f"{quote(target)} could not be written: {_reason(error)}; nothing was changed.") from None
    finally:
        aside.unlink(missing_ok=True)
    return target


_UMASK = os.umask(0o077)  # it can only be read by setting it, so once, and before there are threads
os.umask(_UMASK)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
