"""Which engine a race on a task takes, and how many networks it computes together."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from slalom.core import Run, Runner, Task, Training
from slalom.engines.networks.crowd import LEAST, Crowd
from slalom.engines.networks.field import field, goes_alone
from slalom.engines.networks.fleet import fleet, is_ruled
from slalom.engines.networks.material import Material
from slalom.engines.networks.recording import one_thread, words
from slalom.engines.networks.solo import prepared_model, solo
from slalom.engines.networks.stack import Stack

ROOM = {"cpu": 8 * 2**20, "cuda": 8 * 2**30}
"""Bytes that the networks computed together may take: on the CPU what a core's share of the cache holds."""

MOST = {"cpu": 128, "cuda": 4_096}
"""Networks that are computed together at most."""

TRIALS = (3, 13)
"""Steps of the two trials by which an engine is timed; their difference leaves out what is done once."""

LONG_TRIAL = 0.3
"""Seconds of the shorter trial beyond which it is enough."""

PREFERENCE = 1.5
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
    """Return why a task's networks cannot be computed together, ``""`` where they can."""
    try:
        with one_thread(), torch.no_grad(), warnings.catch_warnings():
            # Without a rule of its own an operation is mapped one network after the other: no faster than alone.
            warnings.filterwarnings("error", message=".*performance drop.*")
            model = prepared_model(task, 0, training)
            batch = Material.of(task, training).batch(0, 1)
            runners = [Runner(None, 0)] * LEAST  # type: ignore[arg-type]  # nobody moves: only gradients are tried
            crowd = Crowd(task, runners, replace(training, steps=1), swift=False)
            crowd.differentiate(1)
            crowd.judge()
            alone = float(task.loss(model(*batch.inputs), batch.target))
            together = float(crowd.losses[0, 0])
    except Exception as problem:
        return _reason(problem)
    if abs(together - alone) > 1e-2 * max(1.0, abs(alone)):
        return f"computed together they give another loss ({together:.6g}) than alone ({alone:.6g})"
    return ""


def _reason(problem: Exception) -> str:
    told = str(problem)
    if "randomness" in told or "random operation" in told:
        return "they draw random numbers while they train, as dropout does"
    if "performance drop" in told or "atching rule not implemented" in told:
        operation = told.partition("aten::")[2].partition(".")[0]
        return f"torch has no rule that maps {operation or 'one of their operations'} over several networks"
    if "data-dependent" in told or ".item()" in told or "Boolean value" in told:
        return "their Python code depends on the values of tensors"
    return f"torch cannot map them over several networks ({words(problem)})"


def choose(task: Task, runners: Sequence[Runner], training: Training, *, engine: str = "auto") -> Choice:
    """Return the engine to take: the fastest in a short trial, the real classes unless the rules save much time.

    A given ``engine`` is only timed. Networks that cannot be computed together (see :func:`obstacle`) go solo.
    """
    width = lanes_that_fit(task, training)
    if engine == "auto":
        candidates = ["solo"] if obstacle(task, training) else ["solo", *_joint(runners)]
    else:
        candidates = [engine]
    times = {name: _time(name, task, runners, training, width) for name in candidates}
    quickest = min(times, key=lambda name: times[name])
    if quickest == "fleet":
        real = min((name for name in times if name != "fleet"), key=lambda name: times[name], default="fleet")
        saved = (times[real] - times["fleet"]) * training.steps * len(runners)
        if times[real] <= PREFERENCE * times["fleet"] or saved < WORTH:
            quickest = real
    return Choice(quickest, 1 if quickest == "solo" else width, times[quickest])


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
    spent(1)
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
