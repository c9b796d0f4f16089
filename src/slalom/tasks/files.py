"""Where the files of a published data set come from: the user's folder, Debian's, the cache, or the network, once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from slalom.core import InputError, quote
from slalom.tasks import idx
from slalom.tasks.idx import named

ENVIRONMENT = "SLALOM_DATA"

STEMS = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
"""The four files of a data set of MNIST's kind, in the order in which everything here names them."""

_LISTED = ", ".join(f"{stem}-ubyte.gz" for stem in STEMS)


@dataclass(frozen=True)
class Published:
    """A data set as it is published: four IDX files.

    ``digests`` are the MD5 sums of the decompressed files: what differs only in how it was compressed is the same.
    ``mirrors`` are folders on the network, tried in order; ``folders`` names what the set is called below a data
    folder; ``system`` are folders in which a package of the system puts it.
    """

    name: str
    folders: tuple[str, ...]
    digests: tuple[str, str, str, str]
    mirrors: tuple[str, ...]
    system: tuple[str, ...] = ()
    package: str = ""


MNIST = Published(
    name="MNIST",
    folders=("mnist", "MNIST", "MNIST/raw"),
    digests=(
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ),
)

FASHION_MNIST = Published(
    name="Fashion-MNIST",
    folders=("fashion-mnist", "fashion_mnist", "FashionMNIST", "FashionMNIST/raw"),
    digests=(
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",),
    system=("/usr/share/datasets/fashion-mnist",),
    package="dataset-fashion-mnist",
)

PUBLISHED = (MNIST, FASHION_MNIST)


def find_on_disk(wanted: Published, data_dir: str | None = None) -> list[tuple[Path, bytes]] | None:
    """Return path and decompressed bytes of the four files, in the order of ``STEMS``; None where they are nowhere.

    Looked for in ``data_dir``; in the folder that SLALOM_DATA names; where a package of the system puts them; in the
    user's cache. A folder that the user names may hold other files of this kind, if they are not those of another set;
    from elsewhere the checksums must be right. Raises InputError.
    """
    own = _in_own_folders(wanted, data_dir)
    if own is not None:
        files = [(path, idx.unpacked(path)) for path in own]
        for index, (path, raw) in enumerate(files):
            _check_not_another(wanted, path, raw, index)
        return files
    for folder in (*map(Path, wanted.system), cache(wanted)):
        paths = _found_in(folder)
        if all(paths):  # a cache that lacks some is filled anew
            return [(path, checked(wanted, index, path)) for index, path in enumerate(paths) if path]
    return None


def cache(wanted: Published) -> Path:
    """Return the folder of the user's cache in which a data set is kept."""
    import pooch

    return Path(pooch.os_cache("slalom")) / wanted.folders[0]


def checked(wanted: Published, index: int, path: Path) -> bytes:
    """Return the decompressed bytes of a file whose checksum is right. Raises InputError."""
    raw = idx.unpacked(path)
    if digest(raw) != wanted.digests[index]:
        raise InputError(f"{named(path)} is corrupt: its checksum is not that of {wanted.name}; delete it.")
    return raw


def digest(raw: bytes) -> str:
    """Return the MD5 sum by which a published file is known; it guards against accidents, not against malice."""
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()


def _in_own_folders(wanted: Published, data_dir: str | None) -> list[Path] | None:
    for folder, said in ((data_dir, "the data folder"), (os.environ.get(ENVIRONMENT) or None, ENVIRONMENT)):
        if folder is None:
            continue
        root = Path(folder).expanduser()
        if not root.is_dir():
            raise InputError(f"{named(folder)} is not a folder: {said} is where the files of {wanted.name} lie.")
        paths = [_four_in(root / below) for below in (*wanted.folders, "")]
        found = next((four for four in paths if four is not None), None)
        if found is not None:
            return found
        # SLALOM_DATA may well hold another set alone; who names a folder for this race means it.
        if folder is data_dir:
            raise InputError(
                f"{named(folder)} holds no {wanted.name}: it needs {_LISTED}, compressed or not, in it or in "
                f"{quote(wanted.folders[0])} below it."
            )
    return None


def _found_in(folder: Path) -> list[Path | None]:
    """Return which of the four files are in a folder, under one of their spellings."""
    return [next((path for path in _spellings(folder, stem) if path.is_file()), None) for stem in STEMS]


def _four_in(folder: Path) -> list[Path] | None:
    """Return the four files of a folder, None where there is none of them; some without others are refused."""
    found = _found_in(folder)
    if not any(found):
        return None
    for path, stem in zip(found, STEMS, strict=True):
        if path is None:
            raise InputError(f"{named(folder)} lacks {quote(stem + '-ubyte.gz')} (or {quote(_dotted(stem))}).")
    return [path for path in found if path is not None]


def _spellings(folder: Path, stem: str) -> Iterator[Path]:
    for name in (f"{stem}-ubyte", _dotted(stem)):
        yield folder / f"{name}.gz"
        yield folder / name


def _dotted(stem: str) -> str:
    """Return ``train-images.idx3-ubyte``, as some unpack it."""
    return "{}-{}.{}-ubyte".format(*stem.split("-"))


def _check_not_another(wanted: Published, path: Path, raw: bytes, index: int) -> None:
    known = digest(raw)
    for other in PUBLISHED:
        if known in other.digests and (other is not wanted or other.digests.index(known) != index):
            name = STEMS[other.digests.index(known)] + "-ubyte"
            raise InputError(
                f"{named(path)} is {quote(name)} of {other.name}: {wanted.name}'s {STEMS[index]} is wanted."
            )


def what_to_do(wanted: Published) -> str:
    """Return the way out where the files are nowhere."""
    package = f", or install Debian's package {wanted.package}" if wanted.package else ""
    return f"put {_LISTED} into a folder and name it with --data-dir or {ENVIRONMENT}{package}"
