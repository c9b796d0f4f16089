"""Results as files: whole or not at all, and read back by other people's tools."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import slalom
from conftest import missing
from slalom.core import InputError
from slalom.lab import check_savable, files


@pytest.fixture(scope="module")
def race() -> slalom.Race:
    return slalom.race("sphere", ["sgd:lr=0.1", "sgd:lr=1.5"], starts=[(-75, -10), (1, 2)], steps=30)


def test_csv_has_a_line_per_runner_and_step_at_full_precision(race: slalom.Race, tmp_path: Path) -> None:
    race.save(tmp_path / "paths.csv")
    with (tmp_path / "paths.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["runner", "optimizer", "seed", "start", "step", "loss", "x0", "x1"]
    assert len(rows) == 1 + 4 * 31
    assert rows[1] == ["0", "sgd:lr=0.1", "0", "0", "0", "5725.0", "-75.0", "-10.0"]
    values = np.array([[float(cell) if cell else np.nan for cell in row[6:]] for row in rows[1:]])
    np.testing.assert_array_equal(values.reshape(4, 31, 2), race.paths)
    assert rows[-1][5:] == ["", "", ""]  # diverged


def test_json_follows_the_published_shape(race: slalom.Race, tmp_path: Path) -> None:
    race.save(tmp_path / "race.json")
    content = json.loads((tmp_path / "race.json").read_text())
    assert {"course", "steps", "engine", "versions", "runners"} <= content.keys()
    assert content["course"] == "sphere"
    assert content["steps"] == 30
    assert set(content["versions"]) == {"slalom", "torch", "python"}
    first, last = content["runners"][0], content["runners"][-1]
    assert set(first) == {
        "name", "optimizer", "hyperparameters", "seed", "start", "status", "loss", "path", "metrics",
    }  # fmt: skip
    assert first["optimizer"] == "sgd:lr=0.1"
    assert first["hyperparameters"]["momentum"] == 0
    assert first["status"] == "finished"
    assert len(first["loss"]) == len(first["path"]) == 31
    assert last["status"].startswith("diverged at step")
    assert last["loss"][-1] is None
    assert last["path"][-1] == [None, None]
    assert last["metrics"]["final_gap"] is None


def test_parquet_is_the_same_table(race: slalom.Race, tmp_path: Path) -> None:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        missing("pyarrow")
    race.save(tmp_path / "paths.parquet")
    table = parquet.read_table(tmp_path / "paths.parquet")
    assert table.column_names == ["runner", "optimizer", "seed", "start", "step", "loss", "x0", "x1"]
    assert table.num_rows == 4 * 31
    assert table.column("x0").null_count == int(np.isnan(race.paths[:, :, 0]).sum())
    assert table.column("optimizer")[0].as_py() == "sgd:lr=0.1"
    np.testing.assert_array_equal(table.column("x1").to_numpy().reshape(4, 31), race.paths[:, :, 1])


def test_sweeps_write_their_numbers(tmp_path: Path) -> None:
    curve = slalom.sweep("sphere", ["sgd"], over="lr", grid=5, steps=20, starts=3)
    basins = slalom.sweep("sphere", ["sgd:lr=0.1"], over="start", grid=4, steps=160)
    ladder = slalom.sweep("sphere", ["sgd:lr=0.1"], factors=[1, 100], steps=20)
    for name, result, lines in (("curve", curve, 5 * 3), ("basins", basins, 16), ("ladder", ladder, 2 * 21)):
        result.save(tmp_path / f"{name}.csv")
        assert len((tmp_path / f"{name}.csv").read_text().splitlines()) == 1 + lines
        result.save(tmp_path / f"{name}.json")
        content = json.loads((tmp_path / f"{name}.json").read_text())
        assert content["course"] == "sphere"
        assert [entry["optimizer"] for entry in content["optimizers"]] == [result.optimizers[0].spec]
    assert ladder.table().rows[0]["×100"].startswith("diverged at step")
    assert len(curve.table().rows) == 1
    assert basins.success == (1.0,)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "numbers.csv"
    target.write_text("before")

    def fails(aside: Path) -> None:
        aside.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="could not be written: no space left on device; nothing was changed"):
        files.save(target, {"csv": fails})
    assert target.read_text() == "before"
    assert os.listdir(tmp_path) == ["numbers.csv"]


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(aside: Path) -> None:
        aside.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        files.save(tmp_path / "numbers.csv", {"csv": interrupted})
    assert os.listdir(tmp_path) == []


def text_of(content: str) -> dict[str, files.Writer]:
    return {"csv": lambda aside: aside.write_text(content) and None}


@pytest.mark.skipif(os.name != "posix", reason="links need a privilege there")
def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "numbers.csv", tmp_path / "link.csv"
    link.symlink_to("there/numbers.csv")
    for content in ("made through a link that led nowhere yet", "replaced"):
        assert files.save(link, text_of(content)) == link
        assert link.is_symlink()
        assert target.read_text() == content
        target.chmod(0o640)
    assert target.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path / "there") == ["numbers.csv"]
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    with pytest.raises(InputError, match="is a symbolic link that leads back to itself"):
        files.save(tmp_path / "loop.csv", text_of("x"))
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match="is a device, pipe or socket: name a file"):
        files.save(tmp_path / "pipe.csv", text_of("x"))


KILLED = """
import os, signal, sys
from slalom.lab import files

