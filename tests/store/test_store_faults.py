"""Processes are killed, files are cut, bytes are flipped: nothing acknowledged is lost, nothing wrong is returned."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from made_runs import bits, run, spec

from slalom import store as stores
from slalom.core import quote
from slalom.store import Outcome, StoreError, connecting

PROGRAM = Path(__file__).with_name("writing_process.py")
PAGE = 4096


def writer(path: Path, first: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(PROGRAM), str(path), str(first), str(count)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def assert_holds(path: Path, seeds: set[int]) -> None:
    """The store is whole, and each of these runs is in it, bit for bit."""
    report = stores.verify(path)
    assert report.is_whole, str(report)
    with stores.open(path, create=False) as store:
        assert store.missing([spec(seed).key for seed in seeds]) == []
        for seed in seeds:
            found = store.get(spec(seed).key)
            assert found is not None
            assert bits(found.run) == bits(run(seed))


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    """They make the file together, too; and half of what each writes the next one writes as well."""
    path = tmp_path / "runs.sqlite"
    processes = [writer(path, 50 * k, 100) for k in range(4)]
    for process in processes:
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert len(out.split()) == 100
    assert_holds(path, set(range(250)))
    with stores.open(path) as store:
        assert store.count() == 250
        assert len(store.studies()) == 4


def killed(path: Path, chance: random.Random, first: int) -> set[int]:
    """Let two processes write, kill both at a random moment, and return the seeds they had acknowledged."""
    processes = [writer(path, first + 100_000 * k, 100_000) for k in range(2)]
    starting = time.monotonic()
    if chance.random() < 0.8:  # mostly in the midst of writing, sometimes while starting
        processes[0].stdout.readline()  # type: ignore[union-attr]
        acknowledged = {first}
        time.sleep(chance.random() * 0.3)
    else:
        acknowledged = set()
        time.sleep(chance.random() * 0.5)
    for process in processes:
        process.send_signal(signal.SIGKILL)
    for process in processes:
        out, errors = process.communicate(timeout=30)
        assert not errors, errors
        whole = out[: out.rfind("\n") + 1]
        acknowledged |= set(map(int, whole.split()))
    assert time.monotonic() - starting < 30
    return acknowledged


def kill_again_and_again(path: Path, times: int) -> None:
    chance = random.Random(4)
    acknowledged: set[int] = set()
    for k in range(times):
        acknowledged |= killed(path, chance, 1_000_000 * k)
        if path.exists() and path.stat().st_size:  # opened and read between the kills, as a study that goes on
            with stores.open(path) as store:
                assert store.missing([spec(seed).key for seed in acknowledged]) == []
    assert len(acknowledged) > times // 2  # it was not only killed while starting
    assert_holds(path, acknowledged)


def test_what_was_acknowledged_survives_kills_of_two_writers(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path / "runs.sqlite", 4)


@pytest.mark.slow
def test_what_was_acknowledged_survives_fifty_kills_of_two_writers(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path / "runs.sqlite", 50)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store of 60 runs and two studies."""
    path = tmp_path_factory.mktemp("whole") / "runs.sqlite"
    with stores.open(path) as store:
        for seed in range(60):
            store.put(spec(seed), run(seed))
        for name in ("one", "two"):
            store.save_study(name, {"name": name}, [spec(seed).key for seed in range(60)])
    return path


def assert_nothing_wrong_is_read(path: Path) -> bool:
    """Every run that the store gives is the one that was put in; say whether all of it could be read."""
    try:
        with stores.open(path, create=False, readonly=True) as store:
            clean = True
            for seed in range(60):
                try:
                    found = store.get(spec(seed).key)
                except StoreError:
                    clean = False
                    continue
                clean = clean and found is not None
                assert found is None or bits(found.run) == bits(run(seed))
            listed = [summary.key for summary in store]
            studies = store.studies()
            assert all(study.plan == {"name": study.name} for study in studies)
            return clean and len(listed) == 60 and len(studies) == 2
    except StoreError:
        return False


def repair(path: Path) -> int:
    """Repair a store, check that it is whole and right afterwards, and return how many runs were saved."""
    before = path.read_bytes()
    try:
        report = stores.verify(path, repair=True)
    except StoreError:
        assert path.read_bytes() == before
        return 0
    if report.repaired:
        assert report.damaged_copy is not None
        assert report.damaged_copy.read_bytes() == before
    again = stores.verify(path)
    assert again.is_whole, str(again)
    assert again.runs == report.runs
    assert_nothing_wrong_is_read(path)
    return again.runs


