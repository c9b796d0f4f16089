"""The landscapes that have names: famous test functions, each written once, as its textbook formula."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from slalom.core import InputError, quote
from slalom.landscapes.catalogue.bowls import BOWLS
from slalom.landscapes.catalogue.entry import Entry
from slalom.landscapes.catalogue.many_minima import MANY_MINIMA
from slalom.landscapes.catalogue.valleys import VALLEYS
from slalom.landscapes.catalogue.wells import WELLS
from slalom.landscapes.expressions import parse
from slalom.landscapes.landscape import Landscape
from slalom.landscapes.notation import unicode_text

CATALOGUE: dict[str, Entry] = {**BOWLS, **VALLEYS, **WELLS, **MANY_MINIMA}
"""Every entry by name, the gentle ones first."""

LONGEST_TITLE = 48

NAMES: tuple[str, ...] = tuple(CATALOGUE)


def build(name: str, options: Mapping[str, Any]) -> Landscape:
    """Return the landscape ``name`` with ``dim`` and its parameters as given.

    Its own name is the spec that rebuilds it: ``ellipse:dim=3,condition=100``.
    """
    entry = CATALOGUE[name]
    dim = _dim(name, entry, options.get("dim"))
    parameters = {key: _parameter(name, key, options.get(key)) for key in entry.parameters}
    chosen = {key: value for key, value in parameters.items() if value != entry.parameters[key]}
    settings: dict[str, float] = chosen if dim == _usual_dim(entry) else {"dim": dim, **chosen}
    spec = ",".join(f"{key}={_digits(value)}" for key, value in settings.items())
    return Landscape(
        functools.partial(entry.function, **chosen) if chosen else entry.function,
        dim=dim,
        domain=tuple(entry.intervals[i % len(entry.intervals)] for i in range(dim)),
        minima=entry.minima(dim),
        starts=tuple(tuple(start[i % len(start)] for i in range(dim)) for start in entry.starts),
        name=f"{name}:{spec}" if spec else name,
        title=_title(name, entry, dim, parameters),
        traceable=True,
    )


def _digits(value: float) -> str:
    """Return the shortest text that gives the number back: 100, not 100.0."""
    return f"{value:g}" if float(f"{value:g}") == value else repr(value)


def _usual_dim(entry: Entry) -> int:
    return 2 if entry.any_dim else entry.dims[0]


def _dim(name: str, entry: Entry, dim: Any) -> int:
    least, most = entry.dims
    if dim is None:
        return _usual_dim(entry)
    if isinstance(dim, bool) or not isinstance(dim, int) or not least <= dim <= most:
        rule = f"from {least} to {most}" if entry.any_dim else f"{least}: it is defined for no other number"
        raise InputError(f"{quote(name)}: dim must be {rule}, got {quote(dim)}.")
    return dim


def _parameter(name: str, key: str, value: Any) -> float:
    value = CATALOGUE[name].parameters[key] if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e300:
        raise InputError(f"{quote(name)}: {key} must be a positive number, got {quote(value)}.")
    return float(value)


def _title(name: str, entry: Entry, dim: int, parameters: Mapping[str, float]) -> str:
    """Return the formula where it is short enough to stand on a picture, else the name as people write it."""
    if name == "ellipse" and dim == 2:
        return f"x² + {_digits(parameters['condition'])}y²"
    label = entry.label or name.replace("-", " ").capitalize()
    if entry.any_dim:
        return (entry.title or label) if dim == 2 else f"{label}, {dim} variable{'s' if dim != 1 else ''}"
    formula = unicode_text(parse(entry.formula).tree)
    return formula if len(formula) <= LONGEST_TITLE else label
