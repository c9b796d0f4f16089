"""Every command in the documents and help texts can be typed as it stands, and every link leads somewhere."""

from __future__ import annotations

import itertools
import re
import shlex
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

from slalom import store as stores
from slalom.cli.application import COMMANDS, program
from slalom.core import Run
from slalom.store import RunSpec

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(ROOT / "docs" / name for name in ("reading.md", "metrics.md", "tasks.md", "judging.md")),
]


def commands(text: str) -> list[str]:
    """Return the commands of indented and fenced lines that begin with ``slalom``, and of code within sentences."""
    joined = text.replace("\\\n", " ")
    lines = re.findall(
        r"^ *(slalom (?:race|sweep|study|judge|runs|explore|demo|list|show|selfcheck) .*)$", joined, flags=re.MULTILINE
    )
    return [
        *lines,
        *re.findall(r"`(slalom (?:race|sweep|study|judge|runs|explore|demo|list|show|selfcheck) [^`]+)`", joined),
    ]


def without_remark(line: str) -> list[str]:
    """Return the words of a command; what follows two spaces explains it, what follows > is the shell's."""
    return shlex.split(re.split(r" {2,}(?!-)| > ", line)[0])[1:]


def typed() -> list[tuple[str, ...]]:
    found = [line for document in DOCUMENTS for line in commands(document.read_text(encoding="utf-8"))]
    below = [("runs", name) for name in ("list", "export", "merge", "verify")]
    for name in ((), *((name,) for name in COMMANDS), *below):
        found += commands(CliRunner().invoke(program, [*name, "--help"], env={"COLUMNS": "200"}).stdout)
    return sorted({tuple(without_remark(line)) for line in found})


TYPED = typed()


def python_of(document: str, wanted: str) -> str:
    """Return the block of Python in a document that contains ``wanted``."""
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    (block,) = [block for block in blocks if wanted in block]
    return block


def write_examples(folder: Path) -> None:
    """Write the files that the documents speak of."""
    task = python_of("README.md", "slalom.Task").rsplit("print", 1)[0]
    (folder / "my_task.py").write_text(task, encoding="utf-8")
    (folder / "my_loop.py").write_text(python_of("docs/tasks.md", "make_optimizer"), encoding="utf-8")
    rows = [f"{name},{seed},0.9{seed}" for name in ("sgd", "adam") for seed in range(6)]
    for name in ("results.csv", "losses.csv"):
        (folder / name).write_text("\n".join(["optimizer,seed,value", *rows]), encoding="utf-8")
    for name in ("runs", "a", "b", "laptop", "server", "all"):
        with stores.open(folder / f"{name}.sqlite") as store:
            store.put(RunSpec("digits-mlp", "torch.optim.adam.Adam", 0), Run(np.zeros(1), (), completed=1))


def keep_runs_in(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing be read from or written to the user's own store."""
    for module in ("slalom.store", "slalom.store.on_disk"):
        monkeypatch.setattr(f"{module}.default_path", lambda: path)


@pytest.mark.parametrize("words", TYPED, ids=" ".join)
def test_every_command_of_the_documents_can_be_parsed(words: tuple[str, ...]) -> None:
    name, *args = words
    command = program.get_command(click.Context(program), name)
    if isinstance(command, click.Group):  # `slalom runs list`
        name, *args = args
        command = command.commands[name]
    assert command is not None
    with command.make_context(name, args):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("words", TYPED, ids=" ".join)
def test_every_command_of_the_documents_runs(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keep_runs_in(tmp_path / "runs.sqlite", monkeypatch)
    write_examples(tmp_path)
    result = CliRunner().invoke(program, list(words))
    assert result.exit_code == 0, result.output
    saved = [word for before, word in itertools.pairwise(words) if before == "--save"]
    assert all((tmp_path / name).stat().st_size for name in saved)


def test_the_readmes_task_is_short_and_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = python_of("README.md", "slalom.Task")
    assert len(code.splitlines()) < 10
    exec(compile(code, "README.md", "exec"), {})
    assert "Adam" in capsys.readouterr().out


@pytest.mark.parametrize("course", ["my_task.py:task", "my_loop.py:train"])
def test_the_examples_in_files_run_from_the_command_line(
    course: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keep_runs_in(tmp_path / "runs.sqlite", monkeypatch)
    write_examples(tmp_path)
    result = CliRunner().invoke(program, ["race", course, "-o", "sgd:lr=0.05", "-o", "adam:lr=0.05", "--seeds", "2"])
    assert result.exit_code == 0, result.output
    assert "Adam" in result.stdout


def test_the_documents_show_many_commands() -> None:
    assert len(TYPED) > 20


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if not link.startswith("http")]
    missing = [link for link in links if not (document.parent / link).exists()]
    paths = re.findall(r"`((?:src|tests)/[\w/.]+)`", text)
    assert missing + [path for path in paths if not (ROOT / path).exists()] == []


def test_every_test_that_the_reading_guide_names_exists() -> None:
    guide = (ROOT / "docs/reading.md").read_text(encoding="utf-8")
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in re.findall(r"`(test_\w+)`", guide) if f"def {name}(" not in sources] == []
