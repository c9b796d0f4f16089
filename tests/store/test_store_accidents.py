"""Files that are deleted, moved, cut or overwritten under an open store; files that are no files; who may read them."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from made_runs import bits, run, spec

from slalom import store as stores
from slalom.store import StoreError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there an open file cannot be deleted or replaced")

OLD, NEW = range(1000, 1005), range(10)


def delete(path: Path) -> None:
    for file in path.parent.glob(path.name + "*"):
        file.unlink()


def rename(path: Path) -> None:
    path.rename(path.with_name("elsewhere.sqlite"))


def delete_folder(path: Path) -> None:
    shutil.rmtree(path.parent)


def truncate(path: Path) -> None:
    for file in path.parent.glob(path.name + "*"):
        os.truncate(file, 0)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"something else" * 10_000)


def replace(path: Path) -> None:
    filled(path.with_name("another.sqlite"), range(2000, 2004))
    path.with_name("another.sqlite").replace(path)


def copy_over(path: Path) -> None:
    """As ``cp`` does: another store's bytes in the same file."""
    filled(path.with_name("another.sqlite"), range(2000, 2100))
    with path.open("r+b") as file:
        file.write(path.with_name("another.sqlite").read_bytes())


def delete_log(path: Path) -> None:
    path.with_name(path.name + "-wal").unlink()


ACCIDENTS = (delete, rename, delete_folder, truncate, overwrite, replace, copy_over, delete_log)


def filled(path: Path, seeds: range) -> Path:
    with stores.open(path) as store:
        store.put_all([(spec(seed), run(seed)) for seed in seeds])
    return path


@pytest.mark.parametrize("at", ["the next run", "the end"])
@pytest.mark.parametrize("accident", ACCIDENTS)
def test_runs_are_saved_beside_a_file_that_had_an_accident(
    accident: Callable[[Path], None], at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept").mkdir()
    monkeypatch.chdir(tmp_path)
    path = filled(tmp_path / "kept" / "runs.sqlite", OLD)
    store = stores.open(path)
    store.put_all([(spec(seed), run(seed)) for seed in NEW[:-1]])
    accident(path)
    with pytest.raises(StoreError, match="while it was in use") as told:
        _ = store.put(spec(NEW[-1]), run(NEW[-1])) if at == "the next run" else store.close()
    (saved,) = tmp_path.rglob("*rescued*.sqlite")
    assert str(saved) in str(told.value)
    assert [file.name for file in tmp_path.rglob("*") if file.name.endswith(("-wal", "-shm"))] == []
    theirs = path.read_bytes() if path.exists() else b""
    assert stores.verify(saved).is_whole
    with stores.open(saved, readonly=True) as store:
        for seed in NEW if at == "the next run" else NEW[:-1]:
            found = store.get(spec(seed).key)
            assert found is not None
            assert bits(found.run) == bits(run(seed))
    if accident in (replace, copy_over):  # the other file is left as it was put there
        assert stores.verify(path).is_whole
        assert path.read_bytes() == theirs


def test_an_accident_to_one_of_two_stores_in_a_process_leaves_the_other_alone(tmp_path: Path) -> None:
    """Closing any descriptor of a file drops all locks of its process; other processes would then delete the log."""
    path = filled(tmp_path / "runs.sqlite", OLD)
    first, second = stores.open(path), stores.open(path)
    first.put(spec(1), run(1))
    first.close()
    code = f"from slalom import store; store.open({str(path)!r}, readonly=True).close()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
    assert path.with_name("runs.sqlite-wal").exists(), "the second store's locks hold"
    second.put(spec(2), run(2))
    second.close()
    assert stores.verify(path).is_whole


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(tmp_path)
        listener.bind("socket")
        for name in ("fifo", "link", "socket", "/dev/null", "/dev/zero"):
            for readonly in (False, True):
                with pytest.raises(StoreError, match="is a device, pipe or socket: name a file"):
                    stores.open(tmp_path / name, readonly=readonly)
            with pytest.raises(StoreError, match="is a device, pipe or socket"):
                stores.verify(tmp_path / name)


@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_a_new_store_may_be_read_by_its_owner_only_whatever_the_umask(umask: int, tmp_path: Path) -> None:
    before = os.umask(umask)
    try:
        with stores.open(tmp_path / "runs.sqlite") as store:
            store.put(spec(), run())
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"runs.sqlite": 0o600, "runs.sqlite-wal": 0o600, "runs.sqlite-shm": 0o600}


def test_a_store_behind_a_link_is_made_where_the_link_leads(tmp_path: Path) -> None:
    (tmp_path / "link.sqlite").symlink_to("real.sqlite")
    filled(tmp_path / "link.sqlite", OLD)
    assert (tmp_path / "link.sqlite").is_symlink()
    assert stores.verify(tmp_path / "real.sqlite").runs == len(OLD)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are text")
def test_a_path_that_is_not_utf_8_works(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"r\xff\xfe %41?#.sqlite")
    filled(path, OLD)
    assert os.listdir(os.fsencode(tmp_path)) == [b"r\xff\xfe %41?#.sqlite"]
    with stores.open(path, readonly=True) as store:
        assert store.count() == len(OLD)
        store.name.encode("utf-8")
    assert stores.verify(path).is_whole


def test_reading_leaves_no_files_beside_the_store_also_while_it_is_written(tmp_path: Path) -> None:
    path = filled(tmp_path / "runs.sqlite", OLD)
    before = path.read_bytes()
    with stores.open(path, readonly=True) as reader:
        assert reader.count() == len(OLD)
    stores.verify(path)
    stores.merge(tmp_path / "all.sqlite", [path])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["all.sqlite", "runs.sqlite"]
    assert path.read_bytes() == before
    writer = stores.open(path)
    writer.put(spec(1), run(1))
    reader = stores.open(path, readonly=True)
    writer.put(spec(2), run(2))
    assert reader.count() == len(OLD) + 2
    writer.close()
    reader.close()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["all.sqlite", "runs.sqlite"]
    assert re.search(f"{len(OLD) + 2} runs", str(stores.verify(path)))
