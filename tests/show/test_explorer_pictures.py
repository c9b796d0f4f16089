"""The explorer's further pictures: basins, the strip, the surface, and what is saved."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_visits import Open, painted, start_of, visits, wait_until, write_page
from PIL import Image

import slalom
from slalom.show import explorer
from slalom.show.views.moving import frame_steps


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Open]:
    yield from visits(browser, file)


MAPPED = """!document.getElementById("plane-note").textContent.includes("Computing") && (() => {
  const canvas = document.getElementById("plane"), copy = document.createElement("canvas");
  [copy.width, copy.height] = [canvas.width, canvas.height];
  const pen = copy.getContext("2d");
  pen.drawImage(canvas, 0, 0);
  const [red, , blue] = pen.getImageData(0.2 * copy.width, 0.7 * copy.height, 1, 1).data;
  return Math.abs(red - blue) > 30; // the ground is grey, a basin is not
})()"""
"""The map is finished and on the plane."""


def test_a_basin_map_is_made_while_the_page_stays_alive(visit: Open) -> None:
    page = visit("#course=himmelblau&start=-1,-1&o=momentum:lr=0.002&steps=200")
    before = painted(page, "plane")
    page.get_by_text("Basins").click()
    page.evaluate("() => { window.beats = 0; const beat = () => { beats++; requestAnimationFrame(beat); }; beat(); }")
    wait_until(page, MAPPED, 120)
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


def colours_in(picture: Any) -> dict[tuple[int, int, int], int]:
    return {colour: count for count, colour in picture.convert("RGB").getcolors(picture.width * picture.height)}


def test_the_picture_is_saved_as_png_and_shows_the_paths_of_the_screen(visit: Open) -> None:
    page = visit("#o=sgd:lr=0.002&o=rmsprop:lr=0.01&o=lion:lr=0.01")
    shown = page.eval_on_selector_all(".runner svg line", "all => all.map(one => one.getAttribute('stroke'))")
    picture = Image.open(io.BytesIO(saved(page, "#export-png")))
    assert picture.size == (2400, 1400)
    colours = colours_in(picture.crop((32, 92, 1512, 1320)))  # the plane, without its curves
    for stroke in shown:
        assert colours.get(tuple(bytes.fromhex(stroke[1:])), 0) > 300, stroke


def test_a_saved_basin_map_has_the_colours_of_the_screen(visit: Open) -> None:
    page = visit("#course=himmelblau&start=-1,-1&o=momentum:lr=0.002&steps=200")
    plain = colours_in(Image.open(io.BytesIO(saved(page, "#export-png"))))
    page.locator("#export summary").click()
    page.get_by_text("Basins").click()
    wait_until(page, MAPPED, 120)
    screen = Image.open(io.BytesIO(base64.b64decode(painted(page, "plane").partition(",")[2])))
    bright = {colour: count for colour, count in colours_in(screen).items() if max(colour) - min(colour) > 60}
    common = sorted(bright, key=lambda colour: -bright[colour])[:8]
    kept = colours_in(Image.open(io.BytesIO(saved(page, "#export-png"))))
    for colour in common:
        assert kept.get(colour, 0) > 1000
        assert plain.get(colour, 0) < 0.1 * kept[colour]  # an edge of the path may have it


@pytest.mark.parametrize("view", ["overlay", "grid", "surface"])
def test_the_drawing_is_saved_as_svg_with_lines_and_words(visit: Open, view: str) -> None:
    page = visit(f"#view={view}")
    content = saved(page, "#export-svg")
    root = ET.fromstring(content)
    kinds = {element.tag.partition("}")[2] for element in root.iter()}
    assert {"path", "text"} <= kinds
    assert "script" not in kinds
    words = " ".join(element.text or "" for element in root.iter() if element.tag.endswith("text"))
    assert "100(y − x²)² + (1 − x)²" in words
    strokes = [element.get("stroke", "") for element in root.iter() if element.tag.endswith("path")]
    for colour in page.eval_on_selector_all(".runner svg line", "all => all.map(one => one.getAttribute('stroke'))"):
        assert colour in strokes
    assert "NaN" not in re.sub(r'href="data:[^"]*"', "", content.decode())


def test_the_race_is_saved_as_an_animation_without_moving_the_page(visit: Open) -> None:
    page = visit("#steps=20")
    content = saved(page, "#export-webm")
    assert content.startswith(b"\x1a\x45\xdf\xa3")  # EBML, the container of WebM
    assert len(content) > 5_000
    assert page.inner_text("#clock") == "20 of 20"
    assert page.inner_text("#export-note") == "Saved."


def test_the_animation_plays_the_race_from_its_start_to_its_end(visit: Open, tmp_path: Path) -> None:
    films = pytest.importorskip("imageio_ffmpeg")
    kept = tmp_path / "race.webm"
    kept.write_bytes(saved(visit("#o=rmsprop:lr=0.01&steps=39"), "#export-webm"))
    command = [films.get_ffmpeg_exe(), "-v", "error", "-i", str(kept), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    decoded = subprocess.run(command, capture_output=True, check=True)
    assert decoded.stderr == b""
    frames = np.frombuffer(decoded.stdout, np.uint8).reshape(-1, 700, 1200, 3)
    assert len(frames) >= 20  # 40 steps; a slow machine may drop some
    first, last = frames[0].astype(float), frames[-1].astype(float)
    plane, title = (slice(46, 660), slice(16, 756)), (slice(8, 40), slice(0, 756))
    assert np.abs(first - last)[plane].max() > 60  # the head has moved
    assert np.abs(first - last)[title].max() > 60  # and the step is told


def test_a_copied_link_is_the_address_of_what_is_shown(visit: Open) -> None:
    page = visit("#o=lion:lr=0.01", permissions=["clipboard-read", "clipboard-write"])
    page.fill("#steps", "77")
    page.click("#copy-link")
    page.wait_for_timeout(100)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.evaluate("location.href")
    assert "steps=77" in copied
    assert "o=lion%3Alr%3D0.01" in copied


def test_a_path_behind_a_hill_shows_through_and_axes_and_names_stand_around_the_surface(visit: Open) -> None:
    page = visit("#view=surface&o=rmsprop:lr=0.01&o=adam:lr=0.1&turn=2.4,0.3")
    root = ET.fromstring(saved(page, "#export-svg"))
    words = {element.text for element in root.iter() if element.tag.endswith("text")}
    assert {"x", "y", "loss", "RMSprop", "Adam", "−1", "2"} <= words
    widths: dict[str, set[str]] = {}
    for element in root.iter():
        widths.setdefault(element.get("stroke", ""), set()).add(element.get("stroke-width", ""))
    assert widths["rgba(213,94,0,0.3)"] == {"1.4"}  # all of the path, faintly and over everything
    assert "2.2" in widths.get("#d55e00", set()) | widths.get("#D55E00", set())  # its pieces, among the cells


def test_where_a_canvas_cannot_be_recorded_the_page_says_so(browser: Any, file: Path) -> None:
    context = browser.new_context()
    context.add_init_script("delete window.MediaRecorder")
    page = context.new_page()
    page.goto(file.as_uri())
    page.locator("#export summary").click()
    assert "cannot record" in page.inner_text("#export-note")
    context.close()


@pytest.mark.parametrize(("steps", "frames"), [(1000, 150), (2000, 40), (40, 150)])
def test_a_film_shows_the_steps_that_the_animation_of_python_shows(visit: Open, steps: int, frames: int) -> None:
    race = slalom.race("rosenbrock", ["adam:lr=0.1", "rmsprop:lr=0.02", "sgd:lr=1"], steps=steps)
    script = (Path(explorer.__file__).parent / "page" / "exporting.js").read_text(encoding="utf-8")
    lengths = [[0.0, *lengths] for lengths in np.nan_to_num(race.step_lengths, posinf=0.0).tolist()]
    chosen = visit().evaluate(f"lengths => {{ {script} return filmSteps(lengths, {steps}, {frames}); }}", lengths)
    assert chosen == frame_steps(tuple(race.paths), frames).tolist()
