"""The inside of an update: what the real optimizer's state holds while it moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.core import Landscape, Noise, Runner

if TYPE_CHECKING:
    import torch

MOMENTUM = ("exp_avg", "momentum_buffer")
"""Names under which optimizers keep an average of gradients, in order of preference."""

SECOND_MOMENT = ("exp_avg_sq", "square_avg", "sum", "exp_inf")
"""Names under which optimizers keep a measure of squared gradients (Adamax: of their size)."""


def look_inside(landscape: Landscape, runner: Runner, steps: int, noise: Noise) -> dict[str, np.ndarray]:
    """Run one runner again in the plain loop, in float64 on the CPU, and return what was inside at each step.

    ``gradient`` and ``step``, and where the optimizer keeps them ``momentum`` and ``second_moment``; each [N, D], the
    row k belonging to the step from k to k + 1, NaN after a divergence.
    """
    import torch

    from slalom.engines import descend_noting

    dim = landscape.dim
    inside: dict[str, np.ndarray] = {"gradient": np.full((steps, dim), np.nan)}

    def watch(step: int, optimizer: Any, parameter: torch.Tensor, gradient: torch.Tensor) -> None:
        found = {"gradient": gradient}
        state = getattr(optimizer, "state", {}).get(parameter, {})
        found |= {
            "momentum": _first(state, MOMENTUM, dim),
            "second_moment": _first(state, SECOND_MOMENT, dim),
        }
        for name, values in found.items():
            if values is not None:
                column = inside.setdefault(name, np.full((steps, dim), np.nan))
                column[step - 1] = values.detach().flatten().double().cpu().numpy()

    path = np.full((steps + 1, dim), np.nan)
    evaluations = np.arange(steps + 1)
    descend_noting(landscape, runner, path, evaluations, noise=noise, dtype=torch.float64, device="cpu", watch=watch)
    inside["step"] = np.diff(path, axis=0)
    return inside


def _first(state: Mapping[str, Any], names: tuple[str, ...], dim: int) -> Any:
    """Return the first entry of ``state`` under ``names`` that is one number per coordinate."""
    for name in names:
        value = state.get(name)
        if getattr(value, "numel", lambda: 0)() == dim:
            return value
    return None
