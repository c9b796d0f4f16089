"""The curves of training: a measure over epochs or seconds, over the seeds of each optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from slalom.core import TrainingRecord
from slalom.show.views.curves import CurveLine, Panel
from slalom.show.views.frames import Axis, linear_axis, log_axis, measure_axis, share_axis
from slalom.show.views.groups import Group
from slalom.show.views.labels import Label, at_ends, text_size
from slalom.show.views.lines import curve, within_reach
from slalom.show.views.seeds import Measure, Spread, clock, instants, lost, over_seeds, places, spread
from slalom.show.views.styles import tint
from slalom.show.views.words import short_names

NAME = 8.5
"""Font size of the names at the lines' ends."""
RUNAWAY = 5.0
"""A loss beyond so many times the first is on its way out: the axis does not follow it."""


def measure_panel(
    record: TrainingRecord,
    field: list[Group],
    measure: Measure,
    area: tuple[float, float],
    behind: Measure | None = None,
    seconds: bool = False,
    y: Axis | None = None,
) -> Panel:
    """Return the curves of ``measure``, each with its name at its end; those of the measure ``behind`` are faint.

    ``area`` is the width and height of the axes in points, ``y`` another vertical axis than the one that holds all.
    Against seconds the names are left out.
    """
    lines = _spreads(record, field, measure, seconds)
    faint = [] if behind is None else _spreads(record, field, behind, seconds)
    x_name = "seconds" if seconds else clock(record)
    latest = np.nanmax([0.0, *(moment for moments, _ in lines for moment in moments)])
    x = linear_axis(0.0, float(latest) or 1.0)
    single = behind is not None and behind.name == "loss" and len(field) == 1 and not seconds
    low = _usual_low(record, field[0]) if single else np.empty(0)
    y = y or _vertical(measure, [over for _, over in [*lines, *faint]], low)
    curves = [_curve(group, *line, y) for group, line in zip(field, lines, strict=True)]
    # Nothing stands behind a measure of which there is no other.
    back = [replace(_curve(group, *line, y), band=None) for group, line in zip(field, faint, strict=False)]
    if len(field) == 1:
        curves = [replace(line, name=measure.title.split()[0]) for line in curves] if behind else curves
        back = [replace(line, name=behind.title.split()[0]) for line in back] if behind else back
        if single:
            back += _minibatches(record, field[0], y)
    title = measure.title
    if behind is not None:
        title = measure.name.replace("_", " ")
        title += f": {measure.title.split()[0]} bold, {behind.title.split()[0]} thin" if len(field) > 1 else ""
    named = curves if seconds or (len(field) == 1 and not behind) else _named([*curves, *back], len(field), x, y, area)
    return Panel(
        title,
        x,
        y,
        tuple(named[: len(curves)]),
        behind=tuple(named[len(curves) :] if len(named) > len(curves) else back),
        x_title=x_name,
    )


def rate_panel(record: TrainingRecord, field: list[Group], area: tuple[float, float]) -> Panel | None:
    """Return the learning rates over the training on a log axis, or None where all are constant."""
    if record.training is None or all(record.runs[k].learning_rates is None for g in field for k in g.runners):
        return None
    steps, per_epoch = record.training.steps, record.training.steps_per_epoch
    series = [_rates(record, group, steps) for group in field]
    positive = np.concatenate(series)
    positive = positive[np.isfinite(positive) & (positive > 0)]
    high = float(positive.max()) if len(positive) else 1.0
    low = max(float(positive.min()), high * 1e-4) if len(positive) else 0.1
    x, y = linear_axis(0.0, steps / per_epoch), log_axis(low / 1.6, high * 1.6)
    if len(y.ticks) < 2:
        y = measure_axis(np.array([low / 1.3, high * 1.3]), log=True)
    lines = []
    for group, rates in zip(field, series, strict=True):
        at, values = curve(rates, linear_axis(0.0, float(max(len(rates), 1))))
        lines.append(CurveLine(group.name, group.style, (at + 1) / per_epoch, values))
    return Panel("learning rate", x, y, tuple(_named(lines, len(lines), x, y, area)), x_title="epoch")


def _rates(record: TrainingRecord, group: Group, steps: int) -> np.ndarray:
    known = record.runs[group.typical].learning_rates
    if known is not None:
        return np.asarray(known, dtype=float)
    try:
        return np.full(steps, float(group.hyperparameters.get("lr", np.nan)))
    except (TypeError, ValueError):
        return np.full(steps, np.nan)


