"""What ``slalom.sweep`` returns: the ends of many runs, as a picture, a table and files."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from slalom.core import Ends, Landscape, Optimizer
from slalom.lab import files, formats, pictures
from slalom.lab.record import TOLERANCE, Race
from slalom.lab.tables import Table, significant


class Pictured:
    """What every result of a sweep can do, given its view, its figure, its dictionary and its long table."""

    remarks: tuple[str, ...] = ()

    @cached_property
    def sentence(self) -> str:
        """What to see, in a sentence or two computed from the runs."""
        return " ".join(self.view().sentence)

    def view(self) -> Any:
        """Return the numbers of the picture."""
        raise NotImplementedError

    def figure(self) -> Any:
        """Return the matplotlib figure."""
        raise NotImplementedError

    def table(self) -> Table:
        """Return one row per optimizer."""
        raise NotImplementedError

    def as_dictionary(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        raise NotImplementedError

    def long_table(self) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        """Return column names and rows, one per run: what CSV has."""
        raise NotImplementedError

    def to_json(self) -> bytes:
        """Return everything as JSON; numbers that are not finite are null."""
        return formats.as_json(self.as_dictionary())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture (png svg pdf) or the numbers (csv json); the file appears whole or not at all."""
        return files.save(
            path,
            {
                **pictures.still_writers(self.figure),
                "csv": lambda aside: formats.write_csv(aside, *self.long_table()),
                "json": lambda aside: pictures.write_bytes(aside, self.to_json()),
            },
        )

    def _repr_html_(self) -> str:
        return pictures.as_html(self.figure(), self.table())


@dataclass(eq=False)
class BasinSweep(Pictured):
    """Every optimizer from a grid of starting points. Grid cells run row by row, y outer, x inner."""

    course: Landscape
    optimizers: tuple[Optimizer, ...]
    names: tuple[str, ...]
    grid_x: np.ndarray  # [columns], the x of the cells' centres
    grid_y: np.ndarray  # [rows]
    ends: tuple[Ends, ...]  # one per optimizer, each over rows × columns
    threshold: float
    fan: Race  # the start itself and paths scattered around it
    steps: int
    engine: str
    dtype: str
    versions: Mapping[str, str]

    @cached_property
    def success(self) -> tuple[float, ...]:
        """The share of starts from which each optimizer arrives at a minimum and stays."""
        return tuple(float((ends.arrived_at >= 0).mean()) for ends in self.ends)

    def view(self) -> Any:
        from slalom.show import views

        sweeps = [
            views.StartSweep(
                name, optimizer.family, self.grid_x, self.grid_y, ends.points, ends.arrived_at, ends.diverged
            )
            for name, optimizer, ends in zip(self.names, self.optimizers, self.ends, strict=True)
        ]
        return views.basin_map(sweeps, self.course, steps=self.steps, fan=self.fan, footer=_footer(self))

    def figure(self) -> Any:
        from slalom.show import plots

        return plots.basin_map(self.view())

    def table(self) -> Table:
        rows = []
        for name, optimizer, ends, share in zip(self.names, self.optimizers, self.ends, self.success, strict=True):
            arrived = ends.arrived_at[ends.arrived_at >= 0]
            rows.append(
                {
                    "optimizer": name,
                    "lr": optimizer.hyperparameters.get("lr"),
                    "arrives": share,
                    "diverges": float(ends.diverged.mean()),
                    "median steps": float(np.median(arrived)) if len(arrived) else None,
                }
            )
        notes = f"arrives: f − f* < {TOLERANCE:g} within {self.steps:,} steps, and stays"
        return sweep_table(rows, notes)

    def as_dictionary(self) -> dict[str, Any]:
        return {
            **_heading(self, "start"),
            "x": self.grid_x.tolist(),
            "y": self.grid_y.tolist(),
            "optimizers": [
                {
                    **identity(name, optimizer),
                    "success": share,
                    "arrived_at": ends.arrived_at.tolist(),
                    "diverged": ends.diverged.tolist(),
                    "points": ends.points.tolist(),
                }
                for name, optimizer, ends, share in zip(
                    self.names, self.optimizers, self.ends, self.success, strict=True
                )
            ],
        }

    def long_table(self) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        cells = [(x, y) for y in self.grid_y.tolist() for x in self.grid_x.tolist()]
        rows = [
            [optimizer.spec, x, y, *point, loss, arrived, gone]
            for optimizer, ends in zip(self.optimizers, self.ends, strict=True)
            for (x, y), point, loss, arrived, gone in zip(
                cells,
                ends.points.tolist(),
                ends.losses.tolist(),
                ends.arrived_at.tolist(),
                ends.diverged.astype(int).tolist(),
                strict=True,
            )
        ]
        return ("optimizer", "start_x0", "start_x1", "x0", "x1", "loss", "arrived_at", "diverged"), rows


