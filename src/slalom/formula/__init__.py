"""One text, many lives: a formula written as a plain Python function is computed, differentiated, compiled and printed.

The functions of :mod:`slalom.formula.functions` accept floats, NumPy arrays, tensors, SymPy expressions and the symbols
of :mod:`slalom.formula.graph`, so the same text

* is evaluated (floats, arrays, tensors),
* is recorded as a graph (:mod:`slalom.formula.graph`), whose derivative (:mod:`slalom.formula.derivative`) and fast
  tensor code (:mod:`slalom.formula.program`) the engines use,
* is printed for people (:mod:`slalom.formula.printing`: plain text and LaTeX, through SymPy).
"""

from slalom.formula.functions import (
    E,
    absolute,
    acos,
    arctan,
    asin,
    cos,
    cosh,
    equal,
    exp,
    float32,
    floor,
    log,
    maximum,
    minimum,
    nonzero,
    pi,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
    where,
)
from slalom.formula.record import Record, State

__all__ = [
    "E",
    "Record",
    "State",
    "absolute",
    "acos",
    "arctan",
    "asin",
    "cos",
    "cosh",
    "equal",
    "exp",
    "float32",
    "floor",
    "log",
    "maximum",
    "minimum",
    "nonzero",
    "pi",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "where",
]
