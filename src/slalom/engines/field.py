"""The real, unmodified optimizer classes, one shared gradient for the whole field.

All runners' points lie in one tensor [runners, dim]. Every optimizer is given ``nn.Parameter``s that are views of its
rows, and their ``.grad`` are views of the rows of one gradient, computed once per step. The result equals ``solo`` bit
for bit on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from slalom.core import Landscape, Noise, Optimizer, Progress, Runner, Trajectories
from slalom.engines.gradients import Gradient, exact_gradient
from slalom.engines.limits import bound, bounds, freeze
from slalom.engines.solo import NO_EPOCHS, descend


@dataclass
class Squad:
    """One real optimizer and the rows it moves."""

    optimizer: Any
    scheduler: Any  # of its learning rate, or None
    parameter: torch.nn.Parameter
    rows: slice
    limit: float
    guarded: bool  # stops once it has diverged, since it may not survive a NaN
    modes: bool
    running: bool = True


def field(
    landscape: Landscape,
    runners: Sequence[Runner],
    steps: int,
    *,
    noise: Noise,
    dtype: torch.dtype,
    device: str,
    progress: Progress | None = None,
) -> Trajectories:
    """Move all runners together, step by step. After Ctrl-C, return the steps that everybody has made."""
    alone = [index for index, runner in enumerate(runners) if _goes_alone(runner)]
    together = [index for index, runner in enumerate(runners) if not _goes_alone(runner)]
    paths = np.full((len(runners), steps + 1, landscape.dim), np.nan)
    evaluations = np.tile(np.arange(steps + 1), (len(runners), 1))
    completed, kept, remarks = steps, list(together), []
    if together:
        march = March(landscape, [runners[index] for index in together], steps, noise, dtype, device)
        with np.errstate(all="ignore"):  # what diverges overflows, and is recorded as that
            completed = march.run(progress)
        paths[together] = march.paths()
        if completed < steps:
            remarks.append(f"interrupted after step {completed} of {steps}")
    try:
        for index in alone if completed == steps else ():
            descend(
                landscape, runners[index], paths[index], evaluations[index], noise=noise, dtype=dtype, device=device
            )
            kept.append(index)
    except KeyboardInterrupt:
        pass
    kept.sort()
    if len(kept) < len(runners):
        remarks.append(f"interrupted: {len(kept)} of {len(runners)} runners are in the record")
    paths, evaluations = paths[kept, : completed + 1], evaluations[kept, : completed + 1]
    diverged_at = freeze(paths, bounds(landscape, [runners[index].start for index in kept]))
    counted = evaluations if alone else None
    return Trajectories(paths, diverged_at, completed, counted, tuple(remarks), tuple(kept))


def _goes_alone(runner: Runner) -> bool:
    """Whether the field's shared gradient or storage is of no use to the optimizer, which then runs as in ``solo``.

    It evaluates the loss itself, or differentiates the gradient again, or takes sparse gradients: adding a sparse
    tensor to a dense 1-D view with a storage offset goes astray in torch (it writes outside the view).
    """
    needs = runner.optimizer.needs
    fused = bool(runner.optimizer.hyperparameters.get("fused"))  # its kernel rounds many numbers otherwise than one
    return needs.closure or needs.create_graph or needs.sparse or fused


class March:
    """The field in motion: one storage for the points, one for the gradients, and a squad per optimizer."""

    def __init__(
        self,
        landscape: Landscape,
        runners: Sequence[Runner],
        steps: int,
        noise: Noise,
        dtype: torch.dtype,
        device: str,
    ):
        self.steps, self.noise, self.runners = steps, noise, runners
        starts = torch.tensor([runner.start for runner in runners], dtype=dtype, device=device)
        self.points = starts.clone()
        self.gradients = torch.zeros_like(self.points)
        self.record = torch.empty((steps + 1, *self.points.shape), dtype=dtype, device=device)
        self.record[0] = starts
        self.gradient: Gradient = exact_gradient(landscape, starts)
        self.squads = self._muster(landscape)
        self.blown = _noise_rows(noise, runners, steps, self.points) if noise.deviation else None

    def run(self, progress: Progress | None) -> int:
        """March all steps; return how many were made."""
        squads, record = self.squads, self.record.unbind(0)
        plain: list[Callable[[], Any]] = []
        for squad in squads:
            if _is_plain(squad):
                plain += [part.step for part in (squad.optimizer, squad.scheduler) if part is not None]
        special = [squad for squad in squads if not _is_plain(squad)]
        for squad in special:
            if squad.modes:
                squad.optimizer.train()
        for step in range(1, self.steps + 1):
            try:
                self.gradient(self.points, self.gradients)
                if self.blown is not None:
                    self.gradients += self.blown(step)
                for make_step in plain:
                    make_step()
                for squad in special:
                    self._step_special(squad)
                record[step].copy_(self.points)
                for squad in special:
                    if squad.modes and squad.running:
                        self._note_evaluation_point(squad, step)
                if progress and step % 64 == 0:
                    progress(step, self.steps)
            except KeyboardInterrupt:
                return step - 1
        return self.steps

    def paths(self) -> np.ndarray:
        """Return the paths, shape [runners, steps + 1, dim], float64."""
        return self.record.transpose(0, 1).to("cpu", torch.float64).numpy()

    def _muster(self, landscape: Landscape) -> list[Squad]:
        """Form squads: equal element-wise optimizers share one, the others get one per runner."""
        squads, low = [], 0
        while low < len(self.runners):
            optimizer = self.runners[low].optimizer
            high = low + 1
            if not optimizer.needs.one_each and not optimizer.needs.matrix:
                while high < len(self.runners) and self.runners[high].optimizer is optimizer:
                    high += 1
            squads.append(self._squad(landscape, optimizer, slice(low, high)))
            low = high
        return squads

    def _squad(self, landscape: Landscape, optimizer: Optimizer, rows: slice) -> Squad:
        needs = optimizer.needs
        one = rows.stop - rows.start == 1
        # A lone runner's parameter is 1-D, as in the plain loop; many rows make one 2-D parameter.
        points, gradients = self.points[rows], self.gradients[rows]
        if one and not needs.matrix:
            points, gradients = points[0], gradients[0]
        parameter = torch.nn.Parameter(points)
        parameter.grad = gradients
        made = optimizer.make([parameter])
        return Squad(
            optimizer=made,
            scheduler=optimizer.scheduler(made, self.steps, NO_EPOCHS),
            parameter=parameter,
            rows=rows,
            limit=bound(landscape, self.runners[rows.start]),
            guarded=needs.one_each or needs.matrix,
            modes=needs.modes,
        )

    def _step_special(self, squad: Squad) -> None:
        """One step of an optimizer that needs care; it stops once its runner has diverged."""
        if not squad.running:
            return
        squad.optimizer.step()
        if squad.scheduler is not None:
            squad.scheduler.step()
        values = squad.parameter.detach().flatten().tolist()
        if squad.guarded and not all(abs(x) <= squad.limit for x in values):
            squad.running = False

    def _note_evaluation_point(self, squad: Squad, step: int) -> None:
        """Record the point that the optimizer would evaluate at, which is not the one it takes gradients at."""
        squad.optimizer.eval()
        self.record[step][squad.rows] = self.points[squad.rows]
        squad.optimizer.train()


def _is_plain(squad: Squad) -> bool:
    return not (squad.guarded or squad.modes)


def _noise_rows(
    noise: Noise, runners: Sequence[Runner], steps: int, like: torch.Tensor
) -> Callable[[int], torch.Tensor]:
    """Return a function from the step to the noise of every runner, shape [runners, dim]; drawn in blocks of steps."""
    seeds = sorted({runner.seed for runner in runners})
    which = [seeds.index(runner.seed) for runner in runners]
    block: dict[int, torch.Tensor] = {}

    def rows(step: int) -> torch.Tensor:
        index = (step - 1) // noise.block
        if index not in block:
            block.clear()
            first = index * noise.block + 1
            count = min(noise.block, steps - first + 1)
            drawn = np.stack([noise.rows(seed, first, count, like.shape[1]) for seed in seeds], axis=1)
            block[index] = torch.from_numpy(drawn).to(like)
        return block[index][(step - 1) % noise.block][which]

    return rows
