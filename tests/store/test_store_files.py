"""A file that is no store, or not whole, or may not be written, is told from one that is."""

from __future__ import annotations

import csv
import json
import os
import resource
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from made_runs import bits, run, spec

from slalom import store as stores
from slalom.core import Run
from slalom.store import MemoryStore, Outcome, RunSpec, StoreError, connecting, layout
from slalom.store.merging import Merge, copy
from slalom.store.records import encode


def filled(path: Path, seeds: range = range(30)) -> Path:
    with stores.open(path) as store:
        store.put_all([(spec(k), run(k)) for k in seeds])
        store.save_study("mine", {"n": 1}, [spec(k).key for k in seeds])
    return path


@contextmanager
def somebody_else() -> Iterator[Path]:
    """A folder of a user who is not root: for root no file is read-only."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o777)
        root = os.geteuid() == 0
        if root:
            os.chown(name, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)
            Path(name).chmod(0o777)


def test_the_file_is_kept_where_the_system_keeps_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with stores.open() as store:
        store.put(spec(), run())
    assert (tmp_path / "data" / "slalom" / "runs.sqlite").is_file()
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert stores.default_path() == Path.home() / ".local" / "share" / "slalom" / "runs.sqlite"


def test_a_file_that_is_closed_leaves_nothing_beside_it(tmp_path: Path) -> None:
    filled(tmp_path / "runs.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["runs.sqlite"]


def test_a_missing_file_is_made_only_when_it_may_be(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    for options in ({"create": False}, {"readonly": True}):
        with pytest.raises(StoreError, match="there is no such file; name a store that there is"):
            stores.open(path, **options)
    with pytest.raises(StoreError, match=r"there is no folder `.*`; make it first"):
        stores.open(tmp_path / "no" / "runs.sqlite")
    with pytest.raises(StoreError, match="is a folder: name a file in it"):
        stores.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_a_store_to_be(tmp_path: Path) -> None:
    """One that was killed before its first byte must be able to go on."""
    path = tmp_path / "runs.sqlite"
    path.touch()
    with pytest.raises(StoreError, match="is empty"):
        stores.open(path, readonly=True)
    filled(path)
    assert stores.verify(path).is_whole


def test_files_of_others_are_refused_and_left_alone(tmp_path: Path) -> None:
    text, database = tmp_path / "notes.txt", tmp_path / "other.sqlite"
    text.write_text("my notes, which nobody should lose")
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE cats (name)")
    connection.close()
    for path, said in ((text, "is no store of slalom"), (database, "is a database of another application")):
        before = path.read_bytes()
        for opening in (stores.open, stores.verify, lambda p: stores.verify(p, repair=True)):
            with pytest.raises(StoreError, match=said):
                opening(path)
        assert path.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"notes.txt", "other.sqlite"}


def test_a_store_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = filled(tmp_path / "runs.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    for opening in (stores.open, stores.verify, lambda p: stores.open(p, readonly=True)):
        with pytest.raises(StoreError, match=r"was written by a newer slalom \(layout 99.*update slalom"):
            opening(path)


def version_0(path: Path, runs: dict[int, Run]) -> None:
    """Write a store as it was before the first release."""
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE runs (id INTEGER PRIMARY KEY, key BLOB UNIQUE, course, optimizer, seed, status, specification,"
        " summary, content, series, written)"
    )
    connection.execute(f"PRAGMA application_id = {layout.APPLICATION_ID}")
    for seed, made in runs.items():
        record = encode(spec(seed), made)
        row = record.row._asdict()
        values = {**row, "series": record.series}
        del values["checksum"]
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO runs ({names}) VALUES ({marks})", list(values.values()))
    connection.commit()
    connection.close()


def test_a_store_of_an_older_release_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    version_0(path, {k: run(k) for k in range(5)})
    with pytest.raises(StoreError, match="is of an older release"):
        stores.open(path, readonly=True)
    with stores.open(path) as store:
        found = [store.get(spec(k).key) for k in range(5)]
        assert [bits(one.run) for one in found if one] == [bits(run(k)) for k in range(5)]
        assert store.put(spec(0), run(0)) is Outcome.KNOWN
        store.save_study("mine", {})
    assert stores.verify(path).is_whole
    assert stores.verify(path).runs == 5


def test_a_migration_that_breaks_off_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.sqlite"
    version_0(path, {0: run(0)})

    def breaks(connection: sqlite3.Connection) -> None:
        layout._with_checks(connection)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(layout.MIGRATIONS, 0, breaks)
        with pytest.raises(KeyboardInterrupt):
            stores.open(path)
    with stores.open(path) as store:
        assert store.count() == 1


def test_a_store_without_shared_memory_is_refused_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's dot-file layer has no shared memory, as a network file system has none."""
    monkeypatch.setattr(connecting, "VFS", "unix-dotfile")
    with pytest.raises(StoreError, match=r"as on a network file system: name a file on a disk of this machine"):
        stores.open(tmp_path / "runs.sqlite")


