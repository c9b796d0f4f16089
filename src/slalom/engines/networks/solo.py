"""The plain training loop that a person would write, one network at a time: the reference for the other engines."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from slalom.core import Progress, Run, Runner, Task, Training, order_of


def solo(task: Task, runners: Sequence[Runner], training: Training, *, progress: Progress | None = None) -> list[Run]:
    """Train every runner by itself. THIN SLICE."""
    return [train(task, runner, training) for runner in runners]


def train(task: Task, runner: Runner, training: Training) -> Run:
    splits = task.splits(runner.seed)
    order = order_of(task, splits)
    examples = task.examples()
    model = task.model(runner.seed)
    optimizer = runner.optimizer.make(model.parameters())
    losses = np.full(training.steps, np.nan)
    evaluations: list[dict[str, float]] = []
    spent = 0.0

    def evaluate(step: int) -> None:
        row: dict[str, Any] = {"step": step, "epoch": step / training.steps_per_epoch, "seconds": spent}
        model.eval()
        with torch.no_grad():
            for name, indices in splits.named().items():
                outputs, target = model(*(x[indices] for x in examples.inputs)), examples.target[indices]
                row[f"{name}_loss"] = float(task.loss(outputs, target))
                for measure, metric in task.metrics.items():
                    row[f"{name}_{measure}"] = float(metric.function(outputs, target))
        model.train()
        evaluations.append(row)

    evaluate(0)
    for step in range(1, training.steps + 1):
        began = time.perf_counter()
        indices = splits.train[order.batch(runner.seed, step)]
        optimizer.zero_grad()
        loss = task.loss(model(*(x[indices] for x in examples.inputs)), examples.target[indices])
        loss.backward()
        optimizer.step()
        losses[step - 1] = float(loss)
        spent += time.perf_counter() - began
        if step in training.evaluate_at:
            evaluate(step)
    return Run(losses, evaluations, completed=training.steps, seconds=spent, gradient_evaluations=training.steps)
