"""State that optimizers keep outside of their instances: on the class, in their module, in defaults and closures.

Found is what the class's own code can reach by name, in modules that are neither torch's nor Python's: a global that
other functions of the same file use is not touched.
"""

from __future__ import annotations

import copy
import functools
import inspect
import itertools
import random
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch

LARGEST = 1_000_000
"""Numbers of a tensor, or entries of a container, up to which it is copied; larger ones are taken for data."""

DEEPEST = 6
"""How many containers inside each other are followed."""

_FAMILIAR = frozenset({"torch", "numpy", "slalom", "scipy"}) | sys.stdlib_module_names
_MISSING = object()


def is_familiar(module: str | None) -> bool:
    """Whether a module is Python's, torch's or slalom's: none of them keeps an optimizer's state."""
    return (module or "").partition(".")[0] in _FAMILIAR


@dataclass(frozen=True)
class _Slot:
    """A name in a namespace, what it was bound to, and a copy of what that contained."""

    get: Callable[[], Any]
    put: Callable[[Any], None]
    value: Any
    contents: Any

    def has_changed(self) -> bool:
        now = self.get()
        return not _bound_alike(now, self.value) or _contents(now) != self.contents

    def restore(self) -> None:
        if isinstance(self.value, itertools.count):  # it cannot be set back, only replaced
            self.put(copy.copy(self.contents.value))
            return
        if not _bound_alike(self.get(), self.value):
            self.put(self.value)
        if self.contents is not None and _contents(self.value) != self.contents:
            self.contents.restore(self.value)


class ClassState:
    """What an optimizer class, a function or other code kept outside of instances at a moment."""

    def __init__(self, *code: Any):
        slots: dict[Any, _Slot] = {}
        for key, get, put in _places(code):
            if key not in slots:
                value = get()
                slots[key] = _Slot(get, put, value, _contents(value))
        self._slots = tuple(slots.values())

    def has_changed(self) -> bool:
        """Whether anything differs from that moment."""
        return any(slot.has_changed() for slot in self._slots)

    def put_back(self) -> bool:
        """Put everything back; return whether anything had changed."""
        changed = [slot for slot in self._slots if slot.has_changed()]
        for slot in changed:
            slot.restore()
        return bool(changed)


def _bare(value: Any) -> Any:
    """Return a function without wrappers: torch wraps a class's ``step`` when its first instance is made."""
    return inspect.unwrap(value) if isinstance(value, FunctionType) else value


def _bound_alike(a: Any, b: Any) -> bool:
    """Whether a name is bound to the same object as before, or to an equal number or text."""
    if isinstance(a, int | float | str | bytes) and type(a) is type(b):
        return bool(a == b) or a is b
    return _bare(a) is _bare(b)


# -- contents -----------------------------------------------------------------------------------------------------


class _Contents:
    """A copy of what a changeable object contained. Two are equal where the contents are."""

    def __init__(self, value: Any, parts: Any, restore: Callable[[Any], None]):
        self.value, self.parts, self.restore = value, parts, restore

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Contents) and _same(self.parts, other.parts)

    __hash__ = None  # type: ignore[assignment]


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if type(a) is not type(b):
        return False
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, _Contents):
        return a == b
    return a is b or (isinstance(a, int | float | str | bytes | set | frozenset) and a == b)


