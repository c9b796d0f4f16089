"""The study file that does a study again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from slalom.core import InputError, python_files, quote
from slalom.lab.studying.asking import Question
from slalom.lab.studying.grounds import Ground, LandscapeGround, TaskGround
from slalom.lab.studying.specifying import is_nameless
from slalom.lab.studying.study_files import study_file
from slalom.optimizers import SpecifiedOptimizer, with_paths


def _from(folder: Path | None) -> Callable[[str], str]:
    """Return what gives a path's way from a folder where it is beneath it; by default from here."""

    def way(path: str) -> str:
        with suppress(ValueError, OSError):
            base = Path.cwd() if folder is None else folder.absolute()
            return Path(path).absolute().relative_to(base).as_posix()
        return path

    return way


def _as_typed(ground: Ground, way: Callable[[str], str]) -> str:
    """Return what names a course."""
    pair = python_files.split(ground.source)
    return ground.source if pair is None else python_files.joined(way(str(Path(pair[0]).absolute())), pair[1])


def to_toml(questions: Sequence[Question], folder: Path | None = None) -> str:
    """Return the text of the study file for questions that differ in their course alone.

    Python files are named by their way from ``folder``, where the study file will be. A budget is written as the steps
    and trials that it came to: on a faster machine they would be others. Raises InputError for a course or an optimizer
    that no text names, and where a budget gave courses unequal lengths.
    """
    first, conditions = questions[0], questions[0].training
    for question in questions:
        if is_nameless(question.ground, question.optimizers):
            raise InputError(
                f"{quote(question.course.name)} or an optimizer is an object without a name, which no study file can "
                "tell: put it into a file and say file.py:name."
            )
    lengths = {(one.training.steps if one.training else None, one.trials) for one in questions}
    if first.budget is not None and len(lengths) > 1:
        raise InputError(
            "the budget gave the courses different lengths, which one study file cannot tell: study each alone."
        )
    way = _from(folder)
    names = [_as_typed(question.ground, way) for question in questions]

    def spec(optimizer: SpecifiedOptimizer) -> str:
        return optimizer.spec_with(lambda source: with_paths(source, way))

    asked: dict[str, Any] = {
        "course": names[0] if len(names) == 1 else names,
        "optimizers": list(map(spec, first.optimizers)),
        "track": first.track,
        "baseline": spec(first.by_name[first.baseline]),
        "margin": first.margin,
        "metric": first.metric,
        "seeds": len(first.seeds),
        "seed": first.seeds[0],
        "halving": first.effort.halving or None,
        "trials": first.trials if first.trials != first.usual_trials else None,
    }
    if conditions is not None:
        same = len({one.training.steps for one in questions if one.training}) == 1
        usual_dtype = "float64" if isinstance(first.ground, LandscapeGround) else "float32"
        asked["steps"] = conditions.steps if same else None
        asked["dtype"] = conditions.dtype if conditions.dtype != usual_dtype else None
        asked["device"] = conditions.device if conditions.device != "cpu" else None
        if isinstance(first.ground, TaskGround) and conditions.precision != "fp32":
            asked["precision"] = conditions.precision
    return study_file(asked)
