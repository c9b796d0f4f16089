"""Printing a formula for people: plain text for a terminal, LaTeX for a page.

SymPy's own printers sort a formula's terms; a reader wants them as the author wrote them, (1 − β₁)·g and not
g·(1 − β₁). So expressions are built unevaluated (under ``sympy.evaluate(False)``), :func:`tidy` takes out
what contributes nothing, and the printer below keeps the order.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

SUM, PRODUCT, POWER, ATOM = range(4)
"""How tightly the parts of a printed expression hang together: a looser part goes into brackets."""

_SUPERSCRIPTS = str.maketrans("0123456789+-−tnij", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ᵗⁿⁱʲ")
_RELATIONS = {"==": "=", "<": "<", ">": ">", "<=": "≤", ">=": "≥"}
_LATEX_RELATIONS = {"=": "=", "<": "<", ">": ">", "≤": r"\le", "≥": r"\ge"}


def tidy(expression: Any) -> Any:
    """Return ``expression`` without + 0, · 1, · 0 and powers of 1; sums and products flat, order kept."""
    expression = sympy.sympify(expression)
    with sympy.evaluate(False):
        return _tidy(expression)


def _tidy(e: Any) -> Any:
    if not e.args:
        return e
    if isinstance(e, sympy.Piecewise):
        return _tidy_piecewise(e)
    if isinstance(e, sympy.core.relational.Relational):
        return e.func(*(_tidy(a) for a in e.args), evaluate=False)
    parts = [_tidy(a) for a in e.args]
    if isinstance(e, sympy.Add):
        terms = [t for p in parts for t in (p.args if isinstance(p, sympy.Add) else (p,)) if not _is(t, 0)]
        return sympy.Add(*terms) if len(terms) > 1 else (terms[0] if terms else sympy.Integer(0))
    if isinstance(e, sympy.Mul):
        factors = [f for p in parts for f in (p.args if isinstance(p, sympy.Mul) else (p,)) if not _is(f, 1)]
        if any(_is(f, 0) for f in factors):
            return sympy.Integer(0)
        if factors.count(-1) > 1:
            even = factors.count(-1) % 2 == 0
            factors = ([] if even else [sympy.Integer(-1)]) + [f for f in factors if f != -1]
        return sympy.Mul(*factors) if len(factors) > 1 else (factors[0] if factors else sympy.Integer(1))
    if isinstance(e, sympy.Pow):
        base, exponent = parts
        if _is(exponent, 1) or _is(base, 1):
            return base
        if _is(exponent, 0):
            return sympy.Integer(1)
        return sympy.Pow(base, exponent)
    if isinstance(e, sympy.Max | sympy.Min):
        return e.func(*parts, evaluate=False)
    return e.func(*parts)


def _is(e: Any, number: int) -> bool:
    """Tell whether ``e`` is this number, be it written 0 or 0.0 (SymPy calls those different)."""
    return bool(e.is_Number and float(e) == number)


def _tidy_piecewise(e: Any) -> Any:
    """Drop branches that cannot be met; lift a choice that stands in the last branch into the outer one."""
    pairs: list[tuple[Any, Any]] = []
    for value, condition in ((pair.expr, pair.cond) for pair in e.args):
        condition = _decide(condition)
        if condition == False:  # noqa: E712
            continue
        value = _tidy(value)
        if condition == True and isinstance(value, sympy.Piecewise):  # noqa: E712
            pairs += [(pair.expr, pair.cond) for pair in value.args]
        else:
            pairs.append((value, condition))
        if condition == True:  # noqa: E712
            break
    if len(pairs) == 1:
        return pairs[0][0]
    return sympy.Piecewise(*pairs, evaluate=False)


def _decide(condition: Any) -> Any:
    """Decide what a symbol's sign decides: a positive symbol is not 0."""
    if isinstance(condition, sympy.Eq):
        left, right = condition.args
        if left.is_Number and right.is_Number:
            return sympy.true if left == right else sympy.false
        if left.is_positive and right == 0:
            return sympy.false
    return condition


