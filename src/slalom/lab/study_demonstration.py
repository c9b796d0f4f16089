"""The demonstration's last part: a small study, which shows what tuning changes after defaults have been ranked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slalom.core import Progress
from slalom.lab.studying import Study, study
from slalom.lab.task_record import TaskRace
from slalom.show.views.words import COUNTS, listing

TUNED = ("sgd", "momentum", "adam", "adamw")
SEEDS = 10

EPOCHS = {"digits": 20, "mnist": 1, "fashion-mnist": 1}
"""Data sets, and for how long each of some 170 networks is trained on them."""


@dataclass(frozen=True)
class StudyChapter:
    """The study of the page, the race at one learning rate that it answers, and the command that makes it."""

    study: Study
    raced: TaskRace | None
    command: str

    def change(self) -> str:
        """Return what tuning changed, computed from both: the spread of accuracies before and after."""
        measure, names = self.study.yardstick.final, self.study.names
        tuned = {name: self.study.judgement.entry(name).estimate.value for name in names}
        rates = ", ".join(f"{name} {one.optimizer.hyperparameters['lr']:.3g}" for name, one in self.study.tuned.items())
        after = (
            f"Each tuned, on fresh seeds, the means of all {COUNTS[len(names)]} lie between "
            f"{100 * min(tuned.values()):.1f} and {100 * max(tuned.values()):.1f} % (learning rates: {rates})."
        )
        before = _means(self.raced, measure)
        both = [name for name in names if name in before]
        if len(both) < 2:
            return after
        gap, tuned_gap = (max(v) - min(v) for v in ([before[n] for n in both], [tuned[n] for n in both]))
        word = "shrinks to" if tuned_gap < gap else "is then"
        assert self.raced is not None
        lengths = "" if self.raced.steps == self.study.steps else f" (The race had {self.raced.steps:,} steps a run.)"
        return (
            f"At one learning rate for all, {100 * gap:.1f} points of {measure.replace('_', ' ')} lay between the best "
            f"and the worst mean of {listing(both)}. {after} The gap between the {COUNTS[len(both)]} that were there "
            f"before {word} {100 * tuned_gap:.1f} points."
            f"{lengths}"
        )


def _means(raced: TaskRace | None, measure: str) -> dict[str, float]:
    """Return the mean of a measure at the end of a race, by the optimizer's bare name, of the runs that ended."""
    if raced is None:
        return {}
    values: dict[str, list[float]] = {}
    for runner, run in zip(raced.runners, raced.runs, strict=True):
        if run.diverged_at is None and not run.error:
            values.setdefault(runner.optimizer.name, []).append(float(run.last.get(measure, 0.0)))
    return {name: sum(of_name) / len(of_name) for name, of_name in values.items()}


def show_study(
    data: str,
    task: Any,
    raced: TaskRace | None,
    folder: Path,
    tell: Callable[[str], None],
    progress: Progress | None = None,
) -> StudyChapter | None:
    """Study a task, write picture and numbers into ``folder``, and return the chapter; None after Ctrl-C."""
    epochs = EPOCHS[data]
    tell(f"studying {task.name}: the learning rate of {', '.join(TUNED)} tuned, {SEEDS} fresh seeds, {epochs} epochs")
    kept = folder / "runs.sqlite"
    try:
        found = study(task, list(TUNED), seeds=SEEDS, epochs=epochs, store=str(kept), progress=progress)
    except KeyboardInterrupt:
        return None
    assert isinstance(found, Study)
    tell("drawing study.png")
    for ending in ("png", "html", "json", "csv", "toml"):
        found.save(folder / f"study.{ending}")
    field = " ".join(f"-o {spec}" for spec in TUNED)
    command = f"slalom study {task.name} {field} --epochs {epochs}"
    return StudyChapter(found, raced, command)
