"""One text for one value: what is hashed must not depend on order, on spelling or on a library's release.

The standard library writes the JSON: its ``repr`` of a float is the shortest that reads back equal, and has been the
same since Python 3.1. Only ASCII is written, so that the text of any file name has an encoding.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from typing import Any

from slalom.core import InputError, quote

NOT_FINITE = "$float"
"""JSON has no NaN and no infinity: they are written {"$float": "nan"}."""

_ATOMS = frozenset({type(None), bool, int, float, str})
_TEXTS = frozenset({str})
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def plain(value: Any, name: str = "value") -> Any:
    """Return ``value`` made of None, bool, int, float, str, tuples and dictionaries; NumPy's numbers become Python's.

    Raises InputError for anything else, such as a function or a tensor: two of them cannot be told apart by a text.
    """
    if type(value) in _ATOMS:  # nearly all are
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {_text(key, name): plain(entry, name) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return tuple(plain(entry, name) for entry in value)
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return plain(value.item(), name)
    raise InputError(
        f"{name} is {quote(repr(value))}, which has no text to be stored under: "
        "a run's specification holds numbers, texts, true, false, and lists of them."
    )


def _text(key: Any, name: str) -> str:
    if not isinstance(key, str):
        raise InputError(f"{name} has the key {quote(repr(key))}: keys of what is stored are texts.")
    return str(key)


def canonical(value: Any, name: str = "value") -> str:
    """Return the one JSON text of a plain value: keys sorted, no spaces, ASCII."""
    if _is_ready(value):
        try:
            return _JSON.encode(value)
        except ValueError:  # a NaN or an infinity somewhere
            pass
    return _JSON.encode(_finite(plain(value, name)))


def _is_ready(value: Any) -> bool:
    """Say whether a value has only types that JSON writes as they are: runs are full of those, and copying takes time.

    Types are compared exactly: a subclass may write itself in another way.
    """
    kind = type(value)
    if kind is dict:
        return set(map(type, value)) <= _TEXTS and _are_ready(value.values())
    return kind in _ATOMS or ((kind is tuple or kind is list) and _are_ready(value))


def _are_ready(values: Collection[Any]) -> bool:
    return set(map(type, values)) <= _ATOMS or all(map(_is_ready, values))


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {NOT_FINITE: repr(value)}
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    return [_finite(entry) for entry in value] if isinstance(value, tuple) else value


def restored(text: str | bytes) -> Any:
    """Return the plain value of a canonical text; lists come back as tuples. Raises ValueError."""
    return _revived(json.loads(text))


def _revived(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {NOT_FINITE}:
            return float(value[NOT_FINITE])
        return {key: _revived(entry) for key, entry in value.items()}
    return tuple(map(_revived, value)) if isinstance(value, list) else value
