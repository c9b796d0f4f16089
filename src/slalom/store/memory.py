"""A store that lasts as long as the process: for tests, and for studies that want no file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from slalom.store.interface import Filter, Outcome, Store
from slalom.store.records import Record, Row, StudyRow, key_bytes, sealed, storable


class MemoryStore(Store):
    """Keeps the same bytes as a store on disk, so that what comes back has made the same way."""

    def __init__(self) -> None:
        self.name = "memory"
        self._records: dict[bytes, Record] = {}
        self._studies: dict[str, StudyRow] = {}

    def insert(self, records: Sequence[Record]) -> list[Outcome]:
        outcomes = []
        for record in records:
            kept = self._records.setdefault(record.row.key, record)
            same = kept.row.content == record.row.content
            outcomes.append(Outcome.WRITTEN if kept is record else Outcome.KNOWN if same else Outcome.CONFLICT)
        return outcomes

    def record(self, key: bytes) -> Record | None:
        return self._records.get(key)

    def records(self) -> Iterator[Record]:
        return iter(list(self._records.values()))

    def present(self, keys: Sequence[bytes]) -> set[bytes]:
        return self._records.keys() & set(keys)

    def rows(self, wanted: Filter) -> Iterator[Row]:
        keys = list(self._records) if wanted.keys is None else wanted.keys
        for key in keys:
            record = self._records.get(key)
            if record is not None and _fits(record.row, wanted):
                yield record.row

    def count(self) -> int:
        return len(self._records)

    def remove(self, keys: Iterable[str]) -> int:
        wanted = [key_bytes(key) for key in keys]
        return sum(self._records.pop(key, None) is not None for key in wanted)

    def put_study(self, row: StudyRow) -> None:
        before = self._studies.get(row.name)
        created = row.created or (before.created if before else row.touched)
        self._studies[row.name] = sealed(row._replace(created=created))

    def study_row(self, name: str) -> StudyRow | None:
        return self._studies.get(name)

    def study_rows(self) -> list[StudyRow]:
        return list(self._studies.values())

    def forget_study(self, name: str) -> bool:
        return self._studies.pop(storable(name), None) is not None

    def close(self) -> None:
        """Nothing to let go of; what was put in can still be read."""


def _fits(row: Row, wanted: Filter) -> bool:
    pairs = ((wanted.course, row.course), (wanted.optimizer, row.optimizer), (wanted.status, row.status))
    return all(asked is None or asked == found for asked, found in pairs)
