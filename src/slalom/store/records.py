"""A run as a store keeps it: one row of plain columns and one piece of bytes."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np

from slalom.core import InputError, Run, Status
from slalom.store.canonical import canonical, plain, restored
from slalom.store.series import MEASURED, fingerprint, pack, unpack
from slalom.store.specification import RunSpec, key_of


class Row(NamedTuple):
    """What is kept of a run beside its series. The first five columns are for looking up."""

    key: bytes  # 32 bytes
    course: str
    optimizer: str
    seed: int
    status: str  # the kind: "finished", "diverged" …
    specification: str  # canonical JSON, of which ``key`` is the hash
    summary: str  # canonical JSON: status, metrics, cost, versions, the CRC-32 of the series' bytes
    content: bytes  # fingerprint of what was computed, 32 bytes
    written: float  # Unix time, seconds
    checksum: int  # CRC-32 of all the above


class Record(NamedTuple):
    """A row and its series, as bytes."""

    row: Row
    series: bytes


class Cost(msgspec.Struct, frozen=True):
    """What a run took: seconds of training, gradient evaluations, bytes of memory."""

    seconds: float
    gradient_evaluations: int
    memory: int


@dataclass(frozen=True, eq=False)
class Summary:
    """A stored run without its series: enough for a table, a verdict, a search."""

    key: str
    spec: RunSpec
    status: Status
    error: str  # why it could not go on, "" where it could
    completed: int  # steps made
    metrics: Mapping[str, float]  # of the last evaluation
    cost: Cost
    versions: Mapping[str, str]
    written: float  # Unix time, seconds


@dataclass(frozen=True, eq=False)
class StoredRun(Summary):
    """A stored run, whole."""

    run: Run


SERIES = "series"
"""In a summary: the CRC-32 of the bytes of the series. Summaries written before 0.1.0 was finished lack it."""


class DamagedRunError(ValueError):
    """A record that is not what was written; its text says in what way."""


def status_of(run: Run) -> Status:
    """Return how a run ended."""
    if run.error:
        return Status(Status.FAILED, run.completed)
    if run.diverged_at is not None:
        return Status(Status.DIVERGED, run.diverged_at)
    return Status(Status.INTERRUPTED, run.completed) if run.interrupted else Status(Status.FINISHED)


def encode(spec: RunSpec, run: Run, versions: Mapping[str, str] | None = None) -> Record:
    """Return the record of a run. Raises InputError for what cannot be kept.

    An interrupted run is refused: it is a part of what its key stands for, and would be taken for the whole.
    """
    if run.interrupted:
        raise InputError(
            f"the run of {spec.optimizer} with seed {spec.seed} was interrupted after {run.completed} steps: "
            "only whole runs are kept; compute it again."
        )
    status = status_of(run)
    last = run.evaluations[-1] if len(run.evaluations) else {}
    series = pack(run)
    summary = {
        "step": status.step,
        "error": run.error,
        "diverged_at": run.diverged_at,
        "completed": run.completed,
        "metrics": {name: value for name, value in last.items() if name not in MEASURED},
        "cost": (float(run.seconds), int(run.gradient_evaluations), int(run.memory)),
        "versions": {**spec.versions, **(versions or {})},
        SERIES: zlib.crc32(series),
    }
    row = Row(
        bytes.fromhex(spec.key),
        storable(spec.course),
        storable(spec.optimizer),
        spec.seed,
        status.kind,
        spec.text,
        canonical(summary, "a run"),
        fingerprint(run),
        time.time(),
        0,
    )
    return Record(row._replace(checksum=checksum(row)), series)


def storable(text: str) -> str:
    """Return a text that has an encoding: the name of a file need not."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def checksum(row: Row) -> int:
    """Return the CRC-32 of a row, its own checksum left out. (The series has one of its own, zlib's.)"""
    return zlib.crc32(repr(tuple(row[:-1])).encode("utf-8", "backslashreplace"))


def short_key(row: Row) -> str:
    """Return the first digits of a key, whatever damage has made of it."""
    return row.key.hex()[:12] if isinstance(row.key, bytes) else "of no name"


def check(row: Row) -> None:
    """Raise DamagedRunError where a row is not as it was written, or its key not the hash of its specification."""
    if checksum(row) != row.checksum:
        raise DamagedRunError("its checksum does not fit")
    if key_of(row.specification) != row.key.hex():
        raise DamagedRunError("its key is not the hash of its specification")


