"""A context: the modules that belong to one Python file of the user's, and where its imports are looked for."""

from __future__ import annotations

import ast
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from slalom.core.user_files.records import NEVER_OWN, PREFIX, forget, is_own

CONTEXTS: dict[str, Context] = {}
"""By the part of a module's name that stands for a main file."""


class Context:
    """The modules of one main file. ``main`` is its absolute path; ``text`` its
    content; the file is run by :meth:`load`.

    ``front`` are the folders that are searched before the rest of ``sys.path``, ``back`` those searched after it. The
    first are the file's own folder, and whatever its code puts at the front of ``sys.path``.
    """

    def __init__(self, main: str, text: bytes):
        self.main = main
        self.package = PREFIX + os.fsencode(main).hex()
        folder, parts = Path(main).parent, [Path(main).stem.replace(".", ":")]
        self.front = [str(folder)]
        depth = _folders_needed(text)
        while parts[0].isidentifier() and folder.name.isidentifier():
            if len(parts) > depth and not (folder / "__init__.py").is_file():
                break
            parts.insert(0, folder.name)
            folder = folder.parent
        if len(parts) > 1 and _needs_its_package(text, parts[0]):
            self.front.append(str(folder))  # so that the package can be imported by its name
        else:
            del parts[:-1]  # as Python runs a script: without the `__init__.py` of its folder
        self.own_package = parts[:-1]
        self.back: list[str] = []
        self.name = ".".join([self.package, *parts])
        self._search_path = list(sys.path)
        self._tops: dict[str, str] = {}

    @property
    def module(self) -> ModuleType | None:
        """The main file's module, None where it has not been run."""
        return sys.modules.get(self.name)

    def load(self) -> ModuleType:
        """Run the main file. What it raises passes through, and leaves no module behind."""
        importlib.invalidate_caches()
        CONTEXTS[self.package] = self
        try:
            with self._running():
                return importlib.import_module(self.name)
        except BaseException:
            forget(self.package)
            CONTEXTS.pop(self.package, None)
            raise

    @contextmanager
    def _running(self) -> Iterator[None]:
        """Let ``sys.path`` and ``sys.argv`` be those of a script, and put them back; keep the folders that it adds."""
        path, arguments = list(sys.path), sys.argv
        self._search_path = path
        sys.path[:0] = self.front
        sys.argv = [self.main]
        try:
            yield
        finally:
            self.front, self.back = self._folders()
            sys.path[:], sys.argv = path, arguments

    def _folders(self) -> tuple[list[str], list[str]]:
        """Return the folders that are searched before and after the rest of ``sys.path``, those added by now included.

        A folder counts as added to the front if it stands before the first of those that were there before.
        """
        known = self._search_path
        now = [entry for entry in sys.path if isinstance(entry, str)]
        starts = [place for place, entry in enumerate(now) if known and entry == known[0]]
        begin = starts[-1] if starts else 0
        front = dict.fromkeys([*map(os.path.abspath, now[:begin]), *self.front])
        added = [os.path.abspath(entry) for entry in now[begin:] if entry not in known]
        return list(front), [entry for entry in dict.fromkeys([*self.back, *added]) if entry not in front]

    def place(self, top: str) -> str:
        """Return the name in ``sys.modules`` of what ``import top`` means in this context.

        It is ``top`` itself for what is imported as everywhere else in this process.
        """
        known = self._tops.get(top)
        if known is not None and known in sys.modules:
            return known
        found = self._place(top)
        self._tops[top] = found
        return found

    def _place(self, top: str) -> str:
        inside = f"{self.package}.{top}"
        if inside in sys.modules or inside == self.name:
            return inside
        if top in NEVER_OWN or top in sys.builtin_module_names:
            return top
        front, back = self._folders()
        spec = PathFinder.find_spec(top, front)
        if spec is not None and not is_namespace(spec) and is_own(spec.origin or top):
            return self._in_own_package(spec, top) or inside
        other = elsewhere(top)
        if other is not None and not is_namespace(other):
            return top
        if spec is not None or PathFinder.find_spec(top, back) is not None:
            return inside
        return top

    def _in_own_package(self, spec: ModuleSpec, top: str) -> str:
        """Return the name of a module beside the main file that belongs to the main file's package; "" for others."""
        if not self.own_package or not spec.origin:
            return ""
        folder = os.path.dirname(spec.origin)
        folder = os.path.dirname(folder) if spec.submodule_search_locations is not None else folder
        return ".".join([self.package, *self.own_package, top]) if folder == os.path.dirname(self.main) else ""

    def top_spec(self, top: str) -> ModuleSpec | None:
        front, back = self._folders()
        found = [PathFinder.find_spec(top, folders) for folders in (front, back)]
        parts = [spec for spec in found if spec is not None]
        whole = next((spec for spec in parts if not is_namespace(spec)), None)
        if whole is not None or not parts:
            return whole
        joined = ModuleSpec(top, None, is_package=True)  # a namespace package may have parts in several folders
        joined.submodule_search_locations = [
            place for spec in [*parts, elsewhere(top)] if spec for place in spec.submodule_search_locations or ()
        ]
        return joined


def found_by_others(name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
    """Return where a module is found outside of all contexts, without importing it; None where there is none."""
    for finder in list(sys.meta_path):
        find = None if getattr(finder, "slaloms", False) else getattr(finder, "find_spec", None)
        spec = None if find is None else find(name, path, target)
        if spec is not None:
            return spec
    return None


def elsewhere(top: str) -> ModuleSpec | None:
    """Return where a top-level module is found outside of all contexts, or was found when it was imported."""
    module = sys.modules.get(top)
    if module is None or getattr(module, "__name__", "").startswith(PREFIX):
        return found_by_others(top)
    return getattr(module, "__spec__", None) or ModuleSpec(top, None, origin="built-in")


def is_namespace(spec: ModuleSpec) -> bool:
    """Return whether a package has no file of its own, so that any regular module of its name goes before it."""
    return spec.submodule_search_locations is not None and (spec.origin is None or spec.loader is None)


def _nodes(text: bytes) -> list[ast.AST]:
    """Return all nodes of a file's syntax tree, none where it has errors."""
    try:
        return list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return []


def _folders_needed(text: bytes) -> int:
    """Return how many folders above a file its relative imports make packages, with or without an ``__init__.py``.

    0 where these stay in the file's own folder.
    """
    levels = [node.level for node in _nodes(text) if isinstance(node, ast.ImportFrom)]
    return max((level for level in levels if level > 1), default=0)


def _needs_its_package(text: bytes, top: str) -> bool:
    """Return whether a file imports relatively, or from its own package by name."""
    nodes = _nodes(text)
    named = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    named += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    relative = any(isinstance(node, ast.ImportFrom) and node.level for node in nodes)
    return relative or any(name.partition(".")[0] == top for name in named)
