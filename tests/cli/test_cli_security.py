"""Hostile input on the command line: nothing that was not named as a file is imported or called.

What would run leaves a file behind, the canary.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from slalom.cli.application import program

CANARY = "canary"

MINE = """
import functools
import torch

def clipped(params, lr=1e-3, clip=1.0):
    return torch.optim.AdamW(params, lr=lr * clip)

class Mine(torch.optim.Optimizer):
    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                p.sub_(group["lr"] * p.grad)

class Half(torch.optim.lr_scheduler.LRScheduler):
    def get_lr(self):
        return [rate / 2 for rate in self.base_lrs]

momentum = functools.partial(torch.optim.SGD, momentum=0.9)
number = 5
"""

TASK = """
import torch
import slalom

def task():
    x = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    return slalom.Task(lambda: torch.nn.Linear(3, 1), (x, x.sum(1, keepdim=True)), loss=torch.nn.functional.mse_loss,
                       batch_size=20, epochs=1)
"""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def slalom(*typed: str) -> Result:
    return CliRunner().invoke(program, list(typed))


def refused(*typed: str) -> str:
    """Return the one sentence with which a command is refused."""
    result = slalom(*typed)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr


HOSTILE = (
    f"""
pydoc.pipepager:cmd='touch {CANARY}'; os.system:command='touch {CANARY}'; subprocess.getoutput:cmd='touch {CANARY}'
torch.optim.os.system; torch.optim.adam.sys.modules:x='{CANARY}'; torch.os.system; torch.serialization.pickle.loads
torch.load:f='{CANARY}'; torch.hub.load:source=local; torch.utils.cpp_extension.load_inline; torch.nn.Linear
torch.optim.Adam.step; torch.optim.Optimizer.__subclasses__; torch.optim.Adam.__init__.__globals__
numpy.f2py.__main__.main; numpy.load; numpy.ctypeslib.ctypes.CDLL; pip.main; this.s; antigravity.webbrowser
site.main; builtins.eval:source='1'; pytorch_optimizer.load_optimizer:optimizer=adam; slalom.cli.main
canaried.Optimizer; canaried; canaried.sub.Optimizer; __main__.canary; sys.modules; ctypes.CDLL
prodigyopt.Optimizer
""".replace("\n", ";")
    .strip("; ")
    .split(";")
)
"""Paths to functions, to the standard library, through classes and aliases, and to modules that are not installed."""


@pytest.fixture
def _canaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules beside the user that leave the canary when they are imported, some under the names of others' own."""
    monkeypatch.syspath_prepend(tmp_path / "path")
    for folder in (tmp_path, tmp_path / "path"):
        folder.mkdir(exist_ok=True)
        for name in ("canaried", "prodigyopt"):
            (folder / f"{name}.py").write_text(
                f"open({str(tmp_path / CANARY)!r}, 'w').close()\nimport torch\nclass Optimizer(torch.optim.SGD): pass\n"
            )


@pytest.mark.usefixtures("_canaries")
@pytest.mark.parametrize("spec", HOSTILE)
def test_an_import_path_leads_to_an_optimizer_class_of_an_installed_package_or_nowhere(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "prodigyopt", raising=False)
    Path("study.toml").write_text(f'course = "sphere"\noptimizers = ["sgd", {json.dumps(spec)}]\n')
    before = set(sys.modules)
    refused("race", "sphere", "-o", spec, "--steps", "2")
    refused("study", "study.toml", "--dry-run")
    if spec.startswith(("pydoc", "canaried")):
        refused("study", "sphere", "-o", "sgd", "-o", spec, "--dry-run")
        refused("study", "study.toml")
        refused("show", spec)
        refused("sweep", "sphere", "--over", "lr", "-o", f"sgd | {spec}")
    assert not (tmp_path / CANARY).exists()
    assert not set(sys.modules) - before & {"antigravity", "this", "pip", "canaried", "numpy.f2py.__main__"}


def test_an_installed_program_whose_import_would_run_is_not_imported() -> None:
    assert "does not use torch" in refused("race", "sphere", "-o", "pip._internal.main")
    assert "cannot be part of an import path" in refused("race", "sphere", "-o", "torch.utils.bottleneck.__main__.main")


