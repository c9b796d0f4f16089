"""Expressions typed in the page: read in a real browser as Python reads them, and differentiated as torch does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from engine_pages import engine_page, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

import slalom
from slalom.core import InputError
from slalom.landscapes.expressions import FUNCTIONS, parse
from slalom.landscapes.notation import TITLE_LIMIT, unicode_text

STEPS = 200


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    yield from engine_page(browser)


leaves = st.sampled_from(["x", "y", "x", "y", "2", "3", "0.5", "1.25", "pi", "e", "10", "1e-3"])
one_argument = sorted(set(FUNCTIONS) - {"max", "min"})


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    powers = st.sampled_from(["2", "3", "4", "5", "6", "7", "-1", "-2", "-3", "0.5", "1.5", "(1/2)", "0", "1", "2.0"])
    return st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", " * ", " - "]), inner).map("".join),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(lambda parts: f"({''.join(parts)})"),
        st.tuples(inner, powers).map(lambda pair: f"({pair[0]})**{pair[1]}"),
        inner.map(lambda part: f"-{part}"),
        st.tuples(st.sampled_from(["2", "e", "pi"]), inner).map(lambda pair: f"{pair[0]}**({pair[1]})"),
        st.tuples(st.sampled_from(["max", "min"]), inner, inner).map(lambda call: f"{call[0]}({call[1]}, {call[2]})"),
        st.tuples(st.sampled_from(one_argument), inner).map(lambda call: f"{call[0]}({call[1]})"),
    )


expressions = st.recursive(leaves, grow, max_leaves=12)
fragments = st.lists(st.sampled_from([
    "x", "y", "2", "3.5", "1e3", "+", "-", "*", "/", "**", "//", "(", ")", ",", ".", "sin(", "max(", "x0", "x1", "z",
    "pi", "e", " ", "1", "0", "foo", "sine(", "_", "^", "²", "é", "\n", "math.sin(", "if ", "1j", "...", "None", "0x1f",
    "<", '"', "007",
]), max_size=10).map("".join)  # fmt: skip
known = st.characters(max_codepoint=0x2300, exclude_categories=["Cs", "Cn"])
"""Characters that every version of Unicode has had for long."""
broken = st.tuples(expressions, st.integers(0, 40), st.sampled_from([*"xy2()+-*/., e_^$"])).map(
    lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :]
)
POINTS = np.random.default_rng(8).uniform(-3, 3, (8, 2))
NO_VARIABLE = ("write x, y, z or x0, x1 and so on", "write x and y")
NAMES = (
    "the variables are x, y, z or x0, x1 and so on",
    f"there are x, y, pi, e and the functions {', '.join(FUNCTIONS)}",
)
SYNTAX = ("cannot be read (a product", "does not belong here", "ends too early", "never closed", "unmatched", "starred",
          "nothing else", "'else'", "nested", "parenthes")  # fmt: skip
"""Words of complaints that are Python's, which blames other places in other versions, or follow from them."""


def on_the_plane(complaint: str) -> str:
    """Return Python's complaint as the page has it, where only x and y can be typed."""
    complaint = complaint.replace(*NO_VARIABLE)
    if NAMES[0] not in complaint:
        return complaint
    stem, _, known = complaint.replace(*NAMES).partition(" Did you mean ")
    known = " or ".join(word for word in known.rstrip("?").split(" or ") if word not in ("", "`z`"))
    return f"{stem} Did you mean {known}?" if known else stem


def compiled(page: Any, text: str) -> Any:
    return page.evaluate("""([text, points]) => {
        const made = slalom.compile(text), out = [0, 0];
        if (!made.ok) return plain(made);
        const {title, dim, name} = made;
        return plain({ok: true, title, dim, name, rows: points.map(([x, y]) => [made.g(x, y, out), out[0], out[1]]),
                      alone: points.map(([x, y]) => made.f(x, y))});
    }""", [text, POINTS.tolist()])  # fmt: skip


def refusal(text: str) -> str:
    """Return why Python refuses ``text``, empty where it does not."""
    try:
        parse(text)
    except InputError as problem:
        return str(problem)
    return ""


