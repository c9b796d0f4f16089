"""The runners of a race, optimizer by optimizer: what a line of a picture or a row of its table stands for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slalom.core import PathMetrics, RaceRecord, Runner, Status, TrainingRecord
from slalom.show.views.styles import Style, styles_for
from slalom.show.views.words import number


@dataclass(frozen=True)
class Group:
    """One optimizer of a race, with its runners (several where there are several starts or seeds).

    ``typical`` is the runner that a single line is drawn from: the one in the middle of the group's final ranking.
    """

    name: str
    family: str
    style: Style
    runners: tuple[int, ...]
    typical: int
    hyperparameters: Mapping[str, Any]


def groups(record: RaceRecord) -> list[Group]:
    """Return the optimizers of a race in the order they were typed."""
    return _gathered(record.runners, lambda members: _typical(record, members))


def training_groups(record: TrainingRecord) -> list[Group]:
    """Return the optimizers of a race on a task in the order they were typed; typical is the first that lasted."""

    def typical(members: list[int]) -> int:
        lasting = [k for k in members if record.statuses[k].kind == Status.FINISHED]
        return (lasting or members)[0]

    return _gathered(record.runners, typical)


def _gathered(runners: Sequence[Runner], typical: Callable[[list[int]], int]) -> list[Group]:
    members: dict[int, list[int]] = {}
    order: list[Any] = []
    for index, runner in enumerate(runners):
        known = next((k for k, other in enumerate(order) if other is runner.optimizer), None)
        if known is None:
            order.append(runner.optimizer)
            known = len(order) - 1
        members.setdefault(known, []).append(index)
    styles = styles_for([optimizer.family for optimizer in order])
    return [
        Group(
            _name([runners[index] for index in members[k]]),
            optimizer.family,
            styles[k],
            tuple(members[k]),
            typical(members[k]),
            optimizer.hyperparameters,
        )
        for k, optimizer in enumerate(order)
    ]


def _name(members: Sequence[Runner]) -> str:
    names = {runner.name for runner in members}
    fallback = str(members[0].optimizer.name)
    return names.pop() or fallback if len(names) == 1 else fallback


def _typical(record: RaceRecord, members: list[int]) -> int:
    """Return the member in the middle when they are ranked by when they settled, then by where they ended."""
    if len(members) == 1:
        return members[0]

    def rank(k: int) -> tuple[float, float]:
        metrics = record.metrics[k]
        settles = np.inf if metrics.settles is None else metrics.settles
        return settles, np.inf if metrics.final_gap is None else metrics.final_gap

    return sorted(members, key=rank)[(len(members) - 1) // 2]


def rate(group: Group) -> str:
    """Return ``"lr 0.1"``, or nothing for an optimizer without a learning rate."""
    value = group.hyperparameters.get("lr")
    if value is None:
        return ""
    try:
        return f"lr {number(float(value))}"
    except (TypeError, ValueError):
        return f"lr {value}"


def diverged(record: RaceRecord, runner: int) -> int | None:
    """Return the step at which a runner diverged, or None."""
    status = record.statuses[runner]
    return (status.step or 0) if status.kind == Status.DIVERGED else None


def failed(record: RaceRecord, runner: int) -> int | None:
    """Return the last step that a runner made whose optimizer failed, or None."""
    status = record.statuses[runner]
    return (status.step or 0) if status.kind == Status.FAILED else None


def ends_early(record: RaceRecord, runner: int) -> bool:
    """Whether a runner diverged or failed, so that it has no end to be compared."""
    return record.statuses[runner].kind in (Status.DIVERGED, Status.FAILED)


def metrics_of(record: RaceRecord, group: Group) -> list[PathMetrics]:
    return [record.metrics[k] for k in group.runners]


def group_of(record: RaceRecord, runner: int) -> Group:
    """Return one runner as a group of its own, in the style that it has among all optimizers of its race."""
    field = groups(record)
    group = next(group for group in field if runner in group.runners)
    return replace(group, runners=(runner,), typical=runner)
