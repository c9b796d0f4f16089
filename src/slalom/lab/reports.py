"""Results as one page: the record's pictures, and what only the lab knows: cost, plan, command, machine, data."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slalom.core import InputError, Optimizer
from slalom.lab import commands
from slalom.lab.given_away import beside, files_without_folders, folders_remover, without_store
from slalom.lab.tables import Table

if TYPE_CHECKING:
    from slalom.judge import StepsToTarget
    from slalom.lab.record import Race
    from slalom.lab.studying.record import Study
    from slalom.lab.studying.several import Studies
    from slalom.lab.task_record import TaskRace
    from slalom.show.report.cards import SmallPath
    from slalom.show.report.document import DataFile
    from slalom.show.report.facts import PlainTable

MOST_NUMBERS = 40_000
"""Coordinates of paths beyond which a race has too many numbers to be in a page."""
STUDIED = "settings, search, results and verdicts"
STEPWISE = "one line per runner and step"
RATES = tuple(np.geomspace(1e-3, 10, 13).tolist())
"""Learning rates that are tried for the small picture of a formula card."""


def study_page(study: Study) -> str:
    """Return the page of a study."""
    from slalom.lab.studying.pictures import PicturedStudy
    from slalom.lab.studying.results_csv import study_csv
    from slalom.show.report import study_html
    from slalom.show.report.facts import Facts

    file, why = _told(study.to_toml)
    courses = [study.course]
    facts = Facts(
        clean=folders_remover(courses),
        table=plain(study.table()),
        command=commands.study_command(file) if file else "",
        study_file=file,
        why=why or beside(courses),
        code=study.code,
        plan=_plan(study),
        cost=_cost(study),
        machine=machine(),
        versions=study.versions,
        files=files_without_folders(
            [
                as_json("study.json", without_store(study.to_json()), STUDIED),
                as_csv("study.csv", lambda path: study_csv([study], path), "each seed's result"),
            ],
            courses,
        ),
        small=small_paths(zip(study.names, study.plan.question.optimizers, strict=True)),
        remarks=study.plan.remarks,
    )
    return study_html(PicturedStudy(study), facts)


def studies_page(several: Studies) -> str:
    """Return the page of several studies together."""
    from slalom.lab.studying.pictures import PicturedStudy
    from slalom.lab.studying.results_csv import study_csv
    from slalom.show.report import studies_html
    from slalom.show.report.facts import Facts

    file, why = _told(several.to_toml)
    studies = several.parts
    first, courses = studies[0], [study.course for study in studies]
    facts = Facts(
        clean=folders_remover(courses),
        table=plain(several.table()),
        command=commands.study_command(file) if file else "",
        study_file=file,
        why=why or beside(courses),
        plan=_plans(studies),
        machine=machine(),
        versions=first.versions,
        files=files_without_folders(
            [
                as_json("study.json", without_store(several.to_json()), STUDIED),
                as_csv("study.csv", lambda path: study_csv(studies, path), "each seed's result on each course"),
            ],
            courses,
        ),
        small=small_paths(zip(first.names, first.plan.question.optimizers, strict=True)),
    )
    each = [Facts(table=plain(study.table())) for study in studies]
    return studies_html(several.across, [PicturedStudy(study) for study in studies], facts, each)


def training_page(race: TaskRace) -> str:
    """Return the page of a race on a task or in a training loop."""
    from slalom.lab import task_exports
    from slalom.show.report import training_html
    from slalom.show.report.facts import Facts
    from slalom.show.views.groups import training_groups

    field = training_groups(race)
    command, why = _told(lambda: commands.training_command(race))
    courses = [race.course]
    facts = Facts(
        clean=folders_remover(courses),
        table=plain(race.table()),
        command=command,
        why=why or beside(courses),
        plan=_training_plan(race),
        machine=machine(),
        versions=race.versions,
        files=files_without_folders(
            [
                as_json("race.json", race.to_json(), "all evaluations and losses"),
                as_csv("race.csv", lambda path: task_exports.write_csv(race, path), "one line per evaluation"),
            ],
            courses,
        ),
        small=small_paths((group.name, race.runners[group.typical].optimizer) for group in field),
    )
    return training_html(race, facts)


def race_page(race: Race) -> str:
    """Return the page of a race on a landscape."""
    from slalom.lab import exports
    from slalom.show.report import race_html
    from slalom.show.report.facts import Facts
    from slalom.show.views.groups import groups

    field = groups(race)
    command, why = _told(lambda: commands.race_command(race))
    small, courses = race.paths.size <= MOST_NUMBERS, [race.course]
    facts = Facts(
        clean=folders_remover(courses),
        table=plain(race.table()),
        command=command,
        why=why or beside(courses),
        plan=_race_plan(race),
        machine=machine(),
        versions=race.versions,
        files=files_without_folders(
            [
                as_json("race.json", race.to_json() if small else None, "all paths, losses and measures"),
                as_csv("race.csv", (lambda path: exports.write_csv(race, path)) if small else None, STEPWISE),
            ],
            courses,
        ),
        small=small_paths((group.name, race.runners[group.typical].optimizer) for group in field),
    )
    return race_html(race, facts)


def plain(table: Table) -> PlainTable:
    """Return a table as the page reads it."""
    from slalom.show.report.facts import PlainTable

    rows = [[row.get(column) for column in table.columns] for row in table.rows]
    return PlainTable(table.columns, rows, table.texts, table.notes)


def machine() -> dict[str, str]:
    """Return what computes here: processor, cores, system. Neither the machine's name nor the user's."""
    cores = os.cpu_count()
    counted = "" if cores is None else f", {cores} core{'s' * (cores != 1)}"
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return {"page written on": f"{_processor()}{counted}; {system}"}


def _processor() -> str:
    """Return the processor's name: on Linux the platform module knows its family only."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.lower().startswith(("model name", "hardware"))]
    return next(filter(None, names), "") or platform.processor() or platform.machine()


