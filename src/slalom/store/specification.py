"""What a run is a function of, and the key that follows from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from slalom.core import InputError, Training, quote
from slalom.store.canonical import canonical, plain, restored

FORM = 2
"""Belongs to every hash. To be raised when a specification's text changes its meaning: old runs are then not reused.

Until form 1, metrics were averaged over pieces of the data; since form 2 each is computed on the whole split.
"""


@dataclass(frozen=True, eq=False)
class RunSpec:
    """Everything that a run's numbers depend on, and nothing else: equal specifications give equal runs.

    ``key`` is the SHA-256 of :attr:`text`. A number is taken as it is written: ``lr=1`` and ``lr=1.0`` are two
    specifications, since a miss costs a computation and a false hit costs a wrong result.
    """

    course: str  # the catalogue's name, the expression, or ``file.py:name``
    optimizer: str  # where it is imported from: "torch.optim.adam.Adam"
    seed: int
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)  # every one, defaults included
    stages: tuple[str, ...] = ()  # what stands behind the pipes, canonical: ("warmup:steps=100", "cosine")
    training: Training | None = None  # the conditions; None for a loop of the caller's own
    start: tuple[float, ...] = ()  # on a landscape
    noise: float = 0.0  # on a landscape
    engine: str = "solo"
    lanes: tuple[str, ...] = ()  # the hyperparameters that were lanes of a fleet
    width: int = 1  # lanes computed together, as padded: rounding depends on it
    company: str = ""  # a hash of who these are, in which order, and of the place among them, where that matters
    threads: int = 1
    device: str = (
        ""  # the kind of device: "cpu", or a GPU's model; by default what ``training`` names, without a number
    )
    course_fingerprint: str = ""  # of the content, where the course is the caller's own
    optimizer_fingerprint: str = ""  # likewise
    versions: Mapping[str, str] = field(default_factory=dict)  # of what computes: torch, the optimizer's package
    form: int = FORM  # a lower one for a run that an earlier slalom stored

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not 0 <= int(self.seed) < 2**63:
            raise InputError(f"seed must be a whole number of at least 0 and below 2**63, got {quote(self.seed)}.")
        tidy = {
            "seed": int(self.seed),
            "hyperparameters": plain(self.hyperparameters, f"a hyperparameter of {quote(self.optimizer)}"),
            "stages": tuple(self.stages),
            "start": tuple(map(float, self.start)),
            "noise": float(self.noise),
            "lanes": tuple(sorted(self.lanes)),
            "device": self.device or _kind(self.training),
            "versions": plain(self.versions, "a version"),
        }
        for name, value in tidy.items():
            object.__setattr__(self, name, value)

    def as_dict(self) -> dict[str, Any]:
        """Return the canonical form: plain values only, so that its JSON text is the same everywhere."""
        content = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "training"}
        if not self.company:
            del content["company"]
        return {**content, "training": self._conditions()}

    def _conditions(self) -> dict[str, Any] | None:
        """Return the conditions; with the length of the schedule where the run was stopped before its end."""
        if self.training is None:
            return None
        early = bool(self.stages) and self.training.length != self.training.steps
        return _conditions(self.training) | ({"horizon": self.training.length} if early else {})

    @staticmethod
    def from_dict(content: Mapping[str, Any]) -> RunSpec:
        """Return the specification of a canonical form. Raises ValueError for anything else."""
        fields = dict(content)
        if fields.get("form") not in range(1, FORM + 1):
            raise ValueError("another form of specification")
        conditions = fields.pop("training")
        try:
            return RunSpec(**fields, training=None if conditions is None else _training(conditions))
        except (TypeError, KeyError, AttributeError) as problem:
            raise ValueError(f"no specification: {problem}") from problem

    @staticmethod
    def from_text(text: str | bytes) -> RunSpec:
        """Return the specification of a canonical text. Raises ValueError."""
        return RunSpec.from_dict(restored(text))

    @cached_property
    def text(self) -> str:
        """The canonical JSON."""
        return canonical(self.as_dict(), "a specification")

    @cached_property
    def key(self) -> str:
        """64 hexadecimal digits: the SHA-256 of :attr:`text`."""
        return key_of(self.text)

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, RunSpec) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)


def key_of(text: str) -> str:
    """Return the key of a specification's text."""
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _kind(training: Training | None) -> str:
    """Return the kind of a device: which of several equal GPUs computes makes no difference."""
    return "cpu" if training is None else training.device.partition(":")[0]


def _conditions(training: Training) -> dict[str, Any]:
    """Return the conditions without the device, whose kind alone counts; even spacing is told by its distance."""
    looks = tuple(training.evaluate_at)
    every = looks[1] if len(looks) > 1 else 0
    even = every > 0 and looks == (*range(0, training.steps, every), training.steps)
    return {
        "steps": training.steps,
        "steps_per_epoch": training.steps_per_epoch,
        "evaluate": every if even else looks,
        "dtype": training.dtype,
        "precision": training.precision,
    }


def _training(conditions: Mapping[str, Any]) -> Training:
    """Return the conditions, on a device that the specification names by its kind."""
    told = dict(conditions)
    steps, looks = told["steps"], told.pop("evaluate")
    evaluate_at = looks if isinstance(looks, tuple) else (*range(0, steps, looks), steps)
    return Training(evaluate_at=evaluate_at, **told)
