"""What is known of a task, for a person to read: ``slalom show digits-mlp``, ``slalom list tasks``."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slalom.core import InputError, interrupts, quote
from slalom.tasks.catalogue import CATALOGUE, NAMES, Entry
from slalom.tasks.datasets import raised
from slalom.tasks.finding import find
from slalom.tasks.loop import Loop
from slalom.tasks.losses import standard_loss
from slalom.tasks.task import Task

_WIDTH = 100
_LABEL = 14
_LAYER = 56


@dataclass(frozen=True)
class TaskCard:
    """A task with its network, data and budget; :meth:`text` is for the terminal."""

    name: str
    title: str
    network: str  # in one line; "" for a task of the user's own
    layers: tuple[tuple[str, str, int], ...]  # of the network: module, shape of its output, parameters
    parameters: int
    data: str
    splits: tuple[int, int, int]  # train, validation, test; 0 where there is none
    held_out: str
    batches: str
    budget: str
    loss: str
    metrics: str
    optimum: float | None
    initial: str
    teaches: str
    source: str

    def latex(self) -> str:
        """Return "": a network has no formula to be printed."""
        return ""

    def rows(self) -> list[tuple[str, str]]:
        """Return what is known as (label, text), in reading order; the layers are not among it."""
        train, validation, test = (f"{size:,}" if size else "none" for size in self.splits)
        splits = f"train {train}, validation {validation}, test {test}" if any(self.splits) else ""
        optimum = "" if self.optimum is None else f"{self.optimum:.10g}, the smallest training loss"
        rows = [("network", self.network), ("parameters", f"{self.parameters:,}" if self.parameters else "")]
        rows += [("initial", self.initial), ("data", self.data), ("splits", splits), ("held out", self.held_out)]
        rows += [("batches", self.batches), ("budget", self.budget), ("loss", self.loss), ("metrics", self.metrics)]
        rows += [("optimum", optimum), ("teaches", self.teaches), ("source", self.source)]
        return [(label, text) for label, text in rows if text]

    def text(self) -> str:
        """Return the whole card as lines of text."""
        lines = [self.name if self.title == self.name else f"{self.name}   {self.title}"]
        for label, text in self.rows():
            wrapped = textwrap.wrap(text, _WIDTH - _LABEL, break_long_words=False) or [""]
            lines.append(f"  {label:<10}  {wrapped[0]}")
            lines += [" " * _LABEL + line for line in wrapped[1:]]
            if label == "parameters":
                lines += [" " * _LABEL + line for line in self._table()]
        return "\n".join(lines)

    def _table(self) -> Iterator[str]:
        rows = [(name, shape, f"{count:,}" if count else "") for name, shape, count in self.layers]
        widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
        for name, shape, count in rows:
            yield f"{name:<{widths[0]}}  {shape:<{widths[1]}}  {count:>{widths[2]}}".rstrip()


def describe(course: Any, data_dir: str | None = None) -> TaskCard:
    """Return the card of a task: a name of the catalogue, or anything else that :func:`slalom.tasks.find` takes.

    Named tasks are described without their data; a task of the user's own is made, and its data are read. Raises
    InputError.
    """
    found = find(course, data_dir)
    if isinstance(found, Loop):
        return _card_of_loop(found)
    entry = CATALOGUE.get(found.name)
    return _card_of_own(found) if entry is None else _card_of_named(found, entry)


def _card_of_named(task: Task, entry: Entry) -> TaskCard:
    model = task.model(0)
    return TaskCard(
        name=task.name, title=task.title, network=entry.network, layers=_layers(task.name, model, (_example(entry),)),
        parameters=_count(model), data=entry.data, splits=entry.splits, held_out=entry.held_out,
        batches=_batches(task), budget=_budget(task, entry.splits[0]), loss=entry.loss,
        metrics=", ".join(task.metrics), optimum=task.optimum, initial=entry.initial, teaches=entry.teaches,
        source=entry.source,
    )  # fmt: skip


def _card_of_own(task: Task) -> TaskCard:
    model, splits, examples = task.model(0), task.splits(0), task.examples()
    drawn = [part for part, given in (("validation", task.validation), ("test", task.test)) if _is_drawn(given)]
    shapes = " and ".join(f"{list(x.shape[1:])} {str(x.dtype)[6:]}" for x in examples.inputs)
    target = f"{list(examples.target.shape[1:])} {str(examples.target.dtype)[6:]}"
    loss = getattr(task.loss_function, "__name__", type(task.loss_function).__name__)
    if task.loss_function is standard_loss:
        loss = "mean squared error" if examples.target.is_floating_point() else "cross-entropy"
    sizes = tuple(0 if part is None else len(part) for part in (splits.train, splits.validation, splits.test))
    layers = _layers(task.name, model, tuple(x[:1] for x in examples.inputs))
    return TaskCard(
        name=task.name, title=task.title, network="", layers=layers,
        parameters=_count(model), data=f"{len(examples.target):,} examples: {shapes}, target {target}",
        splits=(sizes[0], sizes[1], sizes[2]),
        held_out=f"{' and '.join(drawn)} drawn anew by every seed" if drawn else "", batches=_batches(task),
        budget=_budget(task, len(splits.train)), loss=loss, metrics=", ".join(task.metrics) or "none",
        optimum=task.optimum, initial="", teaches="", source=task.source,
    )  # fmt: skip


def _card_of_loop(loop: Loop) -> TaskCard:
    about = " ".join((getattr(loop.function, "__doc__", "") or "").strip().split("\n\n")[0].split())
    return TaskCard(
        name=loop.name, title=loop.title, network="", layers=(), parameters=0, data="", splits=(0, 0, 0), held_out="",
        batches="", budget="", loss="", metrics="", optimum=None, initial="",
        teaches=about or "a training loop of your own: it alone knows its network and data", source=loop.source,
    )  # fmt: skip


def _is_drawn(given: Any) -> bool:
    return isinstance(given, int | float) and given > 0


def _example(entry: Entry) -> Any:
    import torch

    if entry.tokens:
        return torch.zeros((1, *entry.example), dtype=torch.int64)
    return torch.zeros((1, *entry.example))


def _count(model: Any) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _batches(task: Task) -> str:
    order = "a new order every epoch" if task.reshuffle else "one order for all epochs"
    last = "the last incomplete one dropped" if task.drop_last else "the last one may be smaller"
    return f"{task.batch_size:,} examples, {order}, {last}"


def _budget(task: Task, examples: int) -> str:
    whole, rest = divmod(examples, task.batch_size)
    steps = whole + (rest > 0 and not task.drop_last)
    return f"{_counted(task.epochs, 'epoch')} of {_counted(steps, 'step')}: {task.epochs * steps:,} steps"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("s" if number != 1 else "")


def _layers(name: str, model: Any, inputs: tuple[Any, ...]) -> tuple[tuple[str, str, int], ...]:
    """Return the modules that have no modules inside, in the order in which one example goes through them."""
    import torch

    seen: list[tuple[str, str, int]] = []

    def note(module: Any, arguments: Any, output: Any) -> None:
        own = sum(parameter.numel() for parameter in module.parameters(recurse=False))
        shape = " × ".join(map(str, output.shape[1:])) if isinstance(output, torch.Tensor) else ""
        text = " ".join(str(module).split())
        seen.append((text if len(text) <= _LAYER else text[: _LAYER - 1] + "…", shape, own))

    hooks = [part.register_forward_hook(note) for part in model.modules() if not list(part.children())]
    try:
        with torch.no_grad():
            model.eval()(*inputs)
    except interrupts():
        raise
    except BaseException as problem:
        raise InputError(f"{quote(name)}: the model, given one example, raised {raised(problem)}.") from problem
    finally:
        for hook in hooks:
            hook.remove()
    for path, part in model.named_modules():
        if list(part.children()):  # what belongs to no module inside, such as a table of positions
            for own, parameter in part.named_parameters(prefix=path, recurse=False):
                seen.append((own, " × ".join(map(str, parameter.shape)), parameter.numel()))
    return tuple(seen)


def rows() -> list[dict[str, Any]]:
    """Return what is known of every named task, as JSON can hold it, without torch and without their data."""
    entries = []
    for name in NAMES:
        entry, task = CATALOGUE[name], find(name)
        assert isinstance(task, Task)
        train, validation, test = entry.splits
        entries.append(
            {
                "name": name,
                "title": task.title,
                "network": entry.network,
                "parameters": entry.parameters,
                "data": entry.data,
                "splits": {"train": train, "validation": validation or None, "test": test},
                "batch_size": task.batch_size,
                "epochs": task.epochs,
                "loss": entry.loss,
                "optimum": task.optimum,
                "teaches": entry.teaches,
                "source": entry.source,
            }
        )
    return entries
