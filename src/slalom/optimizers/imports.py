"""Finding the class or function that a dotted path names."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from slalom.core import InputError, describe_exception, nearest, quote


def load(path: str) -> Callable[..., Any]:
    """Import what ``path`` names: ``package.module.Class``. Raises :class:`slalom.core.InputError`."""
    parts = path.split(".")
    module, used = _import_longest(path, parts)
    value: Any = module
    for index in range(used, len(parts)):
        try:
            value = getattr(value, parts[index])
        except AttributeError:
            inside = ".".join(parts[:index])
            names = {name.lower(): name for name in dir(value) if not name.startswith("_")}
            hint = nearest(parts[index], names)
            for lower, name in names.items():
                hint = hint.replace(f"`{lower}`", f"`{name}`")
            raise InputError(f"{quote(path)}: {quote(inside)} has no {quote(parts[index])}.{hint}") from None
    if isinstance(value, ModuleType):
        raise InputError(f"{quote(path)} is a module; name the optimizer class in it, as in `torch.optim.Adam`.")
    if not callable(value):
        raise InputError(
            f"{quote(path)} is not an optimizer class or a function that returns one, but {_article(value)}."
        )
    return value


def _import_longest(path: str, parts: list[str]) -> tuple[ModuleType, int]:
    """Import the longest leading part of ``path`` that is a module; return it and how many names it took."""
    for used in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:used])
        try:
            return importlib.import_module(name), used
        except ModuleNotFoundError as missing:
            if missing.name is None or not (name == missing.name or name.startswith(f"{missing.name}.")):
                raise InputError(
                    f"{quote(path)}: importing {quote(name)} failed, for it needs the module "
                    f"{quote(missing.name)}, which is not installed."
                ) from missing
        except KeyboardInterrupt:
            raise
        except BaseException as failure:  # whatever the caller's module does when it is imported
            reason = quote(describe_exception(failure))
            raise InputError(f"{quote(path)}: importing {quote(name)} failed with {reason}.") from failure
    raise InputError(
        f"{quote(path)}: there is no module {quote(parts[0])} to import. Install it, or start slalom where it lies."
    )


def _article(value: Any) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
