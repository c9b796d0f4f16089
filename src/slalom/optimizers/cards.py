"""What there is to know about one optimizer, ready to print: ``slalom show adamw``.

The formula is traced from the update rule that the engines run (:mod:`slalom.optimizers.tracing`), under the
options that were typed. Classes without such a rule get a description written by hand, and say so.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from slalom.formula.printing import Printer, columns, latex_cases, pad, text_cases
from slalom.optimizers.catalogue import catalogue, entry_of
from slalom.optimizers.checks import signature_of
from slalom.optimizers.notation import HYPERPARAMETERS, PARTICULAR_HYPERPARAMETERS, Sign, signs
from slalom.optimizers.prose import ALGORITHMS, MEANINGS, REMARKS
from slalom.optimizers.rule import UpdateRule
from slalom.optimizers.specs import SpecifiedOptimizer, parse
from slalom.optimizers.tracing import Line, trace

NEEDED = {"nesterov": ("momentum",), "dampening": ("momentum",), "decoupled_weight_decay": ("weight_decay",)}
"""Options that change nothing, or are refused, without another one."""


@dataclass(frozen=True)
class FormulaLine:
    """One assignment: ``text`` (a choice takes several rows), the same as LaTeX, and what it computes."""

    text: str
    latex: str
    meaning: str = ""


@dataclass(frozen=True)
class OptionLines:
    """The lines that an option adds to the formula or changes in it."""

    option: str  # "amsgrad=True"
    lines: tuple[FormulaLine, ...]


@dataclass(frozen=True)
class HyperparameterRow:
    """One hyperparameter: its name, its sign in the formula, value, the class's default, meaning."""

    name: str
    sign: str
    latex: str
    value: Any
    default: Any
    meaning: str


@dataclass(frozen=True)
class OptimizerCard:
    """What ``slalom show`` prints; ``traced`` is false where the formula is a description written by hand."""

    name: str
    spec: str
    title: str
    path: str
    description: str
    start: str  # the state before the first step, "m = 0, v = 0"
    start_latex: str
    formula: tuple[FormulaLine, ...]
    options: tuple[OptionLines, ...]
    hyperparameters: tuple[HyperparameterRow, ...]
    remarks: tuple[str, ...]
    paper: str
    traced: bool

    def text(self, width: int = 96) -> str:
        """Return the card for a terminal of ``width`` columns."""
        parts = [f"{self.title}   {self.path}", *_wrap(self.description, width, ""), ""]
        if self.formula:
            parts += [*self._formula_text(width), ""]
        else:
            parts += ["slalom has no formula for this class; the class itself is what runs.", ""]
        if self.hyperparameters:
            parts += ["Hyperparameters", *self._table_text(width), ""]
        if self.remarks:
            parts += [f"What {self._library} does"]
            parts += [row for remark in self.remarks for row in _wrap(remark, width, "  • ")] + [""]
        if self.paper:
            parts += ["Source", *_wrap(self.paper, width, "  ")]
        return "\n".join(parts).rstrip()

    def latex(self) -> str:
        """Return the formula as LaTeX (amsmath), one row for each assignment."""
        rows = [line.latex for line in self.formula]
        if self.start_latex:
            rows = [rf"& {self.start_latex} \quad \text{{before the first step}}", *rows]
        return "\\begin{aligned}\n" + " \\\\\n".join(f"  {row}" for row in rows) + "\n\\end{aligned}"

    @property
    def _library(self) -> str:
        return "PyTorch" if self.path.startswith("torch.") else self.path.partition(".")[0].replace("_", "-")

    def _formula_text(self, width: int) -> Iterable[str]:
        heading = "Each step t = 1, 2, …, with the gradient g at θ"
        if not self.traced:
            heading += " (a description; the class itself is what runs)"
        elif self.start:
            heading += f", from {self.start}"
        every = [*self.formula, *(line for option in self.options for line in option.lines)]
        longest = max(columns(row) for line in every for row in line.text.split("\n"))
        yield from _wrap(heading, width, "")
        yield from _rows(self.formula, longest, width)
        for option in self.options:
            yield ""
            yield f"With {option.option}"
            yield from _rows(option.lines, longest, width)

    def _table_text(self, width: int) -> Iterable[str]:
        values = [_show(row) for row in self.hyperparameters]
        names = max(columns(row.name) for row in self.hyperparameters)
        marks = max(columns(row.sign) for row in self.hyperparameters)
        shown = max(map(columns, values))
        for row, value in zip(self.hyperparameters, values, strict=True):
            lead = f"  {pad(row.name, names)}  {pad(row.sign, marks)}  {pad(value, shown)}  "
            rows = textwrap.wrap(row.meaning, max(20, width - columns(lead))) or [""]
            yield (lead + rows[0]).rstrip()
            yield from (" " * columns(lead) + more for more in rows[1:])


