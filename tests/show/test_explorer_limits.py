"""What the explorer's page does not take: it says so in a sentence, at the input and of a link."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from explorer_visits import Open, ends, settled_hash, start_of, visits, write_page

import slalom
from slalom.cli.application import program

LARGEST_SEED = 2**53 - 1


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("explorer"))


@pytest.fixture
def visit(browser: Any, file: Path) -> Iterator[Open]:
    yield from visits(browser, file)


STEPS_RULE = "steps must be a whole number of at least 1 and at most 2,000; 500 is kept."
SEED_RULE = "seed must be a whole number of at least 0 and at most 9,007,199,254,740,991; 3 is kept."


@pytest.mark.parametrize(
    ("name", "typed", "kept", "rule"),
    [
        ("steps", "0", "500", STEPS_RULE),
        ("steps", "-5", "500", STEPS_RULE),
        ("steps", "99999", "500", STEPS_RULE),
        ("steps", "2.5", "500", STEPS_RULE),
        ("seed", "-1", "3", SEED_RULE),
        ("seed", str(LARGEST_SEED + 1), "3", SEED_RULE),
        ("noise", "-1", "0.5", "the noise is a standard deviation, a finite number of at least 0; 0.5 is kept."),
        ("start-x", "2e9", "-1.2", "a coordinate of the start is a number from -1e9 to 1e9; -1.2 is kept."),
    ],
)
def test_a_condition_that_cannot_be_taken_is_told_below_and_gives_way_to_what_holds(
    visit: Open, name: str, typed: str, kept: str, rule: str
) -> None:
    page = visit("#noise=0.5&seed=3")
    before = page.inner_text("#command")
    page.fill(f"#{name}", typed)
    message = page.locator(".conditions .error")
    assert message.inner_text() == f"`{typed}`: {rule}"
    assert message.is_visible()
    assert page.get_attribute(f"#{name}", "aria-invalid") == "true"
    assert page.get_attribute(f"#{name}", "aria-describedby") == message.get_attribute("id")
    page.locator(f"#{name}").blur()
    page.wait_for_timeout(100)
    assert page.input_value(f"#{name}") == kept
    assert page.get_attribute(f"#{name}", "aria-invalid") == "false"
    assert message.is_visible()  # it can still be read
    assert page.inner_text("#command") == before
    page.fill("#start-y", "2")
    assert page.locator(".conditions .error").count() == 0


def test_a_condition_left_empty_is_told_too(visit: Open) -> None:
    page = visit()
    page.fill("#steps", "")
    assert page.locator(".conditions .error").count() == 0  # somebody may be typing
    page.locator("#steps").blur()
    assert page.locator(".conditions .error").inner_text() == f"This is no number: {STEPS_RULE}"
    assert page.input_value("#steps") == "500"


@pytest.mark.parametrize(
    ("option", "typed", "rule"),
    [
        ("learning rate", "-3", "learning rate must be a finite number of at least 0; 0.1 is kept."),
        ("β₁", "1", "β₁ must be at least 0 and below 1; 0.9 is kept."),
    ],
)
def test_a_hyperparameter_that_the_class_would_refuse_is_told_below(
    visit: Open, option: str, typed: str, rule: str
) -> None:
    page = visit("#o=adam:lr=0.1")
    page.locator(".runner summary").click()
    number = page.get_by_role("spinbutton", name=f"Adam: {option}")
    kept = number.input_value()
    number.fill(typed)
    assert page.locator(".runner .error").inner_text() == f"`{typed}`: {rule}"
    assert number.get_attribute("aria-invalid") == "true"
    number.press("Enter")
    number.blur()
    page.wait_for_timeout(100)
    assert number.input_value() == kept
    assert page.locator(".runner .error").is_visible()
    page.click("#zoom-in")
    assert page.locator(".runner .error").count() == 0


def test_rprop_refuses_a_shrinking_of_nothing_as_its_class_does(visit: Open) -> None:
    page = visit("#o=rprop:lr=0.1,eta_minus=0&steps=5")
    assert "eta_minus must be above 0 and below 1; 0.5 is shown instead." in page.inner_text("#address-note")
    assert CliRunner().invoke(program, shlex.split(page.inner_text("#command"))[1:]).exit_code == 0


def test_the_largest_seed_that_is_taken_draws_the_noise_that_python_draws(visit: Open) -> None:
    page = visit(f"#course=himmelblau&start=0,0&o=adam:lr=0.05&steps=300&noise=2&seed={LARGEST_SEED}")
    assert page.inner_text("#address-note") == ""
    assert f"--seed {LARGEST_SEED}" in page.inner_text("#command")
    assert page.get_attribute("#seed", "max") == str(LARGEST_SEED)
    race = slalom.race("himmelblau", "adam:lr=0.05", start=(0.0, 0.0), steps=300, noise=2.0, seed=LARGEST_SEED)
    np.testing.assert_allclose(ends(page), race.paths[:, -1], rtol=1e-9, atol=1e-9)


def test_a_ninth_optimizer_cannot_be_added_and_the_page_says_why(visit: Open) -> None:
    page = visit("#" + "&".join(f"o=adam:lr=0.{k}" for k in range(1, 9)))
    assert page.locator(".runner").count() == 8
    assert page.locator("#add").is_disabled()
    assert page.locator("#add option").first.inner_text() == "8 at most"
    page.get_by_role("button", name="Remove").first.click()
    assert page.locator("#add").is_enabled()
    assert page.evaluate("document.activeElement.id") == "add"
    assert page.locator("#add option").first.inner_text() == "Add …"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("asdf", "unknown name `asdf`; there are x, y, pi, e and the functions sin, cos, tan, asin,"),
        ("x.__class__+y", "a dot stands only inside a number; write sin(x), not math.sin(x)."),
        ("3 + pi", "there is no variable; write x and y."),
    ],
)
def test_an_expression_is_refused_with_the_names_that_a_plane_has(visit: Open, text: str, says: str) -> None:
    page = visit()
    page.fill("#expression", text)
    message = page.inner_text("#expression-error")
    assert says in message
    assert "x0" not in message
    assert " z" not in message
    page.locator("#expression").blur()
    page.click("#zoom-in")
    page.wait_for_timeout(100)
    assert page.input_value("#expression") == text  # to be mended
    assert page.inner_text("#expression-error") == message


# -- links -------------------------------------------------------------------------------------------------------------

WRONG = [
    (
        "course=rosenbruck",
        "`rosenbruck` is neither a landscape of this page nor an expression in x and y. Rosenbrock is ",
    ),
    ("course=x**2%2By**2%2B", "it ends too early. Rosenbrock is shown instead."),
    ("course=x**2", "An expression in x alone"),
    ("course=" + "x" * 5000, "an expression has at most 1,000 characters, this one has 5,000"),
    ("start=1", "`start=1`: a start is two numbers from -1e9 to 1e9, separated by a comma; -1.2,1 is shown instead."),
    ("start=1,1e10", "`start=1,1e10`: a start is two numbers"),
    ("o=nobody:lr=1", "`nobody:lr=1`: there is no optimizer `nobody` on this page; it is left out."),
    ("o=adam:lr=-1", "`lr=-1`: Adam's lr must be a finite number of at least 0; 0.001 is shown instead."),
    ("o=adam:lr=fast", "`lr=fast`: Adam's lr must be"),
    ("o=adam:foo=1", "`foo=1`: Adam has no setting `foo` here; it is left out."),
    ("o=adam:amsgrad=yes", "`amsgrad=yes`: Adam's amsgrad must be True or False; False is shown instead."),
    ("o=sgd:nesterov=True", "Nesterov's momentum needs a momentum above 0"),
    ("&".join(["o=adam"] * 9), "At most 8 optimizers race at once: `adam` is left out."),
    ("&".join(["o=adam"] * 11), "At most 8 optimizers race at once: `adam` and 2 more are left out."),
    ("steps=0", "`steps=0`: steps must be a whole number of at least 1 and at most 2,000; 500 is shown instead."),
    ("steps=1e9", "`steps=1e9`: steps must be"),
    ("noise=-1", "`noise=-1`: the noise is a standard deviation, a finite number of at least 0; 0 is shown instead."),
    ("noise=1&seed=1.5", "`seed=1.5`: seed must be a whole number"),
    ("view=none", "`view=none`: a view is one of overlay, grid, basins, surface; overlay is shown instead."),
    ("inside=7", "`inside=7`: the optimizer looked into is a whole number from 0 to 3; 3 is shown instead."),
    ("steps=100&at=101", "`at=101`: at is a step, a whole number from 0 to 100; 100 is shown instead."),
    ("speed=x", "`speed=x`: speed is a number"),
    ("box=2,1,0,0", "`box=2,1,0,0`: a box is"),
    ("box=1,1.0000000000000002,1,1.0000000000000002", "a box is left,right,bottom,top"),
    ("box=-1e308,1e308,-1e308,1e308", "from -1e13 to 1e13"),
    ("o=adam:amsgrad=toString", "`amsgrad=toString`: Adam's amsgrad must be True or False"),
    ("o=sgd:momentum=0.9,nesterov=__proto__", "`nesterov=__proto__`: SGD's nesterov must be True or False"),
    ("o=adam:lr=0.1:eps=5", "`lr=0.1:eps=5`: Adam's lr must be"),
    ("o=adam:lr=1=2", "`lr=1=2`: Adam's lr must be"),
    ("view=surface&turn=1", "`turn=1`: a turn is two angles"),
    ("log=maybe", "`log=maybe`: log is 1 or 0"),
    ("stepps=100", "`stepps` is not known here: a link has course, start, o, steps,"),
    ("steps=100&steps=200", "`steps` stands more than once: the first is shown."),
]


@pytest.mark.parametrize(("fragment", "says"), WRONG)
def test_what_a_link_asks_for_in_vain_is_told_in_a_sentence(visit: Open, fragment: str, says: str) -> None:
    page = visit("#" + fragment)
    assert page.get_attribute("#address-note", "role") == "status"
    assert page.locator("#address-note li").count() == 1
    assert says in page.inner_text("#address-note li")
    page.get_by_role("button", name="Close").click()
    assert page.inner_text("#address-note") == ""


def test_the_note_goes_with_the_next_change_and_stays_short(visit: Open) -> None:
    page = visit("#" + "&".join(f"part{k}=1" for k in range(40)))
    assert page.locator("#address-note li").count() == 7
    assert page.locator("#address-note li").last.inner_text() == "… and 34 more like these."
    page.fill("#steps", "100")
    assert page.inner_text("#address-note") == ""


def test_the_note_fits_a_phone(visit: Open) -> None:
    page = visit("#steps=0&view=none&course=" + "x" * 300, viewport={"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    close = page.get_by_role("button", name="Close").bounding_box()
    assert close["width"] > close["height"]  # its word is on one line


def test_a_link_followed_in_an_open_page_is_told_of_too(visit: Open) -> None:
    page = visit()
    page.evaluate("location.hash = '#course=booth&o=nobody'")
    page.wait_for_timeout(300)
    assert "there is no optimizer `nobody`" in page.inner_text("#address-note")
    page.evaluate("location.hash = '#course=booth&o=adam:lr=0.3'")
    page.wait_for_timeout(300)
    assert page.inner_text("#address-note") == ""


HOSTILE = "<img src=x onerror=window.harmed=1><script>window.harmed=1</script>"


def test_no_part_of_a_link_becomes_markup(visit: Open) -> None:
    page = visit()
    asked = "&".join(
        f"{name}=${{encodeURIComponent(bad)}}" for name in ("course", "start", "o", "steps", "view", "box")
    )
    page.evaluate(
        f"bad => {{ location.hash = `{asked}&${{encodeURIComponent(bad)}}=1&o=adam:${{encodeURIComponent(bad)}}` }}",
        HOSTILE,
    )
    page.wait_for_timeout(300)
    assert page.locator("#address-note li").count() == 7
    assert page.locator("#address-note img, #address-note script").count() == 0
    assert "`<img src=x" in page.inner_text("#address-note")
    assert page.evaluate("window.harmed") is None


@pytest.mark.parametrize(
    "fragment",
    [
        "",
        "#",
        "#o=",
        "#course=x**2+y**2&o=adam:lr=0.1",
        "#course=himmelblau&start=-0.5,2.25&steps=300&noise=0.5&seed=4&view=surface&turn=-0.700,0.750&log=1"
        "&o=!sgd:lr=0.003,momentum=0.8,nesterov=True&o=rmsprop:lr=0.02,momentum=0.5,centered=True&inside=1&at=20&speed=60",
    ],
)
def test_a_good_link_has_no_note_and_neither_has_the_one_that_the_page_makes_of_it(visit: Open, fragment: str) -> None:
    page = visit(fragment)
    assert page.inner_text("#address-note") == ""
    for button in ("#zoom-in", "#zoom-in", "#zoom-out"):
        page.click(button)
    address = settled_hash(page)
    other = visit(address)
    assert other.inner_text("#address-note") == ""
    assert settled_hash(other) == address
    assert other.inner_text("#command") == page.inner_text("#command")
    assert other.locator(".runner").count() == page.locator(".runner").count()


def test_the_link_to_the_plane_changes_nothing(visit: Open) -> None:
    page = visit("#course=booth&start=4,-4&o=adam:lr=0.3&steps=50")
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert page.inner_text("#command") == "slalom race booth --start=4,-4 -o adam:lr=0.3 --steps 50"
    assert start_of(page) == (4, -4)
    assert page.inner_text("#address-note") == ""
    assert "course=booth" in settled_hash(page)


@pytest.mark.parametrize(
    ("fragment", "does"),
    [
        ("#course=x**2%2By**2&start=1000000,1000000&o=sgd:lr=0", lambda page: page.click("#zoom-fit")),
        ("#box=-1e12,1e12,-1e12,1e12", lambda page: page.click("#plane", position={"x": 500, "y": 100})),
        ("#start=1e9,1e9", lambda page: (page.focus("#plane"), page.keyboard.press("Shift+ArrowRight"))),
        (
            "#o=adam:lr=1e308",
            lambda page: (page.focus("#strip"), [page.keyboard.press("ArrowRight") for _ in range(9)]),
        ),
    ],
    ids=["fit", "click", "step", "rate"],
)
def test_what_pointer_and_keys_make_a_link_may_hold(visit: Open, fragment: str, does: Callable[[Any], Any]) -> None:
    page = visit(fragment)
    does(page)
    made = settled_hash(page)
    assert visit(made).is_hidden("#address-note")
    assert not re.search("NaN|Infinity", made + page.inner_text("#command"))
