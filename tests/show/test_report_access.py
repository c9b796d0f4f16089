"""The report's pages for everybody: on a phone, by finger, by keys, read aloud, on paper, in both themes."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from report_visits import save_race, save_study, visits

import slalom


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def study(folder: Path) -> Any:
    return save_study(folder)


@pytest.fixture(scope="module")
def race(folder: Path) -> Any:
    return save_race(folder)


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    yield from visits(browser)


@pytest.fixture(scope="module")
def long_names(folder: Path) -> Any:
    """A study whose optimizers have long names, one of which cannot be compared."""
    specs = ["adam:weight_decay=0.01,eps=1e-6,amsgrad=True", "sgd:momentum=0.9,nesterov=True", "adam:lr=0.001"]
    made = slalom.study("digits-mlp", specs, epochs=1, seeds=3, trials=5, store=str(folder / "long.sqlite"))
    made.save(folder / "long_names.html")
    return made


CLIPPED = ".wide, .skip, .lines, .mini, pre, .told"
OUTSIDE = f"""width => [...document.querySelectorAll('body *')].filter(one => !one.closest('{CLIPPED}')
    && one.getBoundingClientRect().right > width + 1).map(one => one.outerHTML.slice(0, 90))"""
IN_THE_WAY = """() => [...document.querySelectorAll('figure svg')].flatMap(svg => {
    const whole = svg.getBoundingClientRect(), boxed = one => [one, one.getBoundingClientRect()];
    const texts = [...svg.querySelectorAll('text')].map(boxed);
    const marks = [...svg.querySelectorAll('circle, line, path, .spread')].map(boxed);
    const meet = (a, b) => Math.min(a.right, b.right + 1) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom + 1) - Math.max(a.top, b.top) > 4;
    return texts.flatMap(([text, box], k) => [
        ...(box.left < whole.left - 1 || box.right > whole.right + 1 || box.bottom > whole.bottom + 1 ? ['cut'] : []),
        ...[...texts.slice(k + 1), ...marks].filter(([, other]) => meet(box, other))
            .map(([other]) => other.textContent || other.outerHTML),
    ].map(what => `${text.textContent}: ${what}`));
})"""
"""Words of strips that are cut, or lie on marks or on each other."""


@pytest.mark.parametrize("name", ["study", "race", "long_names"])
@pytest.mark.parametrize("width", [340, 390, 640, 800, 1440])
def test_nothing_is_cut_or_lies_on_anything_else_at_any_width(
    request: pytest.FixtureRequest, opened: Any, folder: Path, name: str, width: int
) -> None:
    request.getfixturevalue(name)
    page = opened(folder / f"{name}.html", viewport={"width": width, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(OUTSIDE, width) == []
    assert (page.locator(".lane").count() == 0) == (name == "race")
    assert page.evaluate(IN_THE_WAY) == []


PALE = """() => {
    const part = v => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4;
    const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
    const colour = text => (([r, g, b, a = 1]) => [r, g, b, a])((text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number));
    const over = (a, b) => [0, 1, 2].map(k => a[k] * a[3] + b[k] * (1 - a[3]));
    const paperOf = one => colour(getComputedStyle(one).backgroundColor);
    const papers = one => one ? [...papers(one.parentElement), paperOf(one)] : [[255, 255, 255, 1]];
    const opacity = one => one ? Number(getComputedStyle(one).opacity) * opacity(one.parentElement) : 1;
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    while (words.nextNode()) {
        const one = words.currentNode.parentElement, told = words.currentNode.textContent.trim();
        if (!told || one.closest('script, noscript, .told, .skip') || !one.checkVisibility()) continue;
        const own = colour(getComputedStyle(one)[one instanceof SVGElement ? 'fill' : 'color']);
        const paper = papers(one).reduce((below, above) => over(above, below));
        const ink = over([...own.slice(0, 3), own[3] * opacity(one)], paper);
        const [low, high] = [light(paper), light(ink)].sort((a, b) => a - b);
        found.push([(high + 0.05) / (low + 0.05), told]);
    }
    return found;
}"""
"""The contrast of every text that can be seen with what is behind it, by WCAG's formula."""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_the_contrast_of_level_aa(opened: Any, study: Any, race: Any, folder: Path, theme: str) -> None:
    for name in ("study", "race"):
        page = opened(folder / f"{name}.html", color_scheme=theme).page
        page.click(".legend .name >> nth=0")  # a name that is hidden is read as well
        found = page.evaluate(PALE)
        assert len(found) > 100
        assert [one for one in found if one[0] < 4.5] == []


