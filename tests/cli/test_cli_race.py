"""``slalom race`` and ``slalom sweep`` hand on what was typed, print what came out, and write what was asked for."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import slalom
from slalom.cli.application import COMMANDS, program
from slalom.lab.pictures import RACE_ENDINGS, SWEEP_ENDINGS
from slalom.lab.racing import DTYPES, ENGINES


def run(*typed: str) -> click.testing.Result:
    result = CliRunner().invoke(program, list(typed), env={"COLUMNS": ""})  # as where there is no terminal
    assert result.exit_code == 0, result.output
    return result


def command(name: str) -> click.Command:
    found = program.get_command(click.Context(program), name)
    assert found is not None
    return found


def options(name: str) -> dict[str, Any]:
    return {parameter.name: parameter for parameter in command(name).params}


@pytest.mark.parametrize("name", ["race", "sweep"])
def test_defaults_are_those_of_the_library(name: str) -> None:
    signature = inspect.signature(getattr(slalom, name)).parameters
    shown = {key: option.default for key, option in options(name).items() if getattr(option, "show_default", None)}
    shown.pop("picture", None)  # of Race.save
    assert shown == {key: signature[key].default for key in shown}


@pytest.mark.parametrize("name", ["race", "sweep"])
def test_help_names_every_engine_precision_and_ending(name: str) -> None:
    known = options(name)
    assert all(engine in known["engine"].help for engine in ENGINES)
    assert known["dtype"].help.startswith(" or ".join(DTYPES) + ". ")
    endings = RACE_ENDINGS if name == "race" else SWEEP_ENDINGS
    assert f": {' '.join(endings)}. " in known["save"].help


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself_with_examples(name: str) -> None:
    shown = run(name, "--help").stdout
    assert f"    slalom {name}" in shown.partition("Examples:")[2]


def test_help_lists_the_commands_whole() -> None:
    shown = run("--help").stdout
    assert [line.split()[0] for line in shown.partition("Commands:\n")[2].splitlines()] == list(COMMANDS)
    assert "..." not in shown.partition("Commands:")[2]
    assert run().stdout == shown


def test_the_version_is_the_package_s() -> None:
    assert run("--version").stdout == f"slalom {slalom.__version__}\n"


@pytest.mark.parametrize(
    "start",
    [("--start", "-75,-10"), ("--start=-75,-10",), ("--start", "(-75, -10)"), ("--start", "−75,−10")],
)
def test_a_start_may_be_negative_however_it_is_typed(start: tuple[str, ...]) -> None:
    shown = run("race", "sphere", *start, "-o", "sgd:lr=0.1", "--steps", "150").stdout
    assert shown.startswith("x² + y²: 150 steps from (−75, −10)\nSGD settles at step 30, ")


def test_a_race_prints_its_table_sentence_and_engine() -> None:
    shown = run("race", "sphere", "--start=-75,-10", "-o", "sgd:lr=0.1", "-o", "sgd:lr=1.5", "--steps", "200").stdout
    race = slalom.race("sphere", ["sgd:lr=0.1", "sgd:lr=1.5"], start=(-75, -10), steps=200)
    lines = shown.splitlines()
    assert lines[1] == race.sentence
    assert lines[3].split() + lines[4].split() == [
        *("settles", "leaves", "final"),
        *("optimizer", "lr", "status", "at", "again", "f", "−", "f*", "path", "straight", "turns", "gradients"),
    ]
    assert [line.split() for line in lines[6:8]] == [" ".join(texts).split() for texts in race.table().texts]
    assert lines[-1] == f"field engine, float64, slalom {slalom.__version__}, torch {race.versions['torch']}"


def test_json_stands_alone_on_standard_output(tmp_path: Path) -> None:
    path = tmp_path / "paths.csv"
    result = run("race", "sphere", "-o", "adam:lr=1", "--steps", "5", "--json", "--save", str(path))
    assert json.loads(result.stdout) == json.loads(slalom.race("sphere", ["adam:lr=1"], steps=5).to_json())
    assert result.stderr.startswith(f"wrote {path} (")
    assert len(path.read_text().splitlines()) == 1 + 6


def test_many_starts_and_seeds_reach_the_race() -> None:
    shown = json.loads(
        run("race", "sphere", "-o", "sgd", "--start", "1,2", "--start", "3,4", "--seeds", "2", "--seed", "7",
            "--noise", "0.1", "--steps", "3", "--dtype", "float32", "--engine", "solo", "--json").stdout
    )  # fmt: skip
    assert [(runner["start"], runner["seed"]) for runner in shown["runners"]] == [
        ([1, 2], 7), ([1, 2], 8), ([3, 4], 7), ([3, 4], 8),
    ]  # fmt: skip
    assert (shown["noise"], shown["dtype"], shown["engine"], shown["steps"]) == (0.1, "float32", "solo", 3)


def test_starts_are_drawn_where_only_their_number_is_given() -> None:
    shown = json.loads(run("race", "sphere", "-o", "sgd", "--starts", "4", "--steps", "2", "--json").stdout)
    drawn = slalom.race("sphere", ["sgd"], starts=4, steps=2)
    assert [runner["start"] for runner in shown["runners"]] == [list(runner.start) for runner in drawn.runners]


def test_an_expression_and_a_file_are_courses_too(tmp_path: Path) -> None:
    assert run("race", "x**2 + 10*y**2", "-o", "sgd:lr=0.01", "--steps", "5").stdout.startswith("x² + 10y²: five steps")
    file = tmp_path / "mine.py"
    file.write_text("def bowl(x, y):\n    return x**2 + y**4\n")
    assert run("race", f"{file}:bowl", "-o", "sgd:lr=0.01", "--steps", "5").stdout.startswith("bowl: five steps")


@pytest.mark.parametrize("over", [["--over", "start", "--grid", "4"], ["--grid", "5", "--starts", "2"],
                                  ["--factors", "0.1,1"], ["--over", "ladder"]])  # fmt: skip
def test_a_sweep_prints_and_exports(over: list[str], tmp_path: Path) -> None:
    path = tmp_path / "sweep.csv"
    typed = ["sweep", "sphere", "-o", "adam:lr=0.5", "-o", "sgd:lr=0.1", "--steps", "20", *over]
    shown = run(*typed, "--save", str(path)).stdout
    assert "x² + y²" in shown
    assert "Adam" in shown
    assert path.stat().st_size > 0
    assert json.loads(run(*typed, "--json").stdout)