def _contents(value: Any, depth: int = 0) -> _Contents | None:
    """Return a copy of what ``value`` contains; None where nothing in it can change, or it is too large."""
    if depth > DEEPEST or value is None or isinstance(value, int | float | str | bytes | type | FunctionType):
        return None
    if isinstance(value, torch.Tensor):
        return _of_tensor(value)
    if isinstance(value, np.ndarray):
        return _of_array(value)
    if isinstance(value, dict):
        return _of_dict(value, value, depth) if len(value) <= LARGEST else None
    if isinstance(value, list | deque | tuple):
        return _of_sequence(value, depth) if len(value) <= LARGEST else None
    if isinstance(value, set):
        kept = set(value)

        def refill(own: set[Any]) -> None:
            own.clear()
            own.update(kept)

        return _Contents(value, kept, refill)
    if isinstance(value, itertools.count):
        return _Contents(copy.copy(value), repr(value), lambda own: None)
    if isinstance(value, functools._lru_cache_wrapper):
        return _Contents(value, value.cache_info().currsize, lambda own: own.cache_clear())
    generator = _of_generator(value)
    if generator is not None:
        return generator
    if is_familiar(type(value).__module__) and not isinstance(value, SimpleNamespace):
        return None
    return _of_object(value, depth)


def _of_tensor(value: torch.Tensor) -> _Contents | None:
    if value.numel() > LARGEST or value.layout is not torch.strided:
        return None
    kept = value.detach().clone()

    def restore(own: torch.Tensor) -> None:
        with torch.no_grad():
            own.copy_(kept)

    return _Contents(value, kept, restore)


def _of_array(value: np.ndarray) -> _Contents | None:
    if value.size > LARGEST:
        return None
    kept = value.copy()
    return _Contents(value, kept, lambda own: np.copyto(own, kept))


def _of_dict(value: Any, names: dict[Any, Any], depth: int) -> _Contents:
    kept = dict(names)
    inside = {key: _contents(entry, depth + 1) for key, entry in kept.items()}

    def restore(own: Any) -> None:
        here = own if isinstance(own, dict) else vars(own)
        here.clear()
        here.update(kept)
        for key, contents in inside.items():
            if contents is not None:
                contents.restore(kept[key])

    return _Contents(value, [list(kept.items()), list(inside.values())], restore)


def _of_object(value: Any, depth: int) -> _Contents | None:
    names = [name for cls in type(value).__mro__ for name in _slots(cls)]
    slots = {name: getattr(value, name) for name in names if hasattr(value, name)}
    own = getattr(value, "__dict__", None)
    if not names:
        return _of_dict(value, own, depth) if isinstance(own, dict) else None
    kept = [_of_dict(slots, slots, depth), *([_of_dict(own, own, depth)] if isinstance(own, dict) else [])]

    def restore(of: Any) -> None:
        now: dict[str, Any] = {}
        kept[0].restore(now)
        for name in names:
            if name in now:
                setattr(of, name, now[name])
            elif hasattr(of, name):
                delattr(of, name)
        if len(kept) > 1:
            kept[1].restore(vars(of))

    return _Contents(value, kept, restore)


def _slots(cls: type) -> list[str]:
    named = vars(cls).get("__slots__", ())
    return [name for name in ([named] if isinstance(named, str) else named) if not name.startswith("__")]


def _of_sequence(value: Any, depth: int) -> _Contents:
    kept = list(value)
    inside = [_contents(entry, depth + 1) for entry in kept]

    def restore(own: Any) -> None:
        if not isinstance(own, tuple):
            own.clear()
            own.extend(kept)
        for entry, contents in zip(kept, inside, strict=True):
            if contents is not None:
                contents.restore(entry)

    return _Contents(value, [kept, inside], restore)


def _of_generator(value: Any) -> _Contents | None:
    """Return the state of a generator of random numbers."""
    if isinstance(value, torch.Generator):
        drawn = value.get_state()
        return _Contents(value, drawn, lambda own: own.set_state(drawn))
    if isinstance(value, random.Random):
        state = value.getstate()
        return _Contents(value, [repr(state)], lambda own: own.setstate(state))
    if isinstance(value, np.random.RandomState):
        legacy: Any = value.get_state()
        return _Contents(value, [repr(legacy[1].tobytes()), repr(legacy[2:])], lambda own: own.set_state(legacy))
    if isinstance(value, np.random.Generator):
        bits = value.bit_generator.state

        def restore(own: Any) -> None:
            own.bit_generator.state = bits

        return _Contents(value, [repr(bits)], restore)
    return None


