"""Which engine a race on a task takes, and how many networks it computes together."""

from __future__ import annotations

import random
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from slalom.core import Run, Runner, Task, Training, describe_exception, exception_text
from slalom.engines.networks.crowd import LEAST, Crowd
from slalom.engines.networks.field import field, goes_alone
from slalom.engines.networks.fleet import fleet, is_ruled
from slalom.engines.networks.material import Material
from slalom.engines.networks.recording import one_thread
from slalom.engines.networks.solo import precision_context, prepared_model, solo
from slalom.engines.networks.stack import Stack

ROOM = {"cpu": 8 * 2**20, "cuda": 8 * 2**30}
"""Bytes that the networks computed together may take: on the CPU what a core's share of the cache holds."""

MOST = {"cpu": 128, "cuda": 4_096}
"""Networks that are computed together at most."""

TRIALS = (3, 13)
"""Steps of the two trials by which an engine is timed; their difference leaves out what is done once."""

FEW = 20
"""Steps of an epoch up to which a whole one is tried."""

LONG_TRIAL = 1.5
"""Seconds of the shorter trial beyond which it is enough."""

PREFERENCE = 1.2
"""The real classes are taken unless the update rules are so many times faster …"""

WORTH = 5.0
"""… and save so many seconds."""

ENGINES: dict[str, Callable[..., list[Run]]] = {"solo": solo, "field": field, "fleet": fleet}


@dataclass(frozen=True)
class Choice:
    """An engine, how many runners it computes together, and the seconds that one step of one runner took."""

    engine: str
    width: int
    seconds_per_step: float


def obstacle(task: Task, training: Training) -> str:
    """Return why a task's networks cannot be computed together, ``""`` where they can.

    Tried are the first and the last batch of an epoch: losses and gradients must be those of a network alone.
    """
    try:
        with one_thread(), torch.no_grad(), warnings.catch_warnings():
            # Without a rule of its own an operation is mapped one network after the other: no faster than alone.
            warnings.filterwarnings("error", message=".*performance drop.*")
            return _tried(task, training)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        return _reason(problem)


AGREEMENT = {"fp32": 1e-3, "bf16": 0.1}
"""How far losses and gradients may lie apart, relative to their size: rounding stays far below, mistakes above."""


def _tried(task: Task, training: Training) -> str:
    model = prepared_model(task, 0, training)
    if any(p._backward_hooks or getattr(p, "_post_accumulate_grad_hooks", None) for p in model.parameters()):
        return "their parameters have gradient hooks, which only a network alone calls"
    steps = sorted({1, training.steps_per_epoch})
    runners = [Runner(None, 0)] * LEAST  # type: ignore[arg-type]  # nobody moves: only gradients are tried
    crowd = Crowd(task, runners, replace(training, steps=steps[-1]), swift=False)
    crowd.judge()
    tolerance = AGREEMENT[training.precision]
    for step in steps:
        before, chance = _plain_attributes(model), (random.getstate(), str(np.random.get_state()))
        loss, gradients = _alone(task, model, training, step)
        if chance != (random.getstate(), str(np.random.get_state())):
            return "they draw random numbers while they train, as dropout does"
        if before != _plain_attributes(model):
            return "their Python code keeps track of something from call to call"
        crowd.differentiate(step)
        together = float(crowd.losses[step - 1, 0])
        if abs(together - loss) > tolerance * max(1.0, abs(loss)):
            return f"computed together they give another loss ({together:.6g}) than alone ({loss:.6g})"
        if gradients.keys() != set(crowd.stack.names):
            return "which parameters the loss depends on differs from batch to batch"
        for name, gradient in gradients.items():
            apart = (crowd.stack.view(crowd.gradients[0], name) - gradient).norm()
            if float(apart) > tolerance * (float(gradient.norm()) + tolerance):
                return f"computed together they give another gradient for {name} than alone"
    return ""


def _alone(task: Task, model: torch.nn.Module, training: Training, step: int) -> tuple[float, dict[str, torch.Tensor]]:
    """Return a network's loss and gradients by name at a step, as the plain loop computes them."""
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    batch = Material.of(task, training).batch(0, step)
    with torch.enable_grad(), torch.random.fork_rng(devices=[]), precision_context(training):
        loss = task.loss(model(*batch.inputs), batch.target)
        gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
    return float(loss.detach()), {n: g for n, g in zip(named, gradients, strict=True) if g is not None}


def _plain_attributes(model: torch.nn.Module) -> list[str]:
    """Return what the modules keep beside parameters, buffers and submodules, as text."""
    kept = ("_parameters", "_buffers", "_modules")
    return [repr({k: v for k, v in vars(m).items() if k not in kept}) for m in model.modules()]


def _reason(problem: BaseException) -> str:
    told = exception_text(problem)
    if "randomness" in told or "random operation" in told:
        return "they draw random numbers while they train, as dropout does"
    if "performance drop" in told or "atching rule not implemented" in told:
        operation = told.partition("aten::")[2].partition(".")[0]
        return f"torch has no rule that maps {operation or 'one of their operations'} over several networks"
    if "data-dependent" in told or ".item()" in told or "Boolean value" in told:
        return "their Python code depends on the values of tensors"
    return f"torch cannot map them over several networks ({describe_exception(problem)})"


