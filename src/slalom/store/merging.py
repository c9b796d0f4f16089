"""Several stores into one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from slalom.core import quote
from slalom.store.errors import StoreError
from slalom.store.interface import Outcome, Store
from slalom.store.on_disk import open
from slalom.store.records import DamagedRunError, Record, check_bytes, decode_study, encode_study, short_key, split_keys

TOGETHER = 200
"""Runs copied in one transaction."""


@dataclass
class Merge:
    """What came of a merge."""

    written: int = 0
    known: int = 0
    conflicts: list[str] = field(default_factory=list)  # one clause each: which source, which run or study
    damaged: list[str] = field(default_factory=list)  # likewise, what was not copied
    studies: int = 0

    def __str__(self) -> str:
        told = f"{self.written:,} runs and {self.studies:,} studies were copied, {self.known:,} runs were there already"
        for name, clauses in (("conflicts, the first was kept", self.conflicts), ("damaged, not copied", self.damaged)):
            if clauses:
                more = f" and {len(clauses) - 5} more" if len(clauses) > 5 else ""
                told += f"; {len(clauses)} {name}: {', '.join(clauses[:5])}{more}"
        return told + "."


def merge(target: str | os.PathLike[str], sources: Sequence[str | os.PathLike[str]]) -> Merge:
    """Copy the runs and studies of ``sources``, which stay as they are, into the store ``target``, made if need be.

    A run that is there already is left alone; one that differs from it is a conflict, and told. Raises StoreError for a
    store that cannot be opened, before anything is copied.
    """
    paths = [Path(source) for source in sources]
    for path in paths:
        if Path(target).exists() and path.exists() and path.samefile(target):
            raise StoreError(f"{quote(path)} is to be merged into itself: leave it out of the sources.")
        open(path, create=False, readonly=True).close()
    report = Merge()
    with open(target) as into:
        for path in paths:
            with open(path, create=False, readonly=True) as source:
                copy(source, into, report)
    return report


def copy(source: Store, target: Store, report: Merge) -> None:
    """Copy runs and studies from one open store to another, and tell it to ``report``."""
    whole = _whole(source, report)
    while some := list(islice(whole, TOGETHER)):
        for record, outcome in zip(some, target.insert(some), strict=True):
            report.written += outcome is Outcome.WRITTEN
            report.known += outcome is Outcome.KNOWN
            if outcome is Outcome.CONFLICT:
                report.conflicts.append(f"run {short_key(record.row)} of {quote(source.name)}")
    _copy_studies(source, target, report)


def _whole(source: Store, report: Merge) -> Iterator[Record]:
    for record in source.records():
        try:
            check_bytes(record)
        except DamagedRunError as problem:
            report.damaged.append(f"run {short_key(record.row)} of {quote(source.name)} ({problem})")
        else:
            yield record


def _copy_studies(source: Store, target: Store, report: Merge) -> None:
    """Copy studies by name; two of one plan are joined, the keys of the one that was there first."""
    for row in source.study_rows():
        try:
            study = decode_study(row)
        except DamagedRunError as problem:
            report.damaged.append(f"study {quote(row.name)} of {quote(source.name)} ({problem})")
            continue
        there = target.study_row(row.name)
        if there is None:
            target.put_study(row)
            report.studies += 1
        elif there.plan != row.plan:
            report.conflicts.append(f"study {quote(row.name)} of {quote(source.name)} has another plan")
        else:
            target.put_study(encode_study(row.name, study.plan, (*split_keys(there.keys), *study.keys)))