# -- parts -------------------------------------------------------------------------------------------------------------


def _told(tell: Callable[[], str]) -> tuple[str, str]:
    """Return a command or a study file, or why there is none."""
    try:
        return tell(), ""
    except InputError as reason:
        return "", str(reason)


def as_json(name: str, content: bytes | None, means: str) -> DataFile:
    """Return JSON as a file of the page; None where it is too large."""
    from slalom.show.report.document import DataFile

    return DataFile(name, "application/json", content, means)


def as_csv(name: str, write: Callable[[Path], None] | None, means: str) -> DataFile:
    """Return a table as the file that ``write`` makes of it."""
    from slalom.show.report.document import DataFile

    if write is None:
        return DataFile(name, "text/csv", None, means)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write(path)
        return DataFile(name, "text/csv", path.read_bytes(), means)


def _plan(study: Study) -> list[tuple[str, str]]:
    """Return the plan's facts, of several that belong together one."""
    told: list[tuple[str, str]] = []
    for what, fact in study.plan.facts():
        how = fact.replace("_", " ") if what == "measured" else fact
        if not what and told:  # goes on with the line above
            told[-1] = (told[-1][0], f"{told[-1][1]}; {how}")
        else:
            told.append((what, how))
    dtype = study.dtype or "float64"
    dtype += f" {study.precision}" if study.precision not in ("", "fp32") else ""
    return [*told, ("number format", f"{dtype} on {study.device}")]


def _plans(studies: Sequence[Study]) -> list[tuple[str, str]]:
    """Return the lines of several plans: once where all have the same, else each with its course."""
    plans = [(study.course.name, _plan(study)) for study in studies]
    told = []
    for line in dict.fromkeys(line for _, plan in plans for line in plan):
        where = [name for name, plan in plans if line in plan]
        told += [line] if len(where) == len(plans) else [(f"{name}: {line[0]}", line[1]) for name in where]
    return told


def _cost(study: Study) -> PlainTable:
    from slalom.show.report.facts import PlainTable
    from slalom.show.views.words import number

    alone = study.engine == "solo"  # else the seconds of a run are a share of those of many, and no measure of it
    columns = ["optimizer", "trials", "tuning runs", "evaluation runs", "steps", "seconds"]
    columns += [*["ms per step"] * alone, "steps to target"]
    rows, texts = [], []
    for name in study.names:
        cost, reached = study.cost(name), study.steps_to_target(name)
        counts = [cost.trials, cost.tuning_runs, cost.evaluation_runs, cost.steps]
        times = [cost.seconds, *[1000 * cost.seconds_per_step] * alone]
        rows.append([name, *counts, *times, reached.median])
        told = _reached(reached) if np.isfinite(study.target) else "–"
        texts.append([name, *(f"{value:,}" for value in counts), *map(number, times), told])
    shared = (
        "; runs computed together share them evenly, also where one of them diverged early, so that there are no "
        "milliseconds per step"
    )
    notes = (
        "All runs that tuning and evaluation asked for, those from the store included. Seconds are of training "
        f"alone{'' if alone else shared}. {_target(study)}"
    )
    return PlainTable(columns, rows, texts, notes)


