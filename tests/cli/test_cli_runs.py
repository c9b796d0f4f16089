"""``slalom runs``: list, export, merge and verify, on real files."""

from __future__ import annotations

import csv
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from slalom import store as stores
from slalom.cli.application import program
from slalom.core import Run, Training
from slalom.store import RunSpec

TRAINING = Training.of(20, 10)


def spec(seed: int, optimizer: str = "torch.optim.adam.Adam", course: str = "digits-mlp", lr: float = 0.01) -> RunSpec:
    return RunSpec(course, optimizer, seed, {"lr": lr}, training=TRAINING, versions={"torch": "2.13.0"})


def run(seed: int, accuracy: float = 0.9, **changes: Any) -> Run:
    evaluations = [{"step": step, "test_loss": 0.25, "test_accuracy": accuracy} for step in TRAINING.evaluate_at]
    losses = np.random.default_rng(seed).random(20)
    return Run(**{"losses": losses, "evaluations": evaluations, "completed": 20, "seconds": 0.5, **changes})


def filled(path: Path) -> Path:
    """Write four runs of Adam, three of SGD of which one diverged, one of another course, and a study."""
    with stores.open(path) as store:
        store.put_all([(spec(k), run(k, 0.9 + k / 100)) for k in range(4)])
        store.put_all([(spec(k, "torch.optim.sgd.SGD"), run(k)) for k in range(2)])
        store.put(spec(2, "torch.optim.sgd.SGD", lr=1000.0), run(2, diverged_at=7, completed=7))
        store.put(spec(0, course="digits-cnn"), run(9))
        store.save_study("first", {"n": 1}, [spec(k).key for k in (3, 1)])
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return filled(tmp_path / "s.sqlite")


def invoke(*typed: object, columns: int | None = None) -> Result:
    width = "" if columns is None else str(columns)
    return CliRunner().invoke(program, ["runs", *map(str, typed)], env={"COLUMNS": width})


def printed(*typed: object, columns: int | None = None) -> str:
    result = invoke(*typed, columns=columns)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def listed(store: Path, *typed: object) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = json.loads(printed("list", "--store", store, "--json", *typed))["runs"]
    return told


def damage(path: Path) -> None:
    """Change what one run says of itself, behind the store's back."""
    connection = sqlite3.connect(path)
    connection.execute("UPDATE runs SET summary = replace(summary, '0.91', '0.99')")
    connection.commit()
    connection.close()


def test_every_run_is_listed_on_a_line_of_its_own(store: Path) -> None:
    lines = printed("list", "--store", store).splitlines()
    assert lines[0] == f"{store}: 8 runs"
    rows = [line.split() for line in lines[5:13]]
    assert [row[0] for row in rows[:4]] == [spec(k).key[:12] for k in range(4)]
    assert rows[1][1:5] == ["digits-mlp", "Adam", "0.01", "1"]
    assert "91.0 %" in lines[6]
    assert "diverged at step 7" in lines[11]
    assert "1e+03" in lines[11]
    assert lines[-1].startswith("study first: 2 runs, last touched 20")


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        (("--course", "digits-mlp"), 7),
        (("--course", "nowhere"), 0),
        (("--optimizer", "adam"), 5),
        (("--optimizer", "SGD"), 3),
        (("--optimizer", "torch.optim.sgd.SGD"), 3),
        (("--status", "diverged"), 1),
        (("--status", "finished", "--optimizer", "sgd"), 2),
        (("--study", "first"), 2),
        (("--last", "3"), 3),
    ],
)
def test_runs_can_be_narrowed_down(store: Path, typed: tuple[str, ...], count: int) -> None:
    assert len(listed(store, *typed)) == count


def test_the_runs_of_a_study_come_in_its_order(store: Path) -> None:
    assert [row["seed"] for row in listed(store, "--study", "first")] == [3, 1]


def test_a_heading_says_how_many_of_how_many_are_shown(store: Path) -> None:
    narrow = ("list", "--store", store, "--optimizer", "sgd")
    assert printed(*narrow).splitlines()[0] == f"{store}: 8 runs, of which 3 fit"
    assert printed(*narrow, "--last", 2).splitlines()[0] == f"{store}: 8 runs, of which 3 fit; the latest 2"
    assert printed("list", "--store", store, "--last", 1).splitlines()[0] == f"{store}: 8 runs; the latest 1"


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_list_fits_the_terminal(store: Path, columns: int) -> None:
    lines = printed("list", "--store", store, columns=columns).partition("\n\n")[2].splitlines()
    assert all(len(line) <= columns for line in lines if not line.startswith("no room"))


def test_the_json_has_every_field_and_the_studies(store: Path) -> None:
    told = json.loads(printed("list", "--store", store, "--json"))
    assert told["store"] == str(store)
    first = told["runs"][0]
    assert first["key"] == spec(0).key
    assert (first["hyperparameter.lr"], first["metric.test_accuracy"], first["seconds"]) == (0.01, 0.9, 0.5)
    assert [(one["name"], one["runs"]) for one in told["studies"]] == [("first", 2)]


def test_a_table_of_runs_reads_back(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "runs.csv"
    assert printed("export", target, "--store", store) == f"wrote {target} (8 runs)\n"
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["key"] for row in rows[:4]] == [spec(k).key for k in range(4)]
    assert [float(row["metric.test_accuracy"]) for row in rows[:4]] == [0.9, 0.91, 0.92, 0.93]