# -- places -------------------------------------------------------------------------------------------------------

_Place = tuple[Any, Callable[[], Any], Callable[[Any], None]]


def _places(code: Sequence[Any]) -> Iterator[_Place]:
    """Yield every place that classes and functions can keep something in: its key, a getter and a setter."""
    waiting, seen = list(code), set()
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, MethodType) and not isinstance(thing.__self__, type):
            yield from _in_object(thing.__self__)
        thing = _unwrapped(thing)
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, functools.partial):
            waiting += [thing.func, *thing.args, *thing.keywords.values()]
        elif isinstance(thing, type):
            yield from _in_class(thing, waiting)
        elif isinstance(thing, FunctionType):
            yield from _in_function(thing, waiting)
        elif callable(thing) and not isinstance(thing, ModuleType) and not is_familiar(type(thing).__module__):
            yield from _in_object(thing)
            waiting.append(type(thing))


def _in_object(thing: Any) -> Iterator[_Place]:
    yield (id(thing), "object"), lambda: thing, lambda value: None


def _unwrapped(thing: Any) -> Any:
    """Return the function inside a method, a property or a decorated function."""
    if isinstance(thing, MethodType | staticmethod | classmethod):
        return _unwrapped(thing.__func__)
    if isinstance(thing, property):
        return _unwrapped(thing.fget)
    return _bare(thing)


def _in_class(cls: type, waiting: list[Any]) -> Iterator[_Place]:
    if is_familiar(cls.__module__):
        return
    waiting += cls.__bases__
    for name, value in list(vars(cls).items()):
        if callable(_unwrapped(value)):
            waiting.append(value)
        if not (name.startswith("__") and name.endswith("__")):
            yield (id(cls), name), functools.partial(_class_get, cls, name), functools.partial(_class_put, cls, name)
    # The names that there are: one that is added later is taken away.
    yield (id(cls), "names"), lambda: _names(cls), lambda names: _keep_names(cls, names)


def _names(cls: type) -> str:
    own = (name for name, value in vars(cls).items() if not (name.startswith("__") or hasattr(value, "hooked")))
    return " ".join(sorted(own))  # torch gives a class that inherits its step a wrapped one of its own: "hooked"


def _keep_names(cls: type, names: str) -> None:
    for name in set(_names(cls).split()) - set(names.split()):
        delattr(cls, name)


def _class_get(cls: type, name: str) -> Any:
    return vars(cls).get(name, _MISSING)


def _class_put(cls: type, name: str, value: Any) -> None:
    setattr(cls, name, value)


def _in_function(function: FunctionType, waiting: list[Any]) -> Iterator[_Place]:
    if is_familiar(function.__module__):
        return
    space = function.__globals__
    for name in _names_in(function.__code__):
        value = space.get(name, _MISSING)
        if isinstance(value, FunctionType | type | functools.partial):
            waiting.append(value)
        if isinstance(value, functools._lru_cache_wrapper):
            waiting.append(value.__wrapped__)
        if isinstance(value, ModuleType):
            continue
        yield (id(space), name), functools.partial(space.get, name, _MISSING), functools.partial(_put, space, name)
    for part in ("__defaults__", "__kwdefaults__", "__dict__"):
        yield (id(function), part), functools.partial(getattr, function, part), lambda value: None
    for index, cell in enumerate(function.__closure__ or ()):
        yield (id(cell), index), functools.partial(_cell_get, cell), functools.partial(setattr, cell, "cell_contents")
        waiting.append(_cell_get(cell))


def _put(space: dict[str, Any], name: str, value: Any) -> None:
    if value is _MISSING:
        space.pop(name, None)
    else:
        space[name] = value


def _cell_get(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it is empty yet
        return _MISSING


def _names_in(code: CodeType) -> set[str]:
    """Return the names of globals that a function's code, and the functions inside it, may mean."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
    return names
