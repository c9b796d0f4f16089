"""What the explorer says of a race, against Python and SymPy: who diverges, what is taken, what it is called."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sympy
from engine_pages import engine_page, numbers
from explorer_visits import Open, idle, visits, wait_until, write_page

import slalom
from slalom.core import Status
from slalom.optimizers import labels, parse
from slalom.show.views.basins import MINIMA
from slalom.show.views.styles import rgb


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Open]:
    yield from visits(browser, file)


@pytest.fixture(scope="module")
def engine(browser: Any) -> Iterator[Any]:
    yield from engine_page(browser)


# -- who diverges, and when --------------------------------------------------------------------------------------------

FIELD = ("sgd:lr=0.3", "adam:lr=0.3", "rprop:lr=0.1", "lion:lr=0.1")
EDGED = {
    "x**1.5+y**2": (1.5, 1.0), "sqrt(x)+y**2": (1.5, 1.0), "log(x)+y**2": (1.5, 1.0), "asin(x)+y**2": (0.9, 1.0),
    "acos(x/2)+y**2": (1.5, 1.0), "1/(x-1.2)+y**2": (1.5, 1.0), "x**2+y**2": (1.5, 1.0),
}  # fmt: skip
"""Expressions, all but the last without a finite value beyond an edge."""


def runners(specs: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"rule": rule, "h": {"lr": float(rate)}} for rule, rate in (spec.split(":lr=") for spec in specs)]


@pytest.mark.parametrize("expression", EDGED)
def test_a_runner_diverges_where_the_loss_is_not_finite_as_in_python(engine: Any, expression: str) -> None:
    start, steps = EDGED[expression], 60
    race = slalom.race(expression, list(FIELD), start=start, steps=steps, engine="field")
    losses = race.losses  # computing them lets a runner whose loss is not finite diverge
    request = {"landscape": {"text": expression}, "start": start, "steps": steps, "runners": runners(FIELD)}
    drawn = engine.evaluate("request => plain(slalom.race(request))", request)
    assert drawn["divergedAt"] == race.trajectories.diverged_at.tolist()
    for index in range(len(FIELD)):
        path = numbers(drawn["paths"][index]).reshape(steps + 1, 2)
        assert (np.isnan(path) == np.isnan(race.paths[index])).all()
        np.testing.assert_allclose(path, race.paths[index], rtol=1e-9, atol=1e-12)
        finite = np.isfinite(losses[index])
        assert (np.isfinite(numbers(drawn["losses"][index])) == finite).all()
        end = engine.evaluate(
            "({ request, runner }) => plain(slalom.sweep({ ...request, ...runner, rates: [runner.h.lr] }))",
            {"request": request, "runner": request["runners"][index]},  # type: ignore[index]
        )
        assert np.isfinite(numbers(end)[0]) == finite[-1]


def test_a_basin_map_is_black_where_the_race_in_python_diverges(engine: Any) -> None:
    grid, box = [15, 3], [[0.05, 3.0], [-1.0, 1.0]]
    x, y = np.meshgrid(np.linspace(*box[0], grid[0]), np.linspace(*box[1], grid[1]))
    starts = np.stack([x.ravel(), y.ravel()], axis=1)
    race = slalom.race("log(x)+y**2", "sgd:lr=0.3", starts=starts.tolist(), steps=10, engine="field")
    expected = [status.kind == Status.DIVERGED for status in race.statuses]
    request = {
        "landscape": {"text": "log(x)+y**2"}, "runner": runners(("sgd:lr=0.3",))[0], "steps": 10, "grid": grid,
        "box": box,
    }  # fmt: skip
    reached = engine.evaluate("request => Array.from(slalom.basins(request).reached)", request)
    assert [kind == -2 for kind in reached] == expected
    assert 5 < sum(expected) < 40, sum(expected)


def test_the_page_says_of_a_lost_loss_what_python_says(visit: Open) -> None:
    page = visit("#course=log(x)%2By**2&start=1.5,1&steps=60&o=sgd:lr=0.3&o=adam:lr=0.3&o=rprop:lr=0.1")
    race = slalom.race("log(x)+y**2", ["sgd:lr=0.3", "adam:lr=0.3", "rprop:lr=0.1"], start=(1.5, 1), steps=60)
    said = [status.step for status in race.statuses]
    shown = page.locator(".runner .result").all_inner_texts()
    assert shown == [f"diverged at step {step}" for step in said]


def test_a_start_without_a_finite_loss_is_diverged_at_step_0(visit: Open) -> None:
    page = visit("#course=log(x)%2By**2&start=-1.5,1&steps=60&o=sgd:lr=0.3&o=adam:lr=0.1")
    assert page.locator(".runner .result").all_inner_texts() == ["diverged at step 0"] * 2
    assert "no finite value at this start" in page.inner_text("#plane-note")
    with pytest.raises(slalom.InputError):  # what the page says in a sentence
        slalom.race("log(x)+y**2", "sgd:lr=0.3", start=(-1.5, 1), steps=60)
    for view in ("One each", "Basins", "Surface"):
        page.get_by_text(view, exact=True).click()
        page.wait_for_timeout(150)


def test_at_a_point_without_a_gradient_the_sign_rules_stay_as_in_python(visit: Open) -> None:
    page = visit("#course=sqrt(x**2%2By**2)&start=0,0&steps=20&o=rprop:lr=0.1&o=lion:lr=0.1")
    race = slalom.race("sqrt(x**2+y**2)", ["rprop:lr=0.1", "lion:lr=0.1"], start=(0, 0), steps=20)
    assert [status.kind for status in race.statuses].count(Status.DIVERGED) == 0
    ended = [re.findall(r"-?[\d.]+", one) for one in titles(page)]
    np.testing.assert_allclose(np.array(ended, dtype=float), race.paths[:, -1], atol=1e-12)
    assert all(text.startswith("ends ") for text in page.locator(".runner .result").all_inner_texts())


def titles(page: Any) -> list[str]:
    return list(page.eval_on_selector_all(".runner .result", "all => all.map(one => one.title)"))


# -- what the page takes -----------------------------------------------------------------------------------------------

TURN_EVERY_DIAL = """async () => {
    const commands = [], settled = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const read = async what => {
        await settled();
        commands.push([what, document.getElementById("command").textContent]);
    };
    const typed = (number, value) => {
        number.focus();
        number.value = value;
        number.dispatchEvent(new Event("input"));
        number.dispatchEvent(new Event("change"));
        number.blur();
    };
    for (const slider of document.querySelectorAll(".runner input[type=range]")) {
        const number = document.getElementById(`${slider.id}-number`), before = number.value;
        for (const place of [0, 500, 1000]) {
            slider.value = place;
            slider.dispatchEvent(new Event("input"));
            await read(`${slider.id} at ${place}`);
        }
        typed(number, "0");
        await read(`${slider.id} typed 0`);
        typed(number, before);
        await settled();
    }
    return commands;
}"""


@pytest.mark.slow
def test_whatever_its_dials_say_python_takes(visit: Open, engine: Any) -> None:
    refused, read = [], 0
    for rule in engine.evaluate("Object.keys(slalom.rules)"):
        page = visit(f"#o={rule}&steps=5")
        for dial, command in page.evaluate(TURN_EVERY_DIAL):
            words = shlex.split(command)
            spec = words[words.index("-o") + 1]
            read += 1
            try:
                parse(spec)
            except slalom.InputError as problem:
                refused.append(f"{dial}: {spec}: {problem}")
    assert refused == []
    assert read > 200


@pytest.mark.parametrize(("option", "rule"), [("lion:lr=0", "lr must be a finite number above 0")])
def test_a_link_with_what_only_one_class_refuses_is_told_so(visit: Open, option: str, rule: str) -> None:
    with pytest.raises(slalom.InputError):
        parse(option)
    assert rule in visit(f"#o={option}").inner_text("#address-note")


# -- what it is measured from, and what it is called -------------------------------------------------------------------


@pytest.mark.parametrize(("course", "spec", "start"), [("branin", "sgd:lr=0.03", "3.1,2.3"),
    ("cross-in-tray", "sgd:lr=0.1", "1.3,1.4"), ("goldstein-price", "sgd:lr=0.0005", "0.05,-0.95"),
    ("schwefel", "sgd:lr=0.5", "420,421")])  # fmt: skip
def test_a_loss_below_the_minimum_by_rounding_is_still_above_the_minimum(
    visit: Open, course: str, spec: str, start: str
) -> None:
    page = visit(f"#course={course}&start={start}&steps=1500&o={spec}")
    assert page.locator(".runner .result").inner_text().endswith("above minimum")
    assert page.inner_text("#loss-title") == "Loss above the minimum"


def test_three_of_one_class_are_told_apart_by_what_differs(visit: Open) -> None:
    specs = ["adam:lr=0.1", "adam:lr=0.1,beta1=0.5", "adam:lr=0.10001", "sgd:lr=0.001"]
    page = visit("#" + "&".join(f"o={spec}" for spec in specs))
    assert page.locator(".runner b").all_inner_texts() == [
        "Adam lr 0.1",
        "Adam lr 0.1 β₁ 0.5",
        "Adam lr 0.10001",
        "SGD",
    ]
    real = ["adam:lr=0.1", "adam:lr=0.1,betas=(0.5,0.999)", "adam:lr=0.10001", "sgd:lr=0.001"]
    theirs = labels([parse(spec) for spec in real])
    assert [theirs[index] for index in (0, 2, 3)] == ["Adam lr 0.1", "Adam lr 0.10001", "SGD"]


def test_the_numbers_of_a_formula_do_not_round_a_hyperparameter_to_1(visit: Open) -> None:
    page = visit("#course=himmelblau&start=0.5,-1&o=adam:lr=0.012345678,beta2=0.99999&steps=60&at=9")
    lines = [line.replace("−", "-") for line in page.locator("#formula .numbers").all_inner_texts()]
    (second,) = [line for line in lines if "0.99999·" in line.replace("\n", "").replace(" ", "")]
    found = re.findall(r"-?\d[\d.]*(?:e-?\d+)?", second)
    share, old, _, rest, gradient = (float(found[k]) for k in (0, 1, 2, 3, 4))
    assert (share, rest) == (0.99999, float(1 - sympy.Rational("0.99999")))
    new = float(found[-2])
    assert new == pytest.approx(share * old + rest * gradient**2, rel=2e-3)
    assert "0.012345678" in lines[-1]
    corrected = next(line for line in lines if "0.99999" in line and line != second)
    assert re.search(r"1\s*-\s*0\.99999", corrected)


# -- basins of an expression -------------------------------------------------------------------------------------------

COLOURS = """() => {
    const canvas = document.getElementById("plane"), copy = document.createElement("canvas");
    [copy.width, copy.height] = [canvas.width, canvas.height];
    copy.getContext("2d").drawImage(canvas, 0, 0);
    const dots = copy.getContext("2d").getImageData(0, 0, copy.width, copy.height).data;
    return [copy.width, copy.height, Array.from(dots)];
}"""
COMMONEST, SECOND = (tuple(round(255 * part) for part in rgb(colour)) for colour in MINIMA[:2])


def basins(visit: Open, fragment: str) -> tuple[np.ndarray, str]:
    """Return what the plane shows, [H, W, 3], and its note, once the map is computed."""
    page = visit(fragment + "&view=basins")
    idle(page)
    width, height, dots = page.evaluate(COLOURS)
    return np.array(dots).reshape(height, width, 4)[:, :, :3], page.inner_text("#plane-note")


def like(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Return where the hue is that of ``colour``, however much white is mixed in."""
    pale = 255 - picture
    goal = 255 - np.array(colour)
    share = pale @ goal / (goal @ goal)
    off = np.abs(pale - share[..., None] * goal).max(axis=2)
    return (share > 0.3) & (off < 12)


