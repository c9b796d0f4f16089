"""An update rule, line by line: each assignment in its text becomes a line of the formula.

The text of the rule is run with SymPy symbols, every assigned value being noted and replaced by a symbol of
its own. So the lines are those that the author wrote, and they are what the rule computes, not a second copy
of it.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy

from slalom.formula import Record, State
from slalom.formula.printing import tidy
from slalom.optimizers.rule import UpdateRule


@dataclass(frozen=True)
class Line:
    """``name ← value``: a name of the rule's own, a SymPy expression in such names, ``s.…`` and ``h.…``."""

    name: str
    value: Any


@dataclass(frozen=True)
class Trace:
    """What one step computes, in order, and what the state is before the first step."""

    lines: tuple[Line, ...]
    start: tuple[Line, ...]


def trace(rule: UpdateRule, values: Mapping[str, Any], symbolic: frozenset[str]) -> Trace:
    """Trace ``rule``. Hyperparameters in ``symbolic`` become symbols, the others keep their ``values``."""
    h = rule.hyperparameters(values)
    names = {part for name in symbolic for part in rule.unpack.get(name, (name,))}
    h = Record({k: _symbol(f"h.{k}") if k in names and not isinstance(v, bool) else v for k, v in h.items()})
    first = rule.start(0.0, h)
    state = State({name: _symbol(f"s.{name}") for name in first})
    lines = _run(rule.formula, state, h)
    lines, live = _without_the_unused(lines)
    lines = _without_idle_state(lines, set(state) - live)
    met = {symbol.name for line in lines for symbol in _at_the_first_step(line.value).free_symbols}
    start = tuple(Line(f"s.{k}", sympy.sympify(value)) for k, value in first.items() if f"s.{k}" in met)
    return Trace(tuple(lines), start)


_T = sympy.Symbol("t", positive=True, integer=True)


def _symbol(name: str) -> Any:
    return sympy.Symbol(name, real=True, positive=True if name.startswith("h.") else None)


def _at_the_first_step(value: Any) -> Any:
    """Return what a choice by ``t = 1`` comes to at the first step."""
    if isinstance(value, sympy.Piecewise):
        first = value.args[0]
        if isinstance(first.cond, sympy.Eq) and first.cond.lhs == _T and first.cond.rhs == 1:
            return first.expr
    return value


def _run(formula: Callable[..., Any], state: State, h: Record) -> list[Line]:
    """Run the text of ``formula`` with symbols and note each assignment."""
    lines: list[Line] = []
    current = {"p": _symbol("p"), "g": _symbol("g")}

    def note(names: tuple[str, ...], value: Any) -> Any:
        if len(names) > 1:
            return tuple(note((name,), part) for name, part in zip(names, value, strict=True))
        if not isinstance(value, sympy.Expr | float | int):
            return value
        (name,) = names
        value = tidy(value)
        if value.is_Symbol or value.is_Number:  # another name for something that has one
            return value
        lines.append(Line(name, value))
        return _symbol(name)

    with sympy.evaluate(False):
        step = _instrumented(formula, note)
        p, new = step(current["p"], current["g"], state, _T, h)
    for name, value in new.items():
        value = tidy(value)
        if value != _symbol(name) or name in current:
            lines.append(Line(f"s.{name}", value))
    return [*lines, Line("p", tidy(p))]


def _instrumented(formula: Callable[..., Any], note: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``formula`` with every ``x = value`` turned into ``x = note(("x",), value)``."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(formula)))
    tree = ast.fix_missing_locations(_Noting().visit(tree))
    namespace = {**formula.__globals__, "__note__": note}
    exec(compile(tree, f"<{formula.__name__}, noted>", "exec", dont_inherit=True), namespace)
    return namespace[formula.__name__]


class _Noting(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        for argument in node.args.args:
            argument.annotation = None
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        (target,) = node.targets
        targets = target.elts if isinstance(target, ast.Tuple) else [target]
        if all(isinstance(element, ast.Name) for element in targets):
            names = ast.Tuple([ast.Constant(e.id) for e in targets if isinstance(e, ast.Name)], ast.Load())
            node.value = ast.Call(ast.Name("__note__", ast.Load()), [names, node.value], [])
        return node


def _without_the_unused(lines: list[Line]) -> tuple[list[Line], set[str]]:
    """Drop the lines that the parameter never depends on, now or later; return also the live state."""
    live: set[str] = set()
    while True:
        wanted = {"p"} | live | {f"s.{name}" for name in live}
        kept = []
        for line in reversed(lines):
            if line.name in wanted:
                kept.append(line)
                wanted = (wanted - {line.name}) | {symbol.name for symbol in line.value.free_symbols}
        needed = {name.removeprefix("s.") for name in wanted if name.startswith("s.")}
        if needed <= live:
            return kept[::-1], live
        live |= needed


def _without_idle_state(lines: list[Line], idle: set[str]) -> list[Line]:
    """Put what would be state, but is not remembered under these options, where it is used."""
    result: list[Line] = []
    replacements: dict[Any, Any] = {}
    for line in lines:
        with sympy.evaluate(False):
            value = tidy(line.value.xreplace(replacements))
        if line.name in idle:
            replacements[_symbol(line.name)] = value
        else:
            result.append(Line(line.name, value))
    return result
