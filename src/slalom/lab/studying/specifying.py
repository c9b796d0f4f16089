"""What a study's runs are functions of: the keys under which a store keeps them."""

from __future__ import annotations

import hashlib
import sys
import uuid
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from slalom.core import Runner, Training
from slalom.store import RunSpec

LANES = {"defaults": ("lr",), "lr": ("lr",), "full": ("eps", "lr", "momentum", "weight_decay")}
"""By track, what differs among networks that a fleet moves together: each unit has one optimizer."""


@dataclass(frozen=True)
class Setting:
    """What all runs of a study have in common, as far as their keys go."""

    course: str
    course_fingerprint: str
    engine: str
    device: str
    lanes: tuple[str, ...]

    def spec(self, runner: Runner, training: Training | None, width: int) -> RunSpec:
        """Return the specification of a run that is computed among ``width`` networks."""
        optimizer: Any = runner.optimizer
        package, fingerprint = _provenance(optimizer.path, optimizer.factory)
        return RunSpec(
            course=self.course,
            optimizer=optimizer.path,
            seed=runner.seed,
            hyperparameters=optimizer.hyperparameters,
            stages=optimizer.stages,
            training=training,
            engine=self.engine,
            lanes=self.lanes if self.engine == "fleet" else (),
            width=width,
            device=self.device,
            course_fingerprint=self.course_fingerprint,
            optimizer_fingerprint=fingerprint,
            versions={"torch": _torch_version(), **package},
        )


def setting_of(task: Any, track: str, engine: str, device: str) -> Setting:
    """Return the setting of a study on a task."""
    return Setting(task.name, course_fingerprint(task), engine, _device_model(device), LANES[track])


def is_nameless(task: Any, optimizers: Any) -> bool:
    """Whether a task or an optimizer is an object that no text names: it cannot be recognised another time."""
    return not task.source or any(_is_unreachable(optimizer.factory) for optimizer in optimizers)


def _is_unreachable(factory: Any) -> bool:
    name = getattr(factory, "__qualname__", "<")
    return "<" in name or getattr(factory, "__module__", "__main__") == "__main__"


def course_fingerprint(task: Any) -> str:
    """Return the hash of the user's file; nothing for a task of the catalogue."""
    if not task.source:
        return _token(task)
    path, _, _ = task.source.rpartition(":")
    return _hash(path) if path.endswith(".py") else ""


def _provenance(path: str, factory: Any) -> tuple[dict[str, str], str]:
    """Return the version of an optimizer's package, or the hash of its file where it belongs to no package."""
    if _is_unreachable(factory):
        return {}, _token(factory)
    package = path.partition(".")[0]
    if package == "torch":
        return {}, ""
    try:
        return {package: version(package.replace("_", "-"))}, ""
    except PackageNotFoundError:
        module = sys.modules.get(getattr(factory, "__module__", ""))
        file = getattr(module, "__file__", None)
        return {}, _hash(file) if file else ""


_TOKENS: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def _token(thing: Any) -> str:
    """Return a text that stands for one object in this process, and for nothing in any other."""
    return _TOKENS.setdefault(thing, f"object {uuid.uuid4().hex}")


@cache
def _hash(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


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
