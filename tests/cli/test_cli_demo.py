"""``slalom demo`` hands on its folder, says what it is doing, and ends with where the page is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import slalom.lab
from slalom.cli.application import program


@pytest.mark.parametrize("typed", [[], ["--out", "pictures"]])
def test_demo_tells_what_it_makes_and_where_the_page_is(
    typed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def demo(out: str, report: Any, data: str, **_: Any) -> Path:
        report("drawing")
        assert data == "digits"
        return Path(out) / "index.html"

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(slalom.lab, "demo", demo)
    result = CliRunner().invoke(program, ["demo", *typed])
    folder = typed[-1] if typed else "demo"
    assert result.exit_code == 0
    assert result.stdout == f"The page: {tmp_path.resolve() / folder / 'index.html'}\n"
    assert result.stderr == "drawing …\n"


def test_a_folder_that_cannot_be_made_is_refused_before_anything_runs(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    result = CliRunner().invoke(program, ["demo", "--out", str(taken)])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: `")
    assert result.stderr.endswith("cannot be made a folder: file exists; name another with --out.\n")
    assert taken.read_text() == "mine"
