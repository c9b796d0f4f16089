"""The command line that does a result again, written from the result itself."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.core import InputError, python_files, quote
from slalom.core.python_files import names_a_file

if TYPE_CHECKING:
    from slalom.lab.record import Race
    from slalom.lab.task_record import TaskRace

USUAL = {"track": "lr", "seeds": 10, "seed": 0}
"""Options of a study that need not be typed at these values."""
MOST_STARTS = 12
"""More starting points than this are not typed one by one."""


def study_command(study_file: str) -> str:
    """Return ``slalom study …`` for the text of a study file, or, where options cannot say it, for that file."""
    told = tomllib.loads(study_file)
    if "precision" in told:
        return "slalom study study.toml"
    courses, optimizers = told.pop("course"), told.pop("optimizers")
    courses = [courses] if isinstance(courses, str) else courses
    if told.get("baseline") == optimizers[0]:
        del told["baseline"]
    words = [word for spec in optimizers for word in ("-o", spec)]
    for name, value in told.items():
        if USUAL.get(name) != value:
            words += [f"--{name}"] if value is True else [f"--{name}", f"{value}"]
    return _joined("study", courses, words)


def race_command(race: Race) -> str:
    """Return ``slalom race …`` for a race on a landscape. Raises InputError where no text names it."""
    _check_named(race.course.name, [runner.optimizer for runner in race.runners])
    _check_found(race)
    words = _field(race.runners)
    starts = list(dict.fromkeys(runner.start for runner in race.runners))
    seeds = sorted({runner.seed for runner in race.runners})
    words += _starts(race, starts, seeds[0])
    words += ["--steps", f"{race.steps}"]
    words += ["--noise", f"{race.noise!r}"] if race.noise else []
    words += ["--seeds", f"{len(seeds)}"] if len(seeds) > 1 else []
    words += ["--seed", f"{seeds[0]}"] if seeds[0] and "--seed" not in words else []
    words += _conditions(race.dtype, "float64", race.device)
    return _joined("race", [python_files.canonical(race.course.name)], words)


def training_command(race: TaskRace) -> str:
    """Return ``slalom race …`` for a race on a task or in a loop. Raises InputError where no text names it."""
    source = getattr(race.course, "source", "")
    _check_named(source, [runner.optimizer for runner in race.runners])
    words, training = _field(race.runners), race.training
    seeds = sorted({runner.seed for runner in race.runners})
    words += ["--seeds", f"{len(seeds)}"] if len(seeds) > 1 else []
    words += ["--seed", f"{seeds[0]}"] if seeds[0] else []
    if training is not None:
        words += ["--steps", f"{training.steps}"]
        every = training.evaluate_at[1] - training.evaluate_at[0] if len(training.evaluate_at) > 2 else training.steps
        words += ["--evaluate-every", f"{every}"] if every != training.steps_per_epoch else []
        words += _conditions(training.dtype, "float32", training.device)
        words += ["--precision", training.precision] if training.precision != "fp32" else []
        words += ["--engine", race.engine]  # auto chooses by timing: another choice rounds in another way
    return _joined("race", [python_files.canonical(source)], words)


def _joined(command: str, courses: Sequence[str], words: Sequence[str]) -> str:
    """Return the command; a course that begins like an option stands at the end, where it cannot be taken for one."""
    if any(course.startswith("-") for course in courses):
        return shlex.join(["slalom", command, *words, "--", *courses])
    return shlex.join(["slalom", command, *courses, *words])


def _field(runners: Iterable[Any]) -> list[str]:
    specs = dict.fromkeys(id(runner.optimizer) for runner in runners)
    by_id = {id(runner.optimizer): runner.optimizer.spec for runner in runners}
    return [word for key in specs for word in ("-o", by_id[key])]


def _conditions(dtype: str, usual: str, device: str) -> list[str]:
    words = ["--dtype", dtype] if dtype != usual else []
    return words + (["--device", device] if device != "cpu" else [])


def _starts(race: Race, starts: Sequence[tuple[float, ...]], seed: int) -> list[str]:
    if len(starts) <= MOST_STARTS:
        return [word for start in starts for word in ("--start", ",".join(map(repr, start)))]
    low, high = np.array(race.course.domain, dtype=float).T
    drawn = np.random.default_rng(seed).uniform(low, high, (len(starts), race.course.dim))
    if not np.array_equal(drawn, np.array(starts)):
        raise InputError(f"{len(starts):,} starting points that were given are too many for a command line.")
    return ["--starts", f"{len(starts)}", "--seed", f"{seed}"]


def _check_named(course: str, optimizers: Iterable[Any]) -> None:
    """Refuse what is an object that no text names."""
    from slalom.lab.studying.specifying import is_unreachable

    if not course or any(map(is_unreachable, optimizers)):
        raise InputError(
            "The course or an optimizer is an object without a name, which no command can tell: put it into a file and "
            "say file.py:name."
        )


def _check_found(race: Race) -> None:
    """Refuse a landscape that its own name does not find again."""
    from slalom import landscapes

    name = race.course.name
    if names_a_file(name):
        return
    start = race.runners[0].start
    try:
        found = landscapes.find(name, start=start)
        same = np.array_equal(found.values(np.array([start])), race.course.values(np.array([start])), equal_nan=True)
    except InputError:
        same = False
    if not same:
        raise InputError(
            f"{quote(name)} is a function without a name, which no command can tell: put it into a file and say "
            "file.py:name."
        )
