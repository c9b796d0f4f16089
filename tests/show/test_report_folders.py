"""Pages are given away: no folder of this machine is in them, and cleaning breaks nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from report_visits import inside

import slalom
from slalom.lab.given_away import files_without_folders, without_folders
from slalom.show.report.document import DataFile, Page, document
from slalom.show.report.elements import element
from slalom.show.report.specs import BarSpec, InkSpec

FILE = """
import slalom, torch
from torch import nn

def bowl(point):
    return (point**2).sum()

def net():
    inputs = torch.linspace(-1, 1, 40)[:, None]
    data = torch.utils.data.TensorDataset(inputs, inputs * 2)
    return slalom.Task(model=lambda: nn.Linear(1, 1), train=data, test=data, loss=nn.functional.mse_loss, batch_size=10,
                       epochs=1)

def failing(make_optimizer, seed):
    make_optimizer(nn.Linear(1, 1))
    yield {"loss": 1.0}
    if seed:
        raise ValueError(f"cannot read {__file__}")
"""


@pytest.fixture
def anns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of somebody whose name is nobody's business, with a file of hers; the shell stands elsewhere in it."""
    home = tmp_path / "home" / "ann & <co>"
    (home / "nets").mkdir(parents=True)
    (home / "nets" / "model.py").write_text(FILE)
    (home / "course").mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(home / "course")
    return home


@pytest.mark.parametrize("near", [True, False])
def test_a_page_of_a_study_holds_no_folder_of_this_machine(
    anns: Path, near: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if near:
        monkeypatch.chdir(anns)
    study = slalom.study(
        str(anns / "nets" / "model.py") + ":net", ["sgd", "adam"], seeds=2, trials=5, store=str(anns / "my runs.sqlite")
    )
    assert str(anns) in study.to_json().decode()  # as it is saved plainly
    told = inside(study.save(anns / "study.html").read_text(encoding="utf-8"))
    assert set(told) == {"page", "study.json", "study.csv"}
    for name, text in told.items():
        assert "ann &" not in text, name
        assert str(anns.parents[1]) not in text, name
        assert "sqlite" not in text, name
    course = "nets/model.py:net" if near else "model.py:net"
    assert re.search(f"slalom study '?{course}'? -o sgd -o adam", told["page"])
    assert f'course = "{course}"' in told["page"]
    assert "what is in that file is not in this page" in told["page"]


@pytest.mark.parametrize("name", ["net", "failing", "bowl"])
def test_a_page_of_a_race_holds_no_folder_of_this_machine(anns: Path, name: str) -> None:
    options: Any = {"start": (1.0, 2.0)} if name == "bowl" else {"seeds": 2}
    race = slalom.race(f"{anns}/nets/model.py:{name}", ["sgd:lr=0.1"], **options)
    told = inside(race.save(anns / "race.html").read_text(encoding="utf-8"))
    assert len(told) == 3
    assert re.search(f"slalom race '?model.py:{name}'? -o sgd", told["page"])
    for text in told.values():
        assert "ann &" not in text
        assert str(anns.parents[1]) not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cannot read HOME/data/x.npz", "cannot read ~/data/x.npz"),
        ("HOME", "~"),
        ("HOME, HOME/course/a and HOME/courses", "~, a and ~/courses"),
        ("HOMEstead /usr/lib/x", "HOMEstead /usr/lib/x"),
        ("base64HOME/AAAA", "base64HOME/AAAA"),
        ("It is HOME. Or file://HOME/x", "It is ~. Or file://~/x"),
        ("HOME.txt ../HOME ~HOME", "HOME.txt ../HOME ~HOME"),
    ],
)
def test_folders_are_told_from_the_home_or_from_here(anns: Path, text: str, expected: str) -> None:
    assert without_folders(text.replace("HOME", str(anns))) == expected.replace("HOME", str(anns))


@pytest.mark.parametrize("here", ["/code", "/g", "/"])
def test_a_folder_of_one_name_is_no_folder_unless_it_is_the_home(here: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getcwd", lambda: here)
    monkeypatch.setenv("HOME", "/ann")
    assert without_folders(f"{here} {here}/x a{here} /ann/x") == f"{here} {here}/x a{here} ~/x"
    monkeypatch.setattr("os.getcwd", lambda: "/ann")
    assert without_folders("/ann /ann/x") == ". x"


def test_of_json_the_texts_are_cleaned_whatever_stands_before_a_path(anns: Path) -> None:
    told = {f"{anns}/a": [f"at\n{anns}/b", f'"{anns}"', 1e-300, None, True]}
    file = DataFile("x.json", "application/json", json.dumps(told).encode(), "")
    (made,) = files_without_folders([file])
    assert json.loads(made.content or b"") == {"~/a": ["at\n~/b", '"~"', 1e-300, None, True]}


def test_of_a_document_only_texts_are_cleaned() -> None:
    page = Page("a title", files=[DataFile("x.csv", "text/csv", b"as it is", "")])
    ink: InkSpec = {"light": "#111111", "dark": "#eeeeee", "dashes": []}
    bar: BarSpec = {"name": "ann", "style": ink, "value": 1, "told": ""}
    chart = page.chart("c", {"kind": "bars", "rows": [bar], "title": "t"}, "label", "caption")
    sections = [("s", "section", element("section", chart, element("pre", "text </code>")))]
    plain, cleaned = (document(page, [element("h1", "h")], sections, "foot", clean) for clean in (str, str.swapcase))
    for same in ("<script>.*?</script>", "<style>.*?</style>", "<meta[^>]*>", "</?[a-z0-9]+"):
        found = re.findall(same, plain, re.DOTALL)
        assert len(found) >= 1
        assert re.findall(same, cleaned, re.DOTALL) == found
    for text in ("<title>A TITLE<", ">H<", ">TEXT &lt;/CODE&gt;<", ">CAPTION<", 'data-label="LABEL"', '"name":"ANN"'):
        assert text in cleaned
    assert inside(cleaned)["x.csv"] == "as it is"  # cleaned where it was made
