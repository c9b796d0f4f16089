"""The gradient of a recorded formula, by reverse mode, in the very operations and order that autograd uses.

That makes it not only right but, on most landscapes, equal to autograd's to the last bit, which is what lets an exact
engine use it. Each rule below is the backward formula that PyTorch publishes in its ``derivatives.yaml``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from slalom.formula.functions import cos, cosh, equal, sign, sin, sinh, sqrt, where
from slalom.formula.node import Node, Value

Backward = Callable[..., tuple[Any, ...]]


def gradient(output: Value, inputs: Sequence[Node]) -> list[Value]:
    """Return the derivative of ``output`` by each of ``inputs``, recorded in the same graph.

    Raises NotImplementedError for an operation whose derivative is not written down here.
    """
    if not isinstance(output, Node):
        return [0.0] * len(inputs)
    recorded = list(output.graph.nodes)
    order = {id(node): index for index, node in enumerate(recorded)}
    arrived: dict[int, Value] = {id(output): 1.0}
    for node in reversed(recorded[: order[id(output)] + 1]):
        upstream = arrived.get(id(node))
        if upstream is None or node.operation == "input" or node.scalar:
            continue
        for argument, contribution in zip(node.arguments, _contributions(node, upstream), strict=True):
            if isinstance(argument, Node) and not argument.scalar and contribution is not None:
                before = arrived.get(id(argument))
                arrived[id(argument)] = contribution if before is None else before + contribution
    return [arrived.get(id(symbol), 0.0) for symbol in inputs]


def _contributions(node: Node, upstream: Value) -> tuple[Any, ...]:
    backward = BACKWARD.get(node.operation)
    if backward is None:
        raise NotImplementedError(f"no derivative of {node.operation}")
    return backward(upstream, node, *node.arguments)


def _times(a: Value, b: Value) -> Value:
    """a·b, where a factor of exactly one changes nothing."""
    if not isinstance(a, Node) and a == 1.0:
        return b
    if not isinstance(b, Node) and b == 1.0:
        return a
    return a * b


def _power(g: Value, node: Node, base: Value, exponent: Value) -> tuple[Any, ...]:
    if isinstance(exponent, Node) or not isinstance(base, Node):
        raise NotImplementedError("no derivative of a power whose exponent varies")
    if exponent == 0:
        return 0.0, None
    lowered = base if exponent == 2 else 1.0 if exponent == 1 else base ** (exponent - 1)
    return _times(g, _times(exponent, lowered)), None


def _larger(g: Value, node: Node, a: Value, b: Value) -> tuple[Any, ...]:
    half = where(equal(a, b), g / 2, 0.0)
    return where(a > b, g, half), where(b > a, g, half)


def _smaller(g: Value, node: Node, a: Value, b: Value) -> tuple[Any, ...]:
    half = where(equal(a, b), g / 2, 0.0)
    return where(a < b, g, half), where(b < a, g, half)


BACKWARD: dict[str, Backward] = {
    "add": lambda g, node, a, b: (g, g),
    "subtract": lambda g, node, a, b: (g, -g),
    "negative": lambda g, node, a: (-g,),
    "multiply": lambda g, node, a, b: (_times(g, b), _times(g, a)),
    "divide": lambda g, node, a, b: (g / b, _times(-g, (a / b) / b) if isinstance(b, Node) else None),
    "reciprocal": lambda g, node, a: (_times(-g, node * node),),
    "power": _power,
    "sqrt": lambda g, node, a: (g / (2 * node),),
    "exp": lambda g, node, a: (_times(g, node),),
    "log": lambda g, node, a: (g / a,),
    "sin": lambda g, node, a: (_times(g, cos(a)),),
    "cos": lambda g, node, a: (_times(g, -sin(a)),),
    "tan": lambda g, node, a: (_times(g, 1 + node**2),),
    "asin": lambda g, node, a: (_times(g, 1 / sqrt(1 - a * a)),),
    "acos": lambda g, node, a: (_times(-g, 1 / sqrt(1 - a * a)),),
    "arctan": lambda g, node, a: (g / (a * a + 1),),
    "sinh": lambda g, node, a: (_times(g, cosh(a)),),
    "cosh": lambda g, node, a: (_times(g, sinh(a)),),
    "tanh": lambda g, node, a: (_times(g, 1 - node * node),),
    "absolute": lambda g, node, a: (_times(g, sign(a)),),
    "sign": lambda g, node, a: (0.0,),
    "floor": lambda g, node, a: (0.0,),
    "maximum": _larger,
    "minimum": _smaller,
    "where": lambda g, node, c, a, b: (None, where(c, g, 0.0), where(c, 0.0, g)),
}
"""(upstream gradient, the node, its arguments) to the gradient for each argument."""
