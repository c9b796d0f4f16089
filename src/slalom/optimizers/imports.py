"""Finding the class that an import path names, or what a file of the user's calls by a name.

Importing a module runs its code, and so does calling what it holds. An import path may therefore come from anywhere, a
study file that was sent by mail included, and lead only to a class of optimizers or schedulers in an installed package
that uses torch. Everything about the package is checked before it is imported, and the class before it is called.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, distributions
from json import loads
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote, urlsplit

from slalom.core import InputError, describe_exception, interrupts, nearest, python_files, quote

TORCH_USED = re.compile(rb"^\s*(?:import|from)\s+torch\b", re.MULTILINE)


def load(path: str, base: str = "torch.optim.Optimizer", file_text: str = "MyOptimizer") -> type:
    """Return the subclass of ``base`` that ``path`` names: ``package.module.Class``, in an installed package.

    ``file_text`` is a name for the example of how a file's content is named. Raises :class:`slalom.core.InputError`.
    """
    parts = path.split(".")
    _check_package(path, parts, base, file_text)
    module, used = _import_longest(path, parts)
    value: Any = module
    for index in range(used, len(parts)):
        if not isinstance(value, ModuleType) or value.__name__.partition(".")[0] != parts[0]:
            inside = f"{quote('.'.join(parts[:index]))} is no module of the package {quote(parts[0])}"
            raise InputError(f"{quote(path)}: {inside}. {_rule(base, file_text)}")
        value = _attribute(path, value, parts, index)
    if isinstance(value, ModuleType):
        raise InputError(f"{quote(path)} is a module; name the class in it, as in `torch.optim.Adam`.")
    module_name, _, title = base.rpartition(".")
    wanted = getattr(importlib.import_module(module_name), title)
    if not issubclass(type(value), type) or not issubclass(value, wanted):
        raise InputError(f"{quote(path)} is no subclass of {base}. {_rule(base, file_text)}")
    return value


def load_from_file(text: str) -> tuple[Callable[..., Any], str]:
    """Return the class or function that ``file.py:name`` names, and the text that names it from any folder.

    The file is run. Raises :class:`slalom.core.InputError`.
    """
    value, source = fetch_from_file(text)
    if not callable(value):
        raise InputError(f"{quote(text)} is not a class or a function, but of type {type(value).__name__}.")
    return value, source


def fetch_from_file(text: str) -> tuple[Any, str]:
    """Return what ``file.py:name`` names, whatever it is, and the text that names it from any folder."""
    with _same_random_numbers():
        value, name, path = python_files.fetch(text)
    return value, python_files.joined(str(path), name)


def file_title(source: str) -> str:
    """Return ``"mine.py:MyOptimizer"`` for a source: what names it in keys, wherever the file is."""
    path, name = python_files.split(source) or ("", source)
    return python_files.joined(Path(path).name, name)


def without_files_class(thing: Any) -> dict[str, Any]:
    """Return the state of a dataclass to be pickled: what comes from a user's file is fetched from there again."""
    return {**thing.__dict__, "factory": None} if thing.source else dict(thing.__dict__)


def with_files_class(state: dict[str, Any]) -> dict[str, Any]:
    """Return the state that :func:`without_files_class` made, with the class or function from the user's file."""
    return {**state, "factory": load_from_file(state["source"])[0]} if state["source"] else state


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    """Let what a file draws while it runs be the same in every process, and leave the generators as they were."""
    import numpy as np
    import torch

    python, numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        random.seed(0)
        np.random.seed(0)
        torch.default_generator.manual_seed(0)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)


def _rule(base: str, file_text: str) -> str:
    return (
        f"An import path names a subclass of {base} in an installed package; "
        f"anything else is named by its file, as in `my_file.py:{file_text}`."
    )


def _check_package(path: str, parts: list[str], base: str, file_text: str) -> None:
    """Refuse what is not in an installed package that uses torch, before anything is imported."""
    package = parts[0]
    if package in sys.stdlib_module_names:
        raise InputError(
            f"{quote(path)}: {quote(package)} belongs to Python's standard library, which is never imported for a "
            f"spec. {_rule(base, file_text)}"
        )
    special = next((part for part in parts if part.startswith("__")), None)
    if special is not None:
        raise InputError(f"{quote(path)}: {quote(special)} cannot be part of an import path. Name a public class.")
    if package == "torch":
        return
    spec = _find(package)
    if spec is None:
        example = f"{package}.py:{parts[-1]}" if Path(f"{package}.py").is_file() else f"my_file.py:{file_text}"
        raise InputError(
            f"{quote(path)}: there is no installed package {quote(package)}. Install it, or name a file of your own, "
            f"as in {quote(example)}."
        )
    owner = _owner(package, spec)
    if owner is None:
        raise InputError(
            f"{quote(path)}: the module {quote(package)} is not part of an installed package, so it is not imported. "
            f"Name it as a file: `{_file_example(spec, package)}:{file_text if len(parts) < 2 else parts[-1]}`."
        )
    if not _uses_torch(owner, spec):
        raise InputError(
            f"{quote(path)}: the installed package {quote(package)} does not use torch, so it has no optimizers and "
            f"is not imported. {_rule(base, file_text)}"
        )


