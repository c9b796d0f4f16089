"""The explorer's tuning, strip of learning rates and charts: against the race that Python runs, and as drawn."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from engine_pages import engine_page, numbers
from explorer_visits import Open, ends, idle, visits, wait_until, write_page

import slalom

EXPONENTS = "⁰¹²³⁴⁵⁶⁷⁸⁹"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Open]:
    yield from visits(browser, file)


@pytest.fixture(scope="module")
def engine(browser: Any) -> Iterator[Any]:
    yield from engine_page(browser)


# -- tuning ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [None, {"sd": 1.5, "seed": 11}])
def test_a_sweep_ends_where_the_race_at_each_rate_does(engine: Any, noise: Any) -> None:
    request = {"landscape": "himmelblau", "start": [0, 0], "steps": 300, "noise": noise}
    rates = [1e-4, 1e-3, 0.01, 0.1, 5.0]
    swept = engine.evaluate(
        "({ request, rates }) => plain(slalom.sweep({ ...request, rule: 'momentum', h: { momentum: 0.8 }, rates }))",
        {"request": request, "rates": rates},
    )
    raced = engine.evaluate(
        """({ request, rates }) => plain(rates.map(lr =>
            slalom.race({ ...request, runners: [{ rule: "momentum", h: { momentum: 0.8, lr } }] }).losses[0][300]))""",
        {"request": request, "rates": rates},
    )
    assert numbers(swept).tobytes() == numbers(raced).tobytes()
    assert np.isnan(numbers(swept)[-1])


def test_tuning_keeps_the_present_rate_where_none_ends_lower(visit: Open) -> None:
    page = visit("#course=sphere&start=2,2&o=sgd:lr=0.5&steps=1")  # of x² + y², one step of 0.5 ends in the minimum
    page.click("#tune")
    idle(page)
    assert "-o sgd:lr=0.5 " in page.inner_text("#command")
    assert page.inner_text("#tune-note") == (
        "Learning rates tuned for this start: none ends lower than the present ones."
    )


def himmelblau(x: float, y: float) -> float:
    value = (x * x + y - 11) ** 2 + (x + y * y - 7) ** 2
    return value if math.isfinite(value) else math.inf


RATES = ("sgd:lr=0.0123", "momentum:lr=0.00234", "adam:lr=0.123", "rmsprop:lr=0.0456", "nadam:lr=0.345", "lion:lr=0.03")


@pytest.mark.parametrize("seed", range(4))
def test_tuning_is_for_the_noise_on_the_screen_and_nobody_ends_higher_than_before(visit: Open, seed: int) -> None:
    field = "".join(f"&o={spec}" for spec in RATES)
    page = visit(f"#course=himmelblau&start=0,0&steps=150&noise=8&seed={seed}{field}")
    before = [himmelblau(*end) for end in ends(page)]
    page.click("#tune")
    idle(page)
    after = [himmelblau(*end) for end in ends(page)]
    assert all(new <= old for new, old in zip(after, before, strict=True)), (before, after)
    assert sum(new < old for new, old in zip(after, before, strict=True)) >= 4
    page.click("#tune")
    idle(page)
    assert all(himmelblau(*end) <= old for end, old in zip(ends(page), after, strict=True))


def test_another_landscape_says_that_it_tunes_all_rates(visit: Open) -> None:
    page = visit()
    assert "Choosing another landscape does the same" in page.locator("#tune").get_attribute("title")
    page.select_option("#landscape", "booth")
    idle(page)
    assert page.inner_text("#tune-note") == "Learning rates tuned for this landscape and its start."
    assert page.get_attribute("#tune-note", "role") == "status"
    page.fill("#steps", "100")
    assert page.inner_text("#tune-note") == ""


# -- the axes of the charts --------------------------------------------------------------------------------------------


def drawing(page: Any) -> list[str]:
    """Return the words of the charts, as the saved drawing has them."""
    page.locator("#export summary").click()
    with page.expect_download(timeout=60_000) as waiting:
        page.click("#export-svg")
    root = ET.fromstring(Path(waiting.value.path()).read_bytes())
    return [element.text or "" for element in root.iter() if element.tag.endswith("text")]


def powers(words: list[str]) -> list[int]:
    found = [re.fullmatch("10(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", word) for word in words]
    return [
        (-1 if match[1] else 1) * int("".join(str(EXPONENTS.index(digit)) for digit in match[2]))
        for match in found
        if match
    ]


def test_one_that_diverges_leaves_the_chart_and_does_not_stretch_it(visit: Open) -> None:
    page = visit("#o=sgd:lr=0.01&o=adam:lr=0.1&o=rmsprop:lr=0.01&steps=300")
    words = drawing(page)
    race = slalom.race("rosenbrock", ["sgd:lr=0.01", "adam:lr=0.1", "rmsprop:lr=0.01"], start=(-1.2, 1), steps=300)
    top = math.ceil(math.log10(1.2 * race.losses[1:].max()))
    assert max(powers(words)) == top == 2
    leaves = int(np.argmax(~(race.losses[0] <= 10.0**top)))
    assert f"leaves at step {leaves}" in words
    lengths = np.linalg.norm(np.diff(race.paths, axis=1), axis=2)
    highest = 10.0 ** math.ceil(math.log10(1.2 * lengths[1:].max()))
    assert f"leaves at step {1 + int(np.argmax(~(lengths[0] <= highest)))}" in words


def test_where_all_diverge_the_chart_shows_them_whole(visit: Open) -> None:
    words = drawing(visit("#o=sgd:lr=0.01&o=momentum:lr=0.02&steps=300"))
    assert max(powers(words)) > 20
    assert any(word.startswith("diverges at step") for word in words)


def test_one_that_falls_without_end_does_not_set_the_floor_for_the_others(visit: Open) -> None:
    page = visit("#course=x**2-y**4&start=1,0.5&o=sgd:lr=0.1&o=adam:lr=0.0001&steps=200")
    assert page.locator(".runner .result").first.inner_text().startswith("diverged at step")
    assert page.locator(".runner .result").last.inner_text() == "ends 0 above lowest"
    words = drawing(page)
    assert max(powers(words), default=0) <= 1
    assert any(word.startswith("leaves at step") for word in words)


# -- words on the charts and on the plane ------------------------------------------------------------------------------


def segments(drawn: list[dict[str, Any]]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the straight pieces of what was drawn, without the lines across the whole chart."""
    last = np.zeros(2)
    for entry in drawn:
        if "to" in entry and not (entry["to"][1] == last[1] and abs(entry["to"][0] - last[0]) > 150):
            yield last, np.array(entry["to"])
        if "from" in entry or "to" in entry:
            last = np.array(entry.get("from") or entry["to"])


