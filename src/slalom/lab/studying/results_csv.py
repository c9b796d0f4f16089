"""The table of a study's evaluation runs, which ``slalom judge`` reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slalom.lab import formats
from slalom.lab.studying.executing import Finished
from slalom.lab.studying.record import Study


def study_csv(studies: Sequence[Study], path: Path) -> None:
    """Write what ``slalom judge`` reads: task, optimizer, seed, value, and how values are compared.

    The value is nan for a run that diverged, ``failed`` for one that failed, whose reason is in the last column.
    """
    lines = [
        [
            *(study.course.name, name, one.runner.seed, _value(one, study.yardstick.final), study.yardstick.words),
            study.yardstick.kind,
            *("yes" if study.yardstick.higher_is_better else "no", _written(study.yardstick.optimum)),
            one.run.error,
        ]
        for study in studies
        for name, runs in study.evaluations.items()
        for one in runs
    ]
    columns = ["task", "optimizer", "seed", "value", "metric", "kind", "higher_is_better", "optimum", "reason"]
    formats.write_csv(path, columns, lines)


def _value(one: Finished, measure: str) -> str:
    if one.failed:
        return "failed"
    value = one.final(measure)
    return "nan" if value != value else repr(value)


def _written(optimum: float | None) -> str:
    return "" if optimum is None else repr(optimum)