@pytest.mark.slow
def test_where_nobody_comes_to_rest_the_map_has_no_colours(visit: Open) -> None:
    course = "#course=x**2%2B10*y**2%2Bsin(3*x)&start=1.5,1&steps=100"
    picture, note = basins(visit, course + "&o=sgd:lr=0.00001")
    assert like(picture, COMMONEST).mean() < 0.01
    assert "it comes to rest nowhere; without a colour it is still on the way" in note
    picture, note = basins(visit, course + "&o=sgd:lr=0.05")
    assert like(picture, COMMONEST).mean() > 0.5
    assert "one colour for each place where it comes to rest" in note


def test_the_commonest_place_comes_first_and_every_start_has_the_colour_of_its_end(visit: Open) -> None:
    text, x = "(x**2-1)**2+0.3*x+y**2", sympy.Symbol("x")
    slope = sympy.diff(sympy.sympify(text), x)
    low, high = sorted(float(sympy.nsolve(slope, x, guess)) for guess in (-1, 1))
    picture, note = basins(visit, "#course=(x**2-1)**2%2B0.3*x%2By**2&start=1.5,1&steps=600&o=sgd:lr=0.02")
    middle = float(sympy.nsolve(slope, x, 0))
    height, width, _ = picture.shape
    scale = min(width, height) / 6
    for start in (-2.0, -1.5, -0.6, 0.5, 0.7, 1.8, 2.0):
        race = slalom.race(text, "sgd:lr=0.02", start=(start, -2.4), steps=600)
        end = race.paths[0, -1, 0]
        assert min(abs(end - low), abs(end - high)) < 1e-3
        row, column = round(height / 2 + 2.4 * scale), round(width / 2 + start * scale)
        colour = COMMONEST if abs(end - low) < 1e-3 else SECOND
        assert like(picture[row - 1 : row + 1, column - 1 : column + 1], colour).all(), (
            start,
            end,
            picture[row, column],
        )
    assert -1 < middle < 1
    assert like(picture, COMMONEST).sum() > like(picture, SECOND).sum() > 0
    assert "grey" not in note


