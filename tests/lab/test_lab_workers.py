"""Worker processes: the same runs as in this process, and what happens when one dies or cannot help."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import slalom
from slalom.core import InputError
from slalom.lab import courses, parcels, workers

LOOPS = """
import os, time
from pathlib import Path

import torch

HERE = Path(__file__).parent

def train(make_optimizer, seed):
    make_optimizer([torch.nn.Parameter(torch.ones(1))])
    (HERE / f"pid-{seed}").write_text(str(os.getpid()))
    print("a word from the loop")
    while seed == 0 and not (HERE / "go").exists():
        time.sleep(0.02)
    yield {"test_loss": 1.0 + seed}

def process(make_optimizer, seed):
    make_optimizer([torch.nn.Parameter(torch.ones(1))])
    yield {"pid": float(os.getpid())}

def threads(make_optimizer, seed):
    make_optimizer([torch.nn.Parameter(torch.ones(1))])
    yield {"threads": float(torch.get_num_threads())}

def wrong(make_optimizer, seed):
    yield 3

def wrong_at_first(make_optimizer, seed):
    make_optimizer([torch.nn.Parameter(torch.ones(1))])
    while seed == 0 and not (HERE / "measured").exists():
        time.sleep(0.02)
    yield {"test_loss": 1.0} if seed else 3
    (HERE / "measured").touch()
    time.sleep(1)
