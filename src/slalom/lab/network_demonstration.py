"""The demonstration's second part: the six classics at one learning rate on a fully connected network and on a CNN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slalom.core import InputError, Progress, nearest, quote
from slalom.lab import courses
from slalom.lab.racing import race
from slalom.lab.task_record import TaskRace

NETWORKS = ("mlp", "cnn")
KINDS = {"mlp": "a fully connected network", "cnn": "a convolutional network"}

SPECS = tuple(f"{name}:lr=0.01" for name in ("sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamw"))
SEEDS = 10

EPOCHS = {"digits": 20, "mnist": 5, "fashion-mnist": 5}
"""Data sets, and for how long networks are trained on them."""


@dataclass(frozen=True)
class Chapter:
    """One network of the page: its race, the pictures' files, the command that makes them."""

    network: str
    race: TaskRace
    command: str


def check_data(data: str, data_dir: Any = None) -> list[Any]:
    """Return the tasks on a data set, with their data read. Raises InputError where that cannot be."""
    if data not in EPOCHS:
        raise InputError(f"data {quote(data)} is not known: choose one of {', '.join(EPOCHS)}.{nearest(data, EPOCHS)}")
    tasks: list[Any] = [courses.find(f"{data}-{network}", data_dir) for network in NETWORKS]
    for task in tasks:
        task.check(0)
    return tasks


def show_networks(
    data: str, tasks: Sequence[Any], folder: Path, tell: Callable[[str], None], progress: Progress | None = None
) -> list[Chapter]:
    """Train both networks, write their pictures and numbers into ``folder``, and return the chapters.

    After Ctrl-C, the chapters that are whole.
    """
    chapters: list[Chapter] = []
    field = " ".join(f"-o {spec}" for spec in SPECS)
    for network, task in zip(NETWORKS, tasks, strict=True):
        epochs = EPOCHS[data]
        tell(f"training {task.name}: six optimizers, {SEEDS} seeds, {epochs} epochs")
        try:
            record = race(task, SPECS, seeds=SEEDS, epochs=epochs, progress=progress)
        except KeyboardInterrupt:
            break
        if any(run.interrupted for run in record.runs) or len(record.runs) < len(SPECS) * SEEDS:
            break
        tell(f"drawing curves-{network}.png and final-{network}.png")
        record.save(folder / f"curves-{network}.png", "curves")
        record.save(folder / f"final-{network}.png", "final")
        record.save(folder / f"{task.name}.csv")
        record.save(folder / f"{task.name}.json")
        command = f"slalom race {task.name} {field} --seeds {SEEDS} --epochs {epochs}"
        chapters.append(Chapter(network, record, command))
    return chapters
