"""What ``slalom.sweep`` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from slalom.core import Ends, Landscape, Optimizer
from slalom.lab.record import Race


@dataclass
class BasinSweep:
    """Every optimizer from a grid of starting points. Grid cells run row by row, y outer, x inner."""

    course: Landscape
    optimizers: tuple[Optimizer, ...]
    grid_x: np.ndarray  # [columns], the x of the cells' centres
    grid_y: np.ndarray  # [rows]
    ends: tuple[Ends, ...]  # one per optimizer, each over rows × columns
    threshold: float
    fan: Race  # the start itself and paths scattered around it
    steps: int
    engine: str
    dtype: str
    versions: Mapping[str, str]


@dataclass
class SensitivitySweep:
    """Every optimizer at a range of learning rates."""

    course: Landscape
    optimizers: tuple[Optimizer, ...]
    rates: np.ndarray  # [L]
    final_losses: tuple[np.ndarray, ...]  # one per optimizer, [L, runs]: at the last step
    diverged: tuple[np.ndarray, ...]  # [L, runs]
    starts: int
    seeds: int
    steps: int
    engine: str
    dtype: str
    versions: Mapping[str, str]


@dataclass
class LadderSweep:
    """Every optimizer at multiples of its learning rate, with the paths: one race per optimizer."""

    course: Landscape
    optimizers: tuple[Optimizer, ...]
    factors: Sequence[float]
    rows: tuple[Race, ...]


Sweep = BasinSweep | SensitivitySweep | LadderSweep
