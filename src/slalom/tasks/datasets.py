"""Data sets of any kind as tensors in memory, one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from slalom.core import Examples, InputError, describe_exception, interrupts, quote
from slalom.core.memory import available_memory, readable_bytes
from slalom.tasks.chance import Chance

PIECE = 256
"""Examples of a data set that are read and collated together."""

REREAD = 8
"""Examples of a data set that are read twice, to see whether it draws random numbers."""

ACCEPTED = (
    "give a tuple of tensors or arrays (inputs, target), one tensor, a map-style data set, or a function without "
    "parameters that returns one of these"
)


@dataclass(frozen=True, eq=False)
class Pool:
    """All examples of a task: first those to train on, then those given to validate on, then those to test on."""

    examples: Examples
    train: int
    validation: int = 0
    test: int = 0
    notes: tuple[str, ...] = ()  # what a user should know about how they were read


def pool(train: Any, validation: Any = None, test: Any = None, *, name: str = "task") -> Pool:
    """Read the data sets that are given (None for none) into one memory. Raises InputError.

    ``train`` may also be a function that returns a :class:`Pool`.
    """
    first = called(train, f"{quote(name)}: train")
    if isinstance(first, Pool):
        return first
    if first is None:
        raise InputError(f"{quote(name)}: train is None: give (x, y), or a function that returns it.")
    given = {"train": first, "validation": validation, "test": test}
    parts = {part: read(data, f"{quote(name)}: {part}") for part, data in given.items() if data is not None}
    for part, examples in parts.items():
        _check_alike(parts["train"], examples, f"{quote(name)}: {part}")
    sizes = {part: len(examples.target) for part, examples in parts.items()}
    return Pool(_joined(list(parts.values())), **sizes, notes=tuple(_notes(given, name)))


def _notes(given: dict[str, Any], name: str) -> Iterator[str]:
    """Yield a note for each data set whose items are not the same when they are read again."""
    for part, data in given.items():
        if data is not None and _is_random(data):
            yield (
                f"{part} of {quote(name)} returns other examples each time it is read, as augmentation does: each "
                "was read once, and its randomness is frozen"
            )


def _is_random(data: Any) -> bool:
    """Return whether a data set's first items differ when they are read twice; they have been read before."""
    if _is_array(data) or isinstance(data, tuple | list) or hasattr(data, "tensors") or not hasattr(data, "__len__"):
        return False
    with Chance(0):
        first, again = ([data[index] for index in range(min(REREAD, len(data)))] for _ in range(2))
    return any(not _same(one, other) for one, other in zip(first, again, strict=True))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple | list):
        return all(map(_same, one, other))
    if hasattr(one, "numpy"):
        one, other = one.numpy(), other.numpy()
    one, other = np.asarray(one), np.asarray(other)
    return bool(np.array_equal(one, other, equal_nan=one.dtype.kind == "f" == other.dtype.kind))


def read(data: Any, label: str) -> Examples:
    """Return a data set as tensors: floating numbers as float32, integers as int64, masks (bool inputs) as they are.

    ``label`` begins the sentences of what is refused: "`task`: train". A data set (anything with ``__len__`` and
    ``__getitem__``) is read once, in order; where it augments its examples by chance, each stays as it was read.
    """
    data = called(data, label)
    if hasattr(data, "tensors") and isinstance(data.tensors, tuple):  # torch's TensorDataset
        data = data.tensors
    if _is_array(data):
        columns = [data]
    elif isinstance(data, tuple) or (isinstance(data, list) and data and all(map(_is_array, data))):
        columns = list(data)
    else:
        columns = _collated(data, label)
    if not columns:
        raise InputError(f"{label} is empty: {ACCEPTED}.")
    several = len(columns) > 2
    names = [f"input {number}" if several else "input" for number in range(1, len(columns))] + ["target"]
    tensors = [
        _tensor(column, f"{label}, {part}", is_target=part == "target" and len(columns) > 1)
        for column, part in zip(columns, names, strict=True)
    ]
    lengths = [len(tensor) for tensor in tensors]
    if len(set(lengths)) > 1:
        told = ", ".join(f"{length:,} for {part}" for length, part in zip(lengths, names, strict=True))
        raise InputError(f"{label} has different numbers of examples ({told}): each input needs its target.")
    if lengths[0] == 0:
        raise InputError(f"{label} is empty: at least one example is needed.")
    return Examples(tuple(tensors[:-1]) or (tensors[0],), tensors[-1])


def called(data: Any, label: str) -> Any:
    """Call a function that gives the data; a data set that happens to be callable stays what it is."""
    if isinstance(data, type) or not callable(data) or hasattr(data, "__getitem__"):
        return data
    try:
        with Chance(0):
            return data()
    except InputError:
        raise
    except interrupts():
        raise
    except BaseException as problem:
        raise InputError(f"{label}: the function that gives the data raised {raised(problem)}.") from problem


def raised(problem: BaseException) -> str:
    """Return the kind and the words of what code of the user's raised, as a sentence repeats them."""
    return quote(describe_exception(problem, 240), 240)


def _is_array(data: Any) -> bool:
    import torch

    return isinstance(data, torch.Tensor | np.ndarray)


