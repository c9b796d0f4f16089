"""Pages in a real browser: what is drawn, read, clicked, sorted, copied and taken away."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from made_studies import study_of

import slalom
from slalom.lab.given_away import without_store
from slalom.lab.studying.pictures import PicturedStudy
from slalom.show import views
from slalom.show.report import race_html, study_html, training_html
from slalom.show.report.document import DataFile
from slalom.show.report.facts import Facts, PlainTable
from slalom.show.views.seeds import measure_named, primary
from slalom.show.views.training_series import training_series
from slalom.show.views.words import percent

BAD = '"><script>window.bad=1</script><img src=x onerror=window.bad=1>'
CLIPPED = ".wide, .skip, .lines, .mini, pre, .told"
OUTSIDE = f"""width => [...document.querySelectorAll('body *')].filter(one => !one.closest('{CLIPPED}')
    && one.getBoundingClientRect().right > width + 1).map(one => one.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def study(folder: Path) -> Any:
    made = slalom.study(
        "digits-mlp", ["sgd", "momentum", "adam"], epochs=2, seeds=4, trials=5, store=str(folder / "runs.sqlite")
    )
    made.save(folder / "study.html")
    return made


@pytest.fixture(scope="module")
def race(folder: Path) -> Any:
    made = slalom.race("rosenbrock", ["sgd:lr=0.001", "adam:lr=0.05"], steps=120)
    made.save(folder / "race.html")
    return made


class Opened:
    """A page, and everything that went wrong in it."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        self.faults: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.faults.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append("a dialog"))
        self.context.route(re.compile("^(?!file:|blob:|data:)"), self.outside)
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn]", state="attached")

    def outside(self, route: Any) -> None:
        self.faults.append(f"request: {route.request.url}")
        route.abort()

    def pressed(self, selector: str) -> list[str]:
        return [str(one.get_attribute("aria-pressed")) for one in self.page.query_selector_all(selector)]

    def pixels(self, selector: str) -> str:
        """The picture on a canvas, as a text to compare."""
        return str(self.page.eval_on_selector(f"{selector} canvas", "canvas => canvas.toDataURL()"))

    def payload(self) -> Any:
        return json.loads(self.page.text_content("#report-data"))


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    pages: list[Opened] = []

    def opens(path: Path, **options: Any) -> Opened:
        pages.append(Opened(browser, path, **options))
        return pages[-1]

    yield opens
    for one in pages:
        one.context.close()
        assert one.faults == []


def test_the_page_of_a_study_says_question_answer_and_who_is_tied(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html").page
    record = PicturedStudy(study)
    assert page.text_content("h1") == "Which is better on digits, fully connected: SGD, Momentum or Adam?"
    assert page.text_content("#answer") == views.study_sentence(record)
    assert [chip.text_content() for chip in page.query_selector_all(".chip")] == list(study.judgement.tied_best)
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


@pytest.mark.parametrize("name", ["study", "race"])
@pytest.mark.parametrize("width", [390, 800])
def test_a_phone_needs_no_scrolling_to_the_side(
    opened: Any, study: Any, race: Any, folder: Path, name: str, width: int
) -> None:
    page = opened(folder / f"{name}.html", viewport={"width": width, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    outside = page.evaluate(OUTSIDE, width)
    assert outside == []


def test_every_field_and_picture_has_a_name_for_a_screen_reader(
    opened: Any, study: Any, race: Any, folder: Path
) -> None:
    for name in ("study", "race"):
        page = opened(folder / f"{name}.html").page
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, select, input, svg, [role=img], [tabindex]')].filter(n => "
            "!(n.getAttribute('aria-label') || n.textContent || '').trim()).map(n => n.outerHTML.slice(0, 80))"
        )
        assert nameless == []
        assert page.get_attribute("html", "lang") == "en"
        levels = [int(heading.evaluate("n => n.tagName[1]")) for heading in page.query_selector_all("h1, h2, h3, h4")]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


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


# -- races -------------------------------------------------------------------------------------------------------------


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
    page.wait_for_selector(".player input[aria-valuetext^='step 9']")
    page.click("button:text-is('❚❚ pause')")
    page.keyboard.press("Tab")
    page.focus(".player input")
    page.keyboard.press("End")
    assert shown.pixels("#race-chart") == at_the_end
    page.click("#race-chart .legend .name >> nth=1")
    assert shown.pixels("#race-chart") != at_the_end
    assert "slalom race rosenbrock -o sgd:lr=0.001 -o adam:lr=0.05" in page.text_content("#again")


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
