"""``slalom study`` as it is typed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slalom.cli.application import program
from slalom.store import open as open_store

SHORT = ["-o", "sgd", "-o", "adam", "--epochs", "2", "--seeds", "5", "--engine", "field", "--workers", "1"]


def run(*typed: str) -> Result:
    return CliRunner().invoke(program, ["study", *typed], env={"COLUMNS": "120"})


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store in which the study has been made."""
    place = str(tmp_path_factory.mktemp("study") / "runs.sqlite")
    assert run("digits-mlp", *SHORT, "--store", place).exit_code == 0
    return place


def test_a_study_prints_its_verdict_table_and_remarks(path: str) -> None:
    shown = run("digits-mlp", *SHORT, "--store", path).stdout
    lines = shown.splitlines()
    assert lines[0] == "digits, fully connected: a study on the track lr, 36 steps each"
    assert "on digits-mlp: " in shown
    assert "at 36 steps, 11 trials, this search space." in " ".join(lines)
    assert [line.split()[0] for line in lines if line.startswith(("SGD  ", "Adam  "))] == ["SGD", "Adam"]
    assert lines[-1] == (f"remark: Computed 0 runs; 72 were in the store, computed {date.today()}. Saved in {path}")


def test_json_stands_alone_on_standard_output(path: str) -> None:
    told = json.loads(run("digits-mlp", *SHORT, "--store", path, "--json").stdout)
    assert told["store"] == path
    assert told["tasks"][0]["optimizers"][0]["verdict"] == "baseline"


def test_the_baseline_and_the_margin_change_the_verdict_and_compute_nothing(path: str) -> None:
    found = run("digits-mlp", *SHORT, "--store", path, "--baseline", "adam", "--margin", "99")
    assert "Computed 0 runs; 72 were in the store, computed 20" in found.stdout
    assert "baseline Adam, margin 99 points" in " ".join(found.stdout.split())


def test_a_dry_run_prints_the_plan_and_makes_no_store(tmp_path: Path) -> None:
    place = tmp_path / "runs.sqlite"
    shown = run("digits-mlp", *SHORT, "--store", str(place), "--dry-run").stdout
    assert "runs        62 to tune, 10 to evaluate" in shown
    assert "SGD: lr 0.001 … 10" in shown
    assert "time        about " in shown
    assert not place.exists()
    told = json.loads(run("digits-mlp", *SHORT, "--store", str(place), "--dry-run", "--json").stdout)
    assert (told["tuning_runs"], told["evaluation_runs"], told["engine"]) == (62, 10, "field")


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        (["digits-mlp", "--lr", "0"], "`--lr 0`: a learning rate is a finite number above 0, as in --lr 0.01."),
        (["digits-mlp", "--margin=-1"], "`--margin=-1`: a margin is a finite number above 0, as in --margin 0.3."),
        (["digits-mlp", "--save", "a.gif"], "`a.gif` has no ending that names a format. The format follows the file's "
         "ending: png, svg, pdf, html, csv, json, toml."),
        (["digits-mlp", "--budget", "soon"], "budget `soon`: a time is a number above 0 with s, m, h or d, such as "
         "90s, 10m or 1h30m."),
        (["digits-mlp", "--store", "t.png", "--save", "./t.png"], "`--save ./t.png` would replace the store, which "
         "keeps the runs: name another file."),
        (["digits-mlp", "--timeout", "9999999999d"], "timeout `9999999999d`: a time is a number above 0 with s, m, h "
         "or d, such as 90s, 10m or 1h30m."),
        (["sphere", "--margin", "0.5"], "margin `0.5`: what lies above the known minimum is compared as a factor, and "
         "so is the margin: a number above 1, such as 2."),
        (["a.toml", "sphere"], "`a.toml` is a study file, which holds a whole study: name it alone."),
        (["digits-mlp", "--trials", "10"], "trials `10`: on the track lr each optimizer has 11, 9, 7, 5."),
        (["sphere", "--epochs", "3"], "epochs `3` has no part in a study on a landscape: leave it out."),
        (["sphere", "sphere"], "`sphere` was given twice: a study across courses needs different ones."),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_sentence(typed: list[str], complaint: str) -> None:
    found = run(*typed)
    assert (found.exit_code, found.stderr) == (2, f"Error: {complaint}\n")


STUDY = """
course = "digits-mlp"
optimizers = ["sgd", "adam"]
epochs = 2
seeds = 5
engine = "field"
"""


def test_a_study_file_reproduces_the_study(path: str, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text(STUDY)
    found = run(str(file), "--store", path, "--workers", "1")
    assert "Computed 0 runs; 72 were in the store, computed 20" in found.stdout
    assert found.stdout == run("digits-mlp", *SHORT, "--store", path).stdout


@pytest.mark.parametrize(
    ("line", "typed", "complaint"),
    [
        ("trak = 'lr'", [], "`study.toml`: `trak` is no key of a study. Did you mean `track` or `trials`? Keys are "
         "course, optimizers, track, lr, baseline, margin, metric, seeds, seed, steps, epochs, budget, halving, "
         "trials, dtype, precision, engine, device."),
        ("", ["--picture", "foo"], "picture `foo` is not one of a study: choose one of card, verdict, sensitivity, "
         "curves, final, budget."),
        ("seed = 'x'", [], "`study.toml`: seed must be a whole number, got `x`."),
        ("", ["--track", "full"], "`--track` has no part beside a study file, which holds it all: write it there."),
        ("", ["-o", "adam"], "`-o` has no part beside a study file, which holds it all: write it there."),
    ],
)  # fmt: skip
def test_a_study_file_refuses_what_it_does_not_know(
    line: str, typed: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("study.toml").write_text(STUDY + line)
    found = run("study.toml", *typed)
    assert (found.exit_code, found.stderr) == (2, f"Error: {complaint}\n")


def test_ctrl_c_says_how_to_continue_and_keeps_what_is_finished(tmp_path: Path) -> None:
    place = tmp_path / "runs.sqlite"
    typed = ["digits-mlp", "-o", "sgd", "-o", "adam", "--epochs", "30", "--seeds", "5", "--engine", "solo"]
    process = subprocess.Popen(
        [sys.executable, "-m", "slalom", "study", *typed, "--workers", "1", "--store", str(place)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None and not _holds_a_run(place):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert (
        err.strip().splitlines()[-1]
        == "Interrupted: what was finished is kept, and the same command goes on from there."
    )
    with open_store(place, create=False) as store:
        kept = list(store)
        assert kept
        assert all(one.completed == 540 or one.status.kind == "diverged" for one in kept)


def _holds_a_run(place: Path) -> bool:
    if not place.exists():
        return False
    try:
        with open_store(place, create=False, readonly=True) as store:
            return store.count() > 0
    except ValueError:  # it is being made
        return False
