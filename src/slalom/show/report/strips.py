"""What the page's strips show: verdicts, every seed's result, chances of ranks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slalom.core import TrainingRecord
from slalom.show.report.pieces import axis, ink, numbers, plain
from slalom.show.report.specs import RankSpec, RanksSpec, ResultSpec, ResultsSpec, VerdictSpec, VerdictsSpec
from slalom.show.views.final_results import FinalResults
from slalom.show.views.groups import training_groups
from slalom.show.views.profiles import RankBar
from slalom.show.views.seeds import Measure, finals
from slalom.show.views.verdict_strips import VerdictStrip

NEAR = "•"
"""What stands before an optimizer whose middle is near the best, which is no test and so no ★."""


def results_means(view: FinalResults, mark: str = NEAR) -> str:
    """Say how the strip of final results is read."""
    parts = ["Each dot is a seed"]
    parts += [f"line and shade: {view.means}"] if view.means else []
    parts += [f"{mark} {view.best_means}"] if view.best_means else []
    parts += ["✕ diverged: worse than any other"] if any(row.gone for row in view.rows) else []
    parts += ["runs that failed have no dot"] if any(row.failed for row in view.rows) else []
    parts += [view.axis_means] if view.axis_means else []
    return "; ".join(parts) + "."


def verdicts(strip: VerdictStrip) -> VerdictsSpec:
    """Return the verdict strip."""
    rows: list[VerdictSpec] = [
        {
            "name": row.name,
            "style": ink(row.style),
            "about": row.about,
            "tied": row.tied,
            "word": row.word,
            "effect": None if row.effect is None else plain(row.effect),
            "interval": None if row.interval is None else numbers(row.interval),
            "left": row.left,
            "right": row.right,
            "change": row.change,
            "more": row.more,
            "reason": row.reason.replace("\n", " "),
        }
        for row in strip.rows
    ]
    return {
        "kind": "verdicts",
        "rows": rows,
        "axis": axis(strip.axis),
        "title": strip.axis_title,
        "margin": None if strip.margin is None else plain(strip.margin),
        "better": strip.better,
    }


def results(record: TrainingRecord, view: FinalResults, measure: Measure, mark: str = NEAR) -> ResultsSpec:
    """Return the final results with every seed's. ``mark`` stands before the names of the best."""
    rows: list[ResultSpec] = []
    for group, row in zip(training_groups(record), view.rows, strict=True):
        ends = finals(record, group, measure)
        known = [record.runners[k].seed for k, end in zip(group.runners, ends, strict=True) if np.isfinite(end)]
        told = [measure.text(float(value), 4) for value in row.values]
        rows.append(
            {
                "name": group.name,
                "style": ink(row.style),
                "dots": [[plain(float(x)), plain(float(y))] for x, y in row.dots],
                "seeds": known,
                "values": numbers(row.values),
                "told": told,
                "middle": None if row.middle is None else plain(row.middle),
                "interval": None if row.interval is None else numbers(row.interval),
                "text": row.text,
                "between": row.told,
                "gone": row.gone,
                "failed": row.failed,
                "kind": row.kind,
                "mark": mark if row.best else "",
                "marked": view.best_means if row.best else "",
            }
        )
    worst = None if not any(row["gone"] for row in rows) else plain(view.worst_at)
    return {"kind": "results", "rows": rows, "axis": axis(view.axis), "title": view.axis_title, "worst": worst}


def ranks(bars: Sequence[RankBar], title: str) -> RanksSpec:
    """Return the chance of each rank."""
    rows: list[RankSpec] = [
        {"name": bar.name, "style": ink(bar.style), "shares": numbers(bar.shares), "mean": plain(bar.mean_rank)}
        for bar in bars
    ]
    return {"kind": "ranks", "rows": rows, "title": title}
