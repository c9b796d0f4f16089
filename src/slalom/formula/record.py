"""Named values: an optimizer's state and its hyperparameters, as a rule reads and returns them."""

from __future__ import annotations

from typing import Any


class Record(dict[str, Any]):
    """A dictionary whose entries are also attributes: ``h.lr`` is ``h["lr"]``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class State(Record):
    """What an update rule remembers from step to step: tensors, or floats that stand for tensors full of them."""
