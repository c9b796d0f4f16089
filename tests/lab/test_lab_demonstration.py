"""The demonstration: what it says is computed from its runs, and says otherwise where they show otherwise."""

from __future__ import annotations

import html.parser
import re
from pathlib import Path

import numpy as np
import pytest

import slalom
from slalom.core import InputError
from slalom.lab import network_demonstration, study_demonstration
from slalom.lab import observations as o
from slalom.lab.demonstration import BOUNCING, CLASSICS, START, VARIANTS
from slalom.lab.demonstration_page import answer


@pytest.fixture(scope="module")
def classics() -> slalom.Race:
    return slalom.race("sphere", CLASSICS, start=START, steps=10_000)


def test_every_observation_of_the_experiment(classics: slalom.Race) -> None:
    variants = slalom.race("sphere", VARIANTS, start=START, steps=500)
    bouncing = slalom.race("sphere", BOUNCING, start=START, steps=200)
    seen = {item.heading: item.text for item in o.observe(classics, variants, bouncing)}
    assert list(seen) == [
        "SGD goes straight",
        "SGD bounces without progress",
        "Adagrad's steps start large and shrink until it crawls",
        "RMSprop brings y to 0 first, then moves along x",
        "Adadelta's path lies close to Adagrad's",
        "Adam swings like a ball, and its swings shrink",
        "AdamW swings too, but on a shorter way",
        "SGD is the first of SGD's variants",
        "RMSprop, Adam and AdamW leave the minimum again",
    ]
    assert "still 5,725" in seen["SGD bounces without progress"]
    assert "it needs 8,957 steps to settle" in seen["Adagrad's steps start large and shrink until it crawls"]
    assert "leaves at step 348" in seen["RMSprop brings y to 0 first, then moves along x"]
    assert "settles 41 steps sooner (133 against 174)" in seen["AdamW swings too, but on a shorter way"]
    assert "Adam is thrown out at step 7,067" in seen["RMSprop, Adam and AdamW leave the minimum again"]


def test_the_answer_names_everybody_in_the_order_of_settling(classics: slalom.Race) -> None:
    settled = {runner.name: _settles(race_losses) for runner, race_losses in
               zip(classics.runners, classics.losses, strict=True)}  # fmt: skip
    order = sorted(settled, key=lambda name: settled[name])
    assert order[0] == "SGD"
    told = answer(classics)
    assert told.startswith(f"Over 10,000 steps SGD settles first, at step {settled['SGD']}, then ")
    assert re.findall(r"(\w+) at (?:step )?[\d,]+", told.replace("settles first, at", "at")) == order
    assert [int(step.replace(",", "")) for step in re.findall(r"at (?:step )?(\d[\d,]*)(?=,? |\.)", told)] == sorted(
        settled.values()
    )
    assert told.endswith("RMSprop, Adam and AdamW leave the minimum again.")


def test_the_answer_says_who_does_not_settle() -> None:
    race = slalom.race("sphere", ["sgd:lr=0.1", "adagrad:lr=1"], start=START, steps=300)
    assert answer(race) == (
        "Over 300 steps SGD settles first, at step 30; Adagrad does not settle within 300 steps. Nobody leaves the "
        "minimum again."
    )
    nobody = slalom.race("sphere", ["sgd:lr=0.001", "adagrad:lr=1"], start=START, steps=120)
    assert answer(nobody) == "SGD and Adagrad do not settle within 120 steps."


def _settles(losses: np.ndarray, tolerance: float = 0.01, patience: int = 100) -> int:
    """The first step from which the loss stays below the tolerance for so many steps."""
    below = np.lib.stride_tricks.sliding_window_view(losses < tolerance, patience)
    return int(np.argmax(below.all(axis=1)))


def test_other_runs_give_other_observations() -> None:
    other = slalom.race(
        "ellipse:condition=30",
        ["sgd:lr=0.06", "adagrad:lr=30", "rmsprop:lr=0.01", "adadelta:lr=50", "adam:lr=0.01", "adamw:lr=0.01"],
        start=(-3, 2),
        steps=150,
    )
    assert o.straight_line(other, "SGD").heading == "SGD does not go straight"
    assert o.bounce(other, "SGD").heading == "SGD does not bounce for ever"
    assert o.swings(other, "Adam").heading == "Adam does not swing in shrinking swings"
    assert o.leavers(other).heading == "Nobody leaves the minimum again"
    assert "apart from" in o.nearby_path(other, "Adadelta", "SGD").heading


class References(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("src", "href") and value]


def test_the_demo_writes_the_whole_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_demonstration, "SEEDS", 2)
    monkeypatch.setitem(network_demonstration.EPOCHS, "digits", 1)
    monkeypatch.setattr(study_demonstration, "SEEDS", 3)
    monkeypatch.setitem(study_demonstration.EPOCHS, "digits", 1)
    told: list[str] = []
    page = slalom.demo(tmp_path / "out", report=told.append)
    names = {path.name for path in page.parent.iterdir()}
    cards = {f"path-{name}.png" for name in ("sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamw")}
    pictures = {"surface.png", "comparison.png", "race.gif", "ladder.png", "variants.png", "bouncing.png"}
    assert cards | pictures | {"index.html", "study.html", "classics.json", "classics.csv"} <= names
    networks = {f"{picture}-{network}.png" for picture in ("curves", "final") for network in ("mlp", "cnn")}
    assert networks | {"digits-mlp.csv", "digits-mlp.json", "digits-cnn.csv", "digits-cnn.json"} <= names
    assert not [name for name in names if name.startswith(".")]
    content = page.read_text(encoding="utf-8")
    references = References()
    references.feed(content)
    assert references.found
    files = [reference for reference in references.found if not reference.startswith("#")]
    assert all((page.parent / file).is_file() for file in files)
    assert "8,957" in content
    assert content.count("The first 500 of 10,000 steps. ") == 2
    assert "Over 10,000 steps SGD settles first, at step 30, then RMSprop at 93" in content
    assert str(tmp_path) not in content
    assert "One learning rate for all ranks defaults, not optimizers" in content
    assert "slow at this learning rate" in content
    assert len(told) > 10


def test_a_place_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(InputError, match=r"cannot be made a folder: file exists; name another with --out\."):
        slalom.demo(tmp_path / "taken")
    assert (tmp_path / "taken").read_text() == "mine"
