"""The loss and the metrics of a split, by which networks are evaluated.

Those that are means over examples are computed in pieces of the data and averaged. All others are called once, with the
outputs of the whole split: the mean of the R² of several pieces is not the R².
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._pytree import TreeSpec, tree_flatten, tree_unflatten

from slalom.core import Metric, Task, interrupts, one_number, quote
from slalom.engines.networks.material import Batch, Pieces


class Measures:
    """The loss and the metrics of a task: ``by_piece`` those that are means over examples, ``whole`` the others."""

    def __init__(self, task: Task):
        def task_loss(outputs: Any, target: Any) -> Any:
            return task.loss(outputs, target)  # a bound method would keep the task alive, which may be a weak reference

        loss = Metric(task_loss, higher_is_better=False, mean=task.loss_is_mean)
        self.named = {"loss": loss, **task.metrics}
        self.by_piece = [name for name, metric in self.named.items() if metric.mean]
        self.whole = [name for name, metric in self.named.items() if not metric.mean]

    def means(self, outputs: Any, target: Any) -> torch.Tensor:
        """Return those that are means of some examples, float64, shape [measures]; none give shape [0]."""
        values = [
            torch.as_tensor(self.named[name].function(outputs, target), device=target.device).double().reshape(())
            for name in self.by_piece
        ]
        return torch.stack(values) if values else torch.empty(0, dtype=torch.float64, device=target.device)

    def of_split(self, outputs: Any, target: Any) -> dict[str, float]:
        """Return those that need a whole split; NaN where a function fails on outputs that are not finite."""
        return {name: self._number(name, outputs, target) for name in self.whole}

    def _number(self, name: str, outputs: Any, target: Any) -> float:
        try:
            value = self.named[name].function(outputs, target)
        except interrupts():
            raise
        except BaseException:
            # Libraries refuse NaN, which a network that has diverged returns.
            if not are_finite(outputs):
                return math.nan
            raise
        return one_number(quote(name), value)


def are_finite(outputs: Any) -> bool:
    """Return whether all floating tensors among a network's outputs are finite."""
    leaves = tree_flatten(outputs)[0]
    return all(bool(x.isfinite().all()) for x in leaves if isinstance(x, torch.Tensor) and x.is_floating_point())


def measured(measures: Measures, forward: Callable[[Batch], Any], pieces: Pieces) -> dict[str, float]:
    """Return the loss and the metrics of one network on one split. ``forward`` returns its outputs for a batch."""
    means, sizes, kept = [], [], []
    for piece in pieces:
        outputs = forward(piece)
        means.append(measures.means(outputs, piece.target))
        sizes.append(len(piece.target))
        if measures.whole:
            kept.append(outputs)
    found = dict(zip(measures.by_piece, weighted_mean(means, sizes).tolist(), strict=True))
    if measures.whole:
        whole = pieces.whole()
        outputs = joined(kept, sizes)
        del kept
        found |= measures.of_split(forward(whole) if outputs is None else outputs[0], whole.target)
    return {name: found[name] for name in measures.named}


def uses_batch_statistics(model: torch.nn.Module) -> bool:
    """Return whether a network in evaluation normalises by the statistics of the examples evaluated together."""
    norms = torch.nn.modules.batchnorm._BatchNorm
    return any(isinstance(module, norms) and module.running_mean is None for module in model.modules())


def weighted_mean(values: Sequence[torch.Tensor], sizes: Sequence[int]) -> torch.Tensor:
    """Return the mean of what pieces of unequal size gave, each counted by its size."""
    return torch.stack([value * size for value, size in zip(values, sizes, strict=True)]).sum(dim=0) / sum(sizes)


def joined(outputs: list[Any], sizes: Sequence[int], dim: int = 0) -> tuple[Any] | None:
    """Return the outputs of a whole split from those of its pieces, as the only entry of a tuple.

    None where they can't be joined: one of them is no tensor, or ``dim`` does not count the examples (a sequence-first
    recurrent network, a sum over the batch). The network then has to compute the split at once.
    """
    if len(outputs) == 1:
        return (outputs[0],)
    flat = [tree_flatten(one) for one in outputs]
    spec = flat[0][1]
    columns = list(zip(*(leaves for leaves, _ in flat), strict=False))
    if any(other != spec for _, other in flat) or not all(_counts(column, sizes, dim) for column in columns):
        return None
    return (tree_unflatten([torch.cat(column, dim=dim) for column in columns], spec),)


def _counts(column: Sequence[Any], sizes: Sequence[int], dim: int) -> bool:
    """Return whether a dimension of the tensors counts the examples of each piece."""
    return all(
        isinstance(x, torch.Tensor) and x.dim() > dim and x.shape[dim] == size
        for x, size in zip(column, sizes, strict=True)
    )


def tensors_of(outputs: Any) -> tuple[list[torch.Tensor], tuple[TreeSpec, list[Any]]]:
    """Return the tensors among outputs, and what :func:`restored` needs to put them back: the other leaves too."""
    leaves, spec = tree_flatten(outputs)
    return [x for x in leaves if isinstance(x, torch.Tensor)], (
        spec,
        [TENSOR if isinstance(x, torch.Tensor) else x for x in leaves],
    )


TENSOR = object()
"""Marks the place of a tensor among the leaves of a network's outputs."""


def restored(tensors: Sequence[torch.Tensor], structure: tuple[TreeSpec, list[Any]]) -> Any:
    """Return outputs from their tensors and their structure."""
    left = iter(tensors)
    spec, leaves = structure
    return tree_unflatten([next(left) if leaf is TENSOR else leaf for leaf in leaves], spec)
