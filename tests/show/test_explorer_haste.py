"""The explorer under a hasty hand: whatever was under way meanwhile, in the end it shows what a fresh page shows.

The fresh page is the one that the address opens; ``visits`` has an eye on the console.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from explorer_visits import Open, drawn, follow, idle, painted, ring, settled_hash, visits, wait_until, write_page

CANVASES = ("strip", "loss", "lengths", "dial")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Open]:
    yield from visits(browser, file)


def at_rest(page: Any, canvases: tuple[str, ...] = CANVASES) -> dict[str, str]:
    """Return what the canvases show once nothing is drawn and nothing is computed any more."""
    page.mouse.move(2, 2)
    idle(page)
    assert "Computing" not in page.inner_text("#plane-note")
    return {name: painted(page, name) for name in canvases}


def same_as_fresh(visit: Open, page: Any, canvases: tuple[str, ...] = CANVASES) -> None:
    shown, address = at_rest(page, canvases), settled_hash(page)
    fresh = visit(address)
    again = at_rest(fresh, canvases)
    assert [name for name in canvases if shown[name] != again[name]] == []
    for part in ("#command", "#field", "#plane-note", "#inside-title", "#parts", "#course-title"):
        assert page.inner_text(part) == fresh.inner_text(part)


def test_two_drags_in_quick_succession(visit: Open) -> None:
    page = visit("#steps=2000")
    x, y = ring(page)
    for first, last in (((0, 0), (150, -40)), ((150, -40), (60, 90))):
        page.mouse.move(x + first[0], y + first[1])
        page.mouse.down()
        page.mouse.move(x + last[0], y + last[1], steps=12)
        page.mouse.up()
    same_as_fresh(visit, page)


def test_the_strip_is_of_the_start_that_is_held(visit: Open) -> None:
    page = visit("#steps=2000")
    x, y = ring(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 150, y - 40, steps=12)
    idle(page)
    held = painted(page, "strip")
    page.mouse.up()
    at_rest(page)
    assert painted(page, "strip") == held


def test_typing_while_the_worker_computes(visit: Open) -> None:
    page = visit("#steps=2000")
    page.focus("#expression")
    page.keyboard.type("x**2 + 10*y**2 + sin(3*x)", delay=15)
    page.fill("#steps", "1000")
    page.fill("#noise", "0.5")
    page.locator("#noise").blur()
    same_as_fresh(visit, page)


def test_the_strip_never_shows_the_line_of_another_landscape_or_of_one_removed(visit: Open) -> None:
    page = visit("#steps=2000&o=adam:lr=0.1&o=sgd:lr=0.001")
    at_rest(page)
    # No worker answers any more: what is drawn now would be drawn while its answer is awaited.
    page.evaluate("Worker.prototype.postMessage = () => {}")
    page.get_by_role("button", name="Remove Adam").click()
    drawn(page)
    removed = painted(page, "strip")
    page.select_option("#landscape", "booth")
    drawn(page)
    moved = painted(page, "strip")
    for shown, address in ((removed, "#steps=2000&o=sgd:lr=0.001"), (moved, settled_hash(page))):
        fresh = visit()
        fresh.evaluate("Worker.prototype.postMessage = () => {}")
        follow(fresh, address)
        drawn(fresh)
        assert painted(fresh, "strip") == shown


BASINS = "#course=himmelblau&start=-1,-1&o=momentum:lr=0.002&o=adam:lr=0.05&steps=300&view=basins&inside=1"


def test_switching_views_while_basins_compute(visit: Open) -> None:
    page = visit(BASINS.replace("&view=basins", ""))
    for view in ("Basins", "Surface", "Basins", "Together", "Basins", "One each", "Basins"):
        page.get_by_text(view, exact=True).click()
        page.wait_for_timeout(60)
    same_as_fresh(visit, page, (*CANVASES, "plane"))


def test_removing_the_one_looked_into_while_its_basins_compute(visit: Open) -> None:
    page = visit(BASINS)
    page.get_by_role("button", name="Remove Adam").click()
    same_as_fresh(visit, page, (*CANVASES, "plane"))
    page.get_by_role("button", name="Remove Momentum").click()
    drawn(page)
    assert "Computing" not in page.inner_text("#plane-note")
    same_as_fresh(visit, page, (*CANVASES, "plane"))


def test_basins_of_another_expression_are_never_shown(visit: Open) -> None:
    page = visit("#course=x**4-x**2%2By**2&o=sgd:lr=0.05&steps=300&view=basins")
    at_rest(page, ("plane",))
    page.evaluate("Worker.prototype.postMessage = () => {}")  # the new map never comes
    page.fill("#expression", "x**2+(y**2-1)**2")
    page.locator("#expression").blur()
    drawn(page)
    shown, address = painted(page, "plane"), settled_hash(page)
    fresh = visit()
    fresh.evaluate("Worker.prototype.postMessage = () => {}")
    follow(fresh, address)
    drawn(fresh)
    assert painted(fresh, "plane") == shown


def test_links_followed_in_a_hurry(visit: Open) -> None:
    page = visit()
    for course, field in (
        ("booth", "o=adam:lr=0.3"),
        ("ackley", "o=sgd&o=adam&o=lion:lr=0.1"),
        ("sphere", "o=sgd:lr=0.1"),
    ) * 4:
        page.evaluate("hash => { location.hash = hash }", f"#course={course}&{field}&steps=800")
        page.wait_for_timeout(15)
    same_as_fresh(visit, page)


def test_what_is_told_of_a_move_by_key_is_of_the_race_after_it(visit: Open) -> None:
    page = visit("#course=sphere&start=1,1&o=sgd:lr=0.25&steps=1")
    page.focus("#plane")
    page.keyboard.press("Shift+ArrowRight")
    idle(page)
    assert page.inner_text("#told").endswith(page.inner_text(".runner .result"))
    assert page.inner_text("#told").startswith(f"Start {page.input_value('#start-x')[:4]}")


def test_basins_take_all_steps_of_the_race_and_say_what_they_leave_out(visit: Open) -> None:
    page = visit("#course=booth&o=adam:lr=0.01&steps=1500&view=basins&noise=1")
    note = page.inner_text("#plane-note")
    assert "within 1500 steps, without the noise" in note
    # Adam with rate 0.01 needs more than 500 steps from most of the plane: only with all of them is the map coloured.
    at_rest(page, ("plane",))
    few = visit("#course=booth&o=adam:lr=0.01&steps=500&view=basins&noise=1")
    at_rest(few, ("plane",))
    coloured = """() => {
        const canvas = document.getElementById("plane"), copy = document.createElement("canvas");
        [copy.width, copy.height] = [canvas.width, canvas.height];
        copy.getContext("2d").drawImage(canvas, 0, 0);
        const dots = copy.getContext("2d").getImageData(0, 0, copy.width, copy.height).data;
        let count = 0;
        for (let k = 0; k < dots.length; k += 4) count += Math.abs(dots[k] - dots[k + 2]) > 20;
        return count;
    }"""
    assert page.evaluate(coloured) > 3 * few.evaluate(coloured)


def test_the_page_says_what_is_under_way_and_when_nothing_is(visit: Open) -> None:
    page = visit("#course=himmelblau&o=adam:lr=0.05&steps=2000")
    idle(page)
    busy = "document.documentElement.dataset.busy"
    assert page.evaluate(busy) == ""
    clicked = f"id => {{ document.getElementById(id).click(); return {busy}; }}"
    assert page.evaluate(clicked, "zoom-in") == "frame"
    idle(page, ("frame",))
    assert "address" in page.evaluate(busy)
    idle(page)
    page.get_by_text("Basins", exact=True).click()
    idle(page, ("frame", "rest"))
    assert "basins" in page.evaluate(busy)  # thousands of starts, 2,000 steps each
    page.get_by_text("Together", exact=True).click()
    idle(page, ("frame", "rest"))
    assert "basins" not in page.evaluate(busy)


@pytest.mark.parametrize(
    "worker", ["throw new Error('forbidden')", "setTimeout(() => this.onerror(new Event('error')))"]
)
def test_where_nothing_may_run_in_the_background_the_page_goes_on_and_says_so(
    browser: Any, file: Path, worker: str
) -> None:
    context = browser.new_context()
    context.add_init_script(
        f"window.Worker = function () {{ {worker}; this.postMessage = () => {{}}; this.terminate = () => {{}}; }}"
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(file.as_uri() + "#view=basins")
    wait_until(page, "document.documentElement.dataset.ready === 'true'")
    wait_until(page, "document.getElementById('strip-note').textContent.includes('in the background')")
    assert "Computing" not in page.inner_text("#plane-note")
    page.fill("#start-x", "0.5")
    page.get_by_text("Together", exact=True).click()
    wait_until(page, "!document.documentElement.dataset.busy")
    assert "--start=0.5," in page.inner_text("#command")
    assert faults == []
    context.close()
