"""The pages of races in a real browser, and names that would be markup."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_studies import study_of
from report_visits import BAD, Opened, save_race, visits

import slalom
from slalom.show.report import race_html, study_html, training_html
from slalom.show.report.document import DataFile
from slalom.show.report.facts import Facts, PlainTable


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def race(folder: Path) -> Any:
    return save_race(folder)


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    yield from visits(browser)


def test_the_race_is_played_and_scrubbed(opened: Any, race: Any, folder: Path) -> None:
    shown = opened(folder / "race.html")
    page, charts = shown.page, shown.payload()["charts"]["race-chart"]
    assert page.text_content("#answer") == race.sentence
    at_the_end = shown.pixels("#race-chart")
    assert page.text_content(".clock") == "step 120, 120 gradient evaluations each"
    page.focus(".player input")
    page.keyboard.press("Home")
    assert page.text_content(".clock").startswith("step 0, ")
    assert shown.pixels("#race-chart") != at_the_end
    for frame in (0, 40, len(charts["steps"]) - 1):
        np.testing.assert_allclose(charts["heads"][frame], race.paths[:, charts["steps"][frame]], rtol=1e-6)
    page.click("button[aria-label='One picture on']")
    assert page.text_content(".clock").startswith("step 1, ")
    page.click("button:text-is('▶ play')")
    page.wait_for_selector("button:text-is('❚❚ pause')")
    page.wait_for_selector(".player input:not([aria-valuetext^='step 1,'])")
    page.click("button:text-is('❚❚ pause')")
    page.keyboard.press("Tab")
    page.focus(".player input")
    page.keyboard.press("End")
    assert shown.pixels("#race-chart") == at_the_end
    page.click("#race-chart .legend .name >> nth=1")
    assert shown.pixels("#race-chart") != at_the_end
    assert "slalom race rosenbrock -o sgd:lr=0.001 -o adam:lr=0.05" in page.text_content("#again")


def test_a_chart_that_cannot_be_drawn_is_told_and_costs_nobody_the_others(
    browser: Any, race: Any, folder: Path
) -> None:
    whole = (folder / "race.html").read_text(encoding="utf-8")
    path = folder / "torn.html"
    path.write_text(whole.replace('"race-chart":{"kind":"race"', '"race-chart":{"kind":"unknown"'), encoding="utf-8")
    shown = Opened(browser, path)
    assert len(shown.faults) == 1
    assert shown.faults[0].startswith("error: The chart race-chart cannot be drawn. TypeError")
    assert shown.page.locator("#curves-chart .u-over").is_visible()
    shown.context.close()


@pytest.mark.parametrize(("home", "here"), [("/code", "/g"), ("/g", "/main"), ("/style", "/code")])
def test_a_page_can_be_saved_from_any_folder(
    opened: Any, folder: Path, home: str, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = slalom.race("sphere", ["sgd:lr=0.1", "adam:lr=1"], start=(-75, -10), steps=20)
    plain = made.save(folder / "plain.html").read_text(encoding="utf-8")
    monkeypatch.setenv("HOME", home)
    monkeypatch.setattr("os.getcwd", lambda: here)
    path = made.save(folder / "anywhere.html")
    assert path.read_text(encoding="utf-8") == plain
    assert opened(path).page.text_content("#answer") == made.sentence


@pytest.mark.parametrize(("course", "options"), [("x**4 - x**2", {"start": (0.9,)}), ("rastrigin:dim=3", {}),
                                                 ("sphere", {"starts": 5})])  # fmt: skip
def test_races_in_any_number_of_variables_have_a_page(opened: Any, folder: Path, course: str, options: Any) -> None:
    made = slalom.race(course, ["sgd:lr=0.01", "adam:lr=0.1", "sgd:lr=1e6"], steps=30, **options)
    path = made.save(folder / "other.html")
    page = opened(path).page
    assert page.text_content("#answer") == made.sentence
    assert (page.query_selector("#race-chart") is None) == (made.course.dim > 2)


def test_a_race_on_a_task_has_a_page(opened: Any, folder: Path) -> None:
    made = slalom.race("digits-mlp", ["sgd:lr=0.1", "sgd:lr=1e9"], seeds=3, epochs=1)
    page = opened(made.save(folder / "task.html")).page
    assert page.text_content("#answer") == made.sentence
    assert "✕ 3" in page.text_content("#results-chart")  # all three seeds of the second diverged
    with page.expect_download() as waiting:
        page.click("button:has-text('race.json')")
    assert Path(waiting.value.path()).read_bytes() == made.to_json()


def test_several_studies_have_one_page(opened: Any, folder: Path) -> None:
    made = slalom.study(
        ["sphere", "booth"], ["sgd", "adam"], steps=20, seeds=3, trials=5, store=str(folder / "s.sqlite")
    )
    shown = opened(made.save(folder / "studies.html"))
    assert shown.page.text_content("#answer") == made.across.sentence
    charts = shown.payload()["charts"]
    for name, line in zip(made.names, charts["profiles-chart"]["panels"][0]["lines"], strict=True):
        assert line["name"] == name
    shares = {row["name"]: row["shares"] for row in charts["ranks-chart"]["rows"]}
    for name, chances in zip(made.names, made.across.rank_probabilities, strict=True):
        np.testing.assert_allclose(shares[name], chances, rtol=1e-6)
    for k, part in enumerate(made.parts):
        assert part.judgement.sentences[0] in shown.page.text_content(f"#course-{k}")


def test_a_long_race_keeps_its_page_small_and_says_what_is_left_out(opened: Any, folder: Path) -> None:
    made = slalom.race("sphere", ["sgd:lr=0.1", "rmsprop:lr=1", "adam:lr=1"], start=(-75, -10), steps=10_000)
    path = made.save(folder / "long.html")
    assert path.stat().st_size < 1_500_000
    shown = opened(path)
    assert "race.json (all paths, losses and measures) is too large for this page" in shown.page.text_content("#data")
    losses = shown.payload()["charts"]["curves-chart"]["panels"][0]["lines"]
    for line, row in zip(losses, made.losses, strict=True):
        assert max(line["middle"]) == pytest.approx(row[1:].max(), rel=1e-6)  # a log axis begins at step 1


# -- what users type ---------------------------------------------------------------------------------------------------


def hostile_facts() -> Facts:
    table = PlainTable((BAD, "b"), [[BAD, BAD]], [[BAD, BAD]], BAD)
    return Facts(
        table=table, command=BAD, study_file=BAD, why=BAD, code=BAD, plan=[(BAD, BAD)], machine={BAD: BAD},
        versions={"slalom": BAD}, files=[DataFile(BAD, BAD, BAD.encode(), BAD)], remarks=[BAD],
    )  # fmt: skip


def hostile_study() -> Any:
    made = study_of(
        {"sgd": [0.9, 0.91, 0.92], "adam": [0.95, 0.96, 0.94]},
        {spec: {0.1: (0.9, 0.8), 1.0: (0.95, 0.9)} for spec in ("sgd", "adam")},
    )
    names = {name: f"{BAD}{k}" for k, name in enumerate(made.names)}
    made.results = replace(
        made.results, task=BAD, metric=BAD, values={names[name]: runs for name, runs in made.results.values.items()}
    )
    made.tried = {names[name]: trials for name, trials in made.tried.items()}
    made.fresh.runners = [runner._replace(name=names[runner.name]) for runner in made.fresh.runners]
    made.names, made.warnings = list(names.values()), [BAD]
    made.course = SimpleNamespace(name=BAD, title=BAD)
    made.fresh.course, made.fresh.remarks = made.course, [BAD]
    return made


def harmless(shown: Opened) -> None:
    """Nothing of what was typed became markup or ran, wherever the page was touched."""
    page = shown.page
    for select in page.query_selector_all("figure select"):
        options = select.query_selector_all("option")
        select.select_option(index=len(options) - 1)
    for box in page.query_selector_all(".stage"):
        box.hover()
    for button in page.query_selector_all("figure button"):
        if button.is_visible():
            button.click()
    assert page.evaluate("window.bad") is None
    assert page.query_selector("img") is None
    assert page.evaluate("document.scripts.length") == 2
    assert BAD in page.text_content("h1")


def test_no_name_of_a_study_becomes_markup(opened: Any, folder: Path) -> None:
    path = folder / "bad-study.html"
    path.write_text(study_html(hostile_study(), hostile_facts()), encoding="utf-8")
    shown = opened(path)
    harmless(shown)
    shown.page.focus("#curves-chart .stage")
    shown.page.keyboard.press("ArrowRight")
    assert BAD in shown.page.text_content("#curves-chart .told")


def test_no_name_of_a_race_becomes_markup(opened: Any, race: Any, folder: Path) -> None:
    bad = replace(
        race, runners=[one._replace(name=f"{BAD}{k}") for k, one in enumerate(race.runners)],
        course=replace(race.course, name=BAD, title=BAD), notes=(BAD,), versions={"slalom": BAD, "torch": BAD},
    )  # fmt: skip
    path = folder / "bad-race.html"
    path.write_text(race_html(bad, hostile_facts()), encoding="utf-8")
    harmless(opened(path))
    fresh = hostile_study().fresh
    path.write_text(training_html(fresh, hostile_facts()), encoding="utf-8")
    harmless(opened(path))


def test_a_pointer_sets_the_step_along_the_loss_and_on_a_path(opened: Any, race: Any, folder: Path) -> None:
    shown = opened(folder / "race.html")
    page, spec = shown.page, shown.payload()["charts"]["race-chart"]
    loss = page.locator("#race-chart .handle").bounding_box()
    page.mouse.move(loss["x"] + loss["width"] - 12, loss["y"] + 60)
    page.mouse.down()
    page.mouse.move(loss["x"] + 46, loss["y"] + 60, steps=3)
    assert page.text_content(".clock").startswith(f"step {spec['loss']['x']['low']:g}, ")
    page.mouse.up()
    page.mouse.move(loss["x"] + loss["width"] - 40, loss["y"] + 60)  # let go, it stays
    assert page.text_content(".clock").startswith(f"step {spec['loss']['x']['low']:g}, ")
    left, right, bottom, top = spec["frame"]
    sheet = page.locator("#race-chart .stage canvas").bounding_box()
    adam = spec["runners"][1]["trail"]
    x = sheet["x"] + sheet["width"] * (adam["x"][-1] - left) / (right - left)
    y = sheet["y"] + sheet["height"] * (top - adam["y"][-1]) / (top - bottom)
    page.mouse.click(x, y)
    name, step, place, lost = page.locator("#race-chart .tip").inner_text().split("\n")
    at = int(step.removeprefix("step "))
    assert name == "Adam"
    assert at >= 118  # neighbours share a pixel
    assert lost == f"loss {race.losses[1][at]:.4g}"
    found = [float(part) for part in place.replace("−", "-").strip("()").split(", ")]
    np.testing.assert_allclose(found, race.paths[1, at], rtol=1e-3)
    assert page.text_content(".clock").startswith(f"{step}, ")
    assert f"Adam at {place}" in page.text_content("#race-chart-words")


def test_latex_of_any_text_is_escaped(opened: Any, race: Any, folder: Path) -> None:
    texts = ("[a_b] 50 % & #1 ~ ^ {x} \\ $", "−3×10⁻¹², ≥ 1 ★")
    path = folder / "latex.html"
    path.write_text(race_html(race, Facts(PlainTable(("name", "f − f*"), [texts], [texts]))), encoding="utf-8")
    shown = opened(path)
    shown.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.page.click(".copy:text-is('Copy as LaTeX')")
    shown.page.wait_for_selector(".copy:text-is('copied')")
    lines = shown.page.evaluate("navigator.clipboard.readText()").split("\n")
    assert lines[2] == "  name & f $-$ f* \\\\"
    assert lines[4] == (
        "  {}[a\\_b] 50 \\% \\& \\#1 \\textasciitilde{} \\textasciicircum{} \\{x\\} \\textbackslash{} \\$"
        " & $-$3$\\times$10$^{-12}$, $\\geq$ 1 $\\star$ \\\\"
    )
