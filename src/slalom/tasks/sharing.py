"""Large data in memory that several processes share, so that each image lies in the machine once.

A *block* is a file that is mapped: on Linux one without a name, in memory alone, which vanishes with the last process
that has it open; elsewhere one in the folder for temporary files, which is deleted with the tensor it was made for, or
by a worker that sees its parent die. Who opens a block may write to what it gets: that stays its own.
"""

from __future__ import annotations

import functools
import math
import mmap
import os
import tempfile
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

LARGE = 2**24
"""Bytes from which a tensor is shared: below, a copy costs less than the trouble."""

NAMELESS = hasattr(os, "memfd_create")
"""Whether there are files in memory without a name, that others can open through /proc."""


class SharingError(Exception):
    """A block cannot be opened in this process."""


@dataclass(frozen=True)
class Block:
    """Where a tensor lies that other processes may open. ``identity`` tells the file from a later one of that path."""

    path: str
    identity: tuple[int, int]
    dtype: str
    shape: tuple[int, ...]
    temporary: bool = False

    def open(self) -> Any:
        """Return the tensor; what is written to it stays in this process. Raises SharingError."""
        import torch

        try:
            with open(self.path, "rb") as file:
                if _identity(file.fileno()) != self.identity:
                    raise SharingError(f"{self.path} is another file by now")
                memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except (OSError, ValueError) as problem:
            raise SharingError(str(problem)) from problem
        if self.temporary:
            _TEMPORARY.add(self.path)
        return torch.frombuffer(memory, dtype=getattr(torch, self.dtype)).view(self.shape)


_TEMPORARY: set[str] = set()
"""Files with a name that this process has opened."""


def sweep_up() -> None:
    """Delete the files with a name that this process has opened: who made them has died."""
    while _TEMPORARY:
        with suppress(OSError):
            os.unlink(_TEMPORARY.pop())


def room(shape: Sequence[int], dtype: Any) -> Any:
    """Return a tensor to be filled, in memory that can be shared where it is large and that is possible."""
    import torch

    size = math.prod(shape) * dtype.itemsize
    if size < LARGE or not NAMELESS:
        return torch.empty(tuple(shape), dtype=dtype)
    try:
        descriptor = os.memfd_create("slalom")
    except OSError:
        return torch.empty(tuple(shape), dtype=dtype)
    try:
        os.ftruncate(descriptor, size)
        tensor = torch.frombuffer(mmap.mmap(descriptor, size), dtype=dtype).view(tuple(shape))
    except (OSError, ValueError):
        os.close(descriptor)
        return torch.empty(tuple(shape), dtype=dtype)
    _blocks()[tensor] = _Kept(descriptor, _described(tensor, f"/proc/{os.getpid()}/fd/{descriptor}", descriptor), True)
    return tensor


def is_large(thing: Any) -> bool:
    """Is it a dense tensor of plain numbers in the CPU's memory that is worth sharing?"""
    import torch

    return (
        type(thing) is torch.Tensor
        and thing.layout is torch.strided
        and thing.device.type == "cpu"
        and thing.nbytes >= LARGE
        and thing.is_contiguous()
        and not thing.requires_grad
        and not (thing.is_conj() or thing.is_neg() or thing.is_quantized)
    )


def shared(tensor: Any) -> Block | None:
    """Return a block that holds what a tensor holds now; it lasts as long as the tensor. None where that fails."""
    if not is_large(tensor):
        return None
    kept = _blocks().get(tensor)
    if kept is not None and (kept.same_memory or _equal(tensor, kept.block)):
        return kept.block
    try:
        kept = _written(tensor)
    except OSError:  # no room on the disk, no folder for temporary files
        return None
    try:
        kept.block.open()
    except SharingError:
        return None
    _blocks()[tensor] = kept
    return kept.block


class _Kept:
    """A block of this process's, to be let go with the tensor. ``same_memory``: the tensor lies in the block itself."""

    def __init__(self, descriptor: int, block: Block, same_memory: bool = False):
        self.block, self.same_memory = block, same_memory
        weakref.finalize(self, _let_go, descriptor, block.path if block.temporary else "", os.getpid())


def _let_go(descriptor: int, path: str, owner: int) -> None:
    with suppress(OSError):
        os.close(descriptor)
    if path and os.getpid() == owner:  # not in what was forked
        _TEMPORARY.discard(path)
        with suppress(OSError):
            os.unlink(path)


@functools.cache
def _blocks() -> Any:
    """Return the blocks of this process by their tensors, none of which is kept alive by it."""
    from torch.utils.weak import WeakTensorKeyDictionary

    return WeakTensorKeyDictionary()


def _written(tensor: Any) -> _Kept:
    """Copy a tensor into a new block. Raises OSError."""
    import torch

    if NAMELESS:
        descriptor = os.memfd_create("slalom")
        path = f"/proc/{os.getpid()}/fd/{descriptor}"
    else:
        descriptor, path = tempfile.mkstemp(prefix="slalom-")
    kept = _Kept(descriptor, _described(tensor, path, descriptor))
    with open(descriptor, "wb", closefd=False) as file:
        file.write(memoryview(tensor.flatten().view(torch.uint8).numpy()))
    return kept


def _described(tensor: Any, path: str, descriptor: int) -> Block:
    return Block(path, _identity(descriptor), str(tensor.dtype)[6:], tuple(tensor.shape), temporary=not NAMELESS)


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


def _equal(tensor: Any, block: Block) -> bool:
    """Does a block still hold what the tensor holds, bit for bit?"""
    import torch

    try:
        held = block.open()
    except SharingError:
        return False
    same = held.shape == tensor.shape and held.dtype == tensor.dtype
    return same and torch.equal(held.flatten().view(torch.uint8), tensor.flatten().view(torch.uint8))
