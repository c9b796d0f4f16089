"""A crash in the main process is one sentence and an exit code above 0, also where Python ends without a word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

CRASHING = """
import ctypes, os, threading, time
import torch

def crashes(x, y):
    ctypes.string_at(0)

def leaves(x, y):
    os._exit(0)

def a_thread_leaves(x, y):
    threading.Thread(target=lambda: os._exit(0)).start()
    time.sleep(60)

def interrupts(x, y):
    raise KeyboardInterrupt

class LeavesLater(torch.optim.SGD):
    steps = 0

    def step(self, closure=None):
        self.steps += 1
        if self.steps == 40:
            os._exit(0)
        return super().step(closure)

class InterruptsLater(torch.optim.SGD):
    steps = 0

    def step(self, closure=None):
        self.steps += 1
        if self.steps == 40:
            raise KeyboardInterrupt
        return super().step(closure)
"""


def slalom(*typed: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slalom", *typed]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(CRASHING)
    return tmp_path / "mine.py"


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("crashes", -signal.SIGSEGV, "in crashes ({file}, line 6): segmentation fault."),
        ("leaves", 2, "it raised `SystemExit: os._exit(0) (mine.py, line 9)`."),
        pytest.param("a_thread_leaves", 1, "ended without a word: killed, perhaps", marks=pytest.mark.slow),
        pytest.param("interrupts", 2, "it raised `KeyboardInterrupt (mine.py, line 16)`.", marks=pytest.mark.slow),
    ],
)
def test_a_crash_of_the_main_process_is_one_sentence(name: str, code: int, words: str, file: Path) -> None:
    done = slalom("race", f"{file}:{name}", "-o", "sgd", "--steps", "3")
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.count("Error: ") == 1
    assert words.format(file=file) in done.stderr


def test_optimizers_that_end_python_lose_their_own_runs_only(file: Path) -> None:
    bad = [word for name in ("LeavesLater", "InterruptsLater") for word in ("-o", f"{file}:{name}:lr=0.1")]
    done = slalom("race", "sphere", *bad, "-o", "adam:lr=0.1", "--steps", "60")
    assert (done.returncode, done.stderr) == (0, "")
    told = " ".join(done.stdout.split())
    assert "failed: SystemExit: os._exit(0) (mine.py, line 24)" in told
    assert "failed: KeyboardInterrupt (mine.py, line 33)" in told
    assert "Adam" in told.partition("remark")[0]
    assert "nterrupted" not in told
