"""The table of a race on a task: how every optimizer ends, over its seeds."""

from __future__ import annotations

from typing import Any

import numpy as np

from slalom.core import Runner, Status, TrainingRecord
from slalom.lab.tables import Table, significant

MOST = 5
"""Measures in the table at most; all of them are in the files."""


def training_table(race: TrainingRecord) -> Table:
    """Return one row per optimizer, or one per runner where there is one seed.

    Raw values are the median, and under ``"… range"`` the interval that the pictures draw too (see
    :func:`slalom.show.views.seeds.spread`); a run that was lost counts as the worst.
    """
    from slalom.show.views import seeds
    from slalom.show.views.groups import training_groups

    measures = [seeds.measure_named(race, name) for name in shown(race)]
    groups = training_groups(race)
    broken = any(status.kind == Status.FAILED for status in race.statuses)
    ways = ["diverged", *["failed"] * broken]
    rows, texts = [], []
    for group in groups:
        row: dict[str, Any] = {"optimizer": group.name, "lr": group.hyperparameters.get("lr")}
        text = [
            " ".join([group.name, *_options(race.runners[group.runners[0]])]),
            "–" if row["lr"] is None else f"{row['lr']:.3g}",
        ]
        if len(group.runners) == 1:
            row["status"] = str(race.statuses[group.runners[0]])
            text.append(row["status"])
        else:
            kinds = [race.statuses[k].kind for k in group.runners]
            row |= {"diverged": kinds.count(Status.DIVERGED), "failed": kinds.count(Status.FAILED)}
            text += [f"{row[how]} of {len(kinds)}" if row[how] else "–" for how in ways]
        for measure in measures:
            ends = seeds.finals(race, group, measure)
            row |= _summary(measure.title, ends, measure)
            text.append(_range(row[measure.title], row[f"{measure.title} range"], measure.text))
        seconds = np.array([race.runs[k].seconds for k in group.runners])
        row["seconds"] = float(np.median(seconds))
        text.append(significant(row["seconds"]))
        rows.append(row)
        texts.append(tuple(text))
    several = any(len(group.runners) > 1 for group in groups)
    ended = ways if several else ["status"]
    columns = ("optimizer", "lr", *ended, *(m.title for m in measures), "seconds")
    return Table(columns, tuple(rows), tuple(texts), _notes(race, several))


def shown(race: TrainingRecord) -> list[str]:
    """Return the measures that the table shows: the training loss, then everything on what was held out."""
    if race.training is None:
        return list(race.measures)[:MOST]
    held_out = next(split for split in ("test", "validation", "train") if split in race.splits)
    names = ["train_loss", *(f"{held_out}_{measure}" for measure in race.measures)]
    return list(dict.fromkeys(names))[:MOST]


def _options(runner: Runner) -> list[str]:
    """Return what was typed beside the learning rate, unless the runner's name tells it."""
    optimizer = runner.optimizer
    typed = {name: value for name, value in getattr(optimizer, "typed", {}).items() if name != "lr"}
    told = [f"{name}={value}" for name, value in typed.items() if name.replace("_", " ") not in runner.name]
    stages = getattr(optimizer, "stages", ())
    return [*told, *(f"| {stage}" for stage in stages if stage not in runner.name)]


def _summary(title: str, ends: np.ndarray, measure: Any) -> dict[str, Any]:
    """Return median, smallest and largest; a quantile between a finite value and a lost run is the lost one."""
    from slalom.show.views.seeds import spread

    if np.isnan(ends).all():
        return {title: None, f"{title} range": (None, None)}
    found = spread(ends[:, None], measure.higher_is_better)
    return {title: float(found.middle[0]), f"{title} range": (float(found.low[0]), float(found.high[0]))}


def _range(middle: float | None, ends: tuple[float, float], text: Any) -> str:
    """Return ``"0.0734 [0.071–0.076]"``, and a dash for a run that was lost."""
    if middle is None or not np.isfinite(middle):
        return "–"
    low, high = ends
    if low == high:
        return str(text(middle))
    return f"{text(middle)} [{_end(low, text)}–{_end(high, text)}]"


def _end(value: float, text: Any) -> str:
    return str(text(value)) if np.isfinite(value) else "lost"


def _steps(race: TrainingRecord) -> str:
    if not any(run.interrupted for run in race.runs):
        return f"{race.steps:,} steps"
    return f"at most {max(run.completed for run in race.runs):,} steps"


def _notes(race: TrainingRecord, several: bool) -> str:
    from slalom.show.views.seeds import interval_means

    when = "at the last evaluation" if race.training is None else f"after {_steps(race)}"
    if not several:
        return f"{when}; seconds of training alone"
    counts = sorted({len([r for r in race.runners if r.optimizer is runner.optimizer]) for runner in race.runners})
    if len(counts) > 1:
        return f"{when}: median over {counts[0]} to {counts[-1]} runs, in brackets their spread; seconds of a run"
    return f"{when}: {interval_means(counts[-1])}; seconds of training a run"