def test_parquet_reads_back(store: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    printed("export", tmp_path / "runs.parquet", "--store", store, "--optimizer", "sgd")
    assert parquet.read_table(tmp_path / "runs.parquet").column("status").to_pylist().count("diverged") == 1


def test_the_json_of_an_export_has_the_series(store: Path, tmp_path: Path) -> None:
    printed("export", tmp_path / "runs.json", "--store", store, "--study", "first")
    rows = json.loads((tmp_path / "runs.json").read_text(encoding="utf-8"))["runs"]
    assert [row["seed"] for row in rows] == [3, 1]
    assert rows[0]["loss"] == run(3).losses.tolist()
    assert rows[0]["evaluations"][-1]["test_accuracy"] == 0.93


def test_stores_are_merged(store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with stores.open(other) as more:
        more.put_all([(spec(k), run(k, 0.9 + k / 100)) for k in range(3, 6)])
    shown = printed("merge", tmp_path / "all.sqlite", store, other)
    assert shown == "10 runs and 1 studies were copied, 1 runs were there already.\n"
    assert len(listed(tmp_path / "all.sqlite")) == 10
    assert len(listed(store)) == 8


def test_a_conflict_is_told_and_the_first_run_kept(store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with stores.open(other) as more:
        more.put(spec(0), run(77, 0.1))
    result = invoke("merge", store, other)
    assert result.exit_code == 1
    assert f"1 conflicts, the first was kept: run {spec(0).key[:12]}" in result.stdout
    assert listed(store, "--optimizer", "adam")[0]["metric.test_accuracy"] == 0.9


def test_a_whole_store_is_said_to_be_whole(store: Path) -> None:
    assert printed("verify", "--store", store).endswith(" is whole: 8 runs, every one as it was written.\n")


def test_damage_is_found_repaired_and_then_gone(store: Path, tmp_path: Path) -> None:
    damage(store)
    result = invoke("verify", "--store", store)
    assert result.exit_code == 1
    assert "is damaged" in result.stdout
    assert "7 runs can be saved by repairing it." in result.stdout
    assert "slalom runs verify" in invoke("list", "--store", store).stderr
    assert "was repaired with 7 runs" in printed("verify", "--store", store, "--repair")
    assert "7 runs, every one as it was written" in printed("verify", "--store", store)
    assert len(listed(store)) == 7
    assert list(tmp_path.glob("s.damaged-*.sqlite"))


def test_without_a_store_nothing_has_been_kept_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slalom.store.default_path", lambda: tmp_path / "none" / "runs.sqlite")
    assert printed("list").startswith("No runs have been kept yet: a study will keep its runs in ")
    assert json.loads(printed("list", "--json"))["runs"] == []
    for typed in (("verify",), ("export", tmp_path / "f.csv")):
        result = invoke(*typed)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: No runs have been kept yet, in `")
        assert result.stderr.endswith("`: run a study, or name a file with `--store`.\n")
    assert not (tmp_path / "none").exists()


def test_the_list_does_not_write_the_store(store: Path) -> None:
    before = store.read_bytes()
    printed("list", "--store", store)
    assert store.read_bytes() == before


def test_alone_it_explains_itself() -> None:
    assert printed() == printed("--help")
    for name in ("list", "export", "merge", "verify"):
        assert "Examples:" in printed(name, "--help")


def test_a_list_needs_no_torch(store: Path) -> None:
    code = (
        "import sys; from slalom.cli.application import program\n"
        f"try: program.main(['runs', 'list', '--store', {str(store)!r}])\n"
        "except SystemExit as end: assert not end.code\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


EXAMPLE = "as in `slalom runs merge all.sqlite a.sqlite b.sqlite`."


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (
            ("lst",),
            "`lst` is not a command of `slalom runs`: choose list, export, merge or verify. Did you mean `list`?",
        ),
        (("list", "--store", "none.sqlite"), "`none.sqlite`: there is no such file; name a store that there is."),
        (("list", "--store", "f.txt"), "`f.txt` is no store of slalom, or damaged at its beginning: see "),
        (("list", "--study", "x", "--store", "s.sqlite"), "`x` is no study in `s.sqlite`: it has `first`."),
        (("list", "--last", "0"), "`--last 0`: this must be a whole number of at least 1 and at most "),
        (("list", "here"), "`here` does not belong to `slalom runs list`: `slalom runs list --help` shows "),
        (("list", "-x"), "`-x` is not an option of `slalom runs list`. `slalom runs list --help` lists them."),
        (("export",), "FILE is missing: name the file to write, as in `slalom runs export runs.csv`."),
        (("export", "f.xls", "--store", "s.sqlite"), "`f.xls` has no ending that names a format. The format follows "),
        (
            ("export", "f.csv", "--store", "s.sqlite", "--course", "x"),
            "No run in `s.sqlite` fits, so there is nothing to export.",
        ),
        (("merge",), f"TARGET is missing: name the store to copy into, and those to copy from, {EXAMPLE}"),
        (("merge", "a.sqlite"), f"SOURCE is missing: name the stores to copy from, {EXAMPLE}"),
        (("merge", "s.sqlite", "s.sqlite"), "`s.sqlite` is to be merged into itself: leave it out of the sources."),
        (("merge", "a.sqlite", "none.sqlite"), "`none.sqlite`: there is no such file; name a store that there is."),
        (("verify", "--store", "none.sqlite"), "`none.sqlite`: there is no such file; name a store that there is."),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(
    typed: tuple[str, ...], answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    filled(Path("s.sqlite"))
    Path("f.txt").write_text("some text that is no store\n" * 9, encoding="utf-8")
    result = invoke(*typed)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(f"Error: {answer}")
    # SQLite leaves an empty log beside a file that was only read.
    assert {path.name for path in tmp_path.iterdir()} <= {"f.txt", "s.sqlite", "s.sqlite-wal", "s.sqlite-shm"}
