"""Every mistake is answered by one clear sentence on standard error, exit code 2, and nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

import slalom.lab
from slalom.cli.application import program

COURSE_MISSING = (
    "COURSE is missing: say what to descend (a name, an expression in quotes, or file.py:name), as in "
    "`slalom {} sphere`; `slalom list landscapes` and `slalom list tasks` show the names."
)
WHOLE = "this must be a whole number of at least {} and at most {}, as in --{}."
FORMATS = "The format follows the file's ending: png, svg, pdf, html, gif, mp4, csv, json, parquet."
START = "a start is one finite number per variable, separated by commas, as in --start=-75,-10."
NOISE = "the noise is a standard deviation, a finite number of at least 0, as in --noise 0.1."
LONG = "x" * 200
QUINTILLION = "1,000,000,000,000,000"

MISTAKES = {
    # commands and words
    ("rase",): "`rase` is not a command. Did you mean `race`? `slalom --help` lists them; a race is typed "
    "`slalom race sphere`.",
    (LONG,): f"`{'x' * 59}…` is not a command. `slalom --help` lists them; a race is typed `slalom race sphere`.",
    ("race",): COURSE_MISSING.format("race"),
    ("sweep",): COURSE_MISSING.format("sweep"),
    ("race", "x**2", "+", "y**2"): "`+ y**2` does not belong to `slalom race`: an expression needs quotes, as in "
    '"x**2 + y**2", and every optimizer its own -o.',
    ("race", "sphere", "-o", "sgd", "adam"): "`adam` does not belong to `slalom race`: an expression needs quotes, "
    'as in "x**2 + y**2", and every optimizer its own -o.',
    ("demo", "here"): "`here` does not belong to `slalom demo`: `slalom demo --help` shows how it is used.",
    # options
    ("race", "sphere", "--stps", "3"): "`--stps` is not an option of `slalom race`. Did you mean `--steps` or "
    "`--starts` or `--start`? `slalom race --help` lists them.",
    ("race", "-x**2"): "`-x` is not an option of `slalom race`: an expression that begins with a minus goes into "
    'brackets, as in "(-x)**2"; `slalom race --help` lists the options.',
    ("race", "sphere", "--steps"): "`--steps` needs a value: type `--steps N`.",
    ("race", "sphere", "--json=3"): "`--json` takes no value: type `--json` alone.",
    ("list", "optimizers", "--colour"): "`--colour` is not an option of `slalom list`. `slalom list --help` lists "
    "them.",
    # numbers
    ("race", "sphere", "--steps", "abc"): "`--steps abc`: " + WHOLE.format(1, QUINTILLION, "steps 500"),
    ("race", "sphere", "--steps", "0"): "`--steps 0`: " + WHOLE.format(1, QUINTILLION, "steps 500"),
    ("race", "sphere", "--steps", "1.5"): "`--steps 1.5`: " + WHOLE.format(1, QUINTILLION, "steps 500"),
    ("race", "sphere", "--steps", "9" * 5000): f"`--steps {'9' * 51}…`: "
    + WHOLE.format(1, QUINTILLION, "steps 500"),
    ("race", "sphere", "--seeds", "-1"): "`--seeds=-1`: " + WHOLE.format(1, QUINTILLION, "seeds 10"),
    ("race", "sphere", "--starts", "0"): "`--starts 0`: " + WHOLE.format(1, QUINTILLION, "starts 100"),
    ("race", "sphere", "--seed", "-3"): "`--seed=-3`: " + WHOLE.format(0, "9,223,372,036,854,775,807", "seed 0"),
    ("sweep", "sphere", "--grid", "x"): "`--grid x`: " + WHOLE.format(1, QUINTILLION, "grid 64"),
    ("race", "sphere", "--noise", "nan"): "`--noise nan`: " + NOISE,
    ("race", "sphere", "--noise", "-0.1"): "`--noise=-0.1`: " + NOISE,
    ("race", "sphere", "--noise", "inf"): "`--noise inf`: " + NOISE,
    ("race", "sphere", "--noise", "loud"): "`--noise loud`: " + NOISE,
    ("race", "sphere", "--start", "a,b"): "`--start a,b`: " + START,
    ("race", "sphere", "--start", "nan,1"): "`--start nan,1`: " + START,
    ("race", "sphere", "--start", "1,2,"): "`--start 1,2,`: " + START,
    ("race", "sphere", "--start", "-1,inf"): "`--start=-1,inf`: " + START,
    ("sweep", "sphere", "--factors", "1,,3"): "`--factors 1,,3`: factors are numbers separated by commas, as in "
    "--factors 0.1,0.3,1,3,10.",
    ("race", "sphere", "--start", "1,2", "--starts", "3"): "`--start` and `--starts` exclude each other: name the "
    "starting points, or how many to draw.",
    # control characters and bytes that are no text
    ("race", "sphere", "--steps", "5\x1b[31m"): "`--steps 5�[31m`: " + WHOLE.format(1, QUINTILLION, "steps 500"),
    ("race", "sphere", "--start", "1,\udcff"): "`--start 1,�`: " + START,
    # names
    ("race", "sphre"): "`sphre` is not a landscape. Did you mean `sphere`?",
    ("race", "sphere", "-o", "adem"): "`adem` is no optimizer in the catalogue. Did you mean `adam` or `radam` or "
    "`nadam`?",
    ("race", "sphere", "-o", "adam:lr=nan"): "`adam:lr=nan`: lr must be a finite number, got `nan`. Adam's default "
    "is lr=0.001.",
    ("race", "sphere", "--start", "1"): "`sphere` takes 2 coordinates, 1 was given: (1).",
    ("race", "sphere", "--engine", "warp"): "engine `warp` is not known: choose one of auto, solo, field, fleet.",
    ("race", "sphere", "--dtype", "float16"): "dtype `float16` is not known: choose one of float64, float32.",
    ("list", "optimisers"): "`optimisers` cannot be listed: choose optimizers, landscapes or tasks. Did you mean "
    "`optimizers`?",
    ("show",): "NAME is missing: say what to show, as in `slalom show adam` or `slalom show rosenbrock`; "
    "`slalom list optimizers`, `slalom list landscapes` and `slalom list tasks` show the names.",
    ("show", "rosenbruck"): "`rosenbruck` is neither an optimizer nor a landscape nor a task. Did you mean "
    "`rosenbrock`? `slalom list optimizers`, `slalom list landscapes` and `slalom list tasks` "
    "show all.",
    ("show", "adem"): "`adem` is neither an optimizer nor a landscape nor a task. Did you mean `adam` or "
    "`radam` or `nadam`? `slalom list optimizers`, `slalom list landscapes` and `slalom list tasks` "
    "show all.",
    # files
    ("race", "sphere", "--save", "card"): "`card` has no ending. " + FORMATS,
    ("race", "sphere", "--save", "a.csv", "--save", "card.pgn"): "`card.pgn` has no ending that names a format. Did "
    "you mean `png`? " + FORMATS,
    ("race", "sphere", "--save", "none/card.png"): "`none/card.png` cannot be written: there is no folder `none`; "
    "make it first.",
}  # fmt: skip


@pytest.mark.parametrize("typed", list(MISTAKES), ids=lambda typed: " ".join(typed)[:60].encode("ascii", "replace"))
def test_a_mistake_is_one_sentence_and_nothing_is_written(
    typed: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(program, list(typed))
    assert result.stderr == f"Error: {MISTAKES[typed]}\n"
    assert result.stdout == ""
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_a_race_that_does_not_fit_is_refused_before_it_begins() -> None:
    """The free memory that the sentence tells changes; the rest of it does not."""
    result = CliRunner().invoke(program, ["race", "sphere", "--steps", "1000000000000"])
    before, _, after = result.stderr.partition(" of memory and ")
    assert before == "Error: 6 runners × 1,000,000,000,000 steps in 2 coordinates would need 261.9 TiB"
    assert after.endswith(" are free: ask for fewer steps, starts or seeds.\n")
    assert result.exit_code == 2


def test_a_bug_keeps_its_traceback_and_says_where_to_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(slalom.lab, "race", broken)
    result = CliRunner().invoke(program, ["race", "sphere"])
    assert result.exit_code == 1
    assert "RuntimeError: boom" in result.stderr
    assert f"This is a bug in slalom {slalom.__version__}, not a mistake of yours. Please report it" in result.stderr


def test_an_interruption_before_anything_is_finished_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(slalom.lab, "race", stopped)
    result = CliRunner().invoke(program, ["race", "sphere"])
    assert result.exit_code == 130
    assert result.stderr == "\nInterrupted before anything was finished; nothing was written.\n"
