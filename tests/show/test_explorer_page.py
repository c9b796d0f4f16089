"""The explorer's page in a real Chromium: dragged, clicked, played, and used with keys alone."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from explorer_visits import Open, ends, painted, ring, settled_hash, start_of, visits, wait_until, write_page

from slalom.cli.application import program

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Open]:
    yield from visits(browser, file)


def test_the_page_is_small_asks_nothing_of_the_network_and_says_first_what_to_do(visit: Open, file: Path) -> None:
    assert file.stat().st_size < MEGABYTE
    text = file.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", text)
    page = visit()
    assert page.locator(".lead").inner_text().startswith("Drag the ring:")
    assert page.locator(".runner").count() == 4


def test_dragging_the_ring_moves_the_start_and_redraws_every_path_while_it_moves(visit: Open) -> None:
    page = visit()
    x, y = ring(page)
    page.mouse.move(x, y)
    page.mouse.down()
    seen = [(painted(page, "plane"), painted(page, "loss"), painted(page, "lengths"))]
    for way in (60, 120, 180):
        page.mouse.move(x + way, y - way / 3)
        seen.append((painted(page, "plane"), painted(page, "loss"), painted(page, "lengths")))
    page.mouse.up()
    for before, after in itertools.pairwise(seen):
        assert all(old != new for old, new in zip(before, after, strict=True))
    scale = min(page.locator("#plane").bounding_box()[side] for side in ("width", "height")) / 4
    page.wait_for_timeout(200)
    assert start_of(page) == pytest.approx((-1.2 + 180 / scale, 1 + 60 / scale), abs=1.5 / scale)
    assert f"start={start_of(page)[0]}" in settled_hash(page).replace("%2C", ",")


def test_a_click_on_the_plane_puts_the_start_there_and_into_the_command(visit: Open) -> None:
    page = visit()
    page.locator("#plane").click(position={"x": 200, "y": 150})
    page.wait_for_timeout(200)
    start = start_of(page)
    assert f"--start={start[0]},{start[1]}".replace(".0,", ",") in page.inner_text("#command").replace(".0 ", " ")


def test_a_slider_changes_the_rate_the_path_and_the_command(visit: Open) -> None:
    page = visit()
    before = painted(page, "plane")
    slider = page.get_by_role("slider", name="Adam: learning rate")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(200)
    value = float(page.get_by_role("spinbutton", name="Adam: learning rate").input_value())
    assert value == pytest.approx(0.1 * 10 ** (-6 * 5 / 1000), rel=0.01)  # six decades on a thousand places
    assert f"-o adam:lr={value}" in page.inner_text("#command")
    assert painted(page, "plane") != before


def test_a_slider_dragged_with_the_mouse_changes_the_rate(visit: Open) -> None:
    page = visit()
    box = page.get_by_role("slider", name="RMSprop: learning rate").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"], box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    page.wait_for_timeout(200)
    assert "-o rmsprop:lr=10 " in page.inner_text("#command")


def test_a_rate_that_the_class_would_refuse_is_not_taken(visit: Open) -> None:
    page = visit()
    number = page.get_by_role("spinbutton", name="Adam: learning rate")
    number.fill("-3")
    number.press("Enter")
    number.blur()
    page.wait_for_timeout(200)
    assert number.input_value() == "0.1"


def test_nesterov_brings_momentum_along_as_its_class_demands(visit: Open) -> None:
    page = visit()
    page.locator(".runner summary").first.click()
    page.locator(".runner").first.get_by_label("Nesterov").check()
    page.wait_for_timeout(200)
    command = page.inner_text("#command")
    assert "-o sgd:lr=0.002,momentum=0.9,nesterov=True" in command
    assert CliRunner().invoke(program, shlex.split(command)[1:]).exit_code == 0


def test_the_page_can_be_used_with_keys_alone(visit: Open) -> None:
    page = visit("#speed=2")  # slow enough that the last step is not over before the next key
    visited = []
    for _ in range(80):
        page.keyboard.press("Tab")
        visited.append(page.evaluate("document.activeElement.id || document.activeElement.ariaLabel || ''"))
        if visited[-1] == "plane":
            break
    assert "landscape" in visited
    assert "expression" in visited
    assert visited[-1] == "plane"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    x, y = start_of(page)
    assert x > -1.2
    assert y == 1
    page.keyboard.press("Shift+ArrowUp")
    page.wait_for_timeout(200)
    assert start_of(page)[1] > y + 5 * (x + 1.2)
    page.wait_for_timeout(400)
    assert page.inner_text("#told").startswith("Start ")
    page.keyboard.press("Home")
    page.wait_for_timeout(200)
    assert start_of(page) == (-1.2, 1)
    page.keyboard.press("Comma")
    assert page.inner_text("#clock") == "499 of 500"
    page.keyboard.press("Space")
    assert page.get_attribute("#play", "aria-label") == "Pause"
    page.keyboard.press("Space")
    assert page.get_attribute("#play", "aria-label") == "Play"


def test_every_control_has_a_name_for_those_who_hear_the_page(visit: Open) -> None:
    page = visit()
    nameless = page.evaluate("""() => [...document.querySelectorAll("button, input, select, summary, canvas")]
        .filter(one => !(one.ariaLabel || one.labels?.length || one.textContent.trim() || one.title))
        .map(one => one.outerHTML)""")
    assert nameless == []


def test_playing_goes_on_pauses_steps_and_is_scrubbed(visit: Open) -> None:
    page = visit()
    page.click("#play")
    wait_until(page, "parseInt(document.getElementById('clock').textContent) > 3")
    page.click("#play")
    at = int(page.inner_text("#clock").split()[0])
    page.wait_for_timeout(150)
    assert page.inner_text("#clock") == f"{at} of 500"
    page.click("#forward")
    assert page.inner_text("#clock") == f"{at + 1} of 500"
    page.click("#back")
    page.click("#back")
    assert page.inner_text("#clock") == f"{at - 1} of 500"
    before = [painted(page, name) for name in ("plane", "loss", "lengths", "dial")]
    page.fill("#scrub", "250")
    page.wait_for_timeout(150)
    assert page.inner_text("#clock") == "250 of 500"
    assert page.inner_text("#inside-title") == "Inside Adam, step 251"
    after = [painted(page, name) for name in ("plane", "loss", "lengths", "dial")]
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_a_curve_is_scrubbed_with_the_mouse(visit: Open) -> None:
    page = visit()
    box = page.locator("#loss").bounding_box()
    page.mouse.click(box["x"] + 46 + (box["width"] - 56) / 2, box["y"] + 60)
    page.wait_for_timeout(150)
    assert abs(int(page.inner_text("#clock").split()[0]) - 250) <= 2


def test_where_motion_is_to_be_reduced_the_race_advances_in_few_jumps(visit: Open) -> None:
    page = visit("#speed=100", reduced_motion="reduce")
    page.evaluate("""() => {
        window.jumps = new Set();
        new MutationObserver(() => jumps.add(document.getElementById("clock").textContent))
          .observe(document.getElementById("clock"), { childList: true, characterData: true, subtree: true });
    }""")
    page.click("#play")
    page.wait_for_timeout(1300)
    page.click("#play")
    assert 1 <= page.evaluate("jumps.size") <= 4


def test_hovering_tells_the_place_and_the_loss(visit: Open) -> None:
    page = visit()
    box = page.locator("#plane").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    x, y, loss = map(float, re.findall(r"−?[\d.]+", page.inner_text("#readout").replace("e−", "e-")))
    assert (x, y) == pytest.approx((0, 1), abs=0.01)
    assert loss == pytest.approx(100 * (1 - 0) ** 2 + 1, rel=0.01)


def test_tuning_finds_a_rate_that_ends_lower(visit: Open) -> None:
    page = visit("#course=sphere&start=2,2&o=sgd:lr=0.00001&o=adam:lr=0.00001&steps=100")
    before = [np.hypot(*end) for end in ends(page)]
    page.click("#tune")
    page.wait_for_timeout(300)
    after = [np.hypot(*end) for end in ends(page)]
    assert all(new < old / 100 for new, old in zip(after, before, strict=True))


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (800, 1100), (390, 844)])
def test_nothing_sticks_out_at_any_width(visit: Open, width: int, height: int) -> None:
    page = visit(viewport={"width": width, "height": height})
    page.locator(".runner summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate("""() => [...document.querySelectorAll("button, input, select, canvas, pre")]
      .filter(one => {
        const box = one.getBoundingClientRect();
        return box.width && (box.right > innerWidth + 1 || box.left < -1);
    }).map(one => one.outerHTML)""")
    assert outside == []
    plane = page.locator("#plane").bounding_box()
    assert plane["y"] + plane["height"] <= height  # the first screen shows the whole plane


def touch(page: Any, *points: tuple[float, float]) -> None:
    """Send a real touch through the browser's own input, so that it may scroll the page."""
    session = page.context.new_cdp_session(page)
    for index, (x, y) in enumerate(points):
        name = "touchStart" if index == 0 else "touchMove"
        session.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_timeout(400)