"""


@pytest.fixture
def loops(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(LOOPS)
    return tmp_path


@pytest.fixture(autouse=True, scope="module")
def _leave_no_worker() -> Any:
    yield
    workers.dismiss()


def when(happens: Callable[[], bool], then: Callable[[], Any]) -> threading.Thread:
    """Do something beside the race, once something has happened."""

    def watch() -> None:
        deadline = time.monotonic() + 60
        while not happens() and time.monotonic() < deadline:
            time.sleep(0.02)
        then()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.mark.parametrize("engine", ["solo", "fleet"])
def test_workers_compute_what_this_process_computes(engine: str) -> None:
    specs = ["sgd:lr=0.1", "adam:lr=0.01"]
    here = slalom.race("digits-mlp", specs, seeds=2, steps=20, engine=engine, workers=1)
    there = slalom.race("digits-mlp", specs, seeds=2, steps=20, engine=engine, workers=2)
    assert there.remarks == ()
    np.testing.assert_array_equal(there.losses, here.losses)
    np.testing.assert_array_equal(there.final("test_loss"), here.final("test_loss"))
    assert [id(runner.optimizer) for runner in there.runners[:2]] == [id(there.runners[0].optimizer)] * 2


def test_a_loop_runs_in_other_processes_that_are_used_again(loops: Path) -> None:
    first = slalom.race(f"{loops}/mine.py:process", ["sgd"], seeds=6, workers=2).final("pid")
    again = slalom.race(f"{loops}/mine.py:process", ["sgd"], seeds=6, workers=2).final("pid")
    assert os.getpid() not in {*first, *again}
    assert len({*first, *again}) <= 2


def test_workers_compute_with_one_thread(loops: Path) -> None:
    assert slalom.race(f"{loops}/mine.py:threads", ["sgd"], seeds=2, workers=2).final("threads").tolist() == [1, 1]


def test_what_the_users_code_prints_stays_out_of_standard_output(
    loops: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (loops / "go").touch()
    slalom.race(f"{loops}/mine.py:train", ["sgd"], seeds=2, workers=2)
    captured = capfd.readouterr()
    assert captured.out == ""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
def test_a_worker_that_is_killed_leaves_a_run_that_says_so_and_hurts_nobody(loops: Path) -> None:
    pids = [loops / f"pid-{seed}" for seed in range(5)]
    killed: list[str] = []

    def kill() -> None:
        killed.append(pids[0].read_text())
        os.kill(int(killed[-1]), signal.SIGKILL)

    def waits_anew() -> bool:
        return pids[0].exists() and pids[0].read_text() not in {"", *killed} and pids[4].exists()

    killer = when(waits_anew, lambda: (kill(), when(waits_anew, kill).join()))  # it is tried once more
    found = slalom.race(f"{loops}/mine.py:train", ["sgd"], seeds=5, workers=2)
    killer.join()
    assert len(set(killed)) == 2
    sentence = "its process died (killed by SIGKILL; perhaps memory ran out)"
    assert [str(status) for status in found.statuses] == ["failed at step 0", *["finished"] * 4]
    assert found.runs[0].error == sentence
    assert found.remarks == (f"SGD, seed 0 failed: {sentence}",)
    np.testing.assert_array_equal(found.final("test_loss"), [np.nan, 2, 3, 4, 5])
    assert found.table().texts
    (loops / "go").touch()
    assert np.isfinite(slalom.race(f"{loops}/mine.py:train", ["sgd"], seeds=3, workers=2).final("test_loss")).all()


def test_an_idle_worker_that_has_died_is_replaced(loops: Path) -> None:
    slalom.race(f"{loops}/mine.py:process", ["sgd"], seeds=4, workers=2)
    for child in multiprocessing.active_children():
        child.kill()
        child.join()
    assert np.isfinite(slalom.race(f"{loops}/mine.py:process", ["sgd"], seeds=4, workers=2).final("pid")).all()


def test_units_come_back_in_the_order_in_which_they_finish(loops: Path) -> None:
    course: Any = courses.find(f"{loops}/mine.py:train")
    (optimizer,) = slalom.race(course, ["sgd"], seeds=1, seed=7, workers=1).runners
    runners = [optimizer._replace(seed=seed) for seed in range(3)]
    work = workers.Work(parcels.Job(course, "solo", None), [[runner] for runner in runners], 2)
    order = []
    for unit, _ in work.results():
        order.append(unit)
        if len(order) == 2:
            (loops / "go").touch()
    assert order == [1, 2, 0]


def test_progress_is_summed_over_workers() -> None:
    told: list[tuple[int, int]] = []
    slalom.race("digits-mlp", ["sgd", "adam"], seeds=2, steps=30, engine="solo", workers=2,
                progress=lambda done, total: told.append((done, total)))  # fmt: skip
    assert {total for _, total in told} == {120}
    assert told[-1] == (120, 120)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_refusal_in_a_worker_is_the_same_sentence(loops: Path) -> None:
    with pytest.raises(InputError) as error:
        slalom.race(f"{loops}/mine.py:wrong", ["sgd"], seeds=2, workers=2)
    assert str(error.value).endswith('yielded `3`: yield a mapping such as {"validation_loss": 0.3}.')


def test_a_refusal_loses_nothing_that_the_other_workers_finish(loops: Path) -> None:
    course: Any = courses.find(f"{loops}/mine.py:wrong_at_first")
    (optimizer,) = slalom.race("digits-mlp", ["sgd"], seeds=1, steps=1, workers=1).runners
    runners = [optimizer._replace(seed=seed) for seed in range(2)]
    work = workers.Work(parcels.Job(course, "solo", None), [[runner] for runner in runners], 2)
    finished: list[tuple[int, float]] = []
    with pytest.raises(InputError, match="yielded `3`"):
        finished.extend((unit, run.last["test_loss"]) for unit, runs in work.results() for run in runs)
    assert finished == [(1, 1.0)]


def test_what_does_not_pickle_is_computed_here_and_that_is_said_once() -> None:
    x = torch.ones(20, 2)
    task = slalom.Task(model=lambda: torch.nn.Linear(2, 1), train=(x, x.sum(1, keepdim=True)))
    found = slalom.race(task, ["sgd", "adam"], seeds=2, steps=2, engine="solo", workers=2)
    assert found.remarks == (
        "`task` or its optimizers cannot be sent to other processes and ran in this one: what is defined in a module, "
        'or in a script under whose `if __name__ == "__main__":` everything happens, can',
    )
    mixed = slalom.race(
        "digits-mlp", ["sgd", lambda p: torch.optim.Adam(p)], steps=2, engine="solo", workers=2, seeds=2
    )
    assert [status.kind for status in mixed.statuses] == ["finished"] * 4
    assert (
        mixed.remarks[0].startswith("`Adam` cannot be sent to other processes") or "cannot be sent" in mixed.remarks[0]
    )


SCRIPT = """
import os
import slalom
import torch

def train(make_optimizer, seed):
    make_optimizer([torch.nn.Parameter(torch.ones(1))])
    yield {{"pid": float(os.getpid())}}

print("the script runs")
{guard}
    race = slalom.race(train, ["sgd"], seeds=3, workers=2)
    print(len(set(race.final("pid")) - {{os.getpid()}}) > 0, len(race.remarks))
"""


@pytest.mark.parametrize(("guard", "printed"), [('if __name__ == "__main__":', "True 0"), ("if True:", "False 1")])
def test_a_script_need_not_be_guarded_but_gains_by_it(guard: str, printed: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT.format(guard=guard))
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout == f"the script runs\n{printed}\n"


def test_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "available_memory", lambda: 10**12)
    if hasattr(os, "sched_getaffinity"):
        assert workers.cores() == len(os.sched_getaffinity(0))
    monkeypatch.setattr(workers, "available_memory", lambda: 3 * 2**29)
    assert workers.cores() == 1


def test_a_parcel_names_what_can_be_found_again(loops: Path) -> None:
    packed = parcels.parcel(courses.find(f"{loops}/mine.py:train"))
    assert packed is not None
    assert len(packed) < 500
    assert pickle.loads(packed).name == f"{loops}/mine.py:train"
    assert parcels.parcel(lambda: 0) is None
