"""Training loops as a person would write them, against which slalom is held: nothing in them is slalom's but the data.

Random numbers alone need a convention: before step k every generator is seeded by (seed, k), before the optimizer is
made by (seed, 0).
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from slalom.core import Needs, order_of
from slalom.isolation import step_seed
from slalom.tasks import find


def seed_all(seed: int, step: int) -> None:
    torch.manual_seed(step_seed(seed, step))
    np.random.seed(step_seed(seed, step))
    random.seed(step_seed(seed, step))


def _backward(loss: Any, needs: Needs) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's, of graphs that are kept
        loss.backward(create_graph=needs.create_graph)


def banana(x: Any, y: Any) -> Any:
    return (1 - x) ** 2 + 5 * (y - x * x) ** 2


def descend(make: Callable[[Any], Any], start: Sequence[float], steps: int, needs: Needs, seed: int = 0) -> np.ndarray:
    """Return the points of a descent on :func:`banana`, shape [steps + 1, 2], as far as they are finite."""
    p = torch.nn.Parameter(torch.tensor([start] if needs.matrix else start, dtype=torch.float64))
    seed_all(seed, 0)
    optimizer = make([{"params": [p], "use_muon": True}] if needs.muon_groups else [p])
    path = [p.detach().flatten().tolist()]

    def evaluate() -> Any:
        optimizer.zero_grad()
        loss = banana(*p.flatten().unbind())
        _backward(loss, needs)
        if needs.sparse:
            p.grad = p.grad.to_sparse()
        return loss

    if needs.modes:
        optimizer.train()
    for step in range(1, steps + 1):
        seed_all(seed, step)
        if needs.closure:
            optimizer.step(torch.enable_grad()(evaluate))
        else:
            evaluate()
            optimizer.step()
        if needs.modes:
            optimizer.eval()
        path.append(p.detach().flatten().tolist())
        if needs.modes:
            optimizer.train()
        if not np.isfinite(path[-1]).all():
            break
    return np.array(path)


def train(
    make: Callable[[Any], Any], steps: int, needs: Needs, evaluate_at: Sequence[int] = (), seed: int = 0
) -> list[float]:
    """Return the minibatch losses of digits-mlp; ``make`` is given its named parameters.

    After the steps ``evaluate_at`` an optimizer with modes is told that its network is evaluated, which rounds.
    """
    task: Any = find("digits-mlp")
    splits, examples = task.splits(seed), task.examples()
    order = order_of(task, splits)
    model = task.model(seed)
    seed_all(seed, 0)
    optimizer = make(list(model.named_parameters()))
    if needs.modes:
        optimizer.train()
    losses = []
    for step in range(1, steps + 1):
        chosen = torch.from_numpy(splits.train[order.batch(seed, step)])
        inputs, target = [x[chosen] for x in examples.inputs], examples.target[chosen]
        first: list[float] = []
        seed_all(seed, step)

        def evaluate(inputs: Any = inputs, target: Any = target, first: list[float] = first) -> Any:
            optimizer.zero_grad()
            loss = task.loss(model(*inputs), target)
            first.append(loss.item())
            _backward(loss, needs)
            if needs.sparse:
                for p in model.parameters():
                    p.grad = p.grad.to_sparse()
            return loss

        if needs.closure:
            optimizer.step(torch.enable_grad()(evaluate))
        else:
            evaluate()
            optimizer.step()
        losses.append(first[0])
        if needs.modes and step in evaluate_at:
            optimizer.eval()
            optimizer.train()
    return losses


def over_matrices(make: Callable[[Any], Any], needs: Needs) -> Callable[[Any], Any]:
    """Return a maker for named parameters, set up as Muon is: the matrices but the last by ``make``, the rest AdamW."""

    def equipped(named: Sequence[tuple[str, Any]]) -> Any:
        parameters = [p for _, p in named]
        if not needs.matrix:
            return make(parameters)
        hidden = [p for p in parameters if p.ndim == 2][:-1]
        rest = [p for p in parameters if not any(p is other for other in hidden)]
        if needs.muon_groups:
            return make([{"params": hidden, "use_muon": True}, {"params": rest, "use_muon": False}])
        return Both(make(hidden), torch.optim.AdamW(rest))

    return equipped


class Both:
    """Two optimizers that step together."""

    def __init__(self, *parts: Any):
        self.parts = parts

    def zero_grad(self) -> None:
        for part in self.parts:
            part.zero_grad()

    def step(self, closure: Any = None) -> None:
        if closure is not None:
            with torch.enable_grad():
                closure()
        for part in self.parts:
            part.step()
