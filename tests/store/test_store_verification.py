"""Every byte is looked at, quickly; somebody who waits sees how far it is, and may stop it."""

from __future__ import annotations

import json
import signal
import sqlite3
import zlib
from pathlib import Path
from types import FrameType

import pytest
from made_runs import bits, run, spec

from slalom import store as stores
from slalom.store import connecting, records, salvage, verification
from slalom.store.canonical import canonical
from slalom.store.layout import ROW

SERIES_DIFFER = "its series are not those that were written"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store of 60 runs and a study."""
    path = tmp_path / "runs.sqlite"
    with stores.open(path) as store:
        store.put_all([(spec(seed), run(seed)) for seed in range(60)])
        store.save_study("one", {"n": 1}, [spec(0).key])
    return path


def change(path: Path, *statements: str) -> None:
    """Write to the file behind the store's back."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def without_checksum_of_series(path: Path) -> None:
    """Make the summaries those of before the series had a checksum of their own."""
    connection = sqlite3.connect(path)
    for number, *values in connection.execute(f"SELECT id, {ROW} FROM runs").fetchall():
        row = records.Row(*values)
        summary = json.loads(row.summary)
        assert summary.pop("series") > 0
        row = row._replace(summary=canonical(summary))
        connection.execute(
            "UPDATE runs SET summary = ?, checksum = ? WHERE id = ?", (row.summary, records.checksum(row), number)
        )
    connection.commit()
    connection.close()


def test_a_summary_holds_the_crc_of_the_bytes_of_its_series() -> None:
    record = records.encode(spec(), run())
    assert json.loads(record.row.summary)["series"] == zlib.crc32(record.series)


def test_a_whole_store_is_gone_through_without_decoding_a_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "decode", None)
    report = stores.verify(path)
    assert (report.is_whole, report.runs, report.studies) == (True, 60, 1)


def test_series_that_changed_places_are_told(path: Path) -> None:
    """Each is whole in itself; only the run says whose it is."""
    change(path, *(f"UPDATE series SET id = {new} WHERE id = {old}" for old, new in ((4, 99), (5, 4), (99, 5))))
    report = stores.verify(path)
    assert report.problems == (f"run number 4: {SERIES_DIFFER}", f"run number 5: {SERIES_DIFFER}")
    assert report.runs == 58


def test_series_without_a_run_are_passed_over(path: Path) -> None:
    change(path, "INSERT INTO series (id, data) VALUES (1000, x'00')")
    assert stores.verify(path).is_whole


def test_runs_of_before_series_had_a_checksum_are_decoded(path: Path) -> None:
    without_checksum_of_series(path)
    assert stores.verify(path).is_whole
    change(path, "UPDATE series SET data = (SELECT data FROM series WHERE id = 2) WHERE id = 7")
    report = stores.verify(path)
    assert report.problems == (f"run number 7: {SERIES_DIFFER}",)
    assert stores.verify(path, repair=True).runs == 59
    with stores.open(path) as store:
        found = store.get(spec(30).key)
        assert found is not None
        assert bits(found.run) == bits(run(30))


def test_somebody_who_waits_is_told_how_far_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(salvage, "TOLD_EVERY", 20)
    told: list[tuple[int, int]] = []
    stores.verify(path, progress=lambda done, total: told.append((done, total)))
    assert told == [(20, 60), (40, 60), (60, 60)]
    told.clear()
    change(path, "DELETE FROM series WHERE id = 30")
    stores.verify(path, progress=lambda done, total: told.append((done, total)))
    assert told == [(20, 60), (0, 60), (20, 60), (40, 60)], "from the beginning again, run by run"


def look_for_ever(connection: sqlite3.Connection, path: Path) -> None:
    while True:
        assert verification._integrity(connection, path) == [], "an interruption is no damage"


def test_ctrl_c_is_heard_while_sqlite_looks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "PULSE", 1)

    def pressed(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    connection = connecting.raw(path, "mode=ro")
    before = signal.signal(signal.SIGALRM, pressed)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            look_for_ever(connection, path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        connection.close()


@pytest.mark.parametrize("repair", [False, True])
def test_ctrl_c_leaves_the_file_as_it_was_and_nothing_beside_it(
    path: Path, repair: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(salvage, "TOLD_EVERY", 20)
    change(path, "DELETE FROM series WHERE id = 30")
    before = path.read_bytes()

    def pressed(*arguments: object) -> None:
        raise KeyboardInterrupt

    if repair:  # while the new file is half written
        monkeypatch.setattr(stores.on_disk.SQLiteStore, "put_study", pressed)
    with pytest.raises(KeyboardInterrupt):
        stores.verify(path, repair=repair, progress=None if repair else pressed)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert {file.name for file in path.parent.iterdir()} - {"runs.sqlite-wal", "runs.sqlite-shm"} == {"runs.sqlite"}
    assert stores.verify(path, repair=True).runs == 59
