"""Studies that are killed and go on, optimizers that raise, workers that die."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from studies import PAIR, SHORT, bits, small_study

import slalom
from slalom.core import InputError
from slalom.lab.studying import Study
from slalom.lab.workers import dismiss
from slalom.store import MemoryStore, Store
from slalom.store import open as open_store


@pytest.fixture(scope="module")
def small() -> Study:
    return small_study(MemoryStore())


# -- killed, and continued -----------------------------------------------------------------------------------------

KILLED = """
import slalom
if __name__ == "__main__":
    slalom.study("digits-mlp", ["sgd", "adam"], epochs=2, seeds=5, engine="field", workers=1, store={path!r})
"""


def killed_after(path: Path, runs: int, folder: Path, pause: float = 0.0) -> int:
    """Start a study in a process of its own, kill it once so many runs are stored, and return how many there are."""
    script = folder / "study.py"
    script.write_text(KILLED.format(path=str(path)))
    process = subprocess.Popen([sys.executable, str(script)], env=os.environ)
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline and process.poll() is None:
            if path.exists() and stored(path) >= runs:
                time.sleep(pause)
                break
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    return stored(path)


def stored(path: Path) -> int:
    try:
        with open_store(path, create=False, readonly=True) as store:
            return store.count()
    except InputError:  # it is being made
        return 0


def test_a_study_that_was_killed_goes_on_and_ends_like_one_that_was_not(small: Study, tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    before = killed_after(path, 20, tmp_path)
    assert 0 < before < len(small.runs())
    store: Store
    with open_store(path) as store:
        resumed = slalom.study("digits-mlp", PAIR, store=store, **SHORT)
    assert resumed.computed == len(small.runs()) - before
    assert list(map(bits, resumed.runs())) == list(map(bits, small.runs()))
    assert resumed.verdict() == small.verdict()
    assert resumed.table().texts[0][:5] == small.table().texts[0][:5]


@pytest.mark.slow
def test_wherever_a_study_is_killed_it_ends_like_one_that_was_not(small: Study, tmp_path: Path) -> None:
    """Fifty random moments, each with a store of its own: between two units, within one, before the first."""
    chance = np.random.default_rng(4)
    cut_short = 0
    for moment in range(50):
        path = tmp_path / f"runs{moment}.sqlite"
        before = killed_after(path, int(chance.integers(0, 72)), tmp_path, float(chance.uniform(0, 0.05)))
        with open_store(path) as store:
            resumed = slalom.study("digits-mlp", PAIR, store=store, **SHORT)
        assert resumed.computed == len(small.runs()) - before
        assert list(map(bits, resumed.runs())) == list(map(bits, small.runs()))
        assert resumed.verdict() == small.verdict()
        cut_short += before < len(small.runs())
    assert cut_short > 25


FAULTY = """
import os, signal
from pathlib import Path
import torch

MARKER = Path(__file__).parent / "died"

class Raising(torch.optim.SGD):
    def step(self, closure=None):
        if self.param_groups[0]["params"][0].numel() > 100:  # on a network, not when slalom tries it
            raise ArithmeticError("no more steps")
        return super().step(closure)

class Dying(torch.optim.SGD):
    def step(self, closure=None):
        if self.param_groups[0]["params"][0].numel() > 100 and not MARKER.exists():
            MARKER.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step(closure)
"""


@pytest.fixture
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "faulty.py").write_text(FAULTY)
    monkeypatch.chdir(tmp_path)
    yield
    dismiss()  # workers that know this path
    sys.modules.pop("faulty", None)


def test_an_optimizer_that_raises_is_recorded_with_its_reason_and_the_others_go_on(faulty: None) -> None:
    kept = MemoryStore()
    terms = {**SHORT, "epochs": 1, "workers": 2, "engine": "solo", "store": kept}
    found = slalom.study("digits-mlp", ["sgd:lr=0.1", "faulty.py:Raising:lr=0.1"], **terms)
    verdict = found.judgement.entry("Raising").verdict
    assert verdict is not None
    assert verdict.word == "not comparable"
    assert "5 of 5 runs of Raising failed (ArithmeticError: no more steps (faulty.py, line " in verdict.sentence
    assert np.isfinite(found.results.array("SGD")).all()
    assert {one.status.kind for one in kept} == {"finished", "failed"}


def test_runs_whose_worker_was_killed_are_tried_once_more(faulty: None, tmp_path: Path) -> None:
    terms = {**SHORT, "epochs": 1, "workers": 2, "store": MemoryStore()}
    found = slalom.study("digits-mlp", ["sgd:lr=0.1", "faulty.py:Dying:lr=0.1"], **terms)
    assert (tmp_path / "died").exists()
    np.testing.assert_array_equal(found.results.array("SGD"), found.results.array("Dying"))
    assert not any("failed" in warning for warning in found.warnings)
