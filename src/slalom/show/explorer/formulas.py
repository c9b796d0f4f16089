"""The update rules' formulas as trees, for the page to write and to compute with the numbers of a step.

They come from the same tracing as ``slalom show adam``: the lines that the author of a rule wrote. A tree is a number,
a name (``"m"``, ``"s.m"`` for the old m, ``"h.lr"``), or ``[operation, part, …]``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

OPTIONS = ("momentum", "dampening", "weight_decay", "lr_decay", "nesterov", "amsgrad", "centered")
"""Hyperparameters whose being 0 or False takes lines out of the formula, in the order of a variant's key."""

DECOUPLED = "decoupled_weight_decay"

OPERATIONS = {
    "Add": "add",
    "Abs": "absolute",
    "Max": "max",
    "Min": "min",
    **{name: name for name in ("sign", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "floor")},
}
"""What the page calls SymPy's functions; all that is not here a tree writes in another way, or refuses."""

WRITTEN = ("multiply", "divide", "power", "negative", "sqrt", "=", "<", ">", "≤", "≥")
"""The operations that a tree writes besides; ``cases`` alone is no function of its parts."""


def formulas() -> dict[str, Any]:
    """Return ``signs`` by name, and ``rules`` by import path of the class: ``options``, ``signs``, ``variants`` by key.

    A key is the options that are not 0 or False, joined by commas; a variant is a list of [name, tree, meaning].
    A rule's own signs are those that it writes otherwise than all others.
    """
    from slalom.optimizers.notation import signs
    from slalom.optimizers.rule import RULES

    shared = _texts(signs(""))
    return {"signs": shared, "rules": {path: _formula(rule, shared) for path, rule in RULES.items()}}


def _texts(table: Mapping[str, Any]) -> dict[str, str]:
    return {name: sign.text for name, sign in table.items() if sign.text}


def _formula(rule: Any, shared: Mapping[str, str]) -> dict[str, Any]:
    from slalom.optimizers.notation import signs

    values = _defaults(rule)
    written = signs(rule.name)
    options = [name for name in (*OPTIONS, DECOUPLED) if name in values]
    variants = {}
    for setting in itertools.product((False, True), repeat=len(options)):
        active = [name for name, on in zip(options, setting, strict=True) if on]
        if "nesterov" in active and ("momentum" not in active or "dampening" in active):
            continue  # refused by the class
        variants[",".join(active)] = _variant(rule, values, options, active, written)
    return {
        "options": options,
        "signs": {name: text for name, text in _texts(written).items() if shared.get(name) != text},
        "variants": variants,
    }


def _defaults(rule: Any) -> dict[str, Any]:
    """Return the hyperparameters of the rule's class that its formula reads, at their defaults."""
    from slalom.optimizers import catalogue, parse

    name = next(name for name, entry in catalogue().items() if entry.path == rule.authority and not entry.preset)
    return {key: value for key, value in parse(name).hyperparameters.items() if key in rule.options}


def _variant(rule: Any, values: Mapping[str, Any], options: list[str], active: list[str], written: Any) -> list[Any]:
    from slalom.optimizers.tracing import trace

    set_ = {name: (name in active) if isinstance(values[name], bool) else values[name] for name in options}
    for name in options:
        if not isinstance(values[name], bool) and name not in active:
            set_[name] = 0.0
    symbolic = frozenset(name for name in values if name not in options or name in active)
    lines = trace(rule, {**values, **set_}, symbolic).lines
    return [[line.name, tree(line.value), _meaning(line, written)] for line in lines]


def _meaning(line: Any, written: Mapping[str, Any]) -> str:
    """Return what a line computes; the last, θ ← …, explains itself unless it is the decay."""
    moves = line.name == "p" and {"m", "g", "d", "m_hat"} & {symbol.name for symbol in line.value.free_symbols}
    sign = written.get(line.name)
    return "" if moves or sign is None else sign.meaning


def tree(expression: Any) -> Any:
    """Return a tidy SymPy expression as nested lists: no subtraction, a division where a power is negative.

    Raises ``ValueError`` for a function that the page cannot compute.
    """
    import sympy

    if expression.is_Symbol:
        return expression.name
    if expression.is_Number or expression.is_NumberSymbol:  # π and e are numbers too
        value = float(expression)
        return int(value) if value == int(value) and abs(value) < 2**53 else value
    if isinstance(expression, sympy.Mul):
        return _product(expression)
    if isinstance(expression, sympy.Pow):
        return _power(expression)
    if isinstance(expression, sympy.Piecewise):
        return ["cases", *([tree(pair.expr), _condition(pair.cond)] for pair in expression.args)]
    name = type(expression).__name__
    if name not in OPERATIONS:
        raise ValueError(f"the explorer cannot compute {name}: add it to OPERATIONS in formulas.py and in formula.js")
    return [OPERATIONS[name], *map(tree, expression.args)]


def _condition(condition: Any) -> Any:
    relations = {"==": "=", "<": "<", ">": ">", "<=": "≤", ">=": "≥"}
    if condition == True:  # noqa: E712  SymPy's own true
        return None
    return [relations[condition.rel_op], tree(condition.lhs), tree(condition.rhs)]


def _product(expression: Any) -> Any:
    import sympy

    factors = list(expression.args)
    negative = False
    if factors[0].is_Number and float(factors[0]) == -1:
        negative, factors = True, factors[1:]
    below = [sympy.Pow(f.base, -f.exp) for f in factors if _divides(f)]
    above = [f for f in factors if not _divides(f)]
    value = _times(above)
    if below:
        value = ["divide", value, _times(below)]
    return ["negative", value] if negative else value


def _divides(factor: Any) -> bool:
    import sympy

    return isinstance(factor, sympy.Pow) and factor.exp.is_Number and float(factor.exp) < 0


def _times(factors: list[Any]) -> Any:
    if not factors:
        return 1
    return tree(factors[0]) if len(factors) == 1 else ["multiply", *map(tree, factors)]


def _power(expression: Any) -> Any:
    import sympy

    base, exponent = expression.args
    if exponent.is_Number and float(exponent) == 0.5:
        return ["sqrt", tree(base)]
    if exponent.is_Number and float(exponent) < 0:
        return ["divide", 1, tree(sympy.Pow(base, -exponent))]
    return ["power", tree(base), tree(exponent)]