@dataclass(eq=False)
class SensitivitySweep(Pictured):
    """Every optimizer at a range of learning rates."""

    course: Landscape
    optimizers: tuple[Optimizer, ...]
    names: tuple[str, ...]
    rates: np.ndarray  # [L]
    final_losses: tuple[np.ndarray, ...]  # one per optimizer, [L, runs]: at the last step
    diverged: tuple[np.ndarray, ...]  # [L, runs]
    starts: int
    seeds: int
    steps: int
    engine: str
    dtype: str
    versions: Mapping[str, str]

    @cached_property
    def minimum(self) -> float:
        """f*: known, or the best loss at the end of any run."""
        if self.course.minima:
            return min(minimum.value for minimum in self.course.minima)
        ends = [losses[~gone] for losses, gone in zip(self.final_losses, self.diverged, strict=True)]
        return min((float(end.min()) for end in ends if end.size), default=0.0)

    @cached_property
    def gaps(self) -> tuple[np.ndarray, ...]:
        """f − f* at the last step, [L, runs] per optimizer; NaN where a run diverged."""
        return tuple(
            np.where(gone, np.nan, np.maximum(losses - self.minimum, 0.0))
            for losses, gone in zip(self.final_losses, self.diverged, strict=True)
        )

    def view(self) -> Any:
        from slalom.show import views

        sweeps = [
            views.RateSweep(name, optimizer.family, self.rates, gaps, library_rate(optimizer))
            for name, optimizer, gaps in zip(self.names, self.optimizers, self.gaps, strict=True)
        ]
        runs = f"{self.starts} start{'s' * (self.starts > 1)}" + (f" × {self.seeds} seeds" if self.seeds > 1 else "")
        footer = f"{runs} per rate, {self.steps:,} steps, {_footer(self)}"
        return views.sensitivity(sweeps, self.course.title, tolerance=TOLERANCE, runs=runs, footer=footer)

    def figure(self) -> Any:
        from slalom.show import plots

        return plots.sensitivity(self.view())

    def table(self) -> Table:
        rows = []
        lines = zip(self.view().lines, self.optimizers, self.gaps, self.diverged, strict=True)
        for line, optimizer, gaps, gone in lines:
            best = None if line.best is None else int(np.argmin(np.abs(self.rates - line.best[0])))
            rows.append(
                {
                    "optimizer": line.name,
                    "best lr": line.best[0] if line.best else None,
                    "median f − f*": None
                    if best is None
                    else float(np.quantile(np.nan_to_num(gaps[best], nan=np.inf), 0.5, method="higher")),
                    "default lr": library_rate(optimizer),
                    "usable decades": line.decades,
                    "diverged": float(gone.mean()),
                }
            )
        return sweep_table(
            rows, "median over runs at the last step; usable: the stretch around the best that is good enough"
        )

    def as_dictionary(self) -> dict[str, Any]:
        return {
            **_heading(self, "lr"),
            "minimum": self.minimum,
            "learning_rates": self.rates.tolist(),
            "optimizers": [
                {
                    **identity(name, optimizer),
                    "default": library_rate(optimizer),
                    "final_loss": losses.tolist(),
                    "diverged": gone.tolist(),
                }
                for name, optimizer, losses, gone in zip(
                    self.names, self.optimizers, self.final_losses, self.diverged, strict=True
                )
            ],
        }

    def long_table(self) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        rows = [
            [optimizer.spec, rate, run, loss, int(gone)]
            for optimizer, losses, diverged in zip(self.optimizers, self.final_losses, self.diverged, strict=True)
            for rate, row, gone_row in zip(self.rates.tolist(), losses.tolist(), diverged.tolist(), strict=True)
            for run, (loss, gone) in enumerate(zip(row, gone_row, strict=True))
        ]
        return ("optimizer", "lr", "run", "final_loss", "diverged"), rows


