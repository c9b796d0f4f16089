"""A crash in the main process, where nothing of Python's runs any more, is still one sentence."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

CRASHING = """
import ctypes, os

def crashes(x, y):
    ctypes.string_at(0)

def leaves(x, y):
    os._exit(5)
"""


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("crashes", -signal.SIGSEGV, "in crashes ({file}, line 5): segmentation fault."),
        ("leaves", 5, "ended without a word: killed, perhaps for lack of memory, or by `os._exit`."),
    ],
)
def test_a_crash_of_the_main_process_is_one_sentence(name: str, code: int, words: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(CRASHING)
    command = [sys.executable, "-m", "slalom", "race", f"{file}:{name}", "-o", "sgd", "--steps", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("Error: slalom's process ")
    assert words.format(file=file) in done.stderr
    assert done.stderr.count("\n") == 1
