"""Networks of several runners computed together: what the field and the fleet have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from slalom.core import Evaluation, InputError, Progress, Run, Runner, Task, Training, describe_exception, interrupts
from slalom.engines.networks.material import Batch, Material, Pieces
from slalom.engines.networks.measuring import Measures, joined, restored, weighted_mean
from slalom.engines.networks.recording import Stopwatch, bytes_of, finished, row, warm_up
from slalom.engines.networks.solo import precision_context, prepared_model
from slalom.engines.networks.stack import Stack
from slalom.engines.networks.tracing import Gradient, Judgement, unused_parameters

LOOK_EVERY = 32
"""Steps between looks whether all have diverged."""

ROOM_FOR_OUTPUTS = 2**28
"""Bytes of outputs of several networks that are collected for a metric at most; those of one always are."""

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

    ``parameters`` has shape [lanes, numbers], and so has ``gradients`` after :meth:`differentiate`. Each seed's
    network is made once; in a trial one ``model`` serves all seeds.
    """

    def __init__(
        self,
        task: Task,
        runners: Sequence[Runner],
        training: Training,
        *,
        swift: bool,
        model: torch.nn.Module | None = None,
    ):
        self.task, self.runners, self.training = task, runners, training
        self.material = Material.of(task, training)
        missing = max(0, LEAST - len(runners))
        self.seeds = [runner.seed for runner in runners] + [runners[-1].seed] * missing
        models = {
            seed: prepared_model(task, seed, training) if model is None else model for seed in dict.fromkeys(self.seeds)
        }
        first = models[self.seeds[0]]
        self.stack = Stack([models[seed] for seed in self.seeds], unused_parameters(task, training, first))
        self.parameters = self.stack.flat
        self.gradients = torch.zeros_like(self.parameters)
        self._into = self.stack.views(self.gradients)
        swift = swift and _counts_classes(task)
        self._gradient = Gradient.of(task, training, first, swift=swift)
        self._judgement = Judgement.of(task, training, first, swift=swift)
        self.measures = Measures(task)
        self.failures: dict[int, str] = {}  # by runner, what its metrics raised
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
        except interrupts():
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
        if runner in self.failures and not facts.get("error"):
            facts["error"] = self.failures[runner]
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
        found: dict[int, dict[str, float]] = {}
        for seed, lanes in self._lanes_of.items():
            for split, pieces in self.material.judged(seed):
                for lane, values in zip(lanes, self._measured(lanes, pieces), strict=True):
                    if lane < len(self.runners):
                        found.setdefault(lane, {}).update({f"{split}_{name}": x for name, x in values.items()})
        return found

    def judge_together(self, batch: Batch) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the measures [measures, lanes] that are means of some examples, and outputs where others need them."""
        return self._judgement(self.stack.views(self.parameters), self.stack.fixed, batch.inputs, batch.target)

    def _measured(self, lanes: list[int], pieces: Pieces) -> list[dict[str, float]]:
        """Return the measures of some lanes on a split: of half of them at a time where their outputs are large."""
        parameters, fixed = self._of_lanes(lanes)
        means, sizes = [], []
        kept: list[list[torch.Tensor]] = []
        for piece in pieces:
            mean, outputs = self._judgement(parameters, fixed, piece.inputs, piece.target)
            size = bytes_of(outputs) * len(pieces) // len(piece.target)
            if not kept and len(lanes) > LEAST and size > ROOM_FOR_OUTPUTS:
                middle = len(lanes) // 2
                return self._measured(lanes[:middle], pieces) + self._measured(lanes[middle:], pieces)
            means.append(mean)
            sizes.append(len(piece.target))
            kept.append(outputs)
        columns = weighted_mean(means, sizes).T.tolist()
        found = [dict(zip(self.measures.by_piece, column, strict=True)) for column in columns[: len(lanes)]]
        if self.measures.whole:
            whole = pieces.whole()
            together = joined(kept, sizes, dim=1)
            tensors = self._judgement(parameters, fixed, *whole)[1] if together is None else together[0]
            for position, (lane, values) in enumerate(zip(lanes, found, strict=True)):
                values |= self._of_split(lane, [x[position] for x in tensors], whole.target)
        return [{name: values[name] for name in self.measures.named} for values in found]

    def _of_split(self, lane: int, tensors: list[torch.Tensor], target: torch.Tensor) -> dict[str, float]:
        """Return the measures of one lane that need a whole split; where one of them raises, the run has failed."""
        with precision_context(self.training):
            try:
                return self.measures.of_split(restored(tensors, self._judgement.structure), target)
            except interrupts(InputError):
                raise
            except BaseException as problem:
                self.failures.setdefault(lane, describe_exception(problem))
                return dict.fromkeys(self.measures.whole, math.nan)

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
