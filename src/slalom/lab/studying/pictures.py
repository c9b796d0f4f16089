"""A study as its pictures read it, and which view and plot make each picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.core import InputError, Optimizer, Run, TrainingRecord, quote
from slalom.lab import courses
from slalom.lab.sweeps import library_rate
from slalom.lab.task_record import TaskRace

if TYPE_CHECKING:
    from slalom.judge import Judgement, Results, Width
    from slalom.lab.studying.record import Study
    from slalom.lab.studying.several import Studies
    from slalom.lab.studying.tuning import Trial
    from slalom.lab.studying.yardsticks import Yardstick
    from slalom.show.views import StudyRecord

STUDY_PICTURES = ("card", "verdict", "sensitivity", "curves", "final", "budget")
"""Pictures of a study; the first is what it is drawn as unless another is named."""

TUNED_PICTURES = ("sensitivity", "budget")
"""Those that show what tuning tried."""

ACROSS_PICTURES = ("profiles",)
"""Pictures of several studies together."""

ABOVE = "loss_above_the_minimum"
"""What the losses of runs on a landscape are called, once its minimum is taken away."""


@dataclass(frozen=True, eq=False)
class PicturedStudy:
    """A study as pictures read it; see :class:`slalom.show.views.study_records.StudyRecord`."""

    study: Study

    @property
    def course(self) -> Any:
        return self.study.course

    @property
    def names(self) -> Sequence[str]:
        return self.study.names

    @property
    def optimizers(self) -> Sequence[Optimizer]:
        return self.study.optimizers

    @property
    def yardstick(self) -> Yardstick:
        return self.study.yardstick

    @property
    def results(self) -> Results:
        return self.study.results

    @property
    def judgement(self) -> Judgement:
        return self.study.judgement

    @property
    def track(self) -> str:
        return self.study.plan.question.track

    @property
    def steps(self) -> int:
        return self.study.steps

    @property
    def warnings(self) -> Sequence[str]:
        return self.study.warnings

    @property
    def versions(self) -> Mapping[str, str]:
        return self.study.versions

    @property
    def seeds(self) -> Sequence[int]:
        return self.study.plan.question.seeds

    @cached_property
    def fresh(self) -> TrainingRecord:
        return training_record(self.study)

    @property
    def curve(self) -> str:
        """The measure by which optimizers are judged, as ``fresh`` has it."""
        return ABOVE if _above(self.study) is not None else self.study.yardstick.final

    def trials(self, name: str) -> Sequence[Trial]:
        return self.study.tuned[name].trials

    def width(self, name: str) -> Width | None:
        return self.study.width(name)

    def expected_best(self, name: str) -> np.ndarray:
        return self.study.expected_best(name)

    def default_rate(self, name: str) -> float | None:
        return library_rate(self.study.tuned[name].optimizer)


def training_record(study: Study) -> TaskRace:
    """Return the runs of a study's evaluation as the record of a race.

    On a landscape they are looked at as those of a loop, by steps, and above the minimum where that is known.
    """
    finished = [one for runs in study.evaluations.values() for one in runs]
    runs = [one.run for one in finished]
    training = None if courses.is_landscape(study.course) else study.plan.question.training
    above = _above(study)
    if above is not None:
        runs = [_lowered(run, above) for run in runs]
    return TaskRace(study.course, [one.runner for one in finished], runs, training, study.engine, study.versions)


def study_figure(study: Study, picture: str = "auto") -> Any:
    """Return a matplotlib figure of a study: its card, or another of STUDY_PICTURES. Raises InputError."""
    from slalom.show import plots, views

    check_picture(picture, track=study.plan.question.track)
    record: StudyRecord = PicturedStudy(study)
    if picture == "verdict":
        return plots.verdict(views.verdict(record))
    if picture == "sensitivity":
        return plots.sensitivity(views.study_sensitivity(record))
    if picture == "curves":
        return plots.training_curves(views.training_curves(record.fresh))
    if picture == "final":
        return plots.final_results(views.study_results(record))
    if picture == "budget":
        return plots.budget_curves(views.budget_curves(record))
    return plots.study_card(views.study_card(record))


def studies_figure(studies: Studies, picture: str = "auto") -> Any:
    """Return a matplotlib figure of what several studies say together. Raises InputError for another picture."""
    from slalom.show import plots, views

    check_picture(picture, several=True)
    families = {optimizer_name: optimizer.family for optimizer_name, optimizer in _optimizers(studies)}
    across = studies.across
    return plots.profiles(views.profiles(across, [families[name] for name in across.names], studies.versions))


def _optimizers(studies: Studies) -> Iterable[tuple[str, Optimizer]]:
    return zip(studies.parts[0].names, studies.optimizers, strict=True)


def check_picture(picture: str, several: bool = False, track: str = "") -> None:
    """Raise InputError for a picture that a study on a track, or several studies together, do not have."""
    known = ACROSS_PICTURES if several else STUDY_PICTURES
    if picture not in ("auto", *known):
        what = "several studies together" if several else "a study"
        listed = known[0] if len(known) == 1 else f"one of {', '.join(known)}"
        raise InputError(f"picture {quote(picture)} is not one of {what}: choose {listed}.")
    if track == "defaults" and picture in TUNED_PICTURES:
        left = ", ".join(name for name in known if name not in TUNED_PICTURES)
        raise InputError(
            f"picture {quote(picture)} shows tuning, and on the track defaults nothing is tuned: choose one of {left}."
        )


def _above(study: Study) -> float | None:
    """Return the known minimum of a landscape."""
    return study.yardstick.optimum if courses.is_landscape(study.course) else None


def _lowered(run: Run, minimum: float) -> Run:
    """Return a run with its losses counted from ``minimum``, and never quite there: they are drawn on a log axis."""
    from slalom.show.views.study_records import SMALLEST

    evaluations = [
        {name: value for name, value in one.items() if name != "loss"}
        | {ABOVE: float(np.maximum(one["loss"] - minimum, SMALLEST))}
        for one in run.evaluations
    ]
    return replace(run, evaluations=evaluations)
