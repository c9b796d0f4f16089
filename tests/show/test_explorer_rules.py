"""What the page is told of rules and hyperparameters, against the classes, Python's arithmetic and the page's text."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import pytest
import sympy

import slalom
from slalom.optimizers import parse
from slalom.optimizers.rule import RULES
from slalom.show.explorer import formulas, rules_js
from slalom.show.explorer.building import PAGE, SCRIPTS, facts
from slalom.show.explorer.engine import constants, engine_js
from slalom.show.explorer.hyperparameters import hyperparameter, words

# -- formulas ----------------------------------------------------------------------------------------------------------

ARITHMETIC: dict[str, Any] = {
    "add": lambda a, b: a + b, "multiply": lambda a, b: a * b, "divide": lambda a, b: a / b,
    "power": lambda a, b: a**b, "negative": lambda a: -a, "absolute": abs, "sqrt": math.sqrt, "exp": math.exp,
    "log": math.log, "sin": math.sin, "cos": math.cos, "tan": math.tan, "sinh": math.sinh, "cosh": math.cosh,
    "tanh": math.tanh, "floor": math.floor, "sign": lambda a: math.copysign(1, a), "max": max, "min": min,
    "=": lambda a, b: a == b, "<": lambda a, b: a < b, ">": lambda a, b: a > b, "≤": lambda a, b: a <= b,
    "≥": lambda a, b: a >= b,
}  # fmt: skip
OF_TWO = {"add", "multiply", "divide", "power", "max", "min", "=", "<", ">", "≤", "≥"}


def test_the_page_computes_every_operation_that_a_tree_writes_and_no_other(browser: Any) -> None:
    text = (PAGE / "formula.js").read_text(encoding="utf-8")
    table = re.search(r"const OPERATIONS = (\{.*?\n\});", text, re.DOTALL)
    assert table is not None
    page = browser.new_page()
    computed = page.evaluate(
        f"values => Object.entries({table[1]}).map(([name, of]) => [name, values.map(([a, b]) => of(a, b))])",
        values := [[1.5, 2.5], [2.5, 1.5], [0.75, 0.75]],
    )
    page.close()
    assert {name for name, _ in computed} == {*formulas.OPERATIONS.values(), *formulas.WRITTEN}
    for name, results in computed:
        of = ARITHMETIC[name]
        expected = [of(*pair) if name in OF_TWO else of(pair[0]) for pair in values]
        assert results == pytest.approx(expected, rel=1e-14), name


def test_a_tree_refuses_a_function_that_the_page_cannot_compute() -> None:
    x = sympy.Symbol("x")
    assert formulas.tree(sympy.exp(x) + sympy.pi) == ["add", math.pi, ["exp", "x"]]
    with pytest.raises(
        ValueError, match=r"^the explorer cannot compute erf: add it to OPERATIONS in formulas.py and in"
    ):
        formulas.tree(2 * sympy.erf(x))


def test_every_sign_of_a_rule_is_the_one_that_slalom_show_prints() -> None:
    from slalom.optimizers.notation import signs

    told = formulas.formulas()
    assert set(told["rules"]) == set(RULES)
    for path, rule in RULES.items():
        merged = {**told["signs"], **told["rules"][path]["signs"]}
        assert merged == {name: sign.text for name, sign in signs(rule.name).items() if sign.text}


# -- hyperparameters ---------------------------------------------------------------------------------------------------

NEXT = [0.0, 1.0]
PROBES = [-1e300, *(math.nextafter(edge, way) for edge in NEXT for way in (-9, 9)), *NEXT, 0.5, 1e300]
NUMBERS = [
    (entry.name, name)
    for entry, rule in rules_js.ruled()
    if not entry.preset  # the others are of the same classes
    for name, value in rule.hyperparameters(parse(entry.name).hyperparameters).items()
    if not isinstance(value, bool) and (name not in rule.assumed or name in parse(entry.name).hyperparameters)
]


def takes(limits: dict[str, Any], value: float) -> bool:
    return (
        value >= limits.get("least", -math.inf)
        and value <= limits.get("most", math.inf)
        and value > limits.get("above", -math.inf)
        and value < limits.get("below", math.inf)
    )


def python_takes(entry: str, name: str, value: float) -> bool:
    rule = RULES[parse(entry).path]
    defaults = rule.hyperparameters(parse(entry).hyperparameters)
    pair = next((option for option, parts in rule.unpack.items() if name in parts), None)
    typed = repr(value)
    if pair is not None:
        typed = "(" + ",".join(repr(value if part == name else defaults[part]) for part in rule.unpack[pair]) + ")"
    try:
        parse(f"{entry}:{pair or name}={typed}")
    except slalom.InputError:
        return False
    return True


@pytest.mark.parametrize(("entry", "name"), NUMBERS)
def test_the_page_takes_of_a_hyperparameter_what_its_class_takes(entry: str, name: str) -> None:
    rule = RULES[parse(entry).path]
    limits = hyperparameter(rule.name, name, 0.5)
    for value in PROBES:
        assert takes(limits, value) == python_takes(entry, name, value), value


def test_limits_are_told_in_words() -> None:
    told = {
        words(limits)
        for limits in ({"least": 0.0}, {"above": 1.0}, {"least": 0.0, "below": 1.0}, {"above": 0.0, "most": 2.0})
    }
    assert told == {
        "a finite number of at least 0",
        "a finite number above 1",
        "at least 0 and below 1",
        "above 0 and at most 2",
    }


def test_a_forgotten_slider_and_unknown_state_are_errors_at_once() -> None:
    with pytest.raises(ValueError, match=r"^rule adam: give lambd a slider in SCALES$"):
        hyperparameter("adam", "lambd", 0.1)
    strange = dataclasses.replace(next(iter(RULES.values())), state={"q": "quasi_hessian"})
    with pytest.raises(ValueError, match=r"^rule sgd: say in rules_js.py what its quasi_hessian is"):
        rules_js.shown(strange, rules_js.MOMENTA)


def test_a_second_owner_of_a_name_can_have_words_and_limits_of_its_own() -> None:
    assert hyperparameter("rprop", "lr", 0.01)["label"] == "size of the first step"
    assert hyperparameter("adam", "lr", 0.01)["label"] == "learning rate"
    assert hyperparameter("lion", "lr", 0.01)["words"] != hyperparameter("adam", "lr", 0.01)["words"]
    with pytest.raises(ValueError, match="give alpha a slider"):  # RMSprop's memory is not anybody's α
        hyperparameter("adamax", "alpha", 0.9)


# -- what the page shares with the rest of slalom ----------------------------------------------------------------------


def test_the_page_arrives_diverges_and_draws_by_the_numbers_of_python(browser: Any) -> None:
    from slalom.core import metrics
    from slalom.engines import limits
    from slalom.lab import record
    from slalom.show.views import moving

    assert constants() == {
        "tolerance": record.TOLERANCE,
        "patience": metrics.PATIENCE,
        "beyond": limits.BEYOND,
        "compression": moving.COMPRESSION,
    }
    page = browser.new_page()
    page.add_script_tag(content=engine_js())
    assert page.evaluate("slalom.constants") == constants()
    page.close()


def test_the_page_has_the_colours_of_the_other_pictures_and_of_the_report() -> None:
    from slalom.show.report import pieces
    from slalom.show.views import basins, styles

    told = facts()
    assert tuple(told["minima"]) == basins.MINIMA
    assert told["momentum"] == styles.MOMENTUM
    assert told["contrasts"] == {"legible": pieces.LEGIBLE, "bright": pieces.BRIGHT, "night": pieces.NIGHT}
    scripts = "".join((PAGE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    assert set(re.findall(r"#[0-9a-fA-F]{6}", scripts)) == {"#000000"}  # a colour is named here, or in the style sheet
