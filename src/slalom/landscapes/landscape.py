"""A function to descend, with what is known about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from slalom.core import InputError, Minimum, exception_text, one_line, quote
from slalom.core.course import Point
from slalom.formula.graph import Graph
from slalom.landscapes.callables import Called, adopt, expected_dim

Domain = tuple[tuple[float, float], ...]

DEFAULT_START = (1.5, 1.0)
"""Where a function of the user's own is started unless told otherwise; repeated for more coordinates."""

SMALLEST_HALF_WIDTH = 3.0


@dataclass(frozen=True)
class Landscape:
    """A function of ``dim`` variables.

    ``function`` is differentiated by torch. It takes one tensor per coordinate (``f(x, y)``, ``f(*x)``), or,
    where it has exactly one parameter, the 1-D tensor of all coordinates; it returns one number. With
    ``traceable=True`` it takes one argument per coordinate and is written with the functions of
    :mod:`slalom.formula`, so that it also accepts floats, arrays and symbols: then it is raced
    by the fastest engine.

    Everything but the function may be left out: ``dim`` is the length of the first start or the number of the
    function's parameters, the start (1.5, 1), the domain a box around the origin that holds the start.
    ``minima`` are the *global* minima, each a :class:`~slalom.core.Minimum` or a pair (point, value).

    ``elementwise`` is found by trying: may the function be called on many points at once, with the same
    results? Where not, ``remark`` says why. Raises :class:`~slalom.core.InputError` for a function that
    cannot be descended.
    """

    function: Callable[..., Any]
    dim: int = 0
    domain: Domain = ()
    minima: tuple[Minimum, ...] = ()
    starts: tuple[Point, ...] = ()
    name: str = ""
    title: str = ""
    traceable: bool = False
    elementwise: bool = field(default=True, init=False)
    remark: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InputError(f"{quote(self.function)} is not a function: a landscape needs a callable on tensors.")
        name = self.name or name_of(self.function)
        starts = tuple(as_point(start) for start in self.starts)
        dim = self.dim or (len(starts[0]) if starts else expected_dim(self.function, name)) or len(DEFAULT_START)
        _check_dim(name, dim)
        starts = starts or (default_start(dim),)
        self._set(name=name, title=one_line(self.title or name), dim=dim, starts=starts)
        self._set(domain=_as_domain(self.domain, dim, name) if self.domain else domain_around(starts[0]))
        self._set(minima=tuple(_as_minimum(minimum) for minimum in self.minima))
        for point in (*starts, *(minimum.point for minimum in self.minima)):
            if len(point) != dim:
                raise InputError(_wrong_length(name, dim, point))
        if self.traceable:
            _check_traceable(self.function, name, dim)
        else:
            function = adopt(self.function, name, starts[0])
            self._set(function=function, elementwise=function.elementwise, remark=function.remark)

    def _set(self, **fields: Any) -> None:
        for key, value in fields.items():
            object.__setattr__(self, key, value)

    def values(self, points: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
        """Return the function's float64 values, shape [...], at ``points``, shape [..., dim]."""
        points = np.asarray(points, dtype=np.float64)
        flat = np.ascontiguousarray(points.reshape(-1, self.dim).T)
        if isinstance(self.function, Called):
            values = self.function.values(flat)
        else:
            with np.errstate(all="ignore"):
                values = np.asarray(self.function(*flat), dtype=np.float64)
        return np.broadcast_to(values, flat.shape[1:]).reshape(points.shape[:-1]).copy()


def _check_traceable(function: Callable[..., Any], name: str, dim: int) -> None:
    graph = Graph()
    try:
        function(*(graph.tensor(f"x{i}") for i in range(dim)))
    except Exception as problem:
        raise InputError(
            f"{quote(name)} cannot be traced ({quote(exception_text(problem))}): write it with slalom.formula's "
            "functions, or leave traceable=True out."
        ) from problem


def name_of(function: Callable[..., Any]) -> str:
    """Return what to call a callable that nobody has named."""
    name = getattr(function, "__name__", type(function).__name__)
    return "function" if name == "<lambda>" else name


def default_start(dim: int) -> Point:
    """Return (1.5, 1, 1.5, …): off the axes and the diagonal, where less can hide behind symmetry."""
    return tuple(DEFAULT_START[index % len(DEFAULT_START)] for index in range(dim))


def domain_around(start: Point) -> Domain:
    """Return the square box around the origin, [−3, 3] or as wide as leaves the start halfway to its edge."""
    half = max([SMALLEST_HALF_WIDTH, *(2.0 * abs(coordinate) for coordinate in start)])
    return ((-half, half),) * len(start)


def as_point(start: Iterable[float]) -> Point:
    """Return ``start`` (a sequence, array or tensor of numbers) as a tuple of finite floats."""
    if isinstance(start, str | bytes) or not isinstance(start, Iterable):
        raise InputError(f"{quote(start)} is not a start: give one number for each coordinate, as in (1.5, 1).")
    try:
        point = tuple(float(coordinate) for coordinate in start)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{quote(start)} is not a start: every coordinate must be a number.") from None
    if not point:
        raise InputError("A start needs at least one coordinate.")
    if not all(map(math.isfinite, point)):
        raise InputError(f"{quote(start)} is not a start: every coordinate must be finite.")
    return point


def check_start(landscape: Any, start: Iterable[float]) -> Point:
    """Return ``start`` as floats; raise InputError where the landscape cannot be descended from there."""
    point = as_point(start)
    if len(point) != landscape.dim:
        raise InputError(_wrong_length(landscape.name, landscape.dim, point))
    value = float(landscape.values(point))
    if not math.isfinite(value):
        raise InputError(f"{quote(landscape.name)} is {value} at the start {written(point)}; start where it is finite.")
    return point


def check_starts(landscape: Any, starts: Sequence[Iterable[float]]) -> list[Point]:
    """Return many starts as floats, checked together; raise InputError for the first that is refused."""
    try:
        points = np.array(starts, dtype=float)
        good = points.ndim == 2 and points.shape[1] == landscape.dim and bool(np.isfinite(points).all())
        good = good and bool(np.isfinite(landscape.values(points)).all())
    except (TypeError, ValueError):
        good = False
    if good and not any(isinstance(coordinate, bool | str) for coordinate in starts[0]):
        return [tuple(point) for point in points.tolist()]
    return [check_start(landscape, start) for start in starts]


def written(point: Point) -> str:
    """Return a point as a person writes it: (1.5, 1)."""
    shown = ", ".join(f"{coordinate:.6g}" for coordinate in point[:4])
    return f"({shown}, …)" if len(point) > 4 else f"({shown})"


def _wrong_length(name: str, dim: int, point: Point) -> str:
    has, needs = _counted(dim), f"{len(point)} were given" if len(point) != 1 else "1 was given"
    return f"{quote(name)} takes {has}, {needs}: {written(point)}."


def _counted(dim: int) -> str:
    return "1 coordinate" if dim == 1 else f"{dim} coordinates"


def _check_dim(name: str, dim: int) -> None:
    if isinstance(dim, bool) or not isinstance(dim, int) or not 1 <= dim <= 1000:
        raise InputError(f"{quote(name)}: dim must be a whole number from 1 to 1000, got {quote(dim)}.")


def _as_domain(domain: Any, dim: int, name: str) -> Domain:
    """Take (low, high) for every coordinate, or one such pair for all of them."""
    try:
        pairs = np.asarray(domain, dtype=float)
        pairs = np.broadcast_to(pairs, (dim, 2))
    except (TypeError, ValueError):
        pairs = np.full((1, 2), np.nan)
    if not np.isfinite(pairs).all() or not (pairs[:, 0] < pairs[:, 1]).all():
        raise InputError(
            f"{quote(name)}: a domain is (low, high) for each of its {_counted(dim)}, low below high, "
            f"got {quote(domain)}."
        )
    return tuple((float(low), float(high)) for low, high in pairs)


def _as_minimum(minimum: Any) -> Minimum:
    if isinstance(minimum, Minimum):
        return minimum
    try:
        point, value = minimum
        return Minimum(as_point(point), float(value))
    except (TypeError, ValueError):
        raise InputError(f"{quote(minimum)} is not a minimum: give (point, value), as in ((0, 0), 0).") from None
