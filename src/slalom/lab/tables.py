"""The table of a race, for a terminal, a notebook or a program."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from slalom.core import PathMetrics, RaceRecord, Status
from slalom.core.metrics import first_settled

RUNNERS_SHOWN = 60
"""Beyond this many runners, the table has one line per optimizer."""


@dataclass(frozen=True)
class Table:
    """Rows of raw values, and the same as people read them. ``str(table)`` is the plain text."""

    columns: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    texts: tuple[tuple[str, ...], ...]
    notes: str = ""

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.columns, *self.texts, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) if index == 0 else cell.rjust(width) for index, (cell, width) in
                      enumerate(zip(line, widths, strict=True))).rstrip()
            for line in (self.columns, *self.texts)
        ]  # fmt: skip
        lines.insert(1, "  ".join("─" * width for width in widths))
        return "\n".join([*lines, self.notes] if self.notes else lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line) + "</tr>" for line in self.texts
        )
        notes = f"<p><small>{html.escape(self.notes)}</small></p>" if self.notes else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"


def race_table(race: RaceRecord) -> Table:
    """Return one row per runner, or one per optimizer where there are many runners."""
    return _runners(race) if len(race.runners) <= RUNNERS_SHOWN else _optimizers(race)


def _runners(race: RaceRecord) -> Table:
    many_starts = len({runner.start_index for runner in race.runners}) > 1
    many_seeds = len({runner.seed for runner in race.runners}) > 1
    rows, texts = [], []
    for runner, status, metrics, losses in zip(race.runners, race.statuses, race.metrics, race.losses, strict=True):
        row: dict[str, Any] = {"optimizer": runner.name, "lr": runner.optimizer.hyperparameters.get("lr")}
        if many_starts:
            row["start"] = runner.start_index
        if many_seeds:
            row["seed"] = runner.seed
        final = metrics.final_gap
        if race.minimum is None and status.kind != Status.DIVERGED:
            final = float(losses[-1])
        row |= {"status": str(status), **_measures(metrics, f"final {final_of(race)}", final)}
        rows.append(row)
        texts.append(tuple(_text(name, value, metrics) for name, value in row.items()))
    return Table(tuple(rows[0]), tuple(rows), tuple(texts), _notes(race))


def final_of(race: RaceRecord) -> str:
    """Return what a table calls the last value of a run: its gap, or the value itself where there is no f*."""
    if race.minimum is None:
        return "f"
    return "f* − f" if race.maximizes else "f − f*"


def _measures(metrics: PathMetrics, name: str, final: float | None) -> dict[str, Any]:
    leaves = metrics.leaves
    return {
        "settles at": metrics.settles,
        "leaves again": leaves.step if leaves else None,
        name: final,
        "path": metrics.length_until_settled,
        "straight": metrics.straightness,
        "turns": metrics.turns,
        "gradients": metrics.evaluations,
    }


def _text(name: str, value: Any, metrics: PathMetrics) -> str:
    if name == "leaves again" and metrics.leaves:
        first, times = metrics.leaves, len(metrics.excursions)
        if metrics.gone_from is not None:
            return f"from {metrics.gone_from:,} on"
        return f"at {value:,}, for {first.length:,}" + (f" (1st of {times})" if times > 1 else "")
    if value is None:
        return "–"
    if name == "straight":
        return f"{value:.2f}"
    if name.startswith("final ") or name == "lr":
        return f"{value:.3g}"
    if name == "path":
        return significant(value)
    return f"{value:,}" if isinstance(value, int) else str(value)


def significant(value: float) -> str:
    """Return ``value`` with about three digits: 75.6, 0.0123, 1,370, 2.1e+09."""
    if value == 0:
        return "0"
    if 0.001 <= abs(value) < 1e6:
        digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 4
        return f"{value:,.{digits}f}"
    return f"{value:.2g}"


def _notes(race: RaceRecord) -> str:
    return f"{_settled(race)}; path, straightness and turns until settled"


def _settled(race: RaceRecord) -> str:
    """Return what "settled" means in this race."""
    if race.minimum is None:
        way = "rises" if race.maximizes else "falls"
        return f"the function {way} without bound: no f* to measure from, and no run settles"
    best = "" if race.minimum_is_known else " (f* unknown: the best value seen)"
    return f"settled: {final_of(race)} < {race.tolerance:.2g} for {race.patience} steps{best}"


def _optimizers(race: RaceRecord) -> Table:
    """One row per optimizer: shares and medians over its runners, from arrays, since there may be thousands."""
    groups: dict[str, list[int]] = {}
    for index, runner in enumerate(race.runners):
        groups.setdefault(runner.name, []).append(index)
    rows = [_summary(race, name, members) for name, members in groups.items()]
    if not any(row["failed"] for row in rows):
        for row in rows:
            del row["failed"]
    texts = [tuple(_summary_text(name, value) for name, value in row.items()) for row in rows]
    notes = f"{_settled(race)}; settles at: median of those that settle; finals of those that did not diverge"
    return Table(tuple(rows[0]), tuple(rows), tuple(texts), notes)


def _summary(race: RaceRecord, name: str, members: Sequence[int]) -> dict[str, Any]:
    with np.errstate(invalid="ignore"):
        steps = first_settled(race.gaps[members] < race.tolerance, race.patience)
    settled = steps[steps >= 0]
    finals = (race.losses if race.minimum is None else race.gaps)[members, -1]
    failed = race.failed[members]
    lost = failed | ~np.isfinite(race.losses[members, -1])
    best = np.max if race.minimum is None and race.maximizes else np.min
    return {
        "optimizer": name,
        "lr": race.runners[members[0]].optimizer.hyperparameters.get("lr"),
        "runners": len(members),
        "settled": len(settled) / len(members),
        "diverged": float((lost & ~failed).mean()),
        "failed": float(failed.mean()),
        "settles at": float(np.median(settled)) if len(settled) else None,
        f"median final {final_of(race)}": None if lost.all() else float(np.median(finals[~lost])),
        f"best final {final_of(race)}": None if lost.all() else float(best(finals[~lost])),
    }


def _summary_text(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if name in ("settled", "diverged", "failed"):
        return f"{100 * value:.1f} %"
    if " final " in name or name == "lr":
        return f"{value:.3g}"
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)
