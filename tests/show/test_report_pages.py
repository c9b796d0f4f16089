"""The page of a study in a real browser: what is drawn, read, clicked, sorted, copied and taken away."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_visits import save_study, visits

from slalom.lab.given_away import without_store
from slalom.lab.studying.pictures import PicturedStudy
from slalom.show import views
from slalom.show.views.seeds import measure_named, primary
from slalom.show.views.training_series import training_series
from slalom.show.views.words import percent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def study(folder: Path) -> Any:
    return save_study(folder)


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    yield from visits(browser)


def test_the_page_of_a_study_says_question_answer_and_who_is_tied(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html").page
    record = PicturedStudy(study)
    assert page.text_content("h1") == "Which of SGD, Momentum and Adam is best on digits, fully connected?"
    assert page.text_content("#answer") == views.study_sentence(record)
    assert [chip.get_attribute("data-name") for chip in page.query_selector_all(".chip")] == list(
        study.judgement.tied_best
    )
    assert [item.text_content() for item in page.query_selector_all(".sentences li")] == list(study.judgement.sentences)
    told = [item.text_content() for item in page.query_selector_all(".warnings li")]
    assert told == list(study.warnings)
    headings = [heading.text_content() for heading in page.query_selector_all("h2")]
    assert headings[-8:] == [
        "How training went", "How the learning rate matters", "Every seed's result", "What it cost",
        "What each optimizer computes", "How it was done", "Do it again", "The data",
    ]  # fmt: skip
    assert "slalom study digits-mlp -o sgd -o momentum -o adam" in page.text_content("#again")
    assert study.to_toml() in [text.text_content() for text in page.query_selector_all("#again pre")]


def test_the_strip_comes_before_the_sentences_of_the_judge(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html").page
    strip, sentences = (page.locator(f"#verdict {one}").bounding_box() for one in ("#verdict-chart svg", ".sentences"))
    assert strip["y"] + strip["height"] <= sentences["y"]
    assert strip["y"] < 900  # it begins on the first screen


def test_every_button_that_copies_says_what(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html").page
    named = [(one.text_content(), one.get_attribute("aria-label")) for one in page.query_selector_all(".copy")]
    assert all(name.startswith(f"{shown}: ") for shown, name in named)
    assert len({name for _, name in named}) == len(named) == 7
    shown = page.get_by_role("button", name="Copy: Command")
    shown.click()
    assert re.match("(copied|not allowed here): Command$", page.locator(".copy.done").get_attribute("aria-label"))


def test_a_number_on_a_card_stays_on_one_line(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html", viewport={"width": 340, "height": 800}).page
    values = page.query_selector_all(".settings .value")
    assert "1e-08" in [value.text_content() for value in values]
    assert {value.evaluate("one => one.getClientRects().length") for value in values} == {1}


def test_the_numbers_of_the_page_are_those_of_the_views(opened: Any, study: Any, folder: Path) -> None:
    shown = opened(folder / "study.html")
    record, page, charts = PicturedStudy(study), shown.page, shown.payload()["charts"]
    strip = views.verdict(record).strip
    for lane, row in zip(page.query_selector_all("#verdict-chart .lane"), strip.rows, strict=True):
        said = lane.get_attribute("aria-label").split(", ")
        assert {row.name, row.about, row.word} <= set(said)
        assert row.change in lane.get_attribute("aria-label")
    panels = {panel["key"]: panel for panel in charts["curves-chart"]["panels"]}
    assert next(iter(panels)) == "test_accuracy"
    for key in ("test_accuracy", "train_loss", "validation_loss"):
        lines = training_series(record.fresh, measure_named(record.fresh, key))
        for line, drawn in zip(lines, panels[key]["lines"], strict=True):
            np.testing.assert_allclose(drawn["middle"], line.over.middle, rtol=1e-6)
            np.testing.assert_allclose([seed["y"] for seed in drawn["seeds"]], line.rows, rtol=1e-6)
            assert [seed["seed"] for seed in drawn["seeds"]] == [0, 1, 2, 3]
            np.testing.assert_allclose(drawn["x"]["step"], 18 * np.array(drawn["x"]["epoch"]))
    for name, lane in zip(study.names, page.query_selector_all("#results-chart .lane"), strict=True):
        dots = {dot.get_attribute("data-seed"): float(dot.get_attribute("data-value")) for dot in
                lane.query_selector_all(".seed")}  # fmt: skip
        assert dots == pytest.approx({str(seed): value for seed, value in study.results.values[name].items()}, rel=1e-6)
    for name, line in zip(study.names, charts["rates-chart"]["panels"][0]["lines"], strict=True):
        trials = {trial.values["lr"]: trial.measure for trial in study.tuned[name].trials if np.isfinite(trial.measure)}
        drawn = dict(zip(line["x"]["rate"], line["middle"], strict=True))
        assert {rate: drawn[rate] for rate in trials} == pytest.approx(trials, rel=1e-6)


def test_a_pointer_reads_the_series_it_is_at(opened: Any, study: Any, folder: Path) -> None:
    shown = opened(folder / "study.html")
    page, chart = shown.page, shown.payload()["charts"]["curves-chart"]["panels"][0]
    page.locator("#curves-chart .u-over").scroll_into_view_if_needed()
    box = page.locator("#curves-chart .u-over").bounding_box()
    ends = {line["name"]: [line["middle"][-1], *(seed["y"][-1] for seed in line["seeds"])] for line in chart["lines"]}
    low, high = chart["near"]
    best = max(ends, key=lambda name: ends[name][0])
    y = box["y"] + box["height"] * (1 - (ends[best][0] - low) / (high - low))
    page.mouse.move(box["x"] + box["width"] - 2, y)
    tip = page.locator("#curves-chart .tip").inner_text().split("\n")
    assert tip[1].startswith("epoch 2 · step 36 · ")
    assert tip[2].split(" %")[0] in {f"{100 * value:.2f}".rstrip("0").rstrip(".") for value in ends[tip[0]]}
    assert re.fullmatch(r"seed [0-3]|median of 4 seeds", tip[3])
    page.mouse.move(5, 5)
    assert page.locator("#curves-chart .tip").is_hidden()


def test_keys_read_every_series_aloud(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html").page
    fresh = PicturedStudy(study).fresh
    (line, *_) = training_series(fresh, primary(fresh))
    page.focus("#curves-chart .stage")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    told = page.text_content("#curves-chart .told")
    assert told.startswith("SGD, epoch 2 · step 36")
    assert told.endswith("median of 4 seeds")
    assert number_in(told.split(" s, ")[1]) == pytest.approx(line.over.middle[-1], abs=5e-5)
    page.keyboard.press("ArrowDown")
    assert page.text_content("#curves-chart .told").endswith("seed 0")
    page.keyboard.press("Escape")
    assert page.locator("#curves-chart .tip").is_hidden()


def number_in(text: str) -> float:
    """The first proportion in a text, such as 94.52 %."""
    found = re.search(r"([\d.]+) %", text)
    assert found is not None, text
    return float(found.group(1)) / 100


def test_a_click_hides_a_name_and_a_double_click_isolates_it(opened: Any, study: Any, folder: Path) -> None:
    shown = opened(folder / "study.html")
    page, names = shown.page, "#curves-chart .legend .name"
    before = shown.pixels("#curves-chart")
    page.click(f"{names} >> nth=0")
    assert shown.pressed(names) == ["false", "true", "true"]
    assert shown.pressed("#rates-chart .legend .name") == ["false", "true", "true"]  # in every chart of the study
    assert shown.pixels("#curves-chart") != before
    page.click(f"{names} >> nth=0")
    assert shown.pixels("#curves-chart") == before
    page.dblclick(f"{names} >> nth=2")
    assert shown.pressed(names) == ["false", "false", "true"]
    page.click("#curves-chart .all")
    assert shown.pressed(names) == ["true", "true", "true"]
    page.click("#curves-chart .only >> nth=1")
    assert shown.pressed(names) == ["false", "true", "false"]
    page.click("#curves-chart .only >> nth=1")
    assert shown.pressed(names) == ["true", "true", "true"]


def test_scale_clock_and_measure_can_be_chosen(opened: Any, study: Any, folder: Path) -> None:
    shown = opened(folder / "study.html")
    page, stage = shown.page, shown.page.locator("#curves-chart .stage")
    page.select_option("#curves-chart select", "test_loss")
    assert page.text_content("#curves-chart .y-title") == "test loss"
    assert (stage.get_attribute("data-scale"), stage.get_attribute("data-clock")) == ("log", "epoch")
    before = shown.pixels("#curves-chart")
    page.click("#curves-chart button:text-is('linear')")
    assert stage.get_attribute("data-scale") == "linear"
    assert shown.pixels("#curves-chart") != before
    page.click("#curves-chart button:text-is('log')")
    assert shown.pixels("#curves-chart") == before
    for clock in ("steps", "seconds"):
        page.click(f"#curves-chart button:text-is('{clock}')")
        assert str(stage.get_attribute("data-clock")).startswith(clock[:4])
        assert shown.pixels("#curves-chart") != before


def test_everything_can_be_done_with_keys_alone(opened: Any, study: Any, folder: Path) -> None:
    shown = opened(folder / "study.html")
    shown.page.keyboard.press("Tab")
    assert shown.page.evaluate("document.activeElement.textContent") == "Skip to the answer"
    names = "#curves-chart .legend .name"
    for _ in range(80):
        shown.page.keyboard.press("Tab")
        if shown.page.evaluate(f"document.activeElement.matches({json.dumps(names)})"):
            break
    shown.page.keyboard.press("Space")
    assert shown.pressed(names) == ["false", "true", "true"]
    assert shown.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_heading_sorts_the_table_both_ways(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html").page
    seconds = {name: study.cost(name).seconds for name in study.names}

    def order() -> list[str]:
        return [str(cell.text_content()) for cell in page.query_selector_all("#results tbody th")]

    head = page.locator("#results th", has_text="seconds")
    head.locator("button").click()
    assert order() == sorted(seconds, key=lambda name: seconds[name])
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").click()
    assert order() == sorted(seconds, key=lambda name: -seconds[name])
    assert head.get_attribute("aria-sort") == "descending"


def test_the_table_is_copied_as_csv_and_as_latex(opened: Any, study: Any, folder: Path) -> None:
    shown = opened(folder / "study.html")
    shown.context.grant_permissions(["clipboard-read", "clipboard-write"])
    shown.page.click("#results .copy:text-is('Copy as CSV')")
    shown.page.wait_for_selector("#results .copy:text-is('copied')")
    header, *rows = csv.reader(io.StringIO(shown.page.evaluate("navigator.clipboard.readText()")))
    table = study.table()
    assert tuple(header) == table.columns
    for row, raw in zip(rows, table.rows, strict=True):
        assert row == [str(raw[column]) for column in table.columns]  # every digit
    shown.page.click("#results .copy:text-is('Copy as LaTeX')")
    shown.page.wait_for_selector("#results .copy:text-is('copied') >> nth=0")
    shown.page.wait_for_timeout(100)
    latex = shown.page.evaluate("navigator.clipboard.readText()")
    assert latex.startswith("\\begin{tabular}{lrrrrrrr}\n  \\hline\n  optimizer & lr & test accuracy & ")
    assert latex.count(" \\\\\n") == len(study.names) + 1
    assert f"SGD & {table.texts[0][1]} & {table.texts[0][2]} &".replace("%", "\\%") in latex


def test_the_embedded_data_are_the_study_s(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html").page
    with page.expect_download() as waiting:
        page.click("button:has-text('study.json')")
    assert waiting.value.suggested_filename == "study.json"
    assert Path(waiting.value.path()).read_bytes() == without_store(study.to_json())
    with page.expect_download() as waiting:
        page.click("button:has-text('study.csv')")
    study.save(folder / "study.csv")
    assert Path(waiting.value.path()).read_bytes() == (folder / "study.csv").read_bytes()


def test_the_page_follows_the_reader_s_theme_and_the_button(opened: Any, study: Any, folder: Path) -> None:
    shown = opened(folder / "study.html", color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert shown.page.evaluate(paper) == "rgb(23, 24, 27)"
    dark = shown.pixels("#curves-chart")
    shown.page.click("#theme")
    assert shown.page.evaluate(paper) == "rgb(255, 255, 255)"
    assert shown.pixels("#curves-chart") != dark
    shown.page.click("#theme")
    assert shown.pixels("#curves-chart") == dark
    shown.page.evaluate("dispatchEvent(new Event('beforeprint'))")  # paper is white
    assert shown.page.evaluate(paper) == "rgb(255, 255, 255)"
    shown.page.emulate_media(media="print")
    assert shown.page.locator("#curves-chart .controls").is_hidden()
    assert shown.page.locator("#answer").is_visible()


def test_formulas_are_rendered_and_have_their_pictures(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html").page
    cards = page.query_selector_all(".card")
    assert [card.query_selector("h3").text_content() for card in cards] == list(study.names)
    for card in cards:
        assert len(card.query_selector_all(".lines math")) >= 1
        assert len(card.query_selector_all(".mini .path")) == 1
    fraction = page.query_selector_all(".card")[2].query_selector(".lines mfrac")
    above, below = (part.bounding_box() for part in fraction.query_selector_all(":scope > *"))
    assert above["y"] < below["y"]  # set as mathematics, one over the other


def test_a_study_page_without_scripts_still_says_everything_in_words(browser: Any, study: Any, folder: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((folder / "study.html").as_uri())
    assert page.locator("#answer").is_visible()
    assert page.locator("noscript").is_visible()
    assert page.text_content("#results td:has-text('%')") == study.table().texts[0][2]
    assert percent(study.judgement.entry("SGD").estimate.value) in page.text_content("#results")
    context.close()


def test_the_policy_of_the_page_forbids_scripts_that_are_not_its_own(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html").page
    policy = page.get_attribute("meta[http-equiv]", "content")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
