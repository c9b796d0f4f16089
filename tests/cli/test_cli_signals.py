"""Signals, threads and kills: a study that is ended keeps what is finished, and leaves no process or file behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from slalom import store as stores
from slalom.core import InputError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc")

SLALOM = [sys.executable, "-m", "slalom"]
LONG = (
    "study", "digits-mlp", "-o", "sgd", "-o", "adam", "--epochs", "6", "--seeds", "20", "--engine", "solo",
    "--workers", "2", "--store", "s.sqlite",
)  # fmt: skip
"""Some hundred units of a fraction of a second each."""

IGNORING = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, "-m", "slalom", *sys.argv[1:]])
"""

THREAD = """
import threading, time
threading.Thread(target=time.sleep, args=(1e6,)).start()

def bowl(x, y):
    return x**2 + y**2
"""


class Started:
    """A slalom with a session and a folder for temporary files of its own."""

    def __init__(self, folder: Path, *typed: str, command: list[str] = SLALOM):
        self.temporary = Path(tempfile.mkdtemp())  # with a short name, as a socket's must be
        self.process = subprocess.Popen(
            [*command, *typed],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def when(self, happens: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not happens() and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)

    def send(self, number: int, to_all: bool) -> tuple[int, str, str]:
        (os.killpg if to_all else os.kill)(self.process.pid, number)
        out, errors = self.process.communicate(timeout=120)
        return self.process.returncode, out, errors

    def left(self) -> list[str]:
        """Everything in its folder for temporary files but the cache that torch makes there when it is imported."""
        return [entry.name for entry in self.temporary.iterdir() if not entry.name.startswith("torchinductor_")]

    def processes(self) -> list[str]:
        """The processes of its session that there are, zombies left out."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, _, _, session = entry.read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(session) == self.process.pid and state != "Z":
                found.append(entry.parent.name)
        return found


def stored(path: Path) -> int:
    try:
        with stores.open(path, create=False, readonly=True) as store:
            return store.count()
    except InputError:
        return 0


def starting(run: Started) -> bool:
    """Whether the process from which workers are forked has begun: it imports for seconds."""
    return any(run.temporary.glob("slalom-workers-*/listener-*"))


def test_ctrl_c_while_workers_start_prints_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    run = Started(tmp_path, *LONG)
    run.when(lambda: starting(run))
    code, _, errors = run.send(signal.SIGINT, to_all=True)
    assert (code, "Traceback" in errors) == (130, False), errors
    assert (run.processes(), run.left()) == ([], [])


def test_sigterm_to_all_processes_ends_a_study_like_ctrl_c(tmp_path: Path) -> None:
    run = Started(tmp_path, *LONG)
    run.when(lambda: stored(tmp_path / "s.sqlite") > 0)
    code, _, errors = run.send(signal.SIGTERM, to_all=True)
    assert code == 143, errors
    assert errors.endswith("what was finished is kept, and the same command goes on from there.\n")
    assert (run.processes(), run.left()) == ([], [])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["s.sqlite"]
    assert stored(tmp_path / "s.sqlite") > 0


@pytest.mark.slow
def test_after_a_kill_the_workers_end_and_nothing_is_left(tmp_path: Path) -> None:
    run = Started(tmp_path, *LONG)
    run.when(lambda: stored(tmp_path / "s.sqlite") > 0)
    run.send(signal.SIGKILL, to_all=False)
    deadline = time.monotonic() + 30
    while run.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert run.processes() == []
    assert run.left() == []
    assert stores.verify(tmp_path / "s.sqlite").is_whole


def test_a_thread_of_the_users_does_not_keep_the_command_alive(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(THREAD)
    done = subprocess.run(
        [*SLALOM, "race", "mine.py:bowl", "-o", "sgd:lr=0.1", "--steps", "3"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "SGD" in done.stdout


def test_a_background_job_is_not_disturbed_by_ctrl_c_and_a_closed_terminal(tmp_path: Path) -> None:
    typed = ("study", "digits-mlp", "-o", "sgd", "-o", "adam", "--epochs", "1", "--seeds", "2", "--track", "defaults")
    run = Started(tmp_path, *typed, "--store", "s.sqlite", command=[sys.executable, "-c", IGNORING])
    run.when(lambda: (tmp_path / "s.sqlite").exists())
    for _ in range(3):
        os.killpg(run.process.pid, signal.SIGINT)
        os.killpg(run.process.pid, signal.SIGHUP)
        time.sleep(0.1)
    out, errors = run.process.communicate(timeout=120)
    assert run.process.returncode == 0, errors
    assert "Interrupted" not in errors
    assert "Adam" in out


@pytest.mark.slow
def test_sigterm_ends_a_background_job_that_ignores_ctrl_c(tmp_path: Path) -> None:
    """As in a script, where what is started with `&` ignores SIGINT."""
    typed = (
        "race",
        "digits-mlp",
        "-o",
        "sgd",
        "--seeds",
        "2",
        "--epochs",
        "5000",
        "--engine",
        "solo",
        "--workers",
        "2",
    )
    run = Started(tmp_path, *typed, command=[sys.executable, "-c", IGNORING])
    run.when(lambda: len(run.processes()) > 2)
    time.sleep(3)
    code, _, errors = run.send(signal.SIGTERM, to_all=False)
    assert code == 143, errors
    assert "Interrupted" in errors


@pytest.mark.slow
def test_whenever_a_study_is_ended_it_leaves_nothing_behind(tmp_path: Path) -> None:
    """Sixty random moments and signals; the store goes on from one to the next."""
    chance = np.random.default_rng(7)
    codes = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
    for _ in range(60):
        number = list(codes)[int(chance.integers(3))]
        run = Started(tmp_path, *LONG)
        time.sleep(chance.uniform(0.6, 12))
        over = run.process.poll() is not None
        code, _, errors = run.send(number, to_all=bool(chance.integers(2)))
        assert code == (0 if over else codes[number]), errors
        assert "Traceback" not in errors
        assert (run.processes(), run.left()) == ([], [])
        assert not (tmp_path / "s.sqlite-wal").exists()
    assert stores.verify(tmp_path / "s.sqlite").is_whole