@pytest.mark.slow
def test_more_places_than_colours_are_said_to_be_grey(visit: Open) -> None:
    picture, note = basins(visit, "#course=sin(4*x)**2%2By**2&start=1.5,1&steps=100&o=sgd:lr=0.03")
    assert "grey for all further places" in note
    assert like(picture, (130, 130, 130)).mean() > 0.02


# -- the strip ---------------------------------------------------------------------------------------------------------

WORDS_AND_DOTS = """
const seen = {}, note = (pen, entry) => (seen[pen.canvas.id] ||= []).push(entry);
window.drawn = id => seen[id] || [];
const { fillRect, fillText, arc } = CanvasRenderingContext2D.prototype;
Object.assign(CanvasRenderingContext2D.prototype, {
  fillRect(...all) { seen[this.canvas.id] = []; return fillRect.apply(this, all); },
  fillText(...all) { note(this, { text: all[0], x: all[1], y: all[2] }); return fillText.apply(this, all); },
  arc(...all) { note(this, { dot: this.fillStyle, x: all[0], y: all[1] }); return arc.apply(this, all); },
});
"""


def test_the_strip_tells_the_rates_apart_that_end_below_everything_in_the_race(browser: Any, file: Path) -> None:
    text, rates, steps = "x**2+10*y**2+sin(3*x)", 1e-5 * 1e6 ** (np.arange(49) / 48), 100
    race = slalom.race(text, [f"sgd:lr={rate!r}" for rate in rates.tolist()], start=(1.5, 1.0), steps=steps)
    ended = race.losses[np.array([status.kind != Status.DIVERGED for status in race.statuses]), -1]
    present = slalom.race(text, "sgd:lr=0.0001", start=(1.5, 1.0), steps=steps).losses[0, -1]
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(WORDS_AND_DOTS)
    page = context.new_page()
    page.goto(f"{file.as_uri()}#course=x**2%2B10*y**2%2Bsin(3*x)&start=1.5,1&steps=100&o=sgd:lr=0.0001")
    wait_until(page, "document.documentElement.dataset.ready === 'true'")
    idle(page)
    paper = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()")
    drawn = page.evaluate("drawn('strip')")
    context.close()
    (dot,) = [entry for entry in drawn if "dot" in entry and entry["dot"] != paper]
    marks = {}
    for entry in drawn:
        found = re.fullmatch("1|10(⁻?)([⁰¹²³⁴⁵⁶⁷⁸⁹]+)", entry.get("text", ""))
        if found and entry["x"] < 62:
            power = int("".join(str("⁰¹²³⁴⁵⁶⁷⁸⁹".index(digit)) for digit in found[2] or "⁰"))
            marks[-power if found[1] else power] = entry["y"]
    (low, bottom), (high, top) = min(marks.items()), max(marks.items())
    expected = bottom + (top - bottom) * (np.log10(present - ended.min()) - low) / (high - low)
    assert dot["y"] == pytest.approx(expected, abs=1.5)
    assert present - ended.min() > 1