@dataclass(frozen=True)
class Printer:
    """Writes tidy SymPy expressions; ``symbols`` maps a symbol's name to how it is written."""

    symbols: Mapping[str, str] = field(default_factory=dict)
    latex: bool = False

    def __call__(self, expression: Any) -> str:
        """Return the expression on one line."""
        return self._write(expression)[0]

    def cases(self, expression: Any) -> list[tuple[str, str]]:
        """Return (value, condition) of each case; the last condition, or an only one, is empty."""
        if not isinstance(expression, sympy.Piecewise):
            return [(self(expression), "")]
        rows = []
        for pair in expression.args:
            last = pair.cond == True  # noqa: E712
            rows.append((self(pair.expr), self.condition(pair.cond) if not last else ""))
        return rows

    def condition(self, condition: Any) -> str:
        relation = _RELATIONS[condition.rel_op]
        if self.latex:
            relation = _LATEX_RELATIONS[relation]
        return f"{self(condition.lhs)} {relation} {self(condition.rhs)}"

    def symbol(self, name: str) -> str:
        return self.symbols.get(name, name)

    def _write(self, e: Any) -> tuple[str, int]:
        """Return the text and how tightly it hangs together."""
        if e.is_Symbol:
            return self.symbol(e.name), ATOM
        if e.is_Number:
            return self._number(e)
        if isinstance(e, sympy.Add):
            return self._sum(e), SUM
        if isinstance(e, sympy.Mul):
            return self._product(e)
        if isinstance(e, sympy.Pow):
            return self._power(e)
        if isinstance(e, sympy.Abs):
            return f"|{self(e.args[0])}|", ATOM
        if isinstance(e, sympy.Piecewise):
            return self._inline_cases(e), ATOM
        name = {"Max": "max", "Min": "min"}.get(type(e).__name__, type(e).__name__)
        if self.latex:
            name = rf"\{name}" if name in ("max", "min", "sin", "cos", "exp", "log") else rf"\operatorname{{{name}}}"
        return f"{name}{self._bracket(', '.join(self(a) for a in e.args))}", ATOM

    def _number(self, e: Any) -> tuple[str, int]:
        value = float(e)
        text = str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"
        return text.replace("-", "−" if not self.latex else "-"), ATOM if value >= 0 else SUM

    def _sum(self, e: Any) -> str:
        text = ""
        for index, term in enumerate(e.args):
            negative, magnitude = _sign_of(term)
            written, tightness = self._write(magnitude)
            if tightness == SUM:
                written = self._bracket(written)
            minus = "-" if self.latex else "−"
            if index == 0:
                text = f"{minus}{written}" if negative else written
            else:
                text += f" {minus if negative else '+'} {written}"
        return text

    def _product(self, e: Any) -> tuple[str, int]:
        negative, magnitude = _sign_of(e)
        if negative:
            written, tightness = self._write(magnitude)
            minus = "-" if self.latex else "−"
            return f"{minus}{self._bracket(written) if tightness == SUM else written}", SUM
        above, below = [], []
        for factor in e.args if isinstance(e, sympy.Mul) else (e,):
            is_divisor = isinstance(factor, sympy.Pow) and _is_negative(factor.exp)
            if is_divisor:
                with sympy.evaluate(False):
                    below.append(_tidy(sympy.Pow(factor.base, -1 * factor.exp)))
            else:
                above.append(factor)
        return (self._fraction(above, below) if below else self._factors(above)), PRODUCT

    def _factors(self, factors: list[Any], alone: bool = False) -> str:
        """Write a product; ``alone`` says that nothing stands beside it: a single sum needs no brackets."""
        if not factors:
            return "1"
        if len(factors) == 1 and alone:
            return self(factors[0])
        parts = [self._write(factor) for factor in factors]
        written = [self._bracket(text) if tightness < PRODUCT else text for text, tightness in parts]
        if not self.latex:
            return "·".join(written)
        text = written[0]
        for part in written[1:]:  # two numbers side by side would read as one
            text += (r" \cdot " if part[0].isdigit() else r" \, ") + part
        return text

    def _fraction(self, above: list[Any], below: list[Any]) -> str:
        if self.latex:
            return rf"\frac{{{self._factors(above, alone=True)}}}{{{self._factors(below, alone=True)}}}"
        divisor = self._factors(below)
        if len(below) > 1 or isinstance(below[0], sympy.Mul):
            divisor = self._bracket(divisor)
        return f"{self._factors(above)} / {divisor}"

    def _power(self, e: Any) -> tuple[str, int]:
        base, exponent = e.args
        if exponent == sympy.Rational(1, 2) or exponent == 0.5:
            if self.latex:
                return rf"\sqrt{{{self(base)}}}", ATOM
            written, tightness = self._write(base)
            return f"√{written if tightness == ATOM else self._bracket(written)}", ATOM
        if _is_negative(exponent):
            return self._product(e)
        written, tightness = self._write(base)
        if tightness < ATOM:
            written = self._bracket(written)
        raised = self(exponent)
        if self.latex:
            return f"{written}^{{{raised}}}", POWER
        if all(character in "0123456789−tnij" for character in raised):
            return f"{written}{raised.translate(_SUPERSCRIPTS)}", POWER
        return f"{written}^{self._bracket(raised) if len(raised) > 1 else raised}", POWER

    def _inline_cases(self, e: Any) -> str:
        if self.latex:
            return latex_cases(self.cases(e))
        words = [f"{value} if {condition}" if condition else f"else {value}" for value, condition in self.cases(e)]
        return f"({', '.join(words)})"

    def _bracket(self, text: str) -> str:
        return rf"\left({text}\right)" if self.latex else f"({text})"


def latex_cases(rows: list[tuple[str, str]]) -> str:
    """Return a choice as LaTeX."""
    if len(rows) == 1:
        return rows[0][0]
    lines = [rf"{value} & \text{{if }} {c}" if c else rf"{value} & \text{{otherwise}}" for value, c in rows]
    return r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}"


def text_cases(rows: list[tuple[str, str]]) -> list[str]:
    """Return a choice as text, one line for each case, under a brace."""
    if len(rows) == 1:
        return [rows[0][0]]
    width = max(columns(value) for value, _ in rows)
    braces = "⎧" + "⎨" * (len(rows) - 2) + "⎩"
    return [
        f"{brace} {pad(value, width)}   {'if ' + condition if condition else 'otherwise'}"
        for brace, (value, condition) in zip(braces, rows, strict=True)
    ]


def columns(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes: a combining hat takes none."""
    return sum(not unicodedata.combining(character) for character in text)


def pad(text: str, width: int) -> str:
    """Return ``text`` with spaces up to ``width`` columns."""
    return text + " " * max(0, width - columns(text))


def _sign_of(term: Any) -> tuple[bool, Any]:
    """Return whether ``term`` carries a minus, and the term without it."""
    if term.is_Number:
        return bool(term < 0), -term if term < 0 else term
    if isinstance(term, sympy.Mul):
        number = next((f for f in term.args if f.is_Number and f < 0), None)
        if number is not None:
            with sympy.evaluate(False):
                return True, _tidy(sympy.Mul(*(-f if f is number else f for f in term.args)))
    return False, term


def _is_negative(exponent: Any) -> bool:
    return bool(exponent.is_Number and exponent < 0)
