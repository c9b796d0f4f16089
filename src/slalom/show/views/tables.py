"""The small table of a comparison card, the notes under it, and the footer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from slalom.core import PathMetrics, RaceRecord
from slalom.show.views.groups import Group, diverged, metrics_of, rate
from slalom.show.views.labels import text_size
from slalom.show.views.styles import Style
from slalom.show.views.words import fixed, number, short_names, wrap


@dataclass(frozen=True)
class Column:
    """A column's heading and the right edge of its cells, in inches from the table's left edge."""

    heading: str
    right: float


@dataclass(frozen=True)
class Row:
    """One optimizer's line of the table: a cell for each column. ``best`` are the columns in which it is the best."""

    name: str
    style: Style
    rate: str
    cells: tuple[str, ...]
    best: tuple[int, ...] = ()


SAMPLE = 0.38
"""Inches for the sample of the line."""
NAME_SIZE = 9.0
COLUMNS = {"settles at": 0.78, "leaves again": 1.15, "path": 0.62, "straight": 0.62, "turns": 0.5}
"""Headings and the width of each column, in inches."""


@dataclass(frozen=True)
class Table:
    """The table's columns and rows; ``rate_at`` is where the learning rates begin, in inches from its left edge."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    rate_at: float

    @property
    def width(self) -> float:
        return self.columns[-1].right

    def stretched(self, width: float) -> Table:
        """Return the same table spread over ``width`` inches."""
        extra = (width - self.width) / len(self.columns)
        columns = tuple(replace(c, right=c.right + extra * (k + 1)) for k, c in enumerate(self.columns))
        return replace(self, columns=columns)


def table(record: RaceRecord, field: list[Group]) -> Table:
    return laid_out(rows(record, field), COLUMNS)


def laid_out(shown: tuple[Row, ...], widths: Mapping[str, float]) -> Table:
    """Return the table of some rows, given its headings and the width of each column in inches."""
    rate_at = SAMPLE + 0.2 + max(text_size(row.name, NAME_SIZE)[0] for row in shown) / 72
    right = rate_at + max((0.08 * len(row.rate) for row in shown), default=0.0)
    columns = []
    for heading, width in widths.items():
        right += width
        columns.append(Column(heading, right))
    return Table(tuple(columns), shown, rate_at)


def rows(record: RaceRecord, field: list[Group]) -> tuple[Row, ...]:
    """Return one row per optimizer; with several runners of one, medians over them."""
    names = short_names([group.name for group in field])
    return tuple(
        Row(
            name,
            group.style,
            "" if rate(group) in group.name else rate(group),
            _cells(record, group.typical) if len(group.runners) == 1 else _medians(record, group),
        )
        for group, name in zip(field, names, strict=True)
    )


def _cells(record: RaceRecord, runner: int) -> tuple[str, ...]:
    metrics = record.metrics[runner]
    return (_settles(record, runner), _leaves(record, runner), *_lengths([metrics]))


def _settles(record: RaceRecord, runner: int) -> str:
    metrics = record.metrics[runner]
    if metrics.settles is None and (record.minimum is None or diverged(record, runner) is not None):
        return "–"
    return "not yet" if metrics.settles is None else f"{metrics.settles:,}"


def _leaves(record: RaceRecord, runner: int) -> str:
    gone = diverged(record, runner)
    if gone is not None:
        return f"diverged at {gone:,}"
    metrics = record.metrics[runner]
    if metrics.leaves is None:
        return "–"
    if metrics.gone_from is not None:
        return f"from {metrics.gone_from:,} on"
    return f"at {metrics.leaves.step:,}, for {metrics.leaves.length:,}"


def _lengths(entries: list[PathMetrics]) -> tuple[str, str, str]:
    straight = [entry.straightness for entry in entries if entry.straightness is not None]
    turns = _median(entries, lambda entry: entry.turns)
    length = _median(entries, lambda entry: entry.length_until_settled)
    return (
        fixed(length) if np.isfinite(length) and length < 1e6 else number(length, 2),
        f"{np.median(straight):.2f}" if straight else "–",
        f"{turns:,.0f}",
    )


def _medians(record: RaceRecord, group: Group) -> tuple[str, ...]:
    entries = metrics_of(record, group)
    settled = [entry.settles for entry in entries if entry.settles is not None]
    lost = sum(diverged(record, k) is not None for k in group.runners)
    leaving = sum(entry.leaves is not None for entry in entries)
    what = f"{lost:,} diverged" if lost else f"{leaving:,} of {len(entries):,}" if leaving else "–"
    when = f"{np.median(settled):,.0f} " if settled else ""
    return (f"{when}({len(settled):,}/{len(entries):,})", what, *_lengths(entries))


def _median(entries: list[PathMetrics], measure: Callable[[PathMetrics], float]) -> float:
    return float(np.median([measure(entry) for entry in entries]))


def notes(record: RaceRecord, points: float, also: Sequence[str] = ()) -> list[str]:
    """Return what the table's words mean, and what is ``also`` to be noted, in lines that fit ``points``."""
    if record.minimum is None:
        way = "rises" if record.maximizes else "falls"
        text = f"the function {way} without bound: no run settles · path, straight, turns: to the end"
    else:
        seen = (
            "less than {} below the highest value seen"
            if record.maximizes
            else "less than {} above the lowest value seen"
        )
        near = "less than {} above the minimum" if record.minimum_is_known else seen
        text = (
            f"settles: {near.format(number(record.tolerance))} for {record.patience} steps ·"
            " path, straight, turns: until then"
        )
    if len({(runner.start, runner.seed) for runner in record.runners}) > 1:
        text += " · medians over the runs"
    return wrap(" · ".join([*also, text]), points, 8.0, most=3)


def footer(record: RaceRecord, field: list[Group]) -> str:
    """Return how the race was run, and what it does not show."""
    seeds = sorted({runner.seed for runner in record.runners})
    starts = len({runner.start for runner in record.runners})
    rates = [f"{group.name} {rate(group)}" for group in field if rate(group)]
    parts = ["; ".join(rates) if len(field) == 1 else "learning rates in the table"]
    if starts > 1:
        parts.append(f"{starts:,} starts")
    parts.append(f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}–{seeds[-1]}")
    if record.noise:
        parts.append(f"gradient noise {number(record.noise)}")
    parts.append(f"{record.steps:,} steps, {record.dtype}, {record.engine} engine")
    versions = [
        f"{name} {record.versions[name].partition('+')[0]}" for name in ("slalom", "torch") if name in record.versions
    ]
    parts.append(", ".join(versions))
    parts.append("ranks on a plane do not transfer to networks")
    return " · ".join([part for part in parts if part] + [str(remark) for remark in record.remarks])
