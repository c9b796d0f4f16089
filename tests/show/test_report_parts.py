"""The parts of a page that need no browser: mathematics, embedding, thinning, commands, colours."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shlex
import statistics
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from report_visits import inside

import slalom
from slalom.cli.application import program
from slalom.core import InputError
from slalom.lab.commands import race_command, study_command, training_command
from slalom.lab.reports import _cost, _plans
from slalom.optimizers.cards import describe
from slalom.optimizers.catalogue import catalogue
from slalom.show.report.building import _question
from slalom.show.report.document import LIBRARIES, PAGE, VENDORED, Page, _declarations, document, embedded
from slalom.show.report.elements import element
from slalom.show.report.mathematics import formula
from slalom.show.report.parts import table
from slalom.show.report.pieces import contrast, kept, on_dark, on_light
from slalom.show.views.styles import FAMILIES

BAD = '"><script>window.bad=1</script>'


def latex_of(name: str) -> list[str]:
    card = describe(name)
    lines = [*card.formula, *(line for option in card.options for line in option.lines)]
    return [card.start_latex, *(line.latex for line in lines), *(row.latex for row in card.hyperparameters)]


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_formula_of_the_catalogue_is_drawn_whole(name: str) -> None:
    for latex in filter(None, latex_of(name)):
        drawn = str(formula(latex))
        tree = ElementTree.fromstring(drawn)  # well formed
        # A command that nobody knows would stand there by its name, in letters.
        words = {node.text or "" for node in tree.iter("mtext")}
        written = " ".join(re.findall(r"\\text\{([^}]*)\}", latex)).replace("\\_", "_")
        assert all(word.replace("\N{NO-BREAK SPACE}", " ") in written for word in words), (latex, words)
        assert "\\" not in "".join(tree.itertext())
        assert len(list(tree.iter("mfrac"))) == latex.count(r"\frac")
        assert len(list(tree.iter("msqrt"))) == latex.count(r"\sqrt")


def test_the_step_of_adam_has_the_root_below_the_fraction() -> None:
    last = ElementTree.fromstring(str(formula(describe("adam").formula[-1].latex)))
    (fraction,) = last.iter("mfrac")
    above, below = fraction
    assert ["".join(above.itertext()), "".join(below.itertext())] == ["ηm^", "v^+ε"]
    assert below.find(".//msqrt") is not None
    assert above.find(".//msqrt") is None


@given(st.text(alphabet="\\{}^_&abfracsqrtlefright()123 '|", max_size=40))
def test_any_text_becomes_well_formed_mathematics(text: str) -> None:
    ElementTree.fromstring(str(formula(text)))


@given(
    st.recursive(st.text(), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
)
def test_embedded_json_has_no_markup_and_comes_back_as_it_was(content: Any) -> None:
    written = embedded(content)
    assert not set(written) & set("<>&\u2028\u2029")
    assert json.loads(written) == content


def test_texts_in_elements_and_attributes_are_escaped() -> None:
    made = str(element("p", BAD, element("b", "&amp;"), title=BAD, class_="x"))
    assert "<script" not in made
    tree = ElementTree.fromstring(made)
    assert (tree.text, tree.get("title"), tree[0].text) == (BAD, BAD, "&amp;")


@given(st.integers(0, 10_000), st.integers(1, 3))
def test_a_thinned_series_keeps_its_extremes_and_ends(seed: int, amount: int) -> None:
    rng = np.random.default_rng(seed)
    series = [rng.standard_cauchy(5_000) for _ in range(amount)]
    at = kept(series, buckets=50)
    assert len(at) <= 2 * 50 * amount + 2
    assert (at[0], at[-1]) == (0, 4_999)
    assert (np.diff(at) > 0).all()
    for values in series:
        assert {values.argmin(), values.argmax()} <= set(at)
        for part in np.array_split(np.arange(5_000), 50):
            assert {part[values[part].argmin()], part[values[part].argmax()]} <= set(at)


def test_a_short_series_is_drawn_whole_and_a_divergence_is_kept() -> None:
    assert kept([np.zeros(20)]).tolist() == list(range(20))
    lost = np.arange(5_000.0)
    lost[3_210:] = np.inf
    assert {3_209, 3_210} <= set(kept([lost], buckets=50))


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_lines_can_be_told_from_the_paper_in_both_themes(family: str) -> None:
    colour = FAMILIES[family].colour
    assert contrast(on_light(colour), 1.0) >= 3
    assert contrast(on_dark(colour), 0.0105) >= 3


def test_texts_have_the_contrast_that_wcag_asks_for() -> None:
    light = (PAGE / "report.css").read_text().partition(":root {")[2].partition("}")[0]
    for scope, block in (("light", light), ("dark", (PAGE / "dark.css").read_text())):
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
        for text in ("ink", "quiet", "accent"):
            for paper in ("paper", "panel"):
                assert ratio(colours[text], colours[paper]) >= 4.5, (scope, text, paper)
        assert ratio(colours["warn"], colours["warn-paper"]) >= 4.5
        assert ratio(colours["paper"], colours["accent"]) >= 4.5  # a button that is pressed


def ratio(a: str, b: str) -> float:
    """The contrast of two colours, written anew from WCAG 2.2."""

    def luminance(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def test_dark_colours_are_declarations_alone() -> None:
    assert _declarations("/* { */ a: b;\n") == "a: b;"
    with pytest.raises(ValueError, match="holds a rule; it is for declarations"):
        _declarations("a: b; } p { c: d;")


GRANTS = {"MIT": "without restriction, including without limitation", "ISC": "with or without fee is hereby granted"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_library_is_the_version_that_is_noted_and_comes_with_its_licence(library: str) -> None:
    rows = re.findall(
        r"^\| `([\w-]+)` \| ([\w-]+) \| ([\d.]+) \| (\w+) \|$", (VENDORED / "README.md").read_text(), re.M
    )
    noted = {folder: rest for folder, *rest in rows}
    assert set(noted) == {Path(name).parent.name for name in LIBRARIES}
    file = VENDORED / library
    package, version, licence = noted[file.parent.name]
    (header, *_) = file.read_text(encoding="utf-8").splitlines()
    assert re.search(rf"\bv{re.escape(version)}(?![\w.])", header), header
    assert package in header.lower()
    granted = " ".join((file.parent / "LICENSE").read_text(encoding="utf-8").split())
    assert GRANTS[licence] in granted
    assert "Copyright" in granted


# -- the command that does it again -----------------------------------------------------------------------------------


def again(command: str) -> dict[str, Any]:
    """Run a command as typed in a shell and return its JSON."""
    name, *words = shlex.split(command)
    assert name == "slalom"
    done = CliRunner().invoke(program, [words[0], "--json", *words[1:]])
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(
    ("course", "options"),
    [
        ("sphere", {"start": (-75, -10), "steps": 20}),
        ("-x**2 + y**4", {"start": (0.1, 0.2), "steps": 5}),
        ("rosenbrock", {"starts": 20, "seed": 3, "steps": 5}),
        ("x**2 + 10*y**2", {"starts": [(1.5, -2.25), (0.1, 0.2)], "noise": 0.25, "seeds": 2, "seed": 4, "steps": 6}),
        ("rastrigin:dim=3", {"dtype": "float32", "steps": 4}),
    ],
)
def test_the_command_of_a_race_makes_the_same_race(course: str, options: dict[str, Any]) -> None:
    race = slalom.race(course, ["sgd:lr=0.01", "adam:lr=0.1,betas=(0.8,0.9)"], **options)
    assert again(race_command(race)) == json.loads(race.to_json())


@pytest.mark.parametrize("engine", ["solo", "field", "fleet", "auto"])
def test_the_command_of_a_race_on_a_task_makes_the_same_race(engine: str) -> None:
    race = slalom.race(
        "digits-mlp", ["sgd:lr=0.1", "adam:lr=0.01"], seeds=2, seed=5, steps=7, evaluate_every=3, engine=engine
    )
    told, made = again(training_command(race)), json.loads(race.to_json())
    for one in (told, made):
        drop_times(one)
        del one["remarks"]  # why `auto` took this engine; the command names it
    assert told == made


def drop_times(told: Any) -> None:
    """Take out what differs from run to run: seconds."""
    if isinstance(told, dict):
        for name in [name for name in told if "second" in name]:
            del told[name]
        told = list(told.values())
    for one in told if isinstance(told, list) else ():
        drop_times(one)


def test_an_object_without_a_name_has_no_command_and_says_so() -> None:
    race = slalom.race(lambda point: (point**2).sum(), ["sgd:lr=0.1"], start=(1.0, 2.0), steps=2)
    with pytest.raises(InputError, match="without a name, which no command can tell: put it into a file"):
        race_command(race)


def test_the_command_of_a_study_asks_what_its_study_file_asks(tmp_path: Path) -> None:
    study = slalom.study(
        "digits-mlp", ["sgd", "adam:eps=1e-6"], steps=12, seeds=3, seed=2, trials=5, baseline="adam:eps=1e-6",
        margin=0.5, store=str(tmp_path / "runs.sqlite"),
    )  # fmt: skip
    file = study.to_toml()
    command = study_command(file)
    done = CliRunner().invoke(program, [*shlex.split(command)[1:], "--store", str(tmp_path / "runs.sqlite"),
                                     "--save", str(tmp_path / "again.toml"), "--json"])  # fmt: skip
    assert done.exit_code == 0, done.output
    assert tomllib.loads((tmp_path / "again.toml").read_text()) == tomllib.loads(file)
    assert json.loads(done.stdout)["tasks"] == json.loads(study.to_json())["tasks"]


# -- the data, and the words about them --------------------------------------------------------------------------------


def test_the_files_of_a_page_are_the_record_and_the_judge_reads_them(tmp_path: Path) -> None:
    study = slalom.study(
        "digits-mlp", ["sgd", "adam"], steps=20, seeds=5, trials=5, store=str(tmp_path / "runs.sqlite")
    )
    told = inside(study.save(tmp_path / "study.html").read_text(encoding="utf-8"))
    made = json.loads(study.to_json())
    del made["store"]
    assert json.loads(told["study.json"]) == made
    (tmp_path / "study.csv").write_text(told["study.csv"])
    done = CliRunner().invoke(program, ["judge", str(tmp_path / "study.csv"), "--json"])
    assert done.exit_code == 0, done.output
    (again,) = json.loads(done.stdout)["tasks"]
    for one, other in zip(again["optimizers"], made["tasks"][0]["optimizers"], strict=True):
        assert one["final"] == pytest.approx(other["final"])
        assert one["verdict"] == other["verdict"]


def test_the_files_of_a_race_are_its_own(tmp_path: Path) -> None:
    race = slalom.race("sphere", ["sgd:lr=0.1", "adam:lr=1"], start=(-75, -10), steps=20)
    told = inside(race.save(tmp_path / "race.html").read_text(encoding="utf-8"))
    assert json.loads(told["race.json"]) == json.loads(race.to_json())
    rows = list(csv.DictReader(io.StringIO(told["race.csv"])))
    assert [float(row["x0"]) for row in rows] == race.paths[:, :, 0].ravel().tolist()
    assert [float(row["loss"]) for row in rows] == race.losses.ravel().tolist()


def test_the_cost_names_the_target_in_the_units_of_its_measure(tmp_path: Path) -> None:
    study: Any = slalom.study(
        "digits-mlp", ["sgd:lr=0.5", "adam:lr=0.01"], epochs=2, seeds=3, store=str(tmp_path / "runs.sqlite")
    )
    (ends, adam) = ([one.run for one in study.evaluations[name]] for name in study.names)
    target = statistics.median(run.last["validation_accuracy"] for run in ends)
    reached = [next((p["step"] for p in run.evaluations if p["validation_accuracy"] >= target), math.inf)
               for run in adam]  # fmt: skip
    page = ElementTree.fromstring(f"<x>{''.join(map(str, cost_section_of(study)))}</x>")
    note = "".join(page.itertext())
    assert (
        f"until their validation accuracy is {100 * target:.1f} % or more, which is the median with which SGD" in note
    )
    cells = [cell.get("data-value") for cell in page.iter("td")]
    median = statistics.median(reached)
    assert cells[-1] == ("" if math.isinf(median) else repr(float(median)))


def cost_section_of(study: Any) -> list[Any]:
    """The table of costs as the page has it."""
    return list(table(_cost(study), "Cost"))


def test_a_plan_that_courses_share_is_told_once_and_numbers_have_one_format(tmp_path: Path) -> None:
    studies: Any = slalom.study(
        ["sphere", "booth"], ["sgd", "adam"], steps=5, seeds=3, trials=5, store=str(tmp_path / "r")
    )
    told = dict(_plans(studies.parts))
    assert "evaluation" in told
    assert told["number format"] == "float64 on cpu"
    assert not [what for what in told if "runs" in what and ":" in what]
    assert not any("store" in how or "_" in how for how in told.values())


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (["SGD"], "How good is SGD on digits?"),
        (["SGD", "Adam"], "SGD or Adam on digits?"),
        (["SGD", "Momentum", "Adam"], "Which of SGD, Momentum and Adam is best on digits?"),
        (list("abcdef"), "Which of six optimizers is best on digits?"),
    ],
)
def test_a_page_asks_its_question(names: list[str], asked: str) -> None:
    assert _question(names, "digits") == asked


def test_a_plan_s_lines_are_its_facts(tmp_path: Path) -> None:
    study: Any = slalom.study(
        "sphere", ["sgd", "adam"], seeds=3, steps=5, trials=5, store=str(tmp_path / "runs.sqlite")
    )
    _, *lines = study.plan.lines()
    facts = [f"{what:<12}{how}" for what, how in study.plan.facts()]
    assert [line.removesuffix("; those that the store has are not computed again") for line in lines[:-1]] == facts
    assert lines[-1].startswith("time        about ")
    assert [what for what, _ in study.plan.facts()] == ["tuned", "", "", "evaluation", "runs", "computed", "measured"]


def test_a_name_does_not_turn_the_words_after_it_round() -> None:
    page = Page(title="a\u202eb")
    told = document(page, [element("h1", "a\u202eb, c", title="\u2067d")], [], "\u202ae")
    assert not set(told) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert '<h1 title="\ufffdd">a\ufffdb, c</h1>' in told
