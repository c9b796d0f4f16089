"""What is descended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Point = tuple[float, ...]


@dataclass(frozen=True)
class Minimum:
    """A known minimum of a landscape: the place (one number per coordinate) and the value there."""

    point: Point
    value: float


class Landscape(Protocol):
    """A function of ``dim`` variables, with what is known about it.

    ``function`` takes one argument per coordinate and returns one value. When ``elementwise`` is true it works on
    floats and on tensors of any common shape alike, so many runners can be evaluated at once; otherwise it takes 0-d
    tensors only. When ``traceable`` is true it may also be called with the symbols of :mod:`slalom.formula`, which
    gives its text, its derivative and fast code.
    """

    @property
    def name(self) -> str: ...  # the catalogue's name, or the expression as typed
    @property
    def title(self) -> str: ...  # what a picture calls it: "x² + y²"
    @property
    def dim(self) -> int: ...
    @property
    def function(self) -> Callable[..., Any]: ...
    @property
    def elementwise(self) -> bool: ...
    @property
    def traceable(self) -> bool: ...
    @property
    def domain(self) -> tuple[tuple[float, float], ...]: ...  # the box to draw, (low, high) per coordinate
    @property
    def minima(self) -> tuple[Minimum, ...]: ...  # global minima; empty where none is known
    @property
    def starts(self) -> tuple[Point, ...]: ...  # customary starting points, the default first
    def values(self, points: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
        """Return the function's float64 values, shape [...], at ``points``, shape [..., dim]."""
        ...