@pytest.mark.parametrize("fragment", [
    "#o=sgd:lr=0.01&o=momentum:lr=0.02&o=adam:lr=0.1&o=rmsprop:lr=0.01&o=nadam:lr=0.1&o=adamw:lr=0.3&steps=300",
    "#course=log(x)%2By**2&start=1.5,1&steps=60&o=sgd:lr=0.3&o=adam:lr=0.3&o=rprop:lr=0.1&o=adagrad:lr=0.01",
])  # fmt: skip
def test_words_about_a_curve_that_ends_stand_clear_of_all_curves(watched: Open, fragment: str) -> None:
    page = watched(fragment)
    words = 0
    for chart in ("loss", "lengths"):
        drawn = page.evaluate("id => drawn(id)", chart)
        for entry in drawn:
            if not re.match("leaves|diverges", entry.get("text", "")):
                continue
            words += 1
            low = np.array([entry["x"], entry["y"] - 4])
            high = np.array([entry["x"] + 5.5 * len(entry["text"]), entry["y"] + 4])
            for one, other in segments(drawn):
                points = one + np.linspace(0, 1, 50)[:, None] * (other - one)
                assert not ((points > low) & (points < high)).all(axis=1).any(), (chart, entry, one, other)
    assert words >= 4


def test_numbers_on_a_basin_map_have_an_edge(watched: Open) -> None:
    page = watched("#course=himmelblau&o=sgd:lr=0.01&steps=50&view=basins")
    drawn = page.evaluate("drawn('plane')")
    edged = {entry["edged"] for entry in drawn if "edged" in entry}
    numbered = {entry["text"] for entry in drawn if re.fullmatch(r"−?[\d.]+", entry.get("text", ""))}
    assert len(numbered) > 4
    assert numbered <= edged


# -- the strip ---------------------------------------------------------------------------------------------------------

SPY = """
const seen = {}, note = (pen, entry) => (seen[pen.canvas.id] ||= []).push(entry);
window.drawn = id => seen[id] || [];
const { fillRect, fillText, strokeText, arc, moveTo, lineTo } = CanvasRenderingContext2D.prototype;
Object.assign(CanvasRenderingContext2D.prototype, {
  fillRect(...all) { seen[this.canvas.id] = []; return fillRect.apply(this, all); },
  fillText(...all) { note(this, { text: all[0], x: all[1], y: all[2] }); return fillText.apply(this, all); },
  strokeText(...all) { note(this, { edged: all[0] }); return strokeText.apply(this, all); },
  arc(...all) { note(this, { dot: this.fillStyle, x: all[0], y: all[1] }); return arc.apply(this, all); },
  moveTo(x, y) { note(this, { from: [x, y] }); return moveTo.call(this, x, y); },
  lineTo(x, y) { note(this, { to: [x, y] }); return lineTo.call(this, x, y); },
});
"""