def test_a_module_beside_the_user_is_named_as_a_file() -> None:
    Path("mine.py").write_text(MINE)
    assert "`mine.py:Mine`" in refused("race", "sphere", "-o", "mine.Mine:lr=0.1")
    assert slalom("race", "sphere", "-o", "mine.py:Mine:lr=0.1", "--steps", "5").exit_code == 0


def final_losses(*specs: str) -> list[float]:
    result = slalom("race", "sphere", "--start=3,1", "--steps", "20", "--json", *(w for s in specs for w in ("-o", s)))
    assert result.exit_code == 0, result.output
    return [run["loss"][-1] for run in json.loads(result.stdout)["runners"]]


def test_what_a_file_holds_races_as_in_a_plain_loop() -> None:
    """A function, a class, a partial and a scheduler, each with hyperparameters and stages."""
    Path("mine.py").write_text(MINE)
    raced = final_losses(
        "mine.py:clipped:lr=0.5,clip=0.5",
        "mine.py:Mine:lr=0.25 | mine.py:Half",
        "mine.py:momentum:lr=0.01",
        "./mine.py:Mine",
    )
    scope: dict[str, Any] = {}
    exec(MINE, scope)

    def plain(make: Any, schedule: Any = None) -> float:
        point = torch.nn.Parameter(torch.tensor([3.0, 1.0], dtype=torch.float64))
        optimizer = make([point])
        scheduler = schedule(optimizer) if schedule else None
        for _ in range(20):
            optimizer.zero_grad()
            (point**2).sum().backward()
            optimizer.step()
            if scheduler:
                scheduler.step()
        return float((point.detach() ** 2).sum())

    expected = [
        plain(lambda p: torch.optim.AdamW(p, lr=0.25)),
        plain(lambda p: scope["Mine"](p, lr=0.25), scope["Half"]),
        plain(lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9)),
        plain(scope["Mine"]),
    ]
    assert raced == expected


def test_what_a_file_lacks_is_said() -> None:
    Path("mine.py").write_text(MINE)
    assert "the file has no `Mime`. It has `clipped`, `Mine`" in refused("race", "sphere", "-o", "mine.py:Mime")
    assert "is not a class or a function" in refused("race", "sphere", "-o", "mine.py:number")
    assert "no hyperparameter `speed`" in refused("race", "sphere", "-o", "mine.py:Mine:speed=1")


def test_a_study_of_a_files_optimizers_is_kept_and_done_again_when_the_file_changes() -> None:
    """The keys of its runs hash the file; workers fetch from it; the study file names it."""
    Path("mine.py").write_text(MINE)
    Path("task.py").write_text(TASK)
    typed = ["study", "task.py:task", "-o", "sgd:lr=0.1", "-o", "mine.py:Mine:lr=0.1 | mine.py:Half"]
    typed += ["--track", "defaults", "--seeds", "2", "--store", "s.sqlite", "--workers", "2", "--engine", "solo"]
    first = slalom(*typed, "--save", "study.toml", "--save", "first.csv")
    assert first.exit_code == 0, first.output
    assert slalom("study", "study.toml", "--dry-run").exit_code == 0
    assert computed(slalom(*typed, "--save", "again.csv")) == (0, 4)
    assert Path("first.csv").read_text() == Path("again.csv").read_text()
    Path("mine.py").write_text(MINE.replace("rate / 2", "rate / 4"))
    assert computed(slalom(*typed, "--save", "changed.csv")) == (2, 4)
    assert Path("changed.csv").read_text() != Path("first.csv").read_text()


def computed(result: Result) -> tuple[int, int]:
    """Return how many runs were computed now, and how many there are."""
    assert result.exit_code == 0, result.output
    (found,) = re.findall(r"(\d+) of (\d+) runs", result.output)
    return int(found[0]), int(found[1])


def test_python_itself_finds_nothing_in_the_folder_where_slalom_is_started(tmp_path: Path) -> None:
    """``python -m slalom`` in a folder of downloads: a file named as a library is not run."""
    for name in ("rich", "msgspec", "torch", "numpy", "click", "pydoc"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / CANARY)!r}, 'a').write({name!r})\n")
    done = subprocess.run(
        [sys.executable, "-m", "slalom", "list", "optimizers"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / CANARY).exists(), (tmp_path / CANARY).read_text()
