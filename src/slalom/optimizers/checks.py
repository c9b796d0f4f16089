"""Hyperparameters against the class's signature. Torch itself lets ``lr=nan`` and ``amsgrad="abc"`` pass."""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import types
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from slalom.core import InputError, nearest, quote

REQUIRED = inspect.Parameter.empty
SWITCHES = frozenset({"foreach", "fused", "capturable", "differentiable", "use_triton"})
"""How a class computes, not what: left out of an optimizer's hyperparameters unless typed."""

RANGES = {
    "lr": "must be at least 0",
    "eps": "must be at least 0",
    "weight_decay": "must be at least 0",
    "momentum": "must be at least 0",
    "lr_decay": "must be at least 0",
    "initial_accumulator_value": "must be at least 0",
    "alpha": "must be at least 0",
    "rho": "must lie between 0 and 1",
    "momentum_decay": "must be at least 0",
    "betas": "must each be at least 0 and below 1",
    "etas": "must be two factors with 0 < eta_minus < 1 < eta_plus",
}
"""What PyTorch demands of a value, in words; the classes themselves decide."""

LARGEST_COUNT = 10_000_000
"""Largest whole number that is taken for a count: beyond it, a class could allocate without bound."""


@dataclass(frozen=True)
class Hyperparameter:
    """What a signature says about one hyperparameter."""

    name: str
    default: Any
    types: tuple[type, ...] = ()  # what its annotation allows; empty where that says nothing

    @property
    def whole(self) -> bool:
        """Whether only whole numbers make sense."""
        return int in self.types and float not in self.types


@dataclass(frozen=True)
class Signature:
    """The hyperparameters of a class or function whose first argument is the parameters to optimize."""

    hyperparameters: Mapping[str, Hyperparameter]
    open: bool  # takes any further keyword

    @property
    def defaults(self) -> dict[str, Any]:
        return {name: h.default for name, h in self.hyperparameters.items() if h.default is not REQUIRED}


def signature_of(factory: Callable[..., Any]) -> Signature:
    """Return the hyperparameters of ``factory``, a class or a function of the parameters to optimize."""
    try:
        return _read_signature(factory)
    except TypeError:  # it cannot be hashed
        return _read_signature.__wrapped__(factory)


@functools.lru_cache(maxsize=64)
def _read_signature(factory: Callable[..., Any]) -> Signature:
    try:
        parameters = list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError):
        return Signature({}, open=True)
    try:
        annotated: Any = factory.__init__ if isinstance(factory, type) else factory  # type: ignore[misc]
        hints = typing.get_type_hints(annotated)
    except Exception:  # an annotation may name what is not imported
        hints = {}
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if parameters and parameters[0].kind in positional:
        parameters = parameters[1:]
    named = {
        parameter.name: Hyperparameter(parameter.name, parameter.default, _flatten(hints.get(parameter.name)))
        for parameter in parameters
        if parameter.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    }
    return Signature(named, open=any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters))


def _flatten(hint: Any) -> tuple[type, ...]:
    """Return the plain types in an annotation: ``(int, NoneType)`` for ``int | None``."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return tuple(kind for part in typing.get_args(hint) for kind in _flatten(part))
    origin = typing.get_origin(hint) or hint
    return (origin,) if isinstance(origin, type) else ()


def check(
    spec: str, title: str, signature: Signature, typed: Mapping[str, Any], natural: Collection[str] = ()
) -> dict[str, Any]:
    """Return ``typed`` as the class shall get it. Raises :class:`InputError` for a wrong name or value.

    What the class demands must be typed, except ``natural`` names, whose values follow from something else.
    """
    known = signature.hyperparameters
    for name in typed:
        if name not in known and not signature.open:
            raise InputError(f"{quote(spec)}: {_unknown(title, name, known)}")
    missing = [n for n, h in known.items() if h.default is REQUIRED and n not in typed and n not in natural]
    if missing:
        example = f"{spec}{',' if typed else ':'}{missing[0]}=0.1"
        raise InputError(f"{quote(spec)}: {title} needs a value for {' and '.join(missing)}: {quote(example)}.")
    checked = {}
    for name, value in typed.items():
        hyperparameter = known.get(name, Hyperparameter(name, REQUIRED))
        value = plain(value)
        complaint = _complaint(value, hyperparameter.default, hyperparameter)
        if complaint:
            raise InputError(f"{quote(spec)}: {name} {complaint}.{default_of(title, name, hyperparameter.default)}")
        checked[name] = _as_standard(value, hyperparameter.default)
    return checked


def _as_standard(value: Any, default: Any) -> Any:
    """Return a tuple with floats where the class's own has floats: some classes refuse whole numbers there."""
    if not isinstance(value, tuple) or not isinstance(default, tuple | list):
        return value
    return tuple(
        float(element) if isinstance(standard, float) and isinstance(element, int) else element
        for element, standard in zip(value, default, strict=True)
    )


