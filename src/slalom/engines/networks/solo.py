"""The plain training loop that a person would write, one network at a time: the reference for the other engines."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from slalom.core import (
    Evaluation,
    InputError,
    Progress,
    Run,
    Runner,
    Task,
    Training,
    begin_training,
    describe_exception,
    interrupts,
    quote,
)
from slalom.engines.networks.material import Material
from slalom.engines.networks.measuring import Measures, measured, uses_batch_statistics
from slalom.engines.networks.recording import (
    Stopwatch,
    bytes_of,
    finished,
    one_thread,
    row,
    state_tensors,
    warm_up,
)
from slalom.isolation import is_foreign, isolated, own_chance, own_state, seed_everything, step_seed

LOOK_EVERY = 32
"""Steps between looks for divergence on a device that would have to be waited for; the CPU is looked at every step."""


def solo(task: Task, runners: Sequence[Runner], training: Training, *, progress: Progress | None = None) -> list[Run]:
    """Train every runner by itself. After Ctrl-C, return the runs so far; the last one is as far as it got."""
    warm_up()
    runs: list[Run] = []
    total = len(runners) * training.steps
    with one_thread(), own_chance(), torch.enable_grad():
        for runner in runners:
            done = len(runs) * training.steps

            def advance(step: int, done: int = done) -> None:
                if progress:
                    progress(done + step, total)

            runs.append(_trained(task, runner, training, advance))
            if runs[-1].interrupted:
                break
    return runs


def _trained(task: Task, runner: Runner, training: Training, advance: Any) -> Run:
    """Return one runner's run. What its optimizer changes elsewhere is put back when it ends."""
    if not is_foreign(runner.optimizer):
        return _followed(task, runner, training, advance)
    with isolated(getattr(runner.optimizer, "factory", None)) as changed:
        run = _followed(task, runner, training, advance)
    if not changed:
        return run
    told = f"{quote(runner.optimizer.spec)} changed {', '.join(changed)}, which was put back after its run"
    return replace(run, remark=told)


def _followed(task: Task, runner: Runner, training: Training, advance: Any) -> Run:
    """Return one runner's run; an optimizer that cannot even be made leaves one that says why."""
    try:
        trainee = Trainee(task, runner, training)
    except (InputError, MemoryError, torch.OutOfMemoryError):
        raise
    except interrupts():
        raise
    except BaseException as problem:
        return Run(np.empty(0), [], error=describe_exception(problem))
    with own_state(task, trainee.model):
        return trainee.run(advance)


def precision_context(training: Training) -> AbstractContextManager[Any]:
    """Return the context in which networks are computed: autocast to bfloat16 where that was asked for."""
    if training.precision != "bf16":
        return nullcontext()
    return torch.autocast(torch.device(training.device).type, dtype=torch.bfloat16)


def prepared_model(task: Task, seed: int, training: Training) -> torch.nn.Module:
    """Return the seed's network on its device, in training mode."""
    dtype = getattr(torch, training.dtype)

    def placed(tensor: torch.Tensor) -> torch.Tensor:
        kind = dtype.to_complex() if tensor.is_complex() else dtype if tensor.is_floating_point() else None
        return tensor.to(training.device, kind)

    model = task.model(seed)._apply(placed)  # .to() would make real numbers of complex ones
    if task.channels_last:
        model = model.to(memory_format=torch.channels_last)
    return model.train()