@dataclass(eq=False)
class LadderSweep(Pictured):
    """Every optimizer at multiples of its learning rate, with the paths: one race per optimizer."""

    course: Landscape
    optimizers: tuple[Optimizer, ...]
    names: tuple[str, ...]
    factors: tuple[float, ...]
    rows: tuple[Race, ...]

    @property
    def steps(self) -> int:
        return min(race.steps for race in self.rows)

    @property
    def engine(self) -> str:
        return self.rows[0].engine

    @property
    def dtype(self) -> str:
        return self.rows[0].dtype

    @property
    def versions(self) -> Mapping[str, str]:
        return self.rows[0].versions

    def view(self) -> Any:
        from slalom.show import views

        return views.ladder(self.rows, self.factors)

    def figure(self) -> Any:
        from slalom.show import plots

        return plots.ladder(self.view())

    def table(self) -> Table:
        rows = []
        for name, optimizer, race in zip(self.names, self.optimizers, self.rows, strict=True):
            row: dict[str, Any] = {"optimizer": name, "lr": optimizer.hyperparameters["lr"]}
            for factor, status, losses in zip(self.factors, race.statuses, race.losses, strict=True):
                row[f"×{factor:g}"] = str(status) if status.kind == "diverged" else float(losses[-1])
            rows.append(row)
        return sweep_table(rows, f"loss after {self.steps:,} steps at multiples of the learning rate")

    def as_dictionary(self) -> dict[str, Any]:
        from slalom.lab import exports

        return {
            **_heading(self, "ladder"),
            "factors": list(self.factors),
            "optimizers": [
                {**identity(name, optimizer), "runners": exports.as_dictionary(race)["runners"]}
                for name, optimizer, race in zip(self.names, self.optimizers, self.rows, strict=True)
            ],
        }

    def long_table(self) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        axes = [f"x{axis}" for axis in range(self.course.dim)]
        rows = [
            [optimizer.spec, factor, step, loss, *point]
            for optimizer, race in zip(self.optimizers, self.rows, strict=True)
            for factor, losses, path in zip(self.factors, race.losses.tolist(), race.paths.tolist(), strict=True)
            for step, (loss, point) in enumerate(zip(losses, path, strict=True))
        ]
        return ("optimizer", "factor", "step", "loss", *axes), rows


Sweep = BasinSweep | SensitivitySweep | LadderSweep


def library_rate(optimizer: Any) -> float | None:
    """Return the learning rate that the optimizer's class has by default, None where it has none."""
    try:
        default = inspect.signature(optimizer.factory).parameters["lr"].default
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    return float(default) if isinstance(default, int | float) else None


def _heading(sweep: Any, over: str) -> dict[str, Any]:
    return {
        "course": sweep.course.name,
        "title": sweep.course.title,
        "over": over,
        "steps": sweep.steps,
        "engine": sweep.engine,
        "dtype": sweep.dtype,
        "versions": dict(sweep.versions),
    }


def identity(name: str, optimizer: Optimizer) -> dict[str, Any]:
    return {"name": name, "optimizer": optimizer.spec}


def _footer(sweep: Any) -> str:
    """What a picture's last line says of the machinery."""
    versions = ", ".join(f"{name} {sweep.versions[name]}" for name in ("slalom", "torch"))
    return f"{sweep.dtype}, {sweep.engine} engine · {versions}"


def sweep_table(rows: list[dict[str, Any]], notes: str) -> Table:
    texts = tuple(tuple(_cell(name, value) for name, value in row.items()) for row in rows)
    return Table(tuple(rows[0]), tuple(rows), texts, notes)


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    if name in ("arrives", "diverges", "diverged"):
        return f"{100 * value:.1f} %"
    if name == "usable decades":
        return f"{value:.1f}"
    return f"{value:,.0f}" if name == "median steps" else f"{value:.3g}" if "lr" in name else significant(value)
