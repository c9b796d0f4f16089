"""How each type of result is drawn and written: two dictionaries, and what looks them up.

A result reaches this module when a picture or a file is asked for (:class:`slalom.lab.result.Result`).
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from slalom.core import InputError, quote
from slalom.lab import exports, files, formats, pictures, reports, task_exports
from slalom.lab.record import Race
from slalom.lab.result import Result
from slalom.lab.studying.pictures import check_picture, studies_figure, study_figure
from slalom.lab.studying.record import Study
from slalom.lab.studying.results_csv import study_csv
from slalom.lab.studying.several import Studies
from slalom.lab.sweeps import Pictured
from slalom.lab.task_record import TaskRace

Found = TypeVar("Found")


def figure(result: Result, picture: str = "auto") -> Any:
    """Return the matplotlib figure of a picture of ``result``. Raises InputError for one that it does not have."""
    return _of_type(FIGURES, result)(result, picture)


def save(result: Result, path: str | os.PathLike[str], picture: str = "auto") -> Path:
    """Write ``result`` in the format of the ending; the file appears whole or not at all. Raises InputError."""
    if isinstance(result, Study):
        check_picture(picture, track=result.plan.question.track)
    if isinstance(result, Studies):
        check_picture(picture, several=True)
    stills = dict.fromkeys(pictures.DRAWN, partial(_draw, result, picture))
    others = {ending: partial(write, result) for ending, write in _of_type(WRITERS, result).items()}
    return files.save(path, {**stills, **others})


def as_html(result: Result) -> str:
    """Return what a notebook shows: the picture and the table under it."""
    from slalom.show import plots

    encoded = base64.b64encode(plots.png(figure(result))).decode()
    return f'<img src="data:image/png;base64,{encoded}" style="max-width:100%">{result.table()._repr_html_()}'


def _of_type(known: Mapping[type, Found], result: Result) -> Found:
    """Return what a dictionary has for the type of a result, or for one that this is derived from."""
    return next(known[kind] for kind in type(result).__mro__ if kind in known)


def _draw(result: Result, picture: str, path: Path) -> None:
    """Write a still picture; it is drawn when it is written."""
    from slalom.show import plots

    plots.write(figure(result, picture), path)


def _sweep_figure(sweep: Pictured, picture: str) -> Any:
    if picture != "auto":
        raise InputError(f"picture {quote(picture)} is not known: a sweep has one picture, leave it out.")
    return sweep.draw()


def _move(race: Race, path: Path) -> None:
    from slalom.show import animation, views

    animation.write(views.synchronised_race(race), path)


def _write_json(result: Any, path: Path) -> None:
    path.write_bytes(result.to_json())


def _write_toml(result: Study | Studies, path: Path) -> None:
    path.write_bytes(result.to_toml(path.parent).encode())


def _write_page(page: Callable[[Any], str], result: Result, path: Path) -> None:
    path.write_text(page(result), encoding="utf-8")


FIGURES: dict[type, Callable[[Any, str], Any]] = {
    Race: pictures.race_figure,
    TaskRace: pictures.training_figure,
    Pictured: _sweep_figure,
    Study: study_figure,
    Studies: studies_figure,
}
"""Type of a result to what draws its pictures."""

WRITERS: dict[type, dict[str, Callable[[Any, Path], None]]] = {
    Race: {
        "html": partial(_write_page, reports.race_page),
        "gif": _move,
        "mp4": _move,
        "csv": exports.write_csv,
        "json": _write_json,
        "parquet": exports.write_parquet,
    },
    TaskRace: {
        "html": partial(_write_page, reports.training_page),
        "csv": task_exports.write_csv,
        "json": _write_json,
        "parquet": task_exports.write_parquet,
    },
    Pictured: {
        "csv": lambda sweep, path: formats.write_csv(path, *sweep.long_table()),
        "json": _write_json,
    },
    Study: {
        "html": partial(_write_page, reports.study_page),
        "json": _write_json,
        "csv": lambda study, path: study_csv([study], path),
        "toml": _write_toml,
    },
    Studies: {
        "html": partial(_write_page, reports.studies_page),
        "json": _write_json,
        "csv": lambda studies, path: study_csv(studies.parts, path),
        "toml": _write_toml,
    },
}
"""Type of a result, then ending, to what writes it; every type is also written as its pictures."""
