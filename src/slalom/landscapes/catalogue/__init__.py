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
from slalom.landscapes.landscape import Landscape

CATALOGUE: dict[str, Entry] = {**BOWLS, **VALLEYS, **WELLS, **MANY_MINIMA}
"""Every entry by name, the gentle ones first."""

NAMES: tuple[str, ...] = tuple(CATALOGUE)


def build(name: str, options: Mapping[str, Any]) -> Landscape:
    """Return the landscape ``name`` with ``dim`` and its parameters as given; its name is the spec that rebuilds it."""
    entry = CATALOGUE[name]
    dim = _dim(name, entry, options.get("dim"))
    parameters = {key: _parameter(name, key, options.get(key, usual)) for key, usual in entry.parameters.items()}
    function = functools.partial(entry.function, **parameters) if parameters else entry.function
    low = entry.dims[0] if not entry.any_dim else 2
    settings = {key: value for key, value in parameters.items() if value != entry.parameters[key]}
    if dim != low:
        settings = {"dim": dim, **settings}
    written = ",".join(f"{key}={value:g}" if value == float(f"{value:g}") else f"{key}={value!r}" for key, value in settings.items())
    pairs = entry.domain if isinstance(entry.domain[0], tuple) else (entry.domain,)
    return Landscape(
        function,
        dim=dim,
        domain=tuple(pairs[i % len(pairs)] for i in range(dim)),  # type: ignore[misc]
        minima=entry.minima(dim),
        starts=tuple(tuple(start[i % len(start)] for i in range(dim)) for start in entry.starts),
        name=f"{name}:{written}" if written else name,
        title=_title(name, entry, dim, parameters),
        traceable=True,
    )


def _dim(name: str, entry: Entry, dim: Any) -> int:
    least, most = entry.dims
    if dim is None:
        return 2 if entry.any_dim else least
    if isinstance(dim, bool) or not isinstance(dim, int) or not least <= dim <= most:
        rule = f"from {least} to {most}" if entry.any_dim else f"{least}: it is defined for no other number"
        raise InputError(f"{quote(name)}: dim must be {rule}, got {quote(dim)}.")
    return dim


def _parameter(name: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e300:
        raise InputError(f"{quote(name)}: {key} must be a positive number, got {quote(value)}.")
    return float(value)


def _title(name: str, entry: Entry, dim: int, parameters: Mapping[str, float]) -> str:
    if name == "ellipse" and dim == 2:
        return f"x² + {parameters['condition']:g}y²"
    if entry.any_dim and dim != 2:
        return f"{name.replace('-', ' ')} in {dim} dimension{'s' if dim != 1 else ''}"
    return entry.title or name.replace("-", " ")
