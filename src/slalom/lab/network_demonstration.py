"""The demonstration's second part: the six classics at one learning rate on a fully connected network and on a CNN."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slalom.core import InputError, Progress, nearest, quote
from slalom.lab import courses
from slalom.lab.racing import race
from slalom.lab.task_record import TaskRace
from slalom.lab.training_observations import observe_training

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

    def html(self) -> str:
        """Return the chapter: what is to be seen, pictures, table, observations, numbers."""
        name, race = self.network, self.race
        seen = "".join(
            f"<dt>{html.escape(o.heading)}</dt><dd>{html.escape(o.text)}</dd>" for o in observe_training(race)
        )
        remarks = "".join(f"<p><small>{html.escape(remark)}</small></p>" for remark in race.remarks)
        return f"""<h2>On {KINDS[name]}: {html.escape(race.course.title)}</h2>
<p>{html.escape(race.sentence)}</p>
{figure(f"curves-{name}.png", "Loss and accuracy over epochs and seconds, over the seeds.", self.command)}
{figure(f"final-{name}.png", "Where every seed ends.", f"{self.command} --picture final")}
<dl>{seen}</dl>
<div class="wide">{race.table()._repr_html_()}</div>
<p><a href="{race.course.name}.csv">{race.course.name}.csv</a> (one line per evaluation),
<a href="{race.course.name}.json">{race.course.name}.json</a> (every minibatch loss too).
{html.escape(race.engine)} engine, {race.dtype}.</p>
{remarks}"""


STATEMENT = """<h2 id="networks">Six optimizers on networks</h2>
<p>The same six classics, all at learning rate 0.01 and all else default, {seeds} seeds each: of every seed there is one
set of initial weights and one order of batches, shared by all six. <strong>One learning rate for all ranks defaults,
not optimizers</strong>: who looks slow here may well lead at a learning rate of its own, which a fair comparison would
have to find for each, as the study at the end does.</p>
"""


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


def chapters_html(data: str, chapters: Sequence[Chapter]) -> str:
    """Return the second part of the page, "" where there is none."""
    if not chapters:
        return ""
    return STATEMENT.format(seeds=SEEDS, data=data) + "\n".join(chapter.html() for chapter in chapters)


def figure(file: str, caption: str, command: str) -> str:
    """Return a picture of the page with how to read it and what to type for it."""
    typed = html.escape(f"{command} --save {file}")
    return (
        f'<figure><a href="{file}"><img src="{file}" alt="{html.escape(caption)}" loading="lazy"></a>'
        f"<figcaption>{html.escape(caption)}<br><code>{typed}</code></figcaption></figure>"
    )
