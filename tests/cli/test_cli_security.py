"""Hostile input on the command line: nothing that was not named as a file is imported or called.

What would run leaves a file behind, the canary.
"""

from __future__ import annotations

import csv
import gzip
import html
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from slalom.cli.application import program
from slalom.core import InputError, csv_files, printable
from slalom.core.python_files import joined, split
from slalom.lab.studying.study_files import study_file
from slalom.optimizers import with_paths
from slalom.optimizers.grammar import read_spec, split_stages
from slalom.tasks import idx

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
    (now,) = re.findall(r"Computed (\d+) runs?", result.output)
    stored = re.findall(r"; (\d+) (?:was|were) in the store", result.output)
    return int(now), int(now) + sum(map(int, stored))


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


def write_study(path: str, course: str, *optimizers: str) -> None:
    listed = ", ".join(json.dumps(spec) for spec in ("sgd:lr=0.1", *optimizers))
    Path(path).write_text(f'course = {json.dumps(course)}\noptimizers = [{listed}]\ntrack = "defaults"\nsteps = 3\n')


@pytest.fixture
def _folders(tmp_path: Path) -> None:
    """A study's own folder, and another whose files leave the canary when they are run."""
    (tmp_path / "own").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "own" / "mine.py").write_text(MINE)
    (tmp_path / "own" / "task.py").write_text(TASK)
    canary = f"open({str(tmp_path / CANARY)!r}, 'w').close()\n"
    (tmp_path / "other" / "mine.py").write_text(canary + MINE)
    (tmp_path / "other" / "task.py").write_text(canary + TASK)
    (tmp_path / "own" / "link.py").symlink_to(tmp_path / "other" / "mine.py")
    (tmp_path / "own" / "way").symlink_to(tmp_path / "other")


@pytest.mark.usefixtures("_folders")
@pytest.mark.parametrize("typed", ["own/study.toml", "study.toml", "../own/study.toml"])
def test_a_study_file_runs_the_files_of_its_own_folder_from_anywhere(
    typed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study("own/study.toml", "task.py:task", "mine.py:Mine | mine.py:Half")
    if not (tmp_path / typed).exists():
        monkeypatch.chdir(tmp_path / ("own" if typed == "study.toml" else "other"))
    result = slalom("study", typed, "--dry-run")
    assert result.exit_code == 0, result.output
    assert not (tmp_path / CANARY).exists()


@pytest.mark.usefixtures("_folders")
@pytest.mark.parametrize("place", ["../other/", "way/", "/absolute/", "way/../other/", "./../own/../other/", "link"])
@pytest.mark.parametrize("what", ["course", "optimizer", "stage"])
def test_a_study_file_runs_a_file_of_another_folder_only_where_it_is_trusted(
    place: str, what: str, tmp_path: Path
) -> None:
    place = place.replace("/absolute", str(tmp_path / "other"))
    mine = "link.py" if place == "link" else f"{place}mine.py"
    if what == "course":
        course = f"{mine.replace('mine.py', 'task.py')}:task" if place != "link" else "link.py:Mine"
        write_study("own/study.toml", course, "mine.py:Mine")
    else:
        write_study("own/study.toml", "task.py:task", f"{mine}:Mine" if what == "optimizer" else f"sgd | {mine}:Half")
    for typed in (["--dry-run"], []):
        assert "--trust" in refused("study", "own/study.toml", *typed)
    assert not (tmp_path / CANARY).exists()
    slalom("study", "own/study.toml", "--dry-run", "--trust")
    assert (tmp_path / CANARY).exists() or place == "way/../other/"  # no such file, read from left to right


def test_trust_belongs_to_a_study_file() -> None:
    assert "`--trust`" in refused("study", "sphere", "--trust", "--dry-run")


@pytest.mark.parametrize(
    "key", ["store", "workers", "timeout", "data_dir", "trust", "save", "picture", "progress", "say"]
)
def test_a_study_file_neither_writes_elsewhere_nor_trusts_itself(key: str, tmp_path: Path) -> None:
    Path("study.toml").write_text(
        f'course = "sphere"\noptimizers = ["sgd", "adam"]\n{key} = "{tmp_path}/elsewhere.png"\n'
    )
    assert f"`{key}` is no key of a study" in refused("study", "study.toml", "--dry-run")
    assert not Path("elsewhere.png").exists()


AWKWARD = "-it's [red]\"so\"[red] #1:2|\\n\n\t\x1b[31m\u202e\x7f\x85 \udcff ü日😀 $HOME~{0}%s=1,b'"
"""A name with all that shells, TOML, specs, terminals and pages take for something else."""


def test_any_file_name_survives_a_study_file(tmp_path: Path) -> None:
    """A file of an awkward name, in a folder of one, is what the study file that --save writes names again."""
    folder = tmp_path / f"~{AWKWARD}"
    folder.mkdir()
    (folder / f"{AWKWARD}.py").write_text(MINE + TASK)
    way = f"~{AWKWARD}/{AWKWARD}.py"
    result = slalom("study", f"{way}:task", "-o", "sgd:lr=0.1", "-o", f"{way!r}:Mine:lr=0.1 | {way!r}:Half",
                    "--track=defaults", "--seeds=1", "--engine=solo", "--store=s.sqlite", "--save=study.toml",
                    "--save", str(folder / "study.toml"), "--save=page.html", "--save=runs.csv")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert_shown(result.output)
    for study in ("study.toml", str(folder / "study.toml")):
        assert_shown(Path(study).read_text())
        again = slalom("study", study, "--dry-run")
        assert again.exit_code == 0, (again.output, Path(study).read_text())
    assert_shown(Path("runs.csv").read_text())
    (command,) = re.findall(r"slalom study [^<]*", html.unescape(Path("page.html").read_text()))[:1]
    typed = shlex.split(command)[1:]
    assert slalom(*typed, "--dry-run").exit_code == 0, command


def assert_shown(text: str) -> None:
    """No character steers a terminal, turns the text, or is an escape sequence."""
    unsafe = {c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and c not in "\n\t"}
    assert not unsafe, (ascii(unsafe), text)


ANY = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=20)