@settings(max_examples=500)
@given(text=expressions)
def test_a_typed_expression_has_the_values_and_gradients_of_pythons(page: Any, text: str) -> None:
    complaint, made = refusal(text), compiled(page, text)
    if complaint:
        assert made == {"ok": False, "message": on_the_plane(complaint)}
        return
    expression = parse(text)
    assert made["ok"], made
    assert made["title"] == unicode_text(expression.tree, TITLE_LIMIT)
    assert made["dim"] == expression.dim
    rows = torch.tensor(POINTS.T, requires_grad=True)
    total = expression(*rows.unbind()[: expression.dim])
    slopes = np.zeros_like(POINTS)
    if isinstance(total, torch.Tensor) and total.requires_grad:
        total.sum().backward()
        assert rows.grad is not None
        slopes = rows.grad.T.numpy()
    with np.errstate(all="ignore"):
        values = np.broadcast_to(expression(*POINTS.T[: expression.dim]), len(POINTS))
    mine = numbers(made["rows"])
    assert (mine[:, 0].tobytes()) == numbers(made["alone"]).tobytes()
    np.testing.assert_allclose(mine[:, 0], values, rtol=1e-9, atol=1e-9)
    whole = np.isfinite(values) & np.isfinite(slopes).all(axis=1)  # past that, rules for NaN differ, and nobody goes on
    np.testing.assert_allclose(mine[whole, 1:], slopes[whole], rtol=1e-9, atol=1e-9)


@settings(max_examples=600)
@given(text=st.one_of(fragments, broken, st.text(known, max_size=30)))
def test_what_python_refuses_is_refused_in_the_same_words(page: Any, text: str) -> None:
    complaint, made = refusal(text), compiled(page, text)
    if not complaint:
        assert made["ok"] or "plane has two coordinates" in made["message"], (text, made)
        return
    assert not made["ok"], (text, complaint)
    if not any(words in complaint for words in SYNTAX):
        assert made["message"] == on_the_plane(complaint)


HARMLESS = (
    '"><script>alert(1)</script>', "x" * 10_000, "x+" * 5_000 + "x", "(" * 10_000, "-" * 900 + "x",
    "(" * 400 + "x" + ")" * 400, "constructor(x)", "__proto__", "toString(x)", "hasOwnProperty", "x.constructor",
    "x**-" * 240 + "x", "x " * 499, "\0", "\ud800",
    "', alert(1), '", "${x}", "`x`", "max(" * 200 + "x",
)  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS)
def test_a_hostile_text_is_refused_in_one_short_sentence(page: Any, text: str) -> None:
    made = page.evaluate("text => slalom.compile(JSON.parse(text))", json.dumps(text))
    assert made["ok"] is False
    assert len(made["message"]) < 400
    assert page.evaluate("() => document.scripts.length") == 1


@pytest.mark.parametrize("text", ["+".join(["x*y"] * 200), "(" * 100 + "x" + ")" * 100, "x", "y - 1", "x**0", "x1*x0"])
def test_long_and_odd_but_good_texts_are_taken(page: Any, text: str) -> None:
    assert refusal(text) == ""
    assert compiled(page, text)["ok"]


def test_a_race_on_a_typed_expression_is_the_one_that_python_runs(page: Any) -> None:
    text = "x**2/20 + y**4 + sin(3*x)*exp(-y**2) + abs(x - y)/3"
    race = slalom.race(text, ["adam:lr=0.05", "rprop"], start=(-2.5, 1.5), steps=STEPS, engine="field")
    runners = [{"rule": "adam", "h": {"lr": 0.05}}, {"rule": "rprop"}]
    request = {"landscape": {"text": text}, "start": [-2.5, 1.5], "steps": STEPS, "runners": runners}
    drawn = page.evaluate("request => plain(slalom.race(request))", request)
    for index in (0, 1):
        mine = numbers(drawn["paths"][index]).reshape(STEPS + 1, 2)
        np.testing.assert_allclose(mine, race.paths[index], rtol=1e-9, atol=1e-9)
