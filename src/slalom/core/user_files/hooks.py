"""What makes Python's import system use contexts: a finder, loaders, and the ``__import__`` of the user's modules.

A module of the user's has an ``__import__`` of its own among its builtins. It knows which context the module belongs
to, wherever and whenever an ``import`` statement in it is executed, and notes what was imported.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from importlib.abc import Loader
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from slalom.core.user_files.contexts import CONTEXTS, Context, found_by_others
from slalom.core.user_files.records import (
    IMPORTS,
    PREFIX,
    RECORDS,
    Record,
    digest,
    digest_on_disk,
    is_own,
    plain_name,
)

_import = builtins.__import__


class OwnLoader(SourceFileLoader):
    """Runs a module of the user's from its source text, which is recorded.

    Python's cache of compiled files isn't used: it takes a file that changed within a second for unchanged.
    """

    def __init__(self, name: str, path: str, inside: str = ""):
        super().__init__(name, path)
        self._inside = inside or name  # the name under which it is recorded

    def get_code(self, fullname: str) -> Any:
        path = self.get_filename(fullname)
        text = self.get_data(path)
        RECORDS[self._inside] = Record(path, digest(text))
        return compile(text, path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importer(self._inside)}
        super().exec_module(module)


class _Package(Loader):
    """Makes the empty package that holds a context's modules."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        return None


class _Alias(Loader):
    """Gives a module of a context to code outside of it that imports it by its plain name."""

    def __init__(self, module: ModuleType):
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


_ALIASES: set[str] = set()


def drop_aliases() -> None:
    """Let go of the plain names under which modules of contexts were imported by code outside of these."""
    for name in _ALIASES:
        sys.modules.pop(name, None)
    _ALIASES.clear()


def file_spec(name: str, path: str, folders: list[str] | None = None) -> ModuleSpec:
    """Return the spec of a Python file that is the module ``name``."""
    loader = OwnLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader, submodule_search_locations=folders)
    assert spec is not None
    return spec


def own_spec(name: str, found: ModuleSpec) -> ModuleSpec:
    """Return the spec under which a module of the user's is imported as ``name``, and recorded."""
    folders = None if found.submodule_search_locations is None else list(found.submodule_search_locations)
    if type(found.loader) is SourceFileLoader and found.origin:
        return file_spec(name, found.origin, folders)
    if found.origin and found.origin.endswith((*EXTENSION_SUFFIXES, ".pyc")):
        RECORDS[name] = Record(found.origin, digest_on_disk(found.origin))
    if found.loader is None or not found.origin:  # a namespace package
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = folders
        return spec
    loader = type(found.loader)(name, found.origin)  # type: ignore[call-arg]
    return importlib.util.spec_from_file_location(
        name, found.origin, loader=loader, submodule_search_locations=folders
    ) or found  # fmt: skip


def spec_in(context: Context, name: str, path: list[str] | None) -> ModuleSpec | None:
    """Return where the module ``name`` of a context is found; ``path`` are the folders of its package."""
    if name == context.name:
        return file_spec(name, context.main)
    if path is not None and name.count(".") > context.package.count(".") + 1:
        found = PathFinder.find_spec(name, path)
    else:
        found = context.top_spec(name.rpartition(".")[2])
    return None if found is None else own_spec(name, found)


