"""Runs that never end, that exhaust the memory, that end their process: they alone are lost, and say why."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import slalom
from slalom.core import Run
from slalom.lab import courses, parcels, training, worker_pool, workers
from slalom.lab.workers import Work
from slalom.optimizers import parse_all
from slalom.tasks import sharing

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there are no such signals")

OPTIMIZERS = '''
import os, time
import torch

class Faulty(torch.optim.SGD):
    """SGD whose third step on a network, not in slalom's trial of it, goes wrong for a learning rate of 0.2."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
        self.made = 0

    def step(self, closure=None):
        self.made += self.param_groups[0]["params"][0].numel() > 100
        if self.made >= 3 and self.param_groups[0]["lr"] == 0.2:
            self.go_wrong()
        return super().step(closure)

class Sleeper(Faulty):
    def go_wrong(self):
        time.sleep(1e6)

class Slow(Faulty):
    def go_wrong(self):
        time.sleep(0.5)

class Spinner(Faulty):
    def go_wrong(self):
        while True:
            pass

class Suicide(Faulty):
    def go_wrong(self):
        os.kill(os.getpid(), 9)

class Once(Faulty):
    def go_wrong(self):
        from pathlib import Path
        mark = Path(__file__).with_suffix(".killed")
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), 9)

class Glutton(Faulty):
    def go_wrong(self):
        import resource
        before = resource.getrlimit(resource.RLIMIT_AS)
        taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + 2**28, before[1]))
        try:
            self.hoard = [torch.ones(2**24) for _ in range(100)]
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
'''

STEPS = 5


@pytest.fixture(autouse=True)
def _leave_no_worker() -> Iterator[None]:
    yield
    workers.dismiss()


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module beside the tests' own that workers can import too."""
    path = tmp_path / f"faults_{tmp_path.name}.py"
    path.write_text(OPTIMIZERS)
    workers.dismiss()  # those that are there look for modules elsewhere
    return path


def runners_of(faults: Path, optimizer: str, rates: Sequence[float]) -> list[Any]:
    return training.enlist(parse_all([f"{faults}:{optimizer}:lr={rate}" for rate in rates]), [0])


def work(units: Sequence[Sequence[Any]], hands: int, timeout: float | None, engine: str = "solo") -> Work:
    task: Any = courses.find("digits-mlp")
    job = parcels.Job(task, engine, training.conditions(task, 0, steps=STEPS, evaluate_every=STEPS))
    return Work(job, units, hands, timeout)


def here(runners: Sequence[Any]) -> list[Run]:
    """What this process computes of the same runs, one at a time."""
    return [run for _, (run,) in sorted(work([[runner] for runner in runners], 1, None).results())]


def assert_others_are_whole(runs: Sequence[Run], faults: Path, optimizer: str, rates: Sequence[float]) -> None:
    """All but 0.2's runs are those that this process computes, bit for bit."""
    innocent = [rate for rate in rates if rate != 0.2]
    expected = here(runners_of(faults, optimizer, innocent))
    found = [run for run, rate in zip(runs, rates, strict=True) if rate != 0.2]
    for run, right in zip(found, expected, strict=True):
        assert run.error == ""
        np.testing.assert_array_equal(run.losses, right.losses)
        assert run.last["test_loss"] == right.last["test_loss"]


@pytest.mark.parametrize("optimizer", ["Sleeper", "Spinner"])
def test_a_run_without_an_end_is_ended_and_the_others_go_on(optimizer: str, faults: Path) -> None:
    rates = [0.1, 0.2, 0.3, 0.4]
    runners = runners_of(faults, optimizer, rates)
    found = dict(work([[runner] for runner in runners], 2, 3.0).results())
    assert [found[k][0].error for k in range(4)] == ["", "took longer than the limit of 3 s", "", ""]
    assert_others_are_whole([found[k][0] for k in range(4)], faults, optimizer, rates)


@pytest.mark.parametrize("engine", ["solo", "field"])
def test_of_a_unit_that_takes_too_long_only_the_guilty_run_is_lost(engine: str, faults: Path) -> None:
    rates = [0.1, 0.2, 0.3]
    told: list[tuple[int, int]] = []
    given = work([runners_of(faults, "Sleeper", rates)], 1, 2.0, engine)
    ((index, runs),) = given.results(lambda done, total: told.append((done, total)))
    assert index == 0
    assert [run.error for run in runs] == ["", "took longer than the limit of 2 s", ""]
    assert told[-1] == (3 * STEPS, 3 * STEPS)
    assert told == sorted(told)
    if engine == "solo":
        assert_others_are_whole(runs, faults, "Sleeper", rates)


def test_of_a_unit_whose_worker_dies_only_the_guilty_run_is_lost(faults: Path) -> None:
    rates = [0.1, 0.2, 0.3, 0.4]
    units = [runners_of(faults, "Suicide", rates[:3]), runners_of(faults, "Suicide", rates[3:])]
    found = dict(work(units, 2, None).results())
    runs = [*found[0], *found[1]]
    died = "its process died (killed by SIGKILL; perhaps memory ran out)"
    assert [run.error for run in runs] == ["", died, "", ""]
    assert_others_are_whole(runs, faults, "Suicide", rates)


def test_a_run_whose_worker_dies_once_is_tried_again(faults: Path) -> None:
    units = [[runner] for runner in runners_of(faults, "Once", [0.2, 0.1])]
    found = dict(work(units, 2, None).results())
    assert faults.with_suffix(".killed").exists()
    assert [found[k][0].error for k in range(2)] == ["", ""]
    np.testing.assert_array_equal(found[0][0].losses, here(runners_of(faults, "Once", [0.2]))[0].losses)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="how much is taken is not told here")
def test_a_run_that_exhausts_the_memory_says_so(faults: Path) -> None:
    rates = [0.1, 0.2, 0.3]
    found = dict(work([[runner] for runner in runners_of(faults, "Glutton", rates)], 2, 30.0).results())
    runs = [found[k][0] for k in range(3)]
    assert "allocate" in runs[1].error
    assert len(runs[1].losses) == 2
    assert_others_are_whole(runs, faults, "Glutton", rates)


def test_with_a_timeout_even_one_worker_is_a_process_and_a_short_run_is_what_it_is_without(faults: Path) -> None:
    runners = runners_of(faults, "Sleeper", [0.1, 0.3])
    given = work([[runner] for runner in runners], 1, 60.0)
    assert (given.homebound, given.untimed) == ([], [])
    found = dict(given.results())
    assert len(worker_pool._IDLE) == 1
    assert_others_are_whole([found[0][0], found[1][0]], faults, "Sleeper", [0.1, 0.3])


def test_who_takes_the_results_may_be_slower_than_the_limit(faults: Path) -> None:
    units = [[runner] for runner in runners_of(faults, "Slow", [0.1, 0.2])]
    dict(work(units, 2, None).results())  # both workers are there, and begin at once
    found = {}
    for index, (run,) in work(units, 2, 4.0).results():
        found[index] = run.error
        time.sleep(6)  # meanwhile the slow run ends, in time
    assert found == {0: "", 1: ""}


def test_what_cannot_be_sent_to_a_process_is_computed_here_and_named() -> None:
    import torch

    class Own(torch.optim.SGD):  # of a function: no other process finds it
        pass

    optimizers = parse_all(["sgd:lr=0.1", lambda parameters: Own(parameters, lr=0.1)])
    given = work([[runner] for runner in training.enlist(optimizers, [0])], 1, 60.0)
    assert given.homebound == given.untimed == [1]
    found = dict(given.results())
    np.testing.assert_array_equal(found[0][0].losses, found[1][0].losses)


def test_the_limit_is_told_in_words() -> None:
    told = {0.25: "0.25 s", 10: "10 s", 60: "1 min", 90: "90 s", 150: "2.5 min", 3600: "1 h", 9000: "2.5 h"}
    assert {seconds: workers._readable(seconds) for seconds in told} == told


def test_workers_that_were_prepared_for_are_there_and_stay_for_the_next_call() -> None:
    workers.prepare(2)
    runners = training.enlist(parse_all(["sgd:lr=0.1", "sgd:lr=0.2"]), [0])
    dict(work([[runner] for runner in runners], 2, None).results())
    idle = {worker.process.pid for worker in worker_pool._IDLE}
    assert len(idle) == 2
    dict(work([[runner] for runner in runners], 2, None).results())
    assert {worker.process.pid for worker in worker_pool._IDLE} == idle


def test_idle_workers_are_gone_when_they_are_dismissed() -> None:
    workers.prepare(1)
    worker = worker_pool.Worker()
    worker.rest()
    workers.dismiss()
    assert not worker.process.is_alive()
    assert worker_pool._IDLE == []


def test_a_worker_has_the_surroundings_of_now_not_those_of_when_the_first_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "surrounded.py").write_text(
        "import os, torch\n\nclass Surrounded(torch.optim.SGD):\n"
        "    def step(self, closure=None):\n"
        "        if os.environ.get('SLALOM_SURROUNDINGS') and os.getcwd().endswith('elsewhere'):\n"
        "            raise RuntimeError('seen')\n"
        "        return super().step(closure)\n"
    )
    monkeypatch.chdir(tmp_path)
    runners = training.enlist(parse_all(["surrounded.py:Surrounded:lr=0.1"]), [0, 1])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("SLALOM_SURROUNDINGS", "new")
    found = dict(work([[runner] for runner in runners], 2, None).results())
    assert {run.error.partition(" (")[0] for runs in found.values() for run in runs} == {"RuntimeError: seen"}


LARGE_TASK = """
import torch
import slalom

def data():
    x = torch.randn(10_000, 600, generator=torch.Generator().manual_seed(0))
    return x, x[:, :1].tanh()

task = slalom.Task(lambda: torch.nn.Linear(600, 1), data, validation=0.2)
"""


def on_the_large_task(tmp_path: Path, hands: int) -> Any:
    (tmp_path / "large.py").write_text(LARGE_TASK)
    return slalom.race(f"{tmp_path}/large.py:task", ["sgd:lr=0.01"], seeds=2, steps=4, engine="solo", workers=hands)


def test_workers_read_large_data_where_this_process_has_them(tmp_path: Path) -> None:
    expected = on_the_large_task(tmp_path, 1)
    found = on_the_large_task(tmp_path, 2)
    np.testing.assert_array_equal(found.losses, expected.losses)
    np.testing.assert_array_equal(found.final("validation_loss"), expected.final("validation_loss"))
    if sharing.NAMELESS:
        for worker in worker_pool._IDLE:
            mapped = Path(f"/proc/{worker.process.pid}/smaps").read_text().split("memfd:slalom")
            sizes = dict(re.findall(r"^(\w+): +(\d+) kB", mapped[1], re.MULTILINE)[:20])
            assert int(sizes["Size"]) >= 4 * 10_000 * 600 // 1024
            assert int(sizes["Private_Dirty"]) == 0


def test_where_memory_cannot_be_shared_workers_get_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = on_the_large_task(tmp_path, 1)
    nowhere = sharing.Block("/nowhere/at/all", (0, 0), "float32", (10_000, 600))
    monkeypatch.setattr(parcels.sharing, "shared", lambda tensor: nowhere)
    found = on_the_large_task(tmp_path, 2)
    assert found.remarks == ()
    np.testing.assert_array_equal(found.losses, expected.losses)


class Doubling(torch.optim.SGD):
    """SGD that makes float64 torch's default."""

    def step(self, closure: Any = None) -> Any:
        torch.set_default_dtype(torch.float64)
        return super().step(closure)


@pytest.mark.parametrize("default", [torch.float32, torch.float64])
def test_what_an_optimizer_makes_torchs_default_is_put_back(default: torch.dtype) -> None:
    before = torch.get_default_dtype()
    try:
        task = courses.find("digits-mlp")
        job = parcels.Job(task, "solo", training.conditions(task, 0, steps=2))
        runners = training.enlist(parse_all([Doubling]), [0])
        torch.set_default_dtype(default)
        (run,) = job.compute(runners)
        assert run.completed == 2
        assert torch.get_default_dtype() == default
    finally:
        torch.set_default_dtype(before)