def test_a_file_that_may_only_be_read_can_be_read_and_not_written() -> None:
    with somebody_else() as folder:
        path = filled(folder / "runs.sqlite")
        path.chmod(0o444)
        folder.chmod(0o555)
        with pytest.raises(StoreError, match="may not be written: name another file"):
            stores.open(path)
        with stores.open(path, readonly=True) as store:
            assert store.count() == 30
            with pytest.raises(StoreError, match="may not be written"):
                store.put(spec(99), run(99))
        assert stores.verify(path).is_whole
        with pytest.raises(StoreError, match="its folder may not be written; name another file"):
            stores.open(folder / "new.sqlite")
        assert [file.name for file in folder.iterdir()] == ["runs.sqlite"]


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o777), (0o644, 0o555)])
def test_it_is_enough_that_the_file_or_its_folder_may_only_be_read(file_mode: int, folder_mode: int) -> None:
    with somebody_else() as folder:
        path = filled(folder / "runs.sqlite")
        path.chmod(file_mode)
        folder.chmod(folder_mode)
        before = path.read_bytes()
        with pytest.raises(
            StoreError, match=r"^`.*runs.sqlite` may not be written.*: name another file with `--store`"
        ):
            stores.open(path)
        with stores.open(path, readonly=True) as store:
            found = store.get(spec(7).key)
            assert found is not None
            assert bits(found.run) == bits(run(7))
        assert stores.verify(path).is_whole
        assert path.read_bytes() == before


