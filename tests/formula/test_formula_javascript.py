"""Formulas as JavaScript, computed by a real browser and compared with NumPy and with Python's own arithmetic."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from slalom.formula import sqrt, where
from slalom.formula.functions import FUNCTIONS
from slalom.formula.graph import ARITHMETIC, Graph, compute
from slalom.formula.javascript import OPERATIONS, Script, number
from slalom.formula.node import Node

SAMPLES = (0.0, -0.0, 1.0, -1.0, 0.5, -0.7, 2.0, 3.0, -3.5, 1e-9, 700.0, -1e300, math.inf, -math.inf, math.nan)
ONE_ARGUMENT = {
    "negative", "reciprocal", "sqrt", "exp", "log", "sin", "cos", "tan", "asin", "acos", "arctan", "sinh", "cosh",
    "tanh", "absolute", "sign", "floor", "float32",
}  # fmt: skip


@pytest.fixture(scope="module")
def page(browser: Any) -> Any:
    opened = browser.new_page()
    yield opened
    opened.close()


def run(page: Any, arguments: str, body: str, cases: Sequence[tuple[float, ...]]) -> list[float]:
    """Return what a JavaScript function makes of each case; numbers travel as text, NaN and infinities with them."""
    written = "[" + ",".join("[" + ",".join(map(number, case)) + "]" for case in cases) + "]"
    script = f"{written}.map(([{arguments}]) => {{ {body} }}).map(v => Object.is(v, -0) ? '-0' : String(Number(v)))"
    return [float(text.replace("Infinity", "inf")) for text in page.evaluate(script)]


def test_every_operation_that_a_graph_records_can_be_written() -> None:
    assert set(OPERATIONS) == set(ARITHMETIC) | set(FUNCTIONS)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_gives_what_python_gives(page: Any, name: str) -> None:
    graph = Graph()
    symbols = [graph.tensor(letter) for letter in ("a" if name in ONE_ARGUMENT else "cab" if name == "where" else "ab")]
    condition = [symbols[0] > 0, *symbols[1:]] if name == "where" else symbols
    script = Script({symbol: symbol.name for symbol in symbols})
    text = script.expression(Node.apply(name, *condition))
    cases = [
        (a,) if len(symbols) == 1 else (a, b) if len(symbols) == 2 else (a, b, -b) for a in SAMPLES for b in SAMPLES
    ]
    got = run(page, ", ".join(symbol.name for symbol in symbols), f"return {text};", cases)
    columns = [np.array(column) for column in zip(*cases, strict=True)]
    if name == "where":
        columns[0] = columns[0] > 0
    with np.errstate(all="ignore"):
        real = FUNCTIONS[name](*columns) if name in FUNCTIONS else getattr(np, name)(*columns)
    for case, mine, theirs in zip(cases, got, real, strict=True):
        if name == "power" and math.isnan(mine):
            assert abs(case[0]) == 1.0 or math.isnan(theirs)  # 1 to the power of NaN or infinity is NaN in JavaScript
            continue
        np.testing.assert_allclose(mine, float(theirs), rtol=1e-14, err_msg=f"{name}{case}")


def test_brackets_keep_the_order_of_computation_to_the_last_bit(page: Any) -> None:
    generator = random.Random(4)
    for _ in range(150):
        graph = Graph()
        symbols = [graph.tensor(letter) for letter in "abc"]
        pool: list[Any] = [*symbols, 2.5, -3.0, 0.1]
        for _ in range(generator.randint(2, 14)):
            one, other = generator.choice([part for part in pool if isinstance(part, Node)]), generator.choice(pool)
            name = generator.choice(["add", "subtract", "multiply", "divide", "negative", "where", "power"])
            if name == "power":
                pool.append(one ** generator.choice([2, 3, 0.5, -1]))
            elif name == "where":
                pool.append(where(one > other, other, generator.choice(pool)))
            elif name == "negative":
                pool.append(-one)
            else:
                pool.append(Node.apply(name, *generator.sample([one, other], 2)))
        root = next((part for part in reversed(pool) if isinstance(part, Node)), symbols[0])
        script = Script({symbol: symbol.name for symbol in symbols})
        (text,) = script.write([root])
        cases = [tuple(generator.uniform(-2, 2) for _ in range(3)) for _ in range(10)]
        got = run(page, "a, b, c", " ".join([*script.head, f"return {text};"]), cases)
        whole = run(page, "a, b, c", f"return {Script({s: s.name for s in symbols}).expression(root)};", cases)
        for case, mine, inline in zip(cases, got, whole, strict=True):
            real = replay(root, dict(zip(symbols, case, strict=True)))
            assert repr(mine) == repr(float(real)), (text, case)
            assert repr(inline) == repr(mine)


def replay(root: Any, values: dict[Node, float]) -> float:
    """Compute a recorded formula with Python's arithmetic, node by node."""
    known: dict[Node, float] = dict(values)
    for node in root.graph.nodes:
        if node not in known:
            arguments = [known[a] if isinstance(a, Node) else a for a in node.arguments]
            if node.operation == "power" and arguments[1] in (2, 3):
                square = arguments[0] * arguments[0]
                known[node] = square if arguments[1] == 2 else square * arguments[0]
            elif node.operation == "power":
                known[node] = (
                    compute("sqrt", arguments[0]) if arguments[1] == 0.5 else compute("divide", 1.0, arguments[0])
                )
            else:
                known[node] = compute(node.operation, *arguments)
    return known[root]


@pytest.mark.parametrize(
    "value",
    [0, 1, -1, 0.1, 1e-300, 5e-324, 1.7976931348623157e308, 2.0**53, 1e22, 1e21, -0.0, 1 / 3, math.inf, math.nan],
)
def test_a_number_is_written_so_that_it_comes_back(page: Any, value: float) -> None:
    assert repr(run(page, "a", "return a;", [(value,)])[0]) == repr(float(value))


def test_equal_parts_are_computed_once_and_those_without_lanes_before_the_loop() -> None:
    graph = Graph()
    h, p = graph.tensor("h"), graph.tensor("p")
    script = Script({h: "h", p: "p[i]"}, lanes=frozenset([p]))
    texts = script.write([(1 - h) * p + sqrt(p * p), sqrt(p * p) / (1 - h)])
    assert script.head == ["const a0 = 1 - h;"]
    assert script.body == ["const b0 = Math.sqrt(p[i] * p[i]);"]
    assert texts == ["a0 * p[i] + b0", "b0 / a0"]


def test_a_number_over_what_is_the_same_for_all_lanes_is_divided_and_not_multiplied() -> None:
    graph = Graph()
    h, p = graph.tensor("h"), graph.tensor("p")
    script = Script({h: "h", p: "p"}, lanes=frozenset([p]))
    assert script.expression(2 / (1 - h)) == "2 / (1 - h)"
    assert script.expression(2 / (1 - p)) == "1 / (1 - p) * 2"


def test_a_name_is_given_to_each_output_where_that_is_asked_for() -> None:
    graph = Graph()
    p = graph.tensor("p")
    script = Script({p: "p"}, lanes=frozenset([p]))
    assert script.write([p + 1, 3.0, p], named=True) == ["b0", "3", "p"]
    assert json.dumps(script.body) == '["const b0 = p + 1;"]'
