"""The explorer's further pictures: basins, the strip, the surface, and what is saved."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from explorer_visits import Open, painted, start_of, visits, write_page


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Open]:
    yield from visits(browser, file)


def test_a_basin_map_is_made_while_the_page_stays_alive(visit: Open) -> None:
    page = visit("#course=himmelblau&start=-1,-1&o=momentum:lr=0.002&steps=200")
    before = painted(page, "plane")
    page.get_by_text("Basins").click()
    page.evaluate("() => { window.beats = 0; const beat = () => { beats++; requestAnimationFrame(beat); }; beat(); }")
    computing = "document.getElementById('plane-note').textContent.includes('Computing')"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and (page.evaluate(computing) or painted(page, "plane") == before):
        page.wait_for_timeout(50)
    assert page.evaluate("beats") > 1
    assert painted(page, "plane") != before
    # Each of the four minima has a colour of its own around it, and momentum's basins have all four.
    colours = page.evaluate("""() => {
        const canvas = document.getElementById("plane"), copy = document.createElement("canvas");
        [copy.width, copy.height] = [canvas.width, canvas.height];
        const pen = copy.getContext("2d");
        pen.drawImage(canvas, 0, 0);
        const scale = Math.min(canvas.width / 10, canvas.height / 10);
        return [[3, 2], [-2.805118, 3.131312], [-3.77931, -3.283186], [3.584428, -1.848126]].map(([x, y]) => {
          const [px, py] = [canvas.width / 2 + x * scale + 14, canvas.height / 2 - y * scale + 14];
          const dots = pen.getImageData(px, py, 1, 1).data;
          return [...dots.slice(0, 3)].map(part => Math.round(part / 16)).join();
        });
    }""")
    assert len(set(colours)) == 4


def test_the_strip_is_drawn_from_the_worker_and_its_dots_set_the_rate(visit: Open) -> None:
    page = visit("#course=sphere&start=2,2&o=sgd:lr=0.01&steps=100")
    page.wait_for_timeout(600)
    before = painted(page, "strip")
    page.locator("#strip").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert "-o sgd:lr=0.0112" in page.inner_text("#command")
    assert painted(page, "strip") != before


def test_the_surface_turns_under_the_mouse_and_the_keys(visit: Open) -> None:
    page = visit("#view=surface")
    first = painted(page, "plane")
    box = page.locator("#plane").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 220)
    page.mouse.up()
    second = painted(page, "plane")
    page.locator("#plane").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(100)
    assert len({first, second, painted(page, "plane")}) == 3
    assert start_of(page) == (-1.2, 1)


def saved(page: Any, button: str) -> bytes:
    page.locator("#export summary").click()
    with page.expect_download(timeout=60_000) as waiting:
        page.click(button)
    return Path(waiting.value.path()).read_bytes()


def test_the_picture_is_saved_as_png(visit: Open) -> None:
    content = saved(visit(), "#export-png")
    assert content.startswith(b"\x89PNG")
    assert len(content) > 20_000


@pytest.mark.parametrize("view", ["overlay", "grid", "surface"])
def test_the_drawing_is_saved_as_svg_with_lines_and_words(visit: Open, view: str) -> None:
    content = saved(visit(f"#view={view}"), "#export-svg")
    root = ET.fromstring(content)
    kinds = {element.tag.partition("}")[2] for element in root.iter()}
    assert {"path", "text"} <= kinds
    assert "script" not in kinds
    words = " ".join(element.text or "" for element in root.iter() if element.tag.endswith("text"))
    assert "100(y − x²)² + (1 − x)²" in words
    assert "NaN" not in re.sub(r'href="data:[^"]*"', "", content.decode())


def test_the_race_is_saved_as_an_animation_without_moving_the_page(visit: Open) -> None:
    page = visit("#steps=20")
    content = saved(page, "#export-webm")
    assert content.startswith(b"\x1a\x45\xdf\xa3")  # EBML, the container of WebM
    assert len(content) > 5_000
    assert page.inner_text("#clock") == "20 of 20"
    assert page.inner_text("#export-note") == "Saved."


def test_where_a_canvas_cannot_be_recorded_the_page_says_so(browser: Any, file: Path) -> None:
    context = browser.new_context()
    context.add_init_script("delete window.MediaRecorder")
    page = context.new_page()
    page.goto(file.as_uri())
    page.locator("#export summary").click()
    assert "cannot record" in page.inner_text("#export-note")
    context.close()
