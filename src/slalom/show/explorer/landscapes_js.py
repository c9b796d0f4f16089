"""The landscapes of two coordinates as JavaScript: value and exact gradient, written from the recorded formula."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from slalom.formula.derivative import gradient
from slalom.formula.graph import Graph
from slalom.formula.javascript import Script
from slalom.landscapes.catalogue import CATALOGUE, build
from slalom.landscapes.catalogue.entry import Entry


def landscapes_js() -> str:
    """Return ``const landscapes = {...};`` with every named landscape that has a form in two coordinates."""
    plane = [name for name, entry in CATALOGUE.items() if entry.dims[0] <= 2 <= entry.dims[1]]
    entries = ",\n".join(f"  {json.dumps(name)}: {_landscape(name, CATALOGUE[name])}" for name in plane)
    return f"const landscapes = {{\n{entries},\n}};\n"


def _landscape(name: str, entry: Entry) -> str:
    course = build(name, {"dim": 2} if entry.any_dim else {})
    facts = {
        "name": name,
        "label": entry.label or name.replace("-", " ").capitalize(),
        "title": course.title,
        "dim": 2,
        "domain": course.domain,
        "minima": [{"point": minimum.point, "value": minimum.value} for minimum in course.minima],
        "starts": course.starts,
        "teaches": entry.teaches,
    }
    written = ",\n    ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items())
    value, slope = functions_js(course.function)
    return f"{{\n    {written},\n    f: {_indented(value)},\n    g: {_indented(slope)},\n  }}"


def functions_js(function: Callable[..., Any]) -> tuple[str, str]:
    """Return ``(x, y) => value`` and ``(x, y, out) => value``, which also writes the gradient to ``out``."""
    graph = Graph()
    x, y = graph.tensor("x"), graph.tensor("y")
    value = function(x, y)
    alone = Script({x: "x", y: "y"})
    (text,) = alone.write([value])
    both = Script({x: "x", y: "y"})
    whole, along_x, along_y = both.write([value, *gradient(value, (x, y))])
    slopes = [f"out[0] = {along_x};", f"out[1] = {along_y};"]
    return (
        _function("(x, y)", [*alone.head, f"return {text};"]),
        _function("(x, y, out)", [*both.head, *slopes, f"return {whole};"]),
    )


def _function(arguments: str, lines: list[str]) -> str:
    if len(lines) == 1:
        return f"{arguments} => {lines[0].removeprefix('return ').removesuffix(';')}"
    return "\n".join([f"{arguments} => {{", *(f"  {line}" for line in lines), "}"])


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")
