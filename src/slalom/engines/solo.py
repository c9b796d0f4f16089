"""The plain PyTorch loop that a person would write, one runner at a time: the reference for every other engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import torch

from slalom.core import (
    InputError,
    Landscape,
    Noise,
    Progress,
    Runner,
    Trajectories,
    begin_training,
    describe_exception,
    interrupts,
    quote,
)
from slalom.engines.limits import bound, bounds, freeze
from slalom.isolation import is_foreign, isolated, seed_everything, step_seed

NO_EPOCHS = 0
"""Steps of an epoch where there are none: on a landscape, schedules count steps."""

Watch = Callable[[int, Any, torch.Tensor, torch.Tensor], None]
"""Called after each step with (step, the real optimizer, its parameter, the first gradient of the step)."""


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
    errors: dict[int, str] = {}
    changed: dict[int, tuple[str, ...]] = {}
    done = 0
    try:
        for index, (runner, path, counts) in enumerate(zip(runners, paths, evaluations, strict=True)):
            errors[index], changed[index] = descend_noting(
                landscape, runner, path, counts, noise=noise, dtype=dtype, device=device
            )
            done += 1
            if progress:
                progress(done * steps, len(runners) * steps)
    except interrupts():
        paths, evaluations = paths[:done], evaluations[:done]
    remarks = [] if done == len(runners) else [f"interrupted: {done} of {len(runners)} runners had finished"]
    return Trajectories(
        paths,
        freeze(paths, bounds(landscape, [runner.start for runner in runners[:done]])),
        completed=steps,
        evaluations=evaluations,
        remarks=(*remarks, *remarks_on(runners, {}, changed)),
        kept=tuple(range(done)),
        errors={index: error for index, error in errors.items() if error and index < done},
    )


def descend_noting(
    landscape: Landscape, runner: Runner, path: np.ndarray, evaluations: np.ndarray, **how: Any
) -> tuple[str, tuple[str, ...]]:
    """Run one runner as :func:`descend` does; return why it failed ("" if it did not) and the settings it changed.

    Whatever its class changes outside of the run is put back when it ends.
    """
    if not is_foreign(runner.optimizer):
        descend(landscape, runner, path, evaluations, **how)
        return "", ()
    warm_up()
    error, astray = "", list[BaseException]()
    with isolated(getattr(runner.optimizer, "factory", None)) as changed:
        try:
            descend(landscape, runner, path, evaluations, astray=astray, **how)
        except interrupts(InputError, MemoryError, torch.OutOfMemoryError):
            raise
        except BaseException as problem:
            if problem in astray:
                raise  # it is the landscape's
            error = describe_exception(problem)
    return error, tuple(changed)


def remarks_on(runners: Sequence[Runner], unfit: Mapping[int, str], changed: Mapping[int, Sequence[str]]) -> list[str]:
    """Return what a reader must know: which optimizers went alone and why, and what they changed for all."""
    alone = {f"{quote(runners[k].optimizer.spec)} runs by itself in the plain loop: {why}" for k, why in unfit.items()}
    put_back = {
        f"{quote(runners[k].optimizer.spec)} changed {', '.join(names)}, which was put back after its run"
        for k, names in changed.items()
        if names
    }
    return [*sorted(alone), *sorted(put_back)]


@cache
def warm_up() -> None:
    """Let torch import what it imports at the first step, so that no optimizer is blamed for what this changes."""
    with torch.enable_grad():
        parameter = torch.nn.Parameter(torch.ones(2))
        optimizer = torch.optim.SGD([parameter], lr=0.0)
        parameter.square().sum().backward()
        optimizer.step()


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
    astray: list[BaseException] | None = None,
) -> None:
    """Run one runner, filling ``path`` [N + 1, D] and ``evaluations`` [N + 1]; it ends early where it diverges.

    Random numbers that a class draws are a function of (seed, step). What the landscape's function raises is also
    appended to ``astray``.
    """
    needs, foreign = runner.optimizer.needs, is_foreign(runner.optimizer)
    steps, dim, limit = len(path) - 1, landscape.dim, bound(landscape, runner)
    point = torch.tensor(runner.start, dtype=dtype, device=device)
    parameter = torch.nn.Parameter(point.reshape(1, dim) if needs.matrix else point)
    if foreign:
        seed_everything(step_seed(runner.seed, 0))
    optimizer = runner.optimizer.make([parameter])
    scheduler = runner.optimizer.scheduler(optimizer, steps, NO_EPOCHS)
    path[0] = parameter.detach().flatten().tolist()
    count = 0
    blown: torch.Tensor | None = None
    gradients: list[torch.Tensor] = []

    def evaluate() -> torch.Tensor:
        nonlocal count
        count += 1
        optimizer.zero_grad()
        try:
            loss: torch.Tensor = landscape.function(*parameter.flatten().unbind())
        except BaseException as problem:
            if astray is not None:
                astray.append(problem)
            raise
        loss.backward(create_graph=needs.create_graph)
        assert parameter.grad is not None
        if blown is not None:
            parameter.grad += blown
        if needs.sparse:
            parameter.grad = parameter.grad.to_sparse()
        if watch and not gradients:  # a class may change it, or take it away
            gradients.append(parameter.grad.detach().to_dense().clone())
        return loss

    if needs.modes:
        begin_training(optimizer)
    for step in range(1, steps + 1):
        if foreign:
            seed_everything(step_seed(runner.seed, step))
        if noise.deviation:
            drawn = torch.from_numpy(noise.draw(runner.seed, step, dim))
            blown = drawn.to(parameter).reshape(parameter.shape)
        if needs.closure:
            optimizer.step(torch.enable_grad()(evaluate))  # some call it where gradients are off
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
            watch(step, optimizer, parameter, gradients.pop() if gradients else torch.full_like(parameter, torch.nan))
        if not all(abs(value) <= limit for value in values):
            evaluations[step:] = count
            return
