"""What the page's curves show: training over each clock, learning rates, trials, courses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from slalom.core import TrainingRecord
from slalom.show.report.pieces import ink, kept, numbers, plain
from slalom.show.report.specs import CurvesSpec, LineSpec, MarkSpec, PanelSpec, Series
from slalom.show.views.coincidences import united_training
from slalom.show.views.curves import CurveLine, Panel
from slalom.show.views.groups import training_groups
from slalom.show.views.seeds import Measure, interval_means, measure_named, measure_of
from slalom.show.views.sensitivities import Sensitivity, SensitivityLine
from slalom.show.views.study_curves import near_the_end
from slalom.show.views.training_series import SeriesLine, training_series

CLOCKS = {"epoch": "epochs", "step": "steps", "seconds": "seconds of training", "evaluation": "evaluations"}
MOST_MEASURES = 12
"""Measures that a page offers; a loop of the caller's own may yield any number."""
MOST_SEEDS = 30
"""Seeds drawn one by one; median and interval are over all of them."""


def training(record: TrainingRecord, first: str | None = None) -> CurvesSpec:
    """Return the curves of every measure of a record, the one called ``first`` on top."""
    measures = _measures(record, first)
    panels = [_measured(record, measure) for measure in measures]
    return {"kind": "curves", "panels": [*panels, *_minibatches(record)]}


def means(record: TrainingRecord) -> str:
    """Say what line and shade are over the seeds; empty where there is one."""
    return interval_means(max((len(group.runners) for group in training_groups(record)), default=0))


def _measures(record: TrainingRecord, first: str | None) -> list[Measure]:
    if record.training is None:
        found = [measure_of(record, "", name) for name in record.measures]
    else:
        splits = [split for split in ("test", "validation", "train") if split in record.splits]
        found = [measure_of(record, split, name) for name in reversed(record.measures) for split in splits]
    if first is not None:
        top = measure_named(record, first)
        found = [top, *(one for one in found if one.key != top.key)]
    return found[:MOST_MEASURES]


def _measured(record: TrainingRecord, measure: Measure) -> PanelSpec:
    lines = training_series(record, measure)
    return {
        "key": measure.key,
        "title": measure.title,
        "percent": measure.proportion,
        "log": measure.higher_is_better is False,
        "near": _near(lines) if measure.proportion else None,
        "clocks": [(name, CLOCKS[name]) for name in CLOCKS if any(name in line.clocks for line in lines)],
        "lines": [_line(line) for line in lines],
    }


def _near(lines: Sequence[SeriesLine]) -> Series:
    """Return the stretch of proportions in which the ends are, as the views' card of a study shows them."""
    overs = [line.over for line in lines]
    later = np.concatenate([over.middle[(len(over.middle) - 1) // 2 :] for over in overs])
    found = near_the_end(later, np.concatenate([over.high for over in overs]))
    return [plain(found.low), plain(found.high)]


def _line(line: SeriesLine) -> LineSpec:
    at = kept([line.over.middle, line.over.low, line.over.high])
    shown = range(min(len(line.seeds), MOST_SEEDS)) if len(line.seeds) > 1 else ()
    own = {k: kept([line.rows[k]]) for k in shown}
    return {
        "name": line.name,
        "style": ink(line.style),
        "x": {name: numbers(moments[at]) for name, moments in line.clocks.items()},
        "middle": numbers(line.over.middle[at]),
        "low": numbers(line.over.low[at]),
        "high": numbers(line.over.high[at]),
        "seeds": [
            {
                "seed": line.seeds[k],
                "x": None if len(own[k]) == len(at) == line.rows.shape[1] else _moments(line, own[k]),
                "y": numbers(line.rows[k][own[k]]),
            }
            for k in shown
        ],
    }


def _moments(line: SeriesLine, at: np.ndarray) -> dict[str, Series]:
    return {name: numbers(moments[at]) for name, moments in line.clocks.items()}


def _minibatches(record: TrainingRecord) -> list[PanelSpec]:
    """Return the minibatch losses of one run of each optimizer, every step's extremes kept."""
    training = record.training
    lines: list[LineSpec] = []
    for group in united_training(record, training_groups(record)).field if training is not None else ():
        k = group.typical
        losses = np.asarray(record.runs[k].losses, dtype=np.float64)
        at = kept([losses])
        if training is None or len(losses) < 2:
            continue
        steps = at + 1.0
        lines.append(
            {
                "name": group.name,
                "style": ink(group.style),
                "x": {"epoch": numbers(steps / training.steps_per_epoch), "step": numbers(steps)},
                "middle": numbers(losses[at]),
                "seeds": [],
                "seed": record.runners[k].seed,
            }
        )
    if not lines:
        return []
    clocks = [(clock, CLOCKS[clock]) for clock in ("epoch", "step")]
    title = "minibatch loss, one run each"
    return [{"key": "minibatch", "title": title, "percent": False, "log": True, "clocks": clocks, "lines": lines}]


def sensitivity(view: Sensitivity, percent: bool) -> CurvesSpec:
    """Return result against learning rate."""
    panel: PanelSpec = {
        "key": "rate",
        "title": view.y_title,
        "percent": percent,
        "log": view.y.log,
        "y": [plain(view.y.low), plain(view.y.high)],
        "clocks": [("rate", "learning rate")],
        "logx": True,
        "lines": [_rates(line) for line in view.lines],
    }
    return {"kind": "curves", "panels": [panel]}


def _rates(line: SensitivityLine) -> LineSpec:
    loose = not len(line.rates)
    x, y = (line.dots[:, 0], line.dots[:, 1]) if loose else (line.rates, line.middle)
    return {
        "name": line.name,
        "style": ink(line.style),
        "x": {"rate": numbers(x)},
        "middle": numbers(y),
        "low": numbers(y if loose else line.low),
        "high": numbers(y if loose else line.high),
        "seeds": [],
        "dots": loose,
        "marks": _marks(line),
        "usable": None if line.usable is None else numbers(line.usable),
    }


def _marks(line: SensitivityLine) -> list[MarkSpec]:
    found: list[MarkSpec] = []
    if line.best is not None:
        x, y = numbers(line.best)
        found.append({"kind": "best", "x": x, "y": y, "means": "chosen", "between": False})
    if line.default is not None:
        x, y = numbers(line.default)
        means, between = "the library's default", not line.default_tried
        found.append({"kind": "default", "x": x, "y": y, "means": means, "between": between})
    if line.diverges_from is not None:
        at, means = plain(line.diverges_from), "runs diverge from here on"
        found.append({"kind": "gone", "x": at, "y": None, "means": means, "between": False})
    return found


def panel(view: Panel, clock: str, percent: bool = False) -> CurvesSpec:
    """Return one of the views' panels."""
    found: PanelSpec = {
        "key": clock,
        "title": view.title,
        "percent": percent,
        "log": view.y.log,
        "y": [plain(view.y.low), plain(view.y.high)],
        "clocks": [(clock, view.x_title)],
        "logx": view.x.log,
        "lines": [_drawn(curve, clock) for curve in view.curves],
    }
    return {"kind": "curves", "panels": [found]}


def _drawn(curve: CurveLine, clock: str) -> LineSpec:
    line: LineSpec = {
        "name": curve.name,
        "style": ink(curve.style),
        "x": {clock: numbers(curve.steps)},
        "middle": numbers(curve.values),
        "seeds": [],
    }
    if curve.band is not None:
        line["low"], line["high"] = numbers(curve.band[1]), numbers(curve.band[2])
    return line