def test_a_store_cut_at_any_page_is_recognised_and_what_is_left_is_saved(whole: Path, tmp_path: Path) -> None:
    data = whole.read_bytes()
    pages = len(data) // PAGE
    saved = []
    for count in range(1, pages):
        path = tmp_path / f"{count}.sqlite"
        path.write_bytes(data[: count * PAGE])
        for options in ({}, {"readonly": True}):
            with pytest.raises(StoreError, match=rf"damaged, cut short to {count * PAGE:,} of {len(data):,} bytes"):
                stores.open(path, **options)
        try:
            told = str(stores.verify(path))
        except StoreError as problem:
            told = str(problem)
        assert "is damaged" in told
        assert "cut short" in told
        saved.append(repair(path))
    assert saved[-1] > 50
    assert saved[pages // 2] > 5


@pytest.mark.parametrize("size", [1, 15, 16, 50, 99, 100, 1000])
def test_a_store_cut_within_its_first_page_is_refused(whole: Path, tmp_path: Path, size: int) -> None:
    path = tmp_path / "runs.sqlite"
    path.write_bytes(whole.read_bytes()[:size])
    for opening in (stores.open, stores.verify, lambda p: stores.verify(p, repair=True)):
        with pytest.raises(StoreError):
            opening(path)
    assert path.stat().st_size == size


def flip_bytes(whole: Path, folder: Path, times: int) -> tuple[int, int]:
    """Damage copies of a store in a few places each; return how often that was seen, and how many runs were saved."""
    chance = random.Random(7)
    data = whole.read_bytes()
    seen, saved = 0, []
    path = folder / "runs.sqlite"
    for _ in range(times):
        damaged = bytearray(data)
        for _ in range(chance.choice([1, 1, 2, 20])):
            place = chance.randrange(100, len(data)) if chance.random() < 0.9 else chance.randrange(100)
            damaged[place] ^= chance.randrange(1, 256)
        path.write_bytes(damaged)
        clean = assert_nothing_wrong_is_read(path)
        try:
            sound = stores.verify(path).is_whole
        except StoreError:
            sound = False
        assert clean or not sound, "what cannot be read is told by verify"
        seen += not sound
        saved.append(repair(path))
        for file in folder.iterdir():
            file.unlink()
    return seen, sorted(saved)[len(saved) // 2]


def test_flipped_bytes_are_seen_and_what_is_whole_is_saved(whole: Path, tmp_path: Path) -> None:
    seen, median = flip_bytes(whole, tmp_path, 60)
    assert seen > 30
    assert median >= 55


@pytest.mark.slow
def test_many_flipped_bytes_are_seen_and_what_is_whole_is_saved(whole: Path, tmp_path: Path) -> None:
    seen, median = flip_bytes(whole, tmp_path, 1000)
    assert seen > 500
    assert median >= 55


def test_a_row_changed_by_another_program_is_told(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    shutil.copy(whole, path)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE runs SET summary = replace(summary, '1234', '1235') WHERE id = 3")
    connection.execute("DELETE FROM series WHERE id = 4")
    connection.commit()
    connection.close()
    report = stores.verify(path)
    assert report.problems == ("run number 3: its checksum does not fit", "run number 4: its series are missing")
    assert report.runs == 58
    with stores.open(path) as store:
        with pytest.raises(StoreError, match=r"the run \w{12} is damaged \(its checksum does not fit\): see"):
            store.get(spec(2).key)
        with pytest.raises(StoreError, match="is damaged"):
            list(store)
    report = stores.verify(path, repair=True)
    assert (report.repaired, report.runs, report.studies) == (True, 58, 2)
    assert str(report).startswith(f"`{path}` was repaired with 58 runs; lost: run number 3") or len(str(path)) > 55
    with stores.open(path) as store:
        assert store.missing([spec(seed).key for seed in range(60)]) == [spec(2).key, spec(3).key]


def test_a_store_in_use_is_looked_at_but_not_repaired(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    shutil.copy(whole, path)
    with stores.open(path) as store:
        store.put(spec(99), run(99))
        assert stores.verify(path).runs == 61
        with pytest.raises(StoreError, match="is open in another process: a store is repaired when nobody"):
            stores.verify(path, repair=True)
    assert stores.verify(path, repair=True).is_whole


def test_runs_that_are_only_in_the_log_are_repaired_too(whole: Path, tmp_path: Path) -> None:
    """As after kill −9, when nobody has closed the file."""
    first, path = tmp_path / "first.sqlite", tmp_path / "runs.sqlite"
    shutil.copy(whole, first)
    with stores.open(first) as store:
        store.put(spec(99), run(99))
        shutil.copy(first, path)
        shutil.copy(f"{first}-wal", f"{path}-wal")
    connection = connecting.raw(path)
    connection.execute("DELETE FROM series WHERE id = 4")
    report = stores.verify(path) if connection.close() is None else None  # type: ignore[func-returns-value]
    assert report is not None
    assert not report.is_whole
    assert stores.verify(path, repair=True).runs == 60
    assert_holds(path, {99, 0, 1, 2})


def test_a_writer_that_holds_the_file_too_long_is_told_of(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    shutil.copy(whole, path)
    other = sqlite3.connect(path, isolation_level=None)
    with stores.open(path) as store:
        store._connection.execute("PRAGMA busy_timeout = 100")  # type: ignore[attr-defined]
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="was being written by another process"):
            store.put(spec(99), run(99))
        other.execute("ROLLBACK")
        store.put(spec(99), run(99))
    other.close()


def test_ctrl_c_within_a_transaction_leaves_the_store_usable(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.sqlite"
    shutil.copy(whole, path)
    with stores.open(path) as store:

        def interrupted(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM runs")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            store._write(interrupted)  # type: ignore[attr-defined]
        assert store.count() == 60
        store.put(spec(99), run(99))


def test_where_there_is_no_room_for_all_of_a_transaction_none_of_it_is_kept(whole: Path, tmp_path: Path) -> None:
    """SQLite's own limit stands for the disk's: it is told by the same error, at any page of any transaction."""
    path = tmp_path / "runs.sqlite"
    shutil.copy(whole, path)
    pages = path.stat().st_size // PAGE
    many = [(spec(seed), run(seed)) for seed in range(100, 400)]
    with stores.open(path) as store:
        limit = store._connection  # type: ignore[attr-defined]
        for room in (0, 1, 7, 30):
            limit.execute(f"PRAGMA max_page_count = {pages + room}")
            with pytest.raises(StoreError) as caught:
                store.put_all(many)
            assert str(caught.value) == (
                f"{quote(path)} could not be written, the disk may be full or the file as large as it may be "
                "(SQLITE_FULL): what was acknowledged is kept; make room and start again."
            )
            assert store.count() == 60
            found = store.get(spec(59).key)
            assert found is not None
            assert bits(found.run) == bits(run(59))
        assert stores.verify(path).is_whole
        limit.execute(f"PRAGMA max_page_count = {10 * pages}")
        assert set(store.put_all(many)) == {Outcome.WRITTEN}
    assert_holds(path, {*range(60), *range(100, 400)})


def test_a_writer_goes_on_where_another_one_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    victim, other = writer(path, 0, 100_000), writer(path, 1_000_000, 400)
    assert victim.stdout is not None
    for _ in range(20):
        victim.stdout.readline()
    victim.send_signal(signal.SIGKILL)
    out, errors = other.communicate(timeout=120)
    assert (other.returncode, errors, len(out.split())) == (0, "", 400)
    rest, _ = victim.communicate(timeout=30)
    acknowledged = set(range(20)) | set(map(int, rest[: rest.rfind("\n") + 1].split()))
    assert_holds(path, acknowledged | set(range(1_000_000, 1_000_400)))


HOLDING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_lock_that_another_process_holds_is_waited_for_and_told(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "runs.sqlite"
    shutil.copy(whole, path)
    monkeypatch.setattr(connecting, "PATIENCE", 2.0)
    with stores.open(path) as store:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLDING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError) as caught:
            store.put(spec(99), run(99))
        assert str(caught.value) == (f"{quote(path)} was being written by another process for 2 seconds: try again.")
        assert store.count() == 60, "reading waits for nobody"
        with stores.open(path) as another:
            assert another.count() == 60
        holder.kill()
        holder.communicate(timeout=30)
        assert store.put(spec(99), run(99)) is Outcome.WRITTEN
    assert_holds(path, {0, 59, 99})
