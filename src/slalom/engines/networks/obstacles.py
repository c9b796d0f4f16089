"""Whether the networks of a task can be computed together with the plain loop's results."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import torch

from slalom.core import Runner, Task, Training, describe_exception, exception_text, interrupts
from slalom.engines.networks.crowd import LEAST, Crowd
from slalom.engines.networks.material import Material
from slalom.engines.networks.measuring import tensors_of, uses_batch_statistics
from slalom.engines.networks.solo import precision_context, prepared_model
from slalom.engines.networks.tracing import buffers_kept
from slalom.isolation import ClassState, code_of, own_state

AGREEMENT = {"fp32": 1e-3, "bf16": 0.1}
"""How far losses and gradients may lie apart, relative to their size: rounding stays far below, mistakes above."""

ROUNDING = 1e-6
"""Of the largest gradient's norm, that of one which is 0 up to rounding: of a bias before batch normalisation."""


def obstacle(task: Task, training: Training, model: torch.nn.Module | None = None, lanes: int = LEAST) -> str:
    """Return why a task's networks cannot be computed together, ``""`` where they can.

    Tried are the first and the last batch of an epoch, and an evaluation of some examples, on ``lanes`` copies of one
    network: losses and gradients must be those of the network alone. ``model`` is that network, newly made.
    """
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            # Without a rule of its own an operation is mapped one network after the other: no faster than alone.
            warnings.filterwarnings("error", message=".*performance drop.*")
            model = prepared_model(task, 0, training) if model is None else model
            if uses_batch_statistics(model):
                return "their outputs depend on which examples are evaluated together"
            with own_state(task, model):
                return _tried(task, training, model, lanes)
    except interrupts():
        raise
    except BaseException as problem:
        return _reason(problem)


COUNTS = "their Python code keeps track of something from call to call"
DRAWS = "they draw random numbers while they train, as dropout does"


def _tried(task: Task, training: Training, model: torch.nn.Module, lanes: int) -> str:
    if any(p._backward_hooks or getattr(p, "_post_accumulate_grad_hooks", None) for p in model.parameters()):
        return "their parameters have gradient hooks, which only a network alone calls"
    if any(x.is_complex() for x in (*model.parameters(), *model.buffers())):
        return "they have complex parameters"
    steps = sorted({1, min(training.steps, training.steps_per_epoch)})
    runners = [Runner(None, 0)] * lanes  # type: ignore[arg-type]  # nothing moves: only gradients are tried
    crowd = Crowd(task, runners, training, swift=False, model=model)
    buffers = {name: value.clone() for name, value in crowd.stack.fixed.items()}
    for step in steps:
        reason = _differs(crowd, model, step)
        if reason:
            return reason
    for name, value in crowd.stack.fixed.items():  # batch normalisation has renewed its statistics
        value.copy_(buffers[name])
    return _evaluated_otherwise(crowd, model)


def _differs(crowd: Crowd, model: torch.nn.Module, step: int) -> str:
    """Return in what the gradients of a step differ from those of a network alone, ``""`` for nothing."""
    task, training, tolerance = crowd.task, crowd.training, AGREEMENT[crowd.training.precision]
    before, chance = _plain_attributes(model), _chance()
    with buffers_kept(model):
        loss, gradients = _alone(task, model, training, step)
        state = ClassState(*code_of(task, model))  # after the first call, at which a cache may be filled
        again, others = _alone(task, model, training, step)
    if chance != _chance():
        return DRAWS
    if before != _plain_attributes(model) or state.has_changed():
        return COUNTS
    if any(gradient.is_sparse for gradient in gradients.values()):
        return "their gradients are sparse"
    if loss != again or any(not torch.equal(gradient, others[name]) for name, gradient in gradients.items()):
        return "the same network on the same batch gives another loss or gradient at the second call"
    crowd.differentiate(step)
    together = float(crowd.losses[step - 1, 0])
    if abs(together - loss) > tolerance * max(1.0, abs(loss)):
        return f"computed together they give another loss ({together:.6g}) than alone ({loss:.6g})"
    if gradients.keys() != set(crowd.stack.names):
        return "which parameters the loss depends on differs from batch to batch"
    largest = max(float(gradient.norm()) for gradient in gradients.values())
    for name, gradient in gradients.items():
        if 0 < float(gradient.norm()) < ROUNDING * largest:
            return f"the gradient of {name} is nothing but rounding, which would decide where Adam moves it"
        apart = (crowd.stack.view(crowd.gradients[0], name) - gradient).norm()
        if float(apart) > tolerance * (float(gradient.norm()) + tolerance):
            return f"computed together they give another gradient for {name} than alone"
    return ""


def _evaluated_otherwise(crowd: Crowd, model: torch.nn.Module) -> str:
    """Return in what an evaluation differs from that of a network alone, ``""`` for nothing: tried on one piece."""
    measures, tolerance, chance = crowd.measures, AGREEMENT[crowd.training.precision], _chance()
    pieces = min((pieces for _, pieces in crowd.material.judged(0)), key=len)
    piece = next(iter(pieces))
    model.eval()
    with precision_context(crowd.training):
        outputs = model(*piece.inputs)
        means = measures.means(outputs, piece.target)
        state = ClassState(*code_of(crowd.task, model))
        measures.means(model(*piece.inputs), piece.target)
    model.train()
    if chance != _chance():
        return "they draw random numbers while they are evaluated"
    if state.has_changed():
        return COUNTS
    found, tensors = crowd.judge_together(piece)
    alone = [means, *(tensors_of(outputs)[0] if measures.whole else [])]
    for one, other in zip(alone, [found[:, 0], *(x[0] for x in tensors)], strict=True):
        one, other = one.double(), other.double()
        if not torch.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True):
            return "evaluated together they give other results than alone"
    return ""


def _alone(task: Task, model: torch.nn.Module, training: Training, step: int) -> tuple[float, dict[str, torch.Tensor]]:
    """Return a network's loss and gradients by name at a step, as the plain loop computes them."""
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    batch = Material.of(task, training).batch(0, step)
    with torch.enable_grad(), precision_context(training):
        loss = task.loss(model(*batch.inputs), batch.target)
        gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return float(loss.detach()), {n: g for n, g in zip(named, gradients, strict=True) if g is not None}


def _chance() -> tuple[Any, ...]:
    """Return the states of the generators from which networks draw."""
    return random.getstate(), str(np.random.get_state()), torch.get_rng_state().numpy().tobytes()


def _plain_attributes(model: torch.nn.Module) -> list[str]:
    """Return what the modules keep beside parameters, buffers and submodules, as text."""
    kept = ("_parameters", "_buffers", "_modules")
    return [repr({k: v for k, v in vars(m).items() if k not in kept}) for m in model.modules()]


def _reason(problem: BaseException) -> str:
    told = exception_text(problem)
    if "randomness" in told or "random operation" in told:
        return DRAWS
    if "performance drop" in told or "atching rule not implemented" in told:
        operation = told.partition("aten::")[2].partition(".")[0].replace("mkldnn_rnn_layer", "lstm")
        return f"torch has no rule that maps {operation or 'one of their operations'} over several networks"
    if "data-dependent" in told or ".item()" in told or "Boolean value" in told:
        return "their Python code depends on the values of tensors"
    return f"torch cannot map them over several networks ({describe_exception(problem)})"