def plain(value: Any) -> Any:
    """Return a value as a Python number or tuple where it came as one of NumPy's or as a list."""
    if isinstance(value, list | tuple):
        return tuple(plain(element) for element in value)
    if isinstance(value, numbers.Number) and hasattr(value, "item"):
        return value.item()
    return value


def default_of(title: str, name: str, default: Any) -> str:
    """Return the sentence that tells the default, as the way out of an error."""
    if default is REQUIRED:
        return ""
    return f" {title}'s default is {name}={default!r}."


def _unknown(title: str, name: str, known: Mapping[str, Any]) -> str:
    if not known:
        return f"{title} takes no hyperparameters, so {quote(name)} cannot be set."
    options = ", ".join(n for n in known if n not in SWITCHES)
    return f"{title} has no hyperparameter {quote(name)}.{nearest(name, known) or f' It has {options}.'}"


def _complaint(value: Any, default: Any, about: Hyperparameter) -> str:
    """Return what is wrong with ``value`` ("must be a number, got `abc`"), or ``""``."""
    if default is None or default is REQUIRED:
        return _complaint_by_type(value, about, none_allowed=default is None)
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else f"must be True or False, got {_show(value)}"
    if isinstance(default, int | float):
        return _complaint_about_number(value, whole=about.whole)
    if isinstance(default, tuple | list):
        return _complaint_about_tuple(value, tuple(default), about)
    if isinstance(default, str):
        return "" if isinstance(value, str) else f"must be text in quotes, got {_show(value)}"
    return ""


def _complaint_by_type(value: Any, about: Hyperparameter, none_allowed: bool) -> str:
    allowed = [kind for kind in about.types if kind in (bool, int, float, str, tuple, list, type(None))]
    if value is None:
        return "" if none_allowed or type(None) in allowed else "must have a value, got None"
    if isinstance(value, float | int) and not isinstance(value, bool):
        finite = _complaint_about_number(value, whole=about.whole)
        if finite:
            return finite
    if isinstance(value, tuple) and (not allowed or tuple in allowed or list in allowed):
        return next(filter(None, (_complaint_by_type(v, Hyperparameter("", None), True) for v in value)), "")
    if not allowed or (isinstance(value, tuple(allowed)) and not (isinstance(value, bool) and bool not in allowed)):
        return ""
    if float in allowed and isinstance(value, int) and not isinstance(value, bool):
        return ""
    names = {
        bool: "True or False",
        int: "a whole number",
        float: "a number",
        str: "text in quotes",
        tuple: "a tuple",
        list: "a tuple",
    }
    words = dict.fromkeys(names[kind] for kind in allowed if kind in names)
    none = ["None"] if none_allowed else []
    return f"must be {' or '.join([*words, *none])}, got {_show(value)}"


def _complaint_about_number(value: Any, whole: bool) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"must be a number, got {_show(value)}"
    try:
        finite = math.isfinite(value)
    except OverflowError:  # a whole number beyond the range of floats
        finite = False
    if not finite:
        return f"must be a finite number, got {_show(value)}"
    if whole and not isinstance(value, int):
        return f"must be a whole number, got {_show(value)}"
    if whole and abs(value) > LARGEST_COUNT:
        return f"must be at most {LARGEST_COUNT:,}, got {_show(value)}"
    return ""


def _complaint_about_tuple(value: Any, default: tuple[Any, ...], about: Hyperparameter) -> str:
    words = {1: "one value", 2: "a pair of values", 3: "three values"}.get(len(default), f"{len(default)} values")
    if not isinstance(value, tuple):
        return f"must be {words}, got {_show(value)}"
    if len(value) != len(default):
        return f"must be {words}, got {len(value)}: {_show(value)}"
    for index, (element, standard) in enumerate(zip(value, default, strict=True)):
        part = _complaint(element, standard, Hyperparameter("", standard, (float,) if standard is None else ()))
        if part:
            return f"must be {words}; its entry {index + 1} {part}"
    return ""


def _show(value: Any) -> str:
    return quote(value if isinstance(value, str) else repr(value))
