"""What a file of the user's depends on: its own text, the modules of the user's that it imports, installed packages."""

from __future__ import annotations

import ast
import hashlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import NamedTuple

from slalom.core.errors import InputError, quote
from slalom.core.user_files.contexts import Context, elsewhere
from slalom.core.user_files.hooks import context_of, spec_in
from slalom.core.user_files.records import ELSEWHERE, NEVER_OWN, digest_on_disk, executed, is_own, plain_name

GO_ON = "What was finished is kept; type the same command again to compute what the changed text makes different."


class SourceChangedError(InputError):
    """A file of the user's is no longer the one that a study was planned with. Its text is one sentence or two."""


class Part(NamedTuple):
    """A module: the name by which it is imported, its file, and the SHA-256 of that file's content."""

    name: str
    path: str
    digest: str


@dataclass(frozen=True)
class Sources:
    """The files that ``main``, a module's name in ``sys.modules``, depends on, with their content when this was made.

    ``packages`` are the versions of the installed packages that these files import directly.
    """

    main: str
    parts: tuple[Part, ...]
    packages: Mapping[str, str] = field(hash=False)

    @property
    def fingerprint(self) -> str:
        """A hash of the files' contents, wherever they are: 64 hexadecimal digits."""
        if len(self.parts) == 1:
            return self.parts[0].digest
        listed = sorted((part.name, part.digest) for part in self.parts)
        told = "".join(f"{name}\0{digest}\n" for name, digest in listed)
        return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()

    def changed_on_disk(self) -> Part | None:
        """Return a file whose content is no longer what it was, None where there is none."""
        return next((part for part in self.parts if _digest_now(part.path) != part.digest), None)

    def check_disk(self) -> None:
        """Raise SourceChangedError where a file is no longer what it was."""
        part = self.changed_on_disk()
        if part is not None:
            raise SourceChangedError(changed(part.path))

    def check_executed(self) -> None:
        """Raise SourceChangedError where this process has run another text, or a module that is not among the parts."""
        known = {(part.name, part.digest) for part in self.parts}
        names = {part.name for part in self.parts}
        for name, record in executed(self.main).items():
            called = plain_name(name)
            if (called, record.digest) in known:
                continue
            told = changed(record.path) if called in names else _unknown(record.path, self.parts[0].path)
            raise SourceChangedError(told)


def changed(path: str) -> str:
    return f"{quote(path, 160)} has changed while the study was running. {GO_ON}"


def _unknown(path: str, main: str) -> str:
    return (
        f"{quote(path, 160)} was imported while the study was running, by a name that is not in the text of "
        f"{quote(Path(main).name)}, so a later change of it would go unnoticed: import it there by its name, with an "
        "`import` statement. Runs that used it were not stored."
    )


_SEEN: dict[str, tuple[tuple[int, int, int], str]] = {}
"""By path, a file's time of change, size and number, and the hash of the content that it then had."""

SETTLED = 1.0
"""Seconds after which another change of a file surely has another time."""


def _digest_now(path: str) -> str:
    """Return the hash of a file's content; it is read again only where it may have changed."""
    try:
        told = os.stat(path)
    except OSError:
        return ""
    mark = told.st_ctime_ns, told.st_size, told.st_ino  # nothing can set the time of change, as it can st_mtime
    known = _SEEN.get(path)
    if known is not None and known[0] == mark:
        return known[1]
    found = digest_on_disk(path)
    if time.time() - told.st_ctime > SETTLED:
        _SEEN[path] = mark, found
    return found


def sources_of(main: str) -> Sources:
    """Return what a module of the user's depends on, ``main`` being its name in ``sys.modules``.

    That are the modules that its text imports, wherever in it, and what these import, as the files are now; and
    whatever else of the user's it has imported so far, here or in a worker process that has tried it.
    """
    search = _Search(context_of(main))
    search.follow(main)
    for name, record in {**ELSEWHERE.get(main, {}), **executed(main)}.items():
        if all(part.path != record.path for part in search.parts):
            search.add(name, record.path)
            search.follow_imports()
    return Sources(main, tuple(search.parts), dict(sorted(search.packages.items())))


def has_found_others(former: Sources) -> bool:
    """Whether what the files import now leads to a file that was not there before, such as a new ``__init__.py``."""
    search = _Search(context_of(former.main))
    search.follow(former.main)
    return not {part.path for part in search.parts} <= {part.path for part in former.parts}


class _Search:
    """Follows imports in texts, without running anything."""

    def __init__(self, context: Context | None):
        self.context = context
        self.parts: list[Part] = []
        self.packages: dict[str, str] = {}
        self._waiting: list[tuple[str, str, bool]] = []

    def follow(self, main: str) -> None:
        if self.context is not None and main == self.context.name:
            self.add(main, self.context.main)
        else:
            self.add_chain(main)
        self.follow_imports()

    def follow_imports(self) -> None:
        while self._waiting:
            name, path, is_package = self._waiting.pop()
            for imported in _imports(path, name, is_package):
                self.add_chain(imported)

    def add(self, name: str, path: str, is_package: bool = False) -> None:
        """Add a module, once."""
        called = plain_name(name)
        if any(part.name == called and part.path == path for part in self.parts):
            return
        self.parts.append(Part(called, path, digest_on_disk(path)))
        if path.endswith(".py"):
            self._waiting.append((name, path, is_package))

    def add_chain(self, name: str) -> None:
        """Add a module and the packages that it is in: all that can be found of the dotted ``name``."""
        if self.context is not None and name.startswith(self.context.package + "."):
            inside = name.split(".")[self.context.package.count(".") + 1 :]
            top, rest = f"{self.context.package}.{inside[0]}", inside[1:]
        else:
            first, *rest = name.split(".")
            top = first if self.context is None else self.context.place(first)
        spec = self._spec(top)
        while spec is not None:
            if spec.origin and os.path.isfile(spec.origin):
                if not is_own(spec.origin):
                    self._add_package(top.partition(".")[0], spec.origin)
                    return
                self.add(top, spec.origin, spec.submodule_search_locations is not None)
            folders = spec.submodule_search_locations
            if not rest or folders is None:
                return
            top, rest = f"{top}.{rest[0]}", rest[1:]
            if self.context is not None and top == self.context.name:
                spec = spec_in(self.context, top, None)
            else:
                spec = PathFinder.find_spec(top, list(folders))

    def _spec(self, top: str) -> ModuleSpec | None:
        if top in NEVER_OWN:
            return None
        if self.context is not None and top.startswith(self.context.package + "."):
            parts = top.split(".")
            depth = self.context.package.count(".") + 2
            spec = spec_in(self.context, ".".join(parts[:depth]), None)
            for place in range(depth, len(parts)):
                folders = None if spec is None else spec.submodule_search_locations
                spec = None if folders is None else PathFinder.find_spec(".".join(parts[: place + 1]), list(folders))
            return spec
        return elsewhere(top)

    def _add_package(self, top: str, path: str) -> None:
        """Note the version of the installed package that a module is in; the standard library is in none."""
        if top not in self.packages and ("site-packages" in path or "dist-packages" in path):
            self.packages.update(_versions(top))


@cache
def _versions(top: str) -> dict[str, str]:
    """Return the versions of the distributions that install the package ``top``, by name."""
    try:
        return {top: version(top)}
    except PackageNotFoundError:
        return {name: version(name) for name in packages_distributions().get(top, ())}


def _imports(path: str, name: str, is_package: bool) -> Iterator[str]:
    """Yield the dotted names that a file may import, wherever in its text; names of a context where it says so."""
    try:
        tree = ast.parse(Path(path).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                base = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