def test_optimizers_differ_by_their_dashes_and_every_legend_shows_them(opened: Any, study: Any, folder: Path) -> None:
    shown = opened(folder / "study.html")
    lines = shown.payload()["charts"]["curves-chart"]["panels"][0]["lines"]
    assert len({tuple(line["style"]["dashes"]) for line in lines}) == len(lines) == 3
    gaps = """all => all.map(one => { const row = one.getContext('2d').getImageData(0, 8, one.width, 1).data;
        const ends = k => row[4 * k + 3] > 128 && row[4 * k + 7] <= 128;
        return [...Array(one.width - 6).keys()].filter(k => ends(k + 3)).length; })"""
    dashed = [bool(line["style"]["dashes"]) for line in lines]
    for place in ("#curves-chart .legend", "#results tbody"):
        assert [count > 0 for count in shown.page.eval_on_selector_all(f"{place} .swatch", gaps)] == dashed
    drawn = [key.get_attribute("stroke-dasharray") for key in shown.page.query_selector_all("#results-chart .key")]
    assert [dash is not None for dash in drawn] == dashed


def test_a_finger_reads_hides_and_scrubs(opened: Any, study: Any, race: Any, folder: Path) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    shown = opened(folder / "study.html", **phone)
    page, names = shown.page, "#curves-chart .legend .name"
    page.tap(f"{names} >> nth=1")
    assert shown.pressed(names) == ["true", "false", "true"]
    over = page.locator("#curves-chart .u-over")
    over.scroll_into_view_if_needed()
    box, tip = over.bounding_box(), page.locator("#curves-chart .tip")
    page.touchscreen.tap(box["x"] + box["width"] - 4, box["y"] + 20)
    assert re.match(r"(SGD|Adam)\nepoch 2 · step 36 · ", tip.inner_text())
    dot = page.locator("#results-chart .seed").nth(1)
    dot.scroll_into_view_if_needed()
    box = dot.bounding_box()
    page.touchscreen.tap(box["x"] + 4, box["y"] + 4)
    assert page.locator("#results-chart .tip").inner_text().split("\n")[0] == "SGD"
    page = opened(folder / "race.html", **phone).page
    loss = page.locator("#race-chart .handle")
    loss.scroll_into_view_if_needed()
    box = loss.bounding_box()
    page.touchscreen.tap(box["x"] + 47, box["y"] + 60)
    assert page.text_content(".clock").startswith("step 1, ")


