"""An expression in the notation of a textbook: as one line of text, and as LaTeX."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

TITLE_LIMIT = 60

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUBSCRIPT = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_SUM, _PRODUCT, _POWER, _ATOM = range(4)  # how strongly an expression holds together
_STRENGTH = {"sum": _SUM, "minus": _SUM, "product": _PRODUCT, "power": _POWER, "exponential": _POWER}
_TEXTBOOK_POWER = ("sin", "cos", "tan", "sinh", "cosh", "tanh")  # sin²(x)
_LATEX_NAMES = {"asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan", "sign": r"\operatorname{sign}"}


@dataclass(frozen=True)
class Tree:
    """A parsed expression.

    ``kind`` and ``value``: number (its digits as typed), constant (its name), variable (its index), call (the
    function's name), sum and product (one sign before each part), minus, power, exponential. ``constant`` is
    the value of a tree without variables.
    """

    kind: str
    parts: tuple[Tree, ...] = ()
    value: Any = None
    name: str = ""
    constant: Any = None

    def with_constant(self, value: Any) -> Tree:
        return replace(self, constant=value)

    def with_parts(self, parts: Iterable[Tree]) -> Tree:
        return replace(self, parts=tuple(parts))


def unicode_text(tree: Tree, limit: int | None = None) -> str:
    """Return ``x² + 10y² + sin(3x)`` for ``x**2 + 10*y**2 + sin(3*x)``, cut to ``limit`` characters."""
    text = _text(tree)
    return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"


def _text(tree: Tree) -> str:
    match tree.kind:
        case "number":
            return str(tree.value)
        case "constant":
            return "π" if tree.value == "pi" else "e"
        case "variable":
            return tree.name[0] + tree.name[1:].translate(_SUBSCRIPT)
        case "call":
            return _text_call(tree)
        case "minus":
            return "−" + _within(tree.parts[0], _PRODUCT)
        case "sum":
            return _join_sum(tree, _within, "−")
        case "product":
            return _text_product(tree)
        case "exponential":
            return f"{_within(tree.parts[0], _ATOM)}^{_within(tree.parts[1], _ATOM)}"
    return _text_power(*tree.parts)


def _strength(tree: Tree) -> int:
    if tree.kind == "product" and tree.parts[0].kind == "minus":
        return _SUM  # it begins with its sign
    return _STRENGTH.get(tree.kind, _ATOM)


def _within(tree: Tree, least: int) -> str:
    """Return the text of ``tree``, in brackets where it holds together less than ``least``."""
    return _text(tree) if _strength(tree) >= least else f"({_text(tree)})"


def _join_sum(tree: Tree, within: Any, minus: str) -> str:
    # The first term may be a sum or a minus of its own: it reads the same without brackets.
    text = within(tree.parts[0], _SUM)
    for sign, part in zip(tree.value[1:], tree.parts[1:], strict=True):
        text += f" {minus if sign == '-' else '+'} {within(part, _PRODUCT)}"
    return text


def _text_product(tree: Tree) -> str:
    first = tree.parts[0]
    # A leading minus may stand outside: −x·y is (−x)·y.
    text = _text(first) if first.kind == "minus" else _within(first, _PRODUCT)
    before = _last_factor(first)
    for sign, part in zip(tree.value[1:], tree.parts[1:], strict=True):
        factor = _within(part, _POWER)
        text += "/" + factor if sign == "/" else _times(before, part, factor) + factor
        before = None if sign == "/" else part
    return text


def _last_factor(tree: Tree) -> Tree | None:
    """Return what a following factor is set beside; None after a division, where only a dot is clear."""
    if tree.kind == "minus":
        return _last_factor(tree.parts[0])
    if tree.kind == "product":
        return None if tree.value[-1] == "/" else tree.parts[-1]
    return tree


def _times(before: Tree | None, after: Tree, factor: str) -> str:
    """Return what stands between two factors: nothing in 2x, xy, (x + 1)y; a space in 2 sin(x); or a dot."""
    base = _base(after)
    if before is None or factor[0].isdigit() or "e" in (before.value, base.value):
        return "·"
    if base.kind == "call" and factor[0].isalpha():
        return " " if before.kind in ("number", "call") or _base(before).kind == "call" else "·"
    letters = ("variable", "constant")
    if base.kind in letters and _text(_base(before)) == _text(base):
        return "·"  # xx would read as one name
    close = before.kind in ("number", "sum") or (_base(before).kind in letters and base.kind in letters)
    return "" if close else "·"


def _base(tree: Tree) -> Tree:
    return tree.parts[0] if tree.kind == "power" else tree


def _text_power(base: Tree, exponent: Tree) -> str:
    whole = isinstance(exponent.constant, int)
    raised = str(exponent.constant).translate(_SUPERSCRIPT) if whole else "^" + _within(exponent, _ATOM)
    if whole and exponent.constant > 0 and base.kind == "call" and base.value in _TEXTBOOK_POWER:
        return f"{base.value}{raised}({_text(base.parts[0])})"
    return _within(base, _ATOM) + raised


def _text_call(tree: Tree) -> str:
    inside = ", ".join(map(_text, tree.parts))
    match tree.value:
        case "abs":
            return f"|{inside}|"
        case "floor":
            return f"⌊{inside}⌋"
        case "sqrt":
            bare = tree.parts[0].kind in ("number", "constant", "variable")
            return f"√{inside}" if bare or tree.parts[0].value == "abs" else f"√({inside})"
    return f"{tree.value}({inside})"


def latex(tree: Tree) -> str:
    """Return the expression as LaTeX for mathematics mode."""
    match tree.kind:
        case "number":
            digits, _, power = str(tree.value).replace("_", "").partition("e" if "x" not in tree.value else "?")
            return rf"{digits} \cdot 10^{{{int(power)}}}" if power else digits
        case "constant":
            return r"\pi" if tree.value == "pi" else "e"
        case "variable":
            return tree.name[0] + (f"_{{{tree.name[1:]}}}" if tree.name[1:] else "")
        case "call":
            return _latex_call(tree)
        case "minus":
            return "-" + _latex_within(tree.parts[0], _PRODUCT)
        case "sum":
            return _join_sum(tree, _latex_within, "-")
        case "product":
            return _latex_product(tree)
    base, exponent = tree.parts
    textbook = base.kind == "call" and base.value in _TEXTBOOK_POWER and tree.kind == "power"
    if textbook and isinstance(exponent.constant, int) and exponent.constant > 0:
        return rf"\{base.value}^{{{exponent.constant}}}\left({latex(base.parts[0])}\right)"
    return f"{_latex_within(base, _ATOM)}^{{{latex(exponent)}}}"


def _latex_within(tree: Tree, least: int) -> str:
    inside = latex(tree)
    return inside if _strength(tree) >= least else rf"\left({inside}\right)"


def _latex_product(tree: Tree) -> str:
    before = tree.parts[0]
    text = latex(before) if before.kind == "minus" else _latex_within(before, _PRODUCT)
    for sign, part in zip(tree.value[1:], tree.parts[1:], strict=True):
        if sign == "/":
            text = rf"\frac{{{text}}}{{{latex(part)}}}"
        else:
            factor = _latex_within(part, _POWER)
            text += (r" \cdot " if factor[0].isdigit() else r" \, " if before.kind == "call" else " ") + factor
        before = part
    return text


def _latex_call(tree: Tree) -> str:
    inside = ", ".join(map(latex, tree.parts))
    match tree.value:
        case "abs":
            return rf"\left|{inside}\right|"
        case "floor":
            return rf"\left\lfloor {inside} \right\rfloor"
        case "sqrt":
            return rf"\sqrt{{{inside}}}"
    return rf"{_LATEX_NAMES.get(tree.value, chr(92) + tree.value)}\left({inside}\right)"
