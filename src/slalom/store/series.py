"""The numbers of a run as bytes, and back without losing a bit.

Arrays are kept as float32 where that loses nothing (a network computed in float32 has such losses) and as float64
otherwise, their bytes sorted by significance: equal exponents then stand together and zlib finds them.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from slalom.core import Evaluation, Run
from slalom.store.canonical import canonical, plain

LEVEL = 6
MEASURED = frozenset({"seconds"})
"""Entries of an evaluation that the clock gave: two computations of one run differ in them."""


class _Series(msgspec.Struct, array_like=True):
    losses: tuple[int, bytes]
    learning_rates: tuple[int, bytes] | None
    rows: int  # evaluations
    columns: list[tuple[str, list[int] | None, Any]]  # a measure, the evaluations that have it (None: all), its values


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Series)


MOST_BYTES, MOST_ROWS = 2**30, 2**24
"""What a store from elsewhere may ask memory for: bytes of one run, unpacked, and its evaluations."""


def pack(run: Run) -> bytes:
    """Return losses, learning rates and evaluations as bytes."""
    rates = None if run.learning_rates is None else _packed(run.learning_rates)
    series = _Series(_packed(run.losses), rates, len(run.evaluations), _columns(run.evaluations))
    return zlib.compress(_ENCODER.encode(series), LEVEL)


def unpack(data: bytes) -> tuple[np.ndarray, np.ndarray | None, list[dict[str, Any]]]:
    """Return losses, learning rates (None where the rate is constant) and evaluations. Raises ValueError."""
    try:
        unpacking = zlib.decompressobj()
        series = _DECODER.decode(unpacking.decompress(data, MOST_BYTES))
        if series.rows > MOST_ROWS or unpacking.unconsumed_tail:
            raise ValueError("it is larger than any run")
        rates = None if series.learning_rates is None else _unpacked(series.learning_rates)
        return _unpacked(series.losses), rates, _rows(series)
    except (zlib.error, msgspec.MsgspecError, TypeError, IndexError) as problem:
        raise ValueError(f"no series: {problem}") from problem


def _packed(values: np.ndarray) -> tuple[int, bytes]:
    """Return the bytes of each number, 4 or 8, and all bytes, those of equal significance together."""
    exact = np.ascontiguousarray(values, dtype="<f8")
    with np.errstate(over="ignore", invalid="ignore"):
        short = exact.astype("<f4")
        if short.astype("<f8").tobytes() == exact.tobytes():  # compared as bits: NaN and −0 count
            exact = short
    return exact.itemsize, exact.view(np.uint8).reshape(-1, exact.itemsize).T.tobytes()


def _unpacked(packed: tuple[int, bytes]) -> np.ndarray:
    size, data = packed
    if size not in (4, 8) or len(data) % size:
        raise ValueError("an array of no known width")
    ordered = np.frombuffer(data, np.uint8).reshape(size, -1).T
    return np.ascontiguousarray(ordered).view(f"<f{size}").reshape(-1).astype(np.float64)


def _columns(evaluations: Sequence[Evaluation]) -> list[tuple[str, list[int] | None, Any]]:
    names: dict[str, None] = {}
    for evaluation in evaluations:
        names.update(dict.fromkeys(evaluation))
    columns = []
    for name in names:
        rows = None
        values = [evaluation[name] for evaluation in evaluations if name in evaluation]
        if len(values) < len(evaluations):
            rows = [row for row, evaluation in enumerate(evaluations) if name in evaluation]
        if set(map(type, values)) != {float}:
            values = [plain(value, f"the measure {name}") for value in values]
        floats = set(map(type, values)) == {float}
        columns.append((name, rows, _packed(np.array(values, dtype=np.float64)) if floats else {"values": values}))
    return columns


def _rows(series: _Series) -> list[dict[str, Any]]:
    evaluations: list[dict[str, Any]] = [{} for _ in range(series.rows)]
    for name, rows, kept in series.columns:
        values = kept["values"] if isinstance(kept, dict) else _unpacked(tuple(kept)).tolist()
        for row, value in zip(range(series.rows) if rows is None else rows, values, strict=True):
            evaluations[row][name] = value
    return evaluations


def fingerprint(run: Run) -> bytes:
    """Return the SHA-256, 32 bytes, of what a run computed.

    Left out is what may differ between two computations of one run: seconds, bytes, and an error's wording.
    """
    told = hashlib.sha256()
    for values in (run.losses, run.learning_rates):
        told.update(b"-" if values is None else _comparable(values))
    rows = [{name: value for name, value in row.items() if name not in MEASURED} for row in run.evaluations]
    facts = (rows, run.diverged_at, int(run.completed), bool(run.interrupted), bool(run.error))
    told.update(canonical((*facts, int(run.gradient_evaluations)), "a run").encode("ascii"))
    return told.digest()


def _comparable(values: np.ndarray) -> bytes:
    """Return the length and the bits, those of every NaN alike."""
    array = np.array(values, dtype="<f8")
    array[np.isnan(array)] = np.nan
    return len(array).to_bytes(8, "little") + array.tobytes()
