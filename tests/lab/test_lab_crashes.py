"""Optimizers, models and loops that crash or hang before the first run: the study says which, and slalom goes on."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import slalom
from slalom.core import InputError
from slalom.lab.workers import dismiss
from slalom.store import MemoryStore

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there are no such signals")

CRASHING = """
import ctypes, os, time
import torch

class AbortsInInit(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        os.abort()

class ExitsInStep(torch.optim.SGD):
    def step(self, closure=None):
        os._exit(7)

class HangsInStep(torch.optim.SGD):
    def step(self, closure=None):
        time.sleep(1e6)

class AbortsOnNetworks(torch.optim.SGD):
    def step(self, closure=None):
        if self.param_groups[0]["params"][0].numel() > 100:
            os.abort()
        return super().step(closure)

def crashing_loop(make_optimizer, seed):
    ctypes.string_at(0)
    yield {"validation_loss": 1.0}
"""

TASK = """
import os, time
import torch
import slalom

x = torch.randn(64, 3, generator=torch.Generator().manual_seed(0))
{at_import}

def model():
    {in_model}
    return torch.nn.Linear(3, 1)

task = slalom.Task(model=model, train=(x, x.sum(1, keepdim=True)), batch_size=16, validation=0.25)
"""

TERMS: dict[str, Any] = {"track": "defaults", "seeds": 2, "steps": 10}


@pytest.fixture
def crashing(tmp_path: Path) -> Iterator[str]:
    """A file with the classes above."""
    (tmp_path / "crashing.py").write_text(CRASHING)
    yield f"{tmp_path}/crashing.py"
    dismiss()  # workers that know this file


@pytest.mark.parametrize(
    ("optimizer", "reason"),
    [("AbortsInInit", "died (killed by SIGABRT)"), ("ExitsInStep", "died (exit code 7)")],
)
def test_a_class_that_ends_its_process_when_it_is_tried_is_refused(crashing: str, optimizer: str, reason: str) -> None:
    with pytest.raises(InputError) as refusal:
        slalom.study("digits-mlp", ["sgd:lr=0.1", f"{crashing}:{optimizer}"], workers=2, store=MemoryStore(), **TERMS)
    assert "when slalom tried a few steps of it" in str(refusal.value)
    assert reason in str(refusal.value)


def test_a_class_that_hangs_when_it_is_tried_is_refused_after_the_limit(
    crashing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slalom.lab.guarding.AT_LEAST", 1.0)
    with pytest.raises(InputError, match=r"took longer than the limit of 1 s"):
        slalom.study("digits-mlp", ["sgd", f"{crashing}:HangsInStep"], timeout=0.5, store=MemoryStore(), **TERMS)


def test_a_crash_in_the_only_unit_of_a_study_with_workers_is_a_failed_run(crashing: str, tmp_path: Path) -> None:
    """Also the trial steps of the plan crash: they are made in a worker."""
    specs = ["sgd:lr=0.1", f"{crashing}:AbortsOnNetworks:lr=0.1"]
    found: Any = slalom.study("digits-mlp", specs, workers=2, store=tmp_path / "runs.sqlite", **TERMS)
    assert "All but 2, whose process died or took too long, are saved in" in found.remarks[-1]
    failed = [one.run.error for one in found.evaluations["AbortsOnNetworks"]]
    assert failed == ["its process died (killed by SIGABRT)"] * 2
    alone: Any = slalom.race("digits-mlp", specs[:1], seeds=2, steps=10, engine="solo", workers=1)
    np.testing.assert_array_equal(found.results.array("SGD"), alone.final("test_accuracy"))


def test_a_loop_that_crashes_before_its_first_evaluation_is_refused(crashing: str) -> None:
    with pytest.raises(InputError, match=r" failed: its process died \(killed by SIGSEGV\)"):
        slalom.study(f"{crashing}:crashing_loop", ["sgd", "adam"], workers=2, seeds=2, track="defaults")


@pytest.mark.parametrize(
    ("place", "does", "reason"),
    [
        ("at_import", "os._exit(0)", "its process died (exit code 0)"),
        ("in_model", "os._exit(0)", "its process died (exit code 0)"),
        ("in_model", "os.abort()", "its process died (killed by SIGABRT)"),
    ],
)
def test_a_task_that_ends_its_process_is_refused_where_there_are_workers(
    place: str, does: str, reason: str, tmp_path: Path
) -> None:
    parts = {"at_import": "", "in_model": "pass"} | {place: does}
    (tmp_path / "crashing_task.py").write_text(TASK.format(**parts))
    with pytest.raises(InputError, match="when slalom tried it") as refusal:
        slalom.race(f"{tmp_path}/crashing_task.py:task", ["sgd"], workers=2)
    assert reason in str(refusal.value)
    assert "crashing_task.py:task" in str(refusal.value)


def test_a_task_whose_model_hangs_is_refused_after_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slalom.lab.guarding.AT_LEAST", 1.0)
    (tmp_path / "hanging_task.py").write_text(TASK.format(at_import="", in_model="time.sleep(1e6)"))
    with pytest.raises(InputError, match=r"task`: took longer than the limit of 1 s when slalom tried it"):
        slalom.study(f"{tmp_path}/hanging_task.py:task", ["sgd"], timeout=0.5, store=MemoryStore(), **TERMS)


def test_the_model_of_a_task_is_made_no_more_often_where_there_are_workers(tmp_path: Path) -> None:
    count = f"open({str(tmp_path / 'calls')!r}, 'a').write('x')"
    (tmp_path / "counting_task.py").write_text(TASK.format(at_import="", in_model=count))
    slalom.race(f"{tmp_path}/counting_task.py:task", ["sgd", "adam"], seeds=2, steps=4, workers=2)
    assert len((tmp_path / "calls").read_text()) <= 4 + 3
