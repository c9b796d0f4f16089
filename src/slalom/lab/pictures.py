"""The pictures and files that a race can have, and which view and plot make each picture."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from slalom.core import InputError, RaceRecord, TrainingRecord, quote
from slalom.lab import courses, files

DRAWN = ("png", "svg", "pdf")
"""Endings of still pictures."""

SWEEP_ENDINGS = (*DRAWN, "csv", "json")
RACE_ENDINGS = (*DRAWN, "html", "gif", "mp4", "csv", "json", "parquet")

TASK_ENDINGS = (*DRAWN, "html", "csv", "json", "parquet")

RACE_PICTURES = ("comparison", "path", "surface")
TASK_PICTURES = ("curves", "final")


def check_savable(paths: Iterable[Any], endings: Iterable[str] = RACE_ENDINGS) -> list[Path]:
    """Return ``paths`` if each can be written; see :func:`slalom.lab.files.check_savable`."""
    return files.check_savable(paths, list(endings))


def check_wishes(course: Any, paths: Iterable[Any], picture: str = "auto") -> None:
    """Refuse files and a picture that a race on this kind of course cannot give, before it runs."""
    what = courses.kind(course)
    endings, drawn = (RACE_ENDINGS, RACE_PICTURES) if what == "landscape" else (TASK_ENDINGS, TASK_PICTURES)
    for path in paths:
        ending = Path(path).suffix.lower().lstrip(".")
        if ending not in endings:
            raise InputError(
                f"{quote(path)} cannot be drawn of a race on a {what}: its files end in {', '.join(endings)}."
            )
    if picture not in ("auto", *drawn):
        raise InputError(f"picture {quote(picture)} is not one of a race on a {what}: choose {' or '.join(drawn)}.")


def race_figure(race: RaceRecord, picture: str = "auto") -> Any:
    """Return a race's comparison card, the path card of its first runner, or the surface with paths."""
    from slalom.show import plots, views

    if picture == "auto":
        picture = "path" if len(race.runners) == 1 else "comparison"
    if picture == "comparison":
        return plots.comparison(views.comparison(race))
    if picture == "path":
        return plots.path_card(views.path_card(race, 0))
    if picture == "surface":
        return plots.surface(views.surface(race.course, race))
    raise InputError(f"picture {quote(picture)} is not known: choose one of {', '.join(RACE_PICTURES)}.")


def training_figure(race: TrainingRecord, picture: str = "auto") -> Any:
    """Return a task race's training curves, or the final results with every seed as a dot."""
    from slalom.show import plots, views

    if picture in ("auto", "curves"):
        return plots.training_curves(views.training_curves(race))
    if picture == "final":
        return plots.final_results(views.final_results(race))
    raise InputError(f"picture {quote(picture)} is not known: choose one of {', '.join(TASK_PICTURES)}.")
