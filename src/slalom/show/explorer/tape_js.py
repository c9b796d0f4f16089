"""What typed expressions are computed with: each operation and its backward step, written from the same formulas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from slalom.formula.derivative import BACKWARD
from slalom.formula.graph import Graph
from slalom.formula.javascript import Script
from slalom.formula.node import Node

POWERS = {"square": 2, "cube": 3, "inverse": -1, "root": 0.5}
"""Powers that have an operation of their own."""

PLAIN = (
    "add", "subtract", "multiply", "divide", "reciprocal", "negative", "sqrt", "exp", "log", "sin", "cos", "tan",
    "asin", "acos", "arctan", "sinh", "cosh", "tanh", "absolute", "sign", "floor", "maximum", "minimum",
)  # fmt: skip
TWO = {"add", "subtract", "multiply", "divide", "maximum", "minimum"}


def tape_js() -> str:
    """Return ``tapeCodes`` and the functions ``tapeValue``, ``tapeForward`` and ``tapeBackward``."""
    codes = {name: index for index, name in enumerate((*PLAIN, *POWERS, "power"))}
    values = {name: _value(name) for name in codes}
    steps = {name: _backward(name) for name in codes}
    each = "const a = values[first[i]], b = values[second[i]];"
    forward = _switch("codes[i]", {code: f"values[i] = {values[name]}; break;" for name, code in codes.items()})
    backward = _switch("codes[i]", {code: f"{steps[name]} break;" for name, code in codes.items()})
    return f"""const tapeCodes = {json.dumps(codes)};

function tapeValue(code, a, b) {{
{_switch("code", {code: f"return {values[name]};" for name, code in codes.items()})}
}}

function tapeForward(size, codes, first, second, values) {{
  for (let i = 2; i < size; i++) {{
    {each}
{forward}
  }}
}}

function tapeBackward(size, codes, first, second, values, slopes) {{
  for (let i = size - 1; i > 1; i--) {{
    {each}
    const value = values[i], g = slopes[i];
{backward}
  }}
}}
"""


def _switch(on: str, lines: Mapping[int, str]) -> str:
    return "\n".join(
        [f"    switch ({on}) {{", *(f"      case {code}: {line}" for code, line in lines.items()), "    }"]
    )


def _apply(name: str) -> tuple[Graph, Node, tuple[Any, ...]]:
    """Return the graph of one operation, its node and its arguments ``a`` and ``b`` (or a constant exponent)."""
    graph = Graph()
    a = graph.tensor("a")
    if name in POWERS:
        return graph, a ** POWERS[name], (a, POWERS[name])
    arguments = (a, graph.tensor("b")) if name in TWO else (a,)
    return graph, Node.apply(name, *arguments), arguments


def _value(name: str) -> str:
    if name == "power":
        return "Math.pow(a, b)"
    _, node, arguments = _apply(name)
    return Script(_symbols(arguments)).expression(node)


def _symbols(arguments: tuple[Any, ...]) -> dict[Node, str]:
    return {argument: argument.name for argument in arguments if isinstance(argument, Node)}


def _backward(name: str) -> str:
    """Return the statements that hand the upstream gradient ``g`` on to the arguments."""
    if name == "power":  # the exponent b is a constant
        return "slopes[first[i]] += g * (b * Math.pow(a, b - 1));"
    graph, node, arguments = _apply(name)
    upstream = graph.tensor("g")
    parts = BACKWARD["power" if name in POWERS else name](upstream, node, *arguments)
    script = Script(_symbols(arguments) | {upstream: "g", node: "value"})
    lines = []
    for part, place in zip(parts, ("first", "second"), strict=False):
        if part is not None:
            lines.append(f"slopes[{place}[i]] += {script.expression(part)};")
    return " ".join(lines)
