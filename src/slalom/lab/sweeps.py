"""What ``slalom.sweep`` returns: the ends of many runs, as a picture, a table and files."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from slalom.core import Ends, Landscape, Optimizer, maximizes
from slalom.core.metrics import PATIENCE
from slalom.lab import formats
from slalom.lab.record import TOLERANCE, Race
from slalom.lab.result import Result
from slalom.lab.tables import Table, significant
from slalom.lab.unbounded import falls_without_bound


class Pictured(Result):
    """What every result of a sweep can do, given its view, its figure, its dictionary and its long table.

    It is saved as its picture (png svg pdf) or as numbers (csv json).
    """

    remarks: tuple[str, ...] = ()

    @cached_property
    def sentence(self) -> str:
        """What to see, in a sentence or two computed from the runs."""
        return " ".join(self.view().sentence)

    def view(self) -> Any:
        """Return the numbers of the picture."""
        raise NotImplementedError

    def draw(self) -> Any:
        """Return the matplotlib figure."""
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
    remarks: tuple[str, ...] = ()

    @cached_property
    def success(self) -> tuple[float, ...]:
        """The share of starts from which each optimizer arrives at a minimum and stays."""
        return tuple(float((ends.arrived_at >= 0).mean()) for ends in self.ends)

    @property
    def _any_failed(self) -> bool:
        return any(ends.errors for ends in self.ends)

    def view(self) -> Any:
        from slalom.show import views

        sweeps = [
            views.StartSweep(
                name,
                optimizer.family,
                self.grid_x,
                self.grid_y,
                ends.points,
                ends.arrived_at,
                ends.diverged,
                ends.failed,
            )
            for name, optimizer, ends in zip(self.names, self.optimizers, self.ends, strict=True)
        ]
        return views.basin_map(sweeps, self.course, steps=self.steps, fan=self.fan, footer=_footer(self))

    def draw(self) -> Any:
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
                    **({"failed": float(ends.failed.mean())} if self._any_failed else {}),
                    "settles at": float(np.median(arrived)) if len(arrived) else None,
                }
            )
        notes = f"arrives: settles (f − f* < {TOLERANCE:g} for {PATIENCE} steps) and is there at the end"
        notes += "; settles at: the median of these"
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
                    **({"failed": ends.failed.tolist()} if ends.errors else {}),
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
            [optimizer.spec, x, y, *point, loss, arrived, gone, failed]
            for optimizer, ends in zip(self.optimizers, self.ends, strict=True)
            for (x, y), point, loss, arrived, gone, failed in zip(
                cells,
                ends.points.tolist(),
                ends.losses.tolist(),
                ends.arrived_at.tolist(),
                ends.diverged.astype(int).tolist(),
                ends.failed.astype(int).tolist(),
                strict=True,
            )
        ]
        return ("optimizer", "start_x0", "start_x1", "x0", "x1", "loss", "arrived_at", "diverged", "failed"), rows


@dataclass(eq=False)
class SensitivitySweep(Pictured):
    """Every optimizer at a range of learning rates."""

    course: Landscape
    optimizers: tuple[Optimizer, ...]
    names: tuple[str, ...]
    rates: np.ndarray  # [L]
    final_losses: tuple[np.ndarray, ...]  # one per optimizer, [L, runs]: at the last step
    diverged: tuple[np.ndarray, ...]  # [L, runs], bool
    failed: tuple[np.ndarray, ...]  # [L, runs], bool
    last_points: tuple[np.ndarray, ...]  # [L, runs, dim]
    points: np.ndarray  # [starts, dim]: where runs begin, each start with all seeds
    starts: int
    seeds: int
    steps: int
    engine: str
    dtype: str
    versions: Mapping[str, str]
    remarks: tuple[str, ...] = ()

    @property
    def maximizes(self) -> bool:
        """Whether the optimizers climb: then f* is the highest value."""
        return any(map(maximizes, self.optimizers))

    @cached_property
    def _began(self) -> np.ndarray:
        """f at the start of each run at a rate, [runs]."""
        return np.repeat(self.course.values(self.points), self.seeds)

    @cached_property
    def minimum(self) -> float | None:
        """f*: known, or the best loss at the end of any run, diverged ones included; None: f falls without bound."""
        sign = -1.0 if self.maximizes else 1.0
        if self.course.minima and not self.maximizes:
            return min(minimum.value for minimum in self.course.minima)
        losses = np.concatenate([losses.reshape(-1) for losses in self.final_losses])
        places = np.concatenate([points.reshape(-1, points.shape[-1]) for points in self.last_points])
        first = np.tile(np.repeat(self.points, self.seeds, axis=0), (len(losses) // len(self._began), 1))
        both = np.stack([np.tile(self._began, len(losses) // len(self._began)), losses], axis=1)
        if falls_without_bound(self.course, both, np.stack([first, places], axis=1), sign):
            return None
        known = both[np.isfinite(both)]
        return float(sign * (sign * known).min()) if len(known) else 0.0

    @cached_property
    def gaps(self) -> tuple[np.ndarray, ...]:
        """What is compared, [L, runs] per optimizer; NaN where a run diverged or failed.

        It is f − f* at the last step (f* − f where optimizers maximize); where there is no f*, how far a run has come
        below its start (above it).
        """
        sign, floor = -1.0 if self.maximizes else 1.0, self.minimum
        return tuple(
            np.where(
                gone,
                np.nan,
                np.maximum(sign * (self._began - losses if floor is None else losses - floor), 0.0),
            )
            for losses, gone in zip(self.final_losses, map(np.logical_or, self.diverged, self.failed), strict=True)
        )

    @property
    def measured(self) -> str:
        """What ``gaps`` are: "f − f*"."""
        if self.minimum is None:
            return "rise of f" if self.maximizes else "fall of f"
        return "f* − f" if self.maximizes else "f − f*"

    def view(self) -> Any:
        from slalom.show import views

        sweeps = [
            views.RateSweep(name, optimizer.family, self.rates, gaps, library_rate(optimizer), failed)
            for name, optimizer, gaps, failed in zip(self.names, self.optimizers, self.gaps, self.failed, strict=True)
        ]
        runs = f"{self.starts} start{'s' * (self.starts > 1)}" + (f" × {self.seeds} seeds" if self.seeds > 1 else "")
        footer = f"{runs} per rate, {self.steps:,} steps, {_footer(self)}"
        known = bool(self.course.minima) and not self.maximizes
        best = f"the {'highest' if self.maximizes else 'lowest'} value seen"
        quantity = f"final loss {'below' if self.maximizes else 'above'} {'the minimum' if known else best}"
        if self.minimum is None:
            quantity = f"how far the loss {'rises' if self.maximizes else 'falls'}"
        return views.sensitivity(
            sweeps,
            self.course.title,
            tolerance=TOLERANCE if known else None,
            runs=runs,
            footer=footer,
            quantity=quantity,
            higher_is_better=self.minimum is None,
        )

    def draw(self) -> Any:
        from slalom.show import plots

        return plots.sensitivity(self.view())

    def table(self) -> Table:
        rows = []
        lines = zip(self.view().lines, self.optimizers, self.gaps, self.diverged, self.failed, strict=True)
        for line, optimizer, gaps, gone, failed in lines:
            best = None if line.best is None else int(np.argmin(np.abs(self.rates - line.best[0])))
            rows.append(
                {
                    "optimizer": line.name,
                    "best lr": line.best[0] if line.best else None,
                    f"median {self.measured}": None if best is None else float(self._medians(gaps, failed)[best]),
                    "default lr": library_rate(optimizer),
                    "usable decades": line.decades,
                    "diverged": float(gone.mean()),
                    **({"failed": float(failed.mean())} if any(map(np.any, self.failed)) else {}),
                }
            )
        return sweep_table(
            rows, "median over runs at the last step; usable: the stretch around the best that is good enough"
        )

    def _medians(self, gaps: np.ndarray, failed: np.ndarray) -> np.ndarray:
        """Return the median over the runs at each learning rate, [L]."""
        from slalom.show.views.sensitivities import rank_quantiles

        return rank_quantiles(gaps, (0.5,), higher_is_better=self.minimum is None, failed=failed)[0]

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
                    **({"failed": failed.tolist()} if failed.any() else {}),
                }
                for name, optimizer, losses, gone, failed in zip(
                    self.names, self.optimizers, self.final_losses, self.diverged, self.failed, strict=True
                )
            ],
        }

    def long_table(self) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        rows = [
            [optimizer.spec, rate, run, losses[index, run], int(diverged[index, run]), int(failed[index, run])]
            for optimizer, losses, diverged, failed in zip(
                self.optimizers, self.final_losses, self.diverged, self.failed, strict=True
            )
            for index, rate in enumerate(self.rates.tolist())
            for run in range(losses.shape[1])
        ]
        return ("optimizer", "lr", "run", "final_loss", "diverged", "failed"), rows


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

        return views.ladder(self.rows, self.factors, self.names)

    def draw(self) -> Any:
        from slalom.show import plots

        return plots.ladder(self.view())

    def table(self) -> Table:
        rows = []
        for name, optimizer, race in zip(self.names, self.optimizers, self.rows, strict=True):
            row: dict[str, Any] = {"optimizer": name, "lr": optimizer.hyperparameters["lr"]}
            for factor, status, losses in zip(self.factors, race.statuses, race.losses, strict=True):
                row[f"×{factor:g}"] = str(status) if status.kind in ("diverged", "failed") else float(losses[-1])
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
    if name in ("arrives", "diverges", "diverged", "failed"):
        return f"{100 * value:.1f} %"
    if name == "usable decades":
        return f"{value:.1f}"
    return f"{value:,.0f}" if name == "settles at" else f"{value:.3g}" if "lr" in name else significant(value)
