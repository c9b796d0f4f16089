"""What is typed into the explorer, linked to and copied from it: expressions, addresses, commands, formulas."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from explorer_visits import Open, ends, painted, settled_hash, visits, write_page

import slalom
from slalom.cli.application import program
from slalom.show.explorer.rules_js import ruled

SIX = "&o=sgd:lr=0.001&o=momentum:lr=0.0005&o=adagrad:lr=0.5&o=rmsprop:lr=0.01&o=adam:lr=0.1&o=adamw:lr=0.05"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Open]:
    yield from visits(browser, file)


@pytest.mark.parametrize(
    "typed", ['"><script>window.harmed = 1</script>', "<img src=x onerror=alert(1)>", "x" * 10_000, "(" * 10_000, "x +"]
)
def test_what_is_no_expression_is_told_as_text_and_does_no_harm(visit: Open, typed: str) -> None:
    page = visit()
    elements = page.evaluate("document.querySelectorAll('script, img, iframe').length")
    before = settled_hash(page)
    page.fill("#expression", typed)
    page.wait_for_timeout(200)
    told = page.inner_text("#expression-error")
    assert len(told) > 10
    assert len(told) < 1000
    assert page.get_attribute("#expression", "aria-invalid") == "true"
    assert page.evaluate("document.querySelectorAll('script, img, iframe').length") == elements
    assert page.evaluate("window.harmed") is None
    assert settled_hash(page) == before  # the landscape stays the last that could be read


def test_an_expression_is_descended_as_it_is_typed(visit: Open) -> None:
    page = visit()
    page.fill("#expression", "x**2 + 10*y**2 + sin(3*x)")
    page.wait_for_timeout(300)
    assert page.inner_text("#expression-error") == ""
    assert page.inner_text("#course-title") == "x² + 10y² + sin(3x)"
    assert 'slalom race "x**2 + 10*y**2 + sin(3*x)" --start=1.5,1' in page.inner_text("#command")
    page.fill("#expression", "x**2 + 10*y**")
    page.wait_for_timeout(100)
    assert page.inner_text("#expression-error") != ""
    page.select_option("#landscape", "himmelblau")
    page.wait_for_timeout(200)
    assert page.inner_text("#expression-error") == ""
    assert "slalom race himmelblau" in page.inner_text("#command")


@pytest.mark.parametrize("expression", ["x**2", "x**2 + y**2 + z**2"])
def test_what_lies_in_no_plane_is_refused_in_a_sentence(visit: Open, expression: str) -> None:
    page = visit()
    page.fill("#expression", expression)
    page.wait_for_timeout(100)
    assert "x and y" in page.inner_text("#expression-error")


def test_a_link_shows_the_same(visit: Open) -> None:
    page = visit()
    page.select_option("#landscape", "narrow-valley")
    page.fill("#steps", "300")
    page.fill("#noise", "0.25")
    page.fill("#seed", "3")
    page.get_by_text("One each").click()
    page.select_option("#add", "nadam")
    page.get_by_role("button", name="Look inside Momentum").click()
    page.locator(".runner input[type=checkbox]").first.uncheck()
    page.click("#zoom-in")
    page.fill("#scrub", "120")
    page.check("#log-steps")
    address = settled_hash(page)
    other = visit(address)
    assert settled_hash(other) == address
    for shown in ("#command", "#snippet", "#clock", "#inside-title", "#course-title"):
        assert other.inner_text(shown) == page.inner_text(shown)
    assert ends(other) == ends(page)
    assert painted(other, "plane") == painted(page, "plane")
    assert painted(other, "loss") == painted(page, "loss")


def test_a_link_followed_in_an_open_page_shows_the_same(visit: Open) -> None:
    page = visit()
    page.evaluate("location.hash = '#course=booth&start=4,-4&o=adam:lr=0.3&steps=50'")
    page.wait_for_timeout(300)
    assert page.inner_text("#command") == "slalom race booth --start=4,-4 -o adam:lr=0.3 --steps 50"


@pytest.mark.parametrize(
    "fragment",
    [
        "#course=%22%3E%3Cscript%3Ewindow.harmed=1%3C/script%3E&start=a,b&o=nobody:lr=1&steps=1e9&view=none",
        "#start=NaN,Infinity&o=adam:lr=-1,beta1=7,__proto__=1&o=__proto__:x=1&o=constructor&steps=0&at=-4&box=2,1,0,0",
        "#course=constructor&o=sgd:nesterov=True&noise=-1&seed=1.5&inside=99&speed=x&turn=1",
        "#o=",
        "#%",
        "#course=" + "x" * 20_000,
    ],
)
def test_an_address_that_makes_no_sense_still_shows_a_page(visit: Open, fragment: str) -> None:
    page = visit(fragment)
    page.wait_for_timeout(300)
    assert page.evaluate("window.harmed") is None
    command = page.inner_text("#command")
    assert command.startswith("slalom race rosenbrock --start=-1.2,1")


REPEATED = [
    "#course=rosenbrock&start=-1.2,1&steps=200" + SIX,
    "#course=himmelblau&start=-0.5,2.25&steps=300&noise=0.5&seed=4"
    "&o=sgd:lr=0.003,momentum=0.8,nesterov=True&o=rmsprop:lr=0.02,momentum=0.5,centered=True&o=adadelta:lr=3",
    "#course=booth&start=-3,4.125&steps=250&o=adam:lr=0.2,beta1=0.8,beta2=0.99,weight_decay=0.01,amsgrad=True"
    "&o=nadam:lr=0.1&o=radam:lr=0.1&o=adamax:lr=0.3&o=rprop:lr=0.1,eta_minus=0.4&o=lion:lr=0.05&o=!adagrad:lr=1",
    "#course=x**2%2B10*y**2%2Bsin(3*x)&start=1.5,1&steps=200&noise=0.125&seed=1&o=adagrad:lr=0.5,lr_decay=0.01"
    "&o=adamw:lr=0.1,weight_decay=0.1&o=amsgrad:lr=0.1",
    "#course=-x**2*y%2Bx*x%2By*y&start=0.5,0.25&steps=60&o=adam:lr=0.01",
]


@pytest.mark.parametrize("fragment", REPEATED)
def test_the_snippet_run_in_python_ends_where_the_page_does(
    visit: Open, fragment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = visit(fragment)
    shown = np.array(ends(page))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(page.inner_text("#snippet"), names)
    race: slalom.Race = names["race"]
    np.testing.assert_allclose(shown, race.paths[:, -1], rtol=1e-9, atol=1e-9)
    assert (tmp_path / "race.png").stat().st_size > 0


@pytest.mark.parametrize("fragment", REPEATED)
def test_the_command_line_runs_the_same_race(visit: Open, fragment: str, tmp_path: Path) -> None:
    page = visit(fragment)
    shown = np.array(ends(page))
    words = shlex.split(page.inner_text("#command"))
    assert words[0] == "slalom"
    kept = tmp_path / "paths.csv"
    result = CliRunner().invoke(program, [words[1], "--save", str(kept), *words[2:]])
    assert result.exit_code == 0, result.output
    with kept.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    last = [(float(row["x0"]), float(row["x1"])) for row in rows if int(row["step"]) == int(rows[-1]["step"])]
    np.testing.assert_allclose(shown, last, rtol=1e-9, atol=1e-9)


RULED = [entry.name for entry, _ in ruled()]
"""The rules of the page: test_explorer_engine.py holds them against slalom.rules there."""


@pytest.mark.parametrize("rule", RULED)
@pytest.mark.parametrize("step", [1, 2, 40])
def test_the_formula_with_its_numbers_arrives_where_the_path_does(visit: Open, rule: str, step: int) -> None:
    page = visit(f"#course=himmelblau&start=0.5,-1&o={rule}:lr=0.01,weight_decay=0.05&steps=60&at={step - 1}")
    x, y = page.evaluate(
        """([rule, step]) => {
            const h = slalom.settings(slalom.rules[rule], { lr: 0.01 });
            if ("weight_decay" in h) h.weight_decay = 0.05;
            const race = slalom.race({ landscape: "himmelblau", start: [0.5, -1], runners: [{ rule, h }], steps: 60 });
            return [race.paths[0][2 * step], race.paths[0][2 * step + 1]];
        }""",
        [rule, step],
    )
    shown = page.locator("#formula .numbers").last.inner_text().replace("−", "-")
    pairs = re.findall(r"\((-?[\d.e-]+),\s*(-?[\d.e-]+)\)", shown)
    assert tuple(map(float, pairs[-1])) == pytest.approx((x, y), rel=6e-4)


def test_the_formula_is_that_of_the_options_in_force(visit: Open) -> None:
    lines = "#formula .row > math"
    plain = visit("#o=sgd:lr=0.01").locator(lines).all_text_contents()
    heavy = visit("#o=sgd:lr=0.01,momentum=0.9,weight_decay=0.1").locator(lines).all_text_contents()
    assert len(plain) == 1
    assert len(heavy) == 3
    assert "λ" in heavy[0]
