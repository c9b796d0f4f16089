"""Races and sweeps on tasks from the command line, and what stops them."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import slalom
from slalom import tasks
from slalom.cli.application import program

SLALOM = [sys.executable, "-m", "slalom"]

PAIR = ["-o", "sgd:lr=0.1", "-o", "adam:lr=0.01"]


def run(*typed: str) -> str:
    result = CliRunner().invoke(program, list(typed), env={"COLUMNS": ""})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_race_on_a_task_prints_heading_sentence_table_and_conditions() -> None:
    shown = run("race", "digits-mlp", *PAIR, "--seeds", "3", "--epochs", "2", "--engine", "fleet").splitlines()
    race = slalom.race("digits-mlp", ["sgd:lr=0.1", "adam:lr=0.01"], seeds=3, epochs=2, engine="fleet")
    assert shown[0] == "digits, fully connected: two epochs, three seeds"
    assert shown[1].startswith("After 2 epochs ")
    assert [line.split()[0] for line in shown if line.startswith(("SGD", "Adam"))] == ["SGD", "Adam"]
    assert shown[-1] == f"fleet engine, float32, slalom {slalom.__version__}, torch {race.versions['torch']}"
    assert "after 36 steps: median and range of 3 seeds; seconds of training a run" in shown


def test_bf16_stands_in_the_conditions() -> None:
    shown = run("race", "digits-mlp", "-o", "sgd", "--steps", "2", "--precision", "bf16")
    assert "float32, bf16, slalom" in shown
    assert shown.startswith("digits, fully connected: two steps\n")


def test_json_of_a_task_stands_alone_even_where_the_users_code_prints(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch\nprint('hello')\ndef train(make_optimizer, seed):\n    print('a word')\n"
        "    make_optimizer(torch.nn.Linear(1, 1))\n    yield {'test_loss': 1.0}\n"
    )
    done = subprocess.run(
        [*SLALOM, "race", f"{tmp_path}/mine.py:train", "-o", "sgd", "--seeds", "2", "--workers", "1", "--json"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    content = json.loads(done.stdout)
    assert [runner["evaluations"][-1]["test_loss"] for runner in content["runners"]] == [1, 1]
    assert "a word" in done.stderr


def test_a_race_on_a_task_is_written(tmp_path: Path) -> None:
    paths = [tmp_path / f"race.{ending}" for ending in ("png", "svg", "csv", "json")]
    saves = [word for path in paths for word in ("--save", str(path))]
    shown = run("race", "digits-mlp", *PAIR, "--seeds", "2", "--epochs", "1", "--evaluate-every", "6",
                "--picture", "final", *saves)  # fmt: skip
    assert all(f"wrote {path} (" in shown for path in paths)
    with (tmp_path / "race.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows[:4]] == ["0", "6", "12", "18"]
    assert json.loads((tmp_path / "race.json").read_text())["steps"] == 18


def test_sweeps_on_tasks_print_and_export(tmp_path: Path) -> None:
    typed = ["sweep", "digits-mlp", "-o", "sgd", "--epochs", "1"]
    shown = run(*typed, "--grid", "3", "--seeds", "1", "--range", "0.01,1", "--save", str(tmp_path / "curve.csv"))
    assert "digits, fully connected: a sweep, 18 steps each" in shown
    assert len((tmp_path / "curve.csv").read_text().splitlines()) == 4
    content = json.loads(run(*typed[:-2], "--over", "lr,momentum", "--grid", "3", "--steps", "5", "--json"))
    assert [len(row) for row in content["final_loss"]] == [3, 3, 3]


def test_tasks_are_listed_and_shown() -> None:
    listed = run("list", "tasks")
    assert [line.split()[0] for line in listed.splitlines()] == list(tasks.NAMES)
    entries = json.loads(run("list", "tasks", "--json"))
    assert [entry["name"] for entry in entries] == list(tasks.NAMES)
    assert run("show", "digits-mlp") == tasks.describe("digits-mlp").text() + "\n"
    assert [line.split()[:3] for line in run("list").splitlines()] == [
        ["slalom", "list", name] for name in ("optimizers", "landscapes", "tasks")
    ]


def test_a_file_is_shown_as_what_it_defines(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch, slalom\n"
        "task = slalom.Task(lambda: torch.nn.Linear(2, 1), (torch.ones(20, 2), torch.ones(20, 1)))\n"
        "def bowl(x, y):\n    return x**2 + y**2\n"
    )
    assert "3" in run("show", f"{tmp_path}/mine.py:task")
    result = CliRunner().invoke(program, ["show", f"{tmp_path}/mine.py:bowl"])
    assert result.exit_code in (0, 2)
    assert "Traceback" not in result.output


MISTAKES = {
    ("race", "digits-mlp", "--start", "1,2"): "start `(1.0, 2.0)` has no part in a race on a task: leave it out.",
    ("race", "digits-mlp", "--noise", "0.1"): "noise `0.1` has no part in a race on a task: leave it out.",
    ("race", "sphere", "--epochs", "3"): "epochs `3` has no part in a race on a landscape: leave it out.",
    ("race", "sphere", "--data-dir", "x"): "data_dir `x` has no part in a race on a landscape: leave it out.",
    ("race", "digits-mlp", "--steps", "3", "--epochs", "1"): "`steps` and `epochs` were both given: say how long in "
    "one of them.",
    ("race", "digits-mlp", "--save", "a.gif"): "`a.gif` cannot be drawn of a race on a task: its files end in png, "
    "svg, pdf, html, csv, json, parquet.",
    ("race", "digits-mlp", "--picture", "path"): "picture `path` is not one of a race on a task: choose curves or "
    "final.",
    ("race", "sphere", "--picture", "curves"): "picture `curves` is not one of a race on a landscape: choose "
    "comparison or path or surface.",
    ("race", "digits-mlp", "--epochs", "none"): "`--epochs none`: this must be a whole number of at least 1 and at "
    "most 1,000,000,000,000,000, as in --epochs 20.",
    ("race", "digits-mlp", "--precision", "fp8"): "precision `fp8` is not known: choose one of fp32, bf16.",
    ("sweep", "digits-mlp", "--range", "1"): "range `[1.0]`: give the lowest and the highest lr, such as 0.001,1.",
    ("sweep", "digits-mlp", "--range", "a,b"): "`--range a,b`: a range is the lowest and the highest value, separated "
    "by a comma, as in --range 0.001,1.",
    ("demo", "--data", "minst"): "data `minst` is not known: choose one of digits, mnist, fashion-mnist. Did you mean "
    "`mnist`?",
}  # fmt: skip


@pytest.mark.parametrize("typed", list(MISTAKES), ids=" ".join)
def test_a_mistake_is_one_sentence_and_nothing_is_written(
    typed: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(program, list(typed))
    assert result.stderr == f"Error: {MISTAKES[typed]}\n"
    assert (result.stdout, result.exit_code) == ("", 2)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


# -- Ctrl-C in a real process: the terminal sends it to the whole group, workers too --------------------------------

COUNTING = """
from pathlib import Path
import torch, slalom

