"""The plain PyTorch loop that a person would write, one runner at a time: the reference for every other engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from slalom.core import Landscape, Noise, Progress, Runner, Trajectories
from slalom.engines.limits import bound, bounds, freeze

NO_EPOCHS = 0
"""Steps of an epoch where there are none: on a landscape, schedules count steps."""

Watch = Callable[[int, Any, torch.Tensor], None]
"""Called after each step with (step, the real optimizer, its parameter)."""


def solo(
    landscape: Landscape,
    runners: Sequence[Runner],
    steps: int,
    *,
    noise: Noise,
    dtype: torch.dtype,
    device: str,
    progress: Progress | None = None,
) -> Trajectories:
    """Run every runner by itself. After Ctrl-C, return those that had finished."""
    paths = np.full((len(runners), steps + 1, landscape.dim), np.nan)
    evaluations = np.tile(np.arange(steps + 1), (len(runners), 1))
    done = 0
    try:
        for runner, path, counts in zip(runners, paths, evaluations, strict=True):
            descend(landscape, runner, path, counts, noise=noise, dtype=dtype, device=device)
            done += 1
            if progress:
                progress(done * steps, len(runners) * steps)
    except KeyboardInterrupt:
        paths, evaluations = paths[:done], evaluations[:done]
    return Trajectories(
        paths,
        freeze(paths, bounds(landscape, [runner.start for runner in runners[:done]])),
        completed=steps,
        evaluations=evaluations,
        remarks=() if done == len(runners) else (f"interrupted: {done} of {len(runners)} runners had finished",),
        kept=tuple(range(done)),
    )


def descend(
    landscape: Landscape,
    runner: Runner,
    path: np.ndarray,
    evaluations: np.ndarray,
    *,
    noise: Noise,
    dtype: torch.dtype,
    device: str,
    watch: Watch | None = None,
) -> None:
    """Run one runner, filling ``path`` [N + 1, D] and ``evaluations`` [N + 1]; it ends early where it diverges."""
    needs = runner.optimizer.needs
    steps, dim, limit = len(path) - 1, landscape.dim, bound(landscape, runner)
    point = torch.tensor(runner.start, dtype=dtype, device=device)
    parameter = torch.nn.Parameter(point.reshape(1, dim) if needs.matrix else point)
    optimizer = runner.optimizer.make([parameter])
    scheduler = runner.optimizer.scheduler(optimizer, steps, NO_EPOCHS)
    path[0] = parameter.detach().flatten().tolist()
    count = 0
    blown: torch.Tensor | None = None

    def evaluate() -> torch.Tensor:
        nonlocal count
        count += 1
        optimizer.zero_grad()
        loss = landscape.function(*parameter.flatten().unbind())
        loss.backward(create_graph=needs.create_graph)
        assert parameter.grad is not None
        if blown is not None:
            parameter.grad += blown
        if needs.sparse:
            parameter.grad = parameter.grad.to_sparse()
        return loss

    if needs.modes:
        optimizer.train()
    for step in range(1, steps + 1):
        if noise.deviation:
            drawn = torch.from_numpy(noise.draw(runner.seed, step, dim))
            blown = drawn.to(parameter).reshape(parameter.shape)
        if needs.closure:
            optimizer.step(evaluate)
        else:
            evaluate()
            optimizer.step()
        if scheduler is not None:
            scheduler.step()
        if needs.modes:
            optimizer.eval()
        values = parameter.detach().flatten().tolist()
        if needs.modes:
            optimizer.train()
        path[step], evaluations[step] = values, count
        if watch:
            watch(step, optimizer, parameter)
        if not all(abs(value) <= limit for value in values):
            evaluations[step:] = count
            return