def _find(package: str) -> ModuleSpec | None:
    """Return where a top-level package is, without importing it."""
    try:
        with warnings.catch_warnings(action="ignore"):  # setuptools warns when it is asked for pip, for instance
            return importlib.util.find_spec(package)
    except (ValueError, ImportError, AttributeError):  # a module that something put into sys.modules
        return None


def _file_example(spec: ModuleSpec, package: str) -> str:
    if spec.origin and Path(spec.origin).name == f"{package}.py":
        return f"{package}.py"
    return f"{package}/file.py"


def _owner(package: str, spec: ModuleSpec) -> Distribution | None:
    """Return the installed distribution that a top-level package belongs to, None where it belongs to none."""
    places = [Path(place).resolve() for place in (spec.submodule_search_locations or ())]
    if not places and spec.origin:
        places = [Path(spec.origin).resolve()]
    for owner in distributions():
        if places and all(_holds(owner, package, place) for place in places):
            return owner
    return None


def _holds(owner: Distribution, package: str, place: Path) -> bool:
    """Whether a distribution has a package of this name at a place, as installers write it down.

    An editable one is used where its author works: in a folder that a ``.pth`` file of its own adds to Python's path,
    or anywhere in the project's folder under a name that it declares.
    """
    listed, site = owner.read_text("RECORD") or "", Path(str(owner.locate_file(""))).resolve()
    declared = package in (owner.read_text("top_level.txt") or "").split()
    if place.parent == site:
        return declared or re.search(rf"^{re.escape(package)}[/.]", listed, re.MULTILINE) is not None
    root = _editable_root(owner)
    if root is None:
        return False
    added = (line for name in re.findall(r"^([^/,]+\.pth),", listed, re.MULTILINE) for line in _lines(site / name))
    return (declared and place.is_relative_to(root)) or any(place.parent == Path(line).resolve() for line in added)


def _lines(file: Path) -> list[str]:
    return [line for line in _content(file).decode(errors="replace").splitlines() if not line.startswith("import ")]


def _editable_root(owner: Distribution) -> Path | None:
    text = owner.read_text("direct_url.json")
    try:
        told = loads(text) if text else {}
        address = urlsplit(told.get("url", ""))
        if address.scheme == "file" and told.get("dir_info", {}).get("editable"):
            return Path(unquote(address.path)).resolve()
    except (ValueError, AttributeError):
        pass
    return None


def _uses_torch(owner: Distribution, spec: ModuleSpec) -> bool:
    """Whether a package requires torch, or says nothing of it and a module of its own imports torch."""
    if any(re.match(r"torch\b(?![-_.])", requirement) for requirement in owner.requires or ()):
        return True
    return any(map(_imports_torch, spec.submodule_search_locations or ([spec.origin] if spec.origin else [])))


@cache
def _imports_torch(place: str) -> bool:
    """Whether a file, or one beneath a folder, imports torch."""
    files = Path(place).rglob("*.py") if Path(place).is_dir() else iter([Path(place)])
    return any(TORCH_USED.search(_content(file)) for file in files)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


def _import_longest(path: str, parts: list[str]) -> tuple[ModuleType, int]:
    """Import the longest leading part of ``path`` that is a module; return it and how many names it took."""
    for used in range(max(1, len(parts) - 1), 0, -1):
        name = ".".join(parts[:used])
        try:
            return importlib.import_module(name), used
        except ModuleNotFoundError as missing:
            if missing.name is None or not (name == missing.name or name.startswith(f"{missing.name}.")):
                raise InputError(
                    f"{quote(path)}: importing {quote(name)} failed, for it needs the module "
                    f"{quote(missing.name)}, which is not installed."
                ) from missing
        except interrupts():
            raise
        except BaseException as failure:  # whatever the caller's module does when it is imported
            reason = quote(describe_exception(failure))
            raise InputError(f"{quote(path)}: importing {quote(name)} failed with {reason}.") from failure
    raise InputError(f"{quote(path)}: there is no module {quote(parts[0])} to import. Install it.")


def _attribute(path: str, value: ModuleType, parts: list[str], index: int) -> Any:
    """Return an attribute of a module. Raises InputError where there is none."""
    try:
        return getattr(value, parts[index])
    except AttributeError:
        inside = ".".join(parts[:index])
        names = {name.lower(): name for name in dir(value) if not name.startswith("_")}
        hint = nearest(parts[index], names)
        for lower, name in names.items():
            hint = hint.replace(f"`{lower}`", f"`{name}`")
        raise InputError(f"{quote(path)}: {quote(inside)} has no {quote(parts[index])}.{hint}") from None
    except Exception as failure:  # a package may import lazily, and fail
        reason = quote(describe_exception(failure))
        raise InputError(f"{quote(path)}: looking up {quote(parts[index])} failed with {reason}.") from failure