def _target(study: Study) -> str:
    """Say what the steps to target are counted to, in the units of the measure that chooses."""
    from slalom.show.views.words import number, percent

    measure, baseline = study.yardstick.tuning.replace("_", " "), study.judgement.baseline
    if not np.isfinite(study.target):
        return f"No steps to target: most runs of the baseline, {baseline}, have no {measure} at the end."
    target = percent(study.target) if study.yardstick.kind == "accuracy" else number(study.target)
    better = "more" if study.yardstick.higher_is_better else "less"
    return (
        f"Steps to target: of the runs on fresh seeds, the median of the steps until their {measure} is {target} or "
        f"{better}, which is the median with which {baseline} ends; a miss counts as longer than any other, so that "
        "there is none where half of the runs miss."
    )


def _reached(found: StepsToTarget) -> str:
    """Return ``"76 (3 of 8 missed)"``: the median, infinite where half missed, never hides those that did."""
    told = f"{found.median:,.6g}" if np.isfinite(found.median) else "not reached"
    return f"{told} ({found.missed} of {found.n} missed)" if found.missed else told


def _training_plan(race: TaskRace) -> list[tuple[str, str]]:
    seeds = sorted({runner.seed for runner in race.runners})
    told = [("course", race.course.title), ("seeds", ", ".join(map(str, seeds))), ("engine", race.engine)]
    if race.training is not None:
        looks = len(race.training.evaluate_at)
        told += [
            (
                "length",
                f"{race.training.steps:,} steps, {race.training.steps_per_epoch:,} an epoch, {looks} evaluations",
            ),
            ("computed in", f"{race.dtype} {race.precision} on {race.device}"),
        ]
    return told


def _race_plan(race: Race) -> list[tuple[str, str]]:
    starts = list(dict.fromkeys(runner.start for runner in race.runners))
    seeds = sorted({runner.seed for runner in race.runners})
    shown = "; ".join(
        "(" + ", ".join(f"{x:.6g}" for x in start[:4]) + ("…" * (len(start) > 4)) + ")" for start in starts[:6]
    )
    return [
        ("course", race.course.title),
        ("starts", shown + (f" and {len(starts) - 6:,} more" if len(starts) > 6 else "")),
        ("seeds", ", ".join(map(str, seeds[:12])) + (" …" if len(seeds) > 12 else "")),
        ("length", f"{race.steps:,} steps"),
        ("gradient noise", f"{race.noise:g}" if race.noise else "none"),
        ("computed in", f"{race.dtype} on {race.device}, {race.engine} engine"),
    ]


def small_paths(optimizers: Any) -> Mapping[str, SmallPath]:
    """Return how each optimizer, given as (name, optimizer), moves on the bowl of the formula cards.

    One that does not get there, whatever it raises, has no picture.
    """
    found = {}
    for name, optimizer in optimizers:
        try:
            found[name] = _small_path(optimizer)
        except Exception:  # a picture aside must not cost anybody the page
            continue
    return found


def _small_path(optimizer: Optimizer) -> SmallPath:
    """Return the path whose losses are lowest on average, of those at RATES."""
    from slalom.lab import ranges
    from slalom.lab.racing import race
    from slalom.show.report.cards import BEGIN, BOWL, STEPS, SmallPath

    rates: list[float | None] = [None]
    if "lr" in optimizer.hyperparameters:
        rates = [*RATES]
    field = [optimizer if rate is None else ranges.variant(optimizer, {"lr": rate}) for rate in rates]
    run = race(BOWL, field, start=BEGIN, steps=STEPS)
    with np.errstate(all="ignore"):
        means = np.where(np.isfinite(run.losses).all(axis=1), run.losses.mean(axis=1), np.inf)
    best = int(np.argmin(means))
    return SmallPath(run.paths[best], rates[best])