calls = 0

def loss(outputs, target):
    global calls
    calls += 1
    if calls == 300:
        Path(__file__).with_name(f"running-{os.getpid()}").touch()
    return torch.nn.functional.cross_entropy(outputs, target)

def net():
    return torch.nn.Linear(4, 2)

x = torch.arange(160.0).reshape(40, 4).sin()
task = slalom.Task(model=net, train=(x, (x.sum(1) > 0).long()), loss=loss, batch_size=8)
"""


def interrupted(tmp_path: Path, marks: int, *typed: str) -> tuple[int, str, str]:
    """Run ``slalom`` in a group of its own, send the group SIGINT once so many processes are at work."""
    process = subprocess.Popen(
        [*SLALOM, *typed],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    deadline = time.monotonic() + 90
    while len(list(tmp_path.glob("running-*"))) < marks and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no process groups")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_keeps_what_is_finished(workers: int, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import os" + COUNTING)
    typed = ["race", "mine.py:task", "-o", "sgd", "--seeds", "3", "--steps", "3000000", "--engine", "solo"]
    code, out, err = interrupted(tmp_path, workers, *typed, "--workers", str(workers), "--json", "--save", "part.csv")
    assert code == 130, err
    race = json.loads(out)
    assert [runner["status"].partition(" at ")[0] for runner in race["runners"]] == ["interrupted"] * workers
    for runner in race["runners"]:
        assert 0 < len(runner["train"]["loss"]) < 3_000_000
        assert runner["evaluations"][-1]["step"] == len(runner["train"]["loss"])
    assert race["remarks"] == [f"interrupted: 0 of 3 runs are whole, {workers} as far as they got"]
    assert len((tmp_path / "part.csv").read_text().splitlines()) > workers
    assert err.endswith("Interrupted: this is what had been finished.\n")
    assert "Traceback" not in err


LOOPS = """
import time
from collections.abc import Callable
from pathlib import Path

import torch

HERE = Path(__file__).parent

