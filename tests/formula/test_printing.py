"""Formulas printed for people: in the author's order, without what contributes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sympy

from slalom.formula import absolute, equal, maximum, sqrt, where
from slalom.formula.printing import Printer, columns, latex_cases, pad, text_cases, tidy

A, B, C = sympy.symbols("a b c", real=True)
N = sympy.Symbol("n", positive=True)


def built(formula: Callable[[], Any]) -> Any:
    with sympy.evaluate(False):
        return tidy(formula())


CASES: list[tuple[Callable[[], Any], str, str]] = [
    (lambda: B * A + (1 - B) * C, "b·a + (1 − b)·c", r"b \, a + \left(1 - b\right) \, c"),
    (lambda: A - B * C / (sqrt(C) + 1), "a − b·c / (√c + 1)", r"a - \frac{b \, c}{\sqrt{c} + 1}"),
    (lambda: A / (B * C), "a / (b·c)", r"\frac{a}{b \, c}"),
    (lambda: A / B * C, "a·c / b", r"\frac{a \, c}{b}"),
    (lambda: 1 / A, "1 / a", r"\frac{1}{a}"),
    (lambda: A - (B - C), "a − (b − c)", r"a - \left(b - c\right)"),
    (lambda: -A + B, "−a + b", "-a + b"),
    (lambda: A * -2, "−a·2", r"-a \cdot 2"),
    (lambda: 0.5 * 0.96**A, "0.5·0.96^a", r"0.5 \cdot 0.96^{a}"),
    (lambda: A**2 + (A + B) ** 2, "a² + (a + b)²", r"a^{2} + \left(a + b\right)^{2}"),
    (lambda: A ** (B + 1), "a^(b + 1)", "a^{b + 1}"),
    (lambda: 1 - A**N, "1 − aⁿ", "1 - a^{n}"),
    (lambda: sqrt(A + B), "√(a + b)", r"\sqrt{a + b}"),
    (lambda: absolute(A - B), "|a − b|", r"|a - b|"),
    (lambda: maximum(A, 0.0), "max(0, a)", r"\max\left(0, a\right)"),
    (lambda: A + 0.0 * B, "a", "a"),
    (lambda: 1.0 * A + 0, "a", "a"),
    (lambda: (1 - 0.0) * A, "a", "a"),
    (lambda: A / (1 + (B - 1) * 0), "a", "a"),
    (lambda: where(equal(N, 0), A, B), "b", "b"),
]


@pytest.mark.parametrize(("formula", "text", "latex"), CASES, ids=[text for _, text, _ in CASES])
def test_a_formula_is_printed_as_it_was_written(formula: Callable[[], Any], text: str, latex: str) -> None:
    expression = built(formula)
    assert Printer()(expression) == text
    assert Printer(latex=True)(expression) == latex


@pytest.mark.parametrize("formula", [formula for formula, _, _ in CASES])
def test_tidying_changes_no_value(formula: Callable[[], Any]) -> None:
    point = {A: 0.7, B: 1.3, C: 2.1, N: 3.0}
    with sympy.evaluate(False):
        raw = formula()
    assert float(built(formula).subs(point).doit()) == pytest.approx(float(raw.subs(point).doit()))


def test_symbols_are_written_as_the_reader_knows_them() -> None:
    assert Printer({"a": "α"})(A) == "α"
    assert Printer({"a": r"\alpha"}, latex=True)(A) == r"\alpha"


def test_choices_stand_under_a_brace() -> None:
    expression = built(lambda: where(A > 0, B, where(A < 0, B + C, 1)))
    rows = Printer().cases(expression)
    assert rows == [("b", "a > 0"), ("b + c", "a < 0"), ("1", "")]
    assert text_cases(rows) == ["⎧ b       if a > 0", "⎨ b + c   if a < 0", "⎩ 1       otherwise"]
    assert latex_cases(Printer(latex=True).cases(expression)) == (
        r"\begin{cases} b & \text{if } a > 0 \\ b + c & \text{if } a < 0 \\ 1 & \text{otherwise} \end{cases}"
    )
    assert Printer()(built(lambda: 2 * where(A > 0, B, 1))) == "2·(b if a > 0, else 1)"


def test_a_hat_takes_no_column_of_a_terminal() -> None:
    assert columns("m̂") == 1
    assert pad("m̂", 3) == "m̂  "
