"""The explorer's layout, measured in the browser: nothing cut, too small or too pale, and everything named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from explorer_visits import Open, visits, write_page

from slalom.show.report.pieces import contrast, on_dark, on_light
from slalom.show.views.styles import styles_for

SIZES = [(1440, 900), (800, 1100), (390, 844)]
FIELDS = {
    "two alike, with long numbers": "#o=momentum:lr=0.000562,momentum=0.9999&o=momentum:lr=0.001"
    "&o=adam:lr=0.1,eps=0.00000123",
    "all kinds, with noise": "#o=nadam:lr=0.1&o=radam:lr=0.1&o=adadelta:lr=0.000562&o=rprop:lr=0.01&o=adamax:lr=0.1"
    "&o=amsgrad:lr=0.1&o=adamw:lr=0.05&o=!nesterov:lr=0.001&noise=0.3&seed=3&inside=2",
    "one leaves": "#o=sgd:lr=0.1&o=adam:lr=0.1&steps=200",
    "a long expression": "#course=" + "%2B".join(f"sin({k}*x)*cos({k}*y)/{k}" for k in range(1, 25)),
}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Open]:
    yield from visits(browser, file)


def opened(visit: Open, fragment: str, size: tuple[int, int], colours: str = "light") -> Any:
    page = visit(fragment, viewport={"width": size[0], "height": size[1]}, color_scheme=colours)
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.wait_for_timeout(200)
    return page


CUT = """() => {
  const cut = [];
  if (document.documentElement.scrollWidth > innerWidth) cut.push("the page itself");
  for (const one of document.querySelectorAll("main *, header *, footer *")) {
    const { width, height } = one.getBoundingClientRect();
    if (width < 2 || height < 2 || one.closest("svg, math, .hidden, .skip, #expression, select")) continue;
    const style = getComputedStyle(one);
    if (style.display === "inline" || style.overflowX === "auto") continue;
    if (one.scrollWidth <= one.clientWidth + 1 || !one.clientWidth) continue;
    cut.push([one.tagName, one.id, one.className, one.value].join(" "));
  }
  return cut;
}"""


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("field", FIELDS)
def test_nothing_is_cut_and_only_what_scrolls_is_wider_than_its_place(
    visit: Open, field: str, size: tuple[int, int]
) -> None:
    assert opened(visit, FIELDS[field], size).evaluate(CUT) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("rule", ["adam", "adamw", "momentum", "rprop", "radam"])
def test_the_formulas_with_their_numbers_fit_without_scrolling(visit: Open, rule: str, size: tuple[int, int]) -> None:
    page = opened(visit, f"#course=himmelblau&o={rule}:lr=0.0123&steps=60&at=30", size)
    rows = page.eval_on_selector_all("#formula .row", "all => all.map(one => [one.scrollWidth, one.clientWidth])")
    assert rows
    assert all(content <= room for content, room in rows)


SMALL = """() => [...document.querySelectorAll("button, select, input, summary")].filter(one => {
  const label = one.closest("label") || document.querySelector(`label[for="${one.id}"]`);
  const heights = [one, ...(label ? [label] : [])].map(each => each.getBoundingClientRect().height);
  return heights[0] > 0 && Math.max(...heights) < 24;
}).map(one => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("size", SIZES)
def test_every_control_is_high_enough_for_a_finger(visit: Open, size: tuple[int, int]) -> None:
    assert opened(visit, FIELDS["all kinds, with noise"], size).evaluate(SMALL) == []


SHOWN = """() => {
  const texts = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const one = node.parentElement;
    if (!node.data.trim() || !one.getClientRects().length) continue;
    if (one.closest("script, style, .skip, .hidden, :disabled, option")) continue;
    let ground = null, strength = 1;
    for (let up = one; up; up = up.parentElement) {
      const style = getComputedStyle(up);
      strength *= Number(style.opacity);
      if (!ground && !/, 0\\)$|transparent/.test(style.backgroundColor)) ground = style.backgroundColor;
    }
    texts.push([node.data.trim().slice(0, 40), getComputedStyle(one).color, ground, strength]);
  }
  return texts;
}"""


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("field", ["all kinds, with noise", "one leaves"])
def test_all_texts_have_the_contrast_that_wcag_asks_for(visit: Open, field: str, colours: str) -> None:
    texts = opened(visit, FIELDS[field], (1440, 900), colours).evaluate(SHOWN)
    assert len(texts) > 60
    for text, ink, ground, strength in texts:
        assert strength == 1, text
        assert contrast(hexadecimal(ink), luminance(hexadecimal(ground))) >= 4.5, (text, ink, ground)


def hexadecimal(colour: str) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", colour)[:3])


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour: its contrast with black is (luminance + 0.05) / 0.05."""
    return contrast(colour, 0) * 0.05 - 0.05


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_names_on_the_plane_can_be_read_there(visit: Open, colours: str) -> None:
    page = opened(visit, FIELDS["all kinds, with noise"], (1440, 900), colours)
    with page.expect_download() as waiting:
        page.click("#export-svg")
    drawing = Path(waiting.value.path()).read_text(encoding="utf-8")
    names = re.findall(r'<text[^>]* font-weight="600"[^>]* fill="(#\w{6})">(\w+)</text>', drawing)
    assert {"NAdam", "AdamW", "AMSGrad"} <= {name for _, name in names}
    ground = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--high').trim()")
    assert all(contrast(colour, luminance(ground)) >= 4.5 for colour, _ in names)


def test_every_control_has_a_name_and_headings_go_down_one_by_one(visit: Open) -> None:
    page = opened(visit, FIELDS["all kinds, with noise"], (1440, 900))
    said = page.locator("body").aria_snapshot()
    controls = re.findall(r"- '?(?:button|checkbox|slider|spinbutton|combobox|textbox|radio)\b(.*)", said)
    assert len(controls) > 60
    assert all(re.match(r' "[^"]+"', rest) for rest in controls)
    levels = page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(one => Number(one.tagName[1]))")
    assert sorted(levels)[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip([0, *levels], levels, strict=False))


def test_the_focus_can_be_seen_on_every_control(visit: Open) -> None:
    page = visit("#o=adam:lr=0.1")
    seen = set()
    for _ in range(45):
        page.keyboard.press("Tab")
        outline = page.evaluate("""() => {
            const one = document.activeElement, drawn = one.type === "radio" ? one.nextElementSibling : one;
            return [one.id || one.outerHTML.slice(0, 60), getComputedStyle(drawn).outlineStyle,
              parseFloat(getComputedStyle(drawn).outlineWidth), one === document.body];
        }""")
        if outline[3]:
            continue
        seen.add(outline[0])
        assert outline[1] == "solid", outline
        assert outline[2] >= 2
    assert {"plane", "strip", "scrub", "theme", "landscape", "expression", "play", "log-steps"} <= seen


LINES = """[...document.querySelectorAll(".runner svg line")].map(one =>
  [one.getAttribute("stroke"), one.getAttribute("stroke-dasharray").split(" ").filter(Boolean).map(Number)])"""
RACED = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "adadelta"]


@pytest.mark.parametrize("families", [RACED, ["adam", "adam", "adam", "sgd", "sgd"]])
def test_an_optimizer_looks_as_in_all_other_pictures_and_no_two_share_their_dashes(
    visit: Open, families: list[str]
) -> None:
    fragment = "#steps=20" + "".join(f"&o={family}:lr=0.001" for family in families)
    styles = styles_for(families)
    light = visit(fragment).evaluate(LINES)
    dark = visit(fragment, color_scheme="dark").evaluate(LINES)
    assert [dashes for _, dashes in light] == [[2 * dash for dash in style.dashes] for style in styles]
    assert [colour.upper() for colour, _ in light] == [on_light(style.colour).upper() for style in styles]
    if families is RACED:
        assert len({style.dashes for style in styles}) == len(families)
    assert [colour.upper() for colour, _ in dark] == [on_dark(style.colour).upper() for style in styles]


def test_a_product_of_equal_letters_has_a_dot(visit: Open) -> None:
    page = visit("#course=x*x%2B2*y*y*x")
    assert page.inner_text("#course-title") == "x·x + 2y·yx"
