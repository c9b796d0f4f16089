"""``slalom explore``: writes the page, and opens it where somebody sits."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slalom.cli import exploring
from slalom.cli.application import program


def explore(*typed: str) -> Result:
    return CliRunner().invoke(program, ["explore", *typed])


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the addresses that the browser is asked to open."""
    asked: list[str] = []

    def open_page(address: str) -> bool:
        asked.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", open_page)
    return asked


def sit_at_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exploring, "somebody_looks", lambda: True)


def test_the_page_is_written_to_the_file_named_and_not_opened(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sit_at_the_terminal(monkeypatch)
    page = tmp_path / "page.html"
    result = explore("--out", str(page))
    assert result.exit_code == 0
    assert result.stdout == f"wrote {page}\n"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert opened == []


def test_without_a_name_it_is_written_here_and_opened(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sit_at_the_terminal(monkeypatch)
    monkeypatch.chdir(tmp_path)
    assert explore().exit_code == 0
    assert opened == [(tmp_path / exploring.DEFAULT).resolve().as_uri()]
    assert (tmp_path / exploring.DEFAULT).exists()


def test_where_nobody_looks_no_browser_is_opened(
    tmp_path: Path, opened: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert explore().exit_code == 0
    assert opened == []


def test_where_there_is_no_browser_the_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sit_at_the_terminal(monkeypatch)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    result = explore()
    assert result.exit_code == 0
    assert "wrote slalom-explorer.html" in result.stdout
    assert result.stderr == "No browser could be opened: open the file yourself.\n"


@pytest.mark.parametrize("name", ["page.pdf", "page", "missing/page.html"])
def test_a_file_that_cannot_be_a_page_is_refused_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert explore("--out", name).exit_code != 0
    assert list(tmp_path.iterdir()) == []