def test_arrow_keys_go_through_lanes_and_their_seeds(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html").page
    assert page.locator("#results-chart .lane[tabindex='0']").count() == 1  # one stop for the tabulator
    page.focus("#results-chart .lane[tabindex='0']")
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement.dataset.name") == "Momentum"
    told = page.text_content("#results-chart .told")
    assert told.startswith("Momentum, seed 1, ")
    assert number_in(told) == pytest.approx(study.results.values["Momentum"][1], abs=5e-4)
    page.keyboard.press("Escape")
    assert page.locator("#results-chart .tip").is_hidden()
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.dataset.name") == "Adam"


def number_in(text: str) -> float:
    """The first proportion in a text, such as 94.52 %."""
    found = re.search(r"([\d.]+) %", text)
    assert found is not None, text
    return float(found.group(1)) / 100


def test_a_wide_table_says_that_it_scrolls_and_keeps_its_names(opened: Any, study: Any, folder: Path) -> None:
    page = opened(folder / "study.html", viewport={"width": 390, "height": 844}).page
    box, cell = page.locator("#results .wide"), page.locator("#results tbody th >> nth=0")
    assert page.locator("#results .hint").is_visible()
    left = cell.bounding_box()["x"]
    box.focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    page.wait_for_timeout(500)
    assert box.evaluate("one => one.scrollLeft") > 100
    assert cell.bounding_box()["x"] == left
    last = page.locator("#results tbody td:last-child >> nth=0").bounding_box()
    assert last["x"] + last["width"] <= 391
    wide = opened(folder / "study.html").page
    assert wide.locator("#results .hint").is_hidden()
    assert wide.get_attribute("#results .wide", "tabindex") is None  # what does not scroll is no stop


def test_paper_is_white_has_everything_and_cuts_nothing(opened: Any, study: Any, race: Any, folder: Path) -> None:
    for name in ("study", "race"):
        page = opened(folder / f"{name}.html", color_scheme="dark", viewport={"width": 1200, "height": 900}).page
        sections = page.locator("section").count()
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 718, "height": 1000})  # A4, less margins of a centimetre
        page.wait_for_timeout(200)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator("details:not([open])").count() == 0
        assert page.locator("section:visible").count() == sections
        assert page.locator("#theme, .copy, .controls, .player, nav").filter(visible=True).count() == 0
        beyond = "all => all.filter(one => one.checkVisibility() && one.getBoundingClientRect().right > 719).length"
        assert page.eval_on_selector_all("section *:not(.mini *, .told)", beyond) == 0
        page.emulate_media(media="screen", color_scheme="dark")
        page.wait_for_timeout(200)
        assert page.get_attribute("html", "data-theme") == "dark"
        assert page.locator("details[open]").count() == 0


def test_every_field_and_picture_has_a_name_for_a_screen_reader(
    opened: Any, study: Any, race: Any, folder: Path
) -> None:
    for name in ("study", "race"):
        page = opened(folder / f"{name}.html").page
        nameless = page.evaluate(
            "[...document.querySelectorAll('button, select, input, svg, [role=img], [role=region], [tabindex]')]"
            ".filter(n => !(n.getAttribute('aria-label') || n.textContent || '').trim())"
            ".map(n => n.outerHTML.slice(0, 80))"
        )
        assert nameless == []
        assert page.get_attribute("html", "lang") == "en"
        levels = [int(heading.evaluate("n => n.tagName[1]")) for heading in page.query_selector_all("h1, h2, h3, h4")]
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        unsaid = "thead th:not([scope=col]), .sortable tbody th:not([scope=row])"
        assert page.locator(unsaid).count() == 0


def test_curves_and_maps_are_told_in_words_and_nothing_talks_unasked(
    opened: Any, study: Any, race: Any, folder: Path
) -> None:
    shown = opened(folder / "study.html")
    page = shown.page
    described = page.get_attribute("#curves-chart .stage", "aria-describedby")
    summary = page.text_content(f"#{described}")
    for line in shown.payload()["charts"]["curves-chart"]["panels"][0]["lines"]:
        part = summary.split(f"{line['name']}, ")[1]
        assert number_in(part) == pytest.approx(line["middle"][-1], abs=5e-5)
    box = page.locator("#curves-chart .u-over").bounding_box()
    for share in (0.3, 0.6, 0.9):
        page.mouse.move(box["x"] + share * box["width"], box["y"] + 0.5 * box["height"])
    assert page.locator("[aria-live]").filter(has_text=re.compile("SGD|Adam")).count() == 0  # keys alone are read aloud
    assert page.get_attribute("#curves-chart .tip", "aria-hidden") == "true"
    page = opened(folder / "race.html").page
    assert page.get_attribute("#race-chart .stage canvas", "aria-describedby") == "race-chart-words"
    assert re.match(r"step 120, .*: SGD lr 0.001 at \(|step 120, .*: SGD at \(", page.text_content("#race-chart-words"))