def describe(spec: Any) -> OptimizerCard:
    """Return the card of an optimizer, given as :func:`slalom.optimizers.parse` takes it."""
    optimizer = parse(spec)
    entry = catalogue().get(optimizer.family) or entry_of(optimizer.path)
    documented = " ".join((optimizer.factory.__doc__ or "").strip().split("\n\n")[0].split())
    rule = optimizer.rule if isinstance(optimizer.rule, UpdateRule) else None
    start, start_latex, lines, options = _traced(optimizer, rule) if rule else ("", "", (), ())
    if not rule:
        lines = tuple(FormulaLine(text, _align(latex)) for text, latex in ALGORITHMS.get(optimizer.path, ()))
    return OptimizerCard(
        name=optimizer.family,
        spec=optimizer.spec,
        title=optimizer.name,
        path=optimizer.path,
        description=entry.description if entry else documented,
        start=start,
        start_latex=start_latex,
        formula=lines,
        options=options,
        hyperparameters=tuple(_table(optimizer, rule)),
        remarks=REMARKS.get(optimizer.path, ()),
        paper=entry.paper if entry else "",
        traced=rule is not None,
    )


def _traced(
    optimizer: SpecifiedOptimizer, rule: UpdateRule
) -> tuple[str, str, tuple[FormulaLine, ...], tuple[OptionLines, ...]]:
    """Return the start, the formula under the options in force, and what each further option would change."""
    values = {k: v for k, v in optimizer.hyperparameters.items() if k in rule.options}
    given = {**optimizer.preset, **optimizer.typed}
    symbolic = frozenset(k for k, v in values.items() if k in given or v != 0)
    base = trace(rule, values, symbolic)
    options = [
        _option(rule, values, symbolic, name)
        for name, value in values.items()
        if name not in symbolic and value in (0, False)
    ]
    start = ", ".join(_equation(rule, line, latex=False) for line in base.start)
    start_latex = r", \; ".join(_equation(rule, line, latex=True) for line in base.start)
    lines = _formatted(rule, base.lines)
    if optimizer.hyperparameters.get("maximize"):
        lines = (FormulaLine("g ← −g", r"g &\leftarrow -g", "climbs"), *lines)
    return start, start_latex, lines, tuple(option for option in options if option.lines)


def _option(rule: UpdateRule, values: Mapping[str, Any], symbolic: frozenset[str], name: str) -> OptionLines:
    """Return the lines that differ once ``name`` is set as well, with what it needs to have an effect."""
    needed = [other for other in NEEDED.get(name, ()) if other in values and other not in symbolic]
    base = trace(rule, values, symbolic | {*needed})
    switched = {**values, name: True} if isinstance(values[name], bool) else values
    after = trace(rule, switched, symbolic | {*needed, name})
    if isinstance(values[name], bool) and needed == ["weight_decay"]:
        base = trace(rule, values, symbolic)  # the decay itself is what differs
    label = ", ".join(_named(rule, option, switched[option]) for option in (*needed, name))
    changed = [line for line in after.lines if line not in base.lines]
    before = [_equation(rule, line, latex=False) for line in after.start if line.value not in (0, 1)]
    lines = _formatted(rule, changed, last=after.lines[-1])
    if not changed and before:
        latex = ", ".join(_equation(rule, line, latex=True) for line in after.start)
        lines = (FormulaLine(", ".join(before), latex, "before the first step"),)
    return OptionLines(label, lines)