@pytest.fixture
def watched(browser: Any, file: Path) -> Iterator[Open]:
    """Open the page with a note of what is drawn: window.drawn(id) lists the words and dots of a canvas."""
    contexts = []

    def open_page(fragment: str) -> Any:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}))
        contexts[-1].add_init_script(SPY)
        page = contexts[-1].new_page()
        page.goto(file.as_uri() + fragment)
        wait_until(page, "document.documentElement.dataset.ready === 'true'")
        idle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


def test_the_strip_says_what_its_row_its_axis_and_its_lines_are(watched: Open) -> None:
    page = watched("#course=sphere&start=2,2&o=sgd:lr=0.01&o=adam:lr=0.2&steps=100")
    drawn = page.evaluate("drawn('strip')")
    words = {entry["text"]: entry for entry in drawn if "text" in entry}
    assert {"diverged", "learning rate", "SGD", "Adam"} <= words.keys()
    box = page.locator("#strip").bounding_box()
    assert words["diverged"]["y"] < 20
    assert words["learning rate"]["y"] > box["height"] - 20
    assert all(0 < words[name]["x"] < box["width"] for name in ("SGD", "Adam"))
    assert "● present rate" in page.inner_text("#strip-note")
    assert "○ library default" in page.inner_text("#strip-note")


def test_the_strip_has_a_full_dot_at_the_present_rate_and_an_open_one_at_the_librarys(watched: Open) -> None:
    page = watched("#course=sphere&start=2,2&o=sgd:lr=0.01&steps=100")
    paper = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()")
    dots = [entry for entry in page.evaluate("drawn('strip')") if "dot" in entry]
    (open_dot,) = [dot for dot in dots if dot["dot"] == paper]
    (full_dot,) = [dot for dot in dots if dot["dot"] != paper]
    left, right, top, bottom = 62, 12, 22, 34
    box = page.locator("#strip").bounding_box()
    wide, high = round(box["width"]) - left - right, round(box["height"]) - top - bottom
    for dot, rate in ((open_dot, 1e-3), (full_dot, 1e-2)):
        assert dot["x"] == pytest.approx(left + wide * (math.log10(rate) + 5) / 6, abs=0.5)
    # On x² + y² from (2, 2) a rate r ends at 8 (1 − 2r)^200; two such ends are as far apart as on a logarithmic axis.
    gaps = [8 * (1 - 2 * rate) ** 200 for rate in (1e-3, 1e-2)]
    labels = [
        entry for entry in page.evaluate("drawn('strip')") if re.fullmatch("1|10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", entry.get("text", ""))
    ]
    decades = sorted(entry["y"] for entry in labels if entry["x"] < left)
    assert len(decades) >= 2
    assert top <= open_dot["y"] < full_dot["y"] <= top + high
    exponents = powers([entry["text"] for entry in labels if entry["x"] < left])
    per_decade = (decades[-1] - decades[0]) / (max([*exponents, 0]) - min(exponents))
    apart = math.log10(gaps[0]) - math.log10(gaps[1])
    assert full_dot["y"] - open_dot["y"] == pytest.approx(per_decade * apart, abs=1.5)


def test_a_default_that_diverges_has_no_open_dot(watched: Open) -> None:
    page = watched("#course=himmelblau&start=0,0&o=adadelta:lr=0.5&o=momentum:lr=0.001&steps=50")
    paper = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()")
    both = sum(entry.get("dot") == paper for entry in page.evaluate("drawn('strip')"))
    page = watched("#course=100*x**4%2B100*y**4&start=30,30&o=sgd:lr=1e-9&steps=50")
    alone = sum(entry.get("dot") == paper for entry in page.evaluate("drawn('strip')"))
    assert (both, alone) == (2, 0)


def test_rates_that_all_but_diverge_do_not_stretch_the_strip(watched: Open) -> None:
    page = watched("#o=lion:lr=0.01&o=adam:lr=0.1&steps=500")
    left = [entry["text"] for entry in page.evaluate("drawn('strip')") if entry.get("x", 99) < 62 and "text" in entry]
    assert max(powers(left)) <= 3  # the start is at 24.2
    words = [entry.get("text") for entry in page.evaluate("drawn('strip')")]
    assert "Lion" in words


def test_the_strip_shows_the_race_with_its_noise(watched: Open) -> None:
    page = watched("#course=himmelblau&start=0,0&o=adam:lr=0.1&noise=30&seed=2&steps=200")
    assert page.inner_text("#strip-note").startswith("final loss with this noise")
    noisy = page.evaluate("document.getElementById('strip').toDataURL()")
    page.fill("#seed", "3")
    idle(page)
    assert page.evaluate("document.getElementById('strip').toDataURL()") != noisy