def quickly(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, derandomize=True, database=None)


@quickly(300)
@given(
    path=ANY,
    name=st.from_regex(r"[a-z_]\w{0,5}", fullmatch=True),
    options=st.sampled_from(["", ":lr=0.1", ":x='a.py:b'"]),
)
@example(path=AWKWARD, name="f", options=":lr=0.1")
def test_any_path_has_a_text_in_a_spec_and_in_toml(path: str, name: str, options: str) -> None:
    course = joined(f"{path}.py", name)
    assert_shown(course)
    assert split(course) == (f"{path}.py", name)
    told = study_file({"course": course, "optimizers": [f"{course}{options} | cosine"]})
    assert tomllib.loads(told) == {"course": course, "optimizers": [f"{course}{options} | cosine"]}
    told.encode()
    head, stage = split_stages(f"{course}{options} | cosine")
    assert (read_spec(head)[0], stage) == (course, "cosine")
    assert with_paths(head, lambda file: file) == head


HOSTILE_NAME = (
    "=cmd|' /C calc'!A0 \x1b]0;owned\x07\x1b[2J[bold]x[/bold] \u202efdp.exe\u200b $x^{2$ <script>\r\nError: no\x85"
    "\ud800"
)


def test_names_from_files_are_cleaned_in_every_output(tmp_path: Path) -> None:
    """Names of metrics, tasks and optimizers, texts of errors: on the terminal, in JSON, CSV, pages and pictures."""
    Path("loop.py").write_text(
        "import torch\n"
        f"NAME = {HOSTILE_NAME!r}\n"
        "def train(make_optimizer, seed):\n"
        "    p = torch.nn.Parameter(torch.ones(2))\n"
        "    optimizer = make_optimizer([p])\n"
        "    for step in range(3):\n"
        "        optimizer.zero_grad(); (p ** 2).sum().backward(); optimizer.step()\n"
        "        yield {'step': step, 'validation_loss': float((p.detach() ** 2).sum()), NAME: float(step)}\n"
        "def broken(make_optimizer, seed):\n    raise ValueError(NAME)\n    yield\n"
        "class Named(torch.optim.SGD): pass\nNamed.__name__ = Named.__qualname__ = NAME[:-1]\n"
        "def landscape(x):\n    raise ValueError(NAME)\n"
    )
    saved = ("--save=r.csv", "--save=r.json", "--save=r.html", "--save=r.svg")
    commands = [
        ("race", "loop.py:train", "-o", "loop.py:Named", "-o", "sgd", *saved),
        ("race", "loop.py:train", "-o", "sgd", "--json"),
        ("race", "sphere", "--steps=3", "-o", f"sgd:lr=0.1,momentum={HOSTILE_NAME!r}"),
        ("race", "loop.py:broken", "-o", "sgd"),
        ("race", "loop.py:landscape", "-o", "sgd"),
        ("race", HOSTILE_NAME, "-o", "sgd"),
        ("race", "sphere", "-o", HOSTILE_NAME),
        ("show", HOSTILE_NAME),
        (HOSTILE_NAME,),
        ("judge", f"{HOSTILE_NAME.replace('/', '')}.csv"),
        ("study", "loop.py:train", "-o", "sgd:lr=0.1", "-o", "loop.py:Named:lr=0.1", "--track=defaults", "--seeds=2",
         "--store=s.sqlite", "--save=s.csv", "--save=s.html"),
        ("runs", "list", "--store=s.sqlite"),
        ("runs", "list", "--store=s.sqlite", "--json"),
        ("runs", "export", "x.csv", "--store=s.sqlite"),
    ]  # fmt: skip
    for typed in commands:
        result = slalom(*typed)
        assert result.exit_code in (0, 2), result.output
        assert "Traceback" not in result.output
        assert_shown(result.output)
    for path in [p for p in tmp_path.iterdir() if p.suffix in (".csv", ".svg", ".html", ".json")]:
        assert_shown(re.sub(r"<script.*?</script>", "", path.read_text(), flags=re.DOTALL))
        assert "<script>\n" not in path.read_text() or path.suffix == ".html"
    for path in ("r.csv", "s.csv", "x.csv"):
        cells = [cell for row in csv.reader(Path(path).read_text().splitlines()) for cell in row]
        assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r") and not _is_number(cell)]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@quickly(300)