def _spreads(
    record: TrainingRecord, field: list[Group], measure: Measure, seconds: bool
) -> list[tuple[np.ndarray, Spread]]:
    """Return, for each optimizer, when it was evaluated and the measure there."""
    lines = []
    for group in field:
        moments, rows = over_seeds(record, group, measure)
        if seconds:
            moments = seconds_of(record, group, moments)
        lines.append((moments, spread(rows, measure.higher_is_better)))
    return lines


def seconds_of(record: TrainingRecord, group: Group, shared: np.ndarray) -> np.ndarray:
    """Return the seconds that a run of this optimizer had taken at each shared instant, the median over its seeds."""
    name = clock(record)
    lasting = [k for k in group.runners if not lost(record, k)] or group.runners
    rows = np.full((len(lasting), len(shared)), np.nan)
    for row, k in zip(rows, lasting, strict=True):
        at, known = places(shared, instants(record, k, name))
        row[at] = record.runs[k].series("seconds")[known]
    return spread(rows).middle


def _usual_low(record: TrainingRecord, group: Group) -> np.ndarray:
    """Return, as an array of one or none, how low minibatch losses go but for a few."""
    losses = np.asarray(record.runs[group.typical].losses, dtype=float)
    known = losses[np.isfinite(losses)]
    return np.quantile(known, [0.03]) if len(known) else known


def _vertical(measure: Measure, lines: Sequence[Spread], also: np.ndarray) -> Axis:
    shown = np.concatenate([also, *(np.concatenate([line.low, line.middle, line.high]) for line in lines)])
    shown = shown[np.isfinite(shown)]
    if measure.proportion:
        return share_axis(shown)
    log = measure.higher_is_better is False and bool(len(shown)) and bool(shown.min() > 0)
    if measure.higher_is_better is False and len(shown):
        firsts = [line.middle[np.isfinite(line.middle)][:1] for line in lines]
        first = float(np.concatenate(firsts).max(initial=-np.inf))
        if first > 0:
            shown = shown[shown <= RUNAWAY * first]
    return measure_axis(shown, log)


def _curve(group: Group, moments: np.ndarray, over: Spread, y: Axis) -> CurveLine:
    """Return a line up to where most runs are lost."""
    known = np.isfinite(over.middle) & np.isfinite(moments)
    at, values = moments[known], over.middle[known]
    band = None
    if known.any() and not np.array_equal(over.low[known], over.high[known]):
        band = (at, over.low[known], over.high[known])
    gone = None
    if len(at) and np.isinf(over.middle).any():
        gone = (float(at[-1]), float(np.clip(values[-1], y.low, y.high)))
    return CurveLine(group.name, group.style, at, values, band, gone=gone)


def _minibatches(record: TrainingRecord, group: Group, y: Axis) -> list[CurveLine]:
    """Return the minibatch losses of one run, at every step, paler than everything else."""
    losses = np.asarray(record.runs[group.typical].losses, dtype=float)
    if record.training is None or clock(record) != "epoch" or len(losses) < 2:
        return []
    steps, values = curve(losses, linear_axis(0.0, float(len(losses))))
    pale = replace(group.style, colour=tint(group.style.colour, 0.55), dashes=())
    return [CurveLine("minibatches", pale, (steps + 1) / record.training.steps_per_epoch, values)]


def _named(lines: list[CurveLine], first: int, x: Axis, y: Axis, area: tuple[float, float]) -> list[CurveLine]:
    """Return the lines with their names at their ends. Of several optimizers only the ``first`` ones are named."""
    named = [k for k in range(len(lines)) if len(lines[k].steps) and (k < first or first == 1)]
    labels: dict[int, Label] = {}
    short = short_names([line.name for line in lines])
    for end in sorted({float(lines[k].steps[-1]) for k in named}):
        members = [k for k in named if float(lines[k].steps[-1]) == end]
        place = float(x.place(np.array(end))) * area[0]
        inside = place < area[0] - 2
        right = (place, area[1]) if inside else area
        ends = [float(y.place(within_reach(lines[k].values[-1:], y))[0]) * area[1] for k in members]
        names = [_pointed(short[k], float(lines[k].values[-1]), y) for k in members]
        found = at_ends(names, ends, right, NAME, 7.0 if inside else 14.0)
        labels |= dict(zip(members, found, strict=True))
    return [replace(line, label=labels.get(k)) for k, line in enumerate(lines)]


def _pointed(name: str, value: float, y: Axis) -> str:
    """Return a name with an arrow where its line has left the picture."""
    return f"↑ {name}" if value > y.high else f"↓ {name}" if value < y.low else name


def margin(field: list[Group]) -> float:
    """Return the room in inches that the names at the lines' ends need."""
    names = [group.name for group in field] if len(field) > 1 else ["minibatches"]
    return (max(text_size(name, NAME)[0] for name in short_names(names)) + 20) / 72
