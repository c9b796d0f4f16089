"""Whatever is typed, the program ends with 0 or 2, and never with a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from slalom.cli.application import program

ANYTHING = st.text(max_size=40)
EXPRESSION_LIKE = st.text(alphabet="xy01289.+-*/(),: esincoqrtpl", max_size=30)
SPEC_LIKE = st.one_of(
    ANYTHING, st.text(alphabet="sgdam:lr=,.0129e-()betsTrueFalnuixz'[]", max_size=30).map(lambda tail: "adam:" + tail)
)
NUMBER_LIKE = st.text(alphabet="0123456789.,-+einfa_ ()[]−", max_size=25)

WORDS = ("race", "show", "list", "sphere", "-o", "--save", "--json")

FILE_NAME = st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), max_size=40)
"""No process can be handed a NUL."""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def fuzzed(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def ends_well(*typed: str) -> None:
    result = CliRunner().invoke(program, list(typed))
    assert result.exit_code in (0, 2), (typed, result.output)
    assert "Traceback" not in result.output
    if result.exit_code == 2:
        assert result.stderr.startswith("Error: ")
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""


@fuzzed(100)
@given(course=st.one_of(ANYTHING, EXPRESSION_LIKE))
@example(course="--")
@example(course="x\0.py:f")
@example(course="x" * 5000)
def test_any_course(course: str) -> None:
    ends_well("race", "-o", "sgd", "--steps", "2", course)


@fuzzed(100)
@given(spec=SPEC_LIKE)
@example(spec="adam:lr=" + "9" * 5000)
@example(spec="adam:" + "(" * 500)
def test_any_spec(spec: str) -> None:
    ends_well("race", "sphere", "--steps", "2", "-o", spec)


@fuzzed(100)
@given(start=st.one_of(ANYTHING, NUMBER_LIKE))
@example(start="1e308,1e308")
@example(start="1_0,2")
def test_any_start(start: str) -> None:
    ends_well("race", "sphere", "-o", "sgd", "--steps", "2", "--start", start)


@fuzzed(60)
@given(option=st.sampled_from(["--steps", "--noise", "--seeds", "--seed", "--engine", "--dtype", "--device"]),
       value=st.one_of(ANYTHING, st.text(alphabet="abcdef.-_", max_size=8)))  # fmt: skip
@example(option="--steps", value="²")
@example(option="--seed", value="9223372036854775807")
@example(option="--seeds", value="1000000000000000")
def test_any_value_of_an_option(option: str, value: str) -> None:
    ends_well("race", "sphere", "-o", "sgd", "--steps", "2", option, value)


@fuzzed(60)
@given(words=st.lists(st.one_of(st.sampled_from(WORDS), ANYTHING), max_size=4))
def test_any_words(words: list[str]) -> None:
    result = CliRunner().invoke(program, [*words, "--start"])  # an option without a value: nothing ever runs
    assert result.exit_code in (0, 2), (words, result.output)
    assert "Traceback" not in result.output


@fuzzed(60)
@given(name=st.one_of(ANYTHING, SPEC_LIKE, EXPRESSION_LIKE))
@example(name="x")
@example(name=".")
@example(name="a.b")
def test_anything_shown(name: str) -> None:
    ends_well("show", "--", name)


@fuzzed(40)
@given(name=FILE_NAME)
def test_any_file_name(name: str) -> None:
    """A file with any name is written whole, or refused before the race."""
    ends_well("race", "sphere", "-o", "sgd", "--steps", "2", f"--save={name}.csv")
