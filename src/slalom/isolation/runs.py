"""One run of an optimizer by itself: what it changes elsewhere is put back when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from slalom.isolation.chance import own_chance
from slalom.isolation.class_state import ClassState
from slalom.isolation.settings import Settings


def is_foreign(optimizer: Any) -> bool:
    """Whether an optimizer is other people's code: all but the classes of torch.optim."""
    factory = getattr(optimizer, "factory", optimizer)
    return not (isinstance(factory, type) and factory.__module__.startswith("torch.optim."))


@contextmanager
def isolated(factory: Any) -> Iterator[list[str]]:
    """Put back afterwards what ``factory``'s optimizers change elsewhere; the list yielded then names the settings.

    Random generators and what is kept on the class are put back too, without being named.
    """
    changed: list[str] = []
    settings, state = Settings.now(), ClassState(factory)
    try:
        with own_chance():
            yield changed
    finally:
        changed += settings.put_back()
        state.put_back()


def code_of(task: Any, model: Any) -> list[Any]:
    """Return the code of a task that is called at every step: its loss, its metrics and the classes of its network."""
    metrics = [metric.function for metric in task.metrics.values()]
    classes = dict.fromkeys(type(module) for module in model.modules())
    return [getattr(task, "loss_function", task.loss), *metrics, *classes]


@contextmanager
def own_state(task: Any, model: Any) -> Iterator[None]:
    """Put back afterwards what the code of a task keeps outside of its network, such as the calls that a loss counts.

    Each run then begins with what a process begins with that makes no other.
    """
    state = ClassState(*code_of(task, model))
    try:
        yield
    finally:
        state.put_back()


@contextmanager
def all_isolated(optimizers: Iterable[Any]) -> Iterator[None]:
    """Do the same for all optimizers that are other people's code."""
    factories = {id(o.factory): o.factory for o in optimizers if is_foreign(o)}
    with ExitStack() as stack:
        for factory in factories.values():
            stack.enter_context(isolated(factory))
        yield
