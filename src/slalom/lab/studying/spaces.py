"""What is tuned of an optimizer, and over which values: on the track full, points in several dimensions at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from slalom.lab import ranges
from slalom.lab.studying.search import ranked
from slalom.optimizers import SpecifiedOptimizer

POINTS = 32
"""Points of the track full: scrambled Sobol, the first ones of the same sequence for everybody."""

FEWER_POINTS = (POINTS, 16, 8)
"""From the usual number to the smallest that a small budget is given."""

SCRAMBLE = 0
"""Seed of the scrambling, fixed so that a study can be repeated."""

ONE_MINUS = {"momentum": (0.01, 0.5), "beta1": (0.01, 0.5), "beta2": (1e-4, 0.2)}
"""Averages: 1 − value is drawn on the log scale."""

LOG = {"eps": (1e-10, 1e-1)}
DECAY = (1e-6, 1e-1)
NO_DECAY = 0.5
"""Share of the points whose weight decay is 0; the others are drawn on the log scale."""

DIGITS = 4


@dataclass(frozen=True)
class DrawnSearch:
    """The search of the track full for one optimizer: ``points`` are all there are; ``scores`` are by their index,
    ``failed`` those of which no run came to an end."""

    points: Sequence[dict[str, float]]
    scores: dict[float, float] = field(default_factory=dict)
    stopped: dict[float, float] = field(default_factory=dict)
    failed: set[float] = field(default_factory=set)

    def values(self, place: float) -> dict[str, float]:
        """Return the hyperparameters of a point."""
        return self.points[int(place)]

    def ranked(self) -> list[float]:
        """Return the indices of all points that have a score, the best first; of equals, the one drawn first."""
        return ranked(self.scores, self.stopped)

    def in_order(self) -> list[float]:
        """Return the indices of all points tried, as drawn."""
        return sorted(self.scores.keys() | self.failed)

    def is_edge(self, place: float) -> bool:
        """Points are drawn inside: none lies at an edge."""
        return False


def tunable(optimizer: SpecifiedOptimizer, track: str) -> tuple[str, ...]:
    """Return the hyperparameters that a track tunes: those it knows, that the optimizer has, and that nobody typed."""
    wanted = {"lr": ("lr",), "full": ("lr", *ONE_MINUS, "weight_decay", *LOG)}.get(track, ())
    known = ranges.sweepable(optimizer)
    fixed = set(optimizer.typed) | ({"beta1", "beta2"} if "betas" in optimizer.typed else set())
    if optimizer.fixes_rate or not optimizer.hyperparameters.get("lr", 0):
        fixed.add("lr")
    return tuple(name for name in wanted if name in known and name not in fixed)


def drawn_search(optimizer: SpecifiedOptimizer, names: Sequence[str], count: int = POINTS) -> DrawnSearch:
    """Return the search of the track full over some hyperparameters of an optimizer, of ``count`` points."""
    from torch.quasirandom import SobolEngine

    unit = SobolEngine(len(names), scramble=True, seed=SCRAMBLE).draw(count).double().tolist()
    rates = _rates(optimizer, names)
    points = [{name: _value(name, u, rates) for name, u in zip(names, row, strict=True)} for row in unit]
    return DrawnSearch(points)


def _rates(optimizer: SpecifiedOptimizer, names: Sequence[str]) -> tuple[float, float]:
    """Return the range of learning rates: with momentum tuned, that of SGD with momentum."""
    if "lr" not in names:
        return 1.0, 1.0
    if optimizer.family == "sgd" and "momentum" in names:
        return ranges.RATES["momentum"]
    return ranges.rate_range(optimizer)


def _value(name: str, share: float, rates: tuple[float, float]) -> float:
    """Return the value of a hyperparameter at a share, 0 to 1, of its range."""
    if name in ONE_MINUS:
        return float(f"{1.0 - _short(_between(*ONE_MINUS[name], share)):.10g}")
    if name == "weight_decay":
        return 0.0 if share < NO_DECAY else _short(_between(*DECAY, (share - NO_DECAY) / (1.0 - NO_DECAY)))
    low, high = rates if name == "lr" else LOG[name]
    return _short(_between(low, high, share))


def _between(low: float, high: float, share: float) -> float:
    return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def value_of(optimizer: SpecifiedOptimizer, name: str) -> Any:
    """Return a hyperparameter; ``beta1`` and ``beta2`` are parts of ``betas``."""
    if name in ("beta1", "beta2"):
        return optimizer.hyperparameters["betas"][name == "beta2"]
    return optimizer.hyperparameters.get(name)
