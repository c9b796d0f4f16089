"""The real schedulers of a spec, made over a real optimizer and stepped after each of its steps.

Without ``steps=N``, all stages act on the rate together: ``linear | exponential:gamma=0.99`` is torch's
``ChainedScheduler``, and where the schedulers multiply the rate, their factors multiply. With it they follow one
another: ``warmup:steps=100 | cosine`` is torch's ``SequentialLR``, and what was not typed of the last stage's length is
what is left of the race.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from slalom.core import InputError, quote
from slalom.optimizers.checks import signature_of
from slalom.optimizers.needs import FAILURES, words
from slalom.optimizers.stages import ALONE, MODULE, NATURAL_LENGTHS, Scheduling

TRIAL = 8
"""Steps that a schedule is tried for."""


class Schedule:
    """The schedulers of one optimizer. ``step()`` is called after every step of the optimizer."""

    def __init__(self, by_step: Sequence[Any], by_epoch: Sequence[Any], steps_per_epoch: int):
        self.by_step, self.by_epoch, self.steps_per_epoch = tuple(by_step), tuple(by_epoch), steps_per_epoch
        self.steps = 0

    def step(self) -> None:
        """Set the learning rate of the next step."""
        self.steps += 1
        for scheduler in self.by_step:
            scheduler.step()
        if self.by_epoch and self.steps % self.steps_per_epoch == 0:
            for scheduler in self.by_epoch:
                scheduler.step()


def make_schedule(
    stages: Sequence[Scheduling], optimizers: Sequence[Any], steps: int, steps_per_epoch: int
) -> Schedule:
    """Return the schedule of a race of ``steps`` steps over each of ``optimizers``, the parts of one.

    ``steps_per_epoch`` is 0 where there are no epochs, on a landscape. Raises :class:`InputError` where the race is too
    short or too long for the schedule, and where a scheduler refuses the optimizer.
    """
    for stage in stages:
        if stage.per == "epoch" and not steps_per_epoch:
            raise InputError(f"{quote(stage.text)}: a landscape has no epochs: leave per=epoch out.")
    made: dict[str, list[Any]] = {"step": [], "epoch": []}
    for per, alike in _by_pace(stages):
        length = steps if per == "step" else -(-steps // steps_per_epoch)
        _check_room(alike, length)
        made[per] = [_combined(alike, optimizer, length) for optimizer in optimizers]
    return Schedule(made["step"], made["epoch"], steps_per_epoch)


def try_schedule(spec: str, title: str, stages: Sequence[Scheduling], optimizers: Sequence[Any]) -> frozenset[str]:
    """Make a few steps of the schedulers over idle optimizers; return which hyperparameters they change.

    Raises :class:`InputError` with a class's own complaint.
    """
    if any("lr" not in group for optimizer in optimizers for group in optimizer.param_groups):
        raise InputError(f"{quote(spec)}: {title} has no learning rate `lr` that a scheduler could change.")
    changed = {"lr"}
    before = [dict(group) for optimizer in optimizers for group in optimizer.param_groups]
    for optimizer in optimizers:
        idle(optimizer)
    for _, alike in _by_pace(stages):
        length = TRIAL + sum(stage.steps or 0 for stage in alike)
        for optimizer in optimizers:
            scheduler = _combined(alike, optimizer, length)
            try:
                for _ in range(TRIAL // 2):
                    optimizer.step()
                    scheduler.step()
                    after = (group for made in optimizers for group in made.param_groups)
                    for old, new in zip(before, after, strict=True):
                        changed |= {name for name, value in old.items() if name != "params" and new[name] != value}
            except FAILURES as complaint:
                raise InputError(_refusal(alike, complaint)) from complaint
    return frozenset(changed)


def rates_of(stages: Sequence[Scheduling], optimizer: Any, steps: int, steps_per_epoch: int) -> np.ndarray:
    """Return the learning rate of each step, shape [steps], float64: that of the optimizer's first group."""
    schedule = make_schedule(stages, [idle(optimizer)], steps, steps_per_epoch)
    rates = np.empty(steps)
    for step in range(steps):
        rates[step] = float(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


def idle(optimizer: Any) -> Any:
    """Make an optimizer's ``step()`` do nothing, so that schedulers alone move; return it."""
    optimizer.step = types.MethodType(lambda self, closure=None: None, optimizer)
    return optimizer


def schedule_code(stages: Sequence[Scheduling], optimizer: str = "optimizer") -> list[str]:
    """Return the lines that make the schedulers over ``optimizer``, for a user's own loop."""
    lines = []
    for per, alike in _by_pace(stages):
        length = "steps" if per == "step" else "epochs"
        made, done = [], 0
        for stage in alike:
            left = f"{length} - {done}" if done else length
            given = [optimizer, *(f"{k}={v}" for k, v in _argument_texts(stage, left, optimizer))]
            made.append(f"{stage.path}({', '.join(given)})")
            done += stage.steps or 0
        if len(made) == 1:
            text = made[0]
        elif done:
            milestones = list(accumulate(stage.steps or 0 for stage in alike[:-1]))
            text = f"{MODULE}.SequentialLR({optimizer}, [{', '.join(made)}], milestones={milestones})"
        else:
            text = f"{MODULE}.ChainedScheduler([{', '.join(made)}])"
        name, when = ("scheduler", "step") if per == "step" else ("epoch_scheduler", "epoch")
        lines.append(f"{name} = {text}  # {name}.step() after every {when}")
    return lines


def _by_pace(stages: Sequence[Scheduling]) -> Iterator[tuple[str, list[Scheduling]]]:
    """Yield the stages that are stepped alike."""
    for per in ("step", "epoch"):
        alike = [stage for stage in stages if stage.per == per]
        if alike:
            yield per, alike


def _combined(stages: Sequence[Scheduling], optimizer: Any, length: int) -> Any:
    """Return one scheduler of torch's for stages that are stepped alike, over ``length`` steps of theirs."""
    from torch.optim.lr_scheduler import ChainedScheduler, SequentialLR

    made, left = [], length
    try:
        for stage in stages:
            own = left if stage.steps is None else stage.steps
            made.append(stage.factory(optimizer, **{**stage.typed, **_natural(stage, optimizer, own)}))
            left -= stage.steps or 0
        if not all(callable(getattr(scheduler, "step", None)) for scheduler in made):
            raise TypeError("a scheduler must have a method step()")
        if len(made) == 1:
            return made[0]
        if stages[0].steps is None:
            return ChainedScheduler(made)
        return SequentialLR(optimizer, made, milestones=list(accumulate(stage.steps or 0 for stage in stages[:-1])))
    except FAILURES as complaint:
        raise InputError(_refusal(stages[len(made) :][:1] or stages, complaint)) from complaint


def _natural(stage: Scheduling, optimizer: Any, length: int) -> dict[str, Any]:
    """Return what follows from the race and the optimizer: lengths, and the highest rate of a cycle."""
    filled: dict[str, Any] = dict.fromkeys(_open_lengths(stage), length)
    if _wants_highest_rate(stage):
        filled["max_lr"] = [group["lr"] for group in optimizer.param_groups]
    return filled


def _open_lengths(stage: Scheduling) -> list[str]:
    if not stage.path.startswith(f"{MODULE}.") or "epochs" in stage.typed:
        return []
    known = signature_of(stage.factory).hyperparameters
    return [name for name in known if name in NATURAL_LENGTHS and name not in stage.typed]


def _wants_highest_rate(stage: Scheduling) -> bool:
    return stage.path.startswith(f"{MODULE}.") and stage.title in ALONE and "max_lr" not in stage.typed


def _argument_texts(stage: Scheduling, length: str, optimizer: str) -> Iterator[tuple[str, str]]:
    filled = {name: length if stage.steps is None else str(stage.steps) for name in _open_lengths(stage)}
    yield from ((name, repr(value)) for name, value in stage.typed.items())
    yield from filled.items()
    if _wants_highest_rate(stage):
        yield "max_lr", f"[group['lr'] for group in {optimizer}.param_groups]"


def _check_room(stages: Sequence[Scheduling], length: int) -> None:
    """Refuse a race that ends before the last stage begins, or goes on after a schedule that must end."""
    unit = stages[0].per
    handed = sum(stage.steps or 0 for stage in stages[:-1])
    if handed >= length and len(stages) > 1:
        raise InputError(
            f"{quote(stages[0].text)}: the stages before {quote(stages[-1].text)} last {handed} {unit}s, and the race "
            f"has {length}: give them fewer, or the race more."
        )
    typed = stages[0].typed
    total = typed.get("total_steps") or (typed.get("epochs") or 0) * (typed.get("steps_per_epoch") or 0)
    if stages[0].title == "OneCycleLR" and 0 < total < length:
        raise InputError(
            f"{quote(stages[0].text)}: OneCycleLR ends after {total} {unit}s, and the race has {length}: leave its "
            "length out, and it is the race's."
        )


def _refusal(stages: Sequence[Scheduling], complaint: BaseException) -> str:
    told = words(complaint)
    way_out = " Write cycle_momentum=False." if "cycle_momentum" in told else ""
    return f"{quote(' | '.join(stage.text for stage in stages))}: {stages[0].title} refuses this: {told}.{way_out}"
