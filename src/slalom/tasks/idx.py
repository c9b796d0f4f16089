"""IDX files, in which MNIST and its kin are published: a magic number, the dimensions, then bytes.

The format is that of http://yann.lecun.com/exdb/mnist: two zero bytes, one byte for the type (8: unsigned bytes), one
for the number of dimensions, each dimension as a big-endian 32-bit number, then the values.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from pathlib import Path

import numpy as np

from slalom.core import InputError, quote

UNSIGNED_BYTES = 8
_TYPES = {9: "signed bytes", 11: "16-bit integers", 12: "32-bit integers", 13: "floats", 14: "doubles"}
_GZIP = b"\x1f\x8b"


MOST_BYTES = 2**28
"""Bytes that a file is unpacked to at most: MNIST's largest has 47 million."""


def named(path: object) -> str:
    """Return a path as a sentence repeats it; its end, the name of the file, is not cut off."""
    return quote(path, 240)


def unpacked(path: Path) -> bytes:
    """Return a file's bytes, decompressed where it is a gzip file. Raises InputError."""
    try:
        raw = path.read_bytes()
    except OSError as problem:
        raise InputError(f"{named(path)} cannot be read: {quote(problem.strerror or problem)}.") from problem
    if not raw.startswith(_GZIP):
        return raw
    try:
        with gzip.open(io.BytesIO(raw)) as packed:
            content = packed.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise InputError(f"{named(path)} has more than {MOST_BYTES:,} bytes when unpacked: no such file is known.")
        return content
    except EOFError:
        raise InputError(f"{named(path)} is truncated: its compressed data end early; fetch it again.") from None
    except (OSError, zlib.error) as problem:
        raise InputError(f"{named(path)} is corrupt ({quote(problem)}): fetch it again.") from problem


def parse(raw: bytes, path: Path) -> np.ndarray:
    """Return the uint8 array that the bytes of an IDX file hold. ``path`` is for the sentences of what is refused."""
    label = named(path)
    if len(raw) < 4 or raw[:2] != b"\0\0":
        raise InputError(f"{label} is not an IDX file: it does not begin with two zero bytes and a type.")
    kind, rank = raw[2], raw[3]
    if kind != UNSIGNED_BYTES:
        told = _TYPES.get(kind, f"the unknown type {kind}")
        raise InputError(f"{label} holds {told}, not unsigned bytes: images and labels are bytes.")
    if not 1 <= rank <= 4:
        raise InputError(f"{label} has {rank} dimensions: labels have 1, images 3.")
    start = 4 + 4 * rank
    if len(raw) < start:
        raise InputError(f"{label} is truncated: it ends inside its header, after {len(raw)} bytes.")
    shape = tuple(int(size) for size in np.frombuffer(raw, dtype=">u4", count=rank, offset=4))
    expected = start + math.prod(shape)
    if len(raw) != expected:
        what = "is truncated" if len(raw) < expected else "has bytes too many"
        dimensions = "×".join(map(str, shape))
        raise InputError(
            f"{label} {what}: its header says {dimensions}, so {expected:,} bytes, but it has {len(raw):,}; fetch it "
            "again."
        )
    return np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(shape)


def images(raw: bytes, path: Path, *, side: int) -> np.ndarray:
    """Return images, shape [N, side, side], uint8."""
    array = parse(raw, path)
    if array.ndim == 1:
        raise InputError(f"{named(path)} holds labels, and images are expected: has it the name of another file?")
    if array.ndim != 3 or array.shape[1:] != (side, side):
        raise InputError(f"{named(path)} holds the shape {list(array.shape)}, not images of {side}×{side} pixels.")
    if not len(array):
        raise InputError(f"{named(path)} holds no images.")
    return array


def labels(raw: bytes, path: Path, *, classes: int, count: int) -> np.ndarray:
    """Return the labels of ``count`` images, shape [count], uint8."""
    array = parse(raw, path)
    if array.ndim != 1:
        raise InputError(f"{named(path)} holds images, and labels are expected: has it the name of another file?")
    if len(array) != count:
        raise InputError(
            f"{named(path)} holds {len(array):,} labels for {count:,} images: the files do not belong together."
        )
    if array.max(initial=0) >= classes:
        place = int(np.argmax(array >= classes))
        raise InputError(f"{named(path)}: labels are 0 to {classes - 1}, but number {place:,} is {array[place]}.")
    return array
