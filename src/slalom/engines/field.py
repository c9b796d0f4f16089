"""The real, unmodified optimizer classes, one gradient computed for the whole field.

All runners' points lie in one tensor [runners, dim], and their gradient is computed once per step. Runs of an optimizer
that an update rule describes share a parameter, a view of their rows; every other run has an optimizer and a parameter
of its own (:mod:`slalom.engines.single`). The result equals ``solo`` bit for bit on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from slalom.core import Landscape, Noise, Optimizer, Progress, Runner, Trajectories, interrupts
from slalom.engines.gradients import Gradient, exact_gradient
from slalom.engines.limits import bound, bounds, freeze
from slalom.engines.single import SharedState, Single, may_share
from slalom.engines.solo import NO_EPOCHS, descend_noting, remarks_on, warm_up
from slalom.isolation import own_chance


@dataclass
class Squad:
    """One real optimizer that moves the rows of several runs together."""

    optimizer: Any
    scheduler: Any  # of its learning rate, or None
    parameter: torch.nn.Parameter  # a view of its rows


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
    """Move all runners together, step by step. After Ctrl-C, return the steps that all of them have made."""
    alone = [index for index, runner in enumerate(runners) if _goes_alone(runner)]
    together = [index for index, runner in enumerate(runners) if not _goes_alone(runner)]
    paths = np.full((len(runners), steps + 1, landscape.dim), np.nan)
    evaluations = np.tile(np.arange(steps + 1), (len(runners), 1))
    completed, kept, remarks = steps, list(together), []
    errors: dict[int, str] = {}
    unfit: dict[int, str] = {}
    changed: dict[int, tuple[str, ...]] = {}
    if together:
        march = March(landscape, [runners[index] for index in together], steps, noise, dtype, device)
        with np.errstate(all="ignore"), own_chance():  # what diverges overflows, and is recorded as that
            completed = march.run(progress)
        paths[together] = march.paths()
        errors = {together[row]: single.error for row, single in march.singles.items() if single.error}
        unfit = {together[row]: single.unfit for row, single in march.singles.items() if single.unfit}
        if completed < steps:
            remarks.append(f"interrupted after step {completed} of {steps}")
    kept = [index for index in kept if index not in unfit]
    try:
        for index in sorted([*alone, *unfit]) if completed == steps else ():
            paths[index] = np.nan
            errors[index], changed[index] = descend_noting(
                landscape, runners[index], paths[index], evaluations[index], noise=noise, dtype=dtype, device=device
            )
            kept.append(index)
    except interrupts():
        pass
    kept.sort()
    if len(kept) < len(runners):
        remarks.append(f"interrupted: {len(kept)} of {len(runners)} runners are in the record")
    remarks += remarks_on(runners, unfit, changed)
    paths, evaluations = paths[kept, : completed + 1], evaluations[kept, : completed + 1]
    diverged_at = freeze(paths, bounds(landscape, [runners[index].start for index in kept]))
    counted = evaluations if alone or unfit else None
    told = {row: errors[index] for row, index in enumerate(kept) if errors.get(index)}
    return Trajectories(paths, diverged_at, completed, counted, tuple(remarks), tuple(kept), told)


def _goes_alone(runner: Runner) -> bool:
    """Whether the field's shared gradient or storage is of no use to the optimizer, which then runs as in ``solo``.

    It evaluates the loss itself, or differentiates the gradient again, or takes sparse gradients: adding a sparse
    tensor to a dense 1-D view with a storage offset goes astray in torch (it writes outside the view).
    """
    needs = runner.optimizer.needs
    fused = bool(runner.optimizer.hyperparameters.get("fused"))  # its kernel rounds many numbers otherwise than one
    return needs.closure or needs.create_graph or needs.sparse or fused


class Lone(Single):
    """An optimizer that moves one row of the field."""

    def __init__(self, march: March, row: int, limit: float):
        runner = march.runners[row]
        point = march.points[row].clone()
        matrix = runner.optimizer.needs.matrix
        super().__init__(runner.optimizer, runner.seed, [torch.nn.Parameter(point[None] if matrix else point)])
        self.row, self.limit, self.modes = row, limit, runner.optimizer.needs.modes
        self.diverged = False
        (parameter,) = self.parameters
        self.make(
            lambda: runner.optimizer.make([parameter]),
            lambda made: runner.optimizer.scheduler(made, march.steps, NO_EPOCHS),
        )
        if not self.stopped:  # a class may move its parameters when it is made
            march.points[row] = march.shown[row] = march.record[0, row] = parameter.detach().flatten()

    def advance(self, march: March, step: int) -> None:
        """Make a step and note where it led; it stops once its runner has diverged."""
        if self.diverged or self.stopped:
            return
        self.call(partial(self._advance, march, step), step)
        if self.error:
            march.points[self.row] = march.shown[self.row] = torch.nan

    def _advance(self, march: March, step: int) -> None:
        (parameter,) = self.parameters
        self.step([march.gradients[self.row].view(parameter.shape)])
        if self.modes:  # the point that it would evaluate at is not the one it takes gradients at
            self.optimizer.eval()
        shown = parameter.detach().flatten()
        march.shown[self.row].copy_(shown)
        self.diverged = not all(abs(x) <= self.limit for x in shown.tolist())
        if self.modes:
            self.optimizer.train()
            march.points[self.row].copy_(parameter.detach().flatten())
        elif march.points is not march.shown:
            march.points[self.row].copy_(shown)


class March:
    """The field in motion: one storage for the points, one for the gradients, and an optimizer for each run or squad.

    ``shown`` [runners, dim] are the points that are recorded; ``points`` are those at which gradients are taken.
    """

    def __init__(
        self,
        landscape: Landscape,
        runners: Sequence[Runner],
        steps: int,
        noise: Noise,
        dtype: torch.dtype,
        device: str,
    ):
        self.landscape, self.steps, self.noise, self.runners = landscape, steps, noise, runners
        starts = torch.tensor([runner.start for runner in runners], dtype=dtype, device=device)
        self.points = starts.clone()
        modes = any(runner.optimizer.needs.modes for runner in runners)
        self.shown = starts.clone() if modes else self.points
        self.gradients = torch.zeros_like(self.points)
        self.record = torch.empty((steps + 1, *self.points.shape), dtype=dtype, device=device)
        self.record[0] = starts
        self.gradient: Gradient = exact_gradient(landscape, starts)
        self.squads: list[Squad] = []
        self.singles: dict[int, Lone] = {}  # by row
        self.blown = _noise_rows(noise, runners, steps, self.points) if noise.deviation else None

    def run(self, progress: Progress | None) -> int:
        """March all steps; return how many were made."""
        warm_up()
        shared = SharedState([runner.optimizer for runner in self.runners])
        try:
            self._muster()
            return self._march(shared, progress)
        finally:
            shared.put_back()

    def _march(self, shared: SharedState, progress: Progress | None) -> int:
        record = self.record.unbind(0)
        together: list[Callable[[], Any]] = [
            part.step for squad in self.squads for part in (squad.optimizer, squad.scheduler) if part is not None
        ]
        singles = list(self.singles.values())
        squad_rows = [row for row in range(len(self.runners)) if row not in self.singles]
        shared.look(singles, 0)
        for step in range(1, self.steps + 1):
            try:
                self.gradient(self.points, self.gradients)
                if self.blown is not None:
                    self.gradients += self.blown(step)
                for make_step in together:
                    make_step()
                for single in singles:
                    single.advance(self, step)
                if self.shown is not self.points:
                    self.shown[squad_rows] = self.points[squad_rows]
                record[step].copy_(self.shown)
                shared.look(singles, step)
                if progress and step % 64 == 0:
                    progress(step, self.steps)
            except interrupts():
                return step - 1
        shared.compare(singles)
        return self.steps

    def paths(self) -> np.ndarray:
        """Return the paths, shape [runners, steps + 1, dim], float64."""
        return self.record.transpose(0, 1).to("cpu", torch.float64).numpy()

    def _muster(self) -> None:
        """Form squads of neighbours whose optimizer an update rule describes; every other run moves by itself."""
        low = 0
        while low < len(self.runners):
            optimizer, high = self.runners[low].optimizer, low + 1
            if may_share(optimizer):
                while high < len(self.runners) and self.runners[high].optimizer is optimizer:
                    high += 1
                self.squads.append(self._squad(optimizer, slice(low, high)))
            else:
                self.singles[low] = Lone(self, low, bound(self.landscape, self.runners[low]))
            low = high

    def _squad(self, optimizer: Optimizer, rows: slice) -> Squad:
        # One runner's parameter is 1-D, as in the plain loop; many rows make one 2-D parameter.
        chosen: Any = rows.start if rows.stop - rows.start == 1 else rows
        parameter = torch.nn.Parameter(self.points[chosen])
        parameter.grad = self.gradients[chosen]
        made = optimizer.make([parameter])
        return Squad(made, optimizer.scheduler(made, self.steps, NO_EPOCHS), parameter)


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