def half(aside):
    aside.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

files.save(sys.argv[1], {"csv": half})
"""


@pytest.mark.skipif(os.name != "posix", reason="there are no such signals")
def test_what_a_killed_process_left_half_written_goes_with_the_next_file(tmp_path: Path) -> None:
    target = tmp_path / "numbers.csv"
    target.write_text("before")
    subprocess.run([sys.executable, "-c", KILLED, str(target)], timeout=60)
    assert target.read_text() == "before"
    assert len(os.listdir(tmp_path)) == 2

    def beside(aside: Path) -> None:  # another process, which lives, is writing too
        files.save(tmp_path / "others.csv", text_of("others"))
        aside.write_text("after")

    files.save(target, {"csv": beside})
    assert target.read_text() == "after"
    assert sorted(os.listdir(tmp_path)) == ["numbers.csv", "others.csv"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "card.pgn",
            "`card.pgn` has no ending that names a format. Did you mean `png`? The format follows the file's ending: "
            "png, svg, pdf, html, gif, mp4, csv, json, parquet.",
        ),
        (
            "card",
            "`card` has no ending. The format follows the file's ending: png, svg, pdf, html, gif, mp4, csv, json, "
            "parquet.",
        ),
        ("no/card.png", "`no/card.png` cannot be written: there is no folder `no`; make it first."),
        ("folder.png", "`folder.png` is a folder: name a file in it."),
        ("nul\0.png", "`nul�.png` cannot be a file's name: it has a NUL character in it."),
    ],
)
def test_endings_and_places_are_checked_before_anything_runs(
    name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder.png").mkdir()
    with pytest.raises(InputError) as error:
        check_savable([name])
    assert str(error.value) == sentence
    assert check_savable(["card.PNG", "race.json"]) == [Path("card.PNG"), Path("race.json")]
    assert os.listdir(tmp_path) == ["folder.png"]


def test_a_missing_encoder_is_told_before_the_race(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'needs the optional package imageio_ffmpeg: `pip install "slalom\[video\]"`'):
        check_savable([tmp_path / "race.mp4"])


@pytest.mark.parametrize("course", ["0*x + 0*y", "floor(x) + sign(y)"])
def test_a_function_without_a_slope_is_written_too(course: str) -> None:
    race = slalom.race(course, ["sgd:lr=0.1"], steps=3)
    assert json.loads(race.to_json())["runners"][0]["loss"] == race.losses[0].tolist()
