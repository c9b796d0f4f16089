"""What a study's runs are functions of: the keys under which a store keeps them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from slalom.core import Runner, Training, python_files
from slalom.core.user_files.sources import Sources
from slalom.lab.studying.grounds import Ground
from slalom.store import RunSpec
from slalom.store.canonical import canonical, plain

LANES = {"defaults": ("lr",), "lr": ("lr",), "full": ("eps", "lr", "momentum", "weight_decay")}
"""By track, what differs among networks that a fleet moves together."""


@dataclass(frozen=True)
class Setting:
    """What all runs of a study on one course have in common, as far as their keys go.

    Where runs come out ``alike`` in whatever company they are computed, the key says only that there was company.
    """

    course: str
    course_fingerprint: str
    engine: str
    device: str
    lanes: tuple[str, ...]
    alike: bool
    provenance: Mapping[Any, tuple[Mapping[str, str], str]] = field(hash=False)
    """By class and sources of an optimizer, its packages' versions and its files' hash."""
    course_packages: Mapping[str, str] = field(hash=False, default_factory=dict)
    sources: tuple[Sources, ...] = ()
    """The user's files that the runs depend on, as their keys have them."""

    def spec(self, runner: Runner, training: Training | None, company: Sequence[Runner] = ()) -> RunSpec:
        """Return the specification of a run; where company matters, of one among ``company``, itself included."""
        optimizer: Any = runner.optimizer
        known = self.provenance.get(_identity(optimizer))
        package, fingerprint = _provenance(optimizer) if known is None else known
        return RunSpec(
            course=self.course,
            optimizer=optimizer.path,
            seed=runner.seed,
            start=runner.start,
            hyperparameters=optimizer.hyperparameters,
            stages=optimizer.stages,
            training=training,
            engine=self.engine,
            lanes=self.lanes if self.engine == "fleet" else (),
            width=self._width(len(company)),
            company="" if self.alike or len(company) < LEAST else _digest(runner, company),
            device=self.device,
            course_fingerprint=self.course_fingerprint,
            optimizer_fingerprint=fingerprint,
            versions={**self.course_packages, **package, "torch": _torch_version()},
        )

    def _width(self, company: int) -> int:
        if self.engine == "solo":
            return 1
        return LEAST if self.alike else max(LEAST, company)


def _digest(runner: Runner, company: Sequence[Runner]) -> str:
    """Return a hash of those who are computed together, and of a runner's place among them."""
    who: list[Any] = [
        [one.optimizer.path, plain(one.optimizer.hyperparameters, "a hyperparameter"), one.optimizer.stages, one.seed]  # type: ignore[attr-defined]
        for one in company
    ]
    text = canonical([who, list(company).index(runner)], "a company")
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


LEAST = 2
"""Networks that the engines compute together at least: one alone is padded to two."""


def setting_of(ground: Ground, optimizers: Iterable[Any], track: str, engine: str, alike: bool) -> Setting:
    """Return the setting of a study on a ground. The user's files are read now: what they hold now is what runs."""
    device = "cpu" if ground.training is None else ground.training.device
    content, found = course_fingerprint(ground), course_sources(ground)
    chosen = list(optimizers)
    own = [found, *(one for optimizer in chosen for one in _sources(optimizer))]
    return Setting(
        course_key(ground), content, engine, _device_model(device), LANES[track], alike,
        provenance={_identity(one): _provenance(one) for one in chosen},
        course_packages={} if found is None else found.packages,
        sources=tuple({one.main: one for one in own if one is not None}.values()),
    )  # fmt: skip


def course_key(ground: Ground) -> str:
    """Return what names a course in keys: of a file, whose content is hashed, its own name, wherever it lies."""
    path, colon, name = ground.source.rpartition(":")
    return f"{Path(path).name}{colon}{name}" if path.lower().endswith(".py") else str(ground.course.name)


def is_nameless(ground: Ground, optimizers: Any) -> bool:
    """Whether a course or an optimizer is an object that no text names: it cannot be recognised another time."""
    return not ground.source or any(map(is_unreachable, optimizers))


def is_unreachable(optimizer: Any) -> bool:
    """Whether an optimizer is an object that no text names."""
    factory = optimizer.factory
    if optimizer.source:
        return False
    name = getattr(factory, "__qualname__", "<")
    return "<" in name or getattr(factory, "__module__", "__main__") == "__main__"


def course_sources(ground: Ground) -> Sources | None:
    """Return the user's files that a course depends on, None for a course that is in no file."""
    return python_files.sources(ground.source) if python_files.names_a_file(ground.source) else None


def course_fingerprint(ground: Ground) -> str:
    """Return the hash of the user's file and of what it imports of the user's; nothing for a catalogue's."""
    if not ground.source:
        return _token(ground.course)
    found = course_sources(ground)
    return "" if found is None else found.fingerprint


def _sources(optimizer: Any) -> list[Sources]:
    """Return the user's files that an optimizer and its schedulers depend on."""
    if is_unreachable(optimizer):
        return []
    own = None
    if not optimizer.source:
        own = python_files.sources_of_module(getattr(optimizer.factory, "__module__", None) or "")
    return [one for one in (own, *map(python_files.sources, optimizer.sources)) if one is not None]


def _identity(optimizer: Any) -> tuple[Any, tuple[str, ...]]:
    """Return what all variants of an optimizer have in common: its class and the files that it is from."""
    return optimizer.factory, optimizer.sources


def _provenance(optimizer: Any) -> tuple[dict[str, str], str]:
    """Return the versions of an optimizer's packages, and the hash of its files where it belongs to no package.

    A scheduler of the user's counts too.
    """
    if is_unreachable(optimizer):
        return {}, _token(optimizer.factory)
    found = _sources(optimizer)
    versions = {} if optimizer.source else _version(optimizer.path)
    for one in found:
        versions |= one.packages
    hashes = [one.fingerprint for one in found]
    return versions, "".join(hashes) if len(hashes) < 2 else hashlib.sha256(" ".join(hashes).encode()).hexdigest()


def _version(path: str) -> dict[str, str]:
    """Return the version of the installed package that an import path leads to; torch's is in every key."""
    package = path.partition(".")[0]
    if package == "torch":
        return {}
    try:
        return {package: version(package.replace("_", "-"))}
    except PackageNotFoundError:
        return {}


_TOKENS: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def _token(thing: Any) -> str:
    """Return a text that stands for one object in this process, and for nothing in any other."""
    return _TOKENS.setdefault(thing, f"object {uuid.uuid4().hex}")


@cache
def _torch_version() -> str:
    import torch

    return str(torch.__version__)


def _device_model(device: str) -> str:
    """Return the kind of a device: "cpu", or a GPU's model."""
    if not device.startswith("cuda"):
        return device.partition(":")[0]
    import torch

    return torch.cuda.get_device_name(device)
