"""Large data lie in the machine once: what another process opens is the same, and nothing is left behind."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import idx_files
import numpy as np
import pytest
import torch

import slalom
from slalom.lab import parcels
from slalom.tasks import files, images, sharing

MANY = sharing.LARGE // 4 + 5_003


@pytest.fixture(params=["nameless", "temporary"])
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Both ways to share; the folder is the one for temporary files."""
    if request.param == "nameless" and not sharing.NAMELESS:
        pytest.skip("there are no files without a name here")
    monkeypatch.setattr(sharing, "NAMELESS", request.param == "nameless")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def large() -> torch.Tensor:
    return torch.randn(MANY, generator=torch.Generator().manual_seed(0))


def reading(block: sharing.Block, code: str) -> str:
    """What another process prints of a block."""
    script = f"import pickle, sys\nx = pickle.loads(sys.stdin.buffer.read()).open()\n{textwrap.dedent(code)}"
    done = subprocess.run([sys.executable, "-c", script], input=pickle.dumps(block), capture_output=True, check=True)
    return done.stdout.decode().strip()


def test_another_process_reads_the_same_bits_and_writes_for_itself(where: Path) -> None:
    x = large().view(1, -1)
    block = sharing.shared(x)
    assert block is not None
    total = int(x.view(torch.int32).sum())
    seen = reading(block, "import torch\nprint(list(x.shape), int(x.view(torch.int32).sum()))\nx.zero_()")
    assert seen == f"[1, {MANY}] {total}"
    assert int(block.open().view(torch.int32).sum()) == total


def test_a_tensor_is_written_once_and_anew_when_it_has_changed(where: Path) -> None:
    x = large()
    x[1] = float("nan")
    first = sharing.shared(x)
    assert sharing.shared(x) is first
    x.numpy()[0] = 7  # which torch does not notice
    second = sharing.shared(x)
    assert second is not None
    assert second != first
    assert second.open()[0] == 7


def test_nothing_is_left_of_a_tensor_that_is_gone(where: Path) -> None:
    gc.collect()  # what earlier tests have left
    before = len(os.listdir("/proc/self/fd")) if sharing.NAMELESS else 0
    x = large()
    block = sharing.shared(x)
    assert block is not None
    assert len(list(where.iterdir())) == (0 if sharing.NAMELESS else 1)
    del x
    gc.collect()
    assert list(where.iterdir()) == []
    if sharing.NAMELESS:
        assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(sharing.SharingError):
        block.open()


def test_another_file_of_the_same_path_is_not_taken_for_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0" * 16)
    with pytest.raises(sharing.SharingError, match="another file"):
        sharing.Block(str(tmp_path / "file"), (0, 0), "float32", (4,)).open()


def test_small_odd_and_differentiated_tensors_are_not_shared() -> None:
    x = large()
    for other in (x[:10], x[::2], x.clone().requires_grad_(), torch.nn.Parameter(x), x.to_sparse(), x.numpy()):
        assert sharing.shared(other) is None


def test_without_room_for_it_nothing_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "NAMELESS", False)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere/at/all")
    x = large()
    assert sharing.shared(x) is None
    packed = parcels.parcel(x)
    assert packed is not None
    assert len(packed) > x.nbytes
    assert torch.equal(parcels.unpacked(packed, ""), x)


def net() -> Any:
    return torch.nn.Linear(MANY // 1000, 1)


@pytest.mark.parametrize("given", ["tensors", "TensorDataset", "function", "test too"])
def test_a_task_of_the_users_own_is_handed_over_with_its_data(given: str, where: Path) -> None:
    x, y = large()[: MANY // 1000 * 1000].view(1000, -1), torch.arange(1000.0)[:, None]
    train: Any = {"TensorDataset": torch.utils.data.TensorDataset(x, y)}.get(given, (x, y))
    task = slalom.Task(net, (lambda: (x, y)) if given == "function" else train, test=(x, y) if "too" in given else None)
    task.examples()
    packed = parcels.parcel(task)
    assert packed is not None
    assert len(packed) < 50_000
    again = parcels.unpacked(packed, "")
    assert torch.equal(again.examples().inputs[0], task.examples().inputs[0])
    for mine, theirs in zip(task.splits(3).named().items(), again.splits(3).named().items(), strict=True):
        assert mine[0] == theirs[0]
        np.testing.assert_array_equal(mine[1], theirs[1])
    if given != "function":  # a lambda, of which nothing but its data can be sent
        whole = pickle.loads(pickle.dumps(task))  # what the user pickles does not depend on this process
        assert torch.equal(whole.examples().target, task.examples().target)


def test_published_images_need_no_copy_to_be_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "LARGE", 1000)
    images.published.cache_clear()
    idx_files.write(tmp_path, idx_files.four())
    (pixels,), _ = images.published(files.MNIST, str(tmp_path), centred=True).examples
    images.published.cache_clear()
    block = sharing.shared(pixels)
    assert block is not None
    assert torch.equal(block.open(), pixels)
    pixels[0] = 9
    assert float(block.open()[0].min()) == 9 or not sharing.NAMELESS


ORPHAN = """
import glob, os, signal, sys, tempfile
import torch
import slalom
from slalom.lab import parcels, training, workers
from slalom.optimizers import parse_all
from slalom.tasks import sharing

sharing.NAMELESS = False

def net():
    return torch.nn.Linear(40, 1)

if __name__ == "__main__":
    tempfile.tempdir = sys.argv[1]
    x = torch.randn(200_000, 40)
    task = slalom.Task(net, (x, x.sum(1, keepdim=True)))
    runners = training.enlist(parse_all(["sgd:lr=0.001"]), [0, 1])
    job = parcels.Job(task, "solo", training.conditions(task, 0, steps=3))
    task.examples()
    runs = [run for _, runs in workers.Work(job, [[r] for r in runners], 2).results() for run in runs]
    print(len(glob.glob(sys.argv[1] + '/slalom-*')), [run.error for run in runs], flush=True)
    if sys.argv[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_temporary_files_vanish_with_the_processes(end: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(ORPHAN)
    folder = tmp_path / "temporary"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "script.py", str(folder), end], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.stdout == "1 ['', '']\n", done.stderr
    assert (done.returncode == 0) == (end == "exit")
    # The output is read to its end only when the workers, who have it too, have ended.
    ends = time.monotonic() + 30
    while list(folder.glob("slalom-*")) and time.monotonic() < ends:  # the last of them removes its own files
        time.sleep(0.05)
    assert list(folder.glob("slalom-*")) == []