def _named(rule: UpdateRule, name: str, value: Any) -> str:
    return f"{name}=True" if isinstance(value, bool) else f"{name}={_sign(rule, name).text}"


def _printer(rule: UpdateRule, latex: bool) -> Printer:
    table = signs(rule.name)
    return Printer({name: sign.latex if latex else sign.text for name, sign in table.items()}, latex)


def _equation(rule: UpdateRule, line: Line, latex: bool) -> str:
    printer = _printer(rule, latex)
    return f"{printer.symbol(line.name)} = {printer(line.value)}"


def _formatted(rule: UpdateRule, lines: Sequence[Line], last: Line | None = None) -> tuple[FormulaLine, ...]:
    """Format each line; the last of a step is the step itself and needs no words."""
    last = last or lines[-1]
    return tuple(_format(rule, line, wordless=line is last) for line in lines)


def _format(rule: UpdateRule, line: Line, wordless: bool) -> FormulaLine:
    text, latex = _printer(rule, latex=False), _printer(rule, latex=True)
    lead = f"{text.symbol(line.name)} ← "
    rows = text_cases(text.cases(line.value))
    sign = signs(rule.name).get(line.name, Sign(line.name, line.name))
    return FormulaLine(
        lead + ("\n" + " " * columns(lead)).join(rows),
        rf"{latex.symbol(line.name)} &\leftarrow {latex_cases(latex.cases(line.value))}",
        "" if wordless else sign.meaning,
    )


def _align(latex: str) -> str:
    return latex.replace(r"\leftarrow", r"&\leftarrow", 1) if r"\leftarrow" in latex else f"& {latex}"


def _sign(rule: UpdateRule | None, name: str) -> Sign:
    own = PARTICULAR_HYPERPARAMETERS.get(rule.name, {}) if rule else {}
    return own.get(name) or HYPERPARAMETERS.get(name, Sign("", ""))


def _table(optimizer: SpecifiedOptimizer, rule: UpdateRule | None) -> Iterable[HyperparameterRow]:
    defaults = signature_of(optimizer.factory).defaults
    meanings = MEANINGS.get(optimizer.path, {})
    for name, value in optimizer.hyperparameters.items():
        sign = Sign(*meanings[name]) if name in meanings else _sign(rule, name)
        default = defaults.get(name, value)
        yield HyperparameterRow(name, sign.text, sign.latex, value, default, sign.meaning)


def _show(row: HyperparameterRow) -> str:
    value = repr(row.value)
    return value if row.value == row.default else f"{value} (default {row.default!r})"


def _rows(lines: Iterable[FormulaLine], longest: int, width: int) -> Iterable[str]:
    """Set formulas and their meanings side by side; what does not fit beside a formula goes on below."""
    room = max(16, width - longest - 7)
    for line in lines:
        pairs = zip_longest(line.text.split("\n"), textwrap.wrap(line.meaning, room), fillvalue="")
        yield from (f"    {pad(formula, longest)}   {words}".rstrip() for formula, words in pairs)


def _wrap(text: str, width: int, lead: str) -> list[str]:
    """Wrap ``text``; a formula in it breaks at no operator."""
    bound = re.sub(r" ([←=<>+−]) ", "\N{NO-BREAK SPACE}\\1\N{NO-BREAK SPACE}", text)
    rows = textwrap.wrap(bound, width, initial_indent=lead, subsequent_indent=" " * len(lead))
    return [row.replace("\N{NO-BREAK SPACE}", " ") for row in rows]
