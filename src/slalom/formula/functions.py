"""The functions that formulas are written with, for floats, arrays, tensors, SymPy expressions and symbols alike.

Torch, NumPy and SymPy are reached through their own objects, so none is imported before somebody hands one in.
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable
from typing import Any

from slalom.formula.node import Node

pi = math.pi
E = math.e

_ORDER = ("float", "array", "tensor", "sympy", "node")  # the later kind decides in a mixed call
_KIND_OF_TYPE: dict[type, int] = {float: 0, int: 0, bool: 0}


def _kind(value: Any) -> int:
    """Return the index in ``_ORDER`` of what ``value`` is."""
    found = _KIND_OF_TYPE.get(type(value))
    if found is None:
        found = _KIND_OF_TYPE[type(value)] = _classify(type(value))
    return found


def _classify(kind: type) -> int:
    if issubclass(kind, Node):
        return 4
    roots = {ancestor.__module__.partition(".")[0] for ancestor in kind.__mro__}
    if "sympy" in roots:
        return 3
    if "torch" in roots:
        return 2
    if issubclass(kind, float | int):  # numpy.float64 is a float
        return 0
    if "numpy" in roots:
        return 1
    raise TypeError(f"formulas take numbers, arrays, tensors and symbols, not {kind.__name__}")


class Function:
    """A named function with one implementation for each kind of argument."""

    def __init__(self, name: str, on_float: Callable[..., float], torch: str = "", sympy: Any = "", numpy: str = ""):
        self.name = name
        self._float = on_float
        self._torch = torch or name
        self._sympy = sympy or name
        self._numpy = numpy or name

    def __call__(self, *arguments: Any) -> Any:
        kind = max(map(_kind, arguments))
        if kind == 0:
            return self._on_floats(arguments)
        if kind == 4:
            return Node.apply(self.name, *arguments)
        if kind == 1:
            if self.name == "float32":
                return arguments[0].astype("float32").astype(arguments[0].dtype)
            if self.name == "sign":  # NumPy's is NaN of NaN
                return sys.modules["numpy"].nan_to_num(sys.modules["numpy"].sign(arguments[0]), nan=0.0)
            return getattr(sys.modules["numpy"], self._numpy)(*arguments)
        if kind == 2:
            return self._on_tensors(arguments)
        return (
            self._sympy(*arguments) if callable(self._sympy) else getattr(sys.modules["sympy"], self._sympy)(*arguments)
        )

    def _on_floats(self, arguments: tuple[Any, ...]) -> float:
        """IEEE semantics: NaN outside the domain, infinity on overflow, never an exception."""
        try:
            return self._float(*arguments)
        except ValueError:
            return math.nan if self.name != "log" or arguments[0] != 0 else -math.inf
        except OverflowError:
            return math.inf

    def _on_tensors(self, arguments: tuple[Any, ...]) -> Any:
        torch = sys.modules["torch"]
        if self.name == "float32":
            return arguments[0].float().to(arguments[0].dtype)
        if len(arguments) > 1:
            like = next(a for a in arguments if _kind(a) == 2 and a.dtype is not torch.bool)
            arguments = tuple(
                a if _kind(a) == 2 or isinstance(a, bool) else torch.full((), a, dtype=like.dtype, device=like.device)
                for a in arguments
            )
            if self.name == "where" and isinstance(arguments[0], bool):
                return arguments[1] if arguments[0] else arguments[2]
        return getattr(torch, self._torch)(*arguments)

    def __repr__(self) -> str:
        return f"slalom.formula.{self.name}"


def _round_to_float32(value: float) -> float:
    return struct.unpack("f", struct.pack("f", value))[0]


def _sign(value: float) -> float:
    return float(value > 0) - float(value < 0)  # as torch has it: 0 of NaN and of -0 too


def _larger(a: float, b: float) -> float:
    return math.nan if a != a or b != b else max(a, b)


def _smaller(a: float, b: float) -> float:
    return math.nan if a != a or b != b else min(a, b)


def _sympy_where(condition: Any, then: Any, otherwise: Any) -> Any:
    if isinstance(condition, bool):
        return then if condition else otherwise
    return sys.modules["sympy"].Piecewise((then, condition), (otherwise, True))


def _unchanged(value: Any) -> Any:
    return value


sqrt = Function("sqrt", math.sqrt)
exp = Function("exp", math.exp)
log = Function("log", math.log)
sin = Function("sin", math.sin)
cos = Function("cos", math.cos)
tan = Function("tan", math.tan)
asin = Function("asin", math.asin, numpy="arcsin")
acos = Function("acos", math.acos, numpy="arccos")
arctan = Function("arctan", math.atan, torch="atan", sympy="atan")
sinh = Function("sinh", math.sinh)
cosh = Function("cosh", math.cosh)
tanh = Function("tanh", math.tanh)
absolute = Function("absolute", abs, torch="abs", sympy="Abs")
sign = Function("sign", _sign)
floor = Function("floor", math.floor)
maximum = Function("maximum", _larger, sympy="Max")
minimum = Function("minimum", _smaller, sympy="Min")
where = Function("where", lambda condition, then, otherwise: then if condition else otherwise, sympy=_sympy_where)
"""``where(condition, then, otherwise)``: a choice that may differ from lane to lane."""
equal = Function("equal", lambda a, b: a == b, torch="eq", sympy="Eq")
"""``a == b`` as a value that ``where`` takes; symbols compare by identity under ``==`` itself."""
float32 = Function("float32", _round_to_float32, sympy=_unchanged)
"""Round to single precision and back, as torch does to the few numbers it keeps in its default dtype."""


def nonzero(divisor: Any) -> Any:
    """Return ``divisor``, or 1 where it is 0: for a quotient in the branch that ``where`` then discards.

    Floats would raise ZeroDivisionError there. People read the formula without it.
    """
    return divisor if _kind(divisor) == 3 else where(equal(divisor, 0), 1, divisor)


FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        sqrt, exp, log, sin, cos, tan, asin, acos, arctan, sinh, cosh, tanh,
        absolute, sign, floor, maximum, minimum, where, equal, float32,
    )
}  # fmt: skip
"""Every function of a formula by name."""