class Trainee:
    """One network with its real optimizer, trained as its user would train it."""

    def __init__(self, task: Task, runner: Runner, training: Training, model: torch.nn.Module | None = None):
        self.task, self.runner, self.training = task, runner, training
        self.material = Material.of(task, training)
        self.needs = runner.optimizer.needs
        self.model = prepared_model(task, runner.seed, training) if model is None else model
        self.parameters = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        named = [(name, p) for name, p in self.model.named_parameters() if p.requires_grad]
        seed_everything(step_seed(runner.seed, 0))
        self.optimizer = runner.optimizer.equip(named)
        self.scheduler = runner.optimizer.scheduler(self.optimizer, training.length, training.steps_per_epoch)
        self.losses = torch.full((training.steps,), torch.nan, dtype=torch.float64, device=training.device)
        self.rates = np.full(training.steps, np.nan) if self.scheduler is not None else None
        self.gradient_evaluations = 0
        self.evaluations: list[Evaluation] = []

    def run(self, advance: Any) -> Run:
        """Train to the end, to a divergence, an error or an interruption; say which."""
        training, watch = self.training, Stopwatch(self.training.device)
        look_every = 1 if training.device == "cpu" else LOOK_EVERY
        step, made, interrupted, error, evaluate_at = 0, 0, False, "", set(training.evaluate_at)
        try:
            if 0 in evaluate_at:
                self._note(0, 0.0)
            if self.needs.modes:
                begin_training(self.optimizer)
            for step in range(1, training.steps + 1):
                watch.start()
                self.step(step)
                made = step
                watch.stop()
                if step in evaluate_at:
                    self._note(step, watch.seconds)
                if step % look_every == 0 and not math.isfinite(self.losses[step - 1].item()):
                    break
                advance(step)
        except interrupts():
            interrupted = True
        except InputError:
            raise
        except BaseException as problem:
            error = describe_exception(problem)
        if made and evaluate_at and (not self.evaluations or self.evaluations[-1]["step"] != made) and not error:
            try:
                self._note(made, watch.stop())
            except interrupts(InputError):
                raise
            except BaseException as problem:
                error = describe_exception(problem)
        return finished(
            self.losses.cpu().numpy(),
            self.evaluations,
            training,
            completed=made,
            interrupted=interrupted,
            error=error,
            seconds=watch.stop(),
            gradient_evaluations=self.gradient_evaluations,
            memory=2 * bytes_of(self.parameters) + bytes_of(state_tensors(self.optimizer)),
            learning_rates=None if self.rates is None else self.rates[:made],
        )

    def step(self, step: int) -> None:
        """Make one step of training."""
        batch = self.material.batch(self.runner.seed, step)
        chance = step_seed(self.runner.seed, step)
        first: list[torch.Tensor] = []

        def evaluate() -> torch.Tensor:
            self.gradient_evaluations += 1
            self.optimizer.zero_grad()
            with precision_context(self.training):
                loss = self.task.loss(self.model(*batch.inputs), batch.target)
            first.append(loss.detach())
            loss.backward(create_graph=self.needs.create_graph)
            if self.needs.sparse:
                for parameter in self.parameters:
                    if parameter.grad is not None:
                        parameter.grad = parameter.grad.to_sparse()
            return loss

        if self.rates is not None:
            self.rates[step - 1] = self.optimizer.param_groups[0]["lr"]

        def evaluate_again() -> torch.Tensor:
            """Evaluate with the step's own dropout masks, and leave the optimizer's random numbers alone."""
            with own_chance(), torch.enable_grad():  # some call it where gradients are off
                seed_everything(chance)
                return evaluate()

        seed_everything(chance)
        if self.needs.closure:
            self.optimizer.step(evaluate_again)
        else:
            evaluate()
            self.optimizer.step()
        self.losses[step - 1] = first[0]
        if self.scheduler is not None:
            self.scheduler.step()

    def _note(self, step: int, seconds: float) -> None:
        self._switch(False, step)
        seed_everything(step_seed(self.runner.seed, -1 - step))  # no step of training has this number
        found = measure(self.task, self.model, self.material, self.runner.seed, self.training)
        self._switch(True, step)
        self.evaluations.append(row(step, self.training, seconds, found))

    def _switch(self, training_mode: bool, step: int) -> None:
        """Put the network, and an optimizer that wants to be told, into training or evaluation mode.

        Before its first step an optimizer has no other point to show, and some cannot be told.
        """
        self.model.train(training_mode)
        if self.needs.modes and step:
            (self.optimizer.train if training_mode else self.optimizer.eval)()


def measure(task: Task, model: Any, material: Material, seed: int, training: Training) -> dict[str, float]:
    """Return losses and metrics of a network by split and name, such as ``test_loss``."""
    measures = Measures(task)
    found: dict[str, float] = {}
    in_one = uses_batch_statistics(model)
    with torch.no_grad(), precision_context(training):
        for split, pieces in material.judged(seed, in_one=in_one):
            of_split = measured(measures, lambda batch: model(*batch.inputs), pieces)
            found |= {f"{split}_{name}": value for name, value in of_split.items()}
    return found
