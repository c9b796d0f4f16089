"""``slalom list`` and ``slalom show``."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from slalom import landscapes, optimizers
from slalom.cli.application import program


def run(*typed: str, columns: int | None = None) -> str:
    result = CliRunner().invoke(program, list(typed), env={"COLUMNS": "" if columns is None else str(columns)})
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_optimizer_is_listed_on_a_line_of_its_own() -> None:
    shown = [line.split() for line in run("list", "optimizers").splitlines()]
    assert [words[0] for words in shown] == list(optimizers.catalogue())
    assert next(words for words in shown if words[0] == "adadelta")[:3] == ["adadelta", "lr", "1"]


def test_every_landscape_is_listed_on_a_line_of_its_own() -> None:
    shown = run("list", "landscapes").splitlines()
    assert [line.split()[0] for line in shown] == list(landscapes.NAMES)
    assert all("minimum" in line for line in shown)


@pytest.mark.parametrize("what", ["optimizers", "landscapes"])
@pytest.mark.parametrize("columns", [40, 80, 120])
def test_a_list_fits_the_terminal(what: str, columns: int) -> None:
    assert all(len(line) <= columns for line in run("list", what, columns=columns).splitlines())


def test_lists_are_json_too() -> None:
    listed = json.loads(run("list", "optimizers", "--json"))
    assert {entry["name"]: entry["lr"] for entry in listed}["rmsprop"] == 0.01
    assert all(entry["class"] and entry["description"] for entry in listed)
    sphere = json.loads(run("list", "landscapes", "--json"))[0]
    assert sphere["minima"] == [{"point": [0, 0], "value": 0}]
    assert sphere["name"] == "sphere"


def test_no_name_is_both_an_optimizer_and_a_landscape() -> None:
    assert not set(optimizers.catalogue()) & set(landscapes.NAMES)


@pytest.mark.parametrize("name", ["sphere", "ellipse:condition=100", "Three_Hump_Camel", "x**2 + y**4"])
@pytest.mark.parametrize("latex", [False, True])
def test_a_landscape_is_shown_as_its_card(name: str, latex: bool) -> None:
    card = landscapes.describe(name)
    assert run("show", name, *["--latex"] * latex) == (card.latex() if latex else card.text()) + "\n"


@pytest.mark.parametrize("name", ["adam", "adam:amsgrad=True", "sgd:momentum=0.9", "torch.optim.NAdam", "LBFGS"])
@pytest.mark.parametrize("latex", [False, True])
def test_an_optimizer_is_shown_as_its_card(name: str, latex: bool) -> None:
    card = optimizers.describe(name)
    expected = card.latex() if latex else card.text()
    if expected:
        assert run("show", name, *["--latex"] * latex) == expected + "\n"
    else:
        assert "has no formula" in CliRunner().invoke(program, ["show", name, "--latex"]).stderr
