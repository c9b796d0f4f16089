"""What ``slalom.sweep`` returns on tasks: how networks ended, over learning rates or over two hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from slalom.core import Optimizer, Task, Training
from slalom.lab import formats
from slalom.lab.sweeps import Pictured, identity, library_rate, sweep_table
from slalom.lab.tables import Table


@dataclass(eq=False)
class _NetworkSweep(Pictured):
    """What both sweeps over networks have in common. Satisfies what :mod:`slalom.show.views.sweeps` asks for."""

    course: Task
    optimizers: tuple[Optimizer, ...]
    names: tuple[str, ...]
    training: Training
    engine: str
    versions: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def remarks(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.notes

    def _failures(self, failed: np.ndarray) -> dict[str, Any]:
        """Return what JSON has of runs that failed: which, and why the first of them did; nothing where none did."""
        if not failed.any():
            return {}
        return {"failed": failed.tolist()}

    @property
    def course_title(self) -> str:
        return self.course.title

    @property
    def steps(self) -> int:
        return self.training.steps

    @property
    def epochs(self) -> float:
        return self.training.steps / self.training.steps_per_epoch

    @property
    def dtype(self) -> str:
        return self.training.dtype

    @property
    def precision(self) -> str:
        return self.training.precision

    @property
    def device(self) -> str:
        return self.training.device

    def _heading(self, over: str) -> dict[str, Any]:
        return {
            "course": self.course.name,
            "title": self.course.title,
            "over": over,
            "steps": self.steps,
            "steps_per_epoch": self.training.steps_per_epoch,
            "engine": self.engine,
            "dtype": self.dtype,
            "precision": self.precision,
            "device": self.device,
            "versions": dict(self.versions),
            "remarks": list(self.remarks),
        }


@dataclass(eq=False)
class NetworkSensitivity(_NetworkSweep):
    """Every optimizer at a range of learning rates of its own, with several seeds at each."""

    rates: tuple[np.ndarray, ...]  # one per optimizer, [L]
    finals: tuple[np.ndarray, ...]  # [L, S]: ``measure`` at the last step; NaN where a run diverged or failed
    measure: str  # "validation_accuracy"
    higher_is_better: bool
    seeds: tuple[int, ...]
    failed: tuple[np.ndarray, ...]  # [L, S], bool
    reason: str = ""  # why the first of the runs that failed did

    @cached_property
    def sweeps(self) -> list[Any]:
        """The same as the picture takes it."""
        from slalom.show import views

        return [
            views.RateSweep(name, optimizer.family, rates, finals, library_rate(optimizer), failed)
            for name, optimizer, rates, finals, failed in zip(
                self.names, self.optimizers, self.rates, self.finals, self.failed, strict=True
            )
        ]

    def view(self) -> Any:
        from slalom.show import views

        return views.network_sensitivity(self)

    def draw(self) -> Any:
        from slalom.show import plots

        return plots.sensitivity(self.view())

    def medians(self, index: int) -> np.ndarray:
        """Return the median over seeds at each learning rate of an optimizer, [L].

        A run that diverged is the worst, one that failed is left out: NaN where all did.
        """
        from slalom.show.views.seeds import spread

        worst = -np.inf if self.higher_is_better else np.inf
        finals = np.where(np.isfinite(self.finals[index]), self.finals[index], worst)
        return spread(np.where(self.failed[index], np.nan, finals).T, self.higher_is_better).middle

    def best(self, index: int) -> int | None:
        """Return which learning rate of an optimizer has the best median; None where all diverged or failed."""
        medians = self.medians(index)
        if not np.isfinite(medians).any():
            return None
        return int(np.nanargmax(medians) if self.higher_is_better else np.nanargmin(medians))

    def table(self) -> Table:
        title = self.measure.replace("_", " ")
        rows = []
        for index, (name, optimizer) in enumerate(zip(self.names, self.optimizers, strict=True)):
            best = self.best(index)
            at_edge = best is not None and best in (0, len(self.rates[index]) - 1)
            rows.append(
                {
                    "optimizer": name,
                    "best lr": None if best is None else float(self.rates[index][best]),
                    f"median {title}": None if best is None else float(self.medians(index)[best]),
                    "default lr": library_rate(optimizer),
                    "at the edge": "yes" if at_edge else "",
                    "diverged": float((~np.isfinite(self.finals[index]) & ~self.failed[index]).mean()),
                    **({"failed": float(self.failed[index].mean())} if self.reason else {}),
                }
            )
        count = len(self.seeds)
        failed = f"; runs that failed are left out, the first with: {self.reason}" if self.reason else ""
        each = f"over {count} seed{'s' * (count > 1)} at each rate"
        return sweep_table(rows, f"after {self.steps:,} steps, {each}{failed}")

    def as_dictionary(self) -> dict[str, Any]:
        return {
            **self._heading("lr"),
            "measure": self.measure,
            "higher_is_better": self.higher_is_better,
            "seeds": list(self.seeds),
            **({"reason": self.reason} if self.reason else {}),
            "optimizers": [
                {
                    **identity(name, optimizer),
                    "default": library_rate(optimizer),
                    "learning_rates": rates.tolist(),
                    "final": formats.nested(finals),
                    **self._failures(failed),
                }
                for name, optimizer, rates, finals, failed in zip(
                    self.names, self.optimizers, self.rates, self.finals, self.failed, strict=True
                )
            ],
        }

    def long_table(self) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        rows = [
            [optimizer.spec, rate, seed, value, _ended(value, gone)]
            for optimizer, rates, finals, failed in zip(
                self.optimizers, self.rates, self.finals, self.failed, strict=True
            )
            for rate, row, gone_row in zip(rates.tolist(), finals.tolist(), failed.tolist(), strict=True)
            for seed, value, gone in zip(self.seeds, row, gone_row, strict=True)
        ]
        return ("optimizer", "lr", "seed", self.measure, "status"), rows


def _ended(value: float, failed: bool) -> str:
    return "failed" if failed else "finished" if np.isfinite(value) else "diverged"


@dataclass(eq=False)
class TrainabilityMap(_NetworkSweep):
    """One optimizer over a grid of two hyperparameters: one network each, all of one seed."""

    axes: tuple[str, str]
    values: tuple[np.ndarray, np.ndarray]  # [n], [m]
    scales: tuple[str, str]
    final_loss: np.ndarray  # [n, m]: the training loss at the last step; NaN where a network diverged or failed
    diverged_at: np.ndarray  # [n, m], the step, −1 where it did not
    failed: np.ndarray  # [n, m], bool
    seed: int
    start_loss: float | None = None  # the training loss before the first step, the same for all
    reason: str = ""  # why the first of the networks that failed did

    quantity = "training loss"

    @property
    def optimizer_name(self) -> str:
        return self.optimizers[0].name

    @property
    def diverged(self) -> np.ndarray:
        """Who diverged, [n, m], bool."""
        return self.diverged_at >= 0

    def view(self) -> Any:
        from slalom.show import views

        return views.trainability(_AsGrid(self))

    def draw(self) -> Any:
        from slalom.show import plots

        return plots.trainability(self.view())

    def best(self) -> tuple[int, int] | None:
        """Return the cell with the lowest loss; None where all diverged or failed."""
        if not np.isfinite(self.final_loss).any():
            return None
        across, up = np.unravel_index(np.nanargmin(self.final_loss), self.final_loss.shape)
        return int(across), int(up)

    def table(self) -> Table:
        best = self.best()
        row: dict[str, Any] = {"optimizer": self.names[0]}
        for axis, (name, values) in enumerate(zip(self.axes, self.values, strict=True)):
            row[f"best {name}"] = None if best is None else float(values[best[axis]])
        row["training loss"] = None if best is None else float(self.final_loss[best])
        row["diverged"] = float(self.diverged.mean())
        if self.reason:
            row["failed"] = float(self.failed.mean())
        row["networks"] = str(self.final_loss.size)
        failed = f"; networks that failed, the first with: {self.reason}" if self.reason else ""
        return sweep_table([row], f"training loss after {self.steps:,} steps; every network starts alike{failed}")

    def as_dictionary(self) -> dict[str, Any]:
        return {
            **self._heading(",".join(self.axes)),
            **identity(self.names[0], self.optimizers[0]),
            "names": list(self.axes),
            "scales": list(self.scales),
            "values": [values.tolist() for values in self.values],
            "seed": self.seed,
            "start_loss": self.start_loss,
            "final_loss": formats.nested(self.final_loss),
            "diverged_at": self.diverged_at.tolist(),
            **self._failures(self.failed),
            **({"reason": self.reason} if self.reason else {}),
        }

    def long_table(self) -> tuple[Sequence[str], Sequence[Sequence[Any]]]:
        first, second = (values.tolist() for values in self.values)
        rows = [
            [self.optimizers[0].spec, x, y, self.seed, loss, gone if gone >= 0 else None, _ended(loss, broken)]
            for x, losses, lost, failed in zip(
                first, self.final_loss.tolist(), self.diverged_at.tolist(), self.failed.tolist(), strict=True
            )
            for y, loss, gone, broken in zip(second, losses, lost, failed, strict=True)
        ]
        return ("optimizer", *self.axes, "seed", "final_training_loss", "diverged_at", "status"), rows


class _AsGrid:
    """A map as the picture takes it, where ``names`` are those of the axes."""

    def __init__(self, made: TrainabilityMap):
        self._made = made

    @property
    def names(self) -> tuple[str, str]:
        return self._made.axes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._made, name)
