"""Files of the user's on the command line: packages, arguments, names, and what they raise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slalom.cli.application import program
from slalom.core.raised import TRACEBACK, without_advice

TASK = """
import torch
from torch import nn
from slalom import Task
{imports}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        {forward}
        return self.layer(x)

x = torch.randn(40, 3)
task = Task(Net, (x, (x.sum(1) > 0).long()))
"""


def write(path: Path, imports: str = "", forward: str = "pass") -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(TASK.format(imports=imports, forward=forward))


def race(course: str, *typed: str) -> Result:
    words = ["race", course, "-o", "sgd", "--steps", "2", "--workers", "1", *typed]
    return CliRunner().invoke(program, words, env={"COLUMNS": "120"})


def test_a_task_is_named_by_its_file_and_variable(tmp_path: Path) -> None:
    write(tmp_path / "my_task.py")
    assert race(f"{tmp_path}/my_task.py:task").stdout.startswith("my_task.py:task: ")


@pytest.mark.parametrize("course", ["shop.tasks:task", "shop/tasks.py:task"])
def test_a_module_of_a_package_may_import_relatively(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, course: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "shop" / "tasks.py", "from .sizes import SIZE\nfrom shop import sizes\nassert sizes.SIZE == SIZE")
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "shop" / "sizes.py").write_text("from . import tasks\nSIZE = 3\n")
    found = race(course)
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("tasks.py:task: ")


def test_a_script_beside_an_init_file_is_run_without_it(tmp_path: Path) -> None:
    """As Python runs a script: the folder may be a package that cannot even be imported."""
    write(tmp_path / "shop" / "tasks.py", "import sizes")
    (tmp_path / "shop" / "__init__.py").write_text("raise RuntimeError\n")
    (tmp_path / "shop" / "sizes.py").touch()
    assert race(f"{tmp_path}/shop/tasks.py:task").exit_code == 0


@pytest.mark.parametrize(
    "imports",
    [
        "from ..loading import module_of",
        "from .. import records",
        "import importlib\nimportlib.import_module('..records', __package__)",
    ],
)
def test_a_relative_import_never_leads_to_a_module_of_another(tmp_path: Path, imports: str) -> None:
    """The names are those of modules in the package in which slalom keeps the user's modules."""
    write(tmp_path / "shop" / "tasks.py", imports)
    found = race(f"{tmp_path}/shop/tasks.py:task")
    assert found.exit_code == 2, found.output
    assert "tasks.py, line " in found.output


@pytest.mark.parametrize("course", ["shop.inner.tasks:task", "shop/inner/tasks.py:task"])
def test_relative_imports_need_no_init_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, course: str) -> None:
    """As in `python -m shop.inner.tasks`, where both folders are namespace packages."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").mkdir()
    write(
        tmp_path / "shop" / "inner" / "tasks.py",
        "from ..sizes import SIZE\nfrom .more import MORE\nassert SIZE == MORE",
    )
    (tmp_path / "shop" / "sizes.py").write_text("SIZE = 3\n")
    (tmp_path / "shop" / "inner" / "more.py").write_text("from ..sizes import SIZE as MORE\n")
    found = race(course)
    assert found.exit_code == 0, found.output


def test_a_module_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = race("shop.tasks:task")
    assert found.exit_code == 2
    assert "Error: " in found.output


def test_a_file_that_parses_arguments_sees_none_of_slaloms(tmp_path: Path) -> None:
    """Neither while it is imported, nor in a function that slalom calls later."""
    parse = "import argparse\n\ndef arguments():\n    parser = argparse.ArgumentParser()\n"
    parse += "    parser.add_argument('--size', default=3)\n    return parser.parse_args()\n\n"
    parse += "assert arguments().size == 3"
    write(tmp_path / "mine.py", parse + "\nimport sys\nassert sys.argv == [__file__]", "arguments()")
    typed = [sys.executable, "-m", "slalom", "race", "mine.py:task", "-o", "sgd", "--steps", "2"]
    done = subprocess.run(typed, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("called", ["directly", "in a module beside the file"])
def test_an_error_names_the_file_and_the_line_where_it_was_raised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: str
) -> None:
    if called == "directly":
        write(tmp_path / "mine.py", forward="raise ValueError('no such shape')")
        place = "mine.py, line 13"
    else:
        write(tmp_path / "mine.py", "from parts import check", "check(x)")
        (tmp_path / "parts.py").write_text("\n\ndef check(x):\n    raise ValueError('no such shape')\n")
        place = "parts.py, line 4"
    found = race(f"{tmp_path}/mine.py:task")
    assert found.exit_code == 2
    sentence, *trace = found.output.strip().splitlines()
    assert f"raised `ValueError: no such shape ({place})`." in sentence
    assert trace[-1] == "(--traceback shows the whole traceback)"
    assert "    raise ValueError('no such shape')" in trace
    assert not any("site-packages" in line for line in trace)
    monkeypatch.setenv(TRACEBACK, "")  # put back what the option sets
    whole = race(f"{tmp_path}/mine.py:task", "--traceback").output
    assert "Traceback (most recent call last):" in whole
    assert "ValueError: no such shape" in whole
    assert "slalom.core.user_files.f" not in whole


def test_a_failed_run_names_the_line_too(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch\n\nclass Mine(torch.optim.SGD):\n    def step(self, closure=None):\n"
        "        if self.param_groups[0]['params'][0].numel() > 100:\n            raise ValueError('too many')\n"
        "        return super().step(closure)\n"
    )
    words = ["race", "digits-mlp", "-o", "sgd", "-o", f"{tmp_path}/mine.py:Mine:lr=0.1", "--steps", "2"]
    found = CliRunner().invoke(program, words, env={"COLUMNS": "160"})
    assert "ValueError: too many (mine.py, line 6)" in found.output


@pytest.mark.parametrize(
    "advice",
    [
        "Please file us an issue on GitHub so that we can prioritize its implementation.",
        "If you are a Facebook employee using PyTorch on mobile, please visit https://fburl.com/ptmfixes for possible "
        "resolutions.",
        "This is a bug in PyTorch, please report a bug to us.",
        "Set TORCHDYNAMO_VERBOSE=1 for the internal stack trace (please do this especially if you\\'re reporting a bug "
        'to PyTorch). For even more developer context, set TORCH_LOGS="+dynamo".',
    ],
)
def test_torchs_requests_for_reports_are_left_out(tmp_path: Path, advice: str) -> None:
    write(tmp_path / "mine.py", forward=f"raise NotImplementedError('No rule. {advice} Use another.')")
    shown = race(f"{tmp_path}/mine.py:task").output.splitlines()[0]
    assert "No rule." in shown
    assert "Use another." in shown
    assert without_advice(advice).strip() == ""
    assert "issue" not in shown
    assert "acebook" not in shown
    assert "report" not in shown
