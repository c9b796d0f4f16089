"""A training loop of the caller's own, followed from evaluation to evaluation."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from slalom.core import (
    Evaluation,
    InputError,
    Progress,
    Run,
    Runner,
    TrainingLoop,
    describe_exception,
    interrupts,
    quote,
)
from slalom.engines.networks.recording import bytes_of, one_thread, state_tensors, warm_up
from slalom.isolation import is_foreign, isolated


def follow(loop: TrainingLoop, runner: Runner, *, progress: Progress | None = None) -> Run:
    """Run the loop as :func:`_followed` does; what its optimizer changes elsewhere is put back when it ends."""
    if not is_foreign(runner.optimizer):
        return _followed(loop, runner, progress)
    with isolated(getattr(runner.optimizer, "factory", None)) as changed:
        run = _followed(loop, runner, progress)
    if not changed:
        return run
    told = f"{quote(runner.optimizer.spec)} changed {', '.join(changed)}, which was put back after its run"
    return replace(run, remark=told)


def _followed(loop: TrainingLoop, runner: Runner, progress: Progress | None) -> Run:
    """Run the loop with one optimizer and seed; return what it yields. After Ctrl-C, what it has yielded so far.

    Torch's generator is seeded for it. An evaluation that brings no ``step`` or ``epoch`` of its own is numbered. The
    run has diverged at the first evaluation with a number that is not finite.
    """
    made: list[Any] = []

    def make_optimizer(parameters: Any) -> Any:
        made.append(runner.optimizer.equip(list(_named(parameters))))
        scheduler = runner.optimizer.schedule
        if scheduler:
            raise InputError(
                f"`{runner.optimizer.spec}`: a schedule needs to know how many steps there will be, which a training "
                "loop of your own does not tell: make the scheduler inside the loop."
            )
        return made[-1]

    warm_up()
    evaluations: list[Evaluation] = []
    interrupted, error, began = False, "", time.perf_counter()
    with one_thread(), torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(runner.seed)
        try:
            for number, measured in enumerate(loop.follow(make_optimizer, runner.seed), start=1):
                seconds = time.perf_counter() - began
                evaluations.append({"step": number, "epoch": math.nan, "seconds": seconds, **measured})
                if progress:
                    progress(number, 0)
        except interrupts():
            interrupted = True
        except InputError:
            raise
        except BaseException as problem:
            error = describe_exception(problem)
    if not made and not interrupted and not error:
        raise InputError(
            f"{quote(loop.name)} never calls make_optimizer, so that no optimizer was compared: write `optimizer = "
            "make_optimizer(model)` in place of the optimizer that it makes itself."
        )
    lost = next(
        (e for e in evaluations if not all(math.isfinite(x) for k, x in e.items() if k not in ("step", "epoch"))), None
    )
    return Run(
        losses=np.empty(0),
        evaluations=evaluations,
        diverged_at=None if lost is None else int(lost["step"]),
        completed=int(evaluations[-1]["step"]) if evaluations else 0,
        interrupted=interrupted,
        error=error,
        seconds=time.perf_counter() - began,
        memory=sum(bytes_of(state_tensors(optimizer)) for optimizer in made),
    )


def _named(parameters: Any) -> Any:
    """Return (name, parameter) pairs of a module, of named parameters or of bare ones."""
    if isinstance(parameters, torch.nn.Module):
        return ((name, p) for name, p in parameters.named_parameters() if p.requires_grad)
    listed = list(parameters)
    if listed and isinstance(listed[0], tuple):
        return listed
    return ((f"parameter{index}", parameter) for index, parameter in enumerate(listed))