def test_a_store_left_open_in_a_folder_that_may_only_be_read_is_not_read_by_half() -> None:
    with somebody_else() as folder:
        path = folder / "runs.sqlite"
        with stores.open(path) as store:
            store.put(spec(), run())
            log = (folder / "runs.sqlite-wal").read_bytes()
            whole = path.read_bytes()
        path.write_bytes(whole)
        (folder / "runs.sqlite-wal").write_bytes(log)
        folder.chmod(0o555)
        with pytest.raises(StoreError, match="was not closed, and its folder may not be written: copy it"):
            stores.open(path, readonly=True)


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    kept: list[int] = []
    store = stores.open(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    try:
        with pytest.raises(StoreError, match=r"could not be written, the disk may be full.*what was acknowledged"):
            kept.extend(seed for seed in range(2000) if store.put(spec(seed), run(seed)) is Outcome.WRITTEN)
        assert 10 < len(kept) < 1000
        assert store.count() == len(kept)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        store.close()
    assert stores.verify(path).is_whole
    with stores.open(path) as again:
        assert [found.spec.seed for found in again] == kept
        assert again.put(spec(5000), run(5000)) is Outcome.WRITTEN


def test_a_store_is_not_carried_into_a_forked_process(tmp_path: Path) -> None:
    with stores.open(tmp_path / "runs.sqlite") as store:
        store._process += 1
        with pytest.raises(StoreError, match="was opened by another process: each process opens its own"):
            store.count()
        store._process -= 1
    with pytest.raises(StoreError, match="has been closed: open it again"):
        store.count()


def test_stores_are_merged_and_conflicts_told(tmp_path: Path) -> None:
    target = filled(tmp_path / "a.sqlite", range(10))
    source = filled(tmp_path / "b.sqlite", range(5, 15))
    with stores.open(source) as store:
        store.remove([spec(5).key])
        store.put(spec(5), run(500))
        store.save_study("other", {"n": 2})
    before = source.read_bytes()
    report = stores.merge(target, [source])
    assert (report.written, report.known, report.studies) == (5, 4, 1)
    assert report.conflicts == [f"run {spec(5).key[:12]} of `{source}`"] or "run" in report.conflicts[0]
    assert "1 conflicts, the first was kept" in str(report)
    assert source.read_bytes() == before
    with stores.open(target) as merged:
        for seed in range(15):
            found = merged.get(spec(seed).key)
            assert found is not None
            assert bits(found.run) == bits(run(seed))
        study = merged.study("mine")
        assert study is not None
        assert study.keys == tuple(spec(k).key for k in range(15))
    assert stores.merge(target, [source]).written == 0


def test_a_study_of_the_same_name_and_another_plan_is_a_conflict(tmp_path: Path) -> None:
    first, second = MemoryStore(), MemoryStore()
    first.save_study("mine", {"n": 1})
    second.save_study("mine", {"n": 2})
    report = Merge()
    copy(second, first, report)
    assert report.conflicts == ["study `mine` of `memory` has another plan"]


def test_nothing_is_merged_where_one_source_cannot_be_opened(tmp_path: Path) -> None:
    source = filled(tmp_path / "b.sqlite")
    with pytest.raises(StoreError, match="there is no such file"):
        stores.merge(tmp_path / "a.sqlite", [source, tmp_path / "c.sqlite"])
    assert not (tmp_path / "a.sqlite").exists()
    with pytest.raises(StoreError, match="is to be merged into itself"):
        stores.merge(source, [source])


def save(path: str | os.PathLike[str], writers: dict) -> Path:
    """As the conductor's: the writer follows the ending."""
    writers[Path(path).suffix[1:]](Path(path))
    return Path(path)


def test_runs_are_exported_as_csv_json_and_parquet(tmp_path: Path) -> None:
    import pyarrow.parquet

    store = MemoryStore()
    store.put(spec(0), run(0))
    odd = run(1, evaluations=[{"step": 3, "test_loss": float("nan"), "extra": 2}], diverged_at=3)
    store.put(RunSpec("own.py:loop", "torch.optim.SGD", 1, {"lr": 1}), odd)
    stores.export(store, tmp_path / "runs.csv", save)
    stores.export([found for key in store for found in [store.get(key.key)] if found], tmp_path / "runs.json", save)
    stores.export(store, tmp_path / "runs.parquet", save)
    with (tmp_path / "runs.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [float(lines[0]["metric.test_loss"])] == [run(0).last["test_loss"]]
    assert (lines[1]["metric.test_loss"], lines[1]["status"], lines[1]["status_step"]) == ("", "diverged", "3")
    assert json.loads(lines[0]["hyperparameter.betas"]) == [0.9, 0.999]
    told = json.loads((tmp_path / "runs.json").read_text())["runs"]
    assert np.array_equal(told[0]["loss"], run(0).losses)
    assert told[1]["evaluations"] == [{"step": 3, "test_loss": None, "extra": 2}]
    table = pyarrow.parquet.read_table(tmp_path / "runs.parquet").to_pylist()
    assert [line["key"] for line in table] == [line["key"] for line in lines]
    assert table[1]["metric.test_loss"] is None
    assert table[0]["hyperparameter.lr"] == 0.001


def test_nobody_but_its_owner_need_be_able_to_write_a_repaired_store(tmp_path: Path) -> None:
    path = filled(tmp_path / "runs.sqlite")
    path.chmod(0o640)
    data = bytearray(path.read_bytes())
    data[-200] ^= 0xFF
    data[9000] ^= 0xFF
    path.write_bytes(data)
    report = stores.verify(path, repair=True)
    assert report.is_whole or stat.S_IMODE(path.stat().st_mode) == 0o640
