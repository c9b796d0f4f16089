"""From results to pictures: which view and plot belong to which result; drawing is imported when asked for."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.core import InputError, RaceRecord, TrainingRecord, quote
from slalom.lab import courses, exports, files, reports, task_exports
from slalom.lab.tables import Table

if TYPE_CHECKING:
    from slalom.lab.record import Race
    from slalom.lab.task_record import TaskRace

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


def race_writers(race: Race, picture: str = "auto") -> dict[str, files.Writer]:
    """Return what writes a race, by ending."""
    still = still_writers(partial(race_figure, race, picture))

    def move(path: Path) -> None:
        from slalom.show import animation, views

        animation.write(views.synchronised_race(race), path)

    return {
        **still,
        "html": lambda path: write_page(path, reports.race_page(race)),
        "gif": move,
        "mp4": move,
        "csv": partial(exports.write_csv, race),
        "json": lambda path: write_bytes(path, exports.to_json(race)),
        "parquet": partial(exports.write_parquet, race),
    }


def training_figure(race: TrainingRecord, picture: str = "auto") -> Any:
    """Return a task race's training curves, or the final results with every seed as a dot."""
    from slalom.show import plots, views

    if picture in ("auto", "curves"):
        return plots.training_curves(views.training_curves(race))
    if picture == "final":
        return plots.final_results(views.final_results(race))
    raise InputError(f"picture {quote(picture)} is not known: choose one of {', '.join(TASK_PICTURES)}.")


def training_writers(race: TaskRace, picture: str = "auto") -> dict[str, files.Writer]:
    """Return what writes a race on a task, by ending."""
    return {
        **still_writers(partial(training_figure, race, picture)),
        "html": lambda path: write_page(path, reports.training_page(race)),
        "csv": partial(task_exports.write_csv, race),
        "json": lambda path: write_bytes(path, race.to_json()),
        "parquet": partial(task_exports.write_parquet, race),
    }


def still_writers(figure: Callable[[], Any]) -> dict[str, files.Writer]:
    """Return what writes the figure as png, svg and pdf; it is drawn when it is written."""

    def draw(path: Path) -> None:
        from slalom.show import plots

        plots.write(figure(), path)

    return dict.fromkeys(DRAWN, draw)


def write_page(path: Path, page: str) -> None:
    """Write a page."""
    path.write_text(page, encoding="utf-8")


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content``."""
    path.write_bytes(content)


def as_html(figure: Any, table: Table) -> str:
    """Return what a notebook shows: the picture and the table under it."""
    from slalom.show import plots

    encoded = base64.b64encode(plots.png(figure)).decode()
    return f'<img src="data:image/png;base64,{encoded}" style="max-width:100%">{table._repr_html_()}'