def _tensor(column: Any, label: str, is_target: bool) -> Any:
    """Return one column of a data set as a tensor in the CPU's memory that nobody differentiates."""
    import torch

    if not isinstance(column, torch.Tensor):
        column = _of_array(column, label)
    if column.layout is not torch.strided or column.is_complex():
        raise InputError(f"{label} is a sparse or complex tensor: make it a dense one of real numbers.")
    if column.dim() == 0:
        raise InputError(f"{label} is a single number: its first dimension must count the examples.")
    column = column.detach().cpu()
    if column.dtype not in (torch.float32, torch.int64, torch.bool):
        _check_copied(column.numel() * (4 if column.is_floating_point() else 8), label)
    if column.is_floating_point():
        return column.to(torch.float32)
    if column.dtype == torch.uint8 and not is_target:
        raise InputError(
            f"{label} is of the type uint8, and pixels are not scaled behind your back: write x.float() / 255, or "
            "x.long() where they are indices."
        )
    if column.dtype == torch.bool and not is_target:  # a mask
        return column
    return column.to(torch.int64)


def _of_array(column: Any, label: str) -> Any:
    import torch

    _check_copied(getattr(column, "nbytes", 0), label)
    try:
        array = np.asarray(column)
        # A copy: torch wants memory that can be written, in this machine's byte order.
        return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C"))
    except (TypeError, ValueError) as problem:
        raise InputError(f"{label} is not an array of numbers ({quote(problem, 160)}): {ACCEPTED}.") from problem


def _check_copied(needed: int, label: str) -> None:
    """Refuse an array whose copy does not fit into memory: one that is mapped from a file may be larger."""
    if needed > available_memory():
        raise InputError(
            f"{label} takes {readable_bytes(needed)} in memory, and {readable_bytes(available_memory())} are free: "
            "give a part of it, or bring a training loop of your own."
        )


def _collated(data: Any, label: str) -> list[Any]:
    """Read a map-style data set once, in pieces."""
    from torch.utils.data import DataLoader, default_collate

    if isinstance(data, DataLoader):
        raise InputError(f"{label} is a DataLoader: give its data set; batch_size and order are the task's.")
    if isinstance(data, type):
        raise InputError(f"{label} is the class {data.__name__}: give an instance, {data.__name__}(…).")
    if isinstance(data, str | bytes | dict) or not (hasattr(data, "__len__") and hasattr(data, "__getitem__")):
        raise InputError(f"{label} cannot be {quote(type(data).__name__)}: {ACCEPTED}.")
    try:
        size = len(data)
    except interrupts():
        raise
    except BaseException as problem:  # a stream of examples may have __len__ without knowing it
        raise InputError(f"{label} does not tell its length ({raised(problem)}): {ACCEPTED}.") from problem
    pieces: list[list[Any]] = []
    with Chance(0):  # augmentation draws from the global generators
        for low in range(0, size, PIECE):
            items = [_item(data, index, label) for index in range(low, min(low + PIECE, size))]
            if low == 0:
                _check_memory(items[0], size, label)
            try:
                collated = default_collate(items)
            except interrupts():
                raise
            except BaseException as problem:
                raise InputError(
                    f"{label}: examples {low:,} to {low + len(items) - 1:,} cannot be put into one tensor "
                    f"({quote(problem, 160)}): every example must have the same shape, (input, …, target)."
                ) from problem
            pieces.append(_row(collated, label))
    return _stacked(pieces, label)


def _item(data: Any, index: int, label: str) -> Any:
    try:
        return data[index]
    except interrupts():
        raise
    except BaseException as problem:
        raise InputError(f"{label}: reading example {index:,} raised {raised(problem)}.") from problem


def _row(collated: Any, label: str) -> list[Any]:
    row = [collated] if _is_array(collated) else list(collated) if isinstance(collated, list | tuple) else None
    if row is None or not all(map(_is_array, row)):
        raise InputError(
            f"{label}: its examples are {quote(type(collated).__name__)}, not tuples (input, …, target) of tensors or "
            "numbers: wrap the data set in one that returns such tuples."
        )
    return row


def _stacked(pieces: list[list[Any]], label: str) -> list[Any]:
    import torch

    try:
        return [torch.cat(column) for column in zip(*pieces, strict=True)]
    except (RuntimeError, ValueError) as problem:
        raise InputError(
            f"{label}: its examples do not have one shape ({quote(problem, 160)}): pad or crop them."
        ) from problem


def _check_memory(item: Any, size: int, label: str) -> None:
    """Refuse before reading what would not fit: twice the data, since pieces are joined."""
    parts = item if isinstance(item, list | tuple) else [item]
    bytes_each = sum(part.numel() * 4 if hasattr(part, "numel") else getattr(part, "nbytes", 8) for part in parts)
    needed, available = 2 * size * bytes_each, available_memory()
    if needed > available:
        raise InputError(
            f"{label}: {size:,} examples need about {needed / 2**30:.1f} GB of memory while they are read, "
            f"{available / 2**30:.1f} GB are free: give fewer, or bring a training loop of your own."
        )


def _check_alike(train: Examples, other: Examples, label: str) -> None:
    """Do two data sets hold examples of the same kind?"""
    ours, theirs = [(*e.inputs, e.target) for e in (train, other)]
    kinds = [[(tuple(column.shape[1:]), column.dtype) for column in columns] for columns in (ours, theirs)]
    if kinds[0] != kinds[1]:
        told = [", ".join(f"{list(shape)} {str(dtype)[6:]}" for shape, dtype in kind) for kind in kinds]
        raise InputError(f"{label} holds examples of another shape or type ({told[1]}) than train ({told[0]}).")


def _joined(parts: list[Examples]) -> Examples:
    import torch

    if len(parts) == 1:
        return parts[0]
    inputs = tuple(torch.cat(columns) for columns in zip(*(part.inputs for part in parts), strict=True))
    alone = all(part.target is part.inputs[0] for part in parts)
    return Examples(inputs, inputs[0] if alone else torch.cat([part.target for part in parts]))
