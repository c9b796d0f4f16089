"""A published data set: from this machine, or downloaded once, with a progress bar and checksums."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from slalom.core import InputError, quote
from slalom.tasks.files import STEMS, Published, cache, checked, find_on_disk, what_to_do
from slalom.tasks.idx import named, unpacked

TIMEOUT = 30.0
"""Seconds without an answer after which a mirror is given up."""


def fetch(wanted: Published, data_dir: str | None = None) -> list[tuple[Path, bytes]]:
    """Return path and decompressed bytes of the four files, in the order of ``STEMS``. Raises InputError.

    What is not on this machine (see :func:`slalom.tasks.files.find_on_disk`) is downloaded into the user's cache.
    """
    found = find_on_disk(wanted, data_dir)
    return [(path, unpacked(path)) for path in download(wanted)] if found is None else found


def download(wanted: Published) -> list[Path]:
    """Return the paths of the four files in the user's cache, fetched from the first mirror that gives the right ones.

    Each file is checked before it appears in the cache, so that what is there is whole. Raises InputError.
    """
    folder = cache(wanted)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            arrived = [_one(wanted, index, Path(scratch)) for index in range(len(STEMS))]
            return [path.replace(folder / path.name) for path in arrived]
    except OSError as problem:
        raise InputError(f"{named(folder)} cannot be written: {quote(problem.strerror or problem)}.") from problem


def _one(wanted: Published, index: int, folder: Path) -> Path:
    """Fetch one file into ``folder``, trying each mirror."""
    from requests import RequestException  # what pooch fetches with

    name = f"{STEMS[index]}-ubyte.gz"
    reasons = []
    for mirror in wanted.mirrors:
        try:
            _stream(f"{mirror}/{name}", folder / name, f"{wanted.name}: {name}")
            checked(wanted, index, folder / name)
        except RequestException as problem:
            reasons.append(f"{mirror}: {type(problem).__name__}")
        except InputError:
            reasons.append(f"{mirror}: the file that came has another checksum")
        else:
            return folder / name
    raise InputError(
        f"{wanted.name} is not on this machine and could not be downloaded ({'; '.join(reasons)}): "
        f"{what_to_do(wanted)}."
    )


def _stream(url: str, path: Path, label: str) -> None:
    import pooch

    bar = Bar(label)
    try:
        pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT)(url, str(path), pooch=None)
    finally:  # an answer that breaks off must not leave it running
        bar.close()


class Bar:
    """A progress bar on standard error, as pooch wants it: it sets ``total`` and calls the rest."""

    def __init__(self, label: str):
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        console = Console(file=sys.stderr)
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task: Any = self._progress.add_task(label, total=None)
        self.total = 0

    def update(self, amount: int) -> None:
        """Advance by so many bytes."""
        self._progress.start()
        self._progress.update(self._task, advance=amount, total=self.total)

    def reset(self) -> None:
        """Begin again; pooch does so before its last update, by the whole size."""
        self._progress.reset(self._task, total=self.total)

    def close(self) -> None:
        """Leave the bar as it is."""
        if not self._progress.disable:
            self._progress.stop()