def train(make_optimizer, seed):
    make_optimizer([torch.nn.Parameter(torch.ones(1))])
    yield {"test_loss": 1.0}
    if seed < 2:
        (HERE / f"finished-{seed}").touch()
        return
    while True:
        time.sleep(0.02)
        if all((HERE / f"finished-{other}").exists() for other in (0, 1)):
            (HERE / "running-2").touch()
        yield {"test_loss": 0.5}
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="there are no process groups")
def test_finished_runs_of_a_loop_are_kept(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(LOOPS)
    code, out, err = interrupted(
        tmp_path, 1, "race", "mine.py:train", "-o", "sgd", "--seeds", "3", "--workers", "2", "--json"
    )
    assert code == 130, err
    runners = json.loads(out)["runners"]
    assert [runner["status"] for runner in runners[:2]] == ["finished", "finished"]
    assert runners[2]["status"].startswith("interrupted at step")


FAULTS = """
import sys
import torch
import slalom

x = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
y = (x.sum(dim=1) > 0).long()

def net():
    return torch.nn.Linear(3, 2)

def leaves():
    sys.exit(3)

counted = slalom.Task(net, (x, y), metrics={"hits": lambda o, t: (o.argmax(1) == t).float().mean().item()}, epochs=1)
leaving = slalom.Task(leaves, (x, y))
nothing = slalom.Task(net, lambda: None)

def early(make_optimizer, seed):
    raise ValueError("my own mistake")
    yield {}

def leaver(make_optimizer, seed):
    sys.exit(0)
    yield {}

def stepper(make_optimizer, seed):
    yield {"step": 1}

def backwards(make_optimizer, seed):
    yield {"step": 5, "loss": 1.0}
    yield {"step": 3, "loss": 1.0}

def returns(make_optimizer, seed):
    return {"loss": 1.0}
"""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "early",
            "every run failed, the first, SGD with seed 0, with `ValueError: my own mistake (mine.py, line 20)`.",
        ),
        ("leaver", "every run failed, the first, SGD with seed 0, with `SystemExit: 0 (mine.py, line 24)`."),
        ("stepper", 'yielded no metric beside step and epoch: add one, such as "validation_loss".'),
        ("backwards", "yielded step 3 after step 5: steps are whole numbers from 0 that never fall."),
        (
            "returns",
            "has the parameters of a training loop but yields nothing: `yield` a dictionary of metrics at each "
            "evaluation.",
        ),
        ("nothing", "train is None: give (x, y), or a function that returns it."),
    ],
)
def test_mistakes_in_the_users_file_are_one_sentence(name: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FAULTS)
    result = CliRunner().invoke(program, ["race", f"{tmp_path}/mine.py:{name}", "-o", "sgd", "--workers", "1"])
    assert result.exit_code == 2, result.output
    told = " ".join(result.stderr.split())
    assert told.endswith(sentence), told
    assert told.startswith("Error: ")
    assert "Traceback" not in told


def test_a_model_that_ends_the_process_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FAULTS)
    result = CliRunner().invoke(program, ["race", f"{tmp_path}/mine.py:leaving", "-o", "sgd"])
    assert result.exit_code == 2
    assert "SystemExit" in result.stderr


def test_a_metric_may_be_a_number(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FAULTS)
    assert "hits" in run("race", f"{tmp_path}/mine.py:counted", "-o", "sgd:lr=0.1", "-o", "adam", "--seeds", "2")


def test_too_many_seeds_are_refused_before_anything_is_made() -> None:
    result = CliRunner().invoke(program, ["race", "digits-mlp", "-o", "sgd", "--seeds", "1000000000000"])
    assert result.exit_code == 2
    assert "would need" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
def test_no_worker_outlives_a_race_that_is_killed(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import os, time\nfrom pathlib import Path\n"
        "def train(make_optimizer, seed):\n"
        f"    Path({str(tmp_path)!r}, f'pid-{{seed}}').write_text(str(os.getpid()))\n"
        "    time.sleep(600)\n    yield {'loss': 1.0}\n"
    )
    command = [*SLALOM, "race", f"{tmp_path}/mine.py:train", "-o", "sgd", "--seeds", "2", "--workers", "2"]
    race = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    files = [tmp_path / "pid-0", tmp_path / "pid-1"]
    _wait(lambda: all(file.exists() and file.read_text() for file in files))
    race.kill()
    race.wait()
    workers = [int(file.read_text()) for file in files]
    _wait(lambda: not any(_is_alive(pid) for pid in workers))


def _wait(happens: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize("engine", ["solo", "field", "fleet"])
def test_an_optimizer_typed_twice_runs_twice(engine: str) -> None:
    race = slalom.race("digits-mlp", ["sgd:lr=0.1", "sgd:lr=0.1"], seeds=2, steps=3, engine=engine)
    assert [row["optimizer"] for row in race.table().rows] == ["SGD", "SGD (2)"]
    assert race.runs[0].losses.tolist() == race.runs[2].losses.tolist()