def test_a_finger_drags_the_ring_and_elsewhere_scrolls(visit: Open) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    x, y = ring(page)
    touch(page, *((x + 15 * k, y - 8 * k) for k in range(6)))
    moved = start_of(page)
    assert moved[0] > -0.8
    assert moved[1] > 1.2
    assert page.evaluate("scrollY") == 0
    box = page.locator("#plane").bounding_box()
    far = box["x"] + box["width"] - 20, box["y"] + box["height"] - 20
    touch(page, *((far[0], far[1] - 30 * k) for k in range(8)))
    assert page.evaluate("scrollY") > 50
    assert start_of(page) == moved


def test_a_tap_puts_the_start_there(visit: Open) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True)
    page.locator("#plane").tap(position={"x": 60, "y": 60})
    page.wait_for_timeout(200)
    start = start_of(page)
    assert start[0] < -1
    assert start[1] > 1.5


def test_dark_is_dark_and_the_button_chooses(visit: Open) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    page = visit(color_scheme="dark")
    dark = page.evaluate(ground)
    assert max(map(int, re.findall(r"\d+", dark)[:3])) < 40
    page.click("#theme")
    light = page.evaluate(ground)
    assert min(map(int, re.findall(r"\d+", light)[:3])) > 230
    page.click("#theme")
    assert page.evaluate(ground) == dark


def test_optimizers_are_added_removed_and_none_is_no_harm(visit: Open) -> None:
    page = visit()
    page.select_option("#add", "lion")
    page.wait_for_timeout(200)
    assert "-o lion:lr=" in page.inner_text("#command")
    assert page.locator(".runner").count() == 5
    for _ in range(5):
        page.get_by_role("button", name=re.compile("^Remove")).first.click()
        page.wait_for_timeout(100)
    assert page.locator(".runner").count() == 0
    assert page.inner_text("#plane-note").startswith("Nobody is in the race")
    page.select_option("#add", "adam")
    page.wait_for_timeout(200)
    assert page.locator(".runner").count() == 1