class _Finder:
    """Finds the modules of contexts; and lets modules of the user's outside of them be recorded."""

    slaloms = True

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        if name.startswith(PREFIX):
            return self._in_context(name, path)
        parent = sys.modules.get(name.rpartition(".")[0])
        inside = getattr(parent, "__name__", "")
        if isinstance(inside, str) and inside.startswith(PREFIX):
            return alias(name, f"{inside}.{name.rpartition('.')[2]}")
        found = found_by_others(name, path, target)
        if found is None or type(found.loader) is not SourceFileLoader or not found.origin or not is_own(found.origin):
            return found
        context = None if path is not None else _calling_context()
        if context is not None and context.place(name) != name:
            return alias(name, context.place(name))
        return own_spec(name, found) if _recording_all or _calling_module() else found

    def _in_context(self, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        package = PREFIX + name[len(PREFIX) :].partition(".")[0]
        context = CONTEXTS.get(package)
        if context is None:
            try:
                main = os.fsdecode(bytes.fromhex(package[len(PREFIX) :]))
                text = Path(main).read_bytes()
            except (ValueError, OSError):
                return None
            context = CONTEXTS[package] = Context(main, text)
        if name == package:
            return ModuleSpec(name, _Package(), is_package=True)
        return spec_in(context, name, None if path is None else list(path))


class _LastFinder:
    """Finds what a package imports by name for a module of the user's, such as a class named in a configuration."""

    slaloms = True

    def find_spec(self, name: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        context = None if path is not None else _calling_context()
        inside = name if context is None else context.place(name)
        return None if inside == name else alias(name, inside)


def alias(name: str, inside: str) -> ModuleSpec | None:
    """Return the spec by which the module ``inside`` of a context is also imported as ``name``."""
    module = importlib.import_module(inside)
    _ALIASES.add(name)
    importer = _calling_module()
    if importer:
        _note(IMPORTS.setdefault(importer, set()), inside, ())
    return ModuleSpec(name, _Alias(module), is_package=hasattr(module, "__path__"))


def _calling_module() -> str:
    """Return the name of the innermost module of a context in whose code this is called, "" where there is none."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if isinstance(name, str) and name.startswith(PREFIX):
            return name
        frame = frame.f_back  # type: ignore[assignment]
    return ""


def context_of(name: str) -> Context | None:
    """Return the context of the module that ``sys.modules`` has as ``name``, None for one that is in no context."""
    if not name.startswith(PREFIX):
        return None
    return CONTEXTS.get(PREFIX + name[len(PREFIX) :].partition(".")[0])


def _calling_context() -> Context | None:
    return context_of(_calling_module())


def _importer(importer: str) -> Callable[..., Any]:
    """Return the ``__import__`` of one module of the user's."""
    noted = IMPORTS.setdefault(importer, set())

    def own_import(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        context = context_of(importer)
        if level or not name:
            whole = importlib.util.resolve_name("." * level + name, (globals or {}).get("__package__"))
            _check_inside(importer, whole)
            found = _import(name, globals, locals, fromlist, level)
            _note(noted, whole, fromlist)
            return found
        if name.partition(".")[0] == "importlib":
            return _own_importlib(importer, name, fromlist)
        top, dot, rest = name.partition(".")
        inside = top if context is None else context.place(top)
        if inside == top:
            if top in _ALIASES:  # another context's
                drop_aliases()
            found = _import(name, globals, locals, fromlist, 0)
            _note(noted, name, fromlist)
            return found
        with _PlainNames():
            found = _import(inside + dot + rest, globals, locals, fromlist or ("__name__",), 0)
        _note(noted, inside + dot + rest, fromlist)
        if isinstance(fromlist, list) and not fromlist:  # C code, such as pickle's, which looks for the name next
            sys.modules.setdefault(name, found)
            _ALIASES.add(name)
        return found if fromlist else sys.modules[inside]

    return own_import


def _check_inside(importer: str, name: str) -> None:
    """Refuse a relative import that leads out of the importer's context: above it are modules of slalom."""
    context = context_of(importer)
    if context is not None and not f"{name}.".startswith(f"{context.package}."):
        raise ImportError(
            "attempted relative import beyond the top-level package: put an `__init__.py` into the package's folders"
        )


def _note(noted: set[str], name: str, fromlist: Any) -> None:
    """Note a module that was imported, the packages that it is in, and the submodules that were taken from it."""
    taken = fromlist or ()
    if "*" in taken:
        taken = getattr(sys.modules.get(name), "__all__", ())
    noted.update(f"{name}.{one}" for one in taken if f"{name}.{one}" in sys.modules)
    while name and name not in noted:
        noted.add(name)
        name = name.rpartition(".")[0]


class _PlainNames:
    """Lets errors call modules by the names that the user typed."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, problem: Any, trace: Any) -> None:
        if isinstance(problem, ModuleNotFoundError) and (problem.name or "").startswith(PREFIX):
            name = plain_name(problem.name or "")
            raise ModuleNotFoundError(f"No module named {name!r}", name=name) from None


def _own_importlib(importer: str, name: str, fromlist: Any) -> ModuleType:
    """Return what an import of ``importlib``, or of a module in it, gives in the user's module ``importer``."""
    real = importlib.import_module(name)
    changed = _changed_importlib(importer)
    return changed.get(name, real) if fromlist else changed["importlib"]


@cache
def _changed_importlib(importer: str) -> dict[str, ModuleType]:
    """Return the modules of ``importlib`` whose functions import for the user's module ``importer``."""
    own_import, noted = _importer(importer), IMPORTS[importer]
    context = context_of(importer)

    def inside(name: str) -> str:
        found = name if context is None else f"{context.package}.{name}"
        noted.add(found)
        return found

    def import_module(name: str, package: str | None = None) -> Any:
        if not name.startswith("."):
            return own_import(name, fromlist=("__name__",))
        name = importlib.util.resolve_name(name, package)
        _check_inside(importer, name)
        _note(noted, name, ())
        return importlib.import_module(name)

    def spec_from_file_location(name: str, location: Any = None, **options: Any) -> Any:
        path = "" if location is None else os.fspath(location)
        if options.get("loader") is None and path.endswith(".py"):
            options["loader"] = OwnLoader(name, os.path.abspath(path), inside(name))
        return importlib.util.spec_from_file_location(name, location, **options)

    class OwnSourceFileLoader(OwnLoader):
        def __init__(self, fullname: str, path: str):
            super().__init__(fullname, os.path.abspath(path), inside(fullname))

    util = _Changed(importlib.util, spec_from_file_location=spec_from_file_location)
    machinery = _Changed(importlib.machinery, SourceFileLoader=OwnSourceFileLoader)
    top = _Changed(importlib, import_module=import_module, util=util, machinery=machinery)
    return {"importlib": top, "importlib.util": util, "importlib.machinery": machinery}


class _Changed(ModuleType):
    """A module of which some attributes are others."""

    def __init__(self, real: ModuleType, **changed: Any):
        super().__init__(real.__name__, real.__doc__)
        self.__dict__.update(changed)
        self.__dict__["_real"] = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


_recording_all = False


def record_all() -> None:
    """Record every module of the user's from now on, whatever imports it: for a worker process, which is slalom's."""
    global _recording_all
    _recording_all = True


def install() -> None:
    """Make this process import for the user's files as this module says. Installing twice is installing once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
        sys.meta_path.append(_LastFinder())
