"""slalom races PyTorch optimizers downhill. The public names are imported when first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from slalom._version import __version__

_HOME = {
    "InputError": "slalom.core",
    "Landscape": "slalom.landscapes",
    "Metric": "slalom.core",
    "Race": "slalom.lab",
    "Studies": "slalom.lab.studying",
    "Study": "slalom.lab.studying",
    "Task": "slalom.tasks",
    "TaskRace": "slalom.lab",
    "demo": "slalom.lab",
    "race": "slalom.lab",
    "study": "slalom.lab.studying",
    "sweep": "slalom.lab",
}
"""Public name to the room it is imported from when somebody first uses it: torch takes seconds to import."""

__all__ = [
    "InputError",
    "Landscape",
    "Metric",
    "Race",
    "Studies",
    "Study",
    "Task",
    "TaskRace",
    "__version__",
    "demo",
    "race",
    "study",
    "sweep",
]

if TYPE_CHECKING:
    from slalom.core import InputError, Metric
    from slalom.lab import Race, TaskRace, demo, race, sweep
    from slalom.lab.studying import Studies, Study, study
    from slalom.landscapes import Landscape
    from slalom.tasks import Task


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'slalom' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
