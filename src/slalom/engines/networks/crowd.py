"""Networks of several runners computed together: what the field and the fleet have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from slalom.core import Evaluation, Progress, Run, Runner, Task, Training
from slalom.engines.networks.material import Material
from slalom.engines.networks.recording import Stopwatch, bytes_of, finished, row, warm_up
from slalom.engines.networks.solo import prepared_model, weighted_mean
from slalom.engines.networks.stack import Stack
from slalom.engines.networks.tracing import Gradient, Judgement, unused_parameters

LOOK_EVERY = 32
"""Steps between looks whether all have diverged."""

LEAST = 2
"""Lanes that are computed at least: one alone takes other routines, whose results differ in the last bits."""


class Movers(Protocol):
    """What moves the parameters of a crowd once the gradients are there."""

    def step(self, step: int) -> None:
        """Make ``step`` (from 1) for all runners."""
        ...

    def seconds(self) -> Sequence[float]:
        """Return the seconds of its own that each runner's optimizer took so far, evaluations left out."""
        ...

    def facts(self, runner: int) -> dict[str, Any]:
        """Return what a run's record says about its optimizer: ``memory``, ``learning_rates``, ``error``.

        Of one that failed also ``failed_at``, the last step that it made.
        """
        ...

    def showing(self) -> Any:
        """Return a context in which the parameters are those to be judged."""
        ...


class Crowd:
    """The networks of some runners, in lanes; more lanes than runners where there would be fewer than LEAST.

    ``parameters`` has shape [lanes, numbers], and so has ``gradients`` after :meth:`differentiate`.
    """

    def __init__(self, task: Task, runners: Sequence[Runner], training: Training, *, swift: bool):
        self.task, self.runners, self.training = task, runners, training
        self.material = Material.of(task, training)
        missing = max(0, LEAST - len(runners))
        self.seeds = [runner.seed for runner in runners] + [runners[-1].seed] * missing
        models = {seed: prepared_model(task, seed, training) for seed in dict.fromkeys(self.seeds)}
        self.stack = Stack([models[seed] for seed in self.seeds], unused_parameters(task, training))
        self.parameters = self.stack.flat
        self.gradients = torch.zeros_like(self.parameters)
        self._into = self.stack.views(self.gradients)
        swift = swift and _counts_classes(task)
        self._gradient = Gradient.of(task, training, swift=swift)
        self._judgement = Judgement.of(task, training, swift=swift)
        self._lanes_of = {
            seed: [lane for lane, own in enumerate(self.seeds) if own == seed] for seed in dict.fromkeys(self.seeds)
        }
        shape = (training.steps, len(self.seeds))
        self.losses = torch.full(shape, torch.nan, dtype=torch.float64, device=training.device)
        self.evaluations: list[list[Evaluation]] = [[] for _ in runners]

    def differentiate(self, step: int) -> None:
        """Compute everybody's minibatch loss and gradient at ``step``."""
        batch = self.material.batches(self.seeds, step)
        views = self.stack.views(self.parameters)
        self.losses[step - 1] = self._gradient(views, self.stack.fixed, batch.inputs, batch.target, self._into)

    def run(self, movers: Movers, progress: Progress | None) -> list[Run]:
        """Train to the end or to an interruption; return everybody's run."""
        training, watch = self.training, Stopwatch(self.training.device)
        warm_up()
        evaluate_at, made, interrupted, count = set(training.evaluate_at), 0, False, len(self.runners)
        seconds: Callable[[], list[float]] = lambda: self._seconds(watch, movers)  # noqa: E731
        try:
            if 0 in evaluate_at:
                self._evaluate(0, [0.0] * count, movers)
            for step in range(1, training.steps + 1):
                watch.start()
                self.differentiate(step)
                watch.stop()
                movers.step(step)
                made = step
                if step in evaluate_at:
                    self._evaluate(step, seconds(), movers)
                if step % LOOK_EVERY == 0 and not bool(torch.isfinite(self.losses[step - 1, :count]).any()):
                    break
                if progress:
                    progress(step * count, training.steps * count)
        except KeyboardInterrupt:
            interrupted = True
        if made and evaluate_at and (not self.evaluations[0] or self.evaluations[0][-1]["step"] != made):
            self._evaluate(made, seconds(), movers)
        losses, spent = self.losses.T.cpu().numpy(), seconds()
        return [self._run_of(k, losses[k], made, interrupted, spent[k], movers) for k in range(count)]

    def _run_of(
        self, runner: int, losses: np.ndarray, made: int, interrupted: bool, seconds: float, movers: Movers
    ) -> Run:
        """Return one runner's run, which ends where its optimizer failed."""
        facts = movers.facts(runner)
        failed_at = facts.pop("failed_at", None)
        completed = made if failed_at is None else failed_at
        evaluations = [evaluation for evaluation in self.evaluations[runner] if evaluation["step"] <= completed]
        return finished(
            losses,
            evaluations,
            self.training,
            completed=completed,
            interrupted=interrupted and failed_at is None,
            seconds=seconds,
            gradient_evaluations=completed,
            **facts,
        )

    def _seconds(self, watch: Stopwatch, movers: Movers) -> list[float]:
        shared = watch.seconds / len(self.runners)
        return [shared + own for own in movers.seconds()]

    def _evaluate(self, step: int, seconds: Sequence[float], movers: Movers) -> None:
        with movers.showing():
            for runner, measured in self.judge().items():
                self.evaluations[runner].append(row(step, self.training, seconds[runner], measured))

    def judge(self) -> dict[int, dict[str, float]]:
        """Return each runner's losses and metrics by name."""
        judged_runners: dict[int, dict[str, float]] = {}
        measures = ("loss", *self.task.metrics)
        for seed, lanes in self._lanes_of.items():
            parameters, fixed = self._of_lanes(lanes)
            found: dict[str, np.ndarray] = {}
            for split, pieces in self.material.judged(seed):
                values, sizes = [], []
                for piece in pieces:
                    values.append(self._judgement(parameters, fixed, piece.inputs, piece.target))
                    sizes.append(len(piece.target))
                means = weighted_mean(values, sizes).cpu().numpy()
                found |= {f"{split}_{measure}": values for measure, values in zip(measures, means, strict=True)}
            for position, lane in enumerate(lanes):
                if lane < len(self.runners):
                    judged_runners[lane] = {name: float(values[position]) for name, values in found.items()}
        return judged_runners

    def _of_lanes(self, lanes: list[int]) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
        """Return the named parameters and the fixed tensors of some lanes, at least LEAST of them."""
        if len(lanes) == len(self.seeds):
            return self.stack.views(self.parameters), self.stack.fixed
        chosen = torch.tensor(lanes + [lanes[-1]] * max(0, LEAST - len(lanes)), device=self.parameters.device)
        fixed = {name: value.index_select(0, chosen) for name, value in self.stack.fixed.items()}
        return self.stack.views(self.parameters.index_select(0, chosen)), fixed

    def own_bytes(self) -> int:
        """Return the bytes of one runner's parameters and gradients."""
        return 2 * bytes_of([self.parameters[0]])


def _counts_classes(task: Task) -> bool:
    """Whether targets, where they are whole numbers, are all classes: a negative one may mean "ignore this"."""
    target = task.examples().target
    return target.is_floating_point() or bool((target >= 0).all())