def summarise(row: Row) -> Summary:
    """Return what a row says. Raises DamagedRunError."""
    check(row)
    try:
        return Summary(**_facts(row, RunSpec.from_text(row.specification), restored(row.summary)))
    except (ValueError, KeyError, TypeError) as problem:
        raise DamagedRunError(f"it cannot be read: {problem}") from problem


def decode(record: Record) -> StoredRun:
    """Return the run, equal bit for bit to the one that was put in. Raises DamagedRunError."""
    row = record.row
    check(row)
    try:
        told = restored(row.summary)
        facts = _facts(row, RunSpec.from_text(row.specification), told)
        run = _run(facts, told, unpack(record.series))
    except (ValueError, KeyError, TypeError) as problem:
        raise DamagedRunError(f"it cannot be read: {problem}") from problem
    if fingerprint(run) != row.content:
        raise DamagedRunError("its series are not those that were written")
    return StoredRun(**facts, run=run)


def check_bytes(record: Record) -> None:
    """Raise DamagedRunError where the bytes of a run are not those that were written.

    This is :func:`decode` without the decoding, in a tenth of the time or less: what has the checksums that it was
    written with reads as it did then.
    """
    check(record.row)
    try:
        expected = json.loads(record.row.summary)[SERIES]
    except KeyError:
        decode(record)
        return
    except (ValueError, TypeError) as problem:
        raise DamagedRunError(f"it cannot be read: {problem}") from problem
    if zlib.crc32(record.series) != expected:
        raise DamagedRunError("its series are not those that were written")


def _facts(row: Row, spec: RunSpec, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": row.key.hex(),
        "spec": spec,
        "status": Status(row.status, told["step"]),
        "error": told["error"],
        "completed": told["completed"],
        "metrics": told["metrics"],
        "cost": Cost(*told["cost"]),
        "versions": told["versions"],
        "written": row.written,
    }


def _run(
    facts: Mapping[str, Any],
    told: Mapping[str, Any],
    series: tuple[np.ndarray, np.ndarray | None, list[dict[str, Any]]],
) -> Run:
    losses, rates, evaluations = series
    cost: Cost = facts["cost"]
    return Run(
        losses=losses,
        evaluations=evaluations,
        diverged_at=told["diverged_at"],
        completed=told["completed"],
        error=told["error"],
        seconds=cost.seconds,
        gradient_evaluations=cost.gradient_evaluations,
        memory=cost.memory,
        learning_rates=rates,
    )


@dataclass(frozen=True, eq=False)
class StudyRecord:
    """A named study: what it was going to do, and the keys of its runs. Times are Unix times, in seconds."""

    name: str
    plan: Mapping[str, Any]
    keys: tuple[str, ...]
    created: float
    touched: float


class StudyRow(NamedTuple):
    """A study as a store keeps it."""

    name: str
    plan: str  # canonical JSON
    keys: bytes  # 32 bytes each
    created: float
    touched: float
    checksum: int


KEY_BYTES = 32


def encode_study(name: str, plan: Mapping[str, Any], keys: tuple[str, ...]) -> StudyRow:
    """Return the row of a study that is touched now; the store knows when it was created. Raises InputError."""
    joined = b"".join(map(key_bytes, dict.fromkeys(keys)))
    return sealed(StudyRow(storable(name), canonical(plan, f"the plan of {name}"), joined, 0.0, time.time(), 0))


def sealed(row: StudyRow) -> StudyRow:
    """Return the row with its checksum."""
    return row._replace(checksum=zlib.crc32(repr(tuple(row[:-1])).encode("utf-8", "backslashreplace")))


def decode_study(row: StudyRow) -> StudyRecord:
    """Return what a row says. Raises DamagedRunError."""
    if sealed(row).checksum != row.checksum:
        raise DamagedRunError("its checksum does not fit")
    return StudyRecord(row.name, plain(restored(row.plan)), split_keys(row.keys), row.created, row.touched)


def split_keys(joined: bytes) -> tuple[str, ...]:
    """Return the keys of a study."""
    return tuple(joined[low : low + KEY_BYTES].hex() for low in range(0, len(joined), KEY_BYTES))


def key_bytes(key: str) -> bytes:
    """Return a key's 32 bytes. Raises InputError for what is no key."""
    try:
        found = bytes.fromhex(key)
    except (ValueError, TypeError):
        found = b""
    if len(found) != KEY_BYTES:
        raise InputError(f"`{str(key)[:70]}` is no key of a run: keys have 64 hexadecimal digits.")
    return found