def choose(
    task: Task,
    runners: Sequence[Runner],
    training: Training,
    *,
    engine: str = "auto",
    runs: int | None = None,
    unhindered: bool = False,
) -> Choice:
    """Return the engine to take: the fastest in a short trial, the real classes unless the rules save much time.

    A given ``engine`` is only timed. Networks that cannot be computed together (see :func:`obstacle`) go solo;
    ``unhindered`` says that this has been tried. ``runners`` are all there are, or a sample of ``runs``.
    """
    width = lanes_that_fit(task, training)
    if engine == "auto":
        hindered = not unhindered and obstacle(task, training)
        candidates = ["solo"] if hindered else ["solo", *_joint(runners)]
    else:
        candidates = [engine]
    times = {name: _time(name, task, runners, training, width) for name in candidates}
    quickest = min(times, key=lambda name: times[name])
    if quickest == "fleet":
        real = min((name for name in times if name != "fleet"), key=lambda name: times[name], default="fleet")
        saved = (times[real] - times["fleet"]) * training.steps * (runs or len(runners))
        if times[real] <= PREFERENCE * times["fleet"] or saved < WORTH:
            quickest = real
    return Choice(quickest, 1 if quickest == "solo" else width, times[quickest])


def alike(task: Task, runners: Sequence[Runner], training: Training, choice: Choice) -> bool:
    """Return whether networks come out the same, bit for bit, in small and in large company, at every place in it.

    Tried are some steps, to the end of an epoch where that is near, in companies of several sizes. A rounding that
    differs rarely can slip through: this is for tasks that are tested besides.
    """
    few = training.steps_per_epoch if training.steps_per_epoch <= FEW else TRIALS[0]
    few = min(few, training.steps)
    short = replace(training, steps=few, evaluate_at=(0, few))
    different = list(dict.fromkeys(runners))
    together = (different * -(-choice.width // len(different)))[: choice.width]
    outcomes: dict[Runner, set[tuple[bytes, str]]] = {}
    for size in sorted({LEAST, min(5, choice.width), max(LEAST, choice.width // 2 + 1), max(LEAST, choice.width)}):
        company = together[-size:]
        for runner, run in zip(company, ENGINES[choice.engine](task, company, short), strict=True):
            told = {name: value for name, value in run.last.items() if name != "seconds"} if run.evaluations else {}
            outcomes.setdefault(runner, set()).add((run.losses.tobytes(), repr(told)))
    return all(len(found) == 1 for found in outcomes.values())


def judging_seconds(task: Task, runners: Sequence[Runner], training: Training, choice: Choice) -> float:
    """Return the seconds that one evaluation of one runner takes, by a short trial in the company of others."""
    company = runners[: max(LEAST, choice.width)] if choice.engine != "solo" else runners[:1]
    with one_thread(), torch.no_grad():
        crowd = Crowd(task, company, training, swift=choice.engine == "fleet")
        crowd.judge()  # the first records operations
        began = time.perf_counter()
        crowd.judge()
    return (time.perf_counter() - began) / len(company)


def _joint(runners: Sequence[Runner]) -> list[str]:
    """Return the engines that can move these runners together."""
    optimizers = list({id(runner.optimizer): runner.optimizer for runner in runners}.values())
    joint = [] if all(goes_alone(optimizer) for optimizer in optimizers) or len(runners) == 1 else ["field"]
    return [*joint, "fleet"] if joint and all(map(is_ruled, optimizers)) else joint


def _time(engine: str, task: Task, runners: Sequence[Runner], training: Training, width: int) -> float:
    """Return the seconds per step and runner, found by a few steps on a sample of the runners.

    The first steps record operations and compile rules: where steps are short, longer trials take that out.
    """
    count = 1 if engine == "solo" else min(width, len(runners))
    sample = [runners[len(runners) * index // count] for index in range(count)]

    def spent(steps: int) -> float:
        runs = ENGINES[engine](task, sample, replace(training, steps=steps, evaluate_at=()))
        return sum(run.seconds for run in runs) / count

    few, many = (min(steps, training.steps) for steps in TRIALS)
    spent(few)
    short = spent(few)
    if short * count > LONG_TRIAL or many == few:
        return short / few
    return max(spent(many) - short, 1e-9) / (many - few)


def lanes_that_fit(task: Task, training: Training) -> int:
    """Return how many networks to compute together: parameters, gradients, state and a batch's activations fit ROOM."""
    kind = torch.device(training.device).type
    model = prepared_model(task, 0, training)
    numbers = Stack([model]).numbers
    batch = Material.of(task, training).batch(0, 1)
    of_batch = sum(x.nbytes for x in batch.inputs)
    each = 5 * numbers * torch.finfo(getattr(torch, training.dtype)).bits // 8 + 4 * of_batch
    room = ROOM.get(kind, ROOM["cpu"])
    return max(LEAST, min(MOST.get(kind, MOST["cpu"]), room // each))


def divide(runners: Sequence[Runner], engine: str, width: int) -> list[list[int]]:
    """Return the units of work: indices of runners that are computed together, equally many where they do not come out.

    Runners of one seed meet the same batches, so they are put together where there are enough of them.
    """
    if engine == "solo":
        return [[index] for index in range(len(runners))]
    of_seed: dict[int, list[int]] = {}
    for index, runner in enumerate(runners):
        of_seed.setdefault(runner.seed, []).append(index)
    crowded = 2 * len(runners) >= width * len(of_seed)
    heaps = list(of_seed.values()) if crowded else [list(range(len(runners)))]
    units = []
    for heap in heaps:
        count = -(-len(heap) // width)
        units += [heap[len(heap) * part // count : len(heap) * (part + 1) // count] for part in range(count)]
    return units
