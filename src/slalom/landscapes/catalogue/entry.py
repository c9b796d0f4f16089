"""What the catalogue knows of a landscape, in any number of dimensions it is defined for.

The functions are written as the textbook has them, but with (x²)² for x⁴, and exp and log for a tenth root.
Torch computes those with the same bits for one point and for many, which it does not for ``x**4``.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slalom.core import Minimum

MOST_DIM = 1000

Pair = tuple[float, float]


@dataclass(frozen=True)
class Entry:
    """One landscape of the catalogue.

    ``formula`` is an expression of :mod:`slalom.landscapes.expressions` where the number of variables is
    fixed; where it is not, it is a sum as a textbook prints it, with its LaTeX beside it and, as ``title``,
    what it is in two variables where that is short. ``label`` is the name as people write it, where a
    capital is not enough. ``starts`` are repeated to the number of dimensions: (−1.2, 1) becomes
    (−1.2, 1, −1.2) in three. ``domain`` is one (low, high), or one per coordinate. ``minima`` are those
    in the domain: a few of the classics fall below them outside it.
    """

    function: Callable[..., Any]
    formula: str
    domain: Pair | tuple[Pair, Pair]
    starts: tuple[tuple[float, ...], ...]
    minima: Callable[[int], tuple[Minimum, ...]]
    source: str
    teaches: str
    latex: str = ""
    title: str = ""
    label: str = ""
    dims: tuple[int, int] = (2, 2)
    parameters: Mapping[str, float] = field(default_factory=dict)

    @property
    def any_dim(self) -> bool:
        return self.dims[0] < self.dims[1]

    @property
    def intervals(self) -> tuple[Pair, ...]:
        """The domain as one or two (low, high), to be repeated."""
        low, high = self.domain
        if isinstance(low, tuple) and isinstance(high, tuple):
            return low, high
        return ((low, high),)  # type: ignore[return-value]  # the other half of the union


def total(terms: Iterable[Any]) -> Any:
    """Add up without the 0 that ``sum`` begins with, which would be one more operation on every tensor."""
    return functools.reduce(operator.add, terms)


def product(factors: Iterable[Any]) -> Any:
    return functools.reduce(operator.mul, factors)


def nowhere(dim: int) -> tuple[Minimum, ...]:
    """Unbounded below: no minimum."""
    return ()


def everywhere(coordinate: float, value: float = 0.0) -> Callable[[int], tuple[Minimum, ...]]:
    """One minimum, all of whose coordinates are the same."""
    return lambda dim: (Minimum((coordinate,) * dim, value),)


def at(*points: tuple[float, ...], value: float = 0.0) -> Callable[[int], tuple[Minimum, ...]]:
    """The minima of a function whose number of variables is fixed."""
    minima = tuple(Minimum(point, value) for point in points)
    return lambda dim: minima


def corners(x: float, y: float) -> tuple[tuple[float, float], ...]:
    """Return (±x, ±y)."""
    return (x, y), (x, -y), (-x, y), (-x, -y)