@given(names=st.lists(st.one_of(ANY, st.text("'=+-@ \t1e.x", min_size=1, max_size=6)), min_size=1, max_size=4))
@example(names=["=1+1", "'=1+1", "-5", "'-5", "+1e5", "@x", "''=", "-inf", "＝x"])
def test_what_is_written_for_spreadsheets_is_read_back_unchanged(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        shown = [printable(name, keep="\n\t") for name in names]
        csv_files.write(path, names, [names, [0.1, -2, "-3e-5"]])
        with path.open(newline="", encoding="utf-8") as file:
            header, line, numbers = csv.reader(file)
        assert numbers == ["0.1", "-2", "-3e-5"]
        assert [csv_files.restored(cell) for cell in line] == shown == [csv_files.restored(cell) for cell in header]
        assert not [c for c in line if c.lstrip()[:1] in tuple("=+-@＝＋－＠") and not _is_number(c)]


def test_judge_reads_a_name_that_was_defused() -> None:
    rows = [f"{name},{seed},{0.5 + seed / 10}" for name in ("'=1+1", "sgd") for seed in range(5)]
    Path("r.csv").write_text("optimizer,seed,value\n" + "\n".join(rows) + "\n")
    told = json.loads(slalom("judge", "r.csv", "--json").stdout)
    assert "=1+1" in json.dumps(told)
    assert "'=1+1" not in json.dumps(told)


TOML = st.one_of(
    st.text(max_size=60),
    st.dictionaries(
        st.sampled_from(["course", "optimizers", "track", "seeds", "lr", "device", "engine", "metric", "budget", "x"]),
        st.one_of(
            ANY,
            st.integers(),
            st.floats(),
            st.booleans(),
            st.lists(st.one_of(ANY, st.sampled_from(HOSTILE)), max_size=3),
        ),
        max_size=4,
    ).map(lambda told: "\n".join(f"{name} = {json.dumps(value)}" for name, value in told.items())),
)


@settings(parent=quickly(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TOML)
@example(text='course = "canary.py:f"\noptimizers = ["sgd", "adam"]')
@example(text="course = 'sphere'\noptimizers = ['sgd', \"adam:lr=" + "(" * 900 + '"]')
@example(text="x = " + "[" * 5000)
@example(text='course = "9**9**9**9"')
def test_any_study_file_ends_well(text: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(exist_ok=True)
    Path("elsewhere/study.toml").write_text(text, encoding="utf-8", errors="replace")
    Path("canary.py").write_text(f"open({CANARY!r}, 'w').close()\n")
    result = slalom("study", "elsewhere/study.toml", "--dry-run")
    assert result.exit_code in (0, 2), result.output
    assert "Traceback" not in result.output
    assert_shown(result.output)
    assert not Path(CANARY).exists()


@settings(parent=quickly(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(max_size=80), st.lists(st.tuples(ANY, ANY, ANY)).map(
    lambda rows: "optimizer,seed,value\n" + "\n".join(",".join(row) for row in rows))))  # fmt: skip
def test_any_table_ends_well(text: str) -> None:
    Path("r.csv").write_text(text, encoding="utf-8", errors="replace")
    result = slalom("judge", "r.csv")
    assert result.exit_code in (0, 2), result.output
    assert "Traceback" not in result.output
    assert_shown(result.output)


def test_a_study_file_that_is_no_file_is_refused_at_once() -> None:
    os.mkfifo("pipe.toml")
    Path("endless.toml").symlink_to("/dev/zero")
    for name in ("pipe.toml", "endless.toml"):
        assert "no regular file" in refused("study", name, "--dry-run")


def test_a_file_of_images_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "train-images-idx3-ubyte.gz", "wb", compresslevel=1) as file:
        for _ in range(300):
            file.write(bytes(2**20))
    with pytest.raises(InputError, match="when unpacked"):
        idx.unpacked(tmp_path / "train-images-idx3-ubyte.gz")
