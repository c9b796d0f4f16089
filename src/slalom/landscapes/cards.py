"""What is known of a landscape, for a person to read."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

from slalom.landscapes.catalogue import CATALOGUE
from slalom.landscapes.expressions import Expression, parse
from slalom.landscapes.finding import find
from slalom.landscapes.landscape import Landscape, written
from slalom.landscapes.notation import latex, unicode_text

_WIDTH = 100
_SHOWN_MINIMA = 4


@dataclass(frozen=True)
class LandscapeCard:
    """A landscape with its formula, source and lesson; :meth:`text` is for the terminal."""

    landscape: Landscape
    formula: str  # as a textbook prints it; "" where it is not known (a function of the user's own)
    formula_latex: str
    expression: str  # what to type to get the same function, perhaps changed; "" where there is none
    source: str
    teaches: str
    dims: str  # "2", "4", "any number from 1"
    options: str  # "dim, condition"

    @property
    def name(self) -> str:
        return self.landscape.name

    def latex(self) -> str:
        """Return the formula as LaTeX, without dollar signs."""
        return self.formula_latex

    def rows(self) -> list[tuple[str, str]]:
        """Return what is known as (label, text), in reading order."""
        course = self.landscape
        rows = [("formula", self.formula), ("type", self.expression), ("variables", self.dims)]
        rows += [("options", self.options), ("domain", _domain(course)), ("minima", _minima(course))]
        rows += [("starts", "  ".join(map(written, course.starts))), ("teaches", self.teaches)]
        rows += [("source", self.source), ("remark", course.remark)]
        return [(label, text) for label, text in rows if text]

    def text(self) -> str:
        """Return the whole card as lines of text."""
        lines = [self.name]
        for label, text in self.rows():
            wrapped = textwrap.wrap(text, _WIDTH - 14, break_long_words=False) or [""]
            lines.append(f"  {label:<10}  {wrapped[0]}")
            lines += [" " * 14 + line for line in wrapped[1:]]
        return "\n".join(lines)


def describe(course: Any) -> LandscapeCard:
    """Return the card of a landscape: a name of the catalogue, or anything else that :func:`find` takes."""
    landscape = course if isinstance(course, Landscape) else find(course)
    entry = CATALOGUE.get(landscape.name.partition(":")[0])
    if entry is None:
        own = landscape.function if isinstance(landscape.function, Expression) else None
        return LandscapeCard(
            landscape,
            formula=unicode_text(own.tree) if own else "",
            formula_latex=latex(own.tree) if own else "",
            expression="",
            source="",
            teaches="",
            dims=str(landscape.dim),
            options="",
        )
    tree = None if entry.any_dim else parse(entry.formula).tree
    least, most = entry.dims
    settings = ["dim", *entry.parameters] if entry.any_dim else list(entry.parameters)
    return LandscapeCard(
        landscape,
        formula=unicode_text(tree) if tree else entry.formula,
        formula_latex=latex(tree) if tree else entry.latex,
        expression=entry.formula if tree else "",
        source=entry.source,
        teaches=entry.teaches,
        dims=f"{landscape.dim} here, {least} to {most:,}" if entry.any_dim else str(least),
        options=", ".join(settings),
    )


def _domain(course: Landscape) -> str:
    intervals = [f"[{low:g}, {high:g}]" for low, high in course.domain]
    if len(set(intervals)) == 1:
        return intervals[0] + (" for every variable" if course.dim > 1 else "")
    return " × ".join(intervals)


def _minima(course: Landscape) -> str:
    if not course.minima:
        known = course.name.partition(":")[0] in CATALOGUE
        return "none, it falls without end" if known else "not known"
    places = "  ".join(written(minimum.point) for minimum in course.minima[:_SHOWN_MINIMA])
    return f"{course.minima[0].value:.10g} at {places}"
