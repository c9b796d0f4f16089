"""How a large sweep ends, with the real classes: for optimizers that have no update rule here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from slalom.core import Ends, Landscape, Noise, Progress, Runner
from slalom.core.metrics import PATIENCE, first_settled
from slalom.engines.field import field

CHUNK = 4_096
"""Runners whose paths are kept at the same time."""


def field_ends(
    landscape: Landscape,
    runners: Sequence[Runner],
    steps: int,
    *,
    noise: Noise,
    dtype: torch.dtype,
    device: str,
    threshold: float,
    progress: Progress | None = None,
) -> Ends:
    """Move all runners in the field engine, chunk by chunk, keeping only how each one ends."""
    ends = Ends.empty(len(runners), landscape.dim)
    for low in range(0, len(runners), CHUNK):
        rows = slice(low, low + CHUNK)
        moved = field(landscape, runners[rows], steps, noise=noise, dtype=dtype, device=device)
        if moved.completed < steps:
            raise KeyboardInterrupt
        ends.remarks += [remark for remark in moved.remarks if remark not in ends.remarks]
        _note(ends, rows, landscape, moved.paths, moved.diverged_at, threshold)
        for row, error in moved.errors.items():
            ends.errors[low + row] = error
            ends.diverged[low + row] = False
        if progress:
            progress(min(low + CHUNK, len(runners)) * steps, len(runners) * steps)
    return ends


def _note(
    ends: Ends,
    rows: slice,
    landscape: Landscape,
    paths: np.ndarray,
    diverged_at: np.ndarray,
    threshold: float,
) -> None:
    """Note the ends of ``paths`` [R, N + 1, D] in ``rows``."""
    losses = landscape.values(paths)
    with np.errstate(invalid="ignore"):
        below = losses < threshold
    stays = below.shape[1] >= PATIENCE and below[:, -PATIENCE:].all(axis=1)
    ends.points[rows] = paths[:, -1]
    ends.losses[rows] = losses[:, -1]
    ends.arrived_at[rows] = np.where(stays, first_settled(below), -1)
    ends.diverged[rows] = (diverged_at >= 0) | ~np.isfinite(losses).all(axis=1)
