"""What a store can do. ``tests/store/contract.py`` holds every store to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from types import TracebackType
from typing import Any, NamedTuple

from slalom.core import InputError, Run
from slalom.store.errors import StoreError
from slalom.store.records import (
    DamagedRunError,
    Record,
    Row,
    StoredRun,
    StudyRecord,
    StudyRow,
    Summary,
    decode,
    decode_study,
    encode,
    encode_study,
    key_bytes,
    short_key,
    storable,
    summarise,
)
from slalom.store.specification import RunSpec


class Outcome(Enum):
    """What came of putting a run into a store."""

    WRITTEN = "written"
    KNOWN = "known"  # the same run is there already; the new one is dropped
    CONFLICT = "conflict"  # another run is there under the same key; the first one is kept


class Filter(NamedTuple):
    """Which rows are asked for; None does not narrow."""

    course: str | None = None
    optimizer: str | None = None
    status: str | None = None
    keys: Sequence[bytes] | None = None


class Store(ABC):
    """Runs by key, and named studies. A subclass says where rows are; what they mean is said here, once.

    A method that returns has done what it says, for good; one that raises :class:`StoreError` has changed nothing.
    """

    name: str  # what errors call it: its path

    def put(self, spec: RunSpec, run: Run, versions: Mapping[str, str] | None = None) -> Outcome:
        """Keep a run, in a transaction of its own. ``versions`` are told with it and do not belong to its key.

        Raises InputError for an interrupted run and for what has no text.
        """
        return self.insert([encode(spec, run, versions)])[0]

    def put_all(self, runs: Iterable[tuple[RunSpec, Run]], versions: Mapping[str, str] | None = None) -> list[Outcome]:
        """Keep runs that were computed together, in one transaction: all of them, or none."""
        return self.insert([encode(spec, run, versions) for spec, run in runs])

    def get(self, key: str) -> StoredRun | None:
        """Return a run, or None where there is none. Raises StoreError where it is damaged."""
        record = self.record(key_bytes(key))
        if record is None:
            return None
        try:
            return decode(record)
        except DamagedRunError as problem:
            raise self.damaged(record.row, problem) from problem

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Return those of ``keys`` that no run has, in their order."""
        asked = list(dict.fromkeys(keys))
        there = self.present([key_bytes(key) for key in asked])
        return [key for key in asked if bytes.fromhex(key) not in there]

    def query(
        self,
        *,
        course: str | None = None,
        optimizer: str | None = None,
        status: str | None = None,
        study: str | None = None,
    ) -> Iterator[Summary]:
        """Go through the runs that fit, oldest first, without their series. Raises StoreError at a damaged one.

        Those of a study come in the order of its keys; ``status`` is a kind such as ``"finished"``.
        """
        keys = None if study is None else [key_bytes(key) for key in self.known_study(study).keys]
        wanted = Filter(_storable(course), _storable(optimizer), status, keys)
        for row in self.rows(wanted):
            try:
                yield summarise(row)
            except DamagedRunError as problem:
                raise self.damaged(row, problem) from problem

    def __iter__(self) -> Iterator[Summary]:
        return self.query()

    def __contains__(self, key: str) -> bool:
        return not self.missing([key])

    def save_study(self, name: str, plan: Mapping[str, Any], keys: Iterable[str] = ()) -> None:
        """Keep a study's plan and the keys of its runs, in place of what was kept under this name.

        The runs need not be there yet. When it was created stays as it is; it is touched now.
        """
        self.put_study(encode_study(name, plan, tuple(keys)))

    def study(self, name: str) -> StudyRecord | None:
        """Return a study by name, or None. Raises StoreError where it is damaged."""
        row = self.study_row(storable(name))
        return None if row is None else self._read_study(row)

    def studies(self) -> list[StudyRecord]:
        """Return all studies, the last touched one first. Raises StoreError where one is damaged."""
        found = [self._read_study(row) for row in self.study_rows()]
        return sorted(found, key=lambda study: -study.touched)

    def known_study(self, name: str) -> StudyRecord:
        """Return a study by name. Raises InputError, which names the known ones, where there is none."""
        found = self.study(name)
        if found is None:
            known = [study.name for study in self.studies()]
            raise InputError(
                f"`{name}` is no study in `{self.name}`: "
                + (f"it has {', '.join(f'`{known_one}`' for known_one in known[:5])}." if known else "it has none.")
            )
        return found

    def _read_study(self, row: StudyRow) -> StudyRecord:
        try:
            return decode_study(row)
        except DamagedRunError as problem:
            raise StoreError(
                f"`{self.name}`: the study `{row.name}` is damaged ({problem}): see `slalom runs verify`."
            ) from problem

    def damaged(self, row: Row, problem: DamagedRunError) -> StoreError:
        """Return the error for a record that is not what was written."""
        return StoreError(f"`{self.name}`: the run {short_key(row)} is damaged ({problem}): see `slalom runs verify`.")

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def insert(self, records: Sequence[Record]) -> list[Outcome]:
        """Keep records, all of them or none."""

    @abstractmethod
    def record(self, key: bytes) -> Record | None:
        """Return what is kept under a key."""

    @abstractmethod
    def records(self) -> Iterator[Record]:
        """Go through everything that is kept, oldest first."""

    @abstractmethod
    def present(self, keys: Sequence[bytes]) -> set[bytes]:
        """Return those of ``keys`` that there are."""

    @abstractmethod
    def rows(self, wanted: Filter) -> Iterator[Row]:
        """Go through the rows that fit, oldest first; where keys are given, in their order."""

    @abstractmethod
    def count(self) -> int:
        """Return how many runs there are."""

    @abstractmethod
    def remove(self, keys: Iterable[str]) -> int:
        """Take runs out, so that they can be computed again; return how many there were."""

    @abstractmethod
    def put_study(self, row: StudyRow) -> None:
        """Keep a study in place of one of the same name; where ``created`` is 0, it is that one's, or now."""

    @abstractmethod
    def study_row(self, name: str) -> StudyRow | None:
        """Return what is kept of a study."""

    @abstractmethod
    def study_rows(self) -> list[StudyRow]:
        """Return what is kept of all studies."""

    @abstractmethod
    def forget_study(self, name: str) -> bool:
        """Forget a study, whose runs stay; say whether there was one."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file. Closing twice is closing once."""


def _storable(name: str | None) -> str | None:
    return None if name is None else storable(name)
