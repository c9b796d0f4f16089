"""Studies whose disk is full, whose store cannot be written, that share a store, whose optimizers never come back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from studies import PAIR, SHORT, bits, small_study

import slalom
from slalom.lab.studying import Study
from slalom.lab.workers import dismiss
from slalom.store import MemoryStore, Store, StoreError, verify
from slalom.store import open as open_store

TYPED = (
    "digits-mlp",
    "-o",
    "sgd",
    "-o",
    "adam",
    "--epochs",
    "2",
    "--seeds",
    "5",
    "--engine",
    "field",
    "--workers",
    "1",
)


@pytest.fixture(scope="module")
def small() -> Study:
    return small_study(MemoryStore())


def start(*typed: str, largest_file: int | None = None) -> subprocess.Popen[str]:
    """Start ``slalom study``; no file of its may grow beyond ``largest_file`` bytes, as on a full disk."""

    def limit() -> None:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write then fails, as it does where a disk is full
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    return subprocess.Popen(
        [sys.executable, "-m", "slalom", "study", *typed], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=None if largest_file is None else limit,
    )  # fmt: skip


def resumed(path: Path) -> Study:
    store: Store
    with open_store(path) as store:
        found = slalom.study("digits-mlp", PAIR, store=store, **SHORT)
    assert isinstance(found, Study)
    return found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no limits of a process's files here")
def test_a_full_disk_is_told_in_one_sentence_and_the_study_goes_on_once_there_is_room(
    small: Study, tmp_path: Path
) -> None:
    path = tmp_path / "runs.sqlite"
    process = start(*TYPED, "--store", str(path), largest_file=120_000)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (2, ""), err
    complaint = err.strip().splitlines()[-1]
    assert complaint.startswith("Error: `")
    assert "could not be written, the disk may be full" in complaint
    assert complaint.endswith("what was acknowledged is kept; make room and start again.")
    assert "Traceback" not in err
    assert verify(path).is_whole
    found = resumed(path)
    assert 0 < found.computed < len(small.runs()), "what had been stored before is there"
    assert list(map(bits, found.runs())) == list(map(bits, small.runs()))
    assert found.verdict() == small.verdict()


def test_a_store_that_can_only_be_read_is_refused_before_anything_is_computed(small: Study, tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    with open_store(path):
        pass
    with open_store(path, readonly=True) as store, pytest.raises(StoreError, match="may not be written"):
        slalom.study("digits-mlp", PAIR, store=store, **SHORT)


def test_two_studies_on_one_store_at_once_end_as_if_each_were_alone(small: Study, tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    other = ("digits-mlp", "-o", "adam", "-o", "adamw", *TYPED[5:])
    processes = [start(*typed, "--store", str(path)) for typed in (TYPED, other)]
    for process in processes:
        _, err = process.communicate(timeout=180)
        assert process.returncode == 0, err
    assert verify(path).is_whole
    found = resumed(path)
    assert found.computed == 0
    assert list(map(bits, found.runs())) == list(map(bits, small.runs()))
    with open_store(path) as store:
        assert store.count() == 3 * 36, "what both have in common is there once"


HANGING = """
import time
import torch

class Hanging(torch.optim.SGD):
    made = 0

    def step(self, closure=None):
        if self.param_groups[0]["params"][0].numel() > 100:
            self.made += 1
            if self.made >= {first} and self.param_groups[0]["lr"] > 1:
                time.sleep(1e6)
        return super().step(closure)
"""


@pytest.fixture(params=[30, 2], ids=["in its thirtieth step", "already while the plan is made"])
def hanging(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "hanging.py").write_text(HANGING.format(first=request.param))
    monkeypatch.chdir(tmp_path)
    yield
    dismiss()
    sys.modules.pop("hanging", None)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no alarms here")
def test_an_optimizer_that_hangs_is_ended_and_the_others_go_on(hanging: None) -> None:
    terms: Mapping[str, Any] = {**SHORT, "engine": "solo", "workers": 2, "timeout": 6, "track": "defaults"}
    store = MemoryStore()
    found = slalom.study("digits-mlp", ["sgd:lr=0.1", "hanging.py:Hanging:lr=2"], store=store, **terms)
    assert isinstance(found, Study)
    assert np.isfinite(found.results.array("SGD")).all()
    errors = {one.run.error for one in found.evaluations["Hanging"]}
    assert len(errors) == 1
    assert "longer than" in errors.pop()
    verdict = found.judgement.entry("Hanging").verdict
    assert verdict is not None
    assert verdict.word == "not comparable"
    assert "5 of 5 runs of Hanging failed" in verdict.sentence, verdict.sentence
    assert store.count() == 5, "what a limit cut short is tried again another time"


class Interrupting(MemoryStore):
    """Sends this process Ctrl-C within its n-th transaction."""

    def __init__(self, place: int):
        super().__init__()
        self.place = place

    def put_all(self, runs: Any) -> Any:
        self.place -= 1
        if self.place == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return super().put_all(runs)


def test_ctrl_c_at_the_last_unit_of_a_stage_ends_the_study() -> None:
    """It used to be noted when nothing of the stage was left to stop, and the next stage began."""
    store = Interrupting(2)  # both workers' units of the first stage
    with pytest.raises(KeyboardInterrupt):
        slalom.study("sphere", PAIR, store=store, steps=5, seeds=2, workers=2)
    assert (store.place, store.count()) == (0, 28)  # two optimizers, seven trials, two seeds
    dismiss()


def test_ctrl_c_at_the_verdict_on_one_course_ends_a_study_of_several() -> None:
    class Judged(MemoryStore):
        saved = 0

        def save_study(self, *given: Any, **named: Any) -> Any:
            self.saved += 1
            if self.saved == 3:  # both plans were saved before
                os.kill(os.getpid(), signal.SIGINT)
            return super().save_study(*given, **named)

    store = Judged()
    with pytest.raises(KeyboardInterrupt):
        slalom.study(["sphere", "rosenbrock"], PAIR, store=store, track="defaults", steps=5, seeds=2, workers=1)
    assert {run.spec.course for run in store} == {"sphere"}
